"""Machine cells that should read otherwise, and what a rewrite hit when people moved rows. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from policy_rollout.desired import DesiredRow, Tab
from policy_rollout.workbook_astray import astray
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

    tab: Tab
    row: int
    column: int
    key: str
    header: str
    ours: str
    before: dict[str, Any]


@dataclass(frozen=True, slots=True)
class KeylessHit:
    """A cell of a row without a key that our text landed in, because people moved rows.

    `grid` is the tab as it was looked at before: by its other texts the row is known again.
    `name` is the header of the column, or its place where it has none.
    """

    grid: Grid
    name: str
    ours: str


@dataclass(slots=True)
class Wish:
    """What rows should read, and what is to be undone; grows when people move things meanwhile.

    `added` are the rows that are being added: of those, `astray` finds the displaced cells.
    `undressed` are the keys of those that landed elsewhere than meant, and so without their looks.
    """

    texts: dict[str, dict[str, str]] = field(default_factory=dict)
    undo: tuple[Trespass | KeylessHit, ...] = ()
    added: tuple[DesiredRow, ...] = ()
    undressed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Addition:
    """Rows added to one tab that was there, as it was looked at before."""

    grid: Grid
    rows: tuple[DesiredRow, ...]

    def ranges(self, title: str) -> tuple[str, str]:
        """The key column and the header row, to be asked back with the answer."""
        return _keys_and_headers(self.grid, title)

    def is_where_meant(self, data: Sequence[dict[str, Any]]) -> bool:
        """Whether the rows stand below the others, in the columns of the look; `data` as asked."""
        keys = [row[0] if row else "" for row in _texts(data[0])]
        headers = next(iter(_texts(data[1])), ())
        is_in_columns = headers[: len(self.grid.headers)] == self.grid.headers
        return is_in_columns and keys[self.grid.end :] == [row.key for row in self.rows]


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
        undone = (*_undone(grid, wish.undo), *_restored(grid, wish.undo), *astray(grid, wish.added))
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
        return _keys_and_headers(self.grid, title)

    def trespasses(self, data: Sequence[dict[str, Any]]) -> Iterator[Trespass | KeylessHit]:
        """Where our texts landed in other cells than meant; `data` as for `moved`.

        Rows with a key are not among them: `moved` tells what they should read again.
        """
        keys = [row[0] if row else "" for row in _texts(data[0])]
        headers = next(iter(_texts(data[1])), ())
        before = {line.at: key for key, lines in self.grid.by_key().items() for line in lines}
        for each in self.changes:
            key = keys[each.row] if each.row < len(keys) else ""
            header = headers[each.column] if each.column < len(headers) else ""
            if not key and before.get(each.row):
                yield KeylessHit(self.grid, header or str(each.column), each.text)
            elif header != self.grid.headers[each.column]:
                yield self._trespass(each, key, header)

    def _trespass(self, change: CellChange, key: str, header: str) -> Trespass:
        """What stood in a cell before is known by the key of its row and the header over it."""
        lines = self.grid.by_key().get(key, ())
        row = lines[0].at if len(lines) == 1 else change.row
        column = self.grid.columns.get(header)
        before = self.grid.entered.get((row, column), {}) if column is not None else {}
        place = (change.row, change.column)
        return Trespass(self.grid.tab, *place, key, header, change.text, before)

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
        if not has_moved_columns and all(after[at] == before.get(at, "") for at in places):
            return {}
        touched = {before.get(at, "") for at in places} | {key for key in after.values() if key}
        return {key: self._machine(key) for key in touched}

    def _machine(self, key: str) -> dict[str, str]:
        lines, columns = self.grid.by_key().get(key, ()), self.grid.columns
        return {
            header: line.text(columns[header])
            for line in lines[:1]
            for header in MACHINE[self.grid.tab]
            if header in columns
        }


def _keys_and_headers(grid: Grid, title: str) -> tuple[str, str]:
    key, header = column_name(grid.columns[KEY]), grid.header + 1
    return f"{quoted(title)}!{key}1:{key}", f"{quoted(title)}!{header}:{header}"


def _undone(grid: Grid, trespasses: Sequence[Trespass | KeylessHit]) -> Iterator[CellChange]:
    """Only what still reads as we wrote it by mistake."""
    lines = {line.at: line for line in grid.lines}
    for each in trespasses:
        if isinstance(each, KeylessHit) or each.tab is not grid.tab:
            continue
        column = grid.columns.get(each.header) if each.header else each.column
        if column is None or (grid.headers[column : column + 1] or ("",))[0] != each.header:
            continue
        known = grid.by_key().get(each.key, ())
        row = known[0].at if len(known) == 1 else each.row
        is_ours_still = row in lines and lines[row].text(column) == each.ours
        if is_ours_still and (row, column) not in grid.covered:
            yield CellChange(row, column, entered=each.before)


def _restored(grid: Grid, hits: Sequence[Trespass | KeylessHit]) -> Iterator[CellChange]:
    """Gives rows without a key back what stood in them, as far as they still read as we left them.

    A row from before that stands nowhere any more is looked for among those with our texts in it.
    """
    mine = [each for each in hits if isinstance(each, KeylessHit) and each.grid.tab is grid.tab]
    if not mine:
        return
    before, struck = mine[0].grid, {(each.name, each.ours) for each in mine}
    now = {line.at: _named(grid, line) for line in _keyless(grid)}
    intact = list(now.values())
    for line in _keyless(before):
        texts = _named(before, line)
        if texts in intact:
            intact.remove(texts)
            continue
        places = (at for at, found in now.items() if _is_struck(found, texts, struck))
        if (at := next(places, None)) is not None:
            for name, _ in set(now.pop(at).items()) - set(texts.items()):
                entered = before.entered.get((line.at, _column(before, name)), {})
                yield CellChange(at, _column(grid, name), entered=entered)


def _is_struck(found: dict[str, str], texts: dict[str, str], struck: set[tuple[str, str]]) -> bool:
    """Whether a row is the one that read `texts`, but for texts of ours."""
    ours = set(found.items()) - set(texts.items())
    names = {name for name, _ in ours}
    return bool(ours) and ours <= struck and texts.keys() - names == found.keys() - names


def _column(grid: Grid, name: str) -> int:
    return grid.columns[name] if name in grid.columns else int(name)


def _keyless(grid: Grid) -> Iterator[Line]:
    key = grid.columns[KEY]
    return (line for line in grid.lines if not line.text(key).strip())


def _named(grid: Grid, line: Line) -> dict[str, str]:
    """What stands in a row by header, or by place where a column has none of its own."""
    columns, headers = grid.columns, (*grid.headers, *[""] * len(line.cells))
    return {
        headers[at] if columns.get(headers[at]) == at else str(at): text
        for at, text in enumerate(line.cells)
        if text
    }


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
