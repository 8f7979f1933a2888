"""Programs under way: events as a journal has them, and a model of Jira and the workbook.

The model keeps what people and we wrote, and answers as a look at the world would. Its clock
moves a minute with each thing that somebody does.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

from policy_rollout import events as ev
from policy_rollout.absences import Absence
from policy_rollout.comments import SayOnIssue
from policy_rollout.decide import Circumstances, Decision, decide
from policy_rollout.desired import DesiredRow, NewIssue
from policy_rollout.fold import fold
from policy_rollout.observed import (
    AnswerStatuses,
    Comment,
    ObservedIssue,
    ObservedRow,
    Oddity,
    Transition,
    World,
)
from policy_rollout.outline import Outline, outline_at
from policy_rollout.plan import (
    AddRow,
    Change,
    CreateIssue,
    LinkIssues,
    MoveIssue,
    RewriteRow,
    UpdateIssue,
)
from policy_rollout.program import GateState, ProgramState, Recorded
from policy_rollout.report.notice_text import Notice
from policy_rollout.work import State, people_of, sign_off_key
from tests.planned import read

BEGAN = datetime(2025, 11, 3, 9, 0, tzinfo=UTC)
_T = TypeVar("_T")
MINUTE = timedelta(minutes=1)
BOT = "account-of-rollout"
STATUSES = AnswerStatuses("Approved", "Rejected")
STATES = {
    "To Do": State.TODO,
    "In Progress": State.IN_PROGRESS,
    "Done": State.DONE,
    "Approved": State.DONE,
    "Rejected": State.DONE,
}
ROW_STATES = {
    "To do": State.TODO,
    "In progress": State.IN_PROGRESS,
    "Done": State.DONE,
    "Not applicable": State.NOT_APPLICABLE,
}

HEAD = """
program: p
title: Skins and stakes
owner: boss@example.com
policy:
  change: new
  document: {ref: rules.md, version: "1.0"}
  languages: [en-US, ja-JP]
  markets: [JP, BR]
timeline: {timezone: UTC, effective: 2025-12-01 00:00}
people:
  legal:  {members: [lea@example.com, both@example.com, boss@example.com]}
  policy: {members: [pia@example.com, pat@example.com, both@example.com]}
  ops:    {members: [oda@example.com]}
stages:
"""
ONE_TASK = """
  prepare:
    tasks:
      guideline: {title: Write the guideline, team: policy, assignee: wim@example.com}
"""
BACKED = HEAD.replace(
    "legal:  {members: [lea@example.com, both@example.com, boss@example.com]}",
    "legal:  {members: [lea@example.com, lou@example.com], backups: [bea@example.com]}",
)
ESCALATES = f"""{BACKED}{ONE_TASK}
    gate: {{sign_off: {{legal: 1}}, escalate: {{remind: 8h, backup: 16h, owner: 24h}}}}
"""
TWO_GATES = f"""{HEAD}{ONE_TASK}
    gate: {{sign_off: {{legal: 1}}}}
  launch:
    after: [prepare]
    gate: {{sign_off: {{legal: 1}}, not_signers_of: [prepare]}}
"""
PLAIN = f"""{HEAD}{ONE_TASK}
    gate: {{sign_off: {{legal: 1}}}}
"""
TWO_ROLES = f"""{HEAD}{ONE_TASK}
    gate: {{sign_off: {{legal: 1, policy: 1}}}}
"""
QUORUM = f"""{HEAD}{ONE_TASK}
    gate: {{sign_off: {{policy: 2}}}}
"""
FULL = f"""{HEAD}
  prepare:
    tasks:
      guideline: {{title: Write the guideline, team: policy, assignee: wim@example.com}}
      memo: {{title: Write the memo, team: legal, after: [guideline], assignee: wim@example.com}}
    training:
      quiz: {{title: Reviewer quiz, kind: quiz, team: ops, per: language, pass_mark: 80%}}
    checklists:
      queue: {{team: ops, items: {{routing: Route the items, breaks: Agree on breaks}}}}
    gate:
      sign_off: {{legal: 1}}
      require: {{training: 95% per language}}
  launch:
    after: [prepare]
    tasks:
      switch: {{title: Switch it on, team: ops}}
"""


def account(name: str) -> str:
    return f"account-of-{name}"


def person(name: str) -> str:
    return f"{name}@example.com"


def recorded(events: Iterable[ev.Event], at: datetime = BEGAN) -> list[Recorded]:
    return [Recorded(number, at, "test", each) for number, each in enumerate(events, 1)]


@dataclass
class Model:
    """Jira and the workbook; `statuses` and `cells` are the people's, the rest is ours."""

    now: datetime = BEGAN
    issues: dict[str, NewIssue] = field(default_factory=dict)
    statuses: dict[str, str] = field(default_factory=dict)
    updated: dict[str, datetime] = field(default_factory=dict)
    links: set[tuple[str, str]] = field(default_factory=set)
    rows: dict[str, DesiredRow] = field(default_factory=dict)
    cells: dict[str, dict[str, str]] = field(default_factory=dict)
    transitions: list[Transition] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    oddities: list[Oddity] = field(default_factory=list)
    marks: set[str] = field(default_factory=set)
    notices: list[Notice] = field(default_factory=list)
    numbers: int = 0

    def world(self) -> World:
        return World(
            issues={each.key: self._observed(name, each) for name, each in self.issues.items()},
            rows={key: self._row(key, row) for key, row in self.rows.items()},
            transitions=tuple(self.transitions),
            comments=tuple(self.comments),
            oddities=tuple(self.oddities),
        )

    def _observed(self, name: str, issue: NewIssue) -> ObservedIssue:
        return ObservedIssue(
            key=issue.key,
            issue_key=name,
            issue_type="Task",
            summary=issue.summary,
            status=self.statuses[name],
            state=STATES[self.statuses[name]],
            assignee=issue.assignee,
            due_on=issue.due_on,
            labels=issue.labels,
            blocked_by=frozenset(before for after, before in self.links if after == name),
            content_digest=issue.content_digest,
            updated_at=self.updated[name],
            parent=issue.parent,
        )

    def _row(self, key: str, row: DesiredRow) -> ObservedRow:
        cells = self.cells[key]
        percent = cells.get("Completed %", "")
        return ObservedRow(
            key=key,
            tab=row.tab,
            state=ROW_STATES.get(cells.get("Status", "To do"), State.UNKNOWN),
            completion=int(percent) if percent else None,
            machine=row.cells,
            human=tuple(cells.items()),
        )

    def tick(self) -> None:
        self.now += MINUTE

    def move(self, name: str, to: str, by: str) -> None:
        self.tick()
        self.numbers += 1
        self.transitions.append(
            Transition(
                issue_key=name,
                history_id=str(self.numbers),
                at=self.now,
                account=by,
                name=by.removeprefix("account-of-").title(),
                from_status=self.statuses[name],
                to_status=to,
                to_state=STATES[to],
            )
        )
        self.statuses[name], self.updated[name] = to, self.now

    def say(self, name: str, text: str, by: str) -> None:
        self.tick()
        self.comments.append(Comment(name, str(len(self.comments)), self.now, by, text))
        self.updated[name] = self.now

    def apply(self, change: Change) -> ev.Event | None:
        """Carry one change out; what is journaled of it."""
        match change:
            case CreateIssue(issue=issue):
                assert issue.key not in {each.key for each in self.issues.values()}
                name = f"POL-{len(self.updated) + 1}"
                self.issues[name], self.statuses[name] = issue, "To Do"
                self.updated[name] = self.now
                return ev.IssuesCreated(batch="1", issues={issue.key: name})
            case AddRow(row=row):
                assert row.key not in self.rows
                self.rows[row.key], self.cells[row.key] = row, {"Status": "To do"}
                return ev.RowsAdded(keys=(row.key,))
            case UpdateIssue(issue_key=name, issue=issue):
                held = self.issues[name]
                parent = issue.parent or held.parent
                self.issues[name] = replace(issue, assignee=held.assignee, parent=parent)
                self.updated[name] = self.now
            case RewriteRow(row=row):
                self.rows[row.key] = row
            case LinkIssues(issue_key=name, blocked_by=before):
                self.links.add((name, before))
            case MoveIssue(key=key, issue_key=name, to=to):
                self.move(name, "To Do" if to is State.TODO else "Done", BOT)
                return ev.IssuesMoved(states={key: to})
            case SayOnIssue(issue_key=name, text=text, mark=mark):
                if mark not in self.marks:  # as the adapter looks for its mark first
                    self.marks.add(mark)
                    self.say(name, text, BOT)
                return ev.Said(marks=(mark,))
            case Notice(mark=mark):
                assert mark not in {each.mark for each in self.notices}
                self.notices.append(change)
                return ev.NoticeIntended(marks=(mark,))
        return None


class UnderWay:
    """A program with its journal and its model; `state` is folded anew each time."""

    def __init__(self, text: str = PLAIN, today: str = "2025-11-03") -> None:
        self.spec_text = text
        self.spec = read(text)
        self.model = Model(now=datetime.combine(date.fromisoformat(today), BEGAN.timetz()))
        self.absences: list[Absence] = []
        self.journal: list[Recorded] = []
        self.record(
            ev.Launched(spec_text=text, spec_path="p.yaml", run="run-1"),
            ev.PeopleResolved(
                accounts={each: account(each.partition("@")[0]) for each in people_of(self.spec)},
                own_account=BOT,
            ),
        )

    def record(self, *events: ev.Event) -> None:
        for event in events:
            number = len(self.journal) + 1
            self.journal.append(Recorded(number, self.model.now, "test", event))

    @property
    def state(self) -> ProgramState:
        return fold(self.spec.program, self.journal)

    @property
    def outline(self) -> Outline:
        return outline_at(self.spec, self.state, self.model.now)

    @property
    def gate(self) -> GateState:
        """The gate of the first stage, `prepare`."""
        return self.state.gates["prepare"]

    def amend(self, text: str) -> None:
        self.spec_text = text
        self.spec = read(text)

    def absent(self, person: str, day: date) -> Absence | None:
        of_day = (each for each in self.absences if each.covers(day))
        return next((each for each in of_day if each.person == person), None)

    def decide(self, world: World | None = None) -> Decision:
        return decide(
            self.outline,
            self.state,
            world or self.model.world(),
            Circumstances(self.model.now, STATUSES, self.absent),
        )

    def look(self) -> Decision:
        """One look: decide, journal, apply, journal."""
        decision = self.decide()
        self.record(*decision.events)
        for change in decision.changes:
            event = self.model.apply(change)
            if event is not None:
                self.record(event)
        return decision

    def killed(self, after: int) -> None:
        """A look that ends after so many changes, before the last of them was journaled.

        A creation is journaled all the same: that none is made twice is the work of the tasks.
        """
        decision = self.decide()
        self.record(*decision.events)
        due = decision.changes[:after]
        for change in due:
            event = self.model.apply(change)
            created = isinstance(event, ev.IssuesCreated | ev.RowsAdded)
            if event is not None and (created or change is not due[-1]):
                self.record(event)

    def settle(self) -> list[ev.Event]:
        """Look until there is nothing to change; the events that were decided on the way."""
        events: list[ev.Event] = []
        for _ in range(12):
            decision = self.look()
            events += decision.events
            if not decision.changes:
                return events
        raise AssertionError(f"never settles: {decision.changes}")

    def issue(self, short: str) -> str:
        """The Jira key of `stage/item` or of `epic`."""
        return self.state.issues[f"{self.spec.program}/{short}"]

    def desk(self, role: str, stage: str = "prepare") -> str:
        return self.state.issues[sign_off_key(self.spec.program, stage, role)]

    def finish(self, *shorts: str) -> "UnderWay":
        """Wim, who has them, does these tasks, as `stage/item`."""
        for short in shorts or ("prepare/guideline",):
            self.model.move(self.issue(short), "Done", account("wim"))
        return self

    def fill(self, short: str, **cells: str) -> None:
        """Somebody writes into a row; `percent` is the cell Completed %."""
        names = {"percent": "Completed %", "status": "Status", "notes": "Notes"}
        row = self.model.cells[f"{self.spec.program}/{short}"]
        row.update({names[name]: text for name, text in cells.items()})
        self.model.tick()

    def move(self, role: str, to: str, who: str, stage: str = "prepare") -> None:
        by = BOT if who == "rollout" else account(who)
        self.model.move(self.desk(role, stage), to, by)

    def approve(self, role: str, who: str, stage: str = "prepare") -> None:
        self.move(role, "Approved", who, stage)

    def reject(self, role: str, who: str, why: str = "", stage: str = "prepare") -> None:
        if why:
            self.model.say(self.desk(role, stage), why, account(who))
        self.move(role, "Rejected", who, stage)


def refusals(program: UnderWay) -> list[str]:
    """Why the attempts of the next looks do not count."""
    return [each.why for each in of_kind(program.settle(), ev.SignOffRefused)]


def coded(program: UnderWay, who: str, action: str, text: str = "", **more: str) -> None:
    """An answer whose code was proven, still to be judged."""
    program.model.tick()
    given = {"role": "legal", "digest": program.gate.digest or "", "mark": "code:1", **more}
    program.record(
        ev.CodeGiven(
            stage="prepare",
            person=person(who),
            action=action,
            text=text,
            at=program.model.now,
            **given,
        )
    )


def asked(text: str = PLAIN) -> UnderWay:
    """A program whose only task is done and whose first gate has asked for its sign-offs."""
    program = UnderWay(text)
    program.settle()
    program.finish()
    program.settle()
    return program


def prepared() -> UnderWay:
    """The full program with its first stage done and its sign-off asked for."""
    program = UnderWay(FULL)
    program.settle()
    program.finish("prepare/guideline", "prepare/memo")
    for language in ("en-US", "ja-JP"):
        program.fill(f"prepare/quiz/{language}", status="Done", percent="100")
    for item in ("routing", "breaks"):
        program.fill(f"prepare/queue/{item}", status="Done")
    program.settle()
    return program


def of_kind(events: Iterable[ev.Event], kind: type[_T]) -> list[_T]:
    return [each for each in events if isinstance(each, kind)]
