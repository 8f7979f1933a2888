"""A program whose first gate lacks one signature, its world held in memory, and its journal.

Everything runs through the real `decide`; an event is read back from its JSON before it counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from policy_rollout import events as ev
from policy_rollout.absences import Absence
from policy_rollout.amending import amendment, newcomers
from policy_rollout.comments import SayOnIssue
from policy_rollout.decide import Circumstances, decide
from policy_rollout.desired import NewIssue
from policy_rollout.fold import fold
from policy_rollout.observed import (
    AnswerStatuses,
    Comment,
    ObservedIssue,
    ObservedRow,
    TextEdit,
    Transition,
    World,
)
from policy_rollout.outline import outline_at
from policy_rollout.plan import AddRow, CreateIssue, MoveIssue, UpdateIssue
from policy_rollout.program import ProgramState, Recorded
from policy_rollout.report.notice_text import Notice
from policy_rollout.spec.model import Spec
from policy_rollout.spec.reader import read_valid
from policy_rollout.work import State, people_of, sign_off_key

OWNER, WAIVER = "olga@example.com", "wanda@example.com"
LEGAL, SECOND_LEGAL = "lena@example.com", "luis@example.com"
BACKUP, SECOND_BACKUP = "bo@example.com", "cy@example.com"
POLICY, SECOND_POLICY = "pia@example.com", "paul@example.com"
DOER, COMMS = "omar@example.com", "cara@example.com"
STRANGER = "stranger@example.org"
OWN_ACCOUNT = "acc:rollout"
MORNING = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # Monday
MINUTE = timedelta(minutes=1)
MOST_LOOKS = 20

SPEC = f"""\
program: demo
title: Demo
owner: {OWNER}
policy: {{change: clarification, document: {{ref: docs/policy.md, version: "1.0"}}}}
timeline: {{timezone: UTC, effective: 2026-05-01 09:00}}
people:
  legal: {{members: [{LEGAL}, {SECOND_LEGAL}], backups: [{BACKUP}, {SECOND_BACKUP}]}}
  policy: {{members: [{POLICY}, {SECOND_POLICY}]}}
  ops: {{members: [{DOER}]}}
  comms: {{members: [{COMMS}]}}
stages:
  prepare:
    tasks:
      guideline: {{title: Write the guideline, team: ops}}
      label: {{title: Label in the tool, team: ops}}
    gate:
      sign_off: {{legal: 1, policy: 1}}
      waivers: [{WAIVER}]
  announce:
    tasks:
      post: {{title: Post for creators, team: comms}}
    gate:
      sign_off: {{policy: 1}}
  launch:
    after: [prepare, announce]
    tasks:
      switch: {{title: Switch it on, team: ops}}
    gate:
      sign_off: {{legal: 1}}
"""


def account_of(person: str) -> str:
    return f"acc:{person.partition('@')[0]}"


def spec_with(*changes: tuple[str, str]) -> str:
    """The spec with texts replaced, each of which stands in it."""
    text = SPEC
    for old, new in changes:
        if old not in text:
            raise ValueError(f"{old!r} does not stand in the spec")
        text = text.replace(old, new)
    return text


def nobody_absent(_person: str, _day: date) -> Absence | None:
    return None


STATUSES = AnswerStatuses("Approved", "Rejected")


@dataclass
class Gate:
    """The program; `now` moves a minute ahead with each act and each look."""

    text: str = SPEC
    accounts: dict[str, str] = field(default_factory=dict)
    now: datetime = MORNING
    journal: list[Recorded] = field(default_factory=list)
    issues: dict[str, ObservedIssue] = field(default_factory=dict)
    rows: dict[str, ObservedRow] = field(default_factory=dict)
    transitions: list[Transition] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    edits: list[TextEdit] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    absent: dict[str, Absence] = field(default_factory=dict)
    stage: str = "prepare"

    def __post_init__(self) -> None:
        self.spec = self.read(self.text)
        accounts = {each: account_of(each) for each in people_of(self.spec)} | self.accounts
        self.write(
            ev.Launched(spec_text=self.text, spec_path="demo.yaml", run="run-1"),
            ev.PeopleResolved(accounts=accounts, own_account=OWN_ACCOUNT),
        )
        self.look()

    @staticmethod
    def read(text: str) -> Spec:
        return read_valid(text, "demo.yaml")

    def amend(self, text: str) -> None:
        """From now on the program follows another spec."""
        self.spec = self.read(text)
        self.look()

    def amend_in_flight(
        self, text: str, *, reopen: Sequence[str] = (), accounts: dict[str, str] | None = None
    ) -> None:
        """Amend as the command does, which first asks for the `accounts` that it does not know."""
        after = self.read(text)
        amended = amendment(
            self.state,
            self.spec,
            after,
            text=text,
            path="demo.yaml",
            by=OWNER,
            reason="The regulator asked for it",
            reopen=reopen,
            now=self.now,
        )
        found = {each: account_of(each) for each in newcomers(self.state, after)} | (accounts or {})
        self.write(ev.PeopleResolved(accounts=found, own_account=OWN_ACCOUNT), amended)
        self.amend(text)

    # What the journal says

    @property
    def state(self) -> ProgramState:
        return fold("demo", self.journal)

    @property
    def passed(self) -> bool:
        return self.state.passed(self.stage)

    @property
    def refusals(self) -> list[str]:
        return [each.why for each in self.of_kind(ev.SignOffRefused)]

    @property
    def signers(self) -> list[str]:
        """Whose sign-offs stand, in the order they were given."""
        gate = self.state.gates[self.stage]
        return [each.person for each in gate.standing(gate.digest)]

    def of_kind(self, kind):
        return [each.event for each in self.journal if isinstance(each.event, kind)]

    def write(self, *events: ev.Event) -> None:
        for event in events:
            stored = ev.event_from(event.kind, ev.body_of(event))
            self.journal.append(Recorded(len(self.journal) + 1, self.now, "rollout", stored))

    # What the program does

    def look(self) -> None:
        """Decide, journal and apply until there is nothing left to do."""
        looks = 0
        while self.look_once():
            looks += 1
            if looks > MOST_LOOKS:
                raise RuntimeError("it never settles")

    def look_once(self) -> bool:
        self.now += MINUTE
        decision = self.decide()
        self.write(*decision.events)
        self._apply(decision.changes)
        return bool(decision.changes)

    def decide(self):
        state = self.state
        world = World(
            issues=dict(self.issues),
            rows=dict(self.rows),
            transitions=tuple(self.transitions),
            comments=tuple(self.comments),
            oddities=(),
            edits=tuple(self.edits),
        )
        circumstances = Circumstances(
            self.now, STATUSES, lambda person, _day: self.absent.get(person)
        )
        return decide(outline_at(self.spec, state, self.now), state, world, circumstances)

    def _apply(self, changes: Sequence[object]) -> None:
        for change in changes:
            match change:
                case CreateIssue(issue=issue):
                    self._create(issue)
                case UpdateIssue(issue=issue):
                    self._update(issue)
                case AddRow(row=row):
                    self.rows[row.key] = ObservedRow(
                        row.key, row.tab, State.TODO, None, row.cells, ()
                    )
                    self.write(ev.RowsAdded(keys=(row.key,)))
                case MoveIssue(key=key, to=to):
                    self._transition(key, OWN_ACCOUNT, "To Do", to)
                    self.write(ev.IssuesMoved(states={key: to}))
                case SayOnIssue(mark=mark):
                    self.write(ev.Said(marks=(mark,)))
                case Notice(mark=mark):
                    self.write(ev.NoticeIntended(marks=(mark,)))
                case _:
                    raise TypeError(change)

    def _create(self, issue: NewIssue) -> None:
        number = len(self.of_kind(ev.IssuesCreated)) + 1
        self.issues[issue.key] = ObservedIssue(
            key=issue.key,
            issue_key=f"POL-{number}",
            issue_type=str(issue.kind),
            summary=issue.summary,
            status="To Do",
            state=State.TODO,
            assignee=issue.assignee,
            due_on=issue.due_on,
            labels=issue.labels,
            blocked_by=frozenset(),
            content_digest=issue.content_digest,
            updated_at=self.now,
            parent=issue.parent,
        )
        self.write(ev.IssuesCreated(batch=str(number), issues={issue.key: f"POL-{number}"}))

    def _update(self, issue: NewIssue) -> None:
        self.issues[issue.key] = replace(
            self.issues[issue.key],
            summary=issue.summary,
            due_on=issue.due_on,
            labels=issue.labels,
            content_digest=issue.content_digest,
            updated_at=self.now,
        )
        self.updated.append(issue.key)
        ours, mark = self.issues[issue.key].issue_key, f"edit-{len(self.edits)}"
        self.edits.append(TextEdit(ours, mark, self.now, self.state.own_account, "us"))

    # What people do

    def _transition(
        self, key: str, account: str, status: str, state: State, at: datetime | None = None
    ) -> str:
        issue = self.issues[key]
        mark = str(1000 + len(self.transitions))
        self.transitions.append(
            Transition(
                issue_key=issue.issue_key,
                history_id=mark,
                at=at or self.now,
                account=account,
                name=account,
                from_status=issue.status,
                to_status=status,
                to_state=state,
            )
        )
        self.issues[key] = replace(issue, status=status, state=state)
        return mark

    def desk(self, role: str = "legal") -> str:
        """The stable key of a sign-off issue."""
        return sign_off_key("demo", self.stage, role)

    def moves(  # noqa: PLR0913  who moves what where, and when
        self,
        person: str,
        status: str = "Approved",
        *,
        role: str = "legal",
        account: str | None = None,
        state: State = State.DONE,
        at: datetime | None = None,
    ) -> str:
        """Somebody moves a sign-off issue; answers the id of the change."""
        self.now += MINUTE
        account = account_of(person) if account is None else account
        return self._transition(self.desk(role), account, status, state, at)

    def says(self, person: str, text: str, role: str = "legal", comment: str = "") -> None:
        self.now += MINUTE
        number = comment or str(len(self.comments) + 1)
        issue_key = self.issues[self.desk(role)].issue_key
        said = Comment(issue_key, number, self.now, account_of(person), text)
        self.comments = [each for each in self.comments if each.comment_id != number] + [said]

    def works(self, name: str, state: State, by: str = DOER, assignee: str | None = None) -> None:
        """Somebody moves a task, as `stage/item`, to a state."""
        self.now += MINUTE
        key = f"demo/{name}"
        self._transition(key, account_of(by), str(state), state)
        if assignee is not None:
            self.assign(name, assignee)

    def assign(self, name: str, person: str) -> None:
        key = f"demo/{name}"
        self.issues[key] = replace(self.issues[key], assignee=account_of(person))

    def gives_code(  # noqa: PLR0913  what a code carries
        self,
        person: str,
        *,
        role: str = "legal",
        action: str = "approve",
        text: str = "",
        digest: str | None = None,
        mark: str = "",
    ) -> None:
        """A proven code is journaled, as `take_answer` does."""
        self.now += MINUTE
        shown = self.state.gates[self.stage].digest if digest is None else digest
        self.write(
            ev.CodeGiven(
                stage=self.stage,
                role=role,
                person=person,
                action=action,
                text=text,
                digest=shown or "",
                mark=mark or f"code:{person}:{len(self.journal)}",
                at=self.now,
            )
        )

    def delete(self, key: str) -> None:
        del self.issues[key]

    def away(self, person: str) -> None:
        """An absence over the days of this play."""
        first = self.now.date()
        self.absent[person] = Absence(
            person, first, first + timedelta(days=9), None, person, self.now
        )


def asking(text: str = SPEC, **accounts: str) -> Gate:
    """The gate of `prepare` asks: its work is done, nobody has signed."""
    gate = Gate(text, accounts={f"{name}@example.com": known for name, known in accounts.items()})
    for name in ("prepare/guideline", "prepare/label"):
        gate.works(name, State.DONE)
    gate.look()
    return gate


def one_short(text: str = SPEC, **accounts: str) -> Gate:
    """The gate of `prepare` lacks the signature of legal alone; `accounts` by local name."""
    gate = asking(text, **accounts)
    gate.moves(POLICY, role="policy")
    gate.look()
    return gate
