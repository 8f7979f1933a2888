"""The `rollout` command: reads arguments, calls the parts, turns errors into exit codes.

Heavy parts are imported by the command that needs them, so that `rollout check` starts at once.
"""

import gc
import json
import logging
import sys
from contextlib import nullcontext
from datetime import UTC, date, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console

from policy_rollout import audit_cli, drift_cli, halt_cli, people_cli, plan_cli, sign_cli
from policy_rollout.errors import ExitCode, RolloutError, ServiceUnavailable, SpecRefused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from policy_rollout.launching import Launch
    from policy_rollout.report.status import Status
    from policy_rollout.settings import Settings
    from policy_rollout.spec.model import Spec

app = typer.Typer(
    help="Roll out a policy change: from a YAML program spec to tracked work, gate by gate.",
    epilog="Exit codes: 0 done, 1 found problems, 2 wrong usage or settings, 3 an outside service "
    "failed.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(people_cli.app, name="people")
plan_cli.mount(app)
audit_cli.mount(app)
app.command()(sign_cli.sign)
halt_cli.mount(app)
app.command()(drift_cli.drift)
out = Console()
err = Console(stderr=True, soft_wrap=True, highlight=False)

FEW_COLLECTIONS = 50_000
"""Objects made between two collections, 700 by default: what a command loads is kept."""

SpecPath = Annotated[Path, typer.Argument(metavar="SPEC", help="A program spec (YAML).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a machine.")]


def main() -> None:
    """Run the command; the only place where errors become exit codes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal that lacks a letter shows `?` for it
            stream.reconfigure(errors="replace")
    gc.set_threshold(FEW_COLLECTIONS)  # loading the parts makes no garbage to speak of
    logging.getLogger("stamina").setLevel(logging.ERROR)  # a retry is no news to a person
    logging.getLogger("prefect._internal.concurrency").addFilter(_told_by_who_asked)
    try:
        app()
    except SpecRefused as refused:
        _refuse(refused)
    except RolloutError as error:
        _print_error(error)
        sys.exit(error.exit_code)
    except OSError as error:  # a full disk behind `rollout schema > FILE`, a folder not to be read
        name = f"{error.filename}: " if error.filename else ""
        err.print(f"[bold red]error:[/] {_escaped(name)}{error.strerror or type(error).__name__}")
        sys.exit(ExitCode.SERVICE_FAILED)
    finally:
        gc.freeze()  # nor does the end: the interpreter would look through all of it once more


def _told_by_who_asked(_: logging.LogRecord) -> bool:
    """A filter for a log of Prefect's failed requests; its level is set by Prefect."""
    return False


def _print_error(error: RolloutError) -> None:
    told = str(error)
    if isinstance(error, ServiceUnavailable):  # a command has no next pass
        told = f"{error.what}. Run the command again"
    err.print(f"[bold red]error:[/] {_escaped(told)}")


def _refuse(refused: SpecRefused) -> None:
    for problem in refused.problems:
        err.print(problem, markup=False)
    count = len(refused.problems)
    errors = f"{count} error{'s' * (count != 1)}"
    err.print(f"[bold red]refused:[/] {errors}, nothing was done; mend the lines above")
    sys.exit(refused.exit_code)


def _escaped(text: str) -> str:
    return text.replace("[", r"\[")


def _print_json(what: object) -> None:
    sys.stdout.write(json.dumps(what, indent=2, ensure_ascii=False) + "\n")


def _today() -> date:
    return datetime.now(UTC).astimezone().date()


@app.command()
def check(
    specs: Annotated[list[Path], typer.Argument(metavar="SPEC", help="Program specs (YAML).")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show all problems of program specs; exit code 1 when one has errors."""
    from policy_rollout.report import check as report
    from policy_rollout.spec.files import load

    readings = [load(path, today=_today()) for path in specs]
    if as_json:
        sys.stdout.write(report.as_json(readings) + "\n")
    elif out.is_terminal:
        out.print(report.as_table([str(path) for path in specs], readings))
    else:
        sys.stdout.write("".join(f"{line}\n" for line in report.as_lines(readings).splitlines()))
    raise typer.Exit(report.exit_code(readings))


@app.command()
def schema() -> None:
    """Print the JSON Schema of the spec language, for editors."""
    from policy_rollout.report.check import schema_text

    sys.stdout.write(schema_text())


@app.command()
def launch(
    path: SpecPath,
    *,
    continues: Annotated[
        bool,
        typer.Option(
            "--continue",
            help="A new run takes up a program whose run is lost; name it, or its spec.",
        ),
    ] = False,
    wait: Annotated[bool, typer.Option(help="Wait until the first work is created.")] = True,
    as_json: AsJson = False,
) -> None:
    """Launch a program: Prefect carries it from here to its last gate."""
    from policy_rollout.prefect_address import use_running_stack
    from policy_rollout.settings import Settings
    from policy_rollout.spec.files import load_valid

    settings = Settings.load()
    use_running_stack(settings.home)
    if continues:
        _continue(settings, path, wait=wait, as_json=as_json)
    spec, advice = load_valid(path, today=_today())
    from policy_rollout import launching

    run = launching.launch(settings, spec, path)
    for each in advice:
        err.print(f"{each} (advice)", markup=False)
    if not as_json:
        out.print(f"{spec.program} is launched as run {run.run}", soft_wrap=True)
    _tell_launch(settings, spec, run, wait=wait, as_json=as_json)


def _continue(settings: "Settings", path: Path, *, wait: bool, as_json: bool) -> NoReturn:
    """Let a new run take a program up: what is carried is the journal's spec, never the file."""
    from policy_rollout.history import known_state
    from policy_rollout.journal.store import Journal
    from policy_rollout.spec.files import load_valid
    from policy_rollout.spec.reader import read_valid
    from policy_rollout.taking_over import continue_program

    is_file = path.suffix in {".yaml", ".yml"} or path.exists()
    program = load_valid(path, today=_today())[0].program if is_file else str(path)
    with Journal(settings.journal_address) as journal:
        state = known_state(journal, program)
    run = continue_program(state)
    if is_file and path.read_text(encoding="utf-8-sig") != state.spec_text:
        err.print(f"note: {path} differs from the spec in the journal, which is carried on")
    if not as_json:
        out.print(f"{program} is taken up by run {run.run}", soft_wrap=True)
    spec = read_valid(state.spec_text, state.spec_path)
    _tell_launch(settings, spec, run, wait=wait, as_json=as_json)


def _tell_launch(
    settings: "Settings", spec: "Spec", run: "Launch", *, wait: bool, as_json: bool
) -> NoReturn:
    launched = _until_it_waits(settings, spec, run) if wait else run
    if as_json:
        _print_json(launched.as_json())
    else:
        out.print(launched.text(), soft_wrap=True, markup=False)
    raise typer.Exit(launched.exit_code)


def _until_it_waits(settings: "Settings", spec: "Spec", run: "Launch") -> "Launch":
    from policy_rollout import launching

    doing = "Creating the first work (Ctrl-C ends the waiting, not the program)"
    with err.status(doing) if err.is_terminal else nullcontext():
        return launching.until_it_waits(
            settings, spec, run, say=lambda text: err.print(text, markup=False)
        )


@app.command()
def status(
    program: Annotated[
        str | None, typer.Argument(metavar="PROGRAM", help="One program; all if left out.")
    ] = None,
    *,
    person: Annotated[
        str | None,
        typer.Option("--for", metavar="PERSON", help="All that this person has to sign."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show where programs stand, as the journal knows it."""
    from policy_rollout.settings import Settings
    from policy_rollout.standings import standing, standings

    settings = Settings.load()
    if person is not None:
        programs = [standing(settings, program)] if program else standings(settings).programs
        _show_to_sign(settings, programs, person, as_json=as_json)
        return
    if program is not None:
        _show_program(standing(settings, program), as_json=as_json)
        return
    found = standings(settings)
    _show_programs(found.programs, as_json=as_json)
    for unreadable in found.unreadable:
        _print_error(unreadable)
    if found.unreadable:
        raise typer.Exit(found.unreadable[0].exit_code)
    if not found.programs and not as_json:
        err.print("no program was launched yet; launch one with: rollout launch SPEC")


def _show_program(shown: "Status", *, as_json: bool) -> None:
    from policy_rollout.report import status as report

    if as_json:
        _print_json(report.status_json([shown]))
    elif out.is_terminal:
        out.print(report.program_renderable(shown))
    else:
        sys.stdout.write(report.program_text(shown) + "\n")


def _show_to_sign(
    settings: "Settings", programs: "Sequence[Status]", person: str, *, as_json: bool
) -> None:
    from dataclasses import asdict

    from policy_rollout.connections import to_sign_url
    from policy_rollout.report import status as report

    waiting = report.to_sign(programs, person)
    if as_json:
        _print_json([asdict(each) for each in waiting])
        return
    if out.is_terminal:
        out.print(report.to_sign_table(waiting))
    else:
        sys.stdout.write("".join(f"{line}\n" for line in report.to_sign_lines(waiting)))
    if not waiting:
        err.print(f"no gate waits for {person}", markup=False)
    err.print(f"The same in Jira: {to_sign_url(settings, person)}", markup=False)


def _show_programs(programs: "Sequence[Status]", *, as_json: bool) -> None:
    from policy_rollout.report import status as report

    if as_json:
        _print_json(report.status_json(programs))
    elif out.is_terminal and programs:
        out.print(report.status_table(programs))
    else:
        sys.stdout.write("".join(f"{line}\n" for line in report.status_lines(programs)))


@app.command()
def sandbox(
    *,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 8700,
) -> None:
    """Serve a stand-in Jira Cloud and Google Sheets on this machine, for trials."""
    from policy_rollout.sandbox.serving import serve_here
    from policy_rollout.settings import Settings

    serve_here(Settings.load().home, port, say=lambda text: out.print(text, soft_wrap=True))


@app.command()
def up(
    *,
    play: Annotated[
        bool, typer.Option("--play", help="Also play one shipped program to its end.")
    ] = False,
) -> None:
    """Start a Prefect server, the sandbox and a worker on this machine."""
    from policy_rollout.playing import run_up
    from policy_rollout.settings import Settings

    run_up(Settings.load(), out, play=play)


if __name__ == "__main__":
    main()
