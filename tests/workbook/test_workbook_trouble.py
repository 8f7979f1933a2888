"""Trouble with the service, the preflight, and addresses."""

import socket
import threading
from datetime import UTC, datetime, timedelta

import pytest
import requests
from workbook_rows import DECK, READ

from policy_rollout.desired import Tab
from policy_rollout.errors import (
    ServiceRefused,
    ServiceUnavailable,
    SettingsWrong,
)
from policy_rollout.sandbox.sheets_api import ACCOUNT_EMAIL, WORKBOOK
from policy_rollout.workbook import SheetsConnection, Workbook

pytestmark = pytest.mark.long

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


def test_a_token_endpoint_that_answers_503_is_unavailable_and_no_wrong_key(sandbox, workbook):
    sandbox.set_faults({"kind": "error", "status": 503, "path": "/token$", "times": None})
    with pytest.raises(ServiceUnavailable, match=r"Google Sheets: reading .* failed"):
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
    changed = filled.changed_workbooks(datetime(2020, 1, 1, tzinfo=UTC))

    assert changed.keys() == {WORKBOOK}
    assert filled.changed_workbooks(changed[WORKBOOK] - timedelta(milliseconds=1)) == changed
    assert filled.changed_workbooks(changed[WORKBOOK]) == {}
    assert [each["path"] for each in sandbox.requests()] == ["/sheets/drive/v3/files"] * 3


def test_addresses_for_people():
    google = Workbook(SheetsConnection("", None, "1AbC"))
    assert google.url() == "https://docs.google.com/spreadsheets/d/1AbC/edit"
    assert google.url(Tab.TRAINING).endswith("/1AbC/edit?gid=740201#gid=740201")


def test_the_address_of_a_tab_opens_in_the_sandbox(filled):
    answer = requests.get(filled.url(Tab.CHECKLIST), timeout=30)
    assert "Load the templates" in answer.text
