"""Issues, comments and changelogs in the words of Jira's REST API v3. Reads the database."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, or_, select

from policy_rollout.sandbox import jira_tables as tables
from policy_rollout.sandbox.behaviour import Behaviour
from policy_rollout.sandbox.jira_accounts import Account, all_accounts
from policy_rollout.sandbox.jira_issues import Issue, read_issues
from policy_rollout.sandbox.jira_project import (
    CATEGORIES,
    FIELDS,
    ISSUE_TYPES,
    LINK_TYPES,
    PRIORITIES,
    PROJECT_KEY,
    PROJECTS,
    STATUSES,
)

NAVIGABLE = frozenset(each.id for each in FIELDS.values() if each.navigable)
EVERYTHING = frozenset(FIELDS)


def time_text(milliseconds: int, zone: str) -> str:
    """A time with the offset of the viewer's zone: `2026-01-02T18:04:05.678+0800`."""
    local = datetime.fromtimestamp(milliseconds / 1000, UTC).astimezone(ZoneInfo(zone))
    return (
        local.strftime("%Y-%m-%dT%H:%M:%S.") + f"{milliseconds % 1000:03d}" + local.strftime("%z")
    )


def selected_fields(wanted: Sequence[str], default: str) -> frozenset[str]:
    """The field ids that a list such as `["*all", "-comment"]` means."""
    chosen: set[str] = set()
    for name in wanted or [default]:
        if name == "*all":
            chosen |= EVERYTHING
        elif name == "*navigable":
            chosen |= NAVIGABLE
        elif name.startswith("-"):
            chosen = (chosen or set(EVERYTHING)) - {name[1:]}
        else:
            chosen.add(name)
    return frozenset(chosen) & EVERYTHING


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an answer should carry of each issue; `properties` may hold `*all`."""

    fields: frozenset[str]
    properties: tuple[str, ...] = ()
    expand: frozenset[str] = frozenset()


@dataclass(slots=True)
class View:
    """Turns records into answers, for one viewer within one transaction."""

    connection: Connection
    viewer: Account
    site: str
    behaviour: Behaviour = field(default_factory=Behaviour)
    accounts: dict[str, Account] = field(init=False)

    def __post_init__(self) -> None:
        self.accounts = all_accounts(self.connection)

    def time(self, milliseconds: int) -> str:
        return time_text(milliseconds, self.viewer.zone)

    def user(self, account_id: str | None) -> dict[str, Any] | None:
        if account_id is None:
            return None
        return self.accounts[account_id].shown_to(self.viewer, self.site)

    def status(self, status_id: str) -> dict[str, Any]:
        status = STATUSES[status_id]
        category = status.category
        if other := self.behaviour.status_categories.get(status.name):
            category = CATEGORIES[other]
        return {
            "self": f"{self.site}/rest/api/3/status/{status.id}",
            "description": "",
            "iconUrl": f"{self.site}/",
            "name": self.behaviour.renamed_statuses.get(status.name, status.name),
            "id": status.id,
            "statusCategory": {
                "self": f"{self.site}/rest/api/3/statuscategory/{category.id}",
                "id": category.id,
                "key": category.key,
                "colorName": category.color,
                "name": category.name,
            },
        }

    def issue_type(self, type_id: str) -> dict[str, Any]:
        issue_type = ISSUE_TYPES[type_id]
        return {
            "self": f"{self.site}/rest/api/3/issuetype/{issue_type.id}",
            "id": issue_type.id,
            "description": issue_type.description,
            "iconUrl": f"{self.site}/icons/{issue_type.id}",
            "name": issue_type.name,
            "subtask": False,
            "hierarchyLevel": issue_type.level,
        }

    def project(self, key: str = PROJECT_KEY) -> dict[str, Any]:
        project_id, name = PROJECTS[key]
        return {
            "self": f"{self.site}/rest/api/3/project/{project_id}",
            "id": project_id,
            "key": key,
            "name": name,
            "projectTypeKey": "software",
            "simplified": False,
        }

    def priority(self, priority_id: str) -> dict[str, Any]:
        return {
            "self": f"{self.site}/rest/api/3/priority/{priority_id}",
            "iconUrl": f"{self.site}/icons/priority-{priority_id}",
            "name": PRIORITIES[priority_id],
            "id": priority_id,
        }

    def issues(self, found: Sequence[Issue], wanted: Wanted) -> list[dict[str, Any]]:
        """Issues in the order given, each with what is wanted of it."""
        around = self._around(found, wanted)
        return [self._issue(issue, wanted, around) for issue in found]

    def _issue(self, issue: Issue, wanted: Wanted, around: "_Around") -> dict[str, Any]:
        answer: dict[str, Any] = {
            "expand": "renderedFields,names,schema,operations,editmeta,changelog",
            **self.reference(issue),
            "fields": {name: self._field(issue, name, around) for name in sorted(wanted.fields)},
        }
        if wanted.properties:
            answer["properties"] = around.properties[issue.id]
        if "changelog" in wanted.expand:
            told = around.histories[issue.id]
            size = len(told)
            answer["changelog"] = {
                "startAt": 0,
                "maxResults": size,
                "total": size,
                "histories": list(reversed(told)),
            }
        if "transitions" in wanted.expand:
            answer["transitions"] = self.transitions(issue)
        return answer

    def reference(self, issue: Issue) -> dict[str, str]:
        return {
            "id": str(issue.id),
            "self": f"{self.site}/rest/api/3/issue/{issue.id}",
            "key": issue.key,
        }

    def _field(self, issue: Issue, name: str, around: "_Around") -> Any:
        tell = FIELD_VIEWS.get(name)
        return issue.fields.get(name) if tell is None else tell(self, issue, around)

    def parent(self, issue: Issue, around: "_Around") -> dict[str, Any] | None:
        above = around.neighbours.get(issue.parent or 0)
        return None if above is None else self._neighbour(above)

    def _neighbour(self, issue: Issue) -> dict[str, Any]:
        """A linked issue or a parent: its reference and a few fields."""
        return {
            **self.reference(issue),
            "fields": {
                "summary": issue.fields["summary"],
                "status": self.status(issue.status),
                "priority": self.priority(issue.fields["priority"]),
                "issuetype": self.issue_type(issue.type),
            },
        }

    def links(self, issue: Issue, around: "_Around") -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = []
        for link in around.links[issue.id]:
            kind = LINK_TYPES[link["type"]]
            outward = link["source"] == issue.id
            other = around.neighbours[link["target"] if outward else link["source"]]
            told.append(
                {
                    "id": str(link["id"]),
                    "self": f"{self.site}/rest/api/3/issueLink/{link['id']}",
                    "type": self.link_type(kind.id),
                    ("outwardIssue" if outward else "inwardIssue"): self._neighbour(other),
                }
            )
        return told

    def link_type(self, type_id: str) -> dict[str, str]:
        kind = LINK_TYPES[type_id]
        return {
            "id": kind.id,
            "name": kind.name,
            "inward": kind.inward,
            "outward": kind.outward,
            "self": f"{self.site}/rest/api/3/issueLinkType/{kind.id}",
        }

    def comments(self, issue: Issue, around: "_Around") -> dict[str, Any]:
        told = around.comments[issue.id]
        return {
            "comments": told,
            "self": f"{self.site}/rest/api/3/issue/{issue.id}/comment",
            "maxResults": len(told),
            "total": len(told),
            "startAt": 0,
        }

    def comment(self, row: Any, *, properties: bool = False) -> dict[str, Any]:
        told = {
            "self": f"{self.site}/rest/api/3/issue/{row['issue']}/comment/{row['id']}",
            "id": str(row["id"]),
            "author": self.user(row["author"]),
            "body": row["body"],
            "updateAuthor": self.user(row["author"]),
            "created": self.time(row["created_at"]),
            "updated": self.time(row["created_at"]),
            "jsdPublic": True,
        }
        if properties:
            told["properties"] = row["properties"]
        return told

    def history(self, row: Any) -> dict[str, Any]:
        return {
            "id": str(row["id"]),
            "author": self.user(row["author"]),
            "created": self.time(row["at"]),
            "items": row["items"],
        }

    def transitions(self, issue: Issue) -> list[dict[str, Any]]:
        return [
            {
                "id": step.id,
                "name": step.name,
                "to": self.status(step.to.id),
                "hasScreen": False,
                "isGlobal": True,
                "isInitial": False,
                "isAvailable": True,
                "isConditional": False,
                "looped": False,
            }
            for step in issue.steps
            if step.to.name not in self.behaviour.removed_statuses
        ]

    def _around(self, found: Sequence[Issue], wanted: Wanted) -> "_Around":
        """All that stands in other tables about some issues, in one read a table."""
        ids = [issue.id for issue in found]
        around = _Around()
        if wanted.properties:
            around.properties = self._properties(ids, wanted.properties)
        if "comment" in wanted.fields:
            chosen = select(tables.comments).where(tables.comments.c.issue.in_(ids))
            for row in self.connection.execute(chosen.order_by(tables.comments.c.id)).mappings():
                around.comments[row["issue"]].append(self.comment(row))
        if "changelog" in wanted.expand:
            for row in read_histories(self.connection, ids):
                around.histories[row["issue"]].append(self.history(row))
        near: set[int] = set()
        if "issuelinks" in wanted.fields:
            near |= self._read_links(ids, around)
        if "parent" in wanted.fields:
            near |= {issue.parent for issue in found if issue.parent}
        if near:
            around.neighbours = read_issues(self.connection, near)
        return around

    def _read_links(self, ids: Iterable[int], around: "_Around") -> set[int]:
        known, links = set(ids), tables.links
        chosen = select(links).where(or_(links.c.source.in_(known), links.c.target.in_(known)))
        near: set[int] = set()
        for row in self.connection.execute(chosen.order_by(links.c.id)).mappings():
            near |= {row["source"], row["target"]}
            for end in {row["source"], row["target"]} & known:
                around.links[end].append(dict(row))
        return near

    def _properties(
        self, ids: Sequence[int], keys: tuple[str, ...]
    ) -> defaultdict[int, dict[str, Any]]:
        chosen = select(tables.properties).where(tables.properties.c.issue.in_(ids))
        if "*all" not in keys:
            chosen = chosen.where(tables.properties.c.key.in_(keys))
        told: defaultdict[int, dict[str, Any]] = defaultdict(dict)
        for row in self.connection.execute(chosen).mappings():
            told[row["issue"]][row["key"]] = row["value"]
        return told


@dataclass(slots=True)
class _Around:
    properties: defaultdict[int, dict[str, Any]] = field(default_factory=lambda: defaultdict(dict))
    comments: defaultdict[int, list[dict[str, Any]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    histories: defaultdict[int, list[dict[str, Any]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    links: defaultdict[int, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    neighbours: dict[int, Issue] = field(default_factory=dict)


FIELD_VIEWS: dict[str, Callable[[View, Issue, _Around], Any]] = {
    "assignee": lambda view, issue, _: view.user(issue.fields.get("assignee")),
    "reporter": lambda view, issue, _: view.user(issue.fields.get("reporter")),
    "creator": lambda view, issue, _: view.user(issue.creator),
    "priority": lambda view, issue, _: view.priority(issue.fields["priority"]),
    "status": lambda view, issue, _: view.status(issue.status),
    "issuetype": lambda view, issue, _: view.issue_type(issue.type),
    "project": lambda view, issue, _: view.project(issue.project),
    "created": lambda view, issue, _: view.time(issue.created_at),
    "updated": lambda view, issue, _: view.time(issue.updated_at),
    "statuscategorychangedate": lambda view, issue, _: view.time(issue.status_changed_at),
    "parent": View.parent,
    "issuelinks": View.links,
    "comment": View.comments,
}
"""The fields that are told otherwise than they are kept."""


def read_histories(connection: Connection, ids: Iterable[int]) -> list[Any]:
    """Changelog entries of some issues, oldest first."""
    chosen = select(tables.histories).where(tables.histories.c.issue.in_(list(ids)))
    ordered = chosen.order_by(
        tables.histories.c.at, tables.histories.c.issue, tables.histories.c.id
    )
    return list(connection.execute(ordered).mappings())
