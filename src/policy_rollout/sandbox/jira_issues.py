"""Issues of the sandbox's Jira as records: read, created, edited, moved, deleted.

Every change goes through here, whoever makes it, so that the changelog names its author and the
search index learns of it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import Connection, CursorResult, delete, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from policy_rollout.sandbox import jira_tables as tables
from policy_rollout.sandbox.jira_accounts import Account
from policy_rollout.sandbox.jira_adf import text_of
from policy_rollout.sandbox.jira_project import (
    FIRST_ISSUE_ID,
    ISSUE_TYPES,
    PRIORITIES,
    PROJECT_KEY,
    PROJECTS,
    STATUSES,
    TO_DO,
    IssueType,
    Status,
    Step,
    key_of,
)

MOST_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Issue:
    """Times in milliseconds; `type` and `status` are ids, `creator` an account id.

    `fields` holds summary, description, duedate, labels, assignee, reporter (account ids),
    priority (an id), parent (an issue id) and, once it was moved, the key of its project.
    """

    id: int
    parent: int | None
    type: str
    status: str
    creator: str
    created_at: int
    updated_at: int
    status_changed_at: int
    fields: dict[str, Any]

    @property
    def project(self) -> str:
        """The key of the project that it was moved to, else of ours."""
        return str(self.fields.get("project", PROJECT_KEY))

    @property
    def key(self) -> str:
        return key_of(self.id, self.project)

    @property
    def issue_type(self) -> IssueType:
        return ISSUE_TYPES[self.type]

    @property
    def current_status(self) -> Status:
        return STATUSES[self.status]

    @property
    def steps(self) -> tuple[Step, ...]:
        """The transitions that it offers now."""
        return tuple(step for step in self.issue_type.steps if step.to.id != self.status)


@dataclass(frozen=True, slots=True)
class Author:
    """Who changes something, and when (milliseconds)."""

    account: Account
    at: int


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link to be; None stands for the issue that is being created or edited."""

    type: str
    source: int | None
    target: int | None


@dataclass(frozen=True, slots=True)
class NewIssue:
    type: str
    fields: dict[str, Any]
    properties: dict[str, Any]
    links: tuple[NewLink, ...] = ()


def issue_id_of(id_or_key: str) -> int | None:
    """The number behind `10012` or `policy-12`; None where it is neither."""
    prefix, _, number = id_or_key.upper().rpartition("-")
    if not number.isdecimal() or len(number) > MOST_DIGITS or prefix not in {"", *PROJECTS}:
        return None
    return int(number) + (FIRST_ISSUE_ID if prefix else 0)


def read_issues(connection: Connection, ids: Iterable[int]) -> dict[int, Issue]:
    """The issues that exist, by id, in ascending order."""
    chosen = select(tables.issues).where(tables.issues.c.id.in_(list(ids)))
    rows = connection.execute(chosen.order_by(tables.issues.c.id)).mappings()
    return {row["id"]: Issue(**row) for row in rows}


def read_children(connection: Connection, parent: int) -> list[Issue]:
    """The issues under an epic, oldest first."""
    chosen = select(tables.issues).where(tables.issues.c.parent == parent)
    rows = connection.execute(chosen.order_by(tables.issues.c.id)).mappings()
    return [Issue(**row) for row in rows]


def read_all(connection: Connection) -> list[Issue]:
    rows = connection.execute(select(tables.issues).order_by(tables.issues.c.id)).mappings()
    return [Issue(**row) for row in rows]


def create_issues(connection: Connection, author: Author, new: Sequence[NewIssue]) -> list[Issue]:
    """Create issues with properties and links; their numbers follow each other."""
    if not new:
        return []
    first = _take_numbers(connection, len(new)) + FIRST_ISSUE_ID
    made = [_made(first + offset, author, each) for offset, each in enumerate(new)]
    connection.execute(insert(tables.issues), [asdict(issue) for issue in made])
    properties = [
        {"issue": issue.id, "key": key, "value": value}
        for issue, each in zip(made, new, strict=True)
        for key, value in each.properties.items()
    ]
    if properties:
        connection.execute(insert(tables.properties), properties)
    links = [
        link
        for issue, each in zip(made, new, strict=True)
        for link in _complete(issue.id, each.links)
    ]
    if links:
        add_links(connection, author, links)
    _queue_for_index(connection, author.at, made)
    return made


def edit_issue(
    connection: Connection, author: Author, issue: Issue, changes: dict[str, Any]
) -> Issue:
    """Set fields; each that differs is an item of one changelog entry."""
    differing = {name: new for name, new in changes.items() if issue.fields.get(name) != new}
    if not differing:
        return issue
    items = [
        _history_item(connection, name, issue.fields.get(name), new)
        for name, new in differing.items()
    ]
    edited = replace(
        issue,
        updated_at=author.at,
        fields={**issue.fields, **differing},
        parent=differing.get("parent", issue.parent),
    )
    _store(connection, author, edited, items)
    return edited


def move_issue(connection: Connection, author: Author, issue: Issue, step: Step) -> Issue:
    """Make a transition, which the changelog tells."""
    before = issue.current_status
    moved = replace(issue, status=step.to.id, updated_at=author.at, status_changed_at=author.at)
    item = {
        "field": "status",
        "fieldtype": "jira",
        "fieldId": "status",
        "from": before.id,
        "fromString": before.name,
        "to": step.to.id,
        "toString": step.to.name,
    }
    _store(connection, author, moved, [item])
    return moved


def move_to_project(connection: Connection, author: Author, issue: Issue, project: str) -> None:
    """Give an issue to another project: a new key, under which the old one still finds it."""
    fields = {**issue.fields, "project": project}
    moved = replace(issue, fields=fields, updated_at=author.at)
    item = {
        "field": "Key",
        "fieldtype": "jira",
        "fieldId": "issuekey",
        "from": None,
        "fromString": issue.key,
        "to": None,
        "toString": moved.key,
    }
    _store(connection, author, moved, [item])


def convert_issue(
    connection: Connection, author: Author, issue: Issue, issue_type: IssueType
) -> Issue:
    """Make an issue one of another type; a status that its workflow lacks becomes its first."""
    known = {step.to.id for step in issue_type.steps}
    status = issue.status if issue.status in known else issue_type.steps[0].to.id
    above = None if issue_type.level > 0 else issue.parent
    converted = replace(
        issue,
        type=issue_type.id,
        status=status,
        parent=above,
        fields={**issue.fields, "parent": above},
        updated_at=author.at,
    )
    item = {
        "field": "issuetype",
        "fieldtype": "jira",
        "fieldId": "issuetype",
        "from": issue.type,
        "fromString": issue.issue_type.name,
        "to": issue_type.id,
        "toString": issue_type.name,
    }
    _store(connection, author, converted, [item])
    return converted


def delete_property(connection: Connection, issue: int, key: str) -> bool:
    """Whether there was such an entity property."""
    chosen = (tables.properties.c.issue == issue) & (tables.properties.c.key == key)
    return connection.execute(delete(tables.properties).where(chosen)).rowcount > 0


def delete_issue(connection: Connection, author: Author, issue: Issue) -> None:
    """Delete an issue and all that hangs on it; its number is never given again."""
    orphans = update(tables.issues).where(tables.issues.c.parent == issue.id)
    connection.execute(orphans.values(parent=None))
    connection.execute(delete(tables.issues).where(tables.issues.c.id == issue.id))
    gone = {"issue": issue.id, "at": author.at, "snapshot": None}
    connection.execute(insert(tables.waiting), gone)


def add_comment(
    connection: Connection,
    author: Author,
    issue: Issue,
    body: dict[str, Any],
    properties: Sequence[dict[str, Any]] = (),
) -> int:
    """The id of the new comment."""
    values = {
        "issue": issue.id,
        "author": author.account.account_id,
        "created_at": author.at,
        "body": body,
        "properties": list(properties),
    }
    made = connection.execute(insert(tables.comments).values(values))
    _touch(connection, author, issue)
    return int(inserted_id(made))


def set_property(connection: Connection, issue: int, key: str, value: Any) -> bool:
    """Set an entity property; True where it is new."""
    chosen = (tables.properties.c.issue == issue) & (tables.properties.c.key == key)
    known = connection.execute(select(tables.properties.c.key).where(chosen)).one_or_none()
    statement = upsert(tables.properties).values(issue=issue, key=key, value=value)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["issue", "key"], set_={"value": value})
    )
    return known is None


def add_links(connection: Connection, author: Author, new: Sequence[NewLink]) -> None:
    """Link issues, again also where they are linked already; both changelogs tell it."""
    rows = [{"type": each.type, "source": each.source, "target": each.target} for each in new]
    connection.execute(insert(tables.links), rows)
    ends = {end for each in new for end in (each.source, each.target) if end is not None}
    for issue in read_issues(connection, ends).values():
        _touch(connection, author, issue)


def link_edit(connection: Connection, author: Author, issue: Issue, new: Sequence[NewLink]) -> None:
    if new:
        add_links(connection, author, _complete(issue.id, new))


def inserted_id(made: CursorResult[Any]) -> Any:
    """The id of the row that an insert made."""
    key = made.inserted_primary_key
    assert key is not None  # noqa: S101 - SQLAlchemy leaves it out for other statements only
    return key[0]


def _complete(issue_id: int, new: Sequence[NewLink]) -> list[NewLink]:
    return [
        replace(
            link,
            source=issue_id if link.source is None else link.source,
            target=issue_id if link.target is None else link.target,
        )
        for link in new
    ]


def _take_numbers(connection: Connection, count: int) -> int:
    """The first of so many new numbers."""
    statement = upsert(tables.numbers).values(name="issue", last=count)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["name"], set_={"last": tables.numbers.c.last + count}
        )
    )
    last: int = connection.execute(
        select(tables.numbers.c.last).where(tables.numbers.c.name == "issue")
    ).scalar_one()
    return last - count + 1


def _made(issue_id: int, author: Author, new: NewIssue) -> Issue:
    fields = {"reporter": author.account.account_id, "priority": "3", "labels": [], **new.fields}
    return Issue(
        id=issue_id,
        parent=fields.get("parent"),
        type=new.type,
        status=TO_DO.id,
        creator=author.account.account_id,
        created_at=author.at,
        updated_at=author.at,
        status_changed_at=author.at,
        fields=fields,
    )


def _store(
    connection: Connection, author: Author, issue: Issue, items: list[dict[str, Any]]
) -> None:
    values = asdict(issue)
    connection.execute(update(tables.issues).where(tables.issues.c.id == issue.id).values(values))
    entry = {
        "issue": issue.id,
        "author": author.account.account_id,
        "at": author.at,
        "items": items,
    }
    connection.execute(insert(tables.histories), entry)
    _queue_for_index(connection, author.at, [issue])


def _touch(connection: Connection, author: Author, issue: Issue) -> None:
    """Note that something about an issue changed that is no field of it."""
    touched = replace(issue, updated_at=author.at)
    row = update(tables.issues).where(tables.issues.c.id == issue.id)
    connection.execute(row.values(updated_at=author.at))
    _queue_for_index(connection, author.at, [touched])


def _queue_for_index(connection: Connection, at: int, changed: Sequence[Issue]) -> None:
    rows = [{"issue": issue.id, "at": at, "snapshot": asdict(issue)} for issue in changed]
    connection.execute(insert(tables.waiting), rows)


def _history_item(connection: Connection, name: str, old: Any, new: Any) -> dict[str, Any]:
    """One changed field as changelogs tell it; `from` and `to` may be null, as on real sites."""
    if name == "parent":
        field, field_id = "IssueParentAssociation", "parent"
    else:
        field = field_id = name
    before, after = _told(connection, name, old), _told(connection, name, new)
    return {
        "field": field,
        "fieldtype": "jira",
        "fieldId": field_id,
        "from": before[0],
        "fromString": before[1],
        "to": after[0],
        "toString": after[1],
    }


def _told(connection: Connection, name: str, value: Any) -> tuple[str | None, str | None]:
    """A value's id and its words."""
    if name == "labels":
        return None, " ".join(value or ())
    if value is None:
        return None, None
    if name in {"assignee", "reporter"}:
        chosen = tables.accounts.c.account_id == value
        found = connection.execute(select(tables.accounts.c.name).where(chosen))
        return value, found.scalar_one()
    words: dict[str, Callable[[], tuple[str | None, str | None]]] = {
        "description": lambda: (None, text_of(value)),
        "duedate": lambda: (value, f"{value} 00:00:00.0"),
        "priority": lambda: (value, PRIORITIES[value]),
        "parent": lambda: (str(value), key_of(value)),
    }
    return words.get(name, lambda: (None, str(value)))()
