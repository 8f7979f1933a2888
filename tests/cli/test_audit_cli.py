"""`rollout audit` as somebody types it, over a journal in a folder of its own."""

import json
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from policy_rollout.cli import app
from policy_rollout.errors import AuditFolderWrong, ExitCode, ProgramUnknown
from policy_rollout.journal.store import Journal
from tests.rehearsed import play


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose settings point at a journal with a program that was played to its end."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROLLOUT_JOURNAL_URL", address_in(tmp_path))
    with Journal(address_in(tmp_path)) as journal:
        play(journal)
    return tmp_path


def address_in(folder: Path) -> str:
    return f"sqlite:///{folder / 'journal.sqlite3'}"


def rollout(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def touch(home: Path, statement: str) -> None:
    with Journal(address_in(home)) as journal, journal._tables.engine.begin() as connection:
        connection.execute(text(statement))


def head_of(home: Path) -> str:
    with Journal(address_in(home)) as journal:
        return journal.verify("appeals")


def test_an_audit_says_the_outcome_of_each_gate_and_the_head(home):
    done = rollout("audit", "appeals")
    assert done.stdout.splitlines() == [
        f"appeals: 48 entries, head {head_of(home)}",
        "gate prepare: passed at entry 34; recomputed: same outcome",
        "gate launch: passed at entry 46; recomputed: same outcome",
        "verified: the chain is whole and every gate comes to the same outcome",
    ]
    assert done.exit_code == ExitCode.DONE


def test_an_audit_that_finds_something_names_the_entry_and_answers_1(home):
    touch(home, "UPDATE rollout_journal SET actor = 'eve@example.com' WHERE sequence = 12")
    done = rollout("audit", "appeals")
    assert "entry 12: it was changed after it was written" in done.stdout.splitlines()
    assert done.stdout.splitlines()[-1] == "NOT verified: 1 finding"
    assert done.exit_code == ExitCode.FOUND_PROBLEMS


def test_an_audit_prints_json_for_a_machine(home):
    touch(home, "UPDATE rollout_journal SET actor = 'eve@example.com' WHERE sequence = 12")
    told = json.loads(rollout("audit", "appeals", "--json").stdout)
    assert told["verified"] is False
    assert told["entries"] == 48
    assert told["gates"][0] == {
        "gate": "prepare",
        "passed_at": "2026-03-02T01:24:00+00:00",
        "entry": 34,
        "same_outcome": True,
    }
    assert told["findings"] == [
        {
            "entry": 12,
            "gate": None,
            "file": None,
            "line": None,
            "finding": "it was changed after it was written",
        }
    ]


def test_an_export_is_verified_by_the_digest_that_the_audit_printed(home):
    exported = rollout("audit", "appeals", "--export", "kept")
    assert exported.stdout.splitlines()[-1] == (
        "exported to kept; keep the head digest elsewhere: it proves the export"
    )
    done = rollout("audit", "--verify", "kept", "--head", head_of(home))
    assert done.stdout.splitlines()[-1].startswith("verified: ")
    assert done.exit_code == ExitCode.DONE


@pytest.mark.usefixtures("home")
def test_verifying_without_a_digest_says_what_that_proves():
    rollout("audit", "appeals", "--export", "kept")
    done = rollout("audit", "--verify", "kept")
    assert done.stdout.splitlines()[-1] == (
        "compared with head.txt only; give the digest you kept elsewhere with --head"
    )
    assert done.exit_code == ExitCode.DONE


@pytest.mark.usefixtures("home")
def test_verifying_needs_no_journal(monkeypatch):
    rollout("audit", "appeals", "--export", "kept")
    monkeypatch.setenv("ROLLOUT_JOURNAL_URL", "sqlite:////nowhere/journal.sqlite3")
    assert rollout("audit", "--verify", "kept").exit_code == ExitCode.DONE


def test_verifying_a_touched_folder_names_line_and_entry_and_answers_1(home):
    rollout("audit", "appeals", "--export", "kept")
    path = home / "kept" / "journal.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    done = rollout("audit", "--verify", "kept", "--json")
    findings = [each["finding"] for each in json.loads(done.stdout)["findings"]]
    assert "it is the last one, head.txt says 48" in findings
    assert done.exit_code == ExitCode.FOUND_PROBLEMS


@pytest.mark.usefixtures("home")
def test_another_digest_than_the_one_kept_answers_1():
    rollout("audit", "appeals", "--export", "kept")
    done = rollout("audit", "--verify", "kept", "--head", "0" * 64)
    assert f"the head digest given is {'0' * 64}" in done.stdout
    assert done.exit_code == ExitCode.FOUND_PROBLEMS


def test_many_findings_are_cut_for_a_person(home):
    touch(home, "UPDATE rollout_journal SET hash = 'x' || sequence")
    rollout("audit", "appeals", "--export", "kept")
    path = home / "kept" / "journal.jsonl"
    path.write_text(path.read_text() + "{}\n" * 200)
    lines = rollout("audit", "--verify", "kept").stdout.splitlines()
    assert any(line.endswith(" more findings; all of them with --json") for line in lines)
    assert len(lines) < 110


@pytest.mark.usefixtures("home")
def test_an_unknown_program_is_named():
    done = rollout("audit", "appeal")
    assert isinstance(done.exception, ProgramUnknown)
    assert "launched programs: appeals" in str(done.exception)


def test_an_export_over_something_is_refused(home):
    done = rollout("audit", "appeals", "--export", str(home))
    assert isinstance(done.exception, AuditFolderWrong)
    assert done.exception.exit_code == ExitCode.WRONG_USAGE


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name a program, or a folder with --verify; not both"),
        (("appeals", "--verify", "kept"), "name a program, or a folder with --verify; not both"),
        (("--verify", "kept", "--export", "more"), "--export goes with a program"),
        (("appeals", "--head", "0" * 64), "--head goes with --verify"),
        (("--verify", "kept", "--head", "abc"), "--head is a digest: 64 digits and letters"),
    ],
)
def test_wrong_usage_says_what_goes_together(arguments, said):
    done = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["audit", *arguments])
    assert done.exit_code == ExitCode.WRONG_USAGE
    assert said in " ".join(done.output.replace("│", " ").split())
