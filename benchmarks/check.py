"""How long reading and judging a spec of 10,000 items takes: `python benchmarks/check.py`.

Exits 1 when it takes more than three times what PyYAML takes to load the same text with libyaml,
when `rollout check` of a shipped program takes half a second or more, start of Python included, or
when a hostile text of the largest size takes a second or more to be refused.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import yaml

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


def best_seconds(work: Callable[[], object]) -> float:
    """The least of several runs: what the machine's other work adds is not ours."""
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def slowest_refusal() -> tuple[float, str]:
    """Seconds of the processor, and which text it was."""
    return max((_refusal_seconds(text), name) for name, text in HOSTILE.items())


def _refusal_seconds(text: str) -> float:
    start = time.process_time()
    read_spec(text, "hostile.yaml", today=TODAY)
    return time.process_time() - start


def check_command() -> None:
    python("-m", "policy_rollout.cli", "check", str(SHIPPED))


def python(*arguments: str) -> None:
    command = [sys.executable, *arguments]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603  our own command


def main() -> int:
    text = large_spec()
    reading = read_spec(text, "large.yaml", today=TODAY)
    if reading.spec is None or len(expand(reading.spec)) != ITEMS:
        print("the large spec is not what it should be:", *reading.problems[:5], sep="\n")
        return 1
    load = best_seconds(lambda: yaml.load(text, Loader=yaml.CSafeLoader))
    check = best_seconds(lambda: read_spec(text, "large.yaml", today=TODAY))
    start = best_seconds(check_command)
    bare = best_seconds(lambda: python("-c", "pass"))
    print(f"PyYAML loads {ITEMS:,} items ({len(text):,} characters): {load:.2f} s")
    print(
        f"read and judge them: {check:.2f} s, {check / load:.1f} times as long "
        f"(budget {BUDGET_TIMES_YAML:g})"
    )
    print(
        f"`rollout check` of a shipped program: {start:.2f} s (budget {BUDGET_START_SECONDS} s), "
        f"{start / bare:.0f} times as long as a Python that does nothing"
    )
    hostile, name = slowest_refusal()
    print(
        f"the slowest of {len(HOSTILE)} hostile texts ({name}) is refused in {hostile:.2f} s "
        f"(budget {BUDGET_HOSTILE_SECONDS:g} s)"
    )
    is_slow = start >= BUDGET_START_SECONDS or hostile >= BUDGET_HOSTILE_SECONDS
    return int(check / load > BUDGET_TIMES_YAML or is_slow)


if __name__ == "__main__":
    sys.exit(main())
