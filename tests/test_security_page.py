"""What docs/security.md names exists, and what it leaves open is what the attacks leave open."""

import ast
import re
from pathlib import Path

import pytest
from prefect.settings import get_current_settings

from policy_rollout.authenticators import STEP_SECONDS, STEPS_SHOWN
from policy_rollout.errors import LOCKED_MINUTES, WRONG_CODES_IN_A_ROW
from policy_rollout.settings import Settings

TOP = Path(__file__).parents[1]
PAGE = (TOP / "docs" / "security.md").read_text()
ATTACKS = sorted((TOP / "tests" / "attacks").glob("test_*.py"))
FUNCTIONS = [
    node
    for path in ATTACKS
    for node in ast.walk(ast.parse(path.read_text()))
    if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
]


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:tests|src)/[\w/.]+)`", PAGE))))
def test_a_file_that_the_page_names_exists(path):
    assert (TOP / path).is_file()


@pytest.mark.parametrize("path", ATTACKS, ids=lambda path: path.name)
def test_every_file_of_attacks_is_named_on_the_page(path):
    assert f"`{path.relative_to(TOP).as_posix()}`" in PAGE


def test_the_openings_of_the_page_are_the_attacks_that_are_expected_to_succeed():
    open_attacks = {
        each.name
        for each in FUNCTIONS
        if any("mark.xfail" in ast.unparse(mark) for mark in each.decorator_list)
    }
    assert set(re.findall(r"`(test_\w+)`", PAGE)) == open_attacks


def test_there_are_at_least_thirty_attacks():
    assert len(FUNCTIONS) >= 30


@pytest.mark.parametrize("name", sorted(set(re.findall(r"\bROLLOUT_\w+", PAGE))))
def test_a_setting_of_ours_that_the_page_names_exists(name):
    assert name.removeprefix("ROLLOUT_").lower() in Settings.model_fields


def test_the_settings_of_prefect_that_the_page_names_exist():
    settings = get_current_settings()
    known = {
        "PREFECT_SERVER_API_AUTH_STRING": settings.server.api.auth_string,
        "PREFECT_API_AUTH_STRING": settings.api.auth_string,
        "PREFECT_API_URL": settings.api.url,
    }
    assert set(re.findall(r"\bPREFECT_\w+", PAGE)) == set(known)


def test_the_numbers_of_the_page_are_those_of_the_code():
    assert f"within the last {STEP_SECONDS * STEPS_SHOWN} seconds" in " ".join(PAGE.split())
    words = {5: "five"}
    locks = (
        f"{words[WRONG_CODES_IN_A_ROW]} wrong ones in a row lock the person for {LOCKED_MINUTES}"
    )
    assert locks in " ".join(PAGE.split())
