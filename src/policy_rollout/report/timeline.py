"""The time line of a program as one self-contained SVG of bounded size. Pure.

It is shown 800 pixels wide on white and on dark pages, so it brings its own background; colours
are never the only sign: the chain to watch is outlined, gates differ in shape by their fill.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from xml.sax.saxutils import escape

from policy_rollout.passes import effective_day
from policy_rollout.report.folding import Line, by_stage, folded
from policy_rollout.schedule import Schedule
from policy_rollout.spec.model import Freeze, Spec
from policy_rollout.work import State, expand

WIDTH, LABELS, RIGHT = 800, 250, 16
HEAD, ROW, BAR = 74, 18, 10
# About 60 bars are readable and stay far under the 60 kB that an artifact should weigh.
MOST_ROWS = 60
MOST_LETTERS = 38
MOST_FREEZES = 12
LEAST_TICK_PIXELS = 52
CUT_OFF_WEEKS = 4


class Colour(StrEnum):
    PAPER = "#fbfaf7"
    BAND = "#f1eee6"
    INK = "#22262b"
    SOFT = "#6b7280"
    GRID = "#dcd8cd"
    WORK = "#8fb0d3"
    DONE = "#3f8f5f"
    BLOCKED = "#c2410c"
    CHAIN = "#b4235a"
    GATE = "#7c3aed"
    TODAY = "#d97706"
    EFFECTIVE = "#111827"
    FREEZE = "#bfdbfe"


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

    def x(self, day: date) -> float:
        share = (day - self.first).days / self.days
        return round(LABELS + share * (WIDTH - LABELS - RIGHT), 1)

    def shows(self, day: date) -> bool:
        return 0 <= (day - self.first).days < self.days


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a program is: states of its items, stages whose gate passed or waits for it."""

    states: Mapping[str, State]
    passed: Collection[str] = ()
    waiting: Collection[str] = ()


BEFORE_LAUNCH = Standing({})


def timeline_svg(
    schedule: Schedule, spec: Spec, *, today: date, standing: Standing = BEFORE_LAUNCH
) -> str:
    """The picture: a band for each stage, a bar for each item of the spec, gates, marks, a legend.

    Languages and markets share a bar. What has no room is named by number, never left out
    silently.
    """
    rows = _rows(spec, folded(spec, expand(spec), schedule))
    height = HEAD + ROW * len(rows) + 58
    if schedule.first_on is None or schedule.last_on is None:
        body = [_text(16, 58, "no dates: give timeline.effective, or due dates", Colour.SOFT)]
        return _svg(spec, schedule, 84, body)
    scale = _scale(schedule, spec, today)
    bottom = HEAD + ROW * len(rows)
    parts = [
        *_bands(rows),
        *_ticks(scale, bottom),
        *_freezes(spec.timeline.freezes, scale, bottom),
        *_marks(spec, today, scale, bottom),
    ]
    for place, row in enumerate(rows):
        top = HEAD + ROW * place
        parts += _drawn(row, schedule, scale, top, standing)
    return _svg(spec, schedule, height, [*parts, *_legend(bottom + 22)])


@dataclass(frozen=True, slots=True)
class _StageRow:
    stage: str
    title: str


@dataclass(frozen=True, slots=True)
class _MoreRow:
    """What had no room, as one bar from the first start to the last end."""

    words: str
    lines: tuple[Line, ...]


_Row = _StageRow | Line | _MoreRow


def _rows(spec: Spec, lines: Iterable[Line]) -> list[_Row]:
    """Headings and bars, at most MOST_ROWS and two notes: each stage gets its fair share."""
    stages = dict.fromkeys(spec.stages, ()) | dict(by_stage(lines))
    shown = dict(list(stages.items())[: MOST_ROWS // 3])
    wanted = [len(each) for each in shown.values()]
    room = _fair_share(wanted, MOST_ROWS - len(shown))
    rows: list[_Row] = []
    for (stage, items), most in zip(shown.items(), room, strict=True):
        rows.append(_StageRow(stage, spec.stages[stage].title or stage))
        if len(items) <= most:
            rows += items
        else:
            kept = _most_telling(items, most - 1)
            rest = tuple(each for each in items if each not in kept)
            rows += [*kept, _MoreRow(f"and {len(rest)} more items", rest)]
    hidden = list(stages)[len(shown) :]
    if hidden:
        rest = tuple(line for stage in hidden for line in stages[stage])
        rows.append(_MoreRow(f"and {len(hidden)} more stages", rest))
    return rows


def _fair_share(wanted: list[int], room: int) -> list[int]:
    """Deal rows out one by one to whoever still wants one."""
    given = [0] * len(wanted)
    while room > 0 and given != wanted:
        for place, want in enumerate(wanted):
            if room > 0 and given[place] < want:
                given[place] += 1
                room -= 1
    return given


def _most_telling(lines: tuple[Line, ...], most: int) -> list[Line]:
    """The lines with the least slack, in the order in which they stood."""
    tight = sorted(lines, key=lambda each: (not each.on_chain, each.slack_days or 0))[
        : max(most, 0)
    ]
    return [each for each in lines if each in tight]


def _scale(schedule: Schedule, spec: Spec, today: date) -> _Scale:
    """The whole program, and the marks that are not too far off to be drawn."""
    work = [day for day in (schedule.first_on, schedule.last_on) if day]
    far = max(work[-1] - work[0], timedelta(weeks=CUT_OFF_WEEKS))
    marks = [today, *(day for day, _ in _days_of(spec))]
    near = [day for day in marks if work[0] - far <= day <= work[-1] + far]
    return _Scale.over([*work, *near])


def _days_of(spec: Spec) -> list[tuple[date, str]]:
    found = [(effective_day(spec), "effective")]
    if spec.timeline.announce:
        found.append((spec.timeline.announce.date(), "announce"))
    return [(day, name) for day, name in found if day]


def _bands(rows: list[_Row]) -> Iterator[str]:
    """Every second stage stands on a darker ground."""
    starts = [place for place, row in enumerate(rows) if isinstance(row, _StageRow)]
    for start, end in list(zip(starts, [*starts[1:], len(rows)], strict=True))[::2]:
        yield _rect(0, HEAD + ROW * start, WIDTH, ROW * (end - start), Colour.BAND)


def _ticks(scale: _Scale, bottom: float) -> Iterator[str]:
    """A line each Monday, or each few weeks; every label is a day with month."""
    week = (WIDTH - LABELS - RIGHT) / scale.days * 7
    step = 1
    while step * week < LEAST_TICK_PIXELS:
        step *= 2
    for number in range(0, scale.days // 7 + 1, step):
        day = scale.first + timedelta(weeks=number)
        x = scale.x(day)
        if x + LEAST_TICK_PIXELS / 2 > WIDTH:
            return
        yield _line(x, HEAD - 6, bottom, Colour.GRID)
        words = f"{day:%d %b}" + (f" {day:%Y}" if number == 0 else "")
        yield _text(x, HEAD - 12, words, Colour.SOFT, size=10)


def _freezes(freezes: Mapping[str, Freeze], scale: _Scale, bottom: float) -> Iterator[str]:
    seen = [each for each in freezes.items() if _visible(each[1], scale)]
    for name, freeze in seen[:MOST_FREEZES]:
        first = max(freeze.from_day, scale.first)
        last = min(freeze.to, scale.first + timedelta(days=scale.days - 1))
        left = scale.x(first)
        width = round(scale.x(last + timedelta(days=1)) - left, 1)
        hint = f"freeze {name}: {freeze.from_day} to {freeze.to}, stops {', '.join(freeze.stops)}"
        yield (
            f'<g><title>{escape(_cut(hint, 160))}</title><rect x="{left}" y="{HEAD}" '
            f'width="{width}" height="{bottom - HEAD}" fill="{Colour.FREEZE}" '
            f'fill-opacity="0.6"/></g>'
        )
        yield _text(left + 2, bottom + 10, _cut(name, 16), Colour.SOFT, size=9)


def _visible(freeze: Freeze, scale: _Scale) -> bool:
    end = scale.first + timedelta(days=scale.days - 1)
    return freeze.from_day <= end and freeze.to >= scale.first


def _marks(spec: Spec, today: date, scale: _Scale, bottom: float) -> Iterator[str]:
    """Upright lines for today, the announcement and the effective day, named at their top."""
    marks = [(today, "today", Colour.TODAY, "3 3")]
    for day, name in _days_of(spec):
        marks.append((day, name, Colour.EFFECTIVE, "" if name == "effective" else "6 3"))
    taken: list[float] = []
    for day, name, colour, dashes in sorted(marks, key=lambda each: each[0]):
        if not scale.shows(day):
            continue
        x = scale.x(day)
        yield _line(x, HEAD - 26, bottom, colour, dashes=dashes, width=1.5)
        row = sum(abs(x - other) < 110 for other in taken[-1:]) and len(taken) % 2
        taken.append(x)
        near_right = x > WIDTH - 110
        yield _text(
            x + (-3 if near_right else 3),
            HEAD - 27 - 11 * row,
            f"{name} {day:%a %d %b}",
            colour,
            size=10,
            anchor="end" if near_right else "start",
        )


def _drawn(
    row: _Row, schedule: Schedule, scale: _Scale, top: int, standing: Standing
) -> Iterator[str]:
    match row:
        case _StageRow():
            yield from _stage(row, schedule, scale, top, standing)
        case Line():
            words = row.full_title
            yield _text(24, top + 13, _cut(words, MOST_LETTERS), Colour.INK, size=11, hint=words)
            yield from _bar((row,), scale, top, standing)
        case _MoreRow():
            yield _text(24, top + 13, row.words, Colour.SOFT, size=11)
            yield from _bar(row.lines, scale, top, standing)


def _stage(
    row: _StageRow, schedule: Schedule, scale: _Scale, top: int, standing: Standing
) -> Iterator[str]:
    gate_on = schedule.stages[row.stage].gate_on
    yield _text(12, top + 13, _cut(row.title, 32), Colour.INK, size=12, bold=True)
    if gate_on is None:
        return
    passed, waiting = row.stage in standing.passed, row.stage in standing.waiting
    state = "passed" if passed else "waits" if waiting else "ahead"
    fill = Colour.DONE if passed else Colour.TODAY if waiting else Colour.PAPER
    x, y = scale.x(gate_on + timedelta(days=1)), top + ROW / 2
    yield (
        f'<path d="M{x} {y - 7}l7 7l-7 7l-7 -7z" fill="{fill}" stroke="{Colour.GATE}" '
        f'stroke-width="2"><title>gate of {escape(row.title)}: {gate_on:%a %Y-%m-%d}, {state}'
        "</title></path>"
    )
    words, near_right = f"{gate_on:%a %d %b}", x > WIDTH - 90
    yield _text(
        x + (-11 if near_right else 11),
        top + 13,
        words,
        Colour.GATE,
        size=10,
        anchor="end" if near_right else "start",
    )


def _bar(lines: tuple[Line, ...], scale: _Scale, top: int, standing: Standing) -> Iterator[str]:
    """A bar from the first start to the last end, filled up to the share that is done."""
    starts = [each.start_on for each in lines if each.start_on]
    dues = [each.due_on for each in lines if each.due_on]
    if not starts or not dues:
        yield _text(LABELS + 4, top + 13, "no date", Colour.SOFT, size=10)
        return
    left, right = scale.x(min(starts)), scale.x(max(dues) + timedelta(days=1))
    width, y = max(3.0, round(right - left, 1)), top + (ROW - BAR) // 2
    total = sum(len(each.keys) for each in lines)
    done = sum(each.finished(standing.states) for each in lines)
    blocked = any(each.any_in(standing.states, State.BLOCKED) for each in lines)
    chain = any(each.on_chain for each in lines)
    edge = f' stroke="{Colour.CHAIN}" stroke-width="2"' if chain else ""
    hint = f"{min(starts):%a %Y-%m-%d} to {max(dues):%a %Y-%m-%d}, {done} of {total} done"
    yield (
        f'<g><title>{hint}</title><rect x="{left}" y="{y}" width="{width}" height="{BAR}" rx="2" '
        f'fill="{Colour.BLOCKED if blocked else Colour.WORK}"{edge}/>'
    )
    if done:
        yield _rect(left, y, round(width * done / total, 1), BAR, Colour.DONE)
    yield "</g>"


def _legend(y: float) -> Iterator[str]:
    entries = (
        (Colour.WORK, "", "work"),
        (Colour.DONE, "", "done"),
        (Colour.BLOCKED, "", "blocked"),
        (Colour.WORK, f' stroke="{Colour.CHAIN}" stroke-width="2"', "chain to watch"),
        (Colour.FREEZE, "", "freeze"),
    )
    x = 12
    for fill, edge, words in entries:
        yield f'<rect x="{x}" y="{y}" width="18" height="{BAR}" rx="2" fill="{fill}"{edge}/>'
        yield _text(x + 24, y + 9, words, Colour.SOFT, size=10)
        x += 40 + 7 * len(words)
    for fill, words in (
        (Colour.PAPER, "gate ahead"),
        (Colour.TODAY, "gate waits"),
        (Colour.DONE, "gate passed"),
    ):
        yield (
            f'<path d="M{x + 8} {y - 2}l7 7l-7 7l-7 -7z" fill="{fill}" stroke="{Colour.GATE}" '
            'stroke-width="2"/>'
        )
        yield _text(x + 21, y + 9, words, Colour.SOFT, size=10)
        x += 38 + 6 * len(words)


def _svg(spec: Spec, schedule: Schedule, height: int, body: Iterable[str]) -> str:
    return "".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'width="{WIDTH}" height="{height}" font-family="system-ui, sans-serif" role="img">',
            f"<title>Time line of {escape(_cut(spec.name, 120))}</title>",
            f'<rect width="{WIDTH}" height="{height}" rx="6" fill="{Colour.PAPER}"/>',
            _text(12, 22, _cut(spec.name, 64), Colour.INK, size=14, bold=True),
            _text(
                WIDTH - 12,
                22,
                _fit_words(schedule),
                Colour.DONE if schedule.fits else Colour.CHAIN,
                size=11,
                anchor="end",
                bold=True,
            ),
            *body,
            "</svg>",
        )
    )


def _fit_words(schedule: Schedule) -> str:
    if schedule.fits:
        return f"longest chain {schedule.longest_chain_days} business days"
    return f"{schedule.short_by_days} business days short"


def _cut(words: str, most: int) -> str:
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"


def _rect(x: float, y: float, width: float, height: float, fill: Colour) -> str:
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="{fill}"/>'


def _line(
    x: float, top: float, bottom: float, colour: Colour, *, dashes: str = "", width: float = 1
) -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<path d="M{x} {top}V{bottom}" stroke="{colour}" stroke-width="{width}"{dashed}/>'


def _text(  # noqa: PLR0913  a text has that many sides, and only SVG asks for them
    x: float,
    y: float,
    words: str,
    fill: Colour,
    *,
    size: int = 12,
    anchor: str = "start",
    bold: bool = False,
    hint: str = "",
) -> str:
    end = ' text-anchor="end"' if anchor == "end" else ""
    weight = ' font-weight="600"' if bold else ""
    title = (
        f"<title>{escape(_cut(hint, 120))}</title>"
        if hint and _cut(hint, MOST_LETTERS) != hint
        else ""
    )
    return f'<text x="{x}" y="{y}" font-size="{size}" fill="{fill}"{end}{weight}>{title}{escape(words)}</text>'
