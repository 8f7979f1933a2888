"""What somebody would write instead: the same work with the plain clients, and with Prefect tasks.

None of it journals, reads back, or survives a lost answer.
"""

from dataclasses import dataclass
from typing import Any

from jira import JIRA
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows.passes import in_batches as in_batches_of
from policy_rollout.adf import to_adf
from policy_rollout.connections import open_jira
from policy_rollout.desired import IssueKind, NewIssue
from policy_rollout.jira_issues import BULK_LIMIT
from policy_rollout.report.issue_text import epic_text, task_text
from policy_rollout.sandbox.control import Sandbox
from policy_rollout.sandbox.sheets_store import WORKBOOK
from policy_rollout.settings import Settings
from policy_rollout.spec.model import Spec
from policy_rollout.work import Kind, WorkItem, epic_key, expand
from policy_rollout.workbook_http import ServiceAccountToken, SheetsClient, load_account

SHEET_ID = 4711
RAW: dict[str, Any] = {"valueInputOption": "RAW"}
_DESCRIPTION = to_adf("\n".join(f"- Fact {number}: what it says" for number in range(6)))


@dataclass(frozen=True, slots=True)
class Clients:
    jira: JIRA
    sheets: SheetsClient
    project: str

    @classmethod
    def of(cls, sandbox: Sandbox) -> "Clients":
        """Signed in, with an empty tab for the rows."""
        settings = Settings.load()
        token = ServiceAccountToken(load_account(settings.sheets_credentials))
        return cls(
            jira=JIRA(
                sandbox.jira_url,
                basic_auth=(sandbox.email, sandbox.token),
                options={"rest_api_version": "3"},
                get_server_info=False,
            ),
            sheets=SheetsClient(token, sandbox.sheets_url),
            project=sandbox.project,
        )

    def add_tab(self) -> None:
        properties = {"sheetId": SHEET_ID, "title": "By hand"}
        self.sheets.batch_update(WORKBOOK, {"requests": [{"addSheet": {"properties": properties}}]})

    def issue(self, number: int) -> dict[str, Any]:
        return {
            "project": {"key": self.project},
            "issuetype": {"name": "Task"},
            "summary": f"Task {number}",
            "description": _DESCRIPTION,
            "duedate": "2027-05-03",
            "labels": ["by-hand", f"by-hand/{number}"],
        }

    def create_one(self, number: int) -> None:
        self.jira.create_issue(self.issue(number), prefetch=False)

    def write_row(self, number: int) -> None:
        area = f"'By hand'!A{number + 1}:J{number + 1}"
        self.sheets.values_update(WORKBOOK, area, RAW, {"values": [_row(number)]})

    def append_rows(self, count: int) -> None:
        cells = [
            {"values": [{"userEnteredValue": {"stringValue": text}} for text in _row(number)]}
            for number in range(count)
        ]
        append = {"sheetId": SHEET_ID, "rows": cells, "fields": "userEnteredValue"}
        self.sheets.batch_update(WORKBOOK, {"requests": [{"appendCells": append}]})


def _row(number: int) -> list[str]:
    return [f"{column} of row {number}" for column in "ABCDEFGHIJ"]


def in_a_loop(clients: Clients, issues: int, rows: int) -> None:
    """One call a ticket, one call a row."""
    for number in range(issues):
        clients.create_one(number)
    for number in range(rows):
        clients.write_row(number)


def in_batches(clients: Clients, spec: Spec, rows: int) -> None:
    """The fewest calls, one after the other: an epic, 50 issues a call, one call for all rows.

    The issues are those that a launch of the spec creates: texts, labels, parent, due date and
    mark, and no assignee.
    """
    key = epic_key(spec.program)
    with open_jira(Settings.load(), spec) as jira:
        epic = NewIssue(key, IssueKind.EPIC, spec.name, epic_text(spec, ""), None, None, None, ())
        parent = jira.create([epic]).keys[key]
        issues = [_task_of(spec, item, parent) for item in expand(spec) if item.kind is Kind.TASK]
        for batch in in_batches_of(issues, BULK_LIMIT):
            jira.create(batch)
    clients.append_rows(rows)


def _task_of(spec: Spec, item: WorkItem, parent: str) -> NewIssue:
    due_on = spec.timeline.effective.date() if spec.timeline.effective else None
    text = task_text(spec, item)
    return NewIssue(item.key, IssueKind.TASK, item.title, text, due_on, None, parent, ())


@flow(name="a task for each ticket")
def in_tasks(sandbox: Sandbox, issues: int, rows: int) -> None:
    """One Prefect task run for each ticket and each row."""
    for number in range(issues):
        _create(sandbox.url, number)
    for number in range(rows):
        _write(sandbox.url, number)


_opened: dict[str, Clients] = {}


def _clients(url: str) -> Clients:
    if url not in _opened:
        _opened[url] = Clients.of(Sandbox(url))
    return _opened[url]


@task(cache_policy=NO_CACHE)
def _create(url: str, number: int) -> None:
    _clients(url).create_one(number)


@task(cache_policy=NO_CACHE)
def _write(url: str, number: int) -> None:
    _clients(url).write_row(number)
