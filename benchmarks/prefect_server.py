"""A Prefect server for runs in this process: of the benchmarks, and of the tests."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from prefect.server.api.server import SubprocessASGIServer
from prefect.settings import get_current_settings
from prefect.testing import utilities

from policy_rollout.stack import LOOPBACK


class _CollectingInAThread(SubprocessASGIServer):
    """Prefect's temporary server, run by the module that also runs the server of `rollout up`.

    Without it, everything stands still for a minute now and then: see `policy_rollout.gc_thread`.
    """

    def _run_uvicorn_command(self) -> subprocess.Popen[Any]:
        module = "uvicorn --factory prefect.server.api.server:create_app"
        options = f"--host {LOOPBACK} --port {self.port} --log-level error --lifespan on"
        return subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "policy_rollout.gc_thread", *f"{module} {options}".split()],
            env={
                **os.environ,
                "PREFECT__SERVER_EPHEMERAL": "1",
                "PREFECT__SERVER_FINAL": "1",
                "PREFECT_UI_ENABLED": "0",
                **get_current_settings().to_environment_variables(exclude_unset=True),
            },
        )


@contextmanager
def prefect_server(start_seconds: int) -> Iterator[None]:
    """Prefect's test harness; its server keeps a SQLite database in a temporary folder.

    Raises:
        RuntimeError: It does not answer within `start_seconds`.
    """
    with (
        patch.object(utilities, "SubprocessASGIServer", _CollectingInAThread),
        utilities.prefect_test_harness(start_seconds),
    ):
        yield
