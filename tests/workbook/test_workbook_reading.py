"""What is read from a workbook, and what nobody planned in it."""

from workbook_rows import DECK, ITEM, QUIZ, training

from policy_rollout.desired import Tab
from policy_rollout.work import State

# Reading


def test_a_workbook_without_our_tabs_has_no_rows(workbook):
    assert (workbook.read("gambling").rows, workbook.read("gambling").oddities) == ({}, ())


def test_both_tabs_are_read_by_one_request(sandbox, filled):
    sandbox.clear_requests()
    assert set(filled.read("gambling").rows) == {DECK, QUIZ, ITEM}
    assert [each["path"].rpartition("/")[2] for each in sandbox.requests()] == ["sandbox-workbook"]


def test_a_new_row_has_its_machine_texts_and_is_to_do(filled):
    row = filled.read("gambling").rows[DECK]
    assert (row.tab, row.state, row.completion) == (Tab.TRAINING, State.TODO, None)
    assert dict(row.machine)["Material"] == "Reviewer deck"
    assert dict(row.human) == {"Status": "To do", "Completed %": "", "Notes": ""}


def test_what_people_fill_in_is_read_back(filled, people):
    people.write_cells(DECK, {"Status": "In progress", "Completed %": "50%", "Notes": "half"})
    row = filled.read("gambling").rows[DECK]
    assert (row.state, row.completion) == (State.IN_PROGRESS, 50)
    assert dict(row.human)["Notes"] == "half"


def test_programs_in_one_workbook_do_not_see_each_other(filled):
    filled.add_rows([training("gambling-two/prepare/deck")])
    assert set(filled.read("gambling").rows) == {DECK, QUIZ, ITEM}
    assert set(filled.read("gambling-two").rows) == {"gambling-two/prepare/deck"}


def test_rows_and_columns_may_stand_in_any_order(filled, people):
    people.sort("Training", "Material", descending=True)
    people.move_column("Training", "Key", before="Material")
    people.move_column("Training", "Notes", before="Key")
    people.write(QUIZ, Status="Done", Notes="all passed")
    row = filled.read("gambling").rows[QUIZ]
    assert (row.state, dict(row.human)["Notes"]) == (State.DONE, "all passed")
    assert dict(row.machine)["Material"] == "Reviewer quiz"


def test_columns_that_people_add_are_read_as_theirs(filled, google_batch, google_cells):
    column = {"sheetId": 740_201, "dimension": "COLUMNS", "startIndex": 14, "endIndex": 15}
    google_batch({"insertDimension": {"range": column}})
    google_cells("Training!O1:O2", [["Room"], ["4.12"]])
    assert dict(filled.read("gambling").rows[DECK].human)["Room"] == "4.12"


def test_rows_above_the_header_do_not_hide_it(filled, google_batch):
    google_batch(
        {
            "insertDimension": {
                "range": {"sheetId": 740_201, "dimension": "ROWS", "startIndex": 0, "endIndex": 2}
            }
        }
    )
    assert DECK in filled.read("gambling").rows


def test_a_renamed_tab_is_still_ours(filled, google_batch):
    properties = {"sheetId": 740_201, "title": "Training, Q4"}
    google_batch({"updateSheetProperties": {"properties": properties, "fields": "title"}})
    assert DECK in filled.read("gambling").rows
    filled.add_rows([training("gambling/prepare/late")])
    assert "gambling/prepare/late" in filled.read("gambling").rows


# What nobody planned


def test_a_key_that_stands_twice_is_reported_and_its_state_unknown(filled, people, google_cells):
    people.insert_below(QUIZ)
    google_cells("Training!N4", [[DECK]])
    read = filled.read("gambling")
    assert read.rows[DECK].state is State.UNKNOWN
    assert [str(each) for each in read.oddities] == [
        f"workbook, tab Training, rows 2, 4: key {DECK} stands 2 times; delete all but one"
    ]


def test_an_unknown_status_word_is_reported_and_not_guessed(filled, google_cells):
    google_cells("Training!D2", [["Almost"]])
    read = filled.read("gambling")
    assert read.rows[DECK].state is State.UNKNOWN
    [oddity] = read.oddities
    assert str(oddity) == (
        f"workbook, tab Training, row 2 ({DECK}): Status is 'Almost'; "
        "choose one of: To do, In progress, Blocked, Done, Not applicable"
    )


def test_not_applicable_needs_a_note(filled, people):
    people.write(DECK, Status="Not applicable")
    read = filled.read("gambling")
    assert read.rows[DECK].state is State.UNKNOWN
    assert [each.what for each in read.oddities] == [
        "Status is 'Not applicable' without a note; say why in Notes"
    ]
    people.write(DECK, Notes="no reviewers there")
    assert filled.read("gambling").rows[DECK].state is State.NOT_APPLICABLE


def test_a_completion_that_is_no_percentage_is_reported(filled, people):
    people.write_cells(DECK, {"Status": "Done", "Completed %": "most"})
    read = filled.read("gambling")
    assert (read.rows[DECK].state, read.rows[DECK].completion) == (State.UNKNOWN, None)
    assert [each.what for each in read.oddities] == [
        "Completed % is 'most'; write a percentage from 0% to 100%, such as 50%"
    ]


def test_a_lost_header_is_reported_by_name(filled, google_cells):
    google_cells("Checklist!D1", [["State"]])
    read = filled.read("gambling")
    assert read.rows[ITEM].state is State.UNKNOWN
    assert [str(each) for each in read.oddities] == [
        "workbook, tab Checklist: no column has the header 'Status'; name it so again"
    ]


def test_a_row_of_the_program_without_a_key_is_reported(filled, google_cells):
    google_cells("Training!K4", [["gambling"]])
    [oddity] = filled.read("gambling").oddities
    assert str(oddity) == (
        "workbook, tab Training, row 4: the row names the program but has no key; "
        "it is nobody's work"
    )


def test_a_row_that_people_add_for_themselves_is_left_alone(filled, google_cells):
    google_cells("Training!A4", [["my own reminder"]])
    assert filled.read("gambling").oddities == ()


# All programs at once


def test_all_programs_are_read_by_one_request(sandbox, filled):
    filled.add_rows([training("gambling-two/prepare/deck")])
    sandbox.clear_requests()

    found = filled.read_all()
    of_each = found.of("gambling"), found.of("gambling-two"), found.of("nobody")

    assert [each["path"].rpartition("/")[2] for each in sandbox.requests()] == ["sandbox-workbook"]
    assert of_each == tuple(filled.read(each) for each in ("gambling", "gambling-two", "nobody"))


def test_of_each_program_the_same_oddities_are_found_as_in_a_reading_of_its_own(
    filled, google_cells
):
    filled.add_rows([training("gambling-two/prepare/deck")])
    google_cells("Training!A6:N6", [["Copy", *[""] * 12, DECK]])  # a key twice
    google_cells("Training!K7", [["gambling-two"]])  # the program without a key
    google_cells("Checklist!A1", [["Thing"]])  # a header less

    found = filled.read_all()

    for program in ("gambling", "gambling-two"):
        assert found.of(program) == filled.read(program)
        assert found.of(program).oddities
