"""The hashes of the chain, without a database."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from policy_rollout.errors import JournalTampered
from policy_rollout.journal.chain import (
    GENESIS,
    StoredEntry,
    canonical_json,
    head_digest,
    link,
    opened,
    time_text,
)
from policy_rollout.journal.entries import Event

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def chain(length: int) -> list[StoredEntry]:
    entries: list[StoredEntry] = []
    previous_hash = GENESIS
    for sequence in range(1, length + 1):
        event = Event(kind="noted", body={"number": sequence}, actor="mei@example.com")
        entry = link(event, program="p", sequence=sequence, at=AT, previous_hash=previous_hash)
        previous_hash = entry.hash
        entries.append(entry)
    return entries


def tampering(entries: list[StoredEntry]) -> str:
    with pytest.raises(JournalTampered) as caught:
        head_digest(entries)
    return str(caught.value)


def test_anybody_can_recompute_a_hash_from_the_description():
    (entry,) = chain(1)
    described = json.dumps(
        [
            "0" * 64,
            "p",
            1,
            "2026-03-02T09:30:00.000000+00:00",
            "mei@example.com",
            "noted",
            '{"number":1}',
        ],
        separators=(",", ":"),
    )
    assert entry.hash == hashlib.sha256(described.encode()).hexdigest()


def test_canonical_json_does_not_depend_on_the_order_of_keys():
    assert canonical_json({"b": 1, "a": "é"}) == canonical_json({"a": "é", "b": 1})
    assert canonical_json({"b": 1, "a": "é"}) == '{"a":"\\u00e9","b":1}'


def test_canonical_json_refuses_what_is_no_number():
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"share": float("nan")})


def test_times_have_one_length():
    assert time_text(AT) == "2026-03-02T09:30:00.000000+00:00"
    assert time_text(AT.replace(microsecond=5)) == "2026-03-02T09:30:00.000005+00:00"


def test_a_whole_chain_answers_its_last_hash():
    entries = chain(3)
    assert head_digest(entries) == entries[-1].hash


@pytest.mark.parametrize(
    "change",
    [
        {"body": '{"number":3}'},
        {"body": '{"number": 2}'},
        {"actor": "eve@example.com"},
        {"kind": "approved"},
        {"at": "2026-03-02T09:30:00.000001+00:00"},
        {"program": "q"},
        {"hash": "f" * 64},
    ],
)
def test_a_changed_field_shows(change):
    entries = chain(3)
    entries[1] = replace(entries[1], **change)
    assert tampering(entries).endswith("entry 2: it was changed after it was written")


def test_a_changed_entry_with_a_new_hash_shows_in_the_next():
    entries = chain(3)
    event = Event(kind="noted", body={"number": 9}, actor="mei@example.com")
    entries[1] = link(event, program="p", sequence=2, at=AT, previous_hash=entries[0].hash)
    assert tampering(entries) == (
        "journal of 'p', entry 3: it does not follow the entry before it, "
        "so one of the two was replaced or moved"
    )


def test_a_missing_entry_shows():
    entries = chain(4)
    del entries[1:3]
    assert tampering(entries) == "journal of 'p', entry 2: it is missing; the next one found is 4"


def test_a_missing_first_entry_shows():
    assert tampering(chain(2)[1:]) == (
        "journal of 'p', entry 1: it is missing; the next one found is 2"
    )


def test_two_entries_that_changed_places_show():
    first, second, third = chain(3)
    entries = [first, replace(third, sequence=2), replace(second, sequence=3)]
    assert "entry 2: it does not follow the entry before it" in tampering(entries)


def test_an_entry_written_twice_shows():
    first, second = chain(2)
    assert tampering([first, first, second]) == (
        "journal of 'p', entry 1: it was inserted; entries count from 1, each once"
    )


def test_an_entry_before_the_first_shows():
    entries = chain(2)
    assert "entry 0: it was inserted" in tampering([replace(entries[0], sequence=0), *entries])


def test_entries_renumbered_after_one_was_taken_out_show():
    first, _, third = chain(3)
    assert "entry 2: it does not follow" in tampering([first, replace(third, sequence=2)])


@pytest.mark.parametrize("change", [{"body": "{"}, {"at": "yesterday"}])
def test_an_entry_that_cannot_be_read_is_named(change):
    (entry,) = chain(1)
    with pytest.raises(JournalTampered) as caught:
        opened(replace(entry, **change))
    assert str(caught.value) == (
        "journal of 'p', entry 1: its time or body cannot be read, so it is not what was written"
    )
