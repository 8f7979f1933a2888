"""The table that tells `watch` whom it may leave alone, beside the journal's entries. I/O.

It holds nothing that the journal and one look outside would not tell again: rows may be deleted
at any time. Each belongs to one head of a program; a writer who knew an older row changes nothing.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Integer,
    MetaData,
    Row,
    Select,
    String,
    Table,
    Text,
    and_,
    bindparam,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from policy_rollout.journal.chain import time_text
from policy_rollout.journal.store import ENTRIES
from policy_rollout.journal.tables import Tables
from policy_rollout.watched import VERSION, Watched

_METADATA = MetaData()
_WATCHED = Table(
    "rollout_watched",
    _METADATA,
    Column("program", String, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("head", Integer, nullable=False),
    Column("run", Text, nullable=False, index=True),
    Column("is_open", Boolean, nullable=False),
    Column("due_at", String(32), index=True),
    Column("hangs_on", Text, nullable=False),
    Column("absences", String(16), nullable=False),
    Column("workbook", Text, index=True),
    Column("issues_until", String(32), nullable=False),
    Column("rows_until", String(32), nullable=False),
    Column("rows_mark", String(64), nullable=False),
    Column("looked_at", String(32), nullable=False, index=True),
)
_AT_ONCE = 500
"""Programs or people in one statement: SQLite takes some 32,000 parameters, and 1,000 terms."""
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Known:
    """A row: the program, and what the last look at it by key has seen outside at this head.

    `issues_until` is the newest change among its issues, `rows_until` the last one of its workbook,
    `rows_mark` stands for its rows (empty: not known), `looked_at` is our own time; NEVER where
    there was no look.
    """

    program: Watched
    issues_until: datetime = NEVER
    rows_until: datetime = NEVER
    rows_mark: str = ""
    looked_at: datetime = NEVER


@dataclass(frozen=True, slots=True)
class Stale:
    """A program whose row is of another head or version; `known` is that head, None without row."""

    program: str
    known: int | None


class WatchTable:
    """The table in the journal's database (a SQLAlchemy URL, password included); made on demand.

    Every call may raise JournalUnavailable. Safe to share between threads.
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
        self._tables.close()

    @contextmanager
    def _transaction(self, *, writes: bool = False) -> Iterator[Connection]:
        self._tables.make()
        with self._tables.transaction(writes=writes) as connection:
            yield connection

    def stale(self, *, reserved: str) -> tuple[Stale, ...]:
        """Programs whose journal goes on behind their row, by name; the journal must be there.

        One question of the database, which steps from program to program in the index of the
        entries: its cost is that of the number of programs, not of entries. Names that start
        with `reserved` are no programs.
        """
        heads = _heads()
        rows = _WATCHED
        moved = or_(rows.c.head != heads.c.head, rows.c.version != VERSION)
        wanted = (
            select(heads.c.program, rows.c.head)
            .select_from(heads.outerjoin(rows, rows.c.program == heads.c.program))
            .where(or_(rows.c.program.is_(None), moved))
            .order_by(heads.c.program)
        )
        with self._transaction() as connection:
            found = connection.execute(wanted).all()
        return tuple(Stale(*each) for each in found if not each[0].startswith(reserved))

    def put(self, knowns: Iterable[Known], before: Mapping[str, int | None]) -> None:
        """Write rows in the place of those with the heads in `before`; others stay as they are."""
        # In one order: two watchers at once wait for each other, and never both.
        fresh = sorted(knowns, key=lambda each: each.program.program)
        for start in range(0, len(fresh), _AT_ONCE):
            some = fresh[start : start + _AT_ONCE]
            old = [each for each in some if before[each.program.program] is not None]
            new = [each for each in some if before[each.program.program] is None]
            with self._transaction(writes=True) as connection:
                _replace(connection, old, before)
                _add(connection, new)

    def due(self, now: datetime) -> tuple[Known, ...]:
        """The programs that time alone may move."""
        return self._found(_WATCHED.c.due_at <= time_text(now))

    def hanging_on(self, people: Collection[str]) -> tuple[Known, ...]:
        """The programs that wait for one of these people, or counted in an absence of anybody."""
        found = {each.program.program: each for each in self._found(_WATCHED.c.absences != "")}
        wanted = sorted(people)
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            named = [_WATCHED.c.hangs_on.contains(f"\n{each}\n", autoescape=True) for each in some]
            found |= {each.program.program: each for each in self._found(or_(*named))}
        return tuple(found[program] for program in sorted(found))

    def named(self, programs: Collection[str]) -> tuple[Known, ...]:
        return self._each(_WATCHED.c.program, programs)

    def of_runs(self, runs: Collection[str]) -> tuple[Known, ...]:
        """The programs that these flow runs carry and that are not over."""
        return self._each(_WATCHED.c.run, [run for run in runs if run])

    def workbooks(self) -> frozenset[str]:
        """The workbooks in which some program waits for rows; empty: that of the settings."""
        wanted = select(_WATCHED.c.workbook).where(_WATCHED.c.workbook.is_not(None)).distinct()
        with self._transaction() as connection:
            return frozenset(connection.execute(wanted).scalars())

    def in_workbooks(self, workbooks: Collection[str]) -> tuple[Known, ...]:
        """The open programs that wait for rows in these."""
        return self._each(_WATCHED.c.workbook, workbooks)

    def open_programs(self) -> int:
        wanted = select(func.count()).select_from(_WATCHED).where(_WATCHED.c.run != "")
        with self._transaction() as connection:
            return int(connection.execute(wanted).scalar_one())

    def looked_at_before(self, moment: datetime, most: int | None) -> tuple[Known, ...]:
        """The programs not over that no look by key has seen since; the longest ago first."""
        old = and_(_WATCHED.c.run != "", _WATCHED.c.looked_at < time_text(moment))
        chosen = select(_WATCHED).where(old).order_by(_WATCHED.c.looked_at, _WATCHED.c.program)
        return self._read(chosen.limit(most))

    def _each(self, column: Column[Any], values: Collection[str]) -> tuple[Known, ...]:
        wanted = sorted(values)
        return tuple(
            row
            for start in range(0, len(wanted), _AT_ONCE)
            for row in self._found(column.in_(wanted[start : start + _AT_ONCE]))
        )

    def _found(self, condition: ColumnElement[bool]) -> tuple[Known, ...]:
        return self._read(select(_WATCHED).where(condition).order_by(_WATCHED.c.program))

    def _read(self, wanted: Select[Any]) -> tuple[Known, ...]:
        with self._transaction() as connection:
            return tuple(_known(row) for row in connection.execute(wanted))


def _heads() -> Any:
    """Each program with its last sequence: a walk along the primary key of the entries."""
    first = select(func.min(ENTRIES.c.program).label("program")).cte("programs", recursive=True)
    following = (
        select(func.min(ENTRIES.c.program))
        .where(ENTRIES.c.program > first.c.program)
        .scalar_subquery()
    )
    walked = first.union_all(select(following).where(first.c.program.is_not(None)))
    last = (
        select(func.max(ENTRIES.c.sequence))
        .where(ENTRIES.c.program == walked.c.program)
        .scalar_subquery()
    )
    named = select(walked.c.program, last.label("head")).where(walked.c.program.is_not(None))
    return named.subquery("heads")


def _replace(
    connection: Connection, knowns: Sequence[Known], before: Mapping[str, int | None]
) -> None:
    if not knowns:
        return
    same = and_(
        _WATCHED.c.program == bindparam("this_program"), _WATCHED.c.head == bindparam("this_head")
    )
    changed = update(_WATCHED).where(same)
    given = [
        {
            **_row(each),
            "this_program": each.program.program,
            "this_head": before[each.program.program],
        }
        for each in knowns
    ]
    connection.execute(changed, given)


def _add(connection: Connection, knowns: Sequence[Known]) -> None:
    """Those that another watcher has added meanwhile stay."""
    if knowns:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        added = dialect.insert(_WATCHED).on_conflict_do_nothing()
        connection.execute(added, [_row(each) for each in knowns])


def _row(known: Known) -> dict[str, object]:
    program = known.program
    return {
        **{each.name: getattr(program, each.name) for each in fields(program)},
        "version": VERSION,
        "due_at": time_text(program.due_at) if program.due_at else None,
        "hangs_on": "".join(f"\n{each}\n" for each in sorted(program.hangs_on)),
        "issues_until": time_text(known.issues_until),
        "rows_until": time_text(known.rows_until),
        "rows_mark": known.rows_mark,
        "looked_at": time_text(known.looked_at),
    }


def _known(row: Row[Any]) -> Known:
    program = Watched(
        program=row.program,
        head=row.head,
        run=row.run,
        is_open=row.is_open,
        due_at=datetime.fromisoformat(row.due_at) if row.due_at else None,
        hangs_on=frozenset(row.hangs_on.split()),
        absences=row.absences,
        workbook=row.workbook,
    )
    return Known(
        program=program,
        issues_until=datetime.fromisoformat(row.issues_until),
        rows_until=datetime.fromisoformat(row.rows_until),
        rows_mark=row.rows_mark,
        looked_at=datetime.fromisoformat(row.looked_at),
    )
