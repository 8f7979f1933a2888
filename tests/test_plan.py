"""What is due in Jira and the workbook: journal and world in, changes out."""

from dataclasses import replace
from datetime import date

import pytest

from policy_rollout import events as ev
from policy_rollout.comments import SayOnIssue
from policy_rollout.desired import IssueKind, Tab
from policy_rollout.observed import TextEdit, World
from policy_rollout.plan import AddRow, CreateIssue, LinkIssues, MoveIssue, RewriteRow, UpdateIssue
from policy_rollout.work import State
from tests.programs_under_way import (
    BEGAN,
    BOT,
    FULL,
    PLAIN,
    TWO_ROLES,
    UnderWay,
    account,
    asked,
    of_kind,
    prepared,
)


def launched(text: str = FULL) -> UnderWay:
    """A program whose epic stands and nothing else."""
    program = UnderWay(text)
    program.look()
    return program


def settled(text: str = FULL) -> UnderWay:
    program = UnderWay(text)
    program.settle()
    return program


def changes_where_issue(program: UnderWay, short: str, **observed: object) -> tuple:
    """The changes when a look finds an issue other than we left it."""
    world = program.model.world()
    key = f"p/{short}"
    world.issues[key] = replace(world.issues[key], **observed)
    return program.decide(world).changes


# Creation


def test_the_epic_is_created_before_the_issues_under_it():
    created = of_kind(UnderWay(FULL).decide().changes, CreateIssue)
    assert [each.issue.key for each in created] == ["p/epic"]


def test_the_issues_under_the_epic_are_created_when_it_stands():
    created = of_kind(launched().decide().changes, CreateIssue)
    assert [(each.issue.key, each.issue.parent) for each in created] == [
        ("p/prepare/guideline", "POL-1"),
        ("p/prepare/memo", "POL-1"),
    ]


def test_the_epic_reads_as_the_program():
    (created,) = of_kind(UnderWay(PLAIN).decide().changes, CreateIssue)
    issue = created.issue
    assert (issue.kind, issue.summary, issue.due_on, issue.assignee) == (
        IssueKind.EPIC,
        "Skins and stakes",
        date(2025, 12, 1),
        account("boss"),
    )


def test_a_task_carries_its_due_day_its_assignee_and_our_labels():
    (created,) = of_kind(launched(PLAIN).decide().changes, CreateIssue)
    issue = created.issue
    assert (issue.kind, issue.due_on, issue.assignee, issue.labels) == (
        IssueKind.TASK,
        date(2025, 12, 1),
        account("wim"),
        ("rollout", "rollout/p", "rollout/p/prepare/guideline"),
    )


def test_nothing_is_created_for_stages_that_are_not_open():
    program = settled()
    assert not any("launch" in issue.key for issue in program.model.issues.values())
    assert not any("launch" in key for key in program.model.rows)


def test_nothing_is_created_for_a_key_in_doubt():
    program = launched()
    program.record(ev.CreationIntended(batch="9", keys=("p/prepare/memo",), fence=1))
    created = of_kind(program.decide().changes, CreateIssue)
    assert [each.issue.key for each in created] == ["p/prepare/guideline"]


def test_nothing_is_created_under_an_epic_in_doubt():
    program = UnderWay(FULL)
    program.record(ev.CreationIntended(batch="9", keys=("p/epic",), fence=0))
    assert of_kind(program.decide().changes, CreateIssue) == []


def test_what_was_certainly_not_created_is_created_on_the_next_look():
    program = launched()
    program.record(
        ev.CreationIntended(batch="9", keys=("p/prepare/memo",), fence=1),
        ev.CreationRefused(batch="9", reasons={"p/prepare/memo": "never arrived"}),
    )
    assert "p/prepare/memo" in {
        each.issue.key for each in of_kind(program.decide().changes, CreateIssue)
    }


def test_nothing_is_created_twice():
    program = settled()
    assert of_kind(program.decide().changes, CreateIssue | AddRow) == []


def test_sign_off_issues_are_created_when_the_criteria_hold_and_not_before():
    program = settled(TWO_ROLES)
    assert [each.key for each in program.model.issues.values()] == ["p/epic", "p/prepare/guideline"]
    program.finish()
    created = [each.issue for each in of_kind(program.decide().changes, CreateIssue)]
    assert [(each.kind, each.summary, each.assignee, each.parent) for each in created] == [
        (IssueKind.SIGN_OFF, "Sign-off: prepare, for legal", account("lea"), "POL-1"),
        (IssueKind.SIGN_OFF, "Sign-off: prepare, for policy", account("pia"), "POL-1"),
    ]


def test_a_sign_off_issue_is_not_assigned_to_an_owner_who_may_not_sign():
    text = PLAIN.replace("legal:  {members: [lea@", "legal:  {members: [boss@example.com, lea@")
    program = asked(text.replace("both@example.com, boss@example.com]", "both@example.com]", 1))
    assert program.model.issues[program.desk("legal")].assignee == account("lea")


# Rows


def test_a_training_row_has_its_machine_cells():
    row = settled().model.rows["p/prepare/quiz/ja-JP"]
    assert row.tab is Tab.TRAINING
    assert dict(row.cells) == {
        "Key": "p/prepare/quiz/ja-JP",
        "Program": "p",
        "Stage": "prepare",
        "Team": "ops",
        "Assigned to": "oda@example.com",
        "Due": "2025-11-28",
        "Message": "",
        "Material": "Reviewer quiz",
        "Kind": "quiz",
        "Language": "ja-JP",
        "Pass mark": "80%",
    }


def test_a_checklist_row_has_its_machine_cells():
    row = settled().model.rows["p/prepare/queue/routing"]
    assert row.tab is Tab.CHECKLIST
    assert dict(row.cells) == {
        "Key": "p/prepare/queue/routing",
        "Program": "p",
        "Stage": "prepare",
        "Team": "ops",
        "Assigned to": "oda@example.com",
        "Due": "2025-11-28",
        "Message": "",
        "List": "queue",
        "Item": "Route the items",
        "Market or language": "",
    }


def test_a_row_whose_machine_cell_was_overwritten_is_rewritten():
    program = settled()
    world = program.model.world()
    key = "p/prepare/queue/routing"
    row = world.rows[key]
    cells = {**dict(row.machine), "Due": "tomorrow"}
    world.rows[key] = replace(row, machine=tuple(cells.items()))
    assert program.decide(world).changes == (RewriteRow(program.model.rows[key]),)


def test_a_column_that_is_not_there_is_no_reason_to_rewrite():
    program = settled()
    world = program.model.world()
    key = "p/prepare/queue/routing"
    row = world.rows[key]
    world.rows[key] = replace(row, machine=tuple(cell for cell in row.machine if cell[0] != "Due"))
    assert program.decide(world).changes == ()


def test_what_people_write_into_a_row_changes_nothing():
    program = settled()
    program.fill("prepare/queue/routing", status="In progress", notes="Asked Oda")
    assert program.decide().changes == ()


# Updates


@pytest.mark.parametrize(
    "observed",
    [
        {"summary": "Renamed by hand"},
        {"due_on": date(2026, 1, 1)},
        {"due_on": None},
        {"content_digest": "of an older text"},
        {"labels": ("rollout", "rollout/p")},
    ],
)
def test_an_issue_whose_fields_of_ours_differ_is_updated(observed):
    program = settled()
    name = program.issue("prepare/memo")
    assert changes_where_issue(program, "prepare/memo", **observed) == (
        UpdateIssue(name, replace(program.model.issues[name], parent=None)),
    )


@pytest.mark.parametrize("parent", [None, "OTHER-3"])
def test_an_issue_that_was_put_under_another_epic_is_put_back(parent):
    program = settled()
    name = program.issue("prepare/memo")
    assert changes_where_issue(program, "prepare/memo", parent=parent) == (
        UpdateIssue(name, program.model.issues[name]),
    )


def test_an_issue_that_was_made_an_epic_is_left_without_a_parent():
    program = settled()
    assert changes_where_issue(program, "prepare/memo", parent=None, is_converted=True) == ()


@pytest.mark.parametrize("world", ["gone", "converted"])
def test_nothing_is_created_under_an_epic_that_is_none_any_more(world):
    program = settled()
    epic, memo = program.issue("epic"), program.issue("prepare/memo")
    program.record(ev.RecreationAsked(keys=("p/prepare/memo",)))
    del program.model.issues[memo]
    seen = program.model.world()
    if world == "gone":
        del seen.issues["p/epic"]
    else:
        seen.issues["p/epic"] = replace(seen.issues["p/epic"], is_converted=True)
    decision = program.decide(seen)
    assert decision.changes == ()
    what = "p/epic is no epic any more; no issue is created until it is one, or created again"
    assert f"{epic}: {what}" in decision.ahead.oddities


@pytest.mark.parametrize(
    "observed",
    [
        {"assignee": "account-of-somebody"},
        {"assignee": None},
        {"status": "In Review", "state": State.IN_PROGRESS},
        {"labels": ("q4", "rollout", "rollout/p", "rollout/p/prepare/memo")},
        {"issue_type": "Story"},
        {"updated_at": BEGAN.replace(year=2026)},
        {"blocked_by": frozenset({"POL-2", "OPS-7"})},
    ],
)
def test_an_issue_whose_fields_of_theirs_differ_is_left_alone(observed):
    assert changes_where_issue(settled(), "prepare/memo", **observed) == ()


def test_an_amended_title_is_written_to_its_issue():
    program = settled()
    program.amend(FULL.replace("Write the memo", "Write the legal memo"))
    (update,) = program.decide().changes
    assert update.issue.summary == "Write the legal memo"


def test_an_issue_that_was_not_read_is_not_updated():
    program = settled()
    world = program.model.world()
    del world.issues["p/prepare/memo"]
    assert of_kind(program.decide(world).changes, UpdateIssue) == []


# Links


def test_an_issue_is_linked_to_what_comes_before_it_once():
    program = launched()
    program.look()
    links = of_kind(program.decide().changes, LinkIssues)
    assert links == [LinkIssues(program.issue("prepare/memo"), program.issue("prepare/guideline"))]
    program.settle()
    assert program.model.links == {("POL-3", "POL-2")}


def test_a_link_that_was_removed_is_made_again():
    program = settled()
    changes = changes_where_issue(program, "prepare/memo", blocked_by=frozenset())
    assert changes == (LinkIssues("POL-3", "POL-2"),)


def test_a_link_waits_for_the_issue_before():
    program = launched()
    program.record(ev.IssuesCreated(batch="1", issues={"p/prepare/memo": "POL-3"}))
    world = program.model.world()
    epic = world.issues["p/epic"]
    world.issues["p/prepare/memo"] = replace(epic, key="p/prepare/memo", issue_key="POL-3")
    assert of_kind(program.decide(world).changes, LinkIssues) == []


# Moves


def test_a_task_sent_back_is_moved_once():
    program = asked()
    program.reject("legal", "lea", "Reopen: guideline")
    decision = program.decide()
    moves = of_kind(decision.changes, MoveIssue)
    assert MoveIssue("p/prepare/guideline", "POL-2", State.TODO) in moves
    program.settle()
    program.finish()
    assert of_kind(program.decide().changes, MoveIssue) == []


def test_a_row_sent_back_is_not_moved():
    program = prepared()
    program.reject("legal", "lea", "Reopen: queue/routing")
    moved = {each.key for each in of_kind(program.decide().changes, MoveIssue)}
    assert moved == {"p/prepare/sign-off:legal"}


def test_the_issue_of_a_sign_off_that_counts_is_left_on_approved():
    program = asked(TWO_ROLES)
    program.approve("legal", "lea")
    program.settle()
    assert program.model.statuses[program.desk("legal")] == "Approved"


def test_an_issue_whose_last_transition_was_not_judged_is_not_moved():
    program = asked(TWO_ROLES)
    program.reject("legal", "lea")
    assert program.decide().changes == ()


def edited(program: UnderWay, by: str) -> World:
    """The world after somebody edited a description and put the same text back."""
    world = program.model.world()
    return replace(world, edits=(TextEdit("POL-2", "7", program.model.now, by, by),))


def test_a_text_that_somebody_edited_last_is_written_over_once_and_not_for_ever():
    program = asked()
    world = edited(program, account("eve"))
    (update,) = program.decide(world).changes
    assert isinstance(update, UpdateIssue)
    assert (update.issue_key, update.undoes) == ("POL-2", "undone-7")
    program.record(ev.Said(marks=(update.undoes,)))  # the same text leaves no trace in Jira
    assert program.decide(world).changes == ()


def test_a_later_edit_is_written_over_again():
    program = asked()
    program.record(ev.Said(marks=("undone-6",)))
    (update,) = of_kind(program.decide(edited(program, account("eve"))).changes, UpdateIssue)
    assert update.undoes == "undone-7"


def test_a_text_that_we_wrote_last_is_left_alone():
    program = asked()
    assert program.decide(edited(program, BOT)).changes == ()


def test_only_the_epic_of_a_finished_program_is_closed():
    program = asked()
    program.approve("legal", "lea")
    assert program.decide().changes == (MoveIssue("p/epic", "POL-1", State.DONE),)


# Comments


def test_a_comment_is_made_once_by_its_mark():
    program = asked()
    program.approve("legal", "oda")
    (say,) = of_kind(program.decide().changes, SayOnIssue)
    assert say.mark == "refused-2"
    program.record(*program.decide().events, ev.Said(marks=("refused-2",)))
    assert of_kind(program.decide().changes, SayOnIssue) == []


def test_changes_stand_in_the_order_in_which_they_are_carried_out():
    program = prepared()
    program.reject("legal", "lea", "Reopen: memo, queue/routing")
    program.settle()
    program.model.links.clear()
    program.amend(FULL.replace("Write the memo", "Write the legal memo"))
    program.record(
        ev.RecreationAsked(keys=("p/prepare/guideline", "p/prepare/queue/breaks")),
        ev.SignOffRefused(
            stage="prepare",
            round=1,
            role="legal",
            account="x",
            name="X",
            history_id="99",
            at=BEGAN,
            why="no",
        ),
    )
    del program.model.issues["POL-2"], program.model.rows["p/prepare/queue/breaks"]
    program.model.rows["p/prepare/queue/routing"] = replace(
        program.model.rows["p/prepare/queue/routing"], cells=(("Due", "?"),)
    )
    assert [type(each).__name__ for each in program.decide().changes] == [
        "CreateIssue",
        "AddRow",
        "UpdateIssue",
        "UpdateIssue",
        "RewriteRow",
        "SayOnIssue",
    ]
