"""The issues of programs in Jira Cloud: created once, read by key, edited only where ours. Edge.

Only what carries our mark (the entity property `rollout`) is ever edited. Issues are found again
by number range and by label after a lost answer, and are otherwise read by their keys, never by
the search, whose index lags.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote

from policy_rollout import jira_wire as wire
from policy_rollout.adf import to_adf
from policy_rollout.desired import IssueKind, NewIssue, kind_of
from policy_rollout.errors import IssueNotOurs, NoWayToStatus, ServiceError, WriteInDoubt
from policy_rollout.jira_preflight import Preflight, check_site, check_statuses
from policy_rollout.jira_reads import IssueReads, count_of
from policy_rollout.jira_site import SERVICE, Call, JiraConnection, JiraSite, not_there
from policy_rollout.jira_survey import survey
from policy_rollout.jira_wire import Standing
from policy_rollout.observed import Comment, ObservedIssue, Oddity, TextEdit, Transition
from policy_rollout.request_budget import Spend, unlimited
from policy_rollout.surveyed import Survey
from policy_rollout.work import State

__all__ = [
    "BULK_LIMIT",
    "Created",
    "IssueKind",
    "IssuesRead",
    "JiraConnection",
    "JiraIssues",
    "NewIssue",
    "Preflight",
    "Standing",
]

BULK_LIMIT = 50  # issues in one creation, by Jira's documentation
_OVERLAP_MINUTES = 2  # the search counts whole minutes, and its index lags
TIMEOUT_SECONDS = (3.05, 30.0)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Created:
    """Stable key to Jira key, and stable key to the reason of what was certainly not created."""

    keys: dict[str, str]
    refused: dict[str, str]


@dataclass(frozen=True, slots=True)
class IssuesRead:
    """Issues by stable key; `gone` are Jira keys asked for that no longer exist under that key."""

    issues: dict[str, ObservedIssue]
    comments: tuple[Comment, ...]
    gone: tuple[str, ...]
    oddities: tuple[Oddity, ...]


@dataclass(frozen=True, slots=True)
class History:
    """What the changelogs of some issues tell, oldest first."""

    transitions: tuple[Transition, ...] = ()
    edits: tuple[TextEdit, ...] = ()


def _told_of_stranger(issue: wire.RawIssue, label: str, ours: Mapping[str, str]) -> str:
    if issue.mark is None:
        return f"has the label {label} and no mark of ours; left alone"
    if issue.mark.key in ours:
        return f"is a second issue of {issue.mark.key}, next to {ours[issue.mark.key]}; left alone"
    return f"is somebody's copy of {issue.mark.key}; left alone"


def _in_order(change: Transition | TextEdit) -> tuple[datetime, str]:
    return change.at, change.history_id.zfill(20)


class JiraIssues:
    """A client; close it, or use it in a `with`. Some threads may read with it at once.

    Every call may raise `ServiceUnavailable` (try again on the next pass) and `ServiceRefused`
    (a person has to mend something); calls that create, move, comment or link may raise
    `WriteInDoubt`. Only what `standing` answers is changed: issues that carry our mark.
    """

    def __init__(
        self,
        connection: JiraConnection,
        *,
        timeout_seconds: tuple[float, float] = TIMEOUT_SECONDS,
        spend: Spend = unlimited,
    ) -> None:
        self._connection = connection
        self._site = JiraSite(connection, timeout_seconds, spend)
        self._types: Mapping[IssueKind, str] = {
            IssueKind.EPIC: connection.epic_type,
            IssueKind.TASK: connection.task_type,
            IssueKind.SIGN_OFF: connection.sign_off_type,
        }
        self._reads = IssueReads(self._site, connection.project)

    def close(self) -> None:
        self._site.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def preflight(self, people: Mapping[str, str | None]) -> Preflight:
        """All that is missing before the first write, and everybody's account id.

        Args:
            people: mail address to the account id that a spec gives for it, if it does.
        """
        return check_site(self._site, self._connection, people)

    def workflow(self) -> dict[str, State]:
        """What the statuses of our issue types mean, as `TYPE: STATUS`."""
        found = self._reads.workflow()
        return {
            f"{kind}: {status}": meaning
            for kind in self._types.values()
            for status, meaning in found.get(kind, {}).items()
        }

    def fence(self, known: Collection[str], *, at_least: int = 0) -> int:
        """A number above which every issue to come will be: the highest of some Jira keys.

        Keys of other projects do not count; without any, and without a number that is known to
        be one, the search is asked.
        """
        prefix = f"{self._connection.project}-"
        numbers = [wire.number_of(each) for each in known if each.startswith(prefix)]
        return max([*numbers, at_least]) or self.highest_number()

    def highest_number(self) -> int:
        """The newest issue number that the search knows: a fence, never too high; 0 if none."""
        jql = f'project = "{self._connection.project}" ORDER BY key DESC'
        newest = self._reads.first(jql, "finding the newest issue")
        return wire.number_of(newest.issue_key) if newest else 0

    def create(self, issues: Sequence[NewIssue]) -> Created:
        """Create up to `BULK_LIMIT` issues in one request; parents must exist.

        Raises:
            WriteInDoubt: some or all may exist: `find_created` tells, after the settle time.
            ServiceUnavailable: certainly nothing was created.
            ServiceRefused: certainly nothing was created, for a reason that is not one issue's.
        """
        if len(issues) > BULK_LIMIT:
            raise ValueError(f"{len(issues)} issues, expected at most {BULK_LIMIT}")
        if not issues:
            return Created({}, {})
        project = self._connection.project
        updates = [wire.creation(issue, project, self._types) for issue in issues]
        more = "..." if len(issues) > 1 else ""
        doing = f"creating {count_of(issues)} ({issues[0].key}{more})"
        call = Call(
            "POST",
            "issue/bulk",
            doing,
            body={"issueUpdates": updates},
            repeatable=False,
            explained=frozenset({HTTPStatus.BAD_REQUEST}),
        )
        made = self._site.send(call, partial(wire.parse_bulk_created, asked=len(issues)))
        if made.failing:
            raise WriteInDoubt(SERVICE, doing, f"{len(made.failing)} of them failed inside Jira")
        accepted = [each.key for at, each in enumerate(issues) if at not in made.refused]
        return Created(
            keys=dict(zip(accepted, made.issue_keys, strict=True)),
            refused={issues[at].key: reason for at, reason in made.refused.items()},
        )

    def find_created(
        self, keys: Collection[str], *, after_number: int
    ) -> dict[str, tuple[str, ...]]:
        """What exists of these stable keys, lowest number first; two Jira keys are a double.

        Looks through the issue numbers after the fence, which needs no index, and asks the
        search for the labels. Nothing found is no proof before the settle time is over.
        """
        wanted = frozenset(keys)
        if not wanted:
            return {}
        found: defaultdict[str, set[str]] = defaultdict(set)
        seen = self._reads.after(after_number, at_least_to=self.highest_number())
        for issue in (*seen, *self._reads.labelled(sorted(wanted))):
            if issue.mark and issue.mark.key in wanted:
                found[issue.mark.key].add(issue.issue_key)
        return {
            key: tuple(sorted(issue_keys, key=wire.number_of)) for key, issue_keys in found.items()
        }

    def read(self, issue_keys: Collection[str], *, with_comments: bool = False) -> IssuesRead:
        """The issues with these Jira keys, past every index and cache.

        An issue that was moved to another project is in `gone` under its old key and in
        `issues` under its new one.
        """
        asked = tuple(dict.fromkeys(issue_keys))
        fields = (*wire.READ_FIELDS, *(("comment",) if with_comments else ()))
        found = self._reads.fetch(asked, fields, wire.parse_found)
        present = {issue.issue_key for issue in found}
        issues, oddities = self._ours(found)
        return IssuesRead(
            issues=issues,
            comments=tuple(self._reads.comments(found)) if with_comments else (),
            gone=tuple(key for key in asked if key not in present),
            oddities=oddities,
        )

    def survey(self, program: str, issue_keys: Collection[str]) -> Survey:
        """These issues, and all others that carry the program's label, with who edited them."""
        return survey(self._site, self._connection, program, issue_keys)

    def strangers(self, program: str, ours: Mapping[str, str]) -> tuple[Oddity, ...]:
        """Issues with a program's label that nobody planned, as the search knows.

        Those that somebody else made: clones, mostly, which keep the labels, and lack our mark or
        carry that of the original. And a second one of ours, of those that may have one.

        Args:
            program: its id.
            ours: stable key to the Jira key that is followed.
        """
        label = wire.program_label(program)
        found = {
            each.issue_key: each
            for each in self._reads.strangers(label, sorted(ours))
            if each.mark is None or ours.get(each.mark.key) != each.issue_key
        }
        return tuple(
            Oddity(each.issue_key, _told_of_stranger(each, label, ours)) for each in found.values()
        )

    def unanswerable(self) -> tuple[Oddity, ...]:
        """What keeps sign-off issues from being answered: the workflow lacks a status for it."""
        return tuple(
            Oddity(f"{each.service}: {each.name}", each.fault)
            for each in check_statuses(self._site, self._connection)
        )

    def history(self, issue_keys: Collection[str]) -> History:
        """Every change of status or of description that these issues went through."""
        moves, edits = self._reads.history(frozenset(issue_keys))
        return History(tuple(sorted(moves, key=_in_order)), tuple(sorted(edits, key=_in_order)))

    def transitions(self, issue_keys: Collection[str]) -> tuple[Transition, ...]:
        """Every change of status that these issues went through, oldest first."""
        return self.history(issue_keys).transitions

    def changed_programs(self, since: datetime) -> dict[str, datetime]:
        """The programs of which an issue changed at or shortly before a time, and when it last did.

        One question for all projects of the site, of the search index, which lags: a change may
        come with a later question. Who lost our labels, or was deleted, is not in the answer.

        Args:
            since: aware; asked for in minutes before now, which needs no zone of the account.
        """
        minutes = max(0, int((datetime.now(UTC) - since).total_seconds() // 60))
        jql = f'labels = "{wire.LABEL}" AND updated >= "-{minutes + _OVERLAP_MINUTES}m"'
        newest: dict[str, datetime] = {}
        fields = ("labels", "updated")
        for issue in self._reads.search(jql, "looking for changed issues", fields):
            changed_at = wire.parse_time(issue.fields["updated"])
            for program in wire.programs_of(issue):
                newest[program] = max(newest.get(program, changed_at), changed_at)
        return newest

    def standing(
        self, issue_keys: Collection[str], *, with_comments: bool = False
    ) -> dict[str, Standing]:
        """Issues of ours by Jira key, read in bulk just before they are changed.

        Raises:
            IssueNotOurs: one carries no mark.
            ServiceRefused: one is not there.
        """
        asked = tuple(dict.fromkeys(issue_keys))
        fields = (*wire.STANDING_FIELDS, *(("comment",) if with_comments else ()))
        found = {
            each.issue_key: each for each in self._reads.fetch(asked, fields, wire.parse_standing)
        }
        for issue_key in asked:
            if issue_key not in found:
                raise not_there(f"reading {issue_key}")
            if found[issue_key].mark is None:
                raise IssueNotOurs(SERVICE, issue_key, None, None)
        return found

    def side_by_side(self, works: Sequence[Callable[[], T]]) -> list[T | ServiceError]:
        """Do works on different issues at the same time: what each answered or failed with."""
        return self._site.side_by_side(works)

    def update(self, at: Standing, issue: NewIssue) -> None:
        """Write summary, description, due date and our labels; everything else stays.

        Raises:
            IssueNotOurs: the issue carries the mark of another stable key.
        """
        found = at.mark.key if at.mark else None
        if found != issue.key:
            raise IssueNotOurs(SERVICE, at.issue_key, issue.key, found)
        body, doing = wire.edit(issue, at.labels), f"updating {at.issue_key}"
        self._site.send(Call("PUT", f"issue/{at.issue_key}", doing, body=body), _nothing)

    def move(self, at: Standing, to: State | str) -> None:
        """Bring an issue to a state, or to a status by its exact name; nothing if it is there.

        A transition is chosen by where it leads, whatever it is called; the status that rejects
        is reached by its name only.

        Raises:
            NoWayToStatus: no transition leads there now.
        """
        if self._leads(at.here, to):
            return
        issue_key = at.issue_key
        path = f"issue/{issue_key}/transitions"
        ways = self._site.send(
            Call("GET", path, f"asking where {issue_key} can go"), wire.parse_ways
        )
        way = next((each for each in ways if self._leads(each, to)), None)
        if way is None:
            reachable = tuple(dict.fromkeys(each.to_status for each in ways))
            raise NoWayToStatus(SERVICE, issue_key, at.here.to_status, str(to), reachable)
        body = {"transition": {"id": way.way_id}}
        doing = f"moving {issue_key} to {way.to_status}"
        self._site.send(Call("POST", path, doing, body=body, repeatable=False), _nothing)

    def _leads(self, way: wire.Way, to: State | str) -> bool:
        if not isinstance(to, State):
            return way.to_status == to
        rejects = self._connection.statuses.rejects(way.to_status)
        return way.to_state is to and not rejects

    def has_said(self, at: Standing, mark: str) -> bool:
        """Whether our comment of that mark stands; `at` was read with its comments."""
        whole = at.comments.whole
        talk = at.comments.comments if whole else self._reads.comments_of(at.issue_key)
        return any(_small_print(mark) in each.text for each in talk)

    def say(self, at: Standing, markdown: str, *, mark: str) -> None:
        """Comment once: `mark` ends the comment in small print, and is looked for first."""
        if self.has_said(at, mark):
            return
        body = {"body": to_adf(markdown, small_print=_small_print(mark))}
        path, doing = f"issue/{at.issue_key}/comment", f"commenting on {at.issue_key}"
        self._site.send(Call("POST", path, doing, body=body, repeatable=False), _nothing)

    def link(self, at: Standing, blocked_by: str) -> None:
        """Show that one issue is blocked by another, once."""
        if blocked_by in at.blocked_by:
            return
        body = wire.blocks_link(at.issue_key, blocked_by)
        doing = f"linking {at.issue_key} to {blocked_by}"
        self._site.send(Call("POST", "issueLink", doing, body=body, repeatable=False), _nothing)

    def _ours(
        self, found: Sequence[wire.FoundIssue]
    ) -> tuple[dict[str, ObservedIssue], tuple[Oddity, ...]]:
        """Issues by stable key, the lowest number where there are two, and what is odd."""
        issues: dict[str, ObservedIssue] = {}
        oddities: list[Oddity] = []
        for each in sorted(found, key=lambda each: wire.number_of(each.issue_key)):
            ours = each.ours
            if ours is None:
                what = "carries no mark of a program; left alone"
                oddities.append(Oddity(each.issue_key, what))
            elif ours.key in issues:
                kept = issues[ours.key].issue_key
                oddities.append(Oddity(each.issue_key, f"is a second {ours.key}; {kept} is kept"))
            else:
                wanted = self._types[kind_of(ours.key)]
                is_converted = ours.issue_type != wanted
                issues[ours.key] = replace(ours, is_converted=is_converted)
                oddities += self._astray(ours, wanted)
        return issues, tuple(oddities)

    def _astray(self, issue: ObservedIssue, wanted: str) -> Iterator[Oddity]:
        """What somebody did with Jira's "Move": the issue stays ours."""
        if issue.issue_type != wanted:
            found = f"was made a {issue.issue_type}, expected a {wanted}"
            yield Oddity(issue.issue_key, f"{issue.key} {found}; convert it back")
        project = self._connection.project
        if not issue.issue_key.startswith(f"{project}-"):
            where = f"was moved to another project, expected it in {project}"
            yield Oddity(issue.issue_key, f"{issue.key} {where}; it is followed there")

    def issue_url(self, issue_key: str) -> str:
        return f"{self._site.url}/browse/{quote(issue_key)}"

    def project_url(self) -> str:
        return f"{self._site.url}/browse/{quote(self._connection.project)}"

    def program_url(self, program: str) -> str:
        """The list of a program's issues in Jira."""
        jql = f'labels = "{wire.program_label(program)}"'
        return f"{self._site.url}/issues/?jql={quote(jql)}"


def _small_print(mark: str) -> str:
    return f"[{wire.LABEL} {mark}]"


def _nothing(_: object) -> None:
    """The answer of a write that tells nothing we need."""
