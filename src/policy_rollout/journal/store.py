"""The journal in SQL: append, read, verify; nothing is updated or deleted. Reads and writes.

One table serves all programs. Its primary key `(program, sequence)` is what keeps two writers
from both going on from the same state.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from types import TracebackType
from typing import Self

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    func,
    insert,
    select,
)
from sqlalchemy.exc import IntegrityError

from policy_rollout.errors import JournalConflict
from policy_rollout.journal.chain import GENESIS, StoredEntry, head_digest, link, opened
from policy_rollout.journal.entries import Entry, Event
from policy_rollout.journal.tables import Tables

_METADATA = MetaData()
ENTRIES = Table(
    "rollout_journal",
    _METADATA,
    Column("program", String, primary_key=True),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("at", String(32), nullable=False),
    Column("actor", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)
_ROWS_AT_ONCE = 2_000


class Journal:
    """The journal at an address (a SQLAlchemy URL, password included).

    Opening writes nothing: file, folder and table are made by the first append, and a journal
    that is not there yet reads as empty. Safe to share between threads.

    Raises:
        SettingsWrong: the address is none of a SQLite file or a PostgreSQL database.
    """

    def __init__(self, address: str) -> None:
        self._tables = Tables(address, _METADATA)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._tables.close()

    @property
    def address(self) -> str:
        """Where it is, without the password: fit to be shown."""
        return self._tables.address

    def append(
        self, program: str, events: Sequence[Event], *, after: int, at: datetime
    ) -> tuple[Entry, ...]:
        """Write the events behind entry `after` (0: behind nothing): all of them or none.

        Raises:
            JournalConflict: `after` is not the last entry (any more).
            JournalUnavailable: the database cannot be written.
            TypeError: a body holds what JSON does not know.
            ValueError: `at` has no zone, or a body holds NaN.
        """
        if not events:
            return ()
        self._tables.make()
        try:
            with self._tables.transaction(writes=True) as connection:
                stored = _chained(connection, program, events, after=after, at=at)
                connection.execute(insert(ENTRIES), [_row(each) for each in stored])
        except IntegrityError:
            raise JournalConflict(program, after + 1) from None
        return tuple(opened(each) for each in stored)

    def read(self, program: str, *, after: int = 0) -> tuple[Entry, ...]:
        """The entries of a program behind entry `after`, in order.

        Raises:
            JournalUnavailable: the database cannot be read.
            JournalTampered: an entry cannot be read; others may still be wrong: see `verify`.
        """
        if not self._tables.is_made():
            return ()
        with self._stored(program, after=after) as stored:
            return tuple(opened(each) for each in stored)

    def head(self, program: str) -> int:
        """The last sequence of a program; 0 where it has no entry.

        Raises:
            JournalUnavailable: the database cannot be read.
        """
        if not self._tables.is_made():
            return 0
        with self._tables.transaction() as connection:
            return _head(connection, program)[0]

    def is_begun(self) -> bool:
        """Whether the journal's table is there.

        Raises:
            JournalUnavailable: the database cannot be read.
        """
        return self._tables.is_made()

    def heads(self) -> dict[str, int]:
        """The last sequence of each program that has an entry.

        Raises:
            JournalUnavailable: the database cannot be read.
        """
        if not self._tables.is_made():
            return {}
        last = select(ENTRIES.c.program, func.max(ENTRIES.c.sequence))
        with self._tables.transaction() as connection:
            rows = connection.execute(last.group_by(ENTRIES.c.program))
            return {str(program): int(sequence) for program, sequence in rows}

    def verify(self, program: str) -> str:
        """Recompute the program's chain; answers the digest of its head, to be kept elsewhere.

        Raises:
            JournalTampered: names the first entry that is not what was written.
            JournalUnavailable: the database cannot be read.
        """
        if not self._tables.is_made():
            return GENESIS
        with self._stored(program, after=0) as stored:
            return head_digest(stored)

    def read_stored(self, program: str) -> tuple[StoredEntry, ...]:
        """The rows of a program just as the table holds them, unread and unverified, in order.

        Raises:
            JournalUnavailable: the database cannot be read.
        """
        if not self._tables.is_made():
            return ()
        with self._stored(program, after=0) as stored:
            return tuple(stored)

    @contextmanager
    def _stored(self, program: str, *, after: int) -> Iterator[Iterator[StoredEntry]]:
        """The rows behind `after`, fetched a part at a time: a long history fills no memory."""
        wanted = (
            select(ENTRIES)
            .where(ENTRIES.c.program == program, ENTRIES.c.sequence > after)
            .order_by(ENTRIES.c.sequence)
            .execution_options(yield_per=_ROWS_AT_ONCE)
        )
        with self._tables.transaction() as connection, connection.execute(wanted) as rows:
            yield (StoredEntry(*row) for row in rows)


def _chained(
    connection: Connection, program: str, events: Sequence[Event], *, after: int, at: datetime
) -> tuple[StoredEntry, ...]:
    sequence, previous_hash = _head(connection, program)
    if sequence != after:
        raise JournalConflict(program, after + 1)
    chained: list[StoredEntry] = []
    for number, event in enumerate(events, start=after + 1):
        entry = link(event, program=program, sequence=number, at=at, previous_hash=previous_hash)
        previous_hash = entry.hash
        chained.append(entry)
    return tuple(chained)


def _head(connection: Connection, program: str) -> tuple[int, str]:
    last = (
        select(ENTRIES.c.sequence, ENTRIES.c.hash)
        .where(ENTRIES.c.program == program)
        .order_by(ENTRIES.c.sequence.desc())
        .limit(1)
    )
    row = connection.execute(last).one_or_none()
    return (0, GENESIS) if row is None else (row.sequence, row.hash)


def _row(stored: StoredEntry) -> dict[str, object]:
    return {column.name: getattr(stored, column.name) for column in ENTRIES.columns}
