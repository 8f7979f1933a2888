"""A spec with what follows from it: its work items and when each is due. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from policy_rollout import events as ev
from policy_rollout.program import ProgramState
from policy_rollout.schedule import Schedule, make_schedule
from policy_rollout.spec.model import Spec
from policy_rollout.work import WorkItem, condition_item, expand


@dataclass(frozen=True, slots=True)
class Outline:
    """A spec with what follows from it: its items by stage, and when each is due."""

    spec: Spec
    items: tuple[WorkItem, ...]
    schedule: Schedule

    def of(self, stage: str) -> tuple[WorkItem, ...]:
        return tuple(item for item in self.items if item.stage == stage)


def outline_of(spec: Spec, *, today: date, conditions: Sequence[ev.Condition] = ()) -> Outline:
    """A spec and what follows from it; `conditions` are those of passed gates, in their order.

    A condition whose stage or team an amended spec no longer has stays: with the last stage, or
    the first role.
    """
    asked_for = (
        condition_item(
            spec,
            number,
            stage=each.stage if each.stage in spec.stages else tuple(spec.stages)[-1],
            team=each.team if each.team in spec.people else next(iter(spec.people)),
            text=each.text,
        )
        for number, each in enumerate(conditions, start=1)
    )
    items = (*expand(spec), *asked_for)
    return Outline(spec, items, make_schedule(spec, items, today=today))


def outline_at(spec: Spec, state: ProgramState, now: datetime) -> Outline:
    """The outline of a program under way, on the program's own day."""
    today = now.astimezone(spec.timeline.timezone).date()
    return outline_of(spec, today=today, conditions=state.conditions)
