"""Several processes that write to one journal at once."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing.synchronize import Barrier

from policy_rollout.errors import JournalConflict
from policy_rollout.journal.entries import Event
from policy_rollout.journal.store import Journal

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
WRITERS = 2
PROGRAMS = 20
ENTRIES = 40

_start: list[Barrier] = []


def _take_barrier(barrier: Barrier) -> None:
    _start.append(barrier)


def _append_first(address: str, name: str) -> list[str]:
    """The programs whose first entry this writer wrote."""
    won = []
    with Journal(address) as journal:
        _start[0].wait(timeout=60)
        for program in (f"p{number}" for number in range(PROGRAMS)):
            try:
                journal.append(program, [Event("launched", {}, name)], after=0, at=AT)
            except JournalConflict:
                continue
            won.append(program)
    return won


def _append_many(address: str, name: str) -> int:
    """How often this writer lost; it reads again each time and writes all its entries."""
    lost = written = 0
    with Journal(address) as journal:
        _start[0].wait(timeout=60)
        while written < ENTRIES:
            after = journal.heads().get("p", 0)
            try:
                journal.append("p", [Event("noted", {"n": written}, name)], after=after, at=AT)
            except JournalConflict:
                lost += 1
            else:
                written += 1
    return lost


def _run_writers(work, address: str) -> list:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(WRITERS)
    with ProcessPoolExecutor(
        WRITERS, mp_context=context, initializer=_take_barrier, initargs=(barrier,)
    ) as pool:
        futures = [pool.submit(work, address, f"writer-{n}") for n in range(WRITERS)]
        return [future.result(timeout=120) for future in futures]


def test_one_of_two_writers_wins_each_sequence(address):
    won = _run_writers(_append_first, address)
    everything = [program for programs in won for program in programs]
    assert sorted(everything) == sorted(f"p{number}" for number in range(PROGRAMS))
    with Journal(address) as journal:
        assert journal.heads() == dict.fromkeys(everything, 1)


def test_two_writers_who_read_again_lose_nothing_and_leave_no_gap(address):
    _run_writers(_append_many, address)
    with Journal(address) as journal:
        entries = journal.read("p")
        journal.verify("p")
    assert [entry.sequence for entry in entries] == list(range(1, WRITERS * ENTRIES + 1))
    for number in range(WRITERS):
        own = [entry.body["n"] for entry in entries if entry.actor == f"writer-{number}"]
        assert own == list(range(ENTRIES))
