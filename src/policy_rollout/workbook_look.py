"""The workbook as it was looked at before a write; that write and what it answers. Pure."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from policy_rollout.desired import DesiredRow, RowsStanding, Tab
from policy_rollout.workbook_edit import Wish
from policy_rollout.workbook_layout import COLUMNS, Grid, parse_grid
from policy_rollout.workbook_requests import (
    SHEET_IDS,
    Request,
    append,
    append_number,
    looks,
    new_tab,
    plain,
)


@dataclass(frozen=True, slots=True)
class Look:
    """The workbook before a write.

    `next_append` was read before the grids: whoever appends after our look takes that number.
    """

    sheet_ids: dict[Tab, int]
    titles: dict[Tab, str]
    grids: dict[Tab, Grid]
    next_append: int


def id_of(sheet: dict[str, Any]) -> int:
    return int(sheet["properties"]["sheetId"])


def tabs_in(structure: dict[str, Any]) -> dict[Tab, tuple[int, str]]:
    """The id and title of each of our tabs: by our id, else by its name."""
    sheets = [each["properties"] for each in structure.get("sheets", [])]
    found: dict[Tab, tuple[int, str]] = {}
    for tab in Tab:
        ours = [each for each in sheets if each["sheetId"] == SHEET_IDS[tab]]
        named = [each for each in sheets if each["title"] == tab.value]
        for each in (ours or named)[:1]:
            found[tab] = (each["sheetId"], each["title"])
    return found


def answered(look: Look, answer: Any) -> Iterator[tuple[Tab, dict[str, Any]]]:
    """Each tab of which something was asked back with a write, as Google's `Sheet`."""
    tabs = {sheet_id: tab for tab, sheet_id in look.sheet_ids.items()}
    for sheet in answer.get("updatedSpreadsheet", {}).get("sheets", []):
        yield tabs[id_of(sheet)], sheet


def note_standing(wish: Wish, look: Look, keys: Collection[str]) -> None:
    """Note of which rows that are being added these keys were seen, and in which tabs."""
    tabs = {row.key: row.tab for row in wish.added if row.key in keys}
    ids = {tab.value: look.sheet_ids.get(tab, SHEET_IDS[tab]) for tab in tabs.values()}
    known = wish.standing
    wish.standing = RowsStanding(known.keys | tabs.keys(), known.tabs | ids)


def dressing(look: Look, keys: Collection[str]) -> Iterator[Request]:
    """Gives rows their looks where they stand now."""
    for tab, grid in look.grids.items():
        for key, lines in grid.by_key().items():
            for line in lines if key in keys else ():
                place = (look.sheet_ids[tab], grid, line.at, line.at + 1)
                yield from plain(*place)
                yield from looks(*place)


def appending(look: Look, rows: Sequence[DesiredRow]) -> Iterator[Request]:
    if not rows:
        return
    yield append_number(look.next_append)
    for tab in Tab:
        if tab not in look.grids:
            yield from new_tab(tab)
        mine = [row for row in rows if row.tab is tab]
        if mine:
            grid = look.grids.get(tab) or parse_grid(tab, [COLUMNS[tab]])
            yield from append(look.sheet_ids.get(tab, SHEET_IDS[tab]), grid, mine)
