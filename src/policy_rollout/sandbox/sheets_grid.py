"""A workbook of the sandbox as records, and what can be done to its grid. Pure.

Rows and columns count from 0. A row keeps its id through sorts and inserts, so that a page that was
opened earlier still edits the row it shows.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Value = str | float | bool
Range = dict[str, int]
"""A GridRange without its sheetId: half-open indexes, a missing one is open."""

DEFAULT_ROWS, DEFAULT_COLUMNS = 1000, 26
OPEN_END = 10_000_000


class Rejected(Exception):
    """A request that cannot be done; the text is Google's `message`."""


@dataclass(slots=True)
class Cell:
    """`rule` is a DataValidationRule and `format` a CellFormat, both as they came.

    `formula` is what stands behind the value, `merge` the number of the merge it is part of.
    """

    value: Value | None = None
    note: str = ""
    format: dict[str, Any] = field(default_factory=dict)
    rule: dict[str, Any] | None = None
    formula: str = ""
    merge: int = 0

    @property
    def is_empty(self) -> bool:
        return self.value is None and not (self.note or self.format or self.rule or self.merge)

    def put(self, value: Value | None, formula: str = "") -> None:
        self.value, self.formula = value, formula


@dataclass(slots=True)
class Row:
    id: int
    cells: list[Cell | None] = field(default_factory=list)

    def at(self, column: int) -> Cell | None:
        return self.cells[column] if column < len(self.cells) else None

    def make(self, column: int) -> Cell:
        """The cell of a column, which is created if it is not there."""
        self.cells.extend([None] * (column + 1 - len(self.cells)))
        cell = self.cells[column]
        if cell is None:
            cell = self.cells[column] = Cell()
        return cell

    @property
    def has_data(self) -> bool:
        return any(cell is not None and cell.value is not None for cell in self.cells)


@dataclass(slots=True)
class Protection:
    id: int
    range: Range
    description: str
    warning_only: bool


@dataclass(slots=True)
class Sheet:
    """`rows` ends where nothing follows; `row_count` and `column_count` say how big the grid is.

    `hidden` holds what people hid, by `ROWS` and `COLUMNS`; the API tells it all the same.
    """

    id: int
    title: str
    row_count: int = DEFAULT_ROWS
    column_count: int = DEFAULT_COLUMNS
    frozen_rows: int = 0
    frozen_columns: int = 0
    rows: list[Row] = field(default_factory=list)
    next_row_id: int = 1
    protections: list[Protection] = field(default_factory=list)
    filter: Range | None = None
    widths: dict[int, int] = field(default_factory=dict)
    is_hidden: bool = False
    hidden: dict[str, list[int]] = field(default_factory=dict)

    def row(self, index: int) -> Row:
        """The row at a place, which is created with all before it if it is not there."""
        while len(self.rows) <= index:
            self.rows.append(self.new_row())
        self.row_count = max(self.row_count, index + 1)
        return self.rows[index]

    def new_row(self) -> Row:
        self.next_row_id += 1
        return Row(self.next_row_id - 1)

    def cell(self, row: int, column: int) -> Cell | None:
        return self.rows[row].at(column) if row < len(self.rows) else None

    @property
    def data_rows(self) -> int:
        """The number of rows up to the last one with data."""
        return next((at for at in range(len(self.rows), 0, -1) if self.rows[at - 1].has_data), 0)

    @property
    def data_columns(self) -> int:
        return max(
            (
                at + 1
                for row in self.rows
                for at, cell in enumerate(row.cells)
                if cell is not None and cell.value is not None
            ),
            default=0,
        )

    def find_row(self, row_id: int) -> int | None:
        return next((at for at, row in enumerate(self.rows) if row.id == row_id), None)

    def is_protected(self, column: int) -> bool:
        return any(column in span(each.range, "Column") for each in self.protections)


@dataclass(slots=True)
class Metadata:
    id: int
    key: str
    value: str
    visibility: str


@dataclass(slots=True)
class Book:
    """A workbook; `is_shared` says whether the service account may open it."""

    id: str
    title: str
    modified_at: datetime
    is_shared: bool = True
    can_edit: bool = True
    sheets: list[Sheet] = field(default_factory=list)
    metadata: list[Metadata] = field(default_factory=list)

    def sheet(self, sheet_id: int) -> Sheet | None:
        return next((each for each in self.sheets if each.id == sheet_id), None)

    def titled(self, title: str) -> Sheet | None:
        return next((each for each in self.sheets if each.title == title), None)


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle inside a sheet's grid; ends are exclusive."""

    sheet: Sheet
    top: int
    bottom: int
    left: int
    right: int

    @property
    def a1(self) -> str:
        plain = re.fullmatch(r"[A-Za-z_]\w*", self.sheet.title)
        name = self.sheet.title if plain else "'" + self.sheet.title.replace("'", "''") + "'"
        start = f"{column_letters(self.left)}{self.top + 1}"
        end = f"{column_letters(self.right - 1)}{self.bottom}"
        return f"{name}!{start}" if start == end else f"{name}!{start}:{end}"


def span(area: Range, dimension: str) -> range:
    """The indexes that a range covers; `dimension` is `Row` or `Column`."""
    start, end = area.get(f"start{dimension}Index", 0), area.get(f"end{dimension}Index", OPEN_END)
    return range(start, end)


def column_letters(column: int) -> str:
    letters = ""
    while column >= 0:
        column, rest = divmod(column, 26)
        letters = chr(ord("A") + rest) + letters
        column -= 1
    return letters


_A1 = re.compile(r"([A-Za-z]{0,3})([0-9]{0,7})(?::([A-Za-z]{0,3})([0-9]{0,7}))?")


def find_area(book: Book, text: str) -> Area | None:
    """The rectangle that an A1 text means, None where it cannot be read or names no sheet."""
    name, mark, rest = text.rpartition("!")
    whole = None if mark else book.titled(_unquoted(text))
    if whole is not None:
        return Area(whole, 0, whole.row_count, 0, whole.column_count)
    sheet = book.titled(_unquoted(name)) if mark else next(iter(book.sheets), None)
    found = _A1.fullmatch(rest)
    if sheet is None or found is None or not any(found.groups()):
        return None
    return _area(sheet, *found.groups())


def _area(
    sheet: Sheet, left: str | None, top: str | None, right: str | None, bottom: str | None
) -> Area:
    is_range = right is not None
    return Area(
        sheet,
        top=int(top) - 1 if top else 0,
        bottom=_end(int(bottom) if bottom else None, int(top) if top else None, is_range=is_range)
        or sheet.row_count,
        left=_column(left) - 1 if left else 0,
        right=_end(
            _column(right) if right else None, _column(left) if left else None, is_range=is_range
        )
        or sheet.column_count,
    )


def _end(end: int | None, start: int | None, *, is_range: bool) -> int | None:
    """The exclusive end: a single cell ends where it starts, `A2:A` is open."""
    return end if is_range else start


def _column(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _unquoted(name: str) -> str:
    if len(name) > 1 and name[0] == name[-1] == "'":
        return name[1:-1].replace("''", "'")
    return name


def sheet_of(book: Book, sheet_id: int) -> Sheet:
    """A tab by its id.

    Raises:
        Rejected: there is none.
    """
    sheet = book.sheet(sheet_id)
    if sheet is None:
        raise Rejected(f"No grid with id: {sheet_id}")
    return sheet


def insert_rows(sheet: Sheet, at: int, count: int) -> None:
    if at < len(sheet.rows):
        sheet.rows[at:at] = [sheet.new_row() for _ in range(count)]
    sheet.row_count += count


def delete_rows(sheet: Sheet, start: int, end: int) -> None:
    del sheet.rows[start:end]
    sheet.row_count -= end - start


def insert_columns(sheet: Sheet, at: int, count: int) -> None:
    for row in sheet.rows:
        if at < len(row.cells):
            row.cells[at:at] = [None] * count
    sheet.column_count += count
    _renumber(sheet, lambda column: column + count if column >= at else column)


def delete_columns(sheet: Sheet, start: int, end: int) -> None:
    for row in sheet.rows:
        del row.cells[start:end]
    sheet.column_count -= end - start
    _renumber(sheet, lambda column: column - max(0, min(column, end) - start))
    sheet.protections = [each for each in sheet.protections if span(each.range, "Column")]


def move_column(sheet: Sheet, source: int, before: int) -> None:
    """Move one column in front of another; `before` counts in the grid as it was."""
    order = [column for column in range(sheet.column_count) if column != source]
    order.insert(before - 1 if before > source else before, source)
    for row in sheet.rows:
        row.cells.extend([None] * (sheet.column_count - len(row.cells)))
        row.cells = [row.cells[column] for column in order]
    places = {column: place for place, column in enumerate(order)}
    for each in sheet.protections:
        if len(covered := span(each.range, "Column")) == 1:
            place = places[covered.start]
            each.range = {**each.range, "startColumnIndex": place, "endColumnIndex": place + 1}


def move_row(sheet: Sheet, source: int, before: int) -> None:
    """Move one row in front of another; `before` counts in the grid as it was."""
    sheet.row(source)
    row = sheet.rows.pop(source)
    while len(sheet.rows) < before - 1:
        sheet.rows.append(sheet.new_row())
    sheet.rows.insert(before - 1 if before > source else before, row)


def sort_rows(sheet: Sheet, start: int, end: int, *, column: int, descending: bool) -> None:
    """Sort as a person does: texts without case, numbers before texts, empty cells last."""
    part = sheet.rows[start:end]
    filled = [row for row in part if _sort_key(row.at(column)) is not None]
    empty = [row for row in part if _sort_key(row.at(column)) is None]
    filled.sort(key=lambda row: _sort_key(row.at(column)) or (0, 0, ""), reverse=descending)
    sheet.rows[start:end] = filled + empty


def _sort_key(cell: Cell | None) -> tuple[int, float, str] | None:
    match cell.value if cell else None:
        case None | "":
            return None
        case str() as text:
            return (1, 0, text.casefold())
        case number:
            return (0, float(number), "")


def _renumber(sheet: Sheet, place: Callable[[int], int]) -> None:
    for each in sheet.protections:
        moved = dict(each.range)
        if "startColumnIndex" in moved:
            moved["startColumnIndex"] = place(moved["startColumnIndex"])
        if "endColumnIndex" in moved:
            moved["endColumnIndex"] = place(moved["endColumnIndex"] - 1) + 1
        each.range = moved


def cells_in(area: Area) -> Iterator[tuple[int, list[Cell | None]]]:
    """The stored cells of an area, row by row; rows beyond the data are left out."""
    for at in range(area.top, min(area.bottom, len(area.sheet.rows))):
        cells = area.sheet.rows[at].cells[area.left : area.right]
        yield at, cells


def shown(cell: Cell | None) -> str:
    """What a person sees in a cell."""
    if cell is None or cell.value is None:
        return ""
    if isinstance(cell.value, bool):
        return "TRUE" if cell.value else "FALSE"
    if isinstance(cell.value, str):
        return cell.value
    if cell.format.get("numberFormat", {}).get("type") == "PERCENT":
        return f"{cell.value * 100:.10g}%"
    return f"{cell.value:.10g}"


_FORMULA = re.compile(r'=\s*(?:"(?P<text>[^"]*)"|(?P<one>\d+(?:\.\d+)?)(?:/(?P<by>[1-9]\d*))?)\s*')


def computed(formula: str) -> Value:
    """The value of `="text"`, `=3` or `=3/4`.

    Raises:
        ValueError: any other formula.
    """
    found = _FORMULA.fullmatch(formula)
    if found is None:
        raise ValueError("the sandbox computes no formulas but a text, a number and a division")
    if found["text"] is not None:
        return found["text"]
    return float(found["one"]) / int(found["by"] or 1)


def type_into(cell: Cell, text: str) -> None:
    """Put in what a person typed: numbers, percentages and truth values are understood.

    Raises:
        ValueError: it is a formula that the sandbox does not compute.
    """
    stripped = text.strip()
    cell.formula = ""
    if stripped.startswith("="):
        cell.put(computed(stripped), stripped)
    elif stripped.upper() in ("TRUE", "FALSE"):
        cell.value = stripped.upper() == "TRUE"
    elif re.fullmatch(r"-?\d+(\.\d+)?%", stripped):
        cell.value = float(stripped[:-1]) / 100
        cell.format = {**cell.format, "numberFormat": {"type": "PERCENT", "pattern": "0%"}}
    elif re.fullmatch(r"-?\d+(\.\d+)?", stripped):
        is_percent = cell.format.get("numberFormat", {}).get("type") == "PERCENT"
        cell.value = float(stripped) / (100 if is_percent else 1)
    else:
        cell.value = text or None
