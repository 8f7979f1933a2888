"""Random fault schedules, the same for the same seed."""

from dataclasses import dataclass
from random import Random
from typing import Any

from rig import Kill, Where
from story import CHAPTERS

BULK, BATCH, LINK = "/issue/bulk$", ":batchUpdate$", "/issueLink$"
MOVE, SAY, EDIT = "/transitions$", "/comment$", "/issue/POLICY-[0-9]+$"
WRITES = {
    "launch": (BULK, BULK, LINK, BATCH),
    "sign-offs are asked for": (BULK,),
    "rejected": (MOVE, SAY, EDIT, BATCH),
    "asked again": (EDIT, BATCH),
    "the next stage opens": (BULK, LINK, BATCH),
    "finished": (MOVE,),
}
"""What each chapter writes."""
ANYTHING = ("", "", "^/jira/", "^/sheets/", "bulkfetch$", "values:batchGet$", "/sheets/token$")
KINDS = (
    "latency", "throttled", "error", "reset-before-commit", "reset-after-commit", "stalled-body",
    "late-commit", "late-commit", "partial-failure", "repeated-page",
)  # fmt: skip
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
    chapter = dice.choice(list(CHAPTERS))
    rules = [
        tuple(_rule(dice, chapter) for _ in range(dice.randint(1, 4)))
        for _ in range(dice.choice((1, 2, 2)))
    ]
    return Schedule(
        seed=seed,
        chapter=chapter,
        lag_seconds=dice.choice((0.0, 0.0, 0.3, HOUR_SECONDS)),
        items_a_page=dice.choice((1000, 2)),
        rules=tuple(rules),
        kill=Kill(dice.choice(list(Where)), dice.randint(1, 20)) if dice.random() < 0.4 else None,
    )


def _rule(dice: Random, chapter: str) -> dict[str, Any]:
    writes = WRITES[chapter]
    kind = dice.choice([each for each in KINDS if each != "partial-failure" or BULK in writes])
    often = {
        "after": dice.choice((0, 0, 1, 3, 6)),
        "every": dice.choice((1, 1, 2)),
        "times": dice.choice((1, 1, 2, 4, None)),
    }
    path = dice.choice((*ANYTHING, *writes, *writes))
    rule = {"kind": kind, "path": path, **often, "seconds": 0.02}
    match kind:
        case "throttled":
            told = dice.choice(("seconds", "fraction", "date", "none"))
            return rule | {"retry_after": told, "seconds": dice.choice((0.5, 2.0, 90.0))}
        case "error":
            status = dice.choice((500, 502, 503, 504))
            return rule | {"status": status, "committed": dice.random() < 0.5}
        case "late-commit":
            seconds = dice.choice((0.01, 0.3, HOUR_SECONDS, HOUR_SECONDS))
            late = {"path": dice.choice(writes), "after": dice.randint(0, 1), "times": 1}
            return rule | late | {"seconds": seconds}
        case "partial-failure":
            bulk = {"path": "/issue/bulk$", "after": dice.randint(0, 1), "times": 1}
            return rule | bulk | {"element_status": dice.choice((400, 500))}
        case "repeated-page":
            return rule | {"path": "(search/jql|changelog/bulkfetch)$", "after": 0}
    return rule
