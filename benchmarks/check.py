"""Reading and judging a spec of 10,000 items, beside PyYAML loading the same text with libyaml.

Also how soon `rollout check` answers, and whether it gets by without prefect. The least of several
runs: what the machine's other work adds is not ours. Hostile texts are timed by the seconds of the
processor.
"""

import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import yaml

from benchmarks.rows import Row, best_seconds
from policy_rollout.spec.reader import read_spec
from policy_rollout.work import expand
from tests.spec.hostile_texts import HOSTILE

ITEMS = 10_000
ITEMS_OF_A_STAGE = 100
RUNS = 5
BUDGET_TIMES_YAML = 3.0
BUDGET_START_SECONDS = 0.5
BUDGET_HOSTILE_SECONDS = 1.0
TODAY = date(2026, 1, 5)
SHIPPED = Path(__file__).parents[1] / "program_specs" / "youtube-gambling-graphic-games-2025.yaml"

HEAD = """\
program: large
policy: {change: clarification}
timeline: {timezone: Europe/Dublin, effective: 2026-03-10}
people:
  policy: {members: [r.haddad@example.com, t.osei@example.com]}
  ops: {members: [m.tan@example.com]}
stages:
"""


def large_spec() -> str:
    return HEAD + "".join(_stage(number) for number in range(ITEMS // ITEMS_OF_A_STAGE))


def _stage(number: int) -> str:
    after = f"    after: [stage-{number - 1}]\n" if number else ""
    items = "".join(_item(each) for each in range(ITEMS_OF_A_STAGE))
    gate = "    gate: {sign_off: {policy: 2, ops: 1}}\n"
    return f"  stage-{number}:\n{after}    tasks:\n{items}{gate}"


def _item(number: int) -> str:
    after = f", after: [item-{number - 1}]" if number else ""
    return f"      item-{number}: {{title: Do the thing {number}, team: ops, takes: 2bd{after}}}\n"


def slowest_refusal() -> tuple[float, str]:
    """Seconds of the processor, and which text it was."""
    return max((_refusal_seconds(text), name) for name, text in HOSTILE.items())


def _refusal_seconds(text: str) -> float:
    start = time.process_time()
    read_spec(text, "hostile.yaml", today=TODAY)
    return time.process_time() - start


def check_command() -> None:
    python("-m", "policy_rollout.cli", "check", str(SHIPPED))


def python(*arguments: str) -> str:
    command = [sys.executable, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603  ours
    return done.stderr


def prefect_modules() -> int:
    """How many modules of prefect `rollout check` imports."""
    told = python("-X", "importtime", "-m", "policy_rollout.cli", "check", str(SHIPPED))
    return sum(line.rpartition("|")[2].strip().startswith("prefect") for line in told.splitlines())


def rows() -> list[Row]:
    text = large_spec()
    reading = read_spec(text, "large.yaml", today=TODAY)
    if reading.spec is None or len(expand(reading.spec)) != ITEMS:
        raise SystemExit(f"the large spec is not what it should be: {reading.problems[:5]}")
    load = best_seconds(lambda: yaml.load(text, Loader=yaml.CSafeLoader), RUNS)
    check = best_seconds(lambda: read_spec(text, "large.yaml", today=TODAY), RUNS)
    start = best_seconds(check_command, RUNS)
    hostile, name = slowest_refusal()
    what = f"check a spec of {ITEMS:,} items"
    return [
        Row(what, check, "s", load, "PyYAML", BUDGET_TIMES_YAML),
        Row("`rollout check` of a shipped program", start, "s", budget=BUDGET_START_SECONDS),
        Row(f"refuse a hostile text ({name})", hostile, "s", budget=BUDGET_HOSTILE_SECONDS),
        Row("`rollout check`: modules of prefect", prefect_modules(), "modules", budget=0),
    ]
