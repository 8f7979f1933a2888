"""What happened, a line an event."""

from datetime import date

import pytest

from policy_rollout import events as ev
from policy_rollout.report.story import line_of
from policy_rollout.work import State
from tests.programs_under_way import BEGAN

DONE, TODO = ev.Seen(state=State.DONE), ev.Seen(state=State.TODO)
GATE = {"stage": "prepare", "round": 2}
WAIVED = {"stage": "prepare", "account": "account-1", "history_id": "7", "at": BEGAN}
WHO = {"role": "legal", "account": "account-1", "history_id": "7", "at": BEGAN}


def rejected(reason: str, *sent_back: str) -> ev.Rejected:
    return ev.Rejected(**GATE, **WHO, person="lea@x.org", reason=reason, sent_back=sent_back)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            ev.Launched(spec_text="program: p\n", spec_path="specs/p.yaml", run="run-1"),
            "launched from specs/p.yaml",
        ),
        (ev.StageOpened(stage="prepare"), "stage prepare opens"),
        (
            ev.IssuesCreated(batch="1", issues={"p/epic": "POL-1"}),
            "1 Jira issue created: POL-1",
        ),
        (
            ev.IssuesCreated(batch="1", issues={"a": "POL-2", "b": "POL-3"}),
            "2 Jira issues created: POL-2, POL-3",
        ),
        (
            ev.IssuesCreated(batch="1", issues={"a": "POL-2"}, adopted=True),
            "1 Jira issue found after a lost answer",
        ),
        (ev.RowsAdded(keys=("a",)), "1 row added to the workbook"),
        (ev.RowsAdded(keys=("a", "b")), "2 rows added to the workbook"),
        (ev.WorkSeen(items={"a": DONE}), "seen: 1 item changed, 1 of them done"),
        (ev.WorkSeen(items={"a": DONE, "b": TODO}), "seen: 2 items changed, 1 of them done"),
        (
            ev.TroubleMet(text="Jira: down", again_at=BEGAN),
            "trouble, next try at 09:00:00 UTC: Jira: down",
        ),
        (ev.TroubleOver(), "the trouble is over"),
        (ev.ProgramFinished(), "every gate has passed: the program is finished"),
        (
            ev.GateReady(**GATE, digest="0123456789abcdef"),
            "gate prepare, round 2: criteria hold, sign-offs asked on 0123456789ab",
        ),
        (
            ev.SignedOff(**GATE, **WHO, person="lea@x.org", digest="d"),
            "gate prepare: lea@x.org signs for legal",
        ),
        (
            ev.SignOffRefused(**GATE, **WHO, name="Oda", why="oda@x.org is not a member of legal"),
            "gate prepare: the sign-off by Oda does not count: oda@x.org is not a member of legal",
        ),
        (
            ev.SignOffWithdrawn(**GATE, **WHO, name="Lea"),
            "gate prepare: Lea takes the sign-off for legal back",
        ),
        (
            rejected("Too vague.\nReopen: memo, quiz", "p/prepare/memo", "p/prepare/quiz/ja-JP"),
            (
                "gate prepare: lea@x.org rejects (Too vague. Reopen: memo, quiz); "
                "back to work: memo, quiz/ja-JP"
            ),
        ),
        (rejected("No."), "gate prepare: lea@x.org rejects (No.); back to work: nothing"),
        (ev.GatePassed(**GATE, digest="d"), "gate prepare passes"),
    ],
)
def test_an_event_is_told_in_a_line(event: ev.Event, line: str):
    assert line_of(event) == line


@pytest.mark.parametrize(
    "event",
    [
        ev.PeopleResolved(accounts={}, own_account="0"),
        ev.CreationIntended(batch="1", keys=("a",), fence=1),
        ev.OdditiesSeen(oddities=()),
        ev.SignOffAsked(stage="prepare", role="legal", digest="d", at=BEGAN),
        ev.IssuesMoved(states={"a": State.TODO}),
        ev.Said(marks=("m",)),
        ev.Resumed(wait=0, because="check now"),
    ],
    ids=lambda each: each.kind,
)
def test_what_only_the_machine_needs_is_not_told(event: ev.Event):
    assert line_of(event) is None


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            ev.BackupCalled(
                **GATE,
                role="legal",
                member="lea@x.org",
                backups=("a@x.org", "b@x.org"),
                why="silent",
            ),
            "gate prepare: a@x.org or b@x.org may sign for lea@x.org (legal)",
        ),
        (
            ev.Reminded(**GATE, role="legal", step="owner", people=("boss@x.org",)),
            "gate prepare: silence of legal, next step: owner",
        ),
        (
            ev.Waived(
                **WAIVED,
                criterion="tasks",
                person="pat@x.org",
                reason="no",
                until=date(2025, 12, 31),
            ),
            "gate prepare: pat@x.org waives tasks until 2025-12-31",
        ),
        (
            ev.CodeGiven(
                stage="prepare",
                role="legal",
                person="lea@x.org",
                action="approve",
                text="",
                digest="d",
                mark="m",
                at=BEGAN,
            ),
            "gate prepare: lea@x.org answers by code: approve",
        ),
        (
            ev.ProgramStopped(by="lea@x.org", reason="It harms people."),
            "lea@x.org rejects the program for good: It harms people.",
        ),
    ],
)
def test_each_outcome_and_escalation_is_a_line(event: ev.Event, line: str):
    assert line_of(event) == line


def test_an_amendment_says_who_wanted_it_why_and_what_has_another_name():
    amended = ev.Amended(
        spec_text="",
        spec_path="p.yaml",
        by="boss@x.org",
        reason="It is\nlate",
        stages={"a": "b"},
        reopened=("b",),
    )
    assert line_of(amended) == (
        "amended by boss@x.org: It is late; stage a is called b now; reopens b"
    )


def test_what_leaves_and_comes_back_is_named_and_much_of_it_is_counted():
    keys = tuple(f"p/a/{number}" for number in range(10))
    assert line_of(ev.WorkLeft(keys=("p/a/memo",))) == "waits for nobody any more: a/memo"
    assert line_of(ev.WorkJoined(keys=keys)) == (
        "belongs to the program again: a/0, a/1, a/2, a/3, a/4, a/5, a/6, a/7 and 2 more"
    )
