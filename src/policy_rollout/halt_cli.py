"""`rollout hold`, `rollout go-on` and `rollout stop`. Terminal I/O.

Heavy parts are imported by the command, as in `cli`.
"""

import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from policy_rollout.errors import SettingsWrong
from policy_rollout.who_runs import By, who_runs, who_wants

if TYPE_CHECKING:
    from policy_rollout.events import ProgramStopped
    from policy_rollout.halting import Order
    from policy_rollout.journal.store import Journal
    from policy_rollout.program import ProgramState

out = Console()
SHOWN = 40
"""So many lines of what a stop would do are shown."""

Program = Annotated[str, typer.Argument(metavar="PROGRAM", help="The program.")]
Reason = Annotated[str, typer.Option(help="Why; everybody sees it.")]


def mount(app: typer.Typer) -> None:
    app.command()(hold)
    app.command("go-on")(go_on)
    app.command()(stop)


def hold(program: Program, *, reason: Reason, by: By = "") -> None:
    """Hold a program: nothing is created, changed, asked or passed until it goes on."""
    order, journal = _opened(program, by, _given(reason))
    from policy_rollout import halting

    with journal:
        run = halting.hold(journal, order)
    _say(f"{program} is held; {run}. It goes on with: rollout go-on {program}")


def go_on(program: Program, *, by: By = "") -> None:
    """Let a program go on that is held, or whose run was cancelled in the Prefect UI."""
    order, journal = _opened(program, by)
    from policy_rollout import halting

    with journal:
        run = halting.go_on(journal, order)
    _say(f"{program} goes on; {run}. See: rollout status {program}")


def stop(
    program: Program,
    *,
    reason: Reason,
    issues: Annotated[
        Literal["close", "leave"] | None,
        typer.Option(help="What becomes of open issues; as the spec's `if_rejected` if left out."),
    ] = None,
    by: By = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Stop a program for good: show what is closed, ask, and end its run."""
    order, journal = _opened(program, by, _given(reason))
    from policy_rollout import halting
    from policy_rollout.history import known_state

    with journal:
        state = known_state(journal, program)
        stopped = _stopped(state, order, issues)
        if not state.is_over:
            _confirm(state, stopped, yes=yes)
        run = halting.stop(journal, order, stopped)
    _say(f"{program} is stopped; {run}. See: rollout status {program}")


def _opened(program: str, by: str, reason: str = "") -> "tuple[Order, Journal]":
    """The order, and the journal it goes to; prefect may be imported after this."""
    from policy_rollout.journal.store import Journal
    from policy_rollout.prefect_address import use_running_stack
    from policy_rollout.settings import Settings

    wants = who_wants(by)
    settings = Settings.load()
    use_running_stack(settings.home)
    from policy_rollout.halting import Order

    return Order(program, who_runs(), wants, reason), Journal(settings.journal_address)


def _given(reason: str) -> str:
    if not reason.strip():
        raise SettingsWrong('found an empty reason; say why, such as --reason "legal asks for it"')
    return reason.strip()


def _stopped(
    state: "ProgramState", order: "Order", issues: Literal["close", "leave"] | None
) -> "ProgramStopped":
    from policy_rollout.events import ProgramStopped
    from policy_rollout.spec.reader import read_valid

    spec = read_valid(state.spec_text, state.spec_path)
    return ProgramStopped(by=order.by, reason=order.reason, issues=issues or spec.if_rejected)


def _confirm(state: "ProgramState", stopped: "ProgramStopped", *, yes: bool) -> None:
    """Show what the stop would do, and let a person at a terminal agree."""
    from datetime import UTC, datetime

    from policy_rollout.outline import outline_at
    from policy_rollout.spec.reader import read_valid
    from policy_rollout.stopping import stop_ahead

    spec = read_valid(state.spec_text, state.spec_path)
    outline = outline_at(spec, state, datetime.now(UTC))
    lines = stop_ahead(outline, state, stopped).lines()
    for line in _bounded(lines):
        _say(line)
    if yes:
        return
    if not sys.stdin.isatty():
        raise SettingsWrong(
            "nobody can be asked here, and nothing was changed; if all of the above shall be "
            "done, add --yes"
        )
    typer.confirm(f"Stop {state.program} for good?", abort=True)


def _bounded(lines: tuple[str, ...]) -> tuple[str, ...]:
    left = len(lines) - SHOWN
    return lines if left <= 1 else (*lines[: SHOWN - 1], f"  and {left} more", lines[-1])


def _say(text: str) -> None:
    out.print(text, soft_wrap=True, markup=False, highlight=False)
