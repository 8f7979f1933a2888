"""A person outside of a spec: a mail address spelled as the spec spells it, and proofs. Pure.

People are compared letter by letter. Nothing is folded, neither case nor look-alikes: every
address is ASCII, so what only looks alike is another text.
"""

from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from policy_rollout.errors import PersonMalformed
from policy_rollout.spec.scalars import Person

_PERSON: TypeAdapter[str] = TypeAdapter(Person)


def is_person(text: str) -> bool:
    """Whether a spec could name somebody like this."""
    try:
        _PERSON.validate_python(text)
    except ValidationError:
        return False
    return True


def checked_person(text: str) -> str:
    """The text as it came.

    Raises:
        PersonMalformed: no spec could name somebody like this.
    """
    if not is_person(text):
        raise PersonMalformed(text)
    return text


@dataclass(frozen=True, slots=True)
class Proof:
    """That `person` gave a code of their own; `mark` is there once over all time."""

    person: str
    mark: str


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A person with an authenticator; times are aware and in UTC."""

    person: str
    enrolled_at: datetime
    locked_until: datetime | None
