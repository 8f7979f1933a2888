"""Programs on a real server, worker and sandbox; the tests share the stack and run in order."""

import os
import re
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import psutil
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Cancelling
from running_up import (
    PROFILE,
    RIMA,
    SLOWEST_SECONDS,
    TOSEI,
    as_json,
    ended,
    engine_of,
    form_of,
    start_up,
    state_of_run,
    until,
)

from policy_rollout import prefect_api
from policy_rollout.forking import FORKS
from policy_rollout.playing import WATCH_SECONDS
from policy_rollout.stack import PREFECT_PORT, SANDBOX_PORT

pytestmark = pytest.mark.long

CHECK = {"action": "check now", "note": "by hand"}
SIGN_OFF = "first/write/sign-off:policy"
SQLITE_IS_BUSY = "database is locked"
"""Prefect's server answers 503 then, and whoever asked asks again."""
REACTS_WITHIN_SECONDS = WATCH_SECONDS + 30
"""A look of watch, and the start of a process on a busy machine."""


def test_other_ports_are_found_where_the_usual_ones_are_taken(up):
    assert f":{PREFECT_PORT}" not in up.address.prefect_api_url
    assert f":{SANDBOX_PORT}" not in up.address.sandbox_url


def test_a_launch_by_the_command_line_waits_with_the_evidence_in_its_form(up):
    code, out, err = up.rollout("launch", up.spec("first"), "--json")

    assert code == 0, err
    launched = as_json(out)
    assert launched["stands"] == "paused"
    form = form_of(launched["run"], 0)
    assert "Write it" in form
    assert "0 of 1" in form
    assert up.marks("first") == {"first/epic": 1, "first/write/guideline": 1}


def test_work_done_in_jira_moves_the_program_without_anybody_pressing_resume(up):
    up.sandbox.as_person(RIMA).move(up.state("first").issues["first/write/guideline"], "Done")

    until(
        lambda: SIGN_OFF in up.state("first").issues,
        "the sign-off is asked for",
        REACTS_WITHIN_SECONDS,
    )


def test_a_resume_without_an_answer_counts_as_a_wait_and_the_run_waits_again(up):
    state = up.state("first")
    up.until_it_waits(state.run)
    waits = up.state("first").waits

    with prefect_api.prefect_client() as client:
        client.resume_flow_run(UUID(state.run))

    until(lambda: up.state("first").waits > waits, "the wait is counted")
    up.until_it_waits(state.run)
    assert "Sign here:" in form_of(state.run, up.state("first").waits)


def test_a_run_resumed_twice_at_once_after_the_last_sign_off_ends_once(up):
    state = up.state("first")
    up.until_it_waits(state.run)
    up.sandbox.as_person(TOSEI).move(up.state("first").issues[SIGN_OFF], "Approved")

    with ThreadPoolExecutor(2) as threads:
        api_url = up.address.prefect_api_url
        list(threads.map(lambda _: resume(state.run, api_url), range(2)))

    until(lambda: state_of_run(state.run) == "completed", "the end")
    assert up.kinds("first").count("program_finished") == 1
    assert up.marks("first") == {"first/epic": 1, "first/write/guideline": 1, SIGN_OFF: 1}


def resume(run: str, api_url: str) -> bool:
    with temporary_settings({PREFECT_API_URL: api_url}):
        return prefect_api.resume(run, CHECK)


def test_a_run_whose_process_is_killed_goes_on_and_doubles_nothing(up):
    up.sandbox.set_faults({"kind": "latency", "seconds": 3, "path": "/issueLink$|:batchUpdate$"})
    code, out, _ = up.rollout("launch", up.spec("killed"), "--json", "--no-wait")
    assert code == 0
    run = as_json(out)["run"]
    until(lambda: up.state("killed").issues, "the epic is there")
    engine = engine_of(run, up.processes())
    assert engine is not None

    os.kill(engine.pid, signal.SIGKILL)

    up.until_it_waits(run)
    assert up.marks("killed") == {"killed/epic": 1, "killed/write/guideline": 1}
    assert up.keys("killed") == {"killed/write/queues/routing": 1}
    assert up.kinds("killed").count("launched") == 1


def test_of_two_launches_at_the_same_moment_one_carries_the_program(up):
    path = up.spec("twice")

    both = [up.begin("launch", path, "--json") for _ in range(2)]
    answers = [ended(each) for each in both]

    assert sorted(code for code, _, _ in answers) == [0, 1]
    refused = next(out + err for code, out, err in answers if code == 1)
    assert "program 'twice' was already launched on 20" in refused.replace("\\n", " ")
    assert up.marks("twice") == {"twice/epic": 1, "twice/write/guideline": 1}
    assert up.keys("twice") == {"twice/write/queues/routing": 1}
    assert up.kinds("twice").count("launched") == 1


def test_a_shipped_program_is_launched_by_its_name_as_the_form_does(up):
    name = "twitch-hateful-conduct-2021"

    run = launch_by_form({"program": name})

    up.until_it_waits(run)
    assert up.state(name).run == run
    assert up.state(name).trouble is None
    assert up.marks(name)[f"{name}/write/guideline"] == 1


def launch_by_form(parameters: dict[str, str]) -> str:
    with prefect_api.prefect_client() as client:
        deployment = prefect_api._deployment(client, prefect_api.DEPLOYMENT)
        return str(client.create_flow_run_from_deployment(deployment, parameters=parameters).id)


def test_a_run_that_is_cancelled_holds_its_program_until_it_goes_on(up):
    code, out, err = up.rollout("launch", up.spec("cancelled"), "--json")
    assert code == 0, err
    run = as_json(out)["run"]

    with prefect_api.prefect_client() as client:  # what the button in the Prefect UI does
        client.set_flow_run_state(UUID(run), Cancelling())

    until(lambda: up.state("cancelled").held, "watch notes the hold", REACTS_WITHIN_SECONDS)
    up.sandbox.as_person(RIMA).move(
        up.state("cancelled").issues["cancelled/write/guideline"], "Done"
    )
    code, out, err = up.rollout("go-on", "cancelled")
    assert code == 0, err
    assert "its run, which was cancelled, is started again" in out
    sign_off = "cancelled/write/sign-off:policy"
    until(lambda: sign_off in up.state("cancelled").issues, "the sign-off is asked for")
    up.until_it_waits(run)
    assert set(up.marks("cancelled").values()) == {1}
    assert up.keys("cancelled") == {"cancelled/write/queues/routing": 1}


def test_a_second_stack_in_the_same_folder_is_refused(up):
    code, out, err = up.rollout("up")

    assert code == 2
    told = " ".join((out + err).split())
    assert f"a stack runs in {up.home} already (process {up.process.pid})" in told
    assert "Stop it with Ctrl-C there, or use another ROLLOUT_HOME" in told


def test_a_running_program_is_amended_and_a_saved_plan_is_applied(up):
    path = up.spec("changed")
    assert up.rollout("launch", path, "--json")[0] == 0
    as_launched = Path(path).read_text()
    more = as_launched.replace("{routing: Route", "{breaks: Agree on breaks, routing: Route")
    Path(path).write_text(more)

    code, out, err = up.rollout("amend", path, "--reason", "Breaks are missing", "--yes")

    assert code == 0, out + err
    assert "changed is amended, journal entry" in out
    both = {"changed/write/queues/routing": 1, "changed/write/queues/breaks": 1}
    assert up.keys("changed") == both

    Path(path).write_text(as_launched.replace("Write it", "Do it"))
    saved = str(up.home.parent / "changed.plan")
    options = ("--reason", "No breaks after all", "--allow-closures")
    code, out, err = up.rollout("plan", path, "--out", saved, *options)
    assert code == 0, out + err
    code, out, err = up.rollout("apply", saved, "--allow-closures")

    assert code == 0, out + err
    assert up.keys("changed") == both
    assert "No breaks after all" in up.workbook.cells("changed/write/queues/breaks")["Message"]
    assert up.marks("changed") == {"changed/epic": 1, "changed/write/guideline": 1}
    code, _, err = up.rollout("apply", saved, "--allow-closures")
    assert code == 1
    assert "applied already" in err


def test_the_servers_had_nothing_to_complain_about(up):
    for name in ("server", "sandbox", "deploy", "fork-server"):
        log = (up.home / "logs" / f"{name}.log").read_text()
        records = re.split(r"(?m)^(?=\d\d:\d\d:\d\d\.\d+ )", log)
        complaints = [
            record
            for record in records
            if re.search(r"ERROR|Traceback", record) and SQLITE_IS_BUSY not in record
        ]
        assert complaints == [], name


@pytest.mark.skipif(not FORKS, reason="forks on Linux alone")
def test_its_runs_are_forked_from_a_process_that_has_them_loaded(up):
    def forked() -> bool:
        found = 0
        for each in up.processes():
            with suppress(psutil.Error):  # it has just ended
                found += "flows.fork_server" in each.cmdline()
        return found > 2  # the fork server, its guard, and a run

    until(forked, "a look of watch is forked")
    said = (up.home / "logs" / "worker.log").read_text()
    assert "Flow run" in said
    assert "this run starts Python anew" not in said


def test_the_prefect_of_the_person_is_as_it_was(up, home_of_a_person):  # noqa: ARG001  after all else
    found = {path.name: path for path in (home_of_a_person / ".prefect").iterdir()}

    assert found.keys() == {"profiles.toml"}
    assert found["profiles.toml"].read_text() == PROFILE


def test_a_stack_at_work_leaves_no_process_behind(up):
    started = up.processes()

    up.process.terminate()

    _, alive = psutil.wait_procs(started, timeout=SLOWEST_SECONDS)
    assert alive == []
    assert not (up.home / "stack.json").exists()


def test_after_the_loss_of_prefect_s_database_a_program_is_taken_up_from_the_journal(
    up, home_of_a_person
):
    before = up.state("cancelled")
    shutil.rmtree(up.home / "prefect")

    with start_up(up.home, home_of_a_person) as again:
        again.wait_until_it_says("stays up")
        code, out, err = again.rollout("launch", "--continue", "cancelled", "--json")

        assert code == 0, err
        launched = as_json(out)
        assert launched["stands"] == "paused"
        assert again.state("cancelled").run == launched["run"] != before.run
        assert again.state("cancelled").issues == before.issues
        assert set(again.marks("cancelled").values()) == {1}
        code, _, err = again.rollout("launch", "--continue", again.spec("cancelled"))
        assert code == 1
        assert "which Prefect knows as paused" in " ".join(err.split())
