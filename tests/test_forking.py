"""A forked process is what the asking one would be, and both end together."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from policy_rollout import run_command
from policy_rollout.forking import NotForked, _read, ask
from policy_rollout.run_command import FORK_SERVER

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux alone")

SERVER = """\
import os, sys
from pathlib import Path
from policy_rollout.forking import ForkServer, listen

refusal = Path(sys.argv[2])
request = ForkServer(
    listen(Path(sys.argv[1])), lambda _: refusal.read_text() if refusal.exists() else ""
).serve()
request.take_over()
exec(os.environ["CODE"])
"""
WITHIN_SECONDS = 60


@pytest.fixture(autouse=True)
def _heeded():
    """Signals are heeded by what a test starts, also where it runs behind nohup or in the back."""
    handlers = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: signal.SIG_DFL}
    before = {each: signal.signal(each, handler) for each, handler in handlers.items()}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


class Forks:
    """A server that is ready, and what asks there."""

    def __init__(self, folder):
        self.folder = folder
        self.socket = folder / "runs.sock"
        self.refusal = folder / "refusal"
        self.log = folder / "server.log"
        with self.log.open("wb") as log:
            self.process = psutil.Popen(
                [sys.executable, "-c", SERVER, str(self.socket), str(self.refusal)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        until(self.socket.exists)

    def begin(self, code, **environment):
        return psutil.Popen(
            [sys.executable, "-m", "policy_rollout.run_command"],
            cwd=self.folder,
            env=os.environ | {FORK_SERVER: str(self.socket), "CODE": code} | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, code, typed="", **environment):
        """Its exit code, output and errors."""
        process = self.begin(code, **environment)
        out, err = process.communicate(typed, timeout=WITHIN_SECONDS)
        return process.returncode, out, err

    def child(self):
        """The one process that the server has forked."""
        until(self.process.children)
        (found,) = self.process.children()
        return found

    def end(self):
        if self.process.is_running():
            for each in [*self.process.children(), self.process]:
                each.kill()
        self.process.wait(WITHIN_SECONDS)


def until(look):
    deadline = time.monotonic() + WITHIN_SECONDS
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def forks(tmp_path):
    deep = tmp_path / ("a" * 60) / ("b" * 60)  # an address of a socket has 107 bytes
    deep.mkdir(parents=True)
    server = Forks(deep)
    yield server
    server.end()


def test_it_has_the_environment_folder_and_streams_of_who_asks(forks):
    code = "print(os.environ['WHO'], os.environ.get('HOME'), os.getcwd(), sys.stdin.read())"
    found = forks.run(f"{code}; sys.stderr.write('aside')", typed="typed", WHO="me", HOME="/there")
    assert found == (0, f"me /there {forks.folder} typed\n", "aside")


def test_it_makes_files_as_who_asks_would(forks):
    before = os.umask(0o027)
    try:
        found = forks.run("print(oct(os.umask(0)))")
    finally:
        os.umask(before)
    assert found == (0, "0o27\n", "")


def test_an_environment_larger_than_the_buffer_of_a_socket_arrives_whole(forks):
    many = {f"LARGE_{number}": str(number) * 100_000 for number in range(8)}
    code = "print(sum(len(text) for name, text in os.environ.items() if 'LARGE' in name))"
    assert forks.run(code, **many) == (0, "800000\n", "")


@pytest.mark.parametrize(
    ("code", "ends"),
    [
        ("sys.exit(7)", 7),
        ("raise SystemExit", 0),
        ("1 / 0", 1),
        ("os.kill(os.getpid(), 15)", -15),
        ("os.kill(os.getpid(), 9)", -9),
    ],
)
def test_who_asks_ends_as_it_did(forks, code, ends):
    assert forks.run(code)[0] == ends


def test_what_it_leaves_for_its_end_is_done(forks):
    code = "import atexit; atexit.register(lambda: print('last')); print('first', end=' ')"
    assert forks.run(code) == (0, "first last\n", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_are_passed_on(forks, number):
    code = (
        "import signal, time\n"
        f"signal.signal({number.value}, lambda *_: sys.exit(5))\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)"
    )
    process = forks.begin(code)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    process.communicate(timeout=WITHIN_SECONDS)
    assert process.returncode == 5


def test_a_signal_is_passed_on_also_where_the_server_was_started_behind_nohup(tmp_path):
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    forks = Forks(tmp_path)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        process = forks.begin("import time; print('ready', flush=True); time.sleep(60)")
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGHUP)
        process.communicate(timeout=WITHIN_SECONDS)
    finally:
        forks.end()
    assert process.returncode == -signal.SIGHUP


def test_a_signal_that_who_asks_does_not_heed_is_not_passed_on(forks):
    """As under nohup."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    process = forks.begin("print('ready', flush=True); sys.stdin.readline(); sys.exit(4)")
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGHUP)
    process.communicate("go on\n", timeout=WITHIN_SECONDS)
    assert process.returncode == 4


def test_a_keyboard_interrupt_is_one_as_in_any_python(forks):
    process = forks.begin("import time; print('ready', flush=True); time.sleep(60)")
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=WITHIN_SECONDS)
    assert err.endswith("KeyboardInterrupt\n")
    assert process.returncode == -signal.SIGINT


def test_it_is_killed_when_who_asked_is_gone(forks):
    process = forks.begin("import time; print('ready', flush=True); time.sleep(60)")
    assert process.stdout.readline() == "ready\n"
    child = forks.child()
    process.kill()
    process.communicate()
    until(lambda: not child.is_running())
    assert forks.run("print('next')") == (0, "next\n", "")


def test_many_at_once_get_each_its_own_answer_and_nothing_stays(forks):
    forks.run("pass")
    before = forks.process.num_fds()
    with ThreadPoolExecutor(12) as pool:
        codes = [f"import time; time.sleep(0.2); sys.exit({number})" for number in range(60)]
        found = [code for code, _, _ in pool.map(forks.run, codes)]
    assert found == list(range(60))
    assert forks.process.children() == []
    until(lambda: forks.process.num_fds() <= before)
    assert forks.log.read_text() == ""


def test_no_process_has_the_connection_of_another(forks):
    """Else an end of one would not be seen as long as another runs."""
    first = forks.begin("import time; print('ready', flush=True); time.sleep(60)")
    assert first.stdout.readline() == "ready\n"
    second = forks.begin("import time; print('ready', flush=True); time.sleep(60)")
    assert second.stdout.readline() == "ready\n"
    sockets = [len(each.net_connections("unix")) for each in forks.process.children()]
    for each in (first, second):
        each.kill()
        each.communicate()
    assert sockets == [1, 1]


def sent(**what):
    """A request as `ask` sends it."""
    text = json.dumps(what).encode()
    return len(text).to_bytes(4, "big") + text


def test_a_request_that_breaks_off_is_told_and_ends_nothing(forks):
    for start, streams in (
        (b"", 3),
        (b"\0", 3),
        (b"\0\0\0\7", 3),
        (b"\0\0\0\2[]", 3),
        (b"\0\0\0\2{}", 2),
        (sent(folder="/", umask=0, python="", environment=5), 3),
        (sent(folder="/", umask=0, python="", environment=["HOME"]), 3),
        (sent(folder=None, umask=0, python="", environment={}), 3),
        (sent(folder="/", umask=0, python="", environment={}, newer=1), 3),
    ):
        with socket.socket(socket.AF_UNIX) as asks:
            folder = os.open(forks.folder, os.O_PATH)
            asks.connect(f"/proc/self/fd/{folder}/{forks.socket.name}")
            os.close(folder)
            socket.send_fds(asks, [start], range(streams)) if start else None
    assert forks.run("print('next')") == (0, "next\n", "")
    assert forks.log.read_text().count("a request broke off: ") == 9


def test_a_server_that_has_no_file_left_to_open_hears_who_asks_later(forks):
    limit = forks.process.rlimit(psutil.RLIMIT_NOFILE)
    forks.process.rlimit(psutil.RLIMIT_NOFILE, (forks.process.num_fds(), limit[1]))
    process = forks.begin("print('late')")
    until(lambda: "a request was not heard: " in forks.log.read_text())
    forks.process.rlimit(psutil.RLIMIT_NOFILE, limit)
    assert process.communicate(timeout=WITHIN_SECONDS) == ("late\n", "")


@pytest.mark.parametrize("spare", [1, 2])
def test_a_run_whose_streams_the_server_cannot_take_becomes_the_engine(forks, spare):
    limit = forks.process.rlimit(psutil.RLIMIT_NOFILE)
    forks.process.rlimit(psutil.RLIMIT_NOFILE, (forks.process.num_fds() + spare, limit[1]))
    code, _, err = forks.run("print('forked')", PREFECT__FLOW_RUN_ID="")
    assert code == 1
    told, *rest = err.splitlines()
    assert told.startswith("this run starts Python anew, which takes longer: ")
    assert ENGINE_S_OWN in "".join(rest)
    assert forks.log.read_text() == f"a request broke off: {spare - 1} of 3 streams came\n"


def test_a_request_that_broke_off_was_not_carried_out(forks):
    with socket.socket(socket.AF_UNIX) as asks:
        folder = os.open(forks.folder, os.O_PATH)
        asks.connect(f"/proc/self/fd/{folder}/{forks.socket.name}")
        os.close(folder)
        socket.send_fds(asks, [b"\0\0\0\2[]"], range(3))
        told = json.loads(asks.makefile().readline())
    assert told["refused"].startswith("the request broke off: ")


def test_who_sends_a_little_now_and_then_keeps_nobody_waiting_for_longer():
    server, asks = socket.socketpair()
    with server, asks:
        socket.send_fds(asks, [b"\0\0\0\2"], range(3))
        asks.sendall(b"[]")
        with pytest.raises(TimeoutError, match="too long"):
            _read(server, time.monotonic())


def test_the_socket_is_for_its_user_alone(forks):
    assert stat.S_IMODE(forks.socket.stat().st_mode) == 0o600


def test_who_asks_tells_nothing_to_a_server_of_another_user(forks, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    with pytest.raises(NotForked, match="is of another user"):
        ask(forks.socket)
    assert forks.process.children() == []
    until(lambda: "a request broke off: 0 of 3 streams came" in forks.log.read_text())


def test_a_server_takes_the_socket_of_one_that_was_killed(forks):
    forks.end()
    again = Forks(forks.folder)
    try:
        until(lambda: again.run("print('next')") == (0, "next\n", ""))
    finally:
        again.end()


def test_if_the_server_is_lost_the_process_goes_on_and_its_end_is_awaited(forks):
    code = "import time; print('ready', flush=True); sys.stdin.readline(); print('done')"
    process = forks.begin(code)
    assert process.stdout.readline() == "ready\n"
    forks.process.kill()
    forks.process.wait()
    time.sleep(0.2)
    assert process.poll() is None
    out, err = process.communicate("go on\n", timeout=WITHIN_SECONDS)
    assert (process.returncode, out) == (1, "done\n")
    assert err == (
        f"{forks.socket}: the fork server is gone or silent, and how this run ended is not known; "
        "its log may tell why, and watch starts the run again if it is lost\n"
    )


ENGINE_S_OWN = "Invalid flow run id. Received arguments"
"""What Prefect's engine says without a run."""


def test_where_none_is_taken_this_process_becomes_the_engine(forks):
    forks.refusal.write_text("a file has changed")
    code, out, err = forks.run("print('forked')", PREFECT__FLOW_RUN_ID="")
    assert (code, out) == (1, "")
    told, *rest = err.splitlines()
    assert told == "this run starts Python anew, which takes longer: a file has changed"
    assert ENGINE_S_OWN in "".join(rest)


@pytest.mark.parametrize("path", ["/nowhere/runs.sock", ""])
def test_without_a_server_this_process_becomes_the_engine(tmp_path, path):
    done = subprocess.run(
        [sys.executable, "-m", "policy_rollout.run_command"],
        cwd=tmp_path,
        env=os.environ | {FORK_SERVER: path, "PREFECT__FLOW_RUN_ID": ""},
        capture_output=True,
        text=True,
        timeout=WITHIN_SECONDS,
        check=False,
    )
    assert done.returncode == 1
    assert ENGINE_S_OWN in done.stderr
    lacks = "this run starts Python anew, which takes longer: /nowhere/runs.sock: No such file"
    assert done.stderr.startswith(lacks) == bool(path)


def test_where_nothing_forks_this_process_becomes_the_engine_at_once(monkeypatch):
    became = []
    monkeypatch.setattr(run_command, "FORKS", False)
    monkeypatch.setenv(FORK_SERVER, "/of/another.sock")
    monkeypatch.setattr(os, "execv", lambda _, command: became.append(command) or sys.exit(0))
    with pytest.raises(SystemExit):
        run_command.main()
    assert became == [[sys.executable, "-m", "prefect.engine"]]
