"""Tables in the journal's database: made by the first write, used in transactions. I/O."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, MetaData, func, inspect, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from policy_rollout.errors import JournalUnavailable
from policy_rollout.journal.databases import (
    keep_a_write_ahead_log,
    open_engine,
    parse_address,
    public_address,
    reason_of,
    sqlite_path,
)

_CREATION_LOCK = 7_665_762_100  # any number, the same for all: two first writers take turns


class Tables:
    """The tables of `metadata` at an address (a SQLAlchemy URL, password included).

    Opening writes nothing: file, folder and tables are made by `make`, which every write calls
    first. Safe to share between threads.

    Raises:
        SettingsWrong: the address is none of a SQLite file or a PostgreSQL database.
    """

    def __init__(self, address: str, metadata: MetaData) -> None:
        self._url = parse_address(address)
        self._metadata = metadata
        self._made = False
        self.engine = open_engine(self._url)

    def close(self) -> None:
        self.engine.dispose()

    @property
    def address(self) -> str:
        """Where they are, without the password: fit to be shown."""
        return public_address(self._url)

    @contextmanager
    def transaction(self, *, writes: bool = False) -> Iterator[Connection]:
        """A transaction that ends with the block; one that writes to SQLite holds its lock.

        Raises:
            JournalUnavailable: the database cannot be read or written.
            IntegrityError: a row is there already; the caller knows what it means.
        """
        with (
            self._database_errors(),
            self.engine.connect().execution_options(rollout_writes=writes) as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def _database_errors(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise
        except DBAPIError as error:
            raise JournalUnavailable(self.address, reason_of(error, self._url)) from None

    def is_made(self) -> bool:
        """Whether there is anything to read."""
        if self._made:
            return True
        path = sqlite_path(self._url)
        if path is not None and not path.exists():
            return False
        with self.transaction() as connection:
            there = inspect(connection)
            self._made = all(there.has_table(name) for name in self._metadata.tables)
        return self._made

    def make(self) -> None:
        if self.is_made():
            return
        path = sqlite_path(self._url)
        if path is not None:
            self._make_folder(path.parent)
            with self._database_errors():
                keep_a_write_ahead_log(self.engine)
        with self.transaction(writes=True) as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(select(func.pg_advisory_xact_lock(_CREATION_LOCK)))
            self._metadata.create_all(connection)
        self._made = True

    def _make_folder(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = f"the folder cannot be made ({error.strerror})"
            raise JournalUnavailable(self.address, reason) from None
