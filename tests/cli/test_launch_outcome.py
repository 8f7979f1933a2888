"""What `rollout launch` says of a run that has come to its first stop."""

from datetime import UTC, datetime

import pytest

from policy_rollout.errors import ExitCode
from policy_rollout.launching import Launch, outcome_of
from policy_rollout.prefect_api import RunSeen
from policy_rollout.program import ProgramState, Trouble

RUN = "0f0e0d0c-0b0a-4908-8706-050403020100"


def seen(state: str, message: str = "") -> RunSeen:
    return RunSeen(run=RUN, name="small", state=state, message=message, since=None, state_id="")


def journaled(trouble: str = "") -> ProgramState:
    state = ProgramState("small")
    state.run = RUN
    at = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
    state.trouble = Trouble(text=trouble, since=at, again_at=at, times=1) if trouble else None
    return state


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("paused", ExitCode.DONE),
        ("completed", ExitCode.DONE),
        ("failed", ExitCode.FOUND_PROBLEMS),
        ("cancelled", ExitCode.FOUND_PROBLEMS),
        ("held", ExitCode.DONE),
        ("crashed", ExitCode.SERVICE_FAILED),
        ("trouble", ExitCode.SERVICE_FAILED),
    ],
)
def test_the_exit_code_tells_how_a_launch_ended(state, expected):
    assert Launch("small", RUN, "", stands=state).exit_code == expected


def test_a_program_that_waits_for_people_needs_no_words():
    assert outcome_of(seen("paused", "Suspended"), journaled()) == ("paused", "")


def test_a_run_that_was_cancelled_holds_its_program():
    goes_on = "it is held; it goes on with: rollout go-on small"
    assert outcome_of(seen("cancelled"), journaled()) == ("held", goes_on)


def test_a_run_that_was_cancelled_before_it_wrote_anything_was_never_launched():
    found = outcome_of(seen("cancelled", "by hand"), ProgramState("small"))
    assert found == ("cancelled", "by hand")


def test_trouble_is_told_as_the_journal_has_it():
    found = outcome_of(seen("paused"), journaled("Jira: reading failed: HTTP 503"))
    assert found == ("trouble", "Jira: reading failed: HTTP 503")


def test_trouble_of_another_run_is_not_told():
    state = journaled("Jira: reading failed: HTTP 503")
    state.run = "another"
    assert outcome_of(seen("failed", "Flow run failed"), state) == ("failed", "Flow run failed")


def test_a_run_that_crashed_before_the_journal_knew_it_is_launched_again():
    assert outcome_of(seen("crashed", "exit code -15"), ProgramState("small")) == (
        "crashed",
        "the run crashed (exit code -15) before it wrote anything; launch the program again",
    )


def test_a_run_that_crashed_later_goes_on_by_itself():
    stands, message = outcome_of(seen("crashed", "exit code -9"), journaled())
    assert stands == "crashed"
    assert message == (
        "the run crashed (exit code -9); it is started again by itself and goes on from the journal"
    )
