"""What `watch` must know of a program to leave it alone: a fold of its journal, in one row. Pure.

Everything here follows from the journal, so that it can be thrown away and made anew. `VERSION`
goes up when what is made of the same journal changes; rows of another version are made anew.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from policy_rollout.absences import Absence
from policy_rollout.attempts import reasons_due
from policy_rollout.calendar import to_utc
from policy_rollout.decide import as_known, to_look_at
from policy_rollout.gates import digest_of, holds
from policy_rollout.observed import ObservedRow, Oddity
from policy_rollout.outline import Outline, outline_at
from policy_rollout.program import ProgramState
from policy_rollout.silence import next_step
from policy_rollout.spec.model import Spec

VERSION = 1
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Watched:
    """A program as of entry `head` of its journal; times are aware and in UTC.

    `run` is the flow run that carries it, empty where none will do anything any more.
    `is_open` says whether a change outside may move it, `due_at` when time alone may,
    `hangs_on` whose absence would, and `absences` which of theirs `due_at` has counted in.
    `workbook` is the spec's own (empty: that of the settings), None where no row is waited for.
    """

    program: str
    head: int
    run: str
    is_open: bool
    due_at: datetime | None
    hangs_on: frozenset[str]
    absences: str
    workbook: str | None


def watched(
    state: ProgramState, spec: Spec, *, absences: Sequence[Absence], now: datetime
) -> Watched:
    """The row of a program; `absences` are all that stand."""
    if not state.run or (state.is_settled and state.trouble is None):
        return Watched(state.program, state.head, "", False, None, frozenset(), "", None)  # noqa: FBT003  positions of a record
    first = (state.unread_amendment, state.trouble, state.doubts, state.unjudged_codes)
    if any(first) or state.is_halted:
        return _undecided(state, now)
    outline = outline_at(spec, state, now)
    asking = [stage for stage, each in as_known(outline, state).judged.items() if holds(each)]
    ahead = next_step(spec, state, now=now, absences=absences, asking=asking)
    reasons = (end for stage in state.waiting_stages for end in reasons_due(state, stage, now))
    times = [*_waivers_end(state, spec, now), *reasons, *([ahead.at] if ahead.at else [])]
    return Watched(
        program=state.program,
        head=state.head,
        run=state.run,
        is_open=True,
        due_at=min(times, default=None),
        hangs_on=ahead.hangs_on,
        absences=mark_of(absences, ahead.hangs_on, now),
        workbook=_workbook(outline, state),
    )


def _undecided(state: ProgramState, now: datetime) -> Watched:
    """Its run has to go on first: by itself where it is in doubt, later for trouble.

    At once for a code or an amendment. A run that sleeps while somebody orders a hold, a stop or
    to go on is woken at once; then a program that is held waits for people alone.
    """
    due_at = state.trouble.again_at if state.trouble else now if state.unjudged_codes else None
    if state.unread_amendment:
        due_at = now
    if state.is_halted:
        due_at = now if state.order else None
    return Watched(
        program=state.program,
        head=state.head,
        run=state.run,
        is_open=False,
        due_at=due_at,
        hangs_on=frozenset(),
        absences="",
        workbook=None,
    )


def _workbook(outline: Outline, state: ProgramState) -> str | None:
    if not to_look_at(outline, state).has_rows:
        return None
    return outline.spec.sheets.workbook if outline.spec.sheets else ""


def _waivers_end(state: ProgramState, spec: Spec, now: datetime) -> Iterator[datetime]:
    """When a waiver ends that a waiting gate may rest on: the midnight after its last day."""
    for stage in state.waiting_stages:
        for waiver in state.gates[stage].waivers.values():
            ends = to_utc(
                datetime.combine(waiver.until + ONE_DAY, time.min), spec.timeline.timezone
            )
            if ends > now:
                yield ends


def mark_of(absences: Iterable[Absence], people: frozenset[str], now: datetime) -> str:
    """A mark of the absences of some people that are not over; empty where there is none."""
    standing = [
        (each.person, each.from_day.isoformat(), each.to_day.isoformat())
        for each in absences_left(absences, now.date())
        if each.person in people
    ]
    return digest_of({"absences": sorted(standing)})[:16] if standing else ""


def absences_left(absences: Iterable[Absence], today: date) -> tuple[Absence, ...]:
    """Those that are not over, wherever on the earth `today` is."""
    return tuple(each for each in absences if each.to_day >= today - ONE_DAY)


def mark_of_rows(rows: Mapping[str, ObservedRow], oddities: Sequence[Oddity]) -> str:
    """A mark of a program's part of a workbook: another one means that something changed."""
    return digest_of(
        {
            "rows": [
                [key, row.tab, [list(cell) for cell in (*row.machine, *row.human)]]
                for key, row in sorted(rows.items())
            ],
            "oddities": sorted(str(each) for each in oddities),
        }
    )
