"""Held, cancelled, stopped, lost: what passes, watch and the commands make of a program's run."""

import re
from uuid import UUID, uuid4

import pytest
from carried import MEI, ROWS, SPEC, TASKS, Carried
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.states import Cancelled, Cancelling, Crashed, Running, State, Suspended

from flows.halts import check_goes_on
from flows.lost_runs import look_after_runs
from flows.taking_up import take_over, take_up
from flows.watch import Looked, look
from policy_rollout import events as ev
from policy_rollout import halting, prefect_api
from policy_rollout.errors import JournalConflict, ProgramAlreadyLaunched
from policy_rollout.halting import HaltRefused, Order
from policy_rollout.history import note, records_of
from policy_rollout.journal.store import Journal
from policy_rollout.settings import Settings
from policy_rollout.taking_over import NotTakenUp, continue_program
from policy_rollout.work import epic_key
from tests.programs_under_way import BEGAN

pytestmark = pytest.mark.long

ORDER = Order("demo", "p.kim", "p.kim", "legal asks for it")
STOP = ev.ProgramStopped(by="p.kim", reason="withdrawn", issues="close")


@flow
def stand_in() -> None:
    """A flow whose runs only stand in a state."""


@flow
def one_look() -> Looked:
    with opened() as journal:
        return look(journal, Settings.load(), since=BEGAN, everything=False)


def opened() -> Journal:
    return Journal(Settings.load().journal_address)


def set_state(run: str, state: State[None]) -> None:
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(UUID(run), state, force=True)


def stands(run: str) -> str:
    return prefect_api.look_up((run,))[run].state


@pytest.fixture
def waiting(program: Carried) -> Carried:
    """The program after its first pass; its run waits, as a suspended run does."""
    with get_client(sync_client=True) as client:
        deployment = client.create_deployment(client.create_flow(stand_in), name="stand-in")
        program.run = str(client.create_flow_run_from_deployment(deployment).id)
    set_state(program.run, Suspended(pause_key="answer-0"))
    program.go()
    return program


def order(give, *arguments) -> str:
    with opened() as journal:
        return give(journal, *arguments)


# Hold and go on


def test_a_held_program_writes_nothing_and_looks_at_nothing(waiting):
    order(halting.hold, ORDER)
    waiting.finish_work()
    waiting.sandbox.clear_requests()

    stands_after = waiting.go()

    assert "**Held by p.kim since" in stands_after.text
    assert not stands_after.is_over
    assert waiting.sandbox.requests() == []
    assert waiting.task_runs == []


def test_a_program_that_is_held_before_it_wrote_anything_is_not_even_checked(program):
    with opened() as journal:
        take_up(journal, SPEC, "demo.yaml", program.run)
        note(journal, "demo", (ev.Held(by="p.kim", reason="wait"),), actor="p.kim", at=BEGAN)
    program.sandbox.clear_requests()
    program.go()
    assert program.sandbox.requests() == []
    assert program.state.wrote_nothing


def test_a_hold_wakes_the_run_that_waits_so_that_its_form_says_so(waiting):
    assert order(halting.hold, ORDER) == "its run looks at it now"
    assert stands(waiting.run) == "scheduled"


def test_what_people_did_meanwhile_is_seen_once_it_goes_on(waiting):
    order(halting.hold, ORDER)
    waiting.finish_work()
    waiting.go()
    assert waiting.state.of(TASKS[0]).state == "todo"
    order(halting.go_on, ORDER)
    waiting.go()
    assert waiting.state.of(TASKS[0]).state == "done"


def test_watch_leaves_a_held_program_alone(waiting):
    order(halting.hold, ORDER)
    with opened() as journal:
        note(journal, "demo", (ev.Resumed(wait=0, because="x"),), actor="x", at=BEGAN)
    set_state(waiting.run, Suspended(pause_key="answer-1"))
    waiting.finish_work()
    head = waiting.state.head

    assert one_look() == Looked(0)

    assert (stands(waiting.run), waiting.state.head) == ("paused", head)


def test_watch_wakes_a_run_that_slept_through_an_order(waiting):
    order(halting.hold, ORDER)
    set_state(waiting.run, Suspended(pause_key="answer-1"))  # it read the journal just before
    one_look()
    assert stands(waiting.run) == "scheduled"


@pytest.mark.parametrize("event", [ev.Held(by="p.kim", reason="x"), STOP])
def test_a_pass_lets_go_before_its_next_writes_once_somebody_wants_no_more(waiting, event):
    with opened() as journal:
        head = waiting.state.head
        check_goes_on(journal, "demo", after=head)
        note(journal, "demo", (ev.Said(marks=("m",)), event), actor="p.kim", at=BEGAN)
        with pytest.raises(JournalConflict):
            check_goes_on(journal, "demo", after=head)


def test_a_hold_in_the_middle_of_a_pass_ends_its_writes(program, monkeypatch):
    """The epic is created; the hold arrives before the stage's rows and tasks."""
    from flows import passes  # noqa: PLC0415  patched below

    create = passes.create_issues

    def create_then_held(*arguments, **keywords):
        made = create(*arguments, **keywords)
        if not program.state.held:
            with opened() as journal:
                note(journal, "demo", (ev.Held(by="p.kim", reason="x"),), actor="p", at=BEGAN)
        return made

    monkeypatch.setattr(passes, "create_issues", create_then_held)
    program.go()

    assert set(program.jira()) == {epic_key("demo")}
    assert set(program.state.issues) == {epic_key("demo")}


def test_holding_twice_changes_nothing_and_says_who_holds(waiting):
    order(halting.hold, ORDER)
    head = waiting.state.head
    with pytest.raises(HaltRefused) as refused:
        order(halting.hold, Order("demo", "j.doe", "j.doe", "me too"))
    assert re.fullmatch(
        r"program 'demo' is held already, by p\.kim since 20\d\d-\d\d-\d\d \d\d:\d\d UTC: legal "
        r"asks for it; nothing was changed\. It goes on with: rollout go-on demo",
        str(refused.value),
    )
    assert waiting.state.head == head


@pytest.mark.usefixtures("waiting")
def test_going_on_without_a_hold_changes_nothing():
    with pytest.raises(HaltRefused, match="program 'demo' is not held; nothing was changed"):
        order(halting.go_on, ORDER)


# Cancelled in the Prefect UI


def test_a_cancelled_run_holds_its_program(waiting):
    set_state(waiting.run, Cancelled())
    assert one_look() == Looked(0)
    held = waiting.state.held
    assert held is not None
    assert (held.by, held.reason) == (
        "somebody in the Prefect UI",
        "its run was cancelled in the Prefect UI",
    )
    head = waiting.state.head
    one_look()
    assert waiting.state.head == head


def test_a_cancelled_run_is_scheduled_again_by_go_on(waiting):
    set_state(waiting.run, Cancelled())
    one_look()
    told = order(halting.go_on, ORDER)
    assert told == "its run, which was cancelled, is started again"
    assert stands(waiting.run) == "scheduled"
    assert waiting.state.held is None


def test_who_is_faster_than_watch_can_let_a_cancelled_run_go_on_too(waiting):
    set_state(waiting.run, Cancelled())
    order(halting.go_on, ORDER)
    assert waiting.kinds[-2:] == ["held", "gone_on"]
    assert stands(waiting.run) == "scheduled"


def test_a_go_on_that_did_not_reach_the_cancelled_run_is_no_second_hold(waiting):
    set_state(waiting.run, Cancelled())
    one_look()
    with opened() as journal:  # the command was killed before it told the run
        note(journal, "demo", (ev.GoneOn(by="p.kim"),), actor="p.kim", at=BEGAN)
    one_look()
    assert waiting.state.held is None
    assert stands(waiting.run) == "scheduled"


def test_a_run_that_is_just_being_cancelled_cannot_go_on_yet(waiting):
    order(halting.hold, ORDER)
    set_state(waiting.run, Running())
    set_state(waiting.run, Cancelling())
    with pytest.raises(HaltRefused, match="is just being cancelled in the Prefect UI"):
        order(halting.go_on, ORDER)
    assert waiting.state.held is not None


# Stop


def test_a_stop_closes_marks_and_ends(waiting):
    order(halting.stop, ORDER, STOP)
    stopped = waiting.go()
    assert stopped.is_over
    assert stopped.text == "Stopped by p.kim: withdrawn"
    assert {waiting.issue(key)["status"]["name"] for key in (epic_key("demo"), *TASKS)} == {"Done"}
    assert "Stopped on" in str(waiting.issue(epic_key("demo"))["description"])
    for key in ROWS:
        assert waiting.workbook.cells(key)["Message"].startswith("The program was stopped by p.kim")
    assert waiting.state.is_settled


@pytest.mark.parametrize("state", [Crashed, Cancelled])
def test_a_program_whose_run_has_ended_is_stopped_too(waiting, state):
    set_state(waiting.run, state())
    order(halting.stop, ORDER, STOP)
    assert stands(waiting.run) == "scheduled"


def test_a_program_that_wrote_nothing_is_stopped_without_a_look(program):
    with opened() as journal:
        take_up(journal, SPEC, "demo.yaml", program.run)
    order(halting.stop, ORDER, STOP)
    program.sandbox.clear_requests()
    assert program.go().is_over
    assert program.sandbox.requests() == []


def test_a_stopped_program_is_neither_launched_nor_stopped_nor_held_again(program):
    with opened() as journal:
        take_up(journal, SPEC, "demo.yaml", program.run)
    order(halting.stop, ORDER, STOP)
    with opened() as journal, pytest.raises(ProgramAlreadyLaunched):
        take_up(journal, SPEC, "demo.yaml", str(uuid4()))
    for again in (
        lambda: order(halting.stop, ORDER, STOP),
        lambda: order(halting.hold, ORDER),
        lambda: order(halting.go_on, ORDER),
    ):
        with pytest.raises(HaltRefused, match=r"was stopped by p\.kim on .* already; nothing was"):
            again()


# A lost run


def delete_run(run: str) -> None:
    with get_client(sync_client=True) as client:
        client.delete_flow_run(UUID(run))


def test_a_deleted_run_is_told_by_watch_and_noted_once(waiting):
    delete_run(waiting.run)
    (trouble,) = one_look().troubles
    assert trouble.startswith(f"demo: Prefect does not know its run {waiting.run}: ")
    assert trouble.endswith("a new run takes it up with: rollout launch --continue demo")
    one_look()
    assert waiting.kinds.count("run_lost") == 1


def test_a_run_that_was_made_after_prefect_was_asked_is_not_lost(waiting):
    state = waiting.state
    with opened() as journal:
        assert look_after_runs(journal, Settings.load(), {state.run: state}, {}) == []
    assert "run_lost" not in waiting.kinds


def test_a_program_is_taken_up_with_the_spec_of_the_journal(waiting):
    lost, waiting.run = waiting.run, str(uuid4())
    delete_run(lost)
    other_file = SPEC.replace("Demo of a policy", "Another title")
    with opened() as journal:
        take_over(journal, other_file, "other.yaml", waiting.run, lost=lost)
    assert waiting.spec.title == "Demo of a policy"
    before = waiting.jira()
    waiting.go()
    assert waiting.jira() == before
    waiting.everything_once()


def test_of_two_runs_that_take_a_program_up_the_first_one_carries_it(waiting):
    lost, first = waiting.run, str(uuid4())
    delete_run(lost)
    with opened() as journal:
        take_over(journal, SPEC, "demo.yaml", first, lost=lost)
        take_over(journal, SPEC, "demo.yaml", first, lost=lost)  # it was killed and begins again
        with pytest.raises(NotTakenUp, match=rf"run \S*{first} carries it by now"):
            take_over(journal, SPEC, "demo.yaml", str(uuid4()), lost=lost)
        assert [each.event.kind for each in records_of(journal, "demo")].count("taken_up") == 1


@pytest.mark.parametrize(
    ("state", "next_step"),
    [
        (Suspended(pause_key="answer-0"), "it waits, and nothing is lost"),
        (Running(), "see where it stands: rollout status demo"),
        (Cancelled(), "a cancelled run goes on with: rollout go-on demo"),
        (Crashed(), "a crashed run is started again by `watch` within a minute"),
    ],
)
def test_a_run_that_prefect_still_knows_is_named_and_left_in_its_place(waiting, state, next_step):
    set_state(waiting.run, state)
    with pytest.raises(NotTakenUp) as refused:
        continue_program(waiting.state)
    assert waiting.run in str(refused.value)
    assert next_step in str(refused.value)


def test_a_lost_program_goes_on_only_once_a_run_is_there_again(waiting):
    order(halting.hold, ORDER)
    delete_run(waiting.run)
    with pytest.raises(HaltRefused, match="rollout launch --continue demo"):
        order(halting.go_on, ORDER)


def test_a_program_that_is_over_is_not_taken_up(waiting):
    order(halting.stop, ORDER, STOP)
    waiting.go()
    with pytest.raises(NotTakenUp, match="it is over, and nothing is left to do"):
        continue_program(waiting.state)


def test_a_run_whose_program_was_taken_up_by_another_stops_at_its_next_look(waiting):
    with opened() as journal:
        taken = ev.TakenUp(run=str(uuid4()), before=waiting.run)
        note(journal, "demo", (taken,), actor="rollout", at=BEGAN)
    waiting.person(MEI).move(waiting.state.issues[TASKS[1]], "Done")
    with pytest.raises(ProgramAlreadyLaunched):
        waiting.go()
