"""A workbook in the sandbox, filled with three rows, and people who edit it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stamina
from workbook_rows import DECK, ITEM, QUIZ, ActsInBetween, item, training

from policy_rollout.sandbox.control import Sandbox
from policy_rollout.sandbox.sheets_api import WORKBOOK, write_credentials
from policy_rollout.sandbox.sheets_control import WorkbookEditor
from policy_rollout.workbook import SheetsConnection, Workbook
from policy_rollout.workbook_http import LOOKS


@pytest.fixture(autouse=True)
def no_waiting_between_attempts() -> Iterator[None]:
    with stamina.set_testing(True, attempts=LOOKS, cap=True):
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


@pytest.fixture
def other(
    connection: SheetsConnection,
    filled: Workbook,  # noqa: ARG001 - the workbook with its first rows
) -> Iterator[ActsInBetween]:
    """The same workbook, in which somebody can act between our look and our write."""
    opened = ActsInBetween(connection)
    yield opened
    opened.close()
