"""Two launches of a program, and two processes of one run: one goes on, nothing doubles."""

import threading
from uuid import UUID

import pytest
import requests
from carried import SPEC, Carried
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.states import Paused, Running, State

from policy_rollout import prefect_api
from policy_rollout.errors import ProgramAlreadyLaunched
from policy_rollout.journal.store import Journal

pytestmark = pytest.mark.long


@flow
def stand_in() -> None:
    """A flow whose runs are only looked at."""


def a_run(state: State[None]) -> str:
    """The id of a run that Prefect knows, in a state."""
    with get_client(sync_client=True) as client:
        return str(client.create_flow_run(stand_in, state=state).id)


def state_of_run(run: str) -> str:
    return prefect_api.look_up((run,))[run].state


@pytest.fixture
def in_between(monkeypatch):
    """Lets something happen in the middle of a pass: right before its first request to a path."""

    def arrange(path, happen):
        send, left = requests.Session.send, [happen]

        def sending(session, request, **options):
            if left and request.url.endswith(path):
                thread = threading.Thread(target=left.pop())
                thread.start()
                thread.join()
            return send(session, request, **options)

        monkeypatch.setattr(requests.Session, "send", sending)

    return arrange


@pytest.mark.parametrize("path", ["/search/jql", "/issue/bulkfetch", "/issueLink"])
def test_two_processes_of_one_run_create_nothing_twice(program, in_between, path):
    in_between(path, program.go)

    program.go()

    assert program.trouble == ""
    program.everything_once()


def test_a_second_launch_is_refused_and_says_where_the_first_one_stands(program):
    program.go()
    second = Carried(program.sandbox, SPEC, run=a_run(Running()))

    with pytest.raises(ProgramAlreadyLaunched) as caught:
        second.go()

    assert str(caught.value).startswith("program 'demo' was already launched on 20")
    assert str(caught.value).endswith(
        "nothing was created a second time. See where it stands: rollout status demo"
    )
    program.everything_once()


def test_a_program_that_wrote_nothing_may_be_launched_again_and_the_old_run_ends(program):
    program.sandbox.remove_person("m.tan@example.com")
    program.run = a_run(Paused())
    program.go()
    program.sandbox.add_person("m.tan@example.com")
    second = Carried(
        program.sandbox, SPEC.replace("Demo of", "Second demo of"), run=a_run(Running())
    )

    second.go()

    assert state_of_run(program.run) == "cancelled"
    assert second.issue("demo/epic")["summary"] == "Second demo of a policy"
    second.everything_once()


def test_a_program_whose_old_run_was_deleted_may_be_launched_again(program):
    program.sandbox.remove_person("m.tan@example.com")
    program.run = a_run(Paused())
    program.go()
    with get_client(sync_client=True) as client:
        client.delete_flow_run(UUID(program.run))
    program.sandbox.add_person("m.tan@example.com")
    second = Carried(program.sandbox, SPEC, run=a_run(Running()))

    second.go()

    second.everything_once()


def test_a_program_whose_run_is_at_work_is_not_launched_again(program):
    program.sandbox.remove_person("m.tan@example.com")
    program.run = a_run(Running())
    program.go()
    second = Carried(program.sandbox, SPEC, run=a_run(Running()))

    with pytest.raises(ProgramAlreadyLaunched):
        second.go()

    assert state_of_run(program.run) == "running"


def test_of_two_launches_at_the_same_moment_one_is_refused(program, monkeypatch):
    first, second = (Carried(program.sandbox, SPEC, run=a_run(Running())) for _ in "ab")
    append = Journal.append
    left = [second.go]

    def appending(journal, *given, **options):
        if left:
            thread = threading.Thread(target=left.pop())
            thread.start()
            thread.join()
        return append(journal, *given, **options)

    monkeypatch.setattr(Journal, "append", appending)

    with pytest.raises(ProgramAlreadyLaunched):
        first.go()

    assert first.state.run == second.run
    second.everything_once()


def test_a_run_that_was_replaced_stops_in_the_middle_of_its_pass(program, in_between):
    run = a_run(Paused())
    program.run = run

    def replace() -> None:
        Carried(program.sandbox, SPEC, run=a_run(Running())).go()

    in_between("/myself", replace)

    with pytest.raises(ProgramAlreadyLaunched):
        program.go()

    assert program.state.run != run
    program.everything_once()
