"""Training and checklist rows in one Google Sheets workbook, over gspread's HTTP client. Edge.

Machine columns are ours and may be rewritten at any time; human columns get a first value when
their row is made and are never written again. Rows are found by key, columns by header.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from gspread.urls import DRIVE_FILES_API_V3_URL, SPREADSHEET_BATCH_UPDATE_URL

from policy_rollout.desired import DesiredRow, RowsStanding, Tab
from policy_rollout.errors import (
    HomeChanged,
    Missing,
    PreflightFailed,
    RowsHalfAdded,
    ServiceError,
    ServiceRefused,
)
from policy_rollout.observed import ObservedRow, Oddity
from policy_rollout.request_budget import Spend, unlimited
from policy_rollout.workbook_edit import Addition, Edit, Wish, quoted
from policy_rollout.workbook_http import (
    Answered,
    Overtaken,
    SheetsClient,
    SheetsConnection,
    Unanswered,
    among_people,
    credentials_missing,
    load_account,
    read_again,
    token_of,
    write_failure,
)
from policy_rollout.workbook_layout import (
    SERVICE,
    Grid,
    by_program,
    machine_texts,
    observe,
    parse_sheet,
)
from policy_rollout.workbook_look import (
    Look,
    answered,
    appending,
    dressing,
    id_of,
    note_standing,
    tabs_in,
)
from policy_rollout.workbook_missing import (
    drive_closed,
    headers_missing,
    not_open,
    not_writable,
    workbook_not_set,
)
from policy_rollout.workbook_requests import (
    APPEND_METADATA,
    FIRST_APPEND_ID,
    SHEET_IDS,
    Request,
    rewrite,
    workbook_url,
)

__all__ = ["AllRows", "DesiredRow", "RowsRead", "SheetsConnection", "Tab", "Workbook"]

ROWS_A_BATCH = 2000
"""Keeps a request under the 2 MB that Google recommends."""

_SHEET_TYPE = "application/vnd.google-apps.spreadsheet"
_STRUCTURE = "sheets.properties(sheetId,title),developerMetadata(metadataId,metadataKey)"
_SHEETS = "sheets(properties(sheetId,title),merges,data.rowData.values({cells}))"
_SHOWN = _SHEETS.format(cells="formattedValue")
_ENTERED = _SHEETS.format(cells="formattedValue,userEnteredValue")
_EDITED = "updatedSpreadsheet.sheets(properties.sheetId,data.rowData.values.formattedValue)"
_BAD_REQUEST = 400


@dataclass(frozen=True, slots=True)
class RowsRead:
    """The rows of a program by stable key, and what nobody planned."""

    rows: dict[str, ObservedRow]
    oddities: tuple[Oddity, ...]


@dataclass(frozen=True, slots=True)
class AllRows:
    """A workbook as it was read, each tab also split by program."""

    tabs: tuple[tuple[Grid, Mapping[str, Grid]], ...]

    def of(self, program: str) -> RowsRead:
        """What `Workbook.read` answers for the program, at the cost of its own rows."""
        parts = (parts.get(program, replace(grid, lines=())) for grid, parts in self.tabs)
        return _rows_of(parts, program)


class Workbook:
    """One workbook, opened when it is first needed; close it after use."""

    def __init__(
        self,
        connection: SheetsConnection,
        spend: Spend = unlimited,
        *,
        tabs: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        """`tabs` are the ids, by name, of the tabs in which rows of ours are known to stand."""
        self._connection = connection
        self._spend = spend
        self._tabs = tabs

    def close(self) -> None:
        if "_client" in self.__dict__:
            self._client.close()

    @cached_property
    def _client(self) -> SheetsClient:
        token = token_of(self._connection.credentials)
        return SheetsClient(token, self._connection.url, self._spend)

    def url(self, tab: Tab | None = None) -> str:
        """Where people open the workbook, or one of its tabs."""
        return workbook_url(self._connection.url, self._connection.workbook, tab)

    def preflight(self) -> tuple[Missing, ...]:
        """All that is missing before the first write; empty means ready.

        Raises:
            ServiceUnavailable: Google cannot be asked.
        """
        if missing := credentials_missing(self._connection.credentials):
            return (missing,)
        if not self._connection.workbook:
            return (workbook_not_set(),)
        try:
            look = self._look()
        except ServiceRefused as refused:
            next_step = self._next_step(refused.status)
            return (not_open(self._connection.workbook, self._mail, refused, next_step),)
        try:
            file = self._drive_file()
        except ServiceRefused as refused:
            return (drive_closed(refused), *headers_missing(look.titles, look.grids))
        can_edit = file.get("capabilities", {}).get("canEdit", False)
        sharing = () if can_edit else (not_writable(self._connection.workbook, self._mail),)
        return (*sharing, *headers_missing(look.titles, look.grids))

    def read(self, program: str) -> RowsRead:
        """The rows of a program in both tabs; a tab that is not there yet has none.

        Raises:
            ServiceUnavailable: no answer after all attempts.
            ServiceRefused: not shared, not found, or the token is refused.
        """
        return _rows_of(self._grids().values(), program)

    def read_all(self) -> "AllRows":
        """The rows of all programs, by the same single request.

        Raises:
            ServiceUnavailable: no answer after all attempts.
            ServiceRefused: not shared, not found, or the token is refused.
        """
        return AllRows(tuple((grid, by_program(grid)) for grid in self._grids().values()))

    def add_rows(self, rows: Sequence[DesiredRow]) -> RowsStanding:
        """Append the rows whose keys are not in the workbook, with the tabs if they are not there.

        A row that was seen under its key is not added again, whatever people do to it then.

        Each batch takes the workbook's next append number; a second batch with the same number is
        refused by Google, so that an answer that got lost, or comes late, never doubles a row.

        Raises:
            RowsHalfAdded: one of the others, and some of the rows were seen to stand.
            WriteInDoubt: no answer after all attempts; rows may have been added.
            ServiceUnavailable: throttled or down.
            ServiceRefused: Google says no.
            PreflightFailed: a tab has lost a header.
        """
        for row in rows:
            machine_texts(row)  # refuses unknown headers before anything is sent
        wish = Wish(added=tuple(rows))
        try:
            while self._written(f"adding {len(rows)} rows", lambda: self._append_missing(wish)):
                pass
        except ServiceError as error:
            if wish.standing.keys:
                raise RowsHalfAdded(error, wish.standing) from None
            raise
        return wish.standing

    def rewrite(self, rows: Sequence[DesiredRow]) -> None:
        """Make the machine cells of these rows read as desired; rows that are gone are left out.

        Raises:
            WriteInDoubt: no answer after all attempts, or people keep moving rows meanwhile.
            ServiceUnavailable: throttled or down.
            ServiceRefused: Google says no.
        """
        wish = Wish({row.key: machine_texts(row) for row in rows})
        self._written(f"rewriting {len(rows)} rows", lambda: self._rewrite_once(wish))

    def changed_workbooks(self, since: datetime) -> dict[str, datetime]:
        """The ids of the shared workbooks changed after an aware time, and when each last was.

        One question to Drive; the times are its own, aware and in UTC.

        At most 1,000 come in one answer; more than that between two looks is not foreseen.

        Raises:
            ServiceUnavailable: no answer after all attempts.
            ServiceRefused: the Drive API is not enabled, or the token is refused.
        """
        moment = since.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        params = {
            "q": f"mimeType = '{_SHEET_TYPE}' and modifiedTime > '{moment}'",
            "fields": "files(id,modifiedTime)",
            "pageSize": 1000,
            "supportsAllDrives": "true",
            "includeItemsFromAllDrives": "true",
        }
        answer = self._ask("asking which workbooks changed", DRIVE_FILES_API_V3_URL, params)
        return {
            file["id"]: datetime.fromisoformat(file["modifiedTime"]).astimezone(UTC)
            for file in answer.get("files", [])
        }

    def _written(self, doing: str, write: Callable[[], bool]) -> bool:
        """What `write` returns; it looks before it writes, so it may be called again."""
        try:
            return among_people(write)
        except (Answered, Unanswered, Overtaken) as error:
            raise write_failure(doing, error, self._next_step) from None

    def _append_missing(self, wish: Wish) -> bool:
        """Append one batch of what is missing; whether more is left to append.

        Rows that landed elsewhere than meant, because people moved columns or rows between the
        look and the write, are put right first.
        """
        look = self._look()
        note_standing(wish, look, {key for grid in look.grids.values() for key in grid.by_key()})
        if wish.undo or any(any(wish.astray(grid)) for grid in look.grids.values()):
            self._rewrite_once(wish)
            raise Overtaken("people moved columns at the same time")
        absent = list(
            {row.key: row for row in wish.added if row.key not in wish.standing.keys}.values()
        )
        astray_in = {row.tab for row in wish.added if row.key in wish.undressed}
        asked = {tab: grid for tab, grid in look.grids.items() if absent or tab in astray_in}
        if missing := headers_missing(look.titles, asked):
            raise PreflightFailed(missing, some_stands=bool(wish.standing.keys))
        batch = absent[:ROWS_A_BATCH]
        requests = [*dressing(look, wish.undressed), *appending(look, batch)]
        if not requests:
            return False
        additions = {
            tab: Addition(grid, mine)
            for tab, grid in look.grids.items()
            if (mine := tuple(row for row in batch if row.tab is tab))
        }
        answer = self._send(
            look,
            requests,
            [text for tab, each in additions.items() for text in each.ranges(look.titles[tab])],
        )
        wish.undressed = frozenset(
            row.key
            for tab, sheet in answered(look, answer)
            if not additions[tab].is_where_meant(sheet["data"])
            for row in additions[tab].rows
        )
        note_standing(wish, look, {row.key for row in batch} - wish.undressed)
        if wish.undressed:
            raise Overtaken("people moved rows or columns at the same time")
        return len(absent) > len(batch)

    def _rewrite_once(self, wish: Wish) -> bool:
        """Write what differs, and learn from the answer whether things moved underneath.

        What was hit by mistake joins the wish with its texts from before.
        """
        look = self._look()
        edits = {tab: edit for tab, grid in look.grids.items() if (edit := Edit.of(grid, wish))}
        if not edits:
            wish.undo = ()
            return False
        answer = self._send(
            look,
            [
                request
                for tab, edit in edits.items()
                for request in rewrite(look.sheet_ids[tab], edit.changes)
            ],
            [text for tab, edit in edits.items() for text in edit.ranges(look.titles[tab])],
        )
        hits = (
            hit for tab, sheet in answered(look, answer) for hit in edits[tab].hits(sheet["data"])
        )
        wish.undo = (*hits, *wish.undo)  # also what was just undone, until a look shows it
        if wish.undo:
            raise Overtaken("people moved rows or columns at the same time")
        return False

    def _send(self, look: Look, requests: Iterable[Request], ranges: Sequence[str]) -> Any:
        """One batch, all or nothing.

        Raises:
            Overtaken: refused, and rows were added or a tab was renamed since the look.
        """
        body: dict[str, Any] = {"requests": list(requests)}
        if ranges:
            body |= {
                "includeSpreadsheetInResponse": True,
                "responseIncludeGridData": True,
                "responseRanges": list(ranges),
            }
        endpoint = SPREADSHEET_BATCH_UPDATE_URL % self._connection.workbook
        try:
            return self._client.request("post", endpoint, {"fields": _EDITED}, json=body).json()
        except Answered as error:
            if error.status != _BAD_REQUEST:
                raise
            now = self._look()
            if (now.next_append, now.titles) == (look.next_append, look.titles):
                raise
            raise Overtaken("somebody else changed the workbook at the same time") from None

    def _look(self) -> Look:
        """The tabs as they are now; one that is not there yet reads as it will be made."""
        structure: dict[str, Any] = self._reading(
            "looking at the workbook",
            lambda: self._client.spreadsheets_get(
                self._connection.workbook, {"fields": _STRUCTURE}
            ),
        )
        found = tabs_in(structure)
        self._check_same({tab: sheet_id for tab, (sheet_id, _) in found.items()})
        titles = {tab: title for tab, (_, title) in found.items()}
        grids = _parsed(self._read_tabs(titles, _ENTERED))
        taken = [
            each["metadataId"] - FIRST_APPEND_ID
            for each in structure.get("developerMetadata", [])
            if each["metadataKey"] == APPEND_METADATA
        ]
        return Look(
            sheet_ids={tab: sheet_id for tab, (sheet_id, _) in found.items()},
            titles=titles,
            grids=grids,
            next_append=max(taken, default=0) + 1,
        )

    def _grids(self) -> dict[Tab, Grid]:
        """Both tabs by one request; what else the workbook holds is asked for only if need be."""
        try:
            sheets = self._read_tabs({tab: tab.value for tab in Tab}, _SHOWN)
        except ServiceRefused as refused:
            if refused.status != _BAD_REQUEST:
                raise
        else:
            if all(id_of(sheet) == SHEET_IDS[tab] for tab, sheet in sheets.items()):
                return _parsed(sheets)
        return self._look().grids

    def _read_tabs(self, titles: dict[Tab, str], fields: str) -> dict[Tab, dict[str, Any]]:
        """The tabs with their cells, each as Google's `Sheet`."""
        if not titles:
            return {}
        ranges = [quoted(title) for title in titles.values()]
        params: dict[str, Any] = {"ranges": ranges, "fields": fields}
        answer = self._reading(
            "reading the workbook",
            lambda: self._client.spreadsheets_get(self._connection.workbook, params),
        )
        # a range names a tab in upper or lower case, as people type it
        by_title = {each["properties"]["title"].casefold(): each for each in answer["sheets"]}
        return {tab: by_title[title.casefold()] for tab, title in titles.items()}

    def _check_same(self, found: Mapping[Tab, int]) -> None:
        """Refuse a tab that only has the name of the one that holds our rows."""
        for tab, sheet_id in found.items():
            known = self._tabs.get(tab.value, sheet_id)
            if sheet_id != known:
                raise HomeChanged(
                    SERVICE,
                    f"tab {tab.value!r} of workbook {self._connection.workbook}",
                    found=f"a tab of that name with the id {sheet_id}",
                    expected=f"the one with the id {known}",
                    next_step="Restore it from the workbook's version history, or rename the new "
                    "one and ask for what is missing to be created again",
                )

    def _drive_file(self) -> Any:
        return self._ask(
            "asking Drive for the workbook",
            f"{DRIVE_FILES_API_V3_URL}/{quote(self._connection.workbook)}",
            {"fields": "id,capabilities(canEdit)", "supportsAllDrives": "true"},
        )

    def _ask(self, doing: str, endpoint: str, params: dict[str, Any]) -> Any:
        return self._reading(
            doing, lambda: self._client.request("get", endpoint, params=params).json()
        )

    def _reading(self, doing: str, ask: Callable[[], Any]) -> Any:
        return read_again(doing, ask, self._next_step)

    @property
    def _mail(self) -> str:
        mail: str = load_account(self._connection.credentials).service_account_email
        return mail

    def _next_step(self, status: int) -> str:
        match status:
            case 401:
                return "Put a valid key file of the service account into ROLLOUT_SHEETS_CREDENTIALS"
            case 403 | 404:
                return (
                    f"Check ROLLOUT_SHEETS_WORKBOOK ({self._connection.workbook}) and share the "
                    f"workbook with {self._mail} as an editor"
                )
            case _:
                return f"Look at the workbook: {self.url()}"


def _rows_of(grids: Iterable[Grid], program: str) -> RowsRead:
    rows: dict[str, ObservedRow] = {}
    oddities: list[Oddity] = []
    for grid in grids:
        found, odd = observe(grid, program)
        oddities += odd
        oddities += [
            Oddity(f"workbook, tab {grid.tab}", f"key {key} also stands in tab {rows[key].tab}")
            for key in found.keys() & rows.keys()
        ]
        rows |= {key: row for key, row in found.items() if key not in rows}
    return RowsRead(rows, tuple(oddities))


def _parsed(sheets: dict[Tab, dict[str, Any]]) -> dict[Tab, Grid]:
    return {tab: parse_sheet(tab, sheet) for tab, sheet in sheets.items()}
