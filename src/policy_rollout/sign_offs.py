"""From proven attempts to decisions: signed, refused, withdrawn, waived, rejected. Pure.

Every attempt becomes exactly one event, also the refused ones, and seeing it twice decides
nothing twice. A sign-off whose signer may sign no longer is withdrawn, with the reason.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from datetime import datetime

from policy_rollout import events as ev
from policy_rollout.attempts import (
    Action,
    Attempt,
    Hearing,
    TakenBack,
    people_of_account,
    person_of,
    unheard,
)
from policy_rollout.fold import take_gate
from policy_rollout.gates import difference
from policy_rollout.program import GateState, ProgramState
from policy_rollout.sign_off_words import AskedWaiver, Words, read_words
from policy_rollout.signers import Bench, bench
from policy_rollout.spec.model import Spec
from policy_rollout.work import Kind, WorkItem

__all__ = [
    "Action",
    "Attempt",
    "Decided",
    "Hearing",
    "decisions",
    "people_of_account",
    "person_of",
    "unknown_names",
]

DIFFERENCES_SHOWN = 5
OUR_ACCOUNT = "this is the account of policy-rollout itself; sign with an account of your own"

Decided = ev.SignedOff | ev.SignOffRefused | ev.SignOffWithdrawn | ev.Rejected | ev.Waived


def decisions(hearing: Hearing, state: ProgramState) -> tuple[Decided, ...]:
    """What was not judged before, oldest first; `state` stays as it is.

    Before that, what no longer stands: an amended spec, or work done since, can bar a signer.
    """
    ahead = deepcopy(state)
    made: list[Decided] = []
    for lapsed in _lapses(hearing, ahead):
        take_gate(ahead, hearing.now, lapsed)
        made.append(lapsed)
    for answer in sorted(unheard(hearing, state), key=lambda each: (each.at, each.mark.zfill(20))):
        if answer.mark in ahead.histories:
            continue
        event = (
            _withdrawal(hearing.spec, ahead, answer)
            if isinstance(answer, TakenBack)
            else decide_attempt(hearing, ahead, answer)
        )
        if event is not None:
            take_gate(ahead, hearing.now, event)
            made.append(event)
    return tuple(made)


def _lapses(hearing: Hearing, state: ProgramState) -> Iterator[ev.SignOffWithdrawn]:
    """Sign-offs of waiting gates whose signers may sign no longer.

    Each is taken into `state` before the next one is looked for: of two gates that bar each
    other's signers, one sign-off stays.
    """
    for stage in state.waiting_stages:
        gate = state.gates[stage]
        given = [each for each in gate.sign_offs if each.round == gate.round]
        if not given:
            continue
        seat = bench(hearing.spec, state, stage, hearing.of(stage), gate.digest)
        for each in given:
            why = seat.why_lapsed(each)
            if why is not None:
                yield _lapsed(each, why, hearing.now)


def _lapsed(given: ev.SignedOff, why: str, now: datetime) -> ev.SignOffWithdrawn:
    return ev.SignOffWithdrawn(
        stage=given.stage,
        round=given.round,
        role=given.role,
        account=given.account,
        name=given.person,
        history_id=f"lapsed:{given.history_id}",
        at=now,
        signed=given.history_id,
        why=why,
    )


def decide_attempt(hearing: Hearing, state: ProgramState, attempt: Attempt) -> Decided:
    """What an attempt comes to, on the state as it is."""
    words = read_words(attempt.text)
    why = _why_unheard(hearing, state, attempt)
    if why is None and attempt.action is Action.WAIVE:
        return _waiver(hearing, state, attempt, words)
    digest = hearing.digests.get(attempt.stage)
    seat = bench(hearing.spec, state, attempt.stage, hearing.of(attempt.stage), digest)
    if why is None:
        why = _why_not(hearing, state, attempt, seat)
    if why is not None or attempt.person is None:
        return refusal(state, attempt, why or "")
    if attempt.action is Action.APPROVE:
        return _approval(state, attempt, seat, words, attempt.person)
    return _rejection(hearing, state, attempt, words, attempt.person)


def _why_unheard(hearing: Hearing, state: ProgramState, attempt: Attempt) -> str | None:
    """Why an attempt does not count whatever it says: nobody waits for it, or who is it?"""
    if state.gates[attempt.stage].passed_at is not None:
        return "the gate has passed; nothing more is asked of it"
    asked_of = hearing.spec.stages[attempt.stage].gate.sign_off
    if attempt.role not in asked_of and attempt.action is not Action.WAIVE:
        known = ", ".join(asked_of) or "nobody"
        return f"this gate asks for no sign-off by {attempt.role}; it asks for {known}"
    if attempt.via is ev.Via.JIRA and attempt.account == state.own_account:
        return OUR_ACCOUNT
    # By code as well: two names with one account may be one person, who signs for one role.
    shared = people_of_account(hearing.spec, state, attempt.account) if attempt.account else ()
    if len(shared) > 1:
        return f"this account is that of {' and '.join(shared)}, so it does not tell who signs"
    return attempt.unclear or None


def _why_not(hearing: Hearing, state: ProgramState, attempt: Attempt, seat: Bench) -> str | None:
    words = read_words(attempt.text)
    if attempt.action is Action.APPROVE:
        return (
            seat.why_not(attempt.role, attempt.person)
            or _stale(hearing, state, attempt)
            or _unclear(words)
            or _wrong_conditions(hearing, state, attempt, words)
        )
    if why := seat.why_no_say(attempt.role, attempt.person):
        return why
    if not words.reason:
        return "a rejection needs its reason in a comment; write one, then reject again"
    return None


def _unclear(words: Words) -> str | None:
    """An approval whose condition is not understood would be one without it."""
    if not words.unclear:
        return None
    form = "write it as `Condition for STAGE: what must be done`"
    return f"this line is not understood: {' '.join(words.unclear[0].split())[:200]}; {form}"


def _stale(hearing: Hearing, state: ProgramState, attempt: Attempt) -> str | None:
    """Why the text that was signed is not the one that stands now, with the difference."""
    gate, digest = state.gates[attempt.stage], hearing.digests.get(attempt.stage)
    if digest is None:
        return "the gate's criteria do not hold now; sign when it asks again"
    by_code = attempt.via is ev.Via.CODE
    shown = attempt.digest if by_code else _on_the_issue(gate, attempt)
    too_early = by_code and gate.ready_at is not None and attempt.at < gate.ready_at
    if gate.digest is None or shown not in gate.covers or (shown == gate.digest and too_early):
        return "it was not asked for yet; read what is asked now and sign then"
    if shown == digest == gate.digest:
        return None
    changed = difference(gate.covers[shown], hearing.covers[attempt.stage])
    told = "; ".join(changed[:DIFFERENCES_SHOWN])
    more = (
        f"; and {len(changed) - DIFFERENCES_SHOWN} more" if len(changed) > DIFFERENCES_SHOWN else ""
    )
    return "the text to sign has changed since; read the new one and sign again" + (
        f" ({told}{more})" if told else ""
    )


def _on_the_issue(gate: GateState, attempt: Attempt) -> str:
    """The digest that the sign-off issue carried at the time; empty where it carried none."""
    asked, before = gate.asked.get(attempt.role), gate.asked_before.get(attempt.role)
    latest = asked if asked is not None and attempt.at >= asked.at else before
    return latest.digest if latest is not None and attempt.at >= latest.at else ""


def _wrong_conditions(
    hearing: Hearing, state: ProgramState, attempt: Attempt, words: Words
) -> str | None:
    later = _behind(hearing.spec, attempt.stage)
    to_come = tuple(each for each in later if not state.passed(each))
    for condition in words.conditions:
        if condition.stage in later and condition.stage not in to_come:
            return (
                f"a condition names the gate {condition.stage!r}, which has passed; those that "
                f"are to come: {', '.join(to_come) or 'none'}"
            )
        if condition.stage not in later:
            return (
                f"a condition names the gate {condition.stage!r}, which does not come after this "
                f"one; those that do: {', '.join(later) or 'none'}"
            )
        if condition.team and condition.team not in hearing.spec.people:
            known = ", ".join(hearing.spec.people)
            return f"a condition names the team {condition.team!r}; known teams: {known}"
    return None


def _behind(spec: Spec, stage: str) -> tuple[str, ...]:
    """The stages that open only when the gate of this one has passed, however late it does."""
    behind = {stage}
    while more := {each for each in spec.stages if behind & {*spec.stages[each].after}} - behind:
        behind |= more
    return tuple(each for each in spec.stages if each in behind and each != stage)


def _approval(
    state: ProgramState, attempt: Attempt, seat: Bench, words: Words, person: str
) -> ev.SignedOff:
    return ev.SignedOff(
        stage=attempt.stage,
        round=state.gates[attempt.stage].round,
        role=attempt.role,
        person=person,
        account=attempt.account,
        digest=seat.digest or "",
        history_id=attempt.mark,
        at=attempt.at,
        via=attempt.via,
        stands_for=seat.stands_for(attempt.role, person),
        reason=words.reason,
        conditions=tuple(
            ev.Condition(stage=each.stage, team=each.team or attempt.role, text=each.text)
            for each in words.conditions
        ),
    )


def refusal(state: ProgramState, attempt: Attempt, why: str) -> ev.SignOffRefused:
    return ev.SignOffRefused(
        stage=attempt.stage,
        round=state.gates[attempt.stage].round,
        role=attempt.role,
        account=attempt.account,
        name=attempt.name,
        history_id=attempt.mark,
        at=attempt.at,
        why=why,
        via=attempt.via,
        action=attempt.action,
    )


def _rejection(
    hearing: Hearing, state: ProgramState, attempt: Attempt, words: Words, person: str
) -> ev.Rejected:
    gate = state.gates[attempt.stage]
    back = tuple(
        item
        for item in hearing.of(attempt.stage)
        if _is_named(item, state.issues.get(item.key), words)
    )
    late = is_late(state, attempt.stage, attempt.role, attempt.mark)
    return ev.Rejected(
        stage=attempt.stage,
        round=gate.round - 1 if late else gate.round,
        role=attempt.role,
        person=person,
        account=attempt.account,
        history_id=attempt.mark,
        at=attempt.at,
        reason=words.reason,
        sent_back=tuple(item.key for item in back),
        cells={item.key: state.of(item.key).cells for item in back if item.kind is not Kind.TASK},
        via=attempt.via,
        for_good=attempt.action is Action.REJECT_FOR_GOOD,
    )


def is_late(state: ProgramState, stage: str, role: str, mark: str) -> bool:
    """Whether the text that a rejection is about was that of the round before.

    A code tells which text it answers. On an issue it is the former one until this round has asked.
    """
    gate = state.gates[stage]
    code = next((each for each in state.codes if each.mark == mark), None)
    if code is None:
        return gate.round > 1 and role not in gate.asked
    shown = gate.covers.get(code.digest)
    return shown is not None and shown["round"] < gate.round


def _is_named(item: WorkItem, issue_key: str | None, words: Words) -> bool:
    """By its Jira key anywhere, or behind `Reopen:` by its id, its id and part, or its key."""
    if issue_key is not None and re.search(rf"\b{re.escape(issue_key)}\b", words.reason):
        return True
    named = {name.casefold() for name in words.reopen}
    return not named.isdisjoint(_names(item, issue_key))


def _names(item: WorkItem, issue_key: str | None) -> set[str]:
    return {each.casefold() for each in (item.key, item.short, item.item, issue_key or item.key)}


def unknown_names(
    items: Iterable[WorkItem], issues: Mapping[str, str], text: str
) -> tuple[str, ...]:
    """What stands behind `Reopen:` and names none of these items."""
    known = {name for item in items for name in _names(item, issues.get(item.key))}
    return tuple(name for name in read_words(text).reopen if name.casefold() not in known)


def _waiver(
    hearing: Hearing, state: ProgramState, attempt: Attempt, words: Words
) -> ev.Waived | ev.SignOffRefused:
    named = hearing.spec.stages[attempt.stage].gate.waivers
    if attempt.person is None or attempt.person not in named:
        who = ", ".join(named) or "nobody: the spec names no waivers for it"
        return refusal(state, attempt, f"criteria of this gate may be waived by {who}")
    if len(words.waivers) != 1:
        why = "write one line such as `Waive tasks until 2026-12-31: the reason`"
        return refusal(state, attempt, why)
    asked = words.waivers[0]
    why_wrong = _wrong_waiver(hearing, attempt, asked)
    if why_wrong is not None:
        return refusal(state, attempt, why_wrong)
    return ev.Waived(
        stage=attempt.stage,
        criterion=asked.criterion,
        person=attempt.person,
        account=attempt.account,
        reason=asked.reason,
        until=asked.until,
        history_id=attempt.mark,
        at=attempt.at,
        via=attempt.via,
    )


def _wrong_waiver(hearing: Hearing, attempt: Attempt, asked: AskedWaiver) -> str | None:
    names = [each.name for each in hearing.judged.get(attempt.stage, ())]
    if asked.criterion not in names:
        known = ", ".join(names) or "none"
        return f"there is no criterion {asked.criterion!r} at this gate; its criteria: {known}"
    today = hearing.now.astimezone(hearing.spec.timeline.timezone).date()
    if asked.until < today:
        return f"the waiver ended on {asked.until}, before today; give a later day"
    return None


def _withdrawal(spec: Spec, state: ProgramState, taken: TakenBack) -> ev.SignOffWithdrawn | None:
    """Only where a sign-off of this round brought the issue to the status that it leaves.

    Where a role needs several, members open the issue again to sign after each other: a sign-off
    is then taken back by nobody but who gave it.
    """
    gate = state.gates[taken.stage]
    given = {each.history_id for each in gate.sign_offs if each.round == gate.round}
    if taken.undone is None or taken.undone.history_id not in given:
        return None
    several = spec.stages[taken.stage].gate.sign_off[taken.role] > 1
    if several and taken.account != taken.undone.account:
        return None
    return ev.SignOffWithdrawn(
        stage=taken.stage,
        round=gate.round,
        role=taken.role,
        account=taken.account,
        name=taken.name,
        history_id=taken.mark,
        at=taken.at,
        signed=taken.undone.history_id,
    )
