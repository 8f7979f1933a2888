"""Desired work x observed work -> changes. Pure.

A change is a value; `changes` lists them in the order in which they are carried out, and is
empty when Jira and the workbook read as the spec and the journal say.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain

from policy_rollout.comments import SayOnIssue, says, sign_off_desk
from policy_rollout.desired import DesiredRow, IssueKind, NewIssue, Tab, kind_of
from policy_rollout.gates import Judged, judge, missing_sign_offs, waived
from policy_rollout.observed import AnswerStatuses, ObservedIssue, World
from policy_rollout.oddities import has_epic
from policy_rollout.outline import Outline
from policy_rollout.program import ProgramState
from policy_rollout.report.evidence import GateView, cell
from policy_rollout.report.issue_text import (
    epic_text,
    resting_text,
    sign_off_text,
    stop_text,
    task_text,
)
from policy_rollout.report.notice_text import Notice, notices, to_tell
from policy_rollout.signers import Bench, bench
from policy_rollout.spec.model import Spec
from policy_rollout.stopping import closed_by, how_stopped
from policy_rollout.work import (
    Kind,
    State,
    WorkItem,
    epic_key,
)


@dataclass(frozen=True, slots=True)
class CreateIssue:
    issue: NewIssue


@dataclass(frozen=True, slots=True)
class AddRow:
    row: DesiredRow


@dataclass(frozen=True, slots=True)
class UpdateIssue:
    """`undoes` names the edit of somebody else that is written over, once; empty for none."""

    issue_key: str
    issue: NewIssue
    undoes: str = ""


@dataclass(frozen=True, slots=True)
class RewriteRow:
    row: DesiredRow


@dataclass(frozen=True, slots=True)
class LinkIssues:
    issue_key: str
    blocked_by: str


@dataclass(frozen=True, slots=True)
class MoveIssue:
    """`key` is the stable key, `to` the state whose status the issue is moved to.

    Where it `may_stay`, a workflow that lets us not move it is no trouble.
    """

    key: str
    issue_key: str
    to: State
    may_stay: bool = False


Change = (
    CreateIssue | AddRow | UpdateIssue | RewriteRow | LinkIssues | MoveIssue | SayOnIssue | Notice
)


@dataclass(frozen=True, slots=True)
class Asking:
    """What sign-off issues say beside the spec.

    `judged` has the criteria of each waiting stage as they stand now, `statuses` are the
    site's words for yes and no.
    """

    judged: dict[str, tuple[Judged, ...]]
    statuses: AnswerStatuses


def changes(
    outline: Outline, state: ProgramState, world: World, asking: Asking
) -> tuple[Change, ...]:
    """What is due now, in order: create, add, update, rewrite, link, move, say."""
    if state.stopped is not None:
        return _after_stop(outline, state, world, asking)
    issues = tuple(desired_issues(outline, state, asking))
    rows = tuple(desired_rows(outline, state))
    return (
        *_creations(issues, state, can_have_children=has_epic(outline, world)),
        *_additions(outline, rows, state),
        *_updates(outline, issues, state, world),
        *_rewrites(rows, world),
        *_links(outline, state, world),
        *_moves(outline, state, world),
        *says(outline, state),
        *_notices(outline.spec, state),
    )


def _after_stop(
    outline: Outline, state: ProgramState, world: World, asking: Asking
) -> tuple[Change, ...]:
    """First all that stays open says so, then the epic is closed, and tasks where asked for."""
    asked = (sign_off_issues(outline, state, stage, asking) for stage in state.waiting_stages)
    issues = (_epic(outline, state), *chain.from_iterable(asked))
    return (
        *_updates(outline, issues, state, world),
        *_rewrites(desired_rows(outline, state), world),
        *_closings(outline, state, world),
        *says(outline, state),
    )


def _closings(
    outline: Outline, state: ProgramState, world: World
) -> Iterator[MoveIssue | SayOnIssue]:
    """A task is told why before it is closed: it is done by nobody. The epic's text says it."""
    if state.stopped is None:
        return
    for key in closed_by(outline, state.stopped):
        issue = world.issues.get(key)
        if issue is None or issue.state is State.DONE:
            continue
        mark = f"stopped-{key}"
        if kind_of(key) is IssueKind.TASK and mark not in state.said:
            how = how_stopped(state.stopped)
            reason = cell(state.stopped.reason)
            text = f"Closed, not finished: the program was {how}. Reason: {reason}"
            yield SayOnIssue(issue.issue_key, text, mark)
        else:
            yield MoveIssue(key, issue.issue_key, State.DONE)


def desired_issues(outline: Outline, state: ProgramState, asking: Asking) -> Iterator[NewIssue]:
    """The epic, and the issues of the stages whose gates have not passed."""
    yield _epic(outline, state)
    epic = state.issues.get(epic_key(outline.spec.program))
    for stage in state.waiting_stages:
        for item in outline.of(stage):
            if item.kind is Kind.TASK:
                yield _task(outline, state, item, epic)
        yield from sign_off_issues(outline, state, stage, asking)


def _epic(outline: Outline, state: ProgramState) -> NewIssue:
    spec = outline.spec
    return NewIssue(
        key=epic_key(spec.program),
        kind=IssueKind.EPIC,
        summary=spec.name,
        description=epic_text(spec, stop_text(spec, state)),
        due_on=outline.schedule.effective_on,
        assignee=state.accounts.get(spec.owner or ""),
        parent=None,
        labels=_labels(spec, epic_key(spec.program)),
    )


def sign_off_issues(
    outline: Outline, state: ProgramState, stage: str, asking: Asking
) -> Iterator[NewIssue]:
    """One issue a role, from the moment the criteria hold; none before.

    While a gate that asked before does not ask, its issues say so and wait for nobody.
    """
    spec = outline.spec
    view = gate_view(outline, state, stage, asking.judged[stage])
    asks = view.asks
    for role in spec.stages[stage].gate.sign_off:
        key = state.sign_off_key(stage, role)
        if not asks and key not in state.issues:
            continue
        yield NewIssue(
            key=key,
            kind=IssueKind.SIGN_OFF,
            summary=f"Sign-off: {stage}, for {role}",
            description=sign_off_text(view, role, asking.statuses) if asks else resting_text(view),
            due_on=outline.schedule.stages[stage].gate_on,
            assignee=state.accounts.get(next(iter(view.seat.able(role)), "")),
            parent=state.issues.get(epic_key(spec.program)),
            labels=(*_labels(spec, key), *(_waits_for(view.seat, role) if asks else ())),
        )


def gate_view(
    outline: Outline, state: ProgramState, stage: str, judged: tuple[Judged, ...]
) -> GateView:
    """A waiting gate as every text shows it; items are named by their Jira keys."""
    items = outline.of(stage)
    digest = state.gates[stage].digest
    seat = bench(outline.spec, state, stage, items, digest)
    named = {item.key: state.issues[item.key] for item in items if item.key in state.issues}
    return GateView(seat, judged, named, state.stopped)


def criteria(outline: Outline, state: ProgramState, stage: str) -> tuple[Judged, ...]:
    """The criteria of an open stage as the state has them, waivers included."""
    return waived(
        judge(outline.spec, stage, outline.of(stage), state.of),
        state.gates[stage].waivers,
        outline.schedule.today,
    )


def _waits_for(seat: Bench, role: str) -> Iterator[str]:
    """Labels that a Jira filter finds: all that one person has to sign, over all programs."""
    if role in missing_sign_offs(seat.spec, seat.stage, seat.gate, seat.digest):
        yield from (waits_for_label(person) for person in seat.waited_for(role))


def waits_for_label(person: str) -> str:
    return f"rollout/waits-for/{person}"


def _task(outline: Outline, state: ProgramState, item: WorkItem, epic: str | None) -> NewIssue:
    return NewIssue(
        key=item.key,
        kind=IssueKind.TASK,
        summary=item.title,
        description=task_text(outline.spec, item),
        due_on=outline.schedule.slots[item.key].due_on,
        assignee=state.accounts.get(item.assignee),
        parent=epic,
        labels=_labels(outline.spec, item.key),
    )


def _labels(spec: Spec, key: str) -> tuple[str, ...]:
    return ("rollout", f"rollout/{spec.program}", f"rollout/{key}")


def _creations(
    issues: Iterable[NewIssue], state: ProgramState, *, can_have_children: bool
) -> Iterator[CreateIssue]:
    """Those without a Jira key and not in doubt; the epic first, alone, as it is the parent.

    None under an epic that is gone, or is not ours: then this is another project or site.
    """
    in_doubt = {key for doubt in state.doubts.values() for key in doubt.keys}
    lacking = [each for each in issues if each.key not in state.issues]
    epics = [each for each in lacking if each.kind is IssueKind.EPIC]
    for issue in epics or lacking:
        if issue.key not in in_doubt and (epics or can_have_children):
            yield CreateIssue(issue)


def _additions(
    outline: Outline, rows: Iterable[DesiredRow], state: ProgramState
) -> Iterator[AddRow]:
    """Behind the epic, so that they are added while the other issues are created."""
    if epic_key(outline.spec.program) in state.issues:
        yield from (AddRow(row) for row in rows if row.key not in state.rows)


def _updates(
    outline: Outline, issues: Iterable[NewIssue], state: ProgramState, world: World
) -> Iterator[UpdateIssue]:
    for issue in _under_epic(outline, world, issues):
        observed = world.issues.get(issue.key)
        if observed is None:
            continue
        undoes = _foreign_edit(state, world, observed)
        if undoes or _differs(issue, observed):
            yield UpdateIssue(state.issues[issue.key], issue, undoes)


def _under_epic(outline: Outline, world: World, issues: Iterable[NewIssue]) -> Iterator[NewIssue]:
    """The same issues, with a parent only where another one stands and Jira lets us change it."""
    for issue in issues:
        observed = world.issues.get(issue.key)
        stays = observed is None or observed.is_converted or observed.parent == issue.parent
        yield replace(issue, parent=None) if stays or not has_epic(outline, world) else issue


def _foreign_edit(state: ProgramState, world: World, observed: ObservedIssue) -> str:
    """The mark of the last edit of a description that is ours, where somebody else made it."""
    edits = [each for each in world.edits if each.issue_key == observed.issue_key]
    if not edits or edits[-1].account == state.own_account:
        return ""
    mark = f"undone-{edits[-1].history_id}"
    return "" if mark in state.said else mark


def _differs(issue: NewIssue, observed: ObservedIssue) -> bool:
    """A parent is there only where it is to be changed: see `_under_epic`."""
    return (
        observed.content_digest != issue.content_digest
        or observed.summary != issue.summary
        or observed.due_on != issue.due_on
        or issue.parent is not None
        or set(issue.labels) != {each for each in observed.labels if each.startswith("rollout")}
    )


def desired_rows(outline: Outline, state: ProgramState) -> Iterator[DesiredRow]:
    """The rows of the stages whose gates have not passed."""
    for stage in state.waiting_stages:
        for item in outline.of(stage):
            if item.kind is not Kind.TASK:
                yield _row(outline, state, item)


def _row(outline: Outline, state: ProgramState, item: WorkItem) -> DesiredRow:
    due_on = outline.schedule.slots[item.key].due_on
    common = (
        ("Key", item.key),
        ("Program", outline.spec.program),
        ("Stage", item.stage),
        ("Team", item.team),
        ("Assigned to", item.assignee),
        ("Due", due_on.isoformat() if due_on else ""),
        ("Message", _message(state, item)),
    )
    if item.kind is Kind.TRAINING:
        return DesiredRow(
            key=item.key,
            tab=Tab.TRAINING,
            cells=(
                *common,
                ("Material", item.title),
                ("Kind", item.material),
                ("Language", item.part or ""),
                ("Pass mark", f"{item.pass_mark}%" if item.pass_mark else ""),
            ),
        )
    return DesiredRow(
        key=item.key,
        tab=Tab.CHECKLIST,
        cells=(
            *common,
            ("List", item.checklist),
            ("Item", item.title),
            ("Market or language", item.part or ""),
        ),
    )


def _message(state: ProgramState, item: WorkItem) -> str:
    if state.stopped is not None:
        by, reason = state.stopped.by, " ".join(state.stopped.reason.split())
        return f"The program was stopped by {by}; nothing is to be done here any more: {reason}"
    if item.key in state.sent_back:
        rejected = next(
            each
            for each in reversed(state.gates[item.stage].rejections)
            if item.key in each.sent_back
        )
        return (
            f"Sent back by {rejected.person}: {rejected.reason} "
            "Change Status or Notes when it is done again."
        )
    return item.details


def _rewrites(rows: Iterable[DesiredRow], world: World) -> Iterator[RewriteRow]:
    for row in rows:
        observed = world.rows.get(row.key)
        if observed is None:
            continue
        found = dict(observed.machine)
        found.pop(
            "Key", None
        )  # it found the row, spaces around it or not, and is never written again
        if any(header in found and found[header] != text for header, text in row.cells):
            yield RewriteRow(row)


def _links(outline: Outline, state: ProgramState, world: World) -> Iterator[LinkIssues]:
    """One for each `after`; a deleted issue can neither have one nor be one's end."""
    for item in outline.items:
        observed = world.issues.get(item.key)
        if observed is None:
            continue
        for before in item.after:
            if before in world.issues and state.issues[before] not in observed.blocked_by:
                yield LinkIssues(observed.issue_key, state.issues[before])


def _moves(outline: Outline, state: ProgramState, world: World) -> Iterator[MoveIssue]:
    """Items that a rejection sent back, sign-offs that do not stand, the epic at the end."""
    for item in outline.items:
        if item.kind is Kind.TASK and item.key in state.sent_back and item.key in world.issues:
            yield MoveIssue(item.key, state.issues[item.key], State.TODO)
    for stage in state.waiting_stages:
        gate = state.gates[stage]
        missing = missing_sign_offs(outline.spec, stage, gate, gate.digest)
        for role in missing:
            key = state.sign_off_key(stage, role)
            observed = world.issues.get(key)
            if observed is not None and observed.state is State.DONE and _judged(state, world, key):
                yield MoveIssue(key, observed.issue_key, State.TODO)
    epic = world.issues.get(epic_key(outline.spec.program))
    passed = all(state.passed(stage) for stage in outline.spec.stages)
    if epic is not None and passed and epic.state is not State.DONE:
        yield MoveIssue(epic.key, epic.issue_key, State.DONE)


def _judged(state: ProgramState, world: World, key: str) -> bool:
    """Whether every transition of a sign-off issue has been judged: a fresh one may still wait."""
    issue_key = state.issues[key]
    return all(
        each.history_id in state.histories or each.to_state is not State.DONE
        for each in world.transitions
        if each.issue_key == issue_key and each.account != state.own_account
    )


def _notices(spec: Spec, state: ProgramState) -> Iterator[Notice]:
    """The same escalations, to people through their channels: each at most once."""
    for stage in state.waiting_stages:
        gate = state.gates[stage]
        for event in to_tell(gate):
            asked_of = spec.stages[stage].gate.sign_off
            desk = sign_off_desk(state, stage, event.role)
            if desk is not None and event.role in asked_of:
                told = notices(spec, gate, event, desk)
                yield from (each for each in told if each.mark not in state.said)
