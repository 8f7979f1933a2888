"""Cells that a rewrite hit by mistake get back what stood in them, and no others are touched."""

from policy_rollout.desired import DesiredRow, Tab
from policy_rollout.workbook_astray import astray
from policy_rollout.workbook_hits import Hit, undoing
from policy_rollout.workbook_layout import COLUMNS, Grid, first_texts, parse_grid

HEADERS = list(COLUMNS[Tab.CHECKLIST])
OURS = "2030-02-28"


def grid(*rows: dict[str, str], headers: list[str] = HEADERS) -> Grid:
    """A tab with these rows by header, each typed in as a text."""
    values = [headers, *([row.get(header, "") for header in headers] for row in rows)]
    entered = {
        (at, column): {"stringValue": text}
        for at, row in enumerate(values)
        for column, text in enumerate(row)
        if text
    }
    return parse_grid(Tab.CHECKLIST, values, entered=entered)


def undone(
    before: Grid, now: Grid, *hits: tuple[str, str], wanted=()
) -> list[tuple[int, str, str]]:
    """Row from 1, header and text of each cell that is given back; hits are of key and header."""
    found = [Hit(before, key, name, OURS) for key, name in hits]
    texts = {key: {"Due": "", "Team": ""} for key in wanted}
    return sorted(
        (each.row, now.headers[each.column], (each.entered or {}).get("stringValue", ""))
        for each in undoing(now, found, texts)
    )


def test_a_row_is_known_again_by_its_key_wherever_it_stands():
    before = grid({"Key": "a", "Due": "soon"}, {"Key": "b"})
    now = grid({"Key": "b"}, {"Key": "a", "Due": OURS})
    assert undone(before, now, ("a", "Due")) == [(2, "Due", "soon")]


def test_what_people_have_written_over_since_is_theirs():
    before, now = grid({"Key": "a", "Due": "soon"}), grid({"Key": "a", "Due": "later"})
    assert undone(before, now, ("a", "Due")) == []


def test_a_machine_cell_that_is_rewritten_anyway_is_left_to_that():
    before, now = grid({"Key": "a", "Due": "x"}), grid({"Key": "a", "Due": OURS})
    assert undone(before, now, ("a", "Due"), wanted=["a"]) == []
    assert undone(before, now, ("a", "Due"), wanted=["b"]) == [(1, "Due", "x")]


def test_a_row_without_a_key_is_known_by_most_of_its_texts():
    before = grid({"Item": "mine", "Notes": "n"}, {"Item": "other", "Due": "x"}, {"Key": "a"})
    now = grid({"Key": "a"}, {"Item": "other", "Due": OURS}, {"Item": "mine", "Notes": "n"})
    assert undone(before, now, ("", "Due")) == [(2, "Due", "x")]


def test_of_two_rows_with_one_key_each_keeps_its_own():
    before = grid({"Key": "k", "Item": "1", "Due": "x"}, {"Key": "k", "Item": "2", "Due": "y"})
    now = grid({"Key": "k", "Item": "2", "Due": OURS}, {"Key": "k", "Item": "1", "Due": "x"})
    assert undone(before, now, ("k", "Due")) == [(1, "Due", "y")]


def test_a_row_that_was_empty_before_is_cleared_of_our_text():
    before = grid({"Key": "a"})
    now = grid({"Key": "a"}, {"Notes": "typed meanwhile", "Due": OURS})
    assert undone(before, now, ("", "Due")) == [(2, "Due", "")]


def test_an_empty_row_gets_nothing_of_a_row_that_was_deleted_meanwhile():
    before, now = grid({"Key": "a", "Item": "1", "Due": "x"}), grid({"Due": OURS})
    assert undone(before, now, ("", "Due")) == [(1, "Due", "")]


def test_a_row_of_nothing_but_the_cell_that_was_hit_gets_it_back():
    before, now = grid({"Key": "a"}, {"Due": "x"}), grid({"Due": OURS}, {"Key": "a"})
    assert undone(before, now, ("", "Due")) == [(1, "Due", "x")]


def test_rows_that_stand_as_they_did_are_left_alone_though_they_read_like_ours():
    before = grid({"Item": "copied", "Due": OURS}, {"Key": "a"})
    assert undone(before, before, ("", "Due")) == []


def test_a_hit_in_another_tab_is_nothing_here():
    other = parse_grid(Tab.TRAINING, [list(COLUMNS[Tab.TRAINING])])
    now = grid({"Key": "a", "Due": OURS})
    assert list(undoing(now, [Hit(other, "a", "Due", OURS)], {})) == []


# Rows that went astray

ROW = DesiredRow("p/s/l/i", Tab.CHECKLIST, (("Item", "Load it"), ("Team", "ops"), ("Program", "p")))


def brought_home(now: Grid) -> dict[tuple[int, str], str]:
    return {(each.row, now.headers[each.column]): each.text for each in astray(now, [ROW])}


def test_a_row_where_it_belongs_is_left_alone():
    assert brought_home(grid(first_texts(ROW))) == {}


def test_a_row_in_the_columns_of_before_is_brought_home():
    moved = ["Notes", *(each for each in HEADERS if each != "Notes")]
    cells = [first_texts(ROW).get(header, "") for header in HEADERS]
    now = parse_grid(Tab.CHECKLIST, [moved, cells])
    changes = brought_home(now)
    after = dict(zip(moved, cells, strict=True)) | {
        name: text for (_, name), text in changes.items()
    }
    assert {name: text for name, text in after.items() if text} == first_texts(ROW)


def test_a_row_that_people_wrote_in_since_is_left_to_them():
    moved = ["Notes", *(each for each in HEADERS if each != "Notes")]
    cells = [first_texts(ROW).get(header, "") for header in HEADERS]
    cells[cells.index("ops")] = "somebody else"
    assert brought_home(parse_grid(Tab.CHECKLIST, [moved, cells])) == {}


def test_nothing_is_brought_home_in_a_tab_that_lacks_a_column():
    now = grid(first_texts(ROW), headers=[*HEADERS[1:], "Renamed"])
    assert brought_home(now) == {}
