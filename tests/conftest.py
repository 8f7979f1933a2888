"""Fixtures that several test folders share: a sandbox, Prefect, the two databases of a journal."""

from collections.abc import Iterator
from pathlib import Path

import hypothesis
import psycopg
import pytest

from policy_rollout.journal.store import Journal
from policy_rollout.sandbox.control import Sandbox
from policy_rollout.sandbox.server import running

PREFECT_START_SECONDS = 900

hypothesis.settings.register_profile("whatever the machine's speed", deadline=None)
hypothesis.settings.load_profile("whatever the machine's speed")


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """A fresh sandbox over HTTP on loopback; its search index does not lag unless told to."""
    with running(tmp_path / "sandbox") as address:
        fresh = Sandbox(address)
        fresh.set_behaviour(search_lag_seconds=0)
        yield fresh


@pytest.fixture(scope="session")
def prefect_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A Prefect server of its own; nothing of the user's Prefect is read or written."""
    from prefect.settings import (  # noqa: PLC0415  slow to load, and few tests need it
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
        PREFECT_HOME,
        PREFECT_LOGGING_TO_API_ENABLED,
        PREFECT_SERVER_ANALYTICS_ENABLED,
        temporary_settings,
    )

    from benchmarks.prefect_server import prefect_server  # noqa: PLC0415  the same

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
        with temporary_settings(quiet), prefect_server(PREFECT_START_SECONDS):
            yield home


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URI of a PostgreSQL server, reached over a socket in a temporary folder."""
    with pytest.MonkeyPatch.context() as patch:
        # The package looks for this folder while it is imported, and warns where there is none.
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
        from pgserver import get_server  # noqa: PLC0415  see the line above

        with get_server(tmp_path_factory.mktemp("postgresql")) as server:
            yield server.get_uri()


@pytest.fixture
def postgresql_address(postgresql_server: str, request: pytest.FixtureRequest) -> str:
    """The URI of an empty database of its own."""
    name = f"test_{abs(hash(request.node.nodeid))}"
    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return postgresql_server.replace("/postgres?", f"/{name}?")


@pytest.fixture
def sqlite_address(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'journal.sqlite3'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue(f"{request.param}_address")


@pytest.fixture
def journal(address: str) -> Iterator[Journal]:
    with Journal(address) as opened:
        yield opened
