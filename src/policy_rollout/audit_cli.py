"""`rollout audit`: verify a program's journal, export it, verify an export. Prints.

Heavy parts are imported by the command, as in `cli`.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from policy_rollout.errors import ExitCode, ProgramUnknown

if TYPE_CHECKING:
    from policy_rollout.audit import Audit, Finding

LINES_SHOWN = 100

Program = Annotated[str | None, typer.Argument(help="The program to audit.")]
ExportTo = Annotated[
    Path | None,
    typer.Option(
        "--export", metavar="FOLDER", help="Write the audit into a new or empty folder, too."
    ),
]
VerifyOf = Annotated[
    Path | None,
    typer.Option("--verify", metavar="FOLDER", help="Check a folder that was exported, offline."),
]
HeadGiven = Annotated[
    str | None,
    typer.Option("--head", metavar="DIGEST", help="The head digest as you kept it elsewhere."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a machine.")]


def mount(app: typer.Typer) -> None:
    """Add the command to `rollout`."""
    app.command()(audit)


def audit(
    program: Program = None,
    *,
    export: ExportTo = None,
    verify: VerifyOf = None,
    head: HeadGiven = None,
    as_json: AsJson = False,
) -> None:
    """Recompute a program's journal and every gate from it; exit code 1 where they differ."""
    _check_usage(program, export, verify, head)
    if verify is not None:
        _verify(verify, head, as_json=as_json)
    else:
        _audit(program or "", export, as_json=as_json)


def _check_usage(
    program: str | None, export: Path | None, verify: Path | None, head: str | None
) -> None:
    from policy_rollout.audit_folder import is_digest

    if (program is None) == (verify is None):
        raise typer.BadParameter("name a program, or a folder with --verify; not both")
    if verify is not None and export is not None:
        raise typer.BadParameter("--export goes with a program, --verify with a folder")
    if head is not None and verify is None:
        raise typer.BadParameter("--head goes with --verify")
    if head is not None and not is_digest(head):
        raise typer.BadParameter("--head is a digest: 64 digits and letters from a to f")


def _audit(program: str, export: Path | None, *, as_json: bool) -> None:
    from policy_rollout import audit_folder
    from policy_rollout.history import programs
    from policy_rollout.journal.store import Journal
    from policy_rollout.settings import Settings

    with Journal(Settings.load().journal_address) as journal:
        known = programs(journal)
        if program not in known:
            raise ProgramUnknown(program, known)
        audited = audit_folder.audit_program(journal, program)
    if export is not None:
        audit_folder.export(audited, export, at=datetime.now(UTC))
    _tell(audited, audited.findings, as_json=as_json)
    if export is not None and not as_json:
        _say([f"exported to {export}; keep the head digest elsewhere: it proves the export"])
    _end(audited.findings)


def _verify(folder: Path, head: str | None, *, as_json: bool) -> None:
    from policy_rollout import audit_folder

    verified = audit_folder.verify(folder, head=head)
    _tell(verified.audited, verified.findings, as_json=as_json)
    if head is None and not as_json:
        _say(["compared with head.txt only; give the digest you kept elsewhere with --head"])
    _end(verified.findings)


def _tell(audited: "Audit", findings: "Sequence[Finding]", *, as_json: bool) -> None:
    from policy_rollout.audit import as_json as json_of
    from policy_rollout.audit import verdict_lines

    if as_json:
        told = json_of(audited, findings)
        sys.stdout.write(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
    else:
        _say(verdict_lines(audited, findings, most=LINES_SHOWN))


def _say(lines: Iterable[str]) -> None:
    out = Console(soft_wrap=True, highlight=False, markup=False)
    for line in lines:
        out.print(line)


def _end(findings: "Sequence[Finding]") -> None:
    raise typer.Exit(ExitCode.FOUND_PROBLEMS if findings else ExitCode.DONE)
