"""Programs in the journal: read a program's state, append what happened. Reads and writes it.

Two ways to write. `decide_and_write` is for decisions: it fails when somebody else appended
first, since the decision was made on an older state. `note` is for facts that are true whoever
wrote before, such as an issue that exists: it reads again and appends until it is in.
"""

from collections.abc import Sequence
from datetime import datetime

from pydantic import ValidationError

from policy_rollout.errors import JournalConflict, JournalTampered, ProgramUnknown
from policy_rollout.events import Event, body_of, event_from
from policy_rollout.fold import fold, take
from policy_rollout.journal.entries import Entry
from policy_rollout.journal.entries import Event as Written
from policy_rollout.journal.store import Journal
from policy_rollout.people_events import RESERVED
from policy_rollout.program import ProgramState, Recorded


def programs(journal: Journal) -> tuple[str, ...]:
    """Every program that was launched, by name; what the journal holds of people is none."""
    return tuple(sorted(name for name in journal.heads() if not name.startswith(RESERVED)))


def state_of(journal: Journal, program: str) -> ProgramState:
    """The state of a program; an empty one (head 0) when it was never launched.

    Raises:
        JournalTampered: an entry cannot be read.
    """
    return fold(program, records_of(journal, program))


def known_state(journal: Journal, program: str) -> ProgramState:
    """The state of a launched program.

    Raises:
        ProgramUnknown: it was never launched.
    """
    known = programs(journal)
    if program not in known:
        raise ProgramUnknown(program, known)
    return state_of(journal, program)


def records_of(journal: Journal, program: str, *, after: int = 0) -> tuple[Recorded, ...]:
    """What was journaled after a sequence number, oldest first."""
    return tuple(_recorded(entry) for entry in journal.read(program, after=after))


def _recorded(entry: Entry) -> Recorded:
    try:
        event = event_from(entry.kind, entry.body)
    except ValidationError:
        reason = (
            f"it is no {entry.kind!r} that this version knows: it was touched, or written by a "
            "newer policy-rollout; update this one, or put back a copy"
        )
        raise JournalTampered(entry.program, entry.sequence, reason) from None
    return Recorded(entry.sequence, entry.at, entry.actor, event)


def decide_and_write(
    journal: Journal, state: ProgramState, events: Sequence[Event], *, actor: str, at: datetime
) -> None:
    """Append decisions made on `state`, and take them into it.

    Raises:
        JournalConflict: somebody appended first; nothing was written, `state` is old.
    """
    if not events:
        return
    for entry in journal.append(state.program, _written(events, actor), after=state.head, at=at):
        take(state, _recorded(entry))


def note(
    journal: Journal, program: str, events: Sequence[Event], *, actor: str, at: datetime
) -> None:
    """Append facts, after whatever else was appended meanwhile."""
    append_facts(journal, program, _written(events, actor), at=at)


def append_facts(
    journal: Journal, program: str, written: Sequence[Written], *, at: datetime
) -> None:
    """Append what is true whoever wrote before: read again and append until it is in."""
    while True:
        head = journal.head(program)
        try:
            journal.append(program, written, after=head, at=at)
        except JournalConflict:
            continue
        return


def _written(events: Sequence[Event], actor: str) -> tuple[Written, ...]:
    return tuple(Written(each.kind, body_of(each), actor) for each in events)
