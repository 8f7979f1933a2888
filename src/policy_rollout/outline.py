"""A spec with what follows from it: its work items and when each is due. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from policy_rollout import events as ev
from policy_rollout.program import ProgramState
from policy_rollout.schedule import Schedule, make_schedule
from policy_rollout.spec.model import Spec
from policy_rollout.spec.reader import read_valid
from policy_rollout.work import (
    NOTHING_RENAMED,
    AskedFor,
    Renamed,
    WorkItem,
    condition_item,
    expand,
    stable_key,
)

_Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Outline:
    """A spec with what follows from it: its items by stage, and when each is due."""

    spec: Spec
    items: tuple[WorkItem, ...]
    schedule: Schedule

    def of(self, stage: str) -> tuple[WorkItem, ...]:
        return tuple(item for item in self.items if item.stage == stage)


def outline_of(
    spec: Spec,
    *,
    today: date,
    conditions: Sequence[ev.Condition] = (),
    renamed: Renamed = NOTHING_RENAMED,
) -> Outline:
    """A spec and what follows from it; `conditions` are those of passed gates, in their order."""
    items = (*expand(spec, renamed), *conditions_of(spec, conditions, renamed))
    return Outline(spec, items, make_schedule(spec, items, today=today))


def conditions_of(
    spec: Spec, conditions: Sequence[ev.Condition], renamed: Renamed
) -> Iterator[WorkItem]:
    """The work that approvals asked for.

    A condition whose stage or team an amended spec no longer has stays: with the last stage, or
    the first role.
    """
    for number, each in enumerate(conditions, start=1):
        yield condition_item(
            spec,
            AskedFor(number, stable_key(renamed, spec.program, each.stage), each.text),
            stage=each.stage if each.stage in spec.stages else tuple(spec.stages)[-1],
            team=each.team if each.team in spec.people else next(iter(spec.people)),
        )


def outline_at(spec: Spec, state: ProgramState, now: datetime) -> Outline:
    """The outline of a program under way, on the program's own day."""
    today = now.astimezone(spec.timeline.timezone).date()
    return _outline(_Same(spec), today, tuple(state.conditions), tuple(state.renamed.items()))


@dataclass(frozen=True, slots=True, eq=False)
class _Same:
    """A spec that equals itself alone: comparing two takes longer than planning anew."""

    spec: Spec

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.spec is self.spec

    def __hash__(self) -> int:
        return id(self.spec)


@lru_cache(maxsize=4)
def _outline(
    same: _Same, today: date, conditions: tuple[ev.Condition, ...], renamed: _Pairs
) -> Outline:
    """Made once: the looks of a pass ask for the same."""
    return outline_of(same.spec, today=today, conditions=conditions, renamed=dict(renamed))


def spec_of(state: ProgramState) -> Spec:
    """The spec that a program follows now: as it was launched, or last amended.

    Raises:
        SpecRefused: by the rules of this version it has errors.
    """
    return read_once(state.spec_text, state.spec_path)


@lru_cache(maxsize=16)
def read_once(text: str, path: str) -> Spec:
    """As `read_valid`; a pass asks at each look, and reading takes far longer than comparing.

    Raises:
        SpecRefused: with every error, in the order of the file.
    """
    return read_valid(text, path)
