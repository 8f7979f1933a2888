"""The command in a folder of its own, without settings of this machine."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from policy_rollout import cli
from policy_rollout.events import CreationIntended, Launched
from policy_rollout.history import decide_and_write, state_of
from policy_rollout.journal.store import Journal

SPEC = """\
program: small
title: A small program
policy: {change: clarification}
people:
  policy: {members: [r.haddad@example.com]}
  ops: {members: [m.tan@example.com]}
stages:
  launch:
    tasks: {switch: {title: Switch it on, team: ops}}
    gate: {sign_off: {policy: 1}}
"""
WRONG = SPEC.replace("team: ops", "team: opps").replace("policy: 1", "legal: 1")
RUN = "0f0e0d0c-0b0a-4908-8706-050403020100"


@dataclass(frozen=True, slots=True)
class Answer:
    code: int
    out: str
    err: str


Rollout = Callable[..., Answer]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to stand in, with two specs and no settings; the user's home is empty."""
    for name in [each for each in os.environ if each.startswith(("ROLLOUT_", "PREFECT_"))]:
        monkeypatch.delenv(name)
    folder, home = tmp_path / "here", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    (folder / "small.yaml").write_text(SPEC)
    (folder / "wrong.yaml").write_text(WRONG)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def rollout(
    here: Path,  # noqa: ARG001 - the command runs there
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Rollout:
    """The command in this process; prefect and what it reads of the environment stay outside."""

    def run(*arguments: str) -> Answer:
        monkeypatch.setattr(sys, "argv", ["rollout", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return Answer(int(ended.value.code or 0), said.out, said.err)

    return run


@pytest.fixture
def rollout_process(here: Path) -> Rollout:  # noqa: ARG001 - the command runs there
    """The command as a process of its own, `given` on its standard input.

    Keywords are variables of its environment.
    """

    def run(*arguments: str, given: str = "", **environment: str) -> Answer:
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "policy_rollout.cli", *arguments],
            capture_output=True,
            input=given,
            text=True,
            check=False,
            timeout=60,
            env=os.environ | environment,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def launched(here: Path) -> str:
    """The id of a program that the journal says is launched; nobody carries it."""
    events = (
        Launched(spec_text=SPEC, spec_path="small.yaml", run=RUN),
        CreationIntended(batch="1", keys=("small/launch/switch",), fence=0),
    )
    with Journal(f"sqlite:///{here}/.rollout/journal.sqlite3") as journal:
        state = state_of(journal, "small")
        at = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
        decide_and_write(journal, state, events, actor="rollout", at=at)
    return "small"
