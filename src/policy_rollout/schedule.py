"""When each work item must start and end, how much slack it has, and what does not fit. Pure.

Two passes over one graph. The backward pass goes from the due dates to the starts, as late as
everything still fits; it does not look at today, so due dates stand still while time goes by.
The forward pass goes from today to the earliest ends; the distance between the two is the slack.

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

from collections.abc import Collection, Mapping, Sequence
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


@dataclass(frozen=True, slots=True)
class Slot:
    """When an item is worked on at the latest; all three are None where nothing gives it a date.

    `slack_days` are the business days of its team by which it can start later than at once;
    negative where it would have had to start before today.
    """

    key: str
    start_on: date | None
    due_on: date | None
    slack_days: int | None


@dataclass(frozen=True, slots=True)
class StageSlot:
    """`opens_on` is the latest start of its work; on `gate_on` its sign-offs are asked for.

    `signers` holds how many members of each role are asked.
    """

    stage: str
    opens_on: date | None
    gate_on: date | None
    signers: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Schedule:
    """The dates of a program, seen from `today`.

    `longest_chain` holds the keys of the items that follow each other and together take longest,
    in the order of work; its length counts a week as 5 business days. `short_by_days` are the
    business days that are missing, 0 where the program fits; `blamed_chain` is then the chain
    that does not fit, and empty otherwise.
    """

    today: date
    effective_on: date | None
    slots: dict[str, Slot]
    stages: dict[str, StageSlot]
    longest_chain: tuple[str, ...]
    longest_chain_days: int
    short_by_days: int
    blamed_chain: tuple[str, ...]

    @property
    def fits(self) -> bool:
        return self.short_by_days == 0

    @property
    def first_on(self) -> date | None:
        """The day on which the first item must start."""
        return min((each.start_on for each in self.slots.values() if each.start_on), default=None)

    @property
    def last_on(self) -> date | None:
        """The day on which the last item is due or the last gate is held."""
        dues = [each.due_on for each in self.slots.values() if each.due_on]
        gates = [each.gate_on for each in self.stages.values() if each.gate_on]
        return max(dues + gates, default=None)


def make_schedule(
    spec: Spec, items: Sequence[WorkItem], *, today: date, done: Collection[str] = ()
) -> Schedule:
    """The schedule of a program whose references are all good (the rules of the spec see to it).

    Args:
        spec: the program.
        items: its work items, as `work.expand` gives them.
        today: the program's local day on which work can start.
        done: keys of items that are done already: they no longer wait for anything.

    Raises:
        DayOutOfRange: a date lies outside the years that can be planned.
        HolidaysUnknown: a market of the spec has no known public holidays.
    """
    graph = _Graph.of(spec, items)
    latest = _Backward(graph, Calendars(spec))
    latest.run()
    earliest = _Forward(graph, latest.calendars, today, frozenset(done))
    earliest.run()
    slots = {item.key: _slot(item, latest, earliest) for item in items}
    short_by = max((-each.slack_days for each in slots.values() if each.slack_days), default=0)
    chain, length = _longest_chain(graph)
    return Schedule(
        today=today,
        effective_on=effective_day(spec),
        slots=slots,
        stages={each: _stage_slot(spec, each, latest) for each in spec.stages},
        longest_chain=chain,
        longest_chain_days=length,
        short_by_days=max(0, short_by),
        blamed_chain=_blamed_chain(slots, earliest, short_by) if short_by > 0 else (),
    )


def weeks_to_fit(spec: Spec, items: Sequence[WorkItem], today: date) -> int:
    """The fewest whole weeks by which to move a program so that nothing starts before `today`.

    Holidays do not move along, so the answer is tried out from a lower bound upwards: the move
    that a world without holidays would need.
    """
    graph = _Graph.of(spec, items)
    unhindered = _Backward(graph, Calendars(spec, no_holidays=True))
    unhindered.run()
    first_on = min(unhindered.start_on.values(), default=today)
    # A week less than needed, since a `30d` that lands on a holiday moves later, not earlier.
    weeks = max(0, ceil((today - first_on).days / DAYS_OF_WEEK) - 1)
    while True:
        moved = _Backward(graph, Calendars(spec, weeks_later=weeks))
        moved.run()
        if min(moved.start_on.values(), default=today) + timedelta(weeks=weeks) >= today:
            return weeks
        weeks += 1


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
class _Graph:
    """Stages and items in an order in which each stands after all it waits for."""

    spec: Spec
    stages: tuple[str, ...]
    items: dict[str, tuple[WorkItem, ...]]
    later_stages: dict[str, list[str]]
    later_items: dict[str, list[str]]

    @classmethod
    def of(cls, spec: Spec, items: Sequence[WorkItem]) -> "_Graph":
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
class _Deadline:
    """A last day; `as_written` ones stand even where nobody works."""

    day: date
    as_written: bool = False


def _sooner(*deadlines: _Deadline | None) -> _Deadline | None:
    """The first of the deadlines; among those of one day the one that stands as written."""
    given = [each for each in deadlines if each is not None]
    return min(given, key=lambda each: (each.day, not each.as_written), default=None)


@dataclass(slots=True)
class _Backward:
    """The latest start and end of each item; a dict lacks what has no date."""

    graph: _Graph
    calendars: Calendars
    start_on: dict[str, date] = field(default_factory=dict)
    due_on: dict[str, date] = field(default_factory=dict)
    stage_due: dict[str, _Deadline | None] = field(default_factory=dict)
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

    def _due_of_stage(self, stage: str, *, may_have_none: bool) -> _Deadline | None:
        own = self.graph.spec.stages[stage].due
        effective_on = effective_day(self.graph.spec)
        if own is None and effective_on and not may_have_none:
            own = effective_on
        later = [
            _Deadline(self.before_stage[each])
            for each in self.graph.later_stages[stage]
            if each in self.before_stage
        ]
        return _sooner(self._resolved(own, stage), *later)

    def _resolved(self, due: Duration | date | None, stage: str) -> _Deadline | None:
        """A due date as a day, landed as the top of this file says."""
        every_day = self.calendars.every_day_of(stage)
        if isinstance(due, date):
            return _Deadline(every_day.on_or_before(due), as_written=True)
        effective_on = effective_day(self.graph.spec)
        if due is None or effective_on is None:
            return None
        if due.count == 0:
            return _Deadline(every_day.on_or_before(effective_on), as_written=True)
        if due.unit is Unit.BUSINESS_DAYS:
            day = self.calendars.program().add(effective_on, due.count)
        else:
            day = moved_by(effective_on, _calendar_days(due))
        working = self.calendars.of_stage(stage)
        return _Deadline(working.on_or_after(day) if due.count > 0 else working.on_or_before(day))

    def _place(self, item: WorkItem, stage_due: _Deadline | None) -> None:
        later = [
            _Deadline(self.start_on[each] - ONE_DAY)
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

    def _close(self, stage: str, due: _Deadline | None) -> None:
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
class _Forward:
    """The earliest end of each item, and which item it had to wait for."""

    graph: _Graph
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


def _slot(item: WorkItem, latest: _Backward, earliest: _Forward) -> Slot:
    due_on, end_on = latest.due_on.get(item.key), earliest.end_on.get(item.key)
    if due_on is None:
        return Slot(item.key, None, None, None)
    slack = None
    if end_on is not None:
        slack = _slack(latest.calendars.of_work(item.stage, item.team), end_on, due_on)
    return Slot(item.key, latest.start_on[item.key], due_on, slack)


def _slack(calendar: BusinessCalendar, end_on: date, due_on: date) -> int:
    """Business days between; at least 1 missing where the end is late, on whatever days."""
    if end_on <= due_on:
        return max(0, calendar.count(end_on, calendar.on_or_before(due_on)))
    return min(-1, calendar.count(end_on, due_on))


def _stage_slot(spec: Spec, stage: str, latest: _Backward) -> StageSlot:
    keys = [item.key for item in latest.graph.items[stage]]
    starts = [latest.start_on[key] for key in keys if key in latest.start_on]
    dues = [latest.due_on[key] for key in keys if key in latest.due_on]
    due = latest.stage_due[stage]
    empty_on = due.day if due and not keys else None
    return StageSlot(
        stage=stage,
        opens_on=min(starts, default=empty_on),
        gate_on=max(dues, default=empty_on),
        signers=tuple(spec.stages[stage].gate.sign_off.items()),
    )


def _longest_chain(graph: _Graph) -> tuple[tuple[str, ...], int]:
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
    return (_back_from(end, before), length[end]) if end else ((), 0)


def _blamed_chain(slots: Mapping[str, Slot], earliest: _Forward, short_by: int) -> tuple[str, ...]:
    """The chain up to the item that is latest behind its due date; the last one of several."""
    worst = [key for key, each in slots.items() if each.slack_days == -short_by]
    return _back_from(max(worst, key=earliest.end_on.__getitem__), earliest.waits_for)


def _back_from(key: str, before: Mapping[str, str]) -> tuple[str, ...]:
    chain = [key]
    while key in before:
        key = before[key]
        chain.append(key)
    return tuple(reversed(chain))
