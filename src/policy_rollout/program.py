"""From the journal of a program to its state: a fold over its events. Pure.

`fold` reads events in order and answers where the program stands; the same events always give
the same state, today and years later.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from policy_rollout import events as ev
from policy_rollout.work import State, sign_off_key, stable_key

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


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A link, move or comment whose outcome is not journaled; `after` is the last change before."""

    since: datetime
    after: str


@dataclass(slots=True)
class GateState:
    """Where a stage's gate stands; `sign_offs` and `refusals` hold those of all rounds.

    `covers` has the text behind each digest that was asked for, `asked_before` what a role was
    asked to sign before the current one, `waivers` the last waiver of each criterion;
    `first_stage` is the id that its stage had before it was renamed, empty where it was not.
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
    first_stage: str = ""

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

    def begin_round(self, number: int) -> None:
        """Everybody is asked anew, on a text that has still to be made."""
        self.round, self.digest, self.ready_at = number, None, None
        self.asked.clear()
        self.called, self.reminded = {}, {}

    def rename(self, old: str, stages: Mapping[str, str]) -> None:
        """Carry the new ids of stages into all that is kept; this gate's was `old`."""
        if old in stages:
            self.first_stage = self.first_stage or old
        self.asked = {role: _moved(each, stages) for role, each in self.asked.items()}
        self.asked_before = {role: _moved(each, stages) for role, each in self.asked_before.items()}
        self.sign_offs = [_signed_elsewhere(each, stages) for each in self.sign_offs]
        self.refusals = [_moved(each, stages) for each in self.refusals]
        self.rejections = [_moved(each, stages) for each in self.rejections]
        self.waivers = {name: _moved(each, stages) for name, each in self.waivers.items()}
        self.called = {key: _moved(each, stages) for key, each in self.called.items()}
        self.reminded = {key: _moved(each, stages) for key, each in self.reminded.items()}


_OfStage = TypeVar(
    "_OfStage",
    ev.SignOffAsked,
    ev.SignedOff,
    ev.SignOffRefused,
    ev.Rejected,
    ev.Waived,
    ev.BackupCalled,
    ev.Reminded,
    ev.CodeGiven,
    ev.Condition,
)


def _moved(about: _OfStage, stages: Mapping[str, str]) -> _OfStage:
    if about.stage not in stages:
        return about
    return about.model_copy(update={"stage": stages[about.stage]})


def _signed_elsewhere(given: ev.SignedOff, stages: Mapping[str, str]) -> ev.SignedOff:
    conditions = tuple(_moved(each, stages) for each in given.conditions)
    return _moved(given.model_copy(update={"conditions": conditions}), stages)


@dataclass(frozen=True, slots=True)
class Version:
    """A spec that the program followed since `at`; `by` and `reason` are empty for the first."""

    text: str
    path: str
    at: datetime
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    text: str
    since: datetime
    again_at: datetime
    times: int


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a program does nothing just now."""

    by: str
    reason: str
    since: datetime


@dataclass(slots=True)
class ProgramState:
    """Everything the journal knows of one program.

    `head` is the sequence number of its last entry, `issues` maps stable to Jira keys, `rows`
    are the stable keys of rows that were added, `unsettled` the other writes whose outcome is not
    known, by mark, `seen` what was last seen of each work item,
    `histories` the changelog ids that were already judged, `sent_back` the items that a
    rejection named and nobody has taken up yet, `said` the marks of our comments, `codes` the
    attempts proven by a one-time code, `conditions` what approvals of passed gates asked for,
    `waits` how often the run resumed.

    `versions` are the specs it followed, the last one now, and `unread_amendment` whether the run
    has still to take up the last one. `renamed` has the stable key behind each key that the spec
    writes by other ids (see `work.stable_key`). `left` are the stable keys that the spec no longer
    has and that are settled outside, `returns` how often each one came back.
    `held` is the hold that stands, `holds` are those that are over, from when to when; `order` is
    the entry by which somebody held, let go on or stopped the program while its run may have been
    asleep, 0 once the run has woken up since; `lost_since` tells when Prefect was found not to
    know the run; `closed_at` when all was done that a stop asks for.
    """

    program: str
    head: int = 0
    spec_text: str = ""
    spec_path: str = ""
    run: str = ""
    launched_at: datetime | None = None
    accounts: dict[str, str] = field(default_factory=dict)
    own_account: str = ""
    issues: dict[str, str] = field(default_factory=dict)
    rows: set[str] = field(default_factory=set)
    doubts: dict[str, Doubt] = field(default_factory=dict)
    unsettled: dict[str, Unsettled] = field(default_factory=dict)
    seen: dict[str, ev.Seen] = field(default_factory=dict)
    gates: dict[str, GateState] = field(default_factory=dict)
    histories: set[str] = field(default_factory=set)
    sent_back: dict[str, str] = field(default_factory=dict)
    said: set[str] = field(default_factory=set)
    codes: list[ev.CodeGiven] = field(default_factory=list)
    conditions: list[ev.Condition] = field(default_factory=list)
    oddities: tuple[str, ...] = ()
    versions: list[Version] = field(default_factory=list)
    unread_amendment: bool = False
    renamed: dict[str, str] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)
    returns: dict[str, int] = field(default_factory=dict)
    trouble: Trouble | None = None
    waits: int = 0
    finished_at: datetime | None = None
    stopped: ev.ProgramStopped | None = None
    stopped_at: datetime | None = None
    closed_at: datetime | None = None
    held: Hold | None = None
    holds: list[tuple[datetime, datetime]] = field(default_factory=list)
    order: int = 0
    lost_since: datetime | None = None

    @property
    def is_over(self) -> bool:
        """Finished, rejected for good, or stopped."""
        return self.finished_at is not None or self.stopped is not None

    @property
    def is_settled(self) -> bool:
        """Over, and nothing is left to do outside."""
        return self.finished_at is not None or self.closed_at is not None

    @property
    def is_halted(self) -> bool:
        """Held, or under an order that its sleeping run has not seen."""
        return self.held is not None or self.order > 0

    @property
    def rests(self) -> bool:
        """Whether no look at the world is due: held, or stopped before anything was made."""
        return self.held is not None or (self.is_over and self.wrote_nothing)

    @property
    def unjudged_codes(self) -> tuple[ev.CodeGiven, ...]:
        return tuple(each for each in self.codes if each.mark not in self.histories)

    def first_stage(self, stage: str) -> str:
        """The id that a stage of the spec had first: addresses that must stay are made of it."""
        return stable_key(self.renamed, self.program, stage).split("/", 1)[1]

    def sign_off_key(self, stage: str, role: str) -> str:
        return sign_off_key(self.program, self.first_stage(stage), role)

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


HaltEvent = (
    ev.Held
    | ev.GoneOn
    | ev.ProgramStopped
    | ev.StopCarriedOut
    | ev.TakenUp
    | ev.RunLost
    | ev.RunFound
)
WriteEvent = (
    ev.CreationIntended
    | ev.IssuesCreated
    | ev.CreationRefused
    | ev.WritesIntended
    | ev.WritesSettled
)


def take(state: ProgramState, record: Recorded) -> None:  # noqa: C901 - one case a kind
    """Carry the state past one more event."""
    match record.event:
        case ev.Launched() as launched:
            state.spec_text = launched.spec_text
            state.spec_path = launched.spec_path
            state.run = launched.run
            state.launched_at = record.at
            state.versions = [Version(launched.spec_text, launched.spec_path, record.at)]
        case ev.Amended() as amended:
            _amend(state, record.at, amended)
        case ev.Resumed(wait=wait):
            state.waits = wait + 1
            state.unread_amendment = False
            state.order, state.lost_since = 0, None
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
        case event if isinstance(event, HaltEvent):
            _take_halt(state, record, event)
        case event if isinstance(event, GateEvent):
            take_gate(state, record.at, event)
        case event if isinstance(event, WriteEvent):
            _take_write(state, record.at, event)
        case ev.WorkLeft() | ev.WorkJoined() as parting:
            _take_parting(state, parting)
        case event:
            _take_work(state, event)
    state.head = record.sequence


def _amend(state: ProgramState, at: datetime, amended: ev.Amended) -> None:
    """Follow another spec: names move along, and reopened gates begin a new round."""
    state.spec_text, state.spec_path = amended.spec_text, amended.spec_path
    state.versions.append(
        Version(amended.spec_text, amended.spec_path, at, amended.by, amended.reason)
    )
    state.unread_amendment = True
    state.renamed.update(amended.keys)
    stages = amended.stages
    if stages:
        for stage, gate in state.gates.items():
            gate.rename(stage, stages)
        state.gates = {stages.get(stage, stage): gate for stage, gate in state.gates.items()}
        state.codes = [_moved(each, stages) for each in state.codes]
        state.conditions = [_moved(each, stages) for each in state.conditions]
    for stage in amended.reopened:
        gate = state.gates[stage]
        gate.begin_round(gate.round + 1)
        gate.passed_at = None


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
            gate.begin_round(event.round + 1)
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


def _take_halt(state: ProgramState, record: Recorded, event: HaltEvent) -> None:
    match event:
        case ev.Held(by=by, reason=reason):
            state.held, state.order = Hold(by, reason, record.at), record.sequence
        case ev.GoneOn():
            _end_hold(state, record)
            state.order = record.sequence
        case ev.ProgramStopped():
            _end_hold(state, record)
            state.stopped, state.stopped_at = event, record.at
            if event.issues is not None:  # else its own run stops it, and is awake
                state.order = record.sequence
        case ev.StopCarriedOut():
            state.closed_at = record.at
        case ev.TakenUp(run=run):
            state.run, state.order, state.lost_since = run, 0, None
        case ev.RunLost(run=run):
            state.lost_since = record.at if run == state.run else state.lost_since
        case ev.RunFound():
            state.lost_since = None


def _end_hold(state: ProgramState, record: Recorded) -> None:
    if state.held is not None:
        state.holds.append((state.held.since, record.at))
    state.held = None


def _take_write(state: ProgramState, at: datetime, event: WriteEvent) -> None:
    match event:
        case ev.CreationIntended(batch=batch, keys=keys, fence=fence):
            state.doubts[batch] = Doubt(batch, keys, fence, since=at)
        case ev.IssuesCreated(batch=batch, issues=issues):
            state.issues.update(issues)
            _settle(state, batch, set(issues))
        case ev.CreationRefused(batch=batch, reasons=reasons):
            _settle(state, batch, set(reasons))
        case ev.WritesIntended(marks=marks):
            state.unsettled.update({mark: Unsettled(at, after) for mark, after in marks.items()})
        case ev.WritesSettled(marks=settled):
            for mark in settled:
                state.unsettled.pop(mark, None)


def _take_parting(state: ProgramState, event: ev.WorkLeft | ev.WorkJoined) -> None:
    if isinstance(event, ev.WorkLeft):
        state.left.update(event.keys)
        for key in event.keys:
            state.sent_back.pop(key, None)
        return
    state.left.difference_update(event.keys)
    state.histories.update(event.history_ids)
    for key in event.keys:
        state.returns[key] = state.returns.get(key, 0) + 1
    for key in event.reopened:
        state.sent_back[key] = ""
        state.seen[key] = ev.Seen(state=State.TODO, doers=state.of(key).doers)


def _take_work(state: ProgramState, event: ev.Event) -> None:  # noqa: C901 - one case a kind
    match event:
        case ev.PeopleResolved(accounts=accounts, own_account=own_account):
            state.accounts = {**state.accounts, **accounts}
            state.own_account = own_account
        case ev.RowsAdded(keys=keys):
            state.rows.update(keys)
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
