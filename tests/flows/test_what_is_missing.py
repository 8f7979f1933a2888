"""What is missing: one clear error, nothing created, and the pass after mending goes on."""

import pytest
from carried import MEI, SPEC, Carried

pytestmark = pytest.mark.long


def test_a_person_whom_jira_does_not_know_is_named_before_anything_is_created(program):
    program.sandbox.remove_person(MEI)

    program.go()

    assert program.trouble.startswith(
        "Preflight: 1 missing, nothing was written:\n  - Jira: person"
    )
    assert MEI in program.trouble
    assert program.jira() == {}
    assert program.rows() == {}


def test_the_pass_after_a_person_was_added_goes_on(program):
    program.sandbox.remove_person(MEI)
    program.go()
    program.sandbox.add_person(MEI)

    program.go()

    assert program.trouble == ""
    assert program.kinds.count("trouble_over") == 1
    program.everything_once()


@pytest.mark.parametrize(
    ("behaviour", "named"),
    [
        ({"missing_issue_types": ["Sign-off"]}, "issue type 'Sign-off' of project POLICY"),
        ({"fields_off_screen": ["duedate"]}, "field 'duedate' on the create screen of 'Task'"),
        ({"required_fields": ["priority"]}, "Priority"),
        ({"denied_permissions": ["CREATE_ISSUES"]}, "CREATE_ISSUES"),
    ],
    ids=["issue type", "field", "required field", "permission"],
)
def test_what_the_project_lacks_is_named_and_mended_it_goes_on(program, behaviour, named):
    program.sandbox.set_behaviour(**behaviour)

    program.go()

    assert program.trouble.startswith("Preflight: ")
    assert named in program.trouble
    assert program.state.wrote_nothing
    program.sandbox.set_behaviour(**{name: [] for name in behaviour})
    program.go()
    program.everything_once()


@pytest.mark.parametrize(
    ("setting", "wrong", "named"),
    [
        ("JIRA_PROJECT", "NOWHERE", "Jira: project NOWHERE: found HTTP 404"),
        ("JIRA_TOKEN", "expired", "Jira: API token of rollout@sandbox.example: found HTTP 401"),
        ("SHEETS_WORKBOOK", "no-such-workbook", "Google Sheets: workbook no-such-workbook"),
        ("SHEETS_CREDENTIALS", "no-such-file.json", "no-such-file.json cannot be read"),
        ("JIRA_PROJECT", "", "Jira is not connected: ROLLOUT_JIRA_PROJECT not set"),
        ("SHEETS_WORKBOOK", "", "Google Sheets is not connected: ROLLOUT_SHEETS_WORKBOOK not set"),
        ("JIRA_URL", "http://127.0.0.1:9", "Jira: signing in failed"),
    ],
)
def test_a_wrong_setting_is_named_and_mended_it_goes_on(program, setting, wrong, named):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(f"ROLLOUT_{setting}", wrong)

        program.go()

        assert named in program.trouble
        assert program.state.wrote_nothing
    program.go()
    assert program.trouble == ""
    program.everything_once()


def test_a_workbook_that_is_only_shared_for_viewing_is_named(program):
    program.workbook.share("view")

    program.go()

    assert "Google Sheets: workbook" in program.trouble
    program.workbook.share("edit")
    program.go()
    program.everything_once()


def test_all_that_is_missing_in_both_services_is_named_at_once(program):
    program.sandbox.remove_person(MEI)
    program.workbook.share("none")

    program.go()

    assert program.trouble.startswith("Preflight: 2 missing, nothing was written:")


def test_a_spec_that_names_its_own_project_is_held_to_it(program):
    own = Carried(program.sandbox, SPEC + "jira: {project: OTHER}\n")

    own.go()

    assert "Jira: project OTHER: found HTTP 404" in own.trouble
