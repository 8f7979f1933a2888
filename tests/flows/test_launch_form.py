"""The launch form: what it offers, and what a launch without a usable spec answers."""

import pytest
from prefect.utilities.callables import parameter_schema

from flows.programs import PASTED, SHIPPED
from flows.rollout import rollout


def test_the_form_offers_the_shipped_programs_and_a_pasted_spec():
    offered = parameter_schema(rollout).properties["program"]

    assert offered["enum"] == [PASTED, *SHIPPED]
    assert offered["default"] == PASTED
    assert "twitch-hateful-conduct-2021" in SHIPPED


@pytest.mark.usefixtures("prefect_home")
@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"pasted_spec": "program: Bad\n"}, "pasted:1:10: "),
        ({"pasted_spec": "a: [", "source": "mine.yaml"}, "mine.yaml:2:1: "),
        ({"program": "no-such-program"}, "launch form: found program 'no-such-program'"),
        (
            {"program": SHIPPED[0], "pasted_spec": "program: a"},
            "a pasted spec of 10 characters",
        ),
        ({}, "expected one of"),
    ],
)
def test_a_launch_without_a_usable_spec_fails_and_says_why(parameters, told, tmp_path, monkeypatch):
    monkeypatch.setenv("ROLLOUT_HOME", str(tmp_path / "home"))

    state = rollout(**parameters, return_state=True)

    assert state.is_failed()
    assert told in state.message
    assert not (tmp_path / "home" / "journal.sqlite3").exists() or "pasted_spec" in parameters
