"""The row that tells `watch` whether it may leave a program alone, from the program's journal."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from policy_rollout import events as ev
from policy_rollout.absences import Absence
from policy_rollout.desired import Tab
from policy_rollout.observed import ObservedRow, Oddity
from policy_rollout.watched import mark_of_rows, watched
from policy_rollout.work import State
from tests.programs_under_way import (
    BEGAN,
    FULL,
    HEAD,
    ONE_TASK,
    PLAIN,
    UnderWay,
    asked,
    prepared,
)

LEA = "lea@example.com"
WITH_BACKUPS = PLAIN.replace(
    "legal:  {members: [lea@example.com, both@example.com, boss@example.com]}",
    "legal:  {members: [lea@example.com], backups: [ben@example.com]}",
).replace(
    "{sign_off: {legal: 1}}",
    "{sign_off: {legal: 1}, escalate: {remind: 40h, backup: 50h, owner: 60h}}",
)


def row(program: UnderWay, *absences: Absence):
    return watched(program.state, program.spec, absences=absences, now=program.model.now)


def absence(first: date, last: date, person: str = LEA) -> Absence:
    return Absence(person, first, last, None, person, BEGAN)


def test_a_program_that_waits_for_work_is_moved_from_outside_only():
    program = UnderWay()
    program.settle()

    found = row(program)

    assert (found.run, found.head) == ("run-1", program.state.head)
    assert found.is_open
    assert found.due_at is None
    assert found.workbook is None


def test_a_program_that_waits_for_a_sign_off_is_due_when_silence_is():
    program = asked()

    assert row(program).due_at > program.model.now
    program.model.now = row(program).due_at
    assert any(isinstance(each, ev.Reminded) for each in program.decide().events)


def test_the_time_moves_on_once_the_step_was_taken():
    program = asked()
    before = row(program).due_at
    program.model.now = before
    program.settle()

    assert row(program).due_at > before


def test_rows_of_open_stages_are_waited_for_in_the_workbook_of_the_settings():
    program = UnderWay(FULL)
    program.settle()

    assert row(program).workbook == ""


def test_a_workbook_of_its_own_is_named():
    program = UnderWay(
        FULL.replace("stages:", "sheets: {workbook: 1AbCdEfGhIjKlMnOpQrStUvWxYz}\nstages:", 1)
    )
    program.settle()

    assert row(program).workbook == "1AbCdEfGhIjKlMnOpQrStUvWxYz"


def test_rows_of_passed_stages_are_no_longer_waited_for():
    program = prepared()
    program.approve("legal", "lea")
    program.settle()

    assert row(program).workbook is None


def test_trouble_is_due_when_it_is_tried_again_and_nothing_outside_moves_it():
    program = asked(FULL)
    again = program.model.now + timedelta(minutes=7)
    program.record(ev.TroubleMet(text="HTTP 503", again_at=again))

    assert (row(program).due_at, row(program).is_open) == (again, False)


def test_a_code_that_nobody_judged_is_due_at_once():
    program = asked()
    given = ev.CodeGiven(
        stage="prepare",
        role="legal",
        person=LEA,
        action="approve",
        text="",
        digest="d",
        mark="code-1",
        at=program.model.now,
    )
    program.record(given)

    assert row(program).due_at == program.model.now


def test_a_creation_in_doubt_waits_for_its_own_run():
    program = UnderWay()
    program.record(ev.CreationIntended(batch="1", keys=("p/epic",), fence=0))

    assert (row(program).due_at, row(program).is_open) == (None, False)
    assert row(program).run == "run-1"


def test_a_program_that_is_over_has_no_run_to_mind():
    program = asked()
    program.record(ev.ProgramFinished())

    assert (row(program).run, row(program).is_open, row(program).due_at) == ("", False, None)


def test_a_program_that_was_stopped_is_minded_until_its_run_has_closed_it():
    program = asked()
    program.record(ev.ProgramStopped(by=LEA, reason="no"))
    before = row(program)
    program.record(ev.StopCarriedOut())

    assert before.run == "run-1"
    assert row(program).run == ""


def test_a_program_that_is_over_with_trouble_left_is_minded():
    program = asked()
    program.record(ev.ProgramFinished(), ev.TroubleMet(text="HTTP 503", again_at=program.model.now))

    assert row(program).run == "run-1"


def test_an_amended_spec_makes_another_row():
    program = asked(WITH_BACKUPS)
    before = row(program)
    program.amend(WITH_BACKUPS.replace("ben@example.com", "boss@example.com"))

    assert before.hangs_on == {LEA}
    assert row(program).hangs_on == frozenset()  # the owner stands in for nobody


def test_an_absence_of_whom_it_hangs_on_makes_it_due_and_is_counted_in():
    program = asked(WITH_BACKUPS)
    tomorrow = program.model.now.date() + timedelta(days=1)

    found = row(program, absence(tomorrow, tomorrow))

    assert found.hangs_on == {LEA}
    assert found.due_at == datetime(2025, 11, 4, 9, 0, tzinfo=UTC)
    assert found.absences != row(program).absences == ""


def test_absences_of_others_and_those_that_are_over_count_for_nothing():
    program = asked(WITH_BACKUPS)
    today, week = program.model.now.date(), timedelta(days=7)

    found = row(
        program, absence(today - week, today - week), absence(today, today, "z@example.com")
    )

    assert found == row(program)


def test_a_waiver_that_ends_makes_the_program_due_on_the_next_day():
    waivers = f"{HEAD}{ONE_TASK}    gate: {{sign_off: {{legal: 1}}, waivers: [pat@example.com]}}\n"
    program = UnderWay(waivers)
    program.settle()
    waiver = ev.Waived(
        stage="prepare",
        criterion="tasks",
        person="pia@example.com",
        account="account-of-pia",
        reason="late",
        until=date(2025, 11, 3),
        history_id="1",
        at=program.model.now,
    )
    program.record(waiver)

    assert row(program).due_at == datetime(2025, 11, 4, 0, 0, tzinfo=UTC)


# The mark of rows


ROW = ObservedRow(
    key="p/prepare/quiz/en-US",
    tab=Tab.TRAINING,
    state=State.TODO,
    completion=None,
    machine=(("Material", "Quiz"),),
    human=(("Status", "To do"), ("Notes", "")),
)


@pytest.mark.parametrize(
    ("changed", "oddities"),
    [
        ({ROW.key: replace(ROW, human=(("Status", "To do"), ("Notes", "half")))}, ()),
        ({ROW.key: replace(ROW, machine=(("Material", "Quizz"),))}, ()),
        ({ROW.key: ROW, "p/prepare/quiz/ja-JP": replace(ROW, key="p/prepare/quiz/ja-JP")}, ()),
        ({}, ()),
        ({ROW.key: ROW}, (Oddity("workbook, tab Training", "something odd"),)),
    ],
)
def test_whatever_changes_in_its_rows_changes_their_mark(changed, oddities):
    assert mark_of_rows(changed, oddities) != mark_of_rows({ROW.key: ROW}, ())


def test_the_order_of_rows_and_oddities_is_no_change():
    other = replace(ROW, key="p/prepare/quiz/ja-JP")
    odd = (Oddity("a", "b"), Oddity("c", "d"))

    one = mark_of_rows({ROW.key: ROW, other.key: other}, odd)

    assert one == mark_of_rows({other.key: other, ROW.key: ROW}, odd[::-1])
