"""The requests of `spreadsheets.batchUpdate` that the sandbox knows, applied to a workbook. Pure.

https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/request
"""

import copy
from collections.abc import Callable, Sequence
from typing import Any

from policy_rollout.sandbox import sheets_grid as grid
from policy_rollout.sandbox.sheets_edits import EDITS, covered, has_merge_over_rows
from policy_rollout.sandbox.sheets_fields import Mask, parse_mask
from policy_rollout.sandbox.sheets_grid import (
    Book,
    Cell,
    Metadata,
    Protection,
    Rejected,
    Sheet,
    sheet_of,
)

Body = dict[str, Any]


def apply(book: Book, requests: Sequence[Body]) -> tuple[Book, list[Body]]:
    """The workbook after all requests, and a reply to each.

    Raises:
        Rejected: one of them cannot be done; the workbook handed in is untouched.
    """
    changed = copy.deepcopy(book)
    replies = [_apply_one(changed, at, request) for at, request in enumerate(requests)]
    return changed, replies


def _apply_one(book: Book, at: int, request: Body) -> Body:
    if len(request) != 1:
        raise Rejected(f"Invalid requests[{at}]: exactly one kind of request must be set.")
    [(kind, body)] = request.items()
    handler = _HANDLERS.get(kind)
    if handler is None:
        raise Rejected(
            f"Invalid JSON payload received. Unknown name \"{kind}\" at 'requests[{at}]': "
            "Cannot find field (the sandbox knows only what rollouts use)."
        )
    try:
        reply = handler(book, body)
    except Rejected as error:
        raise Rejected(f"Invalid requests[{at}].{kind}: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Rejected(f"Invalid requests[{at}].{kind}: cannot be read ({error!r})") from None
    return {kind: reply} if reply else {}


def _add_sheet(book: Book, body: Body) -> Body:
    given = body.get("properties", {})
    size = given.get("gridProperties", {})
    taken = {each.id for each in book.sheets}
    sheet_id = given.get("sheetId", max(taken, default=0) + 1)
    title = given.get("title", f"Sheet{len(book.sheets) + 1}")
    if sheet_id in taken:
        raise Rejected(f"A sheet with the ID {sheet_id} already exists. Please use another ID.")
    if book.titled(title) is not None:
        raise Rejected(
            f'A sheet with the name "{title}" already exists. Please enter another name.'
        )
    sheet = Sheet(
        sheet_id,
        title,
        row_count=size.get("rowCount", grid.DEFAULT_ROWS),
        column_count=size.get("columnCount", grid.DEFAULT_COLUMNS),
        frozen_rows=size.get("frozenRowCount", 0),
        frozen_columns=size.get("frozenColumnCount", 0),
    )
    book.sheets.insert(given.get("index", len(book.sheets)), sheet)
    return {"properties": sheet_properties(sheet, book.sheets.index(sheet))}


def sheet_properties(sheet: Sheet, index: int) -> Body:
    size = {"rowCount": sheet.row_count, "columnCount": sheet.column_count}
    if sheet.frozen_rows:
        size["frozenRowCount"] = sheet.frozen_rows
    if sheet.frozen_columns:
        size["frozenColumnCount"] = sheet.frozen_columns
    hidden = {"hidden": True} if sheet.is_hidden else {}
    return {
        **hidden,
        "sheetId": sheet.id,
        "title": sheet.title,
        "index": index,
        "sheetType": "GRID",
        "gridProperties": size,
    }


def _update_sheet_properties(book: Book, body: Body) -> Body:
    given = body["properties"]
    sheet = sheet_of(book, given.get("sheetId", 0))
    mask = parse_mask(body["fields"])
    size, size_mask = given.get("gridProperties", {}), mask.below("gridProperties")
    if mask.has("title"):
        namesake = book.titled(given["title"])
        if namesake is not None and namesake is not sheet:
            raise Rejected(
                f'A sheet with the name "{given["title"]}" already exists. Please enter another '
                "name."
            )
        sheet.title = given["title"]
    if mask.has("hidden"):
        sheet.is_hidden = given.get("hidden", False)
    if size_mask and size_mask.has("frozenRowCount"):
        sheet.frozen_rows = size.get("frozenRowCount", 0)
    if size_mask and size_mask.has("frozenColumnCount"):
        sheet.frozen_columns = size.get("frozenColumnCount", 0)
    return {}


def _update_cells(book: Book, body: Body) -> Body:
    start = body.get("start")
    area = body.get("range", {})
    origin = start if start is not None else area
    sheet = sheet_of(book, origin.get("sheetId", 0))
    top = origin.get("rowIndex", area.get("startRowIndex", 0))
    left = origin.get("columnIndex", area.get("startColumnIndex", 0))
    if left >= sheet.column_count or top >= sheet.row_count:
        raise Rejected("Attempting to write outside the grid.")
    _write_rows(sheet, top, left, body.get("rows", []), parse_mask(body["fields"]))
    return {}


def _append_cells(book: Book, body: Body) -> Body:
    sheet = sheet_of(book, body.get("sheetId", 0))
    _write_rows(sheet, sheet.data_rows, 0, body.get("rows", []), parse_mask(body["fields"]))
    return {}


def _write_rows(sheet: Sheet, top: int, left: int, rows: Sequence[Body], mask: Mask) -> None:
    for down, row in enumerate(rows):
        target = sheet.row(top + down)
        for right, given in enumerate(row.get("values", [])):
            if not covered(sheet, top + down, left + right):
                _write_cell(target.make(left + right), given, mask)
        sheet.column_count = max(sheet.column_count, len(target.cells))


def _write_cell(cell: Cell, given: Body, mask: Mask) -> None:
    if mask.has("userEnteredValue"):
        cell.put(*_value(given.get("userEnteredValue", {})))
    if mask.has("note"):
        cell.note = given.get("note", "")
    if mask.has("dataValidation"):
        cell.rule = given.get("dataValidation")
    below = mask.below("userEnteredFormat")
    if below is not None:
        cell.format = below.merged(cell.format, given.get("userEnteredFormat", {}))


def _value(given: Body) -> tuple[grid.Value | None, str]:
    """A value and the formula behind it, if there is one."""
    if "formulaValue" in given:
        return grid.computed(given["formulaValue"]), given["formulaValue"]
    if "numberValue" in given:
        return float(given["numberValue"]), ""
    if "boolValue" in given:
        return bool(given["boolValue"]), ""
    text = given.get("stringValue")
    return None if text is None else str(text), ""


def _repeat_cell(book: Book, body: Body) -> Body:
    mask = parse_mask(body["fields"])
    for cell in _each_cell(book, body["range"]):
        _write_cell(cell, copy.deepcopy(body.get("cell", {})), mask)
    return {}


def _set_data_validation(book: Book, body: Body) -> Body:
    for cell in _each_cell(book, body["range"]):
        cell.rule = copy.deepcopy(body.get("rule"))
    return {}


def _each_cell(book: Book, area: Body) -> list[Cell]:
    sheet = sheet_of(book, area.get("sheetId", 0))
    rows, columns = grid.span(area, "Row"), grid.span(area, "Column")
    return [
        sheet.row(row).make(column)
        for row in range(rows.start, min(rows.stop, sheet.row_count))
        for column in range(columns.start, min(columns.stop, sheet.column_count))
    ]


def _add_protected_range(book: Book, body: Body) -> Body:
    given = body["protectedRange"]
    area = dict(given["range"])
    sheet = sheet_of(book, area.pop("sheetId", 0))
    taken = {each.id for every in book.sheets for each in every.protections}
    made = Protection(
        id=given.get("protectedRangeId", max(taken, default=0) + 1),
        range=area,
        description=given.get("description", ""),
        warning_only=given.get("warningOnly", False),
    )
    if made.id in taken:
        raise Rejected(f"A protected range with ID {made.id} already exists.")
    sheet.protections.append(made)
    return {"protectedRange": protected_range(sheet, made)}


def protected_range(sheet: Sheet, protection: Protection) -> Body:
    return {
        "protectedRangeId": protection.id,
        "range": {"sheetId": sheet.id, **protection.range},
        "description": protection.description,
        "warningOnly": protection.warning_only,
        "requestingUserCanEdit": True,
    }


def _set_basic_filter(book: Book, body: Body) -> Body:
    area = dict(body["filter"]["range"])
    sheet_of(book, area.pop("sheetId", 0)).filter = area
    return {}


def _auto_resize(book: Book, body: Body) -> Body:
    sheet_of(book, body.get("dimensions", {}).get("sheetId", 0))
    return {}


def _update_dimension(book: Book, body: Body) -> Body:
    area = body["range"]
    sheet = sheet_of(book, area.get("sheetId", 0))
    given, is_columns = body.get("properties", {}), area["dimension"] == "COLUMNS"
    size = sheet.column_count if is_columns else sheet.row_count
    places = range(area.get("startIndex", 0), area.get("endIndex", size))
    if is_columns and "pixelSize" in given:
        for column in places:
            sheet.widths[column] = given["pixelSize"]
    if "hiddenByUser" in given:
        others = set(sheet.hidden.get(area["dimension"], ())) - set(places)
        hidden = others | set(places if given["hiddenByUser"] else ())
        sheet.hidden[area["dimension"]] = sorted(hidden)
    return {}


def _create_metadata(book: Book, body: Body) -> Body:
    given = body["developerMetadata"]
    taken = {each.id for each in book.metadata}
    if not given.get("location", {}).get("spreadsheet"):
        raise Rejected("The sandbox keeps developer metadata of whole spreadsheets only.")
    made = Metadata(
        id=given.get("metadataId", max(taken, default=0) + 1),
        key=given["metadataKey"],
        value=given.get("metadataValue", ""),
        visibility=given["visibility"],
    )
    if made.id in taken:
        raise Rejected(f"Developer metadata with ID {made.id} already exists.")
    book.metadata.append(made)
    return {"developerMetadata": developer_metadata(made)}


def developer_metadata(metadata: Metadata) -> Body:
    value = {"metadataValue": metadata.value} if metadata.value else {}
    return {
        "metadataId": metadata.id,
        "metadataKey": metadata.key,
        **value,
        "location": {"locationType": "SPREADSHEET", "spreadsheet": True},
        "visibility": metadata.visibility,
    }


def _delete_dimension(book: Book, body: Body) -> Body:
    sheet, start, end = _dimension(book, body["range"])
    if body["range"]["dimension"] == "ROWS":
        grid.delete_rows(sheet, start, end)
    else:
        grid.delete_columns(sheet, start, end)
    return {}


def _insert_dimension(book: Book, body: Body) -> Body:
    sheet, start, end = _dimension(book, body["range"])
    if body["range"]["dimension"] == "ROWS":
        grid.insert_rows(sheet, start, end - start)
    else:
        grid.insert_columns(sheet, start, end - start)
    return {}


def _move_dimension(book: Book, body: Body) -> Body:
    sheet, start, end = _dimension(book, body["source"])
    if end - start != 1:
        raise Rejected("The sandbox moves one row or column at a time.")
    if body["source"]["dimension"] == "COLUMNS":
        grid.move_column(sheet, start, body["destinationIndex"])
    else:
        grid.move_row(sheet, start, body["destinationIndex"])
    return {}


def _dimension(book: Book, area: Body) -> tuple[Sheet, int, int]:
    sheet = sheet_of(book, area.get("sheetId", 0))
    start, end = area.get("startIndex", 0), area["endIndex"]
    if not 0 <= start < end:
        raise Rejected("startIndex must be less than endIndex.")
    return sheet, start, end


def _sort_range(book: Book, body: Body) -> Body:
    area = body["range"]
    sheet = sheet_of(book, area.get("sheetId", 0))
    rows = grid.span(area, "Row")
    if has_merge_over_rows(sheet, rows):
        raise Rejected("You can't sort a range with vertical merges.")
    for sort in reversed(body["sortSpecs"]):
        grid.sort_rows(
            sheet,
            rows.start,
            rows.stop,
            column=sort.get("dimensionIndex", 0),
            descending=sort.get("sortOrder") == "DESCENDING",
        )
    return {}


_HANDLERS: dict[str, Callable[[Book, Body], Body]] = {
    "addSheet": _add_sheet,
    "updateSheetProperties": _update_sheet_properties,
    "updateCells": _update_cells,
    "appendCells": _append_cells,
    "repeatCell": _repeat_cell,
    "setDataValidation": _set_data_validation,
    "addProtectedRange": _add_protected_range,
    "setBasicFilter": _set_basic_filter,
    "autoResizeDimensions": _auto_resize,
    "updateDimensionProperties": _update_dimension,
    "createDeveloperMetadata": _create_metadata,
    "deleteDimension": _delete_dimension,
    "insertDimension": _insert_dimension,
    "moveDimension": _move_dimension,
    "sortRange": _sort_range,
    **EDITS,
}
