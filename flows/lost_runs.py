"""Runs that lost their process: crashed, or silent for longer than any pass takes."""

from datetime import UTC, datetime

from prefect import get_run_logger

from policy_rollout import prefect_api
from policy_rollout.heartbeats import (
    NEVER_LASTS,
    NONE_HEARD,
    STARTS_WITHIN,
    has_fallen_silent,
    may_be_lost,
)
from policy_rollout.prefect_api import RunSeen


def start_again_if_lost(run: RunSeen) -> None:
    """A crashed run, one at work without a sign of life, or one that failed, goes on later."""
    if _is_lost(run, datetime.now(UTC)) and prefect_api.start_again(
        run, f"found {run.state} by watch, without a process"
    ):
        get_run_logger().warning("run %s (%s) was lost; it is started again", run.name, run.state)


def _is_lost(run: RunSeen, now: datetime) -> bool:
    if run.since is None:
        return run.state == "crashed"
    match run.state:
        case "crashed":
            return True
        case "failed":
            return now - run.since > NEVER_LASTS
        case "pending":
            return now - run.since > STARTS_WITHIN
        case "running":
            return _is_silent(run.run, run.since, now)
        case _:
            return False


def _is_silent(run: str, since: datetime, now: datetime) -> bool:
    every = prefect_api.heartbeats_every()
    if not may_be_lost(since, every, now):
        return False
    heard = prefect_api.heartbeats(run, since, every=every) if every else NONE_HEARD
    return has_fallen_silent(since, heard, every=every, now=now)
