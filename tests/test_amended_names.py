"""Stages and items that an amendment gives another id: what goes by which name."""

import pytest

from policy_rollout.work import State
from tests.amended import (
    MORE_LANGUAGES,
    NOTE,
    READY,
    TWO_SIGN,
    amend,
    at_rest,
    cell,
    in_launch,
    outside,
    said,
    with_,
)
from tests.programs_under_way import FULL, UnderWay, account, person, prepared


@pytest.fixture
def program() -> UnderWay:
    started = UnderWay(FULL)
    started.settle()
    return started


def test_a_renamed_item_keeps_its_issue_and_is_named_by_its_new_id(program):
    memo, before = program.issue("prepare/memo"), outside(program)
    amend(program, with_(NOTE, ("team: legal, after", "team: legal, takes: 2bd, after")))
    program.settle()
    assert outside(program) == before
    item = next(each for each in program.outline.items if each.short == "note")
    assert program.state.issues[item.key] == memo
    assert program.state.left == set()
    assert at_rest(program)


def test_a_renamed_item_is_sent_back_to_work_by_its_new_id():
    program = prepared()
    amend(program, with_(NOTE))
    program.settle()
    program.reject("legal", "lea", "Too long. Reopen: note")
    program.settle()
    assert program.state.sent_back == {}
    assert program.state.of("p/prepare/memo").state is State.TODO
    assert "Back to work: note. You are asked again when it is done." in "\n".join(
        said(program, program.desk("legal"))
    )


def test_what_waits_for_a_renamed_item_names_it_by_its_new_id(program):
    draft = ("guideline: {title", "draft: {was: guideline, title")
    amend(program, with_(draft, ("after: [guideline]", "after: [draft]")))
    program.settle()
    memo = program.issue("prepare/memo")
    assert "After: draft" in program.model.issues[memo].description
    assert program.model.links == {(memo, program.issue("prepare/guideline"))}


def test_a_renamed_item_alone_voids_no_sign_off():
    program = prepared()
    amend(program, with_(TWO_SIGN))
    program.settle()
    program.approve("legal", "lea")
    program.settle()
    amend(program, with_(TWO_SIGN, NOTE))
    program.settle()
    assert [each.person for each in program.gate.standing(program.gate.digest)] == [person("lea")]


def test_a_language_that_joins_a_renamed_item_goes_by_its_first_id(program):
    test = ("quiz: {title", "test: {was: quiz, title")
    amend(program, with_(test))
    program.settle()
    amend(program, with_(test, MORE_LANGUAGES))
    program.settle()
    assert "p/prepare/quiz/pt-BR" in program.model.rows
    assert len(program.model.rows) == 5


def test_a_renamed_stage_keeps_its_gate_its_issues_and_its_sign_offs():
    program = prepared()
    before, desk = outside(program), program.desk("legal")
    amend(program, with_(*READY))
    program.settle()
    assert outside(program) == before
    assert program.state.waiting_stages == ("ready",)
    assert program.state.sign_off_key("ready", "legal") == "p/prepare/sign-off:legal"
    assert program.model.issues[desk].summary == "Sign-off: ready, for legal"
    assert cell(program, "p/prepare/quiz/ja-JP", "Stage") == "ready"
    program.model.move(desk, "Approved", account("lea"))
    program.settle()
    assert program.state.waiting_stages == ("launch",)


def test_a_passed_stage_that_is_renamed_has_still_passed():
    program = in_launch()
    amend(program, with_(*READY))
    program.settle()
    assert program.state.passed("ready")
    assert program.state.waiting_stages == ("launch",)
    assert at_rest(program)


def test_a_condition_follows_the_stage_that_it_was_asked_for():
    program = prepared()
    program.model.say(
        program.desk("legal"), "Condition for launch (ops): Publish the page", account("lea")
    )
    amend(program, with_(("  launch:\n", "  go-live:\n    was: launch\n")))
    program.settle()
    program.model.say(
        program.desk("legal"), "Condition for go-live (ops): Publish the page", account("lea")
    )
    program.approve("legal", "lea")
    program.settle()
    amend(program, with_(("  launch:\n", "  start:\n    was: go-live\n")))
    program.settle()
    assert [each.stage for each in program.state.conditions] == ["start"]
    assert "p/launch/condition:1" in program.state.issues
    assert at_rest(program)


def test_a_rejection_before_the_rename_is_told_after_it_in_the_new_words():
    program = prepared()
    program.reject("legal", "lea", "Too long. Reopen: quiz/ja-JP")
    program.settle()
    comments = len(program.model.comments)
    amend(program, with_(*READY))
    program.settle()
    assert cell(program, "p/prepare/quiz/ja-JP", "Message").startswith("Sent back by lea@")
    assert len(program.model.comments) == comments
    assert at_rest(program)
