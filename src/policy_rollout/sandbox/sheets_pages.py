"""The sandbox's pages of a workbook: see the tabs, edit a cell, sort, insert and delete rows.

What a page shows is addressed by row id, so that an edit reaches the row that was seen, also when
rows have moved meanwhile.
"""

import copy
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from policy_rollout.sandbox import sheets_grid as grid
from policy_rollout.sandbox.pages import page
from policy_rollout.sandbox.sheets_batch import apply
from policy_rollout.sandbox.sheets_credentials import ACCOUNT_EMAIL
from policy_rollout.sandbox.sheets_edits import merges
from policy_rollout.sandbox.sheets_grid import (
    Book,
    Cell,
    Rejected,
    Row,
    Sheet,
    shown,
    type_into,
)
from policy_rollout.sandbox.sheets_store import BookUnknown, Store

ROWS_A_PAGE = 200
_SEE_OTHER = 303


class _Refused(Exception):
    """The text is for that person."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def page_routes(store: Store) -> list[BaseRoute]:
    pages = _Pages(store)
    book = "/spreadsheets/d/{book}"
    row = f"{book}/tabs/{{gid:int}}/rows/{{row:int}}"
    return [
        Route("/", pages.answering(pages.workbooks)),
        Route("/", pages.answering(pages.new_workbook), methods=["POST"]),
        Route(f"{book}/edit", pages.answering(pages.workbook)),
        Route(f"{book}/tabs", pages.answering(pages.tabs)),
        Route(f"{book}/changes", pages.answering(pages.change), methods=["POST"]),
        Route(f"{book}/sharing", pages.answering(pages.share), methods=["POST"]),
        Route(f"{book}/tabs/{{gid:int}}/sort", pages.answering(pages.sort), methods=["POST"]),
        Route(f"{book}/tabs/{{gid:int}}/move", pages.answering(pages.move), methods=["POST"]),
        Route(f"{row}/cells", pages.answering(pages.write_cells), methods=["POST"]),
        Route(f"{row}/insert", pages.answering(pages.insert_row), methods=["POST"]),
        Route(f"{row}/delete", pages.answering(pages.delete_row), methods=["POST"]),
    ]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request of a person, read to its end."""

    request: Request
    form: FormData

    @property
    def book(self) -> str:
        return str(self.request.path_params["book"])

    @property
    def gid(self) -> int:
        return int(self.request.path_params["gid"])

    @property
    def row(self) -> int:
        return int(self.request.path_params["row"])

    @property
    def root(self) -> str:
        return str(self.request.scope.get("root_path", ""))

    def number(self, name: str) -> int:
        text = str(self.form.get(name, ""))
        if not text.isdecimal():
            raise _Refused(400, f"{name} must be a number, not {text!r}")
        return int(text)

    def back(self) -> Response:
        """To the tab that was shown, with what was searched for."""
        query = {"gid": str(self.gid)}
        if sought := str(self.form.get("q", "")):
            query["q"] = sought
        where = f"{self.root}/spreadsheets/d/{self.book}/edit?{urlencode(query)}"
        return RedirectResponse(where, status_code=_SEE_OTHER)


class _Pages:
    def __init__(self, store: Store) -> None:
        self._store = store

    def answering(self, answer: Callable[[_Asked], Response]) -> Callable[[Request], Any]:
        """An endpoint that shows refusals as a page, or as JSON to a script."""

        async def endpoint(request: Request) -> Response:
            async with request.form() as form:
                return await run_in_threadpool(_answered, answer, _Asked(request, form))

        return endpoint

    def workbooks(self, asked: _Asked) -> Response:
        return page(
            "workbooks.html", root=asked.root, books=self._store.books(), account=ACCOUNT_EMAIL
        )

    def new_workbook(self, asked: _Asked) -> Response:
        title = str(asked.form.get("title", "")).strip()
        if not title:
            raise _Refused(400, "A workbook needs a title.")
        made = self._store.add(title)
        where = f"{asked.root}/spreadsheets/d/{made.id}/edit"
        return RedirectResponse(where, status_code=_SEE_OTHER)

    def workbook(self, asked: _Asked) -> Response:
        book = self._store.book(asked.book)
        query = asked.request.query_params
        gid = query.get("gid", "")
        sheet = book.sheet(int(gid)) if gid.isdecimal() else _first_shown(book)
        if sheet is None:
            raise _Refused(404, f"This workbook has no tab with the id {gid}.")
        sought = query.get("q", "").strip()
        return page(
            "workbook.html",
            root=asked.root,
            account=ACCOUNT_EMAIL,
            book=book,
            sheet=sheet,
            view=_view(sheet, sought, shows_all="all" in query),
            sought=sought,
        )

    def tabs(self, asked: _Asked) -> Response:
        """All cells as JSON, for whoever plays a person by a script."""
        book = self._store.book(asked.book)
        whole = "whole" in asked.request.query_params
        return JSONResponse([_whole(each) if whole else _tab(each) for each in book.sheets])

    def change(self, asked: _Asked) -> Response:
        """What the menus do, as the `requests` of a batchUpdate in JSON: merge, cut, paste, ..."""
        try:
            wanted = json.loads(str(asked.form.get("requests", "")))
            self._store.change(asked.book, lambda book: apply(book, wanted))
        except (ValueError, Rejected) as error:
            raise _Refused(400, str(error)) from None
        where = f"{asked.root}/spreadsheets/d/{asked.book}/edit"
        return RedirectResponse(where, status_code=_SEE_OTHER)

    def share(self, asked: _Asked) -> Response:
        access = str(asked.form.get("access", ""))
        if access not in ("edit", "view", "none"):
            raise _Refused(400, f"access must be edit, view or none, not {access!r}")

        def change(book: Book) -> tuple[Book, None]:
            book.is_shared, book.can_edit = access != "none", access == "edit"
            return book, None

        self._store.change(asked.book, change)
        where = f"{asked.root}/spreadsheets/d/{asked.book}/edit"
        return RedirectResponse(where, status_code=_SEE_OTHER)

    def sort(self, asked: _Asked) -> Response:
        column, order = asked.number("column"), str(asked.form.get("order", "up"))

        def change(sheet: Sheet) -> None:
            top = _header(sheet) + 1
            grid.sort_rows(sheet, top, len(sheet.rows), column=column, descending=order == "down")

        return self._changed(asked, change)

    def move(self, asked: _Asked) -> Response:
        """Move a column in front of another."""
        column, before = asked.number("column"), asked.number("before")

        def change(sheet: Sheet) -> None:
            if max(column, before - 1) >= sheet.column_count:
                raise _Refused(400, "There is no such column.")
            grid.move_column(sheet, column, before)

        return self._changed(asked, change)

    def write_cells(self, asked: _Asked) -> Response:
        """Fields named `cell-COLUMN`, with what was typed."""
        typed = {
            int(name.removeprefix("cell-")): str(text)
            for name, text in asked.form.items()
            if name.startswith("cell-") and name.removeprefix("cell-").isdecimal()
        }
        now: dict[int, str] = {}

        def change(sheet: Sheet) -> None:
            row = sheet.rows[_place(sheet, asked.row)]
            now.update({column: _typed(row.make(column), text) for column, text in typed.items()})

        answer = self._changed(asked, change)
        return JSONResponse(now) if _is_script(asked.request) else answer

    def insert_row(self, asked: _Asked) -> Response:
        """A new row below, with the drop-downs and looks of the one above it."""

        def change(sheet: Sheet) -> None:
            above = _place(sheet, asked.row)
            grid.insert_rows(sheet, above + 1, 1)
            _dress(sheet.row(above + 1), sheet.rows[above])

        return self._changed(asked, change)

    def delete_row(self, asked: _Asked) -> Response:
        def change(sheet: Sheet) -> None:
            at = _place(sheet, asked.row)
            grid.delete_rows(sheet, at, at + 1)

        return self._changed(asked, change)

    def _changed(self, asked: _Asked, change: Callable[[Sheet], None]) -> Response:
        def applied(book: Book) -> tuple[Book, None]:
            sheet = book.sheet(asked.gid)
            if sheet is None:
                raise _Refused(404, f"This workbook has no tab with the id {asked.gid}.")
            change(sheet)
            return book, None

        self._store.change(asked.book, applied)
        return asked.back()


def _answered(answer: Callable[[_Asked], Response], asked: _Asked) -> Response:
    try:
        return answer(asked)
    except BookUnknown:
        refused = _Refused(404, f"There is no workbook with the id {asked.book}.")
    except _Refused as error:
        refused = error
    if _is_script(asked.request):
        return JSONResponse({"problem": str(refused)}, status_code=refused.status)
    return page(
        "workbook_problem.html", status=refused.status, root=asked.root, problem=str(refused)
    )


def _is_script(request: Request) -> bool:
    return "application/json" in request.headers.get("accept", "")


def _first_shown(book: Book) -> Sheet:
    """The first tab with protected columns, which is the first of a program's."""
    return next((sheet for sheet in book.sheets if sheet.protections), book.sheets[0])


def _header(sheet: Sheet) -> int:
    return max(sheet.frozen_rows - 1, 0)


def _place(sheet: Sheet, row_id: int) -> int:
    at = sheet.find_row(row_id)
    if at is None:
        raise _Refused(404, "That row was deleted meanwhile; open the page again.")
    return at


def _typed(cell: Cell, text: str) -> str:
    """Put what a person typed into a cell, held to its drop-down; what the cell shows then."""
    words = _words(cell)
    if words and text and text not in words:
        raise _Refused(400, f"{text!r} is not in the list; choose one of: {', '.join(words)}")
    try:
        type_into(cell, text)
    except ValueError as error:
        raise _Refused(400, f"This cannot be saved: {error}.") from None
    return shown(cell)


def _words(cell: Cell | None) -> tuple[str, ...]:
    condition = (cell.rule or {}).get("condition", {}) if cell else {}
    return tuple(each["userEnteredValue"] for each in condition.get("values", []))


def _dress(new: Row, above: Row) -> None:
    for column, cell in enumerate(above.cells):
        if cell is not None and (cell.format or cell.rule):
            new.cells.extend([None] * (column + 1 - len(new.cells)))
            new.cells[column] = Cell(format=copy.deepcopy(cell.format), rule=copy.copy(cell.rule))


@dataclass(frozen=True, slots=True)
class _Column:
    at: int
    title: str
    note: str
    is_machine: bool
    width: int | None


@dataclass(frozen=True, slots=True)
class _Shown:
    text: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    id: int
    cells: tuple[_Shown, ...]


@dataclass(frozen=True, slots=True)
class _View:
    """A tab as the page shows it; `counts` says how often each word of a drop-down is chosen."""

    columns: tuple[_Column, ...]
    lines: tuple[_Line, ...]
    found: int
    counts: tuple[tuple[str, int], ...]

    @property
    def has_machine_columns(self) -> bool:
        return any(column.is_machine for column in self.columns)


def _view(sheet: Sheet, sought: str, *, shows_all: bool) -> _View:
    header = _header(sheet)
    columns = tuple(_column(sheet, header, at) for at in range(max(sheet.data_columns, 1)))
    lines = [
        _Line(at + 1, sheet.rows[at].id, tuple(_shown(sheet.rows[at].at(c.at)) for c in columns))
        for at in range(header + 1, len(sheet.rows))
    ]
    found = [
        line
        for line in lines
        if any(sought.casefold() in cell.text.casefold() for cell in line.cells)
    ]
    return _View(
        columns,
        tuple(found if shows_all else found[:ROWS_A_PAGE]),
        len(found),
        _counts(found),
    )


def _column(sheet: Sheet, header: int, at: int) -> _Column:
    cell = sheet.cell(header, at)
    note = cell.note if cell else ""
    return _Column(at, shown(cell), note, sheet.is_protected(at), sheet.widths.get(at))


def _shown(cell: Cell | None) -> _Shown:
    return _Shown(shown(cell), _words(cell))


def _counts(lines: list[_Line]) -> tuple[tuple[str, int], ...]:
    chosen = [cell for line in lines for cell in line.cells if cell.words]
    words = dict.fromkeys(word for cell in chosen for word in cell.words)
    count = Counter(cell.text for cell in chosen)
    return tuple((word, count[word]) for word in words)


def _tab(sheet: Sheet) -> dict[str, Any]:
    header = _header(sheet)
    width = range(sheet.data_columns)
    return {
        "gid": sheet.id,
        "title": sheet.title,
        "headers": [shown(sheet.cell(header, at)) for at in width],
        "rows": [
            {"id": row.id, "cells": [shown(row.at(at)) for at in width]}
            for row in sheet.rows[header + 1 :]
        ],
    }


def _whole(sheet: Sheet) -> dict[str, Any]:
    """Every row from the first, with what was typed in, a formula as such; and what is merged."""
    width = range(sheet.data_columns)
    return {
        "gid": sheet.id,
        "title": sheet.title,
        "merges": list(merges(sheet).values()),
        "rows": [
            {"id": row.id, "cells": [_entered(row.at(at)) for at in width]} for row in sheet.rows
        ],
    }


def _entered(cell: Cell | None) -> str:
    return (cell.formula if cell else "") or shown(cell)
