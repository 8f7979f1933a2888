"""What a plan does to a program under way, and what it leaves alone and why. Pure.

The changes are those that the program's own passes decide on a copy: see `rehearsal`.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass

from policy_rollout.closures import Closures, closures_of
from policy_rollout.consequences import Consequences, Proposal, consequences, exists
from policy_rollout.fold import take
from policy_rollout.gates import FINISHED
from policy_rollout.observed import World
from policy_rollout.outline import Outline, outline_at
from policy_rollout.plan import Asking, criteria, desired_issues
from policy_rollout.planned import Planned, Texts, planned
from policy_rollout.program import ProgramState, Recorded
from policy_rollout.rehearsal import Rehearsed, rehearse
from policy_rollout.spec.differences import differences
from policy_rollout.work import Kind, State, WorkItem


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """Something a person may expect to change, and why it does not."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Preview:
    """`follows_spec` is the path of the spec that it would follow; empty for the one it follows.

    `spec_changes` has a sentence for each key of the specs that differs, as the text is written:
    what a gate asks for changes nothing outside before it passes.
    Of a program that is held, `held` says by whom and why: the changes are those once it goes on.
    `over` says of a program that is over how it ended, and is empty before.
    `settles` is False where the program's passes would not come to rest.
    """

    program: str
    title: str
    follows_spec: str
    spec_changes: tuple[str, ...]
    held: str
    over: str
    changes: tuple[Planned, ...]
    left_alone: tuple[LeftAlone, ...]
    follows: Consequences
    closures: Closures
    settles: bool


def preview(proposal: Proposal) -> Preview:
    """`proposal` is left as it is."""
    now, amended = proposal.circumstances.now, proposal.amended
    before = outline_at(proposal.before, proposal.state, now)
    ahead, held = _ahead(proposal), proposal.state.held
    rehearsed = rehearse(proposal.after, ahead, proposal.world, proposal.circumstances)
    changes = planned(rehearsed.steps, _texts(proposal, before, ahead))
    return Preview(
        program=proposal.after.program,
        title=proposal.after.name,
        follows_spec=amended.spec_path if amended else "",
        spec_changes=differences(proposal.state.spec_text, amended.spec_text) if amended else (),
        held=f"by {held.by}: {held.reason}" if held else "",
        over=_over(proposal.state),
        changes=changes,
        left_alone=tuple(_left_alone(proposal, before, rehearsed)),
        follows=consequences(proposal, before, rehearsed, changes),
        closures=closures_of(proposal, before, rehearsed.outline, changes),
        settles=rehearsed.settles,
    )


def _over(state: ProgramState) -> str:
    if state.stopped is not None:
        return f"stopped by {state.stopped.by}: {state.stopped.reason}"
    return f"finished on {state.finished_at:%Y-%m-%d}" if state.finished_at is not None else ""


def _ahead(proposal: Proposal) -> ProgramState:
    """The state once the proposal is journaled, and a held program goes on."""
    ahead = deepcopy(proposal.state)
    ahead.held = None
    for event in proposal.events:
        take(ahead, Recorded(ahead.head + 1, proposal.circumstances.now, "", event))
    return ahead


def _texts(proposal: Proposal, before: Outline, ahead: ProgramState) -> Texts:
    """Descriptions as the spec that runs has them, and who has which account."""
    state = proposal.state
    judged = {stage: criteria(before, state, stage) for stage in state.waiting_stages}
    asking = Asking(judged, proposal.circumstances.statuses)
    written = desired_issues(before, state, asking)
    return Texts(
        descriptions={each.key: each.description for each in written},
        people={account: person for person, account in ahead.accounts.items()},
    )


def _left_alone(proposal: Proposal, before: Outline, rehearsed: Rehearsed) -> Iterator[LeftAlone]:
    yield from _passed_stages(proposal, before, rehearsed)
    yield from _assignees(proposal, before, rehearsed.outline)
    yield from _finished(proposal, rehearsed.outline)
    yield from _unopened(rehearsed)
    yield from _missing_or_odd(proposal.state, proposal.world)
    yield LeftAlone(
        "status, assignee, comments, priority and other labels of issues; Status, Completed %, "
        "Notes and other columns of people in the workbook",
        "they belong to people",
    )


def _passed_stages(
    proposal: Proposal, before: Outline, rehearsed: Rehearsed
) -> Iterator[LeftAlone]:
    """What a passed stage would say differently now: it stays as it was when the gate passed."""
    known = {item.key: item for item in before.items}
    for stage in rehearsed.outline.spec.stages:
        if not rehearsed.last.ahead.passed(stage) or not proposal.state.passed(stage):
            continue
        items = rehearsed.outline.of(stage)
        differs = [item.short for item in items if _differs(item, known.get(item.key))]
        if differs:
            yield LeftAlone(
                f"{stage}: {', '.join(differs)}",
                "the gate of this stage has passed; reopen the stage to change its work",
            )


def _differs(item: WorkItem, known: WorkItem | None) -> bool:
    return known is None or (known.title, known.details, known.team) != (
        item.title,
        item.details,
        item.team,
    )


def _assignees(proposal: Proposal, before: Outline, after: Outline) -> Iterator[LeftAlone]:
    """Where the spec names somebody else now: the issue's assignee was set once."""
    known = {item.key: item for item in before.items}
    for item in after.items:
        was = known.get(item.key)
        issue = proposal.world.issues.get(item.key)
        if was and issue and item.kind is Kind.TASK and was.assignee != item.assignee:
            yield LeftAlone(
                f"assignee of {issue.issue_key} ({item.title})",
                f"it is Jira's since the issue was created; the spec now names {item.assignee}: "
                "assign it there",
            )


def _finished(proposal: Proposal, after: Outline) -> Iterator[LeftAlone]:
    """Finished work of open stages: counted, not named."""
    done = [
        item.key
        for item in after.items
        if exists(proposal.state, item.key)
        and not proposal.state.passed(item.stage)
        and proposal.seen(item.key) in FINISHED
    ]
    if done:
        count = f"{len(done)} finished item{'s' * (len(done) != 1)} of open stages"
        yield LeftAlone(f"the state of {count}", "people have finished them")


def _unopened(rehearsed: Rehearsed) -> Iterator[LeftAlone]:
    for stage in rehearsed.outline.spec.stages:
        items = rehearsed.outline.of(stage)
        if items and stage not in rehearsed.last.ahead.gates:
            count = f"{len(items)} item{'s' * (len(items) != 1)}"
            yield LeftAlone(f"{stage}: {count}", "created when the stage opens")


def _missing_or_odd(state: ProgramState, world: World) -> Iterator[LeftAlone]:
    for key, seen in state.seen.items():
        if seen.state is State.MISSING and key not in world.issues and key not in world.rows:
            why = "deleted outside; made again only when asked for (*create again* in the form)"
            yield LeftAlone(key, why)
    for doubt in state.doubts.values():
        for key in doubt.keys:
            yield LeftAlone(key, "its creation is in doubt; the run looks for it first")
    for oddity in world.oddities:
        yield LeftAlone(oddity.where, f"{oddity.what}; reported, never repaired silently")
