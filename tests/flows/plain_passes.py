"""Passes as plain functions, without a Prefect server: the same code, and much faster to start."""

import pytest
from carried import Carried
from prefect.logging import disable_run_logger

from flows import passes
from flows.passes import Stands
from flows.taking_up import take_up
from policy_rollout.journal.store import Journal
from policy_rollout.settings import Settings

TASKS = (
    "add_rows", "check_services", "comment_on_issues", "create_issues", "link_issues",
    "look_at_world", "move_issues", "rewrite_rows", "send_notices", "settle_doubts",
    "update_issues",
)  # fmt: skip


def make_plain(patch: pytest.MonkeyPatch) -> None:
    """Let passes call the bodies of their tasks, and publish nothing."""
    for name in TASKS:
        patch.setattr(passes, name, getattr(passes, name).__wrapped__)
    patch.setattr(passes, "publish", lambda *_, **__: None)


class PlainlyCarried(Carried):
    def go(self) -> Stands:
        settings = Settings.load()
        with disable_run_logger(), Journal(settings.journal_address) as journal:
            program = take_up(journal, self.text, "demo.yaml", self.run)
            return passes.pass_or_trouble(journal, settings, program, run=self.run)
