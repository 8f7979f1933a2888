"""What the reader says about a spec: problems with their places. Pure."""

from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from functools import lru_cache

Path = tuple[str | int, ...]


class Severity(StrEnum):
    ERROR = "error"  # the spec is refused
    ADVICE = "advice"  # a rule of good practice, which the spec may silence by name


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend; `line` and `column` count from 1, `text` says what to do."""

    path: str
    line: int
    column: int
    rule: str
    severity: Severity
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}: {self.rule}: {self.text}"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule saw: the problem before its place is known.

    `path` is where it stands in the spec; `about` names the other parts that it depends on, so
    that nothing is said about a part that could not be read; `at_key` points at the key even
    where the value is a scalar.
    """

    path: Path
    text: str
    about: tuple[Path, ...] = ()
    at_key: bool = False


_MOST_KNOWN = 600  # comparing with more would take longer than anybody waits for a hint


@lru_cache(maxsize=1024)
def nearest(word: str, known: tuple[str, ...]) -> str | None:
    """The known word that was probably meant, if one is near."""
    known = known[:_MOST_KNOWN]
    folded = {each.casefold().replace("_", "-"): each for each in reversed(known)}
    near = get_close_matches(word[:80].casefold().replace("_", "-"), folded, n=1, cutoff=0.68)
    return folded[near[0]] if near else None


def did_you_mean(word: str, known: tuple[str, ...]) -> str:
    """`; did you mean 'x'?` or nothing: the end of a message."""
    near = nearest(word, known)
    return f"; did you mean {near!r}?" if near else ""


def listed(names: tuple[str, ...], *, at_most: int = 12) -> str:
    """Names for a sentence: `a, b and 3 more`."""
    if not names:
        return "none"
    if len(names) <= at_most:
        return ", ".join(names)
    return f"{', '.join(names[:at_most])} and {len(names) - at_most} more"
