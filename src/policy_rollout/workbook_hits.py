"""Cells that a rewrite hit by mistake, as people moved rows or columns, and their texts. Pure."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from policy_rollout.workbook_layout import KEY, Grid
from policy_rollout.workbook_requests import CellChange

Texts = dict[str, str]
"""What stands in a row by the header of the column, or by its place where it has none."""
Mark = tuple[str, str]
"""A column's name, and the text of ours that landed in it."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A cell that our text landed in instead of another.

    `grid` is the tab as it was looked at before the write; `key` is that of the cell's row, empty
    where it has none, and `name` the header of its column, or its place where it has none.
    """

    grid: Grid
    key: str
    name: str
    ours: str


def undoing(
    grid: Grid, hits: Sequence[Hit], wanted: Mapping[str, Mapping[str, str]]
) -> Iterator[CellChange]:
    """Gives cells that were hit back what stood in them, as far as they still read as we left them.

    A row is known again by its key. One without a key, or whose key stands twice, is taken for
    that of before which stands nowhere any more and has most of its texts.

    Args:
        grid: the tab as it is now.
        hits: of this tab and of others; where a cell was hit twice, the first time counts, and is
            to come last.
        wanted: the machine cells that are rewritten anyway: by key, then by header.
    """
    befores = {id(each.grid): each.grid for each in hits if each.grid.tab is grid.tab}
    now, places = (_texts_of(grid), _places_of(grid)) if befores else ({}, {})
    for before in befores.values():
        mine = [each for each in hits if each.grid is before]
        then, places_before = _texts_of(before), _places_of(before)
        for at, was, (name, ours) in _struck(grid, before, mine):
            if name not in places or (at, places[name]) in grid.covered:
                continue
            is_rewritten = name in wanted.get(now[at].get(KEY, "").strip(), {})
            text = then.get(was, {}).get(name, "")
            if not is_rewritten and text != ours:
                entered = before.entered.get((was, places_before.get(name, -1)), {})
                yield CellChange(at, places[name], text, entered)


def _places_of(grid: Grid) -> dict[str, int]:
    """The columns by name."""
    width = max((len(line.cells) for line in grid.lines), default=0)
    named = {at: header for header, at in grid.columns.items()}
    return {named.get(at, str(at)): at for at in range(max(width, len(grid.headers)))}


def _struck(grid: Grid, before: Grid, hits: Sequence[Hit]) -> Iterator[tuple[int, int, Mark]]:
    """The place of each row that was hit, now and before (-1: nowhere), and what landed in it."""
    now, then = _texts_of(grid), _texts_of(before)
    at_now, at_then = _single(grid), _single(before)
    known = at_now.keys() & at_then.keys()
    for hit in hits:
        if hit.key in known and now[at_now[hit.key]].get(hit.name, "") == hit.ours:
            yield at_now[hit.key], at_then[hit.key], (hit.name, hit.ours)
    marks = {(hit.name, hit.ours) for hit in hits if hit.key not in known}
    for key in known:
        del now[at_now[key]], then[at_then[key]]
    for at, was in _taken_for(now, then, marks):
        for name, ours in marks:
            is_there = now[at].get(name, "") == ours
            if is_there and (ours or was >= 0):
                yield at, was, (name, ours)


def _taken_for(
    now: dict[int, Texts], then: dict[int, Texts], marks: Collection[Mark]
) -> Iterator[tuple[int, int]]:
    """The rows that do not stand as they did, each with what it was before (-1: nothing)."""
    new = _changed(now, Counter(frozenset(texts.items()) for texts in then.values()))
    old = _changed(then, Counter(frozenset(texts.items()) for texts in now.values()))
    new = {at for at in new if any(now[at].get(name, "") == ours for name, ours in marks)}
    alike = sorted(
        ((_alike(now[at], then[was], marks), at, was) for at in new for was in old),
        key=lambda pair: -pair[0],
    )
    for likeness, at, was in alike:
        if likeness and at in new and was in old:
            new.remove(at)
            old.remove(was)
            yield at, was
    yield from ((at, -1) for at in new)


def _alike(now: Texts, was: Texts, marks: Collection[Mark]) -> int:
    """How many texts are the same beside those that were hit; 1 where there are no others."""
    hit = {name for name, ours in marks if now.get(name, "") == ours}
    texts = {name: text for name, text in now.items() if name not in hit}
    texts_before = {name: text for name, text in was.items() if name not in hit}
    return len(texts.items() & texts_before.items()) or not (texts or texts_before)


def _changed(rows: dict[int, Texts], others: Counter[frozenset[Mark]]) -> set[int]:
    """The rows that do not stand among the others."""
    changed = set()
    for at, texts in rows.items():
        others[frozenset(texts.items())] -= 1
        if others[frozenset(texts.items())] < 0:
            changed.add(at)
    return changed


def _single(grid: Grid) -> dict[str, int]:
    """The place of each key that stands once."""
    return {key: lines[0].at for key, lines in grid.by_key().items() if len(lines) == 1}


def _texts_of(grid: Grid) -> dict[int, Texts]:
    places = _places_of(grid).items()
    return {
        line.at: {name: text for name, at in places if (text := line.text(at))}
        for line in grid.lines
    }
