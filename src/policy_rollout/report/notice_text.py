"""What is said at each step of escalation, on the sign-off issue and to people. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from html import escape
from zoneinfo import ZoneInfo

from policy_rollout import events as ev
from policy_rollout.calendar import Calendars
from policy_rollout.gates import missing_sign_offs
from policy_rollout.program import GateState
from policy_rollout.report.evidence import cell
from policy_rollout.silence import backups_of, silence_before, silent_members, steps_of
from policy_rollout.spec.model import Spec

Escalated = ev.Reminded | ev.BackupCalled


@dataclass(frozen=True, slots=True)
class Notice:
    """What people of one zone are told once; `mark` tells it from every other.

    `title` is plain text, `body` Markdown in which what people wrote is escaped; the sign-off
    issue is linked by `with_link`.
    """

    mark: str
    people: tuple[str, ...]
    title: str
    body: str
    issue_key: str

    def with_link(self, issue_url: str) -> "Notice":
        link = f"The evidence, and where to sign: [{self.issue_key}]({issue_url})"
        return replace(self, body=f"{self.body}\n\n{link}")


def to_tell(gate: GateState) -> Iterator[Escalated]:
    """The escalations of the gate's round that are told, once their role is asked to sign.

    Backups that are called because of silence are told by the step, all at once.
    """
    asked = {role for role, each in gate.asked.items() if each.digest == gate.digest}
    for step in gate.reminded.values():
        if step.role in asked:
            yield step
    for called in gate.called.values():
        by_step = not called.announced and (called.role, "backup") in gate.reminded
        if called.role in asked and not by_step:
            yield called


def mark_of(gate: GateState, event: Escalated) -> str:
    """The mark of the comment about an escalation; `notices` puts its own before it."""
    place = f"{gate.first_stage or event.stage}-{event.round}-{event.role}"
    if isinstance(event, ev.Reminded):
        return f"silence-{event.step}-{place}"
    return f"called-{place}-{event.member}"


def comment(spec: Spec, gate: GateState, event: Escalated) -> str:
    """For the sign-off issue, with times in the zone of the role."""
    text = _Text(spec, gate, event, Calendars(spec).zone_of(event.role))
    return text.body(cell(spec.name))


def notices(spec: Spec, gate: GateState, event: Escalated, issue_key: str) -> tuple[Notice, ...]:
    """One notice for each zone of those who are told."""
    told = event.people if isinstance(event, ev.Reminded) else event.backups
    by_zone: dict[str, list[str]] = {}
    for person in told:
        by_zone.setdefault(zone_of(spec, person).key, []).append(person)
    return tuple(_notice(spec, gate, event, issue_key, people) for people in by_zone.values())


def zone_of(spec: Spec, person: str) -> ZoneInfo:
    """The zone of the first role a person is a member or else a backup of; else the program's."""
    roles = spec.people.values()
    own = [role for role in roles if person in role.members]
    own += [role for role in roles if person in role.backups]
    zone = own[0].timezone if own else None
    return zone or spec.timeline.timezone


def _notice(
    spec: Spec, gate: GateState, event: Escalated, issue_key: str, people: list[str]
) -> Notice:
    zone = zone_of(spec, people[0])
    return Notice(
        mark=f"notice-{mark_of(gate, event)}-{zone.key}",
        people=tuple(people),
        title=_title(spec, event),
        body=_Text(spec, gate, event, zone).body(_as_text(spec.name)),
        issue_key=issue_key,
    )


def _title(spec: Spec, event: Escalated) -> str:
    name = " ".join(spec.name.split())
    if isinstance(event, ev.BackupCalled):
        return f"You may sign for {event.member}: {event.stage} of {name}"
    return {
        "remind": f"Your sign-off is waited for: {event.stage} of {name}",
        "backup": f"You may sign for {event.role}: {event.stage} of {name}",
        "owner": f"No answer from {event.role}: {event.stage} of {name}",
    }[event.step]


def _as_text(text: str) -> str:
    """Foreign text that stays text: no HTML, link or code in a Markdown body."""
    return re.sub(r"([\\`*_\[\]])", r"\\\1", escape(" ".join(text.split()), quote=False))


@dataclass(frozen=True, slots=True)
class _Text:
    """The paragraphs about one escalation, with times in `zone`."""

    spec: Spec
    gate: GateState
    event: Escalated
    zone: ZoneInfo

    def body(self, name: str) -> str:
        role, stage = self.event.role, self.event.stage
        asked = self.gate.asked[role].at
        opening = (
            f"The gate of stage **{stage}** of *{name}* waits for **{role}** since "
            f"{self._when(asked)} (round {self.gate.round})."
        )
        return "\n\n".join((opening, self._said(), f"{self._next(asked)} Silence never approves."))

    def _said(self) -> str:
        match self.event:
            case ev.BackupCalled(member=member, backups=backups, why=why):
                return f"In place of {member} ({why}) may sign now: {', '.join(backups)}."
            case ev.Reminded(step="backup", people=people):
                return f"{self._waiting()} In their place may sign now: {', '.join(people)}."
            case ev.Reminded(step="owner", people=people):
                return (
                    f"{self._waiting()} This is told to {', '.join(people)}, who cannot sign: "
                    "speak with them, or name other people in the program and amend it."
                )
            case _:
                return self._waiting()

    def _waiting(self) -> str:
        """How many are missing, and the members who have not answered."""
        role = self.event.role
        missing = missing_sign_offs(self.spec, self.event.stage, self.gate, self.gate.digest)
        needed = missing.get(role, 0)
        silent = []
        for member in silent_members(self.spec, self.gate, role):
            called = self.gate.called.get((role, member))
            silent.append(f"{member} ({called.why})" if called else member)
        return (
            f"{needed} sign-off{'s are' if needed != 1 else ' is'} missing; "
            f"not heard from: {', '.join(silent)}."
        )

    def _next(self, asked: datetime) -> str:
        role = self.event.role
        left = [
            step for step in steps_of(self.spec, role) if (role, step) not in self.gate.reminded
        ]
        if not left:
            return "Nobody else is told."
        escalation = self.spec.stages[self.event.stage].gate.escalate
        due = Calendars(self.spec).after_working_hours(
            asked, silence_before(escalation, left[0]), role
        )
        what = {
            "remind": "they are reminded",
            "backup": f"the backups may sign ({', '.join(backups_of(self.spec, role))})",
            "owner": f"the owner is told ({self.spec.owner})",
        }[left[0]]
        return f"Without an answer by {self._when(due)}, {what}."

    def _when(self, at: datetime) -> str:
        return f"{at.astimezone(self.zone):%a %-d %b %Y %H:%M %Z}"
