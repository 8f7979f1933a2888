"""Processes to break: a sandbox and the flow, each forked from one that has everything loaded.

The flow's process ends by SIGKILL where a `Kill` says so, at a request or at a write of the
journal. Its clock can be set forward, so that nobody waits for the settle time.
"""

import importlib
import multiprocessing
import os
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Lock
from typing import Any
from unittest.mock import patch

import pytest
import requests
import sqlalchemy
import stamina
from carried import Clock, one_pass
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_LOGGING_TO_API_ENABLED,
    temporary_settings,
)
from story import SPEC, TEXT, People

from policy_rollout.history import state_of
from policy_rollout.journal.store import Journal
from policy_rollout.program import ProgramState
from policy_rollout.sandbox.control import Sandbox
from policy_rollout.sandbox.server import running
from policy_rollout.sandbox.sheets_credentials import write_credentials
from policy_rollout.sandbox.sheets_store import WORKBOOK
from policy_rollout.workbook_http import LOOKS

SETTLE_SECONDS = 180
PASSES_UNTIL_CALM = 12
WAIT_SECONDS = 120
FORKED = multiprocessing.get_context("forkserver")
for _late in (
    "anyio._backends._asyncio", "fastapi", "policy_rollout.workbook", "prefect.flow_engine",
    "prefect.task_engine", "prefect.telemetry.run_telemetry", "prefect.utilities.visualization",
    "starlette.staticfiles", "mistune", "prefect.concurrency.v1",
):  # fmt: skip
    importlib.import_module(_late)  # what a first pass loads late is loaded before the fork


class Where(StrEnum):
    """A boundary at which the flow's process dies."""

    BEFORE_REQUEST = "before a request is sent"
    AFTER_COMMIT = "after the service committed and before the answer is read"
    IN_JOURNAL = "in a write of the journal, before its commit"
    AFTER_JOURNAL = "after a write of the journal"


@dataclass(frozen=True)
class Kill:
    """At the so-manyth boundary of its kind, from 1."""

    where: Where
    at: int


@dataclass(frozen=True)
class Journey:
    """What the flow's process does: one pass, or passes until there is no trouble any more."""

    variables: dict[str, str]
    api_url: str
    run: str
    kill: Kill | None = None
    until_calm: bool = False
    hours_ahead: float = 0.0


@dataclass(frozen=True)
class Ended:
    """How it ended: killed or not; the trouble that its last pass met, empty for none."""

    was_killed: bool
    trouble: str = ""
    passes: int = 0


def travel(journey: Journey, told: Connection) -> None:
    """The flow's process: tells how it ended, unless it is killed."""
    os.environ.update(journey.variables)
    os.chdir(journey.variables["ROLLOUT_HOME"])  # no .env of the checkout
    quiet = {
        PREFECT_API_URL: journey.api_url,
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
        PREFECT_LOGGING_TO_API_ENABLED: False,
    }
    clock = Clock()
    clock.ahead = timedelta(hours=journey.hours_ahead)
    with ExitStack() as stack:
        stack.enter_context(temporary_settings(quiet))
        stack.enter_context(stamina.set_testing(True, attempts=LOOKS, cap=True))
        clock.installed(stack.enter_context(pytest.MonkeyPatch.context()))
        if journey.kill:
            _arm(stack, journey.kill)
        told.send(_passes(journey, clock))
    os._exit(0)  # Prefect's threads have nothing left to tell


def _passes(journey: Journey, clock: Clock) -> Ended:
    for passes in count(1):
        one_pass(TEXT, journey.run)
        trouble = _trouble()
        if not (trouble and journey.until_calm) or passes == PASSES_UNTIL_CALM:
            break
        clock.ahead += timedelta(seconds=SETTLE_SECONDS)
    return Ended(was_killed=False, trouble=trouble, passes=passes)


def _trouble() -> str:
    home = Path(os.environ["ROLLOUT_HOME"])
    found = _state(home).trouble
    return found.text if found else ""


def _state(home: Path) -> ProgramState:
    with Journal(f"sqlite:///{home / 'journal.sqlite3'}") as journal:
        return state_of(journal, SPEC.program)


def _arm(stack: ExitStack, kill: Kill) -> None:
    """Set the trap; in a process that is there for nothing else."""
    hit = _Trap(kill)
    send, append = requests.Session.send, Journal.append

    def sending(session: Any, request: Any, **options: Any) -> Any:
        hit(Where.BEFORE_REQUEST)
        answer = send(session, request, **options)
        hit(Where.AFTER_COMMIT)
        return answer

    def appending(journal: Any, *given: Any, **options: Any) -> Any:
        written = append(journal, *given, **options)
        hit(Where.AFTER_JOURNAL)
        return written

    def committing(connection: Any) -> None:
        if connection.get_execution_options().get("rollout_writes"):
            hit(Where.IN_JOURNAL)

    stack.enter_context(patch.object(requests.Session, "send", sending))
    stack.enter_context(patch.object(Journal, "append", appending))
    sqlalchemy.event.listen(sqlalchemy.Engine, "commit", committing)


class _Trap:
    def __init__(self, kill: Kill) -> None:
        self._kill = kill
        self._lock = Lock()
        self._left = kill.at

    def __call__(self, where: Where) -> None:
        with self._lock:
            if where is self._kill.where:
                self._left -= 1
                if self._left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)


def serve(folder: Path, told: Connection) -> None:
    """The sandbox's process: tells its address, and serves until it is killed."""
    with running(folder) as address:
        told.send(address)
        with suppress(EOFError):
            told.recv()
    os._exit(0)


@dataclass(frozen=True)
class Rig:
    """Where everything is; `api_url` is the Prefect server's."""

    folder: Path
    keys: Path
    api_url: str

    @contextmanager
    def open(self, name: str, snapshot: Path | None = None) -> Iterator["Broken"]:
        """A sandbox and a journal of their own, as they stood in a snapshot."""
        home = self.folder / name
        if snapshot is None:
            home.mkdir(parents=True)
        else:
            shutil.copytree(snapshot, home)
        here, there = FORKED.Pipe()
        process = FORKED.Process(target=serve, args=(home / "sandbox", there), daemon=True)
        process.start()
        try:
            if not here.poll(WAIT_SECONDS):
                raise TimeoutError("the sandbox did not start")
            sandbox = Sandbox(here.recv())
            yield Broken(self, home, sandbox, self._variables(home, sandbox))
        finally:
            process.kill()
            process.join()
            here.close()
            shutil.rmtree(home)

    def _variables(self, home: Path, sandbox: Sandbox) -> dict[str, str]:
        named = {
            "HOME": str(home),
            "JIRA_URL": sandbox.jira_url,
            "JIRA_EMAIL": sandbox.email,
            "JIRA_TOKEN": sandbox.token,
            "JIRA_PROJECT": sandbox.project,
            "SHEETS_URL": sandbox.sheets_url,
            "SHEETS_CREDENTIALS": str(write_credentials(self.keys, sandbox.sheets_url)),
            "SHEETS_WORKBOOK": WORKBOOK,
            "SETTLE_SECONDS": str(SETTLE_SECONDS),
        }
        return {f"ROLLOUT_{name}": text for name, text in named.items()}


@dataclass
class Broken:
    """A program under way, whose processes die."""

    rig: Rig
    home: Path
    sandbox: Sandbox
    variables: dict[str, str]
    run: str = "00000000-0000-4000-8000-000000000000"
    hours_ahead: float = field(default=0.0)

    @property
    def state(self) -> ProgramState:
        return _state(self.home)

    @property
    def people(self) -> People:
        return People(self.sandbox, self.state)

    def go(self, kill: Kill | None = None) -> Ended:
        """One pass in a process of its own."""
        return self._travel(replace(self._journey, kill=kill))

    def go_until_calm(self) -> Ended:
        """As often as trouble is met, each time when the settle time has gone by.

        Late writes have landed before: none is later than the settle time.
        """
        self.sandbox.land_late_writes()
        ended = self._travel(replace(self._journey, until_calm=True))
        self.hours_ahead += ended.passes * SETTLE_SECONDS / 3600
        return ended

    @property
    def _journey(self) -> Journey:
        return Journey(self.variables, self.rig.api_url, self.run, hours_ahead=self.hours_ahead)

    def _travel(self, journey: Journey) -> Ended:
        here, there = FORKED.Pipe(duplex=False)
        process = FORKED.Process(target=travel, args=(journey, there))
        process.start()
        there.close()
        with closing(here):
            ended = _heard(here)
        process.join(WAIT_SECONDS)
        if ended is None and process.exitcode != -signal.SIGKILL:
            raise AssertionError(f"the flow's process ended with {process.exitcode}")
        return ended or Ended(was_killed=True)

    def keep(self, snapshot: Path) -> None:
        """Copy everything as it stands now; the sandbox goes on."""
        (snapshot / "sandbox").mkdir(parents=True)
        for name in ("journal.sqlite3", "sandbox/sandbox.sqlite3"):
            if (self.home / name).exists():
                with (
                    closing(sqlite3.connect(self.home / name)) as source,
                    closing(sqlite3.connect(snapshot / name)) as copy,
                ):
                    source.backup(copy)


def _heard(here: Connection) -> Ended | None:
    """What the flow's process told; None where it was killed before it could."""
    if not here.poll(WAIT_SECONDS):
        raise TimeoutError("the flow's process did not end")
    with suppress(EOFError):
        ended: Ended = here.recv()
        return ended
    return None
