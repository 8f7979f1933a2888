"""The page on several machines, held against the code and against Prefect."""

import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from prefect.settings import Settings as PrefectSettings

from policy_rollout.heartbeats import MISSED, NEVER_LASTS, STARTS_WITHIN
from policy_rollout.run_command import FORK_SERVER
from policy_rollout.settings import Settings

CHECKOUT = Path(__file__).parents[2]
PAGE = (CHECKOUT / "docs" / "deployment.md").read_text(encoding="utf-8")
PLAIN = " ".join(PAGE.split())
BLOCKS = "\n".join(re.findall(r"(?ms)^ *```sh\n(.*?)^ *```$", PAGE))
EXPORTED = dict(re.findall(r"(?m)^ *export (\w+)=(\S+)$", BLOCKS))
DEPLOYED = yaml.safe_load((CHECKOUT / "prefect.yaml").read_text())["deployments"]


def test_the_settings_of_prefect_are_known_to_prefect(monkeypatch):
    of_prefect = {name: text for name, text in EXPORTED.items() if name.startswith("PREFECT_")}
    for name, text in of_prefect.items():
        monkeypatch.setenv(name, text)

    known = PrefectSettings().to_environment_variables(exclude_unset=True, include_secrets=True)

    assert len(of_prefect) == 5
    assert of_prefect.items() <= known.items()


def test_the_storage_of_leases_is_one():
    assert import_module(
        EXPORTED["PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE"]
    ).ConcurrencyLeaseStorage


def test_every_setting_of_ours_exists():
    known = {f"ROLLOUT_{name.upper()}" for name in Settings.model_fields} | {FORK_SERVER}
    assert set(re.findall(r"ROLLOUT_[A-Z_]+", PAGE)) <= known


def test_the_deployments_use_the_work_pool_that_is_created():
    named = re.findall(r"work-pool create (\S+)|worker start --pool (\S+)", BLOCKS)
    pools = {each["work_pool"]["name"] for each in DEPLOYED}
    assert {name for pair in named for name in pair if name} == pools


@pytest.mark.parametrize("deployment", DEPLOYED, ids=lambda each: each["name"])
def test_every_run_sends_heartbeats_as_often_as_said(deployment):
    environment = deployment["work_pool"]["job_variables"]["env"]
    seconds = environment["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"]
    assert f"sends a heartbeat every {seconds} seconds" in PLAIN


def test_silence_is_taken_for_a_loss_as_soon_as_said():
    assert MISSED == 4
    assert "when four have not come" in PLAIN
    assert f"is given {NEVER_LASTS.seconds // 60} minutes" in PLAIN
    assert f"did not start, {STARTS_WITHIN.seconds // 60}." in PLAIN


def test_the_modules_that_are_started_exist_and_speak_of_one_socket():
    modules = re.findall(r"python -m ((?:flows|policy_rollout|benchmarks)[\w.]*)", PAGE)
    assert {"flows.fork_server", "policy_rollout.run_command"} <= set(modules)
    assert all(find_spec(each) for each in modules)
    assert f"flows.fork_server {EXPORTED[FORK_SERVER]}" in BLOCKS


def test_every_file_and_page_that_is_named_exists():
    linked = re.findall(r"\]\((?!http)([^)#]+)\)", PAGE)
    named = re.findall(r"`((?:tests|benchmarks)/[\w/]+\.py)`", PAGE)
    assert all((CHECKOUT / "docs" / each).exists() for each in linked)
    assert all((CHECKOUT / each).exists() for each in named)
    assert named
