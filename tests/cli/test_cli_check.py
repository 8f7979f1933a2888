"""`rollout check` and `rollout schema`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SHIPPED = Path(__file__).parents[2] / "program_specs"


def test_a_spec_without_problems_is_answered_with_nothing(rollout):
    done = rollout("check", "small.yaml")
    assert (done.code, done.out, done.err) == (0, "", "")


def test_each_problem_is_a_line_in_a_pipe(rollout):
    done = rollout("check", "wrong.yaml")
    assert done.code == 1
    assert done.out.splitlines() == [
        (
            "wrong.yaml:9:49: unknown-role: found the role 'opps', expected one under `people` "
            "(policy, ops); did you mean 'ops'?"
        ),
        (
            "wrong.yaml:10:23: unknown-role: found the role 'legal', expected one under `people` "
            "(policy, ops); add it there or name another"
        ),
    ]


def test_several_specs_are_checked_together(rollout, here):
    done = rollout("check", "small.yaml", "none.yaml", str(here), "wrong.yaml")
    assert done.code == 1
    assert [line.partition(": ")[0] for line in done.out.splitlines()] == [
        "none.yaml:1:1",
        f"{here}:1:1",
        "wrong.yaml:9:49",
        "wrong.yaml:10:23",
    ]


def test_a_machine_gets_each_problem_as_an_object(rollout):
    done = rollout("check", "--json", "small.yaml", "none.yaml")
    assert done.code == 1
    assert json.loads(done.out) == [
        {
            "path": "none.yaml",
            "line": 1,
            "column": 1,
            "rule": "no-file",
            "severity": "error",
            "text": "found no such file, expected a program spec; check the path",
        }
    ]


def test_advice_alone_is_no_failure(rollout, here):
    gate = "    gate: {sign_off: {policy: 1}}\n"
    text = (here / "small.yaml").read_text()
    (here / "small.yaml").write_text(text.replace(gate, ""))
    done = rollout("check", "small.yaml")
    assert done.code == 0
    assert "no-sign-off" in done.out
    assert done.out.endswith("(advice)\n")


@pytest.mark.parametrize(
    "arguments", [["check"], ["check", "--jsn", "small.yaml"], ["chekc", "small.yaml"]]
)
def test_wrong_usage_is_exit_code_2(rollout, arguments):
    done = rollout(*arguments)
    assert done.code == 2
    assert done.out == ""
    assert "Usage: rollout" in done.err


def test_checking_starts_without_what_only_other_commands_need():
    code = (
        "import sys\nfrom policy_rollout import cli\ntry:\n    cli.main()\nexcept SystemExit:\n"
        "    heavy = {'prefect', 'jira', 'gspread', 'sqlalchemy', 'uvicorn', 'requests', 'httpx'}\n"
        "    print(sorted(heavy & set(sys.modules)))\n"
    )
    spec = SHIPPED / "github-synthetic-media-tools-2024.yaml"
    command = [sys.executable, "-c", code, "check", "--json", str(spec)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  ours
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_schema_is_what_is_shipped(rollout):
    done = rollout("schema")
    assert done.code == 0
    assert done.out == (SHIPPED / "program.schema.json").read_text()
