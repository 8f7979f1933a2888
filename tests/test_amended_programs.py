"""A program that is amended in flight: what moves, joins, leaves, comes back and keeps its name."""

from contextlib import suppress
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy_rollout import events as ev
from policy_rollout.decide import to_look_at
from policy_rollout.errors import AmendmentRefused
from policy_rollout.gates import held_by
from policy_rollout.plan import AddRow, CreateIssue
from policy_rollout.work import State
from tests.amended import (
    FAREWELL,
    MORE_LANGUAGES,
    NO_JAPANESE,
    NO_MEMO,
    NOTE,
    READY,
    TWO_SIGN,
    WHY,
    amend,
    at_rest,
    cell,
    in_launch,
    outside,
    said,
    with_,
)
from tests.programs_under_way import BOT, FULL, UnderWay, account, of_kind, person, prepared


@pytest.fixture
def program() -> UnderWay:
    started = UnderWay(FULL)
    started.settle()
    return started


# Dates


def test_a_moved_effective_date_moves_what_is_due_in_issues_and_rows(program):
    due_before = program.model.issues[program.issue("prepare/guideline")].due_on
    amend(program, with_(("effective: 2025-12-01", "effective: 2025-12-15")))
    program.settle()
    issue = program.model.issues[program.issue("prepare/guideline")]
    assert issue.due_on == program.outline.schedule.slots["p/prepare/guideline"].due_on
    assert (issue.due_on - due_before).days == 14
    assert program.model.issues[program.issue("epic")].due_on == date(2025, 12, 15)
    assert cell(program, "p/prepare/quiz/ja-JP", "Due") == "2025-12-12"  # a Friday
    assert at_rest(program)


# What joins


def test_a_language_that_joins_adds_exactly_its_items(program):
    issues, rows = outside(program)
    amend(program, with_(MORE_LANGUAGES))
    changes = program.decide().changes
    assert [each.row.key for each in changes if isinstance(each, AddRow)] == [
        "p/prepare/quiz/pt-BR"
    ]
    assert not of_kind(changes, CreateIssue)
    program.settle()
    assert outside(program) == (issues, rows | {"p/prepare/quiz/pt-BR"})


def test_nothing_is_made_in_a_stage_that_has_passed():
    program = in_launch()
    before = outside(program)
    amend(program, with_(MORE_LANGUAGES))
    program.settle()
    assert outside(program) == before
    assert program.state.passed("prepare")


def test_a_reopened_stage_gets_what_joined_and_begins_a_new_round():
    program = in_launch()
    before = outside(program)
    amend(program, with_(MORE_LANGUAGES), reopen=("prepare",))
    program.settle()
    assert outside(program) == (before[0], before[1] | {"p/prepare/quiz/pt-BR"})
    assert (program.gate.round, program.gate.passed_at) == (2, None)
    assert program.state.of("p/prepare/guideline").state is State.DONE
    assert program.model.statuses[program.desk("legal")] == "To Do"


def test_a_reopened_gate_passes_again_and_no_later_one_passes_before():
    program = in_launch()
    amend(program, FULL, reopen=("prepare",))
    program.settle()
    program.model.move(program.issue("launch/switch"), "Done", account("oda"))
    program.settle()
    assert held_by(program.spec, program.state.passed, "launch") == ("prepare",)
    assert program.state.waiting_stages == ("prepare", "launch")
    program.approve("legal", "lea")
    program.settle()
    assert program.state.finished_at is not None


def test_a_finished_stage_stays_finished_whatever_an_amendment_says_of_it():
    program = in_launch()
    amend(program, with_(TWO_SIGN, NO_MEMO, ("Write the guideline", "Write it")))
    program.settle()
    assert program.state.passed("prepare")
    assert program.gate.round == 1
    assert at_rest(program)


def test_a_stage_put_before_an_open_one_holds_its_gate_until_it_has_passed(program):
    check = "  check:\n    tasks: {facts: {title: Check the facts, team: ops}}\n"
    amend(program, with_(("  prepare:\n", f"{check}  prepare:\n    after: [check]\n")))
    program.settle()
    assert program.state.waiting_stages == ("prepare", "check")
    program.finish("prepare/guideline", "prepare/memo")
    for row in program.model.cells:
        program.model.cells[row] |= {"Status": "Done", "Completed %": "100"}
    program.settle()
    program.approve("legal", "lea")
    program.settle()
    assert not program.state.passed("prepare")
    program.model.move(program.issue("check/facts"), "Done", account("oda"))
    program.settle()
    assert program.state.passed("prepare")


# What leaves


def test_an_open_issue_that_leaves_is_told_who_wanted_it_why_and_then_closed(program):
    memo = program.issue("prepare/memo")
    amend(program, with_(NO_MEMO))
    events = program.settle()
    assert said(program, memo) == [FAREWELL]
    assert program.model.statuses[memo] == "Done"
    assert of_kind(events, ev.WorkLeft) == [ev.WorkLeft(keys=("p/prepare/memo",))]
    assert at_rest(program)


def test_a_row_that_leaves_says_so_in_its_message_and_keeps_the_rest(program):
    program.fill("prepare/quiz/ja-JP", status="In progress", notes="Half way")
    amend(program, with_(NO_JAPANESE))
    events = program.settle()
    assert cell(program, "p/prepare/quiz/ja-JP", "Message") == FAREWELL
    assert program.model.cells["p/prepare/quiz/ja-JP"] == {
        "Status": "In progress",
        "Notes": "Half way",
    }
    assert of_kind(events, ev.WorkLeft) == [ev.WorkLeft(keys=("p/prepare/quiz/ja-JP",))]
    assert at_rest(program)


def test_finished_work_that_leaves_is_left_alone(program):
    program.finish("prepare/guideline", "prepare/memo")
    program.fill("prepare/quiz/ja-JP", status="Done", percent="100")
    program.settle()
    memo, updated = program.issue("prepare/memo"), dict(program.model.updated)
    row = program.model.rows["p/prepare/quiz/ja-JP"]
    amend(program, with_(NO_MEMO, NO_JAPANESE))
    program.settle()
    assert program.model.updated[memo] == updated[memo]
    assert program.model.rows["p/prepare/quiz/ja-JP"] == row
    assert program.state.left == {"p/prepare/memo", "p/prepare/quiz/ja-JP"}


def test_what_has_left_is_not_looked_at_any_more(program):
    memo = program.issue("prepare/memo")
    amend(program, with_(NO_MEMO))
    assert memo in to_look_at(program.outline, program.state).issues.values()
    program.settle()
    assert memo not in to_look_at(program.outline, program.state).issues.values()
    program.model.move(memo, "In Progress", account("wim"))
    assert at_rest(program)


def test_a_deleted_issue_that_leaves_is_not_looked_for(program):
    memo = program.issue("prepare/memo")
    del program.model.issues[memo]
    amend(program, with_(NO_MEMO))
    program.settle()
    assert program.state.left == {"p/prepare/memo"}
    assert at_rest(program)


def test_a_gate_no_longer_waits_for_what_has_left(program):
    program.finish("prepare/guideline")
    for row in program.model.cells:
        program.model.cells[row] |= {"Status": "Done", "Completed %": "100"}
    program.settle()
    assert program.gate.digest is None
    amend(program, with_(NO_MEMO))
    program.settle()
    assert program.gate.digest is not None


def test_a_sign_off_issue_of_a_role_that_no_longer_signs_is_closed_and_signs_nothing():
    program = prepared()
    amend(program, with_(TWO_SIGN))
    program.settle()
    desk = program.desk("policy")
    amend(program, with_(("title: Skins and stakes", "title: Stakes")))
    program.settle()
    assert program.model.statuses[desk] == "Done"
    assert said(program, desk) == [FAREWELL]
    assert at_rest(program)
    program.approve("legal", "lea")
    program.settle()
    assert program.state.passed("prepare")


# What comes back


def test_an_issue_that_comes_back_is_opened_again_and_not_made_twice(program):
    memo, before = program.issue("prepare/memo"), outside(program)
    amend(program, with_(NO_MEMO))
    program.settle()
    amend(program, with_(("Write the memo", "Write the legal memo")))
    program.settle()
    assert outside(program) == before
    assert program.model.statuses[memo] == "To Do"
    assert program.model.issues[memo].summary == "Write the legal memo"
    assert said(program, memo)[-1] == (
        f"This belongs to the program again: amended by boss@example.com: {WHY}."
    )
    assert program.state.of("p/prepare/memo").state is State.TODO
    assert program.state.left == set()
    assert at_rest(program)


def test_an_issue_that_comes_back_before_it_was_seen_to_have_left_does_not_count_as_done(program):
    memo = program.issue("prepare/memo")
    amend(program, with_(NO_MEMO))
    program.look()  # told
    program.look()  # closed
    assert program.model.statuses[memo] == "Done"
    amend(program, with_(("Write the memo", "Write the legal memo")))
    program.settle()
    assert program.model.statuses[memo] == "To Do"
    assert program.state.of("p/prepare/memo").state is State.TODO


def test_finished_work_that_comes_back_is_still_finished(program):
    program.finish("prepare/guideline", "prepare/memo")
    program.settle()
    amend(program, with_(NO_MEMO))
    program.settle()
    amend(program, with_(("Write the guideline", "Write it")))
    program.settle()
    assert program.state.of("p/prepare/memo").state is State.DONE
    assert program.model.statuses[program.issue("prepare/memo")] == "Done"


def test_a_row_that_comes_back_says_what_it_said_before(program):
    amend(program, with_(NO_JAPANESE))
    program.settle()
    amend(program, with_(("Reviewer quiz", "Quiz")))
    program.settle()
    assert cell(program, "p/prepare/quiz/ja-JP", "Message") == ""
    assert cell(program, "p/prepare/quiz/ja-JP", "Material") == "Quiz"
    assert at_rest(program)


def test_work_leaves_and_comes_back_more_than_once_and_says_so_each_time(program):
    memo = program.issue("prepare/memo")
    for number in range(2):
        amend(program, with_(NO_MEMO, ("Reviewer quiz", f"Quiz {number}")))
        program.settle()
        assert program.model.statuses[memo] == "Done"
        amend(program, with_(("Reviewer quiz", f"Test {number}")))
        program.settle()
        assert program.model.statuses[memo] == "To Do"
    assert said(program, memo).count(FAREWELL) == 2


def test_a_role_that_signs_again_is_asked_anew_whatever_happened_meanwhile():
    program = prepared()
    amend(program, with_(TWO_SIGN))
    program.settle()
    desk = program.desk("policy")
    amend(program, with_(("title: Skins and stakes", "title: Stakes")))
    program.settle()
    program.model.move(desk, "Approved", account("pia"))
    amend(program, with_(TWO_SIGN, ("title: Skins and stakes", "title: Skins")))
    program.settle()
    assert program.model.statuses[desk] == "To Do"
    assert (program.gate.sign_offs, program.gate.refusals) == ([], [])
    program.approve("policy", "pia")
    program.approve("legal", "lea")
    program.settle()
    assert program.state.passed("prepare")


# People


def test_a_member_who_joins_may_sign_at_a_gate_that_waits():
    program = prepared()
    amend(program, with_(("legal:  {members: [", "legal:  {members: [new@example.com, ")))
    program.settle()
    program.approve("legal", "new")
    program.settle()
    assert program.state.passed("prepare")


def test_the_sign_off_of_a_member_who_leaves_lapses_and_history_keeps_it():
    program = prepared()
    amend(program, with_(TWO_SIGN))
    program.settle()
    program.approve("legal", "lea")
    program.settle()
    amend(program, with_(TWO_SIGN, ("members: [lea@example.com, ", "members: [")))
    events = program.settle()
    (withdrawn,) = of_kind(events, ev.SignOffWithdrawn)
    assert withdrawn.why == "lea@example.com is no longer a member of legal"
    assert program.state.accounts[person("lea")] == account("lea")
    assert program.model.statuses[program.desk("legal")] == "To Do"


def test_a_gate_that_gets_another_signer_asks_them_and_voids_what_was_signed():
    program = prepared()
    amend(program, with_(TWO_SIGN))
    events = program.settle()
    assert len(of_kind(events, ev.GateReady)) == 1
    assert program.model.issues[program.desk("policy")].summary == "Sign-off: prepare, for policy"


def test_somebody_with_a_new_address_is_one_person_and_signs():
    program = prepared()
    moved = with_(("lea@example.com", "l.a@example.com"))
    amend(program, moved)
    program.record(ev.PeopleResolved(accounts={"l.a@example.com": account("lea")}, own_account=BOT))
    program.settle()
    program.approve("legal", "lea")
    program.settle()
    assert program.state.passed("prepare")
    assert [each.person for each in program.gate.sign_offs] == ["l.a@example.com"]


def test_an_item_of_a_checklist_under_a_new_id_is_a_new_row(program):
    amend(program, with_(("routing: Route the items", "queueing: Route the items")))
    program.settle()
    assert program.state.left == {"p/prepare/queue/routing"}
    assert "p/prepare/queue/queueing" in program.model.rows


def test_a_row_whose_message_column_is_gone_leaves_without_it(program):
    key = "p/prepare/quiz/ja-JP"
    row = program.model.rows[key]
    cells = tuple(each for each in row.cells if each[0] != "Message")
    program.model.rows[key] = replace(row, cells=cells)
    amend(program, with_(NO_JAPANESE))
    program.settle()
    assert program.state.left == {key}


def test_a_reason_of_many_lines_is_one_line_in_a_cell(program):
    amend(program, with_(NO_JAPANESE), reason="Later.\n\n  In May.")
    program.settle()
    assert "boss@example.com: Later. In May. Nothing" in cell(
        program, "p/prepare/quiz/ja-JP", "Message"
    )
    assert at_rest(program)


def test_a_reason_makes_no_link_and_no_mark_in_the_comment_and_reads_as_written_in_a_cell(program):
    memo = program.issue("prepare/memo")
    amend(program, with_(NO_MEMO, NO_JAPANESE), reason="**Approved** [here](https://example.com)")
    program.settle()
    (told,) = said(program, memo)
    assert r"\*\*Approved\*\* \[here\](https://example.com)" in told
    assert "**Approved** [here]" in cell(program, "p/prepare/quiz/ja-JP", "Message")


def test_an_amended_program_is_shown_anew_once_its_run_has_taken_it_up(program):
    amend(program, with_(("  launch:\n", "  launch:\n    title: Go live\n")))
    assert program.state.unread_amendment
    program.record(ev.Resumed(wait=0, because="amended"))
    assert (program.state.unread_amendment, program.state.amended_lately) == (False, True)
    program.record(ev.Resumed(wait=1, because="check now"))
    assert not program.state.amended_lately


# Killed on the way


@pytest.mark.parametrize("after", range(6))
def test_an_amendment_half_applied_is_finished_by_the_next_looks(after):
    program = prepared()
    moved = ("effective: 2025-12-01", "effective: 2025-12-15")
    text = with_(*READY, NO_MEMO, NO_JAPANESE, moved, TWO_SIGN)
    text = text.replace("    training:", "      post: {title: Post it, team: ops}\n    training:")
    amend(program, text)
    program.killed(after)
    program.killed(after)
    program.settle()
    assert at_rest(program)
    assert len(program.model.issues) == len({each.key for each in program.model.issues.values()})
    assert program.issue("prepare/post")
    assert len(said(program, program.issue("prepare/memo"))) <= 1


def test_our_own_closing_is_nobody_s_work(program):
    amend(program, with_(NO_MEMO))
    program.settle()
    amend(program, with_(("Write the memo", "Write the legal memo")))
    program.settle()
    assert BOT not in program.state.of("p/prepare/memo").doers


CHANGES = (
    NO_MEMO,
    NO_JAPANESE,
    MORE_LANGUAGES,
    NOTE,
    TWO_SIGN,
    ("effective: 2025-12-01", "effective: 2025-12-15"),
    ("title: Skins and stakes", "title: Stakes"),
    ("    training:", "      post: {title: Post it, team: ops}\n    training:"),
)
steps = st.tuples(st.sets(st.sampled_from(CHANGES)), st.integers(0, 6), st.booleans())


@settings(max_examples=25)
@given(st.lists(steps, min_size=1, max_size=4))
def test_after_any_amendments_and_kills_what_the_spec_has_stands_once_and_the_rest_is_settled(
    these,
):
    program = UnderWay(FULL)
    program.settle()
    for changes, killed_after, works in these:
        text = FULL
        for old, new in changes:
            text = text.replace(old, new)
        with suppress(AmendmentRefused):  # nothing new, or an id that was given away
            amend(program, text, reason="Back to 2025-11-03: as it was")
        program.killed(killed_after)
        if works:
            program.finish("prepare/guideline")
    program.settle()
    assert at_rest(program)
    keys = [each.key for each in program.model.issues.values()]
    assert len(keys) == len(set(keys))
    wanted = {item.key for item in program.outline.of("prepare")}
    assert wanted <= {*keys, *program.model.rows}
    assert program.state.left.isdisjoint(wanted)
    for item in program.outline.of("prepare"):
        if item.kind == "task" and item.item != "guideline":
            assert program.model.statuses[program.state.issues[item.key]] == "To Do"
