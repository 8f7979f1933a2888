"""How long the journal takes: in SQLite, and in PostgreSQL."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.databases import postgresql
from benchmarks.rows import Row, seconds_of
from policy_rollout.journal.entries import Event
from policy_rollout.journal.store import Journal

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ENTRIES = 100_000
SINGLE_APPENDS = 500
VERIFY_BUDGET_SECONDS = 10


def noted(number: int) -> Event:
    body = {"number": number, "issues": {f"p/prepare/item-{number}": f"POL-{number}"}}
    return Event(kind="noted", body=body, actor="mei@example.com")


def append_singly(journal: Journal) -> None:
    for after in range(SINGLE_APPENDS):
        journal.append("singly", [noted(after)], after=after, at=AT)


def measure(kind: str, address: str) -> list[Row]:
    many = [noted(number) for number in range(ENTRIES)]
    with Journal(address) as journal:
        batch = seconds_of(lambda: journal.append("batch", many, after=0, at=AT))
        single = seconds_of(lambda: append_singly(journal)) / SINGLE_APPENDS
        read = seconds_of(lambda: journal.read("batch"))
        verify = seconds_of(lambda: journal.verify("batch"))
        heads = seconds_of(journal.heads)
    count = f"{ENTRIES:,} entries"
    return [
        Row(f"{kind}: append {count} at once", batch, "s"),
        Row(f"{kind}: append one entry", single * 1000, "ms"),
        Row(f"{kind}: read {count}", read, "s"),
        Row(f"{kind}: verify {count}", verify, "s", budget=VERIFY_BUDGET_SECONDS),
        Row(f"{kind}: heads among {count}", heads * 1000, "ms"),
    ]


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder, postgresql() as address:
        sqlite = f"sqlite:///{Path(folder) / 'journal.sqlite3'}"
        return [*measure("SQLite", sqlite), *measure("PostgreSQL", address)]
