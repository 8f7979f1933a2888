"""`rollout status`."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from policy_rollout.journal.store import Journal

RUN_PAGE = "runs/flow-run/0f0e0d0c-0b0a-4908-8706-050403020100"


def test_without_a_program_the_next_step_is_named(rollout):
    done = rollout("status")
    assert (done.code, done.out) == (0, "")
    assert done.err == "no program was launched yet; launch one with: rollout launch SPEC\n"


def test_without_a_program_a_machine_gets_an_empty_list(rollout):
    done = rollout("status", "--json")
    assert (done.code, json.loads(done.out), done.err) == (0, [], "")


def test_reading_makes_no_journal(rollout, here):
    rollout("status")
    rollout("status", "small")
    assert sorted(path.name for path in Path(here).iterdir()) == ["small.yaml", "wrong.yaml"]


def test_an_unknown_program_names_the_known_ones(rollout, launched):
    done = rollout("status", "smal")
    assert done.code == 1
    assert done.err == (
        f"error: no program named 'smal' was launched; launched programs: {launched}. "
        "Launch one with: rollout launch SPEC\n"
    )


def test_all_programs_are_a_line_each_in_a_pipe(rollout, launched):
    done = rollout("status")
    assert done.code == 0
    assert done.out.split("\t")[:3] == [launched, "under way", "0 of 1"]


def test_one_program_is_told_in_full(rollout, launched):
    done = rollout("status", launched)
    assert done.code == 0
    assert done.out.startswith("# A small program\n")
    assert "| launch | 0 of 1 |" in done.out


def test_a_machine_gets_the_program_as_an_object(rollout, launched):
    (found,) = json.loads(rollout("status", "--json", launched).out)
    assert found["program"] == launched
    assert found["stands"] == "under_way"
    assert found["run_url"] == ""


def test_the_run_is_linked_where_a_prefect_is_named(rollout, launched, monkeypatch):
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:4200/api")
    (found,) = json.loads(rollout("status", "--json", launched).out)
    assert found["run_url"] == f"http://127.0.0.1:4200/{RUN_PAGE}"


def test_reading_changes_no_byte_of_the_journal(rollout, here, launched):
    journal = here / ".rollout" / "journal.sqlite3"
    with Journal(f"sqlite:///{journal}") as opened:
        before = opened.verify(launched)
    written = journal.read_bytes()
    rollout("status", launched)
    with Journal(f"sqlite:///{journal}") as opened:
        assert opened.verify(launched) == before
    assert journal.read_bytes() == written


def test_a_journal_that_is_none_is_named(rollout, here):
    (here / ".rollout").mkdir()
    (here / ".rollout" / "journal.sqlite3").write_text("no database at all, only words")
    done = rollout("status")
    assert (done.code, done.out) == (3, "")
    assert done.err == (
        f"error: the journal at sqlite:///{here}/.rollout/journal.sqlite3 cannot be used: the file "
        "is no SQLite database, or it is damaged; put back a copy. Mend it (disk space, "
        "permissions, ROLLOUT_JOURNAL_URL) and go on: the program resumes where it stood\n"
    )


def test_a_journal_whose_server_is_down_is_named_without_its_password(rollout, monkeypatch):
    monkeypatch.setenv("ROLLOUT_JOURNAL_URL", "postgresql://u:geheim@127.0.0.1:1/x")
    done = rollout("status")
    assert done.code == 3
    assert done.err.startswith("error: the journal at postgresql://u:***@127.0.0.1:1/x cannot be")
    assert "geheim" not in done.err


def test_the_status_is_told_without_importing_prefect(launched):
    code = (
        "import sys\nfrom policy_rollout import cli\ntry:\n    cli.main()\nexcept SystemExit:\n"
        "    print('prefect' in sys.modules)\n"
    )
    command = [sys.executable, "-c", code, "status", launched]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  ours
    assert done.stdout.splitlines()[-1] == "False"


@pytest.fixture
def touched(here, launched):
    """A second program whose first entry somebody wrote over."""
    journal = here / ".rollout" / "journal.sqlite3"
    with closing(sqlite3.connect(journal)) as opened, opened:
        opened.execute(
            "INSERT INTO rollout_journal SELECT 'other', sequence, at, actor, 'unheard_of', body, "
            "previous_hash, hash FROM rollout_journal WHERE program = ? AND sequence = 1",
            [launched],
        )
    return "other"


UNREADABLE = (
    "error: journal of 'other', entry 1: it is no 'unheard_of' that this version knows: it was "
    "touched, or written by a newer policy-rollout; update this one, or put back a copy\n"
)


@pytest.mark.usefixtures("touched")
def test_a_program_that_cannot_be_read_hides_no_other(rollout, launched):
    done = rollout("status")
    assert done.code == 1
    assert done.out.split("\t")[0] == launched
    assert done.err == UNREADABLE


@pytest.mark.usefixtures("touched")
def test_a_machine_gets_the_programs_that_can_be_read(rollout, launched):
    done = rollout("status", "--json")
    assert (done.code, done.err) == (1, UNREADABLE)
    assert [each["program"] for each in json.loads(done.out)] == [launched]


def test_a_program_that_cannot_be_read_is_named_with_the_way_out(rollout, touched):
    done = rollout("status", touched)
    assert (done.code, done.out, done.err) == (1, "", UNREADABLE)
