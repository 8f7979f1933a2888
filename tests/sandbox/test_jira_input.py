"""What the sandbox's Jira refuses, and how it says so."""

import pytest

ADF_REFUSAL = "Operation value must be an Atlassian Document (see the Atlassian Document Format): "


def paragraph(*content):
    return {
        "type": "doc",
        "version": 1,
        "content": [{"type": "paragraph", "content": list(content)}],
    }


def body(**fields):
    given = {"project": {"key": "POLICY"}, "issuetype": {"name": "Task"}, "summary": "Draft"}
    return {"fields": {**given, **fields}}


REFUSED = [
    ({"summary": ""}, "summary", "You must specify a summary of the issue."),
    ({"summary": "a" * 256}, "summary", "Summary can't exceed 255 characters."),
    (
        {"summary": "two\nlines"},
        "summary",
        "The summary is invalid because it contains newline characters.",
    ),
    ({"project": {"key": "OTHER"}}, "project", "Specify a valid project ID or key"),
    ({"issuetype": {"name": "Bug"}}, "issuetype", "Specify a valid issue type"),
    (
        {"labels": ["two words"]},
        "labels",
        "The label 'two words' contains spaces which is invalid.",
    ),
    ({"labels": "rollout"}, "labels", "data was not an array of strings"),
    (
        {"duedate": "1 March"},
        "duedate",
        "Error parsing date string: the date must be of the format 'yyyy-MM-dd'",
    ),
    (
        {"assignee": {"accountId": "712020:nobody"}},
        "assignee",
        "Specify a valid value: account '712020:nobody' is unknown",
    ),
    (
        {"parent": {"key": "POLICY-99"}},
        "parent",
        "Could not find valid 'id' or 'key' for the parent issue.",
    ),
    ({"priority": {"name": "Urgent"}}, "priority", "Specify a valid 'id' or 'name' for Priority"),
    (
        {"customfield_10010": "x"},
        "customfield_10010",
        "Field 'customfield_10010' cannot be set. It is not on the appropriate screen, or unknown.",
    ),
    (
        {"description": "plain text"},
        "description",
        ADF_REFUSAL + "it must be an Atlassian Document (type 'doc')",
    ),
    (
        {"description": paragraph({"type": "text", "text": ""})},
        "description",
        ADF_REFUSAL + "doc.content[0].content[0]: a text node needs a text that is not empty",
    ),
    (
        {"description": paragraph({"type": "paragraph"})},
        "description",
        ADF_REFUSAL + "doc.content[0].content[0]: a node of type 'paragraph' cannot stand here",
    ),
    (
        {"description": paragraph({"type": "text", "text": "a" * 32_768})},
        "description",
        "The entered text is too long. It exceeds the allowed limit of 32,767 characters.",
    ),
]


@pytest.mark.parametrize(
    ("fields", "field", "text"), REFUSED, ids=[str(r[0])[:40] for r in REFUSED]
)
def test_a_field_that_is_wrong_is_refused_by_name(jira_api, fields, field, text):
    answer = jira_api("POST", "issue", body(**fields))

    assert answer.status_code == 400
    assert answer.json() == {"errorMessages": [], "errors": {field: text}}


def test_all_that_is_wrong_with_an_issue_is_said_at_once(jira_api):
    answer = jira_api("POST", "issue", body(duedate="soon", labels=["a b"]))

    assert set(answer.json()["errors"]) == {"duedate", "labels"}


def test_only_an_epic_can_be_a_parent(jira_api):
    task = jira_api.make()

    answer = jira_api("POST", "issue", body(parent={"key": task}))

    assert answer.json()["errors"] == {
        "parentId": "Given parent work item does not belong to appropriate hierarchy."
    }


def test_a_comment_of_bare_text_is_refused(jira_api):
    answer = jira_api("POST", f"issue/{jira_api.make()}/comment", {"body": "Looks good"})

    assert answer.status_code == 400
    assert answer.json()["errors"]["comment"].startswith(ADF_REFUSAL)


def test_a_field_off_the_create_screen_is_refused_and_left_out_of_createmeta(sandbox, jira_api):
    sandbox.set_behaviour(fields_off_screen=["labels"])

    answer = jira_api("POST", "issue", body(labels=["rollout"]))
    offered = jira_api("GET", "issue/createmeta/POLICY/issuetypes/10001").json()["fields"]

    assert answer.json()["errors"] == {
        "labels": "Field 'labels' cannot be set. It is not on the appropriate screen, or unknown."
    }
    assert "labels" not in [each["fieldId"] for each in offered]


def test_a_field_that_the_site_requires_is_asked_for(sandbox, jira_api):
    sandbox.set_behaviour(required_fields=["duedate"])

    answer = jira_api("POST", "issue", body())

    assert answer.json()["errors"] == {"duedate": "Due date is required."}


def test_a_permission_that_nobody_has_is_told_and_enforced(sandbox, jira_api):
    sandbox.set_behaviour(denied_permissions=["CREATE_ISSUES"])

    told = jira_api("GET", "mypermissions?projectKey=POLICY&permissions=CREATE_ISSUES").json()
    answer = jira_api("POST", "issue", body())

    assert told["permissions"]["CREATE_ISSUES"]["havePermission"] is False
    assert answer.status_code == 403


def test_an_edit_without_notices_is_refused(jira_api):
    key = jira_api.make()

    answer = jira_api("PUT", f"issue/{key}?notifyUsers=false", {"fields": {"summary": "New"}})

    assert answer.status_code == 403
    assert jira_api.fields(key)["summary"] == "Draft the text"


def test_a_transition_that_is_not_offered_is_refused(jira_api):
    key = jira_api.make("Sign-off: legal", "Sign-off")

    answer = jira_api("POST", f"issue/{key}/transitions", {"transition": {"id": "41"}})

    assert answer.status_code == 400
    assert answer.json()["errorMessages"] == ["Transition id '41' is not valid for this issue."]


def test_fifty_one_issues_at_once_are_refused(jira_api):
    answer = jira_api("POST", "issue/bulk", {"issueUpdates": [body()] * 51})

    assert answer.status_code == 400
    assert answer.json()["errorMessages"] == ["You can create at most 50 issues at once."]
    assert jira_api.search("project = POLICY") == []


def test_a_body_that_is_no_json_is_refused(sandbox):
    import requests  # noqa: PLC0415 - a raw body, which the fixture does not send

    answer = requests.post(
        f"{sandbox.jira_url}/rest/api/3/issue",
        data="{",
        auth=(sandbox.email, sandbox.token),
        timeout=10,
    )

    assert answer.status_code == 400
