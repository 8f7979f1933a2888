"""The work items of a program folded to one line for each item of the spec. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from policy_rollout.schedule import Schedule
from policy_rollout.spec.model import Per, Spec, Stage
from policy_rollout.work import Kind, State, WorkItem

CHAIN_ENDS = 5  # of a chain too long to read, so many items at each end are named
FINISHED = frozenset({State.DONE, State.NOT_APPLICABLE})
PLURAL = {Per.LANGUAGE: "languages", Per.MARKET: "markets"}


@dataclass(frozen=True, slots=True)
class Line:
    """One item of the spec with all its languages or markets, or one work item alone.

    `extent` says how often it is multiplied ("4 languages"), empty where once. The dates are the
    earliest start and the latest end, `slack_days` the smallest; None where there is none.
    """

    stage: str
    kind: Kind
    name: str
    title: str
    team: str
    assignees: tuple[str, ...]
    extent: str
    keys: tuple[str, ...]
    start_on: date | None
    due_on: date | None
    slack_days: int | None
    on_chain: bool

    @property
    def full_title(self) -> str:
        if not self.extent:
            return self.title
        return (
            f"{self.title} x {self.extent}"
            if len(self.keys) > 1
            else f"{self.title} ({self.extent})"
        )

    def finished(self, states: Mapping[str, State]) -> int:
        """How many of its work items need nothing more."""
        return sum(states.get(key) in FINISHED for key in self.keys)

    def any_in(self, states: Mapping[str, State], wanted: State) -> bool:
        return any(states.get(key) is wanted for key in self.keys)


def folded(spec: Spec, items: Iterable[WorkItem], schedule: Schedule) -> tuple[Line, ...]:
    """One line for each task, material and checklist, in the order of the spec."""
    chain = schedule.critical_chain
    return tuple(
        _line(schedule, chain, tuple(same), *_named(spec, stage, item_id))
        for (stage, item_id), same in groupby(items, key=lambda each: (each.stage, each.item))
    )


def unfolded(items: Iterable[WorkItem], schedule: Schedule) -> tuple[Line, ...]:
    """One line for each work item, in the order of the spec."""
    chain = schedule.critical_chain
    return tuple(_line(schedule, chain, (item,), item.title, _part(item)) for item in items)


def by_stage(lines: Iterable[Line]) -> Iterator[tuple[str, tuple[Line, ...]]]:
    """The lines of each stage that has work, those that start first on top."""
    for stage, same in groupby(lines, key=lambda each: each.stage):
        yield stage, tuple(sorted(same, key=_by_dates))


def chain_words(program: str, chain: Sequence[str]) -> str:
    """A chain of keys as people read it: ids joined by arrows, the middle of a long one counted."""
    ids = [key.removeprefix(f"{program}/") for key in chain]
    if len(ids) > 2 * CHAIN_ENDS + 1:
        hidden = len(ids) - 2 * CHAIN_ENDS
        ids = [*ids[:CHAIN_ENDS], f"({hidden} more)", *ids[-CHAIN_ENDS:]]
    return " → ".join(ids)


def _by_dates(line: Line) -> tuple[date, date]:
    return line.start_on or date.max, line.due_on or date.max


def _part(item: WorkItem) -> str:
    # A task's title names its language or market already; a row's does not.
    return item.part if item.part and item.kind is not Kind.TASK else ""


def _named(spec: Spec, stage_id: str, item_id: str) -> tuple[str, str]:
    """The title of an item of the spec and how it is multiplied."""
    stage: Stage = spec.stages[stage_id]
    if item_id in stage.tasks:
        return stage.tasks[item_id].title, _times(spec, stage.tasks[item_id].per)
    if item_id in stage.training:
        return stage.training[item_id].title, _times(spec, stage.training[item_id].per)
    checklist = stage.checklists[item_id]
    count = f"{len(checklist.items)} item{'s' * (len(checklist.items) > 1)}"
    times = _times(spec, checklist.per)
    return checklist.title or item_id, f"{count} x {times}" if times else count


def _times(spec: Spec, per: Per | None) -> str:
    if per is None:
        return ""
    parts = spec.policy.languages if per is Per.LANGUAGE else spec.policy.markets
    return f"{len(parts)} {PLURAL[per] if len(parts) > 1 else per.value}"


def _line(
    schedule: Schedule,
    chain: frozenset[str],
    items: tuple[WorkItem, ...],
    title: str,
    extent: str,
) -> Line:
    first = items[0]
    slots = [schedule.slots[item.key] for item in items]
    slacks = [slot.slack_days for slot in slots if slot.slack_days is not None]
    keys = tuple(item.key for item in items)
    return Line(
        stage=first.stage,
        kind=first.kind,
        name=first.item if len(items) > 1 else first.short,
        title=title,
        team=first.team,
        assignees=tuple(dict.fromkeys(item.assignee for item in items)),
        extent=extent,
        keys=keys,
        start_on=min((slot.start_on for slot in slots if slot.start_on), default=None),
        due_on=max((slot.due_on for slot in slots if slot.due_on), default=None),
        slack_days=min(slacks, default=None),
        on_chain=not chain.isdisjoint(keys),
    )
