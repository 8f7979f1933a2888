"""Machine cells that should read otherwise, and what a rewrite hit when people moved rows. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

from policy_rollout.workbook_layout import KEY, MACHINE, Grid, Line
from policy_rollout.workbook_requests import CellChange


def quoted(title: str) -> str:
    """A tab's title as an A1 range of the whole tab."""
    return "'" + title.replace("'", "''") + "'"


def column_name(column: int) -> str:
    """The letters of a column that counts from 0: A, ..., Z, AA."""
    before, letter = divmod(column, 26)
    return (column_name(before - 1) if before else "") + chr(ord("A") + letter)


@dataclass(frozen=True, slots=True)
class Trespass:
    """A cell of another column that our text landed in, because people moved a column.

    `row` and `column` are where it stood then, `key` and `header` what finds it again where
    rows or columns have moved since; `before` is what was typed into it, as Sheets tells it.
    """

    row: int
    column: int
    key: str
    header: str
    ours: str
    before: dict[str, Any]


@dataclass(slots=True)
class Wish:
    """What rows should read, and what is to be undone; grows when people move things meanwhile."""

    texts: dict[str, dict[str, str]]
    undo: tuple[Trespass, ...] = ()


@dataclass(frozen=True, slots=True)
class Edit:
    """The changes to one tab, as it was looked at."""

    grid: Grid
    changes: tuple[CellChange, ...]

    @classmethod
    def of(cls, grid: Grid, wish: Wish) -> Self | None:
        """What must change so that the rows read as wanted; None where nothing must.

        Where a key stands twice both rows are written, and people say which one may go.
        """
        undone = _undone(grid, wish.undo)
        wanted = tuple(
            change
            for key, lines in grid.by_key().items()
            if key in wish.texts
            for line in lines
            for change in _changes(grid, line, wish.texts[key])
        )
        changes = tuple({(each.row, each.column): each for each in (*wanted, *undone)}.values())
        return cls(grid, changes) if changes else None

    def ranges(self, title: str) -> tuple[str, str]:
        """The key column and the header row, to be asked back with the answer."""
        key, header = column_name(self.grid.columns[KEY]), self.grid.header + 1
        return f"{quoted(title)}!{key}1:{key}", f"{quoted(title)}!{header}:{header}"

    def trespasses(self, data: Sequence[dict[str, Any]]) -> tuple[Trespass, ...]:
        """Where our texts landed in other columns than meant; `data` as for `moved`."""
        keys = [row[0] if row else "" for row in _texts(data[0])]
        now = next(iter(_texts(data[1])), ())
        return tuple(
            self._trespass(each, keys[each.row] if each.row < len(keys) else "", header)
            for each in self.changes
            if (header := now[each.column] if each.column < len(now) else "")
            != self.grid.headers[each.column]
        )

    def _trespass(self, change: CellChange, key: str, header: str) -> Trespass:
        """What stood in a cell before is known by the key of its row and the header over it."""
        lines = self.grid.by_key().get(key, ())
        row = lines[0].at if len(lines) == 1 else change.row
        column = self.grid.columns.get(header)
        before = self.grid.entered.get((row, column), {}) if column is not None else {}
        return Trespass(change.row, change.column, key, header, change.text, before)

    def moved(self, data: Sequence[dict[str, Any]]) -> dict[str, dict[str, str]]:
        """The machine texts from before of all rows that were touched, if any of them had moved.

        Args:
            data: the GridData of `ranges`, read in the same batch after the changes.
        """
        keys = [row[0] if row else "" for row in _texts(data[0])]
        headers = next(iter(_texts(data[1])), ())
        before = {line.at: key for key, lines in self.grid.by_key().items() for line in lines}
        places = sorted({change.row for change in self.changes})
        after = {at: keys[at] if at < len(keys) else "" for at in places}
        has_moved_columns = headers[: len(self.grid.headers)] != self.grid.headers
        if not has_moved_columns and all(after[at] == before[at] for at in places):
            return {}
        touched = {before[at] for at in places} | {key for key in after.values() if key}
        return {key: self._machine(key) for key in touched}

    def _machine(self, key: str) -> dict[str, str]:
        lines, columns = self.grid.by_key().get(key, ()), self.grid.columns
        return {
            header: line.text(columns[header])
            for line in lines[:1]
            for header in MACHINE[self.grid.tab]
            if header in columns
        }


def _undone(grid: Grid, trespasses: Sequence[Trespass]) -> Iterator[CellChange]:
    """Only what still reads as we wrote it by mistake."""
    lines = {line.at: line for line in grid.lines}
    for each in trespasses:
        column = grid.columns.get(each.header) if each.header else each.column
        if column is None or (grid.headers[column : column + 1] or ("",))[0] != each.header:
            continue
        known = grid.by_key().get(each.key, ())
        row = known[0].at if len(known) == 1 else each.row
        is_ours_still = row in lines and lines[row].text(column) == each.ours
        if is_ours_still and (row, column) not in grid.covered:
            yield CellChange(row, column, entered=each.before)


def _changes(grid: Grid, line: Line, wanted: dict[str, str]) -> Iterator[CellChange]:
    for header, column in grid.machine_columns.items():
        text = wanted.get(header, line.text(column))
        if header != KEY and line.text(column) != text and (line.at, column) not in grid.covered:
            yield CellChange(line.at, column, text)


def _texts(data: dict[str, Any]) -> list[tuple[str, ...]]:
    return [
        tuple(cell.get("formattedValue", "").strip() for cell in row.get("values", []))
        for row in data.get("rowData", [])
    ]
