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
    return outline_of(spec, today=today, conditions=state.conditions, renamed=state.renamed)


def spec_of(state: ProgramState) -> Spec:
    """The spec that a program follows now: as it was launched, or last amended.

    Raises:
        SpecRefused: by the rules of this version it has errors.
    """
    return _read(state.spec_text, state.spec_path)


@lru_cache(maxsize=16)
def _read(text: str, path: str) -> Spec:
    """Read once: a pass asks for it at each look, and reading takes far longer than comparing."""
    return read_valid(text, path)
