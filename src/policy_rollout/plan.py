"""Desired work x observed work -> changes. Pure.

A change is a value; `changes` lists them in the order in which they are carried out, and is
empty when Jira and the workbook read as the spec and the journal say.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from policy_rollout.desired import DesiredRow, IssueKind, NewIssue, Tab
from policy_rollout.gates import Judged, may_sign, missing_sign_offs
from policy_rollout.observed import ObservedIssue, World
from policy_rollout.program import ProgramState
from policy_rollout.report.issue_text import (
    Question,
    epic_text,
    refusal_text,
    rejection_text,
    sign_off_text,
    task_text,
)
from policy_rollout.schedule import Schedule, make_schedule
from policy_rollout.sign_offs import unknown_names
from policy_rollout.spec.model import Spec
from policy_rollout.work import Kind, State, WorkItem, epic_key, expand, sign_off_key


@dataclass(frozen=True, slots=True)
class CreateIssue:
    issue: NewIssue


@dataclass(frozen=True, slots=True)
class AddRow:
    row: DesiredRow


@dataclass(frozen=True, slots=True)
class UpdateIssue:
    issue_key: str
    issue: NewIssue


@dataclass(frozen=True, slots=True)
class RewriteRow:
    row: DesiredRow


@dataclass(frozen=True, slots=True)
class LinkIssues:
    issue_key: str
    blocked_by: str


@dataclass(frozen=True, slots=True)
class MoveIssue:
    """`key` is the stable key, `to` the state whose status the issue is moved to."""

    key: str
    issue_key: str
    to: State


@dataclass(frozen=True, slots=True)
class SayOnIssue:
    """A comment of ours, written once: `mark` tells it from every other."""

    issue_key: str
    text: str
    mark: str


Change = CreateIssue | AddRow | UpdateIssue | RewriteRow | LinkIssues | MoveIssue | SayOnIssue


@dataclass(frozen=True, slots=True)
class Asking:
    """What sign-off issues say beside the spec.

    `judged` has the criteria of each waiting stage as they stand now, `rejected_status` is the
    site's word for no.
    """

    judged: dict[str, tuple[Judged, ...]]
    rejected_status: str


@dataclass(frozen=True, slots=True)
class Outline:
    """A spec with what follows from it: its items by stage, and when each is due."""

    spec: Spec
    items: tuple[WorkItem, ...]
    schedule: Schedule

    def of(self, stage: str) -> tuple[WorkItem, ...]:
        return tuple(item for item in self.items if item.stage == stage)


def changes(
    outline: Outline, state: ProgramState, world: World, asking: Asking
) -> tuple[Change, ...]:
    """What is due now, in order: create, add, update, rewrite, link, move, say."""
    issues = tuple(_desired_issues(outline, state, asking))
    rows = tuple(_desired_rows(outline, state))
    return (
        *_creations(issues, state),
        *(AddRow(row) for row in rows if row.key not in state.rows),
        *_updates(issues, state, world),
        *_rewrites(rows, world),
        *_links(outline, state, world),
        *_moves(outline, state, world),
        *_says(outline, state),
    )


def _desired_issues(outline: Outline, state: ProgramState, asking: Asking) -> Iterator[NewIssue]:
    spec = outline.spec
    yield NewIssue(
        key=epic_key(spec.program),
        kind=IssueKind.EPIC,
        summary=spec.name,
        description=epic_text(spec),
        due_on=outline.schedule.effective_on,
        assignee=state.accounts.get(spec.owner or ""),
        parent=None,
        labels=_labels(spec, epic_key(spec.program)),
    )
    epic = state.issues.get(epic_key(spec.program))
    for stage in state.waiting_stages:
        for item in outline.of(stage):
            if item.kind is Kind.TASK:
                yield _task(outline, state, item, epic)
        yield from sign_off_issues(outline, state, stage, asking)


def sign_off_issues(
    outline: Outline, state: ProgramState, stage: str, asking: Asking
) -> Iterator[NewIssue]:
    """One issue a role, from the moment the criteria hold; none before."""
    spec, gate = outline.spec, state.gates[stage]
    if gate.digest is None:
        return
    for role in spec.stages[stage].gate.sign_off:
        key = sign_off_key(spec.program, stage, role)
        yield NewIssue(
            key=key,
            kind=IssueKind.SIGN_OFF,
            summary=f"Sign-off: {stage}, for {role}",
            description=sign_off_text(
                spec, Question(stage, role, gate, asking.judged[stage], asking.rejected_status)
            ),
            due_on=outline.schedule.stages[stage].gate_on,
            assignee=state.accounts.get(next(iter(may_sign(spec, role)), "")),
            parent=state.issues.get(epic_key(spec.program)),
            labels=_labels(spec, key),
        )


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


def _creations(issues: Iterable[NewIssue], state: ProgramState) -> Iterator[CreateIssue]:
    """Those without a Jira key and not in doubt; the epic first, alone, as it is the parent."""
    in_doubt = {key for doubt in state.doubts.values() for key in doubt.keys}
    lacking = [each for each in issues if each.key not in state.issues]
    epics = [each for each in lacking if each.kind is IssueKind.EPIC]
    for issue in epics or lacking:
        if issue.key not in in_doubt:
            yield CreateIssue(issue)


def _updates(
    issues: Iterable[NewIssue], state: ProgramState, world: World
) -> Iterator[UpdateIssue]:
    for issue in issues:
        observed = world.issues.get(issue.key)
        if observed is not None and _differs(issue, observed):
            yield UpdateIssue(state.issues[issue.key], issue)


def _differs(issue: NewIssue, observed: ObservedIssue) -> bool:
    return (
        observed.content_digest != issue.content_digest
        or observed.summary != issue.summary
        or observed.due_on != issue.due_on
        or not set(issue.labels) <= set(observed.labels)
    )


def _desired_rows(outline: Outline, state: ProgramState) -> Iterator[DesiredRow]:
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
            key = sign_off_key(outline.spec.program, stage, role)
            observed = world.issues.get(key)
            if observed is not None and observed.state is State.DONE and _judged(state, world, key):
                yield MoveIssue(key, observed.issue_key, State.TODO)
    epic = world.issues.get(epic_key(outline.spec.program))
    if epic is not None and state.finished_at is not None and epic.state is not State.DONE:
        yield MoveIssue(epic.key, epic.issue_key, State.DONE)


def _judged(state: ProgramState, world: World, key: str) -> bool:
    """Whether every transition of a sign-off issue has been judged: a fresh one may still wait."""
    issue_key = state.issues[key]
    return all(
        each.history_id in state.histories or each.to_state is not State.DONE
        for each in world.transitions
        if each.issue_key == issue_key and each.account != state.own_account
    )


def _says(outline: Outline, state: ProgramState) -> Iterator[SayOnIssue]:
    for stage in state.gates:
        for say in (
            *_refusals(outline.spec, state, stage),
            *_rejections(outline, state, stage),
            *_partial_quorums(outline.spec, state, stage),
        ):
            if say.mark not in state.said:
                yield say


def _desk(spec: Spec, state: ProgramState, stage: str, role: str) -> str | None:
    """The sign-off issue; None where it was deleted and is about to be created again."""
    return state.issues.get(sign_off_key(spec.program, stage, role))


def _refusals(spec: Spec, state: ProgramState, stage: str) -> Iterator[SayOnIssue]:
    for refused in state.gates[stage].refusals:
        if desk := _desk(spec, state, stage, refused.role):
            yield SayOnIssue(desk, refusal_text(refused), f"refused-{refused.history_id}")


def _rejections(outline: Outline, state: ProgramState, stage: str) -> Iterator[SayOnIssue]:
    items = outline.of(stage)
    for rejected in state.gates[stage].rejections:
        if desk := _desk(outline.spec, state, stage, rejected.role):
            unknown = unknown_names(items, state.issues, rejected.reason)
            text = rejection_text(rejected, items, unknown)
            yield SayOnIssue(desk, text, f"rejected-{rejected.history_id}")
        for key in rejected.sent_back:
            if key in state.issues:
                yield SayOnIssue(
                    state.issues[key],
                    f"Sent back by {rejected.person} for {rejected.role}: {rejected.reason}",
                    f"sent-back-{rejected.history_id}-{state.issues[key]}",
                )


def _partial_quorums(spec: Spec, state: ProgramState, stage: str) -> Iterator[SayOnIssue]:
    gate = state.gates[stage]
    missing = missing_sign_offs(spec, stage, gate, gate.digest)
    for given in gate.standing(gate.digest):
        desk = _desk(spec, state, stage, given.role)
        if desk is not None and given.role in missing:
            yield SayOnIssue(
                desk,
                f"Signed by {given.person}; {given.role} still needs {missing[given.role]} more.",
                f"signed-{given.history_id}",
            )


def outline_of(spec: Spec, *, today: date) -> Outline:
    items = expand(spec)
    return Outline(spec, items, make_schedule(spec, items, today=today))
