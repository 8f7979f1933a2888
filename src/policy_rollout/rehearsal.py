"""What a program's passes would do from here: decide, take it as done, decide again. Pure.

It is the run's own decision on a copy, so there is no second planner to disagree with it. What a
pass would create stands for itself: its stable key is its Jira key here.
"""

from dataclasses import dataclass, replace

from policy_rollout import events as ev
from policy_rollout.comments import SayOnIssue
from policy_rollout.decide import Circumstances, Decision, decide
from policy_rollout.desired import DesiredRow, NewIssue
from policy_rollout.fold import take
from policy_rollout.observed import ObservedIssue, ObservedRow, World
from policy_rollout.outline import Outline, outline_at
from policy_rollout.plan import (
    AddRow,
    Change,
    CreateIssue,
    LinkIssues,
    MoveIssue,
    RewriteRow,
    UpdateIssue,
)
from policy_rollout.program import ProgramState, Recorded
from policy_rollout.report.notice_text import Notice
from policy_rollout.spec.model import Spec
from policy_rollout.work import State

MOST_LOOKS = 20
BATCH = "rehearsal"


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """`events` of all looks in order, and their changes, each with the world that it changes.

    `first` is the decision of the first look, `last` that of the look with nothing to change;
    `settles` is False where changes were still due after so many looks.
    """

    events: tuple[ev.Event, ...]
    steps: tuple[tuple[Change, World], ...]
    first: Decision
    last: Decision
    outline: Outline
    settles: bool


def rehearse(
    spec: Spec, state: ProgramState, world: World, circumstances: Circumstances
) -> Rehearsed:
    """`state` and `world` are left as they are."""
    events: list[ev.Event] = []
    steps: list[tuple[Change, World]] = []
    decisions: list[Decision] = []
    for _ in range(MOST_LOOKS):
        outline = outline_at(spec, state, circumstances.now)
        decision = decide(outline, state, world, circumstances)
        state = decision.ahead  # a copy, made by the decision
        decisions.append(decision)
        events += decision.events
        if not decision.changes:
            break
        for change in decision.changes:
            steps.append((change, world))
            world = _done(world, change, circumstances)
            for event in _journaled(change):
                take(state, Recorded(state.head + 1, circumstances.now, "", event))
    outline = outline_at(spec, state, circumstances.now)
    return Rehearsed(
        events=tuple(events),
        steps=tuple(steps),
        first=decisions[0],
        last=decisions[-1],
        outline=outline,
        settles=not decisions[-1].changes,
    )


def _journaled(change: Change) -> tuple[ev.Event, ...]:
    """What the run journals once the change is made."""
    match change:
        case CreateIssue(issue=issue):
            return (ev.IssuesCreated(batch=BATCH, issues={issue.key: issue.key}),)
        case AddRow(row=row):
            return (ev.RowsAdded(keys=(row.key,)),)
        case MoveIssue(key=key, to=to):
            return (ev.IssuesMoved(states={key: to}),)
        case SayOnIssue(mark=mark) | Notice(mark=mark) | UpdateIssue(undoes=mark) if mark:
            return (ev.Said(marks=(mark,)),)
        case _:
            return ()


def _done(world: World, change: Change, circumstances: Circumstances) -> World:
    """The world as it reads once the change is made."""
    match change:
        case CreateIssue(issue=issue):
            return _with_issue(world, _created(issue, circumstances))
        case UpdateIssue(issue=issue):
            return _with_issue(world, _updated(world.issues[issue.key], issue, circumstances))
        case MoveIssue(key=key, to=to):
            return _with_issue(world, replace(world.issues[key], state=to))
        case LinkIssues():
            return _with_issue(world, _linked(world, change))
        case AddRow(row=row) | RewriteRow(row=row):
            return replace(world, rows={**world.rows, row.key: _written(world, row)})
        case _:
            return world


def _with_issue(world: World, issue: ObservedIssue) -> World:
    return replace(world, issues={**world.issues, issue.key: issue})


def _created(issue: NewIssue, circumstances: Circumstances) -> ObservedIssue:
    return ObservedIssue(
        key=issue.key,
        issue_key=issue.key,
        issue_type="",
        summary=issue.summary,
        status="",
        state=State.TODO,
        assignee=issue.assignee,
        due_on=issue.due_on,
        labels=issue.labels,
        blocked_by=frozenset(),
        content_digest=issue.content_digest,
        updated_at=circumstances.now,
        parent=issue.parent,
    )


def _updated(
    observed: ObservedIssue, issue: NewIssue, circumstances: Circumstances
) -> ObservedIssue:
    foreign = [each for each in observed.labels if not each.startswith("rollout")]
    return replace(
        observed,
        summary=issue.summary,
        due_on=issue.due_on,
        labels=(*foreign, *issue.labels),
        content_digest=issue.content_digest,
        updated_at=circumstances.now,
        parent=issue.parent or observed.parent,
    )


def _linked(world: World, link: LinkIssues) -> ObservedIssue:
    linked = next(each for each in world.issues.values() if each.issue_key == link.issue_key)
    return replace(linked, blocked_by=frozenset({*linked.blocked_by, link.blocked_by}))


def _written(world: World, row: DesiredRow) -> ObservedRow:
    """A new row, or one whose machine columns are rewritten where they are there."""
    observed = world.rows.get(row.key)
    if observed is None:
        return ObservedRow(row.key, row.tab, State.TODO, None, row.cells, ())
    texts = dict(row.cells)
    return replace(observed, machine=tuple((n, texts.get(n, t)) for n, t in observed.machine))
