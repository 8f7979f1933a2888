"""One look of watch: what moved is resumed, what is broken keeps nobody else waiting."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from unittest.mock import Mock
from uuid import UUID

import pytest
from carried import MEI, RIMA, ROWS, SIGN_OFF, SPEC, TASKS, Carried
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.states import (
    Cancelled,
    Completed,
    Crashed,
    Failed,
    Pending,
    Running,
    State,
    Suspended,
)
from sqlalchemy import text

import flows.noticing
import flows.watch
from flows.lost_runs import start_again_if_lost
from flows.watch import A_RUN_STARTS_IN_SECONDS, Looked, between_looks, look
from policy_rollout import prefect_api
from policy_rollout.changes_outside import Workbooks
from policy_rollout.events import Launched
from policy_rollout.history import note, state_of
from policy_rollout.journal.store import Journal
from policy_rollout.prefect_api import RunRefused
from policy_rollout.settings import Settings

pytestmark = pytest.mark.long

CHECK = {"action": "check now", "note": ""}


@flow(name=prefect_api.FLOW)
def stand_in() -> None:
    """A flow whose runs only stand in a state."""


@pytest.fixture(scope="module")
def deployment(prefect_home):  # noqa: ARG001  the server must run
    with get_client(sync_client=True) as client:
        return client.create_deployment(client.create_flow(stand_in), name="stand-in")


@pytest.fixture
def a_run(deployment):
    """Makes a run that stands in a state, as the server keeps it; answers its id."""

    def make(state: State[None]) -> str:
        with get_client(sync_client=True) as client:
            made = client.create_flow_run_from_deployment(deployment)
            client.set_flow_run_state(made.id, state, force=True)
            return str(made.id)

    return make


def board_of(demo: Carried) -> str:
    wanted = ArtifactFilter(key=ArtifactFilterKey(any_=["board-demo"]))
    with get_client(sync_client=True) as client:
        shown = client.read_artifacts(artifact_filter=wanted)
    return next(str(each.data) for each in shown if str(each.flow_run_id) == demo.run)


def state_of_run(run: str) -> str:
    return prefect_api.look_up((run,))[run].state


@flow
def one_look(*, everything: bool = False, in_turn: bool = False) -> Looked:
    settings = Settings.load()
    since = datetime.now(UTC) - timedelta(minutes=5)
    with Journal(settings.journal_address) as journal:
        return look(journal, settings, since=since, everything=everything, in_turn=in_turn)


@pytest.fixture
def waiting(program, a_run):
    """Carries a program's first pass and lets its run wait, as a suspended run does."""

    def carry(text=SPEC):
        carried = Carried(program.sandbox, text, run=a_run(Suspended(pause_key="answer-0")))
        carried.go()
        return carried

    return carry


def test_a_program_that_nothing_moves_is_left_alone(waiting):
    demo = waiting()

    assert one_look(everything=True) == Looked(0)

    assert state_of_run(demo.run) == "paused"


def test_work_that_moves_the_gate_resumes_the_run_at_once(waiting):
    demo = waiting()
    demo.finish_work()

    assert one_look() == Looked(1)

    assert state_of_run(demo.run) == "scheduled"
    assert demo.state.gates["write"].digest  # journaled by the look


@pytest.fixture
def approved(waiting):
    """A program whose first gate has been signed since its run went to sleep."""
    demo = waiting()
    demo.finish_work()
    demo.go()
    demo.person(RIMA).move(demo.state.issues[SIGN_OFF], "Approved")
    return demo


def test_a_gate_passes_at_the_look_that_sees_the_last_sign_off(approved):
    approved.sandbox.clear_requests()

    assert one_look() == Looked(1)

    assert approved.state.passed("write")
    assert "launch" in approved.state.gates
    assert approved.writes() == []  # these are the run's
    assert state_of_run(approved.run) == "scheduled"
    approved.go()
    assert "demo/launch/switch" in approved.state.issues


def test_a_gate_does_not_pass_on_rows_that_the_look_read_before(approved, monkeypatch):
    decide, decided = flows.watch.decide, []

    def deciding(*given):
        if not decided:
            approved.workbook.write_cells(ROWS[0], {"Status": "Blocked"})
        decided.append(decide(*given))
        return decided[-1]

    monkeypatch.setattr(flows.watch, "decide", deciding)

    one_look()

    assert [each.passes_a_gate for each in decided] == [True, False]
    assert not approved.state.passed("write")


def test_an_approval_is_not_refused_by_rows_that_the_look_read_before(waiting, monkeypatch):
    demo = waiting()
    settings = Settings.load()
    before = Workbooks(settings)
    before.rows_of("", "demo")
    demo.finish_work()
    demo.go()
    demo.person(RIMA).move(demo.state.issues[SIGN_OFF], "Approved")
    monkeypatch.setattr(flows.watch, "Workbooks", lambda _: before)

    assert one_look(everything=True) == Looked(1)

    assert demo.state.passed("write")


def test_a_resume_that_is_lost_is_made_again_though_only_time_has_moved_the_program(
    waiting, monkeypatch
):
    demo = waiting()
    demo.finish_work()
    demo.go()
    assert demo.state.gates["write"].asked
    today = datetime.now(UTC).replace(hour=12)
    a_wednesday = today + timedelta(days=7 + (2 - today.weekday()) % 7)
    monkeypatch.setattr(flows.watch, "datetime", Mock(now=lambda _: a_wednesday))
    monkeypatch.setattr(flows.noticing, "changed_programs", lambda *_: {})
    monkeypatch.setattr(Workbooks, "changed", lambda *_: {})
    with monkeypatch.context() as patch:
        patch.setattr(prefect_api, "resume", Mock(side_effect=RunRefused("the server is busy")))
        assert one_look() == Looked(0, ("demo: the server is busy",))
    assert demo.state.gates["write"].reminded  # journaled by the look

    assert one_look() == Looked(1)


SIDE_BY_SIDE = (
    SPEC.replace("after: [write]", "after: [write, tool]")
    + """\
  tool: {tasks: {build: {title: Build it, team: ops}}, gate: {sign_off: {policy: 1}}}
"""
)


def test_the_board_shows_at_once_what_an_approval_asks_of_a_later_stage(waiting):
    demo = waiting(SIDE_BY_SIDE)
    demo.finish_work()
    demo.go()
    demo.person(RIMA).comment(demo.state.issues[SIGN_OFF], "Condition for launch: Tell the market")
    demo.person(RIMA).move(demo.state.issues[SIGN_OFF], "Approved")

    assert one_look() == Looked(1)

    assert demo.state.passed("write")
    (launch,) = [line for line in board_of(demo).splitlines() if line.startswith("| launch |")]
    assert "0 of 2" in launch


def test_a_rejection_for_good_is_left_to_the_run_that_ends_with_it(waiting):
    demo = waiting()
    demo.finish_work()
    demo.go()
    demo.person(RIMA).comment(demo.state.issues[SIGN_OFF], "It is unlawful.\nFor good")
    demo.person(RIMA).move(demo.state.issues[SIGN_OFF], "Rejected")

    assert one_look() == Looked(1)

    assert not demo.state.is_over
    assert demo.go().is_over


def test_work_that_moves_nothing_yet_is_noted_without_a_resume(waiting):
    demo = waiting()
    demo.person(MEI).move(demo.state.issues[TASKS[1]], "Done")

    assert one_look() == Looked(0)

    assert demo.state.of(TASKS[1]).state == "done"
    assert state_of_run(demo.run) == "paused"


def test_an_amended_program_is_resumed_though_nothing_outside_has_changed(waiting):
    demo = waiting()
    demo.amend(SPEC.replace("effective: 2030-03-01", "effective: 2030-04-01"))

    assert one_look() == Looked(1)

    assert state_of_run(demo.run) == "scheduled"


def test_a_program_that_cannot_be_looked_at_keeps_no_other_waiting(waiting, program):
    both = (waiting(), waiting(SPEC.replace("program: demo", "program: other")))
    for each in both:
        each.finish_work()
    only_the_first = {"kind": "error", "status": 500, "path": "/issue/bulkfetch", "times": 4}
    program.sandbox.set_faults(only_the_first)

    looked = one_look(everything=True)

    assert looked.resumed == 1
    (trouble,) = looked.troubles
    assert trouble.partition(": ")[0] in {"demo", "other"}
    assert trouble.endswith("reading 3 issues failed: HTTP 500. It is tried again on the next pass")
    assert {state_of_run(each.run) for each in both} == {"paused", "scheduled"}


def tampered(program: str) -> None:
    with Journal(Settings.load().journal_address) as journal:
        touched = text("UPDATE rollout_journal SET body = '{}' WHERE program = :program")
        with journal._tables.engine.begin() as connection:
            connection.execute(touched, {"program": program})


def of_an_older_language(program: str) -> None:
    """Journal a spec that this version of the language refuses, as if one before had taken it."""
    with Journal(Settings.load().journal_address) as journal:
        state = state_of(journal, program)
        refused = Launched(spec_text=f"program: {program}\n", spec_path="old.yaml", run=state.run)
        note(journal, program, (refused,), actor="test", at=datetime.now(UTC))


@pytest.mark.parametrize(
    ("spoil", "trouble"),
    [
        (tampered, "demo: journal of 'demo', entry 1: it is no 'launched' that this"),
        (of_an_older_language, "demo: old.yaml:1:1: missing-key: found no `people` in the file"),
    ],
)
@pytest.mark.parametrize("everything", [True, False])
def test_a_program_that_cannot_be_read_is_named_and_keeps_no_other_waiting(
    waiting, spoil, trouble, everything
):
    demo, other = waiting(), waiting(SPEC.replace("program: demo", "program: other"))
    for each in (demo, other):
        each.finish_work()
    spoil("demo")

    looked = one_look(everything=everything)

    assert looked.resumed == 1
    assert [each[: len(trouble)] for each in looked.troubles] == [trouble]
    assert (state_of_run(demo.run), state_of_run(other.run)) == ("paused", "scheduled")


def test_programs_that_cannot_be_read_are_named_though_no_other_is_there(waiting):
    waiting()
    tampered("demo")

    (trouble,) = one_look().troubles

    assert trouble.startswith("demo: journal of 'demo', entry 1")


def test_a_crashed_run_is_started_again(a_run):
    run = a_run(Crashed())

    again(prefect_api.look_up((run,))[run])

    assert state_of_run(run) == "scheduled"


def test_a_run_that_went_on_since_it_was_looked_at_is_not_started_a_second_time(a_run):
    run = a_run(Crashed())
    seen = prefect_api.look_up((run,))[run]
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run, Running(), force=True)

    again(seen)

    assert state_of_run(run) == "running"


def seen_before(run: str, ago: timedelta) -> prefect_api.RunSeen:
    """What a look sees of a run that turned to its state so long ago."""
    seen = prefect_api.look_up((run,))[run]
    return replace(seen, since=datetime.now(UTC) - ago)


@flow
def again(seen: prefect_api.RunSeen) -> None:
    start_again_if_lost(seen)


@pytest.mark.parametrize("state", [Running, Pending, Failed])
def test_a_run_without_a_sign_of_life_is_started_again(a_run, state):
    seen = seen_before(a_run(state()), timedelta(minutes=16))

    again(seen)

    assert state_of_run(seen.run) == "scheduled"


@pytest.mark.parametrize("state", [Running, Failed])
def test_a_run_at_work_or_one_that_failed_just_now_is_let_be(a_run, state):
    seen = seen_before(a_run(state()), timedelta(minutes=14))

    again(seen)

    assert state_of_run(seen.run) == state().type.value.lower()


@pytest.mark.parametrize("state", [Completed, Cancelled])
def test_a_run_that_somebody_ended_stays_ended_however_long_ago(a_run, state):
    seen = seen_before(a_run(state()), timedelta(days=1))

    again(seen)

    assert state_of_run(seen.run) == state().type.value.lower()


def test_resuming_a_run_that_does_not_wait_changes_nothing(a_run):
    run = a_run(Running())

    assert not prefect_api.resume(run, CHECK)

    assert state_of_run(run) == "running"


def test_a_run_that_was_killed_while_it_suspended_is_started_again(a_run):
    asks = {"schema": "form-schema", "response": "form-response", "description": "form-text"}
    waits = Suspended(pause_key="answer-0")
    waits.state_details.run_input_keyset = asks
    run = a_run(waits)

    assert prefect_api.resume(run, CHECK)

    assert state_of_run(run) == "scheduled"


def test_an_answer_that_the_form_does_not_take_is_refused_with_its_reason(a_run):
    asks = {"schema": "form-schema", "response": "form-response", "description": "form-text"}
    waits = Suspended(pause_key="answer-0")
    waits.state_details.run_input_keyset = asks
    run = a_run(waits)
    with get_client(sync_client=True) as client:
        client.create_flow_run_input(UUID(run), "form-schema", json.dumps({"required": ["who"]}))

    with pytest.raises(prefect_api.RunRefused, match=r"did not resume .*'who' is a required"):
        prefect_api.resume(run, CHECK)

    assert state_of_run(run) == "paused"


def test_a_service_that_cannot_be_asked_is_told_and_nothing_is_resumed(waiting, program):
    demo = waiting()
    demo.finish_work()
    program.sandbox.set_faults({"kind": "error", "path": "/search/jql", "times": None})

    looked = one_look()

    assert looked == Looked(
        0,
        ("Jira: looking for changed issues failed: HTTP 503. It is tried again on the next pass",),
    )
    program.sandbox.set_faults()
    assert one_look() == Looked(1)


@pytest.mark.parametrize(("watch_seconds", "looks_a_minute"), [(60, 2), (30, 3), (5, 60), (1, 60)])
def test_looks_leave_a_resumed_run_its_time_to_start_and_are_a_second_apart_at_least(
    watch_seconds, looks_a_minute
):
    between = between_looks(watch_seconds)
    assert between * looks_a_minute == timedelta(minutes=1)
    assert between.total_seconds() + A_RUN_STARTS_IN_SECONDS <= max(watch_seconds, 5)
