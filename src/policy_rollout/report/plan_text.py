"""The plan of a program before launch: tables, plain lines or JSON. Pure.

Everything is said once as rows of text; a terminal gets them as tables with colour, a pipe as
aligned lines that nothing cuts off.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from rich.console import Group, JustifyMethod, RenderableType
from rich.table import Table
from rich.text import Text

from policy_rollout.calendar import Calendars, to_utc
from policy_rollout.report.folding import Line, by_stage, chain_words, folded, unfolded
from policy_rollout.report.text_bars import text_bars
from policy_rollout.schedule import Schedule
from policy_rollout.spec.model import Spec
from policy_rollout.work import Kind, WorkItem

# A gate asks once the work of its last day is done: the plan counts on the end of that day.
GATE_ASKS_AT = time(17)
NO_DATE = "no date"
CHAIN_MARK = "*"
NARROW = 110  # columns; a terminal of fewer gets fewer columns of text
LEFT_OUT_WHERE_NARROW = frozenset({"kind", "who", "members"})
MAY_WRAP = frozenset({"item", "who", "members", "at work from, own zone"})
NUMBERS = frozenset({"issues", "sign-off issues", "training rows", "checklist rows", "slack"})
KIND_WORDS = {Kind.TASK: "issue", Kind.TRAINING: "training", Kind.CHECKLIST: "checklist"}


@dataclass(frozen=True, slots=True)
class Ask:
    """A role that a gate will ask to sign.

    `asked_at` and `at_work_at` are aware: the first in the program's zone, the second, the next
    moment at which the role is at work, in the role's own. Both are None at a gate without a day.
    """

    stage: str
    role: str
    count: int
    members: tuple[str, ...]
    asked_at: datetime | None
    at_work_at: datetime | None


@dataclass(frozen=True, slots=True)
class Counts:
    """What a launch creates in the end, for a stage or for the program."""

    issues: int
    sign_offs: int
    training_rows: int
    checklist_rows: int


@dataclass(frozen=True, slots=True)
class Plan:
    """All that `rollout plan` shows of a spec that was not launched yet."""

    spec: Spec
    items: Sequence[WorkItem]
    schedule: Schedule

    def counts(self) -> dict[str, Counts]:
        """By stage, in the order of the spec."""
        kinds = Counter((item.stage, item.kind) for item in self.items)
        return {
            stage_id: Counts(
                issues=kinds[stage_id, Kind.TASK],
                sign_offs=len(stage.gate.sign_off),
                training_rows=kinds[stage_id, Kind.TRAINING],
                checklist_rows=kinds[stage_id, Kind.CHECKLIST],
            )
            for stage_id, stage in self.spec.stages.items()
        }

    def asks(self) -> tuple[Ask, ...]:
        """Who is asked to sign, in the order of the gates' days; gates without a day come last."""
        calendars = Calendars(self.spec)
        in_order = sorted(self.schedule.stages.values(), key=lambda slot: slot.gate_on or date.max)
        return tuple(
            self._ask(calendars, slot.stage, slot.gate_on, role)
            for slot in in_order
            for role in self.spec.stages[slot.stage].gate.sign_off
        )

    def _ask(self, calendars: Calendars, stage: str, gate_on: date | None, role: str) -> Ask:
        asked_at = at_work_at = None
        if gate_on is not None:
            zone = self.spec.timeline.timezone
            at = to_utc(datetime.combine(gate_on, GATE_ASKS_AT), zone)
            asked_at = at.astimezone(zone)
            works_at = calendars.next_working_time(at, role)
            at_work_at = works_at.astimezone(calendars.zone_of(role))
        count = self.spec.stages[stage].gate.sign_off[role]
        return Ask(stage, role, count, self.spec.people[role].members, asked_at, at_work_at)

    def lines(self, *, show_all: bool) -> tuple[Line, ...]:
        """One line an item of the spec, or with `show_all` one a work item."""
        if show_all:
            return unfolded(self.items, self.schedule)
        return folded(self.spec, self.items, self.schedule)


def plan_lines(plan: Plan, *, width: int = 100, show_all: bool = False) -> list[str]:
    """The plan as plain lines for a pipe; only the time line keeps to `width`."""
    lines = [_headline(plan.spec), *_verdict(plan), "", "To be created:"]
    lines += _aligned(_count_rows(plan))
    for stage, rows in _stage_tables(plan, show_all=show_all):
        lines += ["", _stage_heading(plan, stage), *_aligned(rows)]
    asks = plan.asks()
    lines += [f"  {_mark_meaning(plan)}", "", _ask_heading(plan, asks)]
    lines += _aligned(_ask_rows(asks)) if asks else []
    bars = text_bars(plan.spec, plan.lines(show_all=False), plan.schedule, width=width)
    return [*lines, "", "Time line:", *bars.plain.split("\n")]


def plan_renderable(plan: Plan, *, width: int = 100, show_all: bool = False) -> RenderableType:
    """The plan for a terminal of `width` columns."""
    parts: list[RenderableType] = [Text(_headline(plan.spec), style="bold")]
    style = "green" if plan.schedule.fits else "bold red"
    parts += [
        Text(each, style=style if place == 0 else "") for place, each in enumerate(_verdict(plan))
    ]
    parts.append(_table("To be created:", _count_rows(plan)))
    fit = _narrowed if width < NARROW else _whole
    for stage, rows in _stage_tables(plan, show_all=show_all):
        parts.append(_table(_stage_heading(plan, stage), fit(rows)))
    parts.append(Text(_mark_meaning(plan), style="dim"))
    asks = plan.asks()
    heading = _ask_heading(plan, asks)
    parts.append(_table(heading, fit(_ask_rows(asks))) if asks else Text(f"\n{heading}"))
    parts.append(Text("\nTime line:", style="bold"))
    parts.append(text_bars(plan.spec, plan.lines(show_all=False), plan.schedule, width=width))
    return Group(*parts)


def plan_json(plan: Plan) -> dict[str, Any]:
    """The plan for machines: days as YYYY-MM-DD, times with their offset, None where unknown."""
    schedule, items = plan.schedule, {item.key: item for item in plan.items}
    asks, counts = plan.asks(), plan.counts()
    return {
        "program": plan.spec.program,
        "title": plan.spec.name,
        "timezone": str(plan.spec.timeline.timezone),
        "today": schedule.today.isoformat(),
        "effective_on": _iso(schedule.effective_on),
        "fits": schedule.fits,
        "short_by_business_days": schedule.short_by_days,
        "blamed_chain": list(schedule.blamed_chain),
        "longest_chain": list(schedule.longest_chain),
        "longest_chain_business_days": schedule.longest_chain_days,
        "stages": [
            {
                "stage": stage,
                "opens_on": _iso(slot.opens_on),
                "gate_on": _iso(slot.gate_on),
                "creates": {
                    "issues": counts[stage].issues,
                    "sign_off_issues": counts[stage].sign_offs,
                    "training_rows": counts[stage].training_rows,
                    "checklist_rows": counts[stage].checklist_rows,
                },
                "asks": [_ask_json(each) for each in asks if each.stage == stage],
                "items": [
                    _item_json(item, schedule) for item in items.values() if item.stage == stage
                ],
            }
            for stage, slot in schedule.stages.items()
        ],
    }


def _ask_json(ask: Ask) -> dict[str, Any]:
    return {
        "role": ask.role,
        "count": ask.count,
        "members": list(ask.members),
        "asked_at": _iso(ask.asked_at),
        "at_work_at": _iso(ask.at_work_at),
    }


def _item_json(item: WorkItem, schedule: Schedule) -> dict[str, Any]:
    slot = schedule.slots[item.key]
    return {
        "key": item.key,
        "kind": str(item.kind),
        "title": item.title,
        "team": item.team,
        "assignee": item.assignee,
        "start_on": _iso(slot.start_on),
        "due_on": _iso(slot.due_on),
        "slack_business_days": slot.slack_days,
    }


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def weekday_and(day: date | None) -> str:
    """A day as people check it: `Fri 2025-11-07`."""
    return f"{day:%a %Y-%m-%d}" if day else NO_DATE


def _headline(spec: Spec) -> str:
    return f"{spec.name} ({spec.program}), times in {spec.timeline.timezone}"


def _verdict(plan: Plan) -> Iterator[str]:
    """Whether it fits, then the chain that decides."""
    schedule = plan.schedule
    today = weekday_and(schedule.today)
    if schedule.first_on is None:
        yield "No dates: give timeline.effective, or due dates."
    elif schedule.fits:
        yield (
            f"It fits: the first work must start by {weekday_and(schedule.first_on)}, "
            f"today is {today}."
        )
    else:
        days = business_days(schedule.short_by_days)
        yield f"It cannot fit: {days} too short, counted from today, {today}."
        yield f"The chain to blame: {chain_words(plan.spec.program, schedule.blamed_chain)}"
    if schedule.effective_on:
        yield f"Effective: {weekday_and(schedule.effective_on)}."
    if schedule.longest_chain:
        yield (
            f"Longest chain ({business_days(schedule.longest_chain_days)} of work): "
            f"{chain_words(plan.spec.program, schedule.longest_chain)}"
        )


def business_days(count: int) -> str:
    return f"{count} business day{'s' * (count != 1)}"


Rows = list[tuple[str, ...]]


def _count_rows(plan: Plan) -> Rows:
    counts = plan.counts()
    rows: Rows = [("stage", "issues", "sign-off issues", "training rows", "checklist rows")]
    for stage, each in counts.items():
        numbers = (each.issues, each.sign_offs, each.training_rows, each.checklist_rows)
        rows.append((stage, *map(str, numbers)))
    every = counts.values()
    totals = (
        sum(each.issues for each in every),
        sum(each.sign_offs for each in every),
        sum(each.training_rows for each in every),
        sum(each.checklist_rows for each in every),
    )
    rows.append(("all, and 1 epic", *map(str, totals)))
    return rows


def _stage_tables(plan: Plan, *, show_all: bool) -> Iterator[tuple[str, Rows]]:
    for stage, lines in by_stage(plan.lines(show_all=show_all)):
        rows: Rows = [("item", "kind", "team", "who", "start by", "due", "slack", "")]
        rows += [_item_row(line) for line in lines]
        yield stage, rows


def _item_row(line: Line) -> tuple[str, ...]:
    return (
        line.full_title,
        KIND_WORDS[line.kind],
        line.team,
        ", ".join(line.assignees),
        weekday_and(line.start_on),
        weekday_and(line.due_on),
        "" if line.slack_days is None else f"{line.slack_days}bd",
        CHAIN_MARK if line.on_chain else "",
    )


def _stage_heading(plan: Plan, stage: str) -> str:
    slot = plan.schedule.stages[stage]
    name = plan.spec.stages[stage].title or stage
    after = ", ".join(plan.spec.stages[stage].after)
    return (
        f"{name}{f', after {after}' if after else ''}: "
        f"opens by {weekday_and(slot.opens_on)}, gate on {weekday_and(slot.gate_on)}"
    )


def _mark_meaning(plan: Plan) -> str:
    return f"{CHAIN_MARK} on the {'longest chain' if plan.schedule.fits else 'chain to blame'}"


def _ask_heading(plan: Plan, asks: Sequence[Ask]) -> str:
    if not asks:
        return "Nobody is asked to sign: no gate has a sign_off."
    return f"Who is asked to sign (asked: {plan.spec.timeline.timezone}):"


def _ask_rows(asks: Sequence[Ask]) -> Rows:
    rows: Rows = [("gate", "role", "signs", "members", "asked", "at work from, own zone")]
    for ask in asks:
        rows.append(
            (
                ask.stage,
                ask.role,
                f"{ask.count} of {len(ask.members)}",
                ", ".join(ask.members),
                f"{ask.asked_at:%a %Y-%m-%d %H:%M}" if ask.asked_at else NO_DATE,
                f"{ask.at_work_at:%a %Y-%m-%d %H:%M} {ask.at_work_at.tzinfo}"
                if ask.at_work_at
                else NO_DATE,
            )
        )
    return rows


def _aligned(rows: Iterable[tuple[str, ...]]) -> list[str]:
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return ["  " + "  ".join(map(str.ljust, row, widths)).rstrip() for row in table]


def _whole(rows: Rows) -> Rows:
    return rows


def _narrowed(rows: Rows) -> Rows:
    """The rows without the columns that a narrow terminal has no room for."""
    kept = [place for place, name in enumerate(rows[0]) if name not in LEFT_OUT_WHERE_NARROW]
    return [tuple(row[place] for place in kept) for row in rows]


def _table(title: str, rows: Rows) -> Table:
    heading = Text(f"\n{title}", style="bold")
    table = Table(title=heading, title_justify="left", box=None, pad_edge=False)
    for name in rows[0]:
        justify: JustifyMethod = "right" if name in NUMBERS else "left"
        # Days and numbers stay whole; titles and people may take a second line.
        table.add_column(name, justify=justify, header_style="dim", no_wrap=name not in MAY_WRAP)
    for row in rows[1:]:
        style = "bold" if row[-1] == CHAIN_MARK else ""
        table.add_row(*(Text(cell) for cell in row), style=style)
    return table
