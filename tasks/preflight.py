"""Before the first write: what Jira and the workbook lack, and who everybody is."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from policy_rollout import events as ev
from policy_rollout.connections import open_jira, open_workbook
from policy_rollout.errors import Missing
from policy_rollout.settings import Settings
from policy_rollout.spec.model import Spec
from policy_rollout.work import people_of
from tasks.batch import batch


@batch("check Jira, everybody in it, and the workbook")
def check_services(spec: Spec) -> tuple[ev.PeopleResolved, tuple[Missing, ...]]:
    """All people of the spec as Jira accounts, and all that both services lack.

    Raises:
        ServiceError: one of them cannot be asked.
        SettingsWrong: one of them is not connected.
    """
    settings = Settings.load()
    people = {person: spec.accounts.get(person) for person in people_of(spec)}
    with open_jira(settings, spec) as jira, ThreadPoolExecutor(2, "preflight") as beside:
        workbook = beside.submit(_workbook, settings, spec)
        newest = beside.submit(jira.highest_number)
        found = jira.preflight(people)
        missing = (*found.missing, *workbook.result())
        resolved = ev.PeopleResolved(
            accounts=found.accounts,
            own_account=found.own_account,
            newest_issue=0 if missing else newest.result(),
        )
    return resolved, missing


def _workbook(settings: Settings, spec: Spec) -> tuple[Missing, ...]:
    with closing(open_workbook(settings, spec)) as workbook:
        return workbook.preflight()
