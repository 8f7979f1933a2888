"""Jira issues are updated, linked, moved and commented on: one task run a kind.

Each answers the number of the journal's last entry, which is where the next one goes on.
"""

from collections.abc import Sequence
from functools import partial
from http import HTTPStatus

from prefect import get_run_logger

from policy_rollout import events as ev
from policy_rollout.comments import SayOnIssue
from policy_rollout.errors import NoWayToStatus, ServiceRefused
from policy_rollout.jira_issues import JiraIssues, Standing
from policy_rollout.observed import Transition
from policy_rollout.plan import LinkIssues, MoveIssue, UpdateIssue
from policy_rollout.program import ProgramState
from policy_rollout.spec.model import Spec
from policy_rollout.work import State
from tasks.batch import batch
from tasks.writing import Write, all_answered, desk, jira_and_journal, write_facts, write_once

WORKFLOW_SAYS_NO = {HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT}
"""A transition that wants a field, is for others, or was taken away just now."""


@batch("update issues")
def update_issues(spec: Spec, updates: Sequence[UpdateIssue], *, after: int) -> int:
    """May be sent again at any time: what it writes is ours."""
    with jira_and_journal(spec) as (jira, journal, _):
        at = jira.standing([each.issue_key for each in updates])
        sent = jira.side_by_side(
            [partial(jira.update, at[each.issue_key], each.issue) for each in updates]
        )
        told = zip(updates, sent, strict=True)
        undone = tuple(each.undoes for each, outcome in told if each.undoes and outcome is None)
        if undone:
            write_facts(journal, spec, ev.Said(marks=undone))
    all_answered(sent)
    return after + bool(undone)


@batch("link issues")
def link_issues(spec: Spec, links: Sequence[LinkIssues], *, after: int) -> int:
    with desk(spec, after=after) as now:
        at = now.jira.standing([each.issue_key for each in links])
        writes = [
            Write(
                issue_key=each.issue_key,
                mark=f"link {each.issue_key} to {each.blocked_by}",
                stands=each.blocked_by in at[each.issue_key].blocked_by,
                send=partial(now.jira.link, at[each.issue_key], each.blocked_by),
            )
            for each in links
        ]
        return write_once(now, "linking issues", writes)


@batch("move issues")
def move_issues(spec: Spec, moves: Sequence[MoveIssue], *, after: int) -> int:
    with desk(spec, after=after) as now:
        issue_keys = [each.issue_key for each in moves]
        at, seen = now.jira.standing(issue_keys), now.jira.transitions(issue_keys)
        stay: list[str] = []
        writes = []
        for each in moves:
            here = at[each.issue_key]
            made = [one for one in seen if one.issue_key == each.issue_key]
            mark = f"move {each.issue_key} to {each.to}"
            write = Write(
                issue_key=each.issue_key,
                mark=mark,
                stands=_is_back(each, here) or _has_moved(now.state, each, mark, made),
                send=partial(_move, now.jira, here, each, stay),
                shows=None if each.may_stay else ev.IssuesMoved(states={each.key: each.to}),
                after=made[-1].history_id if made else "",
            )
            writes.append(write)
        head = write_once(now, "moving issues", writes)
        if stay:
            write_facts(now.journal, spec, ev.WorkLeft(keys=tuple(sorted(stay))))
        return head + bool(stay)


def _move(jira: JiraIssues, here: Standing, each: MoveIssue, stay: list[str]) -> None:
    """Notes in `stay` what the workflow lets us not move, where that may be."""
    try:
        jira.move(here, each.to)
    except (NoWayToStatus, ServiceRefused) as refused:
        said_no = isinstance(refused, NoWayToStatus) or refused.status in WORKFLOW_SAYS_NO
        if not (each.may_stay and said_no):
            raise
        get_run_logger().warning("%s is left where it stands. %s", each.issue_key, refused)
        stay.append(each.key)


def _is_back(move: MoveIssue, here: Standing) -> bool:
    """What goes back to work may stand on any open status: that is the people's own."""
    return move.to is State.TODO and here.here.to_state not in {State.DONE, State.UNKNOWN}


def _has_moved(state: ProgramState, move: MoveIssue, mark: str, made: Sequence[Transition]) -> bool:
    """Whether a move of ours whose answer was lost did happen; people may have moved it on."""
    lost = state.unsettled.get(mark)
    return lost is not None and any(
        each.account == state.own_account
        and each.to_state is move.to
        and (len(each.history_id), each.history_id) > (len(lost.after), lost.after)
        for each in made
    )


@batch("comment on issues")
def comment_on_issues(spec: Spec, comments: Sequence[SayOnIssue], *, after: int) -> int:
    with desk(spec, after=after) as now:
        at = now.jira.standing([each.issue_key for each in comments], with_comments=True)
        writes = [
            Write(
                issue_key=each.issue_key,
                mark=f"say {each.mark} on {each.issue_key}",
                stands=now.jira.has_said(at[each.issue_key], each.mark),
                send=partial(now.jira.say, at[each.issue_key], each.text, mark=each.mark),
                shows=ev.Said(marks=(each.mark,)),
            )
            for each in comments
        ]
        return write_once(now, "commenting on issues", writes)
