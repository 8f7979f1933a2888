"""The story that faults are tried on: two stages, a rejection, what people do, and what must stand.

Each chapter is one pass of the flow after something that people did. What stands outside after a
chapter is told without Jira's numbers, so that two tellings can be compared.
"""

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from carried import MEI, OWNER, RIMA, WIM

from policy_rollout.program import ProgramState
from policy_rollout.sandbox.control import Sandbox
from policy_rollout.sandbox.sheets_control import WorkbookEditor
from policy_rollout.sandbox.sheets_store import WORKBOOK
from policy_rollout.spec.reader import read_valid
from policy_rollout.work import Kind, expand, sign_off_key

LEA = "l.ng@example.com"
TEXT = f"""
program: demo
title: Demo of a policy
owner: {OWNER}
policy: {{change: expansion, languages: [en-US, ja-JP], existing_content: {{applies: false}}}}
timeline: {{timezone: UTC, announce: 2030-02-01, effective: 2030-03-01}}
people: {{policy: {{members: [{RIMA}]}}, ops: {{members: [{MEI}]}}, legal: {{members: [{LEA}]}}}}
stages:
  write:
    tasks:
      guideline: {{title: Write the guideline, team: policy, assignee: {WIM}, takes: 5bd}}
      symbols: {{title: List the symbols, team: ops, assignee: {WIM}, after: [guideline]}}
      macros: {{title: Write macros, team: ops, assignee: {WIM}, after: [guideline, symbols]}}
    training: {{deck: {{title: Reviewer deck, kind: deck, team: ops, per: language}}}}
    checklists: {{queues: {{team: ops, items: {{routing: Route the reports}}}}}}
    gate: {{require: {{training: done}}, sign_off: {{policy: 1, legal: 1}}}}
  launch:
    after: [write]
    tasks:
      switch: {{title: Enforce it, team: ops}}
      look: {{title: Look at the queues, team: ops, after: [switch]}}
    checklists: {{day: {{team: ops, items: {{notice: Post the notice}}}}}}
"""
SPEC = read_valid(TEXT, "demo.yaml")
ITEMS = expand(SPEC)
GUIDELINE, SYMBOLS, DECK_JA = "demo/write/guideline", "demo/write/symbols", "demo/write/deck/ja-JP"
DESK, SECOND_DESK = (sign_off_key("demo", "write", role) for role in ("policy", "legal"))
LABEL_OF_A_PERSON = "urgent"
_ISSUE_KEY = re.compile(r"\bPOLICY-\d+\b")
_TIME = re.compile(r"\w{3} \d+ \w{3} \d{4} \d\d:\d\d UTC")
_OURS = re.compile(r"\[rollout [^\]]+\]")
_NUMBERS = 100
_FIELDS = ("summary", "description", "status", "duedate", "labels", "parent", "issuelinks",
           "assignee", "comment")  # fmt: skip


@dataclass(frozen=True)
class People:
    """Those who act between the passes; `state` is where the program stands for them."""

    sandbox: Sandbox
    state: ProgramState

    def move(self, email: str, key: str, status: str) -> None:
        self.sandbox.as_person(email).move(self.state.issues[key], status)

    def finish(self, stage: str) -> None:
        for item in ITEMS:
            if item.stage == stage and item.kind is Kind.TASK:
                self.move(item.assignee, item.key, "Done")
            elif item.stage == stage:
                self.fill(item.key, Status="Done", Notes=f"done: {item.key}")

    def fill(self, key: str, **texts: str) -> None:
        book = WorkbookEditor(self.sandbox.sheets_url, WORKBOOK)
        completed = {"Completed %": "100"} if "Completed %" in book.cells(key) else {}
        book.write_cells(key, texts | completed)


def _clone(people: People) -> None:
    """Somebody's own issue with our labels and without our mark."""
    labels = ["rollout", "rollout/demo", f"rollout/{GUIDELINE}"]
    fields = {"project": {"key": "POLICY"}, "issuetype": {"name": "Task"}, "labels": labels}
    body = {"fields": {**fields, "summary": "A clone"}}
    people.sandbox.as_person(MEI).call("POST", "issue", body)


def _finish_writing(people: People) -> None:
    symbols = people.state.issues[SYMBOLS]
    mei = people.sandbox.as_person(MEI)
    mei.call("PUT", f"issue/{symbols}", {"update": {"labels": [{"add": LABEL_OF_A_PERSON}]}})
    mei.comment(symbols, "Two of them are new.")
    mei.assign(symbols, people.state.accounts[OWNER])
    people.finish("write")


def _reject(people: People) -> None:
    desk = people.state.issues[DESK]
    people.sandbox.as_person(RIMA).comment(desk, "Vague. Reopen: guideline, symbols, deck/ja-JP")
    people.move(RIMA, DESK, "Rejected")


def _work_again(people: People) -> None:
    people.move(WIM, GUIDELINE, "In Progress")
    people.move(WIM, GUIDELINE, "Done")
    people.move(WIM, SYMBOLS, "Done")
    people.fill(DECK_JA, Notes="shorter now")


def _approve(people: People) -> None:
    people.move(RIMA, DESK, "Approved")
    people.move(LEA, SECOND_DESK, "Approved")


def _finish_launching(people: People) -> None:
    people.finish("launch")


CHAPTERS: dict[str, Callable[[People], None]] = {
    "launch": _clone,
    "sign-offs are asked for": _finish_writing,
    "rejected": _reject,
    "asked again": _work_again,
    "the next stage opens": _approve,
    "finished": _finish_launching,
}


@dataclass
class Outside:
    """What stands in Jira and the workbook, by stable key; more than one is a double.

    `ours` and `theirs` are the fields of each owner.
    """

    count: Counter[str] = field(default_factory=Counter)
    ours: dict[str, Any] = field(default_factory=dict)
    theirs: dict[str, Any] = field(default_factory=dict)


def outside(sandbox: Sandbox) -> Outside:
    found = Outside()
    issues = _issues(sandbox)
    names = {each["key"]: _name_of(each) for each in issues}
    for each in issues:
        _take_issue(found, each, names)
    book = WorkbookEditor(sandbox.sheets_url, WORKBOOK)
    for tab in book._tabs():
        for row in tab["rows"]:
            cells = dict(zip(tab["headers"], row["cells"], strict=True))
            if cells.get("Key"):
                _take_row(found, cells)
    return found


def _issues(sandbox: Sandbox) -> list[dict[str, Any]]:
    body = {
        "issueIdsOrKeys": [f"POLICY-{number}" for number in range(1, _NUMBERS + 1)],
        "fields": list(_FIELDS),
        "properties": ["rollout"],
    }
    service = sandbox.as_person(sandbox.email)
    issues: list[dict[str, Any]] = service.call("POST", "issue/bulkfetch", body)["issues"]
    return issues


def _name_of(issue: dict[str, Any]) -> str:
    mark = issue["properties"].get("rollout")
    return mark["key"] if mark else f"somebody's: {issue['fields']['summary']}"


def _take_issue(found: Outside, issue: dict[str, Any], names: dict[str, str]) -> None:
    def named(text: str) -> str:
        timeless = _TIME.sub("some day", text)
        return _ISSUE_KEY.sub(lambda match: names.get(match[0], match[0]), timeless)

    key, fields = names[issue["key"]], issue["fields"]
    found.count[f"issue {key}"] += 1
    for link in fields["issuelinks"]:
        if "inwardIssue" in link:
            found.count[f"link {names[link['inwardIssue']['key']]} blocks {key}"] += 1
    said = []
    for comment in fields["comment"]["comments"]:
        text = json.dumps(comment["body"])
        if mark := _OURS.search(text):
            found.count[f"comment {named(mark[0])} on {key}"] += 1
        else:
            said.append(named(text))
    parent = (fields.get("parent") or {}).get("key")
    found.ours[key] = {
        "summary": fields["summary"],
        "description": named(json.dumps(fields["description"], ensure_ascii=False)),
        "due": fields["duedate"],
        "parent": names.get(parent, parent),
        "labels": sorted(each for each in fields["labels"] if each.startswith("rollout")),
    }
    found.theirs[key] = {
        "status": fields["status"]["name"],
        "assignee": (fields.get("assignee") or {}).get("accountId"),
        "labels": sorted(each for each in fields["labels"] if not each.startswith("rollout")),
        "comments": said,
    }


def _take_row(found: Outside, cells: dict[str, str]) -> None:
    key, human = cells["Key"], ("Status", "Completed %", "Notes")
    found.count[f"row {key}"] += 1
    found.ours[key] = {name: text for name, text in cells.items() if name not in human}
    found.theirs[key] = {name: cells[name] for name in human if name in cells}


@dataclass(frozen=True)
class Damage:
    """What differs from what stands where nothing went wrong; all empty where nothing does."""

    missing: tuple[str, ...]
    double: tuple[str, ...]
    lost_edits: tuple[str, ...]
    other: tuple[str, ...]

    @property
    def is_none(self) -> bool:
        return not any(self.counts.values())

    @property
    def counts(self) -> dict[str, int]:
        return {name: len(found) for name, found in asdict(self).items()}


def damage(expected: Outside, found: Outside) -> Damage:
    surplus = found.count - expected.count
    return Damage(
        missing=tuple((expected.count - found.count).elements()),
        double=tuple(surplus.elements()),
        lost_edits=tuple(_different(expected.theirs, found.theirs)),
        other=tuple(_different(expected.ours, found.ours)),
    )


def _different(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    return [
        f"{key}, {name}: expected {text}, found {found.get(key, {}).get(name)}"
        for key, wanted in expected.items()
        for name, text in wanted.items()
        if found.get(key, {}).get(name) != text
    ]
