"""The sandbox's own endpoints: people, faults, behaviour and the log of requests.

They are for trials and tests and belong to neither Jira nor Sheets.
"""

import re
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from policy_rollout.sandbox.behaviour import Behaviour
from policy_rollout.sandbox.database import reading, writing
from policy_rollout.sandbox.faults import Rule
from policy_rollout.sandbox.jira_accounts import (
    account_by_email,
    add_account,
    all_accounts,
    close_account,
)
from policy_rollout.sandbox.jira_call import now_ms
from policy_rollout.sandbox.jira_issues import (
    Author,
    convert_issue,
    issue_id_of,
    move_to_project,
    read_issues,
)
from policy_rollout.sandbox.jira_project import ISSUE_TYPES, PROJECTS
from policy_rollout.sandbox.pages import page
from policy_rollout.sandbox.state import SandboxState, sandbox_of

MAIL_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")
RULES = TypeAdapter(list[Rule])


class Newcomer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    email: str
    name: str = ""
    hides_email: bool = False


def routes() -> list[BaseRoute]:
    return [
        Route("/people", people_page, methods=["GET"]),
        Route("/people", add_from_form, methods=["POST"]),
        Route("/people/close", close_from_form, methods=["POST"]),
        Route("/sandbox/people", list_people, methods=["GET"]),
        Route("/sandbox/people", add_person, methods=["POST"]),
        Route("/sandbox/people/{email}", remove_person, methods=["DELETE"]),
        Route("/sandbox/faults", list_faults, methods=["GET"]),
        Route("/sandbox/faults", set_faults, methods=["POST"]),
        Route("/sandbox/faults/land", land_late_writes, methods=["POST"]),
        Route("/sandbox/behaviour", show_behaviour, methods=["GET"]),
        Route("/sandbox/behaviour", change_behaviour, methods=["POST"]),
        Route("/sandbox/issues/{issue}/move", move_issue_elsewhere, methods=["POST"]),
        Route("/sandbox/requests", list_requests, methods=["GET"]),
        Route("/sandbox/requests", clear_requests, methods=["DELETE"]),
    ]


class RequestLog:
    """ASGI middleware that notes each request to Jira and Sheets, in memory.

    The status is null where the connection was cut before an answer.
    """

    def __init__(self, app: ASGIApp, state: SandboxState) -> None:
        self.app = app
        self.state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(("/jira/", "/sheets/")):
            await self.app(scope, receive, send)
            return
        entry: dict[str, Any] = {
            "method": scope["method"],
            "path": scope["path"],
            "status": None,
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }
        self.state.requests.append(entry)

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                entry["status"] = message["status"]
            await send(message)

        await self.app(scope, receive, noted)


async def people_page(request: Request) -> Response:
    return await run_in_threadpool(_people_page, request)


def _people_page(request: Request, notice: str = "") -> Response:
    with reading(sandbox_of(request).engine) as connection:
        people = [each for each in all_accounts(connection).values() if each.active]
    status = 400 if notice else 200
    return page("people.html", status=status, people=people, notice=notice)


async def add_from_form(request: Request) -> Response:
    async with request.form() as form:
        email = str(form.get("email", "")).strip()
        if not MAIL_ADDRESS.fullmatch(email):
            notice = f"{email!r} is no mail address; it reads like ada@example.com."
            return await run_in_threadpool(_people_page, request, notice)
        given = Newcomer(
            email=email,
            name=str(form.get("name", "")).strip(),
            hides_email="hides_email" in form,
        )
    await run_in_threadpool(_add, request, given)
    return RedirectResponse("/people", status_code=303)


async def close_from_form(request: Request) -> Response:
    async with request.form() as form:
        email = str(form.get("email", ""))
    await run_in_threadpool(_close, request, email)
    return RedirectResponse("/people", status_code=303)


async def list_people(request: Request) -> Response:
    return await run_in_threadpool(_list_people, request)


def _list_people(request: Request) -> Response:
    with reading(sandbox_of(request).engine) as connection:
        known = all_accounts(connection).values()
    told = [
        {
            "accountId": each.account_id,
            "email": each.email,
            "name": each.name,
            "hides_email": each.hides_email,
            "active": each.active,
        }
        for each in known
    ]
    return JSONResponse(told)


async def add_person(request: Request) -> Response:
    try:
        given = Newcomer.model_validate_json(await request.body())
    except ValidationError as error:
        return _wrong(error)
    account_id = await run_in_threadpool(_add, request, given)
    return JSONResponse({"accountId": account_id}, status_code=201)


def _add(request: Request, given: Newcomer) -> str:
    with writing(sandbox_of(request).engine) as connection:
        account = add_account(connection, given.email, given.name, hides_email=given.hides_email)
    return account.account_id


async def remove_person(request: Request) -> Response:
    known = await run_in_threadpool(_close, request, request.path_params["email"])
    return Response(status_code=204 if known else 404)


def _close(request: Request, email: str) -> bool:
    with writing(sandbox_of(request).engine) as connection:
        return close_account(connection, email)


async def list_faults(request: Request) -> Response:
    used = sandbox_of(request).faults.used()
    return JSONResponse([{**rule.model_dump(mode="json"), "used": count} for rule, count in used])


async def set_faults(request: Request) -> Response:
    try:
        rules = RULES.validate_json(await request.body())
    except ValidationError as error:
        return _wrong(error)
    sandbox_of(request).faults.replace(rules)
    return Response(status_code=204)


async def land_late_writes(request: Request) -> Response:
    await sandbox_of(request).faults.land()
    return Response(status_code=204)


async def show_behaviour(request: Request) -> Response:
    return JSONResponse(sandbox_of(request).behaviour.model_dump(mode="json"))


async def change_behaviour(request: Request) -> Response:
    state = sandbox_of(request)
    try:
        changed = {**state.behaviour.model_dump(), **await request.json()}
        state.behaviour = Behaviour.model_validate(changed)
    except ValidationError as error:
        return _wrong(error)
    return Response(status_code=204)


class Move(BaseModel):
    """What Jira's "Move" asks for: another project, another type, or both."""

    model_config = ConfigDict(extra="forbid")

    email: str
    project: str = ""
    issue_type: str = ""


async def move_issue_elsewhere(request: Request) -> Response:
    try:
        given = Move.model_validate_json(await request.body())
    except ValidationError as error:
        return _wrong(error)
    found = await run_in_threadpool(_move, request, given)
    return Response(status_code=204 if found else 404)


def _move(request: Request, given: Move) -> bool:
    """False where the issue, the person, the project or the type is unknown."""
    issue_type = next((e for e in ISSUE_TYPES.values() if e.name == given.issue_type), None)
    if (given.issue_type and issue_type is None) or given.project not in {"", *PROJECTS}:
        return False
    with writing(sandbox_of(request).engine) as connection:
        account = account_by_email(connection, given.email)
        issue_id = issue_id_of(request.path_params["issue"])
        issue = read_issues(connection, [issue_id or 0]).get(issue_id or 0)
        if account is None or issue is None:
            return False
        author = Author(account, now_ms())
        if issue_type is not None:
            issue = convert_issue(connection, author, issue, issue_type)
        if given.project:
            move_to_project(connection, author, issue, given.project)
    return True


async def list_requests(request: Request) -> Response:
    return JSONResponse(list(sandbox_of(request).requests))


async def clear_requests(request: Request) -> Response:
    sandbox_of(request).requests.clear()
    return Response(status_code=204)


def _wrong(error: ValidationError) -> Response:
    return JSONResponse(error.errors(include_url=False, include_context=False), status_code=400)
