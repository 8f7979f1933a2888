"""What Jira and the workbook hold now, as records. Pure.

Times are aware and in UTC; accounts are Jira account ids.
"""

from dataclasses import dataclass
from datetime import date, datetime

from policy_rollout.work import State


@dataclass(frozen=True, slots=True)
class ObservedIssue:
    """An issue that carries our mark (entity property `rollout`), read by its Jira key.

    `key` is the stable key from the property, `blocked_by` the Jira keys of its inward
    "Blocks" links, `status` the site's own word for the state, `content_digest` what we noted in
    the property when we last wrote summary and description, `parent` the Jira key of its epic;
    `is_converted` where people made it one of another issue type.
    """

    key: str
    issue_key: str
    issue_type: str
    summary: str
    status: str
    state: State
    assignee: str | None
    due_on: date | None
    labels: tuple[str, ...]
    blocked_by: frozenset[str]
    content_digest: str
    updated_at: datetime
    parent: str | None = None
    is_converted: bool = False


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of status as the changelog tells it; `history_id` is unique in the site.

    `to_state` is the category of `to_status` in the project's workflow (UNKNOWN where the
    project no longer has that status).
    """

    issue_key: str
    history_id: str
    at: datetime
    account: str
    name: str
    from_status: str
    to_status: str
    to_state: State


@dataclass(frozen=True, slots=True)
class TextEdit:
    """A change of an issue's description, as the changelog tells it."""

    issue_key: str
    history_id: str
    at: datetime
    account: str
    name: str


@dataclass(frozen=True, slots=True)
class Comment:
    issue_key: str
    comment_id: str
    at: datetime
    account: str
    text: str


@dataclass(frozen=True, slots=True)
class ObservedRow:
    """A row of the Training or Checklist tab, found by its key column.

    `machine` and `human` map column headers to cell texts; `completion` is 0 to 100, None where
    the cell is empty or is not a percentage (`state` is then UNKNOWN if the cell is not empty).
    """

    key: str
    tab: str
    state: State
    completion: int | None
    machine: tuple[tuple[str, str], ...]
    human: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Oddity:
    """Observed work that nobody planned: reported by name, never repaired silently."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass(frozen=True, slots=True)
class World:
    """One look at everything a program has outside; issues and rows by stable key."""

    issues: dict[str, ObservedIssue]
    rows: dict[str, ObservedRow]
    transitions: tuple[Transition, ...]
    comments: tuple[Comment, ...]
    oddities: tuple[Oddity, ...]
    edits: tuple[TextEdit, ...] = ()


@dataclass(frozen=True, slots=True)
class AnswerStatuses:
    """The site's own words for yes and no on a sign-off issue; any other status is no answer."""

    approved: str
    rejected: str

    def approves(self, status: str) -> bool:
        return status.casefold() == self.approved.casefold()

    def rejects(self, status: str) -> bool:
        return status.casefold() == self.rejected.casefold()
