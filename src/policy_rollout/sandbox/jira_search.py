"""The search index of the sandbox's Jira, which is as late as it is told to be."""

import base64
import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, delete, func, insert, or_, select

from policy_rollout.sandbox import jira_tables as tables
from policy_rollout.sandbox.database import reading, writing
from policy_rollout.sandbox.jira_issues import Issue
from policy_rollout.sandbox.jira_jql import Query
from policy_rollout.sandbox.jira_project import STATUSES

ROWS_AT_ONCE = 5_000
"""SQLite takes some 32,000 parameters in one statement."""


class TokenWrong(ValueError):
    """A page token that this search did not give."""


@dataclass(frozen=True, slots=True)
class Page:
    issues: tuple[Issue, ...]
    is_last: bool


def catch_up(engine: Engine, until_ms: int, at_once: Collection[int] = ()) -> None:
    """Let the index know what was written until a time, and all about the issues named."""
    due = tables.waiting.c.at <= until_ms
    if at_once:
        due = or_(due, tables.waiting.c.issue.in_(at_once))
    chosen = select(tables.waiting).where(due).order_by(tables.waiting.c.sequence)
    while True:
        with reading(engine) as connection:
            if connection.execute(chosen.limit(1)).first() is None:
                return
        with writing(engine) as connection:
            rows = list(connection.execute(chosen.limit(ROWS_AT_ONCE)).mappings())
            _replace(connection, {row["issue"]: row["snapshot"] for row in rows})
            done = [row["sequence"] for row in rows]
            connection.execute(delete(tables.waiting).where(tables.waiting.c.sequence.in_(done)))


def find(engine: Engine, query: Query, start: int, size: int) -> Page:
    """A page of the index."""
    chosen = select(tables.indexed.c.snapshot).order_by(*query.order_by)
    if query.where is not None:
        chosen = chosen.where(query.where)
    with reading(engine) as connection:
        found = connection.execute(chosen.offset(start).limit(size + 1)).scalars().all()
    return Page(tuple(Issue(**snapshot) for snapshot in found[:size]), len(found) <= size)


def count(engine: Engine, query: Query) -> int:
    chosen = select(func.count()).select_from(tables.indexed)
    if query.where is not None:
        chosen = chosen.where(query.where)
    with reading(engine) as connection:
        return int(connection.execute(chosen).scalar_one())


def matching(engine: Engine, query: Query, ids: Sequence[int]) -> list[int]:
    """Which of some issues a query finds."""
    chosen = select(tables.indexed.c.id).where(tables.indexed.c.id.in_(ids))
    if query.where is not None:
        chosen = chosen.where(query.where)
    with reading(engine) as connection:
        return list(connection.execute(chosen.order_by(tables.indexed.c.id)).scalars())


def make_token(start: int, what: str) -> str:
    """An opaque page token; it fits what it was made for only."""
    told = json.dumps({"start": start, "for": _fingerprint(what)})
    return base64.urlsafe_b64encode(told.encode()).decode()


def read_token(token: str, what: str) -> int:
    """Where the page begins.

    Raises:
        TokenWrong: the token was made for something else.
    """
    try:
        told = json.loads(base64.urlsafe_b64decode(token))
    except ValueError:
        raise TokenWrong("The nextPageToken is invalid or expired.") from None
    if not isinstance(told, dict) or told.get("for") != _fingerprint(what):
        raise TokenWrong("The nextPageToken does not match the request.")
    return int(told["start"])


def _fingerprint(what: str) -> str:
    return hashlib.sha256(what.encode()).hexdigest()[:16]


def _replace(connection: Connection, latest: dict[int, dict[str, Any] | None]) -> None:
    ids = list(latest)
    connection.execute(delete(tables.indexed).where(tables.indexed.c.id.in_(ids)))
    connection.execute(delete(tables.indexed_labels).where(tables.indexed_labels.c.issue.in_(ids)))
    present = [Issue(**snapshot) for snapshot in latest.values() if snapshot is not None]
    if present:
        rows = [_row(issue) for issue in present]
        connection.execute(insert(tables.indexed), rows)
    labels = [
        {"issue": issue.id, "label": label} for issue in present for label in issue.fields["labels"]
    ]
    if labels:
        connection.execute(insert(tables.indexed_labels), labels)


def _row(issue: Issue) -> dict[str, Any]:
    return {
        "id": issue.id,
        "type": issue.type,
        "status": issue.status,
        "category": STATUSES[issue.status].category.key,
        "assignee": issue.fields.get("assignee"),
        "parent": issue.parent,
        "summary": issue.fields["summary"],
        "created_at": issue.created_at,
        "updated_at": issue.updated_at,
        "snapshot": {name: getattr(issue, name) for name in Issue.__slots__},
    }
