"""An amendment of a running program: what may change in flight, and what it is journaled as. Pure.

Ids are forever: a stable key never changes. `was:` says which id a stage, task, material or
checklist had, and the amendment notes which stable key stands behind the new one, so that issue,
row and history stay. What is no longer in the spec leaves; what may not leave is refused.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from policy_rollout import events as ev
from policy_rollout.errors import AmendmentRefused, SpecRefused
from policy_rollout.gates import held_by
from policy_rollout.program import ProgramState, Version
from policy_rollout.spec.model import Checklist, Material, Spec, Stage, Task
from policy_rollout.spec.problems import did_you_mean, listed
from policy_rollout.spec.reader import read_valid
from policy_rollout.work import Kind, expand, people_of, stable_key

_KINDS = {Task: "task", Material: "material", Checklist: "checklist"}
_Work = Task | Material | Checklist


def amendment(  # noqa: PLR0913  what an amendment is made of
    state: ProgramState,
    before: Spec,
    after: Spec,
    *,
    text: str,
    path: str,
    by: str,
    reason: str,
    reopen: Sequence[str],
    now: datetime,
) -> ev.Amended:
    """What is journaled so that the program follows `after`, whose text is `text`.

    Args:
        state: the program as it stands.
        before: the spec that it follows until now.
        after: the spec that it is to follow.
        text: of `after`.
        path: how messages name the file.
        by: who wants it, as a mail address.
        reason: why, for everybody whom it concerns.
        reopen: passed stages, by the ids of `after`, whose gates begin a new round.
        now: aware.

    Raises:
        AmendmentRefused: with everything that stands against it.
    """
    proposed = _Proposed(state, before, after, tuple(dict.fromkeys(reopen)), now)
    problems = [*proposed.problems(reason)]
    if not by.strip() or not reason.strip():
        problems.append("found no word on who amends it and why, expected both; give --reason")
    if problems:
        raise AmendmentRefused(state.program, problems)
    return ev.Amended(
        spec_text=text,
        spec_path=path,
        by=by,
        reason=reason,
        keys=proposed.renames.keys,
        stages=proposed.renames.stages,
        reopened=proposed.reopen,
    )


def newcomers(state: ProgramState, after: Spec) -> dict[str, str | None]:
    """People whom Jira has still to be asked for, with the account id that the spec gives."""
    return {
        person: after.accounts.get(person)
        for person in people_of(after)
        if state.accounts.get(person) is None
        or after.accounts.get(person) not in {None, state.accounts[person]}
    }


@dataclass(slots=True)
class _Renames:
    """`stages` old to new id; `keys` as `Amended` has them; `problems` of wrong `was`."""

    stages: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def _works(stage: Stage) -> dict[str, _Work]:
    return {**stage.tasks, **stage.training, **stage.checklists}


@dataclass(slots=True)
class _Proposed:
    """An amendment on its way, held against the program as it stands."""

    state: ProgramState
    before: Spec
    after: Spec
    reopen: tuple[str, ...]
    now: datetime
    renames: _Renames = field(init=False)

    def __post_init__(self) -> None:
        self.renames = _Renames()
        if self.after.program == self.before.program:
            self._rename_stages()
            for stage_id, stage in self.after.stages.items():
                self._rename_items(stage_id, stage)

    def problems(self, reason: str) -> Iterator[str]:
        if self.after.program != self.state.program:
            yield (
                f"found the spec of program {self.after.program!r}, expected that of "
                f"{self.state.program!r}; amend with its own spec, or launch the other one with: "
                "rollout launch SPEC"
            )
            return
        yield from self._over()
        yield from self._nothing_new()
        yield from self._dates(reason)
        yield from self._dropped_stages()
        yield from self._evaded_conditions()
        yield from self.renames.problems
        yield from self._taken_ids()
        yield from self._other_kinds()
        yield from self._moved_house()
        yield from self._reopened()

    # Names

    def _rename_stages(self) -> None:
        known = self.before.stages
        for new, stage in self.after.stages.items():
            if stage.was is None or _is_old_news(known.get(new), stage.was):
                continue
            why = self._wrong_was(f"stage {new!r}", new, stage.was, tuple(known))
            if why:
                self.renames.problems.append(why)
            else:
                self._rename_stage(stage.was, new)

    def _rename_stage(self, old: str, new: str) -> None:
        """The stage, and what was renamed in it before."""
        program, renamed = self.before.program, self.state.renamed
        self.renames.stages[old] = new
        self.renames.keys[f"{program}/{new}"] = stable_key(renamed, program, old)
        inside = f"{program}/{old}/"
        for key, first in renamed.items():
            if key.startswith(inside):
                self.renames.keys[f"{program}/{new}/{key.removeprefix(inside)}"] = first

    def _rename_items(self, stage_id: str, stage: Stage) -> None:
        old_stage = self._old_stage(stage_id)
        known = _works(self.before.stages[old_stage]) if old_stage in self.before.stages else {}
        program = self.before.program
        for new, work in _works(stage).items():
            if work.was is None or _is_old_news(known.get(new), work.was):
                continue
            what = f"{_KINDS[type(work)]} {new!r} of stage {stage_id!r}"
            why = self._wrong_was(what, new, work.was, tuple(known))
            if not why and type(known[work.was]) is not type(work):
                why = (
                    f"{what}: found `was: {work.was}`, which is a {_KINDS[type(known[work.was])]}; "
                    "expected one of the same kind; delete `was`: the other one leaves then"
                )
            if why:
                self.renames.problems.append(why)
                continue
            first = stable_key(self.state.renamed, program, old_stage, work.was)
            self.renames.keys[f"{program}/{stage_id}/{new}"] = first

    def _wrong_was(self, what: str, new: str, was: str, known: tuple[str, ...]) -> str:
        """Why this cannot be a rename; empty where it can."""
        if new in known:
            return (
                f"{what}: found `was: {was}`, but the running program already has {new!r}, "
                "expected an id that is not in use; take another id, or delete `was`"
            )
        if was not in known:
            step = did_you_mean(was, known) or "; delete `was` if it is new"
            return (
                f"{what}: found `was: {was}`, expected an id that the running program has there "
                f"({listed(known) or 'none'}){step}"
            )
        return ""

    def _old_stage(self, stage: str) -> str:
        """What a stage of the new spec is called in the old one."""
        return next((old for old, new in self.renames.stages.items() if new == stage), stage)

    @property
    def _renamed(self) -> Mapping[str, str]:
        return {**self.state.renamed, **self.renames.keys}

    def _taken_ids(self) -> Iterator[str]:
        """Ids are forever: one that stands for work under another name stands for no other."""
        program, renamed = self.after.program, self._renamed
        stages = {stage: stable_key(renamed, program, stage) for stage in self.after.stages}
        yield from _twice("stage", stages)
        for stage_id, stage in self.after.stages.items():
            items = {
                f"{stage_id}/{item}": stable_key(renamed, program, stage_id, item)
                for item in _works(stage)
            }
            yield from _twice("item", items)

    def _other_kinds(self) -> Iterator[str]:
        """Under one id there are issues or rows, and never both, whatever it is for each part."""
        kinds = {_of_item(item.key): item.kind for item in expand(self.before, self.state.renamed)}
        issues = {_of_item(key) for key in self.state.issues}
        rows = {_of_item(key) for key in self.state.rows} - issues
        wrong: dict[str, str] = {}
        for item in expand(self.after, self._renamed):
            key = _of_item(item.key)
            was = kinds.get(key, item.kind)
            if key in rows and item.kind is Kind.TASK and was is Kind.TASK:
                was = Kind.CHECKLIST  # a row that left before
            if key in issues and item.kind is not Kind.TASK:
                was = Kind.TASK
            if key in issues | rows and was is not item.kind:
                wrong[f"{item.stage}/{item.item}"] = (
                    f"{item.stage}/{item.item}: found it as {item.kind}, but its work was made as "
                    f"{was}, expected the same kind; give it another id: the old one leaves then"
                )
        yield from wrong.values()

    # The rest of the program

    def _over(self) -> Iterator[str]:
        if self.state.finished_at is not None:
            at = f"{self.state.finished_at:%Y-%m-%d}"
            yield (
                f"found a program that was finished on {at}, expected one that is under way; "
                "launch a new program, under an id of its own"
            )
        elif self.state.stopped is not None:
            yield (
                f"found a program that {self.state.stopped.by} stopped for good "
                f"({self.state.stopped.reason}), expected one that is under way; launch a new "
                "program, under an id of its own"
            )

    def _nothing_new(self) -> Iterator[str]:
        if self.after == self.before and not self.reopen:
            yield (
                "found no difference to the spec that the program follows, expected one; change "
                "the file (comments and layout do not count), or name a stage with --reopen"
            )

    def _dates(self, reason: str) -> Iterator[str]:
        was, wanted = self.before.timeline.effective, self.after.timeline.effective
        zone = self.after.timeline.timezone
        if wanted is not None and wanted != was and wanted.replace(tzinfo=zone) < self.now:
            yield (
                f"found `timeline.effective` moved from {_day(was)} to {_day(wanted)}, which is "
                f"past (now it is {self.now.astimezone(zone):%Y-%m-%d %H:%M}); expected a time to "
                "come, or the old one"
            )
        if self.after == self.before:
            return
        for version in reversed(self.state.versions[:-1]):
            at = version.at.astimezone(self.before.timeline.timezone)
            if _reads_as(version, self.after):
                if f"{at:%Y-%m-%d}" not in reason:
                    yield self._back_in_time(at)
                return

    def _back_in_time(self, at: datetime) -> str:
        last = self.state.versions[-1]
        since = last.at.astimezone(self.before.timeline.timezone)
        return (
            f"found the spec of {at:%Y-%m-%d %H:%M}, which {last.by or 'somebody'} replaced on "
            f"{since:%Y-%m-%d %H:%M} ({last.reason}); expected a newer one; to go back on purpose, "
            f"name that day in the reason: --reason 'Back to {at:%Y-%m-%d}: ...'"
        )

    def _dropped_stages(self) -> Iterator[str]:
        for stage, gate in self.state.gates.items():
            if self.renames.stages.get(stage, stage) in self.after.stages:
                continue
            became = "is finished" if gate.passed_at else "has work under way"
            yield (
                f"found no stage {stage!r} in the new spec, but it {became}; expected every stage "
                f"that has opened ({listed(tuple(self.state.gates))}); put it back, or write "
                f"`was: {stage}` on the stage that it became"
            )

    def _evaded_conditions(self) -> Iterator[str]:
        """What an approval asked for stays asked for, by a gate that is still to come."""
        asked = [(each, "") for each in self.state.conditions]
        for stage in self.state.waiting_stages:
            gate = self.state.gates[stage]
            asked += [
                (each, stage) for given in gate.standing(gate.digest) for each in given.conditions
            ]
        for condition, asked_at in asked:
            stage = self.renames.stages.get(condition.stage, condition.stage)
            gate_asking = self.renames.stages.get(asked_at, asked_at)
            comes = stage in self.after.stages and (
                not asked_at or gate_asking in held_by(self.after, lambda _: False, stage)
            )
            if not comes and not self.state.passed(condition.stage):
                yield (
                    f"found no stage {condition.stage!r} that is still to come, but an approval "
                    f"has the condition that it requires: {condition.text}; expected it to stay "
                    "behind the gate that was approved; put it back"
                )

    def _moved_house(self) -> Iterator[str]:
        """The work lives in one project and one workbook, and stays there."""
        before, after = self.before, self.after
        lives_in = {key.rpartition("-")[0] for key in self.state.issues.values()}
        project = after.jira.project if after.jira else None
        if after.jira != before.jira and {project} != lives_in:
            yield _elsewhere("jira.project", project, before.jira.project if before.jira else None)
        if after.sheets != before.sheets:
            yield _elsewhere(
                "sheets.workbook",
                after.sheets.workbook if after.sheets else None,
                before.sheets.workbook if before.sheets else None,
            )

    def _reopened(self) -> Iterator[str]:
        passed = tuple(
            self.renames.stages.get(each, each)
            for each in self.state.gates
            if self.state.passed(each)
        )
        for stage in self.reopen:
            if stage in passed and stage in self.after.stages:
                continue
            became = (
                "whose gate has not passed"
                if stage in self.after.stages
                else "which the new spec does not have"
            )
            yield (
                f"found the stage {stage!r} to be reopened, {became}; expected one that has "
                f"passed ({listed(passed) or 'none has'})"
            )


def _is_old_news(known: _Work | Stage | None, was: str) -> bool:
    """Whether the spec before said the same: an amendment before has seen to it."""
    return known is not None and known.was == was


def _twice(what: str, keys: Mapping[str, str]) -> Iterator[str]:
    first: dict[str, str] = {}
    for name, key in keys.items():
        other = first.setdefault(key, name)
        if other != name:
            yield (
                f"found the {what} {name!r}, but that id stands for {other!r}, which had it "
                "before it was renamed, expected an id that was never used; take another id"
            )


def _reads_as(version: Version, spec: Spec) -> bool:
    """Whether a former text says the same; one that is refused by now says nothing."""
    try:
        return read_valid(version.text, version.path) == spec
    except SpecRefused:
        return False


def _elsewhere(name: str, found: str | None, expected: str | None) -> str:
    return (
        f"found `{name}` as {found or 'that of the settings'}, expected "
        f"{expected or 'that of the settings'}: the program's work lives there; put it back, or "
        "launch a new program for the other one"
    )


def _day(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else "no date"


def _of_item(key: str) -> str:
    """The stable key of a task, material or checklist, of that of one of its parts or items."""
    return "/".join(key.split("/", 3)[:3])
