"""Drift over a sandbox: what people did is named, who did it, and nothing is written for it."""

import pytest
from carried import MEI, RIMA, ROWS, SIGN_OFF, TASKS, Carried

from flows.drift import drift
from policy_rollout.drift import Difference
from policy_rollout.drift_reads import drift_of
from policy_rollout.errors import ServiceUnavailable
from policy_rollout.journal.store import Journal
from policy_rollout.settings import Settings
from policy_rollout.work import epic_key
from tests.programs_under_way import BEGAN

pytestmark = pytest.mark.long

GUIDELINE, SYMBOLS = TASKS
CLONE = {"project": {"key": "POLICY"}, "issuetype": {"name": "Task"}}


def found(program: Carried) -> list[Difference]:
    return list(drift_of(Settings.load(), program.state, BEGAN))


def only(program: Carried) -> Difference:
    (difference,) = found(program)
    return difference


def head(program: Carried) -> int:
    with Journal(Settings.load().journal_address) as journal:
        return journal.head(program.spec.program)


def name_of(program: Carried, key: str) -> str:
    return f"{program.state.issues[key]} ({key})"


def test_a_program_as_planned_has_no_drift_at_any_stage_of_its_first_gate(program):
    program.go()
    assert found(program) == []
    program.finish_work()
    program.go()
    assert SIGN_OFF in program.state.issues
    assert found(program) == []
    program.person(RIMA).move(program.state.issues[SIGN_OFF], "Approved")
    program.go()
    assert program.state.passed("write")
    assert found(program) == []


def test_a_program_that_wrote_nothing_has_no_drift(program):
    program.sandbox.set_faults({"kind": "error", "path": "/myself", "times": None})
    program.go()
    program.sandbox.set_faults()
    assert found(program) == []


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"summary": "Mine"}, "its summary is 'Mine', planned is 'Write the guideline'"),
        ({"duedate": "2031-01-01"}, "its due date is 2031-01-01, planned is 2030-"),
        ({"duedate": None}, "its due date is empty, planned is 2030-"),
        (
            {"labels": ["rollout", "rollout/demo", "urgent"]},
            f"its labels: lacks rollout/{GUIDELINE}",
        ),
        ({"parent": None}, "its parent is none, planned is POLICY-1"),
    ],
)
def test_a_field_of_ours_that_somebody_edited_is_named_with_its_editor(program, fields, what):
    program.go()
    program.sandbox.add_person(MEI, "Mei Tan")
    program.person(MEI).edit(program.state.issues[GUIDELINE], **fields)
    difference = only(program)
    assert difference.where == name_of(program, GUIDELINE)
    assert difference.what.startswith(what)
    assert difference.mend.startswith("The program ")
    assert "within the hour, or at once with *check now*." in difference.mend
    assert (
        difference.who.partition(" on ")[0]
        == program.person(MEI).call("GET", "myself")["displayName"]
    )


def test_a_description_that_somebody_edited_is_named_and_not_written_over(program):
    program.go()
    paragraph = {"type": "paragraph", "content": [{"type": "text", "text": "Mine"}]}
    text = {"type": "doc", "version": 1, "content": [paragraph]}
    program.person(MEI).edit(program.state.issues[SYMBOLS], description=text)
    difference = only(program)
    assert difference.what == "its description was edited"
    assert difference.who
    assert difference.mend.startswith("Nothing writes over it: put the text back by hand")


def test_what_a_person_put_back_is_no_drift_any_more(program):
    program.go()
    issue_key = program.state.issues[GUIDELINE]
    for summary in ("Mine", "Write the guideline"):
        program.person(MEI).edit(issue_key, summary=summary)
    assert found(program) == []


def test_what_people_own_is_no_drift(program):
    program.go()
    issue_key = program.state.issues[GUIDELINE]
    labels = [*program.issue(GUIDELINE)["labels"], "urgent"]
    program.person(RIMA).edit(issue_key, labels=labels)
    program.person(RIMA).move(issue_key, "In Progress")
    program.person(RIMA).comment(issue_key, "On it")
    program.workbook.write(ROWS[0], Status="In progress", Notes="half done")
    program.workbook.sort("Training", "Language", descending=True)
    assert found(program) == []


def test_a_deleted_issue_is_named_and_how_to_have_it_again(program):
    program.go()
    where = name_of(program, GUIDELINE)
    program.person(MEI).delete(program.state.issues[GUIDELINE])
    difference = only(program)
    assert difference == Difference(
        where,
        "it was deleted, or is hidden from the service account",
        "somebody whom Jira's audit log may name",
        "To have it again, choose *create again what was deleted* in the Resume form.",
    )


def test_an_issue_whose_mark_was_removed_is_named(program):
    program.go()
    issue_key = program.state.issues[GUIDELINE]
    program.person(MEI).call("PUT", f"issue/{issue_key}/properties/rollout", {"cleared": True})
    assert only(program).what == (
        "its mark (the entity property `rollout`) was removed, so it is left alone"
    )


@pytest.mark.parametrize(
    ("mark", "by_us", "what"),
    [
        (None, False, "it carries our labels without our mark, as a clone does: 'A clone'"),
        (GUIDELINE, True, f"it is a second issue of {GUIDELINE}; POLICY-2 is the one that counts"),
        (
            GUIDELINE,
            False,
            f"somebody else's issue claims to be {GUIDELINE}; POLICY-2 is the one that counts",
        ),
        ("demo/write/other", False, "it claims to be demo/write/other, which the program does not"),
    ],
)
def test_an_issue_that_the_program_does_not_know_is_named(program, mark, by_us, what):
    program.go()
    labels = ["rollout", "rollout/demo", f"rollout/{GUIDELINE}"]
    new = {"fields": {**CLONE, "summary": "A clone", "labels": labels}}
    if mark:
        new["properties"] = [{"key": "rollout", "value": {"key": mark, "content": "x"}}]
    who = program.person(program.sandbox.email if by_us else MEI)
    other = who.call("POST", "issue", new)["key"]
    difference = only(program)
    assert difference.where == other
    assert difference.what.startswith(what)
    assert difference.who == who.call("GET", "myself")["displayName"]


def test_rows_deleted_doubled_unknown_and_edited_are_each_named(program):
    program.go()
    program.workbook.delete(ROWS[1])
    program.workbook.insert_below(ROWS[0])
    program.paste("Training!N3", "demo/write/nothing/at-all")
    program.paste("Training!A2", "Renamed")
    program.paste("Checklist!D2", "Nearly")
    told = {each.where.rpartition("row ")[2]: each.what for each in found(program)}
    assert told == {
        ROWS[1]: "it was deleted, or its key was changed",
        "3 (demo/write/nothing/at-all)": "Status is empty",
        "demo/write/nothing/at-all": "the program has no row of this key",
        ROWS[0]: "Material is 'Renamed', planned is 'Reviewer deck'",
        f"2 ({ROWS[2]})": "Status is 'Nearly'",
    }
    assert {each.who for each in found(program)} == {"somebody whom Google Sheets does not name"}


def test_a_doubled_row_is_named_once(program):
    program.go()
    program.workbook.insert_below(ROWS[2])
    program.paste("Checklist!L3", ROWS[2])
    assert f"key {ROWS[2]} stands 2 times" in [each.what for each in found(program)]


def test_a_header_that_is_missing_is_named(program):
    program.go()
    program.paste("Checklist!E1", "Remarks")
    assert "no column has the header 'Notes'" in [each.what for each in found(program)]


def test_another_workbook_in_the_place_of_ours_is_one_difference(program):
    program.go()
    for key in ROWS:
        program.workbook.delete(key)
    difference = only(program)
    assert difference.where == "workbook"
    assert "none of the program's 3 rows is in it: it was replaced by another" in difference.what
    assert "ROLLOUT_SHEETS_WORKBOOK" in difference.mend


def test_a_workflow_that_lost_its_statuses_is_named(program, monkeypatch):
    program.go()
    monkeypatch.setenv("ROLLOUT_JIRA_APPROVED_STATUS", "Agreed")
    difference = only(program)
    assert difference.where == "Jira, status 'Agreed' of issue type 'Sign-off'"
    assert difference.what.startswith("found Approved, ")


def test_looking_for_drift_writes_nothing_outside_and_nothing_to_the_journal(program):
    program.go()
    program.person(MEI).edit(program.state.issues[GUIDELINE], summary="Mine")
    program.person(MEI).delete(program.state.issues[SYMBOLS])
    program.workbook.delete(ROWS[1])
    before = head(program)
    program.sandbox.clear_requests()

    state = drift(return_state=True)

    assert state.is_failed()
    assert program.writes() == []
    assert head(program) == before


def test_the_run_ends_as_failed_where_something_differs_and_completed_where_nothing_does(program):
    assert (
        drift(return_state=True).message == "0 programs looked at: nothing differs from what "
        "was planned"
    )
    program.go()
    calm = drift(return_state=True)
    assert calm.is_completed()
    assert calm.message == "1 program looked at: nothing differs from what was planned"

    program.person(MEI).edit(program.state.issues[epic_key("demo")], summary="Mine")

    drifting = drift(return_state=True)
    assert drifting.is_failed()
    assert drifting.message == (
        "1 of 1 programs differs: demo (1). See the artifact `drift` of this run"
    )


def test_a_service_that_is_down_is_told_and_is_no_drift(program):
    program.go()
    program.sandbox.set_faults({"kind": "error", "path": "/issue/bulkfetch", "times": None})
    with pytest.raises(ServiceUnavailable):
        found(program)
    state = drift(return_state=True)
    assert state.is_failed()
    assert state.message == ("could not be looked at: demo. See the artifact `drift` of this run")
