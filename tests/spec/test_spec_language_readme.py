"""The README of the language says what the model says, and its examples are read."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError

from policy_rollout.spec import model, scalars
from policy_rollout.spec.document import DEEPEST, LONGEST_TEXT, MOST_NODES, MOST_PROBLEMS
from policy_rollout.spec.reader import read_spec
from policy_rollout.spec.rules import RULES
from policy_rollout.spec.scalars import LONGEST_PROSE, LONGEST_TITLE
from policy_rollout.spec.schema import schema, written
from policy_rollout.work import expand

PROGRAMS = Path(__file__).parents[2] / "program_specs"
README = (PROGRAMS / "README.md").read_text()
PARTS = {
    "The file": model.Spec,
    "`policy`": model.Policy,
    "`policy.document`": model.Document,
    "`policy.existing_content`": model.ExistingContent,
    "`policy.rollback`": model.Rollback,
    "`timeline`": model.Timeline,
    "`timeline.notice`": model.Notice,
    "`timeline.freezes.ID`": model.Freeze,
    "`people.ROLE`": model.Role,
    "`stages.STAGE`": model.Stage,
    "`stages.STAGE.tasks.ITEM`": model.Task,
    "`stages.STAGE.training.ITEM`": model.Material,
    "`stages.STAGE.checklists.ITEM`": model.Checklist,
    "`stages.STAGE.gate`": model.Gate,
    "`stages.STAGE.gate.escalate`": model.Escalation,
    "`stages.STAGE.gate.require`": model.Require,
    "`jira`": model.JiraTarget,
    "`sheets`": model.SheetsTarget,
}


def _table(heading: str) -> dict[str, list[str]]:
    """The rows under a heading, by key."""
    section = README.split(f"### {heading}\n", 1)[1].split("\n#", 1)[0]
    rows = [line.strip("|").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    return {row[0].strip(" `"): [cell.strip() for cell in row[1:]] for row in rows}


def _fields() -> list:
    return [
        pytest.param(heading, part, name, id=f"{heading.strip('`')}.{name}")
        for heading, part in PARTS.items()
        for name in part.model_fields
    ]


def _default(part: type[BaseModel], key: str) -> Any:
    described = schema() if part is model.Spec else schema()["$defs"][part.__name__]
    return written(described["properties"][key].get("default"))


def test_every_part_of_the_model_has_a_table():
    parts = {each for each in vars(model).values() if isinstance(each, type)}
    of_model = {
        each for each in parts if issubclass(each, BaseModel) and each.__module__ == model.__name__
    }
    assert {each for each in of_model if not each.__name__.startswith("_")} == set(PARTS.values())


@pytest.mark.parametrize(("heading", "part"), PARTS.items())
def test_a_table_has_exactly_the_keys_of_its_part(heading: str, part: type[BaseModel]):
    keys = [field.alias or name for name, field in part.model_fields.items()]
    assert list(_table(heading)) == keys


@pytest.mark.parametrize(("heading", "part", "name"), _fields())
def test_a_key_is_documented_with_its_meaning_and_default(
    heading: str, part: type[BaseModel], name: str
):
    field = part.model_fields[name]
    key = field.alias or name
    kind, default, meaning, _example = _table(heading)[key]
    assert kind
    assert meaning == field.description
    if field.is_required():
        assert default == "**required**"
    elif default != "see below":
        expected = _default(part, key)
        shown = str(expected).lower() if isinstance(expected, bool) else expected
        assert default == ("none" if shown in (None, [], {}) else f"`{shown}`")


@pytest.mark.parametrize(("heading", "part", "name"), _fields())
def test_an_example_of_a_key_is_accepted(heading: str, part: type[BaseModel], name: str):
    key = part.model_fields[name].alias or name
    example = yaml.load(_table(heading)[key][-1].strip("`"), Loader=yaml.CBaseLoader)  # noqa: S506  texts only
    assert list(example) == [key]
    assert _refused(part, example) == []


def _refused(part: type[BaseModel], example: dict[str, Any]) -> list[str]:
    """What the model says against an example, but for the other keys that are not there."""
    try:
        part.model_validate(example)
    except ValidationError as error:
        return [
            str(each)
            for each in error.errors()
            if each["type"] != "missing" or len(each["loc"]) > 1
        ]
    return []


@pytest.mark.parametrize("example", re.findall(r"```yaml\n(.*?)```", README, re.DOTALL))
def test_a_yaml_example_is_a_spec_without_problems(example: str):
    reading = read_spec(example, "README.md")
    assert reading.spec is not None, [str(each) for each in reading.errors]


def test_a_silenced_rule_is_silent():
    example = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)[1]
    assert [each.rule for each in read_spec(example, "README.md").silenced] == ["launch-on-weekend"]


TYPES = {
    "id": scalars.Id,
    "text": scalars.Text,
    "title": scalars.Title,
    "prose": scalars.Prose,
    "person": scalars.Person,
    "role": scalars.Id,
    "duration": scalars.Duration,
    "due": scalars.Due,
    "day": scalars.Day,
    "time": scalars.LocalTime,
    "hours": scalars.Hours,
    "zone": scalars.Zone,
    "market": scalars.Market,
    "language": scalars.Language,
    "percent": scalars.Percent,
    "count": scalars.Count,
    "work hours": scalars.WorkHours,
    "flag": scalars.Flag,
    "project key": scalars.ProjectKey,
    "workbook id": scalars.WorkbookId,
}


def _type_rows() -> dict[str, str]:
    """The examples of the table of types, by type."""
    section = README.split("## Types\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.strip("| ").split("|") for line in section.splitlines()[3:] if line]
    return {row[0].strip(): row[-1] for row in rows}


def test_the_table_of_types_is_complete():
    assert list(_type_rows()) == list(TYPES)
    words = {"text", "word", "mapping"} | TYPES.keys()
    kinds = {row[0] for heading in PARTS for row in _table(heading).values()}
    known = {f"list of {word}s" for word in (*words, "item", "stage")} | words
    known |= {f"mapping by {word}" for word in ("id", "role", "stage", "person", "rule")}
    unknown = {kind for kind in kinds if not kind.startswith("one of ")} - known
    assert unknown == {"word or percent"}


@pytest.mark.parametrize("name", TYPES)
def test_an_example_of_a_type_is_accepted(name: str):
    examples = re.findall(r"`([^`]+)`", _type_rows()[name])
    assert examples
    for example in examples:
        TypeAdapter(TYPES[name]).validate_python(example)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_is_documented_in_its_own_words(rule):
    assert f"| `{rule.name}` | {rule.meaning} |" in README


def test_every_problem_with_values_and_yaml_is_documented():
    specs = Path(__file__).parents[1] / "specs"
    said = {
        line.split(": ", 2)[1]
        for path in specs.glob("*/*.txt")
        for line in path.read_text().splitlines()
    }
    documented = set(re.findall(r"^\| `([a-z-]+)` \|", README, re.MULTILINE))
    assert said <= documented


def test_the_limits_are_the_real_ones():
    for number in (LONGEST_TEXT, MOST_NODES, LONGEST_TITLE, LONGEST_PROSE, MOST_PROBLEMS, DEEPEST):
        assert f" {number:,} " in README, number


def test_one_program_uses_every_word_of_the_language():
    text = (PROGRAMS / "youtube-gambling-graphic-games-2025.yaml").read_text()
    spec = read_spec(text, "youtube").spec
    assert spec is not None
    used = set(_used(spec))
    unused = {  # what only an amendment can say is in none that is shipped
        f"{part.__name__}.{name}"
        for part in PARTS.values()
        for name in part.model_fields
        if (part, name) not in used
    }
    assert unused == {f"{part}.was" for part in ("Stage", "Task", "Material", "Checklist")}


def _used(value: Any):
    """Every field that was written, with the part it belongs to."""
    if isinstance(value, BaseModel):
        for name in value.model_fields_set:
            yield type(value), name
            yield from _used(getattr(value, name))
    elif isinstance(value, dict):
        for each in value.values():
            yield from _used(each)


def test_the_small_program_has_at_most_25_lines_and_uses_jira_and_the_workbook():
    text = (PROGRAMS / "twitch-hateful-conduct-2021.yaml").read_text()
    spec = read_spec(text, "twitch").spec
    assert spec is not None
    assert len(text.splitlines()) <= 25
    assert {item.kind for item in expand(spec)} == {"task", "training", "checklist"}


def test_the_largest_program_has_hundreds_of_items():
    text = (PROGRAMS / "tiktok-community-guidelines-2025.yaml").read_text()
    spec = read_spec(text, "tiktok").spec
    assert spec is not None
    assert f"{len(spec.policy.markets)} markets, {len(spec.policy.languages)} languages" in README
    assert len(expand(spec)) >= 300
