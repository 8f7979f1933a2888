"""One look at the world, and what follows from it: events to journal, changes to make. Pure."""

from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime

from policy_rollout import events as ev
from policy_rollout.gates import Judged, covered, digest_of, holds, judge, missing_sign_offs
from policy_rollout.observed import ObservedRow, World
from policy_rollout.plan import Asking, Change, Outline, changes, sign_off_issues
from policy_rollout.program import ProgramState, Recorded, take
from policy_rollout.sign_offs import Hearing, decisions
from policy_rollout.work import Kind, State, WorkItem, epic_key, sign_off_key


@dataclass(frozen=True, slots=True)
class ToLookAt:
    """What a look reads: work and sign-offs, stable to Jira keys, and whether there are rows."""

    issues: dict[str, str]
    sign_offs: dict[str, str]
    has_rows: bool


def to_look_at(outline: Outline, state: ProgramState) -> ToLookAt:
    """The epic and the work of the stages whose gates have not passed."""
    program = outline.spec.program
    epic = epic_key(program)
    work = [epic]
    signs: list[str] = []
    has_rows = False
    for stage in state.waiting_stages:
        items = outline.of(stage)
        work += [item.key for item in items]
        signs += [
            sign_off_key(program, stage, role) for role in outline.spec.stages[stage].gate.sign_off
        ]
        has_rows = has_rows or any(item.key in state.rows for item in items)
    return ToLookAt(
        issues={key: state.issues[key] for key in work if key in state.issues},
        sign_offs={key: state.issues[key] for key in signs if key in state.issues},
        has_rows=has_rows,
    )


@dataclass(frozen=True, slots=True)
class Decision:
    """`events` are journaled first, in order; then `changes` are carried out, in order.

    `ahead` is the state with the events taken in, `judged` the criteria of the waiting stages.
    """

    events: tuple[ev.Event, ...]
    changes: tuple[Change, ...]
    ahead: ProgramState
    judged: dict[str, tuple[Judged, ...]]

    @property
    def moves_the_program(self) -> bool:
        """Whether there is more to do than to note what was seen."""
        noted = (ev.WorkSeen, ev.OdditiesSeen)
        return bool(self.changes) or any(not isinstance(each, noted) for each in self.events)


def decide(
    outline: Outline, state: ProgramState, world: World, *, rejected_status: str, now: datetime
) -> Decision:
    """What the pass does now. `state` is left as it is."""
    scene = _Scene(outline, deepcopy(state), world, rejected_status, now)
    scene.note_what_was_seen()
    scene.judge_sign_offs()
    while scene.open_stages() or scene.move_gates():
        pass
    scene.note_what_was_asked()
    scene.finish()
    judged = scene.judged()
    due = changes(outline, scene.ahead, world, Asking(judged, rejected_status))
    return Decision(tuple(scene.events), due, scene.ahead, judged)


def as_known(outline: Outline, state: ProgramState) -> Decision:
    """What the journal alone knows, where nobody looked: no events, no changes."""
    judged = {
        stage: judge(outline.spec, stage, outline.of(stage), state.of)
        for stage in state.waiting_stages
    }
    return Decision((), (), state, judged)


class _Scene:
    """The state while a decision is being made: each event is taken in as it is found."""

    def __init__(
        self,
        outline: Outline,
        ahead: ProgramState,
        world: World,
        rejected_status: str,
        now: datetime,
    ) -> None:
        self.outline = outline
        self.ahead = ahead
        self.world = world
        self.rejected_status = rejected_status
        self.now = now
        self.events: list[ev.Event] = []

    def _take(self, event: ev.Event) -> None:
        take(self.ahead, Recorded(self.ahead.head + 1, self.now, "", event))
        self.events.append(event)

    def judged(self) -> dict[str, tuple[Judged, ...]]:
        return {stage: self._judge(stage) for stage in self.ahead.waiting_stages}

    def _judge(self, stage: str) -> tuple[Judged, ...]:
        return judge(self.outline.spec, stage, self.outline.of(stage), self.ahead.of)

    def _digest(self, stage: str, judged: tuple[Judged, ...]) -> str:
        return digest_of(
            covered(
                self.outline.spec,
                stage,
                self.ahead.gates[stage].round,
                [(item, self.ahead.of(item.key).state) for item in self.outline.of(stage)],
                judged,
            )
        )

    def note_what_was_seen(self) -> None:
        fresh = {}
        for stage in self.ahead.waiting_stages:
            for item in self.outline.of(stage):
                seen = self._see(item)
                if seen is not None and seen != self.ahead.of(item.key):
                    fresh[item.key] = seen
        fresh |= self._lost_and_found()
        if fresh:
            self._take(ev.WorkSeen(items=fresh))
        # Sorted: the same oddities found in another order are no news.
        oddities = tuple(sorted({str(each) for each in self.world.oddities}))
        if oddities != self.ahead.oddities:
            self._take(ev.OdditiesSeen(oddities=oddities))

    def _lost_and_found(self) -> dict[str, ev.Seen]:
        """The epic and sign-off issues that were deleted, or are back: no work, but missed."""
        looked_at = to_look_at(self.outline, self.ahead)
        keys = {epic_key(self.outline.spec.program), *looked_at.sign_offs}
        fresh = {}
        for key in sorted(keys & self.ahead.issues.keys()):
            was_missing = self.ahead.of(key).state is State.MISSING
            if was_missing is (key in self.world.issues):
                fresh[key] = ev.Seen(state=State.TODO if was_missing else State.MISSING)
        return fresh

    def _see(self, item: WorkItem) -> ev.Seen | None:
        """What stands outside for an item; None before it was created."""
        if item.kind is Kind.TASK:
            if item.key not in self.ahead.issues:
                return None
            issue = self.world.issues.get(item.key)
            if issue is None:
                return ev.Seen(state=State.MISSING)
            sent_back = item.key in self.ahead.sent_back
            return ev.Seen(state=State.TODO if sent_back else issue.state)
        if item.key not in self.ahead.rows:
            return None
        row = self.world.rows.get(item.key)
        return ev.Seen(state=State.MISSING) if row is None else self._see_row(item, row)

    def _see_row(self, item: WorkItem, row: ObservedRow) -> ev.Seen:
        cells = digest_of({"cells": sorted(row.human)})[:16]
        if self.ahead.sent_back.get(item.key) == cells:
            return ev.Seen(state=State.TODO, cells=cells)
        return ev.Seen(state=row.state, completion=row.completion, cells=cells)

    def judge_sign_offs(self) -> None:
        digests = {
            stage: self._digest(stage, judged)
            for stage, judged in self.judged().items()
            if holds(judged)
        }
        hearing = Hearing(
            self.outline.spec,
            self.world,
            self.outline.items,
            digests,
            self.rejected_status,
            self.now,
        )
        for event in decisions(hearing, self.ahead):
            self._take(event)

    def open_stages(self) -> bool:
        opened = False
        for stage_id, stage in self.outline.spec.stages.items():
            if stage_id in self.ahead.gates:
                continue
            if all(self.ahead.passed(before) for before in stage.after):
                self._take(ev.StageOpened(stage=stage_id))
                opened = True
        return opened

    def move_gates(self) -> bool:
        """Ask for sign-offs on the current digest; pass the gates that have them all."""
        moved = False
        for stage, judged in self.judged().items():
            if not holds(judged):
                continue
            gate = self.ahead.gates[stage]
            digest = self._digest(stage, judged)
            if gate.digest != digest:
                self._take(ev.GateReady(stage=stage, round=gate.round, digest=digest))
            if not missing_sign_offs(self.outline.spec, stage, gate, digest):
                self._take(ev.GatePassed(stage=stage, round=gate.round, digest=digest))
                moved = True
        return moved

    def note_what_was_asked(self) -> None:
        """A sign-off issue whose text carries the current digest has been asked for."""
        asking = Asking(self.judged(), self.rejected_status)
        for stage in asking.judged:
            gate = self.ahead.gates[stage]
            for issue in sign_off_issues(self.outline, self.ahead, stage, asking):
                role = issue.key.rpartition("sign-off:")[2]
                observed = self.world.issues.get(issue.key)
                asked = gate.asked.get(role)
                if asked is not None and asked.digest == gate.digest:
                    continue
                if observed is not None and observed.content_digest == issue.content_digest:
                    self._ask(stage, role, gate.digest or "", observed.updated_at)

    def _ask(self, stage: str, role: str, digest: str, at: datetime) -> None:
        self._take(ev.SignOffAsked(stage=stage, role=role, digest=digest, at=at))

    def finish(self) -> None:
        stages = self.outline.spec.stages
        if self.ahead.finished_at is None and all(self.ahead.passed(stage) for stage in stages):
            self._take(ev.ProgramFinished())
