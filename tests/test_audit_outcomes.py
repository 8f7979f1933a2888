"""What the audit says of waivers, backups, rejections for good and what never was."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from policy_rollout import events as ev
from policy_rollout.audit import as_json, audit, verdict_lines
from policy_rollout.journal.chain import StoredEntry
from policy_rollout.journal.store import Journal
from tests.rehearsed import (
    BACKUP,
    BRANDT,
    HADDAD,
    OSEI,
    TAN,
    WORK,
    Rehearsal,
    account_of,
    audited,
    changed,
    numbers,
    play,
    play_to_a_waiver,
    said,
    written_anew,
)


@pytest.fixture
def local(tmp_path) -> Iterator[Journal]:
    with Journal(f"sqlite:///{tmp_path / 'journal.sqlite3'}") as opened:
        yield opened


@pytest.fixture(scope="module")
def played(tmp_path_factory) -> tuple[StoredEntry, ...]:
    """The entries of a whole program."""
    address = f"sqlite:///{tmp_path_factory.mktemp('played') / 'journal.sqlite3'}"
    with Journal(address) as journal:
        play(journal)
        return journal.read_stored("appeals")


def test_a_waived_criterion_counts_until_its_last_day(local):
    program = play_to_a_waiver(local)
    program.approve("prepare", "legal", BRANDT)
    program.approve("prepare", "policy", HADDAD)
    program.sign_by_code("prepare", "policy", OSEI, "code-2")
    assert program.state.passed("prepare")
    assert said(audited(program)) == []


def test_a_gate_that_passed_on_a_waiver_that_had_expired_is_found(local):
    program = play_to_a_waiver(local)
    program.approve("prepare", "legal", BRANDT)
    program.approve("prepare", "policy", HADDAD)
    program.sign_by_code("prepare", "policy", OSEI, "code-2")
    entries = local.read_stored("appeals")
    (passed,) = numbers(entries, "gate_passed")
    late = (program.now + timedelta(days=2)).isoformat(timespec="microseconds")
    touched = [replace(each, at=late) if each.sequence >= passed else each for each in entries]
    found = said(audit("appeals", written_anew(touched)))
    assert found[0] == (
        f"entry {passed}, gate prepare: criteria did not hold: training in ja-JP (fails, 0 of 1)"
    )


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (
            {"person": HADDAD, "account": account_of(HADDAD), "via": "jira"},
            f"{HADDAD} is not named to waive; named: {OSEI}",
        ),
        ({"reason": ""}, "the waiver gives no reason"),
        ({"until": "2026-03-01"}, "the waiver had ended on 2026-03-01"),
        ({"criterion": "patience"}, "the gate has no criterion 'patience'"),
    ],
)
def test_a_waiver_that_does_not_hold_is_found(local, change, found):
    program = play_to_a_waiver(local)
    entries = local.read_stored(program.program)
    (waived,) = numbers(entries, "waived")
    assert f"entry {waived}, gate prepare: {found}" in said(changed(entries, waived, **change))


def test_a_rejection_for_good_ends_the_program(local):
    program = Rehearsal(local)
    program.done(*WORK)
    program.reject("prepare", "legal", BRANDT, "It is unlawful in Japan.\nFor good")
    assert program.state.stopped is not None
    assert said(audited(program)) == []


def test_a_stop_that_nobody_asked_for_is_found(played):
    stopped = replace(
        played[-1], kind="program_stopped", body='{"by": "eve@example.com", "reason": "no"}'
    )
    found = said(audit("appeals", written_anew([*played[:15], stopped])))
    assert found == ["entry 16: the program was stopped and nobody had rejected it for good"]


def test_a_stop_by_command_is_no_rejection_and_a_hold_is_no_finding(local):
    program = Rehearsal(local)
    program.done(*WORK)
    program.write(ev.Held(by="p.kim", reason="legal asks"), ev.GoneOn(by="p.kim"))
    program.write(ev.ProgramStopped(by="p.kim", reason="withdrawn", issues="leave"))
    program.look()
    assert program.state.is_settled
    found = audited(program)
    assert said(found) == []
    assert "stopped by p.kim: withdrawn" in verdict_lines(found, found.findings, most=9)
    told = as_json(found, found.findings)["stopped"]
    assert isinstance(told, dict)
    assert (told["by"], told["reason"]) == ("p.kim", "withdrawn")


def test_a_gate_that_passed_and_a_stage_that_opened_while_held_are_found(played):
    (passed,) = numbers(played, "gate_passed", stage="prepare")
    held = replace(played[0], kind="held", body='{"by": "eve", "reason": "no"}')
    entries = written_anew([*played[: passed - 1], held, *played[passed - 1 :]])
    assert said(audit("appeals", entries))[:2] == [
        f"entry {passed + 1}, gate prepare: the program was held",
        f"entry {passed + 2}, gate launch: the stage was opened while the program was held",
    ]


def test_a_backup_that_was_called_may_sign_for_a_silent_member(local):
    program = Rehearsal(local)
    program.done(*WORK)
    program.write(
        ev.BackupCalled(
            stage="prepare",
            round=1,
            role="policy",
            member=HADDAD,
            backups=(BACKUP,),
            why="no answer within 16 working hours",
        )
    )
    program.approve("prepare", "policy", BACKUP)
    assert said(audited(program)) == []
    entries = local.read_stored("appeals")
    (signed,) = numbers(entries, "signed_off", person=BACKUP)
    assert (
        f"{BACKUP} did not stand for {OSEI}" in said(changed(entries, signed, stands_for=OSEI))[0]
    )


def test_a_call_of_somebody_who_is_no_backup_is_found(local):
    program = Rehearsal(local)
    program.done(*WORK)
    program.write(
        ev.BackupCalled(
            stage="prepare", round=1, role="policy", member=HADDAD, backups=(TAN,), why="silent"
        )
    )
    (found,) = said(audited(program))
    assert found.endswith(f"gate prepare: the spec names other backups of policy: {BACKUP}")


def test_an_event_about_a_stage_that_never_opened_is_found(played):
    (signed,) = numbers(played, "signed_off", stage="launch")
    touched = [*played[:2], played[signed - 1]]
    found = said(audit("appeals", written_anew(touched)))
    assert found == ["entry 3, gate launch: the stage was not open"]


def test_a_sign_off_taken_back_that_was_never_given_is_found(local):
    program = Rehearsal(local)
    program.done(*WORK)
    withdrawn = ev.SignOffWithdrawn(
        stage="prepare",
        round=1,
        role="legal",
        account="acc",
        name="E",
        history_id="h50",
        at=program.now,
    )
    entries = local.read_stored("appeals")
    forged = replace(
        entries[-1],
        kind=withdrawn.kind,
        body=json.dumps(withdrawn.model_dump(mode="json", exclude={"kind"})),
    )
    (found,) = said(audit("appeals", written_anew([*entries, forged])))
    assert found.endswith("gate prepare: nobody had signed for legal")
