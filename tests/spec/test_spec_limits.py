"""What is too big, too deep or not a text is refused at once; nothing crashes the reader."""

import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policy_rollout.errors import SpecRefused
from policy_rollout.spec.document import LONGEST_TEXT, MOST_NODES, MOST_PROBLEMS
from policy_rollout.spec.files import load
from policy_rollout.spec.model import Spec
from policy_rollout.spec.reader import read_spec, read_valid
from tests.spec.hostile_texts import HOSTILE, SMALL

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "program_specs").glob("*.yaml"))
TWITCH = (ROOT / "program_specs" / "twitch-hateful-conduct-2021.yaml").read_text()


def _said(text: str) -> list[str]:
    return [str(problem) for problem in read_spec(text, "spec.yaml").problems]


MOST_TIMES_LIBYAML = 2  # `benchmarks/check.py` has the seconds


def _least_seconds(work: Callable[[], object], *, enough: float = 0) -> float:
    """Of the processor, in the quickest of three runs: of one that is quick enough, no more."""
    least = math.inf
    for _ in range(3):
        started = time.process_time()
        work()
        least = min(least, time.process_time() - started)
        if least < enough:
            break
    return least


@pytest.fixture(scope="module")
def yardstick_seconds() -> float:
    """What PyYAML alone takes to list as many values as a spec may have, on this machine now."""
    text = "[" + "a," * MOST_NODES + "]"
    return _least_seconds(lambda: list(yaml.parse(text, Loader=yaml.CBaseLoader)))


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_text_is_refused_at_once(text: str, yardstick_seconds: float):
    reading = read_spec(text, "spec.yaml", today=date(2026, 1, 5))
    assert reading.spec is None
    assert 0 < len(reading.errors) <= MOST_PROBLEMS + 1
    enough = MOST_TIMES_LIBYAML * yardstick_seconds
    taken = _least_seconds(
        lambda: read_spec(text, "spec.yaml", today=date(2026, 1, 5)), enough=enough
    )
    assert taken < enough


def test_of_too_many_problems_the_first_are_said_and_that_there_are_more():
    roles = "".join(f"  t{n}: {{title: Do it, team: nobody-{n}}}\n" for n in range(600))
    said = _said(
        SMALL.replace(
            "{switch: {title: Switch it on, team: ops}}", "{" + roles.replace("\n", ",") + "}"
        )
    )
    assert len(said) == MOST_PROBLEMS + 1
    assert said[-1].endswith(
        "too-many-problems: found more than 500 problems, expected a program spec; "
        "mend the ones above first"
    )


def test_a_yaml_bomb_is_never_expanded():
    layers = "".join(f"  l{n}: &l{n} [*l{n - 1}, *l{n - 1}, *l{n - 1}]\n" for n in range(1, 40))
    said = _said("program: bomb\nbomb:\n  l0: &l0 [lol]\n" + layers)
    assert said[3] == (
        "spec.yaml:2:1: unknown-key: found the key 'bomb' in the file, expected one of accounts, "
        "if_rejected, jira, owner, people, policy, program, sheets, silence, stages, timeline, "
        "title; delete it or rename it"
    )
    assert "spec.yaml:4:12: alias: found the alias *l0, expected the text itself" in said[6]


def test_more_than_a_million_characters_are_refused_unread():
    assert _said("#" * (LONGEST_TEXT + 1)) == [
        (
            "spec.yaml:1:1: too-large: found 1,000,001 characters, expected at most 1,000,000; "
            "split it into several programs"
        )
    ]


def test_a_file_of_10_megabytes_is_refused_at_once(tmp_path: Path, yardstick_seconds: float):
    big = tmp_path / "big.yaml"
    big.write_bytes(b"a: [" + b"b, " * 3_500_000 + b"]")
    reading = load(big)
    assert _least_seconds(lambda: load(big)) < yardstick_seconds
    assert [str(problem) for problem in reading.problems] == [
        (
            f"{big}:1:1: too-large: found more than 4,000,000 bytes, expected at most 1,000,000 "
            "characters; split it into several programs"
        )
    ]


def test_a_missing_file_is_a_problem_like_others(tmp_path: Path):
    path = tmp_path / "none.yaml"
    assert [str(each) for each in load(path).problems] == [
        f"{path}:1:1: no-file: found no such file, expected a program spec; check the path"
    ]


def test_a_folder_is_no_spec(tmp_path: Path):
    assert [str(each) for each in load(tmp_path).problems] == [
        f"{tmp_path}:1:1: no-file: found a folder, expected one program spec; name a file in it"
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_says_so(tmp_path: Path):
    path = tmp_path / "secret.yaml"
    path.write_text(SMALL)
    path.chmod(0)
    assert [str(each) for each in load(path).problems] == [
        (
            f"{path}:1:1: no-file: found a file that may not be read, expected a readable one; "
            "mend its permissions"
        )
    ]


def test_a_file_in_another_encoding_names_the_byte_and_its_place(tmp_path: Path):
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"program: small\ntitle: Caf\xe9\n")
    assert [str(each) for each in load(path).problems] == [
        (
            f"{path}:2:11: not-text: found the byte 0xE9, expected UTF-8; "
            "save the file again with the encoding UTF-8"
        )
    ]


def test_half_a_character_is_no_text():
    assert _said("program: small\ntitle: \ud800\n") == [
        (
            "spec.yaml:2:1: not-text: found half of a character (a lone surrogate), expected whole "
            "ones; paste the text again as UTF-8"
        )
    ]


def test_a_control_character_is_named_with_its_place():
    assert _said("program: small\ntitle: é\x07\n") == [
        "spec.yaml:2:9: yaml: found '\\x07', expected text without control characters; delete it"
    ]


def test_a_valid_spec_is_read_as_a_value():
    spec = read_valid(SMALL, "small.yaml")
    assert spec.stages["launch"].tasks["switch"].title == "Switch it on"
    assert read_valid(SMALL, "elsewhere.yaml") == spec


def test_a_refused_spec_carries_every_error_and_no_advice():
    with pytest.raises(SpecRefused) as refused:
        read_valid(SMALL.replace("team: ops", "team: opps, takes: 0d"), "small.yaml")
    assert refused.value.problems == (
        (
            "small.yaml:4:63: unknown-role: found the role 'opps', expected one under `people` "
            "(ops); did you mean 'ops'?"
        ),
        (
            "small.yaml:4:76: takes-nothing: found '0d', expected a duration above zero; "
            "write 1bd or more"
        ),
    )


@given(st.binary(max_size=400))
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None
)
def test_random_bytes_never_crash_the_reader(tmp_path: Path, content: bytes):
    path = tmp_path / "random.yaml"
    path.write_bytes(content)
    reading = load(path)
    assert reading.spec is None
    assert reading.errors


@st.composite
def _damaged(draw: st.DrawFn) -> str:
    """A shipped program with some of it cut out, doubled or replaced."""
    text = draw(st.sampled_from([TWITCH, SMALL]))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 40)))
        junk = st.sampled_from(
            [": ", "{", "}", "[", "]", '"', "- ", "\n", "\t", "&a ", "*a", "!t ", "null", "0d", "é"]
        )
        text = text[:start] + draw(st.one_of(st.just(text[start:end] * 2), junk)) + text[end:]
    return text


@given(_damaged())
@settings(max_examples=250, deadline=None)
def test_a_damaged_spec_is_either_a_spec_or_has_errors_with_places(text: str):
    reading = read_spec(text, "spec.yaml", today=date(2026, 1, 5))
    assert (reading.spec is None) == bool(reading.errors)
    lines = text.count("\n") + 1
    for problem in (*reading.problems, *reading.silenced):
        assert 1 <= problem.line <= lines + 1
        assert problem.column >= 1
        assert "found " in problem.text


_JSON = st.recursive(
    st.one_of(st.text(max_size=8), st.integers(), st.booleans(), st.none()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_any_value_at_any_place_is_answered_in_words(data: st.DataObject):
    spec = yaml.load(TWITCH, Loader=yaml.CBaseLoader)  # noqa: S506  texts only
    holder = spec
    while True:
        key = data.draw(st.sampled_from(sorted(holder)))
        if not isinstance(holder[key], dict) or data.draw(st.booleans()):
            break
        holder = holder[key]
    holder[key] = data.draw(_JSON)
    text = yaml.safe_dump(spec, sort_keys=False, allow_unicode=True)
    reading = read_spec(text, "spec.yaml", today=date(2026, 1, 5))
    assert (reading.spec is None) == bool(reading.errors)
    assert not [each for each in reading.problems if "Input should" in each.text]


def test_the_same_spec_with_shuffled_keys_says_the_same():
    spec = yaml.load(TWITCH, Loader=yaml.CBaseLoader)  # noqa: S506  texts only
    turned = yaml.safe_dump(dict(reversed(spec.items())), sort_keys=False)
    assert read_valid(turned, "a") == read_valid(TWITCH, "b")


def test_every_shipped_program_is_a_spec():
    assert all(isinstance(load(path).spec, Spec) for path in SHIPPED)


def test_checking_a_spec_imports_nothing_heavy():
    code = (
        "import sys; from policy_rollout.report.check import as_lines; "
        "from policy_rollout.spec.files import load; load(sys.argv[1]); "
        "print(sorted({'prefect', 'jira', 'gspread', 'sqlalchemy', 'fastapi', 'httpx', 'requests'}"
        " & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, str(SHIPPED[0])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  ours
    assert done.stdout.strip() == "[]"
