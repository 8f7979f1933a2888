"""Hundreds of edits by people between and within passes: none is lost, no wrong row is written.

A seed makes the same edits again. More than the sample of `make test`, for instance:

    ROLLOUT_PEOPLE_SEEDS=1,2,3 ROLLOUT_PEOPLE_ROUNDS=100 pytest -s FILE
"""

import os
from pathlib import Path
from random import Random
from uuid import uuid4

import pytest
import requests
from carried import MEI, OWNER, RIMA, SPEC, WIM, connect
from edits_by_people import Crowd, repair
from prefect.logging import disable_run_logger
from what_people_left import Model, told_wrong

from flows import passes
from flows.taking_up import take_up
from policy_rollout.history import state_of
from policy_rollout.journal.store import Journal
from policy_rollout.program import ProgramState
from policy_rollout.sandbox.sheets_control import WorkbookEditor
from policy_rollout.sandbox.sheets_credentials import write_credentials
from policy_rollout.sandbox.sheets_store import WORKBOOK
from policy_rollout.settings import Settings
from policy_rollout.spec.reader import read_valid
from policy_rollout.work import epic_key, expand

SEEDS = [int(each) for each in os.environ.get("ROLLOUT_PEOPLE_SEEDS", "1").split(",")]
ROUNDS = int(os.environ.get("ROLLOUT_PEOPLE_ROUNDS", "8"))
ROUNDS_A_PROGRAM = 6
REQUESTS_A_PASS = 12
PEOPLE = (OWNER, RIMA, MEI, WIM)
TASKS = (
    "add_rows", "check_jira", "check_workbook", "comment_on_issues", "create_issues", "link_issues",
    "look_at_world", "move_issues", "rewrite_rows", "send_notices", "settle_doubt", "update_issues",
)  # fmt: skip


class Interrupted:
    """Lets people act just before chosen requests of a pass are sent."""

    def __init__(self, model: Model, random: Random) -> None:
        self.model, self.random = model, random
        self.is_theirs, self.asked = True, 0
        self.moments: dict[int, int] = {}

    def plan(self, most: int) -> None:
        """Up to so many bursts of one to four edits, each before another request."""
        self.asked = 0
        self.moments = {
            self.random.randrange(REQUESTS_A_PASS): self.random.randint(1, 4)
            for _ in range(self.random.randint(0, most))
        }

    def before_a_request(self) -> None:
        if self.is_theirs:
            return
        self.asked += 1
        if edits := self.moments.get(self.asked - 1):
            self.is_theirs = True
            self.model.burst(edits)
            self.is_theirs = False


@pytest.fixture
def crowd(sandbox, tmp_path: Path, key_folder, monkeypatch, request) -> Crowd:
    """People, and passes that run as plain functions: no Prefect server is asked."""
    monkeypatch.chdir(tmp_path)  # no .env of the checkout
    connect(sandbox, write_credentials(key_folder, sandbox.sheets_url), tmp_path, monkeypatch)
    for person in PEOPLE:
        sandbox.add_person(person)
    for name in TASKS:
        monkeypatch.setattr(passes, name, getattr(passes, name).fn)
    monkeypatch.setattr(passes, "publish", lambda *_, **__: None)
    seed = request.node.callspec.params["seed"]
    random = Random(seed)  # noqa: S311 - the same edits each time is what is wanted
    return Crowd(sandbox, WorkbookEditor(sandbox.sheets_url, WORKBOOK), random, PEOPLE)


def one_pass(text: str, run: str) -> ProgramState:
    settings = Settings.load()
    with disable_run_logger(), Journal(settings.journal_address) as journal:
        spec = take_up(journal, text, "demo.yaml", run)
        passes.pass_or_trouble(journal, settings, spec, run=run)
        return state_of(journal, spec.program)


@pytest.mark.timeout(60 + ROUNDS * 30)
@pytest.mark.parametrize("seed", SEEDS)
def test_no_edit_of_people_is_lost_and_every_oddity_is_told(crowd, monkeypatch, seed):
    model = Model(crowd)
    interrupted = Interrupted(model, crowd.random)
    send = requests.Session.send

    def interrupted_send(session, request, **options):
        interrupted.before_a_request()
        return send(session, request, **options)

    monkeypatch.setattr(requests.Session, "send", interrupted_send)
    programs: list[tuple[str, str]] = []
    for number in range(ROUNDS):
        at = f"round {number}; again: ROLLOUT_PEOPLE_SEEDS={seed} ROLLOUT_PEOPLE_ROUNDS={ROUNDS}"
        if number % ROUNDS_A_PROGRAM == 0:
            repair(crowd)
            model.note()
            text = SPEC.replace("program: demo", f"program: demo{len(programs)}")
            spec = read_valid(text, "demo.yaml")
            programs.append((text, str(uuid4())))
            model.planned |= {epic_key(spec.program), *(item.key for item in expand(spec))}
        model.burst(crowd.random.randint(1, 8))
        text, run = crowd.random.choice([programs[-1], *programs])
        for most in (3, 0):
            interrupted.plan(most)
            interrupted.is_theirs = False
            state = one_pass(text, run)
            interrupted.is_theirs = True
        model.close()
        assert (model.lost, model.wrong) == ([], []), at
        assert told_wrong(model, state) == [], at
    edits = ", ".join(f"{count} {name}" for name, count in crowd.made.most_common())
    done = f"{crowd.made.total() - crowd.made['not possible']} edits, {model.hits} cells put back"
    print(f"seed {seed}: {ROUNDS} rounds, {done}; {edits}")  # noqa: T201 - the counts, with -s
