"""The sandbox as one web application: Jira under /jira, Sheets and Drive under /sheets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from policy_rollout.sandbox import (
    admin,
    jira_bulk_api,
    jira_issue_api,
    jira_pages,
    jira_site_api,
    jira_tables,
    sheets_api,
)
from policy_rollout.sandbox.admin import RequestLog
from policy_rollout.sandbox.control import SERVICE_EMAIL
from policy_rollout.sandbox.database import open_database, reading, writing
from policy_rollout.sandbox.faults import FaultInjection
from policy_rollout.sandbox.jira_accounts import SERVICE_NAME, add_account, all_accounts
from policy_rollout.sandbox.jira_call import site_of
from policy_rollout.sandbox.jira_issues import read_all
from policy_rollout.sandbox.jira_project import EPIC
from policy_rollout.sandbox.pages import page
from policy_rollout.sandbox.state import SandboxState, sandbox_of


def create_app(folder: Path) -> Starlette:
    """The application over the database in a folder, both created if need be."""
    state = SandboxState(open_database(folder))
    jira_tables.metadata.create_all(state.engine)
    with writing(state.engine) as connection:
        add_account(connection, SERVICE_EMAIL, SERVICE_NAME)
    app = Starlette(
        routes=[
            Route("/", home),
            *admin.routes(),
            Mount("/jira", routes=_jira_routes()),
            Mount("/sheets", routes=sheets_api.routes(state.engine)),
        ],
        middleware=[
            Middleware(RequestLog, state=state),
            Middleware(FaultInjection, faults=state.faults),
        ],
        exception_handlers={ClientDisconnect: _nobody_listens},
        lifespan=_lifespan,
    )
    app.state.sandbox = state
    return app


async def _nobody_listens(_request: Request, _error: Exception) -> Response:
    """A client that was killed while it sent: there is nobody to answer, and nothing is wrong."""
    return Response(status_code=HTTPStatus.BAD_REQUEST)


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    yield
    state: SandboxState = app.state.sandbox
    await state.faults.forget()
    state.engine.dispose()


def _jira_routes() -> list[BaseRoute]:
    """Fixed paths before those with a parameter: `issue/bulk` is no issue."""
    return [
        *jira_bulk_api.routes(),
        *jira_site_api.routes(),
        *jira_issue_api.routes(),
        *jira_pages.routes(),
    ]


async def home(request: Request) -> Response:
    return await run_in_threadpool(_home, request)


def _home(request: Request) -> Response:
    with reading(sandbox_of(request).engine) as connection:
        issues = read_all(connection)
        people = [each for each in all_accounts(connection).values() if each.active]
    return page(
        "home.html",
        issues=len(issues),
        epics=sum(issue.type == EPIC.id for issue in issues),
        people=sum(each.email != SERVICE_EMAIL for each in people),
        site=site_of(request),
        service=SERVICE_EMAIL,
    )
