"""Random faults, many at once, with kills between: what stands in the end stands once.

A seed that fails is named by its test and is run alone with
`FAULT_RUNS=500 pytest tests/faults/test_fault_schedules.py -k 'seed-17-'`.
"""

import os

import pytest
from schedules import schedule
from story import SPEC, damage, outside

from policy_rollout.journal.store import Journal

pytestmark = pytest.mark.long

RUNS = int(os.environ.get("FAULT_RUNS", "40"))


@pytest.mark.parametrize("seed", range(RUNS), ids=lambda seed: f"seed-{seed}-")
def test_after_a_schedule_of_faults_each_thing_stands_once(rig, story, seed, record_property):
    given = schedule(seed)
    wanted = story[given.chapter]
    with rig.open(f"seed {seed}", wanted.snapshot) as program:
        program.sandbox.set_behaviour(
            search_lag_seconds=given.lag_seconds, items_a_page=given.items_a_page
        )
        hits: set[str] = set()
        for number, rules in enumerate(given.rules):
            program.sandbox.set_faults(*rules)
            ended = program.go(given.kill if number == 0 else None)
            hits |= {rule["kind"] for rule in program.sandbox.faults() if rule["used"]}
            if ended.was_killed and given.kill:
                hits.add(f"killed {given.kill.where}")
        program.sandbox.set_faults()

        ended = program.go_until_calm()

        done = damage(wanted.expected, outside(program.sandbox))
        if given.lag_seconds:
            hits.add("index lag")
        record_property("faults", [(hit, done.counts) for hit in sorted(hits) or ["none hit"]])
        assert (ended.trouble, done.is_none) == ("", True), (given, ended, done)
        assert len(set(program.state.issues.values())) == len(program.state.issues)
        with Journal(f"sqlite:///{program.home / 'journal.sqlite3'}") as journal:
            assert journal.verify(SPEC.program)
