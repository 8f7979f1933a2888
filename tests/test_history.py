"""Programs in a journal: what is written is folded again, and who comes second is told."""

from collections.abc import Iterator

import pytest

from policy_rollout import events as ev
from policy_rollout.errors import JournalConflict
from policy_rollout.history import decide_and_write, note, records_of, state_of
from policy_rollout.journal.store import Journal
from policy_rollout.program import Recorded
from tests.programs_under_way import BEGAN, MINUTE

LAUNCHED = ev.Launched(spec_text="program: p\n", spec_path="p.yaml", run="run-1")
OPENED = ev.StageOpened(stage="prepare")
CREATED = ev.IssuesCreated(batch="1", issues={"p/epic": "POL-1"})


@pytest.fixture
def written(tmp_path) -> Iterator[Journal]:
    """A journal in which the program p was launched."""
    with Journal(f"sqlite:///{tmp_path / 'journal.sqlite3'}") as journal:
        note(journal, "p", (LAUNCHED,), actor="boss", at=BEGAN)
        yield journal


def test_a_program_that_nobody_launched_has_head_0(written: Journal):
    assert state_of(written, "q").head == 0


def test_what_was_noted_is_read_with_its_place_time_and_actor(written: Journal):
    assert records_of(written, "p") == (Recorded(1, BEGAN, "boss", LAUNCHED),)


def test_only_what_came_after_a_sequence_number_is_read(written: Journal):
    note(written, "p", (OPENED, CREATED), actor="rollout", at=BEGAN + MINUTE)
    assert [each.event for each in records_of(written, "p", after=2)] == [CREATED]


def test_decisions_are_taken_into_the_state_they_were_made_on(written: Journal):
    state = state_of(written, "p")
    decide_and_write(written, state, (OPENED,), actor="rollout", at=BEGAN)
    assert state == state_of(written, "p")
    assert state.waiting_stages == ("prepare",)


def test_no_decision_writes_nothing(written: Journal):
    decide_and_write(written, state_of(written, "p"), (), actor="rollout", at=BEGAN)
    assert written.heads() == {"p": 1}


def test_a_decision_on_an_old_state_is_refused_and_writes_nothing(written: Journal):
    state = state_of(written, "p")
    note(written, "p", (CREATED,), actor="rollout", at=BEGAN)
    with pytest.raises(JournalConflict) as refused:
        decide_and_write(written, state, (OPENED,), actor="rollout", at=BEGAN)
    assert str(refused.value) == (
        "entry 2 of program 'p' was written by somebody else first; "
        "read the journal again and decide anew"
    )
    assert (written.heads(), state.head) == ({"p": 2}, 1)


def test_a_fact_is_noted_whoever_wrote_before(written: Journal):
    note(written, "p", (OPENED,), actor="watch", at=BEGAN)
    note(written, "p", (CREATED,), actor="rollout", at=BEGAN)
    assert state_of(written, "p").issues == {"p/epic": "POL-1"}


def test_programs_are_kept_apart(written: Journal):
    note(written, "q", (OPENED,), actor="rollout", at=BEGAN)
    assert (state_of(written, "p").head, state_of(written, "q").head) == (1, 1)
    assert state_of(written, "p").gates == {}
