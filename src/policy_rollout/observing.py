"""One look at the world: what Jira and the workbook hold of a program. Reads both, writes nothing.

Work is read by key: never through a search, never from a cache.
"""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from policy_rollout.connections import open_jira, open_workbook
from policy_rollout.decide import ToLookAt
from policy_rollout.jira_issues import History, IssuesRead, JiraIssues
from policy_rollout.observed import Comment, ObservedIssue, ObservedRow, Oddity, World
from policy_rollout.settings import Settings
from policy_rollout.spec.model import Spec
from policy_rollout.work import State

QUESTIONS_BESIDE = 4
"""What is asked while the work is read: rows, sign-offs and their statuses, unplanned issues."""


def read_world(settings: Settings, spec: Spec, wanted: ToLookAt) -> World:
    """What was asked for, as it is now.

    Raises:
        ServiceError: Jira or the workbook failed.
        SettingsWrong: one of them is not connected.
    """
    sign_offs = tuple(wanted.sign_offs.values())
    with (
        open_jira(settings, spec) as jira,
        ThreadPoolExecutor(QUESTIONS_BESIDE, "look") as beside,
    ):
        reading = beside.submit(_read_rows, settings, spec, wanted)
        looking = beside.submit(jira.strangers, spec.program, wanted.maybe_double)
        checking = beside.submit(jira.unanswerable) if sign_offs else None
        asking = beside.submit(jira.read, sign_offs, with_comments=True)
        work = jira.read(tuple(wanted.issues.values()))
        finished = [each.issue_key for each in work.issues.values() if each.state is State.DONE]
        asked = (*sign_offs, *finished)
        signed = asking.result()  # so that the history knows these issues
        history = jira.history(asked) if asked else History()
        comments = _comments_beside(jira, signed, history)
        strangers, unanswerable = looking.result(), checking.result() if checking else ()
        rows, odd_rows = reading.result()
    issues = {**work.issues, **signed.issues}
    gone = _gone((*work.gone, *signed.gone), issues, wanted)
    found_odd = (*work.oddities, *signed.oddities, *gone, *strangers, *unanswerable, *odd_rows)
    return World(
        issues=issues,
        rows=rows,
        transitions=history.transitions,
        edits=history.edits,
        comments=comments,
        oddities=found_odd,
    )


def _comments_beside(jira: JiraIssues, signed: IssuesRead, history: History) -> tuple[Comment, ...]:
    """The sign-offs' comments, read again where somebody answered after they were read.

    An approval is known from the history, its condition from the comment beside it: neither may be
    seen without the other.
    """
    read_at = {each.issue_key: each.updated_at for each in signed.issues.values()}
    moved_since = {
        each.issue_key
        for each in history.transitions
        if each.issue_key in read_at and each.at > read_at[each.issue_key]
    }
    if not moved_since:
        return signed.comments
    kept = [each for each in signed.comments if each.issue_key not in moved_since]
    return (*kept, *jira.read(sorted(moved_since), with_comments=True).comments)


def _gone(
    missed: Iterable[str], issues: Mapping[str, ObservedIssue], wanted: ToLookAt
) -> Iterator[Oddity]:
    """Issues that are under no key any more; one that was moved answers to its old key as well."""
    moved = {
        issue_key
        for key, issue_key in {**wanted.issues, **wanted.sign_offs}.items()
        if key in issues and issues[key].issue_key != issue_key
    }
    for issue_key in missed:
        if issue_key not in moved:
            yield Oddity(issue_key, "the issue was deleted, or is hidden from us")


def _read_rows(
    settings: Settings, spec: Spec, wanted: ToLookAt
) -> tuple[dict[str, ObservedRow], tuple[Oddity, ...]]:
    if not wanted.has_rows:
        return {}, ()
    with closing(open_workbook(settings, spec, tabs=wanted.tabs)) as workbook:
        found = workbook.read(spec.program)
    return found.rows, found.oddities
