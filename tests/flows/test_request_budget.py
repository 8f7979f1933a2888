"""The budget that all runs share: together they stay below what a service allows."""

import logging
import subprocess
import sys
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import stamina
from carried import SPEC
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate
from prefect.settings import PREFECT_API_URL, temporary_settings

from policy_rollout import connections, prefect_api
from policy_rollout.errors import ServiceUnavailable
from policy_rollout.purse import Purse
from policy_rollout.request_budget import JIRA_REQUESTS, LIMITS, SHEETS_READS, Limit, OverBudget
from policy_rollout.settings import Settings
from policy_rollout.spec.reader import read_valid

pytestmark = pytest.mark.long

RUNS, READS = 4, 3
REQUESTS = 2 * RUNS * READS  # a workbook without our tabs takes two
QUOTA, MINUTE_SECONDS = 20, 2.0
TIGHT = Limit(SHEETS_READS.name, at_once=8, per_second=5)  # 18 in any two seconds


@pytest.fixture
def limits(prefect_home):  # noqa: ARG001  the server must run
    """Makes limits on the server, which are gone again after the test."""
    yield prefect_api.make_limits
    with get_client(sync_client=True) as client:
        for each in client.read_global_concurrency_limits():
            client.delete_global_concurrency_limit_by_name(each.name)
    prefect_api._purses.clear()


@pytest.fixture(autouse=True)
def _nothing_known():
    prefect_api._purses.clear()


def read_often(spec, statuses: list[str]) -> None:
    """One run that reads its workbook again and again, each time as a pass does."""
    for _ in range(READS):
        with closing(connections.open_workbook(Settings.load(), spec)) as workbook:
            try:
                workbook.read(spec.program)
            except ServiceUnavailable as error:
                statuses.append(str(error))


def read_side_by_side() -> list[str]:
    """So many runs at once; what failed."""
    spec, failed = read_valid(SPEC, "demo.yaml"), list[str]()
    runs = [threading.Thread(target=read_often, args=(spec, failed)) for _ in range(RUNS)]
    for each in runs:
        each.start()
    for each in runs:
        each.join()
    return failed


def statuses_of_reads(sandbox) -> list[int]:
    return [each["status"] for each in sandbox.requests() if "/v4/spreadsheets" in each["path"]]


@pytest.fixture
def workbooks(program):
    """The sandbox of the settings, nothing launched; what fails is not tried again."""
    program.sandbox.clear_requests()
    with stamina.set_testing(True, attempts=1):
        yield program.sandbox


def test_runs_side_by_side_that_share_no_budget_are_refused(workbooks):
    workbooks.set_behaviour(sheets_quota=QUOTA)

    assert read_side_by_side()

    assert 429 in statuses_of_reads(workbooks)


def test_runs_side_by_side_stay_together_below_the_quota(workbooks, limits):
    workbooks.set_behaviour(sheets_quota=QUOTA, sheets_minute_seconds=MINUTE_SECONDS)
    limits([TIGHT])

    assert read_side_by_side() == []

    statuses = statuses_of_reads(workbooks)
    assert len(statuses) == REQUESTS
    assert 429 not in statuses


def test_a_turn_that_does_not_come_in_time_is_told_before_anything_is_sent(
    workbooks, limits, monkeypatch
):
    limits([Limit(SHEETS_READS.name, at_once=2, per_second=0.01)])
    spec = read_valid(SPEC, "demo.yaml")

    with closing(connections.open_workbook(Settings.load(), spec)) as workbook:
        # The first turn of a process also loads what Prefect needs for it.
        monkeypatch.setattr(prefect_api, "LONGEST_WAIT_SECONDS", 120)
        workbook.read("demo")
        monkeypatch.setattr(prefect_api, "LONGEST_WAIT_SECONDS", 0.2)
        with pytest.raises(ServiceUnavailable) as caught:
            workbook.read("demo")

    assert str(caught.value) == (
        "Google Sheets: reading the workbook failed: all runs together send as much as Prefect's "
        "limit rollout-sheets-reads allows; it asks to wait 30 s. It is tried again on the next "
        "pass"
    )
    assert len(statuses_of_reads(workbooks)) == 2


def test_a_limit_that_was_set_low_still_holds_back(limits, monkeypatch):
    limits([Limit(JIRA_REQUESTS.name, at_once=5, per_second=0.01)])  # fewer than are taken at once
    monkeypatch.setattr(prefect_api, "LONGEST_WAIT_SECONDS", 0.2)

    for _ in range(4):
        prefect_api.spend(JIRA_REQUESTS, 1)

    assert JIRA_REQUESTS.taken > 5
    with pytest.raises(OverBudget):
        prefect_api.spend(JIRA_REQUESTS, 5)


def test_the_same_is_told_of_jira(program, monkeypatch):
    monkeypatch.setattr(prefect_api, "_take", lambda limit, _: _over(limit))
    program.sandbox.clear_requests()

    with (
        connections.open_jira_site(Settings.load()) as jira,
        pytest.raises(ServiceUnavailable, match="Prefect's limit rollout-jira allows; it asks to"),
    ):
        jira.highest_number()

    assert program.sandbox.requests() == []


def _over(limit: Limit) -> bool:
    raise OverBudget(limit)


def test_limits_are_made_once_and_what_somebody_set_stays(limits):
    limits([SHEETS_READS])
    with get_client(sync_client=True) as client:
        client.upsert_global_concurrency_limit_by_name(SHEETS_READS.name, limit=700)

    limits(LIMITS)

    with get_client(sync_client=True) as client:
        found = {each.name: each for each in client.read_global_concurrency_limits()}
    assert found.keys() >= {each.name for each in LIMITS}
    assert found[SHEETS_READS.name].limit == 700
    assert found["rollout-jira"].limit == 2_000
    assert found["rollout-jira"].slot_decay_per_second == 3_000


def test_a_server_without_the_limits_is_asked_once_a_minute_and_holds_nobody_back(prefect_home):  # noqa: ARG001  the server must run
    prefect_api.spend(SHEETS_READS, 1)

    assert prefect_api._purses[SHEETS_READS.name].pay(1_000)


def test_a_server_that_cannot_be_asked_holds_nobody_back_and_it_is_logged(caplog):
    with (
        temporary_settings({PREFECT_API_URL: "http://127.0.0.1:1/api"}),
        caplog.at_level(logging.WARNING, logger="policy_rollout.prefect_api"),
    ):
        prefect_api.spend(Limit("away", at_once=1, per_second=1), 1)

    assert "The limit away holds nobody back: All connection attempts failed" in caplog.text


def test_a_limit_too_small_for_one_request_holds_nobody_back_and_it_is_logged(limits, caplog):
    limits([Limit("small", at_once=1, per_second=1)])

    with caplog.at_level(logging.WARNING, logger="policy_rollout.prefect_api"):
        prefect_api.spend(Limit("small", at_once=1, per_second=1, taken=5), 1)

    assert "Slots requested is greater than the limit" in caplog.text


def test_a_limit_that_somebody_switched_off_holds_nobody_back(limits):
    limits([Limit("off", at_once=1, per_second=0.01)])
    with get_client(sync_client=True) as client:
        off = GlobalConcurrencyLimitUpdate(active=False)
        client.update_global_concurrency_limit("off", off)

    for _ in range(3):
        prefect_api.spend(Limit("off", at_once=1, per_second=0.01), 1)


class Busy(BaseHTTPRequestHandler):
    """A Prefect server on SQLite while others write: 503, until it has been asked three times."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append(self.path)
        self.send_response(200 if len(self.server.asked) == 3 else 503)
        self.end_headers()
        self.wfile.write(b'[{"name": "rollout-jira"}]')

    def log_message(self, *_):
        pass


def test_a_server_whose_database_is_locked_is_asked_again_at_once(monkeypatch):
    monkeypatch.setattr(prefect_api, "rate_limit", None)  # Prefect's own way waits for seconds
    with HTTPServer(("127.0.0.1", 0), Busy) as server:
        server.asked = []
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            with temporary_settings(
                {PREFECT_API_URL: f"http://127.0.0.1:{server.server_port}/api"}
            ):
                assert prefect_api._take(JIRA_REQUESTS, 10)
        finally:
            server.shutdown()
            serving.join()

    assert server.asked == ["/api/v2/concurrency_limits/increment"] * 3


def test_counts_go_on_behind_the_run_that_made_the_first_one(limits):
    limits([JIRA_REQUESTS])
    prefect_api._counting_client.cache_clear()

    @flow
    def counting() -> bool:
        return prefect_api._take(JIRA_REQUESTS, 1)

    assert (counting(), counting()) == (True, True)


def test_without_any_server_nothing_is_asked_for():
    with temporary_settings({PREFECT_API_URL: None}):
        prefect_api.spend(SHEETS_READS, 1)


# What a process has taken


class Clock:
    def __init__(self, monkeypatch) -> None:
        self.now = 0.0
        monkeypatch.setattr("policy_rollout.purse.time.monotonic", lambda: self.now)


def test_what_was_taken_together_is_paid_out_one_by_one(monkeypatch):
    clock = Clock(monkeypatch)
    purse = Purse()
    assert not purse.pay(1)

    purse.fill(3)

    assert [purse.pay(2), purse.pay(2), purse.pay(1), purse.pay(1)] == [True, False, True, False]
    assert clock.now == 0


def test_what_was_taken_lapses_after_a_second(monkeypatch):
    clock, purse = Clock(monkeypatch), Purse()
    purse.fill(3)
    clock.now = 0.9
    assert purse.pay(1)

    clock.now = 1.0

    assert not purse.pay(1)


def test_where_nothing_counts_there_is_nothing_to_pay_for_a_minute(monkeypatch):
    clock, purse = Clock(monkeypatch), Purse()
    purse.lift()
    clock.now = 59.0
    assert purse.pay(1_000)

    clock.now = 60.0

    assert not purse.pay(1)


def test_a_command_without_a_server_reads_jira_without_prefect():
    code = (
        "import sys; from policy_rollout.connections import _spend; "
        "from policy_rollout.request_budget import unlimited; "
        "assert _spend() is unlimited; assert 'prefect' not in sys.modules"
    )

    done = subprocess.run(  # noqa: S603  our own code
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, env={}
    )

    assert (done.returncode, done.stderr) == (0, "")
