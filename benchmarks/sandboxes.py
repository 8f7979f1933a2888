"""A sandbox in a process of its own, as slow as a service on the internet."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from policy_rollout.sandbox.control import Sandbox
from policy_rollout.stack import LOOPBACK, free_port

LATENCY_SECONDS = 0.15
START_SECONDS = 60
ANY_PORT = 0


@contextmanager
def slow_sandbox(home: Path, people: tuple[str, ...]) -> Iterator[Sandbox]:
    """The sandbox that the settings of this process then name; each call takes 150 ms more."""
    home.mkdir(parents=True, exist_ok=True)
    os.environ["ROLLOUT_HOME"] = str(home)
    port = free_port(ANY_PORT)
    guarded = [sys.executable, "-m", "policy_rollout.guard", sys.executable]
    command = [*guarded, "-m", "policy_rollout.cli", "sandbox", "--port", str(port)]
    with (
        (home / "sandbox.log").open("wb") as log,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log) as process,  # noqa: S603  our own command
    ):
        sandbox = Sandbox(f"http://{LOOPBACK}:{port}")
        _wait_for(sandbox)
        for person in people:
            sandbox.add_person(person)
        slow_down(sandbox)
        try:
            yield sandbox
        finally:
            if process.stdin is not None:
                process.stdin.close()


def slow_down(sandbox: Sandbox) -> None:
    """Each call takes 150 ms more from now on."""
    sandbox.set_faults({"kind": "latency", "seconds": LATENCY_SECONDS, "times": None})


def _wait_for(sandbox: Sandbox) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            sandbox.clear_requests()
        except requests.ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return
