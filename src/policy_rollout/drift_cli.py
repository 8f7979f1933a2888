"""`rollout drift`: what Jira and the workbook hold that nobody planned. Terminal output."""

import json
import sys
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from policy_rollout.errors import ExitCode

out = Console()
err = Console(stderr=True)


def drift(
    program: Annotated[str, typer.Argument(metavar="PROGRAM", help="The program.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a machine.")] = False,
) -> None:
    """Show what differs from the plan, who did it and what mends it; exit code 1 if anything."""
    from policy_rollout.drift_reads import drift_of
    from policy_rollout.history import known_state
    from policy_rollout.journal.store import Journal
    from policy_rollout.prefect_address import use_running_stack
    from policy_rollout.report import drift_text as report
    from policy_rollout.settings import Settings

    settings = Settings.load()
    use_running_stack(settings.home)  # with it go the shared budget, and no proxy for the sandbox
    with Journal(settings.journal_address) as journal:
        state = known_state(journal, program)
    with err.status("Looking at Jira and the workbook") if err.is_terminal else nullcontext():
        found = drift_of(settings, state, datetime.now(UTC))
    if as_json:
        told = report.drift_json(program, found)
        sys.stdout.write(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
    elif out.is_terminal and found:
        out.print(report.drift_table(found))
    else:
        sys.stdout.write("".join(f"{line}\n" for line in report.drift_lines(program, found)))
    raise typer.Exit(ExitCode.FOUND_PROBLEMS if found else ExitCode.DONE)
