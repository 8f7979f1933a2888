"""Random fault schedules, the same for the same seed."""

from dataclasses import dataclass
from random import Random
from typing import Any

from rig import Kill, Where
from story import CHAPTERS

PATHS = (
    "", "", "^/jira/", "^/sheets/", "/issue/bulk$", "/issueLink$", "/transitions$", "/comment$",
    ":batchUpdate$", "bulkfetch$", "/search/jql$", "values:batchGet$", "/sheets/token$",
)  # fmt: skip
WRITES = ("/issue/bulk$", "/issueLink$", "/transitions$", "/comment$", ":batchUpdate$", "/issue/")
HOUR_SECONDS = 3600.0


@dataclass(frozen=True)
class Schedule:
    """What goes wrong in a chapter: `rules` for each pass under faults, and perhaps a kill."""

    seed: int
    chapter: str
    lag_seconds: float
    items_a_page: int
    rules: tuple[tuple[dict[str, Any], ...], ...]
    kill: Kill | None


def schedule(seed: int) -> Schedule:
    dice = Random(seed)  # noqa: S311 - made to be repeated
    passes = dice.choice((1, 2, 2))
    return Schedule(
        seed=seed,
        chapter=dice.choice(list(CHAPTERS)),
        lag_seconds=dice.choice((0.0, 0.0, 0.3, HOUR_SECONDS)),
        items_a_page=dice.choice((1000, 2)),
        rules=tuple(tuple(_rule(dice) for _ in range(dice.randint(1, 4))) for _ in range(passes)),
        kill=Kill(dice.choice(list(Where)), dice.randint(1, 20)) if dice.random() < 0.4 else None,
    )


def _rule(dice: Random) -> dict[str, Any]:
    kind = dice.choice(
        (
            "latency", "throttled", "error", "reset-before-commit", "reset-after-commit",
            "stalled-body", "late-commit", "late-commit", "partial-failure", "repeated-page",
        )
    )  # fmt: skip
    often = {
        "after": dice.randint(0, 6),
        "every": dice.choice((1, 1, 2)),
        "times": dice.choice((1, 1, 2, 4, None)),
    }
    rule = {"kind": kind, "path": dice.choice(PATHS), **often, "seconds": 0.02}
    match kind:
        case "throttled":
            told = dice.choice(("seconds", "fraction", "date", "none"))
            return rule | {"retry_after": told, "seconds": dice.choice((0.5, 2.0, 90.0))}
        case "error":
            status = dice.choice((500, 502, 503, 504))
            return rule | {"status": status, "committed": dice.random() < 0.5}
        case "late-commit":
            seconds = dice.choice((0.01, 0.3, HOUR_SECONDS, HOUR_SECONDS))
            late = {"path": dice.choice(WRITES), "after": dice.randint(0, 2), "times": 1}
            return rule | late | {"seconds": seconds}
        case "partial-failure":
            bulk = {"path": "/issue/bulk$", "after": dice.randint(0, 1), "times": 1}
            return rule | bulk | {"element_status": dice.choice((400, 500))}
        case "repeated-page":
            return rule | {"path": "(search/jql|changelog/bulkfetch)$", "after": 0}
    return rule
