"""Issues in Jira, over HTTP against the sandbox."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from pydantic import SecretStr

from policy_rollout.errors import IssueNotOurs, NoWayToStatus, ServiceRefused
from policy_rollout.jira_issues import (
    BULK_LIMIT,
    IssueKind,
    JiraConnection,
    JiraIssues,
    NewIssue,
)
from policy_rollout.work import State

EPIC = NewIssue("demo/epic", IssueKind.EPIC, "Demo", "The **program**.", None, None, None, ())


def task(item, **changes):
    made = NewIssue(
        key=f"demo/prepare/{item}",
        kind=IssueKind.TASK,
        summary=f"Do {item}",
        description=f"All about *{item}*.",
        due_on=date(2026, 3, 2),
        assignee=None,
        parent=None,
        labels=("rollout-stage-prepare",),
    )
    return replace(made, **changes)


def sign_off(role):
    return task(f"sign-off:{role}", kind=IssueKind.SIGN_OFF)


@pytest.fixture
def jira(sandbox):
    connection = JiraConnection(
        url=sandbox.jira_url,
        email=sandbox.email,
        token=SecretStr(sandbox.token),
        project=sandbox.project,
        task_type="Task",
        epic_type="Epic",
        sign_off_type="Sign-off",
        rejected_status="Rejected",
    )
    with JiraIssues(connection) as issues:
        yield issues


def make(jira, *issues):
    return list(jira.create(issues).keys.values())


def look(jira, issue_key):
    (issue,) = jira.read([issue_key]).issues.values()
    return issue


def written(sandbox):
    """The requests that changed something since the last clearing."""
    return [
        each["path"].rpartition("/rest/api/3/")[2]
        for each in sandbox.requests()
        if each["method"] != "GET" and not each["path"].endswith(("bulkfetch", "search/jql"))
    ]


# Creating


def test_created_issues_are_told_by_their_stable_keys(jira):
    created = jira.create([EPIC, task("deck")])

    assert created.keys == {EPIC.key: "POLICY-1", "demo/prepare/deck": "POLICY-2"}
    assert created.refused == {}


def test_a_created_issue_reads_back_as_it_was_wanted(jira, sandbox):
    kim = sandbox.add_person("kim@example.com")
    (epic,) = make(jira, EPIC)
    wanted = task("deck", parent=epic, assignee=kim)
    (issue_key,) = make(jira, wanted)

    issue = look(jira, issue_key)

    assert issue.key == wanted.key
    assert (issue.issue_type, issue.summary, issue.due_on) == ("Task", "Do deck", wanted.due_on)
    assert (issue.assignee, issue.state, issue.status) == (kim, State.TODO, "To Do")
    assert issue.content_digest == wanted.content_digest
    assert set(issue.labels) == {
        "rollout",
        "rollout/demo",
        "rollout/demo/prepare/deck",
        "rollout-stage-prepare",
    }


def test_a_task_hangs_under_its_epic(jira, sandbox):
    (epic,) = make(jira, EPIC)
    (issue_key,) = make(jira, task("deck", parent=epic))

    assert sandbox.as_person(sandbox.email).issue(issue_key)["fields"]["parent"]["key"] == epic


def test_fifty_issues_are_created_in_one_request(jira, sandbox):
    sandbox.clear_requests()

    created = jira.create([task(f"item-{number}") for number in range(BULK_LIMIT)])

    assert len(created.keys) == BULK_LIMIT
    assert [each["path"] for each in sandbox.requests()] == ["/jira/rest/api/3/issue/bulk"]


def test_more_than_fifty_issues_are_not_sent(jira):
    with pytest.raises(ValueError, match="51 issues, expected at most 50"):
        jira.create([task(f"item-{number}") for number in range(BULK_LIMIT + 1)])


def test_creating_nothing_asks_for_nothing(jira, sandbox):
    sandbox.clear_requests()

    assert jira.create([]).keys == {}
    assert sandbox.requests() == []


def test_an_issue_that_jira_refuses_is_told_with_the_reason_and_the_rest_is_created(jira):
    created = jira.create([task("deck"), task("quiz", assignee="nobody"), task("aid")])

    assert created.keys == {"demo/prepare/deck": "POLICY-1", "demo/prepare/aid": "POLICY-2"}
    assert list(created.refused) == ["demo/prepare/quiz"]
    assert created.refused["demo/prepare/quiz"].startswith("assignee: ")


def test_issues_that_jira_refuses_one_and_all_are_told_by_their_keys(jira):
    created = jira.create([task("deck", assignee="nobody"), task("quiz", summary="x" * 300)])

    assert created.keys == {}
    assert set(created.refused) == {"demo/prepare/deck", "demo/prepare/quiz"}


def test_a_creation_that_is_refused_as_a_whole_names_the_next_step(jira, sandbox):
    sandbox.set_behaviour(denied_permissions=["CREATE_ISSUES"])

    with pytest.raises(ServiceRefused) as caught:
        jira.create([task("deck")])

    assert caught.value.status == 403
    assert str(caught.value).startswith(
        "Jira: creating 1 issue (demo/prepare/deck) was refused (HTTP 403): "
    )
    assert str(caught.value).endswith("Ask a Jira administrator for the permission, then go on")


# The fence and adoption


def test_the_fence_of_an_empty_project_is_zero(jira):
    assert jira.highest_number() == 0


def test_the_fence_is_the_newest_number(jira):
    make(jira, task("deck"), task("quiz"))

    assert jira.highest_number() == 2


def test_what_was_created_after_the_fence_is_found_while_the_search_lags(jira, sandbox):
    make(jira, EPIC)
    sandbox.set_behaviour(search_lag_seconds=3600)
    (issue_key,) = make(jira, task("deck"))

    found = jira.find_created(["demo/prepare/deck", "demo/prepare/quiz"], after_number=1)

    assert found == {"demo/prepare/deck": (issue_key,)}


def test_what_was_created_before_the_fence_is_found_by_its_label(jira):
    (issue_key,) = make(jira, task("deck"))

    assert jira.find_created(["demo/prepare/deck"], after_number=500) == {
        "demo/prepare/deck": (issue_key,)
    }


def test_a_double_is_found_with_the_lowest_number_first(jira):
    keys = [*make(jira, task("deck")), *make(jira, *(task(f"x{n}") for n in range(9)))]
    double = make(jira, task("deck"))

    assert jira.find_created(["demo/prepare/deck"], after_number=0) == {
        "demo/prepare/deck": (keys[0], *double)
    }


def test_an_issue_that_only_copies_our_label_is_not_adopted(jira, sandbox):
    (issue_key,) = make(jira, task("deck"))
    copy = {
        "project": {"key": sandbox.project},
        "issuetype": {"name": "Task"},
        "summary": "A clone",
        "labels": ["rollout", "rollout/demo/prepare/deck"],
    }
    sandbox.as_person(sandbox.email).call("POST", "issue", {"fields": copy})

    assert jira.find_created(["demo/prepare/deck"], after_number=0) == {
        "demo/prepare/deck": (issue_key,)
    }


def test_more_than_a_hundred_issues_after_the_fence_are_all_looked_at(jira):
    for start in range(0, 150, BULK_LIMIT):
        make(jira, *(task(f"item-{start + number}") for number in range(BULK_LIMIT)))

    found = jira.find_created(["demo/prepare/item-149"], after_number=0)

    assert found == {"demo/prepare/item-149": ("POLICY-150",)}


# Reading


def test_more_than_a_hundred_issues_are_read_in_as_few_requests_as_jira_allows(jira, sandbox):
    keys = [
        key
        for start in (0, 50, 100)
        for key in make(jira, *(task(f"item-{start + number}") for number in range(50)))
    ]
    sandbox.clear_requests()

    assert len(jira.read(keys).issues) == 150
    assert len(sandbox.requests()) == 2


def test_a_deleted_issue_is_gone(jira, sandbox):
    deck, quiz = make(jira, task("deck"), task("quiz"))
    sandbox.as_person(sandbox.email).delete(deck)

    read = jira.read([deck, quiz])

    assert (read.gone, list(read.issues)) == ((deck,), ["demo/prepare/quiz"])


def test_an_issue_without_our_mark_is_an_oddity(jira, sandbox):
    fields = {
        "project": {"key": sandbox.project},
        "issuetype": {"name": "Task"},
        "summary": "Somebody's own",
    }
    foreign = sandbox.as_person(sandbox.email).call("POST", "issue", {"fields": fields})["key"]

    read = jira.read([foreign])

    assert (read.issues, read.gone) == ({}, ())
    assert [str(each) for each in read.oddities] == [
        "POLICY-1: carries no mark of a program; left alone"
    ]


def test_of_two_issues_with_one_stable_key_the_lowest_number_is_kept(jira):
    first, second = make(jira, task("deck")) + make(jira, task("deck"))

    read = jira.read([second, first])

    assert read.issues["demo/prepare/deck"].issue_key == first
    assert [str(each) for each in read.oddities] == [
        "POLICY-2: is a second demo/prepare/deck; POLICY-1 is kept"
    ]


def test_reading_does_not_wait_for_the_search_index(jira, sandbox):
    sandbox.set_behaviour(search_lag_seconds=3600)
    (issue_key,) = make(jira, task("deck"))
    sandbox.as_person(sandbox.email).move(issue_key, "Done")

    assert look(jira, issue_key).state is State.DONE


def test_comments_come_with_the_issues_when_asked_for(jira, sandbox):
    kim = sandbox.add_person("kim@example.com")
    (issue_key,) = make(jira, task("deck"))
    comment_id = sandbox.as_person("kim@example.com").comment(issue_key, "Slide 3 is wrong")

    (comment,) = jira.read([issue_key], with_comments=True).comments

    assert (comment.issue_key, comment.comment_id) == (issue_key, comment_id)
    assert (comment.account, comment.text) == (kim, "Slide 3 is wrong")
    assert comment.at.utcoffset() == timedelta(0)


def test_comments_are_left_out_unless_asked_for(jira, sandbox):
    (issue_key,) = make(jira, task("deck"))
    sandbox.as_person(sandbox.email).comment(issue_key, "Hello")

    assert jira.read([issue_key]).comments == ()


# History


def test_a_history_tells_who_moved_an_issue_from_where_to_where(jira, sandbox):
    kim = sandbox.add_person("kim@example.com", "Kim")
    (issue_key,) = make(jira, sign_off("legal"))
    sandbox.as_person("kim@example.com").move(issue_key, "Rejected")
    sandbox.as_person("kim@example.com").move(issue_key, "To Do")

    first, second = jira.transitions([issue_key])

    assert (first.issue_key, first.account, first.name) == (issue_key, kim, "Kim")
    assert (first.from_status, first.to_status) == ("To Do", "Rejected")
    assert (first.to_state, second.to_state) == (State.DONE, State.TODO)
    assert first.history_id != second.history_id
    assert first.at <= second.at
    assert first.at.utcoffset() == timedelta(0)


def test_a_history_in_epoch_milliseconds_tells_the_same_times(jira, sandbox):
    (issue_key,) = make(jira, task("deck"))
    sandbox.as_person(sandbox.email).move(issue_key, "Done")
    usual = jira.transitions([issue_key])
    sandbox.set_behaviour(epoch_changelog=True)

    assert jira.transitions([issue_key]) == usual


def test_histories_of_issues_that_were_read_need_no_second_look(jira, sandbox):
    keys = make(jira, task("deck"), task("quiz"))
    jira.read(keys)
    jira.transitions(keys)
    sandbox.clear_requests()

    jira.transitions(keys)

    assert [each["path"] for each in sandbox.requests()] == ["/jira/rest/api/3/changelog/bulkfetch"]


def test_a_deleted_issue_has_no_history(jira, sandbox):
    (issue_key,) = make(jira, task("deck"))
    sandbox.as_person(sandbox.email).delete(issue_key)

    assert jira.transitions([issue_key]) == ()


def test_changes_since_a_time_are_found_for_the_programs_named(jira):
    deck = make(jira, task("deck"))
    make(jira, replace(task("deck"), key="other/prepare/deck"))
    before = datetime.now(UTC) - timedelta(minutes=1)

    assert jira.changed_since(["rollout/demo"], before) == tuple(deck)


def test_changes_of_all_programs_are_found_in_one_request(jira, sandbox):
    make(jira, task("deck"))
    make(jira, replace(task("deck"), key="other/prepare/deck"))
    sandbox.clear_requests()

    changed = jira.changed_since([], datetime.now(UTC) - timedelta(minutes=1))

    assert set(changed) == {"POLICY-1", "POLICY-2"}
    assert len(sandbox.requests()) == 1


# Editing


def test_an_update_writes_our_fields_and_the_new_digest(jira):
    (issue_key,) = make(jira, task("deck"))
    changed = task("deck", summary="Do it well", due_on=None, labels=("rollout-stage-launch",))

    jira.update(issue_key, changed)

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

    jira.update(issue_key, task("deck", summary="Do it well"))

    issue = look(jira, issue_key)
    assert (issue.state, issue.assignee) == (State.IN_PROGRESS, kim)
    assert "urgent" in issue.labels


def test_an_issue_with_another_mark_is_not_edited(jira):
    (issue_key,) = make(jira, task("deck"))

    with pytest.raises(IssueNotOurs) as caught:
        jira.update(issue_key, task("quiz"))

    assert str(caught.value) == (
        "Jira: POLICY-1 was left alone: found the mark of demo/prepare/deck, expected that of "
        "demo/prepare/quiz. See in Jira's history who changed it"
    )
    assert look(jira, issue_key).summary == "Do deck"


def test_an_update_of_a_deleted_issue_says_so(jira, sandbox):
    (issue_key,) = make(jira, task("deck"))
    sandbox.as_person(sandbox.email).delete(issue_key)

    with pytest.raises(ServiceRefused, match=r"reading POLICY-1 was refused \(HTTP 404\)"):
        jira.update(issue_key, task("deck"))


@pytest.mark.parametrize("to", [State.IN_PROGRESS, State.BLOCKED, State.DONE, "Blocked"])
def test_an_issue_is_moved_by_where_a_transition_leads(jira, to):
    (issue_key,) = make(jira, task("deck"))

    jira.move(issue_key, to)

    issue = look(jira, issue_key)
    assert to in {issue.state, issue.status}


def test_a_sent_back_sign_off_is_opened_again(jira, sandbox):
    (issue_key,) = make(jira, sign_off("legal"))
    sandbox.as_person(sandbox.email).move(issue_key, "Approved")

    jira.move(issue_key, State.TODO)

    assert look(jira, issue_key).status == "To Do"


def test_done_never_means_rejected(jira):
    (issue_key,) = make(jira, sign_off("legal"))

    jira.move(issue_key, State.DONE)

    assert look(jira, issue_key).status == "Approved"


def test_a_named_status_may_be_the_rejecting_one(jira):
    (issue_key,) = make(jira, sign_off("legal"))

    jira.move(issue_key, "Rejected")

    assert look(jira, issue_key).status == "Rejected"


def test_an_issue_that_is_there_already_is_not_moved(jira, sandbox):
    (issue_key,) = make(jira, task("deck"))
    sandbox.clear_requests()

    jira.move(issue_key, State.TODO)

    assert written(sandbox) == []


def test_a_status_without_a_way_to_it_names_those_with_one(jira):
    (issue_key,) = make(jira, sign_off("legal"))

    with pytest.raises(NoWayToStatus) as caught:
        jira.move(issue_key, "Done")

    assert str(caught.value) == (
        "Jira: POLICY-1 stands on 'To Do' and no transition leads to 'Done'; it can go to: "
        "Approved, Rejected. Move it by hand or mend the workflow in Jira"
    )


def test_a_comment_is_made_once_for_its_mark(jira):
    (issue_key,) = make(jira, task("deck"))

    jira.say(issue_key, "Please **sign**.", mark="round 1")
    jira.say(issue_key, "Please **sign**.", mark="round 1")
    jira.say(issue_key, "Please sign again.", mark="round 2")

    assert [each.text for each in jira.read([issue_key], with_comments=True).comments] == [
        "Please sign.\n[rollout round 1]",
        "Please sign again.\n[rollout round 2]",
    ]


def test_a_mark_is_found_behind_a_hundred_comments(jira, sandbox):
    (issue_key,) = make(jira, task("deck"))
    jira.say(issue_key, "Please sign.", mark="round 1")
    person = sandbox.as_person(sandbox.email)
    for number in range(101):
        person.comment(issue_key, f"Remark {number}")
    sandbox.clear_requests()

    jira.say(issue_key, "Please sign.", mark="round 1")

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
    jira.link(second, first)
    sandbox.clear_requests()

    jira.link(second, first)

    assert written(sandbox) == []
    assert look(jira, second).blocked_by == {first}
    assert look(jira, first).blocked_by == frozenset()


# Addresses


def test_addresses_lead_to_the_issue_the_project_and_the_program(jira, sandbox):
    assert jira.issue_url("POLICY-7") == f"{sandbox.jira_url}/browse/POLICY-7"
    assert jira.project_url() == f"{sandbox.jira_url}/browse/POLICY"
    assert jira.program_url("demo") == (
        f"{sandbox.jira_url}/issues/?jql=labels%20%3D%20%22rollout/demo%22"
    )
