"""Launch, resume and look up runs over Prefect's client: the only file here that imports prefect.

Talks to the Prefect server that Prefect's own settings name (`PREFECT_API_URL` or the profile).
"""

import atexit
import json
import logging
import random
import time
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from http import HTTPStatus
from threading import Lock
from typing import Any
from uuid import UUID

import httpx
import stamina
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate, WorkPoolCreate
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    ArtifactFilterKey,
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.responses import SetStateStatus
from prefect.client.schemas.sorting import FlowRunSort
from prefect.concurrency.asyncio import ConcurrencySlotAcquisitionError
from prefect.concurrency.sync import rate_limit
from prefect.events.filters import (
    EventFilter,
    EventNameFilter,
    EventOccurredFilter,
    EventOrder,
    EventResourceFilter,
)
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound, PrefectHTTPStatusError
from prefect.settings import get_current_settings
from prefect.states import Cancelled, Scheduled
from prefect.utilities.urls import url_for
from pydantic import ValidationError

from policy_rollout.errors import PrefectUnavailable, RolloutError
from policy_rollout.heartbeats import NONE_HEARD, Heartbeats
from policy_rollout.purse import Purse
from policy_rollout.request_budget import (
    LONGEST_WAIT_SECONDS,
    SLOTS_A_REQUEST,
    Limit,
    OverBudget,
)

FLOW = "rollout"
DEPLOYMENT = f"{FLOW}/rollout"
WATCH_DEPLOYMENT = "watch/watch"
_log = logging.getLogger(__name__)
_PAGE = 200
_INCREMENT = "/v2/concurrency_limits/increment"
_COUNTED_WITHIN_SECONDS = 5.0
_PAUSES_WHILE_BUSY_SECONDS = (0.03, 0.06, 0.12, 0.25)
_LATELY = timedelta(hours=2)
_START_OR_SET = "Start one with: rollout up. Or set PREFECT_API_URL to the one that is running"
_IS_IT_PREFECT = (
    "See that PREFECT_API_URL is the address of a Prefect server, that its key or password is set, "
    "and what the server's log says"
)


@dataclass(frozen=True, slots=True)
class RunSeen:
    """A flow run: `state` is Prefect's type in lower case (`paused`, `running`, `crashed`...).

    `state_id` tells this state of the run from a later one of the same type.
    """

    run: str
    name: str
    state: str
    message: str
    since: datetime | None
    state_id: str

    @property
    def is_waiting(self) -> bool:
        return self.state == "paused"

    @property
    def is_started(self) -> bool:
        return self.state not in {"scheduled", "pending"}

    @property
    def is_over(self) -> bool:
        return self.state in {"completed", "failed", "cancelled", "crashed"}


def make_limits(limits: Collection[Limit]) -> None:
    """Make those of the shared limits that the server does not have; others stay as they are."""
    with prefect_client() as client:
        there = {each.name for each in client.read_global_concurrency_limits(limit=_PAGE)}
        for each in limits:
            if each.name not in there:
                with suppress(ObjectAlreadyExists):  # somebody else was first
                    client.create_global_concurrency_limit(
                        GlobalConcurrencyLimitCreate(
                            name=each.name,
                            limit=each.slots,
                            slot_decay_per_second=each.slots_per_second,
                        )
                    )


def process_pool(name: str, command: str) -> WorkPoolCreate:
    """A pool whose workers start a process for each run, to be made; takes long to load.

    `command` is what they start. Without one Prefect starts Python twice for a run, a first time
    to make the folder ready that the run works in.
    """
    from prefect.workers.process import ProcessWorker  # noqa: PLC0415 - long to load, here alone

    template = ProcessWorker.get_default_base_job_template()
    template["variables"]["properties"]["command"]["default"] = command
    return WorkPoolCreate(name=name, type=ProcessWorker.type, base_job_template=template)


def make_work_pool(pool: WorkPoolCreate) -> None:
    """Make the pool, or make one of its name such."""
    with prefect_client() as client:
        client.create_work_pool(pool, overwrite=True)


_purses: defaultdict[str, Purse] = defaultdict(Purse)


def spend(limit: Limit, requests: int) -> None:
    """Wait until all who use this server may send so many requests more; then they are counted.

    Where the server has no such limit, or cannot be asked, nothing is held back.

    Raises:
        OverBudget: nothing came free in time.
    """
    purse = _purses[limit.name]
    with purse.lock:
        if purse.pay(requests):
            return
        # Fewer where the limit was set too low in Prefect for as many as it is made for.
        for taken in dict.fromkeys((max(limit.taken, requests), requests)):
            if _take(limit, taken):
                purse.fill(taken)
                purse.pay(requests)
                return
        purse.lift()


def _take(limit: Limit, requests: int) -> bool:
    """Whether they were counted; False where there is nothing that counts."""
    url = get_current_settings().api.url
    if not url:
        return False
    slots = requests * SLOTS_A_REQUEST
    counted = _counted_at_once(url, limit.name, slots)
    if counted is not None:
        return counted
    try:
        rate_limit(limit.name, occupy=slots, timeout_seconds=LONGEST_WAIT_SECONDS, strict=True)
    except TimeoutError:
        raise OverBudget(limit) from None
    except ConcurrencySlotAcquisitionError as error:
        if error.__cause__ is not None:  # without one, there is no such limit
            _log.warning("The limit %s holds nobody back: %s", limit.name, error.__cause__)
        return False
    return True


def _counted_at_once(url: str, limit: str, slots: int) -> bool | None:
    """Whether they were counted; None where that takes Prefect's own way, with its waits.

    On SQLite the server answers 503 where another write comes between: nothing was counted, and
    Prefect's client would try again after two seconds.
    """
    with _OPENING:  # two that open one at once would leave one open that nobody holds
        client = _counting_client(url)
    for pause in _PAUSES_WHILE_BUSY_SECONDS:
        body = {"names": [limit], "slots": slots, "mode": "rate_limit"}
        asked = client.build_request("POST", _INCREMENT, json=body)
        try:
            answer = httpx.Client.send(client, asked)
        except httpx.TransportError:
            return None
        if answer.is_success:
            return bool(answer.json())  # the limits that count; none where there is none
        if answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
            return None
        time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311  no secret: so that two part
    return None


_OPENING = Lock()


@lru_cache(maxsize=4)
def _counting_client(_url: str) -> httpx.Client:
    """With the address, credentials and certificates that Prefect's settings name.

    And with settings of its own: else, in a run, it would be the run's client, closed at its end.
    """
    own = {"timeout": _COUNTED_WITHIN_SECONDS}
    client: httpx.Client = get_client(own, sync_client=True)._client  # noqa: SLF001 - the only way around its waits
    atexit.register(client.close)
    return client


class RunRefused(RolloutError):
    """Prefect refused a change of a run's state; the text says why."""


@contextmanager
def prefect_client() -> Iterator[SyncPrefectClient]:
    """A client whose failures are ours; it never retries a write by itself."""
    if not get_current_settings().api.url:  # Prefect would start a server of its own, without flows
        raise PrefectUnavailable("no server is named", _START_OR_SET)
    try:
        with get_client(sync_client=True) as client:
            yield client
    except PrefectHTTPStatusError as error:
        raise PrefectUnavailable(
            f"the server answered HTTP {error.response.status_code}", _IS_IT_PREFECT
        ) from None
    except (json.JSONDecodeError, ValidationError) as error:
        raise PrefectUnavailable(
            f"the server's answer is not understood ({type(error).__name__})", _IS_IT_PREFECT
        ) from None
    except (httpx.TransportError, RuntimeError) as error:
        raise PrefectUnavailable(
            f"the server does not answer ({type(error).__name__})",
            _START_OR_SET,
        ) from None


def launch(spec_text: str, *, spec_path: str, program: str, continues: str = "") -> str:
    """Start a run of the deployment for a spec; answers the run's id.

    `continues` is the id of a lost run whose program the new one takes up.

    Raises:
        PrefectUnavailable: no server, or the flows are not deployed there.
    """
    with prefect_client() as client:
        run = client.create_flow_run_from_deployment(
            _deployment(client, DEPLOYMENT),
            parameters={"pasted_spec": spec_text, "source": spec_path, "continues": continues},
            name=program,
        )
        return str(run.id)


def watch_now() -> None:
    """Start a run of `watch` without waiting for its schedule."""
    with prefect_client() as client:
        client.create_flow_run_from_deployment(_deployment(client, WATCH_DEPLOYMENT))


def _deployment(client: SyncPrefectClient, name: str) -> UUID:
    try:
        return client.read_deployment_by_name(name).id
    except ObjectNotFound:
        raise PrefectUnavailable(
            f"there is no deployment {name!r}",
            "Deploy the flows from the checkout: prefect deploy --all",
        ) from None


def look_up(runs: Collection[str]) -> dict[str, RunSeen]:
    """The runs that Prefect knows, by id."""
    seen: dict[str, RunSeen] = {}
    wanted = [UUID(run) for run in runs]
    with prefect_client() as client:
        for start in range(0, len(wanted), _PAGE):
            page = FlowRunFilter(id=FlowRunFilterId(any_=wanted[start : start + _PAGE]))
            for run in client.read_flow_runs(flow_run_filter=page, limit=_PAGE):
                seen[str(run.id)] = _seen(run)
    return seen


def runs_to_mind(now: datetime) -> tuple[RunSeen, ...]:
    """Runs of programs that are at work, and those that lately ended otherwise than completed.

    Two questions, whatever the number of runs: waiting ones are not asked for. Where more than a
    page ended so within two hours, the newest are told.
    """
    at_work = FlowRunFilterState(
        type=FlowRunFilterStateType(any_=[StateType.RUNNING, StateType.PENDING])
    )
    ended = FlowRunFilterState(
        type=FlowRunFilterStateType(any_=[StateType.CRASHED, StateType.FAILED, StateType.CANCELLED])
    )
    lately = FlowRunFilterEndTime(after_=now - _LATELY)
    wanted = (FlowRunFilter(state=at_work), FlowRunFilter(state=ended, end_time=lately))
    with prefect_client() as client:
        return tuple(
            _seen(run)
            for each in wanted
            for run in client.read_flow_runs(
                flow_filter=FlowFilter(name=FlowFilterName(any_=[FLOW])),
                flow_run_filter=each,
                sort=FlowRunSort.EXPECTED_START_TIME_DESC,
                limit=_PAGE,
            )
        )


def _seen(run: FlowRun) -> RunSeen:
    state = run.state
    return RunSeen(
        run=str(run.id),
        name=run.name,
        state=state.type.value.lower() if state else "pending",
        message=(state.message or "") if state else "",
        since=state.timestamp if state else None,
        state_id=str(state.id) if state else "",
    )


class _Busy(Exception):
    """The server was asked in the very moment the run turned; ask again. Its text says why."""


def resume(run: str, answer: dict[str, Any]) -> bool:
    """Answer the run's form and let it go on; False when it does not wait any more, or is gone.

    A resume in the very moment a run suspends may be lost or answered with 503, so the answer
    is read and the question repeated until the server accepts it. Resuming twice is safe.

    Raises:
        RunRefused: the server does not accept the answer.
    """
    try:
        return _answer(run, answer)
    except ObjectNotFound:
        return False
    except _Busy as busy:
        with prefect_client() as client:
            found = client.read_flow_run(UUID(run))
            if _has_lost_its_form(client, found):
                return start_again(_seen(found), "it was killed while it suspended")
        raise RunRefused(f"Prefect did not resume {found.name}: {busy}") from None


@stamina.retry(on=_Busy, attempts=8, timeout=30, wait_initial=0.2, wait_max=3)
def _answer(run: str, answer: dict[str, Any]) -> bool:
    with prefect_client() as client:
        found = client.read_flow_run(UUID(run))
        if found.state is None or not found.state.is_paused():
            return False
        try:
            result = client.resume_flow_run(UUID(run), run_input=answer)
        except PrefectHTTPStatusError as error:
            if error.response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
                raise _Busy(f"HTTP {error.response.status_code}") from None
            raise RunRefused(
                f"Prefect refused to resume {found.name}: {error.response.text}"
            ) from None
        if result.status is SetStateStatus.ACCEPT:
            return True
        raise _Busy(getattr(result.details, "reason", None) or str(result.status))


def _has_lost_its_form(client: SyncPrefectClient, found: FlowRun) -> bool:
    """Whether the run waits, but its process ended before it had stored what it asks for.

    `suspend_flow_run` sets the state first and stores the form's schema after; without the
    schema the server refuses every answer.
    """
    if found.state is None or not found.state.is_paused():
        return False
    keys = found.state.state_details.run_input_keyset
    return keys is not None and _input(client, found.id, keys["schema"]) is None


def start_again(seen: RunSeen, why: str) -> bool:
    """Schedule a run that crashed or fell silent; its flow goes on from the journal.

    False, and nothing is done, when it left the state in which it was seen, or was deleted:
    somebody else started it again, and a second start would carry the program twice.
    """
    with prefect_client() as client:
        try:
            found = client.read_flow_run(UUID(seen.run))
        except ObjectNotFound:
            return False
        if _seen(found).state_id != seen.state_id:
            return False
        client.set_flow_run_state(UUID(seen.run), Scheduled(message=why), force=True)
        return True


def heartbeats_every() -> timedelta:
    """How often the runs of our deployments send heartbeats; zero where they are told not to."""
    return timedelta(seconds=get_current_settings().flows.heartbeat_frequency or 0)


def heartbeats(run: str, since: datetime, *, every: timedelta) -> Heartbeats:
    """What the server heard of a run since a moment, and after that of all other runs."""
    own = EventResourceFilter(id=[f"prefect.flow-run.{run}"])
    with prefect_client() as client:
        last = _heard(client, since, EventOrder.DESC, whose=own)
        if not last:
            return NONE_HEARD
        ends = (EventOrder.ASC, EventOrder.DESC)
        others = [_heard(client, last[0] + every, order) for order in ends]
    return Heartbeats(last[0], tuple(each for end in others for each in end))


def _heard(
    client: SyncPrefectClient,
    since: datetime,
    order: EventOrder,
    whose: EventResourceFilter | None = None,
) -> list[datetime]:
    """When the first or the last heartbeat since a moment was sent, if there is one."""
    wanted = EventFilter(
        event=EventNameFilter(name=["prefect.flow-run.heartbeat"]),
        occurred=EventOccurredFilter(since=since),
        resource=whose,
        order=order,
    )
    return [each.occurred for each in client.read_events(wanted, limit=1).events]


def cancel(run: str, why: str) -> None:
    """Nothing where the run was deleted."""
    with prefect_client() as client, suppress(ObjectNotFound):
        client.set_flow_run_state(UUID(run), Cancelled(message=why), force=True)


def given_answer(run: str, wait_key: str) -> dict[str, Any] | None:
    """The answer that was given to a form of a suspended run, or None while it waits.

    `suspend_flow_run(key=K)` keeps it under `suspended-K-response`.
    """
    with prefect_client() as client:
        text = _input(client, UUID(run), f"suspended-{wait_key}-response")
    return None if text is None else _as_answer(text)


def _input(client: SyncPrefectClient, run: UUID, key: str) -> str | None:
    """A text stored with a run, None where there is none under this key."""
    try:
        return client.read_flow_run_input(run, key)
    except PrefectHTTPStatusError as error:
        if error.response.status_code == httpx.codes.NOT_FOUND:
            return None
        raise


def _as_answer(text: str) -> dict[str, Any]:
    found = json.loads(text)
    return found if isinstance(found, dict) else {}


def board_path(run: str, program: str) -> str:
    """Where a program's board stands below the Prefect UI's address; its run until there is one."""
    board = ArtifactFilter(
        flow_run_id=ArtifactFilterFlowRunId(any_=[UUID(run)]),
        key=ArtifactFilterKey(any_=[f"board-{program}"]),
    )
    with prefect_client() as client:
        found = client.read_artifacts(artifact_filter=board, limit=1)
    return f"artifacts/artifact/{found[0].id}" if found else f"runs/flow-run/{run}"


def run_url(run: str) -> str:
    """The run's page in the Prefect UI; empty where no UI address is known."""
    return url_for("flow-run", obj_id=UUID(run)) or ""
