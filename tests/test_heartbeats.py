"""When a run that says Running has lost its process."""

from datetime import UTC, datetime, timedelta

import pytest

from policy_rollout.heartbeats import (
    NONE_HEARD,
    Heartbeats,
    has_fallen_silent,
    may_be_lost,
)

BEGAN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
EVERY = timedelta(seconds=30)


def after(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def silent(heard: Heartbeats, now: datetime) -> bool:
    return has_fallen_silent(BEGAN, heard, every=EVERY, now=now)


def test_nobody_asks_for_the_heartbeats_of_a_run_that_has_just_begun():
    assert not may_be_lost(BEGAN, EVERY, after(120))
    assert may_be_lost(BEGAN, EVERY, after(121))


def test_a_run_whose_heartbeats_stopped_while_those_of_others_came_has_lost_its_process():
    heard = Heartbeats(last=after(5), others=(after(40), after(100)))

    assert not silent(heard, after(125))
    assert silent(heard, after(126))


def test_a_run_that_sends_heartbeats_is_at_work_however_long_it_takes():
    assert not silent(Heartbeats(after(7200), (after(7231), after(7290))), after(7300))


@pytest.mark.parametrize(
    "others",
    [
        pytest.param((), id="the server was away, or nobody else ran"),
        pytest.param((after(10), after(30)), id="the others fell silent with it"),
        pytest.param((after(595), after(600)), id="heartbeats have only just begun to come again"),
    ],
)
def test_silence_does_not_count_while_no_heartbeat_comes_through(others):
    assert not silent(Heartbeats(after(5), others), after(601))


def test_a_run_that_never_sent_one_is_given_a_quarter_of_an_hour():
    assert not silent(NONE_HEARD, after(900))
    assert silent(NONE_HEARD, after(901))
