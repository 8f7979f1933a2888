"""The fold of a journal: events in, the state of a program out."""

from datetime import timedelta

from policy_rollout import events as ev
from policy_rollout.fold import fold
from policy_rollout.program import Doubt, ProgramState, Trouble, Unsettled
from policy_rollout.work import State
from tests.programs_under_way import BEGAN, MINUTE, account, person, recorded

LAUNCHED = ev.Launched(spec_text="program: p\n", spec_path="p.yaml", run="run-1")
OPENED = ev.StageOpened(stage="prepare")
READY = ev.GateReady(stage="prepare", round=1, digest="d")
DOWN = ev.TroubleMet(text="Jira: down", again_at=BEGAN + MINUTE)


def state(*events: ev.Event) -> ProgramState:
    return fold("p", recorded(events))


def signed(who: str, number: int, *, role: str = "legal", digest: str = "d") -> ev.SignedOff:
    return ev.SignedOff(
        stage="prepare",
        round=1,
        role=role,
        person=person(who),
        account=account(who),
        digest=digest,
        history_id=str(number),
        at=BEGAN,
    )


def withdrawn(number: int, *, of: str) -> ev.SignOffWithdrawn:
    return ev.SignOffWithdrawn(
        stage="prepare",
        round=1,
        role="legal",
        account=account("lea"),
        name="Lea",
        history_id=str(number),
        at=BEGAN,
        signed=of,
    )


def rejected(*sent_back: str, number: int = 9, gate_round: int = 1, **cells: str) -> ev.Rejected:
    return ev.Rejected(
        stage="prepare",
        round=gate_round,
        role="legal",
        person=person("lea"),
        account=account("lea"),
        history_id=str(number),
        at=BEGAN,
        reason="no",
        sent_back=sent_back,
        cells=cells,
    )


def seen(key: str, what: State, cells: str = "") -> ev.WorkSeen:
    return ev.WorkSeen(items={key: ev.Seen(state=what, cells=cells)})


def test_a_program_that_was_never_launched_has_an_empty_state():
    assert state() == ProgramState("p")
    assert state().head == 0


def test_the_same_events_always_give_the_same_state():
    events = (LAUNCHED, OPENED, READY, signed("lea", 1), rejected("p/prepare/a"))
    assert state(*events) == state(*events)


def test_a_launch_is_remembered_with_its_spec_and_run():
    found = state(LAUNCHED)
    assert (found.spec_text, found.spec_path, found.run, found.launched_at, found.head) == (
        "program: p\n",
        "p.yaml",
        "run-1",
        BEGAN,
        1,
    )


def test_people_that_are_resolved_later_join_those_known():
    first = ev.PeopleResolved(accounts={"a": "1", "b": "2"}, own_account="0")
    second = ev.PeopleResolved(accounts={"b": "3"}, own_account="0")
    assert state(first, second).accounts == {"a": "1", "b": "3"}


# Creation


def test_an_intent_puts_its_keys_in_doubt():
    intent = ev.CreationIntended(batch="1", keys=("a", "b"), fence=7)
    assert state(intent).doubts == {"1": Doubt("1", ("a", "b"), 7, since=BEGAN)}


def test_keys_leave_the_doubt_as_their_outcome_is_known():
    intent = ev.CreationIntended(batch="1", keys=("a", "b", "c"), fence=7)
    created = ev.IssuesCreated(batch="1", issues={"a": "POL-8"})
    refused = ev.CreationRefused(batch="1", reasons={"b": "no"})
    assert state(intent, created, refused).doubts["1"].keys == ("c",)
    adopted = ev.IssuesCreated(batch="1", issues={"c": "POL-9"}, adopted=True)
    found = state(intent, created, refused, adopted)
    assert (found.doubts, found.issues) == ({}, {"a": "POL-8", "c": "POL-9"})


def test_an_intended_write_is_unsettled_until_its_outcome_is_known():
    intent = ev.WritesIntended(marks={"link POL-2 to POL-1": "", "move POL-2 to todo": "10011"})
    settled = ev.WritesSettled(marks=("link POL-2 to POL-1", "never heard of"))
    assert state(intent, settled).unsettled == {
        "move POL-2 to todo": Unsettled(since=BEGAN, after="10011")
    }


def test_a_program_may_be_launched_anew_until_something_may_exist_outside():
    assert state(LAUNCHED, OPENED).wrote_nothing
    assert not state(ev.CreationIntended(batch="1", keys=("a",), fence=7)).wrote_nothing
    assert not state(ev.IssuesCreated(batch="1", issues={"a": "POL-8"})).wrote_nothing
    assert not state(ev.RowsAdded(keys=("a",))).wrote_nothing


def test_what_is_to_be_created_again_is_forgotten():
    found = state(
        ev.IssuesCreated(batch="1", issues={"a": "POL-8", "b": "POL-9"}),
        ev.RowsAdded(keys=("c", "d")),
        seen("a", State.MISSING),
        ev.RecreationAsked(keys=("a", "b", "c")),
        ev.RecreationBegun(keys=("a", "c")),
    )
    assert (found.issues, found.rows, found.seen) == ({"b": "POL-9"}, {"d"}, {})
    assert found.recreate == set()


# Gates


def test_an_open_stage_waits_until_its_gate_has_passed():
    assert state(OPENED).waiting_stages == ("prepare",)
    passed = state(OPENED, READY, ev.GatePassed(stage="prepare", round=1, digest="d"))
    assert passed.waiting_stages == ()
    assert passed.passed("prepare")
    assert not passed.passed("launch")


def test_sign_offs_stand_on_their_digest_only():
    gate = state(OPENED, READY, signed("lea", 1), signed("both", 2, digest="e")).gates["prepare"]
    assert [each.person for each in gate.standing("d")] == [person("lea")]


def test_a_withdrawal_takes_the_sign_off_it_names():
    found = state(OPENED, READY, signed("lea", 1), signed("both", 2), withdrawn(3, of="1"))
    assert [each.history_id for each in found.gates["prepare"].sign_offs] == ["2"]


def test_an_old_withdrawal_that_names_none_takes_the_last_of_its_role():
    events = (signed("lea", 1), signed("both", 2), signed("pia", 3, role="policy"))
    found = state(OPENED, READY, *events, withdrawn(4, of=""))
    assert [each.history_id for each in found.gates["prepare"].sign_offs] == ["1", "3"]


def test_every_decision_marks_its_changelog_entry_as_judged():
    found = state(OPENED, READY, signed("lea", 1), withdrawn(2, of="1"), rejected(number=3))
    assert found.histories == {"1", "2", "3"}


def test_a_rejection_opens_the_next_round_in_which_nothing_was_asked():
    ask = ev.SignOffAsked(stage="prepare", role="legal", digest="d", at=BEGAN)
    gate = state(OPENED, READY, ask, signed("lea", 1), rejected()).gates["prepare"]
    assert (gate.round, gate.digest, gate.ready_at, gate.asked) == (2, None, None, {})
    assert gate.standing("d") == ()


def test_a_second_rejection_of_the_same_round_opens_no_other():
    found = state(OPENED, READY, rejected(number=1), rejected(number=2))
    assert found.gates["prepare"].round == 2


def test_what_a_rejection_names_counts_as_not_done():
    found = state(OPENED, READY, seen("a", State.DONE), rejected("a"))
    assert found.of("a").state is State.TODO
    assert found.sent_back == {"a": ""}


def test_a_task_is_taken_up_again_when_it_was_moved():
    moved = ev.IssuesMoved(states={"a": State.TODO})
    assert state(OPENED, READY, rejected("a"), moved).sent_back == {}


def test_a_row_is_taken_up_again_when_its_cells_change():
    back = (OPENED, READY, rejected("a", a="cells-1"))
    assert state(*back, seen("a", State.TODO, "cells-1")).sent_back == {"a": "cells-1"}
    assert state(*back, seen("a", State.DONE, "cells-2")).sent_back == {}


# The rest


def test_trouble_counts_its_tries_and_keeps_when_it_began():
    records = recorded((DOWN, DOWN.model_copy(update={"text": "Jira: slow"})))
    later = BEGAN + timedelta(hours=1)
    records[1] = type(records[1])(2, later, "test", records[1].event)
    assert fold("p", records).trouble == Trouble(
        "Jira: slow", since=BEGAN, again_at=BEGAN + MINUTE, times=2
    )


def test_trouble_that_is_over_starts_anew():
    assert state(DOWN, ev.TroubleOver()).trouble is None
    found = state(DOWN, ev.TroubleOver(), DOWN)
    assert found.trouble is not None
    assert found.trouble.times == 1


def test_waits_are_counted_as_they_end():
    assert state(LAUNCHED).waits == 0
    assert state(LAUNCHED, ev.Resumed(wait=0, because="x")).waits == 1


def test_comments_and_oddities_are_remembered():
    found = state(
        ev.Said(marks=("a",)),
        ev.Said(marks=("b",)),
        ev.OdditiesSeen(oddities=("x",)),
        ev.OdditiesSeen(oddities=("y",)),
    )
    assert (found.said, found.oddities) == ({"a", "b"}, ("y",))


def test_a_finished_program_knows_when():
    assert state(LAUNCHED, ev.ProgramFinished()).finished_at == BEGAN
