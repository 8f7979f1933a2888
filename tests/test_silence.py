from datetime import UTC, date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_rollout import events as ev
from policy_rollout.absences import Absence, absent
from policy_rollout.fold import take
from policy_rollout.program import GateState, ProgramState, Recorded
from policy_rollout.silence import STEPS, Ahead, due_steps, next_step
from tests.planned import read

DUBLIN = ZoneInfo("Europe/Dublin")
MONDAY = datetime(2025, 10, 13, 9, tzinfo=DUBLIN)  # Monday, when the role's day begins
ABSENT = "absent until Fri 24 Oct 2025"


def program(
    *,
    members: str = "anna@example.com",
    backups: str = ", backups: [bo@example.com, cy@example.com]",
    escalate: str = "{remind: 8h, backup: 16h, owner: 24h}",
    owner: str = "owner: pm@example.com",
    quorum: int = 1,
):
    return read(
        f"""
program: p
policy: {{change: new}}
timeline: {{timezone: UTC}}
{owner}
people:
  legal: {{members: [{members}]{backups}, timezone: Europe/Dublin, holidays: IE}}
  tokyo: {{members: [kei@example.com], timezone: Asia/Tokyo}}
stages:
  one:
    tasks: {{a: {{title: A, team: tokyo}}}}
    gate: {{sign_off: {{legal: {quorum}}}, escalate: {escalate}}}
"""
    )


def asked(at: datetime = MONDAY, digest: str = "d1") -> ProgramState:
    gate = GateState(opened_at=at, digest=digest, ready_at=at)
    gate.asked["legal"] = ev.SignOffAsked(stage="one", role="legal", digest=digest, at=at)
    return ProgramState("p", gates={"one": gate})


def nobody(_person: str, _day: date) -> Absence | None:
    return None


def away(*people: str, delegate: str | None = None):
    def absent(person: str, day: date) -> Absence | None:
        first, last = date(2025, 10, 13), date(2025, 10, 24)
        if person not in people or not first <= day <= last:
            return None
        return Absence(person, first, last, delegate, person, MONDAY)

    return absent


def record(state: ProgramState, *events: ev.Event) -> None:
    for event in events:
        take(state, Recorded(state.head + 1, MONDAY, "", event))


def signed(person: str, digest: str = "d1", stands_for: str = "") -> ev.SignedOff:
    return ev.SignedOff(
        stage="one",
        round=1,
        role="legal",
        person=person,
        account=person,
        digest=digest,
        history_id=f"{person} {digest}",
        at=MONDAY,
        stands_for=stands_for,
    )


def rejected() -> ev.Rejected:
    return ev.Rejected(
        stage="one",
        round=1,
        role="legal",
        person="anna@example.com",
        account="a",
        history_id="1",
        at=MONDAY,
        reason="no",
        sent_back=(),
    )


def reminded(step, *people: str) -> ev.Reminded:
    return ev.Reminded(stage="one", round=1, role="legal", step=step, people=people)


def called(member: str, *backups: str, why: str, announced: bool = False) -> ev.BackupCalled:
    return ev.BackupCalled(
        stage="one",
        round=1,
        role="legal",
        member=member,
        backups=backups,
        why=why,
        announced=announced,
    )


def at(local: str) -> datetime:
    return datetime.fromisoformat(local).replace(tzinfo=DUBLIN).astimezone(UTC)


def due(spec, state: ProgramState, local: str, absences=nobody):
    return due_steps(spec, state, now=at(local), absences=absences)


def test_nothing_is_due_before_the_first_step():
    assert due(program(), asked(), "2025-10-13 16:59") == ()


def test_members_are_reminded_after_their_working_hours_of_silence():
    assert due(program(), asked(), "2025-10-13 17:00") == (reminded("remind", "anna@example.com"),)


def test_a_step_that_is_due_at_the_end_of_their_day_waits_for_the_morning():
    spec = program(escalate="{remind: 9h}")
    assert due(spec, asked(), "2025-10-13 18:00") == ()
    assert due(spec, asked(), "2025-10-14 08:59") == ()
    assert due(spec, asked(), "2025-10-14 09:00") == (reminded("remind", "anna@example.com"),)


def test_a_night_does_not_count():
    late = asked(datetime(2025, 10, 13, 20, tzinfo=DUBLIN))
    assert due(program(), late, "2025-10-14 16:59") == ()
    assert due(program(), late, "2025-10-14 17:00") == (reminded("remind", "anna@example.com"),)


def test_a_weekend_and_a_holiday_of_the_role_do_not_count():
    # 27 October 2025 is a Monday and the October holiday in Ireland.
    friday = asked(datetime(2025, 10, 24, 17, tzinfo=DUBLIN))
    assert due(program(), friday, "2025-10-27 17:00") == ()
    assert due(program(), friday, "2025-10-28 15:59") == ()
    assert due(program(), friday, "2025-10-28 16:00") == (reminded("remind", "anna@example.com"),)


def test_backups_are_called_for_each_silent_member():
    spec, state = program(members="anna@example.com, al@example.com"), asked()
    record(state, reminded("remind", "anna@example.com", "al@example.com"))
    why = "no answer within 16 working hours"
    assert due(spec, state, "2025-10-14 16:00") == (
        called("anna@example.com", "bo@example.com", "cy@example.com", why=why),
        called("al@example.com", "bo@example.com", "cy@example.com", why=why),
        reminded("backup", "bo@example.com", "cy@example.com"),
    )


def test_nobody_is_called_for_a_member_who_has_signed():
    spec, state = program(members="anna@example.com, al@example.com", quorum=2), asked()
    record(state, reminded("remind", "anna@example.com"), signed("anna@example.com"))
    members = [
        each.member
        for each in due(spec, state, "2025-10-14 16:00")
        if isinstance(each, ev.BackupCalled)
    ]
    assert members == ["al@example.com"]


def test_nobody_is_called_for_a_member_for_whom_a_backup_has_signed():
    spec, state = program(members="anna@example.com, al@example.com", quorum=2), asked()
    record(state, signed("bo@example.com", stands_for="anna@example.com"))
    assert due(spec, state, "2025-10-13 17:00") == (reminded("remind", "al@example.com"),)


def test_the_owner_is_told_last():
    state = asked()
    record(state, reminded("remind"), reminded("backup"))
    assert due(program(), state, "2025-10-15 14:59") == ()
    assert due(program(), state, "2025-10-15 15:00") == (reminded("owner", "pm@example.com"),)


def test_what_nobody_looked_for_in_time_is_taken_in_order():
    kinds = [
        getattr(each, "step", "called") for each in due(program(), asked(), "2025-11-03 10:00")
    ]
    assert kinds == ["remind", "called", "backup", "owner"]


def test_hours_written_out_of_order_still_lead_to_steps_in_order():
    spec = program(escalate="{remind: 8h, backup: 2h, owner: 1h}")
    assert due(spec, asked(), "2025-10-13 16:59") == ()
    steps = [
        each.step
        for each in due(spec, asked(), "2025-10-13 17:00")
        if isinstance(each, ev.Reminded)
    ]
    assert steps == ["remind", "backup", "owner"]


def test_a_role_without_backups_goes_on_to_the_owner():
    spec, state = program(backups=""), asked()
    record(state, reminded("remind"))
    assert due(spec, state, "2025-10-14 16:00") == ()
    assert due(spec, state, "2025-10-15 15:00") == (reminded("owner", "pm@example.com"),)


def test_a_program_without_owner_ends_with_the_backups():
    spec, state = program(owner=""), asked()
    record(state, reminded("remind"), reminded("backup"), called("anna@example.com", why=""))
    assert due(spec, state, "2025-11-03 10:00") == ()


def test_the_owner_is_never_called_as_a_backup():
    spec = program(backups=", backups: [pm@example.com, cy@example.com]")
    calls = [
        each.backups
        for each in due(spec, asked(), "2025-10-14 16:00")
        if isinstance(each, ev.BackupCalled)
    ]
    assert calls == [("cy@example.com",)]


def test_nothing_is_due_once_the_quorum_has_signed():
    state = asked()
    record(state, signed("anna@example.com"))
    assert due(program(), state, "2025-11-03 10:00") == ()


def test_nothing_is_due_before_the_issue_carries_the_current_digest():
    state = asked()
    record(state, ev.GateReady(stage="one", round=1, digest="d2"))
    assert due(program(), state, "2025-11-03 10:00") == ()


def test_nothing_is_due_where_the_criteria_no_longer_hold():
    now = at("2025-11-03 10:00")
    assert due_steps(program(), asked(), now=now, absences=nobody, asking=()) == ()


def ask_again(state: ProgramState, local: str) -> None:
    record(
        state,
        ev.GateReady(stage="one", round=1, digest="d2"),
        ev.SignOffAsked(stage="one", role="legal", digest="d2", at=at(local)),
    )


def test_a_changed_digest_starts_the_clock_again():
    state = asked()
    ask_again(state, "2025-10-13 16:00")
    assert due(program(), state, "2025-10-13 17:00") == ()
    assert due(program(), state, "2025-10-14 15:00") == (reminded("remind", "anna@example.com"),)


def test_a_step_that_was_taken_on_an_older_digest_is_not_taken_again_in_the_round():
    state = asked()
    record(state, reminded("remind", "anna@example.com"))
    ask_again(state, "2025-10-13 17:30")
    assert due(program(), state, "2025-10-14 17:59") == ()


def test_a_new_round_escalates_anew():
    state = asked()
    record(state, *due(program(), state, "2025-11-03 10:00"), rejected())
    gate = state.gates["one"]
    assert (gate.called, gate.reminded) == ({}, {})
    ask_again(state, "2025-11-04 09:00")
    steps = due(program(), state, "2025-11-04 17:00")
    assert steps == (reminded("remind", "anna@example.com").model_copy(update={"round": 2}),)


def test_backups_are_called_at_once_for_a_member_who_is_absent():
    steps = due(program(), asked(), "2025-10-13 09:00", away("anna@example.com"))
    assert steps == (
        called("anna@example.com", "bo@example.com", "cy@example.com", why=ABSENT, announced=True),
    )


def test_a_delegate_who_is_a_backup_is_called_alone():
    absences = away("anna@example.com", delegate="cy@example.com")
    steps = due(program(), asked(), "2025-10-13 09:00", absences)
    assert steps == (called("anna@example.com", "cy@example.com", why=ABSENT, announced=True),)


@pytest.mark.parametrize("delegate", ["mallory@example.com", "pm@example.com", "BO@example.com"])
def test_a_delegate_who_is_no_backup_cannot_stand_in(delegate):
    absences = away("anna@example.com", delegate=delegate)
    (step,) = due(program(), asked(), "2025-10-13 09:00", absences)
    assert step.backups == ("bo@example.com", "cy@example.com")


def test_a_delegate_who_is_absent_too_cannot_stand_in():
    absences = away("anna@example.com", "cy@example.com", delegate="cy@example.com")
    (step,) = due(program(), asked(), "2025-10-13 09:00", absences)
    assert step.backups == ("bo@example.com", "cy@example.com")


def test_an_absence_calls_nobody_at_night():
    absences = away("anna@example.com")
    assert due(program(), asked(), "2025-10-13 20:00", absences) == ()


def test_an_absence_is_called_for_once():
    state, absences = asked(), away("anna@example.com")
    record(state, *due(program(), state, "2025-10-13 09:00", absences))
    assert due(program(), state, "2025-10-13 09:01", absences) == ()


def test_who_stands_in_is_reminded_in_place_of_an_absent_member():
    state, absences = asked(), away("anna@example.com", delegate="cy@example.com")
    record(state, *due(program(), state, "2025-10-13 09:00", absences))
    steps = due(program(), state, "2025-10-13 17:00", absences)
    assert steps == (reminded("remind", "cy@example.com"),)


def test_a_member_who_is_back_is_reminded_again():
    state = asked()
    record(state, called("anna@example.com", "cy@example.com", why=ABSENT, announced=True))
    assert due(program(), state, "2025-10-13 17:00") == (reminded("remind", "anna@example.com"),)


def test_all_backups_are_called_where_the_delegate_is_silent_too():
    state, absences = asked(), away("anna@example.com", delegate="cy@example.com")
    record(state, *due(program(), state, "2025-10-13 09:00", absences), reminded("remind"))
    steps = due(program(), state, "2025-10-14 16:00", absences)
    assert steps == (
        called(
            "anna@example.com",
            "bo@example.com",
            "cy@example.com",
            why="no answer within 16 working hours",
        ),
        reminded("backup", "bo@example.com", "cy@example.com"),
    )


def test_silence_never_approves():
    state = asked()
    record(state, *due(program(), state, "2026-10-12 10:00"))
    assert state.gates["one"].sign_offs == []
    assert state.gates["one"].passed_at is None


moments = st.integers(0, 60 * 24 * 40).map(lambda minutes: MONDAY + timedelta(minutes=minutes))


@given(
    st.lists(moments, max_size=30),
    st.sampled_from([(), ("anna@example.com",), ("anna@example.com", "al@example.com")]),
    st.tuples(*[st.integers(1, 40)] * 3),
)
def test_whatever_the_times_each_step_is_taken_once_in_order_and_at_work(times, absentees, hours):
    written = "{{remind: {}h, backup: {}h, owner: {}h}}".format(*hours)
    spec = program(members="anna@example.com, al@example.com", escalate=written)
    state, steps, calls = asked(), [], []
    for now in times:
        found = due_steps(spec, state, now=now.astimezone(UTC), absences=away(*absentees))
        local = now.astimezone(DUBLIN)
        assert not found or (local.weekday() < 5 and 9 <= local.hour < 18)
        record(state, *found)
        steps += [each.step for each in found if isinstance(each, ev.Reminded)]
        calls += [each.member for each in found if isinstance(each, ev.BackupCalled)]
    assert steps == list(STEPS[: len(steps)])
    assert len(calls) == len(set(calls))


# When the next step is due


IN_TWO_WEEKS = timedelta(days=14)


def ahead(spec, state, now, *absences):
    return next_step(spec, state, now=now, absences=absences, asking=["one"])


def absence(person: str, first: date, last: date) -> Absence:
    return Absence(person, first, last, None, person, MONDAY)


def test_the_first_step_is_ahead_by_working_hours():
    spec = program()

    assert ahead(spec, asked(), MONDAY).at == at("2025-10-13 17:00")


def test_a_step_that_was_missed_is_due_when_the_role_is_at_work_again():
    spec, night = program(), at("2025-10-15 23:00")

    assert ahead(spec, asked(), night).at == at("2025-10-16 09:00")


def test_after_the_last_step_nothing_is_ahead():
    spec, state = program(), asked()
    record(state, *(reminded(step, "anna@example.com") for step in STEPS))

    assert ahead(spec, state, MONDAY).at is None


def test_a_digest_that_nobody_was_asked_for_has_nothing_ahead():
    state = asked()
    state.gates["one"].digest = "d2"

    assert ahead(program(), state, MONDAY) == Ahead(None, frozenset())


def test_a_stage_whose_criteria_do_not_hold_has_nothing_ahead():
    found = next_step(program(), asked(), now=MONDAY, absences=(), asking=[])

    assert found == Ahead(None, frozenset())


def test_it_hangs_on_silent_members_who_have_backups_and_were_not_called_for():
    spec = program(members="anna@example.com, ben@example.com")
    state = asked()
    record(state, called("ben@example.com", "bo@example.com", why="absent"))

    assert ahead(spec, state, MONDAY).hangs_on == {"anna@example.com"}
    assert ahead(program(backups=""), asked(), MONDAY).hangs_on == frozenset()


def test_an_absence_is_ahead_from_the_first_working_hour_of_its_first_day():
    away_from_tuesday = absence("anna@example.com", date(2025, 10, 14), date(2025, 10, 15))
    spec = program(escalate="{remind: 40h, backup: 60h, owner: 80h}")

    assert ahead(spec, asked(), MONDAY, away_from_tuesday).at == at("2025-10-14 09:00")


def test_an_absence_over_a_weekend_alone_calls_nobody():
    weekend = absence("anna@example.com", date(2025, 10, 18), date(2025, 10, 19))
    spec = program(escalate="{remind: 80h, backup: 90h, owner: 99h}")

    assert ahead(spec, asked(), MONDAY, weekend).at > at("2025-10-20 09:00")


@given(
    began=st.timedeltas(timedelta(0), timedelta(days=28)),  # over the end of summer time
    later=st.timedeltas(timedelta(0), timedelta(days=7)),
    hours=st.tuples(st.integers(1, 30), st.integers(1, 30), st.integers(1, 30)),
    taken=st.sets(st.sampled_from(STEPS)),
    away_on=st.lists(
        st.tuples(st.sampled_from(["anna", "ben"]), st.integers(0, 20), st.integers(0, 5)),
        max_size=2,
    ),
)
def test_no_step_is_due_before_the_time_that_is_ahead_and_one_is_due_then(
    began, later, hours, taken, away_on
):
    spec = program(
        members="anna@example.com, ben@example.com",
        escalate="{{remind: {}h, backup: {}h, owner: {}h}}".format(*hours),
    )
    asked_at = MONDAY.astimezone(UTC) + began
    state = asked(asked_at)
    record(state, *(reminded(step, "anna@example.com") for step in taken))
    absences = [
        absence(f"{who}@example.com", first, first + timedelta(days=length))
        for who, days, length in away_on
        for first in [asked_at.date() + timedelta(days=days)]
    ]
    now = asked_at + later

    def due_at(moment):
        return due_steps(spec, state, now=moment, absences=partial(absent, absences))

    found = ahead(spec, state, now, *absences).at

    end = min(found, now + IN_TWO_WEEKS) if found else now + IN_TWO_WEEKS
    step = (end - now) / 40
    assert not any(due_at(now + step * each) for each in range(40) if now + step * each < end)
    if found:
        assert due_at(found)
        assert found == now or not due_at(max(now, found - timedelta(microseconds=1)))
