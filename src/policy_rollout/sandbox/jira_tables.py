"""Tables of the sandbox's Jira; times are milliseconds since 1970 in UTC.

`jira_indexed` and its labels are the search index: what a search sees. `jira_waiting` holds
what was written since and reaches the index when its time has come.
"""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

metadata = MetaData()

accounts = Table(
    "jira_accounts",
    metadata,
    Column("account_id", String, primary_key=True),
    Column("email", String, nullable=False, unique=True),
    Column("name", String, nullable=False),
    Column("hides_email", Boolean, nullable=False),
    Column("account_type", String, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("zone", String, nullable=False),
)

numbers = Table(
    "jira_numbers",
    metadata,
    Column("name", String, primary_key=True),
    Column("last", Integer, nullable=False),
)

issues = Table(
    "jira_issues",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("parent", Integer, index=True),
    Column("type", String, nullable=False),
    Column("status", String, nullable=False),
    Column("creator", String, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("updated_at", Integer, nullable=False),
    Column("status_changed_at", Integer, nullable=False),
    Column("fields", JSON, nullable=False),
)


def _of_issue() -> Column[int]:
    return Column(
        "issue",
        Integer,
        ForeignKey("jira_issues.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    )


links = Table(
    "jira_links",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("type", String, nullable=False),
    Column("source", ForeignKey("jira_issues.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("target", ForeignKey("jira_issues.id", ondelete="CASCADE"), nullable=False, index=True),
    sqlite_autoincrement=True,
)

comments = Table(
    "jira_comments",
    metadata,
    Column("id", Integer, primary_key=True),
    _of_issue(),
    Column("author", String, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("body", JSON, nullable=False),
    Column("properties", JSON, nullable=False),
    sqlite_autoincrement=True,
)

histories = Table(
    "jira_histories",
    metadata,
    Column("id", Integer, primary_key=True),
    _of_issue(),
    Column("author", String, nullable=False),
    Column("at", Integer, nullable=False),
    Column("items", JSON, nullable=False),
    sqlite_autoincrement=True,
)

properties = Table(
    "jira_properties",
    metadata,
    Column("issue", Integer, ForeignKey("jira_issues.id", ondelete="CASCADE"), primary_key=True),
    Column("key", String, primary_key=True),
    Column("value", JSON, nullable=False),
)

remote_links = Table(
    "jira_remote_links",
    metadata,
    Column("id", Integer, primary_key=True),
    _of_issue(),
    Column("global_id", String),
    Column("link", JSON, nullable=False),
    UniqueConstraint("issue", "global_id"),
    sqlite_autoincrement=True,
)

indexed = Table(
    "jira_indexed",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("type", String, nullable=False),
    Column("status", String, nullable=False),
    Column("category", String, nullable=False),
    Column("assignee", String),
    Column("parent", Integer, index=True),
    Column("summary", String, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("updated_at", Integer, nullable=False, index=True),
    Column("snapshot", JSON, nullable=False),
)

indexed_labels = Table(
    "jira_indexed_labels",
    metadata,
    Column("issue", Integer, primary_key=True),
    Column("label", String, primary_key=True),
    Index("jira_label", "label"),
)

waiting = Table(
    "jira_waiting",
    metadata,
    Column("sequence", Integer, primary_key=True),
    Column("issue", Integer, nullable=False, index=True),
    Column("at", Integer, nullable=False, index=True),
    Column("snapshot", JSON(none_as_null=True)),
    sqlite_autoincrement=True,
)
