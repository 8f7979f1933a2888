"""See what people did in Jira and the workbook, and resume just the programs that it moves.

One run looks for about a minute, every WATCH_SECONDS; Prefect schedules the next.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows.forms import CHECK
from flows.lost_runs import start_again_if_lost
from flows.publishing import publish
from policy_rollout import prefect_api
from policy_rollout.circumstances import circumstances_of
from policy_rollout.connections import check_home
from policy_rollout.decide import Decision, as_known, decide, steps_due, to_look_at
from policy_rollout.errors import (
    JournalConflict,
    JournalTampered,
    RolloutError,
    ServiceError,
    SettingsWrong,
    SpecRefused,
)
from policy_rollout.history import decide_and_write, programs, state_of
from policy_rollout.journal.store import Journal
from policy_rollout.outline import outline_at
from policy_rollout.prefect_api import RunRefused
from policy_rollout.program import ProgramState
from policy_rollout.settings import Settings
from policy_rollout.spec.reader import read_valid
from tasks.world import changed_since, read_world

RUN_LASTS = timedelta(seconds=54)
LOOKS_BACK = timedelta(minutes=15)
"""How old a change may be that a run still notices; the hourly look at everything sees the rest."""
OUTSIDE = (ServiceError, SettingsWrong, SpecRefused, RunRefused)
"""What may be wrong with one program, or with one service, while the others go on."""


@flow(name="watch", flow_run_name="look for changes")
def watch(everything: bool = False) -> State[str]:  # noqa: FBT001, FBT002 - a field of the form
    """Look again and again for a minute; with `everything`, first at every program by key."""
    began = datetime.now(UTC)
    ends = (flow_run.scheduled_start_time or began) + RUN_LASTS
    since, looks, resumed = began - LOOKS_BACK, 0, 0
    try:
        settings = Settings.load()
        with Journal(settings.journal_address) as journal:
            while True:
                started = datetime.now(UTC)
                looked = look(journal, settings, since=since, everything=everything)
                looks, resumed, everything = looks + 1, resumed + looked.resumed, False
                if not looked.troubles:
                    since = started
                rest = timedelta(seconds=settings.watch_seconds) - (datetime.now(UTC) - started)
                if datetime.now(UTC) + rest >= ends:
                    break
                time.sleep(max(rest.total_seconds(), 0))
    except RolloutError as error:
        return Failed(message=str(error))
    if looked.troubles:
        return Failed(message="\n".join(looked.troubles))
    return Completed(message=f"{looks} looks, {resumed} runs resumed")


@dataclass(frozen=True, slots=True)
class Looked:
    """How many runs were resumed, and what could not be looked at: one text each."""

    resumed: int
    troubles: tuple[str, ...] = ()


def look(journal: Journal, settings: Settings, *, since: datetime, everything: bool) -> Looked:
    """One look at all programs that wait; one that cannot be looked at keeps no other waiting."""
    states, troubles = _readable(journal)
    unfinished = {state.run: state for state in states if state.run and _goes_on(state)}
    if not unfinished:
        return Looked(0, tuple(troubles))
    runs = prefect_api.look_up(tuple(unfinished))
    for run in runs.values():
        start_again_if_lost(run)
    waiting = [unfinished[run.run] for run in runs.values() if run.is_waiting]
    if not waiting:
        return Looked(0, tuple(troubles))
    changed, resumed = None, 0
    if not everything:
        try:
            changed = changed_since(settings, waiting, since)
        except OUTSIDE as error:
            changed = frozenset[str]()
            troubles.append(_told(str(error)))
    for state in waiting:
        is_changed = changed is None or state.program in changed
        try:
            if is_changed or _is_due(state) or _is_silent(journal, settings, state):
                resumed += look_at(journal, settings, state)
        except OUTSIDE as error:
            troubles.append(_told(f"{state.program}: {error}"))
    return Looked(resumed, tuple(troubles))


def _readable(journal: Journal) -> tuple[list[ProgramState], list[str]]:
    """The programs whose journal and spec can be read, and what is wrong with the others."""
    states: list[ProgramState] = []
    troubles: list[str] = []
    for program in programs(journal):
        try:
            state = state_of(journal, program)
            read_valid(state.spec_text, state.spec_path)
        except (JournalTampered, SpecRefused) as error:
            troubles.append(_told(f"{program}: {error}"))
        else:
            states.append(state)
    return states, troubles


def _goes_on(state: ProgramState) -> bool:
    return not state.is_over or state.trouble is not None


def _told(trouble: str) -> str:
    get_run_logger().warning("%s", trouble)
    return trouble


def _is_due(state: ProgramState) -> bool:
    """Whether trouble is to be tried again, or somebody gave a code that nobody judged."""
    if state.trouble is not None:
        return state.trouble.again_at <= datetime.now(UTC)
    return bool(state.unjudged_codes)


def _is_silent(journal: Journal, settings: Settings, state: ProgramState) -> bool:
    """Whether silence makes a step due: a question of time alone, no look at the world."""
    if state.trouble is not None or not any(gate.asked for gate in state.gates.values()):
        return False
    now = datetime.now(UTC)
    outline = outline_at(read_valid(state.spec_text, state.spec_path), state, now)
    known = as_known(outline, state)
    return bool(steps_due(outline, state, known.judged, circumstances_of(journal, settings, now)))


def look_at(journal: Journal, settings: Settings, state: ProgramState) -> bool:
    """Resume the program's run where its next step has changed; else note what was seen."""
    if _is_due(state):
        return _resume(state, "a code was given" if state.unjudged_codes else "time to try again")
    if state.trouble is not None or state.doubts:
        return False
    spec = read_valid(state.spec_text, state.spec_path)
    check_home(settings, spec, state)
    now = datetime.now(UTC)
    outline = outline_at(spec, state, now)
    world = read_world(spec, to_look_at(outline, state))
    decision = decide(outline, state, world, circumstances_of(journal, settings, now))
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
