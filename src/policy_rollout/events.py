"""What can be journaled about a program: one record a kind. Pure.

The body of a journal entry is one of these, as JSON; `kind` tells which. An entry that was
written stays readable: fields are only ever added, with a default.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from policy_rollout.event_record import EventRecord
from policy_rollout.halt_events import (
    GoneOn,
    Held,
    ProgramStopped,
    RunFound,
    RunLost,
    StopCarriedOut,
    TakenUp,
)
from policy_rollout.work import State


class Launched(EventRecord):
    """`run` is the id of the Prefect flow run that carries the program."""

    kind: Literal["launched"] = "launched"
    spec_text: str
    spec_path: str
    run: str


class Amended(EventRecord):
    """From here on the program follows another spec, as `by` wanted it for `reason`.

    `keys` has what is renamed: the key of a stage or an item by its new ids to the stable key
    that it had first, both without language or market; `stages` has the old to the new id of
    each renamed stage; `reopened` the passed stages (new ids) whose gates begin a new round.
    """

    kind: Literal["amended"] = "amended"
    spec_text: str
    spec_path: str
    by: str
    reason: str
    keys: dict[str, str] = Field(default_factory=dict)
    stages: dict[str, str] = Field(default_factory=dict)
    reopened: tuple[str, ...] = ()


class PeopleResolved(EventRecord):
    """Mail address to Jira account id, once; `own_account` is the service account's.

    Written before anything else is: `project` and `workbook` are where the program's work goes,
    `newest_issue` is a number above which all its issues will be, 0 where it was not asked for.
    """

    kind: Literal["people_resolved"] = "people_resolved"
    accounts: dict[str, str]
    own_account: str
    project: str = ""
    workbook: str = ""
    newest_issue: int = 0


class StageOpened(EventRecord):
    kind: Literal["stage_opened"] = "stage_opened"
    stage: str


class CreationIntended(EventRecord):
    """Before a bulk creation: these keys, looked for above issue number `fence` if it is lost."""

    kind: Literal["creation_intended"] = "creation_intended"
    batch: str
    keys: tuple[str, ...]
    fence: int


class IssuesCreated(EventRecord):
    """Stable key to Jira key; `adopted` where found after a lost answer."""

    kind: Literal["issues_created"] = "issues_created"
    batch: str
    issues: dict[str, str]
    adopted: bool = False


class CreationRefused(EventRecord):
    """Not created: stable key to the reason; `given_up` where one may still arrive after all."""

    kind: Literal["creation_refused"] = "creation_refused"
    batch: str
    reasons: dict[str, str]
    given_up: bool = False


class WritesIntended(EventRecord):
    """Before links, moves and comments are sent: looked for before they are sent again.

    Mark to the id of the issue's last change of status, for a move; empty for the others.
    """

    kind: Literal["writes_intended"] = "writes_intended"
    marks: dict[str, str]


class WritesSettled(EventRecord):
    """What became of these marks is known: they stand, or were certainly not made."""

    kind: Literal["writes_settled"] = "writes_settled"
    marks: tuple[str, ...]


class RowsAdded(EventRecord):
    """`tabs` are the ids of the tabs they went to, by the tab's first name."""

    kind: Literal["rows_added"] = "rows_added"
    keys: tuple[str, ...]
    tabs: dict[str, int] = Field(default_factory=dict)


class KeysChanged(EventRecord):
    """Issues that somebody moved to another project: stable key to the new Jira key."""

    kind: Literal["keys_changed"] = "keys_changed"
    issues: dict[str, str]


class Seen(BaseModel):
    """What was last seen of a work item; `cells` digests a row's human cells.

    `doers` are the accounts of who had the issue when it was done, and of who moved it there.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: State
    completion: int | None = None
    cells: str = ""
    doers: tuple[str, ...] = ()


class WorkSeen(EventRecord):
    """The items whose state differs from what was journaled before."""

    kind: Literal["work_seen"] = "work_seen"
    items: dict[str, Seen]


class WorkLeft(EventRecord):
    """What an amended spec no longer has, and sign-off issues of gates that passed by codes.

    They are settled outside, and not looked at any more.
    """

    kind: Literal["work_left"] = "work_left"
    keys: tuple[str, ...]


class WorkJoined(EventRecord):
    """What had left belongs to the program again.

    `reopened` are those among `keys` whose issues we had closed; `history_ids` what happened to
    sign-off issues while nobody was asked on them, which answers nothing.
    """

    kind: Literal["work_joined"] = "work_joined"
    keys: tuple[str, ...]
    reopened: tuple[str, ...] = ()
    history_ids: tuple[str, ...] = ()


class OdditiesSeen(EventRecord):
    """All oddities of the last look, replacing those before."""

    kind: Literal["oddities_seen"] = "oddities_seen"
    oddities: tuple[str, ...]


class GateReady(EventRecord):
    """Every criterion holds; sign-offs are asked for on this digest of what is in `covers`."""

    kind: Literal["gate_ready"] = "gate_ready"
    stage: str
    round: int
    digest: str
    covers: dict[str, Any] = Field(default_factory=dict)


class SignOffAsked(EventRecord):
    """The sign-off issue carries this digest since `at` (Jira's clock)."""

    kind: Literal["sign_off_asked"] = "sign_off_asked"
    stage: str
    role: str
    digest: str
    at: datetime


class Via(StrEnum):
    """How a signer proved who they are; both count the same."""

    JIRA = "jira"  # the author of a transition, as the changelog gives it
    CODE = "code"  # a one-time code from the signer's authenticator


class Condition(BaseModel):
    """Work that an approval asks for; the gate of `stage` requires it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: str
    team: str
    text: str


class CodeGiven(EventRecord):
    """A proven attempt by one-time code, still to be judged; `mark` is unique: person and step.

    `action` is what was asked for, `text` the reason with its lines (`Reopen:`, `Condition
    for`, `Waive`), `digest` the one the signer was shown.
    """

    kind: Literal["code_given"] = "code_given"
    stage: str
    role: str
    person: str
    action: str
    text: str
    digest: str
    mark: str
    at: datetime


class SignedOff(EventRecord):
    """`history_id` is the changelog id, or the mark of a code; `stands_for` a silent member."""

    kind: Literal["signed_off"] = "signed_off"
    stage: str
    round: int
    role: str
    person: str
    account: str
    digest: str
    history_id: str
    at: datetime
    via: Via = Via.JIRA
    stands_for: str = ""
    reason: str = ""
    conditions: tuple[Condition, ...] = ()


class SignOffRefused(EventRecord):
    """An attempt that does not count, and why."""

    kind: Literal["sign_off_refused"] = "sign_off_refused"
    stage: str
    round: int
    role: str
    account: str
    name: str
    history_id: str
    at: datetime
    why: str
    via: Via = Via.JIRA
    action: str = ""


class SignOffWithdrawn(EventRecord):
    """A sign-off is void: its issue was moved back, or its signer may sign no longer (`why`).

    `signed` is the changelog id or mark of the sign-off.
    """

    kind: Literal["sign_off_withdrawn"] = "sign_off_withdrawn"
    stage: str
    round: int
    role: str
    account: str
    name: str
    history_id: str
    at: datetime
    signed: str = ""
    why: str = ""


class Rejected(EventRecord):
    """The gate's round is over; `sent_back` are stable keys of the items that go back to work.

    `cells` holds, for rows among them, the digest of the human cells at that moment: the row
    counts as not done until a person changes it.
    """

    kind: Literal["rejected"] = "rejected"
    stage: str
    round: int
    role: str
    person: str
    account: str
    history_id: str
    at: datetime
    reason: str
    sent_back: tuple[str, ...]
    cells: dict[str, str] = Field(default_factory=dict)
    via: Via = Via.JIRA
    for_good: bool = False


class ReasonAwaited(EventRecord):
    """A rejection was seen whose author may still be writing why: the gate does not pass meanwhile.

    Only of those whom the role names; `at` is when they moved the issue.
    """

    kind: Literal["reason_awaited"] = "reason_awaited"
    stage: str
    role: str
    person: str
    history_id: str
    at: datetime


class RecreationBegun(EventRecord):
    """What was asked for again and is missing after another look: it is made anew."""

    kind: Literal["recreation_begun"] = "recreation_begun"
    keys: tuple[str, ...]


class Waived(EventRecord):
    """A criterion counts as held until the end of `until`, if the gate passes by then."""

    kind: Literal["waived"] = "waived"
    stage: str
    criterion: str
    person: str
    account: str
    reason: str
    until: date
    history_id: str
    at: datetime
    via: Via = Via.JIRA


class BackupCalled(EventRecord):
    """The backups of a role may sign for a member who is silent or absent, and why.

    `announced` tells an absence from silence.
    """

    kind: Literal["backup_called"] = "backup_called"
    stage: str
    round: int
    role: str
    member: str
    backups: tuple[str, ...]
    why: str
    announced: bool = False


class Reminded(EventRecord):
    """A step of escalation was taken, once a round, and these people are told."""

    kind: Literal["reminded"] = "reminded"
    stage: str
    round: int
    role: str
    step: Literal["remind", "backup", "owner"]
    people: tuple[str, ...]


class NoticeIntended(EventRecord):
    """Before notices go out: they are never sent again, also where their outcome is lost."""

    kind: Literal["notice_intended"] = "notice_intended"
    marks: tuple[str, ...]


class NoticeSent(EventRecord):
    """Where a notice arrived, and which channels failed and why; never with their secrets."""

    kind: Literal["notice_sent"] = "notice_sent"
    mark: str
    arrived: tuple[str, ...]
    failed: tuple[str, ...]


class IssuesMoved(EventRecord):
    """We moved issues: stable key to the state they were brought to."""

    kind: Literal["issues_moved"] = "issues_moved"
    states: dict[str, State]


class Said(EventRecord):
    """A comment of ours stands on an issue; `mark` names what it answers."""

    kind: Literal["said"] = "said"
    marks: tuple[str, ...]


class GatePassed(EventRecord):
    kind: Literal["gate_passed"] = "gate_passed"
    stage: str
    round: int
    digest: str


class TroubleMet(EventRecord):
    """An outside service failed; the run goes on after `again_at` or when somebody asks."""

    kind: Literal["trouble_met"] = "trouble_met"
    text: str
    again_at: datetime


class TroubleOver(EventRecord):
    kind: Literal["trouble_over"] = "trouble_over"


class RecreationAsked(EventRecord):
    """A person wants the deleted issues and rows of these stable keys again."""

    kind: Literal["recreation_asked"] = "recreation_asked"
    keys: tuple[str, ...]


class Resumed(EventRecord):
    """The suspended run was resumed; `wait` counts the waits of the program from 0."""

    kind: Literal["resumed"] = "resumed"
    wait: int
    because: str


class ProgramFinished(EventRecord):
    kind: Literal["program_finished"] = "program_finished"


Event = Annotated[
    Launched
    | Amended
    | PeopleResolved
    | StageOpened
    | CreationIntended
    | IssuesCreated
    | CreationRefused
    | WritesIntended
    | WritesSettled
    | RowsAdded
    | KeysChanged
    | WorkSeen
    | WorkLeft
    | WorkJoined
    | OdditiesSeen
    | GateReady
    | SignOffAsked
    | CodeGiven
    | SignedOff
    | SignOffRefused
    | SignOffWithdrawn
    | ReasonAwaited
    | Rejected
    | Waived
    | BackupCalled
    | Reminded
    | NoticeIntended
    | NoticeSent
    | Said
    | IssuesMoved
    | GatePassed
    | TroubleMet
    | TroubleOver
    | RecreationAsked
    | RecreationBegun
    | Resumed
    | Held
    | GoneOn
    | ProgramStopped
    | StopCarriedOut
    | TakenUp
    | RunLost
    | RunFound
    | ProgramFinished,
    Field(discriminator="kind"),
]

_ADAPTER: TypeAdapter[Event] = TypeAdapter(Event)


def event_from(kind: str, body: dict[str, Any]) -> Event:
    return _ADAPTER.validate_python({**body, "kind": kind}, strict=False)


def body_of(event: Event) -> dict[str, Any]:
    return event.model_dump(mode="json", exclude={"kind"})
