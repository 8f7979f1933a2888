"""What silence leads to: remind, call the backups, tell the owner; it never approves. Pure.

The clock of a role starts when it was asked on the current digest and runs in its working hours,
zone and holidays; a changed digest starts it again, and it stands still while the program is held.
A step is due only while they are at work,
and is taken once a round, whatever the clock says later.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Literal

from policy_rollout import events as ev
from policy_rollout.absences import Absence, absent
from policy_rollout.calendar import Calendars, day_in, to_utc
from policy_rollout.gates import missing_sign_offs
from policy_rollout.program import GateState, ProgramState
from policy_rollout.spec.model import Escalation, Spec

Step = Literal["remind", "backup", "owner"]
STEPS: tuple[Step, ...] = ("remind", "backup", "owner")


Absences = Callable[[str, date], Absence | None]
"""A person and a day of theirs -> the absence announced for it."""


def silence_before(escalation: Escalation, step: Step) -> timedelta:
    """Working time until a step is due; never less than that of the step before it."""
    hours = {
        "remind": escalation.remind.hours,
        "backup": escalation.backup.hours,
        "owner": escalation.owner.hours,
    }
    return timedelta(hours=max(hours[each] for each in STEPS[: STEPS.index(step) + 1]))


def backups_of(spec: Spec, role: str) -> tuple[str, ...]:
    """Who may be called for a role: its backups without the program's owner, who never signs."""
    return tuple(person for person in spec.people[role].backups if person != spec.owner)


def steps_of(spec: Spec, role: str) -> tuple[Step, ...]:
    """The steps there are for a role: without backups or an owner, theirs are left out."""
    able = {"remind": True, "backup": bool(backups_of(spec, role)), "owner": bool(spec.owner)}
    return tuple(step for step in STEPS if able[step])


def silent_members(spec: Spec, gate: GateState, role: str) -> tuple[str, ...]:
    """The members of a role who have not signed, and for whom nobody has."""
    standing = [each for each in gate.standing(gate.digest) if each.role == role]
    heard = {each.person for each in standing} | {each.stands_for for each in standing}
    members = spec.people[role].members
    return tuple(each for each in members if each not in heard and each != spec.owner)


def due_steps(
    spec: Spec,
    state: ProgramState,
    *,
    now: datetime,
    absences: Absences,
    asking: Collection[str] | None = None,
) -> tuple[ev.BackupCalled | ev.Reminded, ...]:
    """The steps that are due at `now` and were not taken in their gate's round, in order.

    `asking` are the stages whose criteria hold (None: all that wait): where they no longer do,
    nobody can sign, and silence is right.
    """
    calendars = Calendars(spec)
    due: list[ev.BackupCalled | ev.Reminded] = []
    for stage, role, asked_at in _asked(spec, state, asking):
        if calendars.in_working_hours(now, role):
            gate = state.gates[stage]
            waiting = _Waiting(spec, stage, role, gate, calendars, now, absences, state.holds)
            due += waiting.due(asked_at)
    return tuple(due)


def _asked(
    spec: Spec, state: ProgramState, asking: Collection[str] | None
) -> Iterator[tuple[str, str, datetime]]:
    """Stage and role that somebody waits for, and when it was asked on the current digest."""
    for stage in state.waiting_stages:
        if asking is not None and stage not in asking:
            continue
        gate = state.gates[stage]
        for role in missing_sign_offs(spec, stage, gate, gate.digest):
            asked = gate.asked.get(role)
            if asked is not None and asked.digest == gate.digest:
                yield stage, role, asked.at


@dataclass(frozen=True, slots=True)
class Ahead:
    """When silence makes its next step due; `hangs_on` are the people whose absence would sooner.

    `at` is aware and in UTC; None where no step is left.
    """

    at: datetime | None
    hangs_on: frozenset[str]


def next_step(
    spec: Spec,
    state: ProgramState,
    *,
    now: datetime,
    absences: Sequence[Absence],
    asking: Collection[str],
) -> Ahead:
    """The first time, `now` or later, at which `due_steps` has an answer while nothing changes.

    It holds for the absences handed in: another one of a person that it hangs on needs it anew.
    """
    calendars, absence_on = Calendars(spec), partial(absent, absences)
    times: list[datetime] = []
    hangs_on: set[str] = set()
    for stage, role, asked_at in _asked(spec, state, asking):
        gate = state.gates[stage]
        waiting = _Waiting(spec, stage, role, gate, calendars, now, absence_on, state.holds)
        missed = waiting.may_be_missed()
        hangs_on |= missed
        times += waiting.steps_at(asked_at)
        for absence in absences:
            if absence.person in missed:
                times += waiting.missed_at(absence)
    return Ahead(min(times, default=None), frozenset(hangs_on))


@dataclass(frozen=True, slots=True)
class _Waiting:
    """One role that a gate waits for, while it is at work."""

    spec: Spec
    stage: str
    role: str
    gate: GateState
    calendars: Calendars
    now: datetime
    absences: Absences
    holds: Sequence[tuple[datetime, datetime]]

    def due(self, asked_at: datetime) -> Iterator[ev.BackupCalled | ev.Reminded]:
        called = {each.member: each for each in self._calls_for_absent()}
        yield from called.values()
        left = [
            step
            for step in steps_of(self.spec, self.role)
            if (self.role, step) not in self.gate.reminded
        ]
        if not left:
            return
        silent_for = self._silent_for(asked_at)
        for step in left:
            if silent_for >= silence_before(self._escalation, step):
                yield from self._take(step, called)

    def _silent_for(self, asked_at: datetime) -> timedelta:
        """Working time since they were asked, without that of holds."""
        between = self.calendars.working_hours_between(asked_at, self.now, self.role)
        return between - self._held(asked_at)

    def _held(self, asked_at: datetime) -> timedelta:
        """Working time of holds since they were asked: nobody was waited for then."""
        between = self.calendars.working_hours_between
        held = (between(max(since, asked_at), until, self.role) for since, until in self.holds)
        return sum(held, timedelta(0))

    def steps_at(self, asked_at: datetime) -> Iterator[datetime]:
        """When the next step by the clock is due; nothing where none is left."""
        left = [
            s for s in steps_of(self.spec, self.role) if (self.role, s) not in self.gate.reminded
        ]
        if left:
            amount = min(silence_before(self._escalation, step) for step in left)
            amount += self._held(asked_at)
            over = self.calendars.after_working_hours(asked_at, amount, self.role)
            yield self.calendars.next_working_time(max(over, self.now), self.role)

    def may_be_missed(self) -> frozenset[str]:
        """The silent members for whom backups are called as soon as they are absent."""
        if not backups_of(self.spec, self.role):
            return frozenset()
        called = self.gate.called
        return frozenset(each for each in self._silent() if (self.role, each) not in called)

    def missed_at(self, absence: Absence) -> Iterator[datetime]:
        """When the role is at work and the absent member is not."""
        zone = self.calendars.zone_of(self.role)
        begins = to_utc(datetime.combine(absence.from_day, time.min), zone)
        at = self.calendars.next_working_time(max(begins, self.now), self.role)
        if absence.covers(day_in(at, zone)):
            yield at

    @property
    def _escalation(self) -> Escalation:
        return self.spec.stages[self.stage].gate.escalate

    def _away(self, person: str) -> Absence | None:
        return self.absences(person, day_in(self.now, self.calendars.zone_of(self.role)))

    def _silent(self) -> tuple[str, ...]:
        return silent_members(self.spec, self.gate, self.role)

    def _calls_for_absent(self) -> Iterator[ev.BackupCalled]:
        backups = backups_of(self.spec, self.role)
        for member in self._silent():
            away = self._away(member)
            if away is None or not backups or (self.role, member) in self.gate.called:
                continue
            named = away.delegate in backups and self._away(away.delegate or "") is None
            stand_in = (away.delegate,) if named and away.delegate else backups
            yield self._call(member, stand_in, f"absent until {away.to_day:%a %-d %b %Y}", away)

    def _call(
        self, member: str, backups: tuple[str, ...], why: str, away: Absence | None
    ) -> ev.BackupCalled:
        return ev.BackupCalled(
            stage=self.stage,
            round=self.gate.round,
            role=self.role,
            member=member,
            backups=backups,
            why=why,
            announced=away is not None,
        )

    def _take(
        self, step: Step, called: dict[str, ev.BackupCalled]
    ) -> Iterator[ev.BackupCalled | ev.Reminded]:
        match step:
            case "remind":
                yield self._remind(step, self._waited_for(called))
            case "backup":
                yield from self._calls_for_silent(called)
                yield self._remind(step, backups_of(self.spec, self.role))
            case "owner":
                yield self._remind(step, (self.spec.owner or "",))

    def _waited_for(self, called: dict[str, ev.BackupCalled]) -> tuple[str, ...]:
        """The silent members, and instead of those who are absent or barred who stands in."""
        people: list[str] = []
        for member in self._silent():
            call = called.get(member) or self.gate.called.get((self.role, member))
            # A call that was not announced and came before the step of backups is for one barred.
            back_again = call is not None and call.announced and self._away(member) is None
            people += (member,) if call is None or back_again else call.backups
        return tuple(dict.fromkeys(people))

    def _calls_for_silent(self, called: dict[str, ev.BackupCalled]) -> Iterator[ev.BackupCalled]:
        """All backups, also where one was named for an absence and has been silent too."""
        backups = backups_of(self.spec, self.role)
        why = f"no answer within {self._escalation.backup.hours} working hours"
        for member in self._silent():
            before = called.get(member) or self.gate.called.get((self.role, member))
            if before is None or not set(backups) <= set(before.backups):
                yield self._call(member, backups, why, None)

    def _remind(self, step: Step, people: tuple[str, ...]) -> ev.Reminded:
        return ev.Reminded(
            stage=self.stage, round=self.gate.round, role=self.role, step=step, people=people
        )
