"""The time line of a program as one self-contained SVG of bounded size. Pure.

It is shown 800 pixels wide on white and on dark pages, so it brings its own background; colour is
never the only sign: the chain to watch is outlined, and resting the mouse on a shape says it all.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from policy_rollout.calendar import ONE_DAY
from policy_rollout.passes import effective_day
from policy_rollout.report.folding import Line, by_stage, folded
from policy_rollout.report.svg import Box, Colour, Face, box, cut, diamond, picture, upright, words
from policy_rollout.report.timeline_rows import MoreRow, Row, StageRow, rows_of
from policy_rollout.schedule import Schedule
from policy_rollout.spec.model import Freeze, Spec
from policy_rollout.work import State

WIDTH, LABELS, RIGHT = 800, 250, 16
HEAD, ROW, BAR = 86, 18, 10
MOST_LETTERS = 35
MOST_FREEZES = 12
TICK_WIDTH = 52
LETTER = 6  # a letter of the small face, about
LANES = 3
FAR_WEEKS = 4

TITLE = Face(14, Colour.INK, bold=True)
STAGE = Face(12, Colour.INK, bold=True)
ITEM = Face(11, Colour.INK)
NOTE = Face(10, Colour.SOFT)
GATE = Face(10, Colour.GATE)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a program is: states of its items, stages whose gate passed or waits."""

    states: Mapping[str, State]
    passed: Collection[str] = ()
    waiting: Collection[str] = ()


BEFORE_LAUNCH = Standing({})


@dataclass(frozen=True, slots=True)
class _Scale:
    """Days on pixels; a day begins at its `x` and ends at the next day's."""

    first: date
    days: int

    @classmethod
    def over(cls, days: Iterable[date]) -> "_Scale":
        given = sorted(days)
        first = given[0] - timedelta(days=given[0].weekday())
        return cls(first, (given[-1] - first).days + 3)

    @property
    def last(self) -> date:
        return self.first + timedelta(days=self.days - 1)

    def x(self, day: date) -> float:
        share = (day - self.first).days / self.days
        return round(LABELS + share * (WIDTH - LABELS - RIGHT), 1)

    def shows(self, first: date, last: date) -> bool:
        return first <= self.last and last >= self.first


@dataclass(frozen=True, slots=True)
class _Mark:
    """A day with an upright line and a name at its top."""

    day: date
    name: str
    colour: Colour
    dashes: str


def timeline_svg(
    schedule: Schedule, spec: Spec, *, today: date, standing: Standing = BEFORE_LAUNCH
) -> str:
    """The picture: a band for each stage, a bar for each item of the spec, gates, marks, a legend.

    Languages and markets share a bar. What has no room is named by number, never left out
    silently.
    """
    first_on, last_on = schedule.first_on, schedule.last_on
    title = f"Time line of {spec.name}"
    heading = list(_heading(schedule, spec))
    if first_on is None or last_on is None:
        why = words(12, 48, "no dates: give timeline.effective, or due dates", ITEM)
        return picture(WIDTH, 64, title, [*heading, why])
    written = [item for item in schedule.items if not item.is_condition]
    rows = rows_of(spec, by_stage(folded(spec, written, schedule)))
    marks = _marks(spec, today)
    scale = _scale(first_on, last_on, [mark.day for mark in marks])
    bottom = HEAD + ROW * len(rows)
    parts = [
        *heading,
        *_bands(rows),
        *_ticks(scale, bottom),
        *_freezes(spec.timeline.freezes, rows, scale),
        *_drawn_marks(marks, scale, bottom),
    ]
    for place, row in enumerate(rows):
        parts += _drawn(row, schedule, standing, scale, HEAD + ROW * place)
    return picture(WIDTH, bottom + 46, title, [*parts, *_legend(bottom + 24)])


def _heading(schedule: Schedule, spec: Spec) -> Iterator[str]:
    yield words(12, 22, cut(spec.name, 64), TITLE, hint=spec.name)
    colour = Colour.DONE if schedule.fits else Colour.CHAIN
    says = (
        f"longest chain {_days(schedule.longest_chain_days)}"
        if schedule.fits
        else f"{_days(schedule.short_by_days)} short"
    )
    yield words(WIDTH - 12, 22, says, Face(11, colour, bold=True, to_left=True))


def _days(count: int) -> str:
    return f"{count} business {'day' if count == 1 else 'days'}"


def _scale(first_on: date, last_on: date, marks: Iterable[date]) -> _Scale:
    """The whole program, and the marks that are not so far off that they would squeeze it."""
    far = max(last_on - first_on, timedelta(weeks=FAR_WEEKS))
    near = [day for day in marks if first_on - far <= day <= last_on + far]
    return _Scale.over([first_on, last_on, *near])


def _marks(spec: Spec, today: date) -> list[_Mark]:
    marks = [_Mark(today, "today", Colour.TODAY, "3 3")]
    effective_on = effective_day(spec)
    if effective_on:
        marks.append(_Mark(effective_on, "effective", Colour.EFFECTIVE, ""))
    if spec.timeline.announce:
        marks.append(_Mark(spec.timeline.announce.date(), "announce", Colour.EFFECTIVE, "6 3"))
    return sorted(marks, key=lambda each: each.day)


def _bands(rows: Sequence[Row]) -> Iterator[str]:
    """Every second stage stands on a darker ground."""
    for number, (_, start, end) in enumerate(_stages(rows)):
        if number % 2 == 0:
            yield box(Box(0, HEAD + ROW * start, WIDTH, ROW * (end - start)), Colour.BAND)


def _stages(rows: Sequence[Row]) -> list[tuple[str, int, int]]:
    """Each stage with its first row and the row after its last."""
    starts = [(row.stage, place) for place, row in enumerate(rows) if isinstance(row, StageRow)]
    ends = [place for _, place in starts[1:]] + [len(rows)]
    return [(stage, start, end) for (stage, start), end in zip(starts, ends, strict=True)]


def _ticks(scale: _Scale, bottom: float) -> Iterator[str]:
    """A line and a date each Monday, or each second, fourth... where there is less room."""
    week = (WIDTH - LABELS - RIGHT) / scale.days * 7
    step = 1
    while step * week < TICK_WIDTH:
        step *= 2
    years = sorted({scale.first.year, scale.last.year})
    span = "-".join(str(year) for year in years)
    yield words(LABELS - 10, HEAD - 10, f"weeks of {span}", NOTE.turned(to_left=True))
    for number in range(0, scale.days // 7 + 1, step):
        monday = scale.first + timedelta(weeks=number)
        x = scale.x(monday)
        yield upright(x, (HEAD - 6, bottom), Colour.GRID)
        if x + 6 * LETTER < WIDTH:
            yield words(x, HEAD - 10, f"{monday:%d %b}", NOTE)


def _freezes(freezes: Mapping[str, Freeze], rows: Sequence[Row], scale: _Scale) -> Iterator[str]:
    """A light shade over all stages, a dark one over those that stand still."""
    shown = [(n, each) for n, each in freezes.items() if scale.shows(each.from_day, each.to)]
    for name, freeze in shown[:MOST_FREEZES]:
        left = scale.x(max(freeze.from_day, scale.first))
        width = scale.x(min(freeze.to, scale.last) + ONE_DAY) - left
        hint = f"freeze {name}: {freeze.from_day} to {freeze.to}, stops {', '.join(freeze.stops)}"
        whole = Box(left, HEAD, round(width, 1), ROW * len(rows))
        yield box(whole, Colour.FREEZE, opacity=0.25, hint=hint)
        for stage, start, end in _stages(rows):
            if stage in freeze.stops:
                part = Box(left, HEAD + ROW * start, round(width, 1), ROW * (end - start))
                yield box(part, Colour.FREEZE, opacity=0.7, hint=hint)
        yield words(left, HEAD + ROW * len(rows) + 11, cut(name, 16), NOTE)


def _drawn_marks(marks: Sequence[_Mark], scale: _Scale, bottom: float) -> Iterator[str]:
    """Each name in the lowest lane where it hides no other."""
    free_from = [0.0] * LANES
    for mark in marks:
        if not scale.shows(mark.day, mark.day):
            continue
        x, says = scale.x(mark.day), f"{mark.name} {mark.day:%a %d %b}"
        length = LETTER * len(says)
        to_left = x + length > WIDTH
        left = x - length if to_left else x
        lane = next((place for place in range(LANES) if free_from[place] <= left), LANES - 1)
        free_from[lane] = left + length + LETTER
        y = HEAD - 24 - 12 * lane
        face = Face(10, mark.colour, to_left=to_left)
        yield upright(x, (y - 8, bottom), mark.colour, dashes=mark.dashes)
        yield words(x + (-3 if to_left else 3), y, says, face)


def _drawn(
    row: Row, schedule: Schedule, standing: Standing, scale: _Scale, top: int
) -> Iterator[str]:
    match row:
        case StageRow():
            yield words(12, top + 13, cut(row.title, 32), STAGE, hint=row.title)
            yield from _gate(row, schedule, standing, scale, top)
        case Line():
            yield words(24, top + 13, _short(row), ITEM, hint=row.full_title)
            yield from _bar((row,), standing, scale, top)
        case MoreRow():
            yield words(24, top + 13, row.words, NOTE)
            yield from _bar(row.lines, standing, scale, top)


def _short(line: Line) -> str:
    """A title cut so that its languages or markets can still be read."""
    extent = line.full_title.removeprefix(line.title)
    return cut(line.title, max(8, MOST_LETTERS - len(extent))) + extent


def _gate(
    row: StageRow, schedule: Schedule, standing: Standing, scale: _Scale, top: int
) -> Iterator[str]:
    gate_on = schedule.stages[row.stage].gate_on
    if gate_on is None:
        return
    state, fill = "ahead", Colour.PAPER
    if row.stage in standing.passed:
        state, fill = "passed", Colour.DONE
    elif row.stage in standing.waiting:
        state, fill = "waits", Colour.WAITS
    x, says = scale.x(gate_on + ONE_DAY), f"{gate_on:%a %d %b}"
    hint = f"gate of {row.title}: {gate_on:%a %Y-%m-%d}, {state}"
    to_left = x + 12 + LETTER * len(says) > WIDTH
    yield diamond(x, top + ROW / 2, fill, hint=hint)
    yield words(x + (-11 if to_left else 11), top + 13, says, GATE.turned(to_left=to_left))


def _bar(lines: tuple[Line, ...], standing: Standing, scale: _Scale, top: int) -> Iterator[str]:
    """A bar from the first start to the last end, filled up to the share that is done."""
    starts = [each.start_on for each in lines if each.start_on]
    dues = [each.due_on for each in lines if each.due_on]
    if not starts or not dues:
        yield words(LABELS + 4, top + 13, "no date", NOTE)
        return
    left, right = scale.x(min(starts)), scale.x(max(dues) + ONE_DAY)
    width, y = max(3.0, round(right - left, 1)), top + (ROW - BAR) / 2
    total = sum(len(each.keys) for each in lines)
    done = sum(each.finished(standing.states) for each in lines)
    blocked = any(each.any_in(standing.states, State.BLOCKED) for each in lines)
    hint = f"{min(starts):%a %Y-%m-%d} to {max(dues):%a %Y-%m-%d}, {done} of {total} done"
    yield box(
        Box(left, y, width, BAR),
        Colour.BLOCKED if blocked else Colour.WORK,
        edge=Colour.CHAIN if any(each.on_chain for each in lines) else None,
        hint=hint + ", blocked" * blocked,
    )
    if done:
        yield box(Box(left, y, round(width * done / total, 1), BAR), Colour.DONE, hint=hint)


def _legend(y: float) -> Iterator[str]:
    x = 12
    for fill, edge, says in (
        (Colour.WORK, None, "work"),
        (Colour.DONE, None, "done"),
        (Colour.BLOCKED, None, "blocked"),
        (Colour.WORK, Colour.CHAIN, "chain to watch"),
        (Colour.FREEZE, None, "freeze"),
    ):
        yield box(Box(x, y, 18, BAR), fill, edge=edge)
        yield words(x + 24, y + 9, says, NOTE)
        x += 40 + LETTER * len(says)
    for fill, says in (
        (Colour.PAPER, "gate ahead"),
        (Colour.WAITS, "gate waits"),
        (Colour.DONE, "gate passed"),
    ):
        yield diamond(x + 8, y + BAR / 2, fill)
        yield words(x + 21, y + 9, says, NOTE)
        x += 38 + LETTER * len(says)
