"""People in the journal: who is absent, who enrolled when. Reads and writes it."""

from datetime import datetime

from policy_rollout.absences import Absence, PeopleRecord, absent, fold_absences
from policy_rollout.errors import AbsenceRefused, NotAbsent
from policy_rollout.history import append_facts
from policy_rollout.journal.entries import Entry
from policy_rollout.journal.entries import Event as Written
from policy_rollout.journal.store import Journal
from policy_rollout.people_events import (
    PEOPLE,
    AbsenceAnnounced,
    AbsenceEnded,
    PeopleEvent,
    people_body_of,
    people_event_from,
)
from policy_rollout.person import checked_person


def people_records(journal: Journal) -> tuple[PeopleRecord, ...]:
    """All that was journaled about people, oldest first."""
    return tuple(_recorded(entry) for entry in journal.read(PEOPLE))


def _recorded(entry: Entry) -> PeopleRecord:
    event = people_event_from(entry.kind, entry.body)
    return PeopleRecord(entry.sequence, entry.at, entry.actor, event)


def note_people(journal: Journal, event: PeopleEvent, *, at: datetime) -> None:
    """Append a fact about people, after whatever else was appended meanwhile."""
    written = (Written(event.kind, people_body_of(event), event.by),)
    append_facts(journal, PEOPLE, written, at=at)


def absences_of(journal: Journal) -> tuple[Absence, ...]:
    """The absences that stand, in the order they were announced."""
    return fold_absences(people_records(journal))


def announce_absence(journal: Journal, announced: AbsenceAnnounced, *, at: datetime) -> None:
    """Journal an absence; one that is announced again for the same days replaces the delegate.

    Raises:
        PersonMalformed: person or delegate are no mail address as a spec writes them.
        AbsenceRefused: it ends before it begins, or the person stands in for themselves.
    """
    person = checked_person(announced.person)
    if announced.to_day < announced.from_day:
        raise AbsenceRefused(
            person,
            f"it ends on {announced.to_day} and begins on {announced.from_day}",
            "give the first day as --from and the last one as --to",
        )
    if announced.delegate and checked_person(announced.delegate) == person:
        raise AbsenceRefused(
            person, "its delegate is the person", "name somebody else, or leave --delegate out"
        )
    note_people(journal, announced, at=at)


def end_absence(journal: Journal, ended: AbsenceEnded, *, at: datetime) -> Absence:
    """Journal that the person is back on a day; answers the absence that it cuts short.

    Raises:
        NotAbsent: no absence covers that day; names those of the person that are known.
    """
    absences = absences_of(journal)
    cut = absent(absences, ended.person, ended.day)
    if cut is None:
        own = [each for each in absences if each.person == ended.person]
        raise NotAbsent(ended.person, ended.day, [(each.from_day, each.to_day) for each in own])
    note_people(journal, ended, at=at)
    return cut
