"""See what people did in Jira and the workbook, and resume just the programs that it moves.

One run looks for a minute; Prefect schedules the next. What a look sees and decides is journaled at
once, so that a gate passes though its run still sleeps; the run then makes the changes outside.
Looks are closer together than WATCH_SECONDS by about what it takes a resumed run to start.
"""

import math
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows.forms import CHECK
from flows.lost_runs import look_after_runs
from flows.noticing import OUTSIDE, Noticed, notice, whose_turn_it_is
from flows.publishing import publish
from policy_rollout import prefect_api
from policy_rollout.changes_outside import Workbooks
from policy_rollout.circumstances import circumstances_of
from policy_rollout.connections import check_home
from policy_rollout.decide import Decision, ToLookAt, decide, to_look_at
from policy_rollout.errors import JournalConflict, RolloutError
from policy_rollout.history import decide_and_write, state_of
from policy_rollout.journal.store import Journal
from policy_rollout.journal.watch_table import NEVER, Known, WatchTable
from policy_rollout.observed import World
from policy_rollout.observing import read_world
from policy_rollout.outline import outline_at, spec_of
from policy_rollout.people_history import absences_of
from policy_rollout.prefect_api import RunSeen
from policy_rollout.program import ProgramState
from policy_rollout.request_budget import LIMITS
from policy_rollout.settings import Settings
from policy_rollout.spec.model import Spec
from policy_rollout.watch_list import forget_look, note_look, refresh
from policy_rollout.watched import mark_of_rows, watched
from policy_rollout.workbook import RowsRead

RUN_LASTS = timedelta(minutes=1)
A_RUN_STARTS_IN_SECONDS = 4.0
"""About so long from its resumption until it is Running, on two cores that also run the server."""
LOOKS_BACK = timedelta(minutes=15)
"""How old a change may be that a run still notices; the looks by key in turn see the rest."""


@flow(name="watch", flow_run_name="look for changes")
def watch(
    everything: bool = False,  # noqa: FBT001, FBT002 - a field of the form
    in_turn: bool = False,  # noqa: FBT001, FBT002 - the same
) -> State[str]:
    """Look again and again for a minute; with `everything`, first at every program by key.

    With `in_turn` look once, also by key at programs whose turn it is: each comes every hour.
    """
    began = datetime.now(UTC)
    ends = (flow_run.scheduled_start_time or began) + RUN_LASTS
    since, looks, resumed = began - LOOKS_BACK, 0, 0
    try:
        settings = Settings.load()
        prefect_api.make_limits(LIMITS)
        with Journal(settings.journal_address) as journal:
            while True:
                started = datetime.now(UTC)
                looked = look(
                    journal, settings, since=since, everything=everything, in_turn=in_turn
                )
                looks, resumed, everything = looks + 1, resumed + looked.resumed, False
                if not looked.troubles:
                    since = started
                next_look = started + between_looks(settings.watch_seconds)
                if in_turn or max(next_look, datetime.now(UTC)) >= ends:
                    break
                time.sleep(max((next_look - datetime.now(UTC)).total_seconds(), 0))
    except RolloutError as error:
        return Failed(message=str(error))
    if looked.troubles:
        return Failed(message="\n".join(looked.troubles))
    return Completed(message=f"{looks} looks, {resumed} runs resumed")


def between_looks(watch_seconds: float) -> timedelta:
    """From the start of a look to that of the next: an even part of a run, a second at least."""
    longest = max(watch_seconds - A_RUN_STARTS_IN_SECONDS, 1.0)
    return RUN_LASTS / math.ceil(RUN_LASTS.total_seconds() / longest)


@dataclass(frozen=True, slots=True)
class Looked:
    """How many runs were resumed, and what could not be looked at: one text each."""

    resumed: int
    troubles: tuple[str, ...] = ()


def look(
    journal: Journal,
    settings: Settings,
    *,
    since: datetime,
    everything: bool = False,
    in_turn: bool = False,
) -> Looked:
    """One look at all programs that wait; one that cannot be looked at keeps no other waiting.

    Its cost is that of what changed; with `everything` all are looked at by key, with `in_turn`
    those that were not for an hour, some at a time.
    """
    if not journal.is_begun():
        return Looked(0)
    now = datetime.now(UTC)
    with WatchTable(settings.journal_address) as table:
        unreadable = refresh(journal, table, now=now)
        workbooks = Workbooks(settings)
        noticed = (
            Noticed() if everything else notice(table, settings, workbooks, since=since, now=now)
        )
        for trouble in unreadable:
            noticed.tell(trouble)
        if everything:
            noticed.add(table.looked_at_before(now, None))
        if in_turn:
            noticed.add(whose_turn_it_is(table, now))
        desk = Desk(journal, settings, table, workbooks, now)
        to_mind = {run.run: run for run in prefect_api.runs_to_mind(now)}
        noticed.troubles += mind_runs(desk, table.of_runs(to_mind), to_mind)
        return Looked(look_at_all(desk, noticed), tuple(noticed.troubles))


@dataclass(frozen=True, slots=True)
class Desk:
    """What a look at a program needs besides it; `now` is when the whole look began."""

    journal: Journal
    settings: Settings
    table: WatchTable
    workbooks: Workbooks
    now: datetime


def mind_runs(desk: Desk, carried: Collection[Known], runs: Mapping[str, RunSeen]) -> Sequence[str]:
    """See to the runs of these programs; what a person has to do, one text a program."""
    states = {each.program.run: state_of(desk.journal, each.program.program) for each in carried}
    return look_after_runs(desk.journal, desk.settings, states, runs)


def look_at_all(desk: Desk, noticed: Noticed) -> int:
    """Look at each program whose run waits; how many runs were resumed."""
    runs = prefect_api.look_up([each.program.run for each in noticed.programs.values()])
    noticed.troubles += mind_runs(desk, noticed.programs.values(), runs)
    resumed = 0
    for known in noticed.programs.values():
        run = runs.get(known.program.run)
        if run is None or not run.is_waiting:
            forget_look(desk.table, known, desk.now)
            continue
        try:
            resumed += look_at(desk, known)
        except OUTSIDE as error:
            noticed.tell(f"{known.program.program}: {error}")
            forget_look(desk.table, known, desk.now)
    return resumed


def look_at(desk: Desk, known: Known) -> bool:
    """Journal what was seen and decided; resume the run where the program's next step changed.

    What ends or stops the program is left to its run, which has to end with it.
    """
    journal, settings = desk.journal, desk.settings
    state = state_of(journal, known.program.program)
    if state.is_halted:
        forget_look(desk.table, known, desk.now)
        return False
    if _is_due(state):
        return _resume(state, _why_due(state))
    if state.trouble is not None or state.doubts:
        forget_look(desk.table, known, desk.now)
        return False
    spec = spec_of(state)
    check_home(settings, spec, state)
    now = datetime.now(UTC)
    outline = outline_at(spec, state, now)
    wanted, circumstances = to_look_at(outline, state), circumstances_of(journal, settings, now)
    world, rows = _read_world(desk, spec, wanted)
    decision = decide(outline, state, world, circumstances)
    if rows and decision.moves_the_program:  # never by rows that were read for another program
        decision = decide(outline, state, read_world(settings, spec, wanted), circumstances)
    if decision.events and not decision.ahead.is_over:
        try:
            decide_and_write(journal, state, decision.events, actor="watch", at=now)
        except JournalConflict:
            return False  # the program's own run was first: the next look sees
    if decision.moves_the_program:
        keep_due(desk, known, spec)
        resumed = _resume(state, why(decision))
        if not decision.changes and not decision.ahead.is_over:  # else by the run
            publish(settings, outline_at(spec, decision.ahead, now), decision, now=now)
        return resumed
    seen = Known(
        program=watched(state, spec, absences=absences_of(journal), now=now),
        issues_until=max((each.updated_at for each in world.issues.values()), default=NEVER),
        rows_until=desk.workbooks.changed_at(_workbook_of(spec)) if rows else NEVER,
        rows_mark=mark_of_rows(rows.rows, rows.oddities) if rows else "",
        looked_at=desk.now,
    )
    note_look(desk.table, known, seen)
    return False


def keep_due(desk: Desk, before: Known, spec: Spec) -> None:
    """What was journaled moves nothing any more by itself: a resume that is lost is made again.

    The row is made anew once the run goes on, which journals that it was resumed.
    """
    state, now = state_of(desk.journal, before.program.program), datetime.now(UTC)
    row = watched(state, spec, absences=absences_of(desk.journal), now=now)
    note_look(desk.table, before, replace(before, program=replace(row, due_at=desk.now)))


def _read_world(desk: Desk, spec: Spec, wanted: ToLookAt) -> tuple[World, RowsRead | None]:
    """The program's world, and its rows, if any: its workbook is read once in a look."""
    world = read_world(desk.settings, spec, replace(wanted, has_rows=False))
    if not wanted.has_rows:
        return world, None
    found = desk.workbooks.rows_of(_workbook_of(spec), spec.program)
    oddities = (*world.oddities, *found.oddities)
    return replace(world, rows=found.rows, oddities=oddities), found


def _workbook_of(spec: Spec) -> str:
    return spec.sheets.workbook if spec.sheets else ""


def _is_due(state: ProgramState) -> bool:
    """Whether trouble is to be tried again, or an amendment or a code waits to be taken up."""
    if state.unread_amendment:
        return True  # also in trouble: the amendment may be what mends it
    if state.trouble is not None:
        return state.trouble.again_at <= datetime.now(UTC)
    return bool(state.unjudged_codes)


def _why_due(state: ProgramState) -> str:
    if state.unread_amendment:
        return f"amended by {state.versions[-1].by}"
    return "a code was given" if state.unjudged_codes else "time to try again"


def why(decision: Decision) -> str:
    kinds = dict.fromkeys(each.kind.replace("_", " ") for each in decision.events)
    return f"watch: {', '.join(kinds) or f'{len(decision.changes)} changes due'}"


def _resume(state: ProgramState, because: str) -> bool:
    get_run_logger().info("resuming %s: %s", state.program, because)
    return prefect_api.resume(state.run, {"action": CHECK, "note": because})
