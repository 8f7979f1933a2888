"""What cells mean, without any workbook."""

import pytest

from policy_rollout.desired import Tab
from policy_rollout.work import State
from policy_rollout.workbook_edit import column_name
from policy_rollout.workbook_layout import COLUMNS, HUMAN, MACHINE, completion, parse_grid, state_of


@pytest.mark.parametrize(
    ("text", "percent"),
    [
        ("0%", 0),
        ("100%", 100),
        ("95", 95),
        ("1", 1),
        ("95 %", 95),
        ("95,0", 95),
        ("33.9%", 33),
        ("33,9 %", 33),
        (" 7 % ", 7),
        ("100.0%", 100),
        ("0.5%", 0),
    ],
)
def test_percentages_are_whole_and_rounded_down(text, percent):
    assert completion(text) == percent


@pytest.mark.parametrize(
    "text", ["", "101%", "100.1%", "-5%", "most", "0.5", "0.95", "1.0", "5 of 9", "1e2"]
)
def test_what_may_mean_two_things_is_no_percentage(text):
    assert completion(text) is None


@pytest.mark.parametrize(
    ("status", "notes", "state"),
    [
        ("To do", "", State.TODO),
        (" done ", "", State.DONE),
        ("IN PROGRESS", "", State.IN_PROGRESS),
        ("Blocked", "", State.BLOCKED),
        ("Not applicable", "no such market", State.NOT_APPLICABLE),
        ("Not applicable", " ", State.UNKNOWN),
        ("", "", State.UNKNOWN),
        ("Finished", "", State.UNKNOWN),
    ],
)
def test_status_words_mean_states(status, notes, state):
    assert state_of(status, notes) is state


@pytest.mark.parametrize("tab", COLUMNS)
def test_each_column_is_either_ours_or_peoples(tab):
    assert sorted(MACHINE[tab] + HUMAN[tab]) == sorted(COLUMNS[tab])


@pytest.mark.parametrize("renamed", ["Key", "Due", "Material"])
def test_the_header_is_found_below_rows_of_people_whichever_column_they_renamed(renamed):
    headers = [header for header in COLUMNS[Tab.TRAINING] if header != renamed]
    notice = ["Due dates are in", "Key", ""]
    grid = parse_grid(Tab.TRAINING, [[], notice, headers, ["a", "b", "Key"]])
    assert (grid.header, grid.missing_headers) == (2, (renamed,))


@pytest.mark.parametrize(("column", "name"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ")])
def test_columns_have_letters(column, name):
    assert column_name(column) == name
