"""Rows of ours that were added while people moved columns: their cells under other headers. Pure.

Google knows no condition on a write. A row that is added lands in the columns as they were when
we looked, and is known for ours by its texts: all that we wrote stand in it, its key among them.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from policy_rollout.desired import DesiredRow
from policy_rollout.workbook_layout import Grid, Line, first_texts
from policy_rollout.workbook_requests import CellChange


def astray(grid: Grid, rows: Sequence[DesiredRow]) -> Iterator[CellChange]:
    """What brings the cells of new rows under their headers, and clears where they landed.

    A row that people have written in since, over one of our texts, is theirs to mend.
    """
    mine = {row.key: row for row in rows if row.tab is grid.tab}
    if not mine or grid.missing_headers or grid.doubled_headers:
        return
    for line in grid.lines:
        for key in {text for text in line.cells if text in mine}:
            yield from _homeward(grid, line, first_texts(mine[key]))


def _homeward(grid: Grid, line: Line, texts: dict[str, str]) -> Iterator[CellChange]:
    columns = grid.columns
    made = {columns[header]: text for header, text in texts.items()}
    lost = Counter(text for at, text in made.items() if text and line.text(at) != text)
    is_as_made = not Counter(filter(None, made.values())) - Counter(line.cells)
    covered = {at for at in range(len(grid.headers)) if (line.at, at) in grid.covered}
    if not lost or not is_as_made or covered:
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
