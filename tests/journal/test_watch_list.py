"""The table of `watch` after a refresh is what the journals say, whoever refreshes it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest

from policy_rollout import events as ev
from policy_rollout import watch_list
from policy_rollout.history import note
from policy_rollout.journal.store import Journal
from policy_rollout.journal.watch_table import Known, WatchTable
from policy_rollout.people_events import AbsenceAnnounced
from policy_rollout.people_history import absences_of, announce_absence
from policy_rollout.watch_list import refresh, row_of
from policy_rollout.work import State

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)  # a Monday
ANNA = "anna@example.com"
SPEC = """
program: {name}
policy: {{change: new, existing_content: {{applies: false}}}}
timeline: {{timezone: UTC, effective: 2027-03-01}}
people:
  legal: {{members: [anna@example.com], backups: [bo@example.com]}}
stages:
  one:
    gate: {{sign_off: {{legal: 1}}}}
    tasks: {{a: {{title: A, team: legal, assignee: wim@example.com}}}}
"""


@pytest.fixture
def table(address):
    with WatchTable(address) as opened:
        yield opened


def launch(journal: Journal, name: str, text: str = SPEC) -> None:
    launched = ev.Launched(spec_text=text.format(name=name), spec_path="s.yaml", run=f"run-{name}")
    asked = (
        ev.StageOpened(stage="one"),
        ev.WorkSeen(items={f"{name}/one/a": ev.Seen(state=State.DONE)}),
        ev.GateReady(stage="one", round=1, digest="d", covers={}),
        ev.SignOffAsked(stage="one", role="legal", digest="d", at=AT),
    )
    note(journal, name, (launched, *asked), actor="test", at=AT)


def trouble(journal: Journal, name: str, again_at: datetime) -> None:
    note(journal, name, (ev.TroubleMet(text="x", again_at=again_at),), actor="test", at=AT)


def rows(table: WatchTable, *names: str) -> list[Known]:
    return list(table.named(names))


def test_each_program_has_the_row_that_its_journal_makes(journal, table):
    launch(journal, "a")
    launch(journal, "b")

    assert refresh(journal, table, now=AT) == ()

    expected = [Known(row_of(journal, each, absences=(), now=AT)) for each in "ab"]
    assert rows(table, "a", "b") == expected
    assert expected[0].program.due_at == AT + timedelta(hours=8)


def test_only_programs_whose_journal_moved_are_read_again(journal, table, monkeypatch):
    launch(journal, "a")
    launch(journal, "b")
    refresh(journal, table, now=AT)
    trouble(journal, "b", AT)
    read: list[str] = []
    fold = watch_list.state_of
    monkeypatch.setattr(watch_list, "state_of", lambda j, name: read.append(name) or fold(j, name))

    refresh(journal, table, now=AT)

    assert read == ["b"]
    assert rows(table, "b")[0].program.due_at == AT


def test_an_absence_makes_anew_the_rows_that_hang_on_the_person_and_no_others(journal, table):
    launch(journal, "a")
    launch(journal, "b", SPEC.replace(ANNA, "cleo@example.com"))
    refresh(journal, table, now=AT)
    before = rows(table, "b")
    tomorrow = date(2026, 3, 3)
    announced = AbsenceAnnounced(
        person=ANNA, from_day=tomorrow, to_day=tomorrow, delegate="", by=ANNA
    )
    announce_absence(journal, announced, at=AT)

    refresh(journal, table, now=AT)

    assert rows(table, "b") == before
    (known,) = rows(table, "a")
    assert known == Known(row_of(journal, "a", absences=absences_of(journal), now=AT))
    assert known.program.absences

    # Once it is over, it is no longer counted in.
    refresh(journal, table, now=AT + timedelta(days=3))
    assert rows(table, "a")[0].program.absences == ""


def test_a_program_that_cannot_be_read_is_told_and_the_others_have_their_rows(journal, table):
    launch(journal, "broken", "program: [")
    launch(journal, "fine")

    (told,) = refresh(journal, table, now=AT)

    assert told.startswith("broken: s.yaml:")
    assert [each.program.program for each in rows(table, "broken", "fine")] == ["fine"]


def test_watchers_and_writers_at_the_same_time_leave_the_rows_that_the_journals_make(
    address, journal, table
):
    names = [f"p{number:02}" for number in range(24)]
    for each in names:
        launch(journal, each)

    def watcher(_: int) -> tuple[str, ...]:
        with Journal(address) as own, WatchTable(address) as own_table:
            return refresh(own, own_table, now=AT)

    def writer(name: str) -> None:
        with Journal(address) as own:
            trouble(own, name, AT + timedelta(minutes=5))

    with ThreadPoolExecutor(6) as pool:
        watchers = [pool.submit(watcher, each) for each in range(6)]
        writers = [pool.submit(writer, each) for each in names[::3]]
    assert [each.result() for each in watchers] == [()] * 6
    assert all(each.exception() is None for each in writers)

    refresh(journal, table, now=AT)

    assert rows(table, *names) == [
        Known(row_of(journal, each, absences=(), now=AT)) for each in names
    ]
