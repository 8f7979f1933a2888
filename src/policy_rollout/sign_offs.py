"""From the changelog of the sign-off issues to decisions: signed, refused, rejected. Pure.

The signer is the author of the transition, as Jira's changelog gives it; every attempt
becomes exactly one event, also the refused ones. A transition is known by its changelog id, so
seeing it twice decides nothing twice.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta

from policy_rollout import events as ev
from policy_rollout.gates import why_no_say, why_not
from policy_rollout.observed import Comment, Transition, World
from policy_rollout.program import GateState, ProgramState, take_gate
from policy_rollout.spec.model import Spec
from policy_rollout.work import Kind, State, WorkItem, sign_off_key

REASON_WITHIN = timedelta(minutes=10)
"""How long a rejection waits for its comment, and how much earlier the comment may stand."""
OUR_ACCOUNT = "this is the account of policy-rollout itself; sign with an account of your own"


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
    for transition in sorted(hearing.world.transitions, key=_in_order):
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
    ours = transition.account == state.own_account
    if transition.to_state is not State.DONE:
        return None if ours else _withdrawal(hearing, state, transition, desk)
    people = _people(state, transition.account)
    why = OUR_ACCOUNT if ours else why_no_say(hearing.spec, desk.role, people)
    if why is not None:
        return _refusal(state, transition, desk, why)
    if transition.to_status.casefold() == hearing.rejected_status.casefold():
        return _rejection(hearing, state, transition, desk)
    gate = state.gates[desk.stage]
    why = why_not(hearing.spec, gate, desk.role, people[0], desk.digest)
    why = why or _why_void(gate, transition, desk)
    if why is not None:
        return _refusal(state, transition, desk, why)
    return ev.SignedOff(
        stage=desk.stage,
        round=gate.round,
        role=desk.role,
        person=people[0],
        account=transition.account,
        digest=desk.digest,
        history_id=transition.history_id,
        at=transition.at,
    )


def _people(state: ProgramState, account: str) -> tuple[str, ...]:
    return tuple(person for person, known in state.accounts.items() if known == account)


def _why_void(gate: GateState, transition: Transition, desk: Desk) -> str | None:
    """Why it is no answer to what the gate asks now."""
    if not desk.digest:
        return "the gate's criteria do not hold now; sign when it asks again"
    asked = gate.asked.get(desk.role)
    if asked is None:
        return "it was not asked for yet; read what is asked now and sign then"
    if asked.digest != desk.digest or transition.at < asked.at:
        return "the text to sign has changed since; read the new one and sign again"
    return None


def _withdrawal(
    hearing: Hearing, state: ProgramState, transition: Transition, desk: Desk
) -> ev.SignOffWithdrawn | None:
    """Only where the issue was brought by a sign-off of this round to the status it leaves.

    Where a role needs several, members open the issue again to sign after each other: a sign-off
    is then taken back by nobody but who gave it.
    """
    gate = state.gates[desk.stage]
    undone = _before(hearing.world.transitions, transition)
    given = {each.history_id for each in gate.sign_offs if each.round == gate.round}
    if undone is None or undone.history_id not in given:
        return None
    several = hearing.spec.stages[desk.stage].gate.sign_off[desk.role] > 1
    if several and transition.account != undone.account:
        return None
    return ev.SignOffWithdrawn(
        stage=desk.stage,
        round=gate.round,
        role=desk.role,
        account=transition.account,
        name=transition.name,
        history_id=transition.history_id,
        at=transition.at,
        signed=undone.history_id,
    )


def _in_order(transition: Transition) -> tuple[datetime, str]:
    return transition.at, transition.history_id.zfill(20)


def _before(transitions: Iterable[Transition], this: Transition) -> Transition | None:
    """The change of status of the same issue that came right before."""
    earlier = [
        each
        for each in transitions
        if each.issue_key == this.issue_key and _in_order(each) < _in_order(this)
    ]
    return max(earlier, key=_in_order, default=None)


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
    hearing: Hearing, state: ProgramState, transition: Transition, desk: Desk
) -> ev.Rejected | ev.SignOffRefused | None:
    gate = state.gates[desk.stage]
    asked = gate.asked.get(desk.role)
    undone_at = _undone_at(hearing.world.transitions, transition)
    reason = _reason_for(hearing.world.comments, transition, asked, undone_at)
    if reason is None and undone_at is not None:
        why = "it was taken back before its reason stood in a comment"
        return _refusal(state, transition, desk, why)
    if reason is None and hearing.now - transition.at < REASON_WITHIN:
        return None  # its author may still be writing
    if reason is None:
        why = "a rejection needs its reason in a comment; write one, then reject again"
        return _refusal(state, transition, desk, why)
    mine = tuple(item for item in hearing.items if item.stage == desk.stage)
    back = tuple(item for item in mine if _is_named(item, state.issues.get(item.key), reason.text))
    # Where this round has not asked yet, the text that was read is that of the round before.
    late = asked is None and gate.rejections
    return ev.Rejected(
        stage=desk.stage,
        round=gate.rejections[-1].round if late else gate.round,
        role=desk.role,
        person=_people(state, transition.account)[0],
        account=transition.account,
        history_id=transition.history_id,
        at=transition.at,
        reason=reason.text,
        sent_back=tuple(item.key for item in back),
        cells={item.key: state.of(item.key).cells for item in back if item.kind is not Kind.TASK},
    )


def _undone_at(transitions: Iterable[Transition], this: Transition) -> datetime | None:
    """When the issue left the status that it was brought to."""
    later = (
        each.at
        for each in transitions
        if each.issue_key == this.issue_key and _in_order(each) > _in_order(this)
    )
    return min(later, default=None)


def _reason_for(
    comments: Iterable[Comment],
    transition: Transition,
    asked: ev.SignOffAsked | None,
    undone_at: datetime | None,
) -> Comment | None:
    """The signer's own comment nearest to the transition, on the text that was asked for."""
    first = transition.at - REASON_WITHIN
    if asked is not None and asked.at <= transition.at:
        first = max(first, asked.at)  # an earlier one was the reason of an earlier round
    last = transition.at + REASON_WITHIN
    if undone_at is not None:
        last = min(last, undone_at)
    near = [
        each
        for each in comments
        if each.issue_key == transition.issue_key
        and each.account == transition.account
        and first <= each.at <= last
    ]
    return min(near, key=lambda each: abs(each.at - transition.at), default=None)


_REOPEN = re.compile(r"(?im)\b(?:reopen|redo)\s*:\s*(.+)$")


def names_to_reopen(text: str) -> Iterator[str]:
    """What stands behind `Reopen:` in a comment, separated by commas or blanks."""
    for found in _REOPEN.finditer(text):
        names = (name.strip(".;:`'\"") for name in re.split(r"[\s,]+", found[1]))
        yield from (name for name in names if name)


def _is_named(item: WorkItem, issue_key: str | None, text: str) -> bool:
    """By its Jira key anywhere, or behind `Reopen:` by its id, its id and part, or its key."""
    if issue_key is not None and re.search(rf"\b{re.escape(issue_key)}\b", text):
        return True
    named = {name.casefold() for name in names_to_reopen(text)}
    return not named.isdisjoint(_names(item, issue_key))


def _names(item: WorkItem, issue_key: str | None) -> set[str]:
    return {each.casefold() for each in (item.key, item.short, item.item, issue_key or item.key)}


def unknown_names(
    items: Iterable[WorkItem], issues: Mapping[str, str], text: str
) -> tuple[str, ...]:
    """What stands behind `Reopen:` and names none of these items."""
    known = {name for item in items for name in _names(item, issues.get(item.key))}
    return tuple(name for name in names_to_reopen(text) if name.casefold() not in known)
