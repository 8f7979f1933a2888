"""From the changelog of the sign-off issues to decisions: signed, refused, rejected. Pure.

The signer is the author of the transition, as Jira's changelog gives it; every attempt
becomes exactly one event, also the refused ones. A transition is known by its changelog id, so
seeing it twice decides nothing twice.
"""

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta

from policy_rollout import events as ev
from policy_rollout.gates import why_not
from policy_rollout.observed import Comment, Transition, World
from policy_rollout.program import ProgramState, take_gate
from policy_rollout.spec.model import Spec
from policy_rollout.work import Kind, State, WorkItem, sign_off_key

REASON_WITHIN = timedelta(minutes=10)
"""How long a rejection waits for its comment, and how much earlier the comment may stand."""


@dataclass(frozen=True, slots=True)
class Desk:
    """One sign-off issue: whose role of which stage it is, and what is signed there."""

    stage: str
    role: str
    issue_key: str
    digest: str


@dataclass(frozen=True, slots=True)
class Hearing:
    """Everything a decision looks at; `digests` has the current one of each gate that holds."""

    spec: Spec
    world: World
    items: tuple[WorkItem, ...]
    digests: dict[str, str]
    rejected_status: str
    now: datetime


def decisions(hearing: Hearing, state: ProgramState) -> tuple[ev.Event, ...]:
    """What the changelogs say that was not judged before, oldest first; `state` stays as it is."""
    ahead = deepcopy(state)
    desks = _desks(hearing, state)
    made: list[ev.Event] = []
    for transition in sorted(
        hearing.world.transitions, key=lambda each: (each.at, each.history_id)
    ):
        desk = desks.get(transition.issue_key)
        if desk is None or transition.history_id in ahead.histories:
            continue
        event = _decide(hearing, ahead, transition, desk)
        if event is not None:
            take_gate(ahead, hearing.now, event)
            made.append(event)
    return tuple(made)


def _desks(hearing: Hearing, state: ProgramState) -> dict[str, Desk]:
    desks, spec = {}, hearing.spec
    for stage in state.waiting_stages:
        for role in spec.stages[stage].gate.sign_off:
            issue_key = state.issues.get(sign_off_key(spec.program, stage, role))
            if issue_key is not None:
                desks[issue_key] = Desk(stage, role, issue_key, hearing.digests.get(stage, ""))
    return desks


GateDecision = ev.SignedOff | ev.SignOffRefused | ev.SignOffWithdrawn | ev.Rejected


def _decide(
    hearing: Hearing, state: ProgramState, transition: Transition, desk: Desk
) -> GateDecision | None:
    if transition.account == state.own_account:
        return None
    gate = state.gates[desk.stage]
    if transition.to_state is not State.DONE:
        return _withdrawal(state, transition, desk)
    person = _person(state, transition.account)
    asked = gate.asked.get(desk.role)
    stale = (
        not desk.digest or asked is None or asked.digest != desk.digest or transition.at < asked.at
    )
    rejecting = transition.to_status.casefold() == hearing.rejected_status.casefold()
    why = why_not(hearing.spec, gate, desk.role, person, desk.digest)
    if why is None and not rejecting and not desk.digest:
        why = "the gate's criteria do not hold now; sign when it asks again"
    elif why is None and not rejecting and stale:
        why = "the text to sign has changed since; read the new one and sign again"
    if why is not None or person is None:
        return _refusal(state, transition, desk, why or "nobody")
    if not rejecting:
        return ev.SignedOff(
            stage=desk.stage,
            round=gate.round,
            role=desk.role,
            person=person,
            account=transition.account,
            digest=desk.digest,
            history_id=transition.history_id,
            at=transition.at,
        )
    return _rejection(hearing, state, transition, desk, person)


def _person(state: ProgramState, account: str) -> str | None:
    found = [person for person, known in state.accounts.items() if known == account]
    return found[0] if len(found) == 1 else None


def _withdrawal(
    state: ProgramState, transition: Transition, desk: Desk
) -> ev.SignOffWithdrawn | None:
    gate = state.gates[desk.stage]
    if not any(each.role == desk.role for each in gate.standing(desk.digest)):
        return None
    return ev.SignOffWithdrawn(
        stage=desk.stage,
        round=gate.round,
        role=desk.role,
        account=transition.account,
        name=transition.name,
        history_id=transition.history_id,
        at=transition.at,
    )


def _refusal(
    state: ProgramState, transition: Transition, desk: Desk, why: str
) -> ev.SignOffRefused:
    return ev.SignOffRefused(
        stage=desk.stage,
        round=state.gates[desk.stage].round,
        role=desk.role,
        account=transition.account,
        name=transition.name,
        history_id=transition.history_id,
        at=transition.at,
        why=why,
    )


def _rejection(
    hearing: Hearing, state: ProgramState, transition: Transition, desk: Desk, person: str
) -> ev.Rejected | ev.SignOffRefused | None:
    comment = _reason_for(hearing.world.comments, transition)
    if comment is None and hearing.now - transition.at < REASON_WITHIN:
        return None  # its author may still be writing
    if comment is None:
        why = "a rejection needs its reason in a comment; write one, then reject again"
        return _refusal(state, transition, desk, why)
    mine = tuple(item for item in hearing.items if item.stage == desk.stage)
    back = tuple(item for item in mine if _is_named(item, state.issues.get(item.key), comment.text))
    return ev.Rejected(
        stage=desk.stage,
        round=state.gates[desk.stage].round,
        role=desk.role,
        person=person,
        account=transition.account,
        history_id=transition.history_id,
        at=transition.at,
        reason=comment.text,
        sent_back=tuple(item.key for item in back),
        cells={item.key: state.of(item.key).cells for item in back if item.kind is not Kind.TASK},
    )


def _reason_for(comments: tuple[Comment, ...], transition: Transition) -> Comment | None:
    """The signer's own comment nearest to the transition."""
    near = [
        each
        for each in comments
        if each.issue_key == transition.issue_key
        and each.account == transition.account
        and abs(each.at - transition.at) <= REASON_WITHIN
    ]
    return min(near, key=lambda each: abs(each.at - transition.at), default=None)


_REOPEN = re.compile(r"(?im)\b(?:reopen|redo)\s*:\s*(.+)$")


def names_to_reopen(text: str) -> Iterator[str]:
    """What stands behind `Reopen:` in a comment, separated by commas or blanks."""
    for found in _REOPEN.finditer(text):
        yield from (name.strip(".;") for name in re.split(r"[\s,]+", found[1]) if name.strip(".;"))


def _is_named(item: WorkItem, issue_key: str | None, text: str) -> bool:
    """By its Jira key anywhere, or behind `Reopen:` by its id, its id and part, or its key."""
    if issue_key is not None and re.search(rf"\b{re.escape(issue_key)}\b", text):
        return True
    return bool({item.key, item.short, item.item} & set(names_to_reopen(text)))
