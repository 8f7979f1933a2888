"""What is written to the journal and what is read from it. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, before it is written.

    `body` holds what JSON can hold; `actor` is who did it: a mail address, an account id or the
    name of a flow.
    """

    kind: str
    body: dict[str, Any]
    actor: str


@dataclass(frozen=True, slots=True)
class Entry:
    """An event as it stands in the journal.

    `sequence` counts from 1 within the program, `at` is aware and in UTC, `previous_hash` is the
    `hash` of the entry before it (`chain.GENESIS` for the first).
    """

    program: str
    sequence: int
    at: datetime
    actor: str
    kind: str
    body: dict[str, Any]
    previous_hash: str
    hash: str
