"""One `rollout up` for all tests of this folder, in a home of its own, as a person starts it."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from running_up import PROFILE, Up, people_and_programs, start_up

from policy_rollout.stack import LOOPBACK, PREFECT_PORT, SANDBOX_PORT, StackAddress


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.stack)


@pytest.fixture(scope="session")
def home_of_a_person(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of somebody who uses Prefect already."""
    home = tmp_path_factory.mktemp("person")
    (home / ".prefect").mkdir()
    (home / ".prefect" / "profiles.toml").write_text(PROFILE)
    return home


@pytest.fixture(scope="session")
def usual_ports_taken() -> Iterator[None]:
    """Somebody else has the ports that a stack would take."""
    with ExitStack() as held:
        for port in (PREFECT_PORT, SANDBOX_PORT):
            taken = held.enter_context(socket.socket())
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                taken.bind((LOOPBACK, port))
                taken.listen()
            except OSError:
                continue  # it is taken already
        yield


@pytest.fixture(scope="session")
def up(
    tmp_path_factory: pytest.TempPathFactory,
    home_of_a_person: Path,
    usual_ports_taken: None,  # noqa: ARG001  the ports are held as long as the stack runs
) -> Iterator[Up]:
    with start_up(tmp_path_factory.mktemp("up") / ".rollout", home_of_a_person) as running:
        running.wait_until_it_says("stays up")
        with pytest.MonkeyPatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("ROLLOUT_")]:
                patch.delenv(name)
            people_and_programs(running)
            yield running


@pytest.fixture(autouse=True)
def _prefect_of_the_stack(request: pytest.FixtureRequest) -> Iterator[None]:
    """Lets `prefect_api` in this process talk to the stack's server."""
    if "up" not in request.fixturenames:
        yield
        return
    stack = StackAddress.of(request.getfixturevalue("up").home)
    if stack is None:  # a test of what comes after its end
        yield
        return
    with temporary_settings({PREFECT_API_URL: stack.prefect_api_url}):
        yield
