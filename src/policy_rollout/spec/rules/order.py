"""Which stages come before which. Pure."""

from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from policy_rollout.spec.problems import Path
from policy_rollout.spec.rules.case import Case

_MOST_STAGES = 2_000  # which comes before which is not worked out for more
_MOST_NAMED = 50


@dataclass(frozen=True, slots=True)
class Order:
    """The stages, each after all it waits for; `_before` has their places as bits."""

    places: dict[str, int]
    _before: dict[str, int]

    def is_before(self, stage: str, later: str) -> bool:
        """Whether the gate of `stage` has always passed when `later` opens."""
        return bool(self._before[later] >> self.places[stage] & 1)

    def rests_on(self, stage: str) -> tuple[Path, ...]:
        """The parts of the spec that say what comes before a stage."""
        earlier = [each for each in self.places if self.is_before(each, stage)]
        if len(earlier) > _MOST_NAMED:
            return (("stages",),)
        return tuple(("stages", each, "after") for each in (stage, *earlier))


def order_of(case: Case) -> Order | None:
    """None where stages wait for each other, or are too many to say."""
    stages = case.spec.stages
    if len(stages) > _MOST_STAGES:
        return None
    after = {
        name: tuple(each for each in stage.after if each in stages)
        for name, stage in stages.items()
    }
    try:
        places = {name: at for at, name in enumerate(TopologicalSorter(after).static_order())}
    except CycleError:
        return None
    before: dict[str, int] = {}
    for name in places:
        before[name] = 0
        for each in after[name]:
            before[name] |= before[each] | 1 << places[each]
    return Order(places, before)
