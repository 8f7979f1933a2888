"""Launching a program of 1,000 items, beside what a user would write instead.

The sandbox runs in a process of its own and takes 150 ms longer for each call. A round launches a
new program, makes a pass over it that has nothing to do, makes the same issues and rows with the
fewest calls alone, and as many by hand: one call a ticket; one Prefect task run a ticket. The
latter two take minutes and are made for a twentieth, times twenty. Medians of the rounds, behind a
first one that is not counted: it loads libraries on either side.
"""

import math
import statistics
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.by_hand import Clients, in_a_loop, in_batches, in_tasks
from benchmarks.carrying import Carried, TaskRuns, is_of_sheets, is_write, prefect_here
from benchmarks.rows import Row, seconds_of
from benchmarks.sandboxes import slow_sandbox
from policy_rollout.jira_issues import BULK_LIMIT
from policy_rollout.program import ProgramState
from policy_rollout.sandbox.control import Sandbox
from policy_rollout.spec.reader import read_valid
from policy_rollout.work import Kind, expand, people_of

ROUNDS = 5
TASKS, DECKS, TICKS = 900, 6, 40
LANGUAGES = "en-US, es-419, pt-BR, ja-JP, de-DE, fr-FR, it-IT, ko-KR, th-TH, vi-VN"
ROWS = DECKS * len(LANGUAGES.split(", ")) + TICKS
ITEMS = TASKS + ROWS
SHARE = 20
SHIPPED = Path(__file__).parents[1] / "program_specs" / "tiktok-community-guidelines-2025.yaml"
MOST_SHEETS_WRITES, MOST_TIMES_CALLS, MOST_READS = 4, 1.3, 12
BY_HAND = "by hand"


def large_spec(program: str) -> str:
    """1,000 items in one stage: issues, training rows in ten languages, checklist rows."""
    tasks = "\n".join(f"      task-{n}: {{title: Task {n}, team: ops}}" for n in range(TASKS))
    decks = "\n".join(
        f"      deck-{n}: {{title: Deck {n}, kind: deck, team: ops, per: language}}"
        for n in range(DECKS)
    )
    ticks = ", ".join(f"item-{n}: Item {n} is ready" for n in range(TICKS))
    return f"""\
program: {program}
policy: {{change: new, languages: [{LANGUAGES}]}}
timeline: {{effective: 2037-05-04 09:00}}
people:
  ops: {{members: [m.tan@example.com]}}
  policy: {{members: [r.haddad@example.com]}}
stages:
  all:
    tasks:
{tasks}
    training:
{decks}
    checklists:
      ready: {{team: ops, items: {{{ticks}}}}}
    gate: {{sign_off: {{policy: 1}}, require: {{training: 95% per language}}}}
"""


@dataclass(slots=True)
class Rounds:
    """Seconds by what was done, and what the sandbox was asked, of the last round."""

    sandbox: Sandbox
    clients: Clients
    seconds: dict[str, list[float]] = field(default_factory=dict)
    asked: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    idle_task_runs: int = 0

    def warm_up(self) -> None:
        """What a process and a server do once: load, open, and compile their questions."""
        in_batches(self.clients, read_valid(large_spec("alone"), "alone.yaml"), ROWS)
        Carried(large_spec("warm-up")).pass_once()

    def go(self, number: int) -> None:
        few = TASKS // SHARE, ROWS // SHARE
        program = Carried(large_spec(f"large-{number}"))
        alone = read_valid(large_spec(f"alone-{number}"), "alone.yaml")
        self._time("calls alone", lambda: in_batches(self.clients, alone, ROWS))
        self._time("launch", program.pass_once)
        with TaskRuns() as idle:
            self._time("idle pass", program.pass_once)
        self.idle_task_runs = idle.count
        self._time("loop", lambda: in_a_loop(self.clients, *few), times=SHARE)
        self._time("tasks", lambda: in_tasks(self.sandbox, *few), times=SHARE)

    def _time(self, what: str, work: Callable[[], Any], *, times: int = 1) -> None:
        self.sandbox.clear_requests()
        self.seconds.setdefault(what, []).append(seconds_of(work) * times)
        self.asked[what] = self.sandbox.requests()

    def median(self, what: str) -> float:
        return statistics.median(self.seconds[what])


def rows() -> list[Row]:
    people = people_of(read_valid(large_spec("large"), "large.yaml"))
    with (
        tempfile.TemporaryDirectory() as folder,
        slow_sandbox(Path(folder), people) as sandbox,
        prefect_here(),
    ):
        clients = Clients.of(sandbox)
        clients.add_tab()
        rounds = Rounds(sandbox, clients)
        rounds.warm_up()
        for number in range(ROUNDS):
            rounds.go(number)
        return [*_of_launch(rounds), *_of_idle_pass(rounds), _of_shipped(sandbox)]


def _of_launch(rounds: Rounds) -> list[Row]:
    asked = rounds.asked["launch"]
    creates = sum(each["path"].endswith("/issue/bulk") for each in asked)
    sheets = sum(is_write(each) and is_of_sheets(each) for each in asked)
    took = rounds.median("launch")
    what = f"launch {ITEMS:,} items"
    fewest = math.ceil(ITEMS / BULK_LIMIT)
    return [
        Row(f"{what}: creations of issues", creates, "requests", budget=fewest),
        Row(f"{what}: writes to Sheets", sheets, "requests", budget=MOST_SHEETS_WRITES),
        Row(f"{what}: all requests", len(asked), "requests"),
        _beside(what, took, "those calls alone", rounds.median("calls alone"), MOST_TIMES_CALLS),
        _beside(what, took, "a plain loop", rounds.median("loop"), 1),
        _beside(what, took, "a Prefect task a ticket", rounds.median("tasks"), 1),
    ]


def _beside(what: str, took: float, beside_what: str, beside: float, budget: float) -> Row:
    return Row(what, took, "s", beside, beside_what, budget)


def _of_idle_pass(rounds: Rounds) -> list[Row]:
    asked = rounds.asked["idle pass"]
    writes = sum(map(is_write, asked))
    what = f"pass over {ITEMS:,} items, nothing to do"
    return [
        Row(f"{what}: writes", writes, "requests", budget=0),
        Row(f"{what}: reads", len(asked) - writes, "requests", budget=MOST_READS),
        Row(f"{what}: task runs", rounds.idle_task_runs, "runs", budget=1),
        Row(what, rounds.median("idle pass"), "s"),
    ]


def _of_shipped(sandbox: Sandbox) -> Row:
    """The requests of launching the largest shipped program, beside the least possible."""
    text = SHIPPED.read_text(encoding="utf-8")
    spec = read_valid(text, str(SHIPPED))
    people = people_of(spec)
    for person in people:
        sandbox.add_person(person)
    sandbox.clear_requests()
    state = Carried(text).pass_once()
    asked = sandbox.requests()
    items = [item for item in expand(spec) if item.key in state.issues]
    links = sum(
        before in state.issues for item in items if item.kind is Kind.TASK for before in item.after
    )
    fewest = least(state, links, len(people))
    for what, count in Counter(map(asked_for, asked)).most_common():
        print(f"{count:5}  {what}")
    return Row(
        f"launch {spec.program}: all requests",
        len(asked),
        "requests",
        sum(fewest.values()),
        "the least possible",
    )


def asked_for(request: dict[str, str]) -> str:
    """What a request was for; keys of issues and people left out."""
    path = request["path"].partition("/rest/api/3/")[2] or request["path"].rpartition("/")[2]
    first = path.split("/")[0] if path.startswith(("user", "createmeta")) else path
    return f"{request['method']} {'/'.join(p for p in first.split('/') if not p[:1].isdigit())}"


def least(state: ProgramState, links: int, people: int) -> dict[str, int]:
    """What no client can do without, by what it is for."""
    issues = len(state.issues) - 1
    return {
        "looks before the first write: site, project, screens, people, workbook": 6 + people,
        "creation of the epic": 1,
        f"creations of {issues} issues": math.ceil(issues / BULK_LIMIT),
        "links": links,
        f"batches for {len(state.rows)} rows": int(bool(state.rows)),
        "looks that nothing is left": math.ceil(issues / 100) + 1,
    }
