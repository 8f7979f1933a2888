"""What the audit says of programs that ran, and of journals that somebody wrote anew."""

import json
from dataclasses import replace

import pytest

from policy_rollout.audit import audit
from policy_rollout.journal.chain import StoredEntry
from policy_rollout.journal.store import Journal
from tests.rehearsed import (
    BACKUP,
    BRANDT,
    HADDAD,
    OSEI,
    OWNER,
    TAN,
    account_of,
    changed,
    numbers,
    play,
    said,
    without,
    written_anew,
)


@pytest.fixture(scope="module")
def played(tmp_path_factory) -> tuple[StoredEntry, ...]:
    """The entries of a whole program."""
    address = f"sqlite:///{tmp_path_factory.mktemp('played') / 'journal.sqlite3'}"
    with Journal(address) as journal:
        play(journal)
        return journal.read_stored("appeals")


def test_a_whole_program_comes_to_the_same_outcome(played):
    audited = audit("appeals", played)
    assert said(audited) == []
    assert [(gate.stage, gate.passed is not None) for gate in audited.recomputation.gates] == [
        ("prepare", True),
        ("launch", True),
    ]


def test_every_part_of_a_program_that_still_runs_comes_to_the_same_outcome(played):
    at_rest = [
        count
        for count in range(1, len(played))
        if played[count - 1].at != played[count].at  # entries of one time are one decision
    ]
    assert [said(audit("appeals", played[:count])) for count in at_rest] == [[]] * len(at_rest)


def test_an_empty_journal_has_no_findings():
    assert said(audit("appeals", ())) == []


def test_what_the_criteria_saw_is_recomputed_for_each_gate(played):
    prepare = audit("appeals", played).recomputation.gates[0]
    (passed,) = numbers(played, "gate_passed", stage="prepare")
    seen = {each.name: (str(each.answer), each.met) for each in prepare.recounted[passed].judged}
    assert seen == {
        "tasks": ("holds", 2),
        "training in en-US": ("holds", 1),
        "training in ja-JP": ("holds", 1),
    }


def test_a_sign_off_by_somebody_else_is_found_though_the_chain_was_written_anew(played):
    (signed,) = numbers(played, "signed_off", person=BRANDT, stage="prepare")
    passed, _ = numbers(played, "gate_passed")
    found = said(changed(played, signed, person=TAN, account=account_of(TAN)))
    assert found[:2] == [
        (
            f"entry {signed}, gate prepare: {TAN} was not allowed to sign: {TAN} is not a member "
            f"of legal; for legal may sign: {BRANDT}"
        ),
        f"entry {passed}, gate prepare: it lacked 1 sign-off for legal that count",
    ]


def test_a_sign_off_by_the_owner_is_found(played):
    (signed,) = numbers(played, "signed_off", person=BRANDT, stage="prepare")
    found = said(changed(played, signed, person=OWNER, account=account_of(OWNER)))
    assert found[0].startswith(f"entry {signed}, gate prepare: {OWNER} was not allowed to sign: ")


def test_a_sign_off_under_another_name_than_the_account_s_is_found(played):
    (signed,) = numbers(played, "signed_off", person=HADDAD)
    found = said(changed(played, signed, account=account_of(TAN)))
    assert found[0] == (
        f"entry {signed}, gate prepare: the account 'acc:m.tan' is not the one resolved for "
        f"{HADDAD}"
    )


def test_a_sign_off_by_the_program_s_own_account_is_found(played):
    (signed,) = numbers(played, "signed_off", person=HADDAD)
    found = said(changed(played, signed, account="acc:rollout"))
    assert found[0] == (
        f"entry {signed}, gate prepare: the account is the program's own, which signs nothing"
    )


def test_a_sign_off_by_a_backup_that_nobody_called_is_found(played):
    (signed,) = numbers(played, "signed_off", person=HADDAD)
    found = said(changed(played, signed, person=BACKUP, account=account_of(BACKUP)))
    assert f"{BACKUP} is a backup, and no member is silent or absent" in found[0]


def test_one_person_who_signs_twice_is_found(played):
    (signed,) = numbers(played, "signed_off", person=HADDAD)
    (by_code,) = numbers(played, "signed_off", person=OSEI)
    found = said(
        changed(
            played, by_code, person=HADDAD, account=account_of(HADDAD), via="jira", history_id="h99"
        )
    )
    assert signed < by_code
    assert f"entry {by_code}, gate prepare: {HADDAD} was not allowed to sign" in found[0]


def test_a_sign_off_on_another_digest_is_found(played):
    (signed,) = numbers(played, "signed_off", person=HADDAD)
    first, second = numbers(played, "gate_ready", stage="prepare")
    old = json.loads(played[first - 1].body)["digest"]
    new = json.loads(played[second - 1].body)["digest"]
    found = said(changed(played, signed, digest=old))
    assert found[0] == (
        f"entry {signed}, gate prepare: it is on digest {old[:12]}, the gate's was {new[:12]}"
    )


def test_a_sign_off_of_another_round_is_found(played):
    (signed,) = numbers(played, "signed_off", person=HADDAD)
    found = said(changed(played, signed, round=1))
    assert found[0] == (f"entry {signed}, gate prepare: it says round 1, the gate was in round 2")


def test_a_sign_off_before_its_issue_showed_the_digest_is_found(played):
    (signed,) = numbers(played, "signed_off", person=HADDAD)
    found = said(changed(played, signed, at="2026-03-02T01:10:30Z"))
    assert found[0] == (
        f"entry {signed}, gate prepare: the sign-off issue did not show this digest when it was "
        "signed"
    )


def test_one_proof_for_two_decisions_is_found(played):
    (first,) = numbers(played, "signed_off", person=BRANDT, stage="prepare")
    (signed,) = numbers(played, "signed_off", person=HADDAD)
    mark = json.loads(played[first - 1].body)["history_id"]
    found = said(changed(played, signed, history_id=mark))
    assert found[0] == (
        f"entry {signed}, gate prepare: its proof {mark!r} was used before, in entry {first}"
    )


def test_a_code_that_nobody_gave_is_found(played):
    (given,) = numbers(played, "code_given")
    (signed,) = numbers(played, "signed_off", person=OSEI)
    found = said(without(played, given))
    assert found[0] == (
        f"entry {signed - 1}, gate prepare: no entry before says that {OSEI} gave the code 'code-1'"
    )


def test_a_code_given_for_something_else_is_found(played):
    (given,) = numbers(played, "code_given")
    (signed,) = numbers(played, "signed_off", person=OSEI)
    found = said(changed(played, given, action="reject for good"))
    assert found[0] == (
        f"entry {signed}, gate prepare: the code 'code-1' was given for something else"
    )


def test_a_sign_off_that_was_taken_out_is_missed_at_the_gate(played):
    (signed,) = numbers(played, "signed_off", person=HADDAD)
    passed, _ = numbers(played, "gate_passed")
    found = said(without(played, signed))
    assert found == [
        f"entry {passed - 1}, gate prepare: it lacked 1 sign-off for policy that count"
    ]


def test_a_refusal_turned_into_a_sign_off_is_found(played):
    (refused,) = numbers(played, "sign_off_refused")
    (ready,) = numbers(played, "gate_ready", stage="prepare", round=2)
    forged = {
        "stage": "prepare",
        "round": 2,
        "role": "legal",
        "person": OWNER,
        "account": account_of(OWNER),
        "digest": json.loads(played[ready - 1].body)["digest"],
        "history_id": "h5",
        "at": "2026-03-02T01:14:00Z",
    }
    touched = [
        replace(each, kind="signed_off", body=json.dumps(forged))
        if each.sequence == refused
        else each
        for each in played
    ]
    found = said(audit("appeals", written_anew(touched)))
    assert found[0].startswith(f"entry {refused}, gate prepare: {OWNER} was not allowed to sign")


def test_work_that_was_never_seen_done_keeps_the_gate_from_having_passed(played):
    first = numbers(played, "work_seen")[1]
    ready, *_ = numbers(played, "gate_ready")
    found = said(without(played, first))
    assert found[0] == (
        f"entry {ready - 1}, gate prepare: criteria did not hold: tasks (fails, 0 of 2), "
        "training in en-US (fails, 0 of 1), training in ja-JP (fails, 0 of 1)"
    )


def test_a_spec_with_a_smaller_quorum_is_found_by_the_digest(played):
    text = json.loads(played[0].body)["spec_text"].replace("policy: 2", "policy: 1")
    ready, *_ = numbers(played, "gate_ready")
    found = said(changed(played, 1, spec_text=text))
    assert f"entry {ready}, gate prepare: the text to sign differs from the one recomputed: " in (
        "\n".join(found)
    )
    assert 'gate.sign_off: was {"legal": 1, "policy": 2}, is {"legal": 1, "policy": 1}' in found[1]


def test_a_text_to_sign_that_was_changed_is_found_with_the_difference(played):
    _, ready = numbers(played, "gate_ready", stage="prepare")
    covers = json.loads(played[ready - 1].body)["covers"]
    covers["work"][0]["title"] = "Write something else"
    found = said(changed(played, ready, covers=covers))
    assert found == [
        (
            f"entry {ready}, gate prepare: the text to sign differs from the one recomputed: "
            'appeals/prepare/guideline, title: was "Write something else", is "Write the guideline"'
        )
    ]


@pytest.mark.parametrize("covers", [{"work": 1}, {"work": [], "evidence": [[]]}, {"work": [{}]}])
def test_a_text_to_sign_of_any_shape_is_found(played, covers):
    _, ready = numbers(played, "gate_ready", stage="prepare")
    (found,) = said(changed(played, ready, covers=covers))
    assert found.startswith(f"entry {ready}, gate prepare: the text to sign differs")


def test_a_gate_that_should_have_passed_is_found(played):
    _, passed = numbers(played, "gate_passed")
    found = said(audit("appeals", played[: passed - 1]))
    assert found == [
        (
            f"entry {passed - 1}, gate launch: all criteria and sign-offs were there, and no entry "
            "says it passed"
        )
    ]


def test_a_stage_that_was_opened_too_early_is_found(played):
    passed, _ = numbers(played, "gate_passed")
    found = said(without(played, passed))
    assert found[0] == (
        f"entry {passed}, gate launch: the stage was opened before the gate of prepare had passed"
    )


def test_a_stage_that_was_opened_twice_is_found(played):
    (opened,) = numbers(played, "stage_opened", stage="prepare")
    twice = [*played[:20], played[opened - 1], *played[20:]]
    found = said(audit("appeals", written_anew(twice)))
    assert found == ["entry 21, gate prepare: the stage was opened a second time"]


def test_a_program_that_was_finished_before_its_gates_is_found(played):
    (finished,) = numbers(played, "program_finished")
    passed, _ = numbers(played, "gate_passed")
    touched = [*played[: passed - 1], played[finished - 1]]
    found = said(audit("appeals", written_anew(touched)))
    assert found == [
        f"entry {passed}: the program was finished before the gate of prepare had passed",
        f"entry {passed}: the program was finished before the gate of launch had passed",
    ]


def test_a_rejection_without_a_reason_is_found(played):
    (rejected,) = numbers(played, "rejected")
    (found,) = said(changed(played, rejected, reason=" "))
    assert found == f"entry {rejected}, gate prepare: the rejection gives no reason"


def test_a_rejection_by_somebody_outside_the_role_is_found(played):
    (rejected,) = numbers(played, "rejected")
    found = said(changed(played, rejected, person=TAN, account=account_of(TAN)))
    assert found[0].startswith(
        f"entry {rejected}, gate prepare: {TAN} was not allowed to reject: {TAN} is not a member"
    )


def test_a_signer_who_did_the_work_in_the_meantime_is_found_at_the_gate(played):
    (seen,) = (each for each in numbers(played, "work_seen") if each > 16 and each < 30)
    passed, _ = numbers(played, "gate_passed")
    body = {
        "items": {"appeals/prepare/guideline": {"state": "done", "doers": [account_of(HADDAD)]}}
    }
    again = replace(played[seen - 1], body=json.dumps(body), at=played[passed - 2].at)
    touched = [*played[: passed - 1], again, *played[passed - 1 :]]
    found = said(audit("appeals", written_anew(touched)))
    assert found[0] == (
        f"entry {passed + 1}, gate prepare: the sign-off by {HADDAD} counted no longer: {HADDAD} "
        "did work that this gate judges"
    )


def test_a_code_of_somebody_whose_account_is_shared_is_found(played):
    accounts = json.loads(played[1].body)["accounts"] | {TAN: account_of(OSEI)}
    (signed,) = numbers(played, "signed_off", person=OSEI)
    found = said(changed(played, 2, accounts=accounts))
    assert (
        f"entry {signed}, gate prepare: the account 'acc:t.osei' is that of several people" in found
    )


def test_a_second_launch_over_work_outside_is_found(played):
    twice = [*played[:10], played[0], *played[10:]]
    found = said(audit("appeals", written_anew(twice)))
    assert found == ["entry 11: the program was launched a second time, with work outside"]


def test_a_spec_that_is_refused_is_found(played):
    found = said(changed(played, 1, spec_text="program: appeals\n"))
    assert found[0].startswith("entry 1: the spec that was launched is refused: appeals.yaml:1:1:")


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "gate_opened_wide"},
        {"body": "{}"},
        {"body": '{"stage":"launch","round":1,"digest":"","more":1}'},
        {"body": "[" * 100_000},
        {"at": "2026-03-02T01:31:00.000000"},
        {"at": "yesterday"},
    ],
)
def test_an_entry_that_is_no_event_is_found(played, change):
    _, passed = numbers(played, "gate_passed")
    touched = list(played)
    touched[passed - 1] = replace(touched[passed - 1], **change)
    found = said(audit("appeals", touched))
    assert found[0] == f"entry {passed}: it was changed after it was written"


@pytest.mark.parametrize("value", [None, "", "~", 0, -1, [], ["~/~"], {}, {"~": "~"}])
def test_no_value_in_any_entry_makes_the_audit_fail(played, value):
    for entry in played[:30:3] + played[30:]:
        for name in json.loads(entry.body):
            assert changed(played, entry.sequence, **{name: value}).head


@pytest.mark.parametrize(
    "kind",
    [
        *("launched", "people_resolved", "stage_opened", "gate_ready", "code_given"),
        *("signed_off", "gate_passed"),  # an end cut off shows by the digest kept elsewhere alone
    ],
)
def test_an_entry_that_an_outcome_rests_on_is_missed_though_the_chain_was_written_anew(
    played, kind
):
    missing = numbers(played, kind)
    assert missing
    assert [each for each in missing if without(played, each).verified] == []


def test_no_missing_entry_makes_the_audit_fail(played):
    assert all(without(played, each.sequence).head for each in played)


def test_an_entry_of_another_program_is_found(played):
    found = said(audit("other", played))
    assert found[0] == "it is of program 'appeals', not 'other'"
