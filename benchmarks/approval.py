"""From the last sign-off of a gate to the first issue behind it.

Starts a Prefect server, a worker and the sandbox on loopback, each call of which takes 150 ms more,
and takes turns between a program (from the resume that carries the last missing one-time code to
the first issue of the next stage, as the sandbox's Jira made it) and a bare Prefect flow (from its
resume to the line behind its form, and on to an issue that it makes without any proof, look or
journal). All are run by the same worker. The budget is beside the bare flow's line, deployed as
Prefect does it where nothing else is set, which starts Python twice for a run, and beside the same
where it is started once. That this project's runs are forked from a process that has Prefect loaded
is a part of what is measured; beside a bare flow that is forked there too, the figure is shown
without a budget. `watch` is paused meanwhile: it would be a further program on the machine.
Medians.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import psutil
import pyotp
from cryptography.fernet import Fernet

from benchmarks.rows import Row
from benchmarks.sandboxes import slow_down
from policy_rollout.authenticators import Authenticators
from policy_rollout.history import records_of, state_of
from policy_rollout.journal.store import Journal
from policy_rollout.program import ProgramState
from policy_rollout.sandbox.control import Sandbox
from policy_rollout.sandbox.sheets_control import WorkbookEditor
from policy_rollout.sandbox.sheets_store import WORKBOOK
from policy_rollout.settings import Settings
from policy_rollout.spec.reader import read_valid
from policy_rollout.stack import Stack, running_stack
from policy_rollout.work import Kind, expand, people_of

ROOT = Path(__file__).parents[1]
BUDGET_TIMES_BARE = 1.2
ROUNDS = 5
WAIT_SECONDS = 120
LOOK_SECONDS = 0.1
REST_SECONDS = 4.0
"""People answer long after a run was suspended, when its process has ended."""
PROGRAM = "approvals"
BARES = {
    "as-prefect-does": "a bare flow, as Prefect starts it",
    "started-once": "a bare flow, started once",
    "as-ours": "a bare flow, forked as ours",
}
"""The deployments of the bare flow, and what a table calls them."""
T = TypeVar("T")

HEAD = """\
program: approvals
policy: {change: clarification}
timeline: {timezone: Europe/Dublin, effective: 2035-03-12 09:00}
people:
  ops: {members: [m.tan@example.com]}
  legal: {members: [LEGAL]}
  policy: {members: [POLICY]}
stages:
"""
STAGE = """\
  stage-NUMBER:AFTER
    tasks:
      guideline: {title: Write the guideline, team: ops}
      tool: {title: Set up the review tool, team: ops}
      macros: {title: Write the answers to appeals, team: ops}
    training:
      quiz: {title: Reviewer quiz, kind: quiz, team: ops}
    gate: {sign_off: {policy: 1, legal: 1}}
"""


def program_text(stages: int) -> str:
    """Each stage has signers of its own, so that nobody's code is asked for twice in 30 s."""
    head = HEAD.replace("LEGAL", ", ".join(signer("legal", each) for each in range(stages)))
    head = head.replace("POLICY", ", ".join(signer("policy", each) for each in range(stages)))
    return head + "".join(_stage(number) for number in range(stages))


def _stage(number: int) -> str:
    after = f"\n    after: [stage-{number - 1}]" if number else ""
    return STAGE.replace("NUMBER", str(number)).replace("AFTER", after)


def signer(role: str, number: int) -> str:
    return f"{role}-{number}@example.com"


def wait_for(what: str, look: Callable[[], T | None]) -> T:
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        time.sleep(LOOK_SECONDS)
    raise TimeoutError(f"{what}: not within {WAIT_SECONDS} s")


class Prefect:
    """What the benchmark asks of Prefect, over the client of the project where that has it."""

    def __init__(self) -> None:
        # Prefect reads the stack's address when it is first imported.
        from prefect.client.orchestration import (  # noqa: PLC0415  see above
            SyncPrefectClient,
            get_client,
        )

        from policy_rollout import prefect_api  # noqa: PLC0415  see above

        self._api = prefect_api
        self._client: Callable[[], SyncPrefectClient] = lambda: get_client(sync_client=True)

    def pause_watch(self) -> None:
        """No new runs; one that was started already ends while the program is launched."""
        with self._client() as client:
            client.pause_deployment(client.read_deployment_by_name("watch/watch").id)

    def start_bare(self, name: str, parameters: dict[str, str]) -> str:
        with self._client() as client:
            deployment = client.read_deployment_by_name(f"bare/{name}").id
            run = client.create_flow_run_from_deployment(deployment, parameters=parameters)
            return str(run.id)

    def launch(self, text: str) -> str:
        return self._api.launch(text, spec_path="approvals.yaml", program=PROGRAM)

    def until(self, run: str, *states: str) -> None:
        def look() -> bool | None:
            seen = self._api.look_up((run,))[run]
            if seen.is_over and seen.state not in states:
                raise RuntimeError(f"run {seen.name} is {seen.state}: {seen.message}")
            return True if seen.state in states else None

        wait_for(f"run {run} {states}", look)

    def resume(self, run: str, answer: dict[str, str]) -> float:
        """Resume a run that has come to rest; the time just before. The same for both flows."""
        time.sleep(REST_SECONDS)
        began = time.time()
        if not self._api.resume(run, answer):
            raise RuntimeError(f"run {run} does not wait")
        return began


@dataclass(slots=True)
class Bare:
    """A deployment of the bare flow, by its name."""

    prefect: Prefect
    sandbox: Sandbox
    folder: Path
    name: str
    rounds: int = 0

    def measure(self) -> tuple[float, float]:
        """Seconds from the resume to the line behind the form, and to the issue."""
        self.rounds += 1
        mark = self.folder / f"mark-{self.name}-{self.rounds}"
        parameters = {
            "url": self.sandbox.jira_url,
            "email": self.sandbox.email,
            "token": self.sandbox.token,
            "project": self.sandbox.project,
            "mark": str(mark),
        }
        run = self.prefect.start_bare(self.name, parameters)
        self.prefect.until(run, "paused")
        began = self.prefect.resume(run, {"action": "check now"})
        self.prefect.until(run, "completed")
        line, issue = mark.read_text(encoding="utf-8").split()
        return float(line) - began, created_at(self.sandbox, issue) - began


def created_at(sandbox: Sandbox, issue: str) -> float:
    """When Jira made an issue, in seconds since 1970."""
    created = sandbox.as_person("m.tan@example.com").issue(issue)["fields"]["created"]
    return datetime.fromisoformat(created).timestamp()


@dataclass(slots=True)
class Program:
    """The program, its people at work in the sandbox, and their authenticator apps."""

    prefect: Prefect
    sandbox: Sandbox
    text: str
    run: str
    apps: dict[str, pyotp.TOTP]
    stage: int = 0

    def measure(self) -> float:
        """Seconds from the resume with the last code to the first issue of the next stage."""
        self.do_the_work()
        self.resume_and_wait({"action": "check now"})
        self.resume_and_wait(self.approval("legal"))
        began = self.prefect.resume(self.run, self.approval("policy"))
        self.prefect.until(self.run, "running")
        self.prefect.until(self.run, "paused")
        self.stage += 1
        return self._first_issue_at() - began

    def do_the_work(self) -> None:
        state = self.state()
        workbook = WorkbookEditor(f"{self.sandbox.url}/sheets", WORKBOOK)
        for item in expand(read_valid(self.text, "approvals.yaml")):
            if item.stage != self._stage:
                continue
            if item.kind is Kind.TASK:
                person = self.sandbox.as_person(item.assignee)
                for status in ("In Progress", "Done"):
                    person.move(state.issues[item.key], status)
            else:
                workbook.write_cells(item.key, {"Status": "Done", "Completed %": "100"})

    def approval(self, role: str) -> dict[str, str]:
        """What somebody who read the form sends back."""
        person = signer(role, self.stage)
        gate = self.state().gates[self._stage]
        if gate.digest is None:
            raise RuntimeError(f"the gate of {self._stage} is not ready")
        return {
            "action": "approve",
            "gate": f"{self._stage} for {role}, text {gate.digest[:16]}",
            "person": person,
            "code": self.apps[person].at(datetime.now(UTC)),
        }

    def resume_and_wait(self, answer: dict[str, str]) -> None:
        waits = self.state().waits
        self.prefect.resume(self.run, answer)
        wait_for("the answer to be taken", lambda: self.state().waits > waits or None)
        self.prefect.until(self.run, "paused")

    def state(self) -> ProgramState:
        with Journal(Settings.load().journal_address) as journal:
            return state_of(journal, PROGRAM)

    def _first_issue_at(self) -> float:
        """When the creation came in that made the stage's issues; the journal says it did."""
        state = self.state()
        made = state.issues.get(f"{PROGRAM}/{self._stage}/guideline")
        if made is None:
            raise RuntimeError(f"{self._stage} has no issue; the journal ends: {self._end()}")
        return created_at(self.sandbox, made)

    def _end(self) -> str:
        with Journal(Settings.load().journal_address) as journal:
            return "\n".join(str(each) for each in records_of(journal, PROGRAM)[-12:])

    @property
    def _stage(self) -> str:
        return f"stage-{self.stage}"


def enroll(settings: Settings, people: list[str]) -> dict[str, pyotp.TOTP]:
    """The apps of these people; the codes that confirm them are of an hour ago."""
    earlier = datetime.now(UTC) - timedelta(hours=1)
    apps: dict[str, pyotp.TOTP] = {}
    with Authenticators(settings.journal_address, settings.codes_key) as authenticators:
        for person in people:
            uri = authenticators.enroll(person).get_secret_value()
            app = pyotp.parse_uri(uri)
            if not isinstance(app, pyotp.TOTP):
                sys.exit(f"no app of one-time codes by the clock: {type(app).__name__}")
            apps[person] = app
            authenticators.confirm(person, apps[person].at(earlier), now=earlier)
    return apps


def start(stack: Stack, rounds: int) -> tuple[list[Bare], Program]:
    stack.start_servers()
    stack.deploy()
    bare = ["--prefect-file", "benchmarks/bare/prefect.yaml"]
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", *bare]
    with_command = os.environ | {"ONE_START_OF_PYTHON": f"{sys.executable} -m prefect.engine"}
    subprocess.run(  # noqa: S603  our own command
        command, check=True, capture_output=True, env=with_command
    )
    prefect = Prefect()
    prefect.pause_watch()
    text = program_text(rounds + 1)
    sandbox = Sandbox(stack.address.sandbox_url)
    everybody = people_of(read_valid(text, "approvals.yaml"))
    for person in everybody:
        sandbox.add_person(person)
    apps = enroll(Settings.load(), [each for each in everybody if not each.startswith("m.tan")])
    run = prefect.launch(text)
    prefect.until(run, "paused")
    slow_down(sandbox)
    bares = [Bare(prefect, sandbox, stack.home, name) for name in BARES]
    return bares, Program(prefect, sandbox, text, run, apps)


def processes_with_a_run() -> int:
    """The processes below this one that carry a flow run."""
    carrying = 0
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            carrying += "PREFECT__FLOW_RUN_ID" in process.environ()
    return carrying


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds of each round, and how many processes there were while all programs waited.

    `bare` has them by deployment: to the line behind the form, and to the issue.
    """

    bare: dict[str, list[tuple[float, float]]]
    program: list[float]
    processes: int


def measure(home: Path) -> Measured:
    os.chdir(ROOT)
    os.environ |= {"ROLLOUT_HOME": str(home), "ROLLOUT_CODES_KEY": Fernet.generate_key().decode()}
    with running_stack(home, watch_seconds=60) as stack:
        bares, program = start(stack, ROUNDS)
        time.sleep(REST_SECONDS)
        found = Measured({each.name: [] for each in bares}, [], processes_with_a_run())
        for number in range(1, ROUNDS + 1):
            for bare in bares:
                found.bare[bare.name].append(bare.measure())
            found.program.append(program.measure())
            lines = ", ".join(f"{found.bare[each.name][-1][0]:.2f} s" for each in bares)
            print(f"round {number}: {lines} and {found.program[-1]:.2f} s")
    return found


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder))
    program = statistics.median(found.program)
    what = "approval to the first issue of the next stage"
    beside: list[Row] = []
    for deployment, name in BARES.items():
        budget = None if deployment == "as-ours" else BUDGET_TIMES_BARE
        line, issue = map(statistics.median, zip(*found.bare[deployment], strict=True))
        beside.append(Row(what, program, "s", line, f"{name}, behind its form", budget))
        beside.append(Row(what, program, "s", issue, f"{name}, to its issue"))
    return [
        *beside,
        Row("processes of a waiting program", found.processes, "processes", budget=0),
    ]
