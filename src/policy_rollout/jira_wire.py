"""The JSON that Jira Cloud's REST API v3 takes and gives, to and from records. Pure.

Built strictly, parsed leniently: real answers leave out or null what Atlassian's own schema
promises. A parse function fails with KeyError, TypeError or ValueError on what is no answer at all.
https://developer.atlassian.com/cloud/jira/platform/rest/v3/
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Generic, TypeVar

from policy_rollout.adf import to_adf, to_text
from policy_rollout.desired import IssueKind, NewIssue
from policy_rollout.observed import Comment, ObservedIssue, TextEdit, Transition
from policy_rollout.work import State

PROPERTY = "rollout"
HISTORY_FIELDS = ("status", "description")
LABEL = "rollout"
LINK_TYPE = "Blocks"
STANDING_FIELDS = ("status", "labels", "issuelinks")
READ_FIELDS = (
    "summary", "issuetype", "status", "assignee", "duedate", "labels", "issuelinks", "updated",
)  # fmt: skip
_BLOCKED_STATUS = "blocked"
_SERVER_ERROR = 500
_MILLISECONDS_FROM = 100_000_000_000  # seconds would be the year 5138

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Mark:
    """What our entity property says of an issue; `key` is the stable key."""

    key: str
    content_digest: str


@dataclass(frozen=True, slots=True)
class RawIssue:
    """An issue as found, whoever made it."""

    issue_id: str
    issue_key: str
    fields: Mapping[str, Any]
    mark: Mark | None


@dataclass(frozen=True, slots=True)
class CommentPage:
    """`whole` is false where Jira holds more comments than it sent."""

    comments: tuple[Comment, ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class FoundIssue:
    """An issue as a look at the world wants it; `ours` is None where it lacks our mark."""

    issue_key: str
    ours: ObservedIssue | None
    comments: CommentPage


@dataclass(frozen=True, slots=True)
class Standing:
    """An issue as it stood just before a change of it; `mark` is None where it is not ours."""

    issue_key: str
    mark: Mark | None
    here: "Way"
    labels: tuple[str, ...]
    blocked_by: frozenset[str]
    comments: CommentPage


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of an answer in several; `next_token` is empty on the last one."""

    items: tuple[T, ...]
    next_token: str


@dataclass(frozen=True, slots=True)
class HistoryItem:
    """A change as the changelog has it: the issue by id, `field` as Jira names it.

    For a change of status `to_id` is the new one's id, empty where null.
    """

    issue_id: str
    field: str
    history_id: str
    at: datetime
    account: str
    name: str
    from_status: str
    to_status: str
    to_id: str


@dataclass(frozen=True, slots=True)
class Way:
    """A transition that can be made now, by where it leads."""

    way_id: str
    to_status: str
    to_state: State


@dataclass(frozen=True, slots=True)
class BulkCreated:
    """`issue_keys` in the order asked for, without the refused; `refused` by place in the call."""

    issue_keys: tuple[str, ...]
    refused: Mapping[int, str]
    failing: tuple[int, ...]


def number_of(issue_key: str) -> int:
    """The number in `POLICY-12`."""
    return int(issue_key.rpartition("-")[2])


def program_label(program: str) -> str:
    return f"{LABEL}/{program}"


def programs_of(issue: RawIssue) -> frozenset[str]:
    """The programs that an issue's labels and its mark name; people may copy and take labels."""
    labels = (each.split("/") for each in issue.fields.get("labels") or ())
    named = {parts[1] for parts in labels if parts[0] == LABEL and len(parts) > 1}
    return frozenset(named | ({issue.mark.key.split("/", 1)[0]} if issue.mark else set()))


def all_labels(issue: NewIssue) -> tuple[str, ...]:
    """The handles we search by, then the issue's own."""
    program = issue.key.split("/", 1)[0]
    handles = (LABEL, program_label(program), f"{LABEL}/{issue.key}")
    return tuple(dict.fromkeys((*handles, *issue.labels)))


def creation(issue: NewIssue, project: str, types: Mapping[IssueKind, str]) -> dict[str, Any]:
    """One element of `issueUpdates`: fields and our mark in one write."""
    fields = {
        **_content(issue),
        "project": {"key": project},
        "issuetype": {"name": types[issue.kind]},
        "labels": list(all_labels(issue)),
        "assignee": {"accountId": issue.assignee} if issue.assignee else None,
        "parent": {"key": issue.parent} if issue.parent else None,
    }
    given = {name: value for name, value in fields.items() if value is not None}
    return {"fields": given, "properties": [_property(issue)]}


def edit(issue: NewIssue, labels: Sequence[str]) -> dict[str, Any]:
    """Our fields only; of the labels that stand there only those that start with ours."""
    wanted = all_labels(issue)
    stale = [each for each in labels if each.startswith(LABEL) and each not in wanted]
    changes = [{"remove": each} for each in stale]
    changes += [{"add": each} for each in wanted if each not in labels]
    body = {"fields": _content(issue), "properties": [_property(issue)]}
    return {**body, "update": {"labels": changes}} if changes else body


def blocks_link(issue_key: str, blocked_by: str) -> dict[str, Any]:
    """The inward issue blocks the outward one; on the latter it shows as `inwardIssue`."""
    return {
        "type": {"name": LINK_TYPE},
        "inwardIssue": {"key": blocked_by},
        "outwardIssue": {"key": issue_key},
    }


def _content(issue: NewIssue) -> dict[str, Any]:
    return {
        "summary": issue.summary,
        "description": to_adf(issue.description),
        "duedate": issue.due_on.isoformat() if issue.due_on else None,
    }


def _property(issue: NewIssue) -> dict[str, Any]:
    return {"key": PROPERTY, "value": {"key": issue.key, "content": issue.content_digest}}


def parse_time(given: str | int) -> datetime:
    """An aware time in UTC from a text with any offset, or from epoch seconds or milliseconds.

    Raises:
        ValueError: no time, or one without an offset.
    """
    if isinstance(given, int):
        seconds = given / 1000 if given >= _MILLISECONDS_FROM else given
        return datetime.fromtimestamp(seconds, UTC)
    moment = datetime.fromisoformat(given)
    if moment.tzinfo is None:
        raise ValueError(given)
    return moment.astimezone(UTC)


def parse_state(status: Mapping[str, Any]) -> State:
    """From the status category, which every site has; only `Blocked` is known by its name."""
    category = (status.get("statusCategory") or {}).get("key")
    if category == "done":
        return State.DONE
    if category in {"new", "indeterminate"} and (
        str(status.get("name")).casefold() == _BLOCKED_STATUS
    ):
        return State.BLOCKED
    return {"new": State.TODO, "indeterminate": State.IN_PROGRESS}.get(str(category), State.UNKNOWN)


def parse_bulk_created(answer: Any, *, asked: int) -> BulkCreated:
    """The answer to `issue/bulk`; an element that failed with 5xx is neither made nor refused.

    Raises:
        ValueError: it does not tell of each of the elements that were asked for.
    """
    failed = {int(each["failedElementNumber"]): each for each in answer.get("errors") or ()}
    refused = {
        place: words_of(each.get("elementErrors")) or "no reason given"
        for place, each in failed.items()
        if int(each.get("status") or 0) < _SERVER_ERROR
    }
    issue_keys = tuple(str(each["key"]) for each in answer.get("issues") or ())
    if len(issue_keys) + len(failed) != asked:
        raise ValueError(asked)
    return BulkCreated(
        issue_keys=issue_keys,
        refused=refused,
        failing=tuple(sorted(failed.keys() - refused.keys())),
    )


def words_of(errors: Any) -> str:
    """The messages of an error collection: general ones first, then each field by its name."""
    if not isinstance(errors, dict):
        return ""
    general = [str(each) for each in errors.get("errorMessages") or ()]
    by_field = errors.get("errors") or {}
    named = (
        [f"{name}: {text}" for name, text in by_field.items()]
        if isinstance(by_field, dict)
        else [words_of(each.get("elementErrors")) for each in by_field if isinstance(each, dict)]
    )
    return "; ".join(filter(None, [*general, *named]))


def parse_issues(answer: Any) -> tuple[RawIssue, ...]:
    return tuple(parse_issue(each) for each in answer["issues"])


def parse_issue(found: Any) -> RawIssue:
    return RawIssue(
        issue_id=str(found["id"]),
        issue_key=str(found["key"]),
        fields=found.get("fields") or {},
        mark=_parse_mark((found.get("properties") or {}).get(PROPERTY)),
    )


def _parse_mark(value: Any) -> Mark | None:
    if not isinstance(value, dict) or not isinstance(value.get("key"), str):
        return None
    return Mark(value["key"], str(value.get("content") or ""))


def parse_labels(issue: RawIssue) -> tuple[str, ...]:
    return tuple(issue.fields.get("labels") or ())


def parse_page(answer: Any) -> Page[RawIssue]:
    token = "" if answer.get("isLast") else str(answer.get("nextPageToken") or "")
    return Page(parse_issues(answer), token)


def parse_found(issue: RawIssue) -> FoundIssue:
    return FoundIssue(
        issue_key=issue.issue_key,
        ours=_observe(issue, issue.mark) if issue.mark else None,
        comments=parse_embedded_comments(issue),
    )


def _observe(issue: RawIssue, mark: Mark) -> ObservedIssue:
    fields = issue.fields
    status = fields["status"]
    return ObservedIssue(
        key=mark.key,
        issue_key=issue.issue_key,
        issue_type=str(fields["issuetype"]["name"]),
        summary=str(fields.get("summary") or ""),
        status=str(status["name"]),
        state=parse_state(status),
        assignee=(fields.get("assignee") or {}).get("accountId"),
        due_on=date.fromisoformat(fields["duedate"]) if fields.get("duedate") else None,
        labels=parse_labels(issue),
        blocked_by=parse_blockers(issue),
        content_digest=mark.content_digest,
        updated_at=parse_time(fields["updated"]),
    )


def parse_standing(issue: RawIssue) -> Standing:
    return Standing(
        issue_key=issue.issue_key,
        mark=issue.mark,
        here=parse_here(issue),
        labels=parse_labels(issue),
        blocked_by=parse_blockers(issue),
        comments=parse_embedded_comments(issue),
    )


def parse_here(issue: RawIssue) -> Way:
    """The status an issue stands on, as if something led there."""
    status = issue.fields["status"]
    return Way("", str(status["name"]), parse_state(status))


def parse_blockers(issue: RawIssue) -> frozenset[str]:
    """Jira keys of what an issue is blocked by."""
    return frozenset(
        str(link["inwardIssue"]["key"])
        for link in issue.fields.get("issuelinks") or ()
        if link.get("inwardIssue") and (link.get("type") or {}).get("name") == LINK_TYPE
    )


def parse_comments(answer: Any, *, issue_key: str, before: int = 0) -> CommentPage:
    """A page of comments, `before` of which were read already."""
    comments = tuple(_parse_comment(issue_key, each) for each in answer.get("comments") or ())
    seen = before + len(comments)
    return CommentPage(comments, whole=seen >= int(answer.get("total") or 0))


def parse_embedded_comments(issue: RawIssue) -> CommentPage:
    """The comments that came with an issue, where they were asked for."""
    page = issue.fields.get("comment")
    return parse_comments(page, issue_key=issue.issue_key) if page else CommentPage((), whole=False)


def _parse_comment(issue_key: str, found: Any) -> Comment:
    """A comment that somebody else has edited is nobody's word: its account is empty."""
    author = str((found.get("author") or {}).get("accountId") or "")
    editor = str((found.get("updateAuthor") or {}).get("accountId") or author)
    return Comment(
        issue_key=issue_key,
        comment_id=str(found["id"]),
        at=parse_time(found["created"]),
        account=author if editor == author else "",
        text=to_text(found.get("body")),
    )


def parse_status(issue: RawIssue) -> tuple[str, State] | None:
    """The id and meaning of the status an issue stands on, where it was asked for."""
    status = issue.fields.get("status")
    return (str(status.get("id")), parse_state(status)) if status else None


def parse_statuses(answer: Any) -> dict[str, State]:
    """What each status of a project means, by its id and by its name."""
    found = [status for kind in answer for status in kind.get("statuses") or ()]
    by_name = {str(each["name"]): parse_state(each) for each in found}
    return by_name | {str(each["id"]): parse_state(each) for each in found}


def parse_workflow(answer: Any) -> dict[str, dict[str, State]]:
    """What each status means, by issue type and status name."""
    return {
        str(kind["name"]): {
            str(each["name"]): parse_state(each) for each in kind.get("statuses") or ()
        }
        for kind in answer
    }


def parse_changes(answer: Any, *, fields: Collection[str] = HISTORY_FIELDS) -> Page[HistoryItem]:
    found = (
        _parse_change(str(log["issueId"]), history, item)
        for log in answer.get("issueChangeLogs") or ()
        for history in log.get("changeHistories") or ()
        for item in history.get("items") or ()
        if _field_of(item) in fields
    )
    return Page(tuple(found), str(answer.get("nextPageToken") or ""))


def _field_of(item: Any) -> str:
    """The field's id; older entries on links have a name only."""
    name = str(item.get("fieldId") or item.get("field"))
    return "issuelinks" if name == "Link" else name


def _parse_change(issue_id: str, history: Any, item: Any) -> HistoryItem:
    author = history.get("author") or {}  # missing where an app or a deleted account did it
    return HistoryItem(
        issue_id=issue_id,
        field=_field_of(item),
        history_id=str(history["id"]),
        at=parse_time(history["created"]),
        account=str(author.get("accountId") or ""),
        name=str(author.get("displayName") or ""),
        from_status=str(item.get("fromString") or ""),
        to_status=str(item.get("toString") or ""),
        to_id=str(item.get("to") or ""),
    )


def text_edit(change: HistoryItem, issue_key: str) -> TextEdit:
    return TextEdit(
        issue_key=issue_key,
        history_id=change.history_id,
        at=change.at,
        account=change.account,
        name=change.name,
    )


def transition(change: HistoryItem, issue_key: str, states: Mapping[str, State]) -> Transition:
    """A change with what `states`, by id and by name, say of the status it led to."""
    to_state = states.get(change.to_id, states.get(change.to_status, State.UNKNOWN))
    return Transition(
        issue_key=issue_key,
        history_id=change.history_id,
        at=change.at,
        account=change.account,
        name=change.name,
        from_status=change.from_status,
        to_status=change.to_status,
        to_state=to_state,
    )


def parse_ways(answer: Any) -> tuple[Way, ...]:
    return tuple(
        Way(str(each["id"]), str(each["to"]["name"]), parse_state(each["to"]))
        for each in answer["transitions"]
    )
