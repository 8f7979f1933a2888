"""A plan as a file: JSON with the digest of each of its parts, and what has changed since. Pure.

A digest shows an edit by hand. It proves nothing against somebody who writes a new one, so
nothing of a saved plan is carried out on its word: the plan is made anew from its spec text, and
only where it comes out the same it is applied.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from policy_rollout.errors import ExitCode, RolloutError
from policy_rollout.events import Amended
from policy_rollout.planned import SPOKEN, Planned
from policy_rollout.preview import Preview
from policy_rollout.program import Recorded

VERSION = 1
TOLD = 20
NOTED = frozenset(
    {"work_seen", "oddities_seen", "resumed", "trouble_met", "trouble_over", "said", "reminded"}
    | {"notice_intended", "notice_sent", "writes_intended", "writes_settled"}
    | {"run_lost", "run_found", "taken_up"}
)
"""Kinds of journal entries that decide nothing: a plan that comes out the same outlives them."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Amendment(_Part):
    """The spec that a plan brings; `by` and `reason` may still be empty, and given by who applies.

    `reopen` names passed stages that begin a new round.
    """

    spec_text: str
    spec_path: str
    reopen: tuple[str, ...] = ()
    by: str = ""
    reason: str = ""


class Head(_Part):
    """The end of the journal when the plan was made: its last entry's number and hash."""

    entries: int
    digest: str


class Site(_Part):
    """Where the program's work lives; `workflow` has what each status means, by issue type."""

    project: str
    workbook: str
    workflow: dict[str, str]


class FieldText(_Part):
    name: str
    before: str
    after: str


class ChangeText(_Part):
    type: str
    key: str
    where: str
    title: str
    fields: tuple[FieldText, ...]

    def told(self) -> str:
        shown = ", ".join(
            f"{each.name} {_short(each.before)} → {_short(each.after)}" for each in self.fields
        )
        return f"{self.type}{f' ({shown})' if shown else ''}"


def _short(text: str, longest: int = 60) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= longest else f"{line[:longest]}…")


class SavedPlan(_Part):
    """`changes` are all but what is said to people, `follows` the stages and sign-offs moved."""

    format: Literal["policy-rollout plan"] = "policy-rollout plan"
    version: int = VERSION
    program: str
    made_at: datetime
    journal: Head
    site: Site
    amendment: Amendment | None
    changes: tuple[ChangeText, ...]
    follows: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Consent:
    """Who wants a plan carried out: `by` and `reason` are claims, `actor` is this machine's user.

    `allow_closures` says that closing much, or touching finished work, is meant.
    """

    actor: str
    by: str
    reason: str
    allow_closures: bool


class PlanUnreadable(RolloutError):
    exit_code = ExitCode.WRONG_USAGE

    def __init__(self, path: str, found: str) -> None:
        super().__init__(
            f"{path}: found {found}, expected a plan as `rollout plan SPEC --out FILE` saves it; "
            "make the plan again"
        )


class PlanEdited(RolloutError):
    """`parts` are the names of what was changed in the file."""

    def __init__(self, path: str, parts: Iterable[str]) -> None:
        self.parts = tuple(parts)
        super().__init__(
            f"{path}: found a plan that was changed after it was saved, in "
            f"{', '.join(self.parts)}; nothing was done. Change the spec instead, and make the "
            "plan again"
        )


class PlanOutdated(RolloutError):
    """The world, the spec or the journal is not as it was planned; one line each."""

    def __init__(self, program: str, made_at: datetime, differences: Iterable[str]) -> None:
        self.differences = tuple(differences)
        lines = [f"  - {each}" for each in self.differences[:TOLD]]
        if len(self.differences) > TOLD:
            lines.append(f"  - and {len(self.differences) - TOLD} more")
        listed = "\n".join(lines)
        super().__init__(
            f"the plan for {program!r} of {made_at:%Y-%m-%d %H:%M} UTC does not fit any more, "
            f"nothing was done:\n{listed}\nMake the plan again"
        )


class PlanApplied(RolloutError):
    """Since the plan was made, `by` amended the program just so, with entry `record`."""

    def __init__(self, program: str, record: Recorded, by: str) -> None:
        super().__init__(
            f"found a plan for {program!r} that was applied already, on "
            f"{record.at:%Y-%m-%d %H:%M} UTC by {by} (journal entry {record.sequence}); "
            "nothing was done. To bring about again what has changed since, make the plan again"
        )


def change_texts(changes: Iterable[Planned]) -> tuple[ChangeText, ...]:
    return tuple(
        ChangeText(
            type=each.what,
            key=each.key,
            where=each.where,
            title=each.title,
            fields=tuple(
                FieldText(name=one.name, before=one.before, after=one.after) for one in each.fields
            ),
        )
        for each in changes
    )


def held_changes(preview: Preview) -> tuple[ChangeText, ...]:
    """The changes that a saved plan holds to: reminders become due by the time alone."""
    return change_texts(each for each in preview.changes if each.what not in SPOKEN)


def follows_of(preview: Preview) -> dict[str, tuple[str, ...]]:
    found = preview.follows
    return {
        "stages opened": found.opens,
        "gates passed": found.passes,
        "stages reopened": found.reopened,
        "sign-offs voided": tuple(
            f"{each.person} for {each.role} at {each.stage}" for each in found.voided
        ),
    }


def text_of(plan: SavedPlan) -> str:
    """The file."""
    body = plan.model_dump(mode="json")
    return json.dumps({**body, "digests": _digests(body)}, indent=2, ensure_ascii=False) + "\n"


def read_plan(text: str, path: str) -> SavedPlan:
    """The plan of a file.

    Raises:
        PlanUnreadable: it is none, or one of another version.
        PlanEdited: a part is not what was saved.
    """
    body = _body(text, path)
    digests = body.pop("digests", None)
    if not isinstance(digests, dict):
        raise PlanUnreadable(path, "no digests")
    found = _digests(body)
    edited = [
        each for each in dict.fromkeys([*found, *digests]) if found.get(each) != digests.get(each)
    ]
    if edited:
        raise PlanEdited(path, edited)
    try:
        return SavedPlan.model_validate(body)
    except ValidationError as error:
        place = ".".join(str(each) for each in error.errors()[0]["loc"])
        raise PlanUnreadable(path, f"{place}: {error.errors()[0]['msg']}") from None


def _body(text: str, path: str) -> dict[str, Any]:
    try:
        body = json.loads(text)
    except ValueError:
        raise PlanUnreadable(path, "a text that is no JSON") from None
    if not isinstance(body, dict) or body.get("format") != "policy-rollout plan":
        raise PlanUnreadable(path, "no plan")
    if body.get("version") != VERSION:
        raise PlanUnreadable(path, f"a plan of version {body.get('version')!r}, not {VERSION}")
    return body


def _digests(body: Mapping[str, Any]) -> dict[str, str]:
    return {name: _digest(part) for name, part in body.items()}


def _digest(part: object) -> str:
    text = json.dumps(part, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Since:
    """The journal behind the entry where a plan's journal ended.

    `digest_then` is the hash of that entry as it is now; empty where there is none.
    """

    digest_then: str
    records: tuple[Recorded, ...]


def outdated(plan: SavedPlan, since: Since) -> Iterator[str]:
    """One line for everything decided since the plan was made."""
    if since.digest_then != plan.journal.digest:
        yield (
            f"journal: entry {plan.journal.entries} was planned on {plan.journal.digest[:12]}, "
            f"is now {since.digest_then[:12] or 'not there'}: another history"
        )
    for record in since.records:
        if record.event.kind not in NOTED:
            kind = record.event.kind.replace("_", " ")
            who = getattr(record.event, "by", "") or record.actor
            yield f"journal: entry {record.sequence} was written since: {kind}, by {who}"


def amendments_made(plan: SavedPlan, since: Since) -> Iterator[tuple[Recorded, Amended]]:
    """The entries since the plan was made that amend the program just as it would."""
    if plan.amendment is None:
        return
    wanted = (plan.amendment.spec_text, set(plan.amendment.reopen))
    for record in since.records:
        event = record.event
        if isinstance(event, Amended) and (event.spec_text, set(event.reopened)) == wanted:
            yield record, event


def differences(plan: SavedPlan, now: SavedPlan) -> Iterator[str]:
    """One line for everything that does not come out as it was planned."""
    yield from _changes(plan.changes, now.changes)
    for name, then in plan.follows.items():
        is_now = now.follows.get(name, ())
        if then != is_now:
            yield f"{name}: was planned: {_listed(then)}; is now: {_listed(is_now)}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


def moved_house(then: Site, now: Site) -> Iterator[str]:
    """One line for everything that is another place than the plan was made for."""
    if then.project != now.project:
        yield f"Jira project: was planned for {then.project}, is now {now.project}"
    if then.workbook != now.workbook:
        yield f"workbook: was planned for {then.workbook}, is now {now.workbook}"
    for status, meaning in then.workflow.items():
        if now.workflow.get(status) != meaning:
            is_now = now.workflow.get(status, "not in the workflow")
            yield (
                f"workflow of {now.project}: status {status} was planned as {meaning}, "
                f"is now {is_now}"
            )


def _changes(then: tuple[ChangeText, ...], now: tuple[ChangeText, ...]) -> Iterator[str]:
    planned = {_name(each): each for each in then}
    found = {_name(each): each for each in now}
    for name in dict.fromkeys([*planned, *found]):
        was, is_now = planned.get(name), found.get(name)
        if was == is_now:
            continue
        one = was or is_now
        if one is not None:
            where = one.where if one.where == one.key else f"{one.where} ({one.key})"
            yield (
                f"{where}, {one.title}: was planned: {was.told() if was else 'nothing'}; "
                f"is now: {is_now.told() if is_now else 'nothing'}"
            )


def _name(change: ChangeText) -> tuple[str, str, str]:
    link = change.fields[0].after if change.type == "link" and change.fields else ""
    return change.type, change.key, link
