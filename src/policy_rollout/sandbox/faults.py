"""Faults that the sandbox can be told to show: slowness, refusals, lost and late answers."""

from starlette.types import ASGIApp, Receive, Scope, Send


class FaultInjection:
    """ASGI middleware around Jira and Sheets alike."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)
