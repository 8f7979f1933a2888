"""What people did to a program's work that only shows beside its journal."""

from dataclasses import replace

from policy_rollout import events as ev
from tests.programs_under_way import FULL, UnderWay


def test_a_row_whose_key_is_none_of_the_program_s_is_told_by_name():
    program = UnderWay(FULL)
    program.settle()
    world = program.model.world()
    key = "p/prepare/quiz/xx-XX"
    world.rows[key] = replace(world.rows["p/prepare/quiz/ja-JP"], key=key)
    what = "no row of the program has this key; put back the right one, or delete the row"
    told = f"workbook, tab Training ({key}): {what}"
    assert program.decide(world).ahead.oddities == (told,)


def test_an_issue_that_was_moved_to_another_project_is_followed():
    program = UnderWay(FULL)
    program.settle()
    world = program.model.world()
    key = "p/prepare/guideline"
    world.issues[key] = replace(world.issues[key], issue_key="LEGAL-7")
    decision = program.decide(world)
    assert decision.events[0] == ev.KeysChanged(issues={key: "LEGAL-7"})
    assert decision.ahead.issues[key] == "LEGAL-7"


def test_an_issue_that_carries_the_mark_of_another_item_is_told_and_not_followed():
    program = UnderWay(FULL)
    program.settle()
    world = program.model.world()
    guideline, memo = program.issue("prepare/guideline"), program.issue("prepare/memo")
    del world.issues["p/prepare/memo"]
    world.issues["p/prepare/guideline"] = replace(
        world.issues["p/prepare/guideline"], issue_key=memo
    )
    ahead = program.decide(world).ahead
    assert ahead.issues["p/prepare/guideline"] == guideline
    assert (
        f"{memo}: carries the mark of p/prepare/guideline, expected that of p/prepare/memo"
        in ahead.oddities
    )
