"""A program's work stays where it was put: another workbook, tab or project is refused by name."""

from datetime import UTC, datetime

import pytest
import requests
from carried import OWNER, RIMA, ROWS, SIGN_OFF, SPEC, connect
from plain_passes import PlainlyCarried, make_plain

from policy_rollout.errors import HomeChanged
from policy_rollout.journal.store import Journal
from policy_rollout.planning import make_plan
from policy_rollout.sandbox.sheets_control import WorkbookEditor
from policy_rollout.sandbox.sheets_credentials import write_credentials
from policy_rollout.sandbox.sheets_store import WORKBOOK
from policy_rollout.settings import Settings
from policy_rollout.work import people_of
from policy_rollout.workbook_requests import SHEET_IDS

pytestmark = pytest.mark.long

TRAINING = 740_201
LACKS_APPROVED = (
    "Jira: status 'Approved' of issue type 'Sign-off': found Rejected, Signed, To Do, expected one "
    "of that name. Add it to the workflow of that issue type, with a transition to it and with the "
    "category Done, or name the workflow's own in ROLLOUT_JIRA_APPROVED_STATUS"
)


@pytest.fixture
def program(sandbox, key_folder, tmp_path, monkeypatch) -> PlainlyCarried:
    monkeypatch.chdir(tmp_path)  # no .env of the checkout
    connect(sandbox, write_credentials(key_folder, sandbox.sheets_url), tmp_path, monkeypatch)
    make_plain(monkeypatch)
    carried = PlainlyCarried(sandbox, SPEC)
    for person in people_of(carried.spec):
        sandbox.add_person(person)
    return carried


def another_workbook(program) -> WorkbookEditor:
    made = requests.post(f"{program.sandbox.sheets_url}/", data={"title": "Copy"}, timeout=30)
    return WorkbookEditor(program.sandbox.sheets_url, made.url.split("/d/")[1].split("/")[0])


def test_another_workbook_is_refused_until_the_first_is_named_again(program, monkeypatch):
    program.go()
    other = another_workbook(program)
    monkeypatch.setenv("ROLLOUT_SHEETS_WORKBOOK", other.workbook)
    program.sandbox.clear_requests()

    program.go()

    assert program.trouble == (
        f"Google Sheets: the workbook was replaced: found {other.workbook}, expected {WORKBOOK}, "
        "which holds the work of the program; nothing was written. Put its id back into "
        "ROLLOUT_SHEETS_WORKBOOK, or `sheets: workbook` of the spec, then press Resume"
    )
    assert program.sandbox.requests() == []
    monkeypatch.setenv("ROLLOUT_SHEETS_WORKBOOK", WORKBOOK)
    program.go()
    assert program.trouble == ""
    program.everything_once()


def test_another_project_is_refused_until_the_first_is_named_again(program, monkeypatch):
    program.go()
    monkeypatch.setenv("ROLLOUT_JIRA_PROJECT", "LEGAL")
    program.sandbox.clear_requests()

    program.go()

    assert program.trouble == (
        "Jira: the project was replaced: found LEGAL, expected POLICY, which holds the work of the "
        "program; nothing was written. Put the key back into ROLLOUT_JIRA_PROJECT, or `jira: "
        "project` of the spec, then press Resume"
    )
    assert program.sandbox.requests() == []
    monkeypatch.setenv("ROLLOUT_JIRA_PROJECT", "POLICY")
    program.go()
    assert program.trouble == ""
    program.everything_once()


def test_a_tab_that_was_deleted_and_made_anew_is_refused(program):
    program.go()
    program.workbook.change(
        {"deleteSheet": {"sheetId": TRAINING}},
        {"addSheet": {"properties": {"sheetId": 5, "title": "Training"}}},
    )

    program.go()

    assert program.trouble == (
        f"Google Sheets: tab 'Training' of workbook {WORKBOOK} was replaced: found a tab of that "
        "name with the id 5, expected the one with the id 740201, which holds the work of the "
        "program; nothing was written. Restore it from the workbook's version history, or rename "
        "the new one and ask for what is missing to be created again, then press Resume"
    )
    rename = {"properties": {"sheetId": 5, "title": "Mine"}, "fields": "title"}
    program.workbook.change({"updateSheetProperties": rename})
    program.go()
    assert program.trouble == ""
    assert any(ROWS[0] in each and "the row is gone" in each for each in program.state.oddities)


def test_a_plan_refuses_a_tab_that_was_deleted_and_made_anew(program):
    program.go()
    program.workbook.change(
        {"deleteSheet": {"sheetId": TRAINING}},
        {"addSheet": {"properties": {"sheetId": 5, "title": "Training"}}},
    )
    settings = Settings.load()

    with (
        Journal(settings.journal_address) as journal,
        pytest.raises(HomeChanged, match="with the id 5, expected the one with the id 740201"),
    ):
        make_plan(journal, settings, "demo", None, now=datetime.now(UTC))


def test_a_tab_whose_name_is_taken_by_another_is_still_found(program):
    program.go()
    rename = {"properties": {"sheetId": TRAINING, "title": "Ours"}, "fields": "title"}
    program.workbook.change(
        {"updateSheetProperties": rename}, {"addSheet": {"properties": {"title": "Training"}}}
    )

    program.go()

    assert (program.trouble, program.state.oddities) == ("", ())


def test_a_deleted_tab_is_told_row_by_row_and_not_made_again(program):
    program.go()
    program.workbook.change({"deleteSheet": {"sheetId": TRAINING}})

    program.go()

    assert program.trouble == ""
    told = "the row is gone: deleted, or its key was changed; put the key back"
    assert set(program.state.oddities) == {f"workbook ({key}): {told}" for key in ROWS[:2]}
    assert {tab["gid"] for tab in program.workbook.whole()} & set(SHEET_IDS.values()) == {740_202}


def test_an_issue_in_another_project_is_followed_and_told(program):
    program.go()
    key = "demo/write/guideline"
    program.sandbox.move_elsewhere(program.state.issues[key], RIMA, project="LEGAL")
    program.person(RIMA).edit(program.state.issues[key], summary="Renamed")

    program.go()

    moved = program.state.issues[key]
    assert moved.startswith("LEGAL-")
    assert program.issue(key)["summary"] == "Write the guideline"
    assert program.state.oddities == (
        f"{moved}: {key} was moved to another project, expected it in POLICY; it is followed there",
    )


def test_an_issue_of_another_type_is_told(program):
    program.go()
    issue_key = program.state.issues["demo/write/guideline"]
    program.sandbox.move_elsewhere(issue_key, RIMA, issue_type="Epic")

    program.go()

    what = "demo/write/guideline was made a Epic, expected a Task; convert it back"
    assert (program.trouble, program.state.oddities) == ("", (f"{issue_key}: {what}",))


def test_clones_are_told_and_left_alone(program):
    program.go()
    issue_key = program.state.issues["demo/write/guideline"]
    plain = program.person(OWNER).clone(issue_key)
    marked = program.person(OWNER).clone(issue_key, with_property=True)

    program.go()

    assert set(program.state.oddities) == {
        f"{plain}: has the label rollout/demo and no mark of ours; left alone",
        f"{marked}: is somebody's copy of demo/write/guideline; left alone",
    }
    assert program.state.issues["demo/write/guideline"] == issue_key


def test_a_workflow_without_the_status_that_approves_is_told_with_both_sides(program):
    program.go()
    program.finish_work()
    program.go()
    program.sandbox.set_behaviour(renamed_statuses={"Approved": "Signed"})

    program.go()

    assert program.state.oddities == (LACKS_APPROVED,)
    program.sandbox.set_behaviour(renamed_statuses={})
    program.person(RIMA).move(program.state.issues[SIGN_OFF], "Approved")
    program.go()
    assert program.state.oddities == ()
    assert program.state.waiting_stages == ("launch",)


def test_a_workflow_where_approved_is_not_done_is_told(program):
    program.go()
    program.finish_work()
    program.go()
    program.sandbox.set_behaviour(status_categories={"Approved": "indeterminate"})

    program.go()

    (told,) = program.state.oddities
    assert "found category 'indeterminate', expected category 'done'" in told


def test_a_transition_that_is_gone_names_where_the_issue_stands_and_where_it_can_go(program):
    program.go()
    program.finish_work()
    program.go()
    program.sandbox.set_behaviour(removed_statuses=["To Do"])
    program.person(OWNER).move(program.state.issues[SIGN_OFF], "Approved")

    program.go()

    assert program.trouble == (
        f"Jira: {program.state.issues[SIGN_OFF]} stands on 'Approved' and no transition leads to "
        "'todo'; it can go to: Rejected. Move it by hand or mend the workflow in Jira"
    )
