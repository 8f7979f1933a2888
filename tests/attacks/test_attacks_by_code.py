"""Attempts with one-time codes, through the same door as the Resume form and `rollout sign`."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from authenticator_apps import App, enrolled
from cryptography.fernet import Fernet
from gate_under_attack import LEGAL, POLICY, SECOND_LEGAL, STRANGER, Gate, one_short
from pydantic import SecretStr

from policy_rollout import events as ev
from policy_rollout.authenticators import Authenticators
from policy_rollout.errors import AnswerRefused, CodeRefused
from policy_rollout.history import note, records_of
from policy_rollout.journal.store import Journal
from policy_rollout.settings import Settings
from policy_rollout.signing import GivenAnswer, take_answer

DAY = timedelta(days=1)
NOT_ENROLLED = (
    "no authenticator of that person is enrolled, spelled letter by letter like this. Enroll one "
    "with: rollout people enroll PERSON"
)
WRONG = (
    "it is wrong or too old. Wait for the next code and type all six digits; if that is refused "
    "as well, let the phone set its clock by itself. 5 wrong codes in a row lock the person for "
    "15 minutes"
)
USED = "it, or a later one, was used before. Each code works once: wait for the next"


@dataclass
class Desk:
    """The gate that lacks the signature of legal, in a real journal, with enrolled people."""

    gate: Gate
    journal: Journal
    settings: Settings
    apps: dict[str, App]

    @property
    def now(self) -> datetime:
        return self.gate.now

    def answer(self, person: str, code: str, **changes: str) -> None:
        given = GivenAnswer(
            stage="prepare",
            role="legal",
            person=person,
            action="approve",
            reason="",
            code=code,
            shown=(self.gate.state.gates["prepare"].digest or "")[:16],
        )
        given = replace(given, **changes)
        take_answer(self.journal, self.settings, self.gate.spec, given, now=self.now)

    def refused(self, person: str, code: str, **changes: str) -> str:
        """Why the answer is refused; it was journaled so, and the gate has not passed."""
        with pytest.raises((CodeRefused, AnswerRefused)) as caught:
            self.answer(person, code, **changes)
        self.judge()
        assert self.gate.refusals[-1:] == [str(caught.value)]
        assert not self.gate.passed
        return str(caught.value)

    def judge(self) -> None:
        """The next pass, on what the journal holds and into it."""
        self.gate.journal = list(records_of(self.journal, "demo"))
        known = len(self.gate.journal)
        self.gate.look()
        decided = [each.event for each in self.gate.journal[known:]]
        note(self.journal, "demo", decided, actor="rollout", at=self.now)


@pytest.fixture
def desk(tmp_path) -> Iterator[Desk]:
    gate = one_short()
    settings = Settings(
        journal_url=SecretStr(f"sqlite:///{tmp_path / 'journal.sqlite3'}"),
        codes_key=SecretStr(Fernet.generate_key().decode()),
    )
    address = settings.journal_address
    with Journal(address) as journal, Authenticators(address, settings.codes_key) as people:
        events = [each.event for each in gate.journal]
        note(journal, "demo", events, actor="rollout", at=gate.now)
        apps = {
            each: enrolled(people, each, at=gate.now - DAY)
            for each in (LEGAL, SECOND_LEGAL, POLICY, STRANGER)
        }
        yield Desk(gate, journal, settings, apps)


def test_the_signers_own_code_passes_the_gate_that_these_attacks_fail_at(desk):
    desk.answer(LEGAL, desk.apps[LEGAL].code(desk.now))
    desk.judge()
    assert desk.gate.passed


def test_a_forged_name_in_the_form_without_a_code_signs_nothing(desk):
    assert desk.refused(LEGAL, "") == f"the code for '{LEGAL}' was refused: {WRONG}"


def test_a_wrong_code_signs_nothing(desk):
    wrong = desk.apps[LEGAL].wrong_code(desk.now)
    assert desk.refused(LEGAL, wrong) == f"the code for '{LEGAL}' was refused: {WRONG}"


def test_the_code_of_another_person_signs_nothing(desk):
    others = desk.apps[POLICY].code(desk.now)
    assert desk.refused(LEGAL, others) == f"the code for '{LEGAL}' was refused: {WRONG}"


def test_the_code_of_yesterday_signs_nothing(desk):
    old = desk.apps[LEGAL].code(desk.now - DAY + timedelta(hours=1))
    assert desk.refused(LEGAL, old) == f"the code for '{LEGAL}' was refused: {WRONG}"


def test_the_code_of_tomorrow_signs_nothing(desk):
    early = desk.apps[LEGAL].code(desk.now + DAY)
    assert desk.refused(LEGAL, early) == f"the code for '{LEGAL}' was refused: {WRONG}"


def test_a_code_works_once_also_for_another_answer(desk):
    code = desk.apps[SECOND_LEGAL].code(desk.now)
    desk.answer(SECOND_LEGAL, code, action="ask for changes", reason="Not yet.")
    assert desk.refused(SECOND_LEGAL, code) == f"the code for '{SECOND_LEGAL}' was refused: {USED}"


def test_a_replayed_resume_request_decides_nothing_twice(desk):
    code = desk.apps[LEGAL].code(desk.now)
    text = "Fix it. Reopen: guideline"
    desk.answer(LEGAL, code, action="ask for changes", reason=text)
    desk.refused(LEGAL, code, action="ask for changes", reason=text)
    assert len(desk.gate.of_kind(ev.Rejected)) == 1
    assert desk.gate.state.gates["prepare"].round == 2


def test_the_right_code_after_five_wrong_ones_signs_nothing(desk):
    for _ in range(5):
        desk.refused(LEGAL, desk.apps[LEGAL].wrong_code(desk.now))
    right = desk.apps[LEGAL].code(desk.now)
    assert "5 wrong codes in a row locked the person for 15 minutes" in desk.refused(LEGAL, right)
    assert len(desk.gate.of_kind(ev.SignOffRefused)) == 6


@pytest.mark.parametrize(
    "claimed",
    [
        "Lena@example.com",
        "LENA@EXAMPLE.COM",
        "l\u0435na@example.com",  # a Cyrillic letter
        "lena\u200b@example.com",
        "\uff4cena@example.com",  # becomes l under NFKC
        "lena@example.com.",
        "lena+legal@example.com",
        "'lena@example.com'",
    ],
)
def test_a_name_that_only_looks_like_a_signers_signs_nothing(desk, claimed):
    right = desk.apps[LEGAL].code(desk.now)
    why = desk.refused(claimed, right)
    assert why == f"the code for {claimed!a} was refused: {NOT_ENROLLED}"


def test_a_name_that_is_markdown_says_nothing_on_the_issue(desk):
    desk.refused("[Approved by legal](https://example.org)", "000000")
    (refused,) = desk.gate.of_kind(ev.SignOffRefused)
    assert refused.name == "somebody who claims to be '(Approved by legal)(https://example.org)'"


def test_an_enrolled_stranger_is_proven_and_signs_nothing(desk):
    desk.answer(STRANGER, desk.apps[STRANGER].code(desk.now))
    desk.judge()
    assert desk.gate.refusals == [
        f"{STRANGER} is not a member of legal; for legal may sign: {LEGAL}, {SECOND_LEGAL}"
    ]
    assert not desk.gate.passed


def test_a_code_for_a_role_of_another_gate_signs_nothing(desk):
    right = desk.apps[LEGAL].code(desk.now)
    why = desk.refused(LEGAL, right, role="comms")
    assert why == "found no role 'comms' that waits; waiting: legal, policy"


def test_a_stale_form_signs_nothing(desk):
    desk.answer(LEGAL, desk.apps[LEGAL].code(desk.now), shown="0123456789abcdef")
    desk.judge()
    assert desk.gate.refusals == ["it was not asked for yet; read what is asked now and sign then"]
    assert not desk.gate.passed


@pytest.mark.parametrize("length", [0, 1, 11])
def test_a_digest_that_could_be_typed_unread_signs_nothing(desk, length):
    digest = desk.gate.state.gates["prepare"].digest
    desk.answer(LEGAL, desk.apps[LEGAL].code(desk.now), shown=digest[:length])
    desk.judge()
    assert desk.gate.refusals == ["it was not asked for yet; read what is asked now and sign then"]
    assert not desk.gate.passed


def test_a_code_that_was_proven_while_the_gate_passed_is_told_so():
    gate = one_short()
    gate.moves(LEGAL)
    gate.look()
    assert gate.passed
    gate.gives_code(SECOND_LEGAL)
    gate.look()
    assert gate.refusals == ["the gate has passed; nothing more is asked of it"]
    assert gate.state.unjudged_codes == ()


def test_an_answer_to_a_gate_that_has_passed_is_journaled_as_refused(desk):
    desk.answer(LEGAL, desk.apps[LEGAL].code(desk.now))
    desk.judge()
    with pytest.raises(AnswerRefused) as caught:
        desk.answer(SECOND_LEGAL, desk.apps[SECOND_LEGAL].code(desk.now))
    desk.judge()
    assert str(caught.value) == "found no gate 'prepare' that waits; waiting: announce"
    assert desk.gate.refusals == [str(caught.value)]


def test_no_code_stands_in_the_journal(desk):
    wrong = desk.apps[LEGAL].wrong_code(desk.now)
    desk.refused(LEGAL, wrong)
    right = desk.apps[LEGAL].code(desk.now)
    desk.answer(LEGAL, right)
    bodies = "".join(each.body for each in desk.journal.read_stored("demo"))
    assert right not in bodies
    assert wrong not in bodies
