"""The sandbox's Sheets and Drive held to Google's own discovery documents and client."""

import json
from importlib.resources import files
from typing import Any

import pytest
import requests
from google.auth.credentials import AnonymousCredentials
from google.auth.transport.requests import Request
from google.oauth2 import service_account
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from policy_rollout.desired import DesiredRow, Tab
from policy_rollout.sandbox.control import Sandbox
from policy_rollout.sandbox.sheets_api import WORKBOOK, write_credentials
from policy_rollout.sandbox.sheets_control import WorkbookEditor
from policy_rollout.sandbox.sheets_quota import Quota
from policy_rollout.sandbox.sheets_wire import Refused
from policy_rollout.workbook_layout import COLUMNS, parse_grid
from policy_rollout.workbook_requests import (
    SHEET_IDS,
    CellChange,
    append,
    append_number,
    new_tab,
    rewrite,
)

DOCUMENTS = files("googleapiclient.discovery_cache.documents")
SHEETS = json.loads((DOCUMENTS / "sheets.v4.json").read_text())["schemas"]
DRIVE = json.loads((DOCUMENTS / "drive.v3.json").read_text())["schemas"]
JSON_TYPES = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "object": dict,
}


def check(value: Any, schema: dict[str, Any], schemas: dict[str, Any], where: str = "$") -> None:
    """Fails on any field, type or word that Google's document does not have."""
    schema = schemas[schema["$ref"]] if "$ref" in schema else schema
    if schema["type"] == "any":
        return
    if schema["type"] == "array":
        assert isinstance(value, list), where
        for at, each in enumerate(value):
            check(each, schema["items"], schemas, f"{where}[{at}]")
        return
    assert isinstance(value, JSON_TYPES[schema["type"]]), f"{where}: {value!r}"
    if schema["type"] == "integer":
        assert not isinstance(value, bool), where
    if "enum" in schema:
        assert value in schema["enum"], f"{where}: {value!r}"
    for name, each in value.items() if "properties" in schema else ():
        assert name in schema["properties"], f"{where}.{name} is no field of Google's"
        check(each, schema["properties"][name], schemas, f"{where}.{name}")


@pytest.fixture(scope="session")
def key_folder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return tmp_path_factory.mktemp("key")


@pytest.fixture
def token(sandbox: Sandbox, key_folder: Any) -> str:
    path = write_credentials(key_folder, sandbox.sheets_url)
    account = service_account.Credentials.from_service_account_file(str(path), scopes=["sheets"])
    with requests.Session() as session:
        account.refresh(Request(session))
    return account.token


class Google:
    """Raw requests with a token; every answer that is a success is held to its schema."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.headers = {"Authorization": f"Bearer {token}"}

    def ask(self, method: str, path: str, schema: str, *, body: Any = None, **params: Any) -> Any:
        answer = self.send(method, path, body=body, **params)
        assert answer.status_code == 200, answer.text
        schemas = DRIVE if path.startswith("/drive") else SHEETS
        check(answer.json(), {"$ref": schema}, schemas)
        return answer.json()

    def send(self, method: str, path: str, *, body: Any = None, **params: Any) -> Any:
        return requests.request(
            method, self.url + path, json=body, params=params, headers=self.headers, timeout=30
        )

    def batch(self, *sent: dict[str, Any], **options: Any) -> Any:
        body = {"requests": list(sent), **options}
        check(body, {"$ref": "BatchUpdateSpreadsheetRequest"}, SHEETS)
        return self.ask("POST", f"{BOOK}:batchUpdate", "BatchUpdateSpreadsheetResponse", body=body)

    def refused(self, *sent: dict[str, Any]) -> str:
        answer = self.send("POST", f"{BOOK}:batchUpdate", body={"requests": list(sent)})
        assert answer.status_code == 400
        return answer.json()["error"]["message"]

    def values(self, area: str = "Plan", **params: Any) -> Any:
        found = self.ask("GET", f"{BOOK}/values/{area}", "ValueRange", **params)
        return found.get("values", [])


BOOK = f"/v4/spreadsheets/{WORKBOOK}"
ADD_PLAN = {"addSheet": {"properties": {"sheetId": 7, "title": "Plan"}}}


def row(*texts: str) -> dict[str, Any]:
    return {"values": [{"userEnteredValue": {"stringValue": text}} for text in texts]}


def appended(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"appendCells": {"sheetId": 7, "rows": list(rows), "fields": "userEnteredValue"}}


@pytest.fixture
def google(sandbox: Sandbox, token: str) -> Google:
    return Google(sandbox.sheets_url, token)


@pytest.fixture
def plan(google: Google) -> Google:
    """A workbook with a tab Plan of a header and three rows."""
    google.batch(ADD_PLAN, appended(row("Item", "Who"), row("c", "x"), row("A", "y"), row("b", "")))
    return google


def test_a_new_workbook_reads_as_google_documents_it(google):
    found = google.ask("GET", BOOK, "Spreadsheet")
    assert found["spreadsheetId"] == WORKBOOK
    assert "data" not in found["sheets"][0]


def test_grid_data_is_given_only_when_it_is_asked_for(plan):
    asked = {"includeGridData": "true", "ranges": "Plan!A1:A2"}
    found = plan.ask("GET", BOOK, "Spreadsheet", **asked)
    cells = [
        each["values"][0]["formattedValue"] for each in found["sheets"][0]["data"][0]["rowData"]
    ]
    assert cells == ["Item", "c"]


def test_a_field_mask_leaves_out_everything_else(plan):
    mask = "sheets.properties(sheetId,title)"
    found = plan.ask("GET", BOOK, "Spreadsheet", fields=mask)
    assert found["sheets"][1] == {"properties": {"sheetId": 7, "title": "Plan"}}
    assert set(found) == {"sheets"}


def test_every_kind_of_request_and_reply_is_googles(plan):
    area = {"sheetId": 7, "startColumnIndex": 0, "endColumnIndex": 1}
    rule = {"condition": {"type": "ONE_OF_LIST", "values": [{"userEnteredValue": "x"}]}}
    answer = plan.batch(
        {
            "setDataValidation": {
                "range": {**area, "startRowIndex": 1, "endRowIndex": 4},
                "rule": rule,
            }
        },
        {"addProtectedRange": {"protectedRange": {"range": area, "warningOnly": True}}},
        {
            "repeatCell": {
                "range": {**area, "startRowIndex": 0, "endRowIndex": 1},
                "cell": {"userEnteredFormat": {"textFormat": {"bold": True}}},
                "fields": "userEnteredFormat.textFormat.bold",
            }
        },
        {
            "updateSheetProperties": {
                "properties": {"sheetId": 7, "gridProperties": {"frozenRowCount": 1}},
                "fields": "gridProperties.frozenRowCount",
            }
        },
        {"autoResizeDimensions": {"dimensions": {"sheetId": 7, "dimension": "COLUMNS"}}},
        {"setBasicFilter": {"filter": {"range": area}}},
        {
            "createDeveloperMetadata": {
                "developerMetadata": {
                    "metadataId": 5,
                    "metadataKey": "k",
                    "location": {"spreadsheet": True},
                    "visibility": "DOCUMENT",
                }
            }
        },
        includeSpreadsheetInResponse=True,
        responseIncludeGridData=True,
        responseRanges=["Plan!A:A"],
    )
    assert [list(reply) for reply in answer["replies"]] == [
        [],
        ["addProtectedRange"],
        [],
        [],
        [],
        [],
        ["createDeveloperMetadata"],
    ]
    [sheet] = answer["updatedSpreadsheet"]["sheets"]
    assert sheet["properties"]["gridProperties"]["frozenRowCount"] == 1
    assert sheet["protectedRanges"][0]["warningOnly"]
    first, second = sheet["data"][0]["rowData"][:2]
    assert first["values"][0]["userEnteredFormat"] == {"textFormat": {"bold": True}}
    assert second["values"][0]["dataValidation"] == rule


def test_values_come_without_empty_ends(plan):
    assert plan.values() == [["Item", "Who"], ["c", "x"], ["A", "y"], ["b"]]


@pytest.mark.parametrize(
    ("area", "values"),
    [
        ("Plan!A2", [["c"]]),
        ("'Plan'!A2:A", [["c"], ["A"], ["b"]]),
        ("Plan!B:B", [["Who"], ["x"], ["y"]]),
        ("Plan!1:1", [["Item", "Who"]]),
        ("Plan!A2:B3", [["c", "x"], ["A", "y"]]),
        ("Plan!A9:B10", []),
    ],
)
def test_ranges_in_a1_notation(plan, area, values):
    assert plan.values(area) == values


def test_several_ranges_come_in_the_order_asked_for(plan):
    ranges = ["Plan!B1", "Plan!A1"]
    found = plan.ask("GET", f"{BOOK}/values:batchGet", "BatchGetValuesResponse", ranges=ranges)
    assert [each["range"] for each in found["valueRanges"]] == ["Plan!B1", "Plan!A1"]
    assert [each["values"] for each in found["valueRanges"]] == [[["Who"]], [["Item"]]]


def test_a_range_of_no_tab_is_refused_as_google_does(plan):
    answer = plan.send("GET", f"{BOOK}/values/Training")
    assert answer.json() == {
        "error": {
            "code": 400,
            "message": "Unable to parse range: Training",
            "status": "INVALID_ARGUMENT",
        }
    }


def test_raw_values_stay_texts_and_typed_ones_are_understood(plan):
    body = {"valueInputOption": "RAW", "data": [{"range": "Plan!A2", "values": [["=1+1"]]}]}
    plan.ask("POST", f"{BOOK}/values:batchUpdate", "BatchUpdateValuesResponse", body=body)
    typed = {"range": "Plan!B2", "values": [["50%"]]}
    plan.ask(
        "PUT",
        f"{BOOK}/values/Plan!B2",
        "UpdateValuesResponse",
        body=typed,
        valueInputOption="USER_ENTERED",
    )
    assert plan.values("Plan!A2:B2") == [["=1+1", "50%"]]
    unformatted = plan.values("Plan!A2:B2", valueRenderOption="UNFORMATTED_VALUE")
    assert unformatted == [["=1+1", 0.5]]


def test_a_batch_with_one_bad_request_changes_nothing(plan):
    said = plan.refused(appended(row("d")), {"deleteDimension": {"range": {"sheetId": 99}}})
    assert said.startswith("Invalid requests[1].deleteDimension: No grid with id: 99")
    assert len(plan.values()) == 4


def test_a_tab_id_or_title_is_given_once(plan):
    assert "ID 7 already exists" in plan.refused(ADD_PLAN)
    again = {"addSheet": {"properties": {"sheetId": 8, "title": "Plan"}}}
    assert 'name "Plan" already exists' in plan.refused(again)


def test_developer_metadata_of_one_id_is_created_once(plan):
    metadata = {
        "metadataId": 5,
        "metadataKey": "k",
        "location": {"spreadsheet": True},
        "visibility": "DOCUMENT",
    }
    create = {"createDeveloperMetadata": {"developerMetadata": metadata}}
    plan.batch(create, appended(row("d")))
    assert "already exists" in plan.refused(create, appended(row("d")))
    assert len(plan.values()) == 5


def test_rows_are_sorted_inserted_and_deleted(plan):
    rows = {"sheetId": 7, "dimension": "ROWS"}
    plan.batch(
        {
            "sortRange": {
                "range": {"sheetId": 7, "startRowIndex": 1},
                "sortSpecs": [{"dimensionIndex": 0, "sortOrder": "ASCENDING"}],
            }
        },
        {"insertDimension": {"range": {**rows, "startIndex": 1, "endIndex": 2}}},
        {"deleteDimension": {"range": {**rows, "startIndex": 3, "endIndex": 4}}},
    )
    assert plan.values("Plan!A:A") == [["Item"], [], ["A"], ["c"]]


def test_columns_move_with_their_protection(plan):
    columns = {"sheetId": 7, "dimension": "COLUMNS"}
    area = {"sheetId": 7, "startColumnIndex": 0, "endColumnIndex": 1}
    plan.batch({"addProtectedRange": {"protectedRange": {"range": area, "warningOnly": True}}})
    plan.batch(
        {
            "moveDimension": {
                "source": {**columns, "startIndex": 0, "endIndex": 1},
                "destinationIndex": 2,
            }
        },
        {"insertDimension": {"range": {**columns, "startIndex": 0, "endIndex": 1}}},
    )
    assert plan.values("Plan!1:1") == [["", "Who", "Item"]]
    found = plan.ask("GET", BOOK, "Spreadsheet")
    assert found["sheets"][1]["protectedRanges"][0]["range"]["startColumnIndex"] == 2


def test_drive_names_what_changed_after_a_moment(google):
    asked = {"fields": "files(id,modifiedTime)"}
    early, late = "modifiedTime > '2020-01-01T00:00:00'", "modifiedTime > '2999-01-01T00:00:00Z'"
    found = google.ask("GET", "/drive/v3/files", "FileList", q=early, **asked)
    assert [each["id"] for each in found["files"]] == [WORKBOOK]
    assert google.ask("GET", "/drive/v3/files", "FileList", q=late, **asked)["files"] == []


def test_an_edit_moves_the_modified_time(google):
    path, asked = f"/drive/v3/files/{WORKBOOK}", {"fields": "modifiedTime"}
    before = google.ask("GET", path, "File", **asked)["modifiedTime"]
    google.batch(ADD_PLAN)
    assert google.ask("GET", path, "File", **asked)["modifiedTime"] > before


@pytest.mark.parametrize(
    ("path", "headers", "code", "status"),
    [
        ("/v4/spreadsheets/unknown", None, 404, "NOT_FOUND"),
        (BOOK, {"Authorization": "Bearer wrong"}, 401, "UNAUTHENTICATED"),
        (BOOK, {}, 403, "PERMISSION_DENIED"),
    ],
)
def test_refusals_have_googles_form(google, path, headers, code, status):
    if headers is not None:
        google.headers = headers
    answer = google.send("GET", path)
    assert answer.status_code == code
    assert (answer.json()["error"]["code"], answer.json()["error"]["status"]) == (code, status)


def test_a_workbook_that_is_not_shared_is_forbidden_in_sheets_and_unknown_in_drive(sandbox, google):
    WorkbookEditor(sandbox.sheets_url, WORKBOOK).share("none")
    assert google.send("GET", BOOK).status_code == 403
    assert google.send("GET", f"/drive/v3/files/{WORKBOOK}").status_code == 404


def test_a_token_is_given_to_the_service_account_only(sandbox):
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": "a.b.c"}
    answer = requests.post(f"{sandbox.sheets_url}/token", data=form, timeout=30)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_an_unknown_request_is_refused_by_name(google):
    assert 'Unknown name "addChart"' in google.refused({"addChart": {}})


@pytest.mark.parametrize("tab", Tab)
def test_what_the_adapter_sends_is_googles_too(tab):
    grid = parse_grid(tab, [COLUMNS[tab]])
    sent = [
        append_number(1),
        *new_tab(tab),
        *append(SHEET_IDS[tab], grid, [DesiredRow("p/s/i", tab, (("Due", "2025-11-07"),))]),
        *rewrite(SHEET_IDS[tab], [CellChange(1, 2, "=text"), CellChange(1, 3, "")]),
    ]
    check({"requests": sent}, {"$ref": "BatchUpdateSpreadsheetRequest"}, SHEETS)


def test_a_field_that_google_does_not_know_is_noticed():
    unknown = {"requests": [{"appendCells": {"sheet": 7}}]}
    with pytest.raises(AssertionError, match=r"appendCells\.sheet is no field of Google's"):
        check(unknown, {"$ref": "BatchUpdateSpreadsheetRequest"}, SHEETS)


def test_googles_own_client_drives_the_sandbox(sandbox, token):
    def with_token(request):
        request.headers["Authorization"] = f"Bearer {token}"
        return request.execute()

    options = {"api_endpoint": f"{sandbox.sheets_url}/"}
    with build(
        "sheets",
        "v4",
        credentials=AnonymousCredentials(),
        client_options=options,
        static_discovery=True,
    ) as client:
        books = client.spreadsheets()
        body = {"requests": [ADD_PLAN, appended(row("Item"), row("a"))]}
        with_token(books.batchUpdate(spreadsheetId=WORKBOOK, body=body))
        found = with_token(books.values().get(spreadsheetId=WORKBOOK, range="Plan"))
        assert found["values"] == [["Item"], ["a"]]
        with pytest.raises(HttpError, match="Requested entity was not found"):
            with_token(books.get(spreadsheetId="unknown"))


# Quota


def test_reads_and_writes_have_a_quota_of_their_own_and_drive_has_none(sandbox, plan):
    sandbox.set_behaviour(sheets_quota=2)

    reads = [plan.send("GET", f"{BOOK}/values/Plan") for _ in range(3)]
    writes = [plan.send("POST", f"{BOOK}:batchUpdate", body={"requests": []}) for _ in range(3)]
    drive = [plan.send("GET", "/drive/v3/files") for _ in range(3)]

    assert [each.status_code for each in reads] == [200, 200, 429]
    assert [each.status_code for each in writes] == [400, 400, 429]
    assert [each.status_code for each in drive] == [200, 200, 200]
    assert reads[-1].json()["error"]["status"] == "RESOURCE_EXHAUSTED"
    assert reads[-1].json()["error"]["message"].startswith("Quota exceeded for quota metric 'Read")


def test_the_quota_counts_any_minute_and_not_what_it_refused():
    quota = Quota()
    for second in (0, 30):
        quota.admit("Read", 2, 60, second)
    for second in (31, 59):
        with pytest.raises(Refused):
            quota.admit("Read", 2, 60, second)

    quota.admit("Read", 2, 60, 60)

    with pytest.raises(Refused):
        quota.admit("Read", 2, 60, 61)
