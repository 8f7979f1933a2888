"""The workbook's adapter over HTTP against the sandbox, with people and faults in between."""

import random
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import stamina

from policy_rollout.desired import DesiredRow, Tab
from policy_rollout.errors import (
    PreflightFailed,
    ServiceRefused,
    ServiceUnavailable,
    SettingsWrong,
    WriteInDoubt,
)
from policy_rollout.sandbox.control import Sandbox
from policy_rollout.sandbox.sheets_api import ACCOUNT_EMAIL, WORKBOOK, write_credentials
from policy_rollout.sandbox.sheets_control import WorkbookEditor
from policy_rollout.work import State
from policy_rollout.workbook import SheetsConnection, Workbook

BATCH = r":batchUpdate$"
READ = r"values:batchGet$"
DECK, QUIZ, ITEM = "gambling/prepare/deck/ja-JP", "gambling/prepare/quiz/ja-JP", "gambling/go/l/i"


def training(key: str, material: str = "Reviewer deck", **cells: str) -> DesiredRow:
    program, stage = key.split("/")[:2]
    texts = {"Program": program, "Stage": stage, "Material": material, "Due": "2025-11-07", **cells}
    return DesiredRow(key, Tab.TRAINING, tuple(texts.items()))


def item(key: str, text: str = "Load the templates") -> DesiredRow:
    return DesiredRow(key, Tab.CHECKLIST, (("Program", "gambling"), ("Item", text)))


@pytest.fixture(autouse=True)
def no_waiting_between_attempts() -> Iterator[None]:
    with stamina.set_testing(True, attempts=4, cap=True):
        yield


@pytest.fixture(scope="session")
def key_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("key")


@pytest.fixture
def connection(sandbox: Sandbox, key_folder: Path) -> SheetsConnection:
    key_file = write_credentials(key_folder, sandbox.sheets_url)
    return SheetsConnection(sandbox.sheets_url, key_file, WORKBOOK)


@pytest.fixture
def workbook(connection: SheetsConnection) -> Iterator[Workbook]:
    opened = Workbook(connection)
    yield opened
    opened.close()


@pytest.fixture
def filled(workbook: Workbook) -> Workbook:
    workbook.add_rows([training(DECK), training(QUIZ, "Reviewer quiz"), item(ITEM)])
    return workbook


@pytest.fixture
def people(sandbox: Sandbox) -> WorkbookEditor:
    return WorkbookEditor(sandbox.sheets_url, WORKBOOK)


def writes(sandbox: Sandbox) -> int:
    return sum(each["path"].endswith(":batchUpdate") for each in sandbox.requests())


def land_late_writes(sandbox: Sandbox) -> None:
    requests.post(f"{sandbox.url}/sandbox/faults/land", timeout=30).raise_for_status()


# Reading


def test_a_workbook_without_our_tabs_has_no_rows(workbook):
    assert (workbook.read("gambling").rows, workbook.read("gambling").oddities) == ({}, ())


def test_both_tabs_are_read_by_one_request(sandbox, filled):
    sandbox.clear_requests()
    assert set(filled.read("gambling").rows) == {DECK, QUIZ, ITEM}
    assert [each["path"].rpartition("/")[2] for each in sandbox.requests()] == ["values:batchGet"]


def test_a_new_row_has_its_machine_texts_and_is_to_do(filled):
    row = filled.read("gambling").rows[DECK]
    assert (row.tab, row.state, row.completion) == (Tab.TRAINING, State.TODO, None)
    assert dict(row.machine)["Material"] == "Reviewer deck"
    assert dict(row.human) == {"Status": "To do", "Completed %": "", "Notes": ""}


def test_what_people_fill_in_is_read_back(filled, people):
    people.write_cells(DECK, {"Status": "In progress", "Completed %": "50%", "Notes": "half"})
    row = filled.read("gambling").rows[DECK]
    assert (row.state, row.completion) == (State.IN_PROGRESS, 50)
    assert dict(row.human)["Notes"] == "half"


def test_programs_in_one_workbook_do_not_see_each_other(filled):
    filled.add_rows([training("gambling-two/prepare/deck")])
    assert set(filled.read("gambling").rows) == {DECK, QUIZ, ITEM}
    assert set(filled.read("gambling-two").rows) == {"gambling-two/prepare/deck"}


def test_rows_and_columns_may_stand_in_any_order(filled, people):
    people.sort("Training", "Material", descending=True)
    people.move_column("Training", "Key", before="Material")
    people.move_column("Training", "Notes", before="Key")
    people.write(QUIZ, Status="Done", Notes="all passed")
    row = filled.read("gambling").rows[QUIZ]
    assert (row.state, dict(row.human)["Notes"]) == (State.DONE, "all passed")
    assert dict(row.machine)["Material"] == "Reviewer quiz"


def test_columns_that_people_add_are_read_as_theirs(filled, google_batch, google_cells):
    column = {"sheetId": 740_201, "dimension": "COLUMNS", "startIndex": 14, "endIndex": 15}
    google_batch({"insertDimension": {"range": column}})
    google_cells("Training!O1:O2", [["Room"], ["4.12"]])
    assert dict(filled.read("gambling").rows[DECK].human)["Room"] == "4.12"


def test_rows_above_the_header_do_not_hide_it(filled, google_batch):
    google_batch(
        {
            "insertDimension": {
                "range": {"sheetId": 740_201, "dimension": "ROWS", "startIndex": 0, "endIndex": 2}
            }
        }
    )
    assert DECK in filled.read("gambling").rows


def test_a_renamed_tab_is_still_ours(filled, google_batch):
    properties = {"sheetId": 740_201, "title": "Training, Q4"}
    google_batch({"updateSheetProperties": {"properties": properties, "fields": "title"}})
    assert DECK in filled.read("gambling").rows
    filled.add_rows([training("gambling/prepare/late")])
    assert "gambling/prepare/late" in filled.read("gambling").rows


@pytest.fixture
def google_send(connection: SheetsConnection) -> Iterator[Any]:
    """Raw requests of somebody with access, which no drop-down holds back."""
    opened = Workbook(connection)
    yield lambda method, path, body, **params: opened._client.request(
        method,
        f"https://sheets.googleapis.com/v4/spreadsheets/{WORKBOOK}{path}",
        params=params,
        json=body,
    )
    opened.close()


@pytest.fixture
def google_cells(google_send):
    return lambda area, values: google_send(
        "put", f"/values/{area}", {"values": values}, valueInputOption="RAW"
    )


@pytest.fixture
def google_batch(google_send):
    return lambda *sent: google_send("post", ":batchUpdate", {"requests": sent})


# What nobody planned


def test_a_key_that_stands_twice_is_reported_and_its_state_unknown(filled, people, google_cells):
    people.insert_below(QUIZ)
    google_cells("Training!N4", [[DECK]])
    read = filled.read("gambling")
    assert read.rows[DECK].state is State.UNKNOWN
    assert [str(each) for each in read.oddities] == [
        f"workbook, tab Training, rows 2, 4: key {DECK} stands 2 times; delete all but one"
    ]


def test_an_unknown_status_word_is_reported_and_not_guessed(filled, google_cells):
    google_cells("Training!D2", [["Almost"]])
    read = filled.read("gambling")
    assert read.rows[DECK].state is State.UNKNOWN
    [oddity] = read.oddities
    assert str(oddity) == (
        f"workbook, tab Training, row 2 ({DECK}): Status is 'Almost'; "
        "choose one of: To do, In progress, Blocked, Done, Not applicable"
    )


def test_not_applicable_needs_a_note(filled, people):
    people.write(DECK, Status="Not applicable")
    read = filled.read("gambling")
    assert read.rows[DECK].state is State.UNKNOWN
    assert [each.what for each in read.oddities] == [
        "Status is 'Not applicable' without a note; say why in Notes"
    ]
    people.write(DECK, Notes="no reviewers there")
    assert filled.read("gambling").rows[DECK].state is State.NOT_APPLICABLE


def test_a_completion_that_is_no_percentage_is_reported(filled, people):
    people.write_cells(DECK, {"Status": "Done", "Completed %": "most"})
    read = filled.read("gambling")
    assert (read.rows[DECK].state, read.rows[DECK].completion) == (State.UNKNOWN, None)
    assert [each.what for each in read.oddities] == [
        "Completed % is 'most'; write a percentage from 0% to 100%, such as 50%"
    ]


def test_a_lost_header_is_reported_by_name(filled, google_cells):
    google_cells("Checklist!D1", [["State"]])
    read = filled.read("gambling")
    assert read.rows[ITEM].state is State.UNKNOWN
    assert [str(each) for each in read.oddities] == [
        "workbook, tab Checklist: no column has the header 'Status'; name it so again"
    ]


def test_a_row_of_the_program_without_a_key_is_reported(filled, google_cells):
    google_cells("Training!K4", [["gambling"]])
    [oddity] = filled.read("gambling").oddities
    assert str(oddity) == (
        "workbook, tab Training, row 4: the row names the program but has no key; "
        "it is nobody's work"
    )


def test_a_row_that_people_add_for_themselves_is_left_alone(filled, google_cells):
    google_cells("Training!A4", [["my own reminder"]])
    assert filled.read("gambling").oddities == ()


# Adding


def test_tabs_and_rows_are_made_by_one_write(sandbox, workbook):
    sandbox.clear_requests()
    workbook.add_rows([training(DECK), item(ITEM)])
    assert writes(sandbox) == 1


@pytest.mark.usefixtures("filled")
def test_a_new_tab_tells_people_what_is_theirs(google_send):
    mask = "sheets(properties,protectedRanges,data.rowData.values(note,dataValidation))"
    answer = google_send("get", "", None, fields=mask, ranges="Training!A1:D2").json()
    [tab] = answer["sheets"]
    header, first = (row["values"] for row in tab["data"][0]["rowData"])
    assert tab["properties"]["gridProperties"]["frozenRowCount"] == 1
    assert header[0]["note"].startswith("Kept up to date by policy-rollout")
    assert header[3]["note"].startswith("Yours to fill in. One of: To do, In progress")
    words = first[3]["dataValidation"]["condition"]["values"]
    assert [each["userEnteredValue"] for each in words] == [
        "To do",
        "In progress",
        "Blocked",
        "Done",
        "Not applicable",
    ]
    assert len(tab["protectedRanges"]) == 11
    assert all(each["warningOnly"] for each in tab["protectedRanges"])


def test_a_title_that_starts_like_a_formula_stays_a_title(workbook):
    workbook.add_rows([training(DECK, '=IMPORTXML("x")')])
    assert dict(workbook.read("gambling").rows[DECK].machine)["Material"] == '=IMPORTXML("x")'


def test_rows_that_are_there_are_not_added_again(sandbox, filled):
    sandbox.clear_requests()
    filled.add_rows([training(DECK), item(ITEM)])
    assert writes(sandbox) == 0


def test_later_rows_go_into_the_columns_as_people_left_them(filled, people):
    people.move_column("Training", "Status", before="Material")
    filled.add_rows([training("gambling/go/deck", "Late deck")])
    row = filled.read("gambling").rows["gambling/go/deck"]
    assert (row.state, dict(row.machine)["Material"]) == (State.TODO, "Late deck")


def test_a_row_that_people_deleted_can_be_added_again(filled, people):
    people.delete(DECK)
    filled.add_rows([training(DECK)])
    assert people.keys("Training").count(DECK) == 1


def test_an_unknown_machine_column_is_refused_before_anything_is_sent(sandbox, workbook):
    sandbox.clear_requests()
    with pytest.raises(ValueError, match="'Status' is no machine column of tab Training"):
        workbook.add_rows([training(DECK, Status="Done")])
    assert sandbox.requests() == []


def test_nothing_is_added_to_a_tab_that_lost_a_header(filled, google_cells):
    google_cells("Training!A1", [["What"]])
    with pytest.raises(PreflightFailed) as failed:
        filled.add_rows([training("gambling/go/deck")])
    assert (
        "tab Training: found no column with the header 'Material', expected the headers "
        "Material, Language, Due" in str(failed.value)
    )


def test_very_many_rows_go_in_several_batches(sandbox, filled, people, monkeypatch):
    monkeypatch.setattr("policy_rollout.workbook.ROWS_A_BATCH", 2)
    keys = [f"gambling/go/{number}" for number in range(5)]
    sandbox.clear_requests()
    filled.add_rows([training(key) for key in keys])
    assert people.keys("Training") == [DECK, QUIZ, *keys]
    assert writes(sandbox) == 3


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reset-before-commit"},
        {"kind": "reset-after-commit"},
        {"kind": "error", "status": 503},
        {"kind": "error", "status": 500, "committed": True},
        {"kind": "throttled", "seconds": 1},
        {"kind": "late-commit", "seconds": 0},
        {"kind": "late-commit", "seconds": 30},
    ],
    ids=lambda fault: "-".join(str(value) for value in fault.values()),
)
def test_rows_are_added_once_whatever_becomes_of_the_answer(sandbox, filled, people, fault):
    sandbox.set_faults({**fault, "path": BATCH})
    filled.add_rows([training("gambling/go/a"), training("gambling/go/b")])
    land_late_writes(sandbox)
    assert people.keys("Training") == [DECK, QUIZ, "gambling/go/a", "gambling/go/b"]


def test_tabs_are_made_once_when_the_first_write_lands_late(sandbox, workbook, people):
    sandbox.set_faults({"kind": "late-commit", "seconds": 30, "path": BATCH})
    workbook.add_rows([training(DECK)])
    land_late_writes(sandbox)
    assert people.keys("Training") == [DECK]


def test_a_late_write_of_fewer_rows_does_not_double_them(sandbox, filled, people):
    late = {"kind": "late-commit", "seconds": 30, "path": BATCH}
    errors = {"kind": "error", "times": None, "path": BATCH}
    sandbox.set_faults(late, errors)
    with pytest.raises(WriteInDoubt):
        filled.add_rows([training("gambling/go/a")])
    sandbox.set_faults()
    filled.add_rows([training("gambling/go/a"), training("gambling/go/b")])
    land_late_writes(sandbox)
    assert people.keys("Training") == [DECK, QUIZ, "gambling/go/a", "gambling/go/b"]


def test_a_write_without_any_answer_is_in_doubt(sandbox, filled):
    sandbox.set_faults({"kind": "reset-before-commit", "times": None, "path": BATCH})
    with pytest.raises(WriteInDoubt) as doubt:
        filled.add_rows([training("gambling/go/a")])
    assert str(doubt.value) == (
        "Google Sheets: adding 1 rows may or may not have happened: no answer "
        "(ConnectionError). The next pass looks first"
    )


# Rewriting


def test_only_what_differs_is_rewritten_in_one_request(sandbox, filled):
    sandbox.clear_requests()
    filled.rewrite([training(DECK, Due="2025-11-10"), training(QUIZ, "Reviewer quiz")])
    assert dict(filled.read("gambling").rows[DECK].machine)["Due"] == "2025-11-10"
    assert writes(sandbox) == 1


def test_nothing_is_written_where_nothing_differs(sandbox, filled):
    sandbox.clear_requests()
    filled.rewrite([training(DECK), item(ITEM)])
    assert writes(sandbox) == 0


def test_a_rewrite_leaves_what_people_wrote(filled, people):
    people.write_cells(DECK, {"Status": "Done", "Completed %": "100%", "Notes": "=done?"[1:]})
    filled.rewrite([training(DECK, "Deck, second edition", Message="Look again")])
    row = filled.read("gambling").rows[DECK]
    assert dict(row.human) == {"Status": "Done", "Completed %": "100%", "Notes": "done?"}
    assert dict(row.machine)["Material"] == "Deck, second edition"


def test_a_rewrite_finds_rows_and_columns_where_people_put_them(filled, people):
    people.sort("Training", "Material", descending=True)
    people.move_column("Training", "Due", before="Material")
    filled.rewrite([training(DECK, Due="2025-11-10")])
    rows = filled.read("gambling").rows
    assert [dict(rows[key].machine)["Due"] for key in (DECK, QUIZ)] == ["2025-11-10", "2025-11-07"]


def test_a_row_that_was_deleted_is_not_brought_back_by_a_rewrite(filled, people):
    people.delete(DECK)
    filled.rewrite([training(DECK, Due="2025-11-10")])
    assert people.keys("Training") == [QUIZ]


@pytest.mark.parametrize("kind", ["reset-after-commit", "reset-before-commit", "late-commit"])
def test_a_rewrite_survives_a_lost_answer(sandbox, filled, kind):
    sandbox.set_faults({"kind": kind, "path": BATCH, "seconds": 30})
    filled.rewrite([training(DECK, Due="2025-11-10")])
    land_late_writes(sandbox)
    assert dict(filled.read("gambling").rows[DECK].machine)["Due"] == "2025-11-10"


class SortsInBetween(Workbook):
    """A workbook in which somebody sorts after our look and before our first write."""

    meanwhile: Any = None

    def _send(self, requests, ranges=()):
        if self.meanwhile is not None:
            self.meanwhile, act = None, self.meanwhile
            act()
        return super()._send(requests, ranges)


def test_a_sort_between_look_and_write_is_put_right(connection, filled, people):
    people.write(QUIZ, Notes="mine")
    other = SortsInBetween(connection)
    other.meanwhile = lambda: people.sort("Training", "Material", descending=True)
    other.rewrite([training(DECK, "Deck 2", Due="2025-11-10")])
    other.close()
    rows = filled.read("gambling").rows
    assert [dict(rows[key].machine)["Material"] for key in (DECK, QUIZ)] == [
        "Deck 2",
        "Reviewer quiz",
    ]
    assert [dict(rows[key].machine)["Due"] for key in (DECK, QUIZ)] == ["2025-11-10", "2025-11-07"]
    assert dict(rows[QUIZ].human)["Notes"] == "mine"


@pytest.mark.parametrize(
    ("header", "before"), [("Notes", "Due"), ("Due", "Team"), ("Key", "Material"), ("Kind", "Due")]
)
def test_a_column_moved_between_look_and_write_costs_no_note(
    connection, filled, people, header, before
):
    people.write_cells(DECK, {"Notes": "mine", "Completed %": "50%", "Status": "Blocked"})
    other = SortsInBetween(connection)
    other.meanwhile = lambda: people.move_column("Training", header, before=before)
    other.rewrite([training(DECK, Due="2025-11-10", Kind="deck")])
    other.close()
    row = filled.read("gambling").rows[DECK]
    assert dict(row.human) == {"Status": "Blocked", "Completed %": "50%", "Notes": "mine"}
    assert dict(row.machine) == {**dict(training(DECK).cells), "Due": "2025-11-10"} | {
        "Language": "",
        "Assigned to": "",
        "Team": "",
        "Kind": "deck",
        "Pass mark": "",
        "Message": "",
        "Key": DECK,
    }


def test_somebody_elses_rows_between_look_and_write_are_not_doubled(connection, filled, people):
    row = training("gambling/go/a")
    other = SortsInBetween(connection)
    other.meanwhile = lambda: filled.add_rows([row])
    other.add_rows([row])
    other.close()
    assert people.keys("Training").count("gambling/go/a") == 1


def test_passes_among_busy_people_lose_and_double_nothing(sandbox, filled, people):
    chance = random.Random(7)  # noqa: S311 - the same on every run
    desired = {key: training(key) for key in (DECK, QUIZ)}
    notes = dict.fromkeys(desired, "")
    for number in range(25):
        faults = ["reset-after-commit", "reset-before-commit", "late-commit"]
        sandbox.set_faults(
            {"kind": chance.choice(faults), "path": BATCH, "seconds": 0, "after": number % 2}
        )
        new = f"gambling/go/{number}"
        desired[new], notes[new] = training(new), ""
        changed = chance.choice(sorted(desired))
        desired[changed] = training(changed, f"Edition {number}")
        filled.add_rows(list(desired.values()))
        filled.rewrite(list(desired.values()))
        sandbox.set_faults()
        land_late_writes(sandbox)
        noted = chance.choice(sorted(desired))
        notes[noted] = f"note {number}"
        people.write(noted, Notes=notes[noted])
        people.insert_below(chance.choice(sorted(desired)))
        people.sort("Training", chance.choice(["Material", "Notes", "Key"]))
    filled.rewrite(list(desired.values()))
    read = filled.read("gambling")
    assert read.oddities == ()
    assert {key: dict(row.human)["Notes"] for key, row in read.rows.items() if key != ITEM} == notes
    materials = {key: dict(row.machine).get("Material") for key, row in read.rows.items()}
    assert {key: materials[key] for key in desired} == {
        key: dict(row.cells)["Material"] for key, row in desired.items()
    }


# Trouble


@pytest.mark.parametrize(
    "fault", [{"kind": "error"}, {"kind": "throttled"}, {"kind": "reset-before-commit"}]
)
def test_a_read_is_tried_again(sandbox, filled, fault):
    sandbox.set_faults({**fault, "path": READ, "times": 2})
    assert DECK in filled.read("gambling").rows


def test_a_service_that_stays_down_is_named(sandbox, filled):
    sandbox.set_faults({"kind": "error", "path": READ, "times": None})
    with pytest.raises(ServiceUnavailable) as down:
        filled.read("gambling")
    assert str(down.value) == (
        "Google Sheets: reading the workbook failed: HTTP 503. It is tried again on the next pass"
    )


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_long_wait_is_handed_on_instead_of_slept(sandbox, filled, form):
    fault = {"kind": "throttled", "seconds": 600, "path": READ, "times": None}
    sandbox.set_faults({**fault, "retry_after": form})
    sandbox.clear_requests()
    with pytest.raises(ServiceUnavailable) as throttled:
        filled.read("gambling")
    assert throttled.value.retry_after_seconds == pytest.approx(600, abs=5)
    assert len(sandbox.requests()) == 1


def test_a_token_endpoint_that_is_down_is_unavailable(sandbox, workbook):
    sandbox.set_faults({"kind": "reset-before-commit", "path": "/token$", "times": None})
    with pytest.raises(ServiceUnavailable, match="no answer"):
        workbook.read("gambling")


def test_a_service_account_that_is_not_known_is_refused(connection, tmp_path):
    text = connection.credentials.read_text().replace(ACCOUNT_EMAIL, "gone@sandbox.example")
    stranger = tmp_path / "stranger.json"
    stranger.write_text(text)
    opened = Workbook(SheetsConnection(connection.url, stranger, WORKBOOK))
    with pytest.raises(ServiceRefused) as refused:
        opened.read("gambling")
    opened.close()
    assert str(refused.value).endswith(
        "Put a valid key file of the service account into ROLLOUT_SHEETS_CREDENTIALS"
    )
    assert "account not found" in str(refused.value)


def test_no_error_carries_a_request_or_a_token(sandbox, filled):
    token = filled._client.session.credentials.token
    sandbox.set_faults({"kind": "error", "path": READ, "times": None})
    with pytest.raises(ServiceUnavailable) as down:
        filled.read("gambling")
    assert down.value.__cause__ is None
    assert down.value.__suppress_context__
    assert token not in repr(down.value.__context__)


def test_no_other_machine_is_asked_for_anything(workbook, monkeypatch):
    hosts = set()
    resolve = socket.getaddrinfo

    def noted(host, *args, **kwargs):
        hosts.add(host)
        return resolve(host, *args, **kwargs)

    before = set(threading.enumerate())
    monkeypatch.setattr(socket, "getaddrinfo", noted)
    workbook.read("gambling")
    for thread in set(threading.enumerate()) - before:
        if thread.__class__.__module__.startswith("google."):
            thread.join()
    assert hosts == {"127.0.0.1"}


# Preflight, addresses and what changed


def test_a_workbook_that_is_ready_lacks_nothing(filled):
    assert filled.preflight() == ()


def test_a_workbook_that_is_not_shared_says_with_whom_to_share_it(workbook, people):
    people.share("none")
    [missing] = workbook.preflight()
    assert str(missing) == (
        f"Google Sheets: workbook {WORKBOOK}: found HTTP 403 (The caller does not have "
        f"permission), expected a workbook that is shared with {ACCOUNT_EMAIL}. "
        f"Check ROLLOUT_SHEETS_WORKBOOK ({WORKBOOK}) and share the workbook with "
        f"{ACCOUNT_EMAIL} as an editor"
    )


def test_a_workbook_that_may_only_be_looked_at_is_not_enough(workbook, people):
    people.share("view")
    [missing] = workbook.preflight()
    assert missing.found == "shared for reading only"
    assert missing.expected == f"shared with {ACCOUNT_EMAIL} as an editor"


def test_a_workbook_that_does_not_exist_is_named(connection):
    opened = Workbook(SheetsConnection(connection.url, connection.credentials, "no-such"))
    [missing] = opened.preflight()
    opened.close()
    assert (missing.name, missing.found) == (
        "workbook no-such",
        "HTTP 404 (Requested entity was not found)",
    )


def test_a_tab_without_a_header_is_found_before_the_first_write(filled, google_cells):
    google_cells("Checklist!A1", [["What"]])
    [missing] = filled.preflight()
    assert (missing.name, missing.found) == (
        "tab Checklist",
        "no column with the header 'Item'",
    )


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (None, "cannot be read (No such file or directory)"),
        ("{}", "is no key file of a service account"),
        ("not json", "is no key file of a service account"),
    ],
)
def test_a_key_file_that_cannot_be_used_names_its_setting(tmp_path, content, found):
    path = tmp_path / "key.json"
    if content is not None:
        path.write_text(content)
    opened = Workbook(SheetsConnection("http://127.0.0.1:9", path, WORKBOOK))
    [missing] = opened.preflight()
    assert missing.name == "setting ROLLOUT_SHEETS_CREDENTIALS"
    assert missing.found == f"{path} {found}"
    with pytest.raises(SettingsWrong, match="ROLLOUT_SHEETS_CREDENTIALS"):
        opened.read("gambling")


def test_no_key_file_at_all_names_its_setting():
    [missing] = Workbook(SheetsConnection("", None, WORKBOOK)).preflight()
    assert missing.found == "nothing"


def test_no_workbook_names_its_setting(connection):
    [missing] = Workbook(SheetsConnection("", connection.credentials, "")).preflight()
    assert missing.name == "setting ROLLOUT_SHEETS_WORKBOOK"


def test_what_changed_is_one_question_for_all_workbooks(sandbox, filled):
    sandbox.clear_requests()
    assert filled.changed_workbooks(datetime(2020, 1, 1, tzinfo=UTC)) == {WORKBOOK}
    assert filled.changed_workbooks(datetime(2999, 1, 1, tzinfo=UTC)) == frozenset()
    assert [each["path"] for each in sandbox.requests()] == ["/sheets/drive/v3/files"] * 2


def test_addresses_for_people():
    google = Workbook(SheetsConnection("", None, "1AbC"))
    assert google.url() == "https://docs.google.com/spreadsheets/d/1AbC/edit"
    assert google.url(Tab.TRAINING).endswith("/1AbC/edit?gid=740201#gid=740201")


def test_the_address_of_a_tab_opens_in_the_sandbox(filled):
    answer = requests.get(filled.url(Tab.CHECKLIST), timeout=30)
    assert "Load the templates" in answer.text
