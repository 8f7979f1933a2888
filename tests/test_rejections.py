"""What a rejection needs, which round it ends and what goes back to work."""

from datetime import timedelta

import pytest

from policy_rollout import events as ev
from policy_rollout.attempts import reasons_due
from policy_rollout.sign_off_words import read_words
from policy_rollout.work import State
from tests.programs_under_way import (
    MINUTE,
    PLAIN,
    TWO_ROLES,
    UnderWay,
    account,
    asked,
    of_kind,
    person,
    prepared,
    refusals,
)

SECOND_TASK = PLAIN.replace(
    "    gate:", "      memo: {title: Write the memo, team: legal}\n    gate:"
)


def test_a_rejection_carries_its_reason_and_what_goes_back():
    program = asked()
    program.reject("legal", "lea", "An example is missing. Reopen: guideline")
    rejected = of_kind(program.settle(), ev.Rejected)
    assert rejected == [
        ev.Rejected(
            stage="prepare",
            round=1,
            role="legal",
            person=person("lea"),
            account=account("lea"),
            history_id="2",
            at=rejected[0].at,
            reason="An example is missing. Reopen: guideline",
            sent_back=("p/prepare/guideline",),
        )
    ]


def test_a_rejection_opens_the_next_round_and_moves_the_named_issue_back():
    program = asked()
    program.reject("legal", "lea", "Reopen: guideline")
    program.settle()
    gate = program.state.gates["prepare"]
    assert (gate.round, gate.digest) == (2, None)
    assert program.model.statuses[program.issue("prepare/guideline")] == "To Do"


def test_a_rejection_leaves_what_it_does_not_name_as_it_is():
    program = UnderWay(SECOND_TASK)
    program.settle()
    program.finish("prepare/guideline", "prepare/memo")
    program.settle()
    program.reject("legal", "lea", "Reopen: guideline")
    program.settle()
    assert program.model.statuses[program.issue("prepare/memo")] == "Done"


def test_a_rejection_is_answered_on_the_sign_off_issue_and_on_the_item():
    program = asked()
    program.reject("legal", "lea", "An example is missing. Reopen: guideline")
    program.settle()
    assert [(each.issue_key, each.text) for each in program.model.comments[1:]] == [
        (
            program.desk("legal"),
            "Round 1 is over. Back to work: guideline. You are asked again when it is done.",
        ),
        (
            program.issue("prepare/guideline"),
            "Sent back by lea@example.com for legal: An example is missing. Reopen: guideline",
        ),
    ]


def test_a_rejection_that_names_nothing_asks_everybody_again_at_once():
    program = asked()
    program.reject("legal", "lea", "I do not agree.")
    assert [each.kind for each in program.settle()] == ["rejected", "gate_ready", "sign_off_asked"]
    assert program.model.comments[-1].text == (
        "Round 1 is over. No item was named behind `Reopen:`, so nothing went back to work; "
        "everybody is asked again."
    )


def test_a_rejection_says_which_names_it_did_not_understand():
    program = asked()
    program.reject("legal", "lea", "Reopen: guideline, gideline, queue/routing")
    program.settle()
    assert program.model.comments[1].text == (
        "Round 1 is over. Back to work: guideline. You are asked again when it is done. "
        "Not understood: gideline, queue/routing; the items of this stage are: guideline."
    )


def test_a_rejection_without_a_comment_waits_for_its_author():
    program = asked()
    program.reject("legal", "lea")
    assert waited_for(program) == [person("lea")]
    assert program.settle() == []
    assert program.model.statuses[program.desk("legal")] == "Rejected"


def test_a_comment_within_the_grace_time_is_the_reason():
    program = asked()
    program.reject("legal", "lea")
    program.settle()
    program.model.now += timedelta(minutes=8)
    program.model.say(program.desk("legal"), "Reopen: guideline", account("lea"))
    assert [each.reason for each in of_kind(program.settle(), ev.Rejected)] == ["Reopen: guideline"]


def test_a_rejection_without_a_comment_is_refused_after_the_grace_time():
    program = asked()
    program.reject("legal", "lea")
    program.model.now += timedelta(minutes=10)
    assert refusals(program) == [
        "a rejection needs its reason in a comment; write one, then reject again"
    ]


def waited_for(program: UnderWay) -> list[str]:
    """Whose reasons the program begins to wait for; nothing else happens."""
    events = program.settle()
    assert len(of_kind(events, ev.ReasonAwaited)) == len(events)
    return [each.person for each in of_kind(events, ev.ReasonAwaited)]


def signed_by_all_and_rejected() -> UnderWay:
    """Everybody has signed; a member of one role rejects, and has still to say why."""
    program = asked(TWO_ROLES)
    program.approve("policy", "pia")
    program.reject("policy", "pat")
    program.approve("legal", "lea")
    program.settle()
    return program


def test_a_gate_that_all_have_signed_waits_for_the_reason_of_a_rejection():
    program = signed_by_all_and_rejected()
    assert not program.state.passed("prepare")
    program.model.say(program.desk("policy"), "This harms people.\n\nFor good", account("pat"))
    program.settle()
    assert program.state.stopped is not None
    assert not program.state.passed("prepare")


def test_a_rejection_whose_reason_never_comes_holds_the_gate_for_ten_minutes():
    program = signed_by_all_and_rejected()
    (due,) = reasons_due(program.state, "prepare", program.model.now)
    program.model.now = due
    assert refusals(program) == [
        "a rejection needs its reason in a comment; write one, then reject again"
    ]
    program.settle()
    assert reasons_due(program.state, "prepare", program.model.now) == ()


def test_nobody_else_can_hold_a_gate_by_rejecting_it():
    program = asked(TWO_ROLES)
    program.approve("legal", "lea")
    program.approve("policy", "pia")
    program.reject("policy", "stranger")
    program.settle()
    assert program.state.passed("prepare")


def test_a_comment_after_the_grace_time_is_no_reason():
    program = asked()
    program.reject("legal", "lea")
    program.model.now += timedelta(minutes=10)
    program.model.say(program.desk("legal"), "Reopen: guideline", account("lea"))
    assert len(refusals(program)) == 1


def test_the_comment_of_another_person_is_no_reason():
    program = asked()
    program.model.say(program.desk("legal"), "Reopen: guideline", account("both"))
    program.reject("legal", "lea")
    assert waited_for(program) == [person("lea")]


def test_the_comment_nearest_to_the_rejection_is_its_reason():
    program = asked()
    program.model.say(program.desk("legal"), "Reading it now.", account("lea"))
    program.model.now += 3 * MINUTE
    program.reject("legal", "lea", "Too vague.")
    assert [each.reason for each in of_kind(program.settle(), ev.Rejected)] == ["Too vague."]


def test_the_reason_of_one_round_is_not_the_reason_of_the_next():
    program = asked()
    program.reject("legal", "lea", "Too vague.")
    program.settle()
    program.reject("legal", "lea")
    assert waited_for(program) == [person("lea")]
    assert program.state.gates["prepare"].round == 2


def test_a_rejection_taken_back_before_its_reason_is_none():
    program = asked()
    program.reject("legal", "lea")
    program.move("legal", "To Do", "lea")
    program.model.say(program.desk("legal"), "Wrong button, sorry.", account("lea"))
    assert refusals(program) == [
        "a rejection needs its reason in a comment; write one, then reject again"
    ]


def test_an_approval_right_after_a_rejection_without_reason_counts():
    program = asked()
    program.reject("legal", "lea")
    program.settle()
    program.approve("legal", "lea")
    kinds = [each.kind for each in program.settle()]
    assert kinds[:3] == ["sign_off_refused", "signed_off", "gate_passed"]


def test_whoever_signed_may_still_reject():
    program = asked(TWO_ROLES)
    program.approve("legal", "lea")
    program.settle()
    program.reject("legal", "lea", "On second thought: Reopen: guideline")
    assert [each.kind for each in program.settle()] == ["rejected"]


def test_an_outsider_cannot_reject():
    program = asked()
    program.reject("legal", "oda", "Reopen: guideline")
    assert refusals(program) == [
        (
            "oda@example.com is not a member of legal; "
            "for legal may sign: lea@example.com, both@example.com"
        )
    ]


def test_two_rejections_of_the_same_text_end_one_round():
    program = asked(TWO_ROLES)
    program.reject("legal", "lea", "Reopen: guideline")
    program.reject("policy", "pia", "I agree with legal.")
    program.settle()
    assert program.state.gates["prepare"].round == 2


def test_a_rejection_seen_after_the_round_was_over_ends_no_second_round():
    program = asked(TWO_ROLES)
    program.reject("legal", "lea", "Reopen: guideline")
    program.settle()
    program.reject("policy", "pia", "I agree with legal.")
    rejected = of_kind(program.settle(), ev.Rejected)
    assert [each.round for each in rejected] == [1]
    assert program.state.gates["prepare"].round == 2


def test_an_approval_of_the_text_that_was_just_rejected_does_not_count():
    program = asked(TWO_ROLES)
    program.reject("legal", "lea", "Too vague.")
    program.approve("policy", "pia")
    assert refusals(program) == ["it was not asked for yet; read what is asked now and sign then"]


def test_the_next_round_asks_again_and_old_sign_offs_do_not_count():
    program = asked(TWO_ROLES)
    program.approve("policy", "pia")
    program.settle()
    program.reject("legal", "lea", "Reopen: guideline")
    program.settle()
    program.finish()
    again = of_kind(program.settle(), ev.SignOffAsked)
    assert {each.role for each in again} == {"legal", "policy"}
    program.approve("legal", "lea")
    program.settle()
    assert not program.state.passed("prepare")


def test_the_next_round_passes_with_new_sign_offs():
    program = asked()
    program.reject("legal", "lea", "Reopen: guideline")
    program.settle()
    program.finish()
    program.settle()
    program.approve("legal", "lea")
    program.settle()
    assert program.state.passed("prepare")


# What goes back to work


@pytest.mark.parametrize(
    ("reason", "back"),
    [
        ("Reopen: guideline", ["guideline"]),
        ("reopen: Guideline.", ["guideline"]),
        ("Redo: `guideline`, memo", ["guideline", "memo"]),
        ("Reopen: quiz/ja-JP", ["quiz/ja-JP"]),
        ("Reopen: quiz", ["quiz/en-US", "quiz/ja-JP"]),
        ("Reopen: queue", ["queue/routing", "queue/breaks"]),
        ("Reopen: queue/breaks", ["queue/breaks"]),
        ("Reopen: p/prepare/memo", ["memo"]),
        ("See POL-3, it is wrong.", ["memo"]),
        ("Too long.\nReopen: guideline\nThanks!", ["guideline"]),
        ("Reopen: launch/switch", []),
        ("See POL-33 and the guideline.", []),
    ],
)
def test_items_are_named_by_id_part_key_or_jira_key(reason: str, back: list[str]):
    program = prepared()
    assert program.issue("prepare/memo") == "POL-3"
    program.reject("legal", "lea", reason)
    (rejected,) = of_kind(program.settle(), ev.Rejected)
    assert [key.removeprefix("p/prepare/") for key in rejected.sent_back] == back


def test_what_stands_behind_reopen_is_read_up_to_the_end_of_its_line():
    assert read_words("Reopen: a, b c;\nd\nRedo: e.").reopen == ("a", "b", "c", "e")


def test_a_row_sent_back_counts_as_not_done_until_a_person_changes_it():
    program = prepared()
    program.reject("legal", "lea", "Reopen: queue/routing")
    program.settle()
    assert program.settle() == []
    assert program.state.of("p/prepare/queue/routing").state is State.TODO
    program.fill("prepare/queue/routing", notes="Done again")
    kinds = [each.kind for each in program.settle()]
    assert kinds == ["work_seen", "gate_ready", "sign_off_asked"]


def test_a_training_row_sent_back_counts_as_not_completed_until_a_person_changes_it():
    program = prepared()
    program.reject("legal", "lea", "Reopen: quiz/ja-JP")
    program.settle()
    (open_item,) = program.decide().judged["prepare"][2].open
    assert open_item.why == "0% completed"


def test_a_row_sent_back_says_by_whom_and_why_until_it_is_changed():
    program = prepared()
    program.reject("legal", "lea", "The wrong queue. Reopen: queue/routing")
    program.settle()
    row = program.model.rows["p/prepare/queue/routing"]
    assert dict(row.cells)["Message"] == (
        "Sent back by lea@example.com: The wrong queue. Reopen: queue/routing "
        "Change Status or Notes when it is done again."
    )
    program.fill("prepare/queue/routing", notes="Done again")
    program.settle()
    assert dict(program.model.rows["p/prepare/queue/routing"].cells)["Message"] == ""


def test_a_sign_off_issue_that_rests_asks_nobody():
    program = asked()
    program.reject("legal", "lea", "Reopen: guideline")
    program.settle()
    assert program.gate.asked == {}
    program.settle()
    assert program.gate.asked == {}


def test_a_task_sent_back_counts_as_not_done_before_it_was_moved():
    program = asked()
    program.reject("legal", "lea", "Reopen: guideline")
    decision = program.decide()
    assert decision.ahead.of("p/prepare/guideline").state is State.TODO
    assert "gate_ready" not in [each.kind for each in decision.events]
