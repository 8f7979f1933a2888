"""How a write that happens twice when sent twice is made once: links, moves and comments.

Its intent is journaled before and its outcome after. One whose outcome was lost is looked for, and
is not sent again before the settle time is over.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

from policy_rollout import events as ev
from policy_rollout.connections import open_jira
from policy_rollout.errors import JournalConflict, ServiceError, ServiceUnavailable, WriteInDoubt
from policy_rollout.history import decide_and_write, note, state_of
from policy_rollout.jira_issues import JiraIssues
from policy_rollout.journal.store import Journal
from policy_rollout.program import ProgramState
from policy_rollout.settings import Settings
from policy_rollout.spec.model import Spec

ACTOR = "rollout"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Write:
    """One that must happen once; `mark` names it in the journal.

    `stands` tells that it was seen in Jira just now, `shows` is journaled once it stands, `after`
    is the last change of the issue's status, where the write is one.
    """

    issue_key: str
    mark: str
    stands: bool
    send: Callable[[], None]
    shows: ev.Event | None = None
    after: str = ""


@dataclass(frozen=True, slots=True)
class Desk:
    """A client, the journal, and the state in which it was decided what to write."""

    jira: JiraIssues
    journal: Journal
    settings: Settings
    spec: Spec
    state: ProgramState
    asked_at: datetime


@contextmanager
def jira_and_journal(spec: Spec) -> Iterator[tuple[JiraIssues, Journal, Settings]]:
    settings = Settings.load()
    with open_jira(settings, spec) as jira, Journal(settings.journal_address) as journal:
        yield jira, journal, settings


def state_at(journal: Journal, spec: Spec, head: int) -> ProgramState:
    """The state, if the journal still ends where it was decided what to do.

    Raises:
        JournalConflict: somebody wrote meanwhile.
    """
    state = state_of(journal, spec.program)
    if state.head != head:
        raise JournalConflict(spec.program, head + 1)
    return state


@contextmanager
def desk(spec: Spec, *, after: int) -> Iterator[Desk]:
    """Opened before Jira is asked what stands: what arrives later is looked for again."""
    with jira_and_journal(spec) as (jira, journal, settings):
        state = state_at(journal, spec, after)
        yield Desk(jira, journal, settings, spec, state, datetime.now(UTC))


def write_once(desk: Desk, doing: str, writes: Sequence[Write]) -> int:
    """Send what does not stand yet; the number of the journal's last entry then.

    Writes of one issue go out in their order, those of different issues at the same time.

    Raises:
        JournalConflict: somebody else wrote meanwhile; nothing was sent.
        WriteInDoubt: an answer was lost, now or before, and the settle time is not over.
        ServiceError: the first failure; the others are journaled.
    """
    settle = timedelta(seconds=desk.settings.settle_seconds)
    since = {mark: each.since for mark, each in desk.state.unsettled.items()}
    waiting = [
        each
        for each in writes
        if not each.stands and each.mark in since and desk.asked_at < since[each.mark] + settle
    ]
    due = [each for each in writes if not each.stands and each not in waiting]
    now = datetime.now(UTC)
    if due:
        intent = ev.WritesIntended(marks={each.mark: each.after for each in due})
        decide_and_write(desk.journal, desk.state, (intent,), actor=ACTOR, at=now)
    outcomes = _send_all(desk, due, now)
    stand = [each for each in writes if each.stands]
    stand += [each for each, outcome in outcomes if outcome is None]
    known = {each.mark for each, outcome in outcomes if not isinstance(outcome, WriteInDoubt)}
    settled = known | ({each.mark for each in stand} & since.keys())
    told = [*_settling(settled), *(each.shows for each in stand if each.shows)]
    write_facts(desk.journal, desk.spec, *told)
    all_answered([outcome for _, outcome in outcomes])
    if waiting:
        settles_at = max(since[each.mark] for each in waiting) + settle
        reason = f"not seen yet; sent again after {settles_at:%H:%M:%S} UTC"
        raise WriteInDoubt("Jira", f"{doing} ({len(waiting)} of {len(writes)})", reason)
    return desk.state.head + len(told)


Outcomes = list[tuple[Write, ServiceError | None]]


def _send_all(desk: Desk, due: Sequence[Write], intended_at: datetime) -> Outcomes:
    by_issue: defaultdict[str, list[Write]] = defaultdict(list)
    for each in due:
        by_issue[each.issue_key].append(each)

    def in_turn(writes: Sequence[Write]) -> Outcomes:
        sends = [in_time(each.send, intended_at, desk.settings) for each in writes]
        answers = [answer for send in sends for answer in desk.jira.side_by_side([send])]
        return list(zip(writes, answers, strict=True))

    parts = desk.jira.side_by_side([partial(in_turn, writes) for writes in by_issue.values()])
    return [pair for part in all_answered(parts) for pair in part]


def _settling(marks: Iterable[str]) -> Iterator[ev.Event]:
    if known := tuple(sorted(marks)):
        yield ev.WritesSettled(marks=known)


def in_time(send: Callable[[], T], intended_at: datetime, settings: Settings) -> Callable[[], T]:
    """Sends only while others still wait for it: a process may be frozen behind its intent."""

    def sending() -> T:
        if (datetime.now(UTC) - intended_at).total_seconds() >= settings.settle_seconds:
            reason = "this process stood still for longer than the settle time; nothing was sent"
            raise ServiceUnavailable("Jira", "writing", reason)
        return send()

    return sending


def all_answered(outcomes: Sequence[T | ServiceError]) -> list[T]:
    """The answers, if there is no failure among them.

    Raises:
        ServiceError: the first one.
    """
    answers: list[T] = []
    for each in outcomes:
        if isinstance(each, ServiceError):
            raise each
        answers.append(each)
    return answers


def write_facts(journal: Journal, spec: Spec, *events: ev.Event) -> None:
    if events:
        note(journal, spec.program, events, actor=ACTOR, at=datetime.now(UTC))
