"""Who may have something to do: by the clock, by one question to Jira and by one to Drive."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from prefect import get_run_logger

from policy_rollout.changes_outside import Workbooks, changed_programs
from policy_rollout.errors import JournalTampered, ServiceError, SettingsWrong, SpecRefused
from policy_rollout.journal.watch_table import Known, WatchTable
from policy_rollout.prefect_api import RunRefused
from policy_rollout.settings import Settings
from policy_rollout.watched import mark_of_rows

OUTSIDE = (ServiceError, SettingsWrong, SpecRefused, RunRefused, JournalTampered)
"""What may be wrong with one program, or with one service, while the others go on."""
TURN_COMES_EVERY = timedelta(hours=1)
TURNS = 12
"""How many runs of `watch` with `in_turn` share that hour's looks by key."""
MOST_IN_A_TURN = 500
"""Of more than twelve times as many programs, the turn comes less often than every hour."""


@dataclass(slots=True)
class Noticed:
    """The programs to look at, by name, and what could not be asked: one text each."""

    programs: dict[str, Known] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)

    def add(self, knowns: Iterable[Known]) -> None:
        self.programs |= {each.program.program: each for each in knowns}

    def tell(self, trouble: str) -> None:
        get_run_logger().warning("%s", trouble)
        self.troubles.append(trouble)


def notice(
    table: WatchTable, settings: Settings, workbooks: Workbooks, *, since: datetime, now: datetime
) -> Noticed:
    """The programs that changed since, or that time may move; a service that fails is told."""
    noticed = Noticed()
    noticed.add(table.due(now))
    try:
        noticed.add(_issues_changed(table, settings, since))
        changed = workbooks.changed(table.workbooks(), since)
    except OUTSIDE as error:
        noticed.tell(str(error))
        return noticed
    for name, changed_at in changed.items():
        try:
            noticed.add(_rows_changed(table, workbooks, name, changed_at))
        except OUTSIDE as error:
            noticed.tell(str(error))
    return noticed


def _issues_changed(table: WatchTable, settings: Settings, since: datetime) -> Iterable[Known]:
    """Not those whose newest change a look by key has seen: the search tells it for minutes."""
    if not table.open_programs():
        return ()
    newest = changed_programs(settings, since)
    return [
        each
        for each in table.named(newest)
        if each.program.is_open and newest[each.program.program] > each.issues_until
    ]


def _rows_changed(
    table: WatchTable, workbooks: Workbooks, name: str, changed_at: datetime
) -> Iterable[Known]:
    """Reads the workbook unless each of its programs has been compared with it as it is."""
    waiting = table.in_workbooks([name])
    if all(each.rows_until >= changed_at for each in waiting):
        return ()
    changed: list[Known] = []
    same: list[Known] = []
    for known in waiting:
        found = workbooks.rows_of(name, known.program.program)
        is_same = mark_of_rows(found.rows, found.oddities) == known.rows_mark
        (same if is_same else changed).append(known)
    heads = {each.program.program: each.program.head for each in same}
    table.put([replace(each, rows_until=changed_at) for each in same], heads)
    return changed


def whose_turn_it_is(table: WatchTable, now: datetime) -> tuple[Known, ...]:
    """A share of the programs that no look by key has seen for an hour, the longest ago first."""
    share = -(-table.open_programs() // TURNS)
    return table.looked_at_before(now - TURN_COMES_EVERY, min(share, MOST_IN_A_TURN))
