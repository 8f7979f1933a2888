"""The part of Sheets v4 and Drive v3 that rollouts use, over HTTP, with the token endpoint.

Answers have the shapes of Google's discovery documents. The signature of a token request is not
checked: everybody on loopback may come in.
"""

import base64
import binascii
import json
import re
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from policy_rollout.sandbox.sheets_batch import apply
from policy_rollout.sandbox.sheets_credentials import ACCOUNT_EMAIL, write_credentials
from policy_rollout.sandbox.sheets_edits import covered
from policy_rollout.sandbox.sheets_fields import Mask, parse_mask
from policy_rollout.sandbox.sheets_grid import Area, Book, Rejected, type_into
from policy_rollout.sandbox.sheets_pages import page_routes
from policy_rollout.sandbox.sheets_store import TOKEN_SECONDS, WORKBOOK, BookUnknown, Store
from policy_rollout.sandbox.sheets_wire import (
    SPREADSHEET_TYPE,
    Json,
    Refused,
    area_of,
    bad_request,
    drive_file,
    spreadsheet,
    value_range,
)
from policy_rollout.sandbox.state import sandbox_of

__all__ = ["ACCOUNT_EMAIL", "WORKBOOK", "routes", "write_credentials"]

_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_RENDERS = ("FORMATTED_VALUE", "UNFORMATTED_VALUE", "FORMULA")


def routes(engine: Engine) -> list[BaseRoute]:
    """Everything below /sheets: the APIs, the token endpoint and the pages."""
    api = _Api(Store(engine))
    book = "/v4/spreadsheets/{book}"
    return [
        Route("/token", api.token, methods=["POST"]),
        Route(f"{book}:batchUpdate", api.guarded(_batch_update), methods=["POST"]),
        Route(f"{book}/values:batchGet", api.guarded(_values_batch_get)),
        Route(f"{book}/values:batchUpdate", api.guarded(_values_batch_update), methods=["POST"]),
        Route(f"{book}/values/{{range:path}}", api.guarded(_values_get)),
        Route(f"{book}/values/{{range:path}}", api.guarded(_values_update), methods=["PUT"]),
        Route(book, api.guarded(_spreadsheet_get)),
        Route("/drive/v3/files", api.guarded(_files_list)),
        Route("/drive/v3/files/{book}", api.guarded(_files_get)),
        *page_routes(api.store),
    ]


class _Call:
    """One authorised request: its store, path, query and JSON body."""

    def __init__(self, store: Store, request: Request, body: Json) -> None:
        self.store = store
        self.path = request.path_params
        self.query = request.query_params
        self.body = body
        self.base_url = str(request.base_url).rstrip("/")

    @property
    def book_id(self) -> str:
        return str(self.path["book"])

    def book(self) -> Book:
        """The workbook of the path, if the service account may open it."""
        return _opened(self.store.book(self.book_id))

    def change(self, change: Callable[[Book], tuple[Book, Any]]) -> Any:
        return self.store.change(self.book_id, lambda book: change(_writable(_opened(book))))

    @property
    def mask(self) -> Mask:
        try:
            return parse_mask(self.query["fields"]) if "fields" in self.query else Mask()
        except ValueError:
            raise bad_request("Request contains an invalid argument: fields.") from None


class _Api:
    def __init__(self, store: Store) -> None:
        self.store = store

    def guarded(self, answer: Callable[[_Call], Json]) -> Callable[[Request], Any]:
        """An endpoint that checks the token and turns refusals into Google's error bodies."""

        async def endpoint(request: Request) -> Response:
            content = await request.body()
            return await run_in_threadpool(self._answered, answer, request, content)

        return endpoint

    def _answered(
        self, answer: Callable[[_Call], Json], request: Request, content: bytes
    ) -> Response:
        try:
            self._authorise(request)
            _count(request)
            return JSONResponse(answer(_Call(self.store, request, _parsed(content))))
        except Refused as refused:
            return JSONResponse(refused.body(), status_code=refused.code)
        except Rejected as rejected:
            refusal = bad_request(str(rejected))
            return JSONResponse(refusal.body(), status_code=refusal.code)
        except BookUnknown:
            message = "Requested entity was not found."
            return JSONResponse(Refused(404, "NOT_FOUND", message).body(), status_code=404)

    def _authorise(self, request: Request) -> None:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if not kind:
            raise Refused(
                403,
                "PERMISSION_DENIED",
                "Method doesn't allow unregistered callers (callers without established identity).",
            )
        if kind.lower() != "bearer" or not self.store.knows_token(token):
            raise Refused(
                401,
                "UNAUTHENTICATED",
                "Request had invalid authentication credentials. Expected OAuth 2 access token, "
                "login cookie or other valid authentication credential.",
            )

    async def token(self, request: Request) -> Response:
        async with request.form() as form:
            grant, assertion = str(form.get("grant_type")), str(form.get("assertion"))
        if grant != _GRANT:
            return _token_error("unsupported_grant_type", f"Invalid grant_type: {grant}")
        if _claims(assertion).get("iss") != ACCOUNT_EMAIL:
            return _token_error("invalid_grant", "Invalid grant: account not found")
        token = await run_in_threadpool(self.store.issue_token)
        return JSONResponse(
            {"access_token": token, "expires_in": TOKEN_SECONDS, "token_type": "Bearer"}
        )


def _count(request: Request) -> None:
    """Refuse a call of Sheets that its quota does not allow; Drive and token have none here."""
    state = sandbox_of(request)
    if state.behaviour.sheets_quota and "/v4/spreadsheets/" in request.url.path:
        kind = "Read" if request.method == "GET" else "Write"
        most, seconds = state.behaviour.sheets_quota, state.behaviour.sheets_minute_seconds
        state.quota.admit(kind, most, seconds, time.monotonic())


def _token_error(error: str, text: str) -> Response:
    return JSONResponse({"error": error, "error_description": text}, status_code=400)


def _claims(assertion: str) -> Json:
    """What a JWT says; empty where it is none."""
    parts = assertion.split(".")
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "==")) if len(parts) == 3 else {}  # noqa: PLR2004 - header, claims, signature
    except (binascii.Error, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _parsed(content: bytes) -> Json:
    try:
        body = json.loads(content) if content else {}
    except ValueError:
        raise bad_request("Invalid JSON payload received.") from None
    if not isinstance(body, dict):
        raise bad_request("Invalid JSON payload received. Root element must be a message.")
    return body


def _opened(book: Book) -> Book:
    if not book.is_shared:
        raise Refused(403, "PERMISSION_DENIED", "The caller does not have permission")
    return book


def _writable(book: Book) -> Book:
    if not book.can_edit:
        raise Refused(403, "PERMISSION_DENIED", "The caller does not have permission")
    return book


def _spreadsheet_get(call: _Call) -> Json:
    book, mask = call.book(), call.mask
    ranges = call.query.getlist("ranges")
    has_mask = "fields" in call.query
    wants_data = _asks_for_data(mask) if has_mask else call.query.get("includeGridData") == "true"
    areas = _areas(book, ranges) if wants_data else ()
    return spreadsheet(book, call.base_url, areas=areas, mask=mask)


def _asks_for_data(mask: Mask) -> bool:
    sheets = mask.below("sheets")
    return sheets is not None and sheets.below("data") is not None


def _areas(book: Book, ranges: list[str]) -> tuple[Area, ...]:
    if ranges:
        return tuple(area_of(book, text) for text in ranges)
    return tuple(Area(sheet, 0, sheet.row_count, 0, sheet.column_count) for sheet in book.sheets)


def _batch_update(call: _Call) -> Json:
    body = call.body
    mask = call.mask
    wants_book = body.get("includeSpreadsheetInResponse", False)

    def change(book: Book) -> tuple[Book, Json]:
        changed, replies = apply(book, body.get("requests", []))
        answer: Json = {"spreadsheetId": book.id, "replies": replies}
        if wants_book:
            wants_data = body.get("responseIncludeGridData", False)
            areas = _areas(changed, body.get("responseRanges", [])) if wants_data else ()
            answer["updatedSpreadsheet"] = spreadsheet(
                changed, call.base_url, areas=areas, mask=Mask()
            )
        return changed, answer

    if not body.get("requests"):
        raise bad_request("Must specify at least one request.")
    answer: Json = mask.pick(call.change(change))
    return answer


def _render(call: _Call) -> str:
    render = call.query.get("valueRenderOption", "FORMATTED_VALUE")
    if render not in _RENDERS:
        raise bad_request(f"Invalid value at 'value_render_option': \"{render}\"")
    return render


def _values_batch_get(call: _Call) -> Json:
    book, render = call.book(), _render(call)
    dimension = call.query.get("majorDimension", "ROWS")
    areas = [area_of(book, text) for text in call.query.getlist("ranges")]
    found = [value_range(area, render, dimension) for area in areas]
    return {"spreadsheetId": book.id, "valueRanges": found}


def _values_get(call: _Call) -> Json:
    area = area_of(call.book(), call.path["range"])
    return value_range(area, _render(call), call.query.get("majorDimension", "ROWS"))


def _values_update(call: _Call) -> Json:
    data = {**call.body, "range": call.path["range"]}
    option = call.query.get("valueInputOption", "")
    answer: Json = call.change(lambda book: (book, _write_values(book, data, option)))
    return answer


def _values_batch_update(call: _Call) -> Json:
    option = call.body.get("valueInputOption", "")
    data = call.body.get("data", [])

    def change(book: Book) -> tuple[Book, list[Json]]:
        return book, [_write_values(book, each, option) for each in data]

    responses = call.change(change)
    return {
        "spreadsheetId": call.book_id,
        "totalUpdatedSheets": len({each["range"].rpartition("!")[0] for each in data}),
        "totalUpdatedRows": sum(each["updatedRows"] for each in responses),
        "totalUpdatedColumns": sum(each["updatedColumns"] for each in responses),
        "totalUpdatedCells": sum(each["updatedCells"] for each in responses),
        "responses": responses,
    }


def _write_values(book: Book, data: Json, option: str) -> Json:
    if option not in ("RAW", "USER_ENTERED"):
        raise bad_request("'valueInputOption' is required but not specified")
    area = area_of(book, data.get("range", ""))
    rows = data.get("values", [])
    for down, row in enumerate(rows):
        for right, value in enumerate(row):
            if value is not None and not covered(area.sheet, area.top + down, area.left + right):
                _write_value(area, area.top + down, area.left + right, value, option)
    width = max((len(row) for row in rows), default=0)
    written = Area(
        area.sheet, area.top, area.top + max(len(rows), 1), area.left, area.left + max(width, 1)
    )
    return {
        "spreadsheetId": book.id,
        "updatedRange": written.a1,
        "updatedRows": len(rows),
        "updatedColumns": width,
        "updatedCells": sum(len(row) for row in rows),
    }


def _write_value(area: Area, row: int, column: int, value: Any, option: str) -> None:
    cell = area.sheet.row(row).make(column)
    if option == "USER_ENTERED" and isinstance(value, str):
        try:
            type_into(cell, value)
        except ValueError as error:
            raise bad_request(f"Invalid data: {error}.") from None
    elif isinstance(value, (str, bool)):
        cell.put(value)
    elif isinstance(value, (int, float)):
        cell.put(float(value))
    else:
        raise bad_request("Invalid values: a cell holds a text, a number or a truth value.")
    if cell.value == "" and not cell.formula:
        cell.value = None


_ALWAYS_TRUE = rf"mimeType\s*=\s*'{re.escape(SPREADSHEET_TYPE)}'|trashed\s*=\s*false|and"
_MODIFIED = re.compile(r"modifiedTime\s*(>=?)\s*'([^']+)'")


def _files_list(call: _Call) -> Json:
    """The shared workbooks; of Drive's query language, only a bound on modifiedTime is known."""
    query = call.query.get("q", "")
    rest = _MODIFIED.sub("", query)
    left = re.sub(_ALWAYS_TRUE, "", rest)
    if left.strip():
        raise bad_request("Invalid Value: q (the sandbox knows modifiedTime, mimeType, trashed).")
    files = [drive_file(book) for book in call.store.books() if book.is_shared]
    for sign, moment in _MODIFIED.findall(query):
        files = [each for each in files if _is_after(each["modifiedTime"], sign, moment)]
    asked = call.mask if "fields" in call.query else parse_mask("kind,files(kind,id,name,mimeType)")
    answer: Json = asked.pick({"kind": "drive#fileList", "incompleteSearch": False, "files": files})
    return answer


def _is_after(changed: str, sign: str, bound: str) -> bool:
    try:
        limit = datetime.fromisoformat(bound)
    except ValueError:
        raise bad_request("Invalid Value: q") from None
    at = datetime.fromisoformat(changed)
    limit = limit if limit.tzinfo else limit.replace(tzinfo=at.tzinfo)
    return at > limit or (sign == ">=" and at == limit)


def _files_get(call: _Call) -> Json:
    book = call.store.book(call.book_id)
    if not book.is_shared:
        raise Refused(404, "NOT_FOUND", f"File not found: {book.id}.")
    asked = call.mask if "fields" in call.query else parse_mask("kind,id,name,mimeType")
    answer: Json = asked.pick(drive_file(book))
    return answer
