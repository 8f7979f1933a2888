"""Issues edited, moved, commented on and linked in Jira, over HTTP against the sandbox."""

import pytest
from jira_examples import at, connection_to, look, make, sign_off, somebodys_own, task

from policy_rollout.errors import IssueNotOurs, NoWayToStatus, ServiceRefused
from policy_rollout.jira_issues import JiraIssues
from policy_rollout.work import State


@pytest.fixture
def jira(sandbox):
    with JiraIssues(connection_to(sandbox)) as issues:
        yield issues


def written(sandbox):
    """The requests that changed something since the last clearing."""
    return [
        each["path"].rpartition("/rest/api/3/")[2]
        for each in sandbox.requests()
        if each["method"] != "GET" and not each["path"].endswith(("bulkfetch", "search/jql"))
    ]


def test_an_update_writes_our_fields_and_the_new_digest(jira):
    (issue_key,) = make(jira, task("deck"))
    changed = task("deck", summary="Do it well", due_on=None, labels=("rollout-stage-launch",))

    jira.update(at(jira, issue_key), changed)

    issue = look(jira, issue_key)
    assert (issue.summary, issue.due_on) == ("Do it well", None)
    assert issue.content_digest == changed.content_digest
    assert "rollout-stage-launch" in issue.labels
    assert "rollout-stage-prepare" not in issue.labels


def test_an_update_leaves_what_people_own(jira, sandbox):
    kim = sandbox.add_person("kim@example.com")
    (issue_key,) = make(jira, task("deck"))
    person = sandbox.as_person("kim@example.com")
    person.move(issue_key, "In Progress")
    person.assign(issue_key, kim)
    person.call("PUT", f"issue/{issue_key}", {"update": {"labels": [{"add": "urgent"}]}})

    jira.update(at(jira, issue_key), task("deck", summary="Do it well"))

    issue = look(jira, issue_key)
    assert (issue.state, issue.assignee) == (State.IN_PROGRESS, kim)
    assert "urgent" in issue.labels


def test_an_issue_with_another_mark_is_not_edited(jira):
    (issue_key,) = make(jira, task("deck"))

    with pytest.raises(IssueNotOurs) as caught:
        jira.update(at(jira, issue_key), task("quiz"))

    assert str(caught.value) == (
        "Jira: POLICY-1 was left alone: found the mark of demo/prepare/deck, expected that of "
        "demo/prepare/quiz. See in Jira's history who changed it"
    )
    assert look(jira, issue_key).summary == "Do deck"


@pytest.mark.parametrize(
    "change",
    [
        lambda jira, foreign, _: jira.update(at(jira, foreign), task("deck")),
        lambda jira, foreign, _: jira.move(at(jira, foreign), State.DONE),
        lambda jira, foreign, _: jira.say(at(jira, foreign), "Please sign.", mark="round 1"),
        lambda jira, foreign, ours: jira.link(at(jira, foreign), ours),
    ],
    ids=["update", "move", "say", "link"],
)
def test_somebodys_own_issue_is_never_changed(jira, sandbox, change):
    (ours,) = make(jira, task("deck"))
    foreign = somebodys_own(sandbox)
    before = sandbox.as_person(sandbox.email).issue(foreign)

    with pytest.raises(IssueNotOurs, match="POLICY-2 was left alone: found no mark of a program"):
        change(jira, foreign, ours)

    assert sandbox.as_person(sandbox.email).issue(foreign) == before


def test_an_update_of_a_deleted_issue_says_so(jira, sandbox):
    (issue_key,) = make(jira, task("deck"))
    sandbox.as_person(sandbox.email).delete(issue_key)

    with pytest.raises(ServiceRefused, match=r"reading POLICY-1 was refused \(HTTP 404\)"):
        jira.update(at(jira, issue_key), task("deck"))


@pytest.mark.parametrize("to", [State.IN_PROGRESS, State.BLOCKED, State.DONE, "Blocked"])
def test_an_issue_is_moved_by_where_a_transition_leads(jira, to):
    (issue_key,) = make(jira, task("deck"))

    jira.move(at(jira, issue_key), to)

    issue = look(jira, issue_key)
    assert to in {issue.state, issue.status}


def test_a_sent_back_sign_off_is_opened_again(jira, sandbox):
    (issue_key,) = make(jira, sign_off("legal"))
    sandbox.as_person(sandbox.email).move(issue_key, "Approved")

    jira.move(at(jira, issue_key), State.TODO)

    assert look(jira, issue_key).status == "To Do"


def test_done_never_means_rejected(jira):
    (issue_key,) = make(jira, sign_off("legal"))

    jira.move(at(jira, issue_key), State.DONE)

    assert look(jira, issue_key).status == "Approved"


def test_a_named_status_may_be_the_rejecting_one(jira):
    (issue_key,) = make(jira, sign_off("legal"))

    jira.move(at(jira, issue_key), "Rejected")

    assert look(jira, issue_key).status == "Rejected"


def test_an_issue_that_is_there_already_is_not_moved(jira, sandbox):
    (issue_key,) = make(jira, task("deck"))
    sandbox.clear_requests()

    jira.move(at(jira, issue_key), State.TODO)

    assert written(sandbox) == []


def test_a_status_without_a_way_to_it_names_those_with_one(jira):
    (issue_key,) = make(jira, sign_off("legal"))

    with pytest.raises(NoWayToStatus) as caught:
        jira.move(at(jira, issue_key), "Done")

    assert str(caught.value) == (
        "Jira: POLICY-1 stands on 'To Do' and no transition leads to 'Done'; it can go to: "
        "Approved, Rejected. Move it by hand or mend the workflow in Jira"
    )


def test_a_comment_is_made_once_for_its_mark(jira):
    (issue_key,) = make(jira, task("deck"))

    jira.say(at(jira, issue_key), "Please **sign**.", mark="round 1")
    jira.say(at(jira, issue_key), "Please **sign**.", mark="round 1")
    jira.say(at(jira, issue_key), "Please sign again.", mark="round 2")

    assert [each.text for each in jira.read([issue_key], with_comments=True).comments] == [
        "Please sign.\n[rollout round 1]",
        "Please sign again.\n[rollout round 2]",
    ]


def test_a_mark_is_found_behind_a_hundred_comments(jira, sandbox):
    (issue_key,) = make(jira, task("deck"))
    jira.say(at(jira, issue_key), "Please sign.", mark="round 1")
    person = sandbox.as_person(sandbox.email)
    for number in range(101):
        person.comment(issue_key, f"Remark {number}")
    sandbox.clear_requests()

    jira.say(at(jira, issue_key), "Please sign.", mark="round 1")

    assert written(sandbox) == []


def test_all_comments_of_a_long_talk_are_read(jira, sandbox):
    (issue_key,) = make(jira, task("deck"))
    person = sandbox.as_person(sandbox.email)
    for number in range(101):
        person.comment(issue_key, f"Remark {number}")

    comments = jira.read([issue_key], with_comments=True).comments

    assert len({each.comment_id for each in comments}) == 101


def test_a_link_is_made_once(jira, sandbox):
    first, second = make(jira, task("deck"), task("quiz"))
    jira.link(at(jira, second), first)
    sandbox.clear_requests()

    jira.link(at(jira, second), first)

    assert written(sandbox) == []
    assert look(jira, second).blocked_by == {first}
    assert look(jira, first).blocked_by == frozenset()
