"""Hundreds of edits by people between and within passes: none is lost, no wrong row is written.

A seed draws the same edits again; rows are added beside the issues, so their requests may come
in another order. More than the sample of `make long-test`, for instance:

    ROLLOUT_PEOPLE_SEEDS=1,2,3 ROLLOUT_PEOPLE_ROUNDS=100 pytest -s FILE
"""

import os
from collections.abc import Callable
from pathlib import Path
from random import Random
from threading import RLock
from typing import Any

import pytest
import requests
from carried import MEI, OWNER, READS, RIMA, SPEC, WIM, connect
from edits_by_people import Crowd, repair
from edits_in_jira import JIRA_EDITS
from plain_passes import PlainlyCarried, make_plain
from what_people_left import Model, told_wrong

from policy_rollout.sandbox.sheets_control import WorkbookEditor
from policy_rollout.sandbox.sheets_credentials import write_credentials
from policy_rollout.sandbox.sheets_store import WORKBOOK
from policy_rollout.work import epic_key, expand

pytestmark = pytest.mark.long

SEEDS = [int(each) for each in os.environ.get("ROLLOUT_PEOPLE_SEEDS", "1").split(",")]
ROUNDS = int(os.environ.get("ROLLOUT_PEOPLE_ROUNDS", "8"))
ROUNDS_A_PROGRAM = 6
REQUESTS_A_PASS = 12
BEFORE_A_WRITE = 0.4
PEOPLE = (OWNER, RIMA, MEI, WIM)


def is_write(request: requests.PreparedRequest) -> bool:
    path = str(request.path_url).partition("?")[0]
    return request.method != "GET" and not any(path.endswith(each) for each in READS)


class Interrupted:
    """Lets people act just before chosen requests of a pass are sent.

    A pass sends from two threads. One request is under way at a time, and people act while none
    is: what stands after their edits and was not there before is then theirs alone.
    """

    def __init__(
        self, model: Model, random: Random, send: Callable[..., requests.Response]
    ) -> None:
        self.model, self.random, self.send = model, random, send
        self.is_theirs, self.asked = True, 0
        self.moments: dict[int, int] = {}
        self.one_at_a_time = RLock()

    def plan(self, most: int) -> None:
        """Up to so many bursts of one to four edits, each before another request."""
        self.asked = 0
        self.moments = {
            self.random.randrange(REQUESTS_A_PASS): self.random.randint(1, 4)
            for _ in range(self.random.randint(0, most))
        }

    def sent(
        self, session: requests.Session, request: requests.PreparedRequest, **options: Any
    ) -> requests.Response:
        with self.one_at_a_time:
            if not self.is_theirs:
                self.before_a_request(request)
            return self.send(session, request, **options)

    def before_a_request(self, request: requests.PreparedRequest) -> None:
        self.asked += 1
        edits = self.moments.get(self.asked - 1, 0)
        if self.moments and is_write(request) and self.random.random() < BEFORE_A_WRITE:
            edits += self.random.randint(1, 3)  # between a look and the write that it led to
        if edits:
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
    make_plain(monkeypatch)
    seed = request.node.callspec.params["seed"]
    random = Random(seed)  # noqa: S311 - the same edits each time is what is wanted
    return Crowd(sandbox, WorkbookEditor(sandbox.sheets_url, WORKBOOK), random, PEOPLE, JIRA_EDITS)


@pytest.mark.timeout(60 + ROUNDS * 30)
@pytest.mark.parametrize("seed", SEEDS)
def test_no_edit_of_people_is_lost_and_every_oddity_is_told(crowd, monkeypatch, seed):
    model = Model(crowd)
    interrupted = Interrupted(model, crowd.random, requests.Session.send)

    def sent(session, request, **options):
        return interrupted.sent(session, request, **options)

    monkeypatch.setattr(requests.Session, "send", sent)
    programs: list[PlainlyCarried] = []
    for number in range(ROUNDS):
        at = f"round {number}; again: ROLLOUT_PEOPLE_SEEDS={seed} ROLLOUT_PEOPLE_ROUNDS={ROUNDS}"
        if number % ROUNDS_A_PROGRAM == 0:
            repair(crowd)
            model.note()
            text = SPEC.replace("program: demo", f"program: demo{len(programs)}")
            programs.append(PlainlyCarried(crowd.sandbox, text))
            spec = programs[-1].spec
            model.planned |= {epic_key(spec.program), *(item.key for item in expand(spec))}
        model.burst(crowd.random.randint(1, 8))
        program = crowd.random.choice([programs[-1], *programs])
        for most in (3, 0):
            interrupted.plan(most)
            interrupted.is_theirs = False
            program.go()
            interrupted.is_theirs = True
        model.close()
        assert (model.lost, model.wrong) == ([], []), at
        assert told_wrong(model, program.state) == [], at
    edits = ", ".join(f"{count} {name}" for name, count in crowd.made.most_common())
    done = f"{crowd.made.total() - crowd.made['not possible']} edits, {model.hits} cells put back"
    print(f"seed {seed}: {ROUNDS} rounds, {done}; {edits}")  # noqa: T201 - the counts, with -s
