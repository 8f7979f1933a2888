"""What a program wants to see in Jira and the workbook, as records. Pure."""

import hashlib
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class IssueKind(StrEnum):
    EPIC = "epic"
    TASK = "task"
    SIGN_OFF = "sign-off"


@dataclass(frozen=True, slots=True)
class NewIssue:
    """An issue as it should read: `description` is Markdown, `parent` the Jira key of the epic.

    `assignee` is an account id, set when the issue is created and the people's own from then on.
    """

    key: str
    kind: IssueKind
    summary: str
    description: str
    due_on: date | None
    assignee: str | None
    parent: str | None
    labels: tuple[str, ...]

    @property
    def content_digest(self) -> str:
        """What the issue's entity property notes, so that an edit of ours is seen to be due."""
        return hashlib.sha256(f"{self.summary}\n{self.description}".encode()).hexdigest()


def kind_of(key: str) -> IssueKind:
    """What an issue is by its stable key: `p/epic`, `p/stage/sign-off:role`, or a task."""
    _, _, rest = key.partition("/")
    if rest == "epic":
        return IssueKind.EPIC
    return IssueKind.SIGN_OFF if "/sign-off:" in rest else IssueKind.TASK


class Tab(StrEnum):
    TRAINING = "Training"
    CHECKLIST = "Checklist"


@dataclass(frozen=True, slots=True)
class DesiredRow:
    """A row's machine columns, as header and text; the human columns belong to people."""

    key: str
    tab: Tab
    cells: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RowsStanding:
    """The keys of rows that were seen in the workbook, and the ids of their tabs by name."""

    keys: frozenset[str] = frozenset()
    tabs: dict[str, int] = field(default_factory=dict)
