"""What a Jira site must have before the first write, over HTTP against the sandbox."""

from dataclasses import replace

import pytest
from jira_examples import connection_to
from pydantic import SecretStr

from policy_rollout.errors import ServiceRefused
from policy_rollout.jira_issues import JiraIssues
from policy_rollout.observed import AnswerStatuses


@pytest.fixture
def connection(sandbox):
    return connection_to(sandbox)


def look(connection, people=None):
    with JiraIssues(connection) as jira:
        return jira.preflight(people or {})


def missing(connection, people=None):
    return [str(each) for each in look(connection, people).missing]


def test_nothing_is_missing_on_a_site_that_has_all(connection, sandbox):
    kim = sandbox.add_person("kim@example.com")

    found = look(connection, {"kim@example.com": None})

    assert (found.missing, found.accounts) == ((), {"kim@example.com": kim})


def test_the_own_account_is_told(connection, sandbox):
    own = sandbox.as_person(sandbox.email).call("GET", "myself")["accountId"]

    assert look(connection).own_account == own


def test_a_preflight_writes_nothing(connection, sandbox):
    sandbox.clear_requests()

    look(connection, {"kim@example.com": None})

    assert {each["method"] for each in sandbox.requests()} == {"GET"}


def test_a_wrong_token_is_missing_and_ends_the_look(connection, sandbox):
    found = look(replace(connection, token=SecretStr("geheim")), {"kim@example.com": None})

    (only,) = found.missing

    assert str(only) == (
        f"Jira: API token of {sandbox.email}: found HTTP 401, expected a sign-in at "
        f"{sandbox.jira_url}. Make a new token in the account's security settings and set "
        "ROLLOUT_JIRA_EMAIL and ROLLOUT_JIRA_TOKEN"
    )


def test_an_address_that_is_no_jira_is_refused(connection, sandbox):
    elsewhere = replace(connection, url=f"{sandbox.url}/nowhere")

    with pytest.raises(ServiceRefused, match=r"Jira: signing in was refused \(HTTP 404\)"):
        look(elsewhere)


def test_a_missing_project_is_named(connection):
    (only,) = missing(replace(connection, project="NOPE"))

    assert only == (
        "Jira: project NOPE: found HTTP 404, expected an answer. Set ROLLOUT_JIRA_PROJECT to the "
        "key of a project that the service account can browse"
    )


def test_a_missing_issue_type_names_those_there_are(connection, sandbox):
    sandbox.set_behaviour(missing_issue_types=["Sign-off"])

    (only,) = missing(connection)

    assert only == (
        "Jira: issue type 'Sign-off' of project POLICY: found Epic, Task, expected one of that "
        "name which the service account may create. Add it to the project's issue types, or name "
        "the project's own in ROLLOUT_JIRA_EPIC_TYPE, ROLLOUT_JIRA_TASK_TYPE or "
        "ROLLOUT_JIRA_SIGN_OFF_TYPE"
    )


def test_a_field_off_a_create_screen_is_named_for_each_type(connection, sandbox):
    sandbox.set_behaviour(fields_off_screen=["labels"])

    found = look(connection).missing

    assert [each.name for each in found] == [
        "field 'labels' on the create screen of 'Epic' in project POLICY",
        "field 'labels' on the create screen of 'Task' in project POLICY",
        "field 'labels' on the create screen of 'Sign-off' in project POLICY",
    ]
    assert str(found[0]).endswith(
        ": found none, expected the field, since issues are created with it. Add it to the screen "
        "in the project's settings"
    )


def test_a_parent_is_not_asked_of_the_epic(connection, sandbox):
    sandbox.set_behaviour(fields_off_screen=["parent"])

    assert [each.name for each in look(connection).missing] == [
        "field 'parent' on the create screen of 'Task' in project POLICY",
        "field 'parent' on the create screen of 'Sign-off' in project POLICY",
    ]


def test_a_required_field_that_rollouts_do_not_know_is_named(connection, sandbox):
    sandbox.set_behaviour(required_fields=["priority"])

    assert missing(connection)[0] == (
        "Jira: field 'Priority' on the create screen of 'Epic' in project POLICY: found required, "
        "expected optional or with a default, since rollouts do not know it. Make it optional, or "
        "give it a default in the project's settings"
    )


def test_each_missing_permission_is_named(connection, sandbox):
    sandbox.set_behaviour(denied_permissions=["LINK_ISSUES", "ASSIGN_ISSUES"])

    assert missing(connection) == [
        f"Jira: permission {each} in project POLICY: found not granted, expected granted. Grant "
        "it to the service account in the project's permission scheme"
        for each in ("LINK_ISSUES", "ASSIGN_ISSUES")
    ]


def test_a_missing_rejected_status_names_those_of_the_sign_off(connection):
    (only,) = missing(replace(connection, statuses=AnswerStatuses("Approved", "Declined")))

    assert only == (
        "Jira: status 'Declined' of issue type 'Sign-off': found Approved, Rejected, To Do, "
        "expected one of that name. Add it to the workflow of that issue type, with a transition "
        "to it and with the category Done, or name the workflow's own in "
        "ROLLOUT_JIRA_REJECTED_STATUS"
    )


def test_a_rejected_status_must_end_the_work(connection):
    (found,) = missing(replace(connection, statuses=AnswerStatuses("Approved", "To Do")))

    assert "found category 'new', expected category 'done'" in found


def test_a_missing_approved_status_names_its_setting(connection):
    (only,) = missing(replace(connection, statuses=AnswerStatuses("Agreed", "Rejected")))

    assert only == (
        "Jira: status 'Agreed' of issue type 'Sign-off': found Approved, Rejected, To Do, "
        "expected one of that name. Add it to the workflow of that issue type, with a transition "
        "to it and with the category Done, or name the workflow's own in "
        "ROLLOUT_JIRA_APPROVED_STATUS"
    )


def test_both_statuses_that_answer_are_said_at_once(connection):
    found = missing(replace(connection, statuses=AnswerStatuses("Agreed", "Declined")))

    assert [each.partition(":")[2][:18] for each in found] == [
        " status 'Agreed' o",
        " status 'Declined'",
    ]


def test_an_unknown_person_is_named_with_the_way_out(connection):
    (only,) = missing(connection, {"kim@example.com": None})

    assert only == (
        "Jira: person kim@example.com: found no active accounts with that mail address, expected "
        "exactly one. See the spelling; where Jira hides the address, write the account id in the "
        "spec: accounts: {kim@example.com: ACCOUNT_ID}"
    )


def test_a_mail_address_matches_in_any_case(connection, sandbox):
    kim = sandbox.add_person("Kim@Example.com")

    assert look(connection, {"kim@example.com": None}).accounts == {"kim@example.com": kim}


def test_a_mail_address_that_only_begins_alike_is_nobody(connection, sandbox):
    sandbox.add_person("kim@example.com.au")

    assert look(connection, {"kim@example.com": None}).accounts == {}


def test_a_name_that_reads_like_the_mail_address_is_nobody(connection, sandbox):
    sandbox.add_person("impostor@example.com", "kim@example.com")

    assert look(connection, {"kim@example.com": None}).accounts == {}


def test_a_closed_account_is_nobody(connection, sandbox):
    sandbox.add_person("kim@example.com")
    sandbox.remove_person("kim@example.com")

    assert look(connection, {"kim@example.com": None}).accounts == {}


def test_a_hidden_mail_address_is_found_by_the_account_id_given_for_it(connection, sandbox):
    kim = sandbox.add_person("kim@example.com", hides_email=True)

    assert look(connection, {"kim@example.com": None}).accounts == {}
    assert look(connection, {"kim@example.com": kim}).accounts == {"kim@example.com": kim}


def test_an_account_id_that_nobody_has_is_named(connection):
    (only,) = missing(connection, {"kim@example.com": "712020:nobody"})

    assert only == (
        "Jira: person kim@example.com: found no active account with the id '712020:nobody', "
        "expected the account that the spec gives under `accounts`. Copy the id from the address "
        "of the person's profile page in Jira"
    )


def test_all_that_is_missing_is_told_at_once(connection, sandbox):
    sandbox.set_behaviour(denied_permissions=["LINK_ISSUES"], fields_off_screen=["parent"])
    people = {"kim@example.com": None, "lee@example.com": None}

    assert [each.name for each in look(connection, people).missing] == [
        "field 'parent' on the create screen of 'Task' in project POLICY",
        "field 'parent' on the create screen of 'Sign-off' in project POLICY",
        "permission LINK_ISSUES in project POLICY",
        "person kim@example.com",
        "person lee@example.com",
    ]
