"""What an auditor asks of each event, given only the events before it. Pure.

An event that does not hold is a problem in words. A sign-off, waiver or call of a backup that does
not hold counts for nothing from then on, so that a gate that passed on it is a problem too.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from policy_rollout import events as ev
from policy_rollout.amending import amendment
from policy_rollout.errors import AmendmentRefused, SpecRefused
from policy_rollout.gates import Judged, difference, held_by
from policy_rollout.program import GateState, Recorded, moved
from policy_rollout.recomputed import Facing, Past
from policy_rollout.sign_offs import Action, is_late, people_of_account, person_of
from policy_rollout.spec.model import Spec
from policy_rollout.spec.reader import read_valid

MOST_DIFFERENCES = 8

Decision = ev.SignedOff | ev.Rejected | ev.Waived
_ACTIONS = {
    ev.SignedOff: (Action.APPROVE,),
    ev.Rejected: (Action.ASK_FOR_CHANGES, Action.REJECT_FOR_GOOD),
    ev.Waived: (Action.WAIVE,),
}


@dataclass(frozen=True, slots=True)
class Recounted:
    """What a gate's signers faced at an entry, worked out anew."""

    digest: str
    judged: tuple[Judged, ...]


@dataclass(frozen=True, slots=True)
class Examined:
    """`problems` of an event, in words; none where it holds."""

    problems: tuple[str, ...] = ()
    recounted: Recounted | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """An event about an open gate, and the spec that applied when it was written."""

    record: Recorded
    spec: Spec
    stage: str


@dataclass(slots=True)
class Examiner:
    """Takes the events of one program in their order; see `examine`."""

    program: str
    past: Past = field(init=False)
    _marks: dict[str, int] = field(default_factory=dict)
    _codes: dict[str, ev.CodeGiven] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.past = Past(self.program)

    def examine(self, record: Recorded) -> Examined:
        """What is wrong with the event; then the past is carried beyond it, where it counts."""
        event = record.event
        if isinstance(event, ev.Launched):
            return self._launch(record)
        if isinstance(event, ev.Amended):
            return self._amendment(record, event)
        if isinstance(event, ev.StageOpened):
            return self._counted(record, tuple(self._opening(event)))
        if isinstance(event, ev.CodeGiven):
            self._codes.setdefault(event.mark, event)
        elif stage_of(event) is not None:
            return self._at_gate(record)
        problems = tuple(self._ending(event))
        self.past.take(record)
        return Examined(problems)

    def left_open(self, at: datetime) -> Iterator[tuple[str, str]]:
        """Gates, with a word each, that should have passed by the end of the journal."""
        spec, state = self.past.spec, self.past.state
        if spec is None or state.is_over or state.held is not None:
            return
        for stage in state.waiting_stages:
            if stage not in spec.stages:
                continue
            facing = self.past.faces(spec, stage, at)
            asked = state.gates[stage].digest == facing.digest
            held = held_by(spec, state.passed, stage)
            lacks = held or self.past.missing(spec, stage, facing.digest)
            if asked and facing.holds and not lacks:
                yield stage, "all criteria and sign-offs were there, and no entry says it passed"

    def _counted(self, record: Recorded, problems: tuple[str, ...]) -> Examined:
        """Taken into the past only where nothing is wrong with it."""
        if not problems:
            self.past.take(record)
        return Examined(problems)

    def _launch(self, record: Recorded) -> Examined:
        problems = []
        if self.past.state.run and not self.past.state.wrote_nothing:
            problems.append("the program was launched a second time, with work outside")
        self.past.take(record)
        spec = self.past.spec
        if spec is None:
            problems.append(f"the spec that was launched is refused: {self.past.spec_refused}")
        elif spec.program != self.program:
            problems.append(f"the spec that was launched is of program {spec.program!r}")
        return Examined(tuple(problems))

    def _amendment(self, record: Recorded, event: ev.Amended) -> Examined:
        """One that could not be made counts for nothing, so that what follows from it shows."""
        examined = self._counted(record, tuple(self._against(record, event)))
        if not examined.problems:
            self._codes = {mark: moved(each, event.stages) for mark, each in self._codes.items()}
        return examined

    def _against(self, record: Recorded, event: ev.Amended) -> Iterator[str]:
        before = self.past.spec
        if before is None:
            yield "the program was amended without a spec that it followed"
            return
        try:
            expected = amendment(
                self.past.state,
                before,
                read_valid(event.spec_text, event.spec_path),
                text=event.spec_text,
                path=event.spec_path,
                by=event.by,
                reason=event.reason,
                reopen=event.reopened,
                now=record.at,
            )
        except SpecRefused as refused:
            yield f"the amended spec is refused: {refused.problems[0]}"
        except AmendmentRefused as refused:
            yield from (f"it could not be amended so: {each}" for each in refused.problems)
        else:
            if expected != event:
                yield "it renames or reopens something else than its spec says"

    def _opening(self, event: ev.StageOpened) -> Iterator[str]:
        spec, state = self.past.spec, self.past.state
        if spec is None or event.stage not in spec.stages:
            yield "no spec that was launched has this stage"
            return
        if event.stage in state.gates:
            yield "the stage was opened a second time"
        if state.held is not None:
            yield "the stage was opened while the program was held"
        for before in spec.stages[event.stage].after:
            if not state.passed(before):
                yield f"the stage was opened before the gate of {before} had passed"

    def _ending(self, event: ev.Event) -> Iterator[str]:
        state, spec = self.past.state, self.past.spec
        if isinstance(event, ev.ProgramFinished) and spec is not None:
            for stage in spec.stages:
                if not state.passed(stage):
                    yield f"the program was finished before the gate of {stage} had passed"
        if isinstance(event, ev.ProgramStopped):
            rejections = [one for gate in state.gates.values() for one in gate.rejections]
            if event.issues is None and not any(each.for_good for each in rejections):
                yield "the program was stopped and nobody had rejected it for good"

    def _at_gate(self, record: Recorded) -> Examined:
        event, spec, state = record.event, self.past.spec, self.past.state
        stage = stage_of(event) or ""
        if spec is None or stage not in spec.stages or stage not in state.gates:
            return Examined(("the stage was not open",))
        moment = Moment(record, spec, stage)
        problems = [*self._in_time(moment)]
        match event:
            case ev.GateReady() | ev.GatePassed():
                return self._verdict(moment, event, problems)
            case ev.SignOffAsked(digest=digest):
                if digest != (state.gates[stage].digest or ""):
                    problems.append("another digest was asked for than the gate's")
            case ev.SignedOff() | ev.Rejected() | ev.Waived():
                problems += self._decision(moment, event)
            case ev.SignOffWithdrawn(role=role, signed=signed):
                given = (each for each in state.gates[stage].sign_offs if each.role == role)
                if not any(signed in {"", each.history_id} for each in given):
                    return Examined((*problems, f"nobody had signed for {role}"))
                problems += self._used_twice(record, event.history_id)
            case ev.BackupCalled():
                problems += self._call(moment, event)
        if isinstance(event, ev.SignedOff | ev.Waived | ev.BackupCalled):
            return self._counted(record, tuple(problems))
        self.past.take(record)
        return Examined(tuple(problems))

    def _in_time(self, moment: Moment) -> Iterator[str]:
        event, gate = moment.record.event, self.past.state.gates[moment.stage]
        if isinstance(event, ev.SignOffRefused):
            return  # it counts for nothing, and is noted whatever the gate did meanwhile
        if gate.passed_at is not None:
            yield "the gate had passed before"
        if isinstance(event, ev.GatePassed) and self.past.state.is_over:
            yield "the program was over before"
        if isinstance(event, ev.GatePassed) and self.past.state.held is not None:
            yield "the program was held"
        said = getattr(event, "round", gate.round)
        if said != gate.round and not self._ends_the_round_before(event, gate):
            yield f"it says round {said}, the gate was in round {gate.round}"

    def _ends_the_round_before(self, event: ev.Event, gate: GateState) -> bool:
        """A second rejection of one round, by somebody who read the text of that one."""
        return (
            isinstance(event, ev.Rejected)
            and event.round == gate.round - 1
            and is_late(self.past.state, event.stage, event.role, event.history_id)
        )

    def _verdict(
        self, moment: Moment, event: ev.GateReady | ev.GatePassed, problems: list[str]
    ) -> Examined:
        facing = self.past.faces(moment.spec, moment.stage, moment.record.at)
        if not facing.holds:
            problems.append(f"criteria did not hold: {', '.join(facing.failing)}")
        if event.digest != facing.digest:
            problems.append(
                f"it says digest {_short(event.digest)}, recomputed: {_short(facing.digest)}"
            )
        if isinstance(event, ev.GateReady):
            problems += self._covers(event, facing)
        else:
            missing = self.past.missing(moment.spec, moment.stage, facing.digest)
            problems += [
                f"it lacked {count} sign-off{'s' * (count != 1)} for {role} that count"
                for role, count in missing.items()
            ]
            problems += self._lapsed(moment, facing)
            problems += [
                f"the gate of {each}, which comes before, had not passed"
                for each in held_by(moment.spec, self.past.state.passed, moment.stage)
            ]
        self.past.take(moment.record)
        return Examined(tuple(problems), Recounted(facing.digest, facing.judged))

    def _lapsed(self, moment: Moment, facing: Facing) -> Iterator[str]:
        """Sign-offs that counted when they were given and count no longer."""
        seat = self.past.bench(moment.spec, moment.stage, facing.digest)
        for given in self.past.state.gates[moment.stage].standing(facing.digest):
            if why := seat.why_lapsed(given):
                yield f"the sign-off by {given.person} counted no longer: {why}"

    @staticmethod
    def _covers(event: ev.GateReady, facing: Facing) -> Iterator[str]:
        """Journals from before the covered text was kept have none; the digest stands for it."""
        if not event.covers:
            return
        if event.covers != facing.covers:
            parts = _differences(event.covers, facing.covers)
            yield f"the text to sign differs from the one recomputed: {'; '.join(parts)}"

    def _decision(self, moment: Moment, event: Decision) -> Iterator[str]:
        yield from self._used_twice(moment.record, event.history_id)
        yield from self._proof(moment.spec, event)
        if isinstance(event, ev.Waived):
            yield from self._waiver(moment, event)
            return
        if event.role not in moment.spec.stages[moment.stage].gate.sign_off:
            yield f"the gate asks for no sign-off by {event.role}"
            return
        facing = self.past.faces(moment.spec, moment.stage, moment.record.at)
        seat = self.past.bench(moment.spec, moment.stage, facing.digest if facing.holds else None)
        if isinstance(event, ev.SignedOff):
            if why := seat.why_not(event.role, event.person):
                yield f"{event.person} was not allowed to sign: {why}"
            yield from self._signature(moment, event, facing)
            if event.stands_for != seat.stands_for(event.role, event.person):
                yield f"{event.person} did not stand for {event.stands_for or 'themselves'}"
            return
        if why := seat.why_no_say(event.role, event.person):
            yield f"{event.person} was not allowed to reject: {why}"
        if not event.reason.strip():
            yield "the rejection gives no reason"

    def _used_twice(self, record: Recorded, mark: str) -> Iterator[str]:
        """One proof, one decision."""
        first = self._marks.setdefault(mark, record.sequence)
        if first != record.sequence:
            yield f"its proof {mark!r} was used before, in entry {first}"

    def _proof(self, spec: Spec, event: Decision) -> Iterator[str]:
        state = self.past.state
        if event.via is ev.Via.CODE:
            yield from self._code(event)
            if event.account and len(people_of_account(spec, state, event.account)) > 1:
                yield f"the account {event.account!r} is that of several people"
        elif event.account == state.own_account:
            yield "the account is the program's own, which signs nothing"
        elif person_of(spec, state, event.account) != event.person:
            yield f"the account {event.account!r} is not the one resolved for {event.person}"

    def _code(self, event: Decision) -> Iterator[str]:
        code = self._codes.get(event.history_id)
        if code is None:
            yield f"no entry before says that {event.person} gave the code {event.history_id!r}"
            return
        same = code.person == event.person and code.stage == event.stage
        if not isinstance(event, ev.Waived):
            same = same and code.role == event.role
        if isinstance(event, ev.SignedOff):
            same = same and code.digest == event.digest
        if not same or code.action not in _ACTIONS[type(event)]:
            yield f"the code {event.history_id!r} was given for something else"

    def _signature(self, moment: Moment, event: ev.SignedOff, facing: Facing) -> Iterator[str]:
        if not facing.holds:
            yield f"criteria did not hold: {', '.join(facing.failing)}"
        if event.digest != facing.digest:
            yield (
                f"it is on digest {_short(event.digest)}, the gate's was {_short(facing.digest)}"
            )
        if event.via is ev.Via.JIRA and self._shown(moment.stage, event) != event.digest:
            yield "the sign-off issue did not show this digest when it was signed"

    def _shown(self, stage: str, event: ev.SignedOff) -> str | None:
        """The digest on the role's sign-off issue at the time of the signature."""
        gate = self.past.state.gates[stage]
        asked = (gate.asked.get(event.role), gate.asked_before.get(event.role))
        return next((each.digest for each in asked if each and event.at >= each.at), None)

    def _waiver(self, moment: Moment, event: ev.Waived) -> Iterator[str]:
        named = moment.spec.stages[moment.stage].gate.waivers
        if event.person not in named:
            yield f"{event.person} is not named to waive; named: {', '.join(named) or 'nobody'}"
        if not event.reason.strip():
            yield "the waiver gives no reason"
        today = moment.record.at.astimezone(moment.spec.timeline.timezone).date()
        if event.until < today:
            yield f"the waiver had ended on {event.until}"
        facing = self.past.faces(moment.spec, moment.stage, moment.record.at)
        if event.criterion not in {each.name for each in facing.judged}:
            yield f"the gate has no criterion {event.criterion!r}"

    @staticmethod
    def _call(moment: Moment, event: ev.BackupCalled) -> Iterator[str]:
        role = moment.spec.people.get(event.role)
        if role is None or event.member not in role.members:
            yield f"{event.member} is not a member of {event.role}"
        elif not set(event.backups) <= set(role.backups):
            yield f"the spec names other backups of {event.role}: {', '.join(role.backups) or '-'}"


def stage_of(event: ev.Event) -> str | None:
    """The stage that an event is about; None where it is about the program."""
    # Asking a model for a field that it lacks takes far longer than looking whether it has it.
    return str(getattr(event, "stage", "")) if "stage" in type(event).model_fields else None


def _short(digest: str) -> str:
    return digest[:12] or "(none)"


def _differences(recorded: dict[str, Any], recounted: dict[str, Any]) -> list[str]:
    """What differs between two covered texts; the recorded one may have any shape."""
    if not (_is_listed(recorded.get("work"), "key")):
        return ["its work is no list of items"]
    if not _is_listed(recorded.get("evidence"), "criterion"):
        return ["its evidence is no list of criteria"]
    found = list(difference(recorded, recounted)) or ["its program, its stage or an unknown part"]
    more = [f"and {len(found) - MOST_DIFFERENCES} more"] if len(found) > MOST_DIFFERENCES else []
    return found[:MOST_DIFFERENCES] + more


def _is_listed(part: object, name: str) -> bool:
    return isinstance(part, list) and all(
        isinstance(each, dict) and isinstance(each.get(name), str) for each in part
    )
