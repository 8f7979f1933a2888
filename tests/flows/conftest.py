"""A small program carried against a sandbox over HTTP."""

from pathlib import Path

import pytest
import stamina
from carried import OWNER, SPEC, Carried, connect

from policy_rollout.sandbox.control import Sandbox
from policy_rollout.sandbox.sheets_credentials import write_credentials
from policy_rollout.work import people_of
from policy_rollout.workbook_http import LOOKS


@pytest.fixture(scope="session")
def key_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("flows-key")


@pytest.fixture(autouse=True)
def _no_pauses_between_attempts():
    with stamina.set_testing(True, attempts=LOOKS, cap=True):
        yield


@pytest.fixture
def program(
    prefect_home: Path,  # noqa: ARG001  the server must run
    sandbox: Sandbox,
    key_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Carried:
    """A program whose people Jira knows, not launched yet."""
    monkeypatch.chdir(tmp_path)  # no .env of the checkout
    connect(sandbox, write_credentials(key_folder, sandbox.sheets_url), tmp_path, monkeypatch)
    carried = Carried(sandbox, SPEC)
    carried.clock.installed(monkeypatch)
    for person in people_of(carried.spec):
        sandbox.add_person(person)
    assert OWNER in people_of(carried.spec)
    return carried
