"""One look at the world: what Jira and the workbook hold of a program. Reads both, writes nothing.

Work is read by key: never through a search, never from a cache.
"""

from contextlib import closing

from policy_rollout.connections import open_jira, open_workbook
from policy_rollout.decide import ToLookAt
from policy_rollout.jira_issues import History
from policy_rollout.observed import ObservedRow, Oddity, World
from policy_rollout.settings import Settings
from policy_rollout.spec.model import Spec
from policy_rollout.work import State


def read_world(settings: Settings, spec: Spec, wanted: ToLookAt) -> World:
    """What was asked for, as it is now.

    Raises:
        ServiceError: Jira or the workbook failed.
        SettingsWrong: one of them is not connected.
    """
    sign_offs = tuple(wanted.sign_offs.values())
    with open_jira(settings, spec) as jira:
        work = jira.read(tuple(wanted.issues.values()))
        signed = jira.read(sign_offs, with_comments=True)
        finished = [each.issue_key for each in work.issues.values() if each.state is State.DONE]
        asked = (*sign_offs, *finished)
        history = jira.history(asked) if asked else History()
    gone = tuple(
        Oddity(key, "the issue was deleted, or is hidden from us")
        for key in (*work.gone, *signed.gone)
    )
    rows, odd_rows = _read_rows(settings, spec) if wanted.has_rows else ({}, ())
    return World(
        issues={**work.issues, **signed.issues},
        rows=rows,
        transitions=history.transitions,
        edits=history.edits,
        comments=signed.comments,
        oddities=(*work.oddities, *signed.oddities, *gone, *odd_rows),
    )


def _read_rows(settings: Settings, spec: Spec) -> tuple[dict[str, ObservedRow], tuple[Oddity, ...]]:
    with closing(open_workbook(settings, spec)) as workbook:
        found = workbook.read(spec.program)
    return found.rows, found.oddities
