"""What the sandbox's Jira pages show of issues: cards, columns, children, history. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from policy_rollout.sandbox.jira_accounts import Account
from policy_rollout.sandbox.jira_issues import Issue
from policy_rollout.sandbox.jira_project import (
    APPROVED,
    BLOCKED,
    DONE,
    EPIC,
    IN_PROGRESS,
    REJECTED,
    SIGN_OFF_TYPE,
    TO_DO,
    Status,
    Step,
)

CARDS_A_COLUMN = 200
TINTS = 8


@dataclass(frozen=True, slots=True)
class Card:
    """`tone` names the colour of the status, `tint` that of the assignee's initials.

    `asks` is whether it waits for somebody's sign-off now.
    """

    key: str
    type: str
    summary: str
    status: str
    tone: str
    assignee: str
    initials: str
    tint: int
    due: str
    is_late: bool
    epic_key: str
    epic_summary: str
    steps: tuple[Step, ...]
    asks: bool


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    tone: str
    cards: tuple[Card, ...]
    hidden: int


@dataclass(frozen=True, slots=True)
class Progress:
    done: int
    doing: int
    total: int

    @property
    def done_percent(self) -> int:
        return 100 * self.done // self.total if self.total else 0

    @property
    def doing_percent(self) -> int:
        return 100 * self.doing // self.total if self.total else 0


TONES = {
    TO_DO.id: "todo",
    IN_PROGRESS.id: "doing",
    BLOCKED.id: "stuck",
    DONE.id: "done",
    APPROVED.id: "done",
    REJECTED.id: "no",
}
WORK_COLUMNS = (TO_DO, IN_PROGRESS, BLOCKED, DONE)
SIGN_OFF_COLUMNS = (TO_DO, APPROVED, REJECTED)
FIELD_WORDS = {
    "IssueParentAssociation": "parent",
    "duedate": "due date",
}
LONG_TEXT = 80
WAITS_FOR = "rollout/waits-for/"
"""How the label begins that names who is asked: the filters of a real board go by it as well."""


def card_of(
    issue: Issue, accounts: Mapping[str, Account], epics: Mapping[int, Issue], today: str
) -> Card:
    assignee = accounts.get(issue.fields.get("assignee") or "")
    epic = epics.get(issue.parent or 0)
    due = issue.fields.get("duedate") or ""
    finished = issue.current_status.category.key == "done"
    return Card(
        key=issue.key,
        type=issue.issue_type.name,
        summary=issue.fields["summary"],
        status=issue.current_status.name,
        tone=TONES[issue.status],
        assignee=assignee.name if assignee else "",
        initials=initials_of(assignee.name) if assignee else "",
        tint=sum(assignee.account_id.encode()) % TINTS if assignee else 0,
        due=due,
        is_late=bool(due) and due < today and not finished,
        epic_key=epic.key if epic else "",
        epic_summary=epic.fields["summary"] if epic else "",
        steps=issue.steps,
        asks=not finished and any(each.startswith(WAITS_FOR) for each in issue.fields["labels"]),
    )


def initials_of(name: str) -> str:
    words = [word for word in name.split() if word[0].isalpha()]
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


def work_columns(cards: Sequence[Card]) -> list[Column]:
    work = [each for each in cards if each.type not in {EPIC.name, SIGN_OFF_TYPE.name}]
    return [_column(status, status.name, work) for status in WORK_COLUMNS]


def sign_off_columns(cards: Sequence[Card]) -> list[Column]:
    sign_offs = [each for each in cards if each.type == SIGN_OFF_TYPE.name]
    titles = {TO_DO.id: "Open"}
    return [
        _column(status, titles.get(status.id, status.name), sign_offs)
        for status in SIGN_OFF_COLUMNS
    ]


def progress_of(issues: Sequence[Issue]) -> Progress:
    categories = [issue.current_status.category.key for issue in issues]
    return Progress(categories.count("done"), categories.count("indeterminate"), len(issues))


def change_text(item: Mapping[str, Any]) -> str:
    """One changed field in words: `status: To Do → Done`."""
    name = FIELD_WORDS.get(item["field"], item["field"])
    if name == "description":
        return "description rewritten" if item["toString"] else "description removed"
    before, after = (_short(item[side]) for side in ("fromString", "toString"))
    return f"{name}: {before} → {after}"


def _short(text: str | None) -> str:
    shown = (text or "none").removesuffix(" 00:00:00.0")
    return shown if len(shown) <= LONG_TEXT else shown[:LONG_TEXT] + "…"


def _column(status: Status, title: str, cards: Sequence[Card]) -> Column:
    mine = [each for each in cards if each.status == status.name]
    shown = tuple(mine[:CARDS_A_COLUMN])
    return Column(title, TONES[status.id], shown, len(mine) - len(shown))
