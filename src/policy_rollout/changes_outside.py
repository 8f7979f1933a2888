"""What changed outside, for all programs at once: one question to Jira, one to Drive. Edge."""

from contextlib import closing
from datetime import datetime

from policy_rollout.connections import open_jira_site, open_workbook_by_id
from policy_rollout.errors import RolloutError
from policy_rollout.journal.watch_table import NEVER
from policy_rollout.settings import Settings
from policy_rollout.workbook import AllRows, RowsRead


def changed_programs(settings: Settings, since: datetime) -> dict[str, datetime]:
    """The programs with issues that changed, as `JiraIssues.changed_programs` answers."""
    with open_jira_site(settings) as jira:
        return jira.changed_programs(since)


class Workbooks:
    """The workbooks of one look: each is read when it is first asked for, and then kept.

    Names are those of the specs: an empty one stands for the workbook of the settings.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._read: dict[str, AllRows | RolloutError] = {}
        self._changed_at: dict[str, datetime] = {}

    def changed(self, names: frozenset[str], since: datetime) -> dict[str, datetime]:
        """Those of `names` that changed after a time, and when, as Drive has it.

        Asks nothing where there are no names.
        """
        if not names:
            return {}
        any_of_them = self._id_of(next(iter(names)))  # Drive is asked about all that are shared
        with closing(open_workbook_by_id(self._settings, any_of_them)) as workbook:
            self._changed_at = workbook.changed_workbooks(since)
        return {
            name: self.changed_at(name) for name in names if self._id_of(name) in self._changed_at
        }

    def changed_at(self, name: str) -> datetime:
        """When it last changed before it was read in this look; NEVER where that is not known."""
        return self._changed_at.get(self._id_of(name), NEVER)

    def rows_of(self, name: str, program: str) -> RowsRead:
        """The program's rows.

        Raises:
            ServiceError, SettingsWrong: the workbook cannot be read; said again each time it is
                asked for, and asked of Google once.
        """
        workbook = self._id_of(name)
        if workbook not in self._read:
            self._read[workbook] = self._read_all(workbook)
        found = self._read[workbook]
        if isinstance(found, RolloutError):
            raise found
        return found.of(program)

    def _read_all(self, workbook_id: str) -> AllRows | RolloutError:
        try:
            with closing(open_workbook_by_id(self._settings, workbook_id)) as workbook:
                return workbook.read_all()
        except RolloutError as error:
            return error

    def _id_of(self, name: str) -> str:
        return name or self._settings.sheets_workbook
