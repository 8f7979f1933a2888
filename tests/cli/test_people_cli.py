"""`rollout people` as somebody types it, against a journal of its own."""

import json
import os
import pty
import re
import select
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pyotp
import pytest
import segno
from authenticator_apps import STEP, App
from cryptography.fernet import Fernet
from pydantic import SecretStr
from typer.testing import CliRunner, Result

import policy_rollout
from policy_rollout import people_cli
from policy_rollout.authenticators import Authenticators
from policy_rollout.errors import AlreadyEnrolled, CodeRefused, NotAbsent, Refusal, RolloutError
from policy_rollout.history import programs
from policy_rollout.journal.store import Journal
from policy_rollout.people_events import (
    PEOPLE,
    AbsenceAnnounced,
    AuthenticatorEnrolled,
    AuthenticatorShown,
)
from policy_rollout.people_history import people_records

KIM = "p.kim@example.com"
MEI = "mei@example.com"
NOW = datetime(2026, 3, 2, 9, 30, 10, tzinfo=UTC)
BLOCKS = {" ": "11", "▀": "01", "▄": "10", "█": "00"}  # dark is 1: upper half, lower half


class Machine:
    """A machine with a journal and a key, and a person at its terminal."""

    def __init__(self, address: str, key: str) -> None:
        self.address = address
        self._key = key

    def authenticators(self) -> Authenticators:
        return Authenticators(self.address, SecretStr(self._key))

    def run(self, *arguments: str, typed: str = "") -> Result:
        return CliRunner().invoke(people_cli.app, arguments, input=typed)

    def said(self, *arguments: str, typed: str = "") -> str:
        done = self.run(*arguments, typed=typed)
        assert done.exit_code == 0, (done.output, done.exception)
        return done.stdout

    def trouble(self, *arguments: str, typed: str = "") -> RolloutError:
        done = self.run(*arguments, typed=typed)
        assert isinstance(done.exception, RolloutError), (done.output, done.exception)
        return done.exception


@pytest.fixture
def machine(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    key = Fernet.generate_key().decode()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROLLOUT_JOURNAL_URL", address)
    monkeypatch.setenv("ROLLOUT_CODES_KEY", key)
    monkeypatch.setenv("LOGNAME", "ana")
    monkeypatch.setattr(people_cli, "_now", lambda: NOW)
    monkeypatch.setattr(people_cli, "_today", NOW.date)
    return Machine(address, key)


@pytest.fixture
def known_secret(monkeypatch: pytest.MonkeyPatch) -> App:
    """The app of whoever enrolls in this test; its secret is chosen before it is shown."""
    secret = pyotp.random_base32()
    monkeypatch.setattr(pyotp, "random_base32", lambda: secret)
    return App(SecretStr(pyotp.TOTP(secret, name=KIM).provisioning_uri()))


# Keys


def test_a_new_key_is_one_and_another_each_time(machine):
    keys = {machine.said("key").strip() for _ in range(2)}
    assert len(keys) == 2
    for key in keys:
        Fernet(key)


# Enrolling


def test_who_types_the_code_of_the_app_can_sign_from_then_on(machine, known_secret):
    said = machine.said("enroll", KIM, typed=known_secret.code(NOW) + "\n")
    assert f"{KIM} can sign with the codes of this app from now on, each code once\n" in said
    with machine.authenticators() as authenticators:
        proof = authenticators.verify(KIM, known_secret.code(NOW + STEP), now=NOW + STEP)
    assert proof.person == KIM


def test_the_key_to_type_by_hand_is_said_once_with_a_warning(machine, known_secret):
    said = machine.said("enroll", KIM, typed=known_secret.code(NOW) + "\n")
    assert said.count(known_secret.secret) == 1
    assert "It is shown this once; who has it can sign for the person." in said


def test_the_picture_is_the_qr_code_of_the_provisioning_uri(machine, known_secret):
    said = machine.said("enroll", KIM, typed=known_secret.code(NOW) + "\n")
    lines = [line for line in said.splitlines() if line and set(line) <= BLOCKS.keys()]
    rows = ["".join(BLOCKS[block][half] for block in line) for line in lines for half in range(2)]
    uri = pyotp.TOTP(known_secret.secret, name=KIM, issuer="policy-rollout").provisioning_uri()
    code = segno.make(uri, error="m", micro=False)
    assert [[int(bit) for bit in row] for row in rows[: code.symbol_size()[1]]] == [
        list(row) for row in code.matrix_iter()
    ]


def test_an_enrolment_is_journaled_without_its_secret(machine, known_secret):
    machine.said("enroll", KIM, typed=known_secret.code(NOW) + "\n")
    with Journal(machine.address) as journal:
        records = people_records(journal)
        bodies = str(journal.read(PEOPLE))
    assert [(each.actor, each.at, each.event) for each in records] == [
        ("ana", NOW, AuthenticatorShown(person=KIM, by="ana")),
        ("ana", NOW, AuthenticatorEnrolled(person=KIM, replaced=False, by="ana")),
    ]
    assert known_secret.secret not in bodies


def test_a_wrong_code_may_be_typed_twice(machine, known_secret):
    wrong = known_secret.wrong_code(NOW)
    said = machine.said("enroll", KIM, typed=f"{wrong}\n{wrong}\n{known_secret.code(NOW)}\n")
    assert said.count("it is wrong or too old") == 2
    assert "can sign with the codes of this app" in said


def test_after_three_wrong_codes_the_journal_knows_only_that_a_secret_was_shown(
    machine, known_secret
):
    wrong = known_secret.wrong_code(NOW)
    refused = machine.trouble("enroll", KIM, typed=f"{wrong}\n" * 3 + known_secret.code(NOW))
    assert isinstance(refused, CodeRefused)
    assert refused.why is Refusal.WRONG
    with machine.authenticators() as authenticators, Journal(machine.address) as journal:
        assert authenticators.everybody() == ()
        (record,) = people_records(journal)
    assert record.event == AuthenticatorShown(person=KIM, by="ana")


def test_who_gives_up_has_enrolled_nothing(machine):
    assert machine.run("enroll", KIM).exit_code == 1
    with machine.authenticators() as authenticators:
        assert authenticators.everybody() == ()


def test_enrolling_again_needs_replace_and_the_journal_tells(machine, known_secret):
    machine.said("enroll", KIM, typed=known_secret.code(NOW) + "\n")
    assert isinstance(machine.trouble("enroll", KIM), AlreadyEnrolled)
    machine.said("enroll", KIM, "--replace", typed=known_secret.code(NOW) + "\n")
    with Journal(machine.address) as journal:
        events = [record.event for record in people_records(journal)]
    assert events[-1] == AuthenticatorEnrolled(person=KIM, replaced=True, by="ana")
    assert len(events) == 4


def test_enrolling_without_a_key_shows_no_secret_and_says_how_to_make_one(machine, monkeypatch):
    monkeypatch.delenv("ROLLOUT_CODES_KEY")
    done = machine.run("enroll", KIM)
    assert done.stdout == ""
    assert "Make one with: rollout people key" in str(done.exception)


# Absences


def test_an_announced_absence_is_said_with_its_weekdays_and_journaled(machine):
    said = machine.said(
        "absent", KIM, "--from", "2026-03-09", "--to", "2026-03-13", "--delegate", MEI
    )
    assert said == (
        "p.kim@example.com is absent from Mon 2026-03-09 to Fri 2026-03-13; mei@example.com "
        "stands in\n"
    )
    with Journal(machine.address) as journal:
        (record,) = people_records(journal)
        assert programs(journal) == ()
    assert record.event == AbsenceAnnounced(
        person=KIM,
        from_day=datetime(2026, 3, 9, tzinfo=UTC).date(),
        to_day=datetime(2026, 3, 13, tzinfo=UTC).date(),
        delegate=MEI,
        by="ana",
    )


def test_a_day_that_does_not_exist_is_wrong_usage(machine):
    done = machine.run("absent", KIM, "--from", "2026-02-30", "--to", "2026-03-13")
    assert done.exit_code == 2
    assert "found 2026-02-30, expected a day as YYYY-MM-DD" in " ".join(
        done.stderr.replace("│", " ").split()
    )


def test_who_is_back_is_back_today(machine):
    machine.said("absent", KIM, "--from", "2026-02-27", "--to", "2026-03-13")
    assert machine.said("back", KIM) == "p.kim@example.com is back on Mon 2026-03-02\n"
    assert machine.said("list") == ""


def test_a_coming_absence_is_taken_back_by_its_first_day(machine):
    machine.said("absent", KIM, "--from", "2026-03-09", "--to", "2026-03-13")
    assert isinstance(machine.trouble("back", KIM), NotAbsent)
    machine.said("back", KIM, "--on", "2026-03-09")
    assert machine.said("list") == ""


# Listing


@pytest.fixture
def everybody(machine, known_secret) -> Machine:
    machine.said("enroll", KIM, typed=known_secret.code(NOW) + "\n")
    machine.said("enroll", MEI, typed=known_secret.code(NOW) + "\n")
    with machine.authenticators() as authenticators:
        for _ in range(5):
            with pytest.raises(CodeRefused):
                authenticators.verify(KIM, known_secret.wrong_code(NOW), now=NOW)
    machine.said("absent", MEI, "--from", "2026-03-02", "--to", "2026-03-03", "--delegate", KIM)
    machine.said("absent", MEI, "--from", "2026-02-02", "--to", "2026-03-01")
    machine.said("absent", "zoe@example.com", "--from", "2026-04-01", "--to", "2026-04-02")
    return machine


def test_a_line_tells_who_is_enrolled_locked_and_absent(everybody):
    assert everybody.said("list").splitlines() == [
        (
            "mei@example.com\tenrolled on 2026-03-02\t"
            "2026-03-02 to 2026-03-03, p.kim@example.com stands in"
        ),
        "p.kim@example.com\tlocked until 2026-03-02 09:45 UTC\t-",
        "zoe@example.com\tnone\t2026-04-01 to 2026-04-02",
    ]


def test_json_tells_the_same(everybody):
    people = {each["person"]: each for each in json.loads(everybody.said("list", "--json"))}
    assert people[KIM] == {
        "person": KIM,
        "enrolled_at": "2026-03-02T09:30:10+00:00",
        "locked_until": "2026-03-02T09:45:10+00:00",
        "absences": [],
    }
    assert people[MEI]["locked_until"] is None
    assert people[MEI]["absences"] == [
        {
            "from": "2026-03-02",
            "to": "2026-03-03",
            "delegate": KIM,
            "announced_at": "2026-03-02T09:30:10+00:00",
            "by": "ana",
        }
    ]
    assert people["zoe@example.com"]["enrolled_at"] is None


def test_a_lock_that_is_over_is_not_listed(everybody, monkeypatch):
    monkeypatch.setattr(people_cli, "_now", lambda: datetime(2026, 3, 2, 9, 45, 10, tzinfo=UTC))
    people = {each["person"]: each for each in json.loads(everybody.said("list", "--json"))}
    assert people[KIM]["locked_until"] is None


# As a command of its own


def environment(**settings: str) -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("ROLLOUT_")}
    here = str(Path(policy_rollout.__file__).parents[1])  # also where another one is installed
    return {**inherited, "PYTHONPATH": here, **settings}


def rollout(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  our own command
        [sys.executable, "-m", "policy_rollout.cli", *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_listing_on_a_fresh_machine_says_nothing_and_leaves_no_file(tmp_path):
    done = rollout("people", "list", folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_key_is_one_line_and_wrong_usage(tmp_path):
    done = rollout("people", "enroll", KIM, folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ROLLOUT_CODES_KEY is not set; ")
    assert len(done.stderr.splitlines()) == 1


def test_an_absence_alone_is_no_program_of_the_status(tmp_path):
    rollout("people", "absent", KIM, "--from", "2026-03-09", "--to", "2026-03-13", folder=tmp_path)
    done = rollout("status", folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")


def read_until(terminal: int, wanted: str) -> str:
    """What the command writes to its terminal, up to the text that is waited for."""
    seen = b""
    while wanted.encode() not in seen:
        ready, _, _ = select.select([terminal], [], [], 60)
        assert ready, seen.decode(errors="replace")
        seen += os.read(terminal, 4096)
    return seen.decode()


def test_on_a_terminal_a_person_enrolls_with_the_app_on_their_phone(tmp_path):
    ours, theirs = pty.openpty()
    key = Fernet.generate_key().decode()
    process = subprocess.Popen(  # noqa: S603  our own command
        [sys.executable, "-m", "policy_rollout.cli", "people", "enroll", KIM],
        cwd=tmp_path,
        env=environment(ROLLOUT_CODES_KEY=key, TERM="xterm"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    try:
        os.close(theirs)
        shown = read_until(ours, "The code that the app shows now: ")
        (secret,) = re.findall(r"^([A-Z2-7]{32})\r$", shown, re.MULTILINE)
        assert "\033[97;40m" in shown  # white on black, whatever the terminal's colours are
        os.write(ours, f"{pyotp.TOTP(secret).now()}\n".encode())
        read_until(ours, f"{KIM} can sign with the codes of this app")
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)
