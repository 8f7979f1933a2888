"""Which Prefect server a command talks to, from the environment and the stack of the folder."""

import json
import os
from pathlib import Path

import psutil
import pytest

from policy_rollout.errors import SettingsWrong
from policy_rollout.prefect_address import run_url, use_running_stack
from policy_rollout.stack import StackAddress

RUN = "0f0e0d0c-0b0a-4908-8706-050403020100"
STACK = {
    "pid": os.getpid(),
    "prefect_api_url": "http://127.0.0.1:4201/api",
    "prefect_ui_url": "http://127.0.0.1:4201",
    "sandbox_url": "http://127.0.0.1:8701",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """Only what a test sets; what is set by the code under test is undone."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("PREFECT_")}
    monkeypatch.setattr(os, "environ", kept)
    return kept


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder whose stack is this process."""
    (tmp_path / "stack.json").write_text(json.dumps(STACK))
    return tmp_path


def test_a_running_stack_is_used(home, environment):
    use_running_stack(home)
    assert environment["PREFECT_API_URL"] == "http://127.0.0.1:4201/api"
    assert environment["PREFECT_UI_URL"] == "http://127.0.0.1:4201"
    assert environment["PREFECT_PROFILES_PATH"] == str(home / "prefect" / "profiles.toml")


def test_a_server_of_the_environment_goes_before_the_stack(home, environment):
    environment["PREFECT_API_URL"] = "http://prefect.example/api"
    use_running_stack(home)
    assert environment["PREFECT_API_URL"] == "http://prefect.example/api"
    assert "PREFECT_HOME" not in environment


def test_the_stack_is_reached_past_a_proxy(home, environment):
    environment["NO_PROXY"] = "intern.example"
    use_running_stack(home)
    assert environment["NO_PROXY"] == "intern.example,127.0.0.1"


def test_the_name_of_the_proxy_list_that_the_user_does_not_use_is_set_as_well(home, environment):
    environment["no_proxy"] = "intern.example"
    use_running_stack(home)
    assert environment["NO_PROXY"] == environment["no_proxy"] == "intern.example,127.0.0.1"


def test_without_a_stack_the_environment_stays_as_it_is(tmp_path, environment):
    before = dict(environment)
    use_running_stack(tmp_path)
    assert environment == before


def test_a_stack_whose_process_is_gone_is_none(home):
    (home / "stack.json").write_text(json.dumps(STACK | {"pid": 2**22 + 1}))
    assert StackAddress.of(home) is None


def test_a_younger_process_with_the_stack_s_number_is_not_the_stack(home):
    before_this_process = psutil.Process().create_time() - 60
    os.utime(home / "stack.json", (before_this_process, before_this_process))
    assert StackAddress.of(home) is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "JSONDecodeError"),
        (b"{}", "TypeError"),
        (b"[]", "TypeError"),
        (b"\xff", "UnicodeDecodeError"),
        (json.dumps(STACK | {"pid": "many"}).encode(), "TypeError"),
        (json.dumps(STACK | {"pid": -1}).encode(), "ValueError"),
    ],
)
def test_an_address_that_cannot_be_read_is_named_with_the_way_out(home, content, reason):
    (home / "stack.json").write_bytes(content)
    with pytest.raises(SettingsWrong) as wrong:
        StackAddress.of(home)
    assert str(wrong.value) == (
        f"{home}/stack.json cannot be read ({reason}); delete it: it is made anew by each start "
        "of: rollout up"
    )


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "http://127.0.0.1:4201/runs/flow-run/" + RUN),
        (
            {"PREFECT_API_URL": "http://prefect.example/api"},
            "http://prefect.example/runs/flow-run/" + RUN,
        ),
        (
            {
                "PREFECT_API_URL": "http://prefect.example/api",
                "PREFECT_UI_URL": "https://ui.example/",
            },
            "https://ui.example/runs/flow-run/" + RUN,
        ),
        ({"PREFECT_API_URL": "https://api.prefect.cloud/api/accounts/a/workspaces/b"}, ""),
    ],
)
def test_a_run_s_page_is_where_the_server_has_its_ui(home, environment, variables, expected):
    environment.update(variables)
    assert run_url(home, RUN) == expected


def test_a_run_has_no_page_where_no_server_is_known(tmp_path):
    assert run_url(tmp_path, RUN) == ""
