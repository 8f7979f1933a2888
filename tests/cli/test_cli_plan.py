"""`rollout plan`."""

import json
from pathlib import Path

import pytest

REFUSED = """\
wrong.yaml:9:49: unknown-role: found the role 'opps', expected one under `people` (policy, ops); \
did you mean 'ops'?
wrong.yaml:10:23: unknown-role: found the role 'legal', expected one under `people` (policy, ops); \
add it there or name another
refused: 2 errors, nothing was done; mend the lines above
"""


def test_a_plan_is_plain_lines_in_a_pipe(rollout):
    done = rollout("plan", "small.yaml")
    assert done.code == 0
    assert done.out.startswith("A small program (small), times in ")
    assert "Switch it on" in done.out
    assert "\x1b" not in done.out


def test_a_plan_for_a_machine_is_one_json_object(rollout):
    done = rollout("plan", "--json", "small.yaml")
    assert done.code == 0
    assert json.loads(done.out)["program"] == "small"


def test_the_time_line_is_written_as_a_picture(rollout, here):
    done = rollout("plan", "small.yaml", "--svg", "small.svg")
    assert done.code == 0
    assert (here / "small.svg").read_text().startswith("<svg")


def test_a_picture_that_cannot_be_written_is_named(rollout):
    done = rollout("plan", "small.yaml", "--svg", "none/small.svg")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: none/small.svg cannot be written (No such file or directory); "
        "name a file in a folder that can\n"
    )


@pytest.mark.parametrize("command", ["plan", "launch"])
def test_a_refused_spec_says_every_error_and_that_nothing_was_done(rollout, command):
    done = rollout(command, "wrong.yaml")
    assert (done.code, done.out, done.err) == (1, "", REFUSED)


def test_every_language_has_its_line_when_all_is_asked_for(rollout, here):
    text = (here / "small.yaml").read_text()
    several = text.replace(
        "{change: clarification}", "{change: clarification, languages: [de, fr]}"
    )
    (here / "small.yaml").write_text(several.replace("team: ops}", "team: ops, per: language}"))
    short = rollout("plan", "small.yaml").out
    full = rollout("plan", "--all", "small.yaml").out
    assert "Switch it on (fr)" not in short
    assert "Switch it on (fr)" in full


def test_planning_writes_nothing(rollout, here):
    rollout("plan", "small.yaml")
    assert sorted(path.name for path in Path(here).iterdir()) == ["small.yaml", "wrong.yaml"]
