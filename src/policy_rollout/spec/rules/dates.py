"""Rules on dates: that they exist, are in order and keep the promised notice. Pure."""

from collections.abc import Iterator
from datetime import date, datetime

from policy_rollout.calendar import BusinessCalendar, Clock, clock, to_local, to_utc
from policy_rollout.spec.model import Timeline
from policy_rollout.spec.problems import Finding, Path
from policy_rollout.spec.rules.case import Case
from policy_rollout.spec.scalars import Duration, Unit

TIMES = ("announce", "publish", "effective", "enforce", "full_enforcement")
_ORDER = (
    ("announce", "effective"),
    ("publish", "effective"),
    ("effective", "enforce"),
    ("effective", "full_enforcement"),
    ("enforce", "full_enforcement"),
)


def shown(moment: date | datetime) -> str:
    """A day with its weekday, so that a mistyped one shows: `Mon 2025-11-17`."""
    return f"{moment:%a %Y-%m-%d %H:%M}" if _has_clock(moment) else f"{moment:%a %Y-%m-%d}"


def _has_clock(moment: date | datetime) -> bool:
    return isinstance(moment, datetime) and (moment.hour, moment.minute) != (0, 0)


def due_without_effective(case: Case) -> Iterator[Finding]:
    """Distances to an effective date that the program does not have."""
    if case.spec.timeline.effective is not None:
        return
    relative = list(_relative_dues(case))
    if relative:
        count = (
            f"{len(relative)} due dates that count"
            if len(relative) > 1
            else "a due date that counts"
        )
        text = (
            f"found {count} from the effective date, expected `timeline.effective`; add it, or "
            "write days such as 2025-11-17"
        )
        yield Finding(relative[0], text, about=(("timeline", "effective"),))


def _relative_dues(case: Case) -> Iterator[Path]:
    for name, stage in case.spec.stages.items():
        if isinstance(stage.due, Duration):
            yield ("stages", name, "due")
        for work in case.works_of(name):
            if isinstance(work.work.due, Duration):
                yield (*work.path, "due")


def out_of_order(case: Case) -> Iterator[Finding]:
    """Dates of a launch that come in an order in which they cannot happen."""
    timeline = case.spec.timeline
    for earlier, later in _ORDER:
        first, second = getattr(timeline, earlier), getattr(timeline, later)
        if first is not None and second is not None and first > second:
            text = (
                f"found {shown(first)}, after `{later}` on {shown(second)}, expected it before or "
                f"at the same time; {_mend_order(first, second)}"
            )
            yield Finding(("timeline", earlier), text)


def _mend_order(first: datetime, second: datetime) -> str:
    """What was probably meant: day and month the other way round, or another year."""
    try:
        swapped = first.replace(month=first.day, day=first.month)
    except ValueError:
        swapped = first
    if swapped < second:
        return f"are day and month swapped? {shown(swapped)} would fit"
    try:
        swapped = second.replace(month=second.day, day=second.month)
    except ValueError:
        swapped = second
    if swapped > first:
        return f"are day and month swapped in the other? {shown(swapped)} would fit"
    return "mend one of the two"


def freeze_backwards(case: Case) -> Iterator[Finding]:
    """A freeze that ends before it starts."""
    for name, freeze in case.spec.timeline.freezes.items():
        if freeze.to < freeze.from_day:
            text = (
                f"found an end on {shown(freeze.to)}, before the start on "
                f"{shown(freeze.from_day)}, expected it on that day or later; mend one of the two"
            )
            yield Finding(("timeline", "freezes", name, "to"), text)


def notice_too_short(case: Case) -> Iterator[Finding]:
    """Less notice than the spec itself promises."""
    timeline = case.spec.timeline
    if timeline.notice is None or timeline.announce is None or timeline.effective is None:
        return
    given = _days_between(timeline, timeline.notice.at_least.unit)
    wanted = _in_days(timeline.notice.at_least)
    if timeline.announce <= timeline.effective and given < wanted:
        unit = "business days" if timeline.notice.at_least.unit is Unit.BUSINESS_DAYS else "days"
        text = (
            f"found {given} {unit} of notice ({shown(timeline.announce)} to "
            f"{shown(timeline.effective)}), expected at least {timeline.notice.at_least} "
            f"because of: {timeline.notice.because}; announce earlier or take effect later"
        )
        yield Finding(("timeline", "effective"), text, about=(("timeline",),))


def _days_between(timeline: Timeline, unit: Unit) -> int:
    if timeline.announce is None or timeline.effective is None:
        return 0
    first, last = timeline.announce.date(), timeline.effective.date()
    if unit is Unit.BUSINESS_DAYS:
        return BusinessCalendar(frozenset(timeline.holidays)).count(first, last)
    return (last - first).days


def _in_days(duration: Duration) -> int:
    return duration.count * (7 if duration.unit is Unit.WEEKS else 1)


def notice_of_nothing(case: Case) -> Iterator[Finding]:
    """A promise of notice that is none, or that nothing can be held against."""
    timeline = case.spec.timeline
    if timeline.notice is None:
        return
    if timeline.notice.at_least.count <= 0:
        found = f"found {str(timeline.notice.at_least)!r}, expected a duration above zero"
        yield Finding(("timeline", "notice", "at_least"), f"{found}; write it without a minus")
    for key in ("announce", "effective"):
        if getattr(timeline, key) is None:
            text = (
                f"found a notice period without `timeline.{key}`, expected both dates it lies "
                f"between; add `{key}` or delete `notice`"
            )
            about = (("timeline", key),)
            yield Finding(("timeline", "notice"), text, about=about, at_key=True)


def no_such_time(case: Case) -> Iterator[Finding]:
    """A local time that the clock of the zone skips in spring."""
    timeline = case.spec.timeline
    for key in TIMES:
        local: datetime | None = getattr(timeline, key)
        if local is not None and clock(local, timeline.timezone) is Clock.SKIPPED:
            later = to_local(to_utc(local, timeline.timezone), timeline.timezone)
            text = (
                f"found {local:%Y-%m-%d %H:%M}, which does not exist in {timeline.timezone.key}: "
                f"the clock is put forward over it, expected a time that exists; write "
                f"{later:%Y-%m-%d %H:%M} or another one"
            )
            yield Finding(("timeline", key), text, about=(("timeline", "timezone"),))


def time_twice(case: Case) -> Iterator[Finding]:
    """A local time that comes twice in autumn."""
    timeline = case.spec.timeline
    for key in TIMES:
        local: datetime | None = getattr(timeline, key)
        if local is not None and clock(local, timeline.timezone) is Clock.TWICE:
            text = (
                f"found {local:%Y-%m-%d %H:%M}, which comes twice in {timeline.timezone.key}: the "
                "clock is put back over it, expected a time that comes once; the first is taken, "
                "write another one to be sure"
            )
            yield Finding(("timeline", key), text)
