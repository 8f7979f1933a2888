"""Jira issues: one task run a batch, each creation journaled before and after."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from prefect import task
from prefect.cache_policies import NO_CACHE

from policy_rollout import events as ev
from policy_rollout.comments import SayOnIssue
from policy_rollout.connections import open_jira
from policy_rollout.desired import NewIssue
from policy_rollout.errors import (
    JournalConflict,
    Missing,
    ServiceRefused,
    ServiceUnavailable,
    WriteInDoubt,
)
from policy_rollout.history import decide_and_write, note, state_of
from policy_rollout.jira_issues import JiraIssues
from policy_rollout.journal.store import Journal
from policy_rollout.plan import LinkIssues, MoveIssue, UpdateIssue
from policy_rollout.program import Doubt
from policy_rollout.settings import Settings
from policy_rollout.spec.model import Spec
from policy_rollout.work import people_of

ACTOR = "rollout"


@contextmanager
def _jira_and_journal(spec: Spec) -> Iterator[tuple[JiraIssues, Journal, Settings]]:
    settings = Settings.load()
    with open_jira(settings, spec) as jira, Journal(settings.journal_address) as journal:
        yield jira, journal, settings


@task(task_run_name="check Jira and everybody in it", cache_policy=NO_CACHE)
def check_jira(spec: Spec) -> tuple[ev.PeopleResolved, tuple[Missing, ...]]:
    """All people of the spec as Jira accounts, and all that Jira lacks."""
    people = {person: spec.accounts.get(person) for person in people_of(spec)}
    with open_jira(Settings.load(), spec) as jira:
        found = jira.preflight(people)
    resolved = ev.PeopleResolved(accounts=found.accounts, own_account=found.own_account)
    return resolved, found.missing


@task(task_run_name="create issues, batch {batch}", cache_policy=NO_CACHE)
def create_issues(spec: Spec, batch: str, issues: Sequence[NewIssue], *, after: int) -> int:
    """Create one batch; its intent is journaled before, its outcome after.

    The intent is only written where the journal still ends at entry `after`: of two processes
    that decided the same, one creates. Answers the number of the journal's last entry then.

    Raises:
        JournalConflict: somebody else wrote meanwhile; nothing was sent.
        WriteInDoubt: the answer was lost; the intent stays, and the next pass looks for them.
        ServiceRefused: Jira refused some; the others are created and journaled.
    """
    with _jira_and_journal(spec) as (jira, journal, _):
        keys = tuple(each.key for each in issues)
        intent = ev.CreationIntended(batch=batch, keys=keys, fence=jira.highest_number())
        state = state_of(journal, spec.program)
        if state.head != after:
            raise JournalConflict(spec.program, after + 1)
        decide_and_write(journal, state, (intent,), actor=ACTOR, at=datetime.now(UTC))
        try:
            created = jira.create(issues)
        except (ServiceUnavailable, ServiceRefused) as error:
            nothing = dict.fromkeys(keys, str(error))
            _note(journal, spec, ev.CreationRefused(batch=batch, reasons=nothing))
            raise
        outcomes: list[ev.Event] = []
        if created.keys:
            outcomes.append(ev.IssuesCreated(batch=batch, issues=created.keys))
        if created.refused:
            outcomes.append(ev.CreationRefused(batch=batch, reasons=created.refused))
        _note(journal, spec, *outcomes)
    if created.refused:
        reasons = "; ".join(f"{key}: {reason}" for key, reason in created.refused.items())
        raise ServiceRefused(
            "Jira",
            f"creating {len(created.refused)} of {len(issues)} issues",
            reasons,
            next_step="Mend what it names in the project, then press Resume",
            status=HTTPStatus.BAD_REQUEST,
        )
    return state.head + len(outcomes)


@task(task_run_name="look for issues whose creation is in doubt", cache_policy=NO_CACHE)
def settle_doubt(spec: Spec, doubt: Doubt) -> None:
    """Adopt what was created after all; after the settle time, give up the rest.

    Raises:
        WriteInDoubt: the settle time is not over, and some may still arrive.
    """
    with _jira_and_journal(spec) as (jira, journal, settings):
        found = jira.find_created(doubt.keys, after_number=doubt.fence)
        settled: list[ev.Event] = []
        if found:
            issues = {key: issue_keys[0] for key, issue_keys in found.items()}
            settled.append(ev.IssuesCreated(batch=doubt.batch, issues=issues, adopted=True))
        lost = [key for key in doubt.keys if key not in found]
        settles_at = doubt.since + timedelta(seconds=settings.settle_seconds)
        if lost and datetime.now(UTC) >= settles_at:
            reasons = dict.fromkeys(lost, "never arrived: not found after the settle time")
            settled.append(ev.CreationRefused(batch=doubt.batch, reasons=reasons))
            lost = []
        _note(journal, spec, *settled)
    if lost:
        missing = f"{len(lost)} of {len(doubt.keys)} not found yet"
        reason = f"{missing}; sent again after {settles_at:%H:%M:%S} UTC"
        raise WriteInDoubt("Jira", f"the creation of batch {doubt.batch}", reason)


@task(task_run_name="update issues", cache_policy=NO_CACHE)
def update_issues(spec: Spec, updates: Sequence[UpdateIssue]) -> None:
    with _jira_and_journal(spec) as (jira, journal, _):
        for each in updates:
            jira.update(each.issue_key, each.issue)
            if each.undoes:
                _note(journal, spec, ev.Said(marks=(each.undoes,)))


@task(task_run_name="link issues", cache_policy=NO_CACHE)
def link_issues(spec: Spec, links: Sequence[LinkIssues]) -> None:
    with open_jira(Settings.load(), spec) as jira:
        for each in links:
            jira.link(each.issue_key, each.blocked_by)


@task(task_run_name="move issues", cache_policy=NO_CACHE)
def move_issues(spec: Spec, moves: Sequence[MoveIssue]) -> None:
    with _jira_and_journal(spec) as (jira, journal, _):
        for each in moves:
            jira.move(each.issue_key, each.to)
            _note(journal, spec, ev.IssuesMoved(states={each.key: each.to}))


@task(task_run_name="comment on issues", cache_policy=NO_CACHE)
def comment_on_issues(spec: Spec, comments: Sequence[SayOnIssue]) -> None:
    with _jira_and_journal(spec) as (jira, journal, _):
        for each in comments:
            jira.say(each.issue_key, each.text, mark=each.mark)
            _note(journal, spec, ev.Said(marks=(each.mark,)))


def _note(journal: Journal, spec: Spec, *events: ev.Event) -> None:
    if events:
        note(journal, spec.program, events, actor=ACTOR, at=datetime.now(UTC))
