"""The HTTP side of the workbook: Google's credentials, time limits, retries and refusals.

The host is Google's, or the one of SHEETS_URL; everything else is the same for both.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar

import requests
import stamina
from google.auth.credentials import Credentials
from google.auth.exceptions import GoogleAuthError, TransportError
from google.auth.transport.requests import AuthorizedSession
from google.oauth2 import service_account
from gspread.http_client import HTTPClient

from policy_rollout.errors import (
    Missing,
    RolloutError,
    ServiceRefused,
    ServiceUnavailable,
    SettingsWrong,
    WriteInDoubt,
)
from policy_rollout.request_budget import (
    SHEETS_READS,
    SHEETS_WRITES,
    OverBudget,
    Spend,
    unlimited,
)
from policy_rollout.workbook_layout import SERVICE

SCOPES = (
    "https://www.googleapis.com/auth/spreadsheets",
    "https://www.googleapis.com/auth/drive.metadata.readonly",
)
GOOGLE_HOSTS = ("https://sheets.googleapis.com", "https://www.googleapis.com")
TIMEOUT_SECONDS = (3.05, 60)
ATTEMPTS = 4
LOOKS = 12
"""So often a write looks again while people move rows and columns under it."""
LONGEST_WAIT_SECONDS = 20.0
"""A longer Retry-After is handed on: the run is suspended instead of sleeping."""

_KEY_FILES = 8
"""Of so many are accounts and tokens kept."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class SheetsConnection:
    """Where the workbook is: `url` is empty for Google, `credentials` a service account's file."""

    url: str
    credentials: Path | None
    workbook: str


class Answered(Exception):
    """An HTTP answer that is not a success; never carries the request."""

    def __init__(self, status: int, message: str, retry_after_seconds: float | None) -> None:
        super().__init__(f"HTTP {status}: {message}")
        self.status = status
        self.message = message
        self.retry_after_seconds = retry_after_seconds

    @property
    def is_temporary(self) -> bool:
        return (
            self.status == HTTPStatus.TOO_MANY_REQUESTS
            or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        )

    @property
    def told(self) -> str:
        return f"HTTP {self.status}"


class NotSent(Answered):
    """Not sent at all: it would have been too many requests, as the service says it with a 429."""

    def __init__(self, over: OverBudget) -> None:
        super().__init__(HTTPStatus.TOO_MANY_REQUESTS, str(over), over.retry_after_seconds)

    @property
    def told(self) -> str:
        return self.message


class Unanswered(Exception):
    """No answer, or none that can be read."""


class Overtaken(Exception):
    """The workbook changed between our look and our write: look again."""


class ServiceAccountToken(Credentials):
    """A service account's access token, and nothing that google-auth does besides fetching it.

    google-auth's own service-account credentials ask the IAM service for "regional access
    boundaries" after each token: a call to another host that Sheets and Drive do not need.
    """

    def __init__(self, account: service_account.Credentials) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # google-auth
        self._account = account

    def refresh(self, request: Any) -> None:
        self._account.refresh(request)  # type: ignore[no-untyped-call]  # google-auth
        self.token, self.expiry = self._account.token, self._account.expiry


class SheetsClient(HTTPClient):
    """gspread's plain client with the host of SHEETS_URL; raises `Answered` and `Unanswered`."""

    def __init__(self, credentials: Credentials, url: str, spend: Spend = unlimited) -> None:
        self._spend = spend
        session = AuthorizedSession(  # type: ignore[no-untyped-call]  # google-auth
            credentials, refresh_timeout=TIMEOUT_SECONDS[1]
        )
        super().__init__(credentials, session)
        self.set_timeout(TIMEOUT_SECONDS)
        self._url = url.rstrip("/")

    def close(self) -> None:
        # AuthorizedSession.close() also closes the session that fetches tokens
        self.session.close()

    def request(  # noqa: PLR0913, PLR0917 - the signature is gspread's
        self,
        method: str,
        endpoint: str,
        params: Mapping[str, Any] | None = None,
        data: bytes | None = None,
        json: Mapping[str, Any] | None = None,
        files: Any = None,
        headers: Mapping[str, Any] | None = None,
    ) -> requests.Response:
        """Send one request once, when it is its turn.

        Raises:
            Answered: the answer is not a success; `NotSent` where its turn does not come.
            Unanswered: there is no answer, or the token endpoint cannot be reached.
        """
        self._wait_for_turn(method, endpoint)
        try:
            response = self.session.request(
                method,
                self._on_our_host(endpoint),
                params=params,
                data=data,
                json=json,
                files=files,
                headers=headers,
                timeout=self.timeout,
            )
        except (requests.RequestException, TransportError) as error:
            raise Unanswered(_reason(error)) from None
        except GoogleAuthError as error:
            if error.retryable:
                raise Unanswered(_refusal(error)) from None
            raise Answered(HTTPStatus.UNAUTHORIZED, _refusal(error), None) from None
        if response.ok:
            _check_json(response)
            return response
        raise Answered(response.status_code, _message(response), _retry_after(response))

    def _wait_for_turn(self, method: str, endpoint: str) -> None:
        """Reads and writes of Sheets have a quota each; that of Drive is far away."""
        if endpoint.startswith(GOOGLE_HOSTS[0]):
            try:
                self._spend(SHEETS_READS if method.lower() == "get" else SHEETS_WRITES, 1)
            except OverBudget as over:
                raise NotSent(over) from None

    def _on_our_host(self, endpoint: str) -> str:
        if not self._url:
            return endpoint
        for host in GOOGLE_HOSTS:
            if endpoint.startswith(f"{host}/"):
                return self._url + endpoint.removeprefix(host)
        return endpoint


def _reason(error: Exception) -> str:
    if isinstance(error, requests.Timeout):
        return f"no answer within {TIMEOUT_SECONDS[1]} s"
    return f"no answer ({type(error).__name__})"


def _refusal(error: GoogleAuthError) -> str:
    return str(error.args[0]) if error.args else type(error).__name__


def _check_json(response: requests.Response) -> None:
    try:
        response.json()
    except ValueError:
        raise Unanswered("an answer that is no JSON") from None


def _message(response: requests.Response) -> str:
    """What Google says in its error body; the bare status where there is none."""
    try:
        body = response.json()
    except ValueError:
        return response.reason or "no text"
    error = body.get("error") if isinstance(body, dict) else None
    message = error.get("message") if isinstance(error, dict) else None
    return str(message or response.reason or "no text").rstrip(".")


def _retry_after(response: requests.Response) -> float | None:
    """The wait that is asked for, in seconds; HTTP allows a number or a date."""
    text = response.headers.get("Retry-After", "")
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        wait = parsedate_to_datetime(text) - datetime.now(UTC)
    except (ValueError, TypeError):
        return None
    return max(0.0, wait.total_seconds())


def credentials_missing(path: Path | None) -> Missing | None:
    """What is wrong with the key file, None where it can be used."""
    found = _account(path)
    return found if isinstance(found, Missing) else None


def load_account(path: Path | None) -> service_account.Credentials:
    """The service account of a key file.

    Raises:
        SettingsWrong: no file is set, or it cannot be used.
    """
    found = _account(path)
    if isinstance(found, Missing):
        raise SettingsWrong(str(found))
    return found


def token_of(path: Path | None) -> ServiceAccountToken:
    """The token of a key file's account, one for all clients in this process while it is valid.

    Raises:
        SettingsWrong: no file is set, or it cannot be used.
    """
    return _token_of(load_account(path))


@lru_cache(maxsize=_KEY_FILES)
def _token_of(account: service_account.Credentials) -> ServiceAccountToken:
    return ServiceAccountToken(account)


def _account(path: Path | None) -> service_account.Credentials | Missing:
    """Read again when the file has changed: OpenSSL takes longer to check a key than a request."""
    if path is None:
        return _missing_key("nothing")
    try:
        read = path.stat()
        return _read_account(str(path), (read.st_ino, read.st_mtime_ns, read.st_size))
    except OSError as error:
        return _missing_key(f"{path} cannot be read ({error.strerror})")
    except (ValueError, KeyError, AttributeError, GoogleAuthError):
        return _missing_key(f"{path} is no key file of a service account")


@lru_cache(maxsize=_KEY_FILES)
def _read_account(path: str, _version: tuple[int, int, int]) -> service_account.Credentials:
    load: Any = service_account.Credentials.from_service_account_file
    account: service_account.Credentials = load(path, scopes=SCOPES)
    return account


def _missing_key(found: str) -> Missing:
    return Missing(
        SERVICE,
        "setting ROLLOUT_SHEETS_CREDENTIALS",
        found=found,
        expected="the JSON key file of a service account",
        next_step="Put the path of the key file into .env",
    )


def worth_another_try(error: Exception) -> bool | float:
    """For stamina: whether to try again, or after how many seconds the service asks for it."""
    if isinstance(error, Answered) and error.is_temporary:
        wait = error.retry_after_seconds
        return True if wait is None else wait <= LONGEST_WAIT_SECONDS and wait
    return isinstance(error, Unanswered)


def read_again(doing: str, ask: Callable[[], Result], next_step: Callable[[int], str]) -> Result:
    """The answer to a question that may be asked again.

    Raises:
        ServiceUnavailable: no answer after all attempts.
        ServiceRefused: a refusal.
    """
    try:
        return repeated(ask)
    except (Answered, Unanswered) as error:
        raise read_failure(doing, error, next_step) from None


def repeated(ask: Callable[[], Result]) -> Result:
    """What `ask` returns, which may be called several times while the service is in trouble."""
    attempts = stamina.retry_context(
        on=worth_another_try, attempts=ATTEMPTS, timeout=90, wait_initial=0.5, wait_max=8
    )
    for attempt in attempts:
        with attempt:
            return ask()
    raise Unanswered("no attempt was made")  # stamina always makes one


def among_people(write: Callable[[], Result]) -> Result:
    """What `write` returns, which looks first: repeated, also while people move rows meanwhile.

    Raises:
        Overtaken: they never left it alone for as long as a write takes.
    """
    looks = stamina.retry_context(
        on=Overtaken, attempts=LOOKS, timeout=90, wait_initial=0.05, wait_max=1
    )
    for look in looks:
        with look:
            return repeated(write)
    raise Overtaken("no look was taken")  # stamina always takes one


def read_failure(
    doing: str, error: Answered | Unanswered, next_step: Callable[[int], str]
) -> RolloutError:
    if isinstance(error, Unanswered):
        return ServiceUnavailable(SERVICE, doing, str(error))
    if error.is_temporary:
        wait = error.retry_after_seconds
        return ServiceUnavailable(SERVICE, doing, error.told, retry_after_seconds=wait)
    return ServiceRefused(
        SERVICE, doing, error.message, next_step=next_step(error.status), status=error.status
    )


def write_failure(
    doing: str, error: Answered | Unanswered | Overtaken, next_step: Callable[[int], str]
) -> RolloutError:
    """As `read_failure`, but what may have happened is in doubt."""
    match error:
        case Unanswered() | Overtaken():
            return WriteInDoubt(SERVICE, doing, str(error))
        case Answered(status=status) if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return WriteInDoubt(SERVICE, doing, f"HTTP {status}")
        case _:
            return read_failure(doing, error, next_step)
