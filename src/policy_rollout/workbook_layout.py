"""How the Training and Checklist tabs look, and what their cells mean. Pure.

Columns are found by their headers, in whatever order people moved them; rows by their key.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from policy_rollout.desired import DesiredRow, Tab
from policy_rollout.observed import ObservedRow, Oddity
from policy_rollout.work import State

SERVICE = "Google Sheets"
KEY, STATUS, COMPLETED, NOTES, PROGRAM = "Key", "Status", "Completed %", "Notes", "Program"

COLUMNS: dict[Tab, tuple[str, ...]] = {
    Tab.TRAINING: (
        "Material",
        "Language",
        "Due",
        STATUS,
        COMPLETED,
        NOTES,
        "Assigned to",
        "Team",
        "Kind",
        "Pass mark",
        PROGRAM,
        "Stage",
        "Message",
        KEY,
    ),
    Tab.CHECKLIST: (
        "Item",
        "Market or language",
        "Due",
        STATUS,
        NOTES,
        "Assigned to",
        "Team",
        "List",
        PROGRAM,
        "Stage",
        "Message",
        KEY,
    ),
}
"""The headers of a new tab in the order in which people read them."""

HUMAN: dict[Tab, tuple[str, ...]] = {
    Tab.TRAINING: (STATUS, COMPLETED, NOTES),
    Tab.CHECKLIST: (STATUS, NOTES),
}
MACHINE: dict[Tab, tuple[str, ...]] = {
    tab: tuple(header for header in headers if header not in HUMAN[tab])
    for tab, headers in COLUMNS.items()
}

STATUS_WORDS: dict[str, State] = {
    "To do": State.TODO,
    "In progress": State.IN_PROGRESS,
    "Blocked": State.BLOCKED,
    "Done": State.DONE,
    "Not applicable": State.NOT_APPLICABLE,
}
FIRST_STATUS = "To do"

_WORDS = {word.casefold(): state for word, state in STATUS_WORDS.items()}
_HEADER_DEPTH = 10
"""How many rows people may put above the header before it is no longer found."""


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a tab as texts; `at` counts from 0 in the tab."""

    at: int
    cells: tuple[str, ...]

    def text(self, column: int | None) -> str:
        return self.cells[column] if column is not None and column < len(self.cells) else ""


@dataclass(frozen=True, slots=True)
class Grid:
    """A tab as it was read: `header` is the place of its header row, `columns` where each stands.

    `end` is the place after the last row with data. `covered` are the cells, as row and column,
    that people merged away under another; `entered` is what was typed into each, as Sheets tells
    it, where that was asked for.
    """

    tab: Tab
    header: int
    headers: tuple[str, ...]
    lines: tuple[Line, ...]
    end: int
    covered: frozenset[tuple[int, int]] = frozenset()
    entered: Mapping[tuple[int, int], dict[str, Any]] = field(default_factory=dict)

    @property
    def columns(self) -> dict[str, int]:
        """The first column of each header."""
        return {header: at for at, header in reversed(tuple(enumerate(self.headers))) if header}

    @property
    def machine_columns(self) -> dict[str, int]:
        """Where each machine header stands; one that stands twice may be a person's own column."""
        columns, times = self.columns, Counter(self.headers)
        return {name: columns[name] for name in MACHINE[self.tab] if times[name] == 1}

    @property
    def doubled_headers(self) -> tuple[str, ...]:
        times = Counter(self.headers)
        return tuple(header for header in COLUMNS[self.tab] if times[header] > 1)

    @property
    def missing_headers(self) -> tuple[str, ...]:
        return tuple(header for header in COLUMNS[self.tab] if header not in self.headers)

    @property
    def extra_headers(self) -> tuple[str, ...]:
        """The columns that people added, in the order of the tab."""
        known = COLUMNS[self.tab]
        return tuple(header for header in self.columns if header not in known)

    def by_key(self) -> dict[str, tuple[Line, ...]]:
        """The lines of each key; more than one is an oddity."""
        column = self.columns.get(KEY)
        found: dict[str, tuple[Line, ...]] = {}
        for line in self.lines:
            if key := line.text(column).strip():
                found[key] = (*found.get(key, ()), line)
        return found


def parse_grid(
    tab: Tab,
    values: Sequence[Sequence[str]],
    *,
    covered: frozenset[tuple[int, int]] = frozenset(),
    entered: Mapping[tuple[int, int], dict[str, Any]] = MappingProxyType({}),
) -> Grid:
    """The grid of the texts of a whole tab, row by row from the first.

    Of the first rows the one with most of the tab's headers is the header.
    """
    rows = [tuple(str(cell) for cell in row) for row in values]
    named = [
        len({cell.strip() for cell in row} & set(COLUMNS[tab])) for row in rows[:_HEADER_DEPTH]
    ]
    header = max(range(len(named)), key=named.__getitem__, default=0)
    return Grid(
        tab=tab,
        header=header,
        headers=tuple(cell.strip() for cell in rows[header]) if rows else (),
        lines=tuple(Line(at, row) for at, row in enumerate(rows) if at > header and any(row)),
        end=len(rows),
        covered=covered,
        entered=entered,
    )


def parse_sheet(tab: Tab, sheet: Mapping[str, Any]) -> Grid:
    """The grid of a tab from a `Sheet` with its grid data and merges.

    https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/sheets#Sheet
    """
    rows = [
        row.get("values", []) for data in sheet.get("data", []) for row in data.get("rowData", [])
    ]
    texts = [[str(cell.get("formattedValue", "")) for cell in row] for row in rows]
    while texts and not any(texts[-1]):
        texts.pop()
    return parse_grid(
        tab,
        texts,
        covered=frozenset(
            place for area in sheet.get("merges", []) for place in _merged_away(area)
        ),
        entered={
            (down, right): cell["userEnteredValue"]
            for down, row in enumerate(rows)
            for right, cell in enumerate(row)
            if "userEnteredValue" in cell
        },
    )


def _merged_away(area: Mapping[str, int]) -> Iterator[tuple[int, int]]:
    """The cells of a merge but its first, which is the only one that holds anything."""
    top, left = area.get("startRowIndex", 0), area.get("startColumnIndex", 0)
    for down in range(top, area["endRowIndex"]):
        for right in range(left, area["endColumnIndex"]):
            if (down, right) != (top, left):
                yield down, right


def observe(grid: Grid, program: str) -> tuple[dict[str, ObservedRow], tuple[Oddity, ...]]:
    """The rows of a program by key, and what nobody planned."""
    prefix = f"{program}/"
    mine = {key: lines for key, lines in grid.by_key().items() if key.startswith(prefix)}
    rows = {
        key: _observed(grid, key, lines[0], is_single=len(lines) == 1)
        for key, lines in mine.items()
    }
    return rows, (*_header_oddities(grid), *_row_oddities(grid, mine), *_keyless(grid, program))


def by_program(grid: Grid) -> dict[str, Grid]:
    """The tab once for each program that a key or the Program column names, with its lines alone.

    `observe` finds in a part what it finds in the whole tab, without reading the lines of others.
    """
    key, program = grid.columns.get(KEY), grid.columns.get(PROGRAM)
    lines: dict[str, list[Line]] = {}
    for line in grid.lines:
        stable_key = line.text(key).strip()
        name = stable_key.split("/", 1)[0] if stable_key else line.text(program).strip()
        lines.setdefault(name, []).append(line)
    return {name: replace(grid, lines=tuple(mine)) for name, mine in lines.items()}


def _observed(grid: Grid, key: str, line: Line, *, is_single: bool) -> ObservedRow:
    columns = grid.columns
    human = {name: line.text(columns[name]) for name in HUMAN[grid.tab] if name in columns}
    extra = {name: line.text(columns[name]) for name in grid.extra_headers}
    completed = human.get(COMPLETED, "")
    is_understood = is_single and (not completed.strip() or completion(completed) is not None)
    state = state_of(human.get(STATUS, ""), human.get(NOTES, ""))
    return ObservedRow(
        key=key,
        tab=grid.tab,
        state=state if is_understood else State.UNKNOWN,
        completion=completion(completed),
        machine=tuple(
            (name, line.text(column))
            for name, column in grid.machine_columns.items()
            if (line.at, column) not in grid.covered
        ),
        human=(*human.items(), *extra.items()),
    )


def state_of(status: str, notes: str) -> State:
    """What a Status cell says; "Not applicable" counts only with a note that says why."""
    state = _WORDS.get(status.strip().casefold(), State.UNKNOWN)
    if state is State.NOT_APPLICABLE and not notes.strip():
        return State.UNKNOWN
    return state


def completion(text: str) -> int | None:
    """Whole percents, rounded down; None for whatever is no percentage from 0 to 100.

    A bare fraction such as `0.5` may mean half or half a percent: it is not guessed.
    """
    found = re.fullmatch(r"(\d{1,3})(?:[.,](\d+))?\s*(%?)", text.strip())
    if found is None or (found[2] and not found[3] and int(found[1]) <= 1):
        return None
    whole = int(found[1])
    is_over = whole > 100 or (whole == 100 and bool((found[2] or "").strip("0")))  # noqa: PLR2004 - percent
    return None if is_over else whole


def _header_oddities(grid: Grid) -> Iterator[Oddity]:
    where = f"workbook, tab {grid.tab}"
    if missing := grid.missing_headers:
        yield Oddity(where, f"no column has the header {_listed(missing)}; name it so again")
    for header in grid.doubled_headers:
        count = grid.headers.count(header)
        counts = "the first counts" if header in HUMAN[grid.tab] else "none is kept up to date"
        yield Oddity(
            where, f"{count} columns have the header {header!r}; {counts}, rename the other"
        )


def _row_oddities(grid: Grid, mine: dict[str, tuple[Line, ...]]) -> Iterator[Oddity]:
    for key, lines in mine.items():
        if len(lines) > 1:
            places = ", ".join(str(line.at + 1) for line in lines)
            yield Oddity(
                f"workbook, tab {grid.tab}, rows {places}",
                f"key {key} stands {len(lines)} times; delete all but one",
            )
            continue
        where = f"workbook, tab {grid.tab}, row {lines[0].at + 1} ({key})"
        yield from (Oddity(where, what) for what in _cell_oddities(grid, lines[0]))


def _cell_oddities(grid: Grid, line: Line) -> Iterator[str]:
    columns = grid.columns
    status, notes = line.text(columns.get(STATUS)).strip(), line.text(columns.get(NOTES)).strip()
    if STATUS in columns and status.casefold() not in _WORDS:
        found = repr(status) if status else "empty"
        yield f"Status is {found}; choose one of: {', '.join(STATUS_WORDS)}"
    elif _WORDS.get(status.casefold()) is State.NOT_APPLICABLE and not notes:
        yield "Status is 'Not applicable' without a note; say why in Notes"
    merged = [name for name in COLUMNS[grid.tab] if (line.at, columns.get(name)) in grid.covered]
    if merged:
        yield f"{_listed(merged)} is merged into another cell; unmerge it"
    completed = line.text(columns.get(COMPLETED)).strip()
    if completed and completion(completed) is None:
        yield f"Completed % is {completed!r}; write a percentage from 0% to 100%, such as 50%"


def _keyless(grid: Grid, program: str) -> Iterator[Oddity]:
    columns = grid.columns
    if KEY not in columns or PROGRAM not in columns:
        return
    for line in grid.lines:
        if line.text(columns[PROGRAM]).strip() == program and not line.text(columns[KEY]).strip():
            yield Oddity(
                f"workbook, tab {grid.tab}, row {line.at + 1}",
                "the row names the program but has no key; it is nobody's work",
            )


def machine_texts(row: DesiredRow) -> dict[str, str]:
    """The machine columns of a row by header, its key among them.

    Raises:
        ValueError: a header is not one of the tab's machine columns.
    """
    texts = {**dict(row.cells), KEY: row.key}
    if unknown := sorted(texts.keys() - set(MACHINE[row.tab])):
        raise ValueError(
            f"row {row.key}: {_listed(unknown)} is no machine column of tab {row.tab}; "
            f"these are: {', '.join(MACHINE[row.tab])}"
        )
    return texts


def first_texts(row: DesiredRow) -> dict[str, str]:
    """What a new row reads by header: its machine columns, and the first word of its status.

    Raises:
        ValueError: as `machine_texts`.
    """
    return {**machine_texts(row), STATUS: FIRST_STATUS}


def _listed(headers: Sequence[str]) -> str:
    return ", ".join(repr(header) for header in headers)
