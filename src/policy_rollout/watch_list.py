"""Keeps the table of `watch` as new as the journal, folding only what moved. Reads and writes."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from policy_rollout.absences import Absence
from policy_rollout.errors import JournalTampered, SpecRefused
from policy_rollout.history import state_of
from policy_rollout.journal.store import Journal
from policy_rollout.journal.watch_table import NEVER, Known, WatchTable
from policy_rollout.people_events import RESERVED
from policy_rollout.people_history import absences_of
from policy_rollout.spec.reader import read_valid
from policy_rollout.watched import Watched, absences_left, mark_of, watched

_AT_ONCE = 200
"""Programs whose rows are written together: a watcher that is killed has done what it did."""


def refresh(journal: Journal, table: WatchTable, *, now: datetime) -> tuple[str, ...]:
    """Bring the table up to date; answers what cannot be read, one text a program.

    Such a program keeps its old row, which moves nothing, and is tried again each time.
    """
    absences = absences_of(journal)
    moved = {each.program: each.known for each in table.stale(reserved=RESERVED)}
    looked_at = {each.program.program: each.looked_at for each in table.named(moved)}
    for known in _absences_changed(table, absences, now):
        moved.setdefault(known.program.program, known.program.head)
        looked_at[known.program.program] = known.looked_at
    troubles: list[str] = []
    names = list(moved)
    for start in range(0, len(names), _AT_ONCE):
        rows: list[Known] = []
        for program in names[start : start + _AT_ONCE]:
            try:
                row = row_of(journal, program, absences=absences, now=now)
            except (JournalTampered, SpecRefused) as error:
                troubles.append(f"{program}: {error}")
            else:
                rows.append(Known(row, looked_at=looked_at.get(program, NEVER)))
        table.put(rows, moved)
    return tuple(troubles)


def row_of(
    journal: Journal, program: str, *, absences: Sequence[Absence], now: datetime
) -> Watched:
    """The program's row as its journal has it now.

    Raises:
        JournalTampered: an entry cannot be read.
        SpecRefused: its spec cannot be read (by this version).
    """
    state = state_of(journal, program)
    spec = read_valid(state.spec_text, state.spec_path)
    return watched(state, spec, absences=absences, now=now)


def _absences_changed(
    table: WatchTable, absences: Iterable[Absence], now: datetime
) -> Iterable[Known]:
    """The rows that counted in other absences than those that stand now."""
    left = absences_left(absences, now.date())
    for known in table.hanging_on({each.person for each in left}):
        if known.program.absences != mark_of(left, known.program.hangs_on, now):
            yield known


def note_look(table: WatchTable, before: Known, after: Known) -> None:
    """Keep what a look has seen, if the row is still the one that it began with."""
    table.put([after], {before.program.program: before.program.head})


def forget_look(table: WatchTable, before: Known, now: datetime) -> None:
    """Say that it was the program's turn, whatever came of it: others come before its next."""
    note_look(table, before, replace(before, looked_at=now))
