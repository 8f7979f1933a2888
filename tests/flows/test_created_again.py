"""`create again what was deleted` in the Resume form: exactly that, once."""

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest
from carried import RIMA, ROWS, SIGN_OFF, TASKS, Carried, approval_by_code
from prefect import flow
from prefect.client.orchestration import get_client

import flows.taking_up
from flows.forms import RECREATE
from flows.taking_up import note_answer, wait_key
from policy_rollout import events as ev
from policy_rollout.history import note
from policy_rollout.journal.store import Journal
from policy_rollout.settings import Settings


@flow
def stand_in() -> None:
    """A flow whose run is answered."""


AGAIN = {"action": RECREATE, "note": "deleted by mistake"}


def answer(program: Carried, given: dict[str, str] = AGAIN) -> None:
    """What the Resume form stores, and what the run does with it when it starts again."""
    with get_client(sync_client=True) as client:
        key = f"suspended-{wait_key(program.state)}-response"
        client.create_flow_run_input(UUID(program.run), key, json.dumps(given))
    with Journal(Settings.load().journal_address) as journal:
        note_answer(journal, Settings.load(), program.spec.program, program.run)


@pytest.fixture
def program_of_a_run(program):
    with get_client(sync_client=True) as client:
        program.run = str(client.create_flow_run(stand_in).id)
    program.go()
    return program


def test_a_deleted_issue_and_a_deleted_row_are_created_again_and_nothing_else(program_of_a_run):
    program = program_of_a_run
    before = program.state.issues
    program.person(RIMA).delete(before[TASKS[1]])
    program.workbook.delete(ROWS[1])
    program.go()

    answer(program)
    program.go()

    program.everything_once()
    after = program.state.issues
    assert after[TASKS[1]] != before[TASKS[1]]
    assert {key for key in before if before[key] != after[key]} == {TASKS[1]}


def test_a_deleted_sign_off_is_created_again_and_can_be_signed(program_of_a_run):
    program = program_of_a_run
    program.finish_work()
    program.go()
    program.person(RIMA).delete(program.state.issues[SIGN_OFF])
    program.go()

    answer(program)
    program.go()
    program.person(RIMA).move(program.state.issues[SIGN_OFF], "Approved")
    program.go()

    assert program.state.waiting_stages == ("launch",)


def test_an_answer_is_taken_once(program_of_a_run):
    answer(program_of_a_run)
    entries = program_of_a_run.kinds

    with Journal(Settings.load().journal_address) as journal:
        note_answer(journal, Settings.load(), program_of_a_run.spec.program, program_of_a_run.run)

    assert program_of_a_run.kinds == entries
    assert program_of_a_run.state.waits == 1


def test_an_answer_is_taken_though_watch_writes_at_the_same_moment(program_of_a_run, monkeypatch):
    append, left = Journal.append, [ev.OdditiesSeen(oddities=("seen by watch",))]

    def appending(journal, *given, **options):
        if left:
            note(journal, "demo", (left.pop(),), actor="watch", at=datetime.now(UTC))
        return append(journal, *given, **options)

    monkeypatch.setattr(Journal, "append", appending)

    answer(program_of_a_run)

    assert program_of_a_run.kinds[-3:] == ["oddities_seen", "resumed", "recreation_asked"]


def test_an_answer_by_code_that_a_killed_run_had_taken_is_not_proven_twice(
    program_of_a_run, monkeypatch
):
    proven = []
    monkeypatch.setattr(flows.taking_up, "take_answer", lambda *given, **_: proven.append(given))
    given = {
        "action": "approve",
        "gate": "write for policy, text 0123456789abcdef",
        "person": RIMA,
        "code": "123456",
        "note": "",
    }
    taken = approval_by_code("d")
    with Journal(Settings.load().journal_address) as journal:
        note(journal, "demo", (taken,), actor=RIMA, at=taken.at)

    answer(program_of_a_run, given)
    assert proven == []
    assert program_of_a_run.state.waits == 1

    answer(program_of_a_run, given)  # of the next wait
    assert len(proven) == 1
