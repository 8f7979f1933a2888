"""What a signer writes beside a decision: a reason, and lines that do something. Pure.

The same words count in a Jira comment, in the Resume form and on the command line:

    Reopen: guideline, quiz/ja-JP
    Condition for launch: Publish the appeals page
    Condition for launch (ops): Publish the appeals page
    Waive training in ja-JP until 2026-12-31: reviewers are hired in January
    For good
"""

import re
from dataclasses import dataclass
from datetime import date

_REOPEN = re.compile(r"(?i)^\W*(?:reopen|redo)\s*:\s*(?P<names>.+)$")
_CONDITION = re.compile(
    r"(?i)^\W*condition\s+for\s+(?P<stage>[a-z0-9-]+)\s*(?:\((?P<team>[a-z0-9-]+)\))?\s*:"
    r"\s*(?P<text>.+)$"
)
_WAIVE = re.compile(
    r"(?i)^\W*waive\s+(?P<criterion>.+?)\s+until\s+(?P<until>\d{4}-\d{2}-\d{2})\s*:"
    r"\s*(?P<reason>.+)$"
)
_WAIVE_BEGUN = re.compile(r"(?i)^\W*waive\b")
_CONDITION_BEGUN = re.compile(r"(?i)^\W*condition\s+for\b")
_FOR_GOOD = re.compile(r"(?i)^\W*(?:reject(?:ed)?\s+)?for\s+good\W*$")
_REOPEN_INSIDE = re.compile(r"(?i)\b(?:reopen|redo)\s*:\s*(?P<names>.+)$")


@dataclass(frozen=True, slots=True)
class AskedCondition:
    """`team` is empty where the signer's own role is meant."""

    stage: str
    team: str
    text: str


@dataclass(frozen=True, slots=True)
class AskedWaiver:
    criterion: str
    until: date
    reason: str


@dataclass(frozen=True, slots=True)
class Words:
    """A text taken apart; `reason` is the whole of it, `unclear` are lines that begin a form.

    `begins_waiver` says that one of the lines, clear or not, is about a waiver.
    """

    reason: str
    reopen: tuple[str, ...] = ()
    conditions: tuple[AskedCondition, ...] = ()
    waivers: tuple[AskedWaiver, ...] = ()
    for_good: bool = False
    unclear: tuple[str, ...] = ()
    begins_waiver: bool = False


def read_words(text: str) -> Words:
    reopen: list[str] = []
    conditions: list[AskedCondition] = []
    waivers: list[AskedWaiver] = []
    unclear: list[str] = []
    for_good = False
    for line in text.splitlines():
        if found := _CONDITION.match(line):
            stage, team = found["stage"].lower(), (found["team"] or "").lower()
            conditions.append(AskedCondition(stage, team, found["text"].strip()))
        elif waiver := _waiver(line):
            waivers.append(waiver)
        elif _WAIVE_BEGUN.match(line) or _CONDITION_BEGUN.match(line):
            unclear.append(line.strip())
        elif _FOR_GOOD.match(line):
            for_good = True
        elif found := _REOPEN.match(line) or _REOPEN_INSIDE.search(line):
            names = re.split(r"[\s,]+", found["names"])
            reopen += [bare for name in names if (bare := name.strip(".;:`'\""))]
    return Words(
        reason=text.strip(),
        reopen=tuple(reopen),
        conditions=tuple(conditions),
        waivers=tuple(waivers),
        for_good=for_good,
        unclear=tuple(unclear),
        begins_waiver=any(_WAIVE_BEGUN.match(line) for line in text.splitlines()),
    )


def _waiver(line: str) -> AskedWaiver | None:
    found = _WAIVE.match(line)
    if found is None:
        return None
    try:
        until = date.fromisoformat(found["until"])
    except ValueError:
        return None
    return AskedWaiver(found["criterion"].strip(), until, found["reason"].strip())
