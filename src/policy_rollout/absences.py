"""Who is absent on a day, and who stands in: a fold over what was announced. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from policy_rollout.people_events import AbsenceAnnounced, AbsenceEnded, PeopleEvent


@dataclass(frozen=True, slots=True)
class PeopleRecord:
    """An event about people with its place in the journal; `at` is aware and in UTC."""

    sequence: int
    at: datetime
    actor: str
    event: PeopleEvent


@dataclass(frozen=True, slots=True)
class Absence:
    """From the first day to the last, both included, in the person's own zone."""

    person: str
    from_day: date
    to_day: date
    delegate: str | None
    by: str
    announced_at: datetime

    def covers(self, day: date) -> bool:
        return self.from_day <= day <= self.to_day


def fold_absences(records: Iterable[PeopleRecord]) -> tuple[Absence, ...]:
    """The absences that stand, in the order they were announced; ended ones are cut short.

    An absence that ends on its first day, or before it, is gone. To see what was known at some
    time, hand in the records until then.
    """
    standing: list[Absence] = []
    for record in records:
        match record.event:
            case AbsenceAnnounced() as announced:
                standing.append(_announced(announced, record.at))
            case AbsenceEnded() as ended:
                standing = [cut for each in standing for cut in _cut_short(each, ended)]
            case _:
                pass  # authenticators say nothing of absences
    return tuple(standing)


def absent(absences: Iterable[Absence], person: str, day: date) -> Absence | None:
    """The absence of a person on a day; where several cover it, the one announced last."""
    covering = [each for each in absences if each.person == person and each.covers(day)]
    return covering[-1] if covering else None


def _announced(event: AbsenceAnnounced, at: datetime) -> Absence:
    return Absence(
        person=event.person,
        from_day=event.from_day,
        to_day=event.to_day,
        delegate=event.delegate or None,
        by=event.by,
        announced_at=at,
    )


def _cut_short(absence: Absence, ended: AbsenceEnded) -> tuple[Absence, ...]:
    if absence.person != ended.person or not absence.covers(ended.day):
        return (absence,)
    last_day = ended.day - timedelta(days=1)
    return (replace(absence, to_day=last_day),) if last_day >= absence.from_day else ()
