"""How long the journal takes: `python benchmarks/journal.py [SQLALCHEMY-URL]`, else SQLite.

Exits 1 when verifying 100,000 entries takes ten seconds or more.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from policy_rollout.journal.entries import Event
from policy_rollout.journal.store import Journal

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ENTRIES = 100_000
SINGLE_APPENDS = 500
VERIFY_BUDGET_SECONDS = 10


def noted(number: int) -> Event:
    body = {"number": number, "issues": {f"p/prepare/item-{number}": f"POL-{number}"}}
    return Event(kind="noted", body=body, actor="mei@example.com")


def seconds_of(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def append_singly(journal: Journal) -> None:
    for after in range(SINGLE_APPENDS):
        journal.append("singly", [noted(after)], after=after, at=AT)


def measure(address: str) -> float:
    many = [noted(number) for number in range(ENTRIES)]
    with Journal(address) as journal:
        batch = seconds_of(lambda: journal.append("batch", many, after=0, at=AT))
        single = seconds_of(lambda: append_singly(journal))
        read = seconds_of(lambda: journal.read("batch"))
        verify = seconds_of(lambda: journal.verify("batch"))
        heads = seconds_of(journal.heads)
    print(f"append {ENTRIES:,} entries in one transaction: {batch:.2f} s")
    print(f"append one entry: {single / SINGLE_APPENDS * 1000:.2f} ms")
    print(f"read {ENTRIES:,} entries: {read:.2f} s")
    print(f"verify {ENTRIES:,} entries: {verify:.2f} s (budget {VERIFY_BUDGET_SECONDS} s)")
    print(f"heads of {ENTRIES + SINGLE_APPENDS:,} entries: {heads * 1000:.1f} ms")
    return verify


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        default = f"sqlite:///{Path(folder) / 'journal.sqlite3'}"
        verify = measure(sys.argv[1] if len(sys.argv) > 1 else default)
    return int(verify >= VERIFY_BUDGET_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
