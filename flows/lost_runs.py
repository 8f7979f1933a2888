"""Runs that lost their process: crashed, or silent for longer than any pass takes."""

from datetime import UTC, datetime, timedelta

from prefect import get_run_logger

from policy_rollout import prefect_api
from policy_rollout.prefect_api import RunSeen

SILENT_AFTER = timedelta(minutes=15)
"""A pass never lasts that long: a run that says Running since then has lost its process."""


def start_again_if_lost(run: RunSeen) -> None:
    """A crashed run, one at work without a sign of life, or one that failed, goes on later."""
    at_work = run.state in {"running", "pending", "failed"}
    silent = run.since is not None and datetime.now(UTC) - run.since > SILENT_AFTER
    if (run.state == "crashed" or (at_work and silent)) and prefect_api.start_again(
        run, f"found {run.state} by watch"
    ):
        get_run_logger().warning("run %s (%s) was lost; it is started again", run.name, run.state)
