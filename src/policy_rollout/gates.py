"""Criteria and sign-offs: what a gate sees, what it asks a signer for, whether it passes. Pure.

What a digest covers is defined here and nowhere else, in `covered`.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
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

    `name` is what it is about ("tasks", "training in ja-JP"), `asks` what it requires, `by_part`
    has met and total by language or market. With a `waiver` it holds whatever it saw.
    """

    name: str
    asks: str
    total: int
    met: int
    open: tuple[OpenItem, ...]
    by_part: tuple[tuple[str, int, int], ...] = ()
    waiver: ev.Waived | None = None

    @property
    def answer(self) -> Answer:
        if self.waiver is not None:
            return Answer.HOLDS
        answers = {each.answer for each in self.open}
        if Answer.FAILS in answers:
            return Answer.FAILS
        return Answer.CANNOT_TELL if answers else Answer.HOLDS


CONDITIONS = "conditions"
"""The criterion over what earlier approvals asked for; always required."""


def judge(
    spec: Spec, stage: str, items: Iterable[WorkItem], seen: Callable[[str], ev.Seen]
) -> tuple[Judged, ...]:
    """Every criterion of a stage's gate over `items`, which are the stage's own."""
    require = spec.stages[stage].gate.require
    by_kind: dict[Kind, list[WorkItem]] = {kind: [] for kind in Kind}
    asked_for: list[WorkItem] = []
    for item in items:
        (asked_for if item.is_condition else by_kind[item.kind]).append(item)
    judged: list[Judged] = []
    if asked_for:
        judged.append(_all_done(CONDITIONS, asked_for, seen))
    if require.tasks == "done" and by_kind[Kind.TASK]:
        judged.append(_all_done("tasks", by_kind[Kind.TASK], seen))
    if isinstance(require.training, TrainingTarget) and by_kind[Kind.TRAINING]:
        judged.extend(_training(require.training, by_kind[Kind.TRAINING], seen))
    if require.checklists == "done":
        for name, listed in _grouped(by_kind[Kind.CHECKLIST], lambda item: item.item):
            judged.append(_all_done(f"checklist {name}", listed, seen))
    return tuple(judged)


def waived(
    judged: Iterable[Judged], waivers: Mapping[str, ev.Waived], today: date
) -> tuple[Judged, ...]:
    """The criteria with the waivers that have not expired: those hold, and say by whom."""
    return tuple(
        replace(each, waiver=waivers[each.name])
        if each.open and each.name in waivers and waivers[each.name].until >= today
        else each
        for each in judged
    )


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
    return _judged(name, "all done", items, still_open)


def _judged(name: str, asks: str, items: list[WorkItem], still_open: list[OpenItem]) -> Judged:
    missing = {each.item.key for each in still_open}
    by_part = tuple(
        (part, sum(item.key not in missing for item in grouped), len(grouped))
        for part, grouped in _grouped((item for item in items if item.part), lambda i: i.part or "")
    )
    met = len(items) - len(still_open)
    return Judged(name, asks, len(items), met, tuple(still_open), by_part)


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
    return _judged(name, asks, rows, still_open)


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
        "policy": spec.policy.model_dump(mode="json", exclude_defaults=True),
        "timeline": timeline,
        "stage": stage,
        "round": gate_round,
        "gate": spec.stages[stage].gate.model_dump(mode="json", exclude_defaults=True),
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
            {
                "criterion": each.name,
                "asks": each.asks,
                "answer": str(each.answer),
                "met": each.met,
                "waived_by": each.waiver.person if each.waiver else "",
                **_waiver_words(each.waiver),
            }
            for each in judged
        ],
    }


def _waiver_words(waiver: ev.Waived | None) -> dict[str, str]:
    if waiver is None:
        return {}
    return {"waived_until": waiver.until.isoformat(), "waived_because": waiver.reason}


def digest_of(what: dict[str, Any]) -> str:
    """SHA-256 (hex) over the canonical JSON of what is covered."""
    text = json.dumps(what, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def held_by(spec: Spec, passed: Callable[[str], bool], stage: str) -> tuple[str, ...]:
    """Stages before this one, however far, whose gates have not passed: its own cannot before.

    A stage opens after they have; an amendment may open one of them again, or put a new one in
    between.
    """
    before: set[str] = set()
    left = [*spec.stages[stage].after]
    while left:
        each = left.pop()
        if each not in before:
            before.add(each)
            left += spec.stages[each].after
    return tuple(each for each in spec.stages if each in before and not passed(each))


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


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, ...]:
    """What changed between two covered texts, one sentence each, in the order of the text."""
    found: list[str] = []
    for name in ("title", "policy", "timeline", "gate", "round"):
        before, after = old.get(name), new.get(name)
        if isinstance(before, dict) and isinstance(after, dict):
            found += [
                f"{name}.{part}: was {_words(before.get(part))}, is {_words(after.get(part))}"
                for part in dict.fromkeys([*before, *after])
                if before.get(part) != after.get(part)
            ]
        elif before != after:
            found.append(f"{name}: was {_words(before)}, is {_words(after)}")
    found += _differing(old, new, "work", "key")
    found += _differing(old, new, "evidence", "criterion")
    return tuple(found)


def _differing(
    old: Mapping[str, Any], new: Mapping[str, Any], part: str, name: str
) -> Iterator[str]:
    before = {each[name]: each for each in old.get(part, ())}
    after = {each[name]: each for each in new.get(part, ())}
    yield from (f"{key}: new" for key in after if key not in before)
    yield from (f"{key}: gone" for key in before if key not in after)
    for key, is_now in after.items():
        was = before.get(key, is_now)
        yield from (
            f"{key}, {field}: was {_words(was.get(field))}, is {_words(text)}"
            for field, text in is_now.items()
            if was.get(field) != text
        )


def _words(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
