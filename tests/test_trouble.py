"""When a program tries again after an outside failure."""

from datetime import timedelta

import pytest

from policy_rollout.errors import (
    PreflightFailed,
    RolloutError,
    ServiceRefused,
    ServiceUnavailable,
    SettingsWrong,
    WriteInDoubt,
)
from policy_rollout.program import ProgramState, Trouble
from policy_rollout.trouble import met
from tests.programs_under_way import BEGAN


def down(retry_after: float | None = None) -> ServiceUnavailable:
    return ServiceUnavailable(
        "Jira", "reading 3 issues", "HTTP 503", retry_after_seconds=retry_after
    )


def wait(error: RolloutError, times: int) -> timedelta:
    """How long a program waits that met trouble so often before."""
    state = ProgramState("p")
    if times:
        state.trouble = Trouble("before", since=BEGAN, again_at=BEGAN, times=times)
    return met(error, state, BEGAN).again_at - BEGAN


@pytest.mark.parametrize(
    ("times", "seconds"), [(0, 10), (1, 20), (2, 40), (5, 320), (6, 640), (7, 900), (1000, 900)]
)
def test_waits_double_up_to_a_quarter_of_an_hour(times: int, seconds: int):
    assert wait(down(), times) == timedelta(seconds=seconds)


def test_a_write_in_doubt_is_looked_for_soon():
    assert wait(WriteInDoubt("Jira", "creating 3 issues", "no answer"), 0) == timedelta(seconds=10)


@pytest.mark.parametrize(("asked", "seconds"), [(5, 10), (45, 45), (3600, 3600), (1.5, 10)])
def test_the_service_is_given_the_time_it_asks_for(asked: float, seconds: int):
    assert wait(down(asked), 0) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "error",
    [
        ServiceRefused("Jira", "creating", "no", next_step="Mend it", status=400),
        SettingsWrong("ROLLOUT_JIRA_TOKEN is missing"),
        PreflightFailed(()),
    ],
    ids=lambda each: type(each).__name__,
)
def test_what_a_person_has_to_mend_is_tried_each_quarter_of_an_hour(error: RolloutError):
    assert wait(error, 0) == timedelta(minutes=15)


def test_the_entry_says_what_happened():
    assert met(down(), ProgramState("p"), BEGAN).text == (
        "Jira: reading 3 issues failed: HTTP 503. It is tried again on the next pass"
    )
