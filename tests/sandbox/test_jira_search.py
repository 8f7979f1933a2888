"""The sandbox's search: JQL, pages, and an index that lags."""

import pytest

from policy_rollout.sandbox.jira_jql import Asker, JqlWrong, parse

ASKER = Asker("712020:ada", "Asia/Singapore", 1_767_225_600_000)  # 2026-01-01 08:00 +0800


def moment(jql):
    """The one number that a parsed comparison of times holds."""
    (found,) = parse(jql, ASKER).where.compile().params.values()
    return found


WRONG = [
    ("colour = red", "Field 'colour' does not exist or you do not have permission to view it."),
    ("project = OTHER", "The value 'OTHER' does not exist for the field 'project'."),
    ("status = Finished", "The value 'Finished' does not exist for the field 'status'."),
    ("project is POLICY", "Error in the JQL Query: Expecting 'empty' but got 'POLICY'."),
    (
        "project POLICY",
        "Error in the JQL Query: Expecting something else but got 'the end of the query'.",
    ),
    (
        "project =",
        "Error in the JQL Query: Expecting something else but got 'the end of the query'.",
    ),
    ("(project = POLICY", "Error in the JQL Query: Expecting ')' but got 'the end of the query'."),
    ("project = POLICY nonsense", "Error in the JQL Query: Expecting something else but got"),
    ("labels > x", "The operator '>' is not supported by the 'labels' field."),
    ("updated >= yesterday", "Date value 'yesterday' for field 'updated' is invalid."),
    ("key = 'not a key'", "The issue key 'not a key' for field 'key' is invalid."),
    ("project = POLICY ORDER BY mood", "Not able to sort using field 'mood'."),
    ('labels = "open', "Error in the JQL Query: The character at 10 is unexpected."),
]


@pytest.mark.parametrize(("jql", "text"), WRONG, ids=[each[0] for each in WRONG])
def test_a_query_that_cannot_be_understood_is_refused(jql, text):
    with pytest.raises(JqlWrong) as refused:
        parse(jql, ASKER)
    assert str(refused.value).startswith(text)


def test_a_time_in_a_query_is_meant_in_the_zone_of_the_asker():
    assert moment('updated >= "2026-01-01 08:00"') == ASKER.now_ms


def test_a_period_in_a_query_counts_back_from_now():
    assert moment("updated >= -5m") == ASKER.now_ms - 5 * 60 * 1000


@pytest.fixture
def stocked(jira_api, sandbox):
    """An epic, two tasks under it (one done, one Ada's) and a sign-off."""
    ada = sandbox.add_person("ada@example.com", "Ada Okafor")
    epic = jira_api.make("Program", "Epic", labels=["rollout"])
    jira_api.make("Draft text", parent={"key": epic}, labels=["rollout", "rollout-a"])
    jira_api.make("Translate", parent={"key": epic}, assignee={"accountId": ada})
    jira_api.make("Legal", "Sign-off", labels=["rollout-b"])
    sandbox.as_person("ada@example.com").move("POLICY-2", "Done")
    return jira_api


FOUND = [
    ("project = POLICY", [1, 2, 3, 4]),
    ('project = "Policy rollouts"', [1, 2, 3, 4]),
    ('labels = "rollout"', [1, 2]),
    ("labels in (rollout-a, rollout-b)", [2, 4]),
    ("labels is EMPTY", [3]),
    ("key in (POLICY-2, POLICY-3, POLICY-77)", [2, 3]),
    ("key = policy-3", [3]),
    ("issuetype = Sign-off", [4]),
    ("issuetype != Sign-off", [1, 2, 3]),
    ("issuetype in (Epic, Task)", [1, 2, 3]),
    ("status = 'To Do'", [1, 3, 4]),
    ("statusCategory = Done", [2]),
    ("statusCategory != done", [1, 3, 4]),
    ("parent = POLICY-1", [2, 3]),
    ("assignee is not empty", [3]),
    ("assignee is empty AND parent is not empty", [2]),
    ("summary ~ 'draft'", [2]),
    ("labels = rollout AND issuetype = Task OR issuetype = Sign-off", [2, 4]),
    ("labels = rollout AND (issuetype = Task OR issuetype = Sign-off)", [2]),
    ("NOT labels = rollout", [3, 4]),
    ("updated >= -5m", [1, 2, 3, 4]),
    ("created < -5m", []),
]


@pytest.mark.parametrize(("jql", "numbers"), FOUND, ids=[each[0] for each in FOUND])
def test_a_query_finds_what_it_describes(stocked, jql, numbers):
    found = stocked.search(f"{jql} ORDER BY key ASC")

    assert found == [f"POLICY-{number}" for number in numbers]


def test_an_assignee_is_found_by_account_id_and_as_oneself(stocked, sandbox):
    ada = sandbox.add_person("ada@example.com")
    mine = {"jql": "assignee = currentUser()", "fields": ["summary"]}

    asked = stocked("POST", "search/jql", mine, email="ada@example.com").json()

    assert stocked.search(f'assignee = "{ada}"') == ["POLICY-3"]
    assert [issue["key"] for issue in asked["issues"]] == ["POLICY-3"]


def test_the_issue_changed_last_comes_first_when_asked_for(stocked):
    found = stocked.search("project = POLICY ORDER BY updated DESC, key DESC")

    assert found[0] == "POLICY-2"


def test_a_query_without_a_restriction_is_refused(jira_api):
    answer = jira_api("POST", "search/jql", {"jql": "ORDER BY created"})

    assert answer.status_code == 400
    assert answer.json()["errorMessages"][0].startswith("Unbounded JQL queries are not allowed")


def test_pages_follow_each_other_to_the_last(stocked):
    body = {"jql": "project = POLICY ORDER BY key ASC", "maxResults": 3, "fields": ["summary"]}
    first = stocked("POST", "search/jql", body).json()
    rest = stocked("POST", "search/jql", {**body, "nextPageToken": first["nextPageToken"]}).json()

    assert [each["key"] for each in first["issues"]] == ["POLICY-1", "POLICY-2", "POLICY-3"]
    assert [each["key"] for each in rest["issues"]] == ["POLICY-4"]
    assert (first["isLast"], rest["isLast"], "nextPageToken" in rest) == (False, True, False)


def test_a_search_that_names_no_fields_gives_ids_only(stocked):
    told = stocked("POST", "search/jql", {"jql": "key = POLICY-1"}).json()

    assert told["issues"] == [{"id": "10001"}]


def test_a_search_does_not_see_what_was_just_created_but_a_read_does(sandbox, jira_api):
    sandbox.set_behaviour(search_lag_seconds=3600)

    key = jira_api.make()

    assert jira_api.search("project = POLICY") == []
    assert jira_api.fields(key)["summary"] == "Draft the text"


def test_a_search_sees_the_state_before_the_lag_and_not_the_state_since(sandbox, jira_api):
    key = jira_api.make()
    assert jira_api.search("status = 'To Do'") == [key]
    sandbox.set_behaviour(search_lag_seconds=3600)
    sandbox.add_person("ada@example.com")

    sandbox.as_person("ada@example.com").move(key, "Done")

    assert jira_api.search("status = 'To Do'") == [key]
    assert jira_api.fields(key)["status"]["name"] == "Done"


def test_a_deleted_issue_is_found_until_the_index_knows(sandbox, jira_api):
    key = jira_api.make()
    assert jira_api.search("project = POLICY") == [key]
    sandbox.set_behaviour(search_lag_seconds=3600)
    jira_api("DELETE", f"issue/{key}")

    assert jira_api.search("project = POLICY") == [key]
    sandbox.set_behaviour(search_lag_seconds=0)
    assert jira_api.search("project = POLICY") == []


def test_an_issue_named_for_reconciliation_is_seen_at_once(sandbox, jira_api):
    sandbox.set_behaviour(search_lag_seconds=3600)
    jira_api.make("First")
    jira_api.make("Second")

    assert jira_api.search("project = POLICY", reconcileIssues=[10002]) == ["POLICY-2"]


def test_a_match_tells_for_each_query_which_issues_fit(stocked):
    asked = {"jqls": ["statusCategory = Done", "labels = rollout"], "issueIds": [10002, 10003]}

    told = stocked("POST", "jql/match", asked).json()["matches"]

    assert [each["matchedIssues"] for each in told] == [[10002], [10002]]


def test_a_count_counts(stocked):
    told = stocked("POST", "search/approximate-count", {"jql": "issuetype = Task"}).json()

    assert told == {"count": 2}
