"""What somebody with the database in hand can touch, and what `verify` says of it."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from policy_rollout.errors import JournalTampered
from policy_rollout.journal.entries import Event
from policy_rollout.journal.store import Journal

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.fixture
def written(journal: Journal) -> Journal:
    events = [Event(kind="noted", body={"number": n}, actor="mei@example.com") for n in range(5)]
    journal.append("p", events, after=0, at=AT)
    journal.append("other", events[:1], after=0, at=AT)
    return journal


def touch(journal: Journal, *statements: str) -> None:
    with journal._tables.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        (
            "UPDATE rollout_journal SET actor = 'eve' WHERE program = 'p' AND sequence = 3",
            "journal of 'p', entry 3: it was changed after it was written",
        ),
        (
            "DELETE FROM rollout_journal WHERE program = 'p' AND sequence = 2",
            "journal of 'p', entry 2: it is missing; the next one found is 3",
        ),
        (
            "UPDATE rollout_journal SET program = 'p', sequence = 6 WHERE program = 'other'",
            "journal of 'p', entry 6: it does not follow the entry before it",
        ),
    ],
)
def test_a_touched_entry_is_named(written, statement, found):
    touch(written, statement)
    with pytest.raises(JournalTampered) as caught:
        written.verify("p")
    assert str(caught.value).startswith(found)


def test_a_touched_program_leaves_the_others_whole(written):
    digest = written.verify("other")
    touch(written, "DELETE FROM rollout_journal WHERE program = 'p' AND sequence = 2")
    assert written.verify("other") == digest


def test_an_end_that_was_cut_off_changes_the_head_digest(written):
    kept_elsewhere = written.verify("p")
    touch(written, "DELETE FROM rollout_journal WHERE program = 'p' AND sequence = 5")
    assert written.verify("p") != kept_elsewhere


def test_a_body_that_is_no_json_is_named_when_it_is_read(written):
    touch(written, "UPDATE rollout_journal SET body = '{' WHERE program = 'p' AND sequence = 4")
    with pytest.raises(JournalTampered, match="entry 4: its time or body cannot be read"):
        written.read("p")
