"""See what people did in Jira and the workbook, and resume just the programs that it moves.

One run looks for about a minute, every WATCH_SECONDS; Prefect schedules the next.
"""

import time
from datetime import UTC, datetime, timedelta

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows.publishing import publish
from flows.taking_up import CHECK
from policy_rollout import prefect_api
from policy_rollout.decide import Decision, decide, to_look_at
from policy_rollout.errors import JournalConflict, RolloutError
from policy_rollout.history import decide_and_write, state_of
from policy_rollout.journal.store import Journal
from policy_rollout.plan import outline_of
from policy_rollout.prefect_api import RunSeen
from policy_rollout.program import ProgramState
from policy_rollout.settings import Settings
from policy_rollout.spec.reader import read_valid
from tasks.world import changed_since, read_world

RUN_LASTS = timedelta(seconds=54)
LOOKS_BACK = timedelta(minutes=15)
"""How old a change may be that a run still notices; the hourly look at everything sees the rest."""
SILENT_AFTER = timedelta(minutes=15)
"""A pass never lasts that long: a run that says Running since then has lost its process."""


@flow(name="watch", flow_run_name="look for changes")
def watch(everything: bool = False) -> State[str]:  # noqa: FBT001, FBT002 - a field of the form
    """Look again and again for a minute; with `everything`, first at every program by key."""
    settings = Settings.load()
    began = datetime.now(UTC)
    ends = (flow_run.scheduled_start_time or began) + RUN_LASTS
    since, looks, resumed = began - LOOKS_BACK, 0, 0
    try:
        with Journal(settings.journal_address) as journal:
            while True:
                started = datetime.now(UTC)
                resumed += look(journal, settings, since=since, everything=everything)
                looks, since, everything = looks + 1, started, False
                rest = timedelta(seconds=settings.watch_seconds) - (datetime.now(UTC) - started)
                if datetime.now(UTC) + rest >= ends:
                    return Completed(message=f"{looks} looks, {resumed} runs resumed")
                time.sleep(max(rest.total_seconds(), 0))
    except RolloutError as error:
        return Failed(message=str(error))


def look(journal: Journal, settings: Settings, *, since: datetime, everything: bool) -> int:
    """One look at all programs that wait; how many runs were resumed."""
    states = [state_of(journal, program) for program in journal.heads()]
    unfinished = {state.run: state for state in states if state.run and not state.finished_at}
    if not unfinished:
        return 0
    runs = prefect_api.look_up(tuple(unfinished))
    for run in runs.values():
        start_again_if_lost(run)
    waiting = [unfinished[run.run] for run in runs.values() if run.is_waiting]
    if not waiting:
        return 0
    changed = None if everything else changed_since(settings, waiting, since)
    return sum(
        look_at(journal, settings, state)
        for state in waiting
        if changed is None or state.program in changed or _is_due(state)
    )


def start_again_if_lost(run: RunSeen) -> None:
    """A crashed run, or one that says Running without a sign of life, goes on from its journal."""
    lost = run.state == "running" and run.since and datetime.now(UTC) - run.since > SILENT_AFTER
    if run.state == "crashed" or lost:
        get_run_logger().warning("run %s (%s) was lost; it is started again", run.name, run.state)
        prefect_api.start_again(run.run, f"found {run.state} by watch")


def _is_due(state: ProgramState) -> bool:
    return state.trouble is not None and state.trouble.again_at <= datetime.now(UTC)


def look_at(journal: Journal, settings: Settings, state: ProgramState) -> bool:
    """Resume the program's run where its next step has changed; else note what was seen."""
    if _is_due(state):
        return _resume(state, "time to try again")
    if state.trouble is not None or state.doubts:
        return False
    spec = read_valid(state.spec_text, state.spec_path)
    now = datetime.now(UTC)
    outline = outline_of(spec, today=now.astimezone(spec.timeline.timezone).date())
    world = read_world(spec, to_look_at(outline, state))
    decision = decide(outline, state, world, rejected_status=settings.jira_rejected_status, now=now)
    if decision.moves_the_program:
        return _resume(state, why(decision))
    if decision.events:
        try:
            decide_and_write(journal, state, decision.events, actor="watch", at=now)
        except JournalConflict:
            return False  # the program's own run was first: the next look sees
        publish(settings, outline, decision, now=now)
    return False


def why(decision: Decision) -> str:
    kinds = dict.fromkeys(each.kind.replace("_", " ") for each in decision.events)
    return f"watch: {', '.join(kinds) or f'{len(decision.changes)} changes due'}"


def _resume(state: ProgramState, because: str) -> bool:
    get_run_logger().info("resuming %s: %s", state.program, because)
    return prefect_api.resume(state.run, {"action": CHECK, "note": because})
