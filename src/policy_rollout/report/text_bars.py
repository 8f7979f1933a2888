"""The time line of a program as a picture of letters. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from policy_rollout.report.folding import Line, by_stage
from policy_rollout.schedule import Schedule
from policy_rollout.spec.model import Spec

BAR, CHAIN_BAR, GATE, EFFECTIVE, TODAY = "─", "━", "◆", "│", "┊"
LABEL_SHARE = 0.4
MOST_LABEL_COLUMNS = 44
LEGEND = (
    f"{BAR} work   {CHAIN_BAR} on the chain to watch   {GATE} gate   "
    f"{EFFECTIVE} effective   {TODAY} today"
)


@dataclass(frozen=True, slots=True)
class _Scale:
    """Days on columns: column 0 is the Monday of the first week."""

    first: date
    days: int
    columns: int

    @classmethod
    def over(cls, days: Sequence[date], columns: int) -> "_Scale":
        first = min(days) - timedelta(days=min(days).weekday())
        return cls(first, (max(days) - first).days + 1, columns)

    def column(self, day: date) -> int:
        place = (day - self.first).days * self.columns // self.days
        return min(max(place, 0), self.columns - 1)


def text_bars(spec: Spec, lines: Iterable[Line], schedule: Schedule, *, width: int) -> Text:
    """A row for each line, a heading with its gate for each stage; at most `width` columns."""
    first_on, last_on = schedule.first_on, schedule.last_on
    if first_on is None or last_on is None:
        return Text("no dates to draw")
    label = min(MOST_LABEL_COLUMNS, int(width * LABEL_SHARE))
    marks = [day for day in (schedule.effective_on, schedule.today) if day]
    scale = _Scale.over(_in_sight(first_on, last_on, marks), max(10, width - label - 1))
    rows = [_axis(scale, label)]
    for stage, items in by_stage(lines):
        rows.append(_stage_row(spec, stage, schedule, scale, label))
        rows.extend(_item_row(line, schedule, scale, label) for line in items)
    return Text("\n").join([*rows, Text(LEGEND, style="dim")])


def _in_sight(first_on: date, last_on: date, marks: Sequence[date]) -> list[date]:
    """The days to draw: a mark further off than the program is long would squeeze it to a dot."""
    far = max(last_on - first_on, timedelta(weeks=4))
    return [first_on, last_on, *(day for day in marks if first_on - far <= day <= last_on + far)]


def _axis(scale: _Scale, label: int) -> Text:
    """Mondays, as many as have room; the first one with its year."""
    row = [" "] * scale.columns
    free_from = 0
    for week in range(scale.days // 7 + 1):
        monday = scale.first + timedelta(weeks=week)
        words = f"{monday:%Y-%m-%d}" if week == 0 else f"{monday:%m-%d}"
        column = scale.column(monday)
        if column >= free_from and column + len(words) <= scale.columns:
            row[column : column + len(words)] = words
            free_from = column + len(words) + 1
    return Text(" " * (label + 1) + "".join(row).rstrip(), style="dim")


def _stage_row(spec: Spec, stage: str, schedule: Schedule, scale: _Scale, label: int) -> Text:
    cells = _background(schedule, scale)
    gate_on = schedule.stages[stage].gate_on
    if gate_on:
        cells[scale.column(gate_on)] = (GATE, "bold magenta")
    return _row(spec.stages[stage].title or stage, "bold", cells, label)


def _item_row(line: Line, schedule: Schedule, scale: _Scale, label: int) -> Text:
    cells = _background(schedule, scale)
    if line.start_on and line.due_on:
        bar = (CHAIN_BAR, "bold red") if line.on_chain else (BAR, "cyan")
        for column in range(scale.column(line.start_on), scale.column(line.due_on) + 1):
            cells[column] = bar
    return _row(f"  {line.full_title}", "", cells, label)


def _background(schedule: Schedule, scale: _Scale) -> list[tuple[str, str]]:
    cells = [(" ", "")] * scale.columns
    for day, mark in ((schedule.today, TODAY), (schedule.effective_on, EFFECTIVE)):
        if day and 0 <= (day - scale.first).days < scale.days:
            cells[scale.column(day)] = (mark, "dim")
    return cells


def _row(words: str, style: str, cells: list[tuple[str, str]], label: int) -> Text:
    short = words if cell_len(words) <= label else set_cell_size(words, label - 1) + "…"
    row = Text(set_cell_size(short, label) + " ", style=style)
    for mark, mark_style in cells:
        row.append(mark, style=mark_style)
    row.rstrip()
    return row
