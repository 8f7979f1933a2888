"""What a look of `watch` costs over many waiting programs.

1,000 programs in SQLite and 10,000 in one PostgreSQL, each beside a journal of one program, all
made through the journal's own API, with runs that wait at a real Prefect server. Each look is
made in a new process (cold) and again in it (warm), against a sandbox over HTTP. The budgets are
counts and ratios alone. `python -m benchmarks.watch URL LOOKS` is that process.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4
from zlib import crc32

import httpx
import psycopg
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.settings import (
    PREFECT_LOGGING_LEVEL,
    PREFECT_SERVER_ANALYTICS_ENABLED,
    get_current_settings,
    temporary_settings,
)
from prefect.states import Suspended

from benchmarks.databases import postgresql
from benchmarks.prefect_server import prefect_server
from benchmarks.rows import Row
from flows.passes import pass_or_trouble
from flows.taking_up import take_up
from flows.watch import Looked, look
from policy_rollout import events as ev
from policy_rollout import prefect_api
from policy_rollout.history import state_of
from policy_rollout.journal.entries import Event
from policy_rollout.journal.store import Journal
from policy_rollout.request_budget import RETRY_AFTER_SECONDS
from policy_rollout.sandbox.control import Sandbox
from policy_rollout.sandbox.server import running
from policy_rollout.sandbox.sheets_credentials import write_credentials
from policy_rollout.sandbox.sheets_store import WORKBOOK
from policy_rollout.settings import Settings
from policy_rollout.spec.model import Spec
from policy_rollout.spec.reader import read_valid
from policy_rollout.work import Kind, State, epic_key, expand, people_of, sign_off_key

START_SECONDS = 600
PASSES = 5
FEW, MANY = 1_000, 10_000
MOST_REQUESTS = 3
COUNTED_AGAIN = 1.5
"""Times the calls over one program: a count of requests that met a busy server is made again."""
NOTED_EARLIER = 12
"""Entries of each program besides those it cannot do without: what people did, as watch saw it."""
SPEC = """\
program: {program}
title: Licence plates, change {program}
owner: p.kim@example.com
policy: {{change: expansion, languages: [en-US, ja-JP], existing_content: {{applies: false}}}}
timeline: {{timezone: Europe/Dublin, effective: 2030-03-01}}
people:
  policy: {{members: [r.haddad@example.com], backups: [t.osei@example.com]}}
  ops: {{members: [m.tan@example.com, j.lim@example.com], timezone: Asia/Singapore}}
stages:
  prepare:
    tasks:
      guideline: {{title: Guideline with examples, team: policy, takes: 5bd}}
      symbols: {{title: List the symbols, team: ops, takes: 2bd, after: [guideline]}}
    training: {{quiz: {{title: Reviewer quiz, kind: quiz, team: ops, per: language}}}}
    gate:
      sign_off: {{policy: 1, ops: 1}}
      require: {{training: 95% per language}}
      escalate: {{remind: 100h, backup: 120h, owner: 140h}}
  launch:
    after: [prepare]
    tasks: {{switch: {{title: Enforce it, team: ops}}}}
"""


def story(text: str, spec: Spec, run: str, now: datetime) -> Iterator[ev.Event]:
    """A program whose first gate waits for one of its two sign-offs, or for half of its work."""
    keys = [item for item in expand(spec) if item.stage == "prepare"]
    tasks = [item.key for item in keys if item.kind is Kind.TASK]
    rows = [item.key for item in keys if item.kind is not Kind.TASK]
    signs = [sign_off_key(spec.program, "prepare", role) for role in ("policy", "ops")]
    yield ev.Launched(spec_text=text, spec_path=f"{spec.program}.yaml", run=run)
    accounts = {person: f"acc-{person}" for person in people_of(spec)}
    yield ev.PeopleResolved(accounts=accounts, own_account="acc-rollout")
    yield ev.StageOpened(stage="prepare")
    created = [epic_key(spec.program), *tasks, *signs]
    yield ev.CreationIntended(batch="3", keys=tuple(created), fence=0)
    yield ev.IssuesCreated(batch="3", issues={key: f"POL-{crc32(key.encode())}" for key in created})
    yield ev.RowsAdded(keys=tuple(rows))
    for number in range(NOTED_EARLIER):
        yield ev.WorkSeen(items={tasks[number % 2]: ev.Seen(state=State.IN_PROGRESS)})
        yield ev.Resumed(wait=number, because="watch: work seen")
    if crc32(spec.program.encode()) % 2:
        return
    yield ev.WorkSeen(items={key: ev.Seen(state=State.DONE) for key in tasks})
    yield ev.WorkSeen(items={key: ev.Seen(state=State.DONE, completion=100) for key in rows})
    yield ev.GateReady(stage="prepare", round=1, digest="d", covers={})
    for role in ("policy", "ops"):
        yield ev.SignOffAsked(stage="prepare", role=role, digest="d", at=now)


def write_programs(journal: Journal, names: Sequence[str], runs: Sequence[str]) -> None:
    now = datetime.now(UTC)
    for name, run in zip(names, runs, strict=True):
        text = SPEC.format(program=name)
        events = story(text, read_valid(text, f"{name}.yaml"), run, now)
        written = [Event(each.kind, ev.body_of(each), "rollout") for each in events]
        journal.append(name, written, after=0, at=now)


@flow(name=prefect_api.FLOW)
def stand_in() -> None:
    """A flow whose runs only wait."""


def waiting_runs(number: int) -> list[str]:
    with get_client(sync_client=True) as client:
        deployment = client.create_deployment(client.create_flow(stand_in), name="stand-in")
        made = [
            client.create_flow_run_from_deployment(
                deployment, state=Suspended(pause_key="answer-0")
            )
            for _ in range(number)
        ]
    return [str(each.id) for each in made]


@flow(name="one pass")
def one_pass(text: str, run: str) -> str:
    """What a run does first; what kept it from its end, if anything did."""
    settings = Settings.load()
    with Journal(settings.journal_address) as journal:
        program = take_up(journal, text, "real.yaml", run)
        stands = pass_or_trouble(journal, settings, program, run=run)
        return stands.text if state_of(journal, program).trouble is not None else ""


def carry(text: str, run: str) -> None:
    """One program whose issues and rows are really there.

    A server that has just made thousands of runs may keep a pass waiting for its turn too long:
    it is made again after a while, as `watch` would have it made.
    """
    trouble: str = one_pass(text, run)
    for _ in range(PASSES - 1):
        if trouble:
            print(f"the first pass is made again: {trouble}")
            time.sleep(RETRY_AFTER_SECONDS)
            trouble = one_pass(text, run)
    if trouble:
        sys.exit(trouble)


@dataclass(frozen=True, slots=True)
class LookCost:
    seconds: float
    requests: int
    prefect_calls: int
    resumed: int


@flow(name="one look")
def one_look(sandbox_url: str) -> LookCost:
    sandbox, settings = Sandbox(sandbox_url), Settings.load()
    with Journal(settings.journal_address) as journal, counted_calls() as calls:
        sandbox.clear_requests()
        began = time.perf_counter()
        looked: Looked = look(journal, settings, since=datetime.now(UTC) - timedelta(minutes=5))
        seconds = time.perf_counter() - began
    if looked.troubles:
        sys.exit("\n".join(looked.troubles))
    return LookCost(seconds, len(sandbox.requests()), calls(), looked.resumed)


@contextmanager
def counted_calls() -> Iterator[Callable[[], int]]:
    """How often a client of Prefect called its server meanwhile."""
    url, told = str(get_current_settings().api.url), list[str]()
    plain = httpx.Client.send

    def counting(client: httpx.Client, request: httpx.Request, **options: Any) -> httpx.Response:
        if str(request.url).startswith(url):
            told.append(request.url.path)
        return plain(client, request, **options)

    httpx.Client.send = counting  # type: ignore[method-assign,assignment]  # counts what is sent
    try:
        yield lambda: len(told)
    finally:
        httpx.Client.send = plain  # type: ignore[method-assign]  # counts what is sent


def looks(sandbox_url: str, number: int) -> None:
    """The child process: prints what each look cost, and its memory."""
    with temporary_settings({PREFECT_LOGGING_LEVEL: "ERROR"}):
        costs = [asdict(one_look(sandbox_url)) for _ in range(number)]
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"looks": costs, "megabytes": megabytes}))


def look_in_a_child(sandbox: Sandbox, number: int) -> tuple[list[LookCost], float]:
    """What each look cost, and the most memory the process had, in MB."""
    command = [sys.executable, "-m", "benchmarks.watch", sandbox.url, str(number)]
    environment = {
        **os.environ,
        "PREFECT_API_URL": str(get_current_settings().api.url),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
    done = subprocess.run(  # noqa: S603  our own command
        command, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(done.stderr or done.stdout)
    told = json.loads(done.stdout.strip().splitlines()[-1])
    return [LookCost(**each) for each in told["looks"]], told["megabytes"]


@dataclass(frozen=True, slots=True)
class Scene:
    """What was measured over so many programs; `refresh` is the look that makes the table."""

    programs: int
    refresh: LookCost
    cold: LookCost
    warm: LookCost
    changed: LookCost
    megabytes: float


def scene(sandbox: Sandbox, address: str, runs: Sequence[str], programs: int) -> Scene:
    """Look over so many waiting programs, one of which is real and changes at the end."""
    os.environ["ROLLOUT_JOURNAL_URL"] = address
    real = f"real-{uuid4().hex[:8]}"
    others = [f"p{number:05}" for number in range(programs - 1)]
    carry(SPEC.format(program=real), runs[0])
    with Journal(address) as journal:
        write_programs(journal, others, runs[1:programs])
    (refresh, _, _), _ = look_in_a_child(sandbox, 3)
    (cold, *_, warm), megabytes = look_in_a_child(sandbox, 4)
    with Journal(address) as journal:
        issue = state_of(journal, real).issues[f"{real}/prepare/symbols"]
    sandbox.as_person("m.tan@example.com").move(issue, "In Progress")
    (changed,), _ = look_in_a_child(sandbox, 1)
    return Scene(programs, refresh, cold, warm, changed, megabytes)


def sizes(address: str) -> tuple[int, int]:
    """Bytes of the journal and of watch's table, indexes included."""
    with psycopg.connect(address) as connection:
        tables = ("rollout_journal", "rollout_watched")
        found = [
            connection.execute("SELECT pg_total_relation_size(%s)", [each]).fetchone()
            for each in tables
        ]
    journal, watched = (int(each[0]) for each in found if each)
    return journal, watched


@contextmanager
def services(folder: Path) -> Iterator[Sandbox]:
    """A sandbox that the settings name, with the people of the programs, and a Prefect server."""
    quiet = {PREFECT_SERVER_ANALYTICS_ENABLED: False, PREFECT_LOGGING_LEVEL: "ERROR"}
    with running(folder / "sandbox") as url:
        sandbox = Sandbox(url)
        sandbox.set_behaviour(search_lag_seconds=0)
        for person in people_of(read_valid(SPEC.format(program="p"), "p.yaml")):
            sandbox.add_person(person)
        os.environ |= {
            "ROLLOUT_HOME": str(folder),
            "ROLLOUT_JIRA_URL": sandbox.jira_url,
            "ROLLOUT_JIRA_EMAIL": sandbox.email,
            "ROLLOUT_JIRA_TOKEN": sandbox.token,
            "ROLLOUT_JIRA_PROJECT": sandbox.project,
            "ROLLOUT_SHEETS_URL": sandbox.sheets_url,
            "ROLLOUT_SHEETS_CREDENTIALS": str(write_credentials(folder, sandbox.sheets_url)),
            "ROLLOUT_SHEETS_WORKBOOK": WORKBOOK,
        }
        with temporary_settings(quiet), prefect_server(START_SECONDS):
            yield sandbox


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with services(folder) as sandbox, postgresql() as server:
            runs = waiting_runs(MANY)
            alone = scene(sandbox, f"sqlite:///{folder}/one.sqlite3", runs, 1)
            middle = scene(sandbox, f"sqlite:///{folder}/few.sqlite3", runs, FEW)
            large = scene(sandbox, server, runs, MANY)
            return _rows(alone, middle, large, sizes(server))


def _rows(alone: Scene, middle: Scene, large: Scene, size: tuple[int, int]) -> list[Row]:
    found: list[Row] = []
    for each in (middle, large):
        where = f"watch over {each.programs:,} programs"
        calm, changed = f"{where}, nothing changed", f"{where}, 1 changed"
        found += [
            Row(f"{calm}: requests", each.cold.requests, "requests", budget=MOST_REQUESTS),
            Row(f"{calm}: runs resumed", each.cold.resumed, "runs", budget=0),
            Row(
                f"{calm}: calls of Prefect",
                each.cold.prefect_calls,
                "calls",
                alone.cold.prefect_calls,
                "1 program",
                budget=COUNTED_AGAIN,
            ),
            Row(
                f"{changed}: requests",
                each.changed.requests,
                "requests",
                alone.changed.requests,
                "1 program",
                budget=1,
            ),
            Row(
                f"{changed}: calls of Prefect",
                each.changed.prefect_calls,
                "calls",
                alone.changed.prefect_calls,
                "1 program",
                budget=COUNTED_AGAIN,
            ),
            Row(f"{calm}: cold look", each.cold.seconds, "s", alone.cold.seconds, "1 program"),
            Row(
                f"{calm}: warm look",
                each.warm.seconds,
                "s",
                each.refresh.seconds,
                "reading all",
                budget=0.1,
            ),
            Row(f"{changed}: cold look", each.changed.seconds, "s"),
            Row(f"{where}: the look that makes the table", each.refresh.seconds, "s"),
            Row(
                f"{where}: memory of the process",
                each.megabytes,
                "MB",
                alone.megabytes,
                "1 program",
                budget=1.5,
            ),
        ]
    journal, watched = size
    where = f"watch over {large.programs:,} programs in PostgreSQL"
    found += [
        Row(f"{where}: journal", journal / 1e6, "MB"),
        Row(f"{where}: table of watch", watched / 1e6, "MB", journal / 1e6, "journal", budget=0.25),
    ]
    return found


if __name__ == "__main__":
    looks(sys.argv[1], int(sys.argv[2]))
