"""The two databases a journal may live in: how each is opened, and what its errors mean. I/O.

Nothing of a library's exception but its code goes into a reason: statements, parameters and
passwords stay where they were.
"""

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from policy_rollout.errors import SettingsWrong

LOCK_SECONDS = 30
CONNECT_SECONDS = 10
ANSWER_SECONDS = 30

_EXAMPLES = (
    "expected sqlite:////FOLDER/journal.sqlite3 or postgresql://USER:PASSWORD@HOST/DATABASE; "
    "mend it in .env"
)
_SECRET_QUERY_KEYS = frozenset({"password", "sslpassword", "passfile"})

_SQLITE_REASONS = {
    "SQLITE_FULL": "the disk is full",
    "SQLITE_IOERR": "the disk does not read or write (it may be full)",
    "SQLITE_READONLY": "the file or its folder is read-only",
    "SQLITE_CANTOPEN": "the file cannot be opened (is it a folder, or closed to this user?)",
    "SQLITE_CORRUPT": "the file is damaged; put back a copy",
    "SQLITE_NOTADB": "the file is no SQLite database, or it is damaged; put back a copy",
    "SQLITE_BUSY": "another process keeps it locked",
    "SQLITE_LOCKED": "another process keeps it locked",
}

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_POSTGRESQL_REASONS = {
    "53100": "the server's disk is full",
    "53300": "the server has no free connection",
    "57014": "it takes too long to answer",
    "55P03": "another process keeps it locked",
    "42501": "this user may not read or write the journal's table",
    "25006": "the server is read-only",
    "57P01": "the server was shut down",
}


def parse_address(address: str) -> URL:
    """The URL of a journal, with the driver that this project uses.

    Raises:
        SettingsWrong: it is no URL of a SQLite file or a PostgreSQL database.
    """
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        raise SettingsWrong(f"ROLLOUT_JOURNAL_URL is no database URL; {_EXAMPLES}") from None
    match url.get_backend_name():
        case "sqlite":
            return _sqlite_file(url)
        case "postgresql" | "postgres":
            return url.set(drivername="postgresql+psycopg")
    raise SettingsWrong(
        f"ROLLOUT_JOURNAL_URL asks for {url.get_backend_name()!r}, which the journal does not "
        f"know; {_EXAMPLES}"
    )


def _sqlite_file(url: URL) -> URL:
    name = url.database or ""
    if name in {"", ":memory:"} or name.startswith("file:") or url.query:
        raise SettingsWrong(f"ROLLOUT_JOURNAL_URL names no plain SQLite file; {_EXAMPLES}")
    return url.set(drivername="sqlite+pysqlite")


def public_address(url: URL) -> str:
    """The URL as a message may show it."""
    hidden = {key: "hidden" for key in url.query if key in _SECRET_QUERY_KEYS}
    plain = url.set(drivername=url.get_backend_name()).update_query_dict(hidden)
    return plain.render_as_string(hide_password=True)


def open_engine(url: URL) -> Engine:
    """An engine that waits for nothing for ever; connects on first use.

    Raises:
        SettingsWrong: PostgreSQL is asked for and its driver is not installed.
    """
    return _open_sqlite(url) if url.get_backend_name() == "sqlite" else _open_postgresql(url)


def _open_sqlite(url: URL) -> Engine:
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": LOCK_SECONDS})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the driver begins nothing: _begin_sqlite does
    connection.execute("PRAGMA synchronous = FULL").close()


def _begin_sqlite(connection: Connection) -> None:
    """A transaction that will write takes the lock first: what it read cannot be overtaken."""
    options = connection.get_execution_options()
    if options.get("isolation_level") == "AUTOCOMMIT":
        return
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("rollout_writes") else "BEGIN")


def keep_a_write_ahead_log(engine: Engine) -> None:
    """From now on readers and the writer of this SQLite file do not wait for each other.

    The file remembers it. https://sqlite.org/wal.html: not possible inside a transaction.
    """
    try:
        with engine.connect() as connection:
            autocommit = connection.execution_options(isolation_level="AUTOCOMMIT")
            autocommit.exec_driver_sql("PRAGMA journal_mode = WAL")
    except OperationalError as error:
        # SQLite does not wait here. Whoever holds the file is doing the same for the first time.
        if getattr(error.orig, "sqlite_errorname", "") != "SQLITE_BUSY":
            raise


def _open_postgresql(url: URL) -> Engine:
    arguments: dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS,
        "application_name": "policy-rollout journal",
        "keepalives_idle": ANSWER_SECONDS,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": ANSWER_SECONDS * 1000,
    }
    try:
        engine = create_engine(
            url,
            hide_parameters=True,
            pool_pre_ping=True,
            isolation_level="READ COMMITTED",
            connect_args=arguments,
        )
    except ModuleNotFoundError:
        raise SettingsWrong(
            "ROLLOUT_JOURNAL_URL asks for PostgreSQL, whose driver is not installed; "
            "install it with: pip install 'policy-rollout[postgresql]'"
        ) from None
    event.listen(engine, "begin", _limit_postgresql)
    return engine


def _limit_postgresql(connection: Connection) -> None:
    # In the transaction and not as a start-up option, which connection poolers refuse.
    connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{ANSWER_SECONDS}s'")
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")


def sqlite_path(url: URL) -> Path | None:
    """The file of a SQLite journal; None of a server."""
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def reason_of(error: DBAPIError, url: URL) -> str:
    """Why the database said no, in words for the person who has to mend it."""
    original = error.orig
    if isinstance(original, sqlite3.Error):
        return _sqlite_reason(original)
    code = getattr(original, "sqlstate", None)
    if code is None:
        return _connection_reason(str(original), url)
    return _POSTGRESQL_REASONS.get(code, f"PostgreSQL answered with SQLSTATE {code}")


def _sqlite_reason(error: sqlite3.Error) -> str:
    name = getattr(error, "sqlite_errorname", "an unknown error")
    for prefix, reason in _SQLITE_REASONS.items():
        if name.startswith(prefix):
            return reason
    return f"SQLite answered with {name}"


def _connection_reason(text: str, url: URL) -> str:
    """The first line of what libpq says of a connection: it names the server, never a statement."""
    first = text.strip().partition("\n")[0] or "the connection was lost"
    password = url.password
    return first.replace(password, "***") if password else first
