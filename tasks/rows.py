"""Training and checklist rows in the workbook: one task run a batch."""

from collections.abc import Mapping, Sequence
from contextlib import closing

from policy_rollout.connections import open_workbook
from policy_rollout.desired import DesiredRow, RowsStanding
from policy_rollout.settings import Settings
from policy_rollout.spec.model import Spec
from tasks.batch import batch


@batch("add rows to the workbook")
def add_rows(spec: Spec, rows: Sequence[DesiredRow], tabs: Mapping[str, int]) -> RowsStanding:
    """Append in one atomic batch, tabs included where they are not there yet.

    `tabs` are the ids, by name, of the tabs that hold the program's rows. Answers which rows stand
    now, and in which tabs; adding the rows again adds none twice.

    Raises:
        RowsHalfAdded: it failed, and some rows were seen to stand.
        ServiceError: it failed, and none was seen.
    """
    with closing(open_workbook(Settings.load(), spec, tabs=tabs)) as workbook:
        return workbook.add_rows(rows)


@batch("rewrite machine columns")
def rewrite_rows(spec: Spec, rows: Sequence[DesiredRow], tabs: Mapping[str, int]) -> None:
    with closing(open_workbook(Settings.load(), spec, tabs=tabs)) as workbook:
        workbook.rewrite(rows)
