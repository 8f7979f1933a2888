"""Rows are added once and rewritten in place, with people and faults in between."""

import random

import pytest
from workbook_rows import (
    BATCH,
    DECK,
    ITEM,
    QUIZ,
    ActsInBetween,
    item,
    land_late_writes,
    training,
    writes,
)

from policy_rollout.errors import (
    PreflightFailed,
    WriteInDoubt,
)
from policy_rollout.work import State

# Adding


def test_tabs_and_rows_are_made_by_one_write(sandbox, workbook):
    sandbox.clear_requests()
    workbook.add_rows([training(DECK), item(ITEM)])
    assert writes(sandbox) == 1


@pytest.mark.usefixtures("filled")
def test_a_new_tab_tells_people_what_is_theirs(google_send):
    mask = "sheets(properties,protectedRanges,data.rowData.values(note,dataValidation))"
    answer = google_send("get", "", None, fields=mask, ranges="Training!A1:D2").json()
    [tab] = answer["sheets"]
    header, first = (row["values"] for row in tab["data"][0]["rowData"])
    assert tab["properties"]["gridProperties"]["frozenRowCount"] == 1
    assert header[0]["note"].startswith("Kept up to date by policy-rollout")
    assert header[3]["note"].startswith("Yours to fill in. One of: To do, In progress")
    words = first[3]["dataValidation"]["condition"]["values"]
    assert [each["userEnteredValue"] for each in words] == [
        "To do",
        "In progress",
        "Blocked",
        "Done",
        "Not applicable",
    ]
    assert len(tab["protectedRanges"]) == 11
    assert all(each["warningOnly"] for each in tab["protectedRanges"])


def test_a_title_that_starts_like_a_formula_stays_a_title(workbook):
    workbook.add_rows([training(DECK, '=IMPORTXML("x")')])
    assert dict(workbook.read("gambling").rows[DECK].machine)["Material"] == '=IMPORTXML("x")'


def test_rows_that_are_there_are_not_added_again(sandbox, filled):
    sandbox.clear_requests()
    filled.add_rows([training(DECK), item(ITEM)])
    assert writes(sandbox) == 0


def test_later_rows_go_into_the_columns_as_people_left_them(filled, people):
    people.move_column("Training", "Status", before="Material")
    filled.add_rows([training("gambling/go/deck", "Late deck")])
    row = filled.read("gambling").rows["gambling/go/deck"]
    assert (row.state, dict(row.machine)["Material"]) == (State.TODO, "Late deck")


def test_a_row_that_people_deleted_can_be_added_again(filled, people):
    people.delete(DECK)
    filled.add_rows([training(DECK)])
    assert people.keys("Training").count(DECK) == 1


def test_an_unknown_machine_column_is_refused_before_anything_is_sent(sandbox, workbook):
    sandbox.clear_requests()
    with pytest.raises(ValueError, match="'Status' is no machine column of tab Training"):
        workbook.add_rows([training(DECK, Status="Done")])
    assert sandbox.requests() == []


def test_nothing_is_added_to_a_tab_that_lost_a_header(filled, google_cells):
    google_cells("Training!A1", [["What"]])
    with pytest.raises(PreflightFailed) as failed:
        filled.add_rows([training("gambling/go/deck")])
    assert (
        "tab Training: found no column with the header 'Material', expected the headers "
        "Material, Language, Due" in str(failed.value)
    )


def test_very_many_rows_go_in_several_batches(sandbox, filled, people, monkeypatch):
    monkeypatch.setattr("policy_rollout.workbook.ROWS_A_BATCH", 2)
    keys = [f"gambling/go/{number}" for number in range(5)]
    sandbox.clear_requests()
    filled.add_rows([training(key) for key in keys])
    assert people.keys("Training") == [DECK, QUIZ, *keys]
    assert writes(sandbox) == 3


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reset-before-commit"},
        {"kind": "reset-after-commit"},
        {"kind": "error", "status": 503},
        {"kind": "error", "status": 500, "committed": True},
        {"kind": "throttled", "seconds": 1},
        {"kind": "late-commit", "seconds": 0},
        {"kind": "late-commit", "seconds": 30},
    ],
    ids=lambda fault: "-".join(str(value) for value in fault.values()),
)
def test_rows_are_added_once_whatever_becomes_of_the_answer(sandbox, filled, people, fault):
    sandbox.set_faults({**fault, "path": BATCH})
    filled.add_rows([training("gambling/go/a"), training("gambling/go/b")])
    land_late_writes(sandbox)
    assert people.keys("Training") == [DECK, QUIZ, "gambling/go/a", "gambling/go/b"]


def test_tabs_are_made_once_when_the_first_write_lands_late(sandbox, workbook, people):
    sandbox.set_faults({"kind": "late-commit", "seconds": 30, "path": BATCH})
    workbook.add_rows([training(DECK)])
    land_late_writes(sandbox)
    assert people.keys("Training") == [DECK]


def test_a_late_write_of_fewer_rows_does_not_double_them(sandbox, filled, people):
    late = {"kind": "late-commit", "seconds": 30, "path": BATCH}
    errors = {"kind": "error", "times": None, "path": BATCH}
    sandbox.set_faults(late, errors)
    with pytest.raises(WriteInDoubt):
        filled.add_rows([training("gambling/go/a")])
    sandbox.set_faults()
    filled.add_rows([training("gambling/go/a"), training("gambling/go/b")])
    land_late_writes(sandbox)
    assert people.keys("Training") == [DECK, QUIZ, "gambling/go/a", "gambling/go/b"]


def test_a_write_without_any_answer_is_in_doubt(sandbox, filled):
    sandbox.set_faults({"kind": "reset-before-commit", "times": None, "path": BATCH})
    with pytest.raises(WriteInDoubt) as doubt:
        filled.add_rows([training("gambling/go/a")])
    assert str(doubt.value) == (
        "Google Sheets: adding 1 rows may or may not have happened: no answer "
        "(ConnectionError). The next pass looks first"
    )


# Rewriting


def test_only_what_differs_is_rewritten_in_one_request(sandbox, filled):
    sandbox.clear_requests()
    filled.rewrite([training(DECK, Due="2025-11-10"), training(QUIZ, "Reviewer quiz")])
    assert dict(filled.read("gambling").rows[DECK].machine)["Due"] == "2025-11-10"
    assert writes(sandbox) == 1


def test_nothing_is_written_where_nothing_differs(sandbox, filled):
    sandbox.clear_requests()
    filled.rewrite([training(DECK), item(ITEM)])
    assert writes(sandbox) == 0


def test_a_rewrite_leaves_what_people_wrote(filled, people):
    people.write_cells(DECK, {"Status": "Done", "Completed %": "100%", "Notes": "=done?"[1:]})
    filled.rewrite([training(DECK, "Deck, second edition", Message="Look again")])
    row = filled.read("gambling").rows[DECK]
    assert dict(row.human) == {"Status": "Done", "Completed %": "100%", "Notes": "done?"}
    assert dict(row.machine)["Material"] == "Deck, second edition"


def test_a_rewrite_finds_rows_and_columns_where_people_put_them(filled, people):
    people.sort("Training", "Material", descending=True)
    people.move_column("Training", "Due", before="Material")
    filled.rewrite([training(DECK, Due="2025-11-10")])
    rows = filled.read("gambling").rows
    assert [dict(rows[key].machine)["Due"] for key in (DECK, QUIZ)] == ["2025-11-10", "2025-11-07"]


def test_a_row_that_was_deleted_is_not_brought_back_by_a_rewrite(filled, people):
    people.delete(DECK)
    filled.rewrite([training(DECK, Due="2025-11-10")])
    assert people.keys("Training") == [QUIZ]


@pytest.mark.parametrize("kind", ["reset-after-commit", "reset-before-commit", "late-commit"])
def test_a_rewrite_survives_a_lost_answer(sandbox, filled, kind):
    sandbox.set_faults({"kind": kind, "path": BATCH, "seconds": 30})
    filled.rewrite([training(DECK, Due="2025-11-10")])
    land_late_writes(sandbox)
    assert dict(filled.read("gambling").rows[DECK].machine)["Due"] == "2025-11-10"


def test_a_sort_between_look_and_write_is_put_right(connection, filled, people):
    people.write(QUIZ, Notes="mine")
    other = ActsInBetween(connection)
    other.meanwhile = lambda: people.sort("Training", "Material", descending=True)
    other.rewrite([training(DECK, "Deck 2", Due="2025-11-10")])
    other.close()
    rows = filled.read("gambling").rows
    assert [dict(rows[key].machine)["Material"] for key in (DECK, QUIZ)] == [
        "Deck 2",
        "Reviewer quiz",
    ]
    assert [dict(rows[key].machine)["Due"] for key in (DECK, QUIZ)] == ["2025-11-10", "2025-11-07"]
    assert dict(rows[QUIZ].human)["Notes"] == "mine"


def test_rows_put_in_again_and_again_while_we_mend_end_empty(connection, filled, people):
    other = ActsInBetween(connection)

    def put_in(times: int) -> None:
        area = {"sheetId": 740_201, "dimension": "ROWS", "startIndex": 1, "endIndex": 2}
        people.change({"insertDimension": {"range": area, "inheritFromBefore": False}})
        if times > 1:
            other.meanwhile = lambda: put_in(times - 1)

    other.meanwhile = lambda: put_in(3)
    other.rewrite([training(DECK, Due="2025-11-10")])
    other.close()
    assert dict(filled.read("gambling").rows[DECK].machine)["Due"] == "2025-11-10"
    tab = next(each for each in people.whole() if each["gid"] == 740_201)
    assert [any(row["cells"]) for row in tab["rows"][:6]] == [True, False, False, False, True, True]


@pytest.mark.parametrize(
    ("header", "before"), [("Notes", "Due"), ("Due", "Team"), ("Key", "Material"), ("Kind", "Due")]
)
def test_a_column_moved_between_look_and_write_costs_no_note(
    connection, filled, people, header, before
):
    people.write_cells(DECK, {"Notes": "mine", "Completed %": "50%", "Status": "Blocked"})
    other = ActsInBetween(connection)
    other.meanwhile = lambda: people.move_column("Training", header, before=before)
    other.rewrite([training(DECK, Due="2025-11-10", Kind="deck")])
    other.close()
    row = filled.read("gambling").rows[DECK]
    assert dict(row.human) == {"Status": "Blocked", "Completed %": "50%", "Notes": "mine"}
    assert dict(row.machine) == {**dict(training(DECK).cells), "Due": "2025-11-10"} | {
        "Language": "",
        "Assigned to": "",
        "Team": "",
        "Kind": "deck",
        "Pass mark": "",
        "Message": "",
        "Key": DECK,
    }


def test_a_row_without_a_key_sorted_into_our_way_gets_back_what_stood_there(
    connection, filled, people, google_cells
):
    """Between the look and the write a person's own rows come to stand where ours stood."""
    google_cells("Training!A5:G6", [["Aaa own", "", "someday"], ["Aab own", "", "", "Done"]])
    _rewrite_while_sorted(connection, people)
    rows = filled.read("gambling").rows
    assert [dict(rows[key].machine)["Due"] for key in (DECK, QUIZ)] == ["2025-11-10", "2025-11-11"]
    assert _rows_of_theirs(people) == [["Aaa own", "someday"], ["Aab own", "Done"]]


def test_two_rows_of_theirs_with_one_key_are_told_apart_when_they_are_hit(
    connection, filled, people, google_cells
):
    google_cells("Training!A5:C6", [["Aaa own", "en-US"], ["Aab own", "", "someday"]])
    google_cells("Training!N5:N6", [["theirs"], ["theirs"]])
    _rewrite_while_sorted(connection, people)
    rows = filled.read("gambling").rows
    assert [dict(rows[key].machine)["Due"] for key in (DECK, QUIZ)] == ["2025-11-10", "2025-11-11"]
    assert _rows_of_theirs(people) == [
        ["Aaa own", "en-US", "theirs"],
        ["Aab own", "someday", "theirs"],
    ]


def _rewrite_while_sorted(connection, people) -> None:
    other = ActsInBetween(connection)
    other.meanwhile = lambda: people.sort("Training", "Material")
    other.rewrite([training(DECK, Due="2025-11-10", Kind="deck"), training(QUIZ, Due="2025-11-11")])
    other.close()


def _rows_of_theirs(people) -> list[list[str]]:
    return [
        [text for text in row["cells"] if text]
        for tab in people.whole()
        for row in tab["rows"]
        if "own" in "".join(row["cells"])
    ]


def test_somebody_elses_rows_between_look_and_write_are_not_doubled(connection, filled, people):
    row = training("gambling/go/a")
    other = ActsInBetween(connection)
    other.meanwhile = lambda: filled.add_rows([row])
    other.add_rows([row])
    other.close()
    assert people.keys("Training").count("gambling/go/a") == 1


def test_passes_among_busy_people_lose_and_double_nothing(sandbox, filled, people):
    chance = random.Random(7)  # noqa: S311 - the same on every run
    desired = {key: training(key) for key in (DECK, QUIZ)}
    notes = dict.fromkeys(desired, "")
    for number in range(25):
        faults = ["reset-after-commit", "reset-before-commit", "late-commit"]
        sandbox.set_faults(
            {"kind": chance.choice(faults), "path": BATCH, "seconds": 0, "after": number % 2}
        )
        new = f"gambling/go/{number}"
        desired[new], notes[new] = training(new), ""
        changed = chance.choice(sorted(desired))
        desired[changed] = training(changed, f"Edition {number}")
        filled.add_rows(list(desired.values()))
        filled.rewrite(list(desired.values()))
        sandbox.set_faults()
        land_late_writes(sandbox)
        noted = chance.choice(sorted(desired))
        notes[noted] = f"note {number}"
        people.write(noted, Notes=notes[noted])
        people.insert_below(chance.choice(sorted(desired)))
        people.sort("Training", chance.choice(["Material", "Notes", "Key"]))
    filled.rewrite(list(desired.values()))
    read = filled.read("gambling")
    assert read.oddities == ()
    assert {key: dict(row.human)["Notes"] for key, row in read.rows.items() if key != ITEM} == notes
    materials = {key: dict(row.machine).get("Material") for key, row in read.rows.items()}
    assert {key: materials[key] for key in desired} == {
        key: dict(row.cells)["Material"] for key, row in desired.items()
    }
