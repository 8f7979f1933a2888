import json
import re
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from policy_rollout.report.check import schema_text
from policy_rollout.spec.schema import schema

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "program_specs").glob("*.yaml"))
VALID = sorted((ROOT / "tests" / "specs" / "valid").glob("*.yaml"))


def _as_an_editor_reads(path: Path):
    """YAML 1.2 in the core schema, as editors have it: days and times stay texts, `NO` too."""
    loader = type("Loader", (yaml.SafeLoader,), {})
    loader.yaml_implicit_resolvers = {
        first: [(tag, regexp) for tag, regexp in found if not tag.endswith((":timestamp", ":bool"))]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    boolean = re.compile("^(?:true|True|TRUE|false|False|FALSE)$")
    loader.add_implicit_resolver("tag:yaml.org,2002:bool", boolean, list("tTfF"))
    integer = re.compile(r"^[-+]?[0-9]+$")
    for first in "-+0123456789":
        kept = [each for each in loader.yaml_implicit_resolvers[first] if ":int" not in each[0]]
        loader.yaml_implicit_resolvers[first] = [*kept, ("tag:yaml.org,2002:int", integer)]
    return yaml.load(path.read_text(encoding="utf-8-sig"), Loader=loader)  # noqa: S506  a SafeLoader


def test_the_committed_schema_is_the_one_of_the_model():
    committed = (ROOT / "program_specs" / "program.schema.json").read_text()
    assert committed == schema_text(), (
        "write it anew: rollout schema > program_specs/program.schema.json"
    )


def test_the_schema_is_a_schema():
    Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("path", SHIPPED + VALID, ids=lambda path: path.stem)
def test_an_editor_accepts_what_the_reader_accepts(path: Path):
    errors = list(Draft202012Validator(schema()).iter_errors(_as_an_editor_reads(path)))
    assert [f"{error.json_path}: {error.message}" for error in errors] == []


@pytest.mark.parametrize(
    "name", ["misspelled-keys", "unknown-change", "wrong-durations", "wrong-ids", "key-missing"]
)
def test_an_editor_refuses_while_typing(name: str):
    given = _as_an_editor_reads(ROOT / "tests" / "specs" / "invalid" / f"{name}.yaml")
    assert not Draft202012Validator(schema()).is_valid(given)


def test_nothing_may_be_null():
    assert '"null"' not in json.dumps(schema())


def test_defaults_stand_as_they_are_written_in_a_spec():
    defs = schema()["$defs"]
    assert defs["Task"]["properties"]["takes"]["default"] == "1bd"
    assert defs["Role"]["properties"]["hours"]["default"] == "09:00-18:00"
    assert defs["Require"]["properties"]["training"]["default"] == "done"
    assert defs["Escalation"]["properties"]["backup"]["default"] == "16h"
    assert defs["Gate"]["properties"]["doers_may_sign"]["default"] is False


def test_every_key_says_what_it_means():
    silent = [
        f"{name}.{key}"
        for name, part in {"Spec": schema(), **schema()["$defs"]}.items()
        for key, field in part.get("properties", {}).items()
        if not field.get("description")
    ]
    assert silent == []


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_program_tells_the_editor_its_schema(path: Path):
    first = path.read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=program.schema.json"
