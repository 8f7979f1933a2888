"""What the sandbox's Jira site has from the start: one project, its types, statuses, fields. Pure.

The statuses are those of issue #2: tasks and epics are moved freely between four columns,
sign-offs between To Do, Approved and Rejected.
"""

from dataclasses import dataclass

PROJECT_KEY = "POLICY"
PROJECT_ID = "10000"
PROJECT_NAME = "Policy rollouts"
PROJECTS = {PROJECT_KEY: (PROJECT_ID, PROJECT_NAME), "LEGAL": ("10001", "Legal matters")}
"""Id and name by key. Rollouts live in the first; people may move issues to the other."""
FIRST_ISSUE_ID = 10000
"""The id of an issue is this plus its number."""


@dataclass(frozen=True, slots=True)
class Category:
    id: int
    key: str
    name: str
    color: str


NEW = Category(2, "new", "To Do", "blue-gray")
INDETERMINATE = Category(4, "indeterminate", "In Progress", "yellow")
DONE_CATEGORY = Category(3, "done", "Done", "green")


@dataclass(frozen=True, slots=True)
class Status:
    id: str
    name: str
    category: Category


CATEGORIES = {each.key: each for each in (NEW, INDETERMINATE, DONE_CATEGORY)}

TO_DO = Status("10000", "To Do", NEW)
IN_PROGRESS = Status("10001", "In Progress", INDETERMINATE)
BLOCKED = Status("10002", "Blocked", INDETERMINATE)
DONE = Status("10003", "Done", DONE_CATEGORY)
APPROVED = Status("10004", "Approved", DONE_CATEGORY)
REJECTED = Status("10005", "Rejected", DONE_CATEGORY)
STATUSES = {each.id: each for each in (TO_DO, IN_PROGRESS, BLOCKED, DONE, APPROVED, REJECTED)}


@dataclass(frozen=True, slots=True)
class Step:
    """A transition: it leads to `to` from every other status of its workflow."""

    id: str
    name: str
    to: Status


WORK = (
    Step("11", "To Do", TO_DO),
    Step("21", "Start", IN_PROGRESS),
    Step("31", "Block", BLOCKED),
    Step("41", "Done", DONE),
)
SIGN_OFF = (
    Step("51", "Reopen", TO_DO),
    Step("61", "Approve", APPROVED),
    Step("71", "Reject", REJECTED),
)


@dataclass(frozen=True, slots=True)
class IssueType:
    """`level` is Jira's hierarchyLevel: 1 for epics, 0 for what may be under them."""

    id: str
    name: str
    description: str
    level: int
    steps: tuple[Step, ...]


EPIC = IssueType("10000", "Epic", "A program: the rollout of one policy change.", 1, WORK)
TASK = IssueType("10001", "Task", "One thing that somebody does.", 0, WORK)
SIGN_OFF_TYPE = IssueType("10002", "Sign-off", "The decision of a role at a gate.", 0, SIGN_OFF)
ISSUE_TYPES = {each.id: each for each in (EPIC, TASK, SIGN_OFF_TYPE)}


@dataclass(frozen=True, slots=True)
class LinkType:
    id: str
    name: str
    inward: str
    outward: str


LINK_TYPES = {
    each.id: each
    for each in (
        LinkType("10000", "Blocks", "is blocked by", "blocks"),
        LinkType("10001", "Cloners", "is cloned by", "clones"),
        LinkType("10002", "Relates", "relates to", "relates to"),
    )
}

PRIORITIES = {"1": "Highest", "2": "High", "3": "Medium", "4": "Low", "5": "Lowest"}
DEFAULT_PRIORITY = "3"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an issue; `on_screen` says whether it may be set by create and edit."""

    id: str
    name: str
    type: str
    items: str = ""
    on_screen: bool = True
    required: bool = False
    navigable: bool = True
    operations: tuple[str, ...] = ("set",)


FIELDS = {
    each.id: each
    for each in (
        Field("project", "Project", "project", required=True),
        Field("issuetype", "Issue Type", "issuetype", required=True, operations=()),
        Field("summary", "Summary", "string", required=True),
        Field("description", "Description", "string"),
        Field("assignee", "Assignee", "user"),
        Field("reporter", "Reporter", "user"),
        Field("duedate", "Due date", "date"),
        Field("labels", "Labels", "array", "string", operations=("add", "set", "remove")),
        Field("parent", "Parent", "issuelink"),
        Field("priority", "Priority", "priority"),
        Field("issuelinks", "Linked Issues", "array", "issuelinks", operations=("add",)),
        Field("comment", "Comment", "comments-page", on_screen=False, navigable=False),
        Field("status", "Status", "status", on_screen=False),
        Field("statuscategorychangedate", "Status Category Changed", "datetime", on_screen=False),
        Field("created", "Created", "datetime", on_screen=False),
        Field("updated", "Updated", "datetime", on_screen=False),
        Field("creator", "Creator", "user", on_screen=False),
    )
}

PERMISSIONS = (
    "BROWSE_PROJECTS",
    "CREATE_ISSUES",
    "EDIT_ISSUES",
    "DELETE_ISSUES",
    "ASSIGN_ISSUES",
    "ASSIGNABLE_USER",
    "TRANSITION_ISSUES",
    "ADD_COMMENTS",
    "LINK_ISSUES",
    "SCHEDULE_ISSUES",
    "MODIFY_REPORTER",
    "RESOLVE_ISSUES",
    "CLOSE_ISSUES",
    "USER_PICKER",
)


def key_of(issue_id: int, project: str = PROJECT_KEY) -> str:
    """An issue that was moved keeps its number here; a real project would give its own next."""
    return f"{project}-{issue_id - FIRST_ISSUE_ID}"
