"""Settings: variables, `.env`, the sandbox of the folder, and what is said when they are wrong."""

import json
import os
from pathlib import Path

import pytest

from policy_rollout.errors import SettingsWrong
from policy_rollout.settings import Settings

SANDBOX = {
    "jira_url": "http://127.0.0.1:8700/jira",
    "jira_email": "rollout@sandbox.example",
    "jira_token": "sandbox",
    "jira_project": "POLICY",
    "sheets_url": "http://127.0.0.1:8700/sheets",
    "sheets_credentials": "key.json",
    "sheets_workbook": "book",
}
GIVEN = {
    "home": "elsewhere",
    "jira_url": "https://example.atlassian.net",
    "jira_email": "bot@example.com",
    "jira_token": "geheim",
    "jira_project": "POL",
    "jira_task_type": "Story",
    "jira_epic_type": "Initiative",
    "jira_sign_off_type": "Approval",
    "jira_approved_status": "Agreed",
    "jira_rejected_status": "Declined",
    "sheets_url": "http://127.0.0.1:9/sheets",
    "sheets_credentials": "google.json",
    "sheets_workbook": "abc",
    "journal_url": "postgresql://u:geheim@db/rollout",
    "codes_key": "geheim-key",
    "notice_urls": "mailtos://u:geheim@example.com",
    "closing_share": "0.5",
    "settle_seconds": "240",
    "watch_seconds": "30",
}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """An empty folder, and no settings from outside."""
    for name in [each for each in os.environ if each.startswith("ROLLOUT_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def sandbox(here):
    """The addresses that a sandbox left in this folder; the file to write others into."""
    path = here / ".rollout" / "sandbox.json"
    path.parent.mkdir()
    path.write_text(json.dumps(SANDBOX))
    return path


def said_of(monkeypatch, name, text):
    monkeypatch.setenv(name, text)
    with pytest.raises(SettingsWrong) as wrong:
        Settings.load()
    return str(wrong.value)


def as_texts(settings):
    """Each setting as it was written; secrets are asked for by name."""
    shown = settings.model_dump(mode="json")
    for name in ("jira_token", "journal_url", "codes_key", "notice_urls"):
        shown[name] = getattr(settings, name).get_secret_value()
    return {name: f"{each:g}" if isinstance(each, float) else each for name, each in shown.items()}


def test_every_setting_is_among_those_tested_here():
    assert set(GIVEN) == set(Settings.model_fields)


def test_every_setting_is_read_from_its_variable(monkeypatch):
    for name, text in GIVEN.items():
        monkeypatch.setenv(f"ROLLOUT_{name.upper()}", text)
    assert as_texts(Settings.load()) == GIVEN


def test_every_setting_is_read_from_the_file_env(here):
    lines = [f"ROLLOUT_{name.upper()}={text}\n" for name, text in GIVEN.items()]
    (here / ".env").write_text("".join(lines))
    assert as_texts(Settings.load()) == GIVEN


def test_a_variable_goes_before_the_file_env(here, monkeypatch):
    (here / ".env").write_text("ROLLOUT_JIRA_PROJECT=FILE\nOTHER_THING=1\n")
    monkeypatch.setenv("ROLLOUT_JIRA_PROJECT", "VARIABLE")
    assert Settings.load().jira_project == "VARIABLE"


def test_an_empty_variable_is_one_that_is_not_set(monkeypatch):
    for name in GIVEN:
        monkeypatch.setenv(f"ROLLOUT_{name.upper()}", "")
    settings = Settings.load()
    assert (settings.home, settings.sheets_credentials) == (Path(".rollout"), None)
    assert (settings.settle_seconds, settings.watch_seconds) == (180, 60)


def test_the_journal_lies_in_the_home_unless_it_has_a_url(here, monkeypatch):
    monkeypatch.setenv("ROLLOUT_HOME", "state")
    assert Settings.load().journal_address == f"sqlite:///{here}/state/journal.sqlite3"
    monkeypatch.setenv("ROLLOUT_JOURNAL_URL", "postgresql://u:p@db/rollout")
    assert Settings.load().journal_address == "postgresql://u:p@db/rollout"


def test_a_path_may_start_at_the_user_s_home(here, monkeypatch):
    monkeypatch.setenv("HOME", "/users/me")
    (here / ".env").write_text("ROLLOUT_HOME=~/state\nROLLOUT_SHEETS_CREDENTIALS=~/key.json\n")
    settings = Settings.load()
    assert settings.home == Path("/users/me/state")
    assert settings.sheets_credentials == Path("/users/me/key.json")


def test_secrets_stay_out_of_what_is_shown(monkeypatch):
    for name, text in GIVEN.items():
        monkeypatch.setenv(f"ROLLOUT_{name.upper()}", text)
    settings = Settings.load()
    assert "geheim" not in repr(settings) + str(settings) + settings.model_dump_json()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("SETTLE_SECONDS", "soon", "found 'soon', expected a number"),
        ("SETTLE_SECONDS", "0", "found '0', expected a number above 0"),
        ("SETTLE_SECONDS", "inf", "found 'inf', expected a number"),
        ("WATCH_SECONDS", "nan", "found 'nan', expected a number"),
        ("WATCH_SECONDS", "61", "found '61', expected a number of at most 60"),
        (
            "JIRA_URL",
            "user:geheim@example.atlassian.net",
            (
                "found a value of another form, expected an address that starts with https:// or "
                "http://"
            ),
        ),
    ],
)
def test_a_wrong_value_names_its_variable_and_an_example(monkeypatch, name, text, said):
    example = Settings.model_fields[name.lower()].examples[0]
    assert said_of(monkeypatch, f"ROLLOUT_{name}", text) == (
        f"setting ROLLOUT_{name}: {said}; mend it in .env or the environment, for example "
        f"ROLLOUT_{name}={example}"
    )


def test_all_wrong_values_are_said_at_once(monkeypatch):
    monkeypatch.setenv("ROLLOUT_WATCH_SECONDS", "never")
    said = said_of(monkeypatch, "ROLLOUT_SETTLE_SECONDS", "never")
    assert [line.partition(":")[0] for line in said.splitlines()] == [
        "setting ROLLOUT_SETTLE_SECONDS",
        "setting ROLLOUT_WATCH_SECONDS",
    ]


def test_every_setting_has_a_description_and_an_example():
    fields = Settings.model_fields.values()
    assert all(each.description and each.examples for each in fields)


def test_a_file_env_that_is_no_text_is_named(here):
    (here / ".env").write_bytes(b"ROLLOUT_JIRA_PROJECT=\xff\n")
    with pytest.raises(SettingsWrong) as wrong:
        Settings.load()
    assert str(wrong.value) == (
        ".env cannot be read (UnicodeDecodeError); save it as a text file in UTF-8 with one "
        "NAME=value a line, as in: ROLLOUT_JIRA_PROJECT=POLICY"
    )


def test_a_name_in_the_file_env_that_is_no_setting_is_refused(here):
    (here / ".env").write_text("ROLLOUT_JIRA_TOKN=geheim\nROLLOUT_COLOUR=x\nPATH_OF_MINE=1\n")
    with pytest.raises(SettingsWrong) as wrong:
        Settings.load()
    names = ", ".join(f"ROLLOUT_{name.upper()}" for name in GIVEN)
    assert str(wrong.value) == (
        "found ROLLOUT_JIRA_TOKN in .env, expected a setting; did you mean ROLLOUT_JIRA_TOKEN?\n"
        f"found ROLLOUT_COLOUR in .env, expected one of {names}; delete it or rename it"
    )


def test_a_strange_variable_of_the_environment_is_left_alone(monkeypatch):
    monkeypatch.setenv("ROLLOUT_SERVICE_HOST", "10.0.0.1")  # as Kubernetes sets for a service
    assert Settings.load().jira_url == ""


@pytest.mark.usefixtures("sandbox")
def test_without_a_jira_the_sandbox_of_the_folder_stands_in():
    settings = Settings.load()
    assert settings.jira_url == SANDBOX["jira_url"]
    assert settings.jira_token.get_secret_value() == "sandbox"
    assert settings.sheets_credentials == Path("key.json")


@pytest.mark.usefixtures("sandbox")
def test_a_jira_that_is_set_goes_before_the_sandbox(monkeypatch):
    monkeypatch.setenv("ROLLOUT_JIRA_URL", "https://example.atlassian.net")
    settings = Settings.load()
    assert settings.jira_url == "https://example.atlassian.net"
    assert (settings.jira_project, settings.sheets_workbook) == ("", "")


@pytest.mark.usefixtures("sandbox")
def test_half_an_installation_is_not_filled_up_from_the_sandbox(monkeypatch):
    monkeypatch.setenv("ROLLOUT_JIRA_TOKEN", "geheim")
    said = said_of(monkeypatch, "ROLLOUT_SHEETS_WORKBOOK", "abc")
    assert said == (
        "found ROLLOUT_JIRA_TOKEN, ROLLOUT_SHEETS_WORKBOOK without ROLLOUT_JIRA_URL, expected all "
        "of a Jira and a workbook, or nothing of them for the sandbox of .rollout/sandbox.json; "
        "set ROLLOUT_JIRA_URL, for example https://example.atlassian.net, or take the others out "
        "of .env"
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "JSONDecodeError"),
        (b"[]", "ValidationError"),
        (b'{"jira_token": "geheim"}', "ValidationError"),
        (b"\xff", "UnicodeDecodeError"),
    ],
)
def test_addresses_that_cannot_be_read_are_named_with_the_way_out(sandbox, content, reason):
    sandbox.write_bytes(content)
    with pytest.raises(SettingsWrong) as wrong:
        Settings.load()
    assert str(wrong.value) == (
        f".rollout/sandbox.json cannot be read ({reason}); delete it and start the sandbox again "
        "with: rollout up"
    )
