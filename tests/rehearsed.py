"""A program that really runs through `decide` into a real journal, over a world held in memory."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from policy_rollout import events as ev
from policy_rollout.amending import amendment
from policy_rollout.audit import Audit, audit
from policy_rollout.comments import SayOnIssue
from policy_rollout.decide import Circumstances, decide
from policy_rollout.desired import NewIssue
from policy_rollout.history import decide_and_write, note, state_of
from policy_rollout.journal.chain import GENESIS, StoredEntry, canonical_json, link
from policy_rollout.journal.entries import Event as Written
from policy_rollout.journal.store import Journal
from policy_rollout.observed import (
    AnswerStatuses,
    Comment,
    ObservedIssue,
    ObservedRow,
    Transition,
    World,
)
from policy_rollout.outline import outline_at
from policy_rollout.plan import AddRow, CreateIssue, MoveIssue, RewriteRow, UpdateIssue
from policy_rollout.program import ProgramState
from policy_rollout.report.notice_text import Notice
from policy_rollout.spec.reader import read_valid
from policy_rollout.work import State, people_of, sign_off_key

HADDAD, OSEI, BACKUP = "r.haddad@example.com", "t.osei@example.com", "b.ackers@example.com"
BRANDT, TAN, OWNER = "s.brandt@example.com", "m.tan@example.com", "p.kim@example.com"
OWN_ACCOUNT = "acc:rollout"
MOST_LOOKS = 10
MORNING = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # Monday 10:00 in Tokyo

SPEC = f"""\
program: appeals
title: Appeals within <=14 days & notices
owner: {OWNER}
policy: {{change: clarification, languages: [en-US, ja-JP], markets: [JP]}}
timeline: {{timezone: Asia/Tokyo, effective: 2026-04-01 09:00}}
people:
  policy: {{members: [{HADDAD}, {OSEI}], backups: [{BACKUP}]}}
  legal: {{members: [{BRANDT}]}}
  ops: {{members: [{TAN}]}}
stages:
  prepare:
    tasks:
      guideline: {{title: Write the guideline, team: ops}}
      label: {{title: Label in the tool, team: ops}}
    training:
      quiz: {{title: Reviewer quiz, kind: quiz, team: ops, per: language}}
    gate:
      sign_off: {{policy: 2, legal: 1}}
      waivers: [{OSEI}]
      require: {{training: 95% per language}}
  launch:
    after: [prepare]
    tasks:
      switch: {{title: Switch it on, team: ops}}
    gate:
      sign_off: {{legal: 1}}
"""
STATUSES = AnswerStatuses("Approved", "Rejected")


def account_of(person: str) -> str:
    return f"acc:{person.partition('@')[0]}"


@dataclass
class Rehearsal:
    """A launched program and its world; each act takes place a minute after the one before."""

    journal: Journal
    spec_text: str = SPEC
    now: datetime = MORNING
    issues: dict[str, ObservedIssue] = field(default_factory=dict)
    rows: dict[str, ObservedRow] = field(default_factory=dict)
    transitions: list[Transition] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.spec = read_valid(self.spec_text, "appeals.yaml")
        self.program = self.spec.program
        accounts = {person: account_of(person) for person in people_of(self.spec)}
        self.write(
            ev.Launched(spec_text=self.spec_text, spec_path="appeals.yaml", run="run-1"),
            ev.PeopleResolved(accounts=accounts, own_account=OWN_ACCOUNT),
        )
        self.look()

    @property
    def state(self) -> ProgramState:
        return state_of(self.journal, self.program)

    def amend(
        self, *changes: tuple[str, str], reason: str = "It must be", reopen: tuple[str, ...] = ()
    ) -> None:
        """Amend the spec as it stands by changes of its text, and look."""
        self.now += timedelta(minutes=1)
        for old, new in changes:
            assert old in self.spec_text
            self.spec_text = self.spec_text.replace(old, new)
        after = read_valid(self.spec_text, "appeals.yaml")
        amended = amendment(
            self.state,
            self.spec,
            after,
            text=self.spec_text,
            path="appeals.yaml",
            by=OWNER,
            reason=reason,
            reopen=reopen,
            now=self.now,
        )
        accounts = {person: account_of(person) for person in people_of(after)}
        self.write(ev.PeopleResolved(accounts=accounts, own_account=OWN_ACCOUNT), amended)
        self.spec = after
        self.look()

    def write(self, *events: ev.Event) -> None:
        note(self.journal, self.program, events, actor="rollout", at=self.now)

    def look(self) -> None:
        """Decide, journal and apply until there is nothing left to do."""
        for _ in range(MOST_LOOKS):
            if not self._look_once():
                return
        raise AssertionError(f"after {MOST_LOOKS} looks there is still something to change")

    def _look_once(self) -> bool:
        self.now += timedelta(minutes=1)
        state = self.state
        outline = outline_at(self.spec, state, self.now)
        world = World(
            dict(self.issues), dict(self.rows), tuple(self.transitions), tuple(self.comments), ()
        )
        circumstances = Circumstances(self.now, STATUSES, lambda _person, _day: None)
        decision = decide(outline, state, world, circumstances)
        decide_and_write(self.journal, state, decision.events, actor="rollout", at=self.now)
        self._apply(decision.changes)
        return bool(decision.changes)

    def _apply(self, changes: Sequence[object]) -> None:
        for change in changes:
            match change:
                case CreateIssue(issue=issue):
                    self._create(issue)
                case UpdateIssue(issue=issue):
                    self._update(issue)
                case RewriteRow(row=row):
                    known = self.rows[row.key]
                    cells = dict(known.machine) | dict(row.cells)
                    self.rows[row.key] = replace(known, machine=tuple(cells.items()))
                case AddRow(row=row):
                    self.rows[row.key] = ObservedRow(
                        row.key, row.tab, State.TODO, None, row.cells, ()
                    )
                    self.write(ev.RowsAdded(keys=(row.key,)))
                case RewriteRow(row=row):
                    self.rows[row.key] = replace(self.rows[row.key], machine=row.cells)
                case MoveIssue(key=key, to=to):
                    self.issues[key] = replace(self.issues[key], state=to)
                    self.write(ev.IssuesMoved(states={key: to}))
                case SayOnIssue(mark=mark):
                    self.write(ev.Said(marks=(mark,)))
                case Notice(mark=mark):
                    self.write(ev.NoticeIntended(marks=(mark,)))
                    self.write(ev.NoticeSent(mark=mark, arrived=("mail",), failed=()))

    def _create(self, issue: NewIssue) -> None:
        number = len(self.issues) + 1
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
        )
        created = ev.IssuesCreated(batch=str(number), issues={issue.key: f"POL-{number}"})
        self.write(created)

    def _update(self, issue: NewIssue) -> None:
        self.issues[issue.key] = replace(
            self.issues[issue.key],
            summary=issue.summary,
            due_on=issue.due_on,
            labels=issue.labels,
            content_digest=issue.content_digest,
            updated_at=self.now,
        )

    def _move(self, key: str, person: str, status: str, state: State) -> None:
        self.now += timedelta(minutes=1)
        issue = self.issues[key]
        number = len(self.transitions) + 1
        self.transitions.append(
            Transition(
                issue_key=issue.issue_key,
                history_id=f"h{number}",
                at=self.now,
                account=account_of(person),
                name=person,
                from_status=issue.status,
                to_status=status,
                to_state=state,
            )
        )
        self.issues[key] = replace(issue, status=status, state=state)

    def done(self, *names: str, by: str = TAN) -> None:
        """Issues and rows, as `stage/item[/part]`, are finished."""
        for name in names:
            key = f"{self.program}/{name}"
            if key in self.rows:
                done = replace(self.rows[key], state=State.DONE, completion=100)
                self.rows[key] = replace(done, human=(("Status", "Done"),))
            else:
                self._move(key, by, "Done", State.DONE)
        self.look()

    def comment(self, stage: str, role: str, person: str, text: str) -> None:
        key = sign_off_key(self.program, stage, role)
        number = str(len(self.comments) + 1)
        self.comments.append(
            Comment(self.issues[key].issue_key, number, self.now, account_of(person), text)
        )

    def approve(self, stage: str, role: str, person: str, text: str = "") -> None:
        if text:
            self.comment(stage, role, person, text)
        self._move(sign_off_key(self.program, stage, role), person, "Approved", State.DONE)
        self.look()

    def reject(self, stage: str, role: str, person: str, text: str) -> None:
        self.comment(stage, role, person, text)
        self._move(sign_off_key(self.program, stage, role), person, "Rejected", State.DONE)
        self.look()

    def sign_by_code(  # noqa: PLR0913  what a code carries
        self,
        stage: str,
        role: str,
        person: str,
        mark: str,
        *,
        action: str = "approve",
        text: str = "",
    ) -> None:
        self.now += timedelta(minutes=1)
        self.write(
            ev.CodeGiven(
                stage=stage,
                role=role,
                person=person,
                action=action,
                text=text,
                digest=self.state.gates[stage].digest or "",
                mark=mark,
                at=self.now,
            )
        )
        self.look()


WORK = ("prepare/guideline", "prepare/label", "prepare/quiz/en-US", "prepare/quiz/ja-JP")


def play(journal: Journal) -> Rehearsal:
    """A whole program: rejected, waived, refused, signed both ways, with a condition, finished."""
    program = Rehearsal(journal)
    program.done(*WORK)
    program.reject("prepare", "policy", OSEI, "An example contradicts it. Reopen: guideline")
    program.done("prepare/guideline")
    program.approve("prepare", "legal", OWNER)
    program.approve("prepare", "legal", BRANDT, "Condition for launch (ops): Publish the page")
    program.approve("prepare", "policy", HADDAD)
    program.sign_by_code("prepare", "policy", OSEI, "code-1")
    program.done("launch/switch", "launch/condition:1")
    program.approve("launch", "legal", BRANDT)
    return program


WAIVER = "Waive training in ja-JP until 2026-03-03: reviewers are hired in April"


def play_to_a_waiver(journal: Journal) -> Rehearsal:
    """Up to a gate that waits for sign-offs, with one criterion waived to the end of 3 March."""
    program = Rehearsal(journal)
    program.done("prepare/guideline", "prepare/label", "prepare/quiz/en-US")
    program.sign_by_code(
        "prepare", "policy", OSEI, "code-1", action="waive a criterion", text=WAIVER
    )
    return program


def written_anew(entries: Sequence[StoredEntry]) -> list[StoredEntry]:
    """Entries numbered and chained as an attacker would who can write the whole journal."""
    chained: list[StoredEntry] = []
    previous_hash = GENESIS
    for sequence, entry in enumerate(entries, start=1):
        written = Written(entry.kind, json.loads(entry.body), entry.actor)
        at = datetime.fromisoformat(entry.at)
        linked = link(
            written, program=entry.program, sequence=sequence, at=at, previous_hash=previous_hash
        )
        chained.append(linked)
        previous_hash = linked.hash
    return chained


def with_body(entry: StoredEntry, **changes: object) -> StoredEntry:
    """The entry with fields of its body replaced; its hash stays."""
    return replace(entry, body=canonical_json({**json.loads(entry.body), **changes}))


def said(audited: Audit) -> list[str]:
    return [str(each) for each in audited.findings]


def audited(program: Rehearsal) -> Audit:
    return audit(program.program, program.journal.read_stored(program.program))


def numbers(entries: tuple[StoredEntry, ...], kind: str, **body: object) -> list[int]:
    """The sequences of the entries of a kind whose body has these values."""
    return [
        each.sequence
        for each in entries
        if each.kind == kind and body.items() <= json.loads(each.body).items()
    ]


def changed(entries: tuple[StoredEntry, ...], sequence: int, **body: object) -> Audit:
    """The audit after one body was changed and the whole chain was written anew."""
    touched = [with_body(each, **body) if each.sequence == sequence else each for each in entries]
    return audit("appeals", written_anew(touched))


def without(entries: tuple[StoredEntry, ...], sequence: int) -> Audit:
    return audit("appeals", written_anew([each for each in entries if each.sequence != sequence]))
