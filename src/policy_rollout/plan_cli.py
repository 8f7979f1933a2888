"""`rollout plan`, `apply` and `amend`: what would change, and changing it. Terminal I/O.

Heavy parts are imported by the command, as in `cli`.
"""

import json
import sys
from contextlib import nullcontext
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from policy_rollout.errors import ExitCode, SettingsWrong
from policy_rollout.who_runs import By, who_runs, who_wants

if TYPE_CHECKING:
    from policy_rollout.planning import Made
    from policy_rollout.saved_plan import Amendment, Consent, SavedPlan
    from policy_rollout.settings import Settings
    from policy_rollout.spec.model import Spec

out = Console()
err = Console(stderr=True, soft_wrap=True, highlight=False)

SpecOrProgram = Annotated[
    str, typer.Argument(metavar="SPEC|PROGRAM", help="A program spec (YAML), or a program.")
]
SpecPath = Annotated[Path, typer.Argument(metavar="SPEC", help="A program spec (YAML).")]
PlanPath = Annotated[
    Path, typer.Argument(metavar="FILE", help="A plan that `rollout plan --out FILE` saved.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a machine.")]
ShowAll = Annotated[bool, typer.Option("--all", help="Every line of every list.")]
Reopen = Annotated[
    list[str] | None,
    typer.Option("--reopen", metavar="STAGE", help="Begin a new round of a passed stage."),
]
AllowClosures = Annotated[
    bool,
    typer.Option(
        "--allow-closures",
        help="Also where it closes much of the open work, or touches what people have finished.",
    ),
]


def mount(app: typer.Typer) -> None:
    """Add the commands to `rollout`."""
    app.command()(plan)
    app.command()(amend)
    app.command()(apply)


def plan(  # noqa: PLR0913 - the options of a command
    what: SpecOrProgram,
    *,
    as_json: AsJson = False,
    show_all: ShowAll = False,
    svg: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the time line as an SVG, too.")
    ] = None,
    save: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Save it for `rollout apply`.")
    ] = None,
    reopen: Reopen = None,
    reason: Annotated[str, typer.Option(help="Why the spec changes; saved with the plan.")] = "",
    by: By = "",
    allow_closures: AllowClosures = False,
) -> None:
    """Show what a launch would create or, of a program that runs, what would change.

    A spec is compared with the program that runs; a program's name shows what is due as it runs.
    """
    from policy_rollout.closures import check_closures
    from policy_rollout.planning import spec_that_runs
    from policy_rollout.settings import Settings

    settings = Settings.load()
    program, amends = what, None
    if not _names_a_program(what):
        spec, text = _valid(Path(what))
        running = spec_that_runs(settings, spec.program)
        if running is None:
            _refuse_on_launch(save, reopen, spec.program)
            _show_launch(spec, as_json=as_json, show_all=show_all, svg=svg)
            return
        program = spec.program
        if reopen or spec != running:
            amends = _amendment(what, text, reopen, who_wants(by), reason.strip())
    elif reopen:
        raise typer.BadParameter("--reopen goes with a SPEC that amends the program")
    made = _made(settings, program, amends)
    if svg is not None:
        _write_svg(svg, made.after)
    _show(made, as_json=as_json, show_all=show_all)
    if save is not None:
        allowed_share = settings.closing_share
        check_closures(made.preview.closures, allowed_share=allowed_share, allowed=allow_closures)
        _save(save, made.plan)


def apply(
    path: PlanPath,
    *,
    reason: Annotated[str, typer.Option(help="Why the spec changes, where it does.")] = "",
    by: By = "",
    allow_closures: AllowClosures = False,
    as_json: AsJson = False,
) -> None:
    """Do exactly what a saved plan says, or refuse and say what has changed since."""
    from policy_rollout.prefect_address import use_running_stack
    from policy_rollout.settings import Settings

    saved = _read_plan(path)
    settings = Settings.load()
    use_running_stack(settings.home)
    given = saved.amendment
    consent = _consent(
        by=who_wants(by) if by or given is None else given.by,
        reason=reason or (given.reason if given else ""),
        allow_closures=allow_closures,
    )
    if given is not None and not consent.reason:
        raise typer.BadParameter(f"say why the program changes: rollout apply {path} --reason TEXT")
    _carry_out(settings, saved, consent, as_json=as_json)


def amend(  # noqa: PLR0913 - the options of a command
    path: SpecPath,
    *,
    reason: Annotated[str, typer.Option(help="Why the program changes.")],
    by: By = "",
    reopen: Reopen = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    allow_closures: AllowClosures = False,
    show_all: ShowAll = False,
    as_json: AsJson = False,
) -> None:
    """Show what a changed spec does to the running program, and once confirmed do it."""
    from policy_rollout.closures import check_closures
    from policy_rollout.settings import Settings

    spec, text = _valid(path)
    if not reason.strip():
        raise typer.BadParameter("found an empty --reason, expected why the program changes")
    if not yes and not (sys.stdin.isatty() and not as_json):
        raise typer.BadParameter(
            "there is no terminal to confirm on: look at `rollout plan SPEC` and give --yes, or "
            "save it with --out FILE and run `rollout apply FILE`"
        )
    settings = Settings.load()
    consent = _consent(by=who_wants(by), reason=reason, allow_closures=allow_closures)
    made = _made(settings, spec.program, _amendment(str(path), text, reopen, consent.by, reason))
    if not as_json:
        _show(made, as_json=False, show_all=show_all)
    check_closures(
        made.preview.closures, allowed_share=settings.closing_share, allowed=allow_closures
    )
    if not yes and not typer.confirm(f"\nAmend {spec.program}?"):
        err.print("nothing was changed")
        raise typer.Exit(ExitCode.FOUND_PROBLEMS)
    _carry_out(settings, made.plan, consent, as_json=as_json)


def _names_a_program(what: str) -> bool:
    """A spec is a path; whatever has the form of an id and is no file names a program."""
    return all(each.isalnum() or each == "-" for each in what) and not Path(what).exists()


def _valid(path: Path) -> "tuple[Spec, str]":
    """A spec without errors, and its text."""
    from policy_rollout.spec.files import load_valid

    spec, _ = load_valid(path, today=_today())
    return spec, path.read_text(encoding="utf-8-sig")


def _today() -> date:
    return datetime.now(UTC).astimezone().date()


def _refuse_on_launch(save: Path | None, reopen: list[str] | None, program: str) -> None:
    if save is not None or reopen:
        option = "--out" if save is not None else "--reopen"
        raise typer.BadParameter(
            f"{program} does not run yet, and {option} is for a program that does; "
            "launch it with: rollout launch SPEC"
        )


def _show_launch(spec: "Spec", *, as_json: bool, show_all: bool, svg: Path | None) -> None:
    from policy_rollout.outline import outline_of
    from policy_rollout.report import plan_text

    outline = outline_of(spec, today=_today())
    shown = plan_text.Plan(spec, outline.items, outline.schedule)
    if svg is not None:
        _write_svg(svg, spec)
    if as_json:
        _print_json(plan_text.plan_json(shown))
    elif out.is_terminal:
        out.print(plan_text.plan_renderable(shown, width=out.width, show_all=show_all))
    else:
        _print_lines(plan_text.plan_lines(shown, show_all=show_all))


def _write_svg(path: Path, spec: "Spec") -> None:
    from policy_rollout.outline import outline_of
    from policy_rollout.report.timeline import timeline_svg

    today = _today()
    _write(path, timeline_svg(outline_of(spec, today=today).schedule, spec, today=today))


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingsWrong(
            f"{path} cannot be written ({error.strerror}); name a file in a folder that can"
        ) from None


def _amendment(path: str, text: str, reopen: list[str] | None, by: str, reason: str) -> "Amendment":
    from policy_rollout.saved_plan import Amendment

    return Amendment(
        spec_text=text, spec_path=path, reopen=tuple(reopen or ()), by=by, reason=reason
    )


def _made(settings: "Settings", program: str, amends: "Amendment | None") -> "Made":
    from policy_rollout.journal.store import Journal
    from policy_rollout.planning import make_plan
    from policy_rollout.prefect_address import use_running_stack

    use_running_stack(settings.home)  # with it go the shared budget, and no proxy for the sandbox
    doing = "Looking at Jira and the workbook"
    with (
        err.status(doing) if err.is_terminal else nullcontext(),
        Journal(settings.journal_address) as journal,
    ):
        return make_plan(journal, settings, program, amends, now=datetime.now(UTC))


def _show(made: "Made", *, as_json: bool, show_all: bool) -> None:
    from policy_rollout.report import preview_text

    if as_json:
        _print_json(preview_text.preview_json(made.preview))
    elif out.is_terminal:
        out.print(preview_text.preview_renderable(made.preview, show_all=show_all))
    else:
        _print_lines(preview_text.preview_lines(made.preview, show_all=show_all))


def _save(path: Path, saved: "SavedPlan") -> None:
    from policy_rollout.saved_plan import text_of

    _write(path, text_of(saved))
    lacks_reason = saved.amendment is not None and not saved.amendment.reason
    say_why = " --reason TEXT" if lacks_reason else ""
    err.print(f"saved; carry it out with: rollout apply {path}{say_why}", markup=False)


def _read_plan(path: Path) -> "SavedPlan":
    from policy_rollout.saved_plan import PlanUnreadable, read_plan

    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise PlanUnreadable(str(path), f"no file to be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise PlanUnreadable(str(path), "bytes that are no UTF-8") from None
    return read_plan(text, str(path))


def _consent(*, by: str, reason: str, allow_closures: bool) -> "Consent":
    from policy_rollout.saved_plan import Consent

    return Consent(who_runs(), by, reason.strip(), allow_closures=allow_closures)


def _carry_out(
    settings: "Settings", saved: "SavedPlan", consent: "Consent", *, as_json: bool
) -> None:
    """Journal it, let the run go on, and tell what became of it."""
    from policy_rollout import applying

    applied = applying.apply_plan(settings, saved, consent)
    because = f"amended by {consent.by}" if saved.amendment else f"a plan applied by {consent.by}"
    if not as_json and saved.amendment:
        out.print(f"{saved.program} is amended, journal entry {applied.entry}", soft_wrap=True)
    doing = "Making the changes (Ctrl-C ends the waiting, not the changes)"
    with err.status(doing) if err.is_terminal else nullcontext():
        looked = applying.look_now(
            settings, applied, because=because, say=lambda text: err.print(text, markup=False)
        )
    if as_json:
        _print_json(looked.as_json())
    else:
        out.print(looked.text(), soft_wrap=True, markup=False)
    raise typer.Exit(looked.exit_code)


def _print_json(what: object) -> None:
    sys.stdout.write(json.dumps(what, indent=2, ensure_ascii=False) + "\n")


def _print_lines(lines: list[str]) -> None:
    sys.stdout.write("\n".join(lines) + "\n")
