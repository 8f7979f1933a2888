"""Who answered a gate, and how that is proven: attempts read from the world. Pure.

An attempt is proven in one of two ways that count the same: a transition of a sign-off issue,
whose author Jira's changelog gives, or a one-time code from the signer's authenticator. It is
known by its mark (changelog id, comment id or code).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from policy_rollout import events as ev
from policy_rollout.gates import Judged
from policy_rollout.observed import AnswerStatuses, Comment, Transition, World
from policy_rollout.program import ProgramState
from policy_rollout.sign_off_words import read_words
from policy_rollout.spec.model import Spec
from policy_rollout.work import State, WorkItem, people_of

REASON_WITHIN = timedelta(minutes=10)
"""How long a rejection waits for its comment, and how much earlier a comment may stand."""


class Action(StrEnum):
    """What a signer may answer; the words are those of the Resume form and of `rollout sign`."""

    APPROVE = "approve"
    ASK_FOR_CHANGES = "ask for changes"
    REJECT_FOR_GOOD = "reject for good"
    WAIVE = "waive a criterion"


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody's proven answer at a gate; `person` is None for an account outside the program.

    `digest` is the one the signer was shown, where the proof carries it; `unclear` says why it is
    no answer to what was asked.
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
    unclear: str = ""


@dataclass(frozen=True, slots=True)
class Hearing:
    """Everything a decision looks at.

    `covers` has what a signer of each gate that holds would sign now, `digests` its digest.
    """

    spec: Spec
    world: World
    items: tuple[WorkItem, ...]
    judged: dict[str, tuple[Judged, ...]]
    covers: dict[str, dict[str, Any]]
    digests: dict[str, str]
    statuses: AnswerStatuses
    now: datetime

    def of(self, stage: str) -> tuple[WorkItem, ...]:
        return tuple(item for item in self.items if item.stage == stage)


@dataclass(frozen=True, slots=True)
class TakenBack:
    """A sign-off issue was moved away from its answer."""

    stage: str
    role: str
    account: str
    name: str
    mark: str
    at: datetime
    undone: Transition | None


def unheard(hearing: Hearing, state: ProgramState) -> Iterator[Attempt | TakenBack]:
    desks = _desks(hearing.spec, state)
    for transition in hearing.world.transitions:
        desk = desks.get(transition.issue_key)
        if desk is not None and transition.history_id not in state.histories:
            yield from _from_transition(hearing, state, transition, *desk)
    for comment in hearing.world.comments:
        desk = desks.get(comment.issue_key)
        if desk is not None and comment.account != state.own_account:
            yield from _from_comment(hearing.spec, state, comment, *desk)
    for code in state.unjudged_codes:
        if code.stage in state.gates:  # also of a gate that passed meanwhile: it is told so
            yield _from_code(code, state)


def _desks(spec: Spec, state: ProgramState) -> dict[str, tuple[str, str]]:
    """Jira key of each sign-off issue of a waiting gate to its stage and role."""
    return {
        state.issues[key]: (stage, role)
        for stage in state.waiting_stages
        for role in spec.stages[stage].gate.sign_off
        if (key := state.sign_off_key(stage, role)) in state.issues
    }


def _from_transition(
    hearing: Hearing, state: ProgramState, transition: Transition, stage: str, role: str
) -> Iterator[Attempt | TakenBack]:
    all_moves = hearing.world.transitions
    if transition.to_state is not State.DONE:
        if transition.account != state.own_account:
            yield TakenBack(
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
    if rejecting and comment is None and undone_at is None and _is_fresh(hearing, transition.at):
        return  # its author may still be writing: see `reasons_awaited`
    text = comment.text if comment else ""
    action, unclear = Action.APPROVE, ""
    if not rejecting and not hearing.statuses.approves(transition.to_status):
        words = f"{hearing.statuses.approved} or {hearing.statuses.rejected}"
        unclear = f"{transition.to_status} is no answer; move this issue to {words}"
    if rejecting:
        for_good = read_words(text).for_good
        action = Action.REJECT_FOR_GOOD if for_good else Action.ASK_FOR_CHANGES
    yield Attempt(
        stage=stage,
        role=role,
        action=action,
        person=person_of(hearing.spec, state, transition.account),
        account=transition.account,
        name=transition.name,
        text=text,
        mark=transition.history_id,
        at=transition.at,
        via=ev.Via.JIRA,
        digest=None,
        unclear=unclear or _edited(hearing, state, transition, asked),
    )


def reasons_awaited(hearing: Hearing, state: ProgramState) -> Iterator[ev.ReasonAwaited]:
    """Fresh rejections without a reason, by those whom the role names; none that was noted before.

    What `unheard` leaves out: judged once the reason is there, or its time is over.
    """
    judged = {each.mark for each in unheard(hearing, state)}
    desks = _desks(hearing.spec, state)
    for transition in hearing.world.transitions:
        mark, desk = transition.history_id, desks.get(transition.issue_key)
        if desk is None or mark in judged or mark in state.histories:
            continue
        stage, role = desk
        person = person_of(hearing.spec, state, transition.account)
        group = hearing.spec.people[role]
        if person in {*group.members, *group.backups} and mark not in state.gates[stage].awaited:
            yield ev.ReasonAwaited(
                stage=stage, role=role, person=person, history_id=mark, at=transition.at
            )


def reasons_due(state: ProgramState, stage: str, now: datetime) -> tuple[datetime, ...]:
    """Until when a gate waits for the reasons of rejections that were not judged yet."""
    ends = (
        each.at + REASON_WITHIN
        for mark, each in state.gates[stage].awaited.items()
        if mark not in state.histories
    )
    return tuple(end for end in ends if now < end)


def _is_fresh(hearing: Hearing, at: datetime) -> bool:
    return hearing.now - at < REASON_WITHIN


def _edited(
    hearing: Hearing,
    state: ProgramState,
    transition: Transition,
    asked: ev.SignOffAsked | None,
) -> str:
    """Why the text that was on the issue was not ours; empty where it was."""
    foreign = [
        each.name
        for each in hearing.world.edits
        if each.issue_key == transition.issue_key
        and each.account != state.own_account
        and (asked is None or asked.at <= each.at)
        and each.at <= transition.at
    ]
    if not foreign:
        return ""
    who = ", ".join(dict.fromkeys(foreign))
    return f"the text of this issue was edited by {who}; read it as it is written anew, then answer"


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
        and not read_words(each.text).begins_waiver
    ]
    return min(near, key=lambda each: abs(each.at - transition.at), default=None)


def _from_comment(
    spec: Spec, state: ProgramState, comment: Comment, stage: str, role: str
) -> Iterator[Attempt]:
    """A comment that waives is an answer of its own: it needs no transition."""
    words = read_words(comment.text)
    mark = f"comment:{comment.comment_id}"
    if words.begins_waiver and mark not in state.histories:
        yield Attempt(
            stage=stage,
            role=role,
            action=Action.WAIVE,
            person=person_of(spec, state, comment.account),
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


def person_of(spec: Spec, state: ProgramState, account: str) -> str | None:
    """The one person of the program with this account; None for nobody, or for two."""
    found = people_of_account(spec, state, account)
    return found[0] if len(found) == 1 else None


def people_of_account(spec: Spec, state: ProgramState, account: str) -> tuple[str, ...]:
    """Everybody with this account; of several, only those whom the spec names now.

    Who has another address since an amendment is one person, and not two.
    """
    found = tuple(person for person, known in state.accounts.items() if known == account)
    if len(found) <= 1:
        return found
    named = frozenset(people_of(spec))
    return tuple(person for person in found if person in named)
