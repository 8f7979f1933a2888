"""No secret leaves the settings; a journal on a full disk loses nothing."""

import base64
import json
from pathlib import Path

import pytest
from carried import SPEC, Carried
from prefect.settings import (
    PREFECT_LOCAL_STORAGE_PATH,
    PREFECT_RESULTS_PERSIST_BY_DEFAULT,
    temporary_settings,
)

from policy_rollout.errors import JournalUnavailable
from policy_rollout.journal import databases
from policy_rollout.sandbox import jira_call

pytestmark = pytest.mark.long

TOKEN = "recognizable-7f3a"


@pytest.fixture
def stored(tmp_path):
    """The folder in which Prefect keeps results, with everything kept: also what was raised."""
    folder = tmp_path / "results"
    keep = {PREFECT_LOCAL_STORAGE_PATH: folder, PREFECT_RESULTS_PERSIST_BY_DEFAULT: True}
    with temporary_settings(keep):
        yield folder


@pytest.fixture
def secretive(program, monkeypatch):
    """A program whose token can be told from every other word."""
    monkeypatch.setattr(jira_call, "TOKEN", TOKEN)
    monkeypatch.setenv("ROLLOUT_JIRA_TOKEN", TOKEN)
    return program


@pytest.fixture
def credentials(key_folder):
    return key_folder / "sheets-credentials.json"


def secrets_of(program: Carried, credentials: Path) -> list[str]:
    """What must stand nowhere: the token, plain and as it is sent, and a line of the key."""
    sent = base64.b64encode(f"{program.sandbox.email}:{TOKEN}".encode()).decode()
    key = json.loads(credentials.read_text())["private_key"].splitlines()[3]
    return [TOKEN, sent, key, "Bearer "]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "latency", "seconds": 0},
        {"kind": "error", "status": 500},
        {"kind": "reset-after-commit"},
        {"kind": "partial-failure"},
        {"kind": "error", "status": 503, "path": "/sheets/v4/"},
    ],
    ids=lambda fault: "-".join(str(each) for each in fault.values()),
)
def test_no_secret_is_in_the_journal_the_form_the_logs_or_prefect_s_storage(
    secretive, credentials, stored, caplog, fault
):
    program = secretive
    program.sandbox.set_faults({"path": "/issue/bulk$|:batchUpdate$", "times": 9} | fault)

    stands = program.go()

    kept = [path.read_bytes() for path in stored.rglob("*") if path.is_file()]
    assert kept
    journal = b"".join(path.read_bytes() for path in Path().glob("journal.sqlite3*"))
    shown = "\n".join([stands.text, program.trouble, caplog.text, repr(program.state)]).encode()
    for secret in secrets_of(program, credentials):
        assert not [each for each in (*kept, journal, shown) if secret.encode() in each], secret


def test_a_token_that_jira_refuses_is_not_repeated(program, monkeypatch, caplog):
    monkeypatch.setenv("ROLLOUT_JIRA_TOKEN", TOKEN)

    program.go()

    assert "API token of rollout@sandbox.example: found HTTP 401" in program.trouble
    assert TOKEN not in program.trouble + caplog.text


@pytest.fixture
def disk(monkeypatch):
    """A disk with room for as many pages of the journal as its last element says."""
    pages = [1_000_000]
    prepare = databases._prepare_sqlite

    def limited(connection, record):
        prepare(connection, record)
        connection.execute(f"PRAGMA max_page_count = {pages[-1]}").close()

    monkeypatch.setattr(databases, "_prepare_sqlite", limited)
    return pages


@pytest.mark.parametrize("filled", [800, 1400, 2000, 3000])
def test_a_full_disk_for_the_journal_is_named_and_nothing_is_lost_or_doubled(
    program, monkeypatch, disk, filled
):
    monkeypatch.setenv("ROLLOUT_SETTLE_SECONDS", "0.5")
    wordy = Carried(program.sandbox, f"{SPEC}# {'x' * filled}\n")
    disk.append(3)  # full sooner the longer the spec is
    with pytest.raises(JournalUnavailable, match="the disk is full") as caught:
        wordy.go()
    assert str(caught.value).endswith("and go on: the program resumes where it stood")
    disk.append(1_000_000)

    wordy.go_until_calm()

    wordy.everything_once()
