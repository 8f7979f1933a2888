"""Look at the world: what Jira and the workbook hold of one program."""

from contextlib import closing

from policy_rollout.connections import open_jira, open_workbook
from policy_rollout.decide import ToLookAt
from policy_rollout.jira_issues import History
from policy_rollout.observed import ObservedRow, Oddity, World
from policy_rollout.settings import Settings
from policy_rollout.spec.model import Spec
from policy_rollout.work import State
from tasks.batch import batch


@batch("look at Jira and the workbook")
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
