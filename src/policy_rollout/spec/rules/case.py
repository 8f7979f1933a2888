"""What a rule is given and what it is made of. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from policy_rollout.spec.model import Checklist, Gate, Material, Spec, Task
from policy_rollout.spec.problems import Finding, Path, Severity

AnyWork = Task | Material | Checklist


@dataclass(frozen=True, slots=True)
class Work:
    """A task, a material or a checklist, with its place in the spec."""

    path: Path
    stage: str
    item: str
    work: AnyWork


@dataclass(frozen=True)
class Case:
    """A spec and the day it is judged on; None where nothing is judged against today."""

    spec: Spec
    today: date | None

    @cached_property
    def works(self) -> tuple[Work, ...]:
        """All work of all stages, in the order of the spec."""
        return tuple(work for works in self._works.values() for work in works)

    @cached_property
    def gates(self) -> dict[str, Gate]:
        return {name: stage.gate for name, stage in self.spec.stages.items()}

    def works_of(self, stage: str) -> tuple[Work, ...]:
        return self._works[stage]

    def may_sign(self, role: str) -> tuple[str, ...]:
        """Members of a role who may sign: the owner reports and never signs."""
        return self._members_to_sign[role]

    def may_sign_or_stand_in(self, role: str) -> tuple[str, ...]:
        """Everybody who can come to sign: members, and backups once they are called."""
        return self._signers[role]

    @cached_property
    def _works(self) -> dict[str, tuple[Work, ...]]:
        return {stage: tuple(self._of_stage(stage)) for stage in self.spec.stages}

    @cached_property
    def _members_to_sign(self) -> dict[str, tuple[str, ...]]:
        return {
            name: tuple(each for each in dict.fromkeys(role.members) if each != self.spec.owner)
            for name, role in self.spec.people.items()
        }

    @cached_property
    def _signers(self) -> dict[str, tuple[str, ...]]:
        return {
            name: tuple(
                each
                for each in dict.fromkeys((*role.members, *role.backups))
                if each != self.spec.owner
            )
            for name, role in self.spec.people.items()
        }

    def _of_stage(self, name: str) -> Iterator[Work]:
        stage = self.spec.stages[name]
        of_kind: tuple[
            tuple[str, dict[str, Task] | dict[str, Material] | dict[str, Checklist]], ...
        ]
        of_kind = (
            ("tasks", stage.tasks),
            ("training", stage.training),
            ("checklists", stage.checklists),
        )
        for kind, works in of_kind:
            for item, work in works.items():
                yield Work(("stages", name, kind, item), name, item, work)


@dataclass(frozen=True, slots=True)
class Rule:
    """A named rule; `meaning` is its line in the documentation of the language."""

    name: str
    severity: Severity
    meaning: str
    check: Callable[[Case], Iterator[Finding]]
