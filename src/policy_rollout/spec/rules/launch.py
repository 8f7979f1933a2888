"""Advice on the day of the launch and on what must happen before it. Pure."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from policy_rollout.calendar import Days, holiday_name, moved_by
from policy_rollout.errors import DayOutOfRange
from policy_rollout.spec.model import Spec
from policy_rollout.spec.problems import Finding, did_you_mean, listed
from policy_rollout.spec.rules.case import Case
from policy_rollout.spec.rules.dates import shown
from policy_rollout.spec.scalars import Duration, Unit

SATURDAY = 5
_LAUNCH_IDS = {"launch", "go-live", "enforce", "enforcement", "ramp", "rollout"}
_MOMENTS = ("effective", "enforce")
_FAR_OFF = timedelta(days=2 * 365)
_LOOKAHEAD_DAYS = 60


def launch_stages(spec: Spec) -> tuple[str, ...]:
    """The stages that switch enforcement on, by their id, else by their due date."""
    named = tuple(name for name in spec.stages if name in _LAUNCH_IDS)
    if named:
        return named
    return tuple(
        name
        for name, stage in spec.stages.items()
        if stage.due is not None and due_on(spec, stage.due) == _effective_on(spec)
    )


def due_on(spec: Spec, due: Duration | date) -> date | None:
    """About when something is due: business days without public holidays."""
    if isinstance(due, date):
        return due
    effective = _effective_on(spec)
    if effective is None:
        return None
    try:
        return moved_by(effective, timedelta(days=_about_days(due)))
    except DayOutOfRange:
        return None


def _about_days(due: Duration) -> int:
    if due.unit is Unit.BUSINESS_DAYS:
        weeks, rest = divmod(abs(due.count), 5)
        return (7 * weeks + rest) * (1 if due.count > 0 else -1)
    return due.count * (7 if due.unit is Unit.WEEKS else 1)


def _effective_on(spec: Spec) -> date | None:
    return spec.timeline.effective.date() if spec.timeline.effective else None


def _moments(spec: Spec) -> Iterator[tuple[str, datetime]]:
    for key in _MOMENTS:
        moment: datetime | None = getattr(spec.timeline, key)
        if moment is not None:
            yield key, moment


def on_weekend(case: Case) -> Iterator[Finding]:
    """A launch on a Saturday or Sunday, when few are there to take it back."""
    for key, moment in _moments(case.spec):
        if moment.weekday() >= SATURDAY:
            yield Finding(("timeline", key), _not_on(case.spec, moment.date(), "a weekend"))


def on_holiday(case: Case) -> Iterator[Finding]:
    """A launch on a public holiday of a market it reaches."""
    for key, moment in _moments(case.spec):
        names = _holidays(case.spec, moment.date())
        if names:
            yield Finding(("timeline", key), _not_on(case.spec, moment.date(), listed(names)))


def in_freeze(case: Case) -> Iterator[Finding]:
    """A launch in a freeze of the program's own."""
    for key, moment in _moments(case.spec):
        names = tuple(
            f"in the freeze {name!r}"
            for name, freeze in case.spec.timeline.freezes.items()
            if moment.date() in Days(freeze.from_day, freeze.to)
        )
        if names:
            yield Finding(("timeline", key), _not_on(case.spec, moment.date(), listed(names)))


def _not_on(spec: Spec, day: date, what: str) -> str:
    free = _next_free(spec, day)
    step = f"the next free day is {shown(free)}" if free else "choose another day"
    return f"found {shown(day)}, {what}, expected a free working day; {step}"


def _holidays(spec: Spec, day: date) -> tuple[str, ...]:
    markets = dict.fromkeys((*spec.policy.markets, *spec.timeline.holidays))
    by_name: dict[str, list[str]] = {}
    for market in markets:
        name = holiday_name(market, day)
        if name:
            by_name.setdefault(name, []).append(market)
    return tuple(f"{name} in {', '.join(where)}" for name, where in by_name.items())


def _next_free(spec: Spec, day: date) -> date | None:
    freezes = [Days(each.from_day, each.to) for each in spec.timeline.freezes.values()]
    for _ in range(_LOOKAHEAD_DAYS):
        day += timedelta(days=1)
        frozen = any(day in freeze for freeze in freezes)
        if day.weekday() < SATURDAY and not frozen and not _holidays(spec, day):
            return day
    return None


def out_of_hours(case: Case) -> Iterator[Finding]:
    """A launch at an hour at which some who work or sign for it are not at work."""
    spec = case.spec
    roles = _launch_roles(case)
    for key, moment in _moments(spec):
        if not roles or (moment.hour, moment.minute) == (0, 0):  # a day, not an hour
            continue
        asleep = tuple(
            _local(spec, role, moment) for role in roles if not _at_work(spec, role, moment)
        )
        if asleep:
            text = (
                f"found {shown(moment)}, outside the working hours of {listed(asleep)}, expected "
                "an hour at which those who launch are at work; choose another hour, or widen "
                "their `hours`"
            )
            yield Finding(("timeline", key), text)


def _launch_roles(case: Case) -> tuple[str, ...]:
    roles: dict[str, None] = {}
    for name in launch_stages(case.spec):
        roles.update(dict.fromkeys(work.work.team for work in case.works_of(name)))
        roles.update(dict.fromkeys(case.spec.stages[name].gate.sign_off))
    return tuple(role for role in roles if role in case.spec.people)


def _there(spec: Spec, role: str, moment: datetime) -> datetime:
    zone = spec.people[role].timezone or spec.timeline.timezone
    return moment.replace(tzinfo=spec.timeline.timezone).astimezone(UTC).astimezone(zone)


def _at_work(spec: Spec, role: str, moment: datetime) -> bool:
    there, hours = _there(spec, role, moment), spec.people[role].hours
    return there.weekday() < SATURDAY and hours.start <= there.time() < hours.end


def _local(spec: Spec, role: str, moment: datetime) -> str:
    return f"{role} ({_there(spec, role, moment):%a %H:%M} there)"


def freeze_stops_no_stage(case: Case) -> Iterator[Finding]:
    """A freeze of a stage that the program does not have: it stops nothing."""
    known = tuple(case.spec.stages)
    for name, freeze in case.spec.timeline.freezes.items():
        for index, stage in enumerate(freeze.stops):
            if stage not in known:
                step = did_you_mean(stage, known) or "; add the stage or take it out"
                text = f"found the stage {stage!r}, expected one of {listed(known)}{step}"
                yield Finding(("timeline", "freezes", name, "stops", index), text)


def training_after_launch(case: Case) -> Iterator[Finding]:
    """Training due after the change is enforced."""
    launched = _launched_on(case.spec)
    later = _after_launch(case.spec)
    for name, stage in case.spec.stages.items():
        for item, material in stage.training.items():
            due = material.due if material.due is not None else stage.due
            day = due_on(case.spec, due) if due is not None else None
            path = ("stages", name, "training", item)
            if day is not None and launched is not None and day > launched:
                text = (
                    f"found training due on {shown(day)}, after enforcement begins on "
                    f"{shown(launched)}, expected it before; make it due earlier"
                )
                yield Finding((*path, "due"), text)
            elif name in later:
                text = (
                    f"found training in stage {name!r}, which opens after {later[name]!r}, "
                    "expected it before enforcement begins; move it to an earlier stage"
                )
                yield Finding(path, text, at_key=True)


def _launched_on(spec: Spec) -> date | None:
    moment = spec.timeline.enforce or spec.timeline.effective
    return moment.date() if moment else None


def _after_launch(spec: Spec) -> dict[str, str]:
    """Stages that open only after a launch, with a launch stage that they wait for."""
    later: dict[str, list[str]] = {}
    for name, stage in spec.stages.items():
        for before in stage.after:
            later.setdefault(before, []).append(name)
    found = {launch: launch for launch in launch_stages(spec)}
    waiting = list(found)
    while waiting:
        name = waiting.pop()
        for each in later.get(name, ()):
            if each not in found:
                found[each] = found[name]
                waiting.append(each)
    return {name: launch for name, launch in found.items() if name != launch}


def due_before_earlier_stage(case: Case) -> Iterator[Finding]:
    """A stage that is due before a stage it waits for."""
    for name, stage in case.spec.stages.items():
        own = due_on(case.spec, stage.due) if stage.due is not None else None
        for before in stage.after:
            due = case.spec.stages[before].due if before in case.spec.stages else None
            earlier = due_on(case.spec, due) if due is not None else None
            if own is not None and earlier is not None and own < earlier:
                text = (
                    f"found {str(stage.due)!r} ({shown(own)}), before stage {before!r} that it "
                    f"waits for is due ({shown(earlier)}), expected it after; mend one of the two"
                )
                yield Finding(("stages", name, "due"), text)


def past(case: Case) -> Iterator[Finding]:
    """An effective date that is over."""
    effective = case.spec.timeline.effective
    if case.today is not None and effective is not None and effective.date() < case.today:
        ago = (case.today - effective.date()).days
        text = (
            f"found {shown(effective)}, {ago} days ago, expected a day to come; is the year "
            f"right? {_same_day_later(effective.date(), case.today)}"
        )
        yield Finding(("timeline", "effective"), text)


def _same_day_later(day: date, today: date) -> str:
    try:
        later = day.replace(
            year=today.year if (day.month, day.day) >= (today.month, today.day) else today.year + 1
        )
    except ValueError:
        return "mend it"
    return f"{shown(later)} is {(later - today).days} days ahead"


def far_off(case: Case) -> Iterator[Finding]:
    """An effective date so far away that the year is probably wrong."""
    effective = case.spec.timeline.effective
    if (
        case.today is not None
        and effective is not None
        and effective.date() - case.today > _FAR_OFF
    ):
        ahead = (effective.date() - case.today).days
        text = (
            f"found {shown(effective)}, {ahead} days ahead, expected a day within two years; is "
            "the year right?"
        )
        yield Finding(("timeline", "effective"), text)
