"""Machines that share a Prefect server and a journal on PostgreSQL, each with its own home."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg
import requests
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings
from running_up import CHECKOUT, engine_of, until

from policy_rollout import prefect_api
from policy_rollout.forking import FORKS
from policy_rollout.history import records_of, state_of
from policy_rollout.journal.store import Journal
from policy_rollout.program import ProgramState
from policy_rollout.run_command import FORK_SERVER
from policy_rollout.sandbox.control import Sandbox
from policy_rollout.sandbox.sheets_control import WorkbookEditor
from policy_rollout.sandbox.sheets_credentials import write_credentials
from policy_rollout.sandbox.sheets_store import WORKBOOK
from policy_rollout.stack import LOOPBACK, RUN_COMMAND, WORK_POOL, free_port

PASSWORD = "admin:not-a-secret"
WITHIN_SECONDS = 420
"""Four heartbeats that did not come, a look of watch, and a start on a busy machine."""
QUIET = {
    "DO_NOT_TRACK": "1",
    "NO_PROXY": LOOPBACK,
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_WORKER_QUERY_SECONDS": "1",
    "PYTHONUNBUFFERED": "1",
}


@dataclass
class Host:
    """A machine: nothing on its disk is read by another one."""

    home: Path
    environment: Mapping[str, str]
    serves: list[psutil.Popen] = field(default_factory=list)

    def start_worker(self) -> None:
        """And the process that forks for its runs, as docs/deployment.md has it."""
        if FORKS:
            socket = self.environment[FORK_SERVER]
            self.serves.append(self.begin("flows.fork_server", socket, log="fork-server"))
            until(Path(socket).exists, "the fork server listens", WITHIN_SECONDS)
        worker = self.begin("prefect", "worker", "start", "--pool", WORK_POOL, log="worker")
        self.serves.append(worker)

    def processes(self) -> list[psutil.Process]:
        alive = [each for each in self.serves if each.is_running()]
        return [*alive, *(below for each in alive for below in each.children(recursive=True))]

    def carries(self, run: str) -> bool:
        return engine_of(run, self.processes()) is not None

    def lose_power(self) -> None:
        """Everything at once, without a chance to say so."""
        below = self.processes()
        for process in below:
            process.suspend()  # so that no child starts another while it is being killed
        for process in below:
            process.kill()
        psutil.wait_procs(below)

    def begin(self, module: str, *arguments: str, log: str) -> psutil.Popen:
        with (self.home / f"{log}.log").open("ab") as output:
            return psutil.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=CHECKOUT,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def run(self, module: str, *arguments: str) -> str:
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", module, *arguments],
            cwd=CHECKOUT,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=WITHIN_SECONDS,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@dataclass
class Site:
    """What the machines share, and the machine of whoever looks after them."""

    journal_url: str
    api_url: str
    sandbox: Sandbox
    operator: Host
    hosts: list[Host] = field(default_factory=list)

    def state(self, program: str) -> ProgramState:
        with Journal(self.journal_url) as journal:
            return state_of(journal, program)

    def kinds(self, program: str) -> list[str]:
        with Journal(self.journal_url) as journal:
            return [each.event.kind for each in records_of(journal, program)]

    def host_of(self, run: str) -> Host:
        def look() -> Host | None:
            return next((host for host in self.hosts if host.carries(run)), None)

        return until(look, f"a worker carries run {run}")

    @property
    def workbook(self) -> WorkbookEditor:
        return WorkbookEditor(self.sandbox.sheets_url, WORKBOOK)


@contextmanager
def two_hosts(folder: Path, postgresql: str) -> Iterator[Site]:
    """A server, a sandbox and two workers, each worker on a machine of its own."""
    with ExitStack() as stack:
        site = _shared(stack, folder, postgresql)
        for name in ("first", "second"):
            host = _host(folder / name, site.operator.environment)
            stack.callback(host.lose_power)
            host.start_worker()
            site.hosts.append(host)
        yield site


def _shared(stack: ExitStack, folder: Path, postgresql: str) -> Site:
    databases = {
        name: _database(postgresql, name) for name in ("machines_prefect", "machines_journal")
    }
    ports = {name: free_port(0) for name in ("prefect", "sandbox")}
    api_url = f"http://{LOOPBACK}:{ports['prefect']}/api"
    sandbox = Sandbox(f"http://{LOOPBACK}:{ports['sandbox']}")
    foreign = ("ROLLOUT_", "PREFECT_")
    kept = {name: text for name, text in os.environ.items() if not name.startswith(foreign)}
    folder.mkdir(exist_ok=True)
    shared = {
        **kept,
        **QUIET,
        "PREFECT_API_URL": api_url,
        "PREFECT_API_AUTH_STRING": PASSWORD,
        "ROLLOUT_JOURNAL_URL": databases["machines_journal"],
        "ROLLOUT_JIRA_URL": sandbox.jira_url,
        "ROLLOUT_JIRA_EMAIL": sandbox.email,
        "ROLLOUT_JIRA_TOKEN": sandbox.token,
        "ROLLOUT_JIRA_PROJECT": sandbox.project,
        "ROLLOUT_SHEETS_URL": sandbox.sheets_url,
        "ROLLOUT_SHEETS_CREDENTIALS": str(write_credentials(folder, sandbox.sheets_url)),
        "ROLLOUT_SHEETS_WORKBOOK": WORKBOOK,
        "ROLLOUT_SETTLE_SECONDS": "5",
        "ROLLOUT_WATCH_SECONDS": "5",
    }
    operator = _host(folder / "operator", shared)
    server = _host(
        folder / "server",
        shared
        | {
            "PREFECT_SERVER_API_AUTH_STRING": PASSWORD,
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": databases["machines_prefect"].replace(
                "postgresql://", "postgresql+asyncpg://"
            ),
        },
    )
    port = str(ports["prefect"])
    for process in (
        server.begin("prefect", "server", "start", "--port", port, log="server"),
        server.begin("policy_rollout.cli", "sandbox", "--port", str(ports["sandbox"]), log="box"),
    ):
        stack.callback(_end, process)
    _wait_for(f"{api_url}/health")
    _wait_for(sandbox.url)
    known = {PREFECT_API_URL: api_url, PREFECT_API_AUTH_STRING: PASSWORD}
    with temporary_settings(known):
        prefect_api.make_work_pool(prefect_api.process_pool(WORK_POOL, RUN_COMMAND))
    operator.run("prefect", "--no-prompt", "deploy", "--all")
    return Site(databases["machines_journal"], api_url, sandbox, operator)


def _host(home: Path, shared: Mapping[str, str]) -> Host:
    home.mkdir(parents=True)
    own = {
        "HOME": str(home),
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_PROFILES_PATH": str(home / "prefect" / "profiles.toml"),
        "ROLLOUT_HOME": str(home / "rollout"),
        FORK_SERVER: str(home / "runs.sock"),
    }
    return Host(home, {**shared, **own})


def _database(postgresql: str, name: str) -> str:
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # the name is ours
    return postgresql.replace("/postgres?", f"/{name}?")


def _end(process: psutil.Popen) -> None:
    below = [process, *process.children(recursive=True)] if process.is_running() else []
    for each in below:
        each.terminate()
    _, alive = psutil.wait_procs(below, timeout=20)
    for each in alive:
        each.kill()


def _wait_for(url: str) -> None:
    def answers() -> bool:
        try:
            return requests.get(url, timeout=2, auth=tuple(PASSWORD.split(":"))).ok
        except requests.RequestException:
            return False

    until(answers, f"{url} answers", WITHIN_SECONDS)
