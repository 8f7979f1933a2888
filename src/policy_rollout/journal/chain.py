"""The chain of hashes that makes a touched entry show. Pure.

The hash of an entry is the SHA-256, in lower-case hex, of the canonical JSON of this list:

    [previous hash, program, sequence, time, actor, kind, body]

where `time` and `body` are texts, exactly as the database holds them: the time in UTC as
`2026-03-02T09:30:00.000000+00:00`, the body as its own canonical JSON. Both databases hold the
same texts, so that the same history has the same hashes in each.

Canonical JSON has sorted keys, no spaces, and ASCII only (anything else escaped).

What the chain cannot show is an end that was cut off: keep the head digest elsewhere for that.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from policy_rollout.errors import JournalTampered
from policy_rollout.journal.entries import Entry, Event

GENESIS = "0" * 64
"""The hash before the first entry of every program."""


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """A row of the table as it stands there; `at` and `body` are the texts that were hashed."""

    program: str
    sequence: int
    at: str
    actor: str
    kind: str
    body: str
    previous_hash: str
    hash: str


def canonical_json(value: object) -> str:
    """The one JSON text of a value.

    Raises:
        TypeError: it holds something that JSON does not know, such as a date.
        ValueError: it holds NaN or an infinity, or itself.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def time_text(at: datetime) -> str:
    """The time in UTC with microseconds, in one fixed length.

    Raises:
        ValueError: the time has no zone.
    """
    if at.tzinfo is None:
        raise ValueError(f"the journal needs an aware time, found {at.isoformat()} without a zone")
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def entry_hash(  # noqa: PLR0913  the fields of an entry, each of which must be in the hash
    *, previous_hash: str, program: str, sequence: int, at: str, actor: str, kind: str, body: str
) -> str:
    text = canonical_json([previous_hash, program, sequence, at, actor, kind, body])
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def link(
    event: Event, *, program: str, sequence: int, at: datetime, previous_hash: str
) -> StoredEntry:
    """The event as the next entry of its program's chain."""
    written_at, body = time_text(at), canonical_json(event.body)
    return StoredEntry(
        program=program,
        sequence=sequence,
        at=written_at,
        actor=event.actor,
        kind=event.kind,
        body=body,
        previous_hash=previous_hash,
        hash=entry_hash(
            previous_hash=previous_hash,
            program=program,
            sequence=sequence,
            at=written_at,
            actor=event.actor,
            kind=event.kind,
            body=body,
        ),
    )


def opened(stored: StoredEntry) -> Entry:
    """The entry with its time and body read.

    Raises:
        JournalTampered: time or body are not what the journal writes.
    """
    try:
        at, body = datetime.fromisoformat(stored.at), json.loads(stored.body)
    except ValueError:
        raise JournalTampered(
            stored.program,
            stored.sequence,
            "its time or body cannot be read, so it is not what was written",
        ) from None
    return Entry(
        program=stored.program,
        sequence=stored.sequence,
        at=at,
        actor=stored.actor,
        kind=stored.kind,
        body=body,
        previous_hash=stored.previous_hash,
        hash=stored.hash,
    )


def head_digest(entries: Iterable[StoredEntry]) -> str:
    """The hash of the last entry, once every link to it was recomputed; GENESIS of none.

    `entries` are all of one program, in the order of their sequence.

    Raises:
        JournalTampered: names the first entry that is missing, inserted, moved or changed.
    """
    previous_hash = GENESIS
    for expected, stored in enumerate(entries, start=1):
        _check_link(stored, expected, previous_hash)
        previous_hash = stored.hash
    return previous_hash


def _check_link(stored: StoredEntry, expected: int, previous_hash: str) -> None:
    if stored.sequence > expected:
        raise JournalTampered(
            stored.program, expected, f"it is missing; the next one found is {stored.sequence}"
        )
    if stored.sequence < expected:
        raise JournalTampered(
            stored.program, stored.sequence, "it was inserted; entries count from 1, each once"
        )
    if stored.previous_hash != previous_hash:
        raise JournalTampered(
            stored.program,
            stored.sequence,
            "it does not follow the entry before it, so one of the two was replaced or moved",
        )
    if stored.hash != _recomputed(stored):
        raise JournalTampered(
            stored.program, stored.sequence, "it was changed after it was written"
        )


@dataclass(frozen=True, slots=True)
class BrokenLink:
    """An entry that is not what was written, by its sequence, and why."""

    sequence: int
    why: str


def broken_links(entries: Iterable[StoredEntry]) -> Iterator[BrokenLink]:
    """Everything that is wrong with a chain, where `head_digest` stops at the first.

    `entries` are all of one program, in the order of their sequence.
    """
    expected, previous_hash, program = 1, GENESIS, None
    for stored in entries:
        program = program or stored.program
        if stored.program != program:
            yield BrokenLink(stored.sequence, f"it was moved here from program {stored.program!r}")
        if stored.sequence < expected:
            yield BrokenLink(stored.sequence, "it was inserted; entries count from 1, each once")
            continue
        if stored.sequence > expected:
            yield BrokenLink(expected, _missing(expected, stored.sequence))
        elif stored.previous_hash != previous_hash:
            yield BrokenLink(
                stored.sequence,
                f"it does not follow entry {expected - 1}: one of the two was replaced or moved",
            )
        if stored.hash != _recomputed(stored):
            yield BrokenLink(stored.sequence, "it was changed after it was written")
        expected, previous_hash = stored.sequence + 1, stored.hash


def _missing(first: int, found: int) -> str:
    if found == first + 1:
        return f"it is missing; the next one found is {found}"
    return f"it and all up to entry {found - 1} are missing; the next one found is {found}"


def _recomputed(stored: StoredEntry) -> str:
    return entry_hash(
        previous_hash=stored.previous_hash,
        program=stored.program,
        sequence=stored.sequence,
        at=stored.at,
        actor=stored.actor,
        kind=stored.kind,
        body=stored.body,
    )
