"""What can be journaled about people, over all programs: one record a kind. Pure.

It stands in the same journal as the programs, under a name that no program can have: `~` stands
in no id. An entry that was written stays readable: fields are only ever added, with a default.
"""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

RESERVED = "~"
"""What begins every name in the journal that is no program's."""
PEOPLE = f"{RESERVED}people"


class _PeopleEvent(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AuthenticatorShown(_PeopleEvent):
    """A new secret is about to be shown; it counts only where an enrolment follows."""

    kind: Literal["authenticator_shown"] = "authenticator_shown"
    person: str
    by: str


class AuthenticatorEnrolled(_PeopleEvent):
    """From now on codes of a new authenticator count; `replaced` tells that another one did."""

    kind: Literal["authenticator_enrolled"] = "authenticator_enrolled"
    person: str
    replaced: bool
    by: str


class AbsenceAnnounced(_PeopleEvent):
    """Both days belong to it, in the person's own zone; `delegate` is empty where none is named."""

    kind: Literal["absence_announced"] = "absence_announced"
    person: str
    from_day: date
    to_day: date
    delegate: str = ""
    by: str


class AbsenceEnded(_PeopleEvent):
    """The person is back on `day`: an absence that covers it ends the day before."""

    kind: Literal["absence_ended"] = "absence_ended"
    person: str
    day: date
    by: str


PeopleEvent = Annotated[
    AuthenticatorShown | AuthenticatorEnrolled | AbsenceAnnounced | AbsenceEnded,
    Field(discriminator="kind"),
]

_ADAPTER: TypeAdapter[PeopleEvent] = TypeAdapter(PeopleEvent)


def people_event_from(kind: str, body: dict[str, Any]) -> PeopleEvent:
    return _ADAPTER.validate_python({**body, "kind": kind}, strict=False)


def people_body_of(event: PeopleEvent) -> dict[str, Any]:
    return event.model_dump(mode="json", exclude={"kind"})
