"""`rollout sandbox`, and `rollout up` where it cannot start."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


@pytest.fixture
def taken_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.usefixtures("here")
def test_a_sandbox_says_where_it_is_until_ctrl_c(free_port):
    command = [sys.executable, "-m", "policy_rollout.cli", "sandbox", "--port", str(free_port)]
    with subprocess.Popen(  # noqa: S603 - our own command
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        first = process.stdout.readline()
        found = requests.get(f"http://127.0.0.1:{free_port}/", timeout=30)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert first == (
        f"Jira and workbook: http://127.0.0.1:{free_port}  (Ctrl-C ends them; what is in them "
        "stays)\n"
    )
    assert (found.status_code, process.returncode, said) == (200, 0, "")


def test_a_port_in_use_is_named_with_the_way_out(rollout, here, taken_port):
    done = rollout("sandbox", "--port", str(taken_port))
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"error: port {taken_port} on 127.0.0.1 cannot be used (Address already in use); end the "
        f"program that has it, or take another: rollout sandbox --port {taken_port + 1}\n"
    )
    assert not (here / ".rollout").exists()


def test_a_port_in_use_leaves_the_addresses_of_a_running_sandbox_alone(rollout, here, taken_port):
    addresses = here / ".rollout" / "sandbox.json"
    addresses.parent.mkdir()
    mine = {
        "jira_url": "http://127.0.0.1:1/jira",
        "jira_email": "a@example.com",
        "jira_token": "t",
        "jira_project": "P",
        "sheets_url": "http://127.0.0.1:1/sheets",
        "sheets_credentials": "c.json",
        "sheets_workbook": "w",
    }
    addresses.write_text(json.dumps(mine))
    rollout("sandbox", "--port", str(taken_port))
    assert json.loads(addresses.read_text()) == mine


def test_a_port_that_is_none_is_wrong_usage(rollout):
    done = rollout("sandbox", "--port", "70000")
    assert done.code == 2
    assert "less than or equal to 65535" in done.err


def test_a_home_that_cannot_be_made_is_named(rollout, here, free_port, monkeypatch):
    monkeypatch.setenv("ROLLOUT_HOME", str(here / "small.yaml"))
    done = rollout("sandbox", "--port", str(free_port))
    assert done.code == 2
    assert done.err == (
        f"error: {here}/small.yaml/sandbox cannot be written (Not a directory); set ROLLOUT_HOME "
        "to a folder that can, such as ROLLOUT_HOME=.rollout\n"
    )


def test_the_stack_starts_only_in_a_checkout(rollout, here):
    done = rollout("up")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"error: {here} has no prefect.yaml, flows, tasks, program_specs: run this in a checkout "
        "of policy-rollout\n"
    )


def test_a_second_stack_in_the_same_folder_is_refused(rollout, here, monkeypatch):
    home = here / ".rollout"
    home.mkdir()
    stack = {
        "pid": os.getpid(),
        "prefect_api_url": "http://127.0.0.1:1/api",
        "prefect_ui_url": "http://127.0.0.1:1",
        "sandbox_url": "http://127.0.0.1:2",
    }
    (home / "stack.json").write_text(json.dumps(stack))
    monkeypatch.setenv("ROLLOUT_HOME", str(home))
    monkeypatch.chdir(CHECKOUT)
    done = rollout("up")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"error: a stack runs in {home} already (process {os.getpid()}); its Prefect UI is "
        "http://127.0.0.1:1. Stop it with Ctrl-C there, or use another ROLLOUT_HOME\n"
    )


UP_REFUSES = (
    "set, expected no installation: `rollout up` works on a sandbox and a journal of its own; take "
    "it out of the environment and .env, or start a worker as the README says\n"
)


@pytest.mark.parametrize(
    "setting",
    [
        {"ROLLOUT_JIRA_URL": "https://example.atlassian.net"},
        {"ROLLOUT_JOURNAL_URL": "postgresql://u:secret@db.example.com/rollout"},
        {"ROLLOUT_SHEETS_WORKBOOK": "1AbCdEfGhIjKlMnOpQrStUvWxYz"},
    ],
    ids=lambda setting: next(iter(setting)),
)
@pytest.mark.parametrize("play", [[], ["--play"]])
def test_up_lets_no_sandbox_people_work_on_an_installation(
    rollout, here, monkeypatch, setting, play
):
    for shipped in ("prefect.yaml", "flows", "tasks", "program_specs"):
        (here / shipped).mkdir()
    (name,) = setting
    monkeypatch.setenv(name, setting[name])

    done = rollout("up", *play)

    assert (done.code, done.out) == (2, "")
    assert done.err == f"error: found {name} {UP_REFUSES}"
    assert not (here / ".rollout").exists()


def test_up_names_all_that_is_set_in_the_env_file(rollout, here):
    (here / ".env").write_text(
        "ROLLOUT_JIRA_URL=https://example.atlassian.net\nROLLOUT_JIRA_PROJECT=POLICY\n"
    )
    assert rollout("up").err == (
        f"error: found ROLLOUT_JIRA_URL, ROLLOUT_JIRA_PROJECT {UP_REFUSES}"
    )
