"""An answer by one-time code: proven and journaled, or refused and journaled; never the code."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from authenticator_apps import STEP, App, enrolled
from cryptography.fernet import Fernet

from policy_rollout import events as ev
from policy_rollout.authenticators import Authenticators
from policy_rollout.errors import AnswerRefused, CodeRefused, SettingsWrong
from policy_rollout.history import note, records_of, state_of
from policy_rollout.journal.store import Journal
from policy_rollout.settings import Settings
from policy_rollout.signing import GivenAnswer, take_answer
from tests.programs_under_way import UnderWay, asked, person

LEA = person("lea")


@pytest.fixture
def settings(address: str, monkeypatch: pytest.MonkeyPatch, tmp_path) -> Settings:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROLLOUT_JOURNAL_URL", address)
    monkeypatch.setenv("ROLLOUT_CODES_KEY", Fernet.generate_key().decode())
    return Settings.load()


@pytest.fixture
def program(journal: Journal) -> UnderWay:
    """A program whose gate asks, in the journal of the test."""
    waiting = asked()
    events = [each.event for each in waiting.journal]
    note(journal, "p", events, actor="test", at=waiting.model.now)
    return waiting


@pytest.fixture
def app(settings: Settings, program: UnderWay) -> Iterator[App]:
    """Lea's authenticator."""
    with Authenticators(settings.journal_address, settings.codes_key) as authenticators:
        yield enrolled(authenticators, LEA, at=program.model.now - timedelta(hours=1))


def given(program: UnderWay, code: str, **other: str) -> GivenAnswer:
    values = {
        "stage": "prepare",
        "role": "legal",
        "person": LEA,
        "action": "approve",
        "reason": "",
        "shown": (program.gate.digest or "")[:16],
    }
    return GivenAnswer(code=code, **(values | other))


def last(journal: Journal) -> ev.Event:
    return records_of(journal, "p")[-1].event


def test_a_proven_answer_is_journaled_with_the_digest_that_was_shown(
    journal, settings, program, app
):
    now = program.model.now
    answer = given(program, app.code(now), reason="Condition for launch: Tell them")
    take_answer(journal, settings, program.spec, answer, now=now)
    noted = last(journal)
    assert isinstance(noted, ev.CodeGiven)
    assert (noted.person, noted.action, noted.text, noted.digest) == (
        LEA,
        "approve",
        "Condition for launch: Tell them",
        program.gate.digest,
    )


def test_a_code_is_never_journaled(journal, settings, program, app):
    now = program.model.now
    code = app.code(now)
    take_answer(journal, settings, program.spec, given(program, code), now=now)
    assert all(code not in str(ev.body_of(each.event)) for each in records_of(journal, "p")[-1:])


def test_a_digest_that_was_never_asked_for_is_kept_as_it_was_given(journal, settings, program, app):
    now = program.model.now
    take_answer(
        journal, settings, program.spec, given(program, app.code(now), shown="0dd"), now=now
    )
    assert last(journal).digest == "0dd"


def test_a_wrong_code_is_refused_and_journaled_as_a_claim(journal, settings, program, app):
    now = program.model.now
    with pytest.raises(CodeRefused) as refused:
        take_answer(journal, settings, program.spec, given(program, app.wrong_code(now)), now=now)
    noted = last(journal)
    assert isinstance(noted, ev.SignOffRefused)
    assert (noted.name, noted.account, noted.via, noted.action, noted.why) == (
        "somebody who claims to be lea@example.com",
        "",
        ev.Via.CODE,
        "approve",
        str(refused.value),
    )


def test_a_code_counts_once(journal, settings, program, app):
    now = program.model.now
    answer = given(program, app.code(now))
    take_answer(journal, settings, program.spec, answer, now=now)
    with pytest.raises(CodeRefused, match="used"):
        take_answer(journal, settings, program.spec, answer, now=now + STEP / 10)
    kinds = [each.event.kind for each in records_of(journal, "p")]
    assert kinds[-2:] == ["code_given", "sign_off_refused"]


def test_the_code_of_one_person_proves_no_other(journal, settings, program, app):
    now = program.model.now
    with pytest.raises(CodeRefused):
        take_answer(
            journal,
            settings,
            program.spec,
            given(program, app.code(now), person=person("both")),
            now=now,
        )
    assert last(journal).kind == "sign_off_refused"


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"stage": "launch"}, "found no gate 'launch' that waits; waiting: prepare"),
        ({"role": "ops"}, "found no role 'ops' that waits; waiting: legal"),
        (
            {"action": "aprove"},
            (
                "found no answer 'aprove' that waits; waiting: approve, ask for changes, "
                "reject for good, waive a criterion"
            ),
        ),
    ],
)
def test_an_answer_to_what_does_not_ask_uses_no_code(  # noqa: PLR0913, PLR0917 - fixtures
    journal, settings, program, app, other, said
):
    now = program.model.now
    with pytest.raises(AnswerRefused) as refused:
        take_answer(
            journal, settings, program.spec, given(program, app.code(now), **other), now=now
        )
    assert str(refused.value) == said
    take_answer(journal, settings, program.spec, given(program, app.code(now)), now=now)
    assert last(journal).kind == "code_given"


@pytest.mark.usefixtures("settings")
def test_without_the_key_nothing_can_be_proven(journal, program, monkeypatch):
    monkeypatch.delenv("ROLLOUT_CODES_KEY")
    with pytest.raises(SettingsWrong, match="ROLLOUT_CODES_KEY is not set"):
        take_answer(
            journal,
            Settings.load(),
            program.spec,
            given(program, "123456"),
            now=program.model.now,
        )


def test_a_refused_code_says_nothing_on_a_gate_that_is_judged_later(
    journal, settings, program, app
):
    now = program.model.now
    with pytest.raises(CodeRefused):
        take_answer(journal, settings, program.spec, given(program, app.wrong_code(now)), now=now)
    assert state_of(journal, "p").unjudged_codes == ()
