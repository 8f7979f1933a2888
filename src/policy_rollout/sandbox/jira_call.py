"""One call of the sandbox's Jira API: who asks, for what; and how an answer becomes HTTP."""

import base64
import binascii
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from policy_rollout.sandbox.behaviour import Behaviour
from policy_rollout.sandbox.control import TOKEN
from policy_rollout.sandbox.database import reading
from policy_rollout.sandbox.faults import FAIL_ELEMENTS, REPEAT_PAGE, throttled
from policy_rollout.sandbox.jira_accounts import Account, account_by_email
from policy_rollout.sandbox.jira_issues import Author
from policy_rollout.sandbox.jira_limits import Throttled
from policy_rollout.sandbox.state import sandbox_of

NO_ISSUE = "Issue does not exist or you do not have permission to see it."


class JiraRefused(Exception):
    """An answer of 400 or above, in Jira's form of error messages."""

    def __init__(
        self, status: int, *messages: str, errors: Mapping[str, str] | None = None
    ) -> None:
        self.status = status
        self.messages = messages
        self.errors = dict(errors or {})
        super().__init__("; ".join(messages))


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` None is an empty answer."""

    body: Any = None
    status: int = 200


@dataclass(frozen=True, slots=True)
class Call:
    """A request of somebody who has signed in; `now_ms` is its time."""

    engine: Engine
    behaviour: Behaviour
    site: str
    viewer: Account
    now_ms: int
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any = None
    fail_elements: Mapping[int, int] = field(default_factory=dict)
    repeat_page: bool = False

    @property
    def author(self) -> Author:
        return Author(self.viewer, self.now_ms)

    @property
    def given(self) -> dict[str, Any]:
        """The body as an object; empty where it is none."""
        return self.body if isinstance(self.body, dict) else {}

    def part(self, name: str) -> dict[str, Any]:
        """An object within the body; empty where there is none."""
        found = self.given.get(name)
        return found if isinstance(found, dict) else {}

    def number(self, name: str, default: int) -> int:
        """A number of the query string, or of the body.

        Raises:
            JiraRefused: it is no number.
        """
        given = self.query.get(name, self.given.get(name))
        if given is None:
            return default
        try:
            return int(given)
        except (TypeError, ValueError):
            raise JiraRefused(400, f"'{name}' must be a number") from None

    def listed(self, name: str) -> list[str]:
        """A list of the body, or a comma-separated one of the query string."""
        if name in self.given:
            given = self.given[name]
            listed = given.split(",") if isinstance(given, str) else given or []
            if not isinstance(listed, list):
                raise JiraRefused(400, f"'{name}' must be a list")
            return [str(each) for each in listed]
        return [each for each in self.query.get(name, "").split(",") if each]


Handler = Callable[[Call], Answer]


def route(path: str, **handlers: Handler) -> Route:
    """A path below /rest/api/3 with a handler for each method: `GET=...`."""

    async def answer(request: Request) -> Response:
        body = await request.body()
        return await run_in_threadpool(_answer, request, body, handlers[request.method])

    return Route(f"/rest/api/3/{path}", answer, methods=list(handlers))


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def site_of(request: Request) -> str:
    """The address of the Jira site as the client reached it."""
    return f"{request.url.scheme}://{request.url.netloc}/jira"


def _answer(request: Request, body: bytes, handler: Handler) -> Response:
    try:
        given = _limited(request, handler, _call(request, body))
    except JiraRefused as refusal:
        told = {"errorMessages": list(refusal.messages), "errors": refusal.errors}
        return JSONResponse(told, status_code=refusal.status)
    except Throttled as refusal:
        return throttled(str(refusal.seconds), request.url.path)
    if given.body is None:
        return Response(status_code=given.status)
    return JSONResponse(given.body, status_code=given.status)


def _limited(request: Request, handler: Handler, call: Call) -> Answer:
    """Answer a call, if it does not come too soon after the others like it."""
    if call.behaviour.burst_limits:
        endpoint, issue = handler.__name__, call.path.get("issue", "")
        sandbox_of(request).limits.admit(request.method, endpoint, issue, call.now_ms)
    return handler(call)


def _call(request: Request, body: bytes) -> Call:
    state = sandbox_of(request)
    return Call(
        engine=state.engine,
        behaviour=state.behaviour,
        site=site_of(request),
        viewer=_viewer(state.engine, request),
        now_ms=now_ms(),
        path=request.path_params,
        query=request.query_params,
        body=_parsed(body),
        fail_elements=request.scope.get(FAIL_ELEMENTS, {}),
        repeat_page=request.scope.get(REPEAT_PAGE, False),
    )


def _viewer(engine: Engine, request: Request) -> Account:
    """Who signs in with mail address and token (HTTP basic authentication)."""
    refused = JiraRefused(401, "Client must be authenticated to access this resource.")
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        raise refused
    try:
        email, _, token = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise refused from None
    if not hmac.compare_digest(token.encode(), TOKEN.encode()):
        raise refused
    with reading(engine) as connection:
        account = account_by_email(connection, email)
    if account is None or not account.active:
        raise refused
    return account


def _parsed(body: bytes) -> Any:
    if not body:
        return None
    try:
        return json.loads(body)
    except ValueError:
        raise JiraRefused(400, "There was an error parsing JSON. Check your request.") from None
