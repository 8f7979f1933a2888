"""What the journal promises, on SQLite and on PostgreSQL."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from policy_rollout.errors import JournalConflict
from policy_rollout.journal.chain import GENESIS
from policy_rollout.journal.entries import Event
from policy_rollout.journal.store import Journal

AT = datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=UTC)


def event(number: int = 1, **body: object) -> Event:
    return Event(kind="noted", body={"number": number, **body}, actor="mei@example.com")


def test_a_journal_without_entries_is_empty(journal):
    assert journal.read("p") == ()
    assert journal.heads() == {}
    assert journal.verify("p") == GENESIS


def test_reading_a_journal_that_is_not_there_makes_no_file(tmp_path):
    folder = tmp_path / "not" / "there"
    with Journal(f"sqlite:///{folder / 'journal.sqlite3'}") as journal:
        journal.read("p")
        journal.heads()
        journal.verify("p")
    assert not folder.exists()


def test_the_first_append_makes_the_folder(tmp_path):
    path = tmp_path / "not" / "there" / "journal.sqlite3"
    with Journal(f"sqlite:///{path}") as journal:
        journal.append("p", [event()], after=0, at=AT)
    assert path.is_file()


def test_what_was_appended_is_read_back(journal):
    written = journal.append("p", [event(1), event(2)], after=0, at=AT)
    assert journal.read("p") == written
    assert [entry.sequence for entry in written] == [1, 2]
    assert written[0].at == AT
    assert written[0].actor == "mei@example.com"
    assert written[0].body == {"number": 1}


def test_a_body_keeps_all_that_json_can_hold(journal):
    body = {
        "text": "日本語 \x00 \ud800 'quoted' :colon %s",
        "half": 0.5,
        "none": None,
        "list": [True],
    }
    journal.append("p", [Event(kind="noted", body=body, actor="ö")], after=0, at=AT)
    (entry,) = journal.read("p")
    assert entry.body == body
    assert entry.actor == "ö"


def test_the_first_entry_follows_genesis_and_each_other_the_one_before_it(journal):
    first, second = journal.append("p", [event(1), event(2)], after=0, at=AT)
    (third,) = journal.append("p", [event(3)], after=2, at=AT)
    assert first.previous_hash == GENESIS
    assert second.previous_hash == first.hash
    assert third.previous_hash == second.hash


def test_reading_behind_an_entry_leaves_out_what_is_known(journal):
    journal.append("p", [event(1), event(2), event(3)], after=0, at=AT)
    assert [entry.sequence for entry in journal.read("p", after=2)] == [3]


def test_each_program_counts_for_itself(journal):
    journal.append("p", [event(1), event(2)], after=0, at=AT)
    journal.append("q", [event(1)], after=0, at=AT)
    assert journal.heads() == {"p": 2, "q": 1}
    assert [journal.head(program) for program in ("p", "q", "r")] == [2, 1, 0]
    assert [entry.program for entry in journal.read("q")] == ["q"]


def test_another_journal_at_the_same_address_reads_the_same(journal, address):
    written = journal.append("p", [event()], after=0, at=AT)
    with Journal(address) as other:
        assert other.read("p") == written


def test_appending_behind_an_entry_that_is_no_longer_the_last_is_a_conflict(journal):
    journal.append("p", [event()], after=0, at=AT)
    with pytest.raises(JournalConflict) as caught:
        journal.append("p", [event()], after=0, at=AT)
    assert str(caught.value) == (
        "entry 1 of program 'p' was written by somebody else first; "
        "read the journal again and decide anew"
    )


def test_appending_behind_an_entry_that_does_not_exist_is_a_conflict(journal):
    with pytest.raises(JournalConflict, match="entry 6 of program 'p'"):
        journal.append("p", [event()], after=5, at=AT)


def test_a_batch_that_conflicts_leaves_nothing(journal):
    journal.append("p", [event(1)], after=0, at=AT)
    with pytest.raises(JournalConflict):
        journal.append("p", [event(2), event(3)], after=0, at=AT)
    assert journal.heads() == {"p": 1}


def test_a_batch_with_one_bad_body_leaves_nothing(journal):
    with pytest.raises(TypeError):
        journal.append("p", [event(1), event(2, when=AT)], after=0, at=AT)
    assert journal.heads() == {}


def test_no_events_write_nothing(journal):
    assert journal.append("p", [], after=0, at=AT) == ()
    assert journal.heads() == {}


def test_a_time_without_a_zone_is_refused(journal):
    with pytest.raises(ValueError, match="2026-03-02T09:30:00 without a zone"):
        journal.append("p", [event()], after=0, at=datetime(2026, 3, 2, 9, 30))  # noqa: DTZ001  the point of it
    assert journal.heads() == {}


def test_a_time_of_another_zone_is_kept_in_utc(journal):
    local = datetime(2026, 3, 2, 18, 30, tzinfo=timezone(timedelta(hours=9)))
    journal.append("p", [event()], after=0, at=local)
    (entry,) = journal.read("p")
    assert entry.at.isoformat() == "2026-03-02T09:30:00+00:00"


def test_the_head_digest_is_the_hash_of_the_last_entry(journal):
    written = journal.append("p", [event(1), event(2)], after=0, at=AT)
    assert journal.verify("p") == written[-1].hash


def test_the_same_history_has_the_same_digest_in_every_database(journal):
    journal.append("p", [event(1, text="é"), event(2)], after=0, at=AT)
    assert journal.verify("p") == (
        "796627063a4d1123d090a2909861a2a7888c5578a05a9534a48da04e113696eb"
    )
