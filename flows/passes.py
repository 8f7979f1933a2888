"""One pass of a program: look, decide, journal, apply, until there is nothing left to do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import islice
from typing import TypeVar

from prefect import get_run_logger

from flows.publishing import publish
from flows.taking_up import already_launched
from policy_rollout import events as ev
from policy_rollout.circumstances import circumstances_of
from policy_rollout.comments import SayOnIssue
from policy_rollout.connections import check_home, links_of, project_key, workbook_id
from policy_rollout.decide import Decision, as_known, decide, to_look_at
from policy_rollout.desired import NewIssue
from policy_rollout.errors import (
    IssueNotOurs,
    JournalConflict,
    NeverSettles,
    PreflightFailed,
    RolloutError,
    ServiceError,
    ServiceRefused,
    SettingsWrong,
    WriteInDoubt,
)
from policy_rollout.history import decide_and_write, note, state_of
from policy_rollout.jira_issues import BULK_LIMIT
from policy_rollout.journal.store import Journal
from policy_rollout.outline import outline_at
from policy_rollout.plan import (
    AddRow,
    Change,
    CreateIssue,
    LinkIssues,
    MoveIssue,
    RewriteRow,
    UpdateIssue,
)
from policy_rollout.program import ProgramState
from policy_rollout.report.board import form_text, headline
from policy_rollout.report.notice_text import Notice
from policy_rollout.settings import Settings
from policy_rollout.spec.model import Spec
from policy_rollout.trouble import met
from tasks.issues import (
    ACTOR,
    check_jira,
    comment_on_issues,
    create_issues,
    link_issues,
    move_issues,
    settle_doubt,
    update_issues,
)
from tasks.notices import send_notices
from tasks.rows import add_rows, check_workbook, rewrite_rows
from tasks.world import look_at_world

MOST_LOOKS = 20
NOT_FOUND = HTTPStatus.NOT_FOUND
_T = TypeVar("_T", bound=Change)


@dataclass(frozen=True, slots=True)
class Passed:
    """What a pass left behind: its last decision, which had nothing to change."""

    decision: Decision
    did_something: bool


@dataclass(frozen=True, slots=True)
class Stands:
    """Where a program stands after a pass: over, or what the Resume form says meanwhile."""

    is_over: bool
    text: str


def pass_or_trouble(journal: Journal, settings: Settings, spec: Spec, *, run: str) -> Stands:
    """Make one pass; an outside failure is journaled and shown, and tried again later.

    Raises:
        ProgramAlreadyLaunched: another run took the program over.
    """
    passed = _pass_alone(journal, settings, spec, run)
    now = datetime.now(UTC)
    outline = outline_at(spec, passed.decision.ahead, now)
    if passed.did_something:
        publish(settings, outline, passed.decision, now=now)
    if passed.decision.ahead.is_over and passed.decision.ahead.trouble is None:
        return Stands(is_over=True, text=headline(outline, passed.decision.ahead))
    text = form_text(outline, passed.decision, links_of(settings, spec), now=now)
    return Stands(is_over=False, text=text)


def _pass_alone(journal: Journal, settings: Settings, spec: Spec, run: str) -> Passed:
    """A pass that began again whenever somebody else wrote to the journal."""
    was_disturbed = False
    while True:
        try:
            passed = _note_calm(journal, run_pass(journal, settings, spec, run=run))
        except JournalConflict:
            was_disturbed = True
        except (ServiceError, SettingsWrong, NeverSettles) as error:
            return Passed(_note_trouble(journal, spec, error), did_something=True)
        else:
            return replace(passed, did_something=passed.did_something or was_disturbed)


def _note_trouble(journal: Journal, spec: Spec, error: RolloutError) -> Decision:
    get_run_logger().warning("%s", error)
    now = datetime.now(UTC)
    state = state_of(journal, spec.program)
    note(journal, spec.program, (met(error, state, now),), actor=ACTOR, at=now)
    state = state_of(journal, spec.program)
    return as_known(outline_at(spec, state, now), state)


def _note_calm(journal: Journal, passed: Passed) -> Passed:
    state = passed.decision.ahead
    if state.trouble is None:
        return passed
    note(journal, state.program, (ev.TroubleOver(),), actor=ACTOR, at=datetime.now(UTC))
    calm = replace(passed.decision, ahead=state_of(journal, state.program))
    return Passed(calm, did_something=True)


def run_pass(journal: Journal, settings: Settings, spec: Spec, *, run: str) -> Passed:
    """Make the world what the spec and the journal say.

    Raises:
        ServiceError: Jira or the workbook failed; what was done until then is journaled.
        JournalConflict: somebody else wrote meanwhile; start again.
        ProgramAlreadyLaunched: another run took the program over.
    """
    did_something, is_in_doubt = False, False
    state = _state_for(run, journal, spec)
    check_home(settings, spec, state)
    if not state.own_account:
        preflight(journal, settings, spec, state)
        did_something = True
    for _ in range(MOST_LOOKS):
        if settle_doubts(spec, state):
            state = _state_for(run, journal, spec)
        now = datetime.now(UTC)
        outline = outline_at(spec, state, now)
        world = look_at_world(spec, to_look_at(outline, state))
        decision = decide(outline, state, world, circumstances_of(journal, settings, now))
        decide_and_write(journal, state, decision.events, actor=ACTOR, at=now)
        if not decision.changes:
            return Passed(decision, did_something or bool(decision.events))
        try:
            apply(spec, decision.changes, state)
        except (WriteInDoubt, IssueNotOurs, ServiceRefused) as error:
            if is_in_doubt or getattr(error, "status", NOT_FOUND) != NOT_FOUND:
                raise  # twice in a pass: the service is down, and is asked again later
            is_in_doubt = True  # the next look tells whether it happened
        did_something = True
        state = _state_for(run, journal, spec)
    raise NeverSettles(MOST_LOOKS, repr(decision.changes[0]))


def _state_for(run: str, journal: Journal, spec: Spec) -> ProgramState:
    state = state_of(journal, spec.program)
    if state.run != run:
        raise already_launched(state)
    return state


def preflight(journal: Journal, settings: Settings, spec: Spec, state: ProgramState) -> None:
    """Check both services before the first write; journal who everybody is and where work goes.

    Raises:
        PreflightFailed: with all that is missing in both.
        JournalConflict: somebody else wrote meanwhile.
    """
    resolved, missing = check_jira(spec)
    missing = (*missing, *check_workbook(spec))
    if missing:
        raise PreflightFailed(missing)
    homes = {"project": project_key(settings, spec), "workbook": workbook_id(settings, spec)}
    homed = resolved.model_copy(update=homes)
    decide_and_write(journal, state, (homed,), actor=ACTOR, at=datetime.now(UTC))


def settle_doubts(spec: Spec, state: ProgramState) -> bool:
    """Look for creations whose answer was lost, if any; whether there were some.

    Raises:
        WriteInDoubt: some may still arrive; the rest of the program waits for them.
    """
    for doubt in state.doubts.values():
        settle_doubt(spec, doubt)
    return bool(state.doubts)


def apply(spec: Spec, changes: tuple[Change, ...], state: ProgramState) -> None:
    """Carry the changes out in their order, one task run a kind; creations in batches.

    `state` is that on which the changes were decided: creations are made on no other.

    Raises:
        JournalConflict: somebody else wrote meanwhile; what was to be created may exist.
    """
    head = state.head
    creations = [each.issue for each in of_kind(changes, CreateIssue)]
    for issues in in_batches(creations, BULK_LIMIT):
        head = create_issues(spec, str(head), issues, after=head)
    if rows := of_kind(changes, AddRow):
        add_rows(spec, [each.row for each in rows], state.tabs)
    if updates := of_kind(changes, UpdateIssue):
        update_issues(spec, updates)
    if rewrites := of_kind(changes, RewriteRow):
        rewrite_rows(spec, [each.row for each in rewrites], state.tabs)
    if links := of_kind(changes, LinkIssues):
        link_issues(spec, links)
    if moves := of_kind(changes, MoveIssue):
        move_issues(spec, moves)
    if comments := of_kind(changes, SayOnIssue):
        comment_on_issues(spec, comments)
    if told := of_kind(changes, Notice):
        send_notices(spec, told)


def of_kind(changes: tuple[Change, ...], kind: type[_T]) -> list[_T]:
    return [each for each in changes if isinstance(each, kind)]


def in_batches(issues: Sequence[NewIssue], size: int) -> Iterator[list[NewIssue]]:
    left = iter(issues)
    while batch := list(islice(left, size)):
        yield batch
