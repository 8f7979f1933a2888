"""The faults that the sandbox shows on demand, and its burst limits."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest
import requests

from policy_rollout.sandbox import jira_call

NEW = {"fields": {"project": {"key": "POLICY"}, "issuetype": {"name": "Task"}, "summary": "Draft"}}
CREATE = {"method": "POST", "path": "/issue$"}


def count(jira_api):
    return len(jira_api.search("project = POLICY"))


def test_a_reset_before_the_commit_leaves_nothing(sandbox, jira_api):
    sandbox.set_faults({"kind": "reset-before-commit", **CREATE})

    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        jira_api("POST", "issue", NEW)

    assert count(jira_api) == 0


def test_a_reset_after_the_commit_leaves_the_issue(sandbox, jira_api):
    sandbox.set_faults({"kind": "reset-after-commit", **CREATE})

    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        jira_api("POST", "issue", NEW)

    assert count(jira_api) == 1


def test_a_late_commit_happens_after_the_connection_died(sandbox, jira_api):
    sandbox.set_faults({"kind": "late-commit", "seconds": 3600, **CREATE})

    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        jira_api("POST", "issue", NEW)

    assert count(jira_api) == 0
    sandbox.land_late_writes()
    assert count(jira_api) == 1


def test_a_late_commit_lands_by_itself_when_its_time_has_come(sandbox, jira_api):
    sandbox.set_faults({"kind": "late-commit", "seconds": 0, **CREATE})

    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        jira_api("POST", "issue", NEW)

    sandbox.land_late_writes()
    assert count(jira_api) == 1


def test_a_stalled_body_is_committed_and_never_ends(sandbox, jira_api):
    sandbox.set_faults({"kind": "stalled-body", "seconds": 0.05, **CREATE})

    with pytest.raises(requests.RequestException):
        jira_api("POST", "issue", NEW)

    assert count(jira_api) == 1


def test_a_server_error_comes_before_the_commit(sandbox, jira_api):
    sandbox.set_faults({"kind": "error", "status": 502, **CREATE})

    assert jira_api("POST", "issue", NEW).status_code == 502
    assert count(jira_api) == 0


def test_a_server_error_can_come_after_the_commit(sandbox, jira_api):
    sandbox.set_faults({"kind": "error", "status": 500, "committed": True, **CREATE})

    assert jira_api("POST", "issue", NEW).status_code == 500
    assert count(jira_api) == 1


def retry_after(sandbox, jira_api, form):
    rule = {"kind": "throttled", "retry_after": form, "seconds": 1.5, **CREATE}
    sandbox.set_faults(rule)
    answer = jira_api("POST", "issue", NEW)
    assert (answer.status_code, count(jira_api)) == (429, 0)
    return answer.headers.get("Retry-After")


@pytest.mark.parametrize(("form", "text"), [("seconds", "1"), ("fraction", "1.5"), ("none", None)])
def test_a_throttled_request_says_when_to_come_back(sandbox, jira_api, form, text):
    assert retry_after(sandbox, jira_api, form) == text


def test_a_throttled_request_can_say_so_with_a_date(sandbox, jira_api):
    told = retry_after(sandbox, jira_api, "date")

    wait = parsedate_to_datetime(told) - datetime.now(UTC)
    assert -30 < wait.total_seconds() < 30


def test_some_elements_of_a_bulk_create_can_fail(sandbox, jira_api):
    sandbox.set_faults({"kind": "partial-failure", "path": "issue/bulk", "elements": [0, 2]})

    told = jira_api("POST", "issue/bulk", {"issueUpdates": [NEW, NEW, NEW]}).json()

    assert [each["failedElementNumber"] for each in told["errors"]] == [0, 2]
    assert len(told["issues"]) == count(jira_api) == 1


def test_an_element_can_fail_inside_jira(sandbox, jira_api):
    sandbox.set_faults({"kind": "partial-failure", "path": "issue/bulk", "element_status": 500})

    told = jira_api("POST", "issue/bulk", {"issueUpdates": [NEW, NEW]}).json()

    assert [each["status"] for each in told["errors"]] == [500]
    assert len(told["issues"]) == count(jira_api) == 1


def test_a_page_can_come_again(sandbox, jira_api):
    for number in range(3):
        jira_api.make(f"Item {number}")
    sandbox.set_faults({"kind": "repeated-page", "path": "search/jql"})
    body = {"jql": "project = POLICY ORDER BY key ASC", "maxResults": 2, "fields": ["summary"]}

    first = jira_api("POST", "search/jql", body).json()
    again = jira_api("POST", "search/jql", {**body, "nextPageToken": first["nextPageToken"]}).json()

    assert again["issues"] == first["issues"]
    assert again["nextPageToken"] != first["nextPageToken"]


def test_pages_can_be_smaller_than_asked_for(sandbox, jira_api):
    for number in range(3):
        jira_api.make(f"Item {number}")
    sandbox.set_behaviour(items_a_page=2)
    body = {"jql": "project = POLICY ORDER BY key ASC", "maxResults": 100, "fields": ["summary"]}

    first = jira_api("POST", "search/jql", body).json()
    rest = jira_api("POST", "search/jql", {**body, "nextPageToken": first["nextPageToken"]}).json()

    assert [len(first["issues"]), len(rest["issues"])] == [2, 1]
    assert rest["isLast"]


def test_how_often_a_rule_hit_is_told(sandbox, jira_api):
    sandbox.set_faults({"kind": "error", "times": None, **CREATE}, {"kind": "latency"})
    jira_api("POST", "issue", NEW)
    jira_api("POST", "issue", NEW)

    assert [(rule["kind"], rule["used"]) for rule in sandbox.faults()] == [
        ("error", 2),
        ("latency", 0),
    ]


def test_a_rule_lets_the_first_pass_and_is_spent_after_its_times(sandbox, jira_api):
    sandbox.set_faults({"kind": "error", "after": 1, "times": 2, **CREATE})

    seen = [jira_api("POST", "issue", NEW).status_code for _ in range(4)]

    assert seen == [201, 503, 503, 201]


def test_a_rule_can_hit_every_other_request_for_ever(sandbox, jira_api):
    sandbox.set_faults({"kind": "error", "every": 2, "times": None, **CREATE})

    seen = [jira_api("POST", "issue", NEW).status_code for _ in range(4)]

    assert seen == [201, 503, 201, 503]


def test_latency_only_delays(sandbox, jira_api):
    sandbox.set_faults({"kind": "latency", "seconds": 0.01, **CREATE})

    assert jira_api("POST", "issue", NEW).status_code == 201


def test_faults_reach_sheets_as_well_in_the_form_of_google(sandbox):
    sandbox.set_faults({"kind": "throttled", "path": "^/sheets/"})

    answer = requests.get(f"{sandbox.sheets_url}/v4/spreadsheets/none", timeout=10)

    assert answer.status_code == 429
    assert answer.json()["error"]["status"] == "RESOURCE_EXHAUSTED"


def test_a_rule_that_is_misspelt_is_refused(sandbox):
    answer = requests.post(
        f"{sandbox.url}/sandbox/faults", json=[{"kind": "earthquake"}], timeout=10
    )

    assert answer.status_code == 400
    assert answer.json()[0]["loc"] == [0, "kind"]


def test_an_issue_takes_twenty_writes_in_two_seconds(sandbox, jira_api, monkeypatch):
    key = jira_api.make()
    moment = jira_call.now_ms()
    monkeypatch.setattr(jira_call, "now_ms", lambda: moment)  # however slow the machine is
    sandbox.set_behaviour(burst_limits=True)

    answers = [jira_api("PUT", f"issue/{key}/properties/p{n}", n) for n in range(21)]

    assert [each.status_code for each in answers] == [201] * 20 + [429]
    assert answers[-1].headers["Retry-After"] == "1"
