"""From a program spec to its desired work items with stable keys. Pure.

A stable key is `<program>/<stage>/<item>[/<language or market>]`; a checklist item carries its
list as well: `<program>/<stage>/<list>/<item>[/<market>]`. The sign-off of a role is
`<program>/<stage>/sign-off:<role>`; the colon cannot stand in an id, so nothing collides.

It is made of the ids that stage and item had first, and never changes: what an amendment renames
keeps its key, and with it its issue or row. People name it by its present ids (`short`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType

from policy_rollout.spec.model import Checklist, Material, Per, Policy, Spec, Stage, Task
from policy_rollout.spec.scalars import Duration, Unit


class Kind(StrEnum):
    TASK = "task"
    TRAINING = "training"
    CHECKLIST = "checklist"


class State(StrEnum):
    """What is known of a work item; the last two are answers that wait for a person."""

    TODO = "todo"
    IN_PROGRESS = "in_progress"
    BLOCKED = "blocked"
    DONE = "done"
    NOT_APPLICABLE = "not_applicable"
    UNKNOWN = "unknown"  # a status word nobody knows
    MISSING = "missing"  # the issue or row was deleted, or cannot be found


CONDITION = "condition:"

Renamed = Mapping[str, str]
"""`<program>/<stage>[/<item>]` by present ids to the same by the ids that were had first."""
NOTHING_RENAMED: Renamed = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One thing that somebody does.

    `short` is how people name it, by its present ids and without program and stage:
    `quiz/ja-JP`; `part` is the language or market; `after` holds stable keys, `after_short` the
    same by present ids; `takes` is a positive duration; `due` is the item's own due or None for
    the stage's; `assignee` is a mail address.
    """

    key: str
    short: str
    kind: Kind
    stage: str
    item: str
    part: str | None
    title: str
    team: str
    assignee: str
    takes: Duration
    due: Duration | date | None
    after: tuple[str, ...]
    after_short: tuple[str, ...] = ()
    details: str = ""
    material: str = ""
    pass_mark: int | None = None
    checklist: str = ""

    @property
    def is_condition(self) -> bool:
        """Whether an approval asked for it, and not the spec."""
        return self.item == CONDITION


def epic_key(program: str) -> str:
    return f"{program}/epic"


def sign_off_key(program: str, stage: str, role: str) -> str:
    """`stage` is the id that the stage had first."""
    return f"{program}/{stage}/sign-off:{role}"


def stable_key(renamed: Renamed, program: str, stage: str, item: str = "") -> str:
    """The key of a stage, or of an item without its part, by the ids that it had first."""
    stage_key = f"{program}/{stage}"
    first_stage_key = renamed.get(stage_key, stage_key)
    if not item:
        return first_stage_key
    return renamed.get(f"{stage_key}/{item}", f"{first_stage_key}/{item}")


def expand(spec: Spec, renamed: Renamed = NOTHING_RENAMED) -> tuple[WorkItem, ...]:
    """All work items of a program, stages and items in the order of the spec."""
    return tuple(
        item
        for stage_id, stage in spec.stages.items()
        for item in _expand_stage(spec, stage_id, stage, renamed)
    )


def _expand_stage(spec: Spec, stage_id: str, stage: Stage, renamed: Renamed) -> Iterator[WorkItem]:
    ids = _Ids(spec.program, stage_id, renamed)
    named = _names_by_item(spec, stage, ids)
    for item_id, task in stage.tasks.items():
        for part in _parts(task.per, spec.policy):
            name, before = ids.of(item_id, part=part), _before(task, part, named)
            yield WorkItem(
                key=name.key,
                short=name.short,
                kind=Kind.TASK,
                stage=stage_id,
                item=item_id,
                part=part,
                title=_titled(task.title, part),
                team=task.team,
                assignee=task.assignee or _lead(spec, task.team),
                takes=task.takes,
                due=task.due,
                after=tuple(each.key for each in before),
                after_short=tuple(each.short for each in before),
                details=task.details or "",
            )
    for item_id, material in stage.training.items():
        for part in _parts(material.per, spec.policy):
            name, before = ids.of(item_id, part=part), _before(material, part, named)
            yield WorkItem(
                key=name.key,
                short=name.short,
                kind=Kind.TRAINING,
                stage=stage_id,
                item=item_id,
                part=part,
                title=material.title,
                team=material.team,
                assignee=_lead(spec, material.team),
                takes=material.takes,
                due=material.due,
                after=tuple(each.key for each in before),
                after_short=tuple(each.short for each in before),
                details="Shows harmful content: warn before opening." * material.exposure_warning,
                material=material.kind,
                pass_mark=material.pass_mark,
            )
    for list_id, checklist in stage.checklists.items():
        for item_id, text in checklist.items.items():
            for part in _parts(checklist.per, spec.policy):
                name = ids.of(list_id, item_id, part=part)
                before = _before(checklist, part, named)
                yield WorkItem(
                    key=name.key,
                    short=name.short,
                    kind=Kind.CHECKLIST,
                    stage=stage_id,
                    item=list_id,
                    part=part,
                    title=text,
                    team=checklist.team,
                    assignee=_lead(spec, checklist.team),
                    takes=checklist.takes,
                    due=checklist.due,
                    after=tuple(each.key for each in before),
                    after_short=tuple(each.short for each in before),
                    checklist=checklist.title or list_id,
                )


@dataclass(frozen=True, slots=True)
class _Name:
    """A work item's stable key, and what people call it."""

    key: str
    short: str


@dataclass(frozen=True, slots=True)
class _Ids:
    """The ids of one stage, from which its items are named."""

    program: str
    stage: str
    renamed: Renamed

    def of(self, item: str, *below: str, part: str | None) -> _Name:
        """The item of the spec, what stands below it in a checklist, its language or market."""
        rest = "".join(f"/{each}" for each in (*below, part) if each)
        key = stable_key(self.renamed, self.program, self.stage, item)
        return _Name(f"{key}{rest}", f"{item}{rest}")


def _titled(title: str, part: str | None) -> str:
    return f"{title} ({part})" if part else title


def _lead(spec: Spec, team: str) -> str:
    return spec.people[team].members[0]


def _parts(per: Per | None, policy: Policy) -> tuple[str | None, ...]:
    match per:
        case Per.LANGUAGE:
            return policy.languages
        case Per.MARKET:
            return policy.markets
        case None:
            return (None,)


_NamesByPart = dict[str | None, tuple[_Name, ...]]


def _names_by_item(spec: Spec, stage: Stage, ids: _Ids) -> dict[str, _NamesByPart]:
    """What each item of a stage is called, by part."""
    named: dict[str, _NamesByPart] = {}
    works: dict[str, Task | Material] = {**stage.tasks, **stage.training}
    for item_id, work in works.items():
        named[item_id] = {
            part: (ids.of(item_id, part=part),) for part in _parts(work.per, spec.policy)
        }
    for list_id, checklist in stage.checklists.items():
        named[list_id] = {
            part: tuple(ids.of(list_id, item_id, part=part) for item_id in checklist.items)
            for part in _parts(checklist.per, spec.policy)
        }
    return named


def _before(
    work: Task | Material | Checklist, part: str | None, named: Mapping[str, _NamesByPart]
) -> tuple[_Name, ...]:
    """What comes before: the same language or market where both are multiplied by it, else all."""
    before: list[_Name] = []
    for item_id in work.after:
        by_part = named[item_id]
        wanted = (part,) if part is not None and part in by_part else tuple(by_part)
        before.extend(name for each in wanted for name in by_part[each])
    return tuple(before)


@dataclass(frozen=True, slots=True)
class AskedFor:
    """Work that an approval asked for: the `number`-th of the program, counted from 1.

    `first_stage_key` is the stable key of the stage that it was asked for.
    """

    number: int
    first_stage_key: str
    text: str


def condition_item(spec: Spec, asked_for: AskedFor, *, stage: str, team: str) -> WorkItem:
    """The work that an approval asked for, in the stage that requires it now."""
    short = f"{CONDITION}{asked_for.number}"
    return WorkItem(
        key=f"{asked_for.first_stage_key}/{short}",
        short=short,
        kind=Kind.TASK,
        stage=stage,
        item=CONDITION,
        part=None,
        title=asked_for.text,
        team=team,
        assignee=_lead(spec, team),
        takes=Duration(1, Unit.BUSINESS_DAYS),
        due=None,
        after=(),
        details="Asked for by an approval of an earlier gate.",
    )


def people_of(spec: Spec) -> tuple[str, ...]:
    """Everybody whom Jira must know: members, backups, assignees and the owner, once each."""
    people = [person for role in spec.people.values() for person in (*role.members, *role.backups)]
    people += [
        task.assignee
        for stage in spec.stages.values()
        for task in stage.tasks.values()
        if task.assignee
    ]
    people += [person for stage in spec.stages.values() for person in stage.gate.waivers]
    if spec.owner:
        people.append(spec.owner)
    return tuple(dict.fromkeys(people))
