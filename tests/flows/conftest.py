"""One Prefect server for the session, and a small program carried against a sandbox over HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import stamina
from carried import OWNER, SPEC, Carried, connect
from prefect.settings import (
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_HOME,
    PREFECT_LOGGING_TO_API_ENABLED,
    PREFECT_SERVER_ANALYTICS_ENABLED,
    temporary_settings,
)
from prefect.testing.utilities import prefect_test_harness

from policy_rollout.jira_site import ATTEMPTS
from policy_rollout.sandbox.control import Sandbox
from policy_rollout.sandbox.sheets_credentials import write_credentials
from policy_rollout.work import people_of

START_SECONDS = 120


@pytest.fixture(scope="session")
def prefect_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A Prefect server of its own; nothing of the user's Prefect is read or written."""
    home = tmp_path_factory.mktemp("prefect")
    quiet = {
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,  # its thread ends a second after the flow
        PREFECT_HOME: home,
        PREFECT_LOGGING_TO_API_ENABLED: False,
        PREFECT_SERVER_ANALYTICS_ENABLED: False,
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
        patch.setenv("PREFECT_HOME", str(home))
        with temporary_settings(quiet), prefect_test_harness(START_SECONDS):
            yield home


@pytest.fixture(scope="session")
def key_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("flows-key")


@pytest.fixture(autouse=True)
def _no_pauses_between_attempts():
    with stamina.set_testing(True, attempts=ATTEMPTS, cap=True):
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
    for person in people_of(carried.spec):
        sandbox.add_person(person)
    assert OWNER in people_of(carried.spec)
    return carried
