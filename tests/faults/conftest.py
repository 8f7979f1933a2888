"""A rig of processes, and the story told once without faults: a snapshot before each chapter."""

import json
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prefect.settings import PREFECT_API_URL
from rig import FORKED, Rig
from story import CHAPTERS, SPEC, Outside, outside

from policy_rollout.work import people_of


@dataclass(frozen=True)
class Chapter:
    """`snapshot` is everything just before the pass, `expected` what stands after it."""

    snapshot: Path
    expected: Outside
    waits_for: tuple[str, ...]


@pytest.fixture(scope="session")
def rig(
    prefect_home: Path,  # noqa: ARG001  the server must run
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Rig]:
    folder = tmp_path_factory.mktemp("rig")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
        patch.setenv("PREFECT_LOGGING_LEVEL", "CRITICAL")
        FORKED.set_forkserver_preload(["rig"])
        yield Rig(folder, tmp_path_factory.mktemp("rig-keys"), str(PREFECT_API_URL.value()))


@pytest.fixture(scope="session")
def story(rig: Rig) -> dict[str, Chapter]:
    chapters: dict[str, Chapter] = {}
    with rig.open("story") as told:
        told.sandbox.set_behaviour(search_lag_seconds=0)
        for person in people_of(SPEC):
            told.sandbox.add_person(person)
        for name, act in CHAPTERS.items():
            act(told.people)
            snapshot = rig.folder / f"before {name}"
            told.keep(snapshot)
            ended = told.go()
            assert (ended.was_killed, ended.trouble) == (False, "")
            chapters[name] = Chapter(snapshot, outside(told.sandbox), told.state.waiting_stages)
        assert told.state.is_over
    return chapters


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The fault table: on the terminal, and as JSON where FAULT_TABLE names a file."""
    table: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, faults in report.user_properties if report.when == "call" else ():
                for fault, counts in faults if name == "faults" else ():
                    table[fault].update({"runs": 1, **counts})
    if not table:
        return
    columns = ("runs", "missing", "double", "lost_edits", "other")
    told = {fault: {name: table[fault][name] for name in columns} for fault in sorted(table)}
    terminalreporter.section("faults")
    terminalreporter.write_line("".join(f"{name:>12}" for name in columns) + "  fault")
    for fault, row in told.items():
        terminalreporter.write_line("".join(f"{row[name]:>12}" for name in columns) + f"  {fault}")
    if path := os.environ.get("FAULT_TABLE"):
        Path(path).write_text(json.dumps(told, indent=2) + "\n")
