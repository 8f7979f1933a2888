"""Rules on work: that every name is known and every order can be kept. Pure."""

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from policy_rollout.spec.model import Per
from policy_rollout.spec.problems import Finding, Path, did_you_mean, listed
from policy_rollout.spec.rules.case import Case, Work
from policy_rollout.spec.scalars import Duration, Unit

_MOST_CYCLES = 10  # of one graph; mending one often mends the others
_MOST_SHOWN = 12  # members of one cycle
_RESERVED_STAGES = {"epic"}
_LONGEST_DAYS = 1826  # five years
DAYS_OF_WEEK = 7
_KINDS = ("tasks", "training", "checklists")


def unknown_stage(case: Case) -> Iterator[Finding]:
    """A stage in `after` or `not_signers_of` that the program does not have."""
    known = tuple(case.spec.stages)
    for path, wanted in _stages_named(case):
        if wanted not in case.spec.stages:
            step = did_you_mean(wanted, known) or "; add it or name another"
            text = f"found the stage {wanted!r}, expected one of {listed(known)}{step}"
            yield Finding(path, text, about=(("stages", wanted),))


def _stages_named(case: Case) -> Iterator[tuple[Path, str]]:
    for name, stage in case.spec.stages.items():
        for index, wanted in enumerate(stage.after):
            yield ("stages", name, "after", index), wanted
        for index, wanted in enumerate(stage.gate.not_signers_of):
            yield ("stages", name, "gate", "not_signers_of", index), wanted


def unknown_item(case: Case) -> Iterator[Finding]:
    """An item in `after` that the stage does not have; `after` reaches no other stage."""
    for stage in case.spec.stages:
        works = case.works_of(stage)
        known = {work.item: None for work in works}
        for work in works:
            for index, wanted in enumerate(work.work.after):
                if wanted not in known:
                    yield _unknown_item(case, work, index, wanted, tuple(known))


def _unknown_item(
    case: Case, work: Work, index: int, wanted: str, known: tuple[str, ...]
) -> Finding:
    elsewhere = next((other.stage for other in case.works if other.item == wanted), None)
    step = did_you_mean(wanted, known) or "; add it or name another"
    if elsewhere:
        step = f"; it is in stage {elsewhere!r}: write `after: [{elsewhere}]` on the stage instead"
    if wanted in case.spec.stages and not elsewhere:
        step = "; that is a stage: write it in `after` of the stage instead"
    text = (
        f"found {wanted!r}, expected a task, material or checklist of stage {work.stage!r} "
        f"({listed(known)}){step}"
    )
    about: tuple[Path, ...] = tuple(("stages", work.stage, kind, wanted) for kind in _KINDS)
    return Finding((*work.path, "after", index), text, about=about)


def stage_cycle(case: Case) -> Iterator[Finding]:
    """Stages that wait for each other."""
    after = {name: stage.after for name, stage in case.spec.stages.items()}
    for cycle in _cycles(after):
        yield Finding(("stages", cycle[0], "after"), _cycle_text("stages", cycle), at_key=True)


def item_cycle(case: Case) -> Iterator[Finding]:
    """Items that wait for each other."""
    for stage in case.spec.stages:
        works = {work.item: work for work in case.works_of(stage)}
        for cycle in _cycles({item: work.work.after for item, work in works.items()}):
            path = (*works[cycle[0]].path, "after")
            yield Finding(path, _cycle_text("items", cycle), at_key=True)


def _cycle_text(what: str, cycle: tuple[str, ...]) -> str:
    shown = cycle
    if len(cycle) > _MOST_SHOWN:
        shown = (*cycle[:6], f"({len(cycle) - 10} more)", *cycle[-4:])
    chain = " after ".join((*shown, cycle[0]))
    return (
        f"found {what} that wait for each other ({chain}), expected an order in which they can be "
        "done; take one of these out of an `after`"
    )


def _cycles(after: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Cycles, each starting with its first member in the order of the spec."""
    graph = {name: {each for each in before if each in after} for name, before in after.items()}
    order = {name: place for place, name in enumerate(after)}
    for _ in range(_MOST_CYCLES):
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            members: list[str] = error.args[1][:0:-1]  # each waits for the next
            first = members.index(min(members, key=order.__getitem__))
            cycle = tuple(members[first:] + members[:first])
            yield cycle
            graph[cycle[0]] = graph[cycle[0]] - {cycle[1 % len(cycle)]}
        else:
            return


def item_twice(case: Case) -> Iterator[Finding]:
    """One id for two pieces of work of a stage: both would have the same stable key."""
    for stage in case.spec.stages:
        first: dict[str, Work] = {}
        for work in case.works_of(stage):
            known = first.setdefault(work.item, work)
            if known is not work:
                text = (
                    f"found the id {work.item!r} under `{work.path[2]}` and under "
                    f"`{known.path[2]}` of stage {stage!r}, expected it once; rename one of them"
                )
                yield Finding(work.path, text, at_key=True)


def per_nothing(case: Case) -> Iterator[Finding]:
    """Work for each language or market of a policy that names none."""
    policy = case.spec.policy
    parts = {Per.LANGUAGE: policy.languages, Per.MARKET: policy.markets}
    for work in case.works:
        per = work.work.per
        if per is not None and not parts[per]:
            key = f"{per}s"
            text = (
                f"found `per: {per}`, but `policy.{key}` names none, expected at least one; "
                f"add `{key}: [...]` under `policy`, or delete `per`"
            )
            yield Finding((*work.path, "per"), text, about=(("policy", key),))


def takes_nothing(case: Case) -> Iterator[Finding]:
    """Work that takes no time or less."""
    for work in case.works:
        if work.work.takes.count <= 0:
            text = (
                f"found {str(work.work.takes)!r}, expected a duration above zero; write 1bd or more"
            )
            yield Finding((*work.path, "takes"), text)


def too_far(case: Case) -> Iterator[Finding]:
    """A duration of many years: a digit or a unit too many."""
    for path, duration in _durations(case):
        days = abs(duration.count) * (DAYS_OF_WEEK if duration.unit is Unit.WEEKS else 1)
        if days > _LONGEST_DAYS:
            text = (
                f"found {str(duration)!r}, expected at most {_LONGEST_DAYS} days; check the number "
                "and the unit"
            )
            yield Finding(path, text)


def _durations(case: Case) -> Iterator[tuple[Path, Duration]]:
    for name, stage in case.spec.stages.items():
        if isinstance(stage.due, Duration):
            yield ("stages", name, "due"), stage.due
        for work in case.works_of(name):
            yield (*work.path, "takes"), work.work.takes
            if isinstance(work.work.due, Duration):
                yield (*work.path, "due"), work.work.due


def reserved_stage(case: Case) -> Iterator[Finding]:
    """A stage whose keys would be mistaken for something else."""
    for stage in case.spec.stages:
        if stage in _RESERVED_STAGES:
            text = (
                f"found a stage named {stage!r}, expected another name: it is the key of the "
                "program's epic in Jira; rename it"
            )
            yield Finding(("stages", stage), text, at_key=True)


def gate_of_nothing(case: Case) -> Iterator[Finding]:
    """A stage with neither work nor sign-off passes the moment it opens."""
    for name, stage in case.spec.stages.items():
        if not case.works_of(name) and not stage.gate.sign_off:
            text = (
                f"found no work and no sign-off in stage {name!r}, expected something to wait "
                "for; add tasks, training, checklists or `gate: {sign_off: ...}`, or delete it"
            )
            yield Finding(("stages", name), text, at_key=True)


def pass_mark_without_quiz(case: Case) -> Iterator[Finding]:
    """A pass mark on a material that nobody can pass or fail."""
    for work in case.works:
        mark, kind = getattr(work.work, "pass_mark", None), getattr(work.work, "kind", None)
        if mark is not None and kind not in (None, "quiz", "golden-set"):
            text = (
                f"found a pass mark on a {kind}, expected it on a quiz or golden-set; delete it "
                "or change the kind"
            )
            yield Finding((*work.path, "pass_mark"), text)


def requires_what_is_not_there(case: Case) -> Iterator[Finding]:
    """A criterion on work that the stage does not have holds at once."""
    for name, stage in case.spec.stages.items():
        written = stage.gate.require.model_fields_set
        for kind in _KINDS:
            if kind in written and not getattr(stage, kind):
                text = (
                    f"found a requirement on {kind}, but stage {name!r} has none, expected work "
                    f"to judge; delete it or add `{kind}`"
                )
                yield Finding(("stages", name, "gate", "require", kind), text, at_key=True)
