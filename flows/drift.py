"""See what Jira and the workbook hold that nobody planned, for all programs. It never writes there.

Also not to the journal: the one thing it leaves is the artifact `drift` of its own run.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from policy_rollout.drift import Difference
from policy_rollout.drift_reads import drift_of
from policy_rollout.errors import (
    JournalTampered,
    RolloutError,
    ServiceError,
    SettingsWrong,
    SpecRefused,
)
from policy_rollout.history import programs, state_of
from policy_rollout.journal.store import Journal
from policy_rollout.report.drift_text import drift_page, drift_words
from policy_rollout.settings import Settings

ONE_PROGRAM = (ServiceError, SettingsWrong, SpecRefused, JournalTampered)
"""What may keep one program from being looked at, and no other."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What differs, by program, and why others could not be looked at."""

    found: dict[str, tuple[Difference, ...]]
    failed: dict[str, str]

    @property
    def is_calm(self) -> bool:
        return not self.failed and not any(self.found.values())


@flow(name="drift", flow_run_name="look for drift")
def drift() -> State[str]:
    """Look at every program that is under way; the run fails where something differs."""
    try:
        settings = Settings.load()
        with Journal(settings.journal_address) as journal:
            looked = look(journal, settings)
    except RolloutError as error:
        return Failed(message=str(error))
    words = drift_words(looked.found, looked.failed)
    page = drift_page(looked.found, looked.failed)
    create_markdown_artifact(page, key="drift", description=words)
    return Completed(message=words) if looked.is_calm else Failed(message=words)


def look(journal: Journal, settings: Settings) -> Looked:
    """One that cannot be looked at hides no other."""
    looked = Looked({}, {})
    for program in programs(journal):
        try:
            state = state_of(journal, program)
            if not state.is_settled:
                looked.found[program] = drift_of(settings, state, datetime.now(UTC))
        except ONE_PROGRAM as error:
            looked.failed[program] = str(error)
    return looked
