"""People's authenticator apps: enroll one, and prove a person by a one-time code. I/O.

The codes are TOTP as in RFC 6238: six digits, a new one every 30 s. One row a person stands in
the journal's database, its secret encrypted under ROLLOUT_CODES_KEY together with the person it
belongs to, so that no row opens under another name.
"""

import hmac
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

import pyotp
from cryptography.fernet import Fernet, InvalidToken
from pydantic import SecretStr
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    Text,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from policy_rollout.errors import (
    LOCKED_MINUTES,
    WRONG_CODES_IN_A_ROW,
    AlreadyEnrolled,
    CodeRefused,
    CodesKeyWrong,
    Refusal,
    SettingsWrong,
)
from policy_rollout.journal.chain import time_text
from policy_rollout.journal.tables import Tables
from policy_rollout.person import Enrolled, Proof, checked_person, is_person

ISSUER = "policy-rollout"
STEP_SECONDS = 30
STEPS_SHOWN = 2
"""The code of now, and the one before it for those who type slowly."""
LOCKED_FOR = timedelta(minutes=LOCKED_MINUTES)

_METADATA = MetaData()
_AUTHENTICATORS = Table(
    "rollout_authenticators",
    _METADATA,
    Column("person", String(254), primary_key=True),
    Column("secret", Text),  # encrypted; null until a first one was confirmed
    Column("pending", Text),  # encrypted; shown to the person and not yet confirmed
    Column("enrolled_at", String(32)),
    Column("last_step", BigInteger, nullable=False),
    Column("wrong_codes", Integer, nullable=False),
    Column("locked_until", String(32)),
)
_NEVER = -1
_OF = _AUTHENTICATORS.c


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A new authenticator counts from now on; `replaced` tells that another one did before."""

    person: str
    replaced: bool


class Authenticators:
    """The authenticators in the journal's database at `address` (password included).

    Opening neither writes nor looks at the key. Safe to share between threads and processes.

    Raises:
        SettingsWrong: the address is none of a SQLite file or a PostgreSQL database.
    """

    def __init__(self, address: str, key: SecretStr) -> None:
        self._tables = Tables(address, _METADATA)
        self._key = key

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._tables.close()

    def enroll(self, person: str, *, replace: bool = False) -> SecretStr:
        """A new secret as the provisioning URI of a QR code; it counts once it is confirmed.

        Until then an authenticator that is to be replaced goes on to count.

        Raises:
            AlreadyEnrolled: the person has one, and `replace` is not given.
            PersonMalformed: no spec could name somebody like this.
            SettingsWrong: ROLLOUT_CODES_KEY is missing or no key.
            JournalUnavailable: the database cannot be written.
        """
        cipher, secret = self._cipher(), pyotp.random_base32()
        pending = _sealed(cipher, checked_person(person), secret)
        self._tables.make()
        try:
            self._store_pending(person, pending, replace=replace)
        except IntegrityError:  # somebody else began to enroll the same person first
            self._store_pending(person, pending, replace=replace)
        uri = pyotp.TOTP(secret, name=person, issuer=ISSUER).provisioning_uri()
        return SecretStr(uri)

    def _store_pending(self, person: str, pending: str, *, replace: bool) -> None:
        with self._tables.transaction(writes=True) as connection:
            row = _row_of(connection, person)
            if row is None:
                new = {"person": person, "last_step": _NEVER, "wrong_codes": 0}
                connection.execute(insert(_AUTHENTICATORS).values(pending=pending, **new))
            elif row.secret is not None and not replace:
                raise AlreadyEnrolled(person)
            else:
                _change(connection, person, pending=pending)

    def confirm(self, person: str, code: str, *, now: datetime) -> Confirmed:
        """Let the enrolled authenticator count, by a code that it shows; that code is used up.

        Raises:
            CodeRefused: the code is wrong, or there is nothing to confirm.
            CodesKeyWrong: another key encrypted the secret.
            SettingsWrong: ROLLOUT_CODES_KEY is missing or no key.
            JournalUnavailable: the database cannot be written.
        """
        cipher = self._cipher()
        self._refuse_strangers(person)
        with self._tables.transaction(writes=True) as connection:
            row = _row_of(connection, person)
            if row is None or row.pending is None:
                raise CodeRefused(person, Refusal.NOT_ENROLLED)
            step = _step_of(_opened(cipher, person, row.pending), code, now)
            if step is None:
                raise CodeRefused(person, Refusal.WRONG)
            _change(
                connection,
                person,
                secret=row.pending,
                pending=None,
                enrolled_at=time_text(now),
                # Never back, or a mark could be given twice.
                last_step=max(step, row.last_step),
                wrong_codes=0,
                locked_until=None,
            )
            return Confirmed(person, replaced=row.secret is not None)

    def verify(self, person: str, code: str, *, now: datetime) -> Proof:
        """Prove the person by the code their authenticator shows; the code is used up.

        Raises:
            CodeRefused: the code is wrong or used, the person is locked or not enrolled.
            CodesKeyWrong: another key encrypted the secret; nothing was counted.
            SettingsWrong: ROLLOUT_CODES_KEY is missing or no key.
            JournalUnavailable: the database cannot be written.
        """
        cipher = self._cipher()
        self._refuse_strangers(person)
        with self._tables.transaction(writes=True) as connection:
            verdict = _judged(connection, cipher, person, code, now)
        # Not raised inside: leaving the transaction by an error would forget the wrong code.
        if isinstance(verdict, CodeRefused):
            raise verdict
        return verdict

    def everybody(self) -> tuple[Enrolled, ...]:
        """Who has an authenticator that counts, by name. Needs no key.

        Raises:
            JournalUnavailable: the database cannot be read.
        """
        if not self._tables.is_made():
            return ()
        wanted = (
            select(_OF.person, _OF.enrolled_at, _OF.locked_until)
            .where(_OF.secret.is_not(None))
            .order_by(_OF.person)
        )
        with self._tables.transaction() as connection:
            rows = connection.execute(wanted).all()
        return tuple(
            Enrolled(row.person, datetime.fromisoformat(row.enrolled_at), _time(row.locked_until))
            for row in rows
        )

    def _refuse_strangers(self, person: str) -> None:
        """Nobody is enrolled under such a name; a database need not be asked, or may balk."""
        if not is_person(person) or not self._tables.is_made():
            raise CodeRefused(person, Refusal.NOT_ENROLLED)

    def _cipher(self) -> Fernet:
        key = self._key.get_secret_value()
        if not key:
            raise SettingsWrong(f"ROLLOUT_CODES_KEY is not set{_HOW_TO_SET}")
        try:
            return Fernet(key)
        except ValueError:
            raise SettingsWrong(
                f"ROLLOUT_CODES_KEY is no key (found {len(key)} characters, expected 44 as they "
                f"were printed){_HOW_TO_SET}"
            ) from None


_HOW_TO_SET = (
    "; it encrypts the secrets of people's authenticators. Make one with: rollout people key, "
    "and set it in the environment or in .env, the same on every machine"
)


def _judged(
    connection: Connection, cipher: Fernet, person: str, code: str, now: datetime
) -> Proof | CodeRefused:
    row = _row_of(connection, person)
    if row is None or row.secret is None:
        return CodeRefused(person, Refusal.NOT_ENROLLED)
    locked_until = _time(row.locked_until)
    if locked_until is not None and now < locked_until:
        return CodeRefused(person, Refusal.LOCKED, locked_until=locked_until)
    step = _step_of(_opened(cipher, person, row.secret), code, now)
    if step is None:
        return _wrong(connection, person, row.wrong_codes + 1, now)
    if not _take(connection, person, step):
        return CodeRefused(person, Refusal.USED)
    return Proof(person, f"code:{person}:{step}")


def _wrong(connection: Connection, person: str, wrong_codes: int, now: datetime) -> CodeRefused:
    """Count it; the last one locks, and the count begins anew behind the lock."""
    if wrong_codes < WRONG_CODES_IN_A_ROW:
        _change(connection, person, wrong_codes=wrong_codes)
        return CodeRefused(person, Refusal.WRONG)
    locked_until = now + LOCKED_FOR
    _change(connection, person, wrong_codes=0, locked_until=time_text(locked_until))
    return CodeRefused(person, Refusal.LOCKED, locked_until=locked_until)


def _take(connection: Connection, person: str, step: int) -> bool:
    """Whether the step was still free: one statement both asks and takes it."""
    taken = connection.execute(
        update(_AUTHENTICATORS)
        .where(_OF.person == person, _OF.last_step < step)
        .values(last_step=step, wrong_codes=0, locked_until=None)
    )
    return taken.rowcount == 1


def _change(connection: Connection, person: str, **values: object) -> None:
    connection.execute(update(_AUTHENTICATORS).where(_OF.person == person).values(**values))


def _row_of(connection: Connection, person: str) -> Row[Any] | None:
    """The person's row, held until the transaction ends: wrong codes are counted one by one."""
    wanted = select(_AUTHENTICATORS).where(_OF.person == person).with_for_update()
    return connection.execute(wanted).one_or_none()


def _step_of(secret: str, code: str, now: datetime) -> int | None:
    """The time step whose code this is, the newest first; None where it is none of them.

    Raises:
        ValueError: `now` has no zone.
    """
    if now.tzinfo is None:
        raise ValueError("a code is judged at an aware time")
    digits = code.replace(" ", "").encode(errors="replace")
    newest = int(now.timestamp()) // STEP_SECONDS
    codes = pyotp.TOTP(secret, interval=STEP_SECONDS)
    for step in range(newest, newest - STEPS_SHOWN, -1):
        if hmac.compare_digest(codes.generate_otp(step).encode(), digits):
            return step
    return None


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _sealed(cipher: Fernet, person: str, secret: str) -> str:
    return cipher.encrypt(json.dumps([person, secret]).encode()).decode()


def _opened(cipher: Fernet, person: str, sealed: str) -> str:
    """The secret of that person.

    Raises:
        CodesKeyWrong: another key sealed it, or it was another person's.
    """
    try:
        owner, secret = json.loads(cipher.decrypt(sealed.encode()))
    except InvalidToken:
        raise CodesKeyWrong(person) from None
    if owner != person:
        raise CodesKeyWrong(person)
    return str(secret)
