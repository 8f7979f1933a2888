"""What people do in a workbook, and the crowd that does it: drawn by a seeded generator.

Each edit is one request to the sandbox, through the same endpoints as a person's browser. An edit
that does not apply just now (no such row, merged cells) is simply not made.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import requests

from policy_rollout.sandbox.control import Sandbox
from policy_rollout.sandbox.sheets_control import WorkbookEditor
from policy_rollout.workbook_layout import COLUMNS, HUMAN, KEY
from policy_rollout.workbook_requests import SHEET_IDS

STATUSES = (
    "To do",
    "In progress",
    "Blocked",
    "Done",
    "done",
    " Done ",
    "Finito",
    "",
    "Not applicable",
)
PERCENTS = ("95%", "95 %", "0.95", "95,0", "40", "all of them", "", "120%")
WORDS = ("half-way", "asked Rima", "=not a formula", "  spaces  ", "why not", "95%", "")
SHOWN = {
    ("", '="Done"'): "Done",
    ("", '="see there"'): "see there",
    ("Completed %", "=1/2"): "50%",
    ("Completed %", "=95"): "9500%",
}
HEADERS = {SHEET_IDS[tab]: headers for tab, headers in COLUMNS.items()}
OWN = {SHEET_IDS[tab]: headers for tab, headers in HUMAN.items()}


@dataclass
class Tab:
    """One of our tabs as it stands: rows as the sandbox tells them, the header among them."""

    gid: int
    title: str
    rows: list[dict[str, Any]]
    top: int

    @property
    def headers(self) -> list[str]:
        return [each.strip() for each in self.rows[self.top]["cells"]]

    @property
    def body(self) -> list[int]:
        return list(range(self.top + 1, len(self.rows)))

    def column(self, header: str) -> int | None:
        return self.headers.index(header) if header in self.headers else None

    def text(self, row: int, header: str) -> str:
        """What stands under a header, without the spaces around it."""
        column = self.column(header)
        cells = self.rows[row]["cells"]
        return "" if column is None or column >= len(cells) else str(cells[column]).strip()

    def shown(self, row: int, header: str) -> str:
        """The same as Sheets shows it: of the formulas that these people use, their values."""
        text = self.text(row, header)
        return SHOWN.get((header, text), SHOWN.get(("", text), text))

    def area(self, row: int, column: int, *, down: int = 1, right: int = 1) -> dict[str, int]:
        return {
            "sheetId": self.gid,
            "startRowIndex": row,
            "endRowIndex": row + down,
            "startColumnIndex": column,
            "endColumnIndex": column + right,
        }


@dataclass
class Crowd:
    """People at work; `made` counts what they did, by the name of the edit."""

    sandbox: Sandbox
    editor: WorkbookEditor
    random: Random
    emails: tuple[str, ...]
    jira_edits: Mapping[str, tuple[Callable[["Crowd"], bool], int]]
    made: Counter[str] = field(default_factory=Counter)
    tops: dict[int, int] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)  # Jira key to its stable key, ours once
    serial: int = 0

    def act(self, count: int) -> None:
        """Make so many edits; about a third of them in Jira."""
        for _ in range(count):
            in_jira = self.random.random() < 0.35
            kinds = self.jira_edits if in_jira else SHEET_EDITS
            names, weights = zip(
                *((each, weight) for each, (_, weight) in kinds.items()), strict=True
            )
            name = self.random.choices(names, weights)[0]
            edit, _ = kinds[name]
            try:
                done = edit(self)
            except (LookupError, requests.HTTPError):
                done = False
            self.made[name if done else "not possible"] += 1

    def text(self) -> str:
        """Something that nobody else has typed."""
        self.serial += 1
        return f"{self.random.choice(WORDS)} #{self.serial}"

    def tabs(self) -> list[Tab]:
        found = []
        for tab in self.editor.whole():
            rows = tab["rows"]
            if tab["gid"] in SHEET_IDS.values() and rows:
                first = self.tops.setdefault(tab["gid"], rows[0]["id"])
                top = next((at for at, row in enumerate(rows) if row["id"] == first), None)
                if top is not None:
                    found.append(Tab(tab["gid"], tab["title"], rows, top))
        return found

    def tab(self) -> Tab:
        tabs = [tab for tab in self.tabs() if len(tab.body) > 0]
        if not tabs:
            raise LookupError("no rows yet")
        return self.random.choice(tabs)

    def type_in(self, tab: Tab, row: int, column: int, text: str) -> bool:
        where = {"sheetId": tab.gid, "rowIndex": row, "columnIndex": column}
        paste = {"coordinate": where, "data": text, "type": "PASTE_NORMAL", "delimiter": "\t"}
        self.editor.change({"pasteData": paste})
        return True


def sort(crowd: Crowd) -> bool:
    tab = crowd.tab()
    column = crowd.random.randrange(len(tab.headers))
    area = tab.area(tab.top + 1, 0, down=len(tab.body), right=len(tab.headers))
    order = crowd.random.choice(["ASCENDING", "DESCENDING"])
    specs = [{"dimensionIndex": column, "sortOrder": order}]
    crowd.editor.change({"sortRange": {"range": area, "sortSpecs": specs}})
    return True


def fill_in(crowd: Crowd) -> bool:
    tab = crowd.tab()
    header = crowd.random.choice(OWN[tab.gid])
    column = tab.column(header)
    if column is None:
        return False
    texts = {"Status": STATUSES, "Completed %": PERCENTS}.get(header)
    text = crowd.random.choice(texts) if texts else crowd.text()
    return crowd.type_in(tab, crowd.random.choice(tab.body), column, text)


def paste_block(crowd: Crowd) -> bool:
    """Over neighbouring columns of people, some rows deep."""
    tab = crowd.tab()
    human = [at for at, header in enumerate(tab.headers) if header in OWN[tab.gid]]
    if not human:
        return False
    left = crowd.random.choice(human)
    width = 1 + int(left + 1 in human)
    depth = crowd.random.randint(1, min(3, len(tab.body)))
    row = crowd.random.choice(tab.body[: len(tab.body) - depth + 1])
    lines = ["\t".join(crowd.text() for _ in range(width)) for _ in range(depth)]
    return crowd.type_in(tab, row, left, "\n".join(lines))


def write_over_a_machine_cell(crowd: Crowd) -> bool:
    tab = crowd.tab()
    machine = [h for h in tab.headers if h in HEADERS[tab.gid] and h not in {*OWN[tab.gid], KEY}]
    if not machine:
        return False
    column = tab.headers.index(crowd.random.choice(machine))
    return crowd.type_in(tab, crowd.random.choice(tab.body), column, crowd.text())


def insert_row(crowd: Crowd) -> bool:
    tab = crowd.tab()
    return _insert(crowd, tab, "ROWS", crowd.random.choice(tab.body))


def insert_row_above_the_header(crowd: Crowd) -> bool:
    tab = crowd.tab()
    return tab.top < 4 and _insert(crowd, tab, "ROWS", 0)


def own_row(crowd: Crowd) -> bool:
    """A row without a key, in the middle, in columns of ours too."""
    tab = crowd.tab()
    at = crowd.random.choice(tab.body)
    _insert(crowd, tab, "ROWS", at)
    key = tab.column(KEY)
    texts = ["" if column == key else crowd.text() for column in range(len(tab.headers))]
    return crowd.type_in(tab, at, 0, "\t".join(texts))


def delete_row(crowd: Crowd) -> bool:
    tab = crowd.tab()
    at = crowd.random.choice(tab.body)
    area = {"sheetId": tab.gid, "dimension": "ROWS", "startIndex": at, "endIndex": at + 1}
    crowd.editor.change({"deleteDimension": {"range": area}})
    return True


def duplicate_row(crowd: Crowd) -> bool:
    """With its key."""
    tab = crowd.tab()
    at = crowd.random.choice(tab.body)
    _insert(crowd, tab, "ROWS", at + 1)
    copied = {
        "source": tab.area(at, 0, right=len(tab.headers)),
        "destination": tab.area(at + 1, 0, right=len(tab.headers)),
        "pasteType": "PASTE_NORMAL",
    }
    crowd.editor.change({"copyPaste": copied})
    return True


def drag_row(crowd: Crowd) -> bool:
    tab = crowd.tab()
    at, to = crowd.random.choice(tab.body), crowd.random.choice(tab.body)
    return _move(crowd, tab, "ROWS", at, to)


def cut_and_paste_row(crowd: Crowd) -> bool:
    """Into a new row, whose old place stays empty."""
    tab = crowd.tab()
    at = crowd.random.choice(tab.body)
    _insert(crowd, tab, "ROWS", len(tab.rows))
    cut = {
        "source": tab.area(at, 0, right=len(tab.headers)),
        "destination": {"sheetId": tab.gid, "rowIndex": len(tab.rows), "columnIndex": 0},
        "pasteType": "PASTE_NORMAL",
    }
    crowd.editor.change({"cutPaste": cut})
    return True


def move_column(crowd: Crowd) -> bool:
    tab = crowd.tab()
    at, to = (crowd.random.randrange(len(tab.headers)) for _ in range(2))
    return _move(crowd, tab, "COLUMNS", at, to)


def hide(crowd: Crowd) -> bool:
    """A column or a row, as a filter does too."""
    tab = crowd.tab()
    dimension = crowd.random.choice(["ROWS", "COLUMNS"])
    at = crowd.random.randrange(len(tab.rows if dimension == "ROWS" else tab.headers))
    area = {"sheetId": tab.gid, "dimension": dimension, "startIndex": at, "endIndex": at + 1}
    hidden = {"range": area, "properties": {"hiddenByUser": True}, "fields": "hiddenByUser"}
    crowd.editor.change({"updateDimensionProperties": hidden})
    return True


def narrow_the_filter(crowd: Crowd) -> bool:
    tab = crowd.tab()
    area = tab.area(tab.top, 0, down=len(tab.body), right=len(tab.headers))
    crowd.editor.change({"setBasicFilter": {"filter": {"range": area}}})
    return True


def insert_column(crowd: Crowd) -> bool:
    """Somewhere, now and then with a header of its own, and something in it."""
    tab = crowd.tab()
    at = crowd.random.randrange(len(tab.headers) + 1)
    _insert(crowd, tab, "COLUMNS", at)
    if crowd.random.random() < 0.7:
        crowd.type_in(
            tab, tab.top, at, crowd.random.choice(["Reviewer", "Link", "Due", "My notes"])
        )
    return crowd.type_in(tab, crowd.random.choice(tab.body), at, crowd.text())


def rename_header(crowd: Crowd) -> bool:
    tab = crowd.tab()
    column = crowd.random.randrange(len(tab.headers))
    return crowd.type_in(tab, tab.top, column, f"Renamed {crowd.text()}")


def name_headers_again(crowd: Crowd) -> bool:
    """Give back lost headers to columns that were renamed, by what stands in them; see `repair`."""
    return sum(_mend_headers(crowd, tab) for tab in crowd.tabs()) > 0


def rename_tab(crowd: Crowd) -> bool:
    tab = crowd.tab()
    ours = next(each.value for each, gid in SHEET_IDS.items() if gid == tab.gid)
    title = crowd.random.choice([ours, f"{ours} (old)", "It's ours"])
    _retitle(crowd, tab, title)
    return True


def add_tab(crowd: Crowd) -> bool:
    """Now and then under a name of ours that is free."""
    title = crowd.random.choice(["Scratch", "Training", "Checklist", "Notes"])
    crowd.editor.change({"addSheet": {"properties": {"title": title}}})
    return True


def add_formula(crowd: Crowd) -> bool:
    tab = crowd.tab()
    ours = [at for at, h in enumerate(tab.headers) if h in HEADERS[tab.gid]]
    theirs = [at for at in range(len(tab.headers)) if at not in ours]
    human = [at for at in ours if tab.headers[at] in OWN[tab.gid]]
    column = crowd.random.choice([*theirs, *human] or [0])
    formula = crowd.random.choice(['="Done"', "=1/2", '="see there"', "=95"])
    return crowd.type_in(tab, crowd.random.choice(tab.body), column, formula)


def merge(crowd: Crowd) -> bool:
    tab = crowd.tab()
    row, column = crowd.random.choice(tab.body), crowd.random.randrange(len(tab.headers))
    down, right = crowd.random.choice([(1, 2), (2, 1)])
    area = tab.area(row, column, down=down, right=right)
    crowd.editor.change({"mergeCells": {"range": area, "mergeType": "MERGE_ALL"}})
    return True


def unmerge(crowd: Crowd) -> bool:
    tab = crowd.tab()
    area = tab.area(0, 0, down=len(tab.rows), right=len(tab.headers))
    crowd.editor.change({"unmergeCells": {"range": area}})
    return True


def edit_key(crowd: Crowd) -> bool:
    tab = crowd.tab()
    column = tab.column(KEY)
    if column is None:
        return False
    row = crowd.random.choice(tab.body)
    cells = tab.rows[row]["cells"]
    old = cells[column] if column < len(cells) else ""
    text = crowd.random.choice(["", f"{old}x", f" {old} ", "something else"])
    return crowd.type_in(tab, row, column, text)


def _insert(crowd: Crowd, tab: Tab, dimension: str, at: int) -> bool:
    area = {"sheetId": tab.gid, "dimension": dimension, "startIndex": at, "endIndex": at + 1}
    crowd.editor.change({"insertDimension": {"range": area, "inheritFromBefore": at > 0}})
    return True


def _move(crowd: Crowd, tab: Tab, dimension: str, at: int, to: int) -> bool:
    source = {"sheetId": tab.gid, "dimension": dimension, "startIndex": at, "endIndex": at + 1}
    crowd.editor.change({"moveDimension": {"source": source, "destinationIndex": to}})
    return at != to


def _retitle(crowd: Crowd, tab: Tab, title: str) -> None:
    wanted = {"sheetId": tab.gid, "title": title}
    crowd.editor.change({"updateSheetProperties": {"properties": wanted, "fields": "title"}})


def repair(crowd: Crowd) -> None:
    """What a helpful colleague does: each header once, no merges; rows stay as they are."""
    for tab in crowd.tabs():
        area = tab.area(0, 0, down=len(tab.rows), right=len(tab.headers))
        crowd.editor.change({"unmergeCells": {"range": area}})
    for tab in crowd.tabs():
        _mend_headers(crowd, tab)
    for title in ("Training", "Checklist"):
        strangers = [
            tab
            for tab in crowd.editor.whole()
            if tab["title"] == title and tab["gid"] not in SHEET_IDS.values()
        ]
        for each in strangers:
            crowd.editor.change({"deleteSheet": {"sheetId": each["gid"]}})


def _mend_headers(crowd: Crowd, tab: Tab) -> bool:
    """Put each lost header over the column whose texts were those of it, else over a free one."""
    headers, wanted = tab.headers, HEADERS[tab.gid]
    for header in wanted:
        for again in [at for at, each in enumerate(headers) if each == header][1:]:
            crowd.type_in(tab, tab.top, again, f"Other {crowd.text()}")
    lost = [header for header in wanted if header not in headers]
    renamed = [at for at, each in enumerate(headers) if each.startswith("Renamed ")]
    for header in lost:
        if not renamed:
            _insert(crowd, tab, "COLUMNS", 0)
            crowd.type_in(tab, tab.top, 0, header)
            return True
        best = max(renamed, key=lambda at: _fits(crowd, tab, at, header))
        renamed.remove(best)
        crowd.type_in(tab, tab.top, best, header)
    return bool(lost)


def _fits(crowd: Crowd, tab: Tab, column: int, header: str) -> int:
    """How many keys of ours stand in a column, where the key's header is looked for."""
    if header != KEY:
        return 0
    keys = set(crowd.seen.values())
    cells = (tab.rows[at]["cells"] for at in tab.body)
    return sum("/" in row[column] or row[column] in keys for row in cells if column < len(row))


SHEET_EDITS: dict[str, tuple[Callable[[Crowd], bool], int]] = {
    "sort": (sort, 10),
    "fill in": (fill_in, 20),
    "paste a block": (paste_block, 8),
    "write over a machine cell": (write_over_a_machine_cell, 10),
    "insert a row": (insert_row, 6),
    "insert a row above the header": (insert_row_above_the_header, 1),
    "own row": (own_row, 3),
    "delete a row": (delete_row, 2),
    "duplicate a row": (duplicate_row, 2),
    "drag a row": (drag_row, 5),
    "cut and paste a row": (cut_and_paste_row, 3),
    "move a column": (move_column, 6),
    "hide": (hide, 2),
    "filter": (narrow_the_filter, 2),
    "insert a column": (insert_column, 2),
    "rename a header": (rename_header, 1),
    "name headers again": (name_headers_again, 3),
    "rename a tab": (rename_tab, 2),
    "add a tab": (add_tab, 1),
    "add a formula": (add_formula, 4),
    "merge": (merge, 2),
    "unmerge": (unmerge, 2),
    "edit a key": (edit_key, 2),
}
