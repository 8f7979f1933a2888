"""What a gate's signers faced at any moment of a program's past, recomputed. Pure.

The one place of the audit that knows how a running program judges: it uses the same rules, on
nothing but what was journaled before. What a gate faces is kept until an event touches it, so
that a long history is walked once.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from policy_rollout import events as ev
from policy_rollout.errors import SpecRefused
from policy_rollout.fold import take
from policy_rollout.gates import (
    Judged,
    covered,
    digest_of,
    holds,
    judge,
    missing_sign_offs,
    waived,
)
from policy_rollout.outline import conditions_of
from policy_rollout.program import ProgramState, Recorded
from policy_rollout.signers import Bench, bench
from policy_rollout.spec.model import Spec
from policy_rollout.spec.reader import read_valid
from policy_rollout.work import CONDITION, WorkItem, expand

_UNTOUCHING = (
    *(ev.CreationIntended, ev.IssuesCreated, ev.CreationRefused, ev.RowsAdded, ev.IssuesMoved),
    *(ev.WritesIntended, ev.WritesSettled, ev.KeysChanged),
    *(ev.OdditiesSeen, ev.Said, ev.TroubleMet, ev.TroubleOver, ev.Resumed, ev.Reminded),
    *(ev.PeopleResolved, ev.GateReady, ev.SignOffAsked, ev.CodeGiven, ev.SignedOff),
    *(ev.Held, ev.GoneOn, ev.TakenUp, ev.RunLost, ev.RunFound, ev.StopCarriedOut),
    *(ev.SignOffRefused, ev.SignOffWithdrawn, ev.BackupCalled, ev.NoticeIntended, ev.NoticeSent),
    *(ev.WorkLeft, ev.ReasonAwaited),
)
"""Events that change no criterion and nothing that a digest covers."""


@dataclass(frozen=True, slots=True)
class Facing:
    """What stood before a gate's signers: the criteria, what is covered, and its digest."""

    judged: tuple[Judged, ...]
    covers: dict[str, Any]
    digest: str

    @property
    def holds(self) -> bool:
        return holds(self.judged)

    @property
    def failing(self) -> tuple[str, ...]:
        return tuple(
            f"{each.name} ({each.answer}, {each.met} of {each.total})"
            for each in self.judged
            if not holds((each,))
        )


class Past:
    """The state of a program while its journal is walked, and what its gates faced then.

    `spec` is the one that applied at that moment; None before the launch or where the journaled
    text is refused, with `spec_refused` saying why.
    """

    def __init__(self, program: str) -> None:
        self.state = ProgramState(program)
        self.spec: Spec | None = None
        self.spec_refused = ""
        self._written: dict[str, list[WorkItem]] = {}
        self._stages: dict[str, str] = {}
        self._items: dict[str, tuple[WorkItem, ...]] = {}
        self._facing: dict[str, tuple[date, Facing]] = {}

    def take(self, record: Recorded) -> None:
        """Carry the past beyond one more event, which fits to the state."""
        asked_before = len(self.state.conditions)
        take(self.state, record)
        if isinstance(record.event, ev.Launched | ev.Amended):
            self._read_spec()
        if len(self.state.conditions) != asked_before:
            self._items.clear()
        self._forget(record.event)

    def _read_spec(self) -> None:
        self._items.clear()
        self.spec, self.spec_refused, self._written = None, "", {}
        try:
            self.spec = read_valid(self.state.spec_text, self.state.spec_path)
        except SpecRefused as refused:
            self.spec_refused = refused.problems[0]
            return
        self._stages = {self.state.first_stage(stage): stage for stage in self.spec.stages}
        for item in expand(self.spec, self.state.renamed):
            self._written.setdefault(item.stage, []).append(item)

    def _forget(self, event: ev.Event) -> None:
        match event:
            case ev.WorkSeen(items=items):
                self._forget_work(items)
            case ev.Rejected(stage=stage, sent_back=sent_back):
                self._facing.pop(stage, None)
                self._forget_work(sent_back)
            case ev.Waived(stage=stage):
                self._facing.pop(stage, None)
            case event if not isinstance(event, _UNTOUCHING):
                self._facing.clear()

    def _forget_work(self, keys: Collection[str]) -> None:
        """What the stages of these stable keys faced; a condition may stand with another stage."""
        for key in keys:
            if CONDITION in key:
                self._facing.clear()
        for first in {key.split("/")[1] for key in keys if "/" in key}:
            self._facing.pop(self._stages.get(first, first), None)

    def faces(self, spec: Spec, stage: str, at: datetime) -> Facing:
        """What the open gate of `stage` faces at a time (which counts for its waivers)."""
        today = at.astimezone(spec.timeline.timezone).date()
        known = self._facing.get(stage)
        if known is None or known[0] != today:
            known = self._facing[stage] = (today, self._recompute(spec, stage, today))
        return known[1]

    def _recompute(self, spec: Spec, stage: str, today: date) -> Facing:
        gate, items = self.state.gates[stage], self.items(spec, stage)
        judged = judge(spec, stage, items, self.state.of)
        judged = waived(judged, gate.waivers, today)
        work = [(item, self.state.of(item.key).state) for item in items]
        covers = covered(spec, stage, gate.round, work, judged)
        return Facing(judged, covers, digest_of(covers))

    def items(self, spec: Spec, stage: str) -> tuple[WorkItem, ...]:
        """The stage's work: what the spec says, then what approvals of passed gates asked for."""
        if stage not in self._items:
            asked_for = conditions_of(spec, self.state.conditions, self.state.renamed)
            here = (each for each in asked_for if each.stage == stage)
            self._items[stage] = (*self._written.get(stage, ()), *here)
        return self._items[stage]

    def bench(self, spec: Spec, stage: str, digest: str | None) -> Bench:
        return bench(spec, self.state, stage, self.items(spec, stage), digest)

    def missing(self, spec: Spec, stage: str, digest: str) -> dict[str, int]:
        """Role to the number of sign-offs that lack on the digest, of those that count."""
        return missing_sign_offs(spec, stage, self.state.gates[stage], digest)
