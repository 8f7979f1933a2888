"""Criteria and sign-offs: what a gate sees, what it asks a signer for, whether it passes. Pure.

What a digest covers is defined here and nowhere else, in `covered`.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from policy_rollout import events as ev
from policy_rollout.program import GateState
from policy_rollout.spec.model import Spec
from policy_rollout.spec.scalars import TrainingTarget
from policy_rollout.work import Kind, State, WorkItem


class Answer(StrEnum):
    """A criterion's three answers; the last one waits for a person."""

    HOLDS = "holds"
    FAILS = "fails"
    CANNOT_TELL = "cannot tell"


FINISHED = frozenset({State.DONE, State.NOT_APPLICABLE})
_UNCLEAR = frozenset({State.UNKNOWN, State.MISSING})


@dataclass(frozen=True, slots=True)
class OpenItem:
    """A work item that keeps a criterion from holding, and what is said of it."""

    item: WorkItem
    answer: Answer
    why: str


@dataclass(frozen=True, slots=True)
class Judged:
    """One criterion and what it saw: `met` of `total` items, the others in `open`.

    `name` is what it is about ("tasks", "training in ja-JP"), `asks` what it requires.
    """

    name: str
    asks: str
    total: int
    met: int
    open: tuple[OpenItem, ...]

    @property
    def answer(self) -> Answer:
        answers = {each.answer for each in self.open}
        if Answer.FAILS in answers:
            return Answer.FAILS
        return Answer.CANNOT_TELL if answers else Answer.HOLDS


def judge(
    spec: Spec, stage: str, items: Iterable[WorkItem], seen: Callable[[str], ev.Seen]
) -> tuple[Judged, ...]:
    """Every criterion of a stage's gate over `items`, which are the stage's own."""
    require = spec.stages[stage].gate.require
    by_kind: dict[Kind, list[WorkItem]] = {kind: [] for kind in Kind}
    for item in items:
        by_kind[item.kind].append(item)
    judged: list[Judged] = []
    if require.tasks == "done" and by_kind[Kind.TASK]:
        judged.append(_all_done("tasks", by_kind[Kind.TASK], seen))
    if isinstance(require.training, TrainingTarget) and by_kind[Kind.TRAINING]:
        judged.extend(_training(require.training, by_kind[Kind.TRAINING], seen))
    if require.checklists == "done":
        for name, listed in _grouped(by_kind[Kind.CHECKLIST], lambda item: item.item):
            judged.append(_all_done(f"checklist {name}", listed, seen))
    return tuple(judged)


def _grouped(
    items: Iterable[WorkItem], by: Callable[[WorkItem], str]
) -> Iterable[tuple[str, list[WorkItem]]]:
    groups: dict[str, list[WorkItem]] = {}
    for item in items:
        groups.setdefault(by(item), []).append(item)
    return groups.items()


def _all_done(name: str, items: list[WorkItem], seen: Callable[[str], ev.Seen]) -> Judged:
    still_open = [
        OpenItem(item, *_said_of(state))
        for item in items
        if (state := seen(item.key).state) not in FINISHED
    ]
    return Judged(name, "all done", len(items), len(items) - len(still_open), tuple(still_open))


def _said_of(state: State) -> tuple[Answer, str]:
    if state is State.MISSING:
        return Answer.CANNOT_TELL, "it was deleted or cannot be found"
    if state is State.UNKNOWN:
        return Answer.CANNOT_TELL, "its status is not understood"
    return Answer.FAILS, str(state).replace("_", " ")


def _training(
    target: TrainingTarget, rows: list[WorkItem], seen: Callable[[str], ev.Seen]
) -> Iterator[Judged]:
    if target.percent is None:
        yield _all_done("training", rows, seen)
    elif target.per_language:
        for language, spoken in _grouped(rows, lambda item: item.part or "every language"):
            yield _completed(f"training in {language}", target.percent, spoken, seen)
    else:
        yield _completed("training", target.percent, rows, seen)


def _completed(
    name: str, percent: int, rows: list[WorkItem], seen: Callable[[str], ev.Seen]
) -> Judged:
    """Each material must have been completed by `percent` of its reviewers."""
    still_open = []
    for item in rows:
        row = seen(item.key)
        if row.state in _UNCLEAR:
            still_open.append(OpenItem(item, *_said_of(row.state)))
        elif row.state is State.NOT_APPLICABLE or (row.completion or 0) >= percent:
            continue
        elif row.completion is None and row.state is State.DONE:
            why = "it says Done, but Completed % is empty"
            still_open.append(OpenItem(item, Answer.CANNOT_TELL, why))
        else:
            still_open.append(OpenItem(item, Answer.FAILS, f"{row.completion or 0}% completed"))
    asks = f"{percent}% completed"
    return Judged(name, asks, len(rows), len(rows) - len(still_open), tuple(still_open))


def holds(judged: Iterable[Judged]) -> bool:
    return all(each.answer is Answer.HOLDS for each in judged)


def covered(
    spec: Spec,
    stage: str,
    gate_round: int,
    work: Iterable[tuple[WorkItem, State]],
    judged: Iterable[Judged],
) -> dict[str, Any]:
    """Exactly what a sign-off of this gate is about.

    The policy and the dates it is announced and takes effect, the stage's work as it is written
    in the spec, the gate's own rules, the round, and for each criterion its answer. An item's
    state counts as what the criterion makes of it: completion that rises from 95 % to 97 %
    over a target of 95 % changes nothing, an item that becomes "not applicable" does. Due
    dates, assignees and everything of other stages are not covered.
    """
    timeline = spec.timeline.model_dump(
        mode="json", include={"announce", "publish", "effective", "enforce", "full_enforcement"}
    )
    return {
        "program": spec.program,
        "title": spec.name,
        "policy": spec.policy.model_dump(mode="json"),
        "timeline": timeline,
        "stage": stage,
        "round": gate_round,
        "gate": spec.stages[stage].gate.model_dump(mode="json"),
        "work": [
            {
                "key": item.key,
                "title": item.title,
                "team": item.team,
                "details": item.details,
                "material": item.material,
                "pass_mark": item.pass_mark,
                "not_applicable": state is State.NOT_APPLICABLE,
            }
            for item, state in work
        ],
        "evidence": [
            {"criterion": each.name, "asks": each.asks, "answer": each.answer, "met": each.met}
            for each in judged
        ],
    }


def digest_of(what: dict[str, Any]) -> str:
    """SHA-256 (hex) over the canonical JSON of what is covered."""
    text = json.dumps(what, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def missing_sign_offs(
    spec: Spec, stage: str, gate: GateState, digest: str | None
) -> dict[str, int]:
    """Role to the number of sign-offs still missing on the digest; empty when all are given."""
    standing = gate.standing(digest)
    missing = {
        role: quorum - sum(each.role == role for each in standing)
        for role, quorum in spec.stages[stage].gate.sign_off.items()
    }
    return {role: count for role, count in missing.items() if count > 0}


def may_sign(spec: Spec, role: str) -> tuple[str, ...]:
    """Who may sign for a role: its members without the program's owner."""
    return tuple(person for person in spec.people[role].members if person != spec.owner)


def may_still_sign(spec: Spec, gate: GateState, role: str, digest: str | None) -> tuple[str, ...]:
    """Who may sign for a role and has not signed at this gate, for this role or another."""
    signed = {each.person for each in gate.standing(digest)}
    return tuple(person for person in may_sign(spec, role) if person not in signed)


def why_no_say(spec: Spec, role: str, people: Sequence[str]) -> str | None:
    """Why whoever has this account has no say for a role; None for one who has.

    The answer says who may sign, in words fit for a comment.

    Args:
        spec: the program.
        role: the role that is asked.
        people: everybody in the program with the account.
    """
    able = ", ".join(may_sign(spec, role))
    if not people:
        return f"this account belongs to nobody in the program; for {role}, {able} may sign"
    if len(people) > 1:
        return f"this account is that of {' and '.join(people)}, so it does not tell who signs"
    (person,) = people
    if person == spec.owner:
        return f"the owner of the program cannot sign its gates; for {role}, {able} may sign"
    if person not in spec.people[role].members:
        return f"{person} is not a member of {role}; {able} may sign"
    return None


def why_not(spec: Spec, gate: GateState, role: str, person: str, digest: str) -> str | None:
    """Why a sign-off by this member cannot count beside those given; None where it does."""
    able = ", ".join(may_still_sign(spec, gate, role, digest))
    for given in gate.standing(digest):
        if given.person == person and given.role == role:
            return f"{person} has already signed for {role}; {able or 'nobody else'} may sign too"
        if given.person == person:
            return f"{person} has already signed for {given.role}; one person signs for one role"
    return None
