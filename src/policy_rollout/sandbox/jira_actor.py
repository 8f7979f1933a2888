"""Who looks at the sandbox's Jira pages, and what they do there: through the API's own handlers."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request

from policy_rollout.sandbox.control import SERVICE_EMAIL
from policy_rollout.sandbox.database import reading
from policy_rollout.sandbox.jira_accounts import SITE_ZONE, Account, all_accounts
from policy_rollout.sandbox.jira_call import Answer, Call, now_ms, site_of
from policy_rollout.sandbox.state import sandbox_of

ACTOR_COOKIE = "act_as"


def people_of(request: Request) -> list[Account]:
    """Everybody whom one may act as, by name; not the service account."""
    with reading(sandbox_of(request).engine) as connection:
        known = all_accounts(connection).values()
    return [each for each in known if each.active and each.email != SERVICE_EMAIL]


def actor_of(request: Request, people: list[Account]) -> Account | None:
    """The person chosen in this browser; None until one is chosen."""
    chosen = request.cookies.get(ACTOR_COOKIE)
    return next((each for each in people if each.account_id == chosen), None)


def act(
    request: Request, actor: Account, handler: Callable[[Call], Answer], issue: str, body: Any
) -> None:
    """Do what an API call would do, as a person.

    Raises:
        JiraRefused: as the API would.
    """
    state = sandbox_of(request)
    handler(
        Call(
            engine=state.engine,
            behaviour=state.behaviour,
            site=site_of(request),
            viewer=actor,
            now_ms=now_ms(),
            path={"issue": issue},
            query={},
            body=body,
        )
    )


def moment(milliseconds: int) -> str:
    """A time for people, in the site's zone: `Thu 1 Jan 2026, 18:27 (UTC+08:00)`."""
    local = datetime.fromtimestamp(milliseconds / 1000, UTC).astimezone(ZoneInfo(SITE_ZONE))
    offset = local.strftime("%z")
    day = f"{local:%a} {local.day} {local:%b %Y}"
    return f"{day}, {local:%H:%M} (UTC{offset[:3]}:{offset[3:]})"


def today() -> str:
    """The date in the site's zone, as due dates are written."""
    return datetime.fromtimestamp(now_ms() / 1000, ZoneInfo(SITE_ZONE)).date().isoformat()
