"""Many issues at once in the sandbox's Jira: create, fetch, changelogs."""

import re
from datetime import datetime, timedelta

import pytest


def body(number=0, **more):
    fields = {"project": {"key": "POLICY"}, "issuetype": {"name": "Task"}}
    return {"fields": {**fields, "summary": f"Item {number}"}, **more}


def test_a_bulk_create_sets_entity_properties(jira_api):
    mark = [{"key": "rollout", "value": {"key": "p/s/i"}}]

    made = jira_api("POST", "issue/bulk", {"issueUpdates": [body(properties=mark)]}).json()

    key = made["issues"][0]["key"]
    told = jira_api("GET", f"issue/{key}/properties/rollout").json()
    assert told == {"key": "rollout", "value": {"key": "p/s/i"}}


def test_a_bulk_create_numbers_its_issues_in_the_order_given(jira_api):
    updates = [body(number) for number in range(50)]

    made = jira_api("POST", "issue/bulk", {"issueUpdates": updates}).json()

    assert [each["key"] for each in made["issues"]] == [f"POLICY-{n}" for n in range(1, 51)]
    assert jira_api.fields("POLICY-50")["summary"] == "Item 49"


def test_a_bulk_create_makes_what_it_can_and_numbers_what_failed(jira_api):
    wrong = {"fields": {"project": {"key": "POLICY"}, "issuetype": {"name": "Bug"}}}

    answer = jira_api("POST", "issue/bulk", {"issueUpdates": [body(0), wrong, body(2)]})

    assert answer.status_code == 201
    told = answer.json()
    assert [each["key"] for each in told["issues"]] == ["POLICY-1", "POLICY-2"]
    assert [each["failedElementNumber"] for each in told["errors"]] == [1]
    assert told["errors"][0]["elementErrors"]["errors"] == {
        "issuetype": "Specify a valid issue type",
        "summary": "You must specify a summary of the issue.",
    }


def test_a_bulk_create_of_nothing_usable_answers_400(jira_api):
    answer = jira_api("POST", "issue/bulk", {"issueUpdates": [{"fields": {}}]})

    assert answer.status_code == 400
    assert answer.json()["issues"] == []


def test_a_create_can_link_to_an_issue_that_is_there(jira_api):
    first = jira_api.make("First")
    link = {"type": {"name": "Blocks"}, "inwardIssue": {"key": first}}

    jira_api("POST", "issue/bulk", {"issueUpdates": [body(update={"issuelinks": [{"add": link}]})]})

    (seen,) = jira_api.fields("POLICY-2")["issuelinks"]
    assert (seen["type"]["inward"], seen["inwardIssue"]["key"]) == ("is blocked by", first)


def test_a_bulk_fetch_leaves_out_unknown_keys_and_sorts_by_id(jira_api):
    jira_api.make("First")
    jira_api.make("Second")

    wanted = {"issueIdsOrKeys": ["POLICY-9", "POLICY-2", "OTHER-1", "10001"], "fields": ["summary"]}
    told = jira_api("POST", "issue/bulkfetch", wanted).json()

    assert [each["key"] for each in told["issues"]] == ["POLICY-1", "POLICY-2"]
    assert told["issues"][0]["fields"] == {"summary": "First"}


def test_a_bulk_fetch_carries_the_properties_and_comments_asked_for(jira_api, sandbox):
    sandbox.add_person("ada@example.com")
    key = jira_api.make()
    jira_api("PUT", f"issue/{key}/properties/rollout", {"key": "p/s/i"})
    jira_api("PUT", f"issue/{key}/properties/other", 1)
    sandbox.as_person("ada@example.com").comment(key, "Done soon.")

    wanted = {"issueIdsOrKeys": [key], "fields": ["comment"], "properties": ["rollout"]}
    (told,) = jira_api("POST", "issue/bulkfetch", wanted).json()["issues"]

    assert told["properties"] == {"rollout": {"key": "p/s/i"}}
    assert told["fields"]["comment"]["total"] == 1


def test_a_bulk_fetch_of_101_keys_is_refused(jira_api):
    keys = [f"POLICY-{number}" for number in range(1, 102)]

    answer = jira_api("POST", "issue/bulkfetch", {"issueIdsOrKeys": keys})

    assert answer.status_code == 400
    assert answer.json()["errorMessages"] == ["issueIdsOrKeys must hold 1 to 100 issues."]


@pytest.fixture
def moved(jira_api, sandbox):
    """Two issues that Ada moved, one of which she also renamed."""
    ada = sandbox.add_person("ada@example.com", "Ada Okafor")
    first, second = jira_api.make("First"), jira_api.make("Second")
    person = sandbox.as_person("ada@example.com")
    person.move(first, "In Progress")
    person.edit(first, summary="First, renamed")
    person.move(second, "Done")
    person.move(first, "Done")
    return ada


def changelogs(jira_api, **more):
    wanted = {"issueIdsOrKeys": ["POLICY-1", "POLICY-2"], **more}
    return jira_api("POST", "changelog/bulkfetch", wanted).json()


def test_bulk_changelogs_hold_only_the_fields_asked_for_and_their_author(jira_api, moved):
    told = changelogs(jira_api, fieldIds=["status"])["issueChangeLogs"]

    by_issue = {each["issueId"]: each["changeHistories"] for each in told}
    seen = [history["items"][0]["toString"] for history in by_issue["10001"]]
    assert seen == ["In Progress", "Done"]
    assert {h["author"]["accountId"] for each in by_issue.values() for h in each} == {moved}


@pytest.mark.usefixtures("moved")
def test_bulk_changelogs_come_in_pages_that_lose_nothing(jira_api):
    ids, token = [], None
    while True:
        page = changelogs(jira_api, maxResults=1, **({"nextPageToken": token} if token else {}))
        ids += [h["id"] for each in page["issueChangeLogs"] for h in each["changeHistories"]]
        token = page.get("nextPageToken")
        if token is None:
            break

    assert len(ids) == len(set(ids)) == 4


@pytest.mark.usefixtures("moved")
def test_a_page_token_of_another_request_is_refused(jira_api):
    token = changelogs(jira_api, maxResults=1)["nextPageToken"]

    wanted = {"issueIdsOrKeys": ["POLICY-1"], "nextPageToken": token}
    answer = jira_api("POST", "changelog/bulkfetch", wanted)

    assert answer.status_code == 400


def test_an_edit_that_changes_nothing_leaves_no_trace(jira_api):
    key = jira_api.make("First", labels=["b", "a"])

    jira_api("PUT", f"issue/{key}", {"fields": {"summary": "First", "labels": ["a", "b"]}})

    assert jira_api("GET", f"issue/{key}/changelog").json()["total"] == 0


def test_labels_are_added_and_removed_without_touching_others(jira_api):
    key = jira_api.make(labels=["theirs", "rollout-old"])

    change = {"update": {"labels": [{"add": "rollout-new"}, {"remove": "rollout-old"}]}}
    jira_api("PUT", f"issue/{key}", change)

    assert jira_api.fields(key)["labels"] == ["rollout-new", "theirs"]


def test_times_carry_the_offset_of_the_viewer(jira_api):
    created = jira_api.fields(jira_api.make())["created"]

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0800", created)
    assert datetime.fromisoformat(created).utcoffset() == timedelta(hours=8)


def test_a_remote_link_with_the_same_global_id_is_replaced(jira_api):
    key = jira_api.make()
    first = {"globalId": "workbook", "object": {"url": "http://a/", "title": "Old"}}
    second = {"globalId": "workbook", "object": {"url": "http://b/", "title": "New"}}

    answers = [jira_api("POST", f"issue/{key}/remotelink", each) for each in (first, second)]

    assert [each.status_code for each in answers] == [201, 200]
    (seen,) = jira_api("GET", f"issue/{key}/remotelink").json()
    assert seen["object"]["title"] == "New"


def test_a_transition_can_carry_a_comment(jira_api, sandbox):
    ada = sandbox.add_person("ada@example.com")
    key = jira_api.make("Sign-off: legal", "Sign-off")
    paragraph = {"type": "paragraph", "content": [{"type": "text", "text": "Not yet."}]}
    reason = {"type": "doc", "version": 1, "content": [paragraph]}
    move = {"transition": {"id": "71"}, "update": {"comment": [{"add": {"body": reason}}]}}

    jira_api("POST", f"issue/{key}/transitions", move, email="ada@example.com")

    fields = jira_api.fields(key)
    assert fields["status"]["name"] == "Rejected"
    assert [each["author"]["accountId"] for each in fields["comment"]["comments"]] == [ada]


def test_a_move_without_a_transition_id_changes_nothing(jira_api):
    key = jira_api.make()

    answer = jira_api("POST", f"issue/{key}/transitions", {"transition": {"name": "Done"}})

    assert answer.status_code == 400
    assert jira_api.fields(key)["status"]["name"] == "To Do"
