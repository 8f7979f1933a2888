"""Launch a program over Prefect and tell what became of it. Reads the journal, talks to Prefect."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from policy_rollout import prefect_api
from policy_rollout.connections import links_of
from policy_rollout.errors import ExitCode, PrefectUnavailable, ProgramAlreadyLaunched
from policy_rollout.history import state_of
from policy_rollout.journal.store import Journal
from policy_rollout.program import ProgramState
from policy_rollout.settings import Settings
from policy_rollout.spec.model import Spec
from policy_rollout.work import epic_key

POLL_SECONDS = 0.5
SLOW_START_SECONDS = 20
NO_WORKER = (
    "no worker has taken the run up yet; see that one is running: "
    "prefect worker start --pool rollouts"
)


@dataclass(frozen=True, slots=True)
class Launch:
    """A launched run; `stands` is Prefect's state of it, or `held` or `trouble` of its program."""

    program: str
    run: str
    run_url: str
    stands: str = "scheduled"
    message: str = ""
    epic_url: str = ""
    workbook_url: str = ""

    @property
    def exit_code(self) -> ExitCode:
        match self.stands:
            case "trouble" | "crashed":
                return ExitCode.SERVICE_FAILED
            case "failed" | "cancelled":
                return ExitCode.FOUND_PROBLEMS
            case _:
                return ExitCode.DONE

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def text(self) -> str:
        lines = [f"Run:      {self.run_url or self.run}"]
        if self.epic_url:
            lines.append(f"Jira:     {self.epic_url}")
        if self.workbook_url:
            lines.append(f"Workbook: {self.workbook_url}")
        if self.message:
            lines.append(self.message)
        return "\n".join(lines)


def launch(settings: Settings, spec: Spec, path: Path) -> Launch:
    """Start the run.

    Raises:
        ProgramAlreadyLaunched: the journal has it, with work outside.
        PrefectUnavailable: no server, or the flows are not deployed.
    """
    with Journal(settings.journal_address) as journal:
        state = state_of(journal, spec.program)
    if state.run and (state.is_over or not state.wrote_nothing):
        at = f"{state.launched_at:%Y-%m-%d %H:%M} UTC"
        raise ProgramAlreadyLaunched(spec.program, at, prefect_api.run_url(state.run) or state.run)
    text = path.read_text(encoding="utf-8-sig")
    run = prefect_api.launch(text, spec_path=str(path), program=spec.program)
    return Launch(spec.program, run, prefect_api.run_url(run))


def until_it_waits(
    settings: Settings, spec: Spec, launched: Launch, *, say: Callable[[str], None]
) -> Launch:
    """Wait for the end of the first pass: the program waits for people, is over, or failed.

    `say` hears, once, that no worker takes the run up; the wait goes on.
    """
    seen = _first_stop(launched.run, say)
    with Journal(settings.journal_address) as journal:
        state = state_of(journal, spec.program)
    links = links_of(settings, spec)
    epic = state.issues.get(epic_key(spec.program))
    stands, message = outcome_of(seen, state)
    return Launch(
        program=spec.program,
        run=launched.run,
        run_url=launched.run_url,
        stands=stands,
        message=message,
        epic_url=f"{links.jira}/browse/{epic}" if epic else "",
        workbook_url=links.workbook if epic else "",
    )


def outcome_of(seen: prefect_api.RunSeen, state: ProgramState) -> tuple[str, str]:
    """How a run stands, and what is to say about it; nothing where all is well."""
    is_journaled = state.run == seen.run
    was_cancelled = seen.state == "cancelled"  # which holds it, also before `watch` has seen
    if is_journaled and (was_cancelled or (state.held is not None and seen.is_waiting)):
        stands = "held" if was_cancelled else seen.state
        return stands, f"it is held; it goes on with: rollout go-on {state.program}"
    if is_journaled and state.trouble is not None:
        return "trouble", state.trouble.text
    match seen.state:
        case "failed" | "cancelled":
            return seen.state, seen.message
        case "crashed" if is_journaled:
            goes_on = "it is started again by itself and goes on from the journal"
            return seen.state, f"the run crashed ({seen.message}); {goes_on}"
        case "crashed":
            again = "before it wrote anything; launch the program again"
            return seen.state, f"the run crashed ({seen.message}) {again}"
        case _:
            return seen.state, ""


def _first_stop(run: str, say: Callable[[str], None]) -> prefect_api.RunSeen:
    slow_at: float | None = time.monotonic() + SLOW_START_SECONDS
    while True:
        seen = prefect_api.look_up((run,)).get(run)
        if seen is None:
            raise PrefectUnavailable(
                f"the server does not know run {run} any more", "Launch the program again"
            )
        if seen.is_waiting or seen.is_over:
            return seen
        if slow_at is not None and time.monotonic() > slow_at and not seen.is_started:
            say(NO_WORKER)
            slow_at = None
        time.sleep(POLL_SECONDS)
