"""People's work is theirs: never overwritten, never taken for ours, and shown where it is odd."""

import pytest
from carried import MEI, OWNER, RIMA, ROWS, SIGN_OFF, SPEC, TASKS, WIM, Carried

from policy_rollout.workbook import Workbook
from policy_rollout.workbook_edit import column_name
from policy_rollout.workbook_layout import COLUMNS, KEY, Tab

pytestmark = pytest.mark.long

GUIDELINE, SYMBOLS = TASKS


def test_an_issue_of_somebody_else_with_our_labels_is_untouched(program):
    fields = {
        "project": {"key": "POLICY"},
        "issuetype": {"name": "Task"},
        "summary": "A clone",
        "labels": ["rollout", "rollout/demo", f"rollout/{GUIDELINE}"],
    }
    foreign = program.person(MEI).call("POST", "issue", {"fields": fields})["key"]
    before = program.person(MEI).issue(foreign)["fields"]

    program.go()

    assert program.person(MEI).issue(foreign)["fields"] == before
    assert foreign not in program.state.issues.values()
    assert len(program.jira()[GUIDELINE]) == 1


def test_a_row_without_a_key_and_one_of_another_program_are_untouched(program):
    program.go()
    program.workbook.insert_below(ROWS[0])
    program.workbook.insert_below(ROWS[1])
    program.paste("Training!B3", "a person's own row")
    program.paste("Training!B5", "another row")
    before = program.workbook._tab("Training")["rows"]

    program.go()

    assert program.workbook._tab("Training")["rows"] == before


def test_assignee_and_status_and_other_labels_stay_as_people_set_them(program):
    program.go()
    issue_key = program.state.issues[GUIDELINE]
    mei = program.sandbox.add_person(MEI)
    program.person(RIMA).assign(issue_key, mei)
    program.person(RIMA).move(issue_key, "In Progress")
    program.person(RIMA).edit(issue_key, labels=["rollout", "rollout/demo", "urgent"])

    program.go()

    fields = program.issue(GUIDELINE)
    assert fields["assignee"]["accountId"] == mei
    assert fields["status"]["name"] == "In Progress"
    assert set(fields["labels"]) == {"rollout", "rollout/demo", f"rollout/{GUIDELINE}", "urgent"}


def test_a_summary_that_somebody_changed_is_written_again(program):
    program.go()
    program.person(RIMA).edit(program.state.issues[GUIDELINE], summary="Something else")

    program.go()

    assert program.issue(GUIDELINE)["summary"] == "Write the guideline"


def test_a_text_that_somebody_changed_and_put_back_is_written_over_once(program):
    program.go()
    program.finish_work()
    issue_key = program.state.issues[GUIDELINE]
    ours = program.person(RIMA).issue(issue_key)["fields"]["description"]
    for text in ({"type": "doc", "version": 1, "content": []}, ours):
        program.person(RIMA).edit(issue_key, description=text)

    program.go()

    assert program.kinds.count("said") == 1
    program.sandbox.clear_requests()
    program.go()
    assert program.writes() == []
    assert program.issue(GUIDELINE)["description"] == ours


def test_human_columns_stay_when_machine_columns_are_rewritten(program):
    program.go()
    program.workbook.write(ROWS[0], Status="In progress", Notes="Half-way", Due="1999-01-01")

    program.go()

    cells = program.workbook.cells(ROWS[0])
    assert (cells["Status"], cells["Notes"]) == ("In progress", "Half-way")
    assert "2030-" in cells["Due"]


def test_a_status_word_that_nobody_knows_cannot_be_told_and_holds_the_gate(program):
    program.go()
    program.finish_work()
    program.paste("Training!D2", "Finito")

    stands = program.go()

    assert program.state.of(ROWS[0]).state == "unknown"
    assert "Finito" in "\n".join(program.state.oddities)
    assert "its status is not understood" in stands.text
    assert program.state.gates["write"].digest is None


def test_a_deleted_issue_cannot_be_told_and_is_shown(program):
    program.go()
    gone = program.state.issues[SYMBOLS]
    program.person(RIMA).delete(gone)

    stands = program.go()

    assert program.trouble == ""
    assert program.state.of(SYMBOLS).state == "missing"
    assert f"{gone}: the issue was deleted, or is hidden from us" in program.state.oddities
    assert "it was deleted or cannot be found" in stands.text
    assert SYMBOLS not in program.jira()


def test_a_deleted_issue_that_others_wait_for_is_no_trouble(program):
    program.go()
    program.person(RIMA).delete(program.state.issues[GUIDELINE])

    program.go()

    assert program.trouble == ""


def test_a_deleted_row_cannot_be_told_and_is_not_added_again(program):
    program.go()
    program.workbook.delete(ROWS[1])

    stands = program.go()

    assert program.state.of(ROWS[1]).state == "missing"
    assert "it was deleted or cannot be found" in stands.text
    assert ROWS[1] not in program.rows()


def test_the_gate_holds_until_everything_is_done(program):
    program.go()
    program.finish_work()
    program.person(RIMA).move(program.state.issues[SYMBOLS], "In Progress")

    program.go()

    assert SIGN_OFF not in program.jira()
    assert program.state.waiting_stages == ("write",)


def test_the_owner_s_sign_off_does_not_count(program):
    program.go()
    program.finish_work()
    program.go()
    program.person(OWNER).move(program.state.issues[SIGN_OFF], "Approved")

    program.go()

    assert program.state.waiting_stages == ("write",)
    (refused,) = program.state.gates["write"].refusals
    assert refused.why == f"{OWNER} is not a member of policy; for policy may sign: {RIMA}"
    assert program.issue(SIGN_OFF)["status"]["name"] == "To Do"


def test_a_rejection_opens_round_two_with_just_the_named_items_back_at_work(program):
    program.go()
    program.finish_work()
    program.go()
    sign_off = program.state.issues[SIGN_OFF]
    program.person(RIMA).comment(sign_off, "Too vague. Reopen: guideline, deck/ja-JP")
    program.person(RIMA).move(sign_off, "Rejected")

    program.go()

    assert program.trouble == ""
    assert program.state.gates["write"].round == 2
    assert {key for key, seen in program.state.seen.items() if seen.state == "todo"} == {
        GUIDELINE,
        ROWS[1],
    }
    assert program.issue(GUIDELINE)["status"]["name"] == "To Do"
    assert program.issue(SYMBOLS)["status"]["name"] == "Done"
    assert "Too vague." in program.workbook.cells(ROWS[1])["Message"]


def test_round_two_is_signed_like_the_first(program):
    program.go()
    program.finish_work()
    program.go()
    sign_off = program.state.issues[SIGN_OFF]
    program.person(RIMA).comment(sign_off, "Too vague. Reopen: guideline")
    program.person(RIMA).move(sign_off, "Rejected")
    program.go()
    program.person(WIM).move(program.state.issues[GUIDELINE], "Done")
    program.go()
    assert program.issue(SIGN_OFF)["status"]["name"] == "To Do"
    program.person(RIMA).move(sign_off, "Approved")

    program.go()

    assert program.state.waiting_stages == ("launch",)


def test_a_row_that_was_added_is_not_added_again_where_the_other_tab_held_the_rest_back(
    program, monkeypatch
):
    """People rename the Checklist's key column while rows are added, and take a new row's key."""
    program.go()
    key = f"Checklist!{column_name(COLUMNS[Tab.CHECKLIST].index(KEY))}1"
    other, send = Carried(program.sandbox, SPEC.replace("program: demo", "program: other")), []

    def renaming(self, look, requests, ranges):
        if not send:
            send.append(key)
            program.paste(key, "Code")
        return written(self, look, requests, ranges)

    written = Workbook._send
    monkeypatch.setattr(Workbook, "_send", renaming)

    other.go()

    decks = {each.replace("demo", "other") for each in ROWS[:2]}
    assert "no column with the header" in other.trouble
    assert other.state.rows == decks
    program.workbook.write_cells(min(decks), {"Key": ""})
    program.paste(key, KEY)
    other.go_until_calm()
    assert [each for each in program.workbook.keys("Training") if "other" in each] == [max(decks)]
    assert program.workbook.keys("Training").count("") == 1
    assert other.rows()[ROWS[2].replace("demo", "other")] == 1
    assert any(min(decks) in told for told in other.state.oddities)
