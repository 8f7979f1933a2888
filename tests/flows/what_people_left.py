"""A model of what people left in a workbook and in Jira, and what a program may do to it since.

It is noted after each burst of edits. Until the next burst only the program writes: whatever
differs then was written by it, and is a fault unless it is ours by the design's section 7.
"""

from dataclasses import dataclass, field
from typing import Any

from edits_by_people import Crowd, Tab
from edits_in_jira import issues

from policy_rollout.program import ProgramState
from policy_rollout.workbook_layout import (
    COLUMNS,
    COMPLETED,
    FIRST_STATUS,
    HUMAN,
    KEY,
    STATUS,
    STATUS_WORDS,
)
from policy_rollout.workbook_requests import SHEET_IDS

OUR_TAB = {gid: tab for tab, gid in SHEET_IDS.items()}
THEIR_FIELDS = ("assignee", "priority", "reporter", "issuetype", "project", "creator")
WORDS = {word.casefold() for word in STATUS_WORDS}
Place = tuple[int, int, str]
"""Tab, id of the row, header."""


@dataclass
class Sheets:
    """Everything in the workbook: tabs by id, each a list of row id and texts, from the top.

    `merges` are areas as Google's `GridRange` has them.
    """

    titles: dict[int, str]
    rows: dict[int, list[tuple[int, tuple[str, ...]]]]
    tops: dict[int, int]
    merges: dict[int, list[dict[str, int]]]

    @classmethod
    def of(cls, crowd: Crowd) -> "Sheets":
        tabs = crowd.editor.whole()
        crowd.tabs()  # notes where the headers are
        return cls(
            titles={tab["gid"]: tab["title"] for tab in tabs},
            rows={
                tab["gid"]: [(row["id"], tuple(row["cells"])) for row in tab["rows"]]
                for tab in tabs
            },
            tops=dict(crowd.tops),
            merges={tab["gid"]: tab["merges"] for tab in tabs},
        )

    def headers(self, gid: int) -> tuple[str, ...]:
        top = self.tops.get(gid)
        return next(
            (tuple(each.strip() for each in cells) for row, cells in self.rows[gid] if row == top),
            (),
        )

    def keys(self, gid: int) -> dict[int, str]:
        """The key of each row by the row's id, where the tab still has a key column."""
        headers = self.headers(gid)
        if KEY not in headers:
            return {}
        column = headers.index(KEY)
        return {row: _at(cells, column).strip() for row, cells in self.rows[gid]}

    def without_status(self, gid: int) -> set[int]:
        """The ids of the rows whose Status cell is merged into another one."""
        headers, rows = self.headers(gid), self.rows[gid]
        if STATUS not in headers:
            return set()
        column, found = headers.index(STATUS), set()
        for area in self.merges[gid]:
            if area["startColumnIndex"] <= column < area["endColumnIndex"]:
                own = area["startColumnIndex"] == column
                first = area["startRowIndex"] + own
                found |= {row for row, _ in rows[first : area["endRowIndex"]]}
        return found

    def cells(self) -> dict[Place, str]:
        """Each cell by where it stands for people; columns without a header by their place."""
        found: dict[Place, str] = {}
        for gid, rows in self.rows.items():
            headers = self.headers(gid)
            for row, cells in rows:
                for at, text in enumerate(cells):
                    header = headers[at] if at < len(headers) else ""
                    found[gid, row, header or f"column {at}"] = text
        return found


def _at(cells: tuple[str, ...], column: int) -> str:
    return cells[column] if column < len(cells) else ""


@dataclass
class Model:
    """`planned` are the stable keys that programs may create, `lost` what they damaged for good.

    `pending` holds what was hit by mistake while people moved rows and columns, to be put back
    by the end of the pass; `fresh` the rows that were added, to be right by then; `landed` what
    came into such rows before people wrote there, and may be cleared; `veiled` those that came to
    stand where people had merged the Status away in that moment. `marks_lost` are the issues that
    may still get a write that was on its way.
    """

    crowd: Crowd
    planned: set[str] = field(default_factory=set)
    held: dict[str, str] = field(default_factory=dict)  # stable key to number, once for all
    rows_made: set[str] = field(default_factory=set)
    pending: dict[Place, str] = field(default_factory=dict)
    fresh: set[tuple[int, int]] = field(default_factory=set)  # tab and id of the row
    landed: set[Place] = field(default_factory=set)
    veiled: set[tuple[int, int]] = field(default_factory=set)
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    marks_lost: dict[str, str] = field(default_factory=dict)  # in the last burst, by Jira key
    hits: int = 0
    sheets: Sheets = field(init=False)
    jira: dict[str, dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        self.sheets, self.jira = Sheets.of(self.crowd), issues(self.crowd.sandbox)

    def burst(self, count: int) -> None:
        """Check what the program did so far, let people act, and note what they left."""
        self.check()
        before, untouched = self.sheets.cells(), self._texts(self.sheets)
        marked = {issue_key: each["mark"] for issue_key, each in self.jira.items()}
        self.crowd.act(count)
        self.sheets, self.jira = Sheets.of(self.crowd), issues(self.crowd.sandbox)
        self.marks_lost = {
            issue_key: marked[issue_key]
            for issue_key, each in self.jira.items()
            if not each["mark"] and marked.get(issue_key)
        }
        after, now = self.sheets.cells(), self._texts(self.sheets)
        for gid, row in [each for each in self.fresh if untouched[each] != now.get(each)]:
            self._judge(gid, row)
            self.landed |= {each for each in before if each[:2] == (gid, row) and before[each]}
        self.landed = {each for each in self.landed if after.get(each) == before[each]}
        for place in list(self.pending):
            if place not in after or after[place] != before.get(place):
                del self.pending[place]  # people have changed it since: it is theirs again

    def note(self) -> None:
        """Note what stands, whoever made it."""
        self.sheets, self.jira = Sheets.of(self.crowd), issues(self.crowd.sandbox)

    def check(self) -> None:
        now = Sheets.of(self.crowd)
        self._check_sheets(now)
        self.sheets = now
        found = issues(self.crowd.sandbox)
        self._check_jira(found)
        self.jira = found

    def close(self) -> None:
        """After a pass: what was hit by mistake has been put back."""
        self.check()
        now = self.sheets.cells()
        for place, text in self.pending.items():
            self.lost.append(f"{place}: {text!r} became {now.get(place)!r}")
        self.pending.clear()
        self.landed.clear()
        for place in list(self.fresh):
            self._judge(*place, is_whole=True)

    @staticmethod
    def _texts(sheets: Sheets) -> dict[tuple[int, int], list[str]]:
        """What stands in each row, wherever its columns stand."""
        return {
            (gid, row): sorted(filter(None, cells))
            for gid, rows in sheets.rows.items()
            for row, cells in rows
        }

    def _check_sheets(self, now: Sheets) -> None:
        for gid, title in self.sheets.titles.items():
            if now.titles.get(gid) != title:
                self.wrong.append(f"tab {title!r} became {now.titles.get(gid)!r}")
        for gid in now.titles.keys() - self.sheets.titles.keys():
            if gid not in OUR_TAB:
                self.wrong.append(f"a tab {now.titles[gid]!r} that nobody planned")
        for gid, rows in self.sheets.rows.items():
            self._check_rows(gid, rows, now)
        for gid, rows in now.rows.items():
            known = {row for row, _ in self.sheets.rows.get(gid, [])}
            self.fresh |= {
                (gid, row)
                for row, cells in rows
                if row not in known and any(cells) and row != now.tops.get(gid)
            }
            self.veiled |= self.fresh & {(gid, row) for row in now.without_status(gid)}

    def _check_rows(self, gid: int, rows: list[tuple[int, tuple[str, ...]]], now: Sheets) -> None:
        there = dict(now.rows.get(gid, []))
        if [row for row, _ in rows] != [row for row, _ in now.rows.get(gid, [])][: len(rows)]:
            self.wrong.append(f"rows of tab {gid} were moved or deleted")
        headers, keys = self.sheets.headers(gid), self.sheets.keys(gid)
        for row, cells in rows:
            if (gid, row) in self.fresh:
                continue
            for at in range(max(len(cells), len(there.get(row, ())))):
                before, after = _at(cells, at), _at(there.get(row, ()), at)
                header = headers[at] if at < len(headers) else ""
                place = (gid, row, header or f"column {at}")
                if self.pending.get(place) == after:
                    del self.pending[place]
                elif place in self.landed and not after:
                    self.landed.remove(place)
                elif before != after and not self._is_ours(gid, header, keys.get(row, "")):
                    if not any(cells):  # a new row of ours in one that people left empty
                        self.fresh.add((gid, row))
                        break
                    self.hits += 1
                    self.pending.setdefault(place, before)

    def _is_ours(self, gid: int, header: str, key: str) -> bool:
        """Whether a cell is a machine cell of a row of ours."""
        tab = OUR_TAB.get(gid)
        return (
            tab is not None
            and key in self.planned
            and header in COLUMNS[tab]
            and header not in {*HUMAN[tab], KEY}
        )

    def _judge(self, gid: int, row: int, *, is_whole: bool = False) -> None:
        """A row that was added: once for each key, and by the end with each text where it belongs.

        Of a row that people wrote in meanwhile, and of a tab that lost a header or has one twice,
        only the first.
        """
        self.fresh.discard((gid, row))
        cells = dict(self.sheets.rows.get(gid, [])).get(row, ())
        if not any(cells):
            return  # what landed here by mistake has been cleared
        for key in self.planned & set(cells):
            if key in self.rows_made:
                self.wrong.append(f"row {key} was added again")
            self.rows_made.add(key)
        tab, headers = OUR_TAB.get(gid), self.sheets.headers(gid)
        if not is_whole or (tab and any(headers.count(each) != 1 for each in COLUMNS[tab])):
            return
        key = self.sheets.keys(gid).get(row, "")
        if tab is None or key not in self.planned:
            self.wrong.append(f"row {key or cells} was added, and nobody planned it")
            return
        theirs = {
            header: text
            for header, text in zip(headers, cells, strict=False)
            if text and (header in HUMAN[tab] or header not in COLUMNS[tab])
        }
        if theirs != {STATUS: FIRST_STATUS} and (theirs or (gid, row) not in self.veiled):
            self.wrong.append(f"row {key} was added with {theirs}")

    def _check_jira(self, now: dict[str, dict[str, Any]]) -> None:
        us = self.crowd.sandbox.email
        for issue_key, before in self.jira.items():
            after, number = now.get(issue_key), _number(issue_key)
            if after is None:
                self.wrong.append(f"{issue_key} is gone")
            elif self.held.get(before["mark"] or self.marks_lost.get(issue_key)) == number:
                self._check_theirs(issue_key, before["fields"], after["fields"])
            elif before != after:
                differs = [
                    name
                    for name, value in before["fields"].items()
                    if after["fields"].get(name) != value
                    and not _is_only_linked(name, before, after)
                ]
                if differs:
                    self.wrong.append(f"{issue_key} is not ours, and its {differs} changed")
        for issue_key in now.keys() - self.jira.keys():
            mark, creator = now[issue_key]["mark"], now[issue_key]["fields"]["creator"]
            if creator.get("emailAddress") != us or mark not in self.planned or mark in self.held:
                self.wrong.append(f"{issue_key} ({mark}) was created, and nobody planned it")
            self.held.setdefault(mark, _number(issue_key))

    def _check_theirs(self, issue_key: str, before: dict[str, Any], after: dict[str, Any]) -> None:
        for name in THEIR_FIELDS:
            if before[name] != after[name]:
                self.lost.append(f"{issue_key}: {name} {before[name]} became {after[name]}")
        if before["status"]["name"] != after["status"]["name"]:
            self.lost.append(f"{issue_key}: moved to {after['status']['name']}")
        if _labels(before) != _labels(after):
            self.lost.append(f"{issue_key}: labels {_labels(before)} became {_labels(after)}")
        said = [each["id"] for each in before["comment"]["comments"]]
        left = [each["id"] for each in after["comment"]["comments"]]
        if left[: len(said)] != said:
            self.lost.append(f"{issue_key}: comments are gone")
        if not _links(before) <= _links(after):
            self.lost.append(f"{issue_key}: links are gone")


def _number(issue_key: str) -> str:
    """What an issue keeps in the sandbox where it is moved to another project."""
    return issue_key.rpartition("-")[2]


def _labels(fields: dict[str, Any]) -> set[str]:
    """Those of people: ours are `rollout` and what begins with `rollout/`."""
    return {each for each in fields["labels"] if each != "rollout" and "rollout/" not in each}


def _links(fields: dict[str, Any]) -> set[str]:
    return {each["id"] for each in fields["issuelinks"]}


def _is_only_linked(name: str, before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether a link of ours to it, or a change of its epic's text, shows on somebody's issue."""
    if name == "parent":
        return _reference(before) == _reference(after)
    if name == "updated":
        return before["fields"]["issuelinks"] != after["fields"]["issuelinks"]
    return name == "issuelinks" and _links(before["fields"]) <= _links(after["fields"])


def _reference(issue: dict[str, Any]) -> str:
    return ((issue["fields"].get("parent") or {}).get("key")) or ""


def told_wrong(model: Model, state: ProgramState) -> list[str]:
    """Oddities that stand there and are not told, and told ones that do not stand there."""
    expected = {**_odd_rows(model, state), **_odd_issues(model, state)}
    silent = [
        f"not told: {name}"
        for name, fragments in expected.items()
        if not name.startswith("?")  # may be told
        and not any(all(each in told for each in fragments) for told in state.oddities)
    ]
    made_up = [
        f"made up: {told}"
        for told in state.oddities
        if not any(all(each in told for each in fragments) for fragments in expected.values())
    ]
    trouble = state.trouble.text if state.trouble else ""
    is_known = any(word in trouble for word in KNOWN_TROUBLES) or not trouble
    return [*silent, *made_up] if is_known and not trouble else [] if is_known else [trouble]


KNOWN_TROUBLES = ("no column with the header", "more than one column with the header")


def _odd_rows(model: Model, state: ProgramState) -> dict[str, tuple[str, ...]]:
    """A name for each oddity of the workbook, and what its text must hold."""
    found: dict[str, tuple[str, ...]] = {}
    places: dict[str, list[tuple[Tab, int]]] = {}
    tabs = model.crowd.tabs() if state.rows else []
    for tab in tabs:
        found |= _odd_headers(tab)
        for row in tab.body:
            if key := tab.text(row, KEY):
                places.setdefault(key, []).append((tab, row))
            elif tab.text(row, "Program") == state.program and tab.column(KEY) is not None:
                found[f"row {row} without a key"] = ("names the program but has no key",)
    for key in state.rows - places.keys():
        found[f"row {key} is gone"] = (key, "the row is gone")
    for key, stands in places.items():
        if not key.startswith(f"{state.program}/"):
            continue
        if key not in state.rows:
            found[f"row {key} is unknown"] = (key, "no row of the program has this key")
        if len(stands) > 1:
            found[f"row {key} stands twice"] = (f"key {key}", "stand")
        else:
            found |= _odd_cells(*stands[0], key)
    return found


def _odd_headers(tab: Tab) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for header in COLUMNS[OUR_TAB[tab.gid]]:
        times = tab.headers.count(header)
        if times == 0:
            found[f"{tab.gid} lacks {header}"] = (repr(header), "no column has the header")
        elif times > 1:
            found[f"{tab.gid} has {header} twice"] = (f"the header {header!r}", "columns have")
    return found


def _odd_cells(tab: Tab, row: int, key: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    status, notes = tab.shown(row, STATUS), tab.shown(row, "Notes")
    if tab.column(STATUS) is not None:
        if status.casefold() not in WORDS:
            found[f"status of {key}"] = (key, "Status is", "choose one of")
        elif status == "Not applicable" and not notes:
            found[f"note of {key}"] = (key, "without a note")
    percent = tab.shown(row, COMPLETED)
    if tab.text(row, COMPLETED).startswith("="):
        found[f"? percentage of {key}"] = (key, "write a percentage")  # as its cell is formatted
        percent = ""
    if percent and not _is_percentage(percent):
        found[f"percentage of {key}: {percent!r}"] = (key, "write a percentage")
    found[f"? merged in {key}"] = (key, "merged into another cell")
    return found


def _is_percentage(shown: str) -> bool:
    """From 0 to 100; a bare number with decimals below 2 may mean a fraction, and is none."""
    try:
        number = float(shown.removesuffix("%").strip().replace(",", "."))
    except ValueError:
        return False
    is_in_doubt = "%" not in shown and number < 2 and not shown.isdigit()
    return 0 <= number <= 100 and not is_in_doubt


def _odd_issues(model: Model, state: ProgramState) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    ours = {issue_key: key for key, issue_key in state.issues.items()}
    for issue_key, key in ours.items():
        issue = model.jira.get(issue_key)
        if issue is None:
            found[f"{issue_key} was deleted"] = (issue_key, "was deleted")
        elif not issue["mark"]:
            found[f"{issue_key} lost its mark"] = (issue_key, "carries no mark")
        else:
            wanted = "Epic" if key.endswith("/epic") else "Task"
            if issue["fields"]["issuetype"]["name"] != wanted:
                found[f"{issue_key} was converted"] = (issue_key, "was made a")
            if issue["fields"]["project"]["key"] != "POLICY":
                found[f"{issue_key} was moved"] = (issue_key, "another project")
            continue
        if key.endswith("/epic"):
            found[f"? {issue_key} is no epic"] = (issue_key, "is no epic any more")
    epic = state.issues.get(f"{state.program}/epic", "")
    if epic in model.jira and model.jira[epic]["fields"]["issuetype"]["name"] != "Epic":
        found[f"{epic} is no epic"] = (epic, "is no epic any more")
    return found | _odd_others(model, state)


def _odd_others(model: Model, state: ProgramState) -> dict[str, tuple[str, ...]]:
    """Issues with the program's label that it does not hold: copies, and one moved and unmarked."""
    found: dict[str, tuple[str, ...]] = {}
    for issue_key, issue in model.jira.items():
        fields = issue["fields"]
        if f"rollout/{state.program}" not in fields["labels"]:
            continue
        if fields["creator"].get("emailAddress") != model.crowd.sandbox.email:
            found[f"{issue_key} is a copy"] = (issue_key, "left alone")
        elif not issue["mark"] and issue_key not in state.issues.values():
            found[f"{issue_key} lost its mark"] = (issue_key, "carries no mark")
    return found
