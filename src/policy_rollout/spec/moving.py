"""Moving a whole spec text in time, so that a historic program can be rehearsed today. Pure."""

import re
from collections.abc import Iterator
from datetime import date, timedelta

import yaml

from policy_rollout.calendar import moved_by

# A day that stands alone: not part of a longer number, a path, a version or an address.
_DAY = re.compile(r"(?<![\w/.-])\d{4}-\d{2}-\d{2}(?![\w/-])")


def moved(text: str, *, weeks: int) -> str:
    """The spec with every ISO day outside comments moved by whole weeks; weekdays stay.

    Nothing else changes, comments and layout included. Days in titles and other texts move
    along; days that do not exist (2025-02-30) and days inside a path or address stay.

    Args:
        text: a spec that the reader accepts.
        weeks: how far, negative for earlier.

    Raises:
        DayOutOfRange: a day would leave the years that can be planned.
    """
    parts, done = [], 0
    for start, end in _values(text):
        parts += [text[done:start], _moved_days(text[start:end], timedelta(weeks=weeks))]
        done = end
    return "".join(parts) + text[done:]


def _values(text: str) -> Iterator[tuple[int, int]]:
    """Where the scalars of a YAML text start and end; comments stand between them."""
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        if isinstance(token, yaml.ScalarToken):
            start = token.start_mark.index
            if token.style in ("|", ">"):
                start = text.index("\n", start)  # its first line may end in a comment
            yield start, token.end_mark.index


def _moved_days(value: str, distance: timedelta) -> str:
    def move(match: re.Match[str]) -> str:
        try:
            day = date.fromisoformat(match[0])
        except ValueError:
            return match[0]
        return moved_by(day, distance).isoformat()

    return _DAY.sub(move, value)
