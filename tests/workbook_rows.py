"""Rows and requests that the tests of the workbook share."""

from collections.abc import Callable

import requests

from policy_rollout.desired import DesiredRow, Tab
from policy_rollout.sandbox.control import Sandbox
from policy_rollout.workbook import Workbook

BATCH = r":batchUpdate$"
READ = r"/spreadsheets/[^/:]+$"
DECK, QUIZ, ITEM = "gambling/prepare/deck/ja-JP", "gambling/prepare/quiz/ja-JP", "gambling/go/l/i"
LATE, LATER = "gambling/go/late", "gambling/go/later"


def training(key: str, material: str = "Reviewer deck", **cells: str) -> DesiredRow:
    program, stage = key.split("/")[:2]
    texts = {"Program": program, "Stage": stage, "Material": material, "Due": "2025-11-07", **cells}
    return DesiredRow(key, Tab.TRAINING, tuple(texts.items()))


def item(key: str, text: str = "Load the templates") -> DesiredRow:
    return DesiredRow(key, Tab.CHECKLIST, (("Program", "gambling"), ("Item", text)))


def writes(sandbox: Sandbox) -> int:
    return sum(each["path"].endswith(":batchUpdate") for each in sandbox.requests())


def land_late_writes(sandbox: Sandbox) -> None:
    requests.post(f"{sandbox.url}/sandbox/faults/land", timeout=30).raise_for_status()


class ActsInBetween(Workbook):
    """A workbook in which somebody acts after our look and before our first write."""

    meanwhile: Callable[[], object] | None = None

    def _send(self, look, requests, ranges):
        if self.meanwhile is not None:
            self.meanwhile, act = None, self.meanwhile
            act()
        return super()._send(look, requests, ranges)
