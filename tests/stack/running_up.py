"""A `rollout up` in a process of its own, and what somebody beside it does and sees."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import psutil
from prefect.client.orchestration import get_client

from policy_rollout import prefect_api
from policy_rollout.history import records_of, state_of
from policy_rollout.journal.store import Journal
from policy_rollout.program import ProgramState
from policy_rollout.sandbox.control import Sandbox
from policy_rollout.sandbox.sheets_control import WorkbookEditor
from policy_rollout.sandbox.sheets_store import WORKBOOK
from policy_rollout.stack import StackAddress

CHECKOUT = Path(__file__).parents[2]
SLOWEST_SECONDS = 90
RIMA, TOSEI, MEI = "r.haddad@example.com", "t.osei@example.com", "m.tan@example.com"
SPEC = f"""
program: PROGRAM
title: A program on a real stack
policy: {{change: clarification, languages: [en-US]}}
people: {{policy: {{members: [{RIMA}, {TOSEI}]}}, ops: {{members: [{MEI}]}}}}
stages:
  write:
    tasks: {{guideline: {{title: Write it, team: policy}}}}
    checklists: {{queues: {{team: ops, items: {{routing: Route the reports}}}}}}
    gate: {{require: {{checklists: optional}}, sign_off: {{policy: 1}}}}
"""
PROFILE = 'active = "work"\n\n[profiles.work]\nPREFECT_API_URL = "http://127.0.0.1:9/api"\n'
BEHIND_A_PROXY = {
    **dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9"),
    "no_proxy": "intranet.example.com",
}
"""As a person has it at work; this proxy answers nobody, so whatever asks it fails."""
T = TypeVar("T")


def until(seen: Callable[[], T | None], what: str, seconds: float = SLOWEST_SECONDS) -> T:
    """What is seen as soon as it is there."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = seen()
        if found:
            return found
        time.sleep(0.5)
    raise AssertionError(f"not within {seconds:g} s: {what}")


@dataclass(frozen=True)
class Up:
    process: subprocess.Popen[bytes]
    log: Path
    home: Path
    environment: dict[str, str]

    @property
    def said(self) -> str:
        return self.log.read_text()

    def wait_until_it_says(self, text: str) -> None:
        def told() -> bool:
            assert self.process.poll() is None, self.said
            return text in self.said

        until(told, f"{text!r} in:\n{self.said}", 150)

    @property
    def address(self) -> StackAddress:
        found = StackAddress.of(self.home)
        assert found is not None
        return found

    @property
    def sandbox(self) -> Sandbox:
        return Sandbox(self.address.sandbox_url)

    @property
    def workbook(self) -> WorkbookEditor:
        return WorkbookEditor(self.sandbox.sheets_url, WORKBOOK)

    def processes(self) -> list[psutil.Process]:
        """Everything below `rollout up`, itself included."""
        top = psutil.Process(self.process.pid)
        return [top, *top.children(recursive=True)]

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """The `rollout` command in another terminal of the same folder."""
        return subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "policy_rollout.cli", *arguments],
            cwd=CHECKOUT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def rollout(self, *arguments: str) -> tuple[int, str, str]:
        return ended(self.begin(*arguments))

    def spec(self, program: str) -> str:
        """The path of a small program's spec."""
        path = self.home.parent / f"{program}.yaml"
        path.write_text(SPEC.replace("PROGRAM", program))
        return str(path)

    def state(self, program: str) -> ProgramState:
        with Journal(self._journal) as journal:
            return state_of(journal, program)

    def kinds(self, program: str) -> list[str]:
        with Journal(self._journal) as journal:
            return [each.event.kind for each in records_of(journal, program)]

    @property
    def _journal(self) -> str:
        return f"sqlite:///{self.home / 'journal.sqlite3'}"

    def until_it_waits(self, run: str) -> None:
        until(lambda: state_of_run(run) == "paused", f"run {run} suspended")

    def marks(self, program: str) -> Counter[str]:
        """How many issues in Jira carry each stable key of a program."""
        service = self.sandbox.as_person(self.sandbox.email)
        jql = f'labels = "rollout/{program}"'
        body = {"jql": jql, "fields": ["labels"], "maxResults": 100}
        found = until(lambda: service.call("POST", "search/jql", body)["issues"], "issues in Jira")
        labels = [each["fields"]["labels"] for each in found]
        return Counter(
            label.removeprefix("rollout/")
            for each in labels
            for label in each
            if label.startswith(f"rollout/{program}/")
        )

    def keys(self, program: str) -> Counter[str]:
        """How often each stable key of a program stands in the checklist."""
        return Counter(key for key in self.workbook.keys("Checklist") if key.startswith(program))


def state_of_run(run: str) -> str:
    return prefect_api.look_up((run,))[run].state


def form_of(run: str, wait: int) -> str:
    """What stands above the Resume form."""
    with get_client(sync_client=True) as client:
        text = client.read_flow_run_input(UUID(run), f"suspended-answer-{wait}-description")
    return str(json.loads(text)) if text.startswith('"') else text


def engine_of(run: str, below: list[psutil.Process]) -> psutil.Process | None:
    """The process that carries a flow run, while there is one."""
    for process in below:
        try:
            named = process.environ().get("PREFECT__FLOW_RUN_ID", "")
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        if named.replace("-", "") == run.replace("-", ""):
            return process
    return None


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=SLOWEST_SECONDS)
    return process.returncode, out, err


@contextmanager
def start_up(home: Path, person: Path) -> Iterator[Up]:
    """`rollout up` without a terminal; whatever is left of it is ended with the block."""
    foreign = ("ROLLOUT_", "PREFECT_")
    kept = {name: text for name, text in os.environ.items() if not name.startswith(foreign)}
    environment = kept | {"ROLLOUT_HOME": str(home), "HOME": str(person), "PYTHONUNBUFFERED": "1"}
    environment |= BEHIND_A_PROXY
    home.mkdir(parents=True, exist_ok=True)
    log = home.parent / f"{home.name}-up.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-m", "policy_rollout.cli", "up"],
            cwd=CHECKOUT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        up = Up(process, log, home, environment)
        try:
            yield up
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(30)


def people_and_programs(up: Up) -> None:
    """People whom Jira knows; the search index does not lag."""
    for person in (RIMA, TOSEI, MEI):
        up.sandbox.add_person(person)
    up.sandbox.set_behaviour(search_lag_seconds=0)


def as_json(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found
