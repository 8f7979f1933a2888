"""A stand-in for the authenticator app on a person's phone, for tests."""

from datetime import datetime, timedelta

import pyotp
from pydantic import SecretStr

from policy_rollout.authenticators import Authenticators

STEP = timedelta(seconds=30)


class App:
    """What scanned the QR code of a provisioning URI."""

    def __init__(self, uri: SecretStr) -> None:
        self._codes = pyotp.parse_uri(uri.get_secret_value())

    @property
    def secret(self) -> str:
        return self._codes.secret

    def code(self, at: datetime) -> str:
        return self._codes.at(at)

    def wrong_code(self, at: datetime) -> str:
        """Six digits that are none of the codes of these minutes."""
        near = {self.code(at + steps * STEP) for steps in range(-4, 5)}
        return next(digits for n in range(10) if (digits := f"91827{n}") not in near)


def enrolled(authenticators: Authenticators, person: str, *, at: datetime) -> App:
    """The app of a person who enrolled and confirmed at that time (the code of it is used)."""
    app = App(authenticators.enroll(person))
    authenticators.confirm(person, app.code(at), now=at)
    return app
