"""From a program spec to its desired work items with stable keys. Pure.

A stable key is `<program>/<stage>/<item>[/<language or market>]`; a checklist item carries its
list as well: `<program>/<stage>/<list>/<item>[/<market>]`. The sign-off of a role is
`<program>/<stage>/sign-off:<role>`; the colon cannot stand in an id, so nothing collides.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

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


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One thing that somebody does.

    `part` is the language or market; `after` holds stable keys; `takes` is a positive duration;
    `due` is the item's own due or None for the stage's; `assignee` is a mail address.
    """

    key: str
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
    details: str = ""
    material: str = ""
    pass_mark: int | None = None
    checklist: str = ""

    @property
    def is_condition(self) -> bool:
        """Whether an approval asked for it, and not the spec."""
        return self.item == CONDITION

    @property
    def short(self) -> str:
        """The key without program and stage, as people name it in a comment: `quiz/ja-JP`."""
        return self.key.split("/", 2)[2]


def epic_key(program: str) -> str:
    return f"{program}/epic"


def sign_off_key(program: str, stage: str, role: str) -> str:
    return f"{program}/{stage}/sign-off:{role}"


def expand(spec: Spec) -> tuple[WorkItem, ...]:
    """All work items of a program, stages and items in the order of the spec."""
    return tuple(
        item
        for stage_id, stage in spec.stages.items()
        for item in _expand_stage(spec, stage_id, stage)
    )


def _expand_stage(spec: Spec, stage_id: str, stage: Stage) -> Iterator[WorkItem]:
    keys = _keys_by_item(spec, stage_id, stage)
    for item_id, task in stage.tasks.items():
        for part in _parts(task.per, spec.policy):
            yield WorkItem(
                key=_key(spec.program, stage_id, item_id, part),
                kind=Kind.TASK,
                stage=stage_id,
                item=item_id,
                part=part,
                title=_titled(task.title, part),
                team=task.team,
                assignee=task.assignee or _lead(spec, task.team),
                takes=task.takes,
                due=task.due,
                after=_before(task, part, keys),
                details=task.details or "",
            )
    for item_id, material in stage.training.items():
        for part in _parts(material.per, spec.policy):
            yield WorkItem(
                key=_key(spec.program, stage_id, item_id, part),
                kind=Kind.TRAINING,
                stage=stage_id,
                item=item_id,
                part=part,
                title=material.title,
                team=material.team,
                assignee=_lead(spec, material.team),
                takes=material.takes,
                due=material.due,
                after=_before(material, part, keys),
                details="Shows harmful content: warn before opening." * material.exposure_warning,
                material=material.kind,
                pass_mark=material.pass_mark,
            )
    for list_id, checklist in stage.checklists.items():
        for item_id, text in checklist.items.items():
            for part in _parts(checklist.per, spec.policy):
                yield WorkItem(
                    key=_key(spec.program, stage_id, f"{list_id}/{item_id}", part),
                    kind=Kind.CHECKLIST,
                    stage=stage_id,
                    item=list_id,
                    part=part,
                    title=text,
                    team=checklist.team,
                    assignee=_lead(spec, checklist.team),
                    takes=checklist.takes,
                    due=checklist.due,
                    after=_before(checklist, part, keys),
                    checklist=checklist.title or list_id,
                )


def _key(program: str, stage: str, item: str, part: str | None) -> str:
    return "/".join(each for each in (program, stage, item, part) if each)


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


def _keys_by_item(
    spec: Spec, stage_id: str, stage: Stage
) -> dict[str, dict[str | None, tuple[str, ...]]]:
    """The stable keys of each item of a stage, by part."""
    keys: dict[str, dict[str | None, tuple[str, ...]]] = {}
    works: dict[str, Task | Material] = {**stage.tasks, **stage.training}
    for item_id, work in works.items():
        keys[item_id] = {
            part: (_key(spec.program, stage_id, item_id, part),)
            for part in _parts(work.per, spec.policy)
        }
    for list_id, checklist in stage.checklists.items():
        keys[list_id] = {
            part: tuple(
                _key(spec.program, stage_id, f"{list_id}/{item_id}", part)
                for item_id in checklist.items
            )
            for part in _parts(checklist.per, spec.policy)
        }
    return keys


def _before(
    work: Task | Material | Checklist,
    part: str | None,
    keys: dict[str, dict[str | None, tuple[str, ...]]],
) -> tuple[str, ...]:
    """What comes before: the same language or market where both are multiplied by it, else all."""
    before: list[str] = []
    for item_id in work.after:
        by_part = keys[item_id]
        wanted = (part,) if part is not None and part in by_part else tuple(by_part)
        before.extend(key for each in wanted for key in by_part[each])
    return tuple(before)


def condition_item(spec: Spec, number: int, *, stage: str, team: str, text: str) -> WorkItem:
    """The work that an approval asked for; `number` counts the program's conditions from 1."""
    return WorkItem(
        key=f"{spec.program}/{stage}/{CONDITION}{number}",
        kind=Kind.TASK,
        stage=stage,
        item=CONDITION,
        part=None,
        title=text,
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
