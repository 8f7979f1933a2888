"""What each answer leads to: conditions, rejection for good, waivers, void sign-offs."""

from datetime import date, timedelta

import pytest

from policy_rollout import events as ev
from policy_rollout.comments import SayOnIssue
from policy_rollout.plan import CreateIssue, MoveIssue
from policy_rollout.work import State
from tests.programs_under_way import (
    HEAD,
    ONE_TASK,
    PLAIN,
    TWO_ROLES,
    UnderWay,
    account,
    asked,
    of_kind,
    person,
)

LAUNCH = """  launch:
    after: [prepare]
    gate: {sign_off: {ops: 1}}
"""
LATER = PLAIN + LAUNCH
WAIVABLE = f"""{HEAD}{ONE_TASK}
    gate: {{sign_off: {{legal: 1}}, waivers: [pat@example.com]}}
"""
CONDITION = "p/launch/condition:1"

NOT_LATER = "which does not come after this one; those that do: launch"


def refusals(program: UnderWay) -> list[str]:
    return [each.why for each in of_kind(program.settle(), ev.SignOffRefused)]


def comments(program: UnderWay, name: str) -> list[str]:
    """What we said on an issue."""
    ours = program.state.own_account
    said = program.model.comments
    return [each.text for each in said if each.issue_key == name and each.account == ours]


def said(program: UnderWay, text: str, who: str, role: str = "legal") -> None:
    program.model.say(program.desk(role), text, account(who))


# Approve with conditions


def approved_on(condition: str) -> UnderWay:
    program = asked(LATER)
    said(program, condition, "lea")
    program.approve("legal", "lea")
    return program


def test_a_condition_becomes_work_of_the_gate_that_it_names():
    program = approved_on("Condition for launch (policy): Tell the market")
    program.settle()
    issue = program.model.issues[program.issue("launch/condition:1")]
    assert (issue.summary, issue.assignee, issue.parent) == (
        "Tell the market",
        account("pia"),
        program.issue("epic"),
    )


def test_a_condition_without_a_team_is_the_signer_s_own_role_s():
    program = approved_on("Condition for launch: Tell the market")
    (signed,) = of_kind(program.settle(), ev.SignedOff)
    assert signed.conditions == (
        ev.Condition(stage="launch", team="legal", text="Tell the market"),
    )


def test_the_named_gate_asks_nobody_before_its_condition_is_done():
    program = approved_on("Condition for launch: Tell the market")
    assert "sign_off_asked" not in [each.kind for each in program.settle()]
    (conditions,) = program.decide().judged["launch"]
    assert (conditions.name, conditions.met, conditions.total) == ("conditions", 0, 1)
    program.finish("launch/condition:1")
    assert "sign_off_asked" in [each.kind for each in program.settle()]


def test_a_condition_is_required_even_where_tasks_are_optional():
    program = UnderWay(
        PLAIN + LAUNCH.replace("{sign_off:", "{require: {tasks: optional}, sign_off:")
    )
    program.settle()
    program.finish()
    program.settle()
    said(program, "Condition for launch: Tell the market", "lea")
    program.approve("legal", "lea")
    program.settle()
    assert [each.name for each in program.decide().judged["launch"]] == ["conditions"]


def test_a_condition_of_a_sign_off_that_does_not_stand_is_no_work():
    program = UnderWay(TWO_ROLES + LAUNCH)
    program.settle()
    program.finish()
    program.settle()
    said(program, "Condition for launch: Tell the market", "lea")
    program.approve("legal", "lea")
    program.move("legal", "To Do", "lea")
    program.settle()
    program.approve("legal", "both")
    program.approve("policy", "pia")
    program.settle()
    assert program.state.passed("prepare")
    assert program.state.conditions == []


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (
            "Condition for lanch: Tell the market",
            f"a condition names the gate 'lanch', {NOT_LATER}",
        ),
        (
            "Condition for prepare: Tell the market",
            f"a condition names the gate 'prepare', {NOT_LATER}",
        ),
        (
            "Condition for launch (opps): Tell the market",
            "a condition names the team 'opps'; known teams: legal, policy, ops",
        ),
    ],
)
def test_an_approval_whose_condition_nobody_can_require_does_not_count(line: str, why: str):
    assert refusals(approved_on(line)) == [why]


# Reject for good


def stopped(text: str = PLAIN) -> UnderWay:
    program = asked(text)
    program.model.move(program.issue("prepare/guideline"), "In Progress", account("wim"))
    program.model.move(program.issue("prepare/guideline"), "Done", account("wim"))
    program.reject("legal", "lea", "This harms people.\nFor good")
    return program


def test_a_rejection_for_good_stops_the_program():
    program = stopped()
    events = program.settle()
    (rejected,) = of_kind(events, ev.Rejected)
    assert rejected.for_good
    assert of_kind(events, ev.ProgramStopped) == [
        ev.ProgramStopped(by=person("lea"), reason="This harms people.\nFor good")
    ]
    assert program.state.is_over


def test_nothing_is_asked_or_opened_after_a_stop():
    program = stopped(LATER)
    kinds = [each.kind for each in program.settle()]
    assert kinds == ["rejected", "program_stopped", "stop_carried_out"]
    assert program.settle() == []


def test_a_stop_closes_the_epic_and_says_so_on_the_sign_off_issue():
    program = stopped()
    program.settle()
    assert program.model.statuses[program.issue("epic")] == "Done"
    assert comments(program, program.desk("legal")) == ["The program is stopped for good."]


SECOND_TASK = PLAIN.replace(
    "    gate:",
    "      memo: {title: Memo, team: ops}\n    gate:",
).replace("{sign_off: {legal: 1}}", "{sign_off: {legal: 1}, require: {tasks: optional}}")


@pytest.mark.parametrize(("rule", "status"), [("leave", "To Do"), ("close", "Done")])
def test_open_work_is_left_or_closed_as_the_spec_says(rule: str, status: str):
    program = UnderWay(f"if_rejected: {rule}\n{SECOND_TASK.lstrip()}")
    program.settle()
    program.reject("legal", "lea", "For good, it harms people.\nFor good")
    program.settle()
    assert program.model.statuses[program.issue("prepare/memo")] == status
    assert program.model.statuses[program.issue("epic")] == "Done"


def test_two_who_reject_for_good_at_once_stop_the_program_once():
    program = asked(TWO_ROLES)
    program.reject("legal", "lea", "It harms people.\nFor good")
    program.reject("policy", "pia", "I agree.\nFor good")
    events = program.settle()
    assert [each.by for each in of_kind(events, ev.ProgramStopped)] == [person("lea")]


def test_a_rejection_for_good_needs_a_member_too():
    program = asked()
    program.reject("legal", "oda", "No.\nFor good")
    assert len(refusals(program)) == 1
    assert program.state.stopped is None


# Waive


def waiting(until: str = "2025-11-30") -> UnderWay:
    """A gate whose task is not done and whose sign-off was asked for once, with a waiver."""
    program = asked(WAIVABLE)
    program.model.move(program.issue("prepare/guideline"), "To Do", account("wim"))
    program.settle()
    said(program, f"Waive tasks until {until}: the text is agreed", "pat")
    return program


def test_a_waiver_lets_a_criterion_hold_and_asks_again():
    program = waiting()
    waived = of_kind(program.settle(), ev.Waived)
    assert [(each.criterion, each.person, each.until, each.reason) for each in waived] == [
        ("tasks", person("pat"), date(2025, 11, 30), "the text is agreed")
    ]
    program.approve("legal", "lea")
    program.settle()
    assert program.state.passed("prepare")


def test_a_waiver_that_expires_before_the_gate_passes_is_void():
    program = waiting("2025-11-04")
    program.settle()
    assert program.decide().judged["prepare"][0].waiver is not None
    program.model.now += timedelta(days=2)
    program.settle()
    (tasks,) = program.decide().judged["prepare"]
    assert tasks.waiver is None
    program.approve("legal", "lea")
    assert refusals(program) == ["the gate's criteria do not hold now; sign when it asks again"]


def test_a_waiver_counts_until_the_end_of_its_day():
    program = waiting("2025-11-04")
    program.settle()
    program.model.now = program.model.now.replace(day=4, hour=23, minute=50)
    program.approve("legal", "lea")
    program.settle()
    assert program.state.passed("prepare")


def test_a_waiver_voids_sign_offs_on_the_text_without_it():
    program = asked(WAIVABLE.replace("{legal: 1}", "{legal: 1, policy: 1}"))
    program.approve("legal", "lea")
    program.settle()
    program.model.move(program.issue("prepare/guideline"), "To Do", account("wim"))
    program.settle()
    said(program, "Waive tasks until 2025-11-30: the text is agreed", "pat")
    program.settle()
    assert program.gate.standing(program.gate.digest) == ()


def test_only_who_is_named_may_waive():
    program = asked(WAIVABLE)
    said(program, "Waive tasks until 2025-11-30: no time", "lea")
    assert refusals(program) == ["criteria of this gate may be waived by pat@example.com"]


def test_where_nobody_is_named_nobody_may_waive():
    program = asked()
    said(program, "Waive tasks until 2025-11-30: no time", "lea")
    assert refusals(program) == [
        "criteria of this gate may be waived by nobody: the spec names no waivers for it"
    ]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (
            "Waive taks until 2025-11-30: agreed",
            "there is no criterion 'taks' at this gate; its criteria: tasks",
        ),
        (
            "Waive tasks until 2025-11-02: agreed",
            "the waiver ended on 2025-11-02, before today; give a later day",
        ),
        (
            "Waive tasks until 2025-11-30: agreed\nWaive tasks until 2025-12-30: agreed",
            "write one line such as `Waive tasks until 2026-12-31: the reason`",
        ),
    ],
)
def test_a_waiver_that_cannot_be_given_says_why(line: str, why: str):
    program = asked(WAIVABLE)
    said(program, line, "pat")
    assert refusals(program) == [why]


# A changed text


def test_a_changed_text_is_told_to_who_signed_the_old_one_once():
    program = asked(TWO_ROLES)
    program.approve("legal", "lea")
    program.settle()
    program.amend(TWO_ROLES.replace("Write the guideline", "Write the long guideline"))
    program.settle()
    program.settle()
    assert comments(program, program.desk("legal")) == [
        (
            "What lea@example.com signed has changed; it is asked for again:\n\n"
            '- p/prepare/guideline, title: was "Write the guideline", is "Write the long guideline"'
        )
    ]
    assert program.model.statuses[program.desk("legal")] == "To Do"


def test_what_changed_since_it_was_last_asked_stands_on_the_issue():
    program = asked(TWO_ROLES)
    program.amend(TWO_ROLES.replace("title: Skins and stakes", "title: Skins"))
    program.settle()
    assert (
        'Changed since it was last asked:\n\n- title: was "Skins and stakes", is "Skins"'
    ) in program.model.issues[program.desk("legal")].description


# Resting and waiting


def test_a_sign_off_issue_rests_while_its_criteria_fail_and_asks_again_after():
    program = asked()
    asks = program.model.issues[program.desk("legal")].description
    program.model.move(program.issue("prepare/guideline"), "To Do", account("wim"))
    program.settle()
    issue = program.model.issues[program.desk("legal")]
    assert issue.description.startswith(
        "Nothing to sign now: the criteria of stage **prepare** do not hold. "
        "You are asked again when they do.\n\n"
    )
    assert not any("waits-for" in each for each in issue.labels)
    program.finish()
    program.settle()
    assert program.model.issues[program.desk("legal")].description == asks


def labels(program: UnderWay, role: str) -> list[str]:
    every = program.model.issues[program.desk(role)].labels
    return [each for each in every if each.startswith("rollout/waits-for/")]


def test_a_sign_off_issue_carries_a_label_for_each_person_it_waits_for():
    program = asked(TWO_ROLES)
    assert labels(program, "legal") == [
        "rollout/waits-for/lea@example.com",
        "rollout/waits-for/both@example.com",
    ]


def test_who_has_signed_is_waited_for_no_more_at_either_issue():
    program = asked(TWO_ROLES)
    program.approve("legal", "both")
    program.settle()
    assert labels(program, "legal") == []
    assert "rollout/waits-for/both@example.com" not in labels(program, "policy")


def test_looking_again_after_a_stop_changes_nothing():
    program = stopped(LATER)
    program.settle()
    decision = program.decide()
    assert of_kind(decision.changes, CreateIssue | MoveIssue | SayOnIssue) == []
    assert program.state.of("p/prepare/guideline").state is State.DONE


# What is still heard wrongly


def test_a_done_status_that_is_no_answer_approves_nothing():
    program = asked()
    program.move("legal", "Done", "lea")
    program.settle()
    assert not program.state.passed("prepare")


def test_a_line_that_begins_a_waiver_and_is_none_is_told_to_who_wrote_it():
    program = asked(WAIVABLE)
    said(program, "Waive tasks until tomorrow: agreed", "pat")
    assert refusals(program) == [
        "write one line such as `Waive tasks until 2026-12-31: the reason`"
    ]
