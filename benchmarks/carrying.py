"""A program carried by passes in this process, against a sandbox over HTTP."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import uuid4

from prefect import flow
from prefect.settings import (
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_LOGGING_LEVEL,
    PREFECT_SERVER_ANALYTICS_ENABLED,
    temporary_settings,
)

from benchmarks.prefect_server import prefect_server
from flows.passes import pass_or_trouble
from flows.taking_up import take_up
from policy_rollout.history import state_of
from policy_rollout.journal.store import Journal
from policy_rollout.program import ProgramState
from policy_rollout.settings import Settings

START_SECONDS = 120
READS = ("/issue/bulkfetch", "/changelog/bulkfetch", "/search/jql", "/sheets/token")
Requests = Sequence[dict[str, Any]]


@contextmanager
def prefect_here() -> Iterator[None]:
    """A Prefect server of our own, for runs in this process.

    Without heartbeats: their thread ends up to a second after a run, whatever the run did.
    """
    quiet = {
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
        PREFECT_LOGGING_LEVEL: "WARNING",
        PREFECT_SERVER_ANALYTICS_ENABLED: False,
    }
    with prefect_server(START_SECONDS), temporary_settings(quiet):
        yield


@flow(name="a pass")
def _pass(text: str, run: str) -> ProgramState:
    """What the rollout flow does from its first line to its next wait."""
    settings = Settings.load()
    with Journal(settings.journal_address) as journal:
        program = take_up(journal, text, "benchmark.yaml", run)
        stands = pass_or_trouble(journal, settings, program, run=run)
        state = state_of(journal, program)
    if state.trouble is not None:
        raise SystemExit(stands.text)
    return state


@dataclass(slots=True)
class Carried:
    """One program and its run; the first pass launches it."""

    text: str
    run: str = field(default_factory=lambda: str(uuid4()))

    def pass_once(self) -> ProgramState:
        """Exits where there is trouble: a benchmark of a failure measures nothing."""
        state: ProgramState = _pass(self.text, self.run)
        return state


class TaskRuns(logging.Handler):
    """Counts the task runs that end inside a `with` block, as Prefect logs them."""

    count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += record.getMessage().startswith("Finished in state")

    def __enter__(self) -> Self:
        self._logger = logging.getLogger("prefect.task_runs")
        self._level = self._logger.level
        self._logger.setLevel(logging.INFO)
        self._logger.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._logger.removeHandler(self)
        self._logger.setLevel(self._level)


def is_write(request: dict[str, Any]) -> bool:
    return request["method"] != "GET" and not request["path"].endswith(READS)


def is_of_sheets(request: dict[str, Any]) -> bool:
    return bool(request["path"].startswith("/sheets/"))
