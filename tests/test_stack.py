"""A stack whose parts do not come up: which one, and where its log is."""

import asyncio
import signal
import subprocess
import sys
import threading
import time

import pytest
from prefect.workers.process import ProcessJobConfiguration

from policy_rollout import prefect_api, stack
from policy_rollout.run_command import FORK_SERVER
from policy_rollout.stack import (
    Stack,
    StackFailed,
    free_port,
    how_it_ended,
    signals_held_back,
)

SAYS = "print('half-way', flush=True)"


@pytest.fixture
def starting(quick, monkeypatch):
    """Makes the stack start its servers without any process; what it would have started."""
    commands = {}
    monkeypatch.setattr(quick, "_start", lambda name, command: commands.update({name: command}))
    monkeypatch.setattr(quick, "_wait_for", lambda *_: None)
    monkeypatch.setattr(quick, "enter", lambda: None)

    def start() -> dict[str, list[str]]:
        quick.start_servers()
        return commands

    return start


@pytest.fixture
def quick(tmp_path, monkeypatch):
    """A stack that has started nothing, and waits a second at most."""
    monkeypatch.setattr(stack, "START_SECONDS", 1)
    made = Stack(tmp_path / "home", watch_seconds=5)
    made._logs.mkdir(parents=True)
    yield made
    made.close()


def test_a_step_that_takes_too_long_is_named_with_the_end_of_its_log(quick):
    with pytest.raises(StackFailed) as failed:
        quick._run("deploy", [sys.executable, "-c", "import time; time.sleep(60)"])
    assert str(failed.value).startswith(
        f"the deploy did not end within 1 s. Its log is {quick._logs / 'deploy.log'}, and ends:\n"
    )


def test_a_step_that_fails_is_named_with_the_end_of_its_log(quick):
    with pytest.raises(StackFailed) as failed:
        quick._run("deploy", [sys.executable, "-c", f"{SAYS}; raise SystemExit(3)"])
    assert str(failed.value) == (
        f"the deploy failed with exit code 3. Its log is {quick._logs / 'deploy.log'}, and ends:\n"
        "half-way"
    )


def test_a_process_that_ends_by_itself_is_named(quick):
    quick._start("worker", [sys.executable, "-c", f"{SAYS}; raise SystemExit(4)"])
    quick._started[0][1].wait(60)
    ended = "^the worker ended with exit code 4; all else was ended with it. Start it again with: "
    with pytest.raises(StackFailed, match=f"(?s){ended}.*half-way$"):
        quick.check()


@pytest.mark.parametrize("code", [-9, 137], ids=["itself", "as guard passes it on"])
def test_a_process_that_was_killed_is_said_to_have_been(code):
    assert how_it_ended(code) == "was ended by SIGKILL"


@pytest.mark.parametrize("code", [1, 128, 255])
def test_an_exit_code_that_is_no_signal_is_told_as_it_is(code):
    assert how_it_ended(code) == f"ended with exit code {code}"


def test_guard_passes_a_signal_on_as_shells_do():
    killed = [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]
    guarded = [sys.executable, "-m", "policy_rollout.guard", *killed]
    with subprocess.Popen(guarded, stdin=subprocess.PIPE) as process:  # noqa: S603 - our own command
        assert process.wait(60) == 137


ANSWERS = """
import sys, time, http.server
address = ("127.0.0.1", int(sys.argv[1]))
http.server.HTTPServer(address, http.server.SimpleHTTPRequestHandler).serve_forever()
"""


def test_a_server_of_somebody_else_at_the_chosen_port_is_not_taken_for_ours(quick, monkeypatch):
    port = free_port(0)
    url = f"http://127.0.0.1:{port}/"
    monkeypatch.setattr(stack, "START_SECONDS", 60)
    quick._start("other", [sys.executable, "-c", ANSWERS, str(port)])
    quick._wait_for("other", url)
    monkeypatch.setattr(stack, "START_SECONDS", 1)
    quick._start("server", [sys.executable, "-c", "import time; time.sleep(60)"])

    with pytest.raises(StackFailed, match=r"^the server did not answer at http://\S+ within 1 s\."):
        quick._wait_for("server", url)


def test_a_server_that_never_answers_is_named(quick):
    quick._start("server", [sys.executable, "-c", "import time; time.sleep(60)"])
    with pytest.raises(StackFailed, match=r"^the server did not answer at http://\S+ within 1 s\."):
        quick._wait_for("server", "http://127.0.0.1:9/")


def test_a_signal_that_comes_while_it_is_held_back_is_heard_behind():
    done = []

    def leave(_number, _frame):
        raise SystemExit(3)

    def load() -> None:
        with signals_held_back():
            signal.pthread_kill(threading.get_ident(), signal.SIGTERM)  # no thread of a test before
            done.append("the import")

    before = signal.signal(signal.SIGTERM, leave)
    try:
        with pytest.raises(SystemExit):
            load()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert done == ["the import"]


def test_signals_are_held_back_while_prefect_is_loaded(starting, monkeypatch):
    """What is raised in a callback of the import system would be printed and lost."""
    held = []

    class Loader:
        def find_spec(self, name, *_):
            if name == "policy_rollout.prefect_api":
                held.append(signal.pthread_sigmask(signal.SIG_BLOCK, ()))

    monkeypatch.delitem(sys.modules, "policy_rollout.prefect_api", raising=False)
    monkeypatch.delattr("policy_rollout.prefect_api", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Loader(), *sys.meta_path])
    starting()
    assert [{signal.SIGINT, signal.SIGTERM} <= each for each in held] == [True]


def test_the_server_collects_its_garbage_in_a_thread_of_its_own(starting):
    assert starting()["server"][1:5] == ["-m", "policy_rollout.gc_thread", "prefect", "server"]


@pytest.mark.parametrize(
    ("forks", "starts"), [(True, ["fork-server", "worker"]), (False, ["worker"])]
)
def test_runs_are_forked_where_that_is_safe(tmp_path, monkeypatch, forks, starts):
    monkeypatch.setattr(stack, "FORKS", forks)
    monkeypatch.setenv(FORK_SERVER, "/of/another.sock")
    made, pools, commands, awaited = Stack(tmp_path, watch_seconds=5), [], {}, []
    (tmp_path / "runs.sock").touch()  # that of a stack before
    monkeypatch.setattr(made, "_start", lambda name, command: commands.update({name: command}))
    monkeypatch.setattr(made, "_run", lambda *_: None)
    monkeypatch.setattr(made, "_wait_until", lambda name, ready, _: awaited.append((name, ready())))
    monkeypatch.setattr(prefect_api, "make_work_pool", pools.append)

    made.deploy()

    assert list(commands) == starts
    assert awaited == ([("fork-server", False)] if forks else [])
    assert made._environment.get(FORK_SERVER) == (str(tmp_path / "runs.sock") if forks else None)
    if forks:
        assert commands["fork-server"][1:] == ["-m", "flows.fork_server", f"{tmp_path}/runs.sock"]
    found = asyncio.run(
        ProcessJobConfiguration.from_template_and_values(pools[0].base_job_template, {})
    )
    assert found.command == f"{sys.executable} -m policy_rollout.run_command"


RUNS = """\
import os, subprocess, sys

def carry(run, seconds):
    code = f"import time; time.sleep({seconds})"
    own = {**os.environ, "PREFECT__FLOW_RUN_ID": run}
    return subprocess.Popen([sys.executable, "-c", code], env=own)

for process in [carry("another", 60), carry("ours", 2)]:
    process.wait()
"""


def test_the_process_of_a_run_is_waited_for_and_no_other(quick):
    quick._start("worker", [sys.executable, "-c", RUNS])
    deadline = time.monotonic() + 60
    while not quick._carries("ours"):
        assert time.monotonic() < deadline
        time.sleep(0.05)

    quick.let_end("ours")

    assert not quick._carries("ours")
    assert quick._carries("another")
