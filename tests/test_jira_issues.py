"""Issues created, found again and read in Jira, over HTTP against the sandbox."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from jira_examples import EPIC, connection_to, look, make, sign_off, somebodys_own, task

from policy_rollout.errors import ServiceRefused, ServiceUnavailable
from policy_rollout.jira_issues import BULK_LIMIT, JiraIssues
from policy_rollout.jira_wire import Mark, RawIssue, programs_of
from policy_rollout.work import State


@pytest.fixture
def jira(sandbox):
    with JiraIssues(connection_to(sandbox)) as issues:
        yield issues


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
    created = jira.create(
        [task("deck", assignee="nobody"), task("quiz", labels=("rollout with spaces",))]
    )

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
    somebodys_own(sandbox)

    assert jira.find_created(["demo/prepare/deck"], after_number=0) == {
        "demo/prepare/deck": (issue_key,)
    }


def test_more_than_a_hundred_issues_after_the_fence_are_all_looked_at(jira):
    for start in range(0, 150, BULK_LIMIT):
        make(jira, *(task(f"item-{start + number}") for number in range(BULK_LIMIT)))

    found = jira.find_created(["demo/prepare/item-149"], after_number=0)

    assert found == {"demo/prepare/item-149": ("POLICY-150",)}


def test_a_gap_of_a_hundred_deleted_issues_does_not_end_the_look(jira, sandbox):
    keys = [
        key
        for start in (0, 50, 100)
        for key in make(jira, *(task(f"item-{start + number}") for number in range(50)))
    ]
    person = sandbox.as_person(sandbox.email)
    for issue_key in keys[:110]:
        person.delete(issue_key)
    person.edit(keys[149], labels=[])

    found = jira.find_created(["demo/prepare/item-149"], after_number=0)

    assert found == {"demo/prepare/item-149": ("POLICY-150",)}


def test_the_fence_is_the_highest_known_number_of_the_project(jira, sandbox):
    make(jira, EPIC)
    sandbox.clear_requests()

    assert jira.fence(["POLICY-9", "POLICY-12", "MOVED-9000"]) == 12
    assert sandbox.requests() == []


def test_the_search_is_asked_for_a_fence_where_nothing_is_known(jira):
    make(jira, EPIC, task("deck"))

    assert jira.fence(["MOVED-9000"]) == 2


def test_a_number_that_was_asked_for_before_is_a_fence_without_another_question(jira, sandbox):
    sandbox.clear_requests()

    assert jira.fence([], at_least=7) == 7
    assert jira.fence(["POLICY-9"], at_least=7) == 9
    assert sandbox.requests() == []


def test_a_hundred_issues_are_read_at_once_before_they_are_changed(jira, sandbox):
    keys = [
        key
        for start in (0, 50, 100)
        for key in make(jira, *(task(f"item-{start + number}") for number in range(50)))
    ]
    sandbox.clear_requests()

    assert list(jira.standing(keys)) == keys
    assert len(sandbox.requests()) == 2


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
    foreign = somebodys_own(sandbox)

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


def test_histories_of_issues_that_were_read_take_one_request_and_the_first_asks_for_statuses(
    jira, sandbox
):
    keys = make(jira, task("deck"), task("quiz"))
    sandbox.as_person(sandbox.email).move(keys[0], "Done")
    jira.read(keys)
    sandbox.clear_requests()

    for _ in range(2):
        (moved,) = jira.transitions(keys)
        assert moved.to_state is State.DONE

    paths = sorted(each["path"] for each in sandbox.requests())
    assert paths == ["/jira/rest/api/3/changelog/bulkfetch"] * 2 + [STATUSES]


STATUSES = "/jira/rest/api/3/project/POLICY/statuses"


def statuses_asked_for(sandbox):
    return sum(each["path"] == STATUSES for each in sandbox.requests())


def test_the_statuses_of_a_project_are_asked_for_once_while_a_client_is_open(jira, sandbox):
    (issue_key,) = make(jira, task("deck"))
    sandbox.as_person(sandbox.email).move(issue_key, "In Progress")
    sandbox.as_person(sandbox.email).move(issue_key, "Done")
    sandbox.clear_requests()

    with ThreadPoolExecutor(3) as threads:
        answers = [threads.submit(jira.unanswerable), threads.submit(jira.workflow)]
        moves = threads.submit(jira.transitions, [issue_key])
    assert answers[0].result() == ()
    assert answers[1].result()["Task: Done"] is State.DONE
    assert [each.to_state for each in moves.result()] == [State.IN_PROGRESS, State.DONE]

    assert statuses_asked_for(sandbox) == 1
    with JiraIssues(connection_to(sandbox)) as another:
        another.workflow()
    assert statuses_asked_for(sandbox) == 2


def test_statuses_that_were_refused_are_asked_for_again(jira, sandbox):
    sandbox.set_faults(
        {"kind": "throttled", "path": STATUSES, "retry_after": "seconds", "seconds": 300}
    )
    with pytest.raises(ServiceUnavailable):
        jira.workflow()

    assert jira.workflow()["Task: Done"] is State.DONE


def test_a_deleted_issue_has_no_history(jira, sandbox):
    (issue_key,) = make(jira, task("deck"))
    sandbox.as_person(sandbox.email).delete(issue_key)

    assert jira.transitions([issue_key]) == ()


def test_programs_that_changed_are_told_with_their_newest_change_by_one_request(jira, sandbox):
    make(jira, task("deck"))
    (other,) = make(jira, replace(task("deck"), key="other/prepare/deck"))
    sandbox.as_person(sandbox.email).move(other, "Done")
    sandbox.clear_requests()

    changed = jira.changed_programs(datetime.now(UTC) - timedelta(minutes=1))

    assert len(sandbox.requests()) == 1
    assert changed.keys() == {"demo", "other"}
    assert changed["other"] == jira.read([other]).issues["other/prepare/deck"].updated_at


@pytest.mark.parametrize(
    ("labels", "programs"),
    [
        (["rollout", "rollout/demo", "rollout/demo/prepare/deck"], {"demo"}),
        (["rollout"], set()),
        (["rollout-stage-prepare", "urgent"], set()),
        (["rollout/demo", "rollout/other"], {"demo", "other"}),  # a person cloned and relabelled
        (None, set()),
    ],
)
def test_an_issue_belongs_to_the_programs_that_its_labels_name(labels, programs):
    found = RawIssue("1", "POLICY-1", {"labels": labels}, mark=None)

    assert programs_of(found) == programs


def test_an_issue_without_our_labels_belongs_to_the_program_of_its_mark():
    found = RawIssue("1", "POLICY-1", {"labels": []}, mark=Mark("demo/prepare/deck", ""))

    assert programs_of(found) == {"demo"}


# Addresses


def test_addresses_lead_to_the_issue_the_project_and_the_program(jira, sandbox):
    assert jira.issue_url("POLICY-7") == f"{sandbox.jira_url}/browse/POLICY-7"
    assert jira.project_url() == f"{sandbox.jira_url}/browse/POLICY"
    assert jira.program_url("demo") == (
        f"{sandbox.jira_url}/issues/?jql=labels%20%3D%20%22rollout/demo%22"
    )
