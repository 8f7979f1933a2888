"""Training and checklist rows in the workbook: one task run a batch."""

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime

from policy_rollout import events as ev
from policy_rollout.connections import open_workbook
from policy_rollout.desired import DesiredRow
from policy_rollout.errors import Missing
from policy_rollout.history import note
from policy_rollout.journal.store import Journal
from policy_rollout.settings import Settings
from policy_rollout.spec.model import Spec
from tasks.batch import batch
from tasks.writing import ACTOR


@batch("check the workbook")
def check_workbook(spec: Spec) -> tuple[Missing, ...]:
    """All that the workbook lacks."""
    with closing(open_workbook(Settings.load(), spec)) as workbook:
        return workbook.preflight()


@batch("add rows to the workbook")
def add_rows(spec: Spec, rows: Sequence[DesiredRow], *, after: int) -> int:
    """Append in one atomic batch, tabs included where they are not there yet.

    Answers the number of the journal's last entry, if nobody else wrote behind entry `after`.
    """
    settings = Settings.load()
    with (
        closing(open_workbook(settings, spec)) as workbook,
        Journal(settings.journal_address) as journal,
    ):
        workbook.add_rows(rows)
        added = ev.RowsAdded(keys=tuple(row.key for row in rows))
        note(journal, spec.program, (added,), actor=ACTOR, at=datetime.now(UTC))
    return after + 1


@batch("rewrite machine columns")
def rewrite_rows(spec: Spec, rows: Sequence[DesiredRow]) -> None:
    with closing(open_workbook(Settings.load(), spec)) as workbook:
        workbook.rewrite(rows)
