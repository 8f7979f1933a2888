"""The README, held against the code: its blocks are run, its tables and lists compared."""

import os
import re
import shlex
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import requests
from typer.main import get_command
from typer.testing import CliRunner

from flows.forms import ACTIONS, resume_form
from flows.programs import PASTED, SHIPPED
from policy_rollout import cli, jira_preflight, plan_cli
from policy_rollout.attempts import REASON_WITHIN, Action
from policy_rollout.errors import ExitCode
from policy_rollout.jira_wire import LINK_TYPE
from policy_rollout.program import GateState, ProgramState
from policy_rollout.settings import Settings
from policy_rollout.sign_off_words import AskedCondition, AskedWaiver, read_words
from policy_rollout.spec.reader import read_valid
from policy_rollout.trouble import LONGEST_WAIT
from policy_rollout.work import people_of

CHECKOUT = Path(__file__).parents[2]
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
COMMANDS = get_command(cli.app).commands
PLANNED_ON = date(2027, 1, 11)


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language, without the indentation of the list they stand in."""
    found = re.finditer(rf"(?ms)^( *)```{language}\n(.*?)^ *```$", README)
    return [re.sub(rf"(?m)^{each[1]}", "", each[2]) for each in found]


def section(title: str) -> str:
    """What stands under a heading, up to the next one of its level or above."""
    level, after = re.search(rf"(?ms)^(#+) {re.escape(title)}\n(.*)", README).groups()
    return re.split(rf"(?m)^#{{1,{len(level)}}} ", after)[0]


def table(text: str) -> list[list[str]]:
    """The cells of the first table, without its heading."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


def steps() -> list[tuple[list[str], str]]:
    """Each command of the console blocks, as arguments, with the output shown for it."""
    found = []
    for block in blocks("console"):
        for step in re.split(r"(?m)^\$ ", block)[1:]:
            command, _, output = step.partition("\n")
            found.append((shlex.split(command)[1:], output))
    return found


SPEC = blocks("yaml")[0]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the README's spec, on the day of the README's plan, and nothing else."""
    (tmp_path / "doxxing.yaml").write_text(SPEC, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "_today", lambda: PLANNED_ON)
    monkeypatch.setattr(plan_cli, "_today", lambda: PLANNED_ON)
    for name in [each for each in os.environ if each.startswith("ROLLOUT_")]:
        monkeypatch.delenv(name)
    return tmp_path


@pytest.mark.parametrize("text", blocks("yaml"))
def test_every_spec_is_valid(text):
    assert read_valid(text, "README.md").program


def test_the_day_of_the_plan_is_the_one_it_is_said_to_be_of():
    assert f"on {PLANNED_ON.day} {PLANNED_ON:%B %Y}:" in README


@pytest.mark.parametrize("step", [each for each in steps() if each[1]], ids=lambda step: step[0][0])
@pytest.mark.usefixtures("folder")
def test_a_command_prints_what_is_shown(step):
    arguments, output = step
    done = CliRunner().invoke(cli.app, arguments)
    printed = "".join(f"{line.rstrip()}\n" for line in done.output.splitlines())
    assert (done.exit_code, printed) == (0, output)


@pytest.mark.parametrize(
    "step", [each for each in steps() if not each[1]], ids=lambda step: " ".join(step[0])
)
def test_a_command_without_output_is_one_that_can_be_given(step):
    arguments, _ = step
    command = COMMANDS[arguments[0]]
    with command.make_context(arguments[0], arguments[1:]) as context:
        given = context.params
    if arguments[0] == "launch":
        assert read_valid((CHECKOUT / given["path"]).read_text(encoding="utf-8"), "").program


def test_the_table_has_every_command():
    named = [
        re.match(r"`rollout ([\w-]+)", row[0])[1] for row in table(section("On the command line"))
    ]
    assert sorted(named) == sorted(COMMANDS)


def test_the_commands_said_to_take_json_do():
    said = re.search(r"(?m)^(.*) take `--json`", README)[1]
    able = {
        name for name, each in COMMANDS.items() if any(p.name == "as_json" for p in each.params)
    }
    assert set(re.findall(r"`(\w+)`", said)) == able


def test_the_exit_codes_are_those_of_the_command():
    said = re.search(r"Exit codes: (.*?)\.\n", section("On the command line"), re.DOTALL)[1]
    assert [int(each) for each in re.findall(r"\d", said)] == sorted(ExitCode)


def test_the_table_has_every_setting_with_its_default_meaning_and_example():
    rows = []
    for name, field in Settings.model_fields.items():
        default = getattr(field.default, "get_secret_value", lambda d=field.default: d)()
        shown = "" if default in {None, ""} else f"`{default}`"
        example = f"`{field.examples[0]}`"
        rows.append([f"`ROLLOUT_{name.upper()}`", shown, field.description, example])
    assert table(section("Connecting Jira and Google Sheets")) == rows


def test_every_setting_that_is_named_exists():
    known = {f"ROLLOUT_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"ROLLOUT_[A-Z_]+", README)) <= known


def test_every_make_target_exists():
    targets = re.search(r"(?m)^\.PHONY: (.*)$", (CHECKOUT / "Makefile").read_text())[1].split()
    assert set(re.findall(r"`make ([\w-]+)`", README)) <= set(targets)


def test_every_linked_file_exists():
    linked = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert [each for each in linked if not (CHECKOUT / each).exists()] == []


def test_the_permissions_are_those_of_the_preflight():
    said = re.search(r"Grant the account in the project: (.*?);", README, re.DOTALL)[1]
    named = [each.strip().upper().replace(" ", "_") for each in said.replace("\n", " ").split(",")]
    assert sorted(named) == sorted(jira_preflight.PERMISSIONS)


def test_the_fields_are_those_of_the_preflight():
    said = re.search(r"Put the fields (.*?) on the create screens, and (\w+) on", README)
    named = [each.lower().replace(" ", "") for each in re.split(r", | and ", said[1])]
    assert sorted(named) == sorted(jira_preflight._FIELDS)
    assert {said[2].lower()} == {*jira_preflight._FIELDS_OF_CHILDREN} - {*jira_preflight._FIELDS}


def test_the_types_the_statuses_that_answer_and_the_link_type_are_the_defaults():
    jira, given = section("Jira Cloud"), Settings.model_fields
    kinds = [given[f"jira_{kind}_type"].default for kind in ("epic", "task", "sign_off")]
    assert "Its issue types are {}, {} and {}.".format(*kinds) in " ".join(jira.split())
    statuses = [given[f"jira_{answer}_status"].default for answer in ("approved", "rejected")]
    assert "To Do, {} and {}, where".format(*statuses) in jira
    assert f"the link type {LINK_TYPE}." in jira


@pytest.mark.parametrize(
    "addition", re.findall(r"`((?:jira|sheets|accounts): \{[^`]*\})`", README), ids=str
)
def test_what_a_spec_may_add_is_read(addition):
    text = addition.replace("ACCOUNT_ID", "712020:b61c966b").replace(
        "workbook: ID", "workbook: 1AbCdEfGhIjKlMnOpQrStUvWxYz"
    )
    assert read_valid(f"{SPEC}{text}\n", "README.md").program


def test_the_example_of_a_rejection_names_two_items():
    example = re.search(r"`(Reopen: [^`]+)`", README)[1]
    assert read_words(example).reopen == ("guideline", "quiz/ja-JP")


def test_the_example_of_a_condition_is_one():
    example = re.search(r"`(Condition [^`]+)`", README)[1]
    assert read_words(example).conditions == (
        AskedCondition(stage="launch", team="", text="Tell the market"),
    )


def test_the_example_of_a_waiver_is_one():
    example = re.search(r"`(Waive [^`]+)`", README)[1]
    assert read_words(example).waivers == (
        AskedWaiver(criterion="tasks", until=date(2027, 3, 31), reason="the reason"),
    )


def test_the_line_that_stops_a_program_does():
    assert "add the line `For good` to the reason" in README
    assert read_words("No.\nFor good").for_good


def test_a_reason_is_waited_for_as_long_as_said():
    assert "within ten minutes" in " ".join(README.split())
    assert timedelta(minutes=10) == REASON_WITHIN


def test_the_forms_offer_what_is_said():
    ui = " ".join(section("In the Prefect UI").split())
    assert f"*{PASTED}*" in ui
    assert "twitch-hateful-conduct-2021" in SHIPPED
    for choice in ACTIONS:
        assert f"*{choice}*" in ui


def test_the_fields_of_the_resume_form_are_those_that_are_described():
    ui = section("In the Prefect UI")
    spec, state = read_valid(SPEC, "README.md"), ProgramState("doxxing-2027")
    unsigned = resume_form(spec, state, "")
    state.gates[next(iter(spec.stages))] = GateState(opened_at=datetime.now(UTC))
    form = resume_form(spec, state, "")
    told = set(re.findall(r"`([a-z]+)`", ui)) - {"rollout"}
    assert set(form.model_fields) == told
    assert "fields for it are there while a gate waits" in " ".join(ui.split())
    assert set(unsigned.model_fields) == {"action", "note"}
    assert form.model_fields["action"].default not in {each.value for each in Action}


def test_what_a_person_mended_is_tried_again_within_the_time_told():
    minutes = LONGEST_WAIT // timedelta(minutes=1)
    told = section("What is looked at before the first write")
    assert f"tries again by itself\nwithin {minutes} minutes." in told


def test_the_people_of_the_spec_shown_are_added_on_the_page_that_is_named(sandbox):
    address = sandbox.jira_url.removesuffix("/jira")
    assert ">People</a>" in requests.get(address, timeout=30).text
    for person in people_of(read_valid(SPEC, "doxxing.yaml")):
        added = requests.post(f"{address}/people", data={"email": person}, timeout=30)
        assert person in added.text
