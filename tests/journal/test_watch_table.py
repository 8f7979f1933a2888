"""The table of `watch`: rows follow the journal, and the newer of two writers stays."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from policy_rollout.journal import watch_table
from policy_rollout.journal.entries import Event
from policy_rollout.journal.watch_table import NEVER, Known, Stale, WatchTable
from policy_rollout.watched import Watched

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
EVENT = Event(kind="noted", body={}, actor="mei@example.com")


@pytest.fixture
def table(address, journal):
    journal.append("a", [EVENT], after=0, at=AT)
    with WatchTable(address) as opened:
        yield opened


def row(program: str, head: int = 1, **changes) -> Known:
    watched = Watched(
        program=program,
        head=head,
        run=f"run of {program}",
        is_open=True,
        due_at=None,
        hangs_on=frozenset(),
        absences="",
        workbook=None,
    )
    return Known(replace(watched, **changes))


def put(table: WatchTable, *knowns: Known, before: int | None = None) -> None:
    table.put(knowns, {each.program.program: before for each in knowns})


def names(knowns) -> list[str]:
    return [each.program.program for each in knowns]


def stale(table: WatchTable) -> tuple[Stale, ...]:
    return table.stale(reserved="~")


def test_a_program_without_a_row_is_stale_and_with_one_it_is_not(table):
    assert stale(table) == (Stale("a", None),)

    put(table, row("a"))

    assert stale(table) == ()
    assert table.named(["a"]) == (row("a"),)


def test_a_program_whose_journal_went_on_is_stale(table, journal):
    put(table, row("a"))
    journal.append("a", [EVENT, EVENT], after=1, at=AT)
    journal.append("b", [EVENT], after=0, at=AT)

    assert stale(table) == (Stale("a", 1), Stale("b", None))


def test_names_that_are_no_programs_are_left_out(table, journal):
    journal.append("~people", [EVENT], after=0, at=AT)

    assert stale(table) == (Stale("a", None),)


def test_a_row_of_another_version_is_made_anew(table, monkeypatch):
    put(table, row("a"))
    monkeypatch.setattr(watch_table, "VERSION", 2)
    assert stale(table) == (Stale("a", 1),)

    put(table, row("a"), before=1)

    assert stale(table) == ()


def test_a_row_that_somebody_deleted_or_touched_is_made_anew(table):
    put(table, row("a"))
    with table._tables.transaction(writes=True) as connection:
        connection.execute(update(watch_table._WATCHED).values(head=9))

    assert stale(table) == (Stale("a", 9),)


def test_of_two_writers_who_knew_the_same_row_the_first_stays(table):
    put(table, row("a", 1))
    put(table, row("a", 3), before=1)

    put(table, row("a", 2), before=1)

    assert [each.program.head for each in table.named(["a"])] == [3]


def test_of_two_writers_of_new_rows_each_adds_those_that_are_missing(table):
    put(table, row("a", 1))

    put(table, row("a", 2), row("b", 1))

    assert [(each.program.program, each.program.head) for each in table.named(["a", "b"])] == [
        ("a", 1),
        ("b", 1),
    ]


def test_everything_that_is_put_comes_back(table):
    known = Known(
        row(
            "a",
            due_at=AT,
            hangs_on=frozenset({"lea@example.com", "pia@example.com"}),
            absences="abc",
            workbook="",
        ).program,
        issues_until=AT + HOUR,
        rows_until=AT - HOUR,
        rows_mark="mark",
        looked_at=AT,
    )

    put(table, known)

    assert table.named(["a"]) == (known,)


def test_programs_are_found_when_they_are_due_and_not_before(table):
    put(table, row("a", due_at=AT), row("b", due_at=AT + HOUR), row("c"))

    assert names(table.due(AT - HOUR)) == []
    assert names(table.due(AT)) == ["a"]
    assert names(table.due(AT + HOUR)) == ["a", "b"]


def test_programs_are_found_by_whom_they_hang_on_or_what_they_counted_in(table):
    put(
        table,
        row("a", hangs_on=frozenset({"lea@example.com"})),
        row("b", hangs_on=frozenset({"a_lea@example.com", "l%@example.com"})),
        row("c", absences="abc"),
        row("d"),
    )

    assert names(table.hanging_on([])) == ["c"]
    assert names(table.hanging_on(["lea@example.com"])) == ["a", "c"]
    assert names(table.hanging_on(["l%@example.com"])) == ["b", "c"]
    many = [f"p{number}@example.com" for number in range(1_500)]  # SQLite takes 1,000 terms
    assert names(table.hanging_on([*many, "lea@example.com"])) == ["a", "c"]


def test_programs_are_found_by_run_and_by_workbook(table):
    put(table, row("a", workbook=""), row("b", workbook="book"), row("c", run=""))

    assert names(table.of_runs(["run of b", "another", ""])) == ["b"]
    assert table.workbooks() == {"", "book"}
    assert names(table.in_workbooks([""])) == ["a"]


def test_those_looked_at_longest_ago_come_first_and_none_that_are_over(table):
    put(
        table,
        replace(row("a"), looked_at=AT),
        replace(row("b"), looked_at=AT - HOUR),
        replace(row("c", run=""), looked_at=NEVER),
        replace(row("d"), looked_at=AT + HOUR),
    )

    assert names(table.looked_at_before(AT + HOUR, None)) == ["b", "a"]
    assert names(table.looked_at_before(AT + HOUR, 1)) == ["b"]
    assert table.open_programs() == 3


def test_many_programs_are_stale_and_put_at_once(table, journal):
    for number in range(520):
        journal.append(f"p{number:04}", [EVENT], after=0, at=AT)

    found = stale(table)
    put(table, *(row(each.program) for each in found))

    assert len(found) == 521
    assert stale(table) == ()
