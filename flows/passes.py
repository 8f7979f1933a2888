"""One pass of a program: look, decide, journal, apply, until there is nothing left to do."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import islice
from typing import TypeVar

from prefect import get_run_logger

from flows.halts import check_goes_on
from flows.publishing import publish
from flows.taking_up import already_launched
from policy_rollout import events as ev
from policy_rollout.circumstances import circumstances_of
from policy_rollout.comments import SayOnIssue
from policy_rollout.connections import check_home, links_of, project_key, workbook_id
from policy_rollout.decide import Decision, as_known, decide, to_look_at
from policy_rollout.desired import DesiredRow, NewIssue
from policy_rollout.errors import (
    IssueNotOurs,
    JournalConflict,
    NeverSettles,
    PreflightFailed,
    RolloutError,
    RowsHalfAdded,
    ServiceError,
    ServiceRefused,
    SettingsWrong,
    WriteInDoubt,
)
from policy_rollout.history import decide_and_write, note, state_of
from policy_rollout.jira_issues import BULK_LIMIT
from policy_rollout.journal.store import Journal
from policy_rollout.observed import World
from policy_rollout.outline import outline_at, spec_of
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
from tasks.edits import comment_on_issues, link_issues, move_issues, update_issues
from tasks.issues import create_issues, settle_doubts
from tasks.notices import send_notices
from tasks.preflight import check_services
from tasks.rows import add_rows, rewrite_rows
from tasks.world import look_at_world
from tasks.writing import ACTOR

MOST_LOOKS = 20
BATCHES_AT_ONCE = 4
"""Creations sent at the same time: a kill leaves no more of them in doubt."""
NOTHING = World({}, {}, (), (), ())
NOT_FOUND = HTTPStatus.NOT_FOUND
_T = TypeVar("_T", bound=Change)
_Thing = TypeVar("_Thing")


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


def pass_or_trouble(journal: Journal, settings: Settings, program: str, *, run: str) -> Stands:
    """Make one pass; an outside failure is journaled and shown, and tried again later.

    Raises:
        ProgramAlreadyLaunched: another run took the program over.
    """
    passed = _pass_alone(journal, settings, program, run)
    now = datetime.now(UTC)
    spec = spec_of(passed.decision.ahead)
    outline = outline_at(spec, passed.decision.ahead, now)
    if passed.did_something:
        publish(settings, outline, passed.decision, now=now)
    if passed.decision.ahead.is_over and passed.decision.ahead.trouble is None:
        return Stands(is_over=True, text=headline(outline, passed.decision.ahead))
    text = form_text(outline, passed.decision, links_of(settings, spec), now=now)
    return Stands(is_over=False, text=text)


def _pass_alone(journal: Journal, settings: Settings, program: str, run: str) -> Passed:
    """A pass that began again whenever somebody else wrote to the journal."""
    was_disturbed = False
    while True:
        try:
            passed = _note_calm(journal, run_pass(journal, settings, program, run=run))
        except JournalConflict:
            was_disturbed = True
        except (ServiceError, SettingsWrong, NeverSettles) as error:
            return Passed(_note_trouble(journal, program, error), did_something=True)
        else:
            return replace(passed, did_something=passed.did_something or was_disturbed)


def _note_trouble(journal: Journal, program: str, error: RolloutError) -> Decision:
    get_run_logger().warning("%s", error)
    now = datetime.now(UTC)
    state = state_of(journal, program)
    note(journal, program, (met(error, state, now),), actor=ACTOR, at=now)
    state = state_of(journal, program)
    return as_known(outline_at(spec_of(state), state, now), state)


def _note_calm(journal: Journal, passed: Passed) -> Passed:
    state = passed.decision.ahead
    if state.trouble is None or state.held is not None:
        return passed  # nobody looked while it is held
    note(journal, state.program, (ev.TroubleOver(),), actor=ACTOR, at=datetime.now(UTC))
    calm = replace(passed.decision, ahead=state_of(journal, state.program))
    return Passed(calm, did_something=True)


def run_pass(journal: Journal, settings: Settings, program: str, *, run: str) -> Passed:
    """Make the world what the spec and the journal say, as each look finds them.

    Raises:
        ServiceError: Jira or the workbook failed; what was done until then is journaled.
        JournalConflict: somebody else wrote meanwhile; start again.
        ProgramAlreadyLaunched: another run took the program over.
    """
    state = _state_for(run, journal, program)
    did_something, is_in_doubt = state.unread_amendment or state.amended_lately, False
    check_home(settings, spec_of(state), state)
    if not state.own_account and not state.rests:
        preflight(journal, settings, spec_of(state), state)
        did_something = True
    for _ in range(MOST_LOOKS):
        if state.rests:
            outline = outline_at(spec_of(state), state, datetime.now(UTC))
            return Passed(as_known(outline, state), did_something=True)
        if state.doubts:
            settle_doubts(spec_of(state), tuple(state.doubts.values()))
            state = _state_for(run, journal, program)
        now = datetime.now(UTC)
        spec = spec_of(state)
        outline = outline_at(spec, state, now)
        wanted = to_look_at(outline, state)
        world = NOTHING if wanted.is_nothing else look_at_world(spec, wanted)
        decision = decide(outline, state, world, circumstances_of(journal, settings, now))
        decide_and_write(journal, state, decision.events, actor=ACTOR, at=now)
        if not decision.changes:
            return Passed(decision, did_something or bool(decision.events))
        try:
            apply(journal, spec, decision.changes, state)
        except (WriteInDoubt, IssueNotOurs, ServiceRefused) as error:
            if is_in_doubt or getattr(error, "status", NOT_FOUND) != NOT_FOUND:
                raise  # twice in a pass: the service is down, and is asked again later
            is_in_doubt = True  # the next look tells whether it happened
        did_something = True
        state = _state_for(run, journal, program)
    raise NeverSettles(MOST_LOOKS, repr(decision.changes[0]))


def _state_for(run: str, journal: Journal, program: str) -> ProgramState:
    state = state_of(journal, program)
    if state.run != run:
        raise already_launched(state)
    return state


def preflight(journal: Journal, settings: Settings, spec: Spec, state: ProgramState) -> None:
    """Check both services before the first write; journal who everybody is and where work goes.

    Raises:
        PreflightFailed: with all that is missing in both.
        JournalConflict: somebody else wrote meanwhile.
    """
    resolved, missing = check_services(spec)
    if missing:
        raise PreflightFailed(missing)
    homes = {"project": project_key(settings, spec), "workbook": workbook_id(settings, spec)}
    homed = resolved.model_copy(update=homes)
    decide_and_write(journal, state, (homed,), actor=ACTOR, at=datetime.now(UTC))


def apply(journal: Journal, spec: Spec, changes: tuple[Change, ...], state: ProgramState) -> None:
    """Carry the changes out in their order, one task run a kind; creations in waves of batches.

    Rows are added beside the creations: neither needs the other.

    `state` is that on which they were decided: what happens twice when sent twice is made on no
    other.

    Raises:
        JournalConflict: somebody else wrote meanwhile, or wants no more writes; the changes before
            may have been made.
    """
    head = state.head

    def due(kind: type[_T]) -> list[_T]:
        found = of_kind(changes, kind)
        if found:
            check_goes_on(journal, spec.program, after=head)
        return found

    issues, rows = [each.issue for each in due(CreateIssue)], [each.row for each in due(AddRow)]
    with _adding(journal, spec, rows, state.tabs):
        head = _create(spec, issues, head)
    head += bool(rows)
    if updates := due(UpdateIssue):
        head = update_issues(spec, updates, after=head)
    if rewrites := due(RewriteRow):
        rewrite_rows(spec, [each.row for each in rewrites], state.tabs)
    if links := due(LinkIssues):
        head = link_issues(spec, links, after=head)
    if moves := due(MoveIssue):
        head = move_issues(spec, moves, after=head)
    if comments := due(SayOnIssue):
        head = comment_on_issues(spec, comments, after=head)
    if told := due(Notice):
        send_notices(spec, told)


@contextmanager
def _adding(
    journal: Journal, spec: Spec, rows: Sequence[DesiredRow], tabs: Mapping[str, int]
) -> Iterator[None]:
    """Rows are added while the block runs; those that stand are journaled, whatever fails."""
    if not rows:
        yield
        return
    with ThreadPoolExecutor(1, "rows") as beside:
        # in this context, so that the task run belongs to the flow run
        added = beside.submit(copy_context().run, add_rows, spec, rows, tabs)
        try:
            yield
        finally:
            failure: ServiceError | None = None
            try:
                standing = added.result()
            except RowsHalfAdded as some:
                standing, failure = some.standing, some.failure
            keys = tuple(row.key for row in rows if row.key in standing.keys)
            fact = ev.RowsAdded(keys=keys, tabs=standing.tabs)
            note(journal, spec.program, (fact,), actor=ACTOR, at=datetime.now(UTC))
            if failure is not None:
                raise failure


def _create(spec: Spec, issues: Iterable[NewIssue], head: int) -> int:
    for wave in in_batches(in_batches(issues, BULK_LIMIT), BATCHES_AT_ONCE):
        head = create_issues(spec, str(head), wave, after=head)
    return head


def of_kind(changes: tuple[Change, ...], kind: type[_T]) -> list[_T]:
    return [each for each in changes if isinstance(each, kind)]


def in_batches(things: Iterable[_Thing], size: int) -> Iterator[list[_Thing]]:
    left = iter(things)
    while batch := list(islice(left, size)):
        yield batch
