"""Held, gone on, stopped, taken up: what the journal makes of it, and what a pass does then."""

from datetime import timedelta

import pytest

from policy_rollout import events as ev
from policy_rollout.comments import SayOnIssue
from policy_rollout.plan import MoveIssue, RewriteRow, UpdateIssue
from policy_rollout.program import Hold
from policy_rollout.report.board import form_text, headline, hold_text, lost_text
from policy_rollout.report.story import line_of
from policy_rollout.stopping import stop_ahead
from policy_rollout.work import State
from tests.amended import said
from tests.programs_under_way import FULL, MINUTE, PLAIN, UnderWay, account, asked, of_kind
from tests.report.test_board import LINKS

BY = "p.kim"
HELD = ev.Held(by=BY, reason="legal asks for it")
THREE_DAYS = timedelta(days=3)


def held(text: str = PLAIN) -> UnderWay:
    """A gate has asked for its sign-off; then the program is held."""
    program = asked(text)
    program.record(HELD)
    return program


# Hold


def test_a_held_program_decides_nothing_whatever_people_do():
    program = held()
    program.model.move(program.issue("prepare/guideline"), "To Do", account("wim"))
    program.approve("legal", "lea")
    decision = program.decide()
    assert (decision.events, decision.changes) == ((), ())
    assert not program.state.passed("prepare")


def test_a_sign_off_given_meanwhile_counts_once_the_program_goes_on():
    program = held()
    program.approve("legal", "lea")
    program.settle()
    program.record(ev.GoneOn(by=BY))
    program.settle()
    assert program.state.passed("prepare")


def test_a_code_given_meanwhile_counts_once_the_program_goes_on():
    program = held()
    program.record(
        ev.CodeGiven(
            stage="prepare",
            role="legal",
            person="lea@example.com",
            action="approve",
            text="",
            digest=program.gate.digest or "",
            mark="code-1",
            at=program.model.now,
        )
    )
    program.settle()
    assert not program.state.passed("prepare")
    program.record(ev.GoneOn(by=BY))
    program.settle()
    assert program.state.passed("prepare")


def test_a_sign_off_over_work_that_was_reopened_meanwhile_does_not_count():
    program = held()
    program.approve("legal", "lea")
    program.model.move(program.issue("prepare/guideline"), "To Do", account("wim"))
    program.record(ev.GoneOn(by=BY))
    program.settle()
    assert not program.state.passed("prepare")


def test_silence_escalates_nobody_while_a_program_is_held():
    program = held()
    program.model.now += THREE_DAYS
    assert program.decide().events == ()


def test_the_clock_of_silence_stands_still_during_a_hold():
    held_through = held()
    held_through.model.now += THREE_DAYS
    held_through.record(ev.GoneOn(by=BY))
    waited_through = asked()
    waited_through.model.now += THREE_DAYS
    assert of_kind(waited_through.decide().events, ev.Reminded)
    assert not of_kind(held_through.decide().events, ev.Reminded)
    held_through.model.now += timedelta(days=4)
    assert of_kind(held_through.decide().events, ev.Reminded)


def test_a_hold_is_told_by_whom_since_when_why_and_how_it_ends():
    program = held()
    state = program.state
    since = program.model.now
    assert state.held == Hold(BY, "legal asks for it", since)
    text = hold_text(program.spec, state)
    assert text == (
        f"**Held by p.kim since {since:%a %-d %b %Y %H:%M} UTC**: legal asks for it. Nothing is "
        "created, changed or asked meanwhile, and no gate passes. Work that is done and sign-offs "
        "that are given now count later.\n\nTo let it go on: `rollout go-on p`, or choose *go on* "
        "in the Resume form of its run."
    )
    assert form_text(program.outline, program.decide(), LINKS, now=since).startswith(text)
    assert headline(program.outline, state) == "Held by p.kim: legal asks for it"


def test_a_hold_that_is_over_says_nothing_any_more():
    program = held()
    program.record(ev.GoneOn(by=BY))
    assert hold_text(program.spec, program.state) == ""
    assert program.state.holds == [(program.model.now, program.model.now)]


def test_an_order_stands_until_the_run_wakes_up():
    program = held()
    assert program.state.order == program.state.head
    program.record(ev.Resumed(wait=0, because="told"))
    assert program.state.order == 0
    program.record(ev.GoneOn(by=BY))
    assert program.state.is_halted
    program.record(ev.Resumed(wait=1, because="told"))
    assert not program.state.is_halted


# Stop


def stopped(issues: str | None, text: str = FULL) -> UnderWay:
    program = UnderWay(text)
    program.settle()
    program.record(ev.ProgramStopped(by=BY, reason="The law was\nwithdrawn.", issues=issues))
    return program


@pytest.mark.parametrize(("issues", "status"), [("leave", "To Do"), ("close", "Done")])
def test_a_stop_closes_or_leaves_what_is_open_as_it_says(issues: str, status: str):
    program = stopped(issues)
    program.settle()
    assert program.model.statuses[program.issue("prepare/memo")] == status
    assert program.model.statuses[program.issue("epic")] == "Done"


@pytest.mark.parametrize("rule", ["leave", "close"])
def test_a_stop_that_says_nothing_of_issues_is_the_rejection_of_old_journals(rule: str):
    program = stopped(None, f"if_rejected: {rule}\n{FULL.lstrip()}")
    program.settle()
    done = program.model.statuses[program.issue("prepare/memo")] == "Done"
    assert done is (rule == "close")


def test_a_stop_marks_the_epic_and_the_open_rows_before_it_closes_anything():
    program = stopped("close")
    kinds = [type(each) for each in program.decide().changes]
    assert kinds == [UpdateIssue, *[RewriteRow] * 4, MoveIssue, *[SayOnIssue] * 2]
    program.settle()
    epic = program.model.issues[program.issue("epic")].description
    assert epic.startswith("**Stopped on Mon 3 Nov 2025 ")
    assert "was stopped by p.kim. Open issues are closed; nothing more is asked." in epic
    assert "Reason: The law was withdrawn." in epic
    assert dict(program.model.rows["p/prepare/queue/routing"].cells)["Message"] == (
        "The program was stopped by p.kim; nothing is to be done here any more: "
        "The law was withdrawn."
    )


def test_what_a_stop_closes_is_told_why_and_counts_as_done_by_nobody():
    program = stopped("close")
    program.settle()
    memo = program.issue("prepare/memo")
    assert program.model.statuses[memo] == "Done"
    assert said(program, memo) == [
        "Closed, not finished: the program was stopped by p.kim. Reason: The law was withdrawn."
    ]
    assert program.state.of("p/prepare/memo").state is State.TODO


def test_a_sign_off_issue_of_a_stopped_program_asks_for_nothing_and_waits_for_nobody():
    program = asked()
    program.record(ev.ProgramStopped(by=BY, reason="Withdrawn.", issues="leave"))
    program.settle()
    desk = program.model.issues[program.desk("legal")]
    assert desk.description == (
        "Nothing to sign any more. The program was stopped by p.kim. Open issues are left open; "
        "nothing more is asked. Reason: Withdrawn."
    )
    assert not [each for each in desk.labels if "waits-for" in each]
    assert program.model.statuses[program.desk("legal")] == "To Do"


def test_a_stop_is_carried_out_once_and_only_then_settled():
    program = stopped("close")
    assert (program.state.is_over, program.state.is_settled) == (True, False)
    events = program.settle()
    assert [each.kind for each in events].count("stop_carried_out") == 1
    assert program.state.is_settled
    assert program.settle() == []


def test_a_stop_killed_half_way_is_finished_by_the_next_pass():
    whole = stopped("close")
    steps = len(whole.decide().changes)
    for after in range(steps + 1):
        program = stopped("close")
        program.killed(after)
        program.settle()
        assert program.state.is_settled
        assert program.model.statuses[program.issue("prepare/memo")] == "Done"


def test_no_gate_passes_after_a_stop():
    program = asked()
    program.record(ev.ProgramStopped(by=BY, reason="Withdrawn.", issues="leave"))
    program.approve("legal", "lea")
    program.settle()
    assert not program.state.passed("prepare")


def test_a_stop_ends_a_hold():
    program = held()
    program.record(ev.ProgramStopped(by=BY, reason="Withdrawn.", issues="leave"))
    assert program.state.held is None
    program.settle()
    assert program.state.is_settled


def test_what_a_stop_would_do_is_told_before():
    program = UnderWay(FULL)
    program.settle()
    program.finish("prepare/guideline")
    program.settle()
    ahead = stop_ahead(
        program.outline, program.state, ev.ProgramStopped(by=BY, reason="x", issues="close")
    )
    assert ahead.lines() == (
        f"The epic {program.issue('epic')} is closed.",
        "1 open issue will be closed:",
        f"  {program.issue('prepare/memo')}  Write the memo",
        "4 rows of the workbook will say so.",
        "No further stage opens. A stop cannot be taken back.",
    )
    left = stop_ahead(
        program.outline, program.state, ev.ProgramStopped(by=BY, reason="x", issues="leave")
    )
    assert "1 open issue stay as they are:" not in left.lines()
    assert left.lines()[1] == "1 open issue stays as it is:"


# A lost run


def test_a_lost_run_is_told_and_forgotten_once_another_carries_the_program():
    program = asked()
    program.record(ev.RunLost(run="run-1"))
    assert "`rollout launch --continue p`" in lost_text(program.spec, program.state)
    program.record(ev.TakenUp(run="run-2", before="run-1"))
    assert (program.state.run, program.state.lost_since) == ("run-2", None)


@pytest.mark.parametrize("event", [ev.RunFound(run="run-1"), ev.Resumed(wait=0, because="x")])
def test_a_run_that_is_there_again_is_not_missed(event: ev.Event):
    program = asked()
    program.record(ev.RunLost(run="run-1"), event)
    assert program.state.lost_since is None


def test_the_loss_of_an_earlier_run_is_no_news():
    program = asked()
    program.record(ev.TakenUp(run="run-2", before="run-1"), ev.RunLost(run="run-1"))
    assert program.state.lost_since is None


def test_taking_a_program_up_changes_neither_its_spec_nor_when_it_was_launched():
    program = asked()
    before = program.state
    program.model.now += MINUTE
    program.record(ev.TakenUp(run="run-2", before="run-1"))
    after = program.state
    assert (after.spec_text, after.launched_at) == (before.spec_text, before.launched_at)
    assert program.settle() == []


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (HELD, "p.kim holds the program: legal asks for it"),
        (ev.GoneOn(by=BY), "p.kim lets the program go on"),
        (
            ev.ProgramStopped(by=BY, reason="Withdrawn.", issues="close"),
            "p.kim stops the program: Withdrawn.",
        ),
        (ev.StopCarriedOut(), "what the stop asked for is done"),
        (ev.TakenUp(run="r2", before="r1"), "run r2 carries the program from here on"),
        (ev.RunLost(run="r1"), "Prefect does not know the program's run any more"),
        (ev.RunFound(run="r1"), "Prefect knows the program's run again"),
    ],
)
def test_the_story_tells_it(event: ev.Event, line: str):
    assert line_of(event) == line
