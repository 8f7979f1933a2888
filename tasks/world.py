"""Look at the world: what Jira and the workbook hold of one program."""

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime

from prefect import task
from prefect.cache_policies import NO_CACHE

from policy_rollout import observing
from policy_rollout.connections import open_jira, open_workbook, workbook_id
from policy_rollout.decide import ToLookAt
from policy_rollout.observed import World
from policy_rollout.outline import spec_of
from policy_rollout.program import ProgramState
from policy_rollout.settings import Settings
from policy_rollout.spec.model import Spec


@task(task_run_name="look at Jira and the workbook", cache_policy=NO_CACHE)
def look_at_world(spec: Spec, wanted: ToLookAt) -> World:
    """Read the program's open work by key: never through a search, never from a cache."""
    return read_world(spec, wanted)


def read_world(spec: Spec, wanted: ToLookAt) -> World:
    """The same look, outside of a task run."""
    return observing.read_world(Settings.load(), spec, wanted)


def changed_since(
    settings: Settings, states: Sequence[ProgramState], since: datetime
) -> frozenset[str]:
    """The programs among `states` whose issues or workbook changed: one question to each service.

    Jira's search lags by seconds to minutes, so the answer overlaps with the one before.
    """
    specs = {state.program: spec_of(state) for state in states}
    first = next(iter(specs.values()))
    with open_jira(settings, first) as jira:
        issues = frozenset(jira.changed_since((), since))
    changed = {state.program for state in states if issues & frozenset(state.issues.values())}
    with_rows = [state for state in states if state.rows]
    if with_rows:
        with closing(open_workbook(settings, specs[with_rows[0].program])) as workbook:
            workbooks = workbook.changed_workbooks(since)
        changed |= {
            state.program
            for state in with_rows
            if workbook_id(settings, specs[state.program]) in workbooks
        }
    return frozenset(changed)
