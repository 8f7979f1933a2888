"""What a running sandbox holds besides its database: behaviour, fault rules, request log."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine
from starlette.requests import Request

from policy_rollout.sandbox.behaviour import Behaviour
from policy_rollout.sandbox.faults import Faults
from policy_rollout.sandbox.jira_limits import BurstLimits
from policy_rollout.sandbox.sheets_quota import Quota

REQUESTS_KEPT = 50_000


@dataclass(slots=True)
class SandboxState:
    """Lives as long as the server; changed by the admin endpoints only."""

    engine: Engine
    behaviour: Behaviour = field(default_factory=Behaviour)
    limits: BurstLimits = field(default_factory=BurstLimits)
    quota: Quota = field(default_factory=Quota)
    faults: Faults = field(default_factory=Faults)
    requests: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=REQUESTS_KEPT))


def sandbox_of(request: Request) -> SandboxState:
    state: SandboxState = request.app.state.sandbox
    return state
