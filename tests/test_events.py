"""Every kind of event is written and read again, and an old body without newer fields too."""

from datetime import UTC, date, datetime
from typing import get_args

import pytest
from pydantic import ValidationError

from policy_rollout import events as ev
from policy_rollout.work import State

AT = datetime(2025, 11, 3, 9, 0, 0, 123000, tzinfo=UTC)
WHO = {"account": "account-1", "history_id": "10", "at": AT}
GATE = {"stage": "prepare", "round": 2}
EVENTS: tuple[ev.Event, ...] = (
    ev.Launched(spec_text="program: p\n", spec_path="p.yaml", run="run-1"),
    ev.Amended(
        spec_text="program: p\n",
        spec_path="p.yaml",
        by="boss@example.com",
        reason="A market joins",
        keys={"p/c": "p/a"},
        stages={"a": "c"},
        reopened=("c",),
    ),
    ev.WorkLeft(keys=("p/a/b",)),
    ev.WorkJoined(keys=("p/a/b",), reopened=("p/a/b",), history_ids=("10",)),
    ev.PeopleResolved(accounts={"a@example.com": "account-1"}, own_account="account-0"),
    ev.PeopleResolved(accounts={}, own_account="account-0", project="POL", workbook="book"),
    ev.StageOpened(stage="prepare"),
    ev.CreationIntended(batch="3-0", keys=("p/a/b",), fence=7),
    ev.IssuesCreated(batch="3-0", issues={"p/a/b": "POL-8"}, adopted=True),
    ev.CreationRefused(batch="3-0", reasons={"p/a/c": "no summary"}),
    ev.WritesIntended(marks={"link POL-2 to POL-1": "", "move POL-2 to todo": "10011"}),
    ev.WritesSettled(marks=("link POL-2 to POL-1",)),
    ev.RowsAdded(keys=("p/a/d/ja-JP",), tabs={"Training": 740_201}),
    ev.KeysChanged(issues={"p/a/b": "LEGAL-8"}),
    ev.WorkSeen(
        items={"p/a/d": ev.Seen(state=State.UNKNOWN, completion=95, cells="0f", doers=("x",))}
    ),
    ev.OdditiesSeen(oddities=("POL-9: no mark",)),
    ev.GateReady(**GATE, digest="d", covers={"round": 2, "work": [{"key": "p/a/b"}]}),
    ev.SignOffAsked(stage="prepare", role="legal", digest="d", at=AT),
    ev.CodeGiven(
        stage="prepare",
        role="legal",
        person="a@example.com",
        action="approve",
        text="Well done.",
        digest="d",
        mark="code:a@example.com:58738560",
        at=AT,
    ),
    ev.SignedOff(
        **GATE,
        **WHO,
        role="legal",
        person="a@example.com",
        digest="d",
        via=ev.Via.CODE,
        stands_for="b@example.com",
        reason="Condition for launch: Tell the market",
        conditions=(ev.Condition(stage="launch", team="ops", text="Tell the market"),),
    ),
    ev.Waived(
        stage="prepare",
        criterion="tasks",
        person="a@example.com",
        reason="Not needed.",
        until=date(2025, 12, 31),
        **WHO,
    ),
    ev.BackupCalled(
        **GATE,
        role="legal",
        member="a@example.com",
        backups=("b@example.com",),
        why="absent until Fri 7 Nov 2025",
        announced=True,
    ),
    ev.Reminded(**GATE, role="legal", step="remind", people=("a@example.com",)),
    ev.NoticeIntended(marks=("notice-1",)),
    ev.NoticeSent(mark="notice-1", arrived=("a@example.com",), failed=("smtp: refused",)),
    ev.ProgramStopped(by="a@example.com", reason="For good", issues="leave"),
    ev.StopCarriedOut(),
    ev.Held(by="a", reason="legal asks for it"),
    ev.GoneOn(by="a"),
    ev.TakenUp(run="run-2", before="run-1"),
    ev.RunLost(run="run-1"),
    ev.RunFound(run="run-1"),
    ev.SignOffRefused(**GATE, **WHO, role="legal", name="A", why="no member"),
    ev.SignOffWithdrawn(**GATE, **WHO, role="legal", name="A", signed="9"),
    ev.Rejected(
        **GATE,
        **WHO,
        role="legal",
        person="a@example.com",
        reason="Reopen: b",
        sent_back=("p/a/b",),
        cells={"p/a/b": "0f"},
        for_good=True,
    ),
    ev.IssuesMoved(states={"p/a/b": State.TODO}),
    ev.Said(marks=("refused-10",)),
    ev.GatePassed(**GATE, digest="d"),
    ev.TroubleMet(text="Jira: down", again_at=AT),
    ev.TroubleOver(),
    ev.RecreationAsked(keys=("p/a/b",)),
    ev.RecreationBegun(keys=("p/a/b",)),
    ev.ReasonAwaited(stage="a", role="legal", person="a@example.com", history_id="10", at=AT),
    ev.Resumed(wait=0, because="check now"),
    ev.ProgramFinished(),
)


def test_every_kind_of_event_is_tried_here():
    union = get_args(ev.Event)[0]
    assert {type(each) for each in EVENTS} == set(get_args(union))


@pytest.mark.parametrize("event", EVENTS, ids=lambda each: each.kind)
def test_an_event_is_read_as_it_was_written(event: ev.Event):
    assert ev.event_from(event.kind, ev.body_of(event)) == event


def test_a_body_holds_what_json_can_hold_and_not_its_kind():
    event = ev.SignOffAsked(stage="prepare", role="legal", digest="d", at=AT)
    assert ev.body_of(event) == {
        "stage": "prepare",
        "role": "legal",
        "digest": "d",
        "at": "2025-11-03T09:00:00.123000Z",
    }


@pytest.mark.parametrize(
    ("kind", "body", "newer"),
    [
        ("issues_created", {"batch": "1", "issues": {}}, {"adopted": False}),
        ("work_seen", {"items": {}}, {"items": {}}),
        (
            "rejected",
            {
                **GATE,
                **WHO,
                "role": "legal",
                "person": "a@example.com",
                "reason": "no",
                "sent_back": [],
            },
            {"cells": {}, "via": ev.Via.JIRA, "for_good": False},
        ),
        (
            "signed_off",
            {**GATE, **WHO, "role": "legal", "person": "a@example.com", "digest": "d"},
            {"via": ev.Via.JIRA, "stands_for": "", "reason": "", "conditions": ()},
        ),
        (
            "sign_off_refused",
            {**GATE, **WHO, "role": "legal", "name": "A", "why": "no"},
            {"via": ev.Via.JIRA, "action": ""},
        ),
        ("gate_ready", {**GATE, "digest": "d"}, {"covers": {}}),
        ("sign_off_withdrawn", {**GATE, **WHO, "role": "legal", "name": "A"}, {"signed": ""}),
    ],
)
def test_an_old_body_is_read_with_the_defaults_of_newer_fields(kind, body, newer):
    event = ev.event_from(kind, body)
    assert {name: getattr(event, name) for name in newer} == newer


def test_an_item_seen_long_ago_has_no_completion_no_cells_and_no_doers():
    event = ev.event_from("work_seen", {"items": {"p/a/b": {"state": "done"}}})
    assert event == ev.WorkSeen(
        items={"p/a/b": ev.Seen(state=State.DONE, completion=None, cells="", doers=())}
    )


def test_a_kind_that_nobody_knows_is_refused():
    with pytest.raises(ValidationError, match="'gate_skipped' found using 'kind' does not match"):
        ev.event_from("gate_skipped", {})


def test_a_field_that_nobody_knows_is_refused():
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        ev.event_from("stage_opened", {"stage": "a", "by": "me"})
