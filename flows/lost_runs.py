"""Runs that do not go on by themselves: crashed, silent, cancelled, deleted, or asleep.

A run that was cancelled in the Prefect UI holds its program; one that Prefect does not know is
told, and taken up by `rollout launch --continue`.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime

from prefect import get_run_logger

from flows.forms import CHECK
from flows.publishing import publish
from policy_rollout import events as ev
from policy_rollout import prefect_api
from policy_rollout.decide import as_known
from policy_rollout.errors import JournalConflict
from policy_rollout.halting import CANCELLED, IN_THE_UI
from policy_rollout.heartbeats import (
    NEVER_LASTS,
    NONE_HEARD,
    STARTS_WITHIN,
    has_fallen_silent,
    may_be_lost,
)
from policy_rollout.history import decide_and_write
from policy_rollout.journal.store import Journal
from policy_rollout.outline import outline_at
from policy_rollout.prefect_api import RunRefused, RunSeen
from policy_rollout.program import ProgramState
from policy_rollout.settings import Settings
from policy_rollout.spec.reader import read_valid

ACTOR = "watch"


def look_after_runs(
    journal: Journal,
    settings: Settings,
    states: Mapping[str, ProgramState],
    runs: Mapping[str, RunSeen],
) -> list[str]:
    """See to each program's run; answers what a person has to do, one text a program.

    `states` are the programs with something left to do, by their run; `runs` those of the runs
    that Prefect knows.
    """
    troubles: list[str] = []
    for run, state in states.items():
        with suppress(JournalConflict):  # somebody else was first: the next look sees
            troubles += _look_after(journal, settings, state, runs.get(run))
    return troubles


def _look_after(
    journal: Journal, settings: Settings, state: ProgramState, run: RunSeen | None
) -> Iterator[str]:
    if run is None:
        yield from _missed(journal, state)
        return
    if state.lost_since is not None:
        _note(journal, state, ev.RunFound(run=run.run))
    if run.state == "cancelled":
        yield from _cancelled(journal, settings, state, run)
    elif run.is_waiting and state.order:
        yield from _woken(state, run)
    else:
        start_again_if_lost(run)


def _missed(journal: Journal, state: ProgramState) -> Iterator[str]:
    if state.lost_since is None:
        if prefect_api.look_up((state.run,)):
            return  # it was made after Prefect was asked: the next look sees to it
        _note(journal, state, ev.RunLost(run=state.run))
    text = (
        f"{state.program}: Prefect does not know its run {state.run}: somebody deleted it, or the "
        "server's database. Nothing of the program is lost; a new run takes it up with: "
        f"rollout launch --continue {state.program}"
    )
    get_run_logger().warning("%s", text)
    yield text


def _cancelled(
    journal: Journal, settings: Settings, state: ProgramState, run: RunSeen
) -> Iterator[str]:
    """Cancelling is holding; a run that was cancelled before it was let go on is started again."""
    if state.held is not None:
        return
    if state.order:
        if prefect_api.start_again(run, "it was let go on, or stopped, after it was cancelled"):
            get_run_logger().info("run %s is started again", run.name)
    elif state.stopped is not None:
        yield (
            f"{state.program}: its run was cancelled before it had done all that the stop asks "
            f"for; it is done with: rollout stop {state.program} --reason REASON"
        )
    else:
        _note(journal, state, ev.Held(by=IN_THE_UI, reason=CANCELLED))
        get_run_logger().info("%s is held: its run was cancelled", state.program)
        now = datetime.now(UTC)
        outline = outline_at(read_valid(state.spec_text, state.spec_path), state, now)
        publish(settings, outline, as_known(outline, state), now=now)


def _woken(state: ProgramState, run: RunSeen) -> Iterator[str]:
    """The run sleeps and has not seen that its program was held, let go on or stopped."""
    try:
        prefect_api.resume(run.run, {"action": CHECK, "note": "somebody held it or let it go on"})
    except RunRefused as error:
        yield f"{state.program}: {error}"


def _note(journal: Journal, state: ProgramState, event: ev.Event) -> None:
    decide_and_write(journal, state, (event,), actor=ACTOR, at=datetime.now(UTC))


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
