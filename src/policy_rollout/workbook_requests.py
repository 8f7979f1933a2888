"""The Training and Checklist tabs: their address and their `batchUpdate` requests. Pure.

https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/request
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, groupby, islice
from typing import Any
from urllib.parse import quote

from policy_rollout.desired import DesiredRow, Tab
from policy_rollout.workbook_layout import (
    COLUMNS,
    COMPLETED,
    HUMAN,
    KEY,
    MACHINE,
    STATUS,
    STATUS_WORDS,
    Grid,
    first_texts,
)

Request = dict[str, Any]

SHEET_IDS: dict[Tab, int] = {Tab.TRAINING: 740_201, Tab.CHECKLIST: 740_202}
"""Chosen by us, so that a tab that was asked for twice is still made once."""

APPEND_METADATA = "rollout-append"
FIRST_APPEND_ID = 740_300_000

_WIDTHS = {"Material": 320, "Item": 380, "Message": 240, "Notes": 240, KEY: 60}
_GREY_CELL = {
    "backgroundColorStyle": {"rgbColor": {"red": 0.95, "green": 0.95, "blue": 0.95}},
    "textFormat": {"foregroundColorStyle": {"rgbColor": {"red": 0.3, "green": 0.3, "blue": 0.3}}},
}
_MACHINE_NOTE = "Kept up to date by policy-rollout: what is written here is replaced."
_HUMAN_NOTES = {
    STATUS: "Yours to fill in. One of: " + ", ".join(STATUS_WORDS) + ".",
    COMPLETED: "Yours to fill in: how many of the people have finished, from 0% to 100%.",
    "Notes": "Yours to fill in. 'Not applicable' needs a word here on why.",
}


@dataclass(frozen=True, slots=True)
class CellChange:
    """A cell that should read otherwise; `row` and `column` count from 0.

    A machine cell gets a text; a cell that was hit by mistake gets back what was `entered`.
    """

    row: int
    column: int
    text: str = ""
    entered: Request | None = None

    @property
    def cell(self) -> Request:
        if self.entered is None:
            return raw_cell(self.text)
        return {"userEnteredValue": self.entered} if self.entered else {}


def workbook_url(site: str, workbook: str, tab: Tab | None = None) -> str:
    """Where people open a workbook, or one of its tabs; an empty site is Google."""
    host = site.rstrip("/") or "https://docs.google.com"
    address = f"{host}/spreadsheets/d/{quote(workbook)}/edit"
    return address if tab is None else f"{address}?gid={SHEET_IDS[tab]}#gid={SHEET_IDS[tab]}"


def new_tab(tab: Tab) -> Iterator[Request]:
    """A tab with its header, notes, widths, filter and protections."""
    sheet_id, headers = SHEET_IDS[tab], COLUMNS[tab]
    size = {
        "rowCount": 1000,
        "columnCount": len(headers),
        "frozenRowCount": 1,
        "frozenColumnCount": 1,
    }
    yield {
        "addSheet": {
            "properties": {"sheetId": sheet_id, "title": tab.value, "gridProperties": size}
        }
    }
    yield {
        "updateCells": {
            "start": {"sheetId": sheet_id, "rowIndex": 0, "columnIndex": 0},
            "rows": [{"values": [_header_cell(tab, header) for header in headers]}],
            "fields": "userEnteredValue,userEnteredFormat,note",
        }
    }
    for at, header in enumerate(headers):
        if header in MACHINE[tab]:
            yield _protection(sheet_id, at)
        if header in _WIDTHS:
            yield _width(sheet_id, at, _WIDTHS[header])
    area = {"sheetId": sheet_id, "startRowIndex": 0, "endColumnIndex": len(headers)}
    yield {"setBasicFilter": {"filter": {"range": {**area, "startColumnIndex": 0}}}}


def _header_cell(tab: Tab, header: str) -> Request:
    grey = _GREY_CELL if header in MACHINE[tab] else {}
    return {
        "userEnteredValue": {"stringValue": header},
        "userEnteredFormat": {**grey, "textFormat": {"bold": True}},
        "note": _HUMAN_NOTES[header] if header in HUMAN[tab] else _MACHINE_NOTE,
    }


def _protection(sheet_id: int, column: int) -> Request:
    """Warns whoever edits a machine column; a hard protection would keep people from sorting."""
    area = {"sheetId": sheet_id, "startColumnIndex": column, "endColumnIndex": column + 1}
    return {
        "addProtectedRange": {
            "protectedRange": {"range": area, "description": _MACHINE_NOTE, "warningOnly": True}
        }
    }


def _width(sheet_id: int, column: int, pixels: int) -> Request:
    area = {"dimension": "COLUMNS", "startIndex": column, "endIndex": column + 1}
    return {
        "updateDimensionProperties": {
            "range": {"sheetId": sheet_id, **area},
            "properties": {"pixelSize": pixels},
            "fields": "pixelSize",
        }
    }


def append_number(number: int) -> Request:
    """Takes a number of the workbook's appends: of two batches with the same, one is refused."""
    return {
        "createDeveloperMetadata": {
            "developerMetadata": {
                "metadataId": FIRST_APPEND_ID + number,
                "metadataKey": APPEND_METADATA,
                "location": {"spreadsheet": True},
                "visibility": "DOCUMENT",
            }
        }
    }


def append(sheet_id: int, grid: Grid, rows: Sequence[DesiredRow]) -> Iterator[Request]:
    """Rows after the last one with data, in the columns as they stand, with their looks.

    A row in which people have merged a cell away is left empty: a text of ours would be lost there.
    """
    merged = {at for at, _ in grid.covered}
    free = (at for at in count(grid.end) if at not in merged)
    places = dict(zip(islice(free, len(rows)), rows, strict=True))
    below = range(grid.end, max(places) + 1)
    yield {
        "appendCells": {
            "sheetId": sheet_id,
            "rows": [
                {"values": _new_cells(grid, places[at])} if at in places else {} for at in below
            ],
            "fields": "userEnteredValue,userEnteredFormat.numberFormat",
        }
    }
    for start, end in _runs(places):
        yield from looks(sheet_id, grid, start, end)


def looks(sheet_id: int, grid: Grid, start: int, end: int) -> Iterator[Request]:
    """Grey machine cells and the drop-down of new rows, and of no others."""
    rows, columns = {"startRowIndex": start, "endRowIndex": end}, grid.columns
    for left, right in _runs(columns[name] for name in MACHINE[grid.tab]):
        yield _greyed(_area(sheet_id, rows, left, right), _GREY_CELL)
    status = columns[STATUS]
    yield _drop_down(_area(sheet_id, rows, status, status + 1))


def plain(sheet_id: int, grid: Grid, start: int, end: int) -> Iterator[Request]:
    """Takes the looks of these rows away again, in all columns."""
    rows = {"startRowIndex": start, "endRowIndex": end}
    area = _area(sheet_id, rows, 0, len(grid.headers))
    yield _greyed(area, {})
    yield {"setDataValidation": {"range": area}}


def _new_cells(grid: Grid, row: DesiredRow) -> list[Request]:
    """Also the percentage of a cell to be filled in: its reading must not depend on its place."""
    texts, columns = first_texts(row), grid.columns
    cells: list[Request] = [{} for _ in range(max(columns.values()) + 1)]
    for header, text in texts.items():
        cells[columns[header]] = raw_cell(text)
    if COMPLETED in HUMAN[grid.tab]:
        percent = {"numberFormat": {"type": "PERCENT", "pattern": "0%"}}
        cells[columns[COMPLETED]] = {"userEnteredFormat": percent}
    while cells and not cells[-1]:
        cells.pop()
    return cells


def raw_cell(text: str) -> Request:
    """A cell that holds exactly this text, also where it starts with `=`."""
    return {"userEnteredValue": {"stringValue": text}} if text else {}


def _area(sheet_id: int, rows: dict[str, int], start: int, end: int) -> dict[str, int]:
    return {"sheetId": sheet_id, **rows, "startColumnIndex": start, "endColumnIndex": end}


def _greyed(area: dict[str, int], cell_format: Request) -> Request:
    fields = f"userEnteredFormat({','.join(_GREY_CELL)})"
    return {
        "repeatCell": {"range": area, "cell": {"userEnteredFormat": cell_format}, "fields": fields}
    }


def _drop_down(area: dict[str, int]) -> Request:
    words = [{"userEnteredValue": word} for word in STATUS_WORDS]
    rule = {
        "condition": {"type": "ONE_OF_LIST", "values": words},
        "strict": True,
        "showCustomUi": True,
    }
    return {"setDataValidation": {"range": area, "rule": rule, "filteredRowsIncluded": True}}


def _runs(places: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Neighbouring places as half-open ranges."""
    ordered = enumerate(sorted(places))
    for _, group in groupby(ordered, key=lambda pair: pair[1] - pair[0]):
        run = [place for _, place in group]
        yield run[0], run[-1] + 1


def rewrite(sheet_id: int, changes: Sequence[CellChange]) -> Iterator[Request]:
    """One request for each run of neighbouring cells of a row."""
    ordered = sorted(changes, key=lambda change: (change.row, change.column))
    numbered = enumerate(ordered)
    for _, group in groupby(numbered, key=lambda pair: (pair[1].row, pair[1].column - pair[0])):
        run = [change for _, change in group]
        start = {"sheetId": sheet_id, "rowIndex": run[0].row, "columnIndex": run[0].column}
        yield {
            "updateCells": {
                "start": start,
                "rows": [{"values": [change.cell for change in run]}],
                "fields": "userEnteredValue",
            }
        }
