"""Which rows a picture of a program has: all, or where room is short the most telling. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from policy_rollout.report.folding import Line
from policy_rollout.spec.model import Spec

# About 60 rows can be read, and stay far under the 60 kB that an artifact should weigh.
MOST_ROWS = 60
MOST_STAGES = 20


@dataclass(frozen=True, slots=True)
class StageRow:
    stage: str
    title: str


@dataclass(frozen=True, slots=True)
class MoreRow:
    """What had no room, as one row."""

    words: str
    lines: tuple[Line, ...]


Row = StageRow | Line | MoreRow


def rows_of(spec: Spec, lines: Iterable[tuple[str, tuple[Line, ...]]]) -> list[Row]:
    """Headings and bars, at most MOST_ROWS and a note: each stage gets its fair share.

    Args:
        spec: the program.
        lines: the lines of each stage that has work.
    """
    found = dict(lines)
    stages = {stage: found.get(stage, ()) for stage in spec.stages}
    shown, hidden = list(stages)[:MOST_STAGES], list(stages)[MOST_STAGES:]
    room = _fair_shares([len(stages[stage]) for stage in shown], MOST_ROWS - len(shown))
    rows: list[Row] = []
    for stage, most in zip(shown, room, strict=True):
        rows.append(StageRow(stage, spec.stages[stage].title or stage))
        rows.extend(_fitted(stages[stage], most))
    if hidden:
        rest = tuple(line for stage in hidden for line in stages[stage])
        rows.append(MoreRow(f"and {len(hidden)} more stages", rest))
    return rows


def _fair_shares(wanted: list[int], room: int) -> list[int]:
    """Deal rows out one by one to whoever still wants one."""
    given = [0] * len(wanted)
    while room > 0 and given != wanted:
        for place, want in enumerate(wanted):
            if room > 0 and given[place] < want:
                given[place] += 1
                room -= 1
    return given


def _fitted(lines: tuple[Line, ...], most: int) -> list[Row]:
    """All lines, or those with the least slack in their own order and a row for the rest."""
    if len(lines) <= most:
        return list(lines)
    tight = sorted(lines, key=lambda each: (not each.on_chain, each.slack_days or 0))
    kept = set(tight[: most - 1])
    rest = tuple(line for line in lines if line not in kept)
    return [*(line for line in lines if line in kept), MoreRow(f"and {len(rest)} more", rest)]
