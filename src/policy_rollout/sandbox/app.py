"""The sandbox as one web application: Jira under /jira, Sheets and Drive under /sheets."""

from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from policy_rollout.sandbox.database import open_database
from policy_rollout.sandbox.faults import FaultInjection
from policy_rollout.sandbox.pages import page


def create_app(folder: Path) -> Starlette:
    """The application over the database in a folder, both created if need be."""
    engine = open_database(folder)
    routes: list[BaseRoute] = [Route("/", home)]
    app = Starlette(routes=routes, middleware=[Middleware(FaultInjection)])
    app.state.engine = engine
    return app


async def home(_: Request) -> Response:
    return page("home.html")
