"""Rows of ours that were added while people moved columns or merged cells. Pure.

Google knows no condition on a write. A row that is added lands in the columns as they were when
we looked, and loses the text for a cell that was merged away. It is known for ours by its texts:
nothing else stands in it, and of ours no more is missing than a merge can have taken.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from policy_rollout.desired import DesiredRow
from policy_rollout.workbook_layout import KEY, Grid, Line, first_texts
from policy_rollout.workbook_requests import CellChange


def astray(
    grid: Grid, rows: Sequence[DesiredRow], seen: Collection[str] = ()
) -> Iterator[CellChange]:
    """What brings the cells of new rows under their headers, and clears where they landed.

    A row whose key is not under its header, and cannot come there past merged cells, is cleared:
    it is to be added again elsewhere. Not so a row that was `seen` under its key, or that people
    have written in since: it is theirs to mend.
    """
    mine = {row.key: row for row in rows if row.tab is grid.tab}
    if not mine or grid.missing_headers or grid.doubled_headers:
        return
    absent = mine.keys() - grid.by_key().keys() - set(seen)
    unkeyed = {key: first_texts(mine[key]) for key in absent}
    for line in grid.lines:
        if _merged_in(grid, line):
            yield from _cleared(grid, line, unkeyed)
            continue
        for key in {text for text in line.cells if text in mine}:
            yield from _homeward(grid, line, first_texts(mine[key]))


def _merged_in(grid: Grid, line: Line) -> int:
    return sum((line.at, at) in grid.covered for at in range(len(grid.headers)))


def _cleared(grid: Grid, line: Line, unkeyed: dict[str, dict[str, str]]) -> Iterator[CellChange]:
    """Clears a row with merged cells that has our texts, but not its key where it belongs."""
    if line.text(grid.columns[KEY]):
        return
    found, merged = _counted(line.cells), _merged_in(grid, line)
    for texts in unkeyed.values():
        made = _counted(texts.values())
        if found <= made and (made - found).total() <= merged:
            yield from (CellChange(line.at, at) for at, text in enumerate(line.cells) if text)
            return


def _counted(texts: Collection[str]) -> Counter[str]:
    return Counter(filter(None, texts))


def _homeward(grid: Grid, line: Line, texts: dict[str, str]) -> Iterator[CellChange]:
    columns = grid.columns
    made = {columns[header]: text for header, text in texts.items()}
    lost = Counter(text for at, text in made.items() if text and line.text(at) != text)
    if not lost or not _counted(made.values()) <= _counted(line.cells):
        return
    landed = list(_landed(line, made, lost))
    for at in landed:
        yield CellChange(line.at, at, made.get(at, ""))
    for at, text in made.items():
        if at not in landed and line.text(at) != text and not line.text(at):
            yield CellChange(line.at, at, text)


def _landed(line: Line, made: dict[int, str], lost: Counter[str]) -> Collection[int]:
    """The columns that hold a text of ours which is missed under its own header."""
    left, found = Counter(lost), []
    for at, text in enumerate(line.cells):
        if left[text] > 0 and made.get(at) != text:
            left[text] -= 1
            found.append(at)
    return found
