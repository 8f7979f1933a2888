"""When each work item must start and end, how much slack it has, and what does not fit. Pure.

Two passes over one graph. The backward pass goes from the due dates to the starts, as late as
everything still fits; it does not look at today, so due dates stand still while time goes by.
The forward pass goes from today to the earliest ends; the distance between the two is the slack.

How a due date is read stands in `passes.py`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil

from policy_rollout.calendar import BusinessCalendar, Calendars
from policy_rollout.passes import (
    DAYS_OF_WEEK,
    Backward,
    Forward,
    Graph,
    back_from,
    effective_day,
    longest_chain_of,
)
from policy_rollout.spec.model import Spec
from policy_rollout.work import WorkItem


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
    """The dates of a program, seen from `today`, and the `items` that have them.

    `longest_chain` holds the keys of the items that follow each other and together take longest,
    in the order of work; its length counts a week as 5 business days. `short_by_days` are the
    business days that are missing, 0 where the program fits; `blamed_chain` is then the chain
    that does not fit, and empty otherwise.
    """

    today: date
    effective_on: date | None
    items: tuple[WorkItem, ...]
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
    def critical_chain(self) -> frozenset[str]:
        """The items to watch: the chain that does not fit, else the longest one."""
        return frozenset(self.blamed_chain or self.longest_chain)

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
    graph = Graph.of(spec, items)
    latest = Backward(graph, Calendars(spec))
    latest.run()
    earliest = Forward(graph, latest.calendars, today, frozenset(done))
    earliest.run()
    slots = {item.key: _slot(item, latest, earliest) for item in items}
    short_by = max((-each.slack_days for each in slots.values() if each.slack_days), default=0)
    chain, length = longest_chain_of(graph)
    return Schedule(
        today=today,
        effective_on=effective_day(spec),
        items=tuple(items),
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
    graph = Graph.of(spec, items)
    unhindered = Backward(graph, Calendars(spec, no_holidays=True))
    unhindered.run()
    first_on = min(unhindered.start_on.values(), default=today)
    # A week less than needed, since a `30d` that lands on a holiday moves later, not earlier.
    weeks = max(0, ceil((today - first_on).days / DAYS_OF_WEEK) - 1)
    while True:
        moved = Backward(graph, Calendars(spec, weeks_later=weeks))
        moved.run()
        if min(moved.start_on.values(), default=today) + timedelta(weeks=weeks) >= today:
            return weeks
        weeks += 1


def _slot(item: WorkItem, latest: Backward, earliest: Forward) -> Slot:
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


def _stage_slot(spec: Spec, stage: str, latest: Backward) -> StageSlot:
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


def _blamed_chain(slots: Mapping[str, Slot], earliest: Forward, short_by: int) -> tuple[str, ...]:
    """The chain up to the item that is latest behind its due date; the last one of several."""
    worst = [key for key, each in slots.items() if each.slack_days == -short_by]
    return back_from(max(worst, key=earliest.end_on.__getitem__), earliest.waits_for)
