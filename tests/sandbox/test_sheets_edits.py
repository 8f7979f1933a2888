"""What people do with a workbook's menus, as requests that Google's document has."""

from datetime import UTC, datetime

import pytest
from test_sheets_contract import SHEETS, check

from policy_rollout.sandbox.sheets_batch import apply
from policy_rollout.sandbox.sheets_grid import Book, Rejected, shown

ADD = {"addSheet": {"properties": {"sheetId": 7, "title": "Plan"}}}
ROWS = (("Item", "Who"), ("c", "x"), ("A", "y"), ("b", "z"))


def area(top, bottom, left, right):
    rows = {"startRowIndex": top, "endRowIndex": bottom}
    return {"sheetId": 7, **rows, "startColumnIndex": left, "endColumnIndex": right}


def pasted(text, row=0, column=0):
    where = {"sheetId": 7, "rowIndex": row, "columnIndex": column}
    return {"pasteData": {"coordinate": where, "data": text, "delimiter": "\t"}}


def changed(book, *wanted):
    for each in wanted:
        check({"requests": [each]}, {"$ref": "BatchUpdateSpreadsheetRequest"}, SHEETS)
    return apply(book, wanted)[0]


def texts(book, sheet_id=7):
    return [[shown(cell) for cell in row.cells] for row in book.sheet(sheet_id).rows]


@pytest.fixture
def book():
    empty = Book("b", "B", modified_at=datetime(2026, 1, 1, tzinfo=UTC))
    return changed(empty, ADD, pasted("\n".join("\t".join(row) for row in ROWS)))


def test_a_merge_keeps_the_first_value_and_takes_no_other(book):
    merged = changed(book, {"mergeCells": {"range": area(1, 3, 1, 2), "mergeType": "MERGE_ALL"}})
    again = changed(merged, pasted("new", 2, 1))
    assert [row[1] for row in texts(again)] == ["Who", "x", "", "z"]
    free = changed(again, {"unmergeCells": {"range": area(0, 4, 0, 2)}}, pasted("new", 2, 1))
    assert [row[1] for row in texts(free)] == ["Who", "x", "new", "z"]


def test_rows_that_are_merged_cannot_be_sorted(book):
    merged = changed(book, {"mergeCells": {"range": area(1, 3, 1, 2), "mergeType": "MERGE_ALL"}})
    sort = {"range": area(1, 4, 0, 2), "sortSpecs": [{"dimensionIndex": 0}]}
    with pytest.raises(Rejected, match="vertical merges"):
        changed(merged, {"sortRange": sort})


def test_a_copied_row_has_the_same_texts_and_a_cut_one_leaves_nothing(book):
    copied = {"source": area(1, 2, 0, 2), "destination": area(4, 5, 0, 2)}
    cut = {"source": area(2, 3, 0, 2), "destination": {"sheetId": 7, "rowIndex": 5}}
    edited = changed(book, {"copyPaste": copied}, {"cutPaste": cut})
    assert texts(edited)[1:] == [["c", "x"], ["", ""], ["b", "z"], ["c", "x"], ["A", "y"]]


def test_a_dragged_row_keeps_its_id(book):
    before = [row.id for row in book.sheet(7).rows]
    source = {"sheetId": 7, "dimension": "ROWS", "startIndex": 1, "endIndex": 2}
    moved = changed(book, {"moveDimension": {"source": source, "destinationIndex": 4}})
    after = [row.id for row in moved.sheet(7).rows]
    assert after == [before[0], before[2], before[3], before[1]]


def test_a_duplicated_tab_is_another_one_and_a_deleted_one_is_gone(book):
    copy = {"sourceSheetId": 7, "newSheetId": 8, "newSheetName": "Plan (2)"}
    two = changed(book, {"duplicateSheet": copy})
    assert texts(two, 8) == texts(two, 7)
    assert [each.id for each in changed(two, {"deleteSheet": {"sheetId": 7}}).sheets] == [8]


def test_the_last_tab_stays(book):
    with pytest.raises(Rejected, match="all the sheets"):
        changed(book, {"deleteSheet": {"sheetId": 7}})


def test_two_tabs_cannot_have_one_name(book):
    two = changed(book, {"addSheet": {"properties": {"sheetId": 8, "title": "Other"}}})
    rename = {"properties": {"sheetId": 8, "title": "Plan"}, "fields": "title"}
    with pytest.raises(Rejected, match="already exists"):
        changed(two, {"updateSheetProperties": rename})


def test_what_is_hidden_is_still_told(book):
    hidden = {"sheetId": 7, "dimension": "ROWS", "startIndex": 1, "endIndex": 2}
    wanted = {"range": hidden, "properties": {"hiddenByUser": True}, "fields": "hiddenByUser"}
    assert texts(changed(book, {"updateDimensionProperties": wanted})) == texts(book)
