"""One look at the world, and what follows from it: events to journal, changes to make. Pure."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from policy_rollout import events as ev
from policy_rollout.attempts import reasons_awaited, reasons_due
from policy_rollout.fold import take
from policy_rollout.gates import (
    Judged,
    covered,
    digest_of,
    held_by,
    holds,
    missing_sign_offs,
)
from policy_rollout.leaving import joined, leaving, partings, settled, welcomes
from policy_rollout.observed import AnswerStatuses, ObservedIssue, ObservedRow, World
from policy_rollout.oddities import moved_issues, unplanned
from policy_rollout.outline import Outline, outline_of
from policy_rollout.plan import Asking, Change, changes, criteria, sign_off_issues
from policy_rollout.program import ProgramState, Recorded
from policy_rollout.sign_offs import Hearing, decisions
from policy_rollout.signers import bench
from policy_rollout.silence import Absences, due_steps
from policy_rollout.work import Kind, State, WorkItem, epic_key


@dataclass(frozen=True, slots=True)
class ToLookAt:
    """What a look reads: work and sign-offs, stable to Jira keys, and whether there are rows.

    `tabs` are the ids of the tabs that hold them, by name. `maybe_double` is the part of all
    issues whose creation was once in doubt: there may be a second one that carries our mark.
    """

    issues: dict[str, str]
    sign_offs: dict[str, str]
    has_rows: bool
    tabs: dict[str, int] = field(default_factory=dict)
    maybe_double: dict[str, str] = field(default_factory=dict)

    @property
    def is_nothing(self) -> bool:
        return not (self.issues or self.sign_offs or self.has_rows)


def to_look_at(outline: Outline, state: ProgramState) -> ToLookAt:
    """The epic, the work of the stages whose gates have not passed, and what is about to leave."""
    gone = leaving(outline, state)
    work = [epic_key(outline.spec.program), *gone]
    signs: list[str] = []
    has_rows = any(key in state.rows for key in gone)
    for stage in state.waiting_stages:
        items = outline.of(stage)
        work += [item.key for item in items]
        signs += [
            state.sign_off_key(stage, role) for role in outline.spec.stages[stage].gate.sign_off
        ]
        has_rows = has_rows or any(item.key in state.rows for item in items)
    return ToLookAt(
        issues={key: state.issues[key] for key in work if key in state.issues},
        sign_offs={key: state.issues[key] for key in signs if key in state.issues},
        has_rows=has_rows,
        tabs=state.tabs,
        maybe_double={
            key: issue_key for key, issue_key in state.issues.items() if key in state.maybe_double
        },
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
        noted = (ev.WorkSeen, ev.OdditiesSeen, ev.KeysChanged)
        return bool(self.changes) or any(not isinstance(each, noted) for each in self.events)

    @property
    def passes_a_gate(self) -> bool:
        return any(isinstance(each, ev.GatePassed) for each in self.events)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a decision needs besides spec, state and world."""

    now: datetime
    statuses: AnswerStatuses
    absent: Absences


def decide(
    outline: Outline, state: ProgramState, world: World, circumstances: Circumstances
) -> Decision:
    """What the pass does now: nothing while the program is held. `state` is left as it is."""
    if state.held is not None:
        return as_known(outline, state)
    scene = _Scene(outline, deepcopy(state), world, circumstances)
    scene.note_who_left_and_came_back()
    scene.follow_moved_issues()
    scene.note_what_was_seen()
    scene.begin_again()
    scene.renew_digests()
    scene.judge_sign_offs()
    while scene.open_stages() or scene.move_gates():
        pass
    scene.note_what_was_asked()
    scene.escalate()
    scene.finish()
    judged = scene.judged()
    asking = Asking(judged, circumstances.statuses)
    due = changes(scene.outline, scene.ahead, world, asking)
    due = (*due, *partings(scene.outline, scene.ahead, world))
    if scene.ahead.stopped is None:
        due = (*due, *welcomes(scene.outline, scene.ahead))
    if not due:
        scene.note_end_of_stop()
    return Decision(tuple(scene.events), due, scene.ahead, judged)


def steps_due(
    outline: Outline,
    state: ProgramState,
    judged: dict[str, tuple[Judged, ...]],
    circumstances: Circumstances,
) -> tuple[ev.BackupCalled | ev.Reminded, ...]:
    """The steps that silence makes due now; needs no look at the world."""
    return due_steps(
        outline.spec,
        state,
        now=circumstances.now,
        absences=circumstances.absent,
        asking=[stage for stage, criteria in judged.items() if holds(criteria)],
    )


def as_known(outline: Outline, state: ProgramState) -> Decision:
    """What the journal alone knows, where nobody looked: no events, no changes."""
    judged = {stage: criteria(outline, state, stage) for stage in state.waiting_stages}
    return Decision((), (), state, judged)


class _Scene:
    """The state while a decision is being made: each event is taken in as it is found."""

    def __init__(
        self,
        outline: Outline,
        ahead: ProgramState,
        world: World,
        circumstances: Circumstances,
    ) -> None:
        self.outline = outline
        self.ahead = ahead
        self.world = world
        self.circumstances = circumstances
        self.now = circumstances.now
        self.events: list[ev.Event] = []

    def _take(self, event: ev.Event) -> None:
        take(self.ahead, Recorded(self.ahead.head + 1, self.now, "", event))
        self.events.append(event)

    def judged(self) -> dict[str, tuple[Judged, ...]]:
        return {stage: self._judge(stage) for stage in self.ahead.waiting_stages}

    def _judge(self, stage: str) -> tuple[Judged, ...]:
        return criteria(self.outline, self.ahead, stage)

    def _covers(self, stage: str, judged: tuple[Judged, ...]) -> dict[str, Any]:
        return covered(
            self.outline.spec,
            stage,
            self.ahead.gates[stage].round,
            [(item, self.ahead.of(item.key).state) for item in self.outline.of(stage)],
            judged,
        )

    def note_who_left_and_came_back(self) -> None:
        """Before anything is judged: an issue that we closed was not finished by anybody."""
        for find in (joined, settled):
            event = find(self.outline, self.ahead, self.world)
            if event is not None and self.ahead.stopped is None:
                self._take(event)

    def follow_moved_issues(self) -> None:
        """Jira finds an issue that was moved to another project under its old key as well."""
        if moved := moved_issues(self.ahead, self.world):
            self._take(ev.KeysChanged(issues=moved))

    def note_what_was_seen(self) -> None:
        """Of a stopped program nothing: what its end closes was not finished by anybody."""
        if self.ahead.stopped is not None:
            return
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
        found = (*self.world.oddities, *unplanned(self.outline, self.ahead, self.world))
        oddities = tuple(sorted({str(each) for each in found}))
        if oddities != self.ahead.oddities:
            self._take(ev.OdditiesSeen(oddities=oddities))

    def begin_again(self) -> None:
        """Make anew what somebody wants anew, where this look did not find it either."""
        if not self.ahead.recreate or self.ahead.stopped is not None:
            return
        looked_at = to_look_at(self.outline, self.ahead)
        rows = (item.key for stage in self.ahead.waiting_stages for item in self.outline.of(stage))
        known = {*looked_at.issues, *looked_at.sign_offs, *rows}
        still = (key for key in self.ahead.recreate & known if self._is_missing(key))
        self._take(ev.RecreationBegun(keys=tuple(sorted(still))))

    def _is_missing(self, key: str) -> bool:
        return self.ahead.of(key).state is State.MISSING

    def _lost_and_found(self) -> dict[str, ev.Seen]:
        """The epic and sign-off issues that were deleted, or are back: no work, but missed."""
        looked_at = to_look_at(self.outline, self.ahead)
        keys = {epic_key(self.outline.spec.program), *looked_at.sign_offs}
        fresh = {}
        for key in sorted(keys & self.ahead.issues.keys()):
            was_missing = self._is_missing(key)
            if was_missing is (key in self.world.issues):
                fresh[key] = ev.Seen(state=State.TODO if was_missing else State.MISSING)
        return fresh

    def _see(self, item: WorkItem) -> ev.Seen | None:
        """What stands outside for an item; None before it was created."""
        if item.kind is Kind.TASK:
            return self._see_issue(item) if item.key in self.ahead.issues else None
        if item.key not in self.ahead.rows:
            return None
        row = self.world.rows.get(item.key)
        return ev.Seen(state=State.MISSING) if row is None else self._see_row(item, row)

    def _see_issue(self, item: WorkItem) -> ev.Seen:
        before = self.ahead.of(item.key).doers
        issue = self.world.issues.get(item.key)
        if issue is None:
            return ev.Seen(state=State.MISSING, doers=before)
        if item.key in self.ahead.sent_back:
            return ev.Seen(state=State.TODO, doers=before)
        if issue.state is not State.DONE:
            return ev.Seen(state=issue.state, doers=before)
        return ev.Seen(state=State.DONE, doers=self._doers(issue, before))

    def _doers(self, issue: ObservedIssue, before: tuple[str, ...]) -> tuple[str, ...]:
        """Who has or had the finished issue, and everybody who ever moved it to done."""
        movers = [
            each.account
            for each in self.world.transitions
            if each.issue_key == issue.issue_key and each.to_state is State.DONE
        ]
        own = self.ahead.own_account
        who = {*before, issue.assignee or "", *movers}
        return tuple(sorted(account for account in who if account and account != own))

    def _see_row(self, item: WorkItem, row: ObservedRow) -> ev.Seen:
        cells = digest_of({"cells": sorted(row.human)})[:16]
        if self.ahead.sent_back.get(item.key) == cells:
            return ev.Seen(state=State.TODO, cells=cells)
        return ev.Seen(state=row.state, completion=row.completion, cells=cells)

    def renew_digests(self) -> None:
        """What is signed now, before it is judged who signed: who signed an older text is told."""
        if self.ahead.stopped is None:
            for stage, judged in self.judged().items():
                if holds(judged):
                    self._renew_digest(stage, judged)

    def _renew_digest(self, stage: str, judged: tuple[Judged, ...]) -> str:
        gate = self.ahead.gates[stage]
        covers = self._covers(stage, judged)
        digest = digest_of(covers)
        if gate.digest != digest:
            self._take(ev.GateReady(stage=stage, round=gate.round, digest=digest, covers=covers))
        return digest

    def judge_sign_offs(self) -> None:
        judged = self.judged()
        covers = {
            stage: self._covers(stage, criteria)
            for stage, criteria in judged.items()
            if holds(criteria)
        }
        hearing = Hearing(
            spec=self.outline.spec,
            world=self.world,
            items=self.outline.items,
            judged=judged,
            covers=covers,
            digests={stage: digest_of(text) for stage, text in covers.items()},
            statuses=self.circumstances.statuses,
            now=self.now,
        )
        for event in decisions(hearing, self.ahead):
            self._take(event)
            if self.ahead.stopped is None and isinstance(event, ev.Rejected) and event.for_good:
                self._take(ev.ProgramStopped(by=event.person, reason=event.reason))
        for awaited in tuple(reasons_awaited(hearing, self.ahead)):
            self._take(awaited)

    def open_stages(self) -> bool:
        if self.ahead.stopped is not None:
            return False
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
        if self.ahead.stopped is not None:
            return False
        moved = [self._move_gate(stage) for stage in self.ahead.waiting_stages]
        return any(moved)

    def _move_gate(self, stage: str) -> bool:
        judged = self._judge(stage)
        if not holds(judged):
            return False
        gate = self.ahead.gates[stage]
        digest = self._renew_digest(stage, judged)
        if missing_sign_offs(self.outline.spec, stage, gate, digest):
            return False
        if held_by(self.outline.spec, self.ahead.passed, stage):
            return False
        if reasons_due(self.ahead, stage, self.now):
            return False
        self._take(ev.GatePassed(stage=stage, round=gate.round, digest=digest))
        self.outline = outline_of(
            self.outline.spec,
            today=self.outline.schedule.today,
            conditions=self.ahead.conditions,
            renamed=self.ahead.renamed,
        )
        return True

    def note_what_was_asked(self) -> None:
        """A sign-off issue whose text carries the current digest has been asked for."""
        if self.ahead.stopped is not None:
            return
        asking = Asking(self.judged(), self.circumstances.statuses)
        for stage, judged in asking.judged.items():
            gate = self.ahead.gates[stage]
            if gate.digest is None or not holds(judged):
                continue  # the issue says that there is nothing to sign
            for issue in sign_off_issues(self.outline, self.ahead, stage, asking):
                role = issue.key.rpartition("sign-off:")[2]
                observed = self.world.issues.get(issue.key)
                asked = gate.asked.get(role)
                digest = gate.digest or ""  # none while a rejected gate is worked on again
                if asked is not None and asked.digest == digest:
                    continue
                if observed is not None and observed.content_digest == issue.content_digest:
                    self._ask(stage, role, digest, observed.updated_at)

    def _ask(self, stage: str, role: str, digest: str, at: datetime) -> None:
        self._take(ev.SignOffAsked(stage=stage, role=role, digest=digest, at=at))

    def escalate(self) -> None:
        """Call backups where no member may sign; take the steps that silence makes due."""
        if self.ahead.stopped is not None:
            return
        for called in tuple(self._barred_members()):
            self._take(called)
        for event in steps_due(self.outline, self.ahead, self.judged(), self.circumstances):
            self._take(event)

    def _barred_members(self) -> Iterator[ev.BackupCalled]:
        """Members who may not sign at all: their backups are called once they are asked."""
        for stage in self.ahead.waiting_stages:
            gate = self.ahead.gates[stage]
            seat = bench(self.outline.spec, self.ahead, stage, self.outline.of(stage), gate.digest)
            for role in missing_sign_offs(self.outline.spec, stage, gate, gate.digest):
                group = self.outline.spec.people[role]
                for member in group.members:
                    why = seat.why_barred(member)
                    if why and group.backups and (role, member) not in gate.called:
                        yield ev.BackupCalled(
                            stage=stage,
                            round=gate.round,
                            role=role,
                            member=member,
                            backups=group.backups,
                            why=why,
                        )

    def note_end_of_stop(self) -> None:
        if self.ahead.stopped is not None and self.ahead.closed_at is None:
            self._take(ev.StopCarriedOut())

    def finish(self) -> None:
        """Once every gate has passed and the epic is seen closed: nothing is left to do."""
        stages = self.outline.spec.stages
        epic = self.world.issues.get(epic_key(self.outline.spec.program))
        if epic is not None and epic.state is not State.DONE:
            return
        if leaving(self.outline, self.ahead):
            return
        if not self.ahead.is_over and all(self.ahead.passed(stage) for stage in stages):
            self._take(ev.ProgramFinished())
