"""One-time codes given by several processes at the same moment."""

import multiprocessing
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing.synchronize import Barrier

import pytest
from authenticator_apps import App, enrolled
from cryptography.fernet import Fernet
from pydantic import SecretStr

from policy_rollout.authenticators import Authenticators
from policy_rollout.errors import CodeRefused

ENROLLED_AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
KEY = Fernet.generate_key().decode()
GIVERS = 2
PEOPLE = 25
GUESSES = 20

_start: list[Barrier] = []


def _take_barrier(barrier: Barrier) -> None:
    _start.append(barrier)


def _give(address: str, key: str, codes: list[tuple[str, str]]) -> list[str]:
    """What became of each person's code: `proven`, or why it was refused."""
    results = []
    with Authenticators(address, SecretStr(key)) as authenticators:
        authenticators.everybody()  # the connection is open before the start
        for person, code in codes:
            _start[0].wait(timeout=60)
            try:
                authenticators.verify(person, code, now=NOW)
            except CodeRefused as refused:
                results.append(refused.why.value)
            else:
                results.append("proven")
    return results


def _enroll(address: str, key: str, person: str) -> str:
    """The secret of the app that this process showed to the person."""
    with Authenticators(address, SecretStr(key)) as authenticators:
        authenticators.everybody()
        _start[0].wait(timeout=60)
        return authenticators.enroll(person).get_secret_value()


def _at_once(work, *arguments) -> list:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(GIVERS)
    with ProcessPoolExecutor(
        GIVERS, mp_context=context, initializer=_take_barrier, initargs=(barrier,)
    ) as pool:
        futures = [pool.submit(work, *arguments) for _ in range(GIVERS)]
        return [future.result(timeout=120) for future in futures]


@pytest.fixture
def authenticators(address: str):
    with Authenticators(address, SecretStr(KEY)) as opened:
        yield opened


def test_of_two_processes_with_the_same_code_one_proves_the_person(authenticators, address):
    people = [f"person{number}@example.com" for number in range(PEOPLE)]
    apps = {person: enrolled(authenticators, person, at=ENROLLED_AT) for person in people}
    codes = [(person, app.code(NOW)) for person, app in apps.items()]
    first, second = _at_once(_give, address, KEY, codes)
    pairs = [sorted(pair) for pair in zip(first, second, strict=True)]
    assert pairs == [["proven", "used"]] * PEOPLE


def test_guesses_of_two_processes_are_counted_together(authenticators, address):
    app = enrolled(authenticators, "p.kim@example.com", at=ENROLLED_AT)
    guesses = [("p.kim@example.com", app.wrong_code(NOW))] * GUESSES
    results = Counter(
        each for results in _at_once(_give, address, KEY, guesses) for each in results
    )
    assert results == {"wrong": 4, "locked": GIVERS * GUESSES - 4}


def test_of_two_enrolments_at_once_one_can_be_confirmed(authenticators, address):
    apps = [App(SecretStr(uri)) for uri in _at_once(_enroll, address, KEY, "p.kim@example.com")]
    confirmed = []
    for app in apps:
        try:
            authenticators.confirm("p.kim@example.com", app.code(NOW), now=NOW)
        except CodeRefused:
            continue
        confirmed.append(app)
    assert len(confirmed) == 1
