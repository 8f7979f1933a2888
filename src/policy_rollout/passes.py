"""The two passes over the graph of a program's work: when it can end, when it has to start. Pure.

How a due date is read:

- A relative one counts from the local day of `timeline.effective`; `5bd` counts the program's
  business days, `3d` and `2w` count calendar days.
- Where `-10d` or `-2w` lands on no business day, it moves to the one *before*: the work is done
  by then. Where `30d` does, it moves to the one *after*: a review is held no earlier than said.
- A day as YYYY-MM-DD, and the effective day itself (`0d`), stand as written, weekend or not.
- A day in a freeze that stops the stage moves out of it in the same direction.
- A stage without a due date ends as late as the later stages allow, at the latest on the effective
  day; but a stage after one that is due on or after the effective day has no date of its own.

Work in `bd` is done on the business days of its team. Work in `d` or `w` runs through weekends and
holidays, and is handed over on a business day of its team. Neither runs during a freeze.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from graphlib import TopologicalSorter
from math import ceil

from policy_rollout.calendar import ONE_DAY, BusinessCalendar, Calendars, moved_by
from policy_rollout.spec.model import Spec
from policy_rollout.spec.scalars import Duration, Unit
from policy_rollout.work import WorkItem

DAYS_OF_WEEK = 7
BUSINESS_DAYS_OF_WEEK = 5


def effective_day(spec: Spec) -> date | None:
    """The local day on which the change takes effect."""
    return spec.timeline.effective.date() if spec.timeline.effective else None


def business_days(duration: Duration) -> int:
    """The length of a duration in business days, a week counting 5, rounded up."""
    match duration.unit:
        case Unit.BUSINESS_DAYS:
            return duration.count
        case Unit.WEEKS:
            return duration.count * BUSINESS_DAYS_OF_WEEK
        case Unit.DAYS:
            return ceil(duration.count * BUSINESS_DAYS_OF_WEEK / DAYS_OF_WEEK)


@dataclass(frozen=True, slots=True)
class Graph:
    """Stages and items in an order in which each stands after all it waits for."""

    spec: Spec
    stages: tuple[str, ...]
    items: dict[str, tuple[WorkItem, ...]]
    later_stages: dict[str, list[str]]
    later_items: dict[str, list[str]]

    @classmethod
    def of(cls, spec: Spec, items: Sequence[WorkItem]) -> "Graph":
        by_key = {item.key: item for item in items}
        in_order = TopologicalSorter({item.key: item.after for item in items}).static_order()
        by_stage: dict[str, list[WorkItem]] = {stage: [] for stage in spec.stages}
        for key in in_order:
            by_stage[by_key[key].stage].append(by_key[key])
        before = {stage_id: stage.after for stage_id, stage in spec.stages.items()}
        return cls(
            spec=spec,
            stages=tuple(TopologicalSorter(before).static_order()),
            items={stage: tuple(each) for stage, each in by_stage.items()},
            later_stages=_turned_round(before),
            later_items=_turned_round({item.key: item.after for item in items}),
        )


def _turned_round(before: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    later: dict[str, list[str]] = {each: [] for each in before}
    for each, befores in before.items():
        for one in befores:
            later[one].append(each)
    return later


@dataclass(frozen=True, slots=True)
class Deadline:
    """A last day; `as_written` ones stand even where nobody works."""

    day: date
    as_written: bool = False


def _sooner(*deadlines: Deadline | None) -> Deadline | None:
    """The first of the deadlines; among those of one day the one that stands as written."""
    given = [each for each in deadlines if each is not None]
    return min(given, key=lambda each: (each.day, not each.as_written), default=None)


@dataclass(slots=True)
class Backward:
    """The latest start and end of each item; a dict lacks what has no date."""

    graph: Graph
    calendars: Calendars
    start_on: dict[str, date] = field(default_factory=dict)
    due_on: dict[str, date] = field(default_factory=dict)
    stage_due: dict[str, Deadline | None] = field(default_factory=dict)
    # The day by which everything before the stage has to be done.
    before_stage: dict[str, date] = field(default_factory=dict)

    def run(self) -> None:
        after_effective = self._stages_after_effective()
        for stage in reversed(self.graph.stages):
            due = self._due_of_stage(stage, may_have_none=stage in after_effective)
            self.stage_due[stage] = due
            for item in reversed(self.graph.items[stage]):
                self._place(item, due)
            self._close(stage, due)

    def _due_of_stage(self, stage: str, *, may_have_none: bool) -> Deadline | None:
        own = self.graph.spec.stages[stage].due
        effective_on = effective_day(self.graph.spec)
        if own is None and effective_on and not may_have_none:
            own = effective_on
        later = [
            Deadline(self.before_stage[each])
            for each in self.graph.later_stages[stage]
            if each in self.before_stage
        ]
        return _sooner(self._resolved(own, stage), *later)

    def _resolved(self, due: Duration | date | None, stage: str) -> Deadline | None:
        """A due date as a day, landed as the top of this file says."""
        every_day = self.calendars.every_day_of(stage)
        if isinstance(due, date):
            return Deadline(every_day.on_or_before(due), as_written=True)
        effective_on = effective_day(self.graph.spec)
        if due is None or effective_on is None:
            return None
        if due.count == 0:
            return Deadline(every_day.on_or_before(effective_on), as_written=True)
        if due.unit is Unit.BUSINESS_DAYS:
            day = self.calendars.program().add(effective_on, due.count)
        else:
            day = moved_by(effective_on, _calendar_days(due))
        working = self.calendars.of_stage(stage)
        return Deadline(working.on_or_after(day) if due.count > 0 else working.on_or_before(day))

    def _place(self, item: WorkItem, stage_due: Deadline | None) -> None:
        later = [
            Deadline(self.start_on[each] - ONE_DAY)
            for each in self.graph.later_items[item.key]
            if each in self.start_on
        ]
        own = self._resolved(item.due, item.stage) if item.due is not None else None
        deadline = _sooner(own, stage_due, *later)
        if deadline is None:
            return
        due_on = deadline.day
        if not deadline.as_written:
            due_on = self.calendars.of_work(item.stage, item.team).on_or_before(due_on)
        self.due_on[item.key] = due_on
        calendar, days = _working_days(item, self.calendars)
        self.start_on[item.key] = calendar.add(moved_by(due_on, ONE_DAY), -days)

    def _close(self, stage: str, due: Deadline | None) -> None:
        """Work before the stage ends before its first item starts, or by its due date if empty."""
        items = self.graph.items[stage]
        starts = [self.start_on[each.key] for each in items if each.key in self.start_on]
        if starts:
            self.before_stage[stage] = min(starts) - ONE_DAY
        elif due:
            self.before_stage[stage] = due.day

    def _stages_after_effective(self) -> frozenset[str]:
        """Stages behind one whose work is, by its own word, due on or after the effective day."""
        found: set[str] = set()
        for stage in self.graph.stages:
            before = self.graph.spec.stages[stage].after
            if any(each in found or self._reaches_effective(each) for each in before):
                found.add(stage)
        return frozenset(found)

    def _reaches_effective(self, stage: str) -> bool:
        effective_on = effective_day(self.graph.spec)
        dues = {self.graph.spec.stages[stage].due, *(e.due for e in self.graph.items[stage])}
        written = [
            due
            if isinstance(due, date)
            else effective_on and moved_by(effective_on, _calendar_days(due))
            for due in dues
            if due is not None
        ]
        return any(day and effective_on and day >= effective_on for day in written)


def _calendar_days(duration: Duration) -> timedelta:
    weeks = duration.unit is Unit.WEEKS
    return timedelta(weeks=duration.count) if weeks else timedelta(days=duration.count)


def _working_days(item: WorkItem, calendars: Calendars) -> tuple[BusinessCalendar, int]:
    """The calendar that the item's work runs on, and how many of its days it takes."""
    if item.takes.unit is Unit.BUSINESS_DAYS:
        return calendars.of_work(item.stage, item.team), item.takes.count
    return calendars.every_day_of(item.stage), _calendar_days(item.takes).days


@dataclass(slots=True)
class Forward:
    """The earliest end of each item, and which item it had to wait for."""

    graph: Graph
    calendars: Calendars
    today: date
    done: frozenset[str]
    end_on: dict[str, date] = field(default_factory=dict)
    waits_for: dict[str, str] = field(default_factory=dict)
    # The item that ends last in the stage or, where it has none, before it.
    last_of_stage: dict[str, str] = field(default_factory=dict)

    def run(self) -> None:
        for stage in self.graph.stages:
            befores = [
                self.last_of_stage[each]
                for each in self.graph.spec.stages[stage].after
                if each in self.last_of_stage
            ]
            gate = max(befores, key=self._end, default=None)
            for item in self.graph.items[stage]:
                if item.key not in self.done:
                    self._place(item, gate)
            ends = [each.key for each in self.graph.items[stage] if each.key in self.end_on]
            last = max(ends, key=self._end, default=gate)
            if last is not None:
                self.last_of_stage[stage] = last

    def _end(self, key: str) -> date:
        return self.end_on[key]

    def _place(self, item: WorkItem, gate: str | None) -> None:
        befores = [each for each in item.after if each in self.end_on]
        if gate is not None:
            befores.append(gate)
        calendar, days = _working_days(item, self.calendars)
        starts_after = moved_by(self.today, -ONE_DAY)
        if befores:
            last = max(befores, key=self._end)
            self.waits_for[item.key] = last
            starts_after = max(starts_after, self.end_on[last])
        self.end_on[item.key] = calendar.add(starts_after, days)


def longest_chain_of(graph: Graph) -> tuple[tuple[str, ...], int]:
    """The items that follow each other and together take most business days."""
    length: dict[str, int] = {}
    before: dict[str, str] = {}
    last_of_stage: dict[str, str] = {}
    for stage in graph.stages:
        stages_before = graph.spec.stages[stage].after
        gates = [last_of_stage[each] for each in stages_before if each in last_of_stage]
        gate = max(gates, key=length.__getitem__, default=None)
        for item in graph.items[stage]:
            befores = [*item.after, *((gate,) if gate else ())]
            longest = max(befores, key=length.__getitem__, default=None)
            length[item.key] = business_days(item.takes)
            if longest is not None:
                before[item.key] = longest
                length[item.key] += length[longest]
        own = [item.key for item in graph.items[stage]]
        last = max(own, key=length.__getitem__, default=gate)
        if last is not None:
            last_of_stage[stage] = last
    end = max(length, key=length.__getitem__, default=None)
    return (back_from(end, before), length[end]) if end else ((), 0)


def back_from(key: str, before: Mapping[str, str]) -> tuple[str, ...]:
    chain = [key]
    while key in before:
        key = before[key]
        chain.append(key)
    return tuple(reversed(chain))
