"""What a run forked from the preloaded process has, and has not."""

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar
from uuid import uuid4

import psutil
import pytest

from flows.fork_server import Loaded, loaded_files
from policy_rollout.forking import Request
from policy_rollout.run_command import FORK_SERVER
from policy_rollout.stack import checkout

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux alone")
WITHIN_SECONDS = 60

LOADED_LATER = """\
import importlib, json, sys, threading
from flows.fork_server import OF_A_DEPLOYMENT, PRELOADED, preload

preload()
before = set(sys.modules)
for name in PRELOADED:
    importlib.import_module(name)
print(json.dumps({
    "first": sorted(each for each in before if each.split(".")[0] in ("flows", "tasks")),
    "later": sorted({each.split(".")[0] for each in set(sys.modules) - before}),
    "threads": threading.active_count(),
}))
"""


def test_a_run_loads_its_flows_from_the_folder_of_its_deployment_and_nothing_else():
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-W", "error::UserWarning", "-c", LOADED_LATER],
        capture_output=True,
        text=True,
        timeout=WITHIN_SECONDS,
        check=True,
    )
    assert json.loads(done.stdout) == {"first": [], "later": ["flows", "tasks"], "threads": 1}
    assert done.stderr == ""


@pytest.fixture
def loaded(tmp_path):
    """Two files, loaded an hour after they were written."""
    files = {}
    for name in ("one.py", "other.py"):
        path = tmp_path / name
        path.write_text("ONE = 1\n")
        files[path] = path.stat().st_mtime_ns
    return Loaded(time.time_ns() + 3600 * 10**9, files, {"TZ": "UTC", "PYTHONPATH": "."})


def request(folder, python=sys.prefix, **environment):
    own = {"TZ": "UTC", "PYTHONPATH": ".", "PREFECT_API_URL": "of the run"} | environment
    return Request(own, str(folder), 0o022, python, (), None)


def test_a_file_that_was_written_since_or_is_gone_is_named(loaded, tmp_path):
    one, other = loaded.files
    assert loaded.refusal(request(tmp_path)) == ""

    os.utime(other, ns=(0, loaded.files[other] + 1))
    assert loaded.refusal(request(tmp_path)).startswith(f"{other} has changed since")

    os.utime(other, ns=(0, loaded.files[other]))
    assert loaded.refusal(request(tmp_path)) == ""
    one.unlink()
    assert loaded.refusal(request(tmp_path)).startswith(f"{one} has changed since")
    within = replace(loaded, files={other / "no folder": 0})
    assert within.refusal(request(tmp_path)).startswith(f"{other}/no folder has changed since")


def test_a_file_that_was_written_while_others_were_loaded_is_one_that_changed(loaded, tmp_path):
    early = replace(loaded, since=min(loaded.files.values()) - 1)
    assert "has changed since" in early.refusal(request(tmp_path))


def test_nothing_that_takes_long_is_loaded_before_the_time_is_taken():
    """Else a file written meanwhile would count as one that was loaded."""
    code = "import sys, flows.fork_server; print({'prefect', 'pydantic'} & set(sys.modules))"
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=WITHIN_SECONDS,
        check=True,
    )
    assert done.stdout == "set()\n"


def test_a_run_that_would_load_something_else_is_not_forked(loaded, tmp_path):
    assert loaded.refusal(request(tmp_path, python="/opt/other")) == (
        f"it has the Python of /opt/other, the fork server that of {sys.prefix}"
    )
    for gone in (tmp_path / "gone", tmp_path / ("x" * 300)):
        assert loaded.refusal(request(gone)) == f"the fork server sees no folder {gone}"
    others = request(tmp_path, TZ="Asia/Tokyo", PYTHONWARNINGS="error", SSL_CERT_FILE="/ca.pem")
    assert loaded.refusal(others) == (
        "it has another PYTHONWARNINGS, SSL_CERT_FILE, TZ than the fork server"
    )
    fewer = request(tmp_path)
    del fewer.environment["TZ"]
    assert loaded.refusal(fewer) == "it has another TZ than the fork server"


def test_the_files_of_the_project_and_of_its_libraries_are_looked_after():
    names = {"/".join(path.parts[-2:]) for path in loaded_files()}
    assert {"policy_rollout/forking.py", "flows/fork_server.py", "prefect/context.py"} <= names


class Asked(BaseHTTPRequestHandler):
    """Knows no run, and notes for which it was asked."""

    paths: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.paths.append(self.path)
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        """Not on the terminal."""


@pytest.fixture
def api():
    with HTTPServer(("127.0.0.1", 0), Asked) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}/api"
        server.shutdown()
        serving.join()


def test_a_run_has_the_settings_of_its_own_environment(tmp_path, api):
    log, path = tmp_path / "server.log", tmp_path / "runs.sock"
    bare = {name: text for name, text in os.environ.items() if not name.startswith("PREFECT_")}
    home = bare | {"PREFECT_HOME": str(tmp_path / "prefect")}
    run = str(uuid4())
    own = {FORK_SERVER: str(path), "PREFECT_API_URL": api, "PREFECT__FLOW_RUN_ID": run}
    with (
        log.open("wb") as output,
        psutil.Popen(
            [sys.executable, "-m", "flows.fork_server", str(path)],
            cwd=checkout(),
            env=home,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        ) as server,
    ):
        while not path.exists():
            assert server.poll() is None, log.read_text()
            time.sleep(0.05)
        try:
            done = subprocess.run(
                [sys.executable, "-m", "policy_rollout.run_command"],
                cwd=tmp_path,
                env=home | own,
                capture_output=True,
                text=True,
                timeout=WITHIN_SECONDS,
                check=False,
            )
        finally:
            server.terminate()
    assert done.returncode == 1
    assert "anew" not in done.stderr
    assert f"/api/flow_runs/{run}" in Asked.paths
    assert log.read_text() == ""
