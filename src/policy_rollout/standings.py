"""Where the launched programs stand. Reads the journal and nothing outside."""

from dataclasses import dataclass
from datetime import UTC, datetime

from policy_rollout.connections import links_of
from policy_rollout.errors import JournalTampered, SpecRefused
from policy_rollout.history import known_state, programs, state_of
from policy_rollout.journal.store import Journal
from policy_rollout.outline import outline_at, spec_of
from policy_rollout.prefect_address import run_url
from policy_rollout.program import ProgramState
from policy_rollout.report.status import Status
from policy_rollout.settings import Settings


@dataclass(frozen=True, slots=True)
class Standings:
    """The programs that can be read, and why others cannot, each by name."""

    programs: tuple[Status, ...]
    unreadable: tuple[JournalTampered | SpecRefused, ...]


def standings(settings: Settings) -> Standings:
    """All programs; one that cannot be read hides no other.

    Raises:
        JournalUnavailable: nothing of the journal can be read.
    """
    found: list[Status] = []
    unreadable: list[JournalTampered | SpecRefused] = []
    with Journal(settings.journal_address) as journal:
        for program in programs(journal):
            try:
                found.append(_status_of(settings, state_of(journal, program)))
            except (JournalTampered, SpecRefused) as error:
                unreadable.append(error)
    return Standings(tuple(found), tuple(unreadable))


def standing(settings: Settings, program: str) -> Status:
    """One program.

    Raises:
        ProgramUnknown: it was never launched.
        JournalError: the journal, or an entry of the program, cannot be read.
        SpecRefused: the spec that was launched has errors by the rules of this version.
    """
    with Journal(settings.journal_address) as journal:
        return _status_of(settings, known_state(journal, program))


def _status_of(settings: Settings, state: ProgramState) -> Status:
    spec = spec_of(state)
    return Status(
        outline=outline_at(spec, state, datetime.now(UTC)),
        state=state,
        links=links_of(settings, spec),
        run_url=run_url(settings.home, state.run),
    )
