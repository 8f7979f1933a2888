"""One-time codes: who they prove, when they are refused, and what nobody gets to see."""

import logging
import pickle
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest
from authenticator_apps import STEP, App, enrolled
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy import text

from policy_rollout.authenticators import Authenticators, Confirmed
from policy_rollout.errors import (
    AlreadyEnrolled,
    CodeRefused,
    CodesKeyWrong,
    JournalUnavailable,
    PersonMalformed,
    Refusal,
    SettingsWrong,
)
from policy_rollout.journal.entries import Event
from policy_rollout.journal.store import Journal
from policy_rollout.person import Enrolled, Proof

KIM = "p.kim@example.com"
MEI = "mei@example.com"
ENROLLED_AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NOW = datetime(2026, 3, 2, 9, 30, 10, tzinfo=UTC)
LOCKED_FOR = timedelta(minutes=15)
KEY = Fernet.generate_key().decode()


@pytest.fixture
def authenticators(address: str) -> Iterator[Authenticators]:
    with Authenticators(address, SecretStr(KEY)) as opened:
        yield opened


@pytest.fixture
def app(authenticators: Authenticators) -> App:
    return enrolled(authenticators, KIM, at=ENROLLED_AT)


def refusal(authenticators: Authenticators, person: str, code: str, *, now: datetime = NOW):
    with pytest.raises(CodeRefused) as caught:
        authenticators.verify(person, code, now=now)
    return caught.value


def give_wrong_codes(authenticators: Authenticators, app: App, count: int) -> list[Refusal]:
    wrong = app.wrong_code(NOW)
    return [refusal(authenticators, KIM, wrong).why for _ in range(count)]


# Enrolling


def test_the_uri_names_the_person_and_the_issuer_and_holds_160_bits(authenticators):
    codes = pyotp.parse_uri(authenticators.enroll(KIM).get_secret_value())
    assert (codes.name, codes.issuer, codes.interval, codes.digits) == (
        KIM,
        "policy-rollout",
        30,
        6,
    )
    assert len(codes.byte_secret()) * 8 == 160


def test_each_enrolment_has_a_secret_of_its_own(authenticators):
    secrets = {App(authenticators.enroll(person)).secret for person in (KIM, MEI, KIM)}
    assert len(secrets) == 3


def test_an_authenticator_does_not_count_before_it_is_confirmed(authenticators):
    app = App(authenticators.enroll(KIM))
    assert refusal(authenticators, KIM, app.code(NOW)).why is Refusal.NOT_ENROLLED


def test_a_wrong_code_confirms_nothing(authenticators):
    app = App(authenticators.enroll(KIM))
    with pytest.raises(CodeRefused, match="it is wrong or too old"):
        authenticators.confirm(KIM, app.wrong_code(NOW), now=NOW)
    assert refusal(authenticators, KIM, app.code(NOW)).why is Refusal.NOT_ENROLLED


def test_nothing_is_confirmed_that_nobody_began_to_enroll(authenticators):
    with pytest.raises(CodeRefused, match="no authenticator of that person is enrolled"):
        authenticators.confirm(KIM, "123456", now=NOW)


def test_confirming_a_first_authenticator_replaces_none(authenticators):
    app = App(authenticators.enroll(KIM))
    assert authenticators.confirm(KIM, app.code(NOW), now=NOW) == Confirmed(KIM, replaced=False)


def test_the_code_that_confirmed_is_used_up(authenticators):
    app = App(authenticators.enroll(KIM))
    authenticators.confirm(KIM, app.code(NOW), now=NOW)
    assert refusal(authenticators, KIM, app.code(NOW)).why is Refusal.USED


def test_a_second_authenticator_is_refused_unless_it_shall_replace(authenticators, app):
    with pytest.raises(AlreadyEnrolled) as caught:
        authenticators.enroll(KIM)
    assert str(caught.value) == (
        "p.kim@example.com has an authenticator, and nothing was changed. For a new phone, or "
        "when its key may be known to others: rollout people enroll p.kim@example.com --replace"
    )
    assert authenticators.verify(KIM, app.code(NOW), now=NOW).person == KIM


def test_an_authenticator_counts_until_the_one_that_replaces_it_is_confirmed(authenticators, app):
    authenticators.enroll(KIM, replace=True)
    assert authenticators.verify(KIM, app.code(NOW), now=NOW).person == KIM


def test_an_authenticator_that_was_replaced_does_not_count(authenticators, app):
    new = App(authenticators.enroll(KIM, replace=True))
    confirmed = authenticators.confirm(KIM, new.code(NOW), now=NOW)
    assert confirmed == Confirmed(KIM, replaced=True)
    later = NOW + STEP
    assert refusal(authenticators, KIM, app.code(later), now=later).why is Refusal.WRONG
    assert authenticators.verify(KIM, new.code(later), now=later).person == KIM


def test_replacing_an_authenticator_gives_no_mark_a_second_time(authenticators, app):
    first = authenticators.verify(KIM, app.code(NOW), now=NOW)
    new = App(authenticators.enroll(KIM, replace=True))
    authenticators.confirm(KIM, new.code(NOW - STEP), now=NOW)
    assert refusal(authenticators, KIM, new.code(NOW)).why is Refusal.USED
    second = authenticators.verify(KIM, new.code(NOW + STEP), now=NOW + STEP)
    assert second.mark != first.mark


def test_a_new_authenticator_ends_a_lock(authenticators, app):
    give_wrong_codes(authenticators, app, 5)
    new = App(authenticators.enroll(KIM, replace=True))
    authenticators.confirm(KIM, new.code(NOW), now=NOW)
    later = NOW + STEP
    assert authenticators.verify(KIM, new.code(later), now=later).person == KIM


@pytest.mark.parametrize("person", ["Kim", "", "p.kim@ex\u0430mple.com", "p.kim@example.com\x00"])
def test_nobody_is_enrolled_whom_no_spec_could_name(authenticators, person):
    with pytest.raises(PersonMalformed) as caught:
        authenticators.enroll(person)
    assert str(caught.value) == (
        f"{person!a} is nobody's name here: expected one mail address in ASCII, spelled as "
        "the specs spell it, such as p.kim@example.com"
    )


# Proving


def test_a_code_proves_its_person_and_the_mark_names_both_and_the_step(authenticators, app):
    step = int(NOW.timestamp()) // 30
    assert authenticators.verify(KIM, app.code(NOW), now=NOW) == Proof(KIM, f"code:{KIM}:{step}")


def test_the_code_before_the_current_one_still_counts(authenticators, app):
    before = NOW - STEP
    step = int(before.timestamp()) // 30
    assert authenticators.verify(KIM, app.code(before), now=NOW).mark == f"code:{KIM}:{step}"


@pytest.mark.parametrize("steps", [-2, 1])
def test_a_code_outside_its_window_is_wrong(authenticators, app, steps):
    assert refusal(authenticators, KIM, app.code(NOW + steps * STEP)).why is Refusal.WRONG


def test_a_code_may_be_typed_in_two_groups(authenticators, app):
    code = app.code(NOW)
    assert authenticators.verify(KIM, f" {code[:3]} {code[3:]} ", now=NOW).person == KIM


def test_a_code_works_once(authenticators, app):
    authenticators.verify(KIM, app.code(NOW), now=NOW)
    refused = refusal(authenticators, KIM, app.code(NOW))
    assert refused.why is Refusal.USED
    assert str(refused) == (
        "the code for 'p.kim@example.com' was refused: it, or a later one, was used before. "
        "Each code works once: wait for the next"
    )


def test_a_code_is_void_once_a_later_one_was_used(authenticators, app):
    authenticators.verify(KIM, app.code(NOW), now=NOW)
    assert refusal(authenticators, KIM, app.code(NOW - STEP)).why is Refusal.USED


def test_a_code_that_was_used_counts_as_no_wrong_one(authenticators, app):
    authenticators.verify(KIM, app.code(NOW), now=NOW)
    whys = {refusal(authenticators, KIM, app.code(NOW)).why for _ in range(6)}
    assert whys == {Refusal.USED}


@pytest.mark.usefixtures("app")
def test_the_code_of_another_person_is_wrong(authenticators):
    other = enrolled(authenticators, MEI, at=ENROLLED_AT)
    assert refusal(authenticators, KIM, other.code(NOW)).why is Refusal.WRONG
    assert authenticators.verify(MEI, other.code(NOW), now=NOW).person == MEI


@pytest.mark.parametrize(
    "garble",
    [
        lambda _code: "",
        lambda code: code[:5],
        lambda code: "".join(chr(ord(digit) - ord("0") + ord("\uff10")) for digit in code),
        lambda code: "".join(chr(ord(digit) - ord("0") + ord("\u0660")) for digit in code),
        lambda code: code + "\ud800",
        lambda code: code * 100_000,
    ],
    ids=["nothing", "five digits", "full width", "Arabic-Indic", "half a character", "too long"],
)
def test_what_only_looks_like_the_code_is_wrong(authenticators, app, garble):
    refused = refusal(authenticators, KIM, garble(app.code(NOW)))
    assert refused.why is Refusal.WRONG
    assert str(refused) == (
        "the code for 'p.kim@example.com' was refused: it is wrong or too old. Wait for the next "
        "code and type all six digits; if that is refused as well, let the phone set its clock by "
        "itself. 5 wrong codes in a row lock the person for 15 minutes"
    )


@pytest.mark.parametrize(
    "person",
    [
        "P.Kim@example.com",
        "p.kim@Example.com",
        "p.kim@example.com ",
        "p.k\u0456m@example.com",
        "p.kim\uff20example.com",
        "p.kim@example.com\x00",
        "p.\u200bkim@example.com",
        "p_kim@example.com",
        "%",
        "",
    ],
    ids=ascii,
)
def test_a_person_is_compared_letter_by_letter(authenticators, app, person):
    refused = refusal(authenticators, person, app.code(NOW))
    assert refused.why is Refusal.NOT_ENROLLED
    assert str(refused) == (
        f"the code for {person!a} was refused: no authenticator of that person is enrolled, "
        "spelled letter by letter like this. Enroll one with: rollout people enroll PERSON"
    )


def test_the_name_in_a_message_is_cut(authenticators):
    refused = refusal(authenticators, "x" * 100_000, "123456")
    assert len(str(refused)) < 300


def test_a_time_without_a_zone_is_a_mistake_of_the_caller(authenticators, app):
    with pytest.raises(ValueError, match="aware time"):
        authenticators.verify(KIM, app.code(NOW), now=NOW.replace(tzinfo=None))


# Locking


def test_the_fifth_wrong_code_in_a_row_locks_the_person(authenticators, app):
    assert give_wrong_codes(authenticators, app, 6) == [
        *[Refusal.WRONG] * 4,
        *[Refusal.LOCKED] * 2,
    ]


def test_a_lock_says_until_when_it_lasts(authenticators, app):
    give_wrong_codes(authenticators, app, 4)
    refused = refusal(authenticators, KIM, app.wrong_code(NOW))
    assert refused.locked_until == NOW + LOCKED_FOR
    assert str(refused) == (
        "the code for 'p.kim@example.com' was refused: 5 wrong codes in a row locked the person "
        "for 15 minutes, until 2026-03-02 09:45:10 UTC. Until then every code is refused, right "
        "ones as well; a sign-off in Jira still counts"
    )


def test_a_right_code_is_refused_while_the_person_is_locked(authenticators, app):
    give_wrong_codes(authenticators, app, 5)
    just_before = NOW + LOCKED_FOR - timedelta(microseconds=1)
    refused = refusal(authenticators, KIM, app.code(just_before), now=just_before)
    assert refused.why is Refusal.LOCKED


def test_a_right_code_counts_when_the_lock_is_over(authenticators, app):
    give_wrong_codes(authenticators, app, 5)
    after = NOW + LOCKED_FOR
    assert authenticators.verify(KIM, app.code(after), now=after).person == KIM


def test_codes_given_while_locked_do_not_lengthen_the_lock(authenticators, app):
    give_wrong_codes(authenticators, app, 5)
    during = NOW + LOCKED_FOR - STEP
    refused = refusal(authenticators, KIM, app.wrong_code(during), now=during)
    assert refused.locked_until == NOW + LOCKED_FOR


def test_behind_a_lock_wrong_codes_are_counted_anew(authenticators, app):
    give_wrong_codes(authenticators, app, 5)
    after = NOW + LOCKED_FOR
    whys = [refusal(authenticators, KIM, app.wrong_code(after), now=after).why for _ in range(5)]
    assert whys == [*[Refusal.WRONG] * 4, Refusal.LOCKED]


def test_a_right_code_ends_the_row_of_wrong_ones(authenticators, app):
    give_wrong_codes(authenticators, app, 4)
    authenticators.verify(KIM, app.code(NOW), now=NOW)
    assert give_wrong_codes(authenticators, app, 1) == [Refusal.WRONG]


def test_a_lock_is_of_one_person(authenticators, app):
    other = enrolled(authenticators, MEI, at=ENROLLED_AT)
    give_wrong_codes(authenticators, app, 5)
    assert authenticators.verify(MEI, other.code(NOW), now=NOW).person == MEI


def test_a_lock_stands_for_whoever_opens_the_database_next(authenticators, app, address):
    give_wrong_codes(authenticators, app, 5)
    with Authenticators(address, SecretStr(KEY)) as again:
        assert refusal(again, KIM, app.code(NOW)).why is Refusal.LOCKED


# Keys and secrets


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("", "ROLLOUT_CODES_KEY is not set"),
        (
            "hunter2",
            "ROLLOUT_CODES_KEY is no key (found 7 characters, expected 44 as they were printed)",
        ),
    ],
)
def test_without_a_key_the_message_says_how_to_make_one(sqlite_address, key, found):
    with (
        Authenticators(sqlite_address, SecretStr(key)) as authenticators,
        pytest.raises(SettingsWrong) as caught,
    ):
        authenticators.verify(KIM, "123456", now=NOW)
    assert str(caught.value) == (
        f"{found}; it encrypts the secrets of people's authenticators. Make one with: rollout "
        "people key, and set it in the environment or in .env, the same on every machine"
    )


def test_another_key_opens_nothing_and_says_what_to_do(app, address):
    other_key = SecretStr(Fernet.generate_key().decode())
    with Authenticators(address, other_key) as other, pytest.raises(CodesKeyWrong) as caught:
        other.verify(KIM, app.code(NOW), now=NOW)
    assert str(caught.value) == (
        "the stored key of p.kim@example.com's authenticator does not open under "
        "ROLLOUT_CODES_KEY: another key encrypted it, or it was changed in the database. Put back "
        "the key that was set before, or enroll anew: rollout people enroll p.kim@example.com "
        "--replace"
    )


@pytest.mark.usefixtures("app")
def test_after_a_lost_key_people_enroll_anew_under_another(address):
    with Authenticators(address, SecretStr(Fernet.generate_key().decode())) as other:
        new = App(other.enroll(KIM, replace=True))
        other.confirm(KIM, new.code(NOW), now=NOW)
        assert other.verify(KIM, new.code(NOW + STEP), now=NOW + STEP).person == KIM


def execute(authenticators: Authenticators, statement: str) -> list[tuple]:
    with authenticators._tables.transaction(writes=True) as connection:
        found = connection.execute(text(statement))
        return [tuple(row) for row in found] if found.returns_rows else []


def test_a_secret_copied_into_the_row_of_another_person_opens_nothing(authenticators, app):
    enrolled(authenticators, MEI, at=ENROLLED_AT)
    execute(
        authenticators,
        "UPDATE rollout_authenticators SET secret = (SELECT secret FROM rollout_authenticators "
        "WHERE person = 'p.kim@example.com') WHERE person = 'mei@example.com'",
    )
    with pytest.raises(CodesKeyWrong):
        authenticators.verify(MEI, app.code(NOW), now=NOW)


def test_a_person_renamed_in_the_database_proves_nobody(authenticators, app):
    execute(authenticators, "UPDATE rollout_authenticators SET person = 'mei@example.com'")
    with pytest.raises(CodesKeyWrong):
        authenticators.verify(MEI, app.code(NOW), now=NOW)


def test_no_secret_stands_in_the_database(authenticators, app):
    pending = App(authenticators.enroll(MEI))
    stored = str(execute(authenticators, "SELECT * FROM rollout_authenticators"))
    assert KIM in stored
    assert MEI in stored
    assert app.secret not in stored
    assert pending.secret not in stored


def test_no_secret_and_no_code_is_logged(address, caplog):
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="sqlalchemy.engine")  # which an engine reads once
    with Authenticators(address, SecretStr(KEY)) as authenticators:
        app = enrolled(authenticators, KIM, at=ENROLLED_AT)
        code, wrong = app.code(NOW), app.wrong_code(NOW)
        authenticators.verify(KIM, code, now=NOW)
        refusal(authenticators, KIM, wrong)
    assert "rollout_authenticators" in caplog.text  # the statements themselves are
    assert not [each for each in (app.secret, code, wrong, KEY) if each in caplog.text]


def test_nothing_that_is_printed_holds_a_secret(authenticators):
    uri = authenticators.enroll(KIM)
    secret = App(uri).secret
    printed = f"{uri!r} {uri} {authenticators!r} {vars(authenticators)}"
    assert secret not in printed
    assert KEY not in printed


def test_a_refusal_crosses_processes_and_carries_no_code_and_no_secret(authenticators, app):
    wrong = app.wrong_code(NOW)
    refused = refusal(authenticators, KIM, wrong)
    pickled = pickle.dumps(refused)
    again = pickle.loads(pickled)  # noqa: S301  our own
    assert (type(again), str(again), again.why) == (CodeRefused, str(refused), Refusal.WRONG)
    held = f"{pickled!r} {refused!r} {vars(refused)}"
    assert not [each for each in (wrong, app.code(NOW), app.secret) if each in held]


# Reading


def test_everybody_lists_who_is_enrolled_and_who_is_locked(authenticators, app):
    enrolled(authenticators, MEI, at=NOW)
    authenticators.enroll("not.confirmed@example.com")
    give_wrong_codes(authenticators, app, 5)
    assert authenticators.everybody() == (
        Enrolled(MEI, NOW, None),
        Enrolled(KIM, ENROLLED_AT, NOW + LOCKED_FOR),
    )


@pytest.mark.usefixtures("app")
def test_listing_needs_no_key(address):
    with Authenticators(address, SecretStr("")) as without_key:
        assert [each.person for each in without_key.everybody()] == [KIM]


def test_looking_makes_no_file(tmp_path: Path):
    path = tmp_path / "journal.sqlite3"
    with Authenticators(f"sqlite:///{path}", SecretStr(KEY)) as authenticators:
        assert authenticators.everybody() == ()
        assert refusal(authenticators, KIM, "123456").why is Refusal.NOT_ENROLLED
    assert not path.exists()


def test_authenticators_stand_beside_a_journal_that_was_there_before(address):
    with Journal(address) as journal:
        journal.append("p", [Event("noted", {}, KIM)], after=0, at=NOW)
    with Authenticators(address, SecretStr(KEY)) as authenticators:
        assert refusal(authenticators, KIM, "123456").why is Refusal.NOT_ENROLLED
        app = enrolled(authenticators, KIM, at=ENROLLED_AT)
        assert authenticators.verify(KIM, app.code(NOW), now=NOW).person == KIM
    with Journal(address) as journal:
        assert journal.heads() == {"p": 1}


def test_a_database_that_cannot_be_used_is_an_error_of_ours(tmp_path: Path):
    path = tmp_path / "journal.sqlite3"
    path.write_text("no database " * 100)
    with (
        Authenticators(f"sqlite:///{path}", SecretStr(KEY)) as authenticators,
        pytest.raises(JournalUnavailable, match="the file is no SQLite database"),
    ):
        authenticators.enroll(KIM)
