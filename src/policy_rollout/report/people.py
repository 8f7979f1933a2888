"""Who is enrolled, locked or absent: lines, a table and JSON. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from rich.table import Table

from policy_rollout.absences import Absence
from policy_rollout.person import Enrolled

HEADINGS = ("person", "authenticator", "absent")


@dataclass(frozen=True, slots=True)
class Listed:
    """A person today; `absences` are those of today and later, the next one first."""

    person: str
    enrolled_at: datetime | None
    locked_until: datetime | None
    absences: tuple[Absence, ...]


def listed_people(
    enrolled: Iterable[Enrolled],
    absences: Sequence[Absence],
    *,
    now: datetime,
    today: date,
) -> tuple[Listed, ...]:
    """Everybody with an authenticator, or with an absence that is not over, by name."""
    by_person = {each.person: each for each in enrolled}
    standing = [each for each in absences if each.to_day >= today]
    names = sorted({*by_person, *(each.person for each in standing)})
    return tuple(_listed(name, by_person.get(name), standing, now) for name in names)


def _listed(
    name: str, enrolled: Enrolled | None, standing: Sequence[Absence], now: datetime
) -> Listed:
    locked_until = enrolled.locked_until if enrolled else None
    own = sorted((each for each in standing if each.person == name), key=lambda each: each.from_day)
    return Listed(
        person=name,
        enrolled_at=enrolled.enrolled_at if enrolled else None,
        locked_until=locked_until if locked_until and now < locked_until else None,
        absences=tuple(own),
    )


def people_lines(people: Iterable[Listed]) -> list[str]:
    """One line a person, its fields divided by tabs."""
    return ["\t".join(_row(each)) for each in people]


def people_table(people: Iterable[Listed]) -> Table:
    table = Table(*HEADINGS)
    for each in people:
        table.add_row(*_row(each))
    return table


def _row(listed: Listed) -> tuple[str, str, str]:
    return listed.person, _authenticator(listed), "; ".join(map(_absence, listed.absences)) or "-"


def _authenticator(listed: Listed) -> str:
    if listed.enrolled_at is None:
        return "none"
    if listed.locked_until is not None:
        return f"locked until {listed.locked_until:%Y-%m-%d %H:%M} UTC"
    return f"enrolled on {listed.enrolled_at:%Y-%m-%d}"


def _absence(absence: Absence) -> str:
    stands_in = f", {absence.delegate} stands in" if absence.delegate else ""
    return f"{absence.from_day} to {absence.to_day}{stands_in}"


def people_json(people: Iterable[Listed]) -> list[dict[str, Any]]:
    return [
        {
            "person": each.person,
            "enrolled_at": _text(each.enrolled_at),
            "locked_until": _text(each.locked_until),
            "absences": [_absence_json(absence) for absence in each.absences],
        }
        for each in people
    ]


def _absence_json(absence: Absence) -> dict[str, Any]:
    return {
        "from": absence.from_day.isoformat(),
        "to": absence.to_day.isoformat(),
        "delegate": absence.delegate,
        "announced_at": absence.announced_at.isoformat(),
        "by": absence.by,
    }


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
