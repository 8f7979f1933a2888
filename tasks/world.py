"""Look at the world: what Jira and the workbook hold of one program."""

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime

from prefect import task
from prefect.cache_policies import NO_CACHE

from policy_rollout.connections import open_jira, open_workbook, workbook_id
from policy_rollout.decide import ToLookAt
from policy_rollout.jira_issues import History
from policy_rollout.observed import ObservedRow, Oddity, World
from policy_rollout.program import ProgramState
from policy_rollout.settings import Settings
from policy_rollout.spec.model import Spec
from policy_rollout.spec.reader import read_valid
from policy_rollout.work import State


@task(task_run_name="look at Jira and the workbook", cache_policy=NO_CACHE)
def look_at_world(spec: Spec, wanted: ToLookAt) -> World:
    """Read the program's open work by key: never through a search, never from a cache."""
    return read_world(spec, wanted)


def read_world(spec: Spec, wanted: ToLookAt) -> World:
    """The same look, outside of a task run."""
    settings = Settings.load()
    sign_offs = tuple(wanted.sign_offs.values())
    with open_jira(settings, spec) as jira:
        work = jira.read(tuple(wanted.issues.values()))
        signed = jira.read(sign_offs, with_comments=True)
        finished = [each.issue_key for each in work.issues.values() if each.state is State.DONE]
        asked = (*sign_offs, *finished)
        history = jira.history(asked) if asked else History()
        strangers = jira.strangers(spec.program) if wanted.issues else ()
        unanswerable = jira.unanswerable() if sign_offs else ()
    issues = {**work.issues, **signed.issues}
    moved = {
        wanted_key
        for key, wanted_key in {**wanted.issues, **wanted.sign_offs}.items()
        if key in issues and issues[key].issue_key != wanted_key
    }
    gone = tuple(
        Oddity(key, "the issue was deleted, or is hidden from us")
        for key in (*work.gone, *signed.gone)
        if key not in moved
    )
    rows, odd_rows = _read_rows(settings, spec, wanted) if wanted.has_rows else ({}, ())
    return World(
        issues=issues,
        rows=rows,
        transitions=history.transitions,
        edits=history.edits,
        comments=signed.comments,
        oddities=(
            *work.oddities,
            *signed.oddities,
            *gone,
            *strangers,
            *unanswerable,
            *odd_rows,
        ),
    )


def _read_rows(
    settings: Settings, spec: Spec, wanted: ToLookAt
) -> tuple[dict[str, ObservedRow], tuple[Oddity, ...]]:
    with closing(open_workbook(settings, spec, tabs=wanted.tabs)) as workbook:
        found = workbook.read(spec.program)
    return found.rows, found.oddities


def changed_since(
    settings: Settings, states: Sequence[ProgramState], since: datetime
) -> frozenset[str]:
    """The programs among `states` whose issues or workbook changed: one question to each service.

    Jira's search lags by seconds to minutes, so the answer overlaps with the one before.
    """
    specs = {state.program: read_valid(state.spec_text, state.spec_path) for state in states}
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
