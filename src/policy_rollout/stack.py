"""A Prefect server, the sandbox and a worker on this machine, all state under one folder.

Starts and ends processes, on loopback only. An already configured Prefect profile is left
untouched: every `PREFECT_*` variable of the caller is kept from what is started here.
"""

import contextlib
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener

import psutil

from policy_rollout.errors import RolloutError, SettingsWrong
from policy_rollout.forking import FORKS
from policy_rollout.guard import SIGNALLED
from policy_rollout.run_command import FORK_SERVER

LOOPBACK = "127.0.0.1"
PREFECT_PORT = 4200
SANDBOX_PORT = 8700
START_SECONDS = 120
RUN_ENDS_SECONDS = 30
WORK_POOL = "rollouts"
RUN_COMMAND = shlex.join([sys.executable, "-m", "policy_rollout.run_command"])
FORKING = "fork-server"
_SHIPPED = ("prefect.yaml", "flows", "tasks", "program_specs")


class StackFailed(RolloutError):
    """A process of the stack did not start or ended by itself; the text names its log."""

    def __init__(self, name: str, what: str, log: Path) -> None:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-12:]) if log.exists() else ""
        super().__init__(f"the {name} {what}. Its log is {log}, and ends:\n{tail}")


GO_ON = "all else was ended with it. Start it again with: rollout up; programs go on from there"


def how_it_ended(code: int) -> str:
    """By its exit code, or by a signal: guard passes that on as 128 and its number."""
    number = -code if code < 0 else code - SIGNALLED
    try:
        return f"was ended by {signal.Signals(number).name}"
    except ValueError:
        return f"ended with exit code {code}"


@dataclass(frozen=True, slots=True)
class StackAddress:
    """What `stack.json` holds while a stack runs; `pid` is the process that ends it."""

    pid: int
    prefect_api_url: str
    prefect_ui_url: str
    sandbox_url: str

    @classmethod
    def of(cls, home: Path) -> "StackAddress | None":
        """The stack that runs in this folder, if its process is still there.

        Raises:
            SettingsWrong: `stack.json` cannot be read.
        """
        path = home / "stack.json"
        if not path.exists():
            return None
        try:
            found = cls(**json.loads(path.read_text()))
            return found if _is_still_there(found.pid, path.stat().st_mtime) else None
        except (ValueError, TypeError, OSError) as error:
            raise SettingsWrong(
                f"{path} cannot be read ({type(error).__name__}); delete it: it is made anew by "
                "each start of: rollout up"
            ) from None


def _is_still_there(pid: int, written_at: float) -> bool:
    """Whether the process that left a file still runs: its number may have a new owner."""
    try:
        return psutil.Process(pid).create_time() <= written_at
    except psutil.NoSuchProcess:
        return False


def free_port(usual: int) -> int:
    """The usual port, or any free one where it is taken."""
    for port in (usual, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((LOOPBACK, port))
            return int(probe.getsockname()[1])
    raise StackFailed("network", "gave no free port on loopback", Path("-"))


def checkout() -> Path:
    """The folder with the flows: they are used from the checkout, not installed.

    Raises:
        SettingsWrong: the current folder is not a checkout.
    """
    here = Path.cwd()
    lacking = [name for name in _SHIPPED if not (here / name).exists()]
    if lacking:
        raise SettingsWrong(
            f"{here} has no {', '.join(lacking)}: run this in a checkout of policy-rollout"
        )
    return here


_DIRECT = build_opener(ProxyHandler({}))  # to loopback, past any proxy of the user


def without_proxy() -> dict[str, str]:
    """The user's list of hosts that need no proxy, and loopback.

    Under both names: where only one of them is set here, the user's other one would win.
    """
    given = [os.environ[name] for name in ("NO_PROXY", "no_proxy") if os.environ.get(name)]
    hosts = ",".join([*given, LOOPBACK])
    return {"NO_PROXY": hosts, "no_proxy": hosts}


@contextlib.contextmanager
def signals_held_back() -> Iterator[None]:
    """What asks this process to end is heard behind the block.

    Around imports: what a handler raises in a callback of the import system is printed and lost.
    """
    asking = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, asking)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Stack:
    """The processes; `close` ends them in the reverse order of their start."""

    def __init__(self, home: Path, *, watch_seconds: float) -> None:
        self.home = home.absolute()
        self._logs = self.home / "logs"
        self._started: list[tuple[str, subprocess.Popen[bytes], Path]] = []
        self._environment = self._clean_environment(watch_seconds)
        prefect = f"http://{LOOPBACK}:{free_port(PREFECT_PORT)}"
        self.address = StackAddress(
            pid=os.getpid(),
            prefect_api_url=f"{prefect}/api",
            prefect_ui_url=prefect,
            sandbox_url=f"http://{LOOPBACK}:{free_port(SANDBOX_PORT)}",
        )
        self._environment |= {
            "PREFECT_API_URL": self.address.prefect_api_url,
            "PREFECT_UI_URL": self.address.prefect_ui_url,
            "PREFECT_SERVER_UI_API_URL": self.address.prefect_api_url,
        }

    def _clean_environment(self, watch_seconds: float) -> dict[str, str]:
        others = ("PREFECT_", FORK_SERVER)
        kept = {name: text for name, text in os.environ.items() if not name.startswith(others)}
        return kept | {
            "ROLLOUT_HOME": str(self.home),
            "ROLLOUT_WATCH_SECONDS": f"{watch_seconds:g}",
            "PREFECT_HOME": str(self.home / "prefect"),
            "PREFECT_PROFILES_PATH": str(self.home / "prefect" / "profiles.toml"),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            **({FORK_SERVER: str(self.home / "runs.sock")} if FORKS else {}),
            "DO_NOT_TRACK": "1",
            **without_proxy(),
            "PYTHONUNBUFFERED": "1",
        }

    def start_servers(self) -> None:
        """Start the sandbox and the Prefect server side by side, and wait until both answer.

        This process uses the stack from here on; it loads Prefect's client while the server starts.
        """
        sandbox_port = self.address.sandbox_url.rpartition(":")[2]
        prefect_port = self.address.prefect_ui_url.rpartition(":")[2]
        rollout = [sys.executable, "-m", "policy_rollout.cli"]
        prefect = [sys.executable, "-m", "policy_rollout.gc_thread", "prefect", "server", "start"]
        self._start("sandbox", [*rollout, "sandbox", "--port", sandbox_port])
        self._start("server", [*prefect, "--host", LOOPBACK, "--port", prefect_port])
        self.enter()
        with signals_held_back():
            from policy_rollout import prefect_api  # noqa: F401, PLC0415 - reads the stack's address

        self._wait_for("sandbox", f"{self.address.sandbox_url}/")
        self._wait_for("server", f"{self.address.prefect_api_url}/health")

    def deploy(self) -> None:
        """Make the work pool, start its worker, and deploy the flows from `prefect.yaml`."""
        from policy_rollout import prefect_api  # noqa: PLC0415 - reads the stack's address

        with signals_held_back():
            pool = prefect_api.process_pool(WORK_POOL, RUN_COMMAND)
        prefect_api.make_work_pool(pool)
        prefect = [sys.executable, "-m", "prefect", "--no-prompt"]
        fork_server = Path(self._environment.get(FORK_SERVER, ""))
        if FORKS:
            fork_server.unlink(missing_ok=True)  # that of a stack before
            self._start(FORKING, [sys.executable, "-m", "flows.fork_server", str(fork_server)])
        self._start("worker", [*prefect, "worker", "start", "--pool", WORK_POOL])
        self._run("deploy", [*prefect, "deploy", "--all"])
        if FORKS:
            self._wait_until(FORKING, fork_server.exists, f"at {fork_server}")

    def enter(self) -> None:
        """Let this process use the stack as its Prefect server, too."""
        for name in [each for each in os.environ if each.startswith("PREFECT_")]:
            del os.environ[name]
        os.environ.update(self._environment)

    def publish_address(self) -> None:
        (self.home / "stack.json").write_text(json.dumps(asdict(self.address)))

    def check(self) -> None:
        """Raises `StackFailed` when a process ended by itself."""
        for name, process, log in self._started:
            if process.poll() is not None:
                raise StackFailed(name, f"{how_it_ended(process.returncode)}; {GO_ON}", log)

    def let_end(self, run: str) -> None:
        """Wait until the process that carries a flow run has ended; for 30 s at most.

        It lives for about a second behind the run's last state. If it is ended with the stack in
        that second, Prefect marks the run as crashed.
        """
        deadline = time.monotonic() + RUN_ENDS_SECONDS
        while time.monotonic() < deadline and self._carries(run):
            time.sleep(0.1)

    def _carries(self, run: str) -> bool:
        for _, process, _ in self._started:
            with contextlib.suppress(psutil.Error):
                for each in psutil.Process(process.pid).children(recursive=True):
                    with contextlib.suppress(psutil.Error):
                        if each.environ().get("PREFECT__FLOW_RUN_ID") == run:
                            return True
        return False

    def close(self) -> None:
        (self.home / "stack.json").unlink(missing_ok=True)
        for _, process, _ in reversed(self._started):
            if process.stdin is not None:
                process.stdin.close()
            process.wait()
        self._started.clear()

    def _start(self, name: str, command: list[str]) -> None:
        self._logs.mkdir(parents=True, exist_ok=True)
        log = self._logs / f"{name}.log"
        guarded = [sys.executable, "-m", "policy_rollout.guard", *command]
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own command
                guarded,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
            )
        self._started.append((name, process, log))

    def _run(self, name: str, command: list[str]) -> None:
        log = self._logs / f"{name}.log"
        try:
            with log.open("wb") as output:
                done = subprocess.run(  # noqa: S603 - our own command
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=self._environment,
                    check=False,
                    timeout=START_SECONDS,
                )
        except subprocess.TimeoutExpired:
            raise StackFailed(name, f"did not end within {START_SECONDS} s", log) from None
        if done.returncode:
            raise StackFailed(name, f"failed with exit code {done.returncode}", log)

    def _wait_for(self, name: str, url: str) -> None:
        """Wait until what we started answers there, and nobody who took the port before it."""

        def answers() -> bool:
            with contextlib.suppress(URLError, ConnectionError, TimeoutError):
                _DIRECT.open(url, timeout=2).close()
                return _listens(self._named(name)[0].pid, urlsplit(url).port)
            return False

        self._wait_until(name, answers, f"at {url}")

    def _named(self, name: str) -> tuple[subprocess.Popen[bytes], Path]:
        return next((each, log) for known, each, log in self._started if known == name)

    def _wait_until(self, name: str, ready: Callable[[], bool], where: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            self.check()
            if ready():
                return
            time.sleep(0.2)
        _, log = self._named(name)
        raise StackFailed(name, f"did not answer {where} within {START_SECONDS} s", log)


def _listens(pid: int, port: int | None) -> bool:
    """Whether a process, or one that it started, listens at a port of this machine."""
    with contextlib.suppress(psutil.Error):
        ours = psutil.Process(pid)
        return any(
            each.status == psutil.CONN_LISTEN and each.laddr.port == port
            for process in (ours, *ours.children(recursive=True))
            for each in process.net_connections("tcp")
        )
    return False


@contextlib.contextmanager
def running_stack(home: Path, *, watch_seconds: float) -> Iterator[Stack]:
    """A stack that has started nothing yet; everything it starts ends with the block.

    Raises:
        SettingsWrong: a stack runs in this folder already, or this is no checkout.
    """
    checkout()
    already = StackAddress.of(home)
    if already is not None:
        raise SettingsWrong(
            f"a stack runs in {home} already (process {already.pid}); its Prefect UI is "
            f"{already.prefect_ui_url}. Stop it with Ctrl-C there, or use another ROLLOUT_HOME"
        )
    stack = Stack(home, watch_seconds=watch_seconds)
    try:
        yield stack
    finally:
        stack.close()
