"""Hold a program, let it go on, stop it: journaled first, then its run is told. Reads and writes.

The journal alone decides. Whether the run hears at once only tells how soon it is seen: a run at
work notices before its next writes, and `watch` wakes one that slept through it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from policy_rollout import events as ev
from policy_rollout import prefect_api
from policy_rollout.errors import (
    JournalConflict,
    PrefectUnavailable,
    RolloutError,
)
from policy_rollout.history import decide_and_write, known_state
from policy_rollout.journal.store import Journal
from policy_rollout.prefect_api import RunSeen
from policy_rollout.program import ProgramState

IN_THE_UI = "somebody in the Prefect UI"
CANCELLED = "its run was cancelled in the Prefect UI"
_LATER = "`watch` tells its run as soon as both run again"
_OVER_OR_LOST = frozenset({"cancelled", "crashed", "failed"})


class HaltRefused(RolloutError):
    """An order that changes nothing; `why` says what stands, `next_step` what can be done."""

    def __init__(self, program: str, why: str, next_step: str) -> None:
        super().__init__(f"program {program!r} {why}; nothing was changed. {next_step}")


@dataclass(frozen=True, slots=True)
class Order:
    """Who wants it, and why: `by` is a claim, `actor` is this machine's user."""

    program: str
    actor: str
    by: str
    reason: str = ""


def hold(journal: Journal, order: Order) -> str:
    """Hold a program; answers what becomes of its run.

    Raises:
        HaltRefused: it is held already, or over.
    """

    def held(state: ProgramState) -> Sequence[ev.Event]:
        _refuse_over(state)
        if state.held is not None:
            raise HaltRefused(state.program, _is_held(state), _how_to_go_on(state))
        return (ev.Held(by=order.by, reason=order.reason),)

    state = _journaled(journal, order, held)
    return _tell(state, f"held by {order.by}", starts_again=False)


def go_on(journal: Journal, order: Order) -> str:
    """Let a held program go on; answers what becomes of its run.

    Raises:
        HaltRefused: it is not held, over, or its run is lost or just being cancelled.
        PrefectUnavailable: its run cannot be told; nothing was journaled.
    """
    seen = _seen(known_state(journal, order.program))

    def gone_on(state: ProgramState) -> Sequence[ev.Event]:
        _refuse_over(state)
        _refuse_unable(state, seen)
        gone = ev.GoneOn(by=order.by)
        if state.held is not None:
            return (gone,)
        if seen is not None and seen.state == "cancelled":  # `watch` has not looked since
            return (ev.Held(by=IN_THE_UI, reason=CANCELLED), gone)
        see = f"See where it stands: rollout status {state.program}"
        raise HaltRefused(state.program, "is not held", see)

    state = _journaled(journal, order, gone_on)
    return _tell(state, f"{order.by} lets it go on", starts_again=True)


def stop(journal: Journal, order: Order, stopped: ev.ProgramStopped) -> str:
    """Stop a program for good; answers what becomes of its run.

    Raises:
        HaltRefused: it is over, and nothing is left to do.
    """

    def events(state: ProgramState) -> Sequence[ev.Event]:
        _refuse_over(state)
        return (stopped, ev.StopCarriedOut()) if state.wrote_nothing else (stopped,)

    before = known_state(journal, order.program)
    if before.stopped is not None and not before.is_settled:
        told = _tell(before, f"{order.by} asks again for the stop", starts_again=True)
        raise HaltRefused(
            order.program, f"{_is_stopped(before)} already", f"Not all is done; {told}"
        )
    state = _journaled(journal, order, events)
    return _tell(state, f"stopped by {order.by}", starts_again=True)


def _journaled(
    journal: Journal, order: Order, decided: Callable[[ProgramState], Sequence[ev.Event]]
) -> ProgramState:
    """Decide on the newest state, again whenever somebody else wrote first; the state after."""
    while True:
        state = known_state(journal, order.program)
        try:
            decide_and_write(
                journal, state, decided(state), actor=order.actor, at=datetime.now(UTC)
            )
        except JournalConflict:
            continue
        return state


def _refuse_over(state: ProgramState) -> None:
    see = f"See: rollout status {state.program}"
    if state.stopped is not None:
        raise HaltRefused(state.program, f"{_is_stopped(state)} already", see)
    if state.finished_at is not None:
        raise HaltRefused(state.program, f"is finished since {_at(state.finished_at)}", see)


def _refuse_unable(state: ProgramState, seen: RunSeen | None) -> None:
    if seen is None:
        take_up = f"A new run takes it up first: rollout launch --continue {state.program}"
        raise HaltRefused(state.program, f"has lost its run {state.run}", take_up)
    if seen.state == "cancelling":
        again = f"Try again in a moment: rollout go-on {state.program}"
        raise HaltRefused(state.program, "is just being cancelled in the Prefect UI", again)


def _is_held(state: ProgramState) -> str:
    if state.held is None:
        return "is not held"
    return f"is held already, by {state.held.by} since {_at(state.held.since)}: {state.held.reason}"


def _is_stopped(state: ProgramState) -> str:
    if state.stopped is None or state.stopped_at is None:
        return "is not stopped"
    return f"was stopped by {state.stopped.by} on {_at(state.stopped_at)}"


def _how_to_go_on(state: ProgramState) -> str:
    return f"It goes on with: rollout go-on {state.program}"


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _seen(state: ProgramState) -> RunSeen | None:
    return prefect_api.look_up((state.run,)).get(state.run)


def _tell(state: ProgramState, because: str, *, starts_again: bool) -> str:
    """Wake the run; what became of it, as half a sentence. The journal has the order already."""
    try:
        return _wake(state, because, starts_again=starts_again)
    except (PrefectUnavailable, prefect_api.RunRefused) as error:
        return f"its run could not be told ({error}); {_LATER}"


def _wake(state: ProgramState, because: str, *, starts_again: bool) -> str:
    seen = _seen(state)
    if seen is None:
        return (
            f"Prefect does not know its run; a new one takes it up with: "
            f"rollout launch --continue {state.program}"
        )
    if seen.is_waiting:
        prefect_api.resume(state.run, {"action": "check now", "note": because})
        return "its run looks at it now"
    if seen.state in _OVER_OR_LOST:
        if starts_again and prefect_api.start_again(seen, because):
            return f"its run, which was {seen.state}, is started again"
        return f"its run is {seen.state}"
    return "its run is at work and sees it before its next writes"
