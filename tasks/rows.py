"""Training and checklist rows in the workbook: one task run a batch."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime

from policy_rollout import events as ev
from policy_rollout.connections import open_workbook
from policy_rollout.desired import DesiredRow
from policy_rollout.history import note
from policy_rollout.journal.store import Journal
from policy_rollout.settings import Settings
from policy_rollout.spec.model import Spec
from tasks.batch import batch
from tasks.writing import ACTOR


@batch("add rows to the workbook")
def add_rows(spec: Spec, rows: Sequence[DesiredRow], tabs: Mapping[str, int], *, after: int) -> int:
    """Append in one atomic batch, tabs included where they are not there yet.

    `tabs` are the ids, by name, of the tabs that hold the program's rows. Answers the number of
    the journal's last entry, if nobody else wrote behind entry `after`.
    """
    settings = Settings.load()
    with (
        closing(open_workbook(settings, spec, tabs=tabs)) as workbook,
        Journal(settings.journal_address) as journal,
    ):
        made_in = workbook.add_rows(rows)
        added = ev.RowsAdded(keys=tuple(row.key for row in rows), tabs=made_in)
        note(journal, spec.program, (added,), actor=ACTOR, at=datetime.now(UTC))
    return after + 1


@batch("rewrite machine columns")
def rewrite_rows(spec: Spec, rows: Sequence[DesiredRow], tabs: Mapping[str, int]) -> None:
    with closing(open_workbook(Settings.load(), spec, tabs=tabs)) as workbook:
        workbook.rewrite(rows)
