"""Absences: who is away on a day, what the journal holds of it, and that it is no program."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_rollout.absences import Absence, PeopleRecord, absent, fold_absences
from policy_rollout.errors import AbsenceRefused, NotAbsent, PersonMalformed
from policy_rollout.events import ProgramFinished
from policy_rollout.history import note, programs
from policy_rollout.people_events import (
    PEOPLE,
    AbsenceAnnounced,
    AbsenceEnded,
    AuthenticatorEnrolled,
    AuthenticatorShown,
    people_body_of,
    people_event_from,
)
from policy_rollout.people_history import (
    absences_of,
    announce_absence,
    end_absence,
    note_people,
    people_records,
)

KIM = "p.kim@example.com"
MEI = "mei@example.com"
AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
MONDAY = date(2026, 3, 9)
FRIDAY = date(2026, 3, 13)
ONE_DAY = timedelta(days=1)


def announced(
    person: str = KIM, from_day: date = MONDAY, to_day: date = FRIDAY, delegate: str = ""
) -> AbsenceAnnounced:
    return AbsenceAnnounced(
        person=person, from_day=from_day, to_day=to_day, delegate=delegate, by="ana"
    )


def ended(day: date, person: str = KIM) -> AbsenceEnded:
    return AbsenceEnded(person=person, day=day, by="ana")


def folded(*events) -> tuple[Absence, ...]:
    return fold_absences(
        PeopleRecord(number, AT, "ana", event) for number, event in enumerate(events, start=1)
    )


def away(absences: tuple[Absence, ...], person: str = KIM) -> list[int]:
    """The days of March 2026 on which the person is absent."""
    days = (date(2026, 3, number) for number in range(1, 32))
    return [day.day for day in days if absent(absences, person, day)]


def test_an_absence_covers_its_first_day_its_last_day_and_those_between():
    assert away(folded(announced())) == [9, 10, 11, 12, 13]


def test_an_absence_tells_who_stands_in_who_noted_it_and_when():
    absences = folded(announced(delegate=MEI))
    assert absent(absences, KIM, MONDAY) == Absence(KIM, MONDAY, FRIDAY, MEI, "ana", AT)


def test_an_absence_without_a_delegate_names_none():
    found = absent(folded(announced()), KIM, MONDAY)
    assert found is not None
    assert found.delegate is None


@pytest.mark.parametrize("person", [MEI, "P.Kim@example.com", "p.k\u0456m@example.com", ""])
def test_an_absence_is_of_one_person_letter_by_letter(person):
    assert absent(folded(announced()), person, MONDAY) is None


def test_of_two_absences_on_a_day_the_one_announced_last_counts():
    absences = folded(announced(delegate=MEI), announced(delegate="lee@example.com"))
    found = absent(absences, KIM, MONDAY)
    assert found is not None
    assert found.delegate == "lee@example.com"


def test_who_is_back_is_there_from_that_day_on():
    assert away(folded(announced(), ended(date(2026, 3, 11)))) == [9, 10]


def test_who_is_back_on_the_first_day_was_never_absent():
    assert folded(announced(), ended(MONDAY)) == ()


def test_coming_back_leaves_a_later_absence_alone():
    later = announced(from_day=date(2026, 3, 23), to_day=date(2026, 3, 24))
    assert away(folded(announced(), later, ended(MONDAY + ONE_DAY))) == [9, 23, 24]


def test_coming_back_ends_every_absence_that_covers_the_day():
    longer = announced(to_day=date(2026, 3, 20))
    assert away(folded(announced(), longer, ended(MONDAY + ONE_DAY))) == [9]


def test_coming_back_leaves_other_people_absent():
    absences = folded(announced(), announced(person=MEI), ended(MONDAY))
    assert away(absences, MEI) == [9, 10, 11, 12, 13]


def test_an_absence_announced_after_coming_back_counts():
    assert away(folded(announced(), ended(MONDAY), announced())) == [9, 10, 11, 12, 13]


def test_an_enrolment_says_nothing_of_absences():
    event = AuthenticatorEnrolled(person=KIM, replaced=False, by="ana")
    assert away(folded(announced(), event)) == [9, 10, 11, 12, 13]


DAYS = st.integers(1, 31).map(lambda number: date(2026, 3, number))
EVENTS = st.lists(
    st.one_of(
        st.tuples(DAYS, DAYS).map(lambda days: announced(from_day=min(days), to_day=max(days))),
        DAYS.map(ended),
    )
)


@given(EVENTS)
def test_a_day_is_free_exactly_when_no_announcement_of_it_outlives_a_return(events):
    expected: list[set[int]] = []
    for event in events:
        if isinstance(event, AbsenceAnnounced):
            expected.append(set(range(event.from_day.day, event.to_day.day + 1)))
        else:
            back_on = event.day.day
            expected = [
                {day for day in days if day < back_on} if back_on in days else days
                for days in expected
            ]
    assert away(folded(*events)) == sorted(set().union(*expected))


@pytest.mark.parametrize(
    "event",
    [
        announced(delegate=MEI),
        ended(MONDAY),
        AuthenticatorShown(person=KIM, by="ana"),
        AuthenticatorEnrolled(person=KIM, replaced=True, by="ana"),
    ],
    ids=lambda event: event.kind,
)
def test_every_event_comes_out_of_its_journal_body_as_it_went_in(event):
    assert people_event_from(event.kind, people_body_of(event)) == event


# In the journal


def test_an_announced_absence_is_read_back(journal):
    announce_absence(journal, announced(delegate=MEI), at=AT)
    assert absences_of(journal) == (Absence(KIM, MONDAY, FRIDAY, MEI, "ana", AT),)


def test_who_noted_it_is_the_actor_in_a_chain_that_can_be_verified(journal):
    announce_absence(journal, announced(), at=AT)
    end_absence(journal, ended(MONDAY), at=AT)
    records = people_records(journal)
    assert [(each.sequence, each.actor, each.event.kind) for each in records] == [
        (1, "ana", "absence_announced"),
        (2, "ana", "absence_ended"),
    ]
    assert journal.verify(PEOPLE) == journal.read(PEOPLE)[-1].hash


def test_nobody_is_absent_in_a_journal_that_is_not_there(journal):
    assert absences_of(journal) == ()


def test_ending_an_absence_answers_what_it_cut_short(journal):
    announce_absence(journal, announced(), at=AT)
    assert end_absence(journal, ended(FRIDAY), at=AT).from_day == MONDAY
    assert away(absences_of(journal)) == [9, 10, 11, 12]


def test_no_absence_can_be_ended_that_nobody_announced(journal):
    announce_absence(journal, announced(), at=AT)
    with pytest.raises(NotAbsent) as caught:
        end_absence(journal, ended(date(2026, 3, 20)), at=AT)
    assert str(caught.value) == (
        "'p.kim@example.com' has announced no absence that covers 2026-03-20; announced: "
        "2026-03-09 to 2026-03-13. Give a day of the absence that is to end: rollout people back "
        "PERSON --on DAY"
    )
    assert len(people_records(journal)) == 1


def test_an_absence_that_ends_before_it_begins_is_refused(journal):
    with pytest.raises(AbsenceRefused) as caught:
        announce_absence(journal, announced(from_day=FRIDAY, to_day=MONDAY), at=AT)
    assert str(caught.value) == (
        "the absence of p.kim@example.com was not noted: it ends on 2026-03-09 and begins on "
        "2026-03-13; give the first day as --from and the last one as --to"
    )
    assert people_records(journal) == ()


def test_nobody_stands_in_for_themselves(journal):
    with pytest.raises(AbsenceRefused) as caught:
        announce_absence(journal, announced(delegate=KIM), at=AT)
    assert str(caught.value) == (
        "the absence of p.kim@example.com was not noted: its delegate is the person; name "
        "somebody else, or leave --delegate out"
    )


@pytest.mark.parametrize(
    "event", [announced(person="Kim"), announced(delegate="mei@ex\u0430mple.com")]
)
def test_an_absence_names_people_as_a_spec_would(journal, event):
    with pytest.raises(PersonMalformed):
        announce_absence(journal, event, at=AT)
    assert people_records(journal) == ()


def test_what_is_known_of_people_is_no_program(journal):
    announce_absence(journal, announced(), at=AT)
    note_people(journal, AuthenticatorEnrolled(person=KIM, replaced=False, by="ana"), at=AT)
    for program in ("second", "first"):
        note(journal, program, [ProgramFinished()], actor="rollout", at=AT)
    assert programs(journal) == ("first", "second")
