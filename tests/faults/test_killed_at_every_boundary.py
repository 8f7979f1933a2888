"""The flow's process is killed (SIGKILL) at every boundary of the story in turn, and goes on."""

import os
from itertools import count

import pytest
from rig import Kill, Where
from story import CHAPTERS, damage, outside

pytestmark = pytest.mark.long

ALL = "FAULT_RUNS" in os.environ
"""All boundaries; else one of each kind in each chapter."""


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("where", Where)
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_killed_at_a_boundary_the_next_passes_leave_each_thing_once(
    rig, story, chapter, where, record_property
):
    wanted, wrong, tried = story[chapter], [], 0
    for at in count(1) if ALL else (2,):
        with rig.open(f"killed {chapter} {where} {at}", wanted.snapshot) as program:
            if not program.go(Kill(where, at)).was_killed:
                break  # the pass has no boundary behind the last one
            ended = program.go_until_calm()
            done = damage(wanted.expected, outside(program.sandbox))
            record_property("faults", [(f"killed {where}", done.counts)])
            tried += 1
            if ended.trouble or not done.is_none:
                wrong.append((at, ended.trouble, done))
    assert wrong == []
    assert tried > 0
