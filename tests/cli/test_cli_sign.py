"""`rollout sign`, and `rollout status --for`."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from authenticator_apps import App, enrolled
from cryptography.fernet import Fernet

from policy_rollout import events as ev
from policy_rollout.authenticators import Authenticators
from policy_rollout.history import note, records_of, state_of
from policy_rollout.journal.store import Journal
from policy_rollout.settings import Settings
from tests.programs_under_way import PLAIN, asked, person

LEA = person("lea")
NOWHERE = "http://127.0.0.1:9/api"


@pytest.fixture
def waiting(here: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The digest of a gate that waits, in the journal of this folder."""
    monkeypatch.setenv("ROLLOUT_CODES_KEY", Fernet.generate_key().decode())
    monkeypatch.setenv("ROLLOUT_JIRA_URL", "https://jira.test")
    program = asked(PLAIN)
    events = [
        each.event
        if not isinstance(each.event, ev.Launched)
        else ev.Launched(
            spec_text=PLAIN, spec_path="p.yaml", run="0f0e0d0c-0b0a-4908-8706-050403020100"
        )
        for each in program.journal
    ]
    with Journal(f"sqlite:///{here}/.rollout/journal.sqlite3") as journal:
        note(journal, "p", events, actor="test", at=program.model.now)
        return state_of(journal, "p").gates["prepare"].digest or ""


@pytest.fixture
def app(waiting: str) -> App:  # noqa: ARG001 - its settings are needed
    """The authenticator of a member, enrolled a while ago."""
    settings = Settings.load()
    with Authenticators(settings.journal_address, settings.codes_key) as authenticators:
        return enrolled(authenticators, LEA, at=datetime.now(UTC) - timedelta(hours=1))


def last_event() -> ev.Event:
    with Journal(Settings.load().journal_address) as journal:
        return records_of(journal, "p")[-1].event


def signing(rollout_process, app: App | None, *options: str, **environment: str):
    """`rollout sign p prepare` by Lea, the code on standard input."""
    code = app.code(datetime.now(UTC)) if app else "123456"
    return rollout_process(
        "sign", "p", "prepare", "--role", "legal", "--as", LEA, *options, given=code, **environment
    )


def test_a_code_signs_what_is_shown_though_no_server_is_there(rollout_process, app, waiting):
    done = signing(rollout_process, app, PREFECT_API_URL=NOWHERE)
    assert "gate of stage **prepare**, round 1" in done.out
    assert waiting in done.out
    noted = last_event()
    assert isinstance(noted, ev.CodeGiven)
    assert (noted.person, noted.action, noted.digest) == (LEA, "approve", waiting)
    assert done.out.endswith(
        "The answer is journaled; the program looks at it on its next pass. See: rollout status p\n"
    )
    assert done.code == 0
    assert done.err.startswith("note: ")
    assert "the server does not answer" in done.err


def test_who_names_the_digest_is_not_shown_the_evidence_again(rollout_process, app, waiting):
    done = signing(rollout_process, app, "--digest", waiting[:12], PREFECT_API_URL=NOWHERE)
    assert "gate of stage" not in done.out
    assert last_event().digest == waiting


@pytest.mark.usefixtures("waiting")
def test_a_code_of_somebody_who_never_enrolled_signs_nothing(rollout_process):
    done = signing(rollout_process, None)
    assert done.code == 1
    assert done.err.startswith(f"error: the code for '{LEA}' was refused: no authenticator")
    assert last_event().kind == "sign_off_refused"


@pytest.mark.usefixtures("waiting")
def test_a_gate_that_does_not_wait_is_refused_before_a_code_is_asked(rollout):
    done = rollout("sign", "p", "launch", "--role", "legal", "--as", LEA)
    assert (done.code, done.out) == (2, "")
    assert done.err == "error: found no gate 'launch' that waits; waiting: prepare\n"


@pytest.mark.usefixtures("waiting")
def test_an_unknown_program_is_refused_with_the_known_ones(rollout):
    done = rollout("sign", "q", "prepare", "--role", "legal", "--as", LEA)
    assert done.code == 1
    assert "no program named 'q' was launched; launched programs: p" in done.err


@pytest.mark.usefixtures("waiting")
def test_status_for_a_person_is_a_line_each_and_a_link_to_the_same_in_jira(rollout):
    done = rollout("status", "--for", LEA)
    assert done.code == 0
    assert done.out == (
        "p\tprepare\tlegal\tMon 3 Nov 2025 09:01 UTC\thttps://jira.test/browse/POL-3\n"
    )
    assert "".join(done.err.split()) == (
        "ThesameinJira:https://jira.test/issues/?jql=labels%20%3D%20%22rollout/waits-for/"
        "lea%40example.com%22%20AND%20statusCategory%20%21%3D%20Done"
    )


@pytest.mark.usefixtures("waiting")
def test_status_for_a_person_is_a_list_for_a_machine(rollout):
    done = rollout("status", "--for", LEA, "--json")
    assert json.loads(done.out) == [
        {
            "program": "p",
            "title": "Skins and stakes",
            "stage": "prepare",
            "role": "legal",
            "since": "Mon 3 Nov 2025 09:01 UTC",
            "where": "https://jira.test/browse/POL-3",
        }
    ]
    assert done.err == ""


@pytest.mark.usefixtures("waiting")
def test_status_for_somebody_else_is_empty(rollout):
    done = rollout("status", "--for", person("pia"))
    assert (done.code, done.out) == (0, "")


@pytest.mark.usefixtures("waiting")
def test_status_of_one_program_for_a_person_reads_that_program_only(rollout):
    done = rollout("status", "q", "--for", LEA)
    assert done.code == 1
    assert "no program named 'q' was launched" in done.err
