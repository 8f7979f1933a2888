"""People move columns and rows, and rename tabs, between our look and the rows that we add."""

import pytest
from workbook_rows import BATCH, DECK, LATE, LATER, QUIZ, item, training

from policy_rollout.desired import RowsStanding
from policy_rollout.errors import RowsHalfAdded, WriteInDoubt
from policy_rollout.workbook_edit import column_name
from policy_rollout.workbook_layout import COLUMNS, HUMAN, KEY, Tab

TABS_LOOKS = (
    "sheets(properties,data.rowData.values(userEnteredValue,dataValidation,userEnteredFormat))"
)


@pytest.fixture
def looks(google_send):
    """Each Training row by its key: the headers of its grey cells, of its lists, of percentages."""

    def looked() -> dict[str, dict[str, set[str]]]:
        answer = google_send("get", "", None, fields=TABS_LOOKS, ranges="Training").json()
        rows = [row.get("values", []) for row in answer["sheets"][0]["data"][0]["rowData"]]
        headers = [_text(cell) for cell in rows[0]]
        return {
            _text(row[headers.index("Key")]): {
                "grey": _having(headers, row, lambda cell: "backgroundColorStyle" in _format(cell)),
                "list": _having(headers, row, lambda cell: "dataValidation" in cell),
                "percent": _having(headers, row, lambda cell: "numberFormat" in _format(cell)),
            }
            for row in rows[1:]
            if len(row) > headers.index("Key")
        }

    return looked


def _text(cell) -> str:
    return cell.get("userEnteredValue", {}).get("stringValue", "")


def _format(cell) -> dict[str, object]:
    return cell.get("userEnteredFormat", {})


def _having(headers, row, has) -> set[str]:
    return {header for header, cell in zip(headers, row, strict=False) if has(cell)}


@pytest.mark.parametrize(
    "move",
    [("Notes", "Due"), ("Key", "Material"), ("Status", "Key"), ("Material", "Kind")],
)
def test_a_column_moved_meanwhile_ends_with_each_text_under_its_header(other, people, looks, move):
    people.write_cells(DECK, {"Notes": "mine", "Completed %": "50%", "Status": "Blocked"})
    header, before = move
    other.meanwhile = lambda: people.move_column("Training", header, before=before)
    other.add_rows([training(LATE, Kind="deck"), training(LATER)])
    cells = people.cells(LATE)
    assert {name: text for name, text in cells.items() if text} == {
        **{name: text for name, text in training(LATE, Kind="deck").cells if text},
        "Key": LATE,
        "Status": "To do",
    }
    assert people.keys("Training") == [DECK, QUIZ, LATE, LATER]
    assert people.cells(DECK)["Notes"] == "mine"
    for look in ("grey", "list"):  # a percentage that is astray stays: moved, it could hit a number
        assert looks()[LATE][look] == looks()[DECK][look]


def test_a_column_of_theirs_put_in_meanwhile_holds_nothing_of_ours(other, people, google_cells):
    area = {"sheetId": 740_201, "dimension": "COLUMNS", "startIndex": 1, "endIndex": 2}

    def put_in() -> None:
        people.change({"insertDimension": {"range": area, "inheritFromBefore": True}})
        google_cells("Training!B1:B2", [["Reviewer"], ["Sam"]])

    other.meanwhile = put_in
    other.add_rows([training(LATE)])
    assert people.cells(LATE)["Reviewer"] == ""
    assert people.cells(LATE)["Status"] == "To do"
    assert people.cells(DECK)["Reviewer"] == "Sam"


def test_rows_that_went_astray_before_a_crash_are_brought_home_and_not_doubled(
    sandbox, filled, other, people
):
    def move_and_lose_the_answer() -> None:
        people.move_column("Training", "Key", before="Material")
        sandbox.set_faults(
            {"kind": "reset-after-commit", "path": BATCH},
            {"kind": "reset-before-commit", "path": BATCH, "times": None},
        )

    other.meanwhile = move_and_lose_the_answer
    with pytest.raises(WriteInDoubt):
        other.add_rows([training(LATE)])
    assert people.keys("Training") == [DECK, QUIZ, "Reviewer deck"]  # nobody has mended it yet
    sandbox.set_faults()
    filled.add_rows([training(LATE)])
    assert people.keys("Training") == [DECK, QUIZ, LATE]


def test_a_header_renamed_meanwhile_is_told_and_mended_when_it_is_back(other, people, google_cells):
    other.meanwhile = lambda: (
        people.move_column("Training", "Status", before="Material"),
        google_cells("Training!A1", [["State"]]),
    )
    with pytest.raises(RowsHalfAdded, match="Status"):
        other.add_rows([training(LATE)])
    google_cells("Training!A1", [["Status"]])
    other.add_rows([training(LATE)])
    assert people.keys("Training") == [DECK, QUIZ, LATE]
    assert people.cells(LATE)["Status"] == "To do"


def test_a_tab_renamed_meanwhile_is_written_to_all_the_same(other, people, google_batch):
    renamed = {"properties": {"sheetId": 740_201, "title": "Materials"}, "fields": "title"}
    other.meanwhile = lambda: google_batch({"updateSheetProperties": renamed})
    other.add_rows([training(LATE)])
    assert people.keys("Materials") == [DECK, QUIZ, LATE]


def test_a_row_put_in_meanwhile_leaves_new_rows_their_drop_down(other, people, looks):
    other.meanwhile = lambda: people.insert_below(DECK)
    other.add_rows([training(LATE), training(LATER)])
    assert looks()[LATER] == looks()[DECK]
    assert looks()[LATER]["list"] == {"Status"}
    assert looks()[LATER]["percent"] == {"Completed %"}
    assert not looks()[LATER]["grey"] & set(HUMAN[Tab.TRAINING])


def test_new_rows_change_nothing_in_how_people_have_formatted_theirs(filled, google_batch):
    """A number that is no percentage stays one that has to be asked about."""
    place = {"sheetId": 740_201, "rowIndex": 1, "columnIndex": 4}
    typed = {"userEnteredValue": {"numberValue": 0.95}, "userEnteredFormat": {}}
    google_batch(
        {
            "updateCells": {
                "start": place,
                "rows": [{"values": [typed]}],
                "fields": "userEnteredValue,userEnteredFormat",
            }
        }
    )
    filled.add_rows([training(LATE)])
    assert filled.read("gambling").rows[DECK].completion is None
    assert dict(filled.read("gambling").rows[DECK].human)["Completed %"] == "0.95"


CHECKLIST_KEY = f"Checklist!{column_name(COLUMNS[Tab.CHECKLIST].index(KEY))}1"
LATE_ITEM = "gambling/go/l/late"


def test_rows_that_stand_are_known_where_the_other_tab_lost_its_key_column_meanwhile(
    other, google_cells
):
    other.meanwhile = lambda: google_cells(CHECKLIST_KEY, [["Code"]])
    with pytest.raises(RowsHalfAdded) as caught:
        other.add_rows([training(LATE), item(LATE_ITEM)])
    assert caught.value.standing == RowsStanding(frozenset({LATE}), {"Training": 740_201})
    assert str(caught.value.failure).startswith("Preflight: 1 missing, nothing more was written:")


@pytest.mark.parametrize("is_merged", [False, True])
def test_a_row_that_stood_and_lost_its_key_to_people_is_theirs(
    other, people, google_cells, google_batch, is_merged
):
    """Its key is gone before the columns of the other tab, moved meanwhile, are looked at again."""
    column = COLUMNS[Tab.TRAINING].index(KEY)
    cell = {"sheetId": 740_201, "startColumnIndex": column, "endColumnIndex": column + 1}

    def take_the_key() -> None:
        at = people.keys("Training").index(LATE) + 1
        google_cells(f"Training!{column_name(column)}{at + 1}", [[""]])
        if is_merged:
            area = cell | {"startRowIndex": at, "endRowIndex": at + 2}
            google_batch({"mergeCells": {"range": area, "mergeType": "MERGE_ALL"}})

    def move_a_column() -> None:
        people.move_column("Checklist", "Notes", before="Item")
        other.meanwhile = take_the_key

    other.meanwhile = move_a_column
    added = other.add_rows([training(LATE, Kind="deck"), item(LATE_ITEM)])
    assert added.keys == {LATE, LATE_ITEM}
    assert people.keys("Training")[:3] == [DECK, QUIZ, ""]
    assert LATE not in people.keys("Training")
    rows = next(tab["rows"] for tab in people.whole() if tab["title"] == "Training")
    assert rows[3]["cells"][rows[0]["cells"].index("Kind")] == "deck"
