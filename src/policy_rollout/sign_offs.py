"""From proven attempts to decisions: signed, refused, withdrawn, waived, rejected. Pure.

An attempt is proven in one of two ways that count the same: a transition of a sign-off issue,
whose author Jira's changelog gives, or a one-time code from the signer's authenticator. Every
attempt becomes exactly one event, also the refused ones. It is known by its mark (changelog id,
comment id or code), so seeing it twice decides nothing twice.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from policy_rollout import events as ev
from policy_rollout.gates import Judged, difference
from policy_rollout.observed import AnswerStatuses, Comment, Transition, World
from policy_rollout.program import ProgramState, take_gate
from policy_rollout.sign_off_words import AskedWaiver, Words, read_words
from policy_rollout.signers import Bench, bench
from policy_rollout.spec.model import Spec
from policy_rollout.work import Kind, State, WorkItem, sign_off_key

REASON_WITHIN = timedelta(minutes=10)
"""How long a rejection waits for its comment, and how much earlier a comment may stand."""
DIFFERENCES_SHOWN = 5
OUR_ACCOUNT = "this is the account of policy-rollout itself; sign with an account of your own"


class Action(StrEnum):
    """What a signer may answer; the words are those of the Resume form and of `rollout sign`."""

    APPROVE = "approve"
    ASK_FOR_CHANGES = "ask for changes"
    REJECT_FOR_GOOD = "reject for good"
    WAIVE = "waive a criterion"


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody's proven answer at a gate; `person` is None for an account outside the program.

    `digest` is the one the signer was shown, where the proof carries it.
    """

    stage: str
    role: str
    action: Action
    person: str | None
    account: str
    name: str
    text: str
    mark: str
    at: datetime
    via: ev.Via
    digest: str | None


@dataclass(frozen=True, slots=True)
class Hearing:
    """Everything a decision looks at; `digests` has the current one of each gate that holds."""

    spec: Spec
    world: World
    items: tuple[WorkItem, ...]
    judged: dict[str, tuple[Judged, ...]]
    digests: dict[str, str]
    statuses: AnswerStatuses
    now: datetime

    def of(self, stage: str) -> tuple[WorkItem, ...]:
        return tuple(item for item in self.items if item.stage == stage)


Decided = ev.SignedOff | ev.SignOffRefused | ev.SignOffWithdrawn | ev.Rejected | ev.Waived


def decisions(hearing: Hearing, state: ProgramState) -> tuple[Decided, ...]:
    """What was not judged before, oldest first; `state` stays as it is."""
    ahead = deepcopy(state)
    made: list[Decided] = []
    for answer in sorted(_unheard(hearing, state), key=lambda each: (each.at, each.mark.zfill(20))):
        if answer.mark in ahead.histories:
            continue
        event = (
            _withdrawal(hearing.spec, ahead, answer)
            if isinstance(answer, _TakenBack)
            else decide_attempt(hearing, ahead, answer)
        )
        if event is not None:
            take_gate(ahead, hearing.now, event)
            made.append(event)
    return tuple(made)


@dataclass(frozen=True, slots=True)
class _TakenBack:
    """A sign-off issue was moved away from its answer."""

    stage: str
    role: str
    account: str
    name: str
    mark: str
    at: datetime
    undone: Transition | None


def _unheard(hearing: Hearing, state: ProgramState) -> Iterator[Attempt | _TakenBack]:
    desks = _desks(hearing.spec, state)
    for transition in hearing.world.transitions:
        desk = desks.get(transition.issue_key)
        if desk is not None and transition.history_id not in state.histories:
            yield from _from_transition(hearing, state, transition, *desk)
    for comment in hearing.world.comments:
        desk = desks.get(comment.issue_key)
        if desk is not None and comment.account != state.own_account:
            yield from _from_comment(state, comment, *desk)
    for code in state.unjudged_codes:
        if code.stage in state.waiting_stages:
            yield _from_code(code, state)


def _desks(spec: Spec, state: ProgramState) -> dict[str, tuple[str, str]]:
    """Jira key of each sign-off issue of a waiting gate to its stage and role."""
    return {
        state.issues[key]: (stage, role)
        for stage in state.waiting_stages
        for role in spec.stages[stage].gate.sign_off
        if (key := sign_off_key(spec.program, stage, role)) in state.issues
    }


def _from_transition(
    hearing: Hearing, state: ProgramState, transition: Transition, stage: str, role: str
) -> Iterator[Attempt | _TakenBack]:
    all_moves = hearing.world.transitions
    if transition.to_state is not State.DONE:
        if transition.account != state.own_account:
            yield _TakenBack(
                stage=stage,
                role=role,
                account=transition.account,
                name=transition.name,
                mark=transition.history_id,
                at=transition.at,
                undone=_before(all_moves, transition),
            )
        return
    rejecting = hearing.statuses.rejects(transition.to_status)
    asked = state.gates[stage].asked.get(role)
    undone_at = _undone_at(all_moves, transition)
    comment = _comment_beside(hearing.world.comments, transition, asked, undone_at)
    waits = rejecting and comment is None and undone_at is None
    if waits and hearing.now - transition.at < REASON_WITHIN:
        return  # its author may still be writing
    text = comment.text if comment else ""
    action = Action.APPROVE
    if rejecting:
        for_good = read_words(text).for_good
        action = Action.REJECT_FOR_GOOD if for_good else Action.ASK_FOR_CHANGES
    yield Attempt(
        stage=stage,
        role=role,
        action=action,
        person=person_of(state, transition.account),
        account=transition.account,
        name=transition.name,
        text=text,
        mark=transition.history_id,
        at=transition.at,
        via=ev.Via.JIRA,
        digest=None,
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


def _undone_at(transitions: Iterable[Transition], this: Transition) -> datetime | None:
    """When the issue left the status that it was brought to."""
    later = (
        each.at
        for each in transitions
        if each.issue_key == this.issue_key and _in_order(each) > _in_order(this)
    )
    return min(later, default=None)


def _comment_beside(
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
        and not read_words(each.text).waivers
    ]
    return min(near, key=lambda each: abs(each.at - transition.at), default=None)


def _from_comment(
    state: ProgramState, comment: Comment, stage: str, role: str
) -> Iterator[Attempt]:
    """A comment that waives is an answer of its own: it needs no transition."""
    words = read_words(comment.text)
    mark = f"comment:{comment.comment_id}"
    if words.waivers and mark not in state.histories:
        yield Attempt(
            stage=stage,
            role=role,
            action=Action.WAIVE,
            person=person_of(state, comment.account),
            account=comment.account,
            name=comment.account,
            text=comment.text,
            mark=mark,
            at=comment.at,
            via=ev.Via.JIRA,
            digest=None,
        )


def _from_code(code: ev.CodeGiven, state: ProgramState) -> Attempt:
    return Attempt(
        stage=code.stage,
        role=code.role,
        action=Action(code.action),
        person=code.person,
        account=state.accounts.get(code.person, ""),
        name=code.person,
        text=code.text,
        mark=code.mark,
        at=code.at,
        via=ev.Via.CODE,
        digest=code.digest,
    )


def person_of(state: ProgramState, account: str) -> str | None:
    """The one person of the program with this account; None for nobody, or for two."""
    found = people_of_account(state, account)
    return found[0] if len(found) == 1 else None


def people_of_account(state: ProgramState, account: str) -> tuple[str, ...]:
    return tuple(person for person, known in state.accounts.items() if known == account)


def decide_attempt(hearing: Hearing, state: ProgramState, attempt: Attempt) -> Decided:
    """What an attempt comes to, on the state as it is."""
    digest = hearing.digests.get(attempt.stage)
    seat = bench(hearing.spec, state, attempt.stage, hearing.of(attempt.stage), digest)
    words = read_words(attempt.text)
    why: str | None
    shared = people_of_account(state, attempt.account)
    if attempt.via is ev.Via.JIRA and attempt.account == state.own_account:
        why = OUR_ACCOUNT
    elif attempt.via is ev.Via.JIRA and len(shared) > 1:
        why = f"this account is that of {' and '.join(shared)}, so it does not tell who signs"
    elif attempt.action is Action.WAIVE:
        return _waiver(hearing, state, attempt, words)
    elif attempt.action is Action.APPROVE:
        why = seat.why_not(attempt.role, attempt.person)
    else:
        why = seat.why_no_say(attempt.role, attempt.person)
    if why is None and attempt.action is Action.APPROVE:
        why = _stale(state, attempt, digest) or _wrong_conditions(hearing, state, attempt, words)
    elif why is None and not words.reason:
        why = "a rejection needs its reason in a comment; write one, then reject again"
    if why is not None or attempt.person is None:
        return refusal(state, attempt, why or "")
    if attempt.action is Action.APPROVE:
        return _approval(state, attempt, seat, words, attempt.person)
    return _rejection(hearing, state, attempt, words, attempt.person)


def _stale(state: ProgramState, attempt: Attempt, digest: str | None) -> str | None:
    """Why the text that was signed is not the one that stands now, with the difference."""
    gate = state.gates[attempt.stage]
    if digest is None:
        return "the gate's criteria do not hold now; sign when it asks again"
    if attempt.digest is not None:
        shown: str | None = attempt.digest
    else:
        asked, before = gate.asked.get(attempt.role), gate.asked_before.get(attempt.role)
        if asked is None and before is None:
            return "it was not asked for yet; read what is asked now and sign then"
        latest = asked if asked is not None and attempt.at >= asked.at else before
        shown = latest.digest if latest is not None else None
    if shown == digest:
        return None
    changed = difference(gate.covers.get(shown or "", {}), gate.covers.get(digest, {}))
    told = "; ".join(changed[:DIFFERENCES_SHOWN]) if shown in gate.covers else ""
    more = (
        f"; and {len(changed) - DIFFERENCES_SHOWN} more" if len(changed) > DIFFERENCES_SHOWN else ""
    )
    return "the text to sign has changed since; read the new one and sign again" + (
        f" ({told}{more})" if told else ""
    )


def _wrong_conditions(
    hearing: Hearing, state: ProgramState, attempt: Attempt, words: Words
) -> str | None:
    later = [
        stage for stage in hearing.spec.stages if stage != attempt.stage and not state.passed(stage)
    ]
    for condition in words.conditions:
        if condition.stage not in later:
            return (
                f"a condition names the gate {condition.stage!r}; gates that can still require it: "
                f"{', '.join(later) or 'none'}"
            )
        if condition.team and condition.team not in hearing.spec.people:
            known = ", ".join(hearing.spec.people)
            return f"a condition names the team {condition.team!r}; known teams: {known}"
    return None


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
    # Where this round has not asked yet, the text that was read is that of the round before.
    late = attempt.role not in gate.asked and gate.rejections
    return ev.Rejected(
        stage=attempt.stage,
        round=gate.rejections[-1].round if late else gate.round,
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


def _withdrawal(spec: Spec, state: ProgramState, taken: _TakenBack) -> ev.SignOffWithdrawn | None:
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
