"""What people did to a program's work that nobody planned, seen against its journal. Pure.

What is odd in itself, such as a word in a cell, the adapters tell; here is what only shows beside
what the journal says should be there.
"""

from collections.abc import Iterator

from policy_rollout.observed import Oddity, World
from policy_rollout.outline import Outline
from policy_rollout.program import ProgramState
from policy_rollout.work import Kind, epic_key


def moved_issues(state: ProgramState, world: World) -> dict[str, str]:
    """Stable key to new Jira key of the issues that are in another project now."""
    known = frozenset(state.issues.values())
    return {
        key: issue.issue_key
        for key, issue in world.issues.items()
        if key in state.issues
        and issue.issue_key not in known
        and _project(issue.issue_key) != _project(state.issues[key])
    }


def _project(issue_key: str) -> str:
    return issue_key.rpartition("-")[0]


def unplanned(outline: Outline, state: ProgramState, world: World) -> Iterator[Oddity]:
    yield from _rows(outline, state, world)
    yield from _marks(state, world)
    epic = epic_key(outline.spec.program)
    if epic in state.issues and not has_epic(outline, world):
        what = f"{epic} is no epic any more; no issue is created until it is one, or created again"
        yield Oddity(state.issues[epic], what)


def has_epic(outline: Outline, world: World) -> bool:
    """Whether the program's epic stands there, with our mark: issues can be created under it."""
    epic = world.issues.get(epic_key(outline.spec.program))
    return epic is not None and not epic.is_converted


def _rows(outline: Outline, state: ProgramState, world: World) -> Iterator[Oddity]:
    for stage in state.waiting_stages:
        for item in outline.of(stage):
            if item.kind is not Kind.TASK and item.key in state.rows - world.rows.keys():
                what = "the row is gone: deleted, or its key was changed; put the key back"
                yield Oddity(f"workbook ({item.key})", what)
    known = {item.key for item in outline.items} | state.rows
    for key, row in world.rows.items():
        if key not in known:
            what = "no row of the program has this key; put back the right one, or delete the row"
            yield Oddity(f"workbook, tab {row.tab} ({key})", what)


def _marks(state: ProgramState, world: World) -> Iterator[Oddity]:
    """Issues of ours that carry the mark of another work item now."""
    expected = {issue_key: key for key, issue_key in state.issues.items()}
    for key, issue in world.issues.items():
        ours = expected.get(issue.issue_key, key)
        if ours != key:
            yield Oddity(issue.issue_key, f"carries the mark of {key}, expected that of {ours}")
