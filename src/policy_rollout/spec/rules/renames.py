"""Rules on `was`: that a rename says one thing only. Pure."""

from collections.abc import Iterator

from policy_rollout.spec.problems import Finding, Path
from policy_rollout.spec.rules.case import Case


def was_in_use(case: Case) -> Iterator[Finding]:
    """A `was` that names an id which the spec still has."""
    for path, was, ids in _renames(case):
        if was in ids:
            what = "its own id" if was == path[-1] else f"{was!r}, which is there as well"
            text = (
                f"found `was` with {what}, expected an id that is gone from here; delete `was`, "
                "or take out the other one"
            )
            yield Finding((*path, "was"), text)


def was_twice(case: Case) -> Iterator[Finding]:
    """Two that both had the same id before."""
    first: dict[tuple[Path, str], Path] = {}
    for path, was, _ in _renames(case):
        known = first.setdefault((path[:-1][:2], was), path)  # beside it, in any of its lists
        if known != path:
            text = (
                f"found `was: {was}` on {path[-1]!r} and on {known[-1]!r}, expected it on the one "
                "that keeps the issue or row; delete it on the other"
            )
            yield Finding((*path, "was"), text)


def _renames(case: Case) -> Iterator[tuple[Path, str, tuple[str, ...]]]:
    """Where a rename stands, what it says, and the ids that are in use beside it."""
    stages = tuple(case.spec.stages)
    for name, stage in case.spec.stages.items():
        if stage.was is not None:
            yield ("stages", name), stage.was, stages
        works = case.works_of(name)
        items = tuple(work.item for work in works)
        for work in works:
            if work.work.was is not None:
                yield work.path, work.work.was, items
