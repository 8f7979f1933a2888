"""Faults that the sandbox can be told to show: slowness, refusals, lost and late answers.

A rule names requests by method and path, and says what becomes of them. The first rule that
applies is used up once; the rules are kept in memory and changed over `/sandbox/faults`.
"""

import asyncio
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from policy_rollout.sandbox.connection import CUT

FAIL_ELEMENTS = "sandbox.fail_elements"
"""Key of the ASGI scope: the elements of a bulk request that are to fail, and their statuses."""
REPEAT_PAGE = "sandbox.repeat_page"
"""Key of the ASGI scope: true where the next page is to be the same page again."""

GOOGLE_STATUS = {429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED"}


class Kind(StrEnum):
    LATENCY = "latency"
    THROTTLED = "throttled"
    ERROR = "error"
    RESET_BEFORE_COMMIT = "reset-before-commit"
    RESET_AFTER_COMMIT = "reset-after-commit"
    STALLED_BODY = "stalled-body"
    LATE_COMMIT = "late-commit"
    PARTIAL_FAILURE = "partial-failure"
    REPEATED_PAGE = "repeated-page"


class RetryAfter(StrEnum):
    SECONDS = "seconds"
    FRACTION = "fraction"
    DATE = "date"
    NONE = "none"


class Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    method: str = Field(default="", description="Empty: any.")
    path: str = Field(default="", description="Regular expression, found anywhere in the path.")
    after: int = Field(default=0, ge=0, description="So many matching requests go through first.")
    every: int = Field(default=1, ge=1, description="Of the others, only each so-manyth.")
    times: int | None = Field(default=1, ge=1, description="How often in all; null: always.")
    seconds: float = Field(
        default=1.0, ge=0, description="Of latency, stall, lateness, or in Retry-After."
    )
    status: int = Field(default=503, ge=500, le=599, description="Of an error.")
    committed: bool = Field(default=False, description="An error after the write was done.")
    retry_after: RetryAfter = RetryAfter.SECONDS
    elements: tuple[int, ...] = Field(default=(0,), description="Of a partial failure, from 0.")
    element_status: int = Field(default=400, ge=400, le=599, description="Of those elements.")

    def names(self, method: str, path: str) -> bool:
        return self.method in {"", method} and re.search(self.path, path) is not None


@dataclass(slots=True)
class _Counted:
    rule: Rule
    seen: int = 0
    used: int = 0

    def applies(self) -> bool:
        """Count a matching request; True where it is hit."""
        self.seen += 1
        over = self.seen - self.rule.after
        spent = self.rule.times is not None and self.used >= self.rule.times
        if spent or over <= 0 or over % self.rule.every:
            return False
        self.used += 1
        return True


@dataclass(slots=True)
class Faults:
    """The rules in force, and the writes that are yet to land. Used in the event loop only."""

    rules: list[_Counted] = field(default_factory=list)
    late: set[asyncio.Task[None]] = field(default_factory=set)
    land_now: asyncio.Event = field(default_factory=asyncio.Event)

    def replace(self, rules: Iterable[Rule]) -> None:
        self.rules = [_Counted(rule) for rule in rules]

    def used(self) -> list[tuple[Rule, int]]:
        """Each rule and how often it hit."""
        return [(counted.rule, counted.used) for counted in self.rules]

    def hit(self, method: str, path: str) -> Rule | None:
        for counted in self.rules:
            if counted.rule.names(method, path) and counted.applies():
                return counted.rule
        return None

    async def land(self) -> None:
        """Let all late writes happen now, and wait until they have."""
        waited, self.land_now = self.land_now, asyncio.Event()
        waited.set()
        await asyncio.gather(*self.late)

    async def forget(self) -> None:
        """Let no late write happen any more: the server stops."""
        for task in tuple(self.late):
            task.cancel()
        await asyncio.gather(*self.late, return_exceptions=True)


class FaultInjection:
    """ASGI middleware around Jira and Sheets alike."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self.app = app
        self.faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        rule = None
        if scope["type"] == "http" and scope["path"].startswith(("/jira/", "/sheets/")):
            rule = self.faults.hit(scope["method"], scope["path"])
        if rule is None:
            await self.app(scope, receive, send)
        else:
            await self._show(rule, scope, receive, send)

    async def _show(self, rule: Rule, scope: Scope, receive: Receive, send: Send) -> None:
        match rule.kind:
            case Kind.LATENCY:
                await asyncio.sleep(rule.seconds)
                await self.app(scope, receive, send)
            case Kind.THROTTLED:
                refused = throttled(_retry_after(rule), scope["path"])
                await refused(scope, receive, send)
            case Kind.ERROR:
                await self._fail(rule, scope, receive, send)
            case Kind.RESET_BEFORE_COMMIT:
                await _whole_body(receive)
                scope[CUT]()
            case Kind.RESET_AFTER_COMMIT:
                await self.app(scope, receive, _discard)
                scope[CUT]()
            case Kind.STALLED_BODY:
                await self.app(scope, receive, _Stalling(rule.seconds, scope, receive, send))
            case Kind.LATE_COMMIT:
                await self._commit_late(rule, scope, receive)
            case Kind.PARTIAL_FAILURE:
                to_fail = dict.fromkeys(rule.elements, rule.element_status)
                await self.app({**scope, FAIL_ELEMENTS: to_fail}, receive, send)
            case Kind.REPEATED_PAGE:
                await self.app({**scope, REPEAT_PAGE: True}, receive, send)

    async def _fail(self, rule: Rule, scope: Scope, receive: Receive, send: Send) -> None:
        if rule.committed:
            await self.app(scope, receive, _discard)
        told = _error(rule.status, f"The sandbox was told to answer {rule.status}.", scope["path"])
        await JSONResponse(told, status_code=rule.status)(scope, receive, send)

    async def _commit_late(self, rule: Rule, scope: Scope, receive: Receive) -> None:
        body = await _whole_body(receive)
        land_now = self.faults.land_now

        async def given() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def land() -> None:
            with suppress(TimeoutError):  # the time has come by itself
                await asyncio.wait_for(land_now.wait(), rule.seconds)
            await self.app(scope, given, _discard)

        task = asyncio.create_task(land())
        self.faults.late.add(task)
        task.add_done_callback(self.faults.late.discard)
        scope[CUT]()


class _Stalling:
    """A `send` that stops half-way through the body until the client gives up."""

    def __init__(self, seconds: float, scope: Scope, receive: Receive, send: Send) -> None:
        self.seconds = seconds
        self.scope = scope
        self.receive = receive
        self.send = send

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self.send(message)
            return
        body = message.get("body", b"")
        await self.send({**message, "body": body[: len(body) // 2], "more_body": True})
        try:
            await asyncio.wait_for(_disconnected(self.receive), self.seconds)
        except TimeoutError:
            self.scope[CUT]()


def throttled(retry_after: str | None, path: str) -> Response:
    """The answer 429 of the service that a path belongs to."""
    told = _error(HTTPStatus.TOO_MANY_REQUESTS, "Rate limit exceeded.", path)
    headers = {"X-RateLimit-Reason": "sandbox"}
    if retry_after is not None:
        headers["Retry-After"] = retry_after
    return JSONResponse(told, status_code=HTTPStatus.TOO_MANY_REQUESTS, headers=headers)


def _error(status: int, message: str, path: str) -> dict[str, Any]:
    """An error in the form of Google for Sheets, of Jira otherwise."""
    if not path.startswith("/sheets/"):
        return {"errorMessages": [message], "errors": {}}
    name = GOOGLE_STATUS.get(status, "INTERNAL")
    return {"error": {"code": status, "message": message, "status": name}}


def _retry_after(rule: Rule) -> str | None:
    match rule.retry_after:
        case RetryAfter.SECONDS:
            return str(int(rule.seconds))
        case RetryAfter.FRACTION:
            return f"{rule.seconds:.1f}"
        case RetryAfter.DATE:
            return format_datetime(datetime.now(UTC) + timedelta(seconds=rule.seconds), usegmt=True)
        case RetryAfter.NONE:
            return None


async def _discard(message: Message) -> None:
    """Lose the answer."""


async def _whole_body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
