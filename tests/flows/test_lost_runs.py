"""A run at work is started again when its heartbeats stop, and at no other time."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.events.filters import EventFilter, EventIDFilter, EventOccurredFilter
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.states import Pending, Running

from flows.lost_runs import start_again_if_lost
from policy_rollout import prefect_api

pytestmark = pytest.mark.long

EVERY = timedelta(seconds=30)
HEARD_WITHIN_SECONDS = 60
"""The server stores events in batches, every few seconds."""


@flow
def stand_in() -> None:
    """A flow whose runs only stand in a state."""


@flow
def again(seen: prefect_api.RunSeen) -> None:
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: EVERY.seconds}):
        start_again_if_lost(seen)


@pytest.fixture
def a_run(prefect_home):  # noqa: ARG001  the server must run
    """Makes a run that turned to a state so long ago."""

    def make(state, ago: timedelta) -> prefect_api.RunSeen:
        with get_client(sync_client=True) as client:
            made = client.create_flow_run(stand_in)
            client.set_flow_run_state(made.id, state, force=True)
        run = str(made.id)
        return replace(prefect_api.look_up((run,))[run], since=datetime.now(UTC) - ago)

    return make


def state_of_run(run: str) -> str:
    return prefect_api.look_up((run,))[run].state


def send_heartbeats(*beats: tuple[str, float]) -> None:
    """Those of runs, sent so many seconds ago; returns when the server has stored all."""
    now = datetime.now(UTC)
    events = [
        {
            "id": str(uuid4()),
            "event": "prefect.flow-run.heartbeat",
            "resource": {"prefect.resource.id": f"prefect.flow-run.{run}"},
            "occurred": (now - timedelta(seconds=ago)).isoformat(),
        }
        for run, ago in beats
    ]
    with get_client(sync_client=True) as client:
        client._client.post("/events", json=events).raise_for_status()
        sent = EventFilter(
            id=EventIDFilter(id=[UUID(each["id"]) for each in events]),
            occurred=EventOccurredFilter(since=now - timedelta(hours=1)),
        )
        deadline = time.monotonic() + HEARD_WITHIN_SECONDS
        while client.read_events(sent, limit=1).total < len(events):
            assert time.monotonic() < deadline
            time.sleep(0.2)


def test_a_run_whose_heartbeats_stopped_while_others_went_on_is_started_again(a_run):
    seen, other = a_run(Running(), timedelta(minutes=5)), str(uuid4())
    send_heartbeats((seen.run, 240), (other, 180), (other, 20))

    again(seen)

    assert state_of_run(seen.run) == "scheduled"


def test_a_run_that_still_sends_heartbeats_is_let_be(a_run):
    seen, other = a_run(Running(), timedelta(hours=1)), str(uuid4())
    send_heartbeats((seen.run, 60), (other, 25), (other, 1))

    again(seen)

    assert state_of_run(seen.run) == "running"


def test_heartbeats_of_an_earlier_time_at_work_say_nothing_of_this_one(a_run):
    seen = a_run(Running(), timedelta(minutes=5))
    send_heartbeats((seen.run, 400), (str(uuid4()), 20))

    again(seen)

    assert state_of_run(seen.run) == "running"


def test_what_the_server_heard_is_asked_for_by_its_ends(a_run):
    run, other = a_run(Running(), timedelta()).run, str(uuid4())
    send_heartbeats((run, 3000), (run, 2900), (other, 2860), (other, 2500), (other, 2850))

    heard = prefect_api.heartbeats(
        str(UUID(run)), datetime.now(UTC) - timedelta(hours=1), every=EVERY
    )

    first, last = heard.others
    assert timedelta(seconds=30) < first - heard.last < timedelta(seconds=50)
    assert last > first


def test_a_run_that_a_worker_took_and_did_not_start_is_given_five_minutes(a_run):
    early, late = a_run(Pending(), timedelta(minutes=4)), a_run(Pending(), timedelta(minutes=6))

    for each in (early, late):
        again(each)

    assert [state_of_run(each.run) for each in (early, late)] == ["pending", "scheduled"]
