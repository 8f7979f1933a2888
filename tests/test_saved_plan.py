"""A plan as a file: it comes back as it was saved, edits are named, and so is what has changed."""

import json
from datetime import UTC, datetime
from typing import get_args

import pytest

from policy_rollout import events as ev
from policy_rollout.program import Recorded
from policy_rollout.saved_plan import (
    NOTED,
    Amendment,
    ChangeText,
    FieldText,
    Head,
    PlanEdited,
    PlanOutdated,
    PlanUnreadable,
    SavedPlan,
    Since,
    Site,
    differences,
    moved_house,
    outdated,
    read_plan,
    text_of,
)
from policy_rollout.work import State

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CLOSE = ChangeText(
    type="close",
    key="demo/write/symbols",
    where="POL-3",
    title="List the symbols",
    fields=(FieldText(name="status", before="To Do", after="done"),),
)
PLAN = SavedPlan(
    program="demo",
    made_at=AT,
    journal=Head(entries=12, digest="a" * 64),
    site=Site(project="POL", workbook="book-1", workflow={"Task: Done": "done"}),
    amendment=Amendment(spec_text="program: demo\n", spec_path="demo.yaml"),
    changes=(CLOSE,),
    follows={"stages opened": (), "sign-offs voided": ("r@example.com for policy at write",)},
)
THEN = "a" * 64
SYMBOLS = "POL-3 (demo/write/symbols), List the symbols"


def edited(**parts: object) -> str:
    return json.dumps({**json.loads(text_of(PLAN)), **parts})


def test_a_plan_comes_back_as_it_was_saved():
    assert read_plan(text_of(PLAN), "demo.plan") == PLAN


def test_white_space_is_no_edit():
    assert read_plan(json.dumps(json.loads(text_of(PLAN))), "demo.plan") == PLAN


@pytest.mark.parametrize("part", ["changes", "follows", "amendment", "site", "journal", "program"])
def test_an_edited_part_is_named(part):
    with pytest.raises(PlanEdited) as refused:
        read_plan(edited(**{part: None}), "demo.plan")
    assert str(refused.value) == (
        f"demo.plan: found a plan that was changed after it was saved, in {part}; nothing was "
        "done. Change the spec instead, and make the plan again"
    )


def test_a_part_that_was_added_or_taken_out_is_an_edit():
    with pytest.raises(PlanEdited, match="in allow_closures;"):
        read_plan(edited(allow_closures=True), "demo.plan")
    lacking = json.loads(text_of(PLAN))
    del lacking["site"]
    with pytest.raises(PlanEdited, match="in site;"):
        read_plan(json.dumps(lacking), "demo.plan")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("program: demo\n", "a text that is no JSON"),
        ("[]", "no plan"),
        ('{"program": "demo"}', "no plan"),
        (edited(version=2), "a plan of version 2, not 1"),
        (edited(digests=None), "no digests"),
    ],
)
def test_what_is_no_plan_is_told(text, found):
    with pytest.raises(PlanUnreadable) as refused:
        read_plan(text, "demo.plan")
    assert str(refused.value) == (
        f"demo.plan: found {found}, expected a plan as `rollout plan SPEC --out FILE` saves it; "
        "make the plan again"
    )


def test_the_same_plan_has_no_differences():
    assert list(differences(PLAN, PLAN)) == []
    assert list(outdated(PLAN, Since(THEN, ()))) == []
    assert list(moved_house(PLAN.site, PLAN.site)) == []


def test_an_issue_that_is_done_meanwhile_is_named_with_both_sides():
    now = PLAN.model_copy(update={"changes": ()})
    assert list(differences(PLAN, now)) == [
        f"{SYMBOLS}: was planned: close (status 'To Do' → 'done'); is now: nothing"
    ]


def test_an_issue_that_somebody_began_is_named_with_both_sides():
    began = CLOSE.model_copy(
        update={"fields": (FieldText(name="status", before="In Progress", after="done"),)}
    )
    now = PLAN.model_copy(update={"changes": (began,)})
    assert list(differences(PLAN, now)) == [
        (
            f"{SYMBOLS}: was planned: close (status 'To Do' → 'done'); "
            "is now: close (status 'In Progress' → 'done')"
        )
    ]


def test_another_workbook_or_project_is_named_with_both_sides():
    site = PLAN.site.model_copy(update={"workbook": "book-2", "project": "NEW"})
    assert list(moved_house(PLAN.site, site)) == [
        "Jira project: was planned for POL, is now NEW",
        "workbook: was planned for book-1, is now book-2",
    ]


@pytest.mark.parametrize(
    ("workflow", "is_now"),
    [({}, "not in the workflow"), ({"Task: Done": "in_progress"}, "in_progress")],
)
def test_a_changed_workflow_is_named_with_both_sides(workflow, is_now):
    site = PLAN.site.model_copy(update={"workflow": workflow})
    assert list(moved_house(PLAN.site, site)) == [
        f"workflow of POL: status Task: Done was planned as done, is now {is_now}"
    ]


def test_a_new_status_of_the_workflow_is_no_difference():
    site = PLAN.site.model_copy(update={"workflow": {"Task: Done": "done", "Task: New": "todo"}})
    assert list(moved_house(PLAN.site, site)) == []


def test_decisions_journaled_since_are_named_and_mere_observations_are_not():
    seen = ev.WorkSeen(items={"demo/write/guideline": ev.Seen(state=State.DONE)})
    opened = ev.StageOpened(stage="launch")
    since = (Recorded(13, AT, "watch", seen), Recorded(14, AT, "rollout", opened))
    assert list(outdated(PLAN, Since(THEN, since))) == [
        "journal: entry 14 was written since: stage opened, by rollout"
    ]


def test_what_is_no_difference_are_kinds_that_can_be_journaled():
    kinds = {each.model_fields["kind"].default for each in get_args(get_args(ev.Event)[0])}
    assert kinds >= NOTED


def test_a_journal_with_another_history_is_named():
    found = list(outdated(PLAN, Since("b" * 64, ())))
    assert found == [
        f"journal: entry 12 was planned on {'a' * 12}, is now {'b' * 12}: another history"
    ]
    assert "is now not there" in next(outdated(PLAN, Since("", ())))


def test_sign_offs_that_are_voided_differently_are_named():
    now = PLAN.model_copy(update={"follows": {"stages opened": ("launch",)}})
    assert list(differences(PLAN, now)) == [
        "stages opened: was planned: none; is now: launch",
        "sign-offs voided: was planned: r@example.com for policy at write; is now: none",
    ]


def test_a_long_list_of_differences_is_bounded():
    refused = PlanOutdated("demo", AT, [f"one {n}" for n in range(25)])
    assert str(refused).splitlines()[0] == (
        "the plan for 'demo' of 2026-03-02 09:00 UTC does not fit any more, nothing was done:"
    )
    assert str(refused).splitlines()[-2:] == ["  - and 5 more", "Make the plan again"]
    assert len(refused.differences) == 25
