"""What the journal knows of one program: the state that `fold` makes of its events. Pure."""

from collections.abc import Mapping
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
    `awaited` are the rejections whose reason may still come, by changelog id; those that were
    judged since are in the program's `histories`.
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
    awaited: dict[str, ev.ReasonAwaited] = field(default_factory=dict)
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
        self.asked = {role: moved(each, stages) for role, each in self.asked.items()}
        self.asked_before = {role: moved(each, stages) for role, each in self.asked_before.items()}
        self.sign_offs = [_signed_elsewhere(each, stages) for each in self.sign_offs]
        self.refusals = [moved(each, stages) for each in self.refusals]
        self.rejections = [moved(each, stages) for each in self.rejections]
        self.waivers = {name: moved(each, stages) for name, each in self.waivers.items()}
        self.called = {key: moved(each, stages) for key, each in self.called.items()}
        self.reminded = {key: moved(each, stages) for key, each in self.reminded.items()}
        self.awaited = {key: moved(each, stages) for key, each in self.awaited.items()}


_OfStage = TypeVar(
    "_OfStage",
    ev.SignOffAsked,
    ev.SignedOff,
    ev.SignOffRefused,
    ev.Rejected,
    ev.Waived,
    ev.BackupCalled,
    ev.Reminded,
    ev.ReasonAwaited,
    ev.CodeGiven,
    ev.Condition,
)


def moved(about: _OfStage, stages: Mapping[str, str]) -> _OfStage:
    """What was said about a stage, under the stage's new id; `stages` has the old to the new."""
    if about.stage not in stages:
        return about
    return about.model_copy(update={"stage": stages[about.stage]})


def _signed_elsewhere(given: ev.SignedOff, stages: Mapping[str, str]) -> ev.SignedOff:
    conditions = tuple(moved(each, stages) for each in given.conditions)
    return moved(given.model_copy(update={"conditions": conditions}), stages)


@dataclass(frozen=True, slots=True)
class Version:
    """A spec that the program followed since `at`; `by` and `reason` are empty for the first.

    `entry` is the number of the journal's entry that says so.
    """

    text: str
    path: str
    at: datetime
    entry: int
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

    `head` is the sequence number of its last entry, `accounts` the account id of each person,
    `former_accounts` person and account id where another one was resolved later, `project`,
    `workbook` and `tabs` (ids by name) say where its work lives (empty in old journals), `issues`
    maps stable to Jira keys, `rows` are the stable keys of rows that were added, `unsettled` the
    other writes whose outcome is not known, by mark, `seen` what was last seen of each work item,
    `histories` the changelog ids that were already judged, `sent_back` the items that a
    rejection named and nobody has taken up yet, `recreate` what is wanted anew, `said` the marks of
    our comments, `codes` the attempts proven by a one-time code, `conditions` what approvals of
    passed gates asked for, `waits` how often the run resumed.

    `versions` are the specs it followed, the last one now; `unread_amendment` is whether the run
    has still to take up the last one, `amended_lately` whether it did after its last wait.
    `renamed` has the stable key behind each key that the spec writes by other ids (see
    `work.stable_key`). `left` are the stable keys that wait for nobody any more and are settled
    outside: the spec no longer has them, or a gate passed by codes. `returns` tells how often each
    one came back.
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
    former_accounts: set[tuple[str, str]] = field(default_factory=set)
    own_account: str = ""
    project: str = ""
    workbook: str = ""
    newest_issue: int = 0
    tabs: dict[str, int] = field(default_factory=dict)
    issues: dict[str, str] = field(default_factory=dict)
    rows: set[str] = field(default_factory=set)
    doubts: dict[str, Doubt] = field(default_factory=dict)
    maybe_double: set[str] = field(default_factory=set)
    recreate: set[str] = field(default_factory=set)
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
    amended_lately: bool = False
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
