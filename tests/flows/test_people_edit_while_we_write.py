"""Hundreds of edits by people between and within passes: none is lost, no wrong row is written.

A seed makes the same edits again. More than the sample of `make test`, for instance:
ROLLOUT_PEOPLE_SEEDS=1,2,3 ROLLOUT_PEOPLE_ROUNDS=100 pytest -s tests/flows/test_people_edit_while_we_write.py
"""

import os
import re
from random import Random

import pytest
import requests
from carried import MEI, OWNER, RIMA, SPEC, WIM, Carried
from edits_by_people import Crowd, issues, repair
from what_people_left import Model, expected_sheet_oddities

from policy_rollout.work import Kind, epic_key, expand

SEEDS = [int(each) for each in os.environ.get("ROLLOUT_PEOPLE_SEEDS", "1").split(",")]
ROUNDS = int(os.environ.get("ROLLOUT_PEOPLE_ROUNDS", "8"))
ROUNDS_A_PROGRAM = 8
REQUESTS_A_PASS = 12


class Interrupted:
    """Lets people act just before chosen requests of a pass are sent."""

    def __init__(self, model: Model, random: Random) -> None:
        self.model = model
        self.random = random
        self.is_theirs = False
        self.asked = 0
        self.moments: dict[int, int] = {}

    def plan(self, most: int) -> None:
        self.asked = 0
        count = self.random.randint(0, most)
        self.moments = {
            self.random.randrange(REQUESTS_A_PASS): self.random.randint(1, 4) for _ in range(count)
        }

    def send(self, session, request, **options):
        if not self.is_theirs:
            if self.asked in self.moments:
                self.is_theirs = True
                try:
                    self.model.burst(self.moments[self.asked])
                finally:
                    self.is_theirs = False
            self.asked += 1
        return self.real_send(session, request, **options)

    def people(self, act) -> None:
        self.is_theirs = True
        try:
            act()
        finally:
            self.is_theirs = False


@pytest.mark.timeout(60 + ROUNDS * 30)
@pytest.mark.parametrize("seed", SEEDS)
def test_no_edit_of_people_is_lost_and_every_oddity_is_told(program, monkeypatch, seed):
    print(f"seed {seed}: ROLLOUT_PEOPLE_SEEDS={seed} ROLLOUT_PEOPLE_ROUNDS={ROUNDS}")
    random = Random(seed)
    crowd = Crowd(program.sandbox, program.workbook, random, (OWNER, RIMA, MEI, WIM))
    model = Model(crowd)
    interrupted = Interrupted(model, random)
    interrupted.real_send = requests.Session.send
    monkeypatch.setattr(
        requests.Session,
        "send",
        lambda session, request, **options: interrupted.send(session, request, **options),
    )
    programs: list[Carried] = []
    for round_ in range(ROUNDS):
        if round_ % ROUNDS_A_PROGRAM == 0:
            interrupted.people(lambda: repair(crowd))
            interrupted.people(model.burst_nothing)
            name = f"demo{len(programs)}"
            programs.append(Carried(program.sandbox, SPEC.replace("program: demo", f"program: {name}")))
            model.planned |= {epic_key(name), *(item.key for item in expand(programs[-1].spec))}
        interrupted.people(lambda: model.burst(random.randint(1, 8)))
        carried = programs[-1] if random.random() < 0.7 else random.choice(programs)
        interrupted.plan(3)
        carried.go()
        interrupted.plan(0)
        carried.go()
        interrupted.people(model.close)
        assert not model.lost, f"seed {seed}, round {round_}: {model.lost}"
        assert not model.wrong, f"seed {seed}, round {round_}: {model.wrong}"
    print(dict(crowd.made.most_common()), "hits", model.hits)
