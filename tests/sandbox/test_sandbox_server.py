"""The sandbox as a process of its own."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from policy_rollout.sandbox.server import serve

SERVE = """
import sys
from pathlib import Path
from policy_rollout.sandbox.server import serve
serve(Path(sys.argv[1]), int(sys.argv[2]))
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def wait_until_up(address):
    deadline = time.monotonic() + 30
    while True:
        try:
            return requests.get(address, timeout=5)
        except requests.ConnectionError:
            assert time.monotonic() < deadline, "the sandbox did not start"


@pytest.mark.parametrize("wish", [signal.SIGTERM, signal.SIGINT], ids=["terminate", "Ctrl-C"])
def test_the_sandbox_stops_when_asked_and_leaves_its_port_free(tmp_path, wish):
    port = free_port()
    command = [sys.executable, "-c", SERVE, str(tmp_path), str(port)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:  # noqa: S603 - our own code
        shown = wait_until_up(f"http://127.0.0.1:{port}/")
        process.send_signal(wish)
        _, said = process.communicate(timeout=20)

    assert shown.status_code == 200
    assert b"Error" not in said
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_a_port_in_use_is_an_error_of_the_system(tmp_path: Path):
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(OSError, match="Address already in use"),
    ):
        serve(tmp_path, taken.getsockname()[1])
