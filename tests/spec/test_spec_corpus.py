"""Adding a file under tests/specs/ adds a test.

`valid/` has no errors; `invalid/` is refused and `advice/` advised in just the words of the .txt.
"""

from datetime import date
from pathlib import Path

import pytest

from policy_rollout.spec.files import load
from policy_rollout.spec.reader import read_spec
from policy_rollout.spec.rules import RULES

SPECS = Path(__file__).parents[1] / "specs"
SHIPPED = Path(__file__).parents[2] / "program_specs"
TODAY = date(2026, 1, 5)


def _yaml_in(folder: Path) -> list:
    return [pytest.param(path, id=path.stem) for path in sorted(folder.glob("*.yaml"))]


@pytest.mark.parametrize("path", _yaml_in(SPECS / "invalid"))
def test_an_invalid_spec_is_refused_with_exactly_the_expected_words(path: Path):
    reading = load(path)
    said = [str(problem).replace(str(path), path.name) for problem in reading.problems]
    assert said == path.with_suffix(".txt").read_text().splitlines()
    assert reading.spec is None
    assert reading.errors


@pytest.mark.parametrize("path", _yaml_in(SPECS / "advice"))
def test_a_spec_against_good_practice_is_advised_with_exactly_the_expected_words(path: Path):
    reading = load(path, today=TODAY)
    said = [str(problem).replace(str(path), path.name) for problem in reading.problems]
    assert said == path.with_suffix(".txt").read_text().splitlines()
    assert reading.spec is not None
    assert said


@pytest.mark.parametrize("path", _yaml_in(SPECS / "advice"))
def test_advice_is_silent_where_the_spec_gives_a_reason(path: Path):
    rules = {problem.rule for problem in load(path, today=TODAY).problems}
    silence = "silence:\n" + "".join(f"  {rule}: We know\n" for rule in sorted(rules))
    reading = read_spec(path.read_text() + silence, path.name, today=TODAY)
    assert reading.problems == ()
    assert {problem.rule for problem in reading.silenced} == rules


def test_every_rule_is_shown_at_work():
    said = "".join(path.read_text() for path in SPECS.glob("*/*.txt"))
    unseen = [rule.name for rule in RULES if f": {rule.name}: " not in said]
    assert unseen == []


def test_every_expectation_belongs_to_an_invalid_spec():
    expected = {path.stem for path in (SPECS / "invalid").glob("*.txt")}
    assert expected == {path.stem for path in (SPECS / "invalid").glob("*.yaml")}
    assert len(expected) >= 30


@pytest.mark.parametrize("path", _yaml_in(SPECS / "valid"))
def test_a_valid_spec_has_no_error(path: Path):
    reading = load(path, today=TODAY)
    assert reading.spec is not None, [str(problem) for problem in reading.errors]


@pytest.mark.parametrize("path", _yaml_in(SHIPPED))
def test_a_shipped_program_needs_no_advice(path: Path):
    reading = load(path, today=TODAY)
    assert reading.spec is not None
    assert [str(problem) for problem in reading.problems] == []


def test_every_message_says_what_was_found_expected_and_to_do():
    for path in sorted(SPECS.glob("*/*.txt")):
        for line in path.read_text().splitlines():
            text = line.split(": ", 2)[2]
            assert text.startswith("found "), line
            assert "expected" in text, line
            assert ";" in text, line


def test_no_message_speaks_the_language_of_a_library():
    jargon = (
        "input should",
        "pydantic",
        "nonetype",
        "dict_type",
        "union",
        "node",
        "token",
        "scalar",
    )
    for path in sorted(SPECS.glob("*/*.txt")):
        said = path.read_text().casefold()
        assert not [word for word in jargon if word in said], path.name
