"""Where the launched programs stand. Reads the journal and nothing outside."""

from datetime import UTC, datetime

from policy_rollout.connections import links_of
from policy_rollout.errors import ProgramUnknown
from policy_rollout.history import state_of
from policy_rollout.journal.store import Journal
from policy_rollout.plan import outline_of
from policy_rollout.prefect_address import run_url
from policy_rollout.program import ProgramState
from policy_rollout.report.status import Status
from policy_rollout.settings import Settings
from policy_rollout.spec.reader import read_valid


def standings(settings: Settings, program: str | None = None) -> list[Status]:
    """One program, or all of them by name.

    Raises:
        ProgramUnknown: it was never launched.
        JournalError: the journal cannot be read.
    """
    with Journal(settings.journal_address) as journal:
        known = journal.heads()
        if program is not None and program not in known:
            raise ProgramUnknown(program, tuple(known))
        wanted = [program] if program is not None else sorted(known)
        return [_status_of(settings, state_of(journal, each)) for each in wanted]


def _status_of(settings: Settings, state: ProgramState) -> Status:
    spec = read_valid(state.spec_text, state.spec_path)
    today = datetime.now(UTC).astimezone(spec.timeline.timezone).date()
    return Status(
        outline=outline_of(spec, today=today),
        state=state,
        links=links_of(settings, spec),
        run_url=run_url(settings.home, state.run),
    )
