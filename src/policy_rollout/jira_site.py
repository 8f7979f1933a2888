"""One Jira Cloud site over HTTP: sends calls, repeats what may be, names what failed. Edge.

The `jira` client opens the session (address, credentials, headers). Its own retries re-send
writes and its errors carry the request, so calls go below its error handling and end in the
project's errors, raised outside of any handler: not even their context reaches the token.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from http import HTTPStatus
from threading import Lock, local
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
import stamina
from jira import JIRA
from jira.resilientsession import ResilientSession
from pydantic import SecretStr
from urllib3.exceptions import MaxRetryError, NewConnectionError, ReadTimeoutError

from policy_rollout.errors import (
    ServiceError,
    ServiceRefused,
    ServiceUnavailable,
    SettingsWrong,
    WriteInDoubt,
)
from policy_rollout.jira_wire import words_of
from policy_rollout.observed import AnswerStatuses
from policy_rollout.request_budget import JIRA_REQUESTS, OverBudget, Spend, unlimited

SERVICE = "Jira"
USUAL_STATUSES = AnswerStatuses("Approved", "Rejected")
ATTEMPTS = 4
SIDE_BY_SIDE = 8
"""Requests at the same time: at 100 ms each, still within the 100 a second that Jira allows."""
LONGEST_WAIT_SECONDS = 10.0  # a longer wait belongs to a suspended run, not to a sleep
_LONGEST_REASON = 500
_CHEAP = frozenset({"GET", "POST"})  # of which Jira allows twice as many a second as of others
_NEXT_STEPS: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "See that ROLLOUT_JIRA_EMAIL and ROLLOUT_JIRA_TOKEN belong together "
    "and that the token has not expired",
    HTTPStatus.FORBIDDEN: "Ask a Jira administrator for the permission, then go on",
    HTTPStatus.NOT_FOUND: "See in Jira whether it was deleted, or hidden from the service account",
}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class JiraConnection:
    """Where the issues live and as whom we act; type and status names are the site's own."""

    url: str
    email: str
    token: SecretStr
    project: str
    task_type: str = "Task"
    epic_type: str = "Epic"
    sign_off_type: str = "Sign-off"
    statuses: AnswerStatuses = USUAL_STATUSES


@dataclass(frozen=True, slots=True)
class Call:
    """One request; `path` is below /rest/api/3, `doing` says in words what it is for.

    `repeatable` is false for a write that, sent twice, would happen twice. `explained` names
    refusals whose body the caller wants to parse itself. `once` asks for what stays the same while
    a client is open: whoever asks again gets the answer that was given.
    """

    method: str
    path: str
    doing: str
    params: Mapping[str, str | int] = field(default_factory=dict)
    body: Any = None
    repeatable: bool = True
    explained: frozenset[int] = frozenset()
    once: bool = False


def statuses_of(project: str) -> Call:
    """The statuses that the issue types of a project have."""
    doing = f"reading the statuses of {project}"
    return Call("GET", f"project/{project}/statuses", doing, once=True)


@dataclass(frozen=True, slots=True)
class _Broken:
    """A request without an answer; `sent` tells whether Jira may have got it."""

    reason: str
    sent: bool


class JiraSite:
    """A client for a few threads, each of which may send several requests at the same time.

    What is sent side by side must not send side by side itself: it would wait for its own thread.

    Args:
        connection: where and as whom.
        timeout_seconds: for the connection, and for each wait on the answer.
        spend: called before each request.

    Raises:
        SettingsWrong: the address or the token cannot be used at all.
    """

    def __init__(
        self,
        connection: JiraConnection,
        timeout_seconds: tuple[float, float],
        spend: Spend = unlimited,
    ) -> None:
        _check_usable(connection)
        self._spend = spend
        self.url = connection.url.rstrip("/")
        self._email, self._token = connection.email, connection.token
        self._timeout_seconds = timeout_seconds
        self._clients: list[JIRA] = []
        self._asked_once: dict[str, requests.Response] = {}
        self._asking_once = Lock()
        self._of_thread = local()
        self._threads = ThreadPoolExecutor(SIDE_BY_SIDE, "jira")
        self._client = self._open()

    def _open(self) -> JIRA:
        """A client of this thread: the library's session is for one thread only."""
        client = JIRA(
            server=self.url,
            basic_auth=(self._email, self._token.get_secret_value()),
            options={"rest_api_version": "3"},  # the constructor writes into it: one per client
            max_retries=0,
            timeout=self._timeout_seconds,
            get_server_info=False,  # only the client's own search needs it; saves a request
        )
        self._clients.append(client)
        self._of_thread.client = client
        return client

    def close(self) -> None:
        self._threads.shutdown()
        for client in self._clients:
            client.close()  # type: ignore[no-untyped-call]  # the library leaves it untyped

    def beside(self, work: Callable[[], T]) -> Future[T]:
        """Begin a work that sends nothing side by side, and go on."""
        return self._threads.submit(work)

    def side_by_side(self, works: Sequence[Callable[[], T]]) -> list[T | ServiceError]:
        """What each of some independent works answered or failed with, in their order."""
        if len(works) < 2:  # noqa: PLR2004 - one alone needs no thread
            return [_outcome(work) for work in works]
        return list(self._threads.map(_outcome, works))

    def send_all(self, calls: Sequence[Call], parse: Callable[[Any], T]) -> list[T]:
        """The answers to some questions, in their order.

        Raises:
            ServiceError: the first failure, when all have been asked.
        """
        answers: list[T] = []
        for each in self.side_by_side([partial(self.send, call, parse) for call in calls]):
            if isinstance(each, ServiceError):
                raise each
            answers.append(each)
        return answers

    def send(self, call: Call, parse: Callable[[Any], T]) -> T:
        """The parsed answer of a call, tried a few times where nothing can happen twice.

        Raises:
            ServiceUnavailable: down, slow or throttling; a wait above `LONGEST_WAIT_SECONDS`
                is not slept but told.
            ServiceRefused: Jira said no, or this is no Jira.
            WriteInDoubt: a call that is not repeatable may have happened.
        """
        for attempt in stamina.retry_context(on=_pause_before_retry, attempts=ATTEMPTS):
            with attempt:
                return self._send_once(call, parse)
        raise AssertionError  # stamina raises the last error itself

    def _send_once(self, call: Call, parse: Callable[[Any], T]) -> T:
        if not call.once:
            return _parsed(call, self._answer(call), parse)
        with self._asking_once:
            answer = self._asked_once.get(call.path)
            answer = self._answer(call) if answer is None else answer
            found = _parsed(call, answer, parse)
            self._asked_once[call.path] = answer
        return found

    def _answer(self, call: Call) -> requests.Response:
        self._wait_for_turn(call)
        answer = self._request(call)
        if isinstance(answer, _Broken):
            raise _unanswered(call, answer)
        return answer

    def _wait_for_turn(self, call: Call) -> None:
        try:
            self._spend(JIRA_REQUESTS, 1 if call.method in _CHEAP else 2)
        except OverBudget as over:
            wait, reason = over.retry_after_seconds, str(over)
        else:
            return
        raise ServiceUnavailable(SERVICE, call.doing, reason, retry_after_seconds=wait)

    def _request(self, call: Call) -> requests.Response | _Broken:
        client: JIRA = getattr(self._of_thread, "client", None) or self._open()
        session = client._session  # noqa: SLF001 - the only way to its credentials
        try:
            # The session's own `request` loses the answer's headers and trips over odd bodies.
            return super(ResilientSession, session).request(
                call.method,
                f"{self.url}/rest/api/3/{call.path}",
                params=dict(call.params),
                json=call.body,
                timeout=self._timeout_seconds,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            return self._broken(error)

    def _broken(self, error: requests.RequestException) -> _Broken:
        cause = error.args[0] if error.args else None
        connect_seconds, read_seconds = self._timeout_seconds
        host = urlsplit(self.url).netloc.rpartition("@")[2]
        if isinstance(error, requests.ConnectTimeout):
            return _Broken(f"{host} did not answer within {connect_seconds:g} s", sent=False)
        if isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError):
            return _Broken(f"nothing answers at {host}", sent=False)
        if isinstance(error, requests.ReadTimeout) or isinstance(cause, ReadTimeoutError):
            return _Broken(f"no answer within {read_seconds:g} s", sent=True)
        if isinstance(error, requests.exceptions.SSLError):
            return _Broken(f"{host} has no certificate that this machine trusts", sent=True)
        return _Broken("the connection broke before the answer was there", sent=True)


def _parsed(call: Call, answer: requests.Response, parse: Callable[[Any], T]) -> T:
    done = HTTPStatus.OK <= answer.status_code < HTTPStatus.MULTIPLE_CHOICES
    puzzle = ""
    if done or answer.status_code in call.explained:
        try:
            return parse(answer.json() if answer.content else None)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            puzzle = type(error).__name__
    raise _puzzled(call, answer, puzzle) if done else _declined(call, answer)


def _outcome(work: Callable[[], T]) -> T | ServiceError:
    try:
        return work()
    except ServiceError as error:
        return error


def _check_usable(connection: JiraConnection) -> None:
    if not _is_web_address(connection.url):
        raise SettingsWrong(
            f"setting ROLLOUT_JIRA_URL: found {connection.url!r}, expected an address such as "
            "https://SITE.atlassian.net; mend it in .env"
        )
    if not connection.token.get_secret_value().isascii() or not connection.email.isascii():
        raise SettingsWrong(
            "settings ROLLOUT_JIRA_EMAIL and ROLLOUT_JIRA_TOKEN: found characters outside ASCII, "
            "expected a mail address and an API token; copy them once more into .env"
        )


def _is_web_address(url: str) -> bool:
    try:
        address = urlsplit(url)
        has_host = bool(address.hostname) and address.port != 0
    except ValueError:  # brackets or a port that are none
        return False
    return has_host and address.scheme in {"http", "https"}


def _pause_before_retry(error: Exception) -> bool | float:
    """Whether to try again, and after how many seconds where the site said so.

    `ServiceUnavailable` always means that nothing happened or that repeating is harmless.
    """
    if not isinstance(error, ServiceUnavailable):
        return False
    wait = error.retry_after_seconds
    if wait is None:
        return True
    return wait if wait <= LONGEST_WAIT_SECONDS else False


def _unanswered(call: Call, broken: _Broken) -> ServiceUnavailable | WriteInDoubt:
    if broken.sent and not call.repeatable:
        return WriteInDoubt(SERVICE, call.doing, broken.reason)
    return ServiceUnavailable(SERVICE, call.doing, broken.reason)


def _declined(
    call: Call, answer: requests.Response
) -> ServiceUnavailable | WriteInDoubt | ServiceRefused:
    status = answer.status_code
    certainly_not_done = status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.CONFLICT}
    failing = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT
    if failing and not call.repeatable:
        return WriteInDoubt(SERVICE, call.doing, f"HTTP {status}")
    if certainly_not_done or failing:
        wait = retry_after_seconds(answer.headers, datetime.now(UTC))
        return ServiceUnavailable(SERVICE, call.doing, f"HTTP {status}", retry_after_seconds=wait)
    next_step = _NEXT_STEPS.get(status, "Mend what it names, in the spec or in Jira, then go on")
    if answer.is_redirect:
        next_step = "See that ROLLOUT_JIRA_URL is the site's address, without a redirect"
    return ServiceRefused(SERVICE, call.doing, _reason(answer), next_step=next_step, status=status)


def not_there(doing: str) -> ServiceRefused:
    """Of an issue that an answer in bulk leaves out, as if it had been asked for alone."""
    status = HTTPStatus.NOT_FOUND
    reason, step = "the issue is not there", _NEXT_STEPS[status]
    return ServiceRefused(SERVICE, doing, reason, next_step=step, status=status)


def _puzzled(call: Call, answer: requests.Response, puzzle: str) -> ServiceRefused | WriteInDoubt:
    reason = f"the answer is not what Jira Cloud sends ({puzzle})"
    if not call.repeatable:
        return WriteInDoubt(SERVICE, call.doing, reason)
    return ServiceRefused(
        SERVICE,
        call.doing,
        reason,
        next_step="See that ROLLOUT_JIRA_URL is the address of a Jira Cloud site",
        status=answer.status_code,
    )


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """The wait a site asks for: seconds, a fraction of them, or a date on the site's clock."""
    given = headers.get("Retry-After", "").strip()
    try:
        seconds = float(given)
    except ValueError:
        until = _http_date(given)
        if until is None:
            return None
        return max(0.0, (until - (_http_date(headers.get("Date", "")) or now)).total_seconds())
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _reason(answer: requests.Response) -> str:
    """Jira's own words, where there are any: https://developer.atlassian.com/cloud/jira/platform/rest/v3/intro/#status-codes."""
    try:
        found = answer.json()
    except ValueError:
        found = None
    return words_of(found)[:_LONGEST_REASON].rstrip(".") or "no reason given"
