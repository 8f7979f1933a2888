"""`rollout sign`: answer a waiting gate with a one-time code. Terminal I/O."""

import getpass
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

out = Console()
err = Console(stderr=True)


def sign(  # noqa: PLR0913 - the options of a command
    program: Annotated[str, typer.Argument(help="The program.")],
    gate: Annotated[str, typer.Argument(help="The stage whose gate is answered.")],
    *,
    role: Annotated[str, typer.Option(help="The role you answer for.")],
    person: Annotated[str, typer.Option("--as", help="Your mail address, as in the spec.")],
    answer: Annotated[
        str,
        typer.Option(help="approve, ask for changes, reject for good, or waive a criterion."),
    ] = "approve",
    reason: Annotated[str, typer.Option(help="Why; with lines such as `Reopen: guideline`.")] = "",
    digest: Annotated[
        str, typer.Option(help="What you read, by its first characters; shown if left out.")
    ] = "",
) -> None:
    """Show the evidence of a gate, ask for a code, and journal the answer."""
    from policy_rollout.errors import AnswerRefused, ProgramUnknown
    from policy_rollout.history import programs, state_of
    from policy_rollout.journal.store import Journal
    from policy_rollout.prefect_address import use_running_stack
    from policy_rollout.report.status import gate_text
    from policy_rollout.settings import Settings
    from policy_rollout.signing import GivenAnswer, take_answer
    from policy_rollout.standings import standing

    settings = Settings.load()
    with Journal(settings.journal_address) as journal:
        known = programs(journal)
        if program not in known:
            raise ProgramUnknown(program, known)
        state = state_of(journal, program)
        if gate not in state.waiting_stages:
            raise AnswerRefused("gate", gate, state.waiting_stages)
        status = standing(settings, program)
        if not digest:
            out.print(gate_text(status, gate), markup=False)
        given = GivenAnswer(
            stage=gate,
            role=role,
            person=person,
            action=answer,
            reason=reason,
            code=_code(),
            shown=digest or (state.gates[gate].digest or ""),
        )
        take_answer(journal, settings, status.outline.spec, given, now=datetime.now(UTC))
    use_running_stack(settings.home)
    resumed = _resumed(state.run, f"{person} answered gate {gate} by code")
    how = "the program looks at it now" if resumed else "the program looks at it on its next pass"
    out.print(f"The answer is journaled; {how}. See: rollout status {program}", soft_wrap=True)


def _resumed(run: str, note: str) -> bool:
    """Whether the run goes on at once; the answer stands in the journal either way."""
    from policy_rollout import prefect_api  # it reads its server's address when it is imported
    from policy_rollout.errors import PrefectUnavailable

    try:
        return prefect_api.resume(run, {"action": "check now", "note": note})
    except (PrefectUnavailable, prefect_api.RunRefused) as error:
        err.print(f"note: {error}", markup=False, soft_wrap=True)
        return False


def _code() -> str:
    """Typed unseen on a terminal; the first line of standard input elsewhere."""
    if sys.stdin.isatty():
        return getpass.getpass("Code: ").strip()
    return sys.stdin.readline().strip()
