"""Answers by one-time code: what they come to, and what becomes of the sign-off issue in Jira."""

import pytest

from policy_rollout import events as ev
from tests.amended import amend, said
from tests.programs_under_way import (
    ESCALATES,
    TWO_GATES,
    TWO_ROLES,
    UnderWay,
    account,
    asked,
    coded,
    of_kind,
    person,
    refusals,
)


def test_an_approval_by_code_counts_as_one_in_jira():
    program = asked()
    coded(program, "lea", "approve")
    (signed,) = of_kind(program.settle(), ev.SignedOff)
    assert (signed.person, signed.via, signed.history_id) == (person("lea"), ev.Via.CODE, "code:1")
    assert program.state.passed("prepare")


def test_the_sign_off_issue_of_a_gate_that_passed_by_code_says_who_signed_and_is_closed():
    program = asked()
    coded(program, "lea", "approve")
    program.settle()
    desk = program.desk("legal")
    *_, told = said(program, desk)
    assert told.startswith("The gate has passed, signed by lea@example.com (with a one-time code)")
    assert program.model.statuses[desk] == "Done"
    assert program.state.finished_at is not None
    assert program.state.gates["prepare"].refusals == []


def test_it_stays_open_while_another_role_has_still_to_sign():
    program = asked(TWO_ROLES)
    coded(program, "lea", "approve")
    program.settle()
    desk = program.desk("legal")
    assert program.model.statuses[desk] == "To Do"
    program.approve("policy", "pia")
    program.settle()
    assert program.model.statuses[desk] == "Done"


def test_it_names_all_who_signed_for_the_role():
    program = asked(ESCALATES.replace("legal: 1", "legal: 2"))
    program.approve("legal", "lou")
    program.settle()
    coded(program, "lea", "approve")
    program.settle()
    *_, told = said(program, program.desk("legal"))
    assert "lou@example.com (in Jira), lea@example.com (with a one-time code)" in told


def test_it_is_closed_though_the_program_is_stopped_in_that_moment():
    program = asked(TWO_GATES)
    coded(program, "lea", "approve")
    passes = program.decide()
    program.record(
        *passes.events, ev.ProgramStopped(by="boss@example.com", reason="No", issues="leave")
    )
    program.settle()
    assert program.model.statuses[program.desk("legal")] == "Done"
    assert program.state.closed_at is not None


def test_what_a_person_answered_there_meanwhile_stays_as_it_is():
    program = asked()
    coded(program, "lea", "approve")
    events = program.decide().events
    assert of_kind(events, ev.GatePassed)
    program.record(*events)
    program.reject("legal", "lou", "I do not agree")
    program.settle()
    assert program.model.statuses[program.desk("legal")] == "Rejected"
    assert program.state.finished_at is not None


def reopened() -> UnderWay:
    """A gate that had passed by a code, whose sign-off issue was closed, and that is reopened."""
    program = asked(TWO_GATES)
    coded(program, "lea", "approve")
    program.settle()
    amend(program, TWO_GATES, reopen=("prepare",))
    return program


def test_a_reopened_gate_asks_anew_on_the_issue_that_was_closed_for_a_code():
    program = reopened()
    program.settle()
    assert program.model.statuses[program.desk("legal")] == "To Do"
    assert program.gate.passed_at is None
    program.approve("legal", "lea")
    program.settle()
    assert program.gate.passed_at is not None


def test_an_answer_in_jira_to_a_reopened_gate_is_told_that_it_is_too_early():
    program = reopened()
    program.model.move(program.desk("legal"), "To Do", account("lea"))
    program.approve("legal", "lea")
    assert refusals(program) == ["it was not asked for yet; read what is asked now and sign then"]


def test_a_rejection_by_code_ends_the_round_whose_text_it_answers():
    program = asked(TWO_ROLES)
    program.reject("policy", "pia", "Once more.")
    del program.model.issues[program.desk("legal")]  # so that it never asks in round 2
    program.settle()
    coded(program, "pat", "approve", role="policy")
    program.settle()
    coded(program, "lea", "ask for changes", "Not yet.", mark="code:2")
    (rejected,) = of_kind(program.settle(), ev.Rejected)
    assert (rejected.round, program.gate.round) == (2, 3)
    assert program.gate.standing(program.gate.digest) == ()


def test_two_rejections_by_code_of_one_text_end_one_round():
    program = asked(TWO_ROLES)
    digest = program.gate.digest or ""
    coded(program, "pat", "ask for changes", "Too vague.", role="policy", digest=digest)
    coded(program, "lea", "ask for changes", "Too long.", mark="code:2", digest=digest)
    rejected = of_kind(program.settle(), ev.Rejected)
    assert [each.round for each in rejected] == [1, 1]
    assert program.gate.round == 2


def test_an_answer_by_code_is_judged_once():
    program = asked(ESCALATES.replace("legal: 1", "legal: 2"))
    coded(program, "lea", "approve")
    program.settle()
    assert program.settle() == []


def test_an_approval_by_code_of_an_old_text_tells_the_difference():
    program = asked()
    old = program.gate.digest
    program.amend(program.spec_text.replace("Write the guideline", "Write it"))
    program.settle()
    coded(program, "lea", "approve", digest=old)
    assert refusals(program) == [
        (
            "the text to sign has changed since; read the new one and sign again "
            '(p/prepare/guideline, title: was "Write the guideline", is "Write it")'
        )
    ]


@pytest.mark.parametrize("action", ["ask for changes", "reject for good"])
def test_a_rejection_by_code_needs_a_reason_at_once(action: str):
    program = asked()
    coded(program, "lea", action)
    assert refusals(program) == [
        "a rejection needs its reason in a comment; write one, then reject again"
    ]


def test_changes_asked_for_by_code_send_the_named_items_back():
    program = asked()
    coded(program, "lea", "ask for changes", "Reopen: guideline")
    (rejected,) = of_kind(program.settle(), ev.Rejected)
    assert (rejected.sent_back, rejected.for_good) == (("p/prepare/guideline",), False)


def test_a_rejection_for_good_by_code_stops_the_program():
    program = asked()
    coded(program, "lea", "reject for good", "It harms people.")
    program.settle()
    assert program.state.stopped is not None


def test_the_same_person_by_code_and_in_jira_is_one_sign_off():
    program = asked(ESCALATES.replace("legal: 1", "legal: 2"))
    coded(program, "lea", "approve")
    program.approve("legal", "lea")
    kinds = sorted(each.kind for each in program.settle())
    assert kinds == ["sign_off_refused", "signed_off"]
