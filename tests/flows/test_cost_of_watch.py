"""What a look of watch costs: the changes, whatever the number of programs that wait."""

from collections import Counter
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from carried import MEI, OWNER, RIMA, ROWS, SPEC, TASKS, Carried
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.states import Crashed, State, Suspended

from flows import noticing
from flows.watch import Looked, look
from policy_rollout import events as ev
from policy_rollout import prefect_api
from policy_rollout.history import note
from policy_rollout.journal.store import Journal
from policy_rollout.journal.watch_table import WatchTable
from policy_rollout.people_events import AbsenceAnnounced
from policy_rollout.people_history import announce_absence
from policy_rollout.sandbox.sheets_store import WORKBOOK
from policy_rollout.settings import Settings

pytestmark = pytest.mark.long

ONE_QUESTION_EACH = Counter({"/search/jql": 1, "/drive/v3/files": 1})
BACKED_UP = SPEC.replace(
    f"policy: {{members: [{RIMA}]}}", f"policy: {{members: [{RIMA}], backups: [{MEI}]}}"
).replace("sign_off: {policy: 1}", "sign_off: {policy: 1}, doers_may_sign: true")


@flow(name=prefect_api.FLOW)
def stand_in() -> None:
    """A flow whose runs only stand in a state."""


@pytest.fixture(scope="module")
def deployment(prefect_home):  # noqa: ARG001  the server must run
    with get_client(sync_client=True) as client:
        return client.create_deployment(client.create_flow(stand_in), name="stand-in")


def set_state(run: str, state: State[None]) -> None:
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run, state, force=True)


@pytest.fixture
def waiting(program, deployment):
    """Carries a program's first pass and lets its run wait."""

    def carry(name="demo", text=SPEC):
        with get_client(sync_client=True) as client:
            run = str(client.create_flow_run_from_deployment(deployment).id)
        set_state(run, Suspended(pause_key="answer-0"))
        carried = Carried(program.sandbox, text.replace("program: demo", f"program: {name}"), run)
        carried.go()
        assert carried.trouble == ""
        return carried

    return carry


@flow
def one_look(*, in_turn: bool = False) -> Looked:
    settings = Settings.load()
    since = datetime.now(UTC) - timedelta(minutes=5)
    with Journal(settings.journal_address) as journal:
        return look(journal, settings, since=since, in_turn=in_turn)


def asked(sandbox) -> Counter[str]:
    """The ends of the paths that were asked for since the last clearing, tokens left out."""
    told = Counter()
    for each in sandbox.requests():
        path = each["path"].partition("/rest/api/3")[2] or each["path"].removeprefix("/sheets")
        if path != "/token":
            told[path] += 1
    return told


def look_again(sandbox, **options) -> tuple[Looked, Counter[str]]:
    sandbox.clear_requests()
    return one_look(**options), asked(sandbox)


@pytest.fixture
def calm(waiting, sandbox):
    """Two programs that share a workbook, and whose first look is over."""
    programs = {name: waiting(name) for name in ("demo", "other")}
    assert one_look() == Looked(0)
    sandbox.clear_requests()
    return programs


def state_of_run(run: str) -> str:
    return prefect_api.look_up((run,))[run].state


def test_where_nothing_changed_each_service_is_asked_one_question(calm, sandbox):
    looked, requests = look_again(sandbox)

    assert looked == Looked(0)
    # All that the programs wrote themselves is still told, and was seen by their first look.
    assert requests == ONE_QUESTION_EACH
    assert len(calm) == 2


def test_one_issue_that_changed_is_looked_at_once_and_no_other_program(calm, sandbox):
    demo = calm["demo"]
    demo.person(MEI).move(demo.state.issues[TASKS[1]], "Done")

    _, first = look_again(sandbox)
    _, second = look_again(sandbox)

    assert demo.state.of(TASKS[1]).state == "done"
    assert first["/issue/bulkfetch"] == 1
    assert second["/issue/bulkfetch"] == 0
    assert second["/search/jql"] == 1


def test_a_changed_workbook_is_read_once_and_moves_the_program_of_the_row_alone(calm, sandbox):
    demo = calm["demo"]
    demo.workbook.write_cells(ROWS[2], {"Status": "Done"})

    looked, requests = look_again(sandbox)

    assert looked == Looked(0)
    assert demo.state.of(ROWS[2]).state == "done"
    assert requests[f"/v4/spreadsheets/{WORKBOOK}"] == 1
    assert requests["/issue/bulkfetch"] == 1
    assert look_again(sandbox)[1] == ONE_QUESTION_EACH


def test_a_machine_cell_that_somebody_edits_is_put_right(calm, sandbox):
    calm["other"].paste("Training!A2", "Another deck")  # a row of demo

    looked, _ = look_again(sandbox)

    assert looked == Looked(1)
    assert state_of_run(calm["demo"].run) == "scheduled"


def test_a_cell_that_was_changed_and_changed_back_is_seen_both_times(calm):
    demo = calm["demo"]
    for status in ("Done", "To do"):
        demo.workbook.write_cells(ROWS[2], {"Status": status})
        one_look()

    assert demo.state.of(ROWS[2]).state == "todo"


def test_what_the_search_does_not_tell_is_found_in_turn(calm, sandbox, monkeypatch):
    monkeypatch.setattr(noticing, "TURN_COMES_EVERY", timedelta(0))
    demo = calm["demo"]
    demo.person(OWNER).delete(demo.state.issues[TASKS[0]])
    assert one_look() == Looked(0)
    assert demo.state.of(TASKS[0]).state == "todo"

    turns = [look_again(sandbox, in_turn=True)[1]["/issue/bulkfetch"] for _ in range(2)]

    assert demo.state.of(TASKS[0]).state == "missing"
    assert turns == [1, 1]  # a program a turn, each of them once


def test_no_turn_comes_twice_in_an_hour(calm, sandbox):
    _, requests = look_again(sandbox, in_turn=True)

    assert requests["/issue/bulkfetch"] == 0
    assert calm


def test_a_crashed_run_of_a_program_is_started_again_without_asking_for_all_runs(calm):
    demo = calm["demo"]
    set_state(demo.run, Crashed())

    one_look()

    assert state_of_run(demo.run) == "scheduled"
    assert state_of_run(calm["other"].run) == "paused"


def test_an_absence_that_is_announced_moves_the_time_of_the_next_step(waiting):
    demo = waiting(text=BACKED_UP)
    demo.finish_work()
    demo.go()
    one_look()
    before = known_of("demo")
    absence = AbsenceAnnounced(
        person=RIMA, from_day=date(2020, 1, 1), to_day=date(2099, 1, 1), delegate="", by=RIMA
    )
    with Journal(Settings.load().journal_address) as journal:
        announce_absence(journal, absence, at=datetime.now(UTC))

    one_look()

    assert before.hangs_on == {RIMA}
    assert before.absences == ""
    assert known_of("demo").absences
    assert known_of("demo").due_at < before.due_at  # the next hour at work, not the eighth


def known_of(program):
    with WatchTable(Settings.load().journal_address) as table:
        (known,) = table.named([program])
    return known.program


def test_a_program_that_cannot_be_read_is_told_each_time_and_keeps_no_other_waiting(calm):
    settings = Settings.load()
    broken = ev.Launched(spec_text="program: [", spec_path="b.yaml", run=str(uuid4()))
    with closing(Journal(settings.journal_address)) as journal:
        note(journal, "broken", (broken,), actor="test", at=datetime.now(UTC))
    calm["demo"].finish_work()

    looked = one_look()

    assert looked.resumed == 1
    (trouble,) = looked.troubles
    assert trouble.startswith("broken: b.yaml:")
    assert one_look().troubles == (trouble,)


def test_a_change_is_noted_once_by_two_looks_after_each_other(calm):
    demo = calm["demo"]
    demo.workbook.write_cells(ROWS[2], {"Status": "Done"})
    before = demo.kinds.count("work_seen")

    one_look()
    one_look()

    assert demo.kinds.count("work_seen") == before + 1
