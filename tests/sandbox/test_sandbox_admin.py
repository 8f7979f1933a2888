"""The sandbox's people, its log of requests, and its manners as a server."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from policy_rollout.sandbox.control import Sandbox
from policy_rollout.sandbox.server import running


def found(jira_api, query):
    answer = jira_api("GET", f"user/search?query={query}")
    return [each["accountId"] for each in answer.json()]


def test_a_person_is_found_by_mail_address(sandbox, jira_api):
    ada = sandbox.add_person("ada@example.com", "Ada Okafor")

    assert found(jira_api, "ada@example.com") == [ada]


def test_a_mail_address_finds_those_that_only_start_with_it(sandbox, jira_api):
    ada = sandbox.add_person("ada@example.com", "Ada Okafor")
    other = sandbox.add_person("ada@example.com.au", "Ada Other")

    assert found(jira_api, "ada@example.com") == [ada, other]


def test_a_hidden_mail_address_finds_nobody_and_is_not_shown(sandbox, jira_api):
    quinn = sandbox.add_person("quinn@example.com", "Quinn Quiet", hides_email=True)

    (by_name,) = jira_api("GET", "user/search?query=quinn").json()
    assert found(jira_api, "quinn@example.com") == []
    assert by_name["accountId"] == quinn
    assert "emailAddress" not in by_name


def test_a_closed_account_is_not_found_and_cannot_be_assigned(sandbox, jira_api):
    ada = sandbox.add_person("ada@example.com")
    sandbox.remove_person("ada@example.com")
    key = jira_api.make()

    answer = jira_api("PUT", f"issue/{key}/assignee", {"accountId": ada})

    assert found(jira_api, "ada@example.com") == []
    assert answer.status_code == 400


def test_a_person_keeps_the_account_id_when_added_again(sandbox):
    first = sandbox.add_person("ada@example.com", "Ada Okafor")
    sandbox.remove_person("ada@example.com")

    assert sandbox.add_person("ada@example.com") == first


def test_the_service_account_is_an_app(jira_api):
    told = jira_api("GET", "myself").json()

    assert (told["accountType"], told["displayName"]) == (
        "app",
        "Policy rollout (service account)",
    )


def test_requests_to_jira_are_counted_and_others_are_not(sandbox, jira_api):
    sandbox.clear_requests()

    jira_api.make()
    jira_api("GET", "issue/POLICY-9")
    sandbox.add_person("ada@example.com")

    seen = [(each["method"], each["path"], each["status"]) for each in sandbox.requests()]
    assert seen == [
        ("POST", "/jira/rest/api/3/issue", 201),
        ("GET", "/jira/rest/api/3/issue/POLICY-9", 404),
    ]


def test_a_request_that_was_cut_off_is_counted_without_a_status(sandbox, jira_api):
    sandbox.set_faults({"kind": "reset-before-commit"})
    sandbox.clear_requests()

    with pytest.raises(requests.ConnectionError):
        jira_api("GET", "myself")

    assert [each["status"] for each in sandbox.requests()] == [None]


def test_a_behaviour_that_does_not_exist_is_refused(sandbox):
    with pytest.raises(requests.HTTPError, match="400"):
        sandbox.set_behaviour(weather="fine")


def test_a_sandbox_that_starts_again_still_has_its_issues(tmp_path):
    with running(tmp_path) as address:
        Sandbox(address).add_person("ada@example.com")
        fields = {"project": {"key": "POLICY"}, "issuetype": {"name": "Task"}, "summary": "Draft"}
        Sandbox(address).as_person("ada@example.com").call("POST", "issue", {"fields": fields})

    with running(tmp_path) as address:
        kept = Sandbox(address).as_person("ada@example.com").issue("POLICY-1")

    assert kept["fields"]["summary"] == "Draft"


def test_many_writers_at_once_get_numbers_of_their_own(jira_api):
    body = {
        "issueUpdates": [
            {
                "fields": {
                    "project": {"key": "POLICY"},
                    "issuetype": {"name": "Task"},
                    "summary": "x",
                }
            }
        ]
        * 10
    }

    def create(_):
        made = jira_api("POST", "issue/bulk", body).json()["issues"]
        return [each["key"] for each in made]

    with ThreadPoolExecutor(8) as threads:
        keys = [key for batch in threads.map(create, range(24)) for key in batch]

    assert len(keys) == 240
    assert set(keys) == {f"POLICY-{number}" for number in range(1, 241)}


def test_of_two_who_move_an_issue_at_once_only_one_does(sandbox, jira_api):
    people = [f"person{number}@example.com" for number in range(8)]
    for email in people:
        sandbox.add_person(email)
    key = jira_api.make("Sign-off: legal", "Sign-off")

    def approve(email):
        step = {"transition": {"id": "61"}}
        return jira_api("POST", f"issue/{key}/transitions", step, email=email).status_code

    with ThreadPoolExecutor(8) as threads:
        answers = sorted(threads.map(approve, people))

    assert answers == [204] + [400] * 7
    assert jira_api("GET", f"issue/{key}/changelog").json()["total"] == 1


def test_an_issue_in_another_project_is_found_under_its_old_key_too(sandbox, jira_api):
    key = jira_api.make()
    sandbox.add_person("ada@example.com")

    sandbox.move_elsewhere(key, "ada@example.com", project="LEGAL")

    told = jira_api("GET", f"issue/{key}").json()
    assert (told["key"], told["fields"]["project"]["key"]) == ("LEGAL-1", "LEGAL")
    for project, keys in (("POLICY", []), ("LEGAL", ["LEGAL-1"])):
        asked = {"jql": f"project = {project}", "fields": ["summary"]}
        answer = jira_api("POST", "search/jql", asked).json()
        assert [each["key"] for each in answer["issues"]] == keys


def test_an_issue_of_another_type_takes_a_status_of_its_workflow(sandbox, jira_api):
    key = jira_api.make()
    sandbox.add_person("ada@example.com")
    jira_api("POST", f"issue/{key}/transitions", {"transition": {"id": "41"}})

    sandbox.move_elsewhere(key, "ada@example.com", issue_type="Sign-off")

    fields = jira_api("GET", f"issue/{key}").json()["fields"]
    assert (fields["issuetype"]["name"], fields["status"]["name"]) == ("Sign-off", "To Do")


def test_an_administrator_can_change_the_workflow(sandbox, jira_api):
    sandbox.set_behaviour(
        renamed_statuses={"Done": "Finished"},
        status_categories={"Blocked": "new"},
        removed_statuses=["In Progress"],
    )
    key = jira_api.make()
    offered = jira_api("GET", f"issue/{key}/transitions").json()["transitions"]
    leads_to = {each["to"]["name"]: each["to"]["statusCategory"]["key"] for each in offered}
    assert leads_to == {"Blocked": "new", "Finished": "done"}


def test_issues_are_found_by_who_made_them(sandbox, jira_api):
    jira_api.make()
    sandbox.add_person("ada@example.com")
    ada = sandbox.as_person("ada@example.com")
    fields = {"project": {"key": "POLICY"}, "issuetype": {"name": "Task"}, "summary": "Hers"}
    hers = ada.call("POST", "issue", {"fields": fields})["key"]
    asked = {"jql": "creator != currentUser()", "fields": ["summary"]}
    answer = jira_api("POST", "search/jql", asked).json()
    assert [each["key"] for each in answer["issues"]] == [hers]


def test_a_property_that_was_removed_is_gone(jira_api):
    key = jira_api.make()
    jira_api("PUT", f"issue/{key}/properties/rollout", {"key": "p/s/i"})

    assert jira_api("DELETE", f"issue/{key}/properties/rollout").status_code == 204
    assert jira_api("GET", f"issue/{key}/properties/rollout").status_code == 404
    assert jira_api("DELETE", f"issue/{key}/properties/rollout").status_code == 404
