"""Machine cells that should read otherwise, and what a rewrite hit when people moved rows. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from policy_rollout.desired import DesiredRow, RowsStanding
from policy_rollout.workbook_astray import astray
from policy_rollout.workbook_hits import Hit, undoing
from policy_rollout.workbook_layout import KEY, Grid, Line
from policy_rollout.workbook_requests import CellChange


def quoted(title: str) -> str:
    """A tab's title as an A1 range of the whole tab."""
    return "'" + title.replace("'", "''") + "'"


def column_name(column: int) -> str:
    """The letters of a column that counts from 0: A, ..., Z, AA."""
    before, letter = divmod(column, 26)
    return (column_name(before - 1) if before else "") + chr(ord("A") + letter)


@dataclass(slots=True)
class Wish:
    """What rows should read, and what is to be undone; grows when people move things meanwhile.

    `added` are the rows that are being added, `standing` those that were seen under their keys;
    `undressed` are the keys of those that landed elsewhere than meant, and so without their looks.
    """

    texts: dict[str, dict[str, str]] = field(default_factory=dict)
    undo: tuple[Hit, ...] = ()
    added: tuple[DesiredRow, ...] = ()
    standing: RowsStanding = field(default_factory=RowsStanding)
    undressed: frozenset[str] = frozenset()

    def astray(self, grid: Grid) -> Iterator[CellChange]:
        """What puts right the rows that are being added; see `workbook_astray.astray`."""
        return astray(grid, self.added, self.standing.keys)


@dataclass(frozen=True, slots=True)
class Addition:
    """Rows added to one tab that was there, as it was looked at before."""

    grid: Grid
    rows: tuple[DesiredRow, ...]

    def ranges(self, title: str) -> tuple[str, str]:
        """The key column and the header row, to be asked back with the answer."""
        return _asked_back(self.grid, title)

    def is_where_meant(self, data: Sequence[dict[str, Any]]) -> bool:
        """Whether the rows stand below the others, in the columns of the look; `data` as asked."""
        keys = [row[0] if row else "" for row in _texts(data[0])][self.grid.end :]
        headers = next(iter(_texts(data[1])), ())
        is_in_columns = headers[: len(self.grid.headers)] == self.grid.headers
        return is_in_columns and list(filter(None, keys)) == [row.key for row in self.rows]


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
        if KEY not in grid.columns:
            return None
        undone = (*undoing(grid, wish.undo, wish.texts), *wish.astray(grid))
        wanted = tuple(
            change
            for key, lines in grid.by_key().items()
            if key in wish.texts
            for line in lines
            for change in _changes(grid, line, wish.texts[key])
        )
        changes = tuple({(each.row, each.column): each for each in (*undone, *wanted)}.values())
        return cls(grid, changes) if changes else None

    def ranges(self, title: str) -> tuple[str, str]:
        """The key column and the header row, to be asked back with the answer."""
        return _asked_back(self.grid, title)

    def hits(self, data: Sequence[dict[str, Any]]) -> tuple[Hit, ...]:
        """Where our texts landed in other cells than meant, because people moved things meanwhile.

        Args:
            data: the GridData of `ranges`, read in the same batch after the changes.
        """
        keys, headers = self._keys_and_headers(data)
        column = self.grid.columns[KEY]
        meant = {line.at: key for key, lines in self.grid.by_key().items() for line in lines}
        meant |= {each.row: each.text for each in self.changes if each.column == column}
        return tuple(
            Hit(
                self.grid,
                keys.get(each.row, ""),
                headers.get(each.column, "") or str(each.column),
                each.text,
            )
            for each in self.changes
            if keys.get(each.row, "") != meant.get(each.row, "")
            or headers.get(each.column, "") != self.grid.headers[each.column]
        )

    def _keys_and_headers(
        self, data: Sequence[dict[str, Any]]
    ) -> tuple[dict[int, str], dict[int, str]]:
        """As they are now; where the row or column that was asked back has moved, as they were."""
        keys = {at: row[0] for at, row in enumerate(_texts(data[0])) if row}
        headers = dict(enumerate(next(iter(_texts(data[1])), ())))
        if KEY not in headers.values():
            headers = dict(enumerate(self.grid.headers))
        elif headers.get(self.grid.columns[KEY]) != KEY:
            rows = self.grid.by_key().items()
            keys = {line.at: key for key, lines in rows for line in lines}
        return keys, headers


def _asked_back(grid: Grid, title: str) -> tuple[str, str]:
    key, header = column_name(grid.columns[KEY]), grid.header + 1
    return f"{quoted(title)}!{key}1:{key}", f"{quoted(title)}!{header}:{header}"


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
