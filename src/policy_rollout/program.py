"""From the journal of a program to its state: a fold over its events. Pure.

`fold` reads events in order and answers where the program stands; the same events always give
the same state, today and years later.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from policy_rollout import events as ev
from policy_rollout.work import State

NOT_SEEN = ev.Seen(state=State.TODO)


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event with what the journal adds: its place, its time (aware, UTC) and its actor."""

    sequence: int
    at: datetime
    actor: str
    event: ev.Event


@dataclass(frozen=True, slots=True)
class Doubt:
    """A bulk creation whose outcome is not journaled."""

    batch: str
    keys: tuple[str, ...]
    fence: int
    since: datetime


@dataclass(slots=True)
class GateState:
    """Where a stage's gate stands; `sign_offs` and `refusals` hold those of all rounds.

    `covers` has the text behind each digest that was asked for, `asked_before` what a role was
    asked to sign before the current one, `waivers` the last waiver of each criterion.
    Of this round only: `called` has who may sign instead, by role and member, `reminded` the
    steps of escalation that were taken, by role and step.
    """

    opened_at: datetime
    round: int = 1
    digest: str | None = None
    ready_at: datetime | None = None
    asked: dict[str, ev.SignOffAsked] = field(default_factory=dict)
    sign_offs: list[ev.SignedOff] = field(default_factory=list)
    refusals: list[ev.SignOffRefused] = field(default_factory=list)
    rejections: list[ev.Rejected] = field(default_factory=list)
    waivers: dict[str, ev.Waived] = field(default_factory=dict)
    covers: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked_before: dict[str, ev.SignOffAsked] = field(default_factory=dict)
    called: dict[tuple[str, str], ev.BackupCalled] = field(default_factory=dict)
    reminded: dict[tuple[str, str], ev.Reminded] = field(default_factory=dict)
    passed_at: datetime | None = None

    def standing(self, digest: str | None) -> tuple[ev.SignedOff, ...]:
        """The sign-offs that count: of this round, on this digest."""
        return tuple(
            each for each in self.sign_offs if each.digest == digest and each.round == self.round
        )

    def escalate(self, event: ev.BackupCalled | ev.Reminded) -> None:
        if isinstance(event, ev.BackupCalled):
            self.called[event.role, event.member] = event
        else:
            self.reminded[event.role, event.step] = event


@dataclass(frozen=True, slots=True)
class Trouble:
    text: str
    since: datetime
    again_at: datetime
    times: int


@dataclass(slots=True)
class ProgramState:
    """Everything the journal knows of one program.

    `head` is the sequence number of its last entry, `project`, `workbook` and `tabs` (ids by
    name) say where its work lives (empty in old journals), `issues` maps stable to Jira keys,
    `rows` are the stable keys of rows that were added, `seen` what was last seen of each work item,
    `histories` the changelog ids that were already judged, `sent_back` the items that a
    rejection named and nobody has taken up yet, `said` the marks of our comments, `codes` the
    attempts proven by a one-time code, `conditions` what approvals of passed gates asked for,
    `waits` how often the run resumed.
    """

    program: str
    head: int = 0
    spec_text: str = ""
    spec_path: str = ""
    run: str = ""
    launched_at: datetime | None = None
    accounts: dict[str, str] = field(default_factory=dict)
    own_account: str = ""
    project: str = ""
    workbook: str = ""
    tabs: dict[str, int] = field(default_factory=dict)
    issues: dict[str, str] = field(default_factory=dict)
    rows: set[str] = field(default_factory=set)
    doubts: dict[str, Doubt] = field(default_factory=dict)
    seen: dict[str, ev.Seen] = field(default_factory=dict)
    gates: dict[str, GateState] = field(default_factory=dict)
    histories: set[str] = field(default_factory=set)
    sent_back: dict[str, str] = field(default_factory=dict)
    said: set[str] = field(default_factory=set)
    codes: list[ev.CodeGiven] = field(default_factory=list)
    conditions: list[ev.Condition] = field(default_factory=list)
    oddities: tuple[str, ...] = ()
    trouble: Trouble | None = None
    waits: int = 0
    finished_at: datetime | None = None
    stopped: ev.ProgramStopped | None = None

    @property
    def is_over(self) -> bool:
        """Finished, or rejected for good."""
        return self.finished_at is not None or self.stopped is not None

    @property
    def unjudged_codes(self) -> tuple[ev.CodeGiven, ...]:
        return tuple(each for each in self.codes if each.mark not in self.histories)

    def of(self, key: str) -> ev.Seen:
        return self.seen.get(key, NOT_SEEN)

    def passed(self, stage: str) -> bool:
        gate = self.gates.get(stage)
        return gate is not None and gate.passed_at is not None

    @property
    def wrote_nothing(self) -> bool:
        """Whether nothing of the program can exist outside: it may still be launched anew."""
        return not (self.issues or self.rows or self.doubts)

    @property
    def waiting_stages(self) -> tuple[str, ...]:
        """Stages that are open and whose gate has not passed, in the order they opened."""
        return tuple(stage for stage, gate in self.gates.items() if gate.passed_at is None)


def fold(program: str, records: Iterable[Recorded]) -> ProgramState:
    state = ProgramState(program)
    for record in records:
        take(state, record)
    return state


GateEvent = (
    ev.StageOpened
    | ev.GateReady
    | ev.SignOffAsked
    | ev.SignedOff
    | ev.SignOffRefused
    | ev.SignOffWithdrawn
    | ev.Rejected
    | ev.Waived
    | ev.BackupCalled
    | ev.Reminded
    | ev.GatePassed
)


CreationEvent = ev.CreationIntended | ev.IssuesCreated | ev.CreationRefused


def take(state: ProgramState, record: Recorded) -> None:
    """Carry the state past one more event."""
    match record.event:
        case ev.Launched() as launched:
            state.spec_text = launched.spec_text
            state.spec_path = launched.spec_path
            state.run = launched.run
            state.launched_at = record.at
        case ev.Resumed(wait=wait):
            state.waits = wait + 1
        case ev.TroubleMet(text=text, again_at=again_at):
            before = state.trouble
            state.trouble = Trouble(
                text=text,
                since=before.since if before else record.at,
                again_at=again_at,
                times=before.times + 1 if before else 1,
            )
        case ev.TroubleOver():
            state.trouble = None
        case ev.ProgramFinished():
            state.finished_at = record.at
        case ev.ProgramStopped() as stopped:
            state.stopped = stopped
        case event if isinstance(event, GateEvent):
            take_gate(state, record.at, event)
        case event if isinstance(event, CreationEvent):
            _take_creation(state, record.at, event)
        case event:
            _take_work(state, event)
    state.head = record.sequence


def take_gate(  # noqa: C901 - one case a kind
    state: ProgramState, at: datetime, event: GateEvent
) -> None:
    """Carry one gate past an event about it."""
    if isinstance(event, ev.StageOpened):
        state.gates[event.stage] = GateState(opened_at=at)
        return
    gate = state.gates[event.stage]
    match event:
        case ev.GateReady(digest=digest, covers=covers):
            gate.digest, gate.ready_at = digest, at
            gate.covers[digest] = covers
        case ev.SignOffAsked(role=role):
            if role in gate.asked:
                gate.asked_before[role] = gate.asked[role]
            gate.asked[role] = event
        case ev.Waived(criterion=criterion, history_id=history_id):
            gate.waivers[criterion] = event
            state.histories.add(history_id)
        case ev.SignedOff(history_id=history_id):
            gate.sign_offs.append(event)
            state.histories.add(history_id)
        case ev.SignOffRefused(history_id=history_id):
            gate.refusals.append(event)
            state.histories.add(history_id)
        case ev.SignOffWithdrawn(history_id=history_id):
            gate.sign_offs.remove(_withdrawn(gate, event))
            state.histories.add(history_id)
        case ev.Rejected(history_id=history_id):
            gate.rejections.append(event)
            state.histories.add(history_id)
            gate.round, gate.digest, gate.ready_at = event.round + 1, None, None
            gate.asked.clear()
            gate.called, gate.reminded = {}, {}
            for key in event.sent_back:
                state.sent_back[key] = event.cells.get(key, "")
                state.seen[key] = ev.Seen(
                    state=State.TODO,
                    cells=event.cells.get(key, ""),
                    doers=state.of(key).doers,
                )
        case ev.BackupCalled() | ev.Reminded():
            gate.escalate(event)
        case ev.GatePassed(digest=digest):
            gate.passed_at = at
            state.conditions += [
                condition for given in gate.standing(digest) for condition in given.conditions
            ]


def _withdrawn(gate: GateState, event: ev.SignOffWithdrawn) -> ev.SignedOff:
    of_role = (each for each in reversed(gate.sign_offs) if each.role == event.role)
    return next(each for each in of_role if event.signed in {"", each.history_id})


def _take_creation(state: ProgramState, at: datetime, event: CreationEvent) -> None:
    match event:
        case ev.CreationIntended(batch=batch, keys=keys, fence=fence):
            state.doubts[batch] = Doubt(batch, keys, fence, since=at)
        case ev.IssuesCreated(batch=batch, issues=issues):
            state.issues.update(issues)
            _settle(state, batch, set(issues))
        case ev.CreationRefused(batch=batch, reasons=reasons):
            _settle(state, batch, set(reasons))


def _take_work(  # noqa: C901, PLR0912 - one case a kind
    state: ProgramState, event: ev.Event
) -> None:
    match event:
        case ev.PeopleResolved(accounts=accounts, own_account=own_account):
            state.accounts = {**state.accounts, **accounts}
            state.own_account = own_account
            state.project = event.project or state.project
            state.workbook = event.workbook or state.workbook
        case ev.RowsAdded(keys=keys, tabs=tabs):
            state.rows.update(keys)
            state.tabs.update(tabs)
        case ev.KeysChanged(issues=issues):
            state.issues.update(issues)
        case ev.WorkSeen(items=items):
            state.seen.update(items)
            for key, seen in items.items():
                if key in state.sent_back and seen.cells != state.sent_back[key]:
                    del state.sent_back[key]
        case ev.IssuesMoved(states=states):
            for key in states:
                state.sent_back.pop(key, None)
        case ev.CodeGiven():
            state.codes.append(event)
        case ev.Said(marks=marks) | ev.NoticeIntended(marks=marks):
            state.said.update(marks)
        case ev.RecreationAsked(keys=keys):
            for key in keys:
                state.issues.pop(key, None)
                state.rows.discard(key)
                state.seen.pop(key, None)
        case ev.OdditiesSeen(oddities=oddities):
            state.oddities = oddities


def _settle(state: ProgramState, batch: str, keys: set[str]) -> None:
    """Take the keys whose outcome is known out of a batch's doubt."""
    doubt = state.doubts.pop(batch, None)
    if doubt is None:
        return
    left = tuple(key for key in doubt.keys if key not in keys)
    if left:
        state.doubts[batch] = Doubt(batch, left, doubt.fence, doubt.since)
