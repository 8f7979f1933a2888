"""What can be journaled about holding, stopping and carrying a program. Pure."""

from typing import Literal

from policy_rollout.event_record import EventRecord


class Held(EventRecord):
    """Nothing is created, changed, asked, escalated or passed until somebody lets it go on."""

    kind: Literal["held"] = "held"
    by: str
    reason: str


class GoneOn(EventRecord):
    """A hold is over."""

    kind: Literal["gone_on"] = "gone_on"
    by: str


class ProgramStopped(EventRecord):
    """Rejected for good, or stopped by command: nothing is asked for any more.

    `issues` is what the command said of open issues; None after a rejection for good, where the
    spec's `if_rejected` decides.
    """

    kind: Literal["program_stopped"] = "program_stopped"
    by: str
    reason: str
    issues: Literal["close", "leave"] | None = None


class StopCarriedOut(EventRecord):
    """What a stop asks for is done outside: nothing is left to do for the program."""

    kind: Literal["stop_carried_out"] = "stop_carried_out"


class TakenUp(EventRecord):
    """The flow run `run` carries the program from here on; `before`, its run so far, is lost."""

    kind: Literal["taken_up"] = "taken_up"
    run: str
    before: str


class RunLost(EventRecord):
    """The Prefect server does not know the program's run (any more)."""

    kind: Literal["run_lost"] = "run_lost"
    run: str


class RunFound(EventRecord):
    """The Prefect server knows a run again that was missed."""

    kind: Literal["run_found"] = "run_found"
    run: str
