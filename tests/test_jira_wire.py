"""Jira's JSON to and from records: values in, values out."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from policy_rollout import jira_wire as wire
from policy_rollout.desired import IssueKind, NewIssue
from policy_rollout.jira_site import retry_after_seconds
from policy_rollout.work import State

NOW = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
TYPES = {IssueKind.EPIC: "Epic", IssueKind.TASK: "Task", IssueKind.SIGN_OFF: "Sign-off"}
TASK = NewIssue(
    key="demo/prepare/guideline",
    kind=IssueKind.TASK,
    summary="Write the guideline",
    description="With **examples**.",
    due_on=date(2026, 3, 2),
    assignee="acc-1",
    parent="POLICY-1",
    labels=("rollout-stage-prepare",),
)


def status(category, name="Whatever"):
    return {"name": name, "statusCategory": {"key": category}}


def found_issue(**changes):
    fields = {
        "summary": "Write the guideline",
        "issuetype": {"name": "Task"},
        "status": status("new", "To Do"),
        "assignee": None,
        "duedate": None,
        "labels": [],
        "issuelinks": [],
        "updated": "2026-01-02T20:00:00.000+0800",
        **changes,
    }
    return {
        "id": "10001",
        "key": "POLICY-1",
        "fields": fields,
        "properties": {"rollout": {"key": TASK.key, "content": "abc"}},
    }


def observed(**changes):
    return wire.parse_found(wire.parse_issue(found_issue(**changes))).ours


def history(**changes):
    made = {
        "id": "501",
        "author": {"accountId": "acc-1", "displayName": "Kim"},
        "created": "2026-01-02T20:00:00.000+0800",
        "items": [
            {
                "fieldId": "status",
                "from": "1",
                "fromString": "To Do",
                "to": "2",
                "toString": "Approved",
            }
        ],
        **changes,
    }
    return {"issueChangeLogs": [{"issueId": "10001", "changeHistories": [made]}]}


STATES = {"2": State.DONE, "Approved": State.DONE}


def transitions(**changes):
    page = wire.parse_changes(history(**changes))
    return tuple(wire.transition(each, "POLICY-1", STATES) for each in page.items)


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (status("new"), State.TODO),
        (status("indeterminate"), State.IN_PROGRESS),
        (status("indeterminate", "Blocked"), State.BLOCKED),
        (status("new", "BLOCKED"), State.BLOCKED),
        (status("done"), State.DONE),
        (status("done", "Blocked"), State.DONE),
        (status("undefined"), State.UNKNOWN),
        ({"name": "To Do"}, State.UNKNOWN),
    ],
)
def test_a_state_comes_from_the_status_category(found, state):
    assert wire.parse_state(found) is state


@pytest.mark.parametrize(
    "given",
    [
        "2026-01-02T20:00:00.000+0800",
        "2026-01-02T12:00:00.000Z",
        "2026-01-02T12:00:00.000+00:00",
        1767355200,
        1767355200000,
    ],
)
def test_a_time_is_read_with_its_offset_and_kept_in_utc(given):
    moment = wire.parse_time(given)

    assert (moment, moment.utcoffset()) == (NOW, timedelta(0))


def test_a_time_without_an_offset_is_refused():
    with pytest.raises(ValueError, match="2026-01-02T12:00:00"):
        wire.parse_time("2026-01-02T12:00:00")


def test_a_new_issue_carries_fields_handles_and_mark_in_one_write():
    made = wire.creation(TASK, "POLICY", TYPES)

    assert made["fields"] | {"description": None} == {
        "project": {"key": "POLICY"},
        "issuetype": {"name": "Task"},
        "summary": "Write the guideline",
        "description": None,
        "duedate": "2026-03-02",
        "assignee": {"accountId": "acc-1"},
        "parent": {"key": "POLICY-1"},
        "labels": [
            "rollout",
            "rollout/demo",
            "rollout/demo/prepare/guideline",
            "rollout-stage-prepare",
        ],
    }
    assert made["properties"] == [
        {"key": "rollout", "value": {"key": TASK.key, "content": TASK.content_digest}}
    ]


def test_an_edit_leaves_the_labels_of_people_alone():
    there = ("urgent", "rollout", "rollout/demo", f"rollout/{TASK.key}", "rollout-stage-old")

    assert wire.edit(TASK, there)["update"] == {
        "labels": [{"remove": "rollout-stage-old"}, {"add": "rollout-stage-prepare"}]
    }


def test_an_edit_touches_no_label_when_ours_stand():
    assert "update" not in wire.edit(TASK, wire.all_labels(TASK))


def test_an_edit_never_touches_status_assignee_or_priority():
    edit = wire.edit(replace(TASK, parent=None), ())
    assert set(edit["fields"]) == {"summary", "description", "duedate"}


def test_an_edit_writes_the_parent_where_it_is_to_be_changed():
    assert wire.edit(replace(TASK, parent="POL-1"), ())["fields"]["parent"] == {"key": "POL-1"}


def test_an_issue_is_blocked_by_its_inward_blocks_links_only():
    blocks = {"name": "Blocks", "inward": "is blocked by", "outward": "blocks"}
    links = [
        {"type": blocks, "inwardIssue": {"key": "POLICY-7"}},
        {"type": blocks, "outwardIssue": {"key": "POLICY-8"}},
        {"type": {"name": "Relates"}, "inwardIssue": {"key": "POLICY-9"}},
    ]

    assert observed(issuelinks=links).blocked_by == {"POLICY-7"}


def test_an_issue_without_the_optional_fields_is_read():
    assert observed(labels=None, issuelinks=None, summary=None).labels == ()


def test_comments_that_were_left_out_of_an_answer_are_noticed():
    comment = {"id": "1", "created": "2026-01-02T12:00:00.000Z", "body": None}

    page = wire.parse_comments({"comments": [comment], "total": 2}, issue_key="POLICY-1")

    assert (len(page.comments), page.whole) == (1, False)


def test_a_due_date_is_a_date():
    assert observed(duedate="2026-03-02").due_on == date(2026, 3, 2)


@pytest.mark.parametrize("value", [None, "demo/epic", {"content": "x"}, {"key": 3}])
def test_a_property_of_another_shape_is_no_mark(value):
    assert wire.parse_issue(found_issue() | {"properties": {"rollout": value}}).mark is None


def test_a_transition_is_read_from_the_changelog():
    (made,) = transitions()

    assert (made.issue_key, made.account, made.name, made.to_status, made.to_state, made.at) == (
        "POLICY-1",
        "acc-1",
        "Kim",
        "Approved",
        State.DONE,
        NOW,
    )


def test_a_transition_whose_ids_are_null_is_known_by_the_name_of_its_status():
    item = {"field": "status", "from": None, "to": None, "toString": "Approved"}

    assert [(each.from_status, each.to_state) for each in transitions(items=[item])] == [
        ("", State.DONE)
    ]


def test_a_status_that_the_project_no_longer_has_gives_an_unknown_state():
    item = {"fieldId": "status", "to": "99", "toString": "Old"}

    assert [each.to_state for each in transitions(items=[item])] == [State.UNKNOWN]


def test_a_change_without_an_author_names_nobody():
    assert [each.account for each in transitions(author=None)] == [""]


def test_changes_of_other_fields_are_no_transitions():
    assert transitions(items=[{"fieldId": "labels", "toString": "x"}]) == ()


def test_a_partial_bulk_answer_tells_the_refused_by_their_place():
    answer = {
        "issues": [{"id": "1", "key": "POLICY-1"}],
        "errors": [
            {
                "status": 400,
                "failedElementNumber": 0,
                "elementErrors": {"errorMessages": ["No."], "errors": {"duedate": "is wrong"}},
            }
        ],
    }

    made = wire.parse_bulk_created(answer, asked=2)

    assert (made.issue_keys, made.refused) == (("POLICY-1",), {0: "No.; duedate: is wrong"})


def test_an_element_that_failed_inside_jira_is_not_called_refused():
    answer = {"issues": [], "errors": [{"status": 500, "failedElementNumber": 0}]}

    made = wire.parse_bulk_created(answer, asked=1)

    assert (made.refused, made.failing) == ({}, (0,))


def test_a_bulk_answer_that_leaves_an_issue_out_is_not_believed():
    with pytest.raises(ValueError, match="2"):
        wire.parse_bulk_created({"issues": [{"key": "POLICY-1"}], "errors": []}, asked=2)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "3"}, 3.0),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "Fri, 02 Jan 2026 12:01:00 GMT"}, 60.0),
        (
            {
                "Retry-After": "Fri, 02 Jan 2026 09:00:30 GMT",
                "Date": "Fri, 02 Jan 2026 09:00:00 GMT",
            },
            30.0,
        ),
        ({"Retry-After": "Fri, 02 Jan 2026 11:00:00 GMT"}, 0.0),
        ({"Retry-After": "-5"}, 0.0),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
def test_a_wait_is_read_in_every_form_it_is_given_in(headers, seconds):
    assert retry_after_seconds(headers, NOW) == seconds
