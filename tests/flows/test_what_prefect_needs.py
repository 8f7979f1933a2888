"""What Prefect's server needs: of the packages that are held back for it, and of who starts it."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import psutil
import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.schedules import IntervalSchedule
from prefect.settings import PREFECT_API_URL


@flow
def every_hour() -> None:
    """A flow with a schedule."""


@pytest.fixture
def deployed(prefect_home):  # noqa: ARG001  the server must run
    """A deployment made as `prefect deploy` makes one: with empty fields in its requests."""
    with get_client(sync_client=True) as client:
        flow_id = client.create_flow(every_hour)
        pool = None
        return client.create_deployment(
            flow_id,
            name="hourly",
            description=None,
            work_pool_name=pool,
            tags=None,
            parameters=None,
        )


def test_fastapi_takes_the_empty_fields_that_prefect_s_client_sends(deployed):
    with get_client(sync_client=True) as client:
        made = client.create_flow_run_from_deployment(deployed, idempotency_key=None, tags=None)

    assert made.deployment_id == deployed


def test_sqlalchemy_writes_the_runs_that_prefect_s_scheduler_plans(deployed):
    first = datetime.now(UTC) + timedelta(hours=1)
    hourly = IntervalSchedule(interval=timedelta(hours=1), anchor_date=first)

    async def schedule() -> int:
        async with get_client() as client:
            await client.create_deployment_schedules(deployed, [(hourly, True)])
            answer = await client._client.post(
                f"/deployments/{deployed}/schedule", json={"min_runs": 3}
            )
            answer.raise_for_status()
            planned = await client.get_scheduled_flow_runs_for_deployments([deployed], limit=10)
            return len(planned)

    assert asyncio.run(schedule()) >= 3


def test_the_server_here_collects_its_garbage_in_a_thread_of_its_own(prefect_home):  # noqa: ARG001  the server must run
    """Else everything stands still for a minute now and then: `policy_rollout.gc_thread`."""
    port = str(urlsplit(PREFECT_API_URL.value()).port)
    commands = []
    for each in psutil.Process().children():
        with suppress(psutil.Error):  # it has just ended
            commands.append(each.cmdline())
    (ours,) = (each for each in commands if port in each)
    assert ours[1:4] == ["-m", "policy_rollout.gc_thread", "uvicorn"]
