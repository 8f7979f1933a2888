"""Workbooks as the JSON of Sheets v4 and Drive v3, and Google's way to say no. Pure."""

from typing import Any
from urllib.parse import parse_qs

from policy_rollout.sandbox.sheets_batch import (
    developer_metadata,
    protected_range,
    sheet_properties,
)
from policy_rollout.sandbox.sheets_edits import merges
from policy_rollout.sandbox.sheets_fields import Mask
from policy_rollout.sandbox.sheets_grid import (
    Area,
    Book,
    Cell,
    Sheet,
    Value,
    cells_in,
    find_area,
    shown,
)

Json = dict[str, Any]

SPREADSHEET_TYPE = "application/vnd.google-apps.spreadsheet"


class Refused(Exception):
    """An error answer of Google's."""

    def __init__(self, code: int, status: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.message = message

    def body(self) -> Json:
        return {"error": {"code": self.code, "message": self.message, "status": self.status}}


def bad_request(message: str) -> Refused:
    return Refused(400, "INVALID_ARGUMENT", message)


def area_of(book: Book, text: str) -> Area:
    """The rectangle of an A1 text.

    Raises:
        Refused: it names no sheet of this workbook, or lies outside the grid.
    """
    area = find_area(book, text)
    if area is None:
        raise bad_request(f"Unable to parse range: {text}")
    sheet = area.sheet
    if area.top >= sheet.row_count or area.left >= sheet.column_count:
        raise bad_request(
            f"Range ({area.a1}) exceeds grid limits. Max rows: {sheet.row_count}, "
            f"max columns: {sheet.column_count}"
        )
    bottom, right = min(area.bottom, sheet.row_count), min(area.right, sheet.column_count)
    return Area(sheet, area.top, bottom, area.left, right)


def value_range(area: Area, render: str, dimension: str = "ROWS") -> Json:
    """The values of an area, without empty rows and cells at its end."""
    rows = [[_rendered(cell, render) for cell in cells] for _, cells in cells_in(area)]
    if dimension == "COLUMNS":
        width = max((len(row) for row in rows), default=0)
        rows = [[row[at] if at < len(row) else "" for row in rows] for at in range(width)]
    rows = _trimmed(rows)
    values = {"values": rows} if rows else {}
    return {"range": area.a1, "majorDimension": dimension, **values}


def _rendered(cell: Cell | None, render: str) -> Value:
    if render == "FORMATTED_VALUE":
        return shown(cell)
    if render == "FORMULA" and cell is not None and cell.formula:
        return cell.formula
    return "" if cell is None or cell.value is None else cell.value


def _trimmed(rows: list[list[Value]]) -> list[list[Value]]:
    for row in rows:
        while row and row[-1] == "":
            row.pop()
    while rows and not rows[-1]:
        rows.pop()
    return rows


def spreadsheet(book: Book, base_url: str, *, areas: tuple[Area, ...] = (), mask: Mask) -> Json:
    """A Spreadsheet; grid data is there only where areas are given, and only theirs."""
    whole = {
        "spreadsheetId": book.id,
        "properties": {
            "title": book.title,
            "locale": "en_US",
            "autoRecalc": "ON_CHANGE",
            "timeZone": "Etc/GMT",
        },
        "sheets": [
            _sheet(each, at, tuple(area for area in areas if area.sheet is each))
            for at, each in enumerate(book.sheets)
            if not areas or any(area.sheet is each for area in areas)
        ],
        "spreadsheetUrl": f"{base_url}/spreadsheets/d/{book.id}/edit",
    }
    if book.metadata:
        whole["developerMetadata"] = [developer_metadata(each) for each in book.metadata]
    picked: Json = mask.pick(whole)
    return picked


def _sheet(sheet: Sheet, index: int, areas: tuple[Area, ...]) -> Json:
    whole: Json = {"properties": sheet_properties(sheet, index)}
    if areas:
        whole["data"] = [_grid_data(area) for area in areas]
    if joined := merges(sheet):
        whole["merges"] = [{"sheetId": sheet.id, **area} for area in joined.values()]
    if sheet.protections:
        whole["protectedRanges"] = [protected_range(sheet, each) for each in sheet.protections]
    if sheet.filter is not None:
        whole["basicFilter"] = {"range": {"sheetId": sheet.id, **sheet.filter}}
    return whole


def _grid_data(area: Area) -> Json:
    start = {"startRow": area.top, "startColumn": area.left}
    rows = [{"values": [_cell(cell) for cell in cells]} for _, cells in cells_in(area)]
    return {**{name: at for name, at in start.items() if at}, **({"rowData": rows} if rows else {})}


def _cell(cell: Cell | None) -> Json:
    if cell is None:
        return {}
    whole: Json = {}
    if cell.value is not None:
        whole["userEnteredValue"] = whole["effectiveValue"] = _extended(cell.value)
        if cell.formula:
            whole["userEnteredValue"] = {"formulaValue": cell.formula}
        whole["formattedValue"] = shown(cell)
    if cell.format:
        whole["userEnteredFormat"] = cell.format
    if cell.rule:
        whole["dataValidation"] = cell.rule
    if cell.note:
        whole["note"] = cell.note
    return whole


def _extended(value: Value) -> Json:
    match value:
        case bool():
            return {"boolValue": value}
        case str():
            return {"stringValue": value}
        case _:
            return {"numberValue": value}


def drive_file(book: Book) -> Json:
    moment = book.modified_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "kind": "drive#file",
        "id": book.id,
        "name": book.title,
        "mimeType": SPREADSHEET_TYPE,
        "modifiedTime": moment,
        "capabilities": {"canEdit": book.can_edit},
    }


def query_list(query: bytes) -> dict[str, list[str]]:
    """A query string as Google reads it: names may repeat."""
    return parse_qs(query.decode(), keep_blank_values=True)
