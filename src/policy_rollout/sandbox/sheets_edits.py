"""What people do to a grid beside typing: merge, copy, cut and paste, duplicate, delete tabs. Pure.

As requests of `spreadsheets.batchUpdate`, which is what the menus of a workbook send.
https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/request
"""

import copy
from collections.abc import Callable, Iterator
from typing import Any

from policy_rollout.sandbox.sheets_grid import (
    OPEN_END,
    Book,
    Cell,
    Range,
    Rejected,
    Sheet,
    sheet_of,
    span,
    type_into,
)

Body = dict[str, Any]


def merges(sheet: Sheet) -> dict[int, Range]:
    """Each merge by its number, as the rectangle around its cells; one of a single cell is none."""
    places: dict[int, list[tuple[int, int]]] = {}
    for down, row in enumerate(sheet.rows):
        for right, cell in enumerate(row.cells):
            if cell is not None and cell.merge:
                places.setdefault(cell.merge, []).append((down, right))
    return {
        number: {
            "startRowIndex": min(down for down, _ in cells),
            "endRowIndex": max(down for down, _ in cells) + 1,
            "startColumnIndex": min(right for _, right in cells),
            "endColumnIndex": max(right for _, right in cells) + 1,
        }
        for number, cells in places.items()
        if len(cells) > 1
    }


def covered(sheet: Sheet, row: int, column: int) -> bool:
    """Whether a cell is hidden under the first one of its merge: nothing can be written there."""
    cell = sheet.cell(row, column)
    if cell is None or not cell.merge:
        return False
    area = merges(sheet).get(cell.merge)
    first = (row, column)
    return area is not None and first != (area["startRowIndex"], area["startColumnIndex"])


def has_merge_over_rows(sheet: Sheet, rows: range) -> bool:
    return any(
        area["endRowIndex"] - area["startRowIndex"] > 1 and area["startRowIndex"] in rows
        for area in merges(sheet).values()
    )


def _merge_cells(book: Book, body: Body) -> Body:
    """Only the value of the first cell stays."""
    if body.get("mergeType", "MERGE_ALL") != "MERGE_ALL":
        raise Rejected("The sandbox merges whole ranges only.")
    sheet, area = _found(book, body["range"])
    cells = [sheet.row(down).make(right) for down, right in _places(area)]
    if any(cell.merge in merges(sheet) for cell in cells):
        raise Rejected("You can't merge cells that are merged already.")
    number = 1 + max((cell.merge for row in sheet.rows for cell in row.cells if cell), default=0)
    for at, cell in enumerate(cells):
        cell.merge = number
        if at:
            cell.put(None)
    return {}


def _unmerge_cells(book: Book, body: Body) -> Body:
    sheet, area = _found(book, body["range"])
    for down, right in _places(area):
        if (cell := sheet.cell(down, right)) is not None:
            cell.merge = 0
    return {}


def _delete_sheet(book: Book, body: Body) -> Body:
    sheet = sheet_of(book, body["sheetId"])
    if len(book.sheets) == 1:
        raise Rejected("You can't remove all the sheets in a document.")
    book.sheets.remove(sheet)
    return {}


def _duplicate_sheet(book: Book, body: Body) -> Body:
    source = sheet_of(book, body["sourceSheetId"])
    made = copy.deepcopy(source)
    made.id = body.get("newSheetId", max(each.id for each in book.sheets) + 1)
    made.title = body.get("newSheetName", f"Copy of {source.title}")
    if book.sheet(made.id) is not None or book.titled(made.title) is not None:
        raise Rejected(f'A sheet with the name "{made.title}" or that ID already exists.')
    taken = max((each.id for every in book.sheets for each in every.protections), default=0)
    for at, each in enumerate(made.protections, start=1):
        each.id = taken + at
    book.sheets.insert(body.get("insertSheetIndex", len(book.sheets)), made)
    properties = {"sheetId": made.id, "title": made.title, "index": book.sheets.index(made)}
    return {"properties": {**properties, "sheetType": "GRID"}}


def _copy_paste(book: Book, body: Body) -> Body:
    """One copy of the source; of a destination only its first cell is looked at."""
    cells = _taken(book, body["source"])
    _put_down(book, body["destination"], cells, _paste_type(body))
    return {}


def _cut_paste(book: Book, body: Body) -> Body:
    cells = _taken(book, body["source"])
    sheet, area = _found(book, body["source"])
    for down, right in _places(area):
        sheet.row(down).make(right).put(None)
    where = body["destination"]
    start = {
        "sheetId": where.get("sheetId", 0),
        "startRowIndex": where.get("rowIndex", 0),
        "startColumnIndex": where.get("columnIndex", 0),
    }
    _put_down(book, start, cells, _paste_type(body))
    return {}


def _paste_type(body: Body) -> str:
    kind = str(body.get("pasteType", "PASTE_NORMAL"))
    if kind not in {"PASTE_NORMAL", "PASTE_VALUES"}:
        raise Rejected("The sandbox pastes everything, or values only.")
    return kind


def _taken(book: Book, source: Body) -> list[list[Cell]]:
    sheet, area = _found(book, source)
    rows, columns = span(area, "Row"), span(area, "Column")
    return [
        [copy.deepcopy(sheet.cell(down, right) or Cell()) for right in columns] for down in rows
    ]


def _put_down(book: Book, where: Body, cells: list[list[Cell]], kind: str) -> None:
    sheet = sheet_of(book, where.get("sheetId", 0))
    top, left = where.get("startRowIndex", 0), where.get("startColumnIndex", 0)
    for down, row in enumerate(cells, start=top):
        for right, source in enumerate(row, start=left):
            if covered(sheet, down, right):
                continue
            target = sheet.row(down).make(right)
            if kind == "PASTE_VALUES":
                target.put(source.value)
            else:
                target.put(source.value, source.formula)
                target.note, target.rule, target.format = source.note, source.rule, source.format
        sheet.column_count = max(sheet.column_count, left + len(row))


def _paste_data(book: Book, body: Body) -> Body:
    """Text as from a clipboard: no drop-down holds it back."""
    where = body["coordinate"]
    sheet = sheet_of(book, where.get("sheetId", 0))
    top, left = where.get("rowIndex", 0), where.get("columnIndex", 0)
    for down, line in enumerate(body["data"].split("\n"), start=top):
        for right, text in enumerate(line.split(body["delimiter"]), start=left):
            if not covered(sheet, down, right):
                type_into(sheet.row(down).make(right), text)
    return {}


def _found(book: Book, area: Body) -> tuple[Sheet, Range]:
    """A tab and a range of it that is closed on all sides."""
    sheet = sheet_of(book, area.get("sheetId", 0))
    rows, columns = span(area, "Row"), span(area, "Column")
    return sheet, {
        "startRowIndex": rows.start,
        "endRowIndex": rows.stop if rows.stop < OPEN_END else sheet.data_rows,
        "startColumnIndex": columns.start,
        "endColumnIndex": columns.stop if columns.stop < OPEN_END else sheet.column_count,
    }


def _places(area: Range) -> Iterator[tuple[int, int]]:
    for down in span(area, "Row"):
        for right in span(area, "Column"):
            yield down, right


EDITS: dict[str, Callable[[Book, Body], Body]] = {
    "mergeCells": _merge_cells,
    "unmergeCells": _unmerge_cells,
    "deleteSheet": _delete_sheet,
    "duplicateSheet": _duplicate_sheet,
    "copyPaste": _copy_paste,
    "cutPaste": _cut_paste,
    "pasteData": _paste_data,
}
