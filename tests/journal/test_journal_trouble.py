"""What the journal says when its database fails, and that it goes on afterwards."""

import pickle
import socket
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from sqlalchemy import event

from policy_rollout.errors import JournalUnavailable, SettingsWrong
from policy_rollout.journal import databases
from policy_rollout.journal.entries import Event
from policy_rollout.journal.store import Journal

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
NEXT_STEP = (
    "Mend it (disk space, permissions, ROLLOUT_JOURNAL_URL) and go on: "
    "the program resumes where it stood"
)


def noted(size: int = 1) -> Event:
    return Event(kind="noted", body={"text": "x" * size}, actor="mei@example.com")


def trouble(journal: Journal, *, after: int = 0, size: int = 1) -> str:
    with pytest.raises(JournalUnavailable) as caught:
        journal.append("p", [noted(size)], after=after, at=AT)
    return str(caught.value)


def expected(journal: Journal, reason: str) -> str:
    return f"the journal at {journal.address} cannot be used: {reason}. {NEXT_STEP}"


# SQLite


@pytest.fixture
def sqlite_journal(sqlite_address: str):
    with Journal(sqlite_address) as journal:
        yield journal


def test_a_full_disk_is_named_and_the_journal_goes_on_when_there_is_room(sqlite_journal):
    sqlite_journal.append("p", [noted()], after=0, at=AT)
    connections: list[sqlite3.Connection] = []

    def fill_disk(connection: sqlite3.Connection, _record: object) -> None:
        connections.append(connection)
        connection.execute("PRAGMA max_page_count = 1").close()  # no page more than there are

    event.listen(sqlite_journal._tables.engine, "connect", fill_disk)
    sqlite_journal.close()
    assert trouble(sqlite_journal, after=1, size=100_000) == expected(
        sqlite_journal, "the disk is full"
    )
    connections[-1].execute("PRAGMA max_page_count = 1000000").close()
    sqlite_journal.append("p", [noted(100_000)], after=1, at=AT)
    sqlite_journal.verify("p")
    assert sqlite_journal.heads() == {"p": 2}


def run_child(code: str, path: Path) -> str:
    """What another process prints, whose limits or rights the code lowers."""
    done = subprocess.run(  # noqa: S603  our own code
        [sys.executable, "-c", CHILD + code, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


CHILD = """
import os, resource, signal, sys
from datetime import UTC, datetime
from policy_rollout.errors import JournalUnavailable
from policy_rollout.journal.entries import Event
from policy_rollout.journal.store import Journal
journal = Journal("sqlite:///" + sys.argv[1])
def append(after, size):
    event = Event("noted", {"text": "x" * size}, "mei@example.com")
    journal.append("p", [event], after=after, at=datetime(2026, 3, 2, 9, 30, tzinfo=UTC))
"""


def test_a_file_that_may_not_grow_loses_nothing_of_what_was_written(tmp_path):
    path = tmp_path / "journal.sqlite3"
    printed = run_child(
        """
append(0, 1)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    append(1, 1_000_000)
except JournalUnavailable as error:
    print(error)
print(journal.heads())
""",
        path,
    )
    with Journal(f"sqlite:///{path}") as journal:
        reason = "the disk does not read or write (it may be full)"
        assert printed.splitlines() == [expected(journal, reason), "{'p': 1}"]
        journal.append("p", [noted(1_000_000)], after=1, at=AT)
        journal.verify("p")


def test_a_read_only_file_is_named_and_still_read():
    with TemporaryDirectory() as folder:  # tmp_path lies in a folder closed to other users
        path = Path(folder) / "journal.sqlite3"
        with Journal(f"sqlite:///{path}") as journal:
            journal.append("p", [noted()], after=0, at=AT)
        path.chmod(0o444)
        Path(folder).chmod(0o777)  # a reader of a write-ahead log makes files beside it
        printed = run_child(
            """
journal.heads()
journal.close()
if os.geteuid() == 0:
    os.setuid(65534)  # root may write everything
try:
    append(1, 1)
except JournalUnavailable as error:
    print(error)
print(len(journal.read("p")))
""",
            path,
        )
    assert printed.splitlines() == [
        expected(journal, "the file or its folder is read-only"),
        "1",
    ]


def test_a_folder_in_place_of_the_file_is_named(tmp_path):
    with Journal(f"sqlite:///{tmp_path}") as journal:
        assert trouble(journal) == expected(
            journal, "the file cannot be opened (is it a folder, or closed to this user?)"
        )


def test_a_file_in_place_of_the_folder_is_named(tmp_path):
    (tmp_path / "taken").write_text("")
    with Journal(f"sqlite:///{tmp_path / 'taken' / 'journal.sqlite3'}") as journal:
        assert trouble(journal) == expected(journal, "the folder cannot be made (File exists)")


def test_a_file_that_is_no_database_is_named(tmp_path):
    path = tmp_path / "journal.sqlite3"
    path.write_text("this is no database, and long enough to be looked at " * 20)
    with Journal(f"sqlite:///{path}") as journal:
        assert trouble(journal) == expected(
            journal, "the file is no SQLite database, or it is damaged; put back a copy"
        )


def test_a_damaged_file_is_named_when_it_is_read(tmp_path):
    path = tmp_path / "journal.sqlite3"
    address = f"sqlite:///{path}"
    with Journal(address) as journal:
        journal.append("p", [noted(2_000) for _ in range(50)], after=0, at=AT)
    healthy = path.read_bytes()
    path.write_bytes(healthy[:8_192] + b"\xff" * (len(healthy) - 8_192))
    with Journal(address) as journal, pytest.raises(JournalUnavailable) as caught:
        journal.verify("p")
    assert str(caught.value) == expected(journal, "the file is damaged; put back a copy")


def test_a_file_that_somebody_keeps_locked_is_named(sqlite_address, monkeypatch):
    monkeypatch.setattr(databases, "LOCK_SECONDS", 0.05)
    with Journal(sqlite_address) as first, Journal(sqlite_address) as second:
        first.append("p", [noted()], after=0, at=AT)
        with first._tables.engine.connect().execution_options(rollout_writes=True) as connection:
            connection.begin()
            found = trouble(second, after=1)
    assert found == expected(second, "another process keeps it locked")


# PostgreSQL


def test_a_server_that_is_not_there_is_named_without_the_password():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: the port refuses
        port = taken.getsockname()[1]
        address = f"postgresql://rollout:s3cret@127.0.0.1:{port}/rollout"
        with Journal(address) as journal:
            found = trouble(journal)
    assert found.startswith(
        f"the journal at postgresql://rollout:***@127.0.0.1:{port}/rollout cannot be used: "
    )
    assert "Connection refused" in found
    assert found.endswith(NEXT_STEP)
    assert "s3cret" not in found


def test_a_server_that_does_not_answer_is_given_up(monkeypatch):
    monkeypatch.setattr(databases, "CONNECT_SECONDS", 2)  # libpq's least
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"postgresql://127.0.0.1:{silent.getsockname()[1]}/rollout"
        with Journal(address) as journal:
            assert "timeout" in trouble(journal)


def test_a_database_that_does_not_exist_is_named(postgresql_server):
    with Journal(postgresql_server.replace("/postgres?", "/nowhere?")) as journal:
        assert 'database "nowhere" does not exist' in trouble(journal)


def test_a_user_who_may_not_read_is_told_so(postgresql_address):
    with Journal(postgresql_address) as journal:
        journal.append("p", [noted()], after=0, at=AT)
    with psycopg.connect(postgresql_address, autocommit=True) as connection:
        connection.execute("CREATE ROLE stranger LOGIN")
    with Journal(postgresql_address.replace("//postgres:", "//stranger:")) as journal:
        assert trouble(journal, after=1) == expected(
            journal, "this user may not read or write the journal's table"
        )


def test_a_lock_that_somebody_keeps_is_named(postgresql_address, monkeypatch):
    monkeypatch.setattr(databases, "LOCK_SECONDS", 0.05)
    with Journal(postgresql_address) as journal:
        journal.append("p", [noted()], after=0, at=AT)
        with psycopg.connect(postgresql_address) as connection:
            connection.execute("LOCK TABLE rollout_journal")
            assert trouble(journal, after=1) == expected(journal, "another process keeps it locked")


def test_an_answer_that_takes_too_long_is_given_up(postgresql_address, monkeypatch):
    monkeypatch.setattr(databases, "ANSWER_SECONDS", 0.05)
    with Journal(postgresql_address) as journal:
        journal.append("p", [noted()], after=0, at=AT)
        with psycopg.connect(postgresql_address) as connection:
            connection.execute("LOCK TABLE rollout_journal")
            assert trouble(journal, after=1) == expected(journal, "it takes too long to answer")


def test_a_connection_that_the_server_closed_is_opened_again(postgresql_address):
    with Journal(postgresql_address) as journal:
        journal.append("p", [noted()], after=0, at=AT)
        with psycopg.connect(postgresql_address, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        journal.append("p", [noted()], after=1, at=AT)
        assert journal.heads() == {"p": 2}


def test_a_user_who_may_only_add_needs_no_other_right(postgresql_address):
    with Journal(postgresql_address) as journal:
        journal.append("p", [noted()], after=0, at=AT)
    with psycopg.connect(postgresql_address, autocommit=True) as connection:
        connection.execute("CREATE ROLE writer LOGIN")
        connection.execute("GRANT SELECT, INSERT ON rollout_journal TO writer")
    with Journal(postgresql_address.replace("//postgres:", "//writer:")) as journal:
        journal.append("p", [noted()], after=1, at=AT)
        assert journal.heads() == {"p": 2}


# Addresses

EXAMPLES = (
    "expected sqlite:////FOLDER/journal.sqlite3 or postgresql://USER:PASSWORD@HOST/DATABASE; "
    "mend it in .env"
)


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("nonsense s3cret", "ROLLOUT_JOURNAL_URL is no database URL"),
        (
            "mysql://rollout:s3cret@localhost/rollout",
            "ROLLOUT_JOURNAL_URL asks for 'mysql', which the journal does not know",
        ),
        ("postgresql://h:s3cret/x", "ROLLOUT_JOURNAL_URL is no database URL"),
        ("sqlite://", "ROLLOUT_JOURNAL_URL names no plain SQLite file"),
        ("sqlite:///:memory:", "ROLLOUT_JOURNAL_URL names no plain SQLite file"),
        (
            "sqlite:///file:s3cret?mode=memory&uri=true",
            "ROLLOUT_JOURNAL_URL names no plain SQLite file",
        ),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_being_shown(address, found):
    with pytest.raises(SettingsWrong) as caught:
        Journal(address)
    assert str(caught.value) == f"{found}; {EXAMPLES}"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (
            "postgresql+psycopg://rollout:s3cret@db.example.com:5432/rollout",
            "postgresql://rollout:***@db.example.com:5432/rollout",
        ),
        (
            "postgresql://db.example.com/rollout?password=s3cret&sslmode=require",
            "postgresql://db.example.com/rollout?password=hidden&sslmode=require",
        ),
        ("sqlite:////srv/journal.sqlite3", "sqlite:////srv/journal.sqlite3"),
    ],
)
def test_an_address_is_shown_without_its_password(address, shown):
    with Journal(address) as journal:
        assert journal.address == shown


def test_an_error_keeps_its_text_and_data_on_the_way_to_another_process():
    error = pickle.loads(pickle.dumps(JournalUnavailable("sqlite:///j", "the disk is full")))  # noqa: S301  our own
    assert str(error) == f"the journal at sqlite:///j cannot be used: the disk is full. {NEXT_STEP}"
    assert type(error) is JournalUnavailable
