"""A program carried by passes in this process: what the tests of its promises share."""

import logging
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import pytest
from prefect import flow

import flows.passes
import flows.taking_up
import tasks.issues
import tasks.writing
from flows.passes import Stands, pass_or_trouble
from flows.taking_up import take_up
from policy_rollout import events as ev
from policy_rollout.amending import amendment
from policy_rollout.connections import open_workbook
from policy_rollout.history import records_of, state_of
from policy_rollout.journal.store import Journal
from policy_rollout.outline import spec_of
from policy_rollout.program import ProgramState
from policy_rollout.sandbox.control import Person, Sandbox
from policy_rollout.sandbox.sheets_control import WorkbookEditor
from policy_rollout.sandbox.sheets_store import WORKBOOK
from policy_rollout.settings import Settings
from policy_rollout.spec.model import Spec
from policy_rollout.spec.reader import read_valid
from policy_rollout.taking_amendments import resolve_newcomers, take_amendment
from policy_rollout.work import epic_key, expand, sign_off_key

OWNER, RIMA, MEI = "p.kim@example.com", "r.haddad@example.com", "m.tan@example.com"
WIM = "w.bakker@example.com"
SPEC = f"""
program: demo
title: Demo of a policy
owner: {OWNER}
policy: {{change: expansion, languages: [en-US, ja-JP], existing_content: {{applies: false}}}}
timeline: {{timezone: UTC, announce: 2030-02-01, effective: 2030-03-01}}
people: {{policy: {{members: [{RIMA}]}}, ops: {{members: [{MEI}]}}}}
stages:
  write:
    tasks:
      guideline: {{title: Write the guideline, team: policy, assignee: {WIM}, takes: 5bd}}
      symbols: {{title: List the symbols, team: ops, takes: 2bd, after: [guideline]}}
    training: {{deck: {{title: Reviewer deck, kind: deck, team: ops, per: language}}}}
    checklists: {{queues: {{team: ops, items: {{routing: Route the reports}}}}}}
    gate: {{require: {{training: done}}, sign_off: {{policy: 1}}}}
  launch:
    after: [write]
    tasks: {{switch: {{title: Enforce it, team: ops}}}}
"""
TASKS = ("demo/write/guideline", "demo/write/symbols")
ROWS = ("demo/write/deck/en-US", "demo/write/deck/ja-JP", "demo/write/queues/routing")
SIGN_OFF = sign_off_key("demo", "write", "policy")
READS = frozenset({"/issue/bulkfetch", "/changelog/bulkfetch", "/search/jql", "/sheets/token"})


def connect(
    sandbox: Sandbox, credentials: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let the settings name this sandbox, as an installation does with its Jira and Google."""
    for name, text in {
        "HOME": str(home),
        "JIRA_URL": sandbox.jira_url,
        "JIRA_EMAIL": sandbox.email,
        "JIRA_TOKEN": sandbox.token,
        "JIRA_PROJECT": sandbox.project,
        "SHEETS_URL": sandbox.sheets_url,
        "SHEETS_CREDENTIALS": str(credentials),
        "SHEETS_WORKBOOK": WORKBOOK,
    }.items():
        monkeypatch.setenv(f"ROLLOUT_{name}", text)


def approval_by_code(digest: str) -> ev.CodeGiven:
    """What the Resume form journals once the code of the first gate's signer is proven."""
    return ev.CodeGiven(
        stage="write",
        role="policy",
        person=RIMA,
        action="approve",
        text="",
        digest=digest,
        mark="code:1",
        at=datetime.now(UTC),
    )


@flow(name="one pass")
def one_pass(text: str, run: str) -> Stands:
    """What the rollout flow does up to its next wait, as the flow run of that id."""
    settings = Settings.load()
    with Journal(settings.journal_address) as journal:
        program = take_up(journal, text, "demo.yaml", run)
        return pass_or_trouble(journal, settings, program, run=run)


class Clock:
    """Stands in for `datetime` where flows and tasks ask for the time; set ahead, never back."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self, zone: tzinfo) -> datetime:
        return datetime.now(zone) + self.ahead

    def installed(self, patch: pytest.MonkeyPatch) -> Self:
        for module in (flows.passes, flows.taking_up, tasks.issues, tasks.writing):
            patch.setattr(module, "datetime", self)
        return self


class TaskRuns(logging.Handler):
    """The names of the task runs that ended inside a `with` block, as Prefect logs them."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.names: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage().startswith("Finished in state"):
            self.names.append(str(record.__dict__["task_run_name"]))

    def __enter__(self) -> Self:
        logging.getLogger("prefect.task_runs").addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("prefect.task_runs").removeHandler(self)


@dataclass
class Carried:
    sandbox: Sandbox
    text: str
    run: str = field(default_factory=lambda: str(uuid4()))
    task_runs: list[str] = field(default_factory=list)
    clock: Clock = field(default_factory=Clock)

    def go(self) -> Stands:
        """One pass of the program's run; the first one launches it."""
        with TaskRuns() as seen:
            stands: Stands = one_pass(self.text, self.run)
        self.task_runs = seen.names
        return stands

    def go_until_calm(self, most: int = 12) -> None:
        """Pass after pass while there is trouble, each when the settle time has gone by."""
        for _ in range(most):
            self.go()
            if self.state.trouble is None:
                return
            self.clock.ahead += timedelta(seconds=Settings.load().settle_seconds)
        raise AssertionError(self.trouble)

    @property
    def spec(self) -> Spec:
        """The spec that the program follows now; the one to be launched before."""
        launched = read_valid(self.text, "demo.yaml")
        with Journal(Settings.load().journal_address) as journal:
            state = state_of(journal, launched.program)
        return spec_of(state) if state.run else launched

    def amend(self, text: str, *, reason: str = "It has to be", reopen: Sequence[str] = ()) -> None:
        """What `rollout amend` journals; the run takes it up at its next pass."""
        settings, now = Settings.load(), datetime.now(UTC)
        after = read_valid(text, "amended.yaml")
        with Journal(settings.journal_address) as journal:
            state = state_of(journal, self.spec.program)
            amended = amendment(
                state,
                spec_of(state),
                after,
                text=text,
                path="amended.yaml",
                by=OWNER,
                reason=reason,
                reopen=reopen,
                now=now,
            )
            resolved = resolve_newcomers(settings, state, after)
            take_amendment(journal, state, amended, resolved, now=now)

    @property
    def state(self) -> ProgramState:
        with Journal(Settings.load().journal_address) as journal:
            return state_of(journal, self.spec.program)

    @property
    def trouble(self) -> str:
        found = self.state.trouble
        return found.text if found else ""

    @property
    def kinds(self) -> list[str]:
        """The kinds of the journal's entries, oldest first."""
        with Journal(Settings.load().journal_address) as journal:
            return [each.event.kind for each in records_of(journal, self.spec.program)]

    @property
    def workbook(self) -> WorkbookEditor:
        return WorkbookEditor(self.sandbox.sheets_url, WORKBOOK)

    def person(self, email: str) -> Person:
        return self.sandbox.as_person(email)

    def issue(self, key: str) -> dict[str, Any]:
        """The fields of a work item's issue, as a person sees them."""
        fields: dict[str, Any] = self.person(OWNER).issue(self.state.issues[key])["fields"]
        return fields

    def jira(self) -> dict[str, list[str]]:
        """Jira keys of all issues in the project by the stable key of their mark."""
        found: dict[str, list[str]] = {}
        body = {"jql": "project = POLICY ORDER BY key", "fields": ["summary"], "maxResults": 100}
        asked = self.person(self.sandbox.email).call("POST", "search/jql", body)
        for each in asked["issues"]:
            path = f"issue/{each['key']}/properties"
            held = self.person(self.sandbox.email).call("GET", path)["keys"]
            mark = ""
            if any(one["key"] == "rollout" for one in held):
                mark = self.person(self.sandbox.email).call("GET", f"{path}/rollout")["value"]
                mark = mark["key"]
            found.setdefault(mark, []).append(each["key"])
        return found

    def rows(self) -> Counter[str]:
        """How often each key stands in the workbook."""
        tabs = {tab["title"] for tab in self.workbook._tabs()} & {"Training", "Checklist"}
        return Counter(key for tab in tabs for key in self.workbook.keys(tab) if key)

    def paste(self, area: str, text: str) -> None:
        """Put a text into a cell as a program does, which no drop-down holds back."""
        with closing(open_workbook(Settings.load(), self.spec)) as workbook:
            book = f"https://sheets.googleapis.com/v4/spreadsheets/{WORKBOOK}"
            workbook._client.request(
                "put",
                f"{book}/values/{area}",
                params={"valueInputOption": "RAW"},
                json={"values": [[text]]},
            )

    def writes(self) -> list[str]:
        """The requests since the last clearing that change something outside."""
        return [
            f"{each['method']} {each['path']}"
            for each in self.sandbox.requests()
            if each["method"] != "GET" and not any(each["path"].endswith(end) for end in READS)
        ]

    def finish_work(self, stage: str = "write") -> None:
        """The people do all that is open in a stage."""
        state = self.state
        for item in expand(self.spec, state.renamed):
            if item.stage == stage and item.key in state.issues:
                self.person(item.assignee).move(state.issues[item.key], "Done")
            elif item.stage == stage and item.key in state.rows:
                cells = self.workbook.cells(item.key)
                done = {"Status": "Done"} | (
                    {"Completed %": "100"} if "Completed %" in cells else {}
                )
                self.workbook.write_cells(item.key, done)

    def everything_once(self) -> None:
        """Assert that the first stage stands outside, each issue and row exactly once."""
        assert {key: len(found) for key, found in self.jira().items()} == dict.fromkeys(
            (epic_key("demo"), *TASKS), 1
        )
        assert self.rows() == Counter(ROWS)
        assert {key: [found] for key, found in self.state.issues.items()} == self.jira()
        assert self.state.rows == set(ROWS)
