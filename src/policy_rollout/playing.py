"""`rollout up`: the stack with its addresses, and a shipped program played to its end on it.

Starts processes, prints, and waits; everything it started ends with it.
"""

import re
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from types import FrameType

from rich.console import Console

from policy_rollout.connections import links_of
from policy_rollout.errors import RolloutError, SettingsWrong
from policy_rollout.history import records_of, state_of
from policy_rollout.journal.store import Journal
from policy_rollout.report.board import standing_words
from policy_rollout.report.story import line_of
from policy_rollout.request_budget import LIMITS
from policy_rollout.sandbox.control import Sandbox
from policy_rollout.sandbox.people_at_work import PeopleAtWork
from policy_rollout.sandbox.sheets_control import WorkbookEditor
from policy_rollout.sandbox.sheets_store import WORKBOOK
from policy_rollout.schedule import weeks_to_fit
from policy_rollout.settings import SandboxAddress, Settings, variable
from policy_rollout.spec.files import load
from policy_rollout.spec.model import Spec
from policy_rollout.spec.moving import moved
from policy_rollout.spec.reader import read_valid
from policy_rollout.stack import Stack, checkout, running_stack
from policy_rollout.work import epic_key, expand, people_of

PLAYED = "twitch-hateful-conduct-2021"
WATCH_SECONDS = 5.0
PACE_SECONDS = 0.5
PLAY_LASTS_AT_MOST_SECONDS = 600
SANDBOX_TAKES = 50
"""Times as many requests as Jira and Google: it has no quota of its own unless it is told to."""
HOW_TO_LAUNCH = (
    "To launch a program: Deployments > rollout > Run > Custom run in the Prefect UI, or in "
    "another terminal: rollout launch program_specs/NAME.yaml"
)


class PlayStuck(RolloutError):
    def __init__(self, program: str, stands: str) -> None:
        super().__init__(
            f"{program} did not end within {PLAY_LASTS_AT_MOST_SECONDS} s; it stands: {stands}. "
            f"See its run in the Prefect UI, and: rollout status {program}"
        )


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A shipped program under a new id, its dates moved by whole weeks so that it fits today."""

    spec: Spec
    path: Path
    weeks: int


def run_up(settings: Settings, console: Console, *, play: bool) -> None:
    """Start everything, play if asked, and stay until Ctrl-C where there is a terminal."""
    _refuse_an_installation()
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGHUP, _leave)
    say = _Story(console).say
    with running_stack(settings.home, watch_seconds=WATCH_SECONDS) as stack:
        try:
            _start(stack, say)
            if play:
                _play(stack, console, say)
            else:
                say(HOW_TO_LAUNCH)
            if play and not sys.stdout.isatty():
                return
            say("Everything stays up until Ctrl-C.")
            while True:
                stack.check()
                time.sleep(1)
        except KeyboardInterrupt:
            say("Stopping; what was done is kept, and goes on with the next start.")


def _refuse_an_installation() -> None:
    """The sandbox's people must never work on programs in somebody's real Jira.

    Raises:
        SettingsWrong: a Jira, a workbook or a journal is set.
    """
    given = Settings()
    set_here = [name for name in (*SandboxAddress.model_fields, "journal_url") if given.sets(name)]
    if set_here:
        names = ", ".join(variable(name) for name in set_here)
        raise SettingsWrong(
            f"found {names} set, expected no installation: `rollout up` works on a sandbox and a "
            "journal of its own; take it out of the environment and .env, or start a worker as "
            "the README says"
        )


def _leave(signal_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + signal_number)


class _Story:
    """Prints lines with the seconds since the start."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()

    def say(self, text: str, style: str = "") -> None:
        seconds = time.monotonic() - self._began
        line = f"{seconds:6.1f} s  {text}"
        self._console.print(line, style=style, markup=False, highlight=False, soft_wrap=True)


def _start(stack: Stack, say: Callable[..., None]) -> None:
    say("starting a Prefect server and the sandbox (the first start takes about half a minute)")
    stack.start_servers()
    from policy_rollout import prefect_api  # noqa: PLC0415 - prefect reads the stack's address

    prefect_api.make_limits([each.times(SANDBOX_TAKES) for each in LIMITS])
    say("deploying the flows and starting a worker")
    stack.deploy()
    stack.publish_address()
    prefect_api.watch_now()
    sandbox = Sandbox(stack.address.sandbox_url)
    for path in sorted((checkout() / "program_specs").glob("*.yaml")):
        found = load(path).spec
        for person in people_of(found) if found else ():
            sandbox.add_person(person)
    say(f"Prefect UI:          {stack.address.prefect_ui_url}")
    say(f"Jira and workbook:   {stack.address.sandbox_url}")
    say(f"Who has an account:  {stack.address.sandbox_url}/people (add those of your specs)")


def _play(stack: Stack, console: Console, say: Callable[..., None]) -> None:
    """Launch a rehearsal, let its people work, and tell what happens until it is over."""
    from policy_rollout import launching, prefect_api  # noqa: PLC0415 - prefect reads the stack's address

    settings = Settings.load()
    rehearsal = _rehearse(settings, datetime.now(UTC).date())
    spec = rehearsal.spec
    say(f"launching {spec.program}: {spec.name}")
    say(f"(its dates are moved by {rehearsal.weeks} weeks to lie ahead; see {rehearsal.path})")
    launched = launching.launch(settings, spec, rehearsal.path)
    people = PeopleAtWork(
        sandbox=Sandbox(stack.address.sandbox_url),
        workbook=WorkbookEditor(f"{stack.address.sandbox_url}/sheets", WORKBOOK),
        spec=spec,
        rejects_at=next(stage for stage, each in spec.stages.items() if each.gate.sign_off),
        say=lambda text: say(f"    {text}", "cyan"),
    )
    with Journal(settings.journal_address) as journal:
        _follow(stack, journal, people, say)
        stack.let_end(launched.run)
        epic = state_of(journal, spec.program).issues[epic_key(spec.program)]
    links = links_of(settings, spec)
    board = f"{stack.address.prefect_ui_url}/{prefect_api.board_path(launched.run, spec.program)}"
    console.rule(f"{spec.program} is finished")
    for name, address in (
        ("Prefect run", launched.run_url),
        ("its board", board),
        ("Jira board", f"{links.jira}/browse/{epic.partition('-')[0]}"),
        ("Jira epic", f"{links.jira}/browse/{epic}"),
        ("workbook", links.workbook),
    ):
        console.print(f"  {name:12} {address}", soft_wrap=True, highlight=False)


def _follow(stack: Stack, journal: Journal, people: PeopleAtWork, say: Callable[..., None]) -> None:
    program, head = people.spec.program, 0
    deadline = time.monotonic() + PLAY_LASTS_AT_MOST_SECONDS
    while time.monotonic() < deadline:
        stack.check()
        for record in records_of(journal, program, after=head):
            head = record.sequence
            line = line_of(record.event)
            if line is not None:
                say(line)
        state = state_of(journal, program)
        if state.finished_at is not None:
            return
        people.act(state)
        time.sleep(PACE_SECONDS)
    raise PlayStuck(program, standing_words(state_of(journal, program)))


def _rehearse(settings: Settings, today: date) -> Rehearsal:
    """Write the rehearsal's spec beside the journal, under the next free id."""
    shipped = checkout() / "program_specs" / f"{PLAYED}.yaml"
    text = shipped.read_text(encoding="utf-8")
    spec = read_valid(text, str(shipped))
    weeks = weeks_to_fit(spec, expand(spec), today)
    folder = settings.home / "rehearsals"
    folder.mkdir(parents=True, exist_ok=True)
    number = len(list(folder.glob(f"{PLAYED}-r*.yaml"))) + 1
    program = f"{PLAYED}-r{number}"
    text = re.sub(r"(?m)^program:.*$", f"program: {program}", moved(text, weeks=weeks))
    path = folder / f"{program}.yaml"
    path.write_text(text, encoding="utf-8")
    return Rehearsal(read_valid(text, str(path)), path, weeks)
