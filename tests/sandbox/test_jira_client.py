"""The real `jira` package at work against the sandbox."""

import pytest
from jira import JIRAError

from policy_rollout.sandbox.control import SERVICE_EMAIL


def test_the_client_takes_the_site_for_jira_cloud(jira_client):
    assert jira_client.server_info()["deploymentType"] == "Cloud"
    assert jira_client._is_cloud


def test_the_client_reads_back_what_it_created(jira_client):
    made = jira_client.create_issue(
        project="POLICY", issuetype="Task", summary="Draft", labels=["rollout"]
    )

    issue = jira_client.issue(made.key)

    assert (issue.fields.summary, issue.fields.status.name) == ("Draft", "To Do")
    assert issue.fields.labels == ["rollout"]


def test_a_search_for_everything_follows_all_pages(jira_client, jira_api):
    wanted = [jira_api.make(f"Item {number}") for number in range(7)]

    found = jira_client.search_issues("project = POLICY ORDER BY key ASC", maxResults=0)
    paged = jira_client.enhanced_search_issues("project = POLICY ORDER BY key ASC", maxResults=3)

    assert [issue.key for issue in found] == wanted
    assert [issue.key for issue in paged] == wanted[:3]


def test_a_transition_by_its_name_moves_the_issue(jira_client, jira_api):
    key = jira_api.make("Sign-off: legal", "Sign-off")

    jira_client.transition_issue(key, "Approve")

    assert jira_client.issue(key).fields.status.name == "Approved"


def test_a_link_reads_from_both_ends(jira_client, jira_api):
    first, second = jira_api.make("First"), jira_api.make("Second")

    jira_client.create_issue_link("Blocks", first, second)

    (outward,) = jira_client.issue(first).fields.issuelinks
    (inward,) = jira_client.issue(second).fields.issuelinks
    assert (outward.type.outward, outward.outwardIssue.key) == ("blocks", second)
    assert (inward.type.inward, inward.inwardIssue.key) == ("is blocked by", first)


def test_the_same_link_twice_is_two_links(jira_client, jira_api):
    first, second = jira_api.make("First"), jira_api.make("Second")

    jira_client.create_issue_link("Blocks", first, second)
    jira_client.create_issue_link("Blocks", first, second)

    assert len(jira_client.issue(first).fields.issuelinks) == 2


def test_an_issue_property_is_set_and_replaced(jira_client, jira_api):
    key = jira_api.make()

    jira_client.add_issue_property(key, "rollout", {"key": "p/s/old"})
    jira_client.add_issue_property(key, "rollout", {"key": "p/s/new"})

    assert jira_client.issue_property(key, "rollout").value.key == "p/s/new"


def test_the_changelog_names_who_moved_an_issue(jira_client, jira_api, sandbox):
    ada = sandbox.add_person("ada@example.com", "Ada Okafor")
    key = jira_api.make()
    sandbox.as_person("ada@example.com").move(key, "Done")

    (history,) = jira_client.issue(key, expand="changelog").changelog.histories

    assert (history.author.accountId, history.items[0].toString) == (ada, "Done")


def test_a_deleted_issue_is_gone_and_its_number_is_not_given_again(jira_client, jira_api):
    key = jira_api.make()

    jira_client.issue(key).delete()

    with pytest.raises(JIRAError) as refused:
        jira_client.issue(key)
    assert refused.value.status_code == 404
    assert jira_api.make("Next") == "POLICY-2"


def test_a_wrong_token_is_refused_with_401(jira_client):
    jira_client._session.auth = (SERVICE_EMAIL, "guessed")

    with pytest.raises(JIRAError) as refused:
        jira_client.myself()
    assert refused.value.status_code == 401


def test_the_token_of_a_closed_account_is_refused(sandbox, jira_api):
    sandbox.add_person("ada@example.com")
    sandbox.remove_person("ada@example.com")

    assert jira_api("GET", "myself", email="ada@example.com").status_code == 401
