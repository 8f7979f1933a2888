"""The guard of a plan: how much open work it closes, and what it does to finished work. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from policy_rollout.consequences import Proposal, exists
from policy_rollout.errors import RolloutError
from policy_rollout.gates import FINISHED
from policy_rollout.outline import Outline
from policy_rollout.planned import Planned, What
from policy_rollout.work import State

FLAG = "--allow-closures"
SETTING = "ROLLOUT_CLOSING_SHARE"
NAMED = 12
"""So many items are named in a refusal; the rest is counted."""
_TOUCHES = {What.CLOSE: "closes", What.REOPEN: "reopens"}


@dataclass(frozen=True, slots=True)
class Touched:
    """A finished work item that a plan would change, and how."""

    key: str
    what: str

    def __str__(self) -> str:
        return f"{self.key} ({self.what} it)"


@dataclass(frozen=True, slots=True)
class Closures:
    """`open_items` is how many issues and rows are open now; `closing` are those that end."""

    open_items: int
    closing: tuple[str, ...]
    finished: tuple[Touched, ...]

    @property
    def closing_share(self) -> float:
        """Of the open items, 0 to 1."""
        return len(self.closing) / self.open_items if self.open_items else 0.0


class ClosuresRefused(RolloutError):
    """A plan that closes too much of the open work, or touches what people have finished.

    Args:
        closures: what the plan does.
        allowed_share: of the open items, 0 to 1.
    """

    def __init__(self, closures: Closures, allowed_share: float) -> None:
        self.closures = closures
        reasons = []
        if closures.closing_share > allowed_share:
            reasons.append(
                f"it closes {len(closures.closing)} of {closures.open_items} open items "
                f"({closures.closing_share:.0%}), expected at most {allowed_share:.0%} "
                f"({SETTING}): {_named(closures.closing)}"
            )
        if closures.finished:
            count = len(closures.finished)
            reasons.append(
                f"it touches {count} item{'s' * (count != 1)} that people have finished: "
                f"{_named(map(str, closures.finished))}"
            )
        super().__init__(
            f"the plan is refused, nothing was done: {'; and '.join(reasons)}. "
            f"If that is meant, say so with {FLAG}"
        )


def _named(things: Iterable[str]) -> str:
    names = list(things)
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def closures_of(
    proposal: Proposal, before: Outline, after: Outline, changes: tuple[Planned, ...]
) -> Closures:
    still_open = [
        item.key
        for item in before.items
        if exists(proposal.state, item.key)
        and not proposal.state.passed(item.stage)
        and proposal.seen(item.key) not in {*FINISHED, State.MISSING}
    ]
    stays = {item.key for item in after.items}
    closed = {each.key for each in changes if each.what is What.CLOSE}
    return Closures(
        open_items=len(still_open),
        closing=tuple(key for key in still_open if key in closed or key not in stays),
        finished=tuple(_touched(proposal, {item.key for item in before.items} | stays, changes)),
    )


def _touched(proposal: Proposal, work: set[str], changes: tuple[Planned, ...]) -> Iterator[Touched]:
    for each in changes:
        if each.key in work and proposal.seen(each.key) in FINISHED:
            if each.rewrites:
                yield Touched(each.key, "rewrites")
            elif each.what in _TOUCHES:
                yield Touched(each.key, _TOUCHES[each.what])


def check_closures(closures: Closures, *, allowed_share: float, allowed: bool) -> None:
    """Let a plan pass, or refuse it.

    Args:
        closures: what the plan does.
        allowed_share: of the open items, 0 to 1.
        allowed: whether a person has said that it is meant.

    Raises:
        ClosuresRefused: names the share, the items and the flag.
    """
    too_much = closures.closing_share > allowed_share
    if (too_much or closures.finished) and not allowed:
        raise ClosuresRefused(closures, allowed_share)
