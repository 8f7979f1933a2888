"""People merge cells below the last row, where the rows that we add would lose a text."""

import pytest
from workbook_rows import BATCH, DECK, LATE, LATER, QUIZ, training

from policy_rollout.errors import WriteInDoubt

GID = 740_201


@pytest.fixture
def rows(people):
    """What stands in the rows of the Training tab that are not empty, its header first."""

    def read() -> list[list[str]]:
        training_tab = next(tab for tab in people.whole() if tab["gid"] == GID)
        return [row["cells"] for row in training_tab["rows"] if any(row["cells"])]

    return read


@pytest.fixture
def merge(people, rows):
    """Merges from the last of the two rows downwards, or the row below it to the right."""

    def merged(header: str, *, down: int = 2, right: int = 1, row: int = 2) -> None:
        column = rows()[0].index(header)
        area = {
            "sheetId": GID,
            "startRowIndex": row,
            "endRowIndex": row + down,
            "startColumnIndex": column,
            "endColumnIndex": column + right,
        }
        people.change({"mergeCells": {"range": area, "mergeType": "MERGE_ALL"}})

    return merged


def _is_whole(people, key: str) -> bool:
    texts = {name: text for name, text in people.cells(key).items() if text}
    return texts == {**dict(training(key).cells), "Key": key, "Status": "To do"}


@pytest.mark.parametrize("header", ["Key", "Status", "Material"])
@pytest.mark.parametrize("down", [2, 3])
def test_rows_are_added_below_what_people_have_merged(other, people, merge, header, down):
    merge(header, down=down)
    other.add_rows([training(LATE), training(LATER)])
    other.add_rows([training(LATE), training(LATER)])
    assert [key for key in people.keys("Training") if key] == [DECK, QUIZ, LATE, LATER]
    assert _is_whole(people, LATE)
    assert _is_whole(people, LATER)


def test_rows_are_added_around_a_row_that_people_have_merged_to_the_right(other, people, merge):
    merge("Program", row=4, down=1, right=4)
    other.add_rows([training(LATE), training(LATER), training(f"{LATER}2")])
    assert [key for key in people.keys("Training") if key] == [DECK, QUIZ, LATE, LATER, f"{LATER}2"]
    assert all(_is_whole(people, key) for key in (LATE, LATER, f"{LATER}2"))


def test_a_row_whose_key_a_merge_takes_meanwhile_is_cleared_and_added_below(
    other, people, merge, rows
):
    people.write_cells(QUIZ, {"Notes": "mine"})
    other.meanwhile = lambda: merge("Key")
    other.add_rows([training(LATE, Kind="deck"), training(LATER)])
    assert [key for key in people.keys("Training") if key] == [DECK, QUIZ, LATER, LATE]
    assert len(rows()) == 5  # with the header
    assert people.cells(LATE)["Kind"] == "deck"
    assert _is_whole(people, LATER)
    assert people.cells(QUIZ)["Notes"] == "mine"


def test_a_row_whose_status_a_merge_takes_meanwhile_stands_and_is_told(other, people, merge):
    """As if the merge had come a moment later: it is for people to take it apart."""
    other.meanwhile = lambda: merge("Status")
    other.add_rows([training(LATE), training(LATER)])
    other.add_rows([training(LATE), training(LATER)])
    assert [key for key in people.keys("Training") if key] == [DECK, QUIZ, LATE, LATER]
    assert people.cells(LATE) | {"Status": "To do"} == people.cells(LATER) | {"Key": LATE}
    assert people.cells(LATE)["Status"] == ""
    told = [each for each in other.read("gambling").oddities if LATE in str(each.where)]
    assert "merged into another cell" in str(told)


@pytest.fixture
def lose_a_key(sandbox, other, merge):
    """Adds a row whose key cell is merged away meanwhile, by a process that hears no answer."""

    def added() -> None:
        def merge_and_lose_the_answer() -> None:
            merge("Key")
            sandbox.set_faults(
                {"kind": "reset-after-commit", "path": BATCH},
                {"kind": "reset-before-commit", "path": BATCH, "times": None},
            )

        other.meanwhile = merge_and_lose_the_answer
        with pytest.raises(WriteInDoubt):
            other.add_rows([training(LATE)])
        sandbox.set_faults()

    return added


def test_a_row_whose_key_cell_is_there_again_gets_no_key_that_people_may_have_taken(
    filled, people, lose_a_key, google_batch
):
    """It may as well be somebody's copy: the board tells that it has no key."""
    lose_a_key()
    google_batch(
        {"unmergeCells": {"range": {"sheetId": GID, "startRowIndex": 0, "endRowIndex": 9}}}
    )
    filled.add_rows([training(LATE)])
    assert people.keys("Training") == [DECK, QUIZ, "", LATE]
    assert _is_whole(people, LATE)
    told = [str(each.what) for each in filled.read("gambling").oddities]
    assert any("has no key" in each for each in told)


def test_a_row_without_its_key_is_cleared_by_a_later_process_too(filled, people, lose_a_key, rows):
    lose_a_key()
    assert len(rows()) == 4
    filled.add_rows([training(LATE)])
    assert [key for key in people.keys("Training") if key] == [DECK, QUIZ, LATE]
    assert _is_whole(people, LATE)
    assert len(rows()) == 4


def test_a_row_without_its_key_that_people_have_written_in_is_theirs(
    filled, people, lose_a_key, rows, google_cells
):
    lose_a_key()
    notes = rows()[0].index("Notes")
    google_cells(f"Training!{chr(ord('A') + notes)}4", [["seen"]])
    filled.add_rows([training(LATE)])
    assert [key for key in people.keys("Training") if key] == [DECK, QUIZ, LATE]
    assert rows()[3][notes] == "seen"
    assert rows()[3][rows()[0].index("Material")] == "Reviewer deck"
