"""What follows from a plan beside its changes: work, dates, sign-offs, stages, the chain. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from policy_rollout import events as ev
from policy_rollout.decide import Circumstances
from policy_rollout.gates import FINISHED, covered, difference, holds
from policy_rollout.observed import World
from policy_rollout.outline import Outline
from policy_rollout.planned import Planned, What
from policy_rollout.program import GateState, ProgramState
from policy_rollout.rehearsal import Rehearsed
from policy_rollout.spec.model import Spec
from policy_rollout.work import Kind, State, WorkItem, people_of

CHANGES_TOLD = 4


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is to be planned: `events` would be journaled (an amendment), `after` is then the spec.

    Without events both specs are the one that the program follows. The world was read for both.
    """

    before: Spec
    after: Spec
    state: ProgramState
    events: tuple[ev.Event, ...]
    world: World
    circumstances: Circumstances

    @property
    def amended(self) -> ev.Amended | None:
        return next((each for each in self.events if isinstance(each, ev.Amended)), None)

    def seen(self, key: str) -> State:
        """The state of a work item as the look has it, else as the journal does."""
        return seen_state(self.world, self.state, key)


def seen_state(world: World, state: ProgramState, key: str) -> State:
    found = world.issues.get(key) or world.rows.get(key)
    return found.state if found is not None else state.of(key).state


@dataclass(frozen=True, slots=True)
class Moving:
    """A work item that joins or leaves the program, and what becomes of it."""

    key: str
    title: str
    how: str


@dataclass(frozen=True, slots=True)
class DateMove:
    key: str
    title: str
    before: date | None
    after: date | None


@dataclass(frozen=True, slots=True)
class GivenSignOff:
    """A sign-off that stood before the plan; `why` is empty where it still does."""

    stage: str
    role: str
    person: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Chain:
    """The longest chain of work, its length in business days, and by how many it does not fit."""

    keys: tuple[str, ...]
    length_days: int
    short_by_days: int
    effective_on: date | None


@dataclass(frozen=True, slots=True)
class Consequences:
    """`opens` and `passes` are stages and gates that the plan moves by itself."""

    joins: tuple[Moving, ...]
    leaves: tuple[Moving, ...]
    dates: tuple[DateMove, ...]
    voided: tuple[GivenSignOff, ...]
    kept: tuple[GivenSignOff, ...]
    reopened: tuple[str, ...]
    opens: tuple[str, ...]
    passes: tuple[str, ...]
    people_join: tuple[str, ...]
    people_leave: tuple[str, ...]
    chain_before: Chain
    chain_after: Chain


def consequences(
    proposal: Proposal, before: Outline, rehearsed: Rehearsed, changes: tuple[Planned, ...]
) -> Consequences:
    """`before` is the outline of the spec as it runs, on the day of the plan."""
    amended = proposal.amended
    sign_offs = tuple(_sign_offs(proposal, rehearsed))
    was, will = people_of(proposal.before), people_of(proposal.after)
    return Consequences(
        joins=tuple(_joins(proposal, before, rehearsed)),
        leaves=tuple(_leaves(proposal, before, rehearsed.outline, changes)),
        dates=tuple(_dates(before, rehearsed.outline)),
        voided=tuple(each for each in sign_offs if each.why),
        kept=tuple(each for each in sign_offs if not each.why),
        reopened=amended.reopened if amended else (),
        opens=tuple(e.stage for e in rehearsed.events if isinstance(e, ev.StageOpened)),
        passes=tuple(e.stage for e in rehearsed.events if isinstance(e, ev.GatePassed)),
        people_join=tuple(each for each in will if each not in was),
        people_leave=tuple(each for each in was if each not in will),
        chain_before=_chain(before),
        chain_after=_chain(rehearsed.outline),
    )


def _joins(proposal: Proposal, before: Outline, rehearsed: Rehearsed) -> Iterator[Moving]:
    known = {item.key for item in before.items}
    for item in rehearsed.outline.items:
        if item.key not in known:
            yield Moving(item.key, item.title, _how_it_joins(proposal, rehearsed, item))


def _how_it_joins(proposal: Proposal, rehearsed: Rehearsed, item: WorkItem) -> str:
    ahead = rehearsed.last.ahead
    if exists(proposal.state, item.key):
        return "comes back: its issue or row is there"
    if exists(ahead, item.key):
        return "is created now"
    if ahead.passed(item.stage):
        return f"is not created: the gate of {item.stage} has passed"
    if item.stage not in ahead.gates:
        return f"is created when {item.stage} opens"
    return "is created on a later pass"


def _leaves(
    proposal: Proposal, before: Outline, after: Outline, changes: tuple[Planned, ...]
) -> Iterator[Moving]:
    stays = {item.key for item in after.items}
    touched = {each.key for each in changes if each.what in {What.CLOSE, What.REWRITE}}
    for item in before.items:
        if item.key not in stays:
            yield Moving(item.key, item.title, _how_it_leaves(proposal, item, touched))


def _how_it_leaves(proposal: Proposal, item: WorkItem, touched: set[str]) -> str:
    if not exists(proposal.state, item.key):
        return "was not created yet"
    if proposal.seen(item.key) in FINISHED:
        return "stays as it is: it is finished"
    if item.key not in touched:
        return "stays as it is, and is not looked at any more"
    return "its issue is closed" if item.kind is Kind.TASK else "its row is marked"


def exists(state: ProgramState, key: str) -> bool:
    """Whether an issue or a row was made for a stable key."""
    return key in state.issues or key in state.rows


def _dates(before: Outline, after: Outline) -> Iterator[DateMove]:
    known = {item.key for item in before.items}
    for item in after.items:
        if item.key in known:
            was = before.schedule.slots[item.key].due_on
            will = after.schedule.slots[item.key].due_on
            if was != will:
                yield DateMove(item.key, item.title, was, will)


def _chain(outline: Outline) -> Chain:
    schedule = outline.schedule
    return Chain(
        keys=schedule.longest_chain,
        length_days=schedule.longest_chain_days,
        short_by_days=schedule.short_by_days,
        effective_on=schedule.effective_on,
    )


def _sign_offs(proposal: Proposal, rehearsed: Rehearsed) -> Iterator[GivenSignOff]:
    """Those that stand now, by gate, with why they would not stand any more."""
    amended = proposal.amended
    renamed: Mapping[str, str] = amended.stages if amended else {}
    withdrawn = {e.signed: e for e in rehearsed.events if isinstance(e, ev.SignOffWithdrawn)}
    for old_name, gate in proposal.state.gates.items():
        stage = renamed.get(old_name, old_name)
        ahead = rehearsed.last.ahead.gates.get(stage)
        for given in gate.standing(gate.digest):
            lapsed = withdrawn.get(given.history_id)
            if lapsed is not None:
                why = lapsed.why or "its issue was moved back"
            elif ahead is None:
                why = f"stage {stage} is dropped"
            else:
                why = _why_void(rehearsed, stage, gate, ahead)
            yield GivenSignOff(stage, given.role, given.person, why)


def _why_void(rehearsed: Rehearsed, stage: str, gate: GateState, ahead: GateState) -> str:
    """Empty where a sign-off on the present digest still stands in the end."""
    if ahead.round != gate.round:
        return f"the gate begins round {ahead.round}"
    if gate.passed_at is not None:
        return ""
    old = gate.covers[gate.digest or ""]
    changed = difference(old, _text_ahead(rehearsed, stage, ahead, old))
    if not changed:
        return ""
    more = f"; and {len(changed) - CHANGES_TOLD} more" if len(changed) > CHANGES_TOLD else ""
    return f"what was signed changes: {'; '.join(changed[:CHANGES_TOLD])}{more}"


def _text_ahead(
    rehearsed: Rehearsed, stage: str, ahead: GateState, old: Mapping[str, object]
) -> dict[str, object]:
    """What the gate asks to sign in the end; where it does not ask yet, all but its evidence."""
    if ahead.passed_at is not None:
        return ahead.covers[ahead.digest or ""]
    last = rehearsed.last
    items = rehearsed.outline.of(stage)
    work = [(item, last.ahead.of(item.key).state) for item in items]
    text = covered(rehearsed.outline.spec, stage, ahead.round, work, last.judged.get(stage, ()))
    asks = holds(last.judged.get(stage, ()))
    return text if asks else {**text, "evidence": old.get("evidence", ())}
