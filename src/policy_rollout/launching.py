"""Launch a program over Prefect and tell what became of it. Reads the journal, talks to Prefect."""

import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from policy_rollout import prefect_api
from policy_rollout.connections import links_of
from policy_rollout.errors import ExitCode, ProgramAlreadyLaunched
from policy_rollout.history import state_of
from policy_rollout.journal.store import Journal
from policy_rollout.plan import outline_at
from policy_rollout.program import ProgramState
from policy_rollout.report.status import Status
from policy_rollout.settings import Settings
from policy_rollout.spec.model import Spec
from policy_rollout.spec.reader import read_valid
from policy_rollout.work import epic_key

POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Launch:
    """A launched run; `stands` is Prefect's state of it, or `trouble` as the journal has it."""

    program: str
    run: str
    run_url: str
    stands: str = "scheduled"
    message: str = ""
    epic_url: str = ""
    workbook_url: str = ""

    @property
    def exit_code(self) -> ExitCode:
        if self.stands == "trouble":
            return ExitCode.SERVICE_FAILED
        return ExitCode.FOUND_PROBLEMS if self.stands == "failed" else ExitCode.DONE

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
    if state.run and not state.wrote_nothing:
        at = f"{state.launched_at:%Y-%m-%d %H:%M} UTC"
        raise ProgramAlreadyLaunched(spec.program, at, prefect_api.run_url(state.run) or state.run)
    text = path.read_text(encoding="utf-8-sig")
    run = prefect_api.launch(text, spec_path=str(path), program=spec.program)
    return Launch(spec.program, run, prefect_api.run_url(run))


def until_it_waits(settings: Settings, spec: Spec, launched: Launch) -> Launch:
    """Wait for the end of the first pass: the program waits for people, is over, or failed."""
    while True:
        seen = prefect_api.look_up((launched.run,))[launched.run]
        if seen.is_waiting or seen.is_over:
            break
        time.sleep(POLL_SECONDS)
    with Journal(settings.journal_address) as journal:
        state = state_of(journal, spec.program)
    links = links_of(settings, spec)
    epic = state.issues.get(epic_key(spec.program))
    trouble = state.trouble if state.run == launched.run else None
    return Launch(
        program=spec.program,
        run=launched.run,
        run_url=launched.run_url,
        stands="trouble" if trouble else seen.state,
        message=trouble.text if trouble else seen.message if seen.state == "failed" else "",
        epic_url=f"{links.jira}/browse/{epic}" if epic else "",
        workbook_url=links.workbook if epic else "",
    )


def status_of(settings: Settings, state: ProgramState) -> Status:
    spec = read_valid(state.spec_text, state.spec_path)
    return Status(
        outline=outline_at(spec, state, datetime.now(UTC)),
        state=state,
        links=links_of(settings, spec),
        run_url=prefect_api.run_url(state.run),
    )
