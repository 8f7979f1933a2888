"""Business days, public holidays, freezes, working hours and time zones of a program. Pure.

The one place where local times meet UTC. A zone's clock jumps twice a year, so two kinds of
local time need a decision (the one of RFC 5545, section 3.3.5): a time that is *skipped* in
spring is read with the offset before the jump (02:30 becomes 03:30), a time that comes *twice*
in autumn means the first of the two.

Public holidays come from the `holidays` package, whose data ends around the year 2099 for most
markets; beyond that only weekends are known.
"""

import sys
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from functools import lru_cache
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.resources import files
from importlib.util import module_from_spec
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from policy_rollout.errors import DayOutOfRange, HolidaysUnknown
from policy_rollout.spec.model import Freeze, Role, Spec

if TYPE_CHECKING:
    from holidays import HolidayBase

FIRST_YEAR = 1900
LAST_YEAR = 2199
SATURDAY = 5
ONE_DAY = timedelta(days=1)


@lru_cache(maxsize=4096)
def public_holidays(market: str, year: int) -> dict[date, str]:
    """The public holidays of a market, with their names in English where the package has them.

    Raises:
        HolidaysUnknown: the installed `holidays` package does not know the market.
    """
    found = _country(market)(years=year, language="en_US")
    return {day: name for day, name in found.items() if day.year == year}


def _country(market: str) -> "type[HolidayBase]":
    """The class of the `holidays` package for a market, from the file of that country alone.

    Asked for by name, the package loads all of its 250 countries.
    """
    from holidays.registry import COUNTRIES  # noqa: PLC0415  most specs name no market

    module = next((name for name, classes in COUNTRIES.items() if market in classes), None)
    if module is None:
        raise HolidaysUnknown(market)
    name = f"holidays.countries.{module}"
    if name not in sys.modules:
        loader = SourceFileLoader(name, str(files("holidays") / "countries" / f"{module}.py"))
        loaded = module_from_spec(ModuleSpec(name, loader, origin=loader.path))
        loader.exec_module(loaded)
        sys.modules[name] = loaded
    country: type[HolidayBase] = getattr(sys.modules[name], market)
    return country


def holiday_name(market: str, day: date) -> str | None:
    """The name of the public holiday that a market has on a day, None on any other day."""
    return public_holidays(market, day.year).get(day)


def moved_by(day: date, distance: timedelta) -> date:
    """A day moved by calendar days.

    Raises:
        DayOutOfRange: the answer lies outside the years that can be planned.
    """
    try:
        moved = day + distance
    except OverflowError:
        raise DayOutOfRange(day, FIRST_YEAR, LAST_YEAR) from None
    if not FIRST_YEAR <= moved.year <= LAST_YEAR:
        raise DayOutOfRange(day, FIRST_YEAR, LAST_YEAR)
    return moved


@dataclass(frozen=True, slots=True)
class Days:
    """A run of days, both ends included."""

    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class BusinessCalendar:
    """The days on which work is done.

    `markets` are those whose public holidays are off, `closed` are runs of days (freezes) that
    are off as well. With `every_day` weekends and holidays count too: what is left are the days
    outside `closed`. With `weeks_later` the calendar answers for each day what is true that many
    weeks later: how the same plan would meet the holidays of another year.
    """

    markets: frozenset[str] = frozenset()
    closed: tuple[Days, ...] = ()
    every_day: bool = False
    weeks_later: int = 0
    _added: dict[tuple[date, int], date] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def is_business_day(self, day: date) -> bool:
        if any(day in days for days in self.closed):
            return False
        if self.every_day:
            return True
        there = day + timedelta(weeks=self.weeks_later)
        return day.weekday() < SATURDAY and not any(
            there in public_holidays(market, there.year) for market in self.markets
        )

    def on_or_after(self, day: date) -> date:
        """The day itself where it is a business day, else the next one."""
        return self.add(moved_by(day, -ONE_DAY), 1)

    def on_or_before(self, day: date) -> date:
        """The day itself where it is a business day, else the one before."""
        return self.add(moved_by(day, ONE_DAY), -1)

    def add(self, day: date, count: int) -> date:
        """The business day that is `count` business days after `day`, before it if negative.

        `day` itself is never counted, business day or not; a count of 0 gives `day` back.

        Raises:
            DayOutOfRange: the answer lies outside the years that can be planned.
        """
        if count == 0:
            return day
        found = self._added.get((day, count))
        if found is None:
            found = self._added[day, count] = self._walk(day, count)
        return found

    def count(self, start: date, end: date) -> int:
        """Business days from `start` up to, not including, `end`; negative where `end` is first."""
        if end < start:
            return -self.count(end, start)
        return sum(
            bisect_left(days, end.toordinal()) - bisect_left(days, start.toordinal())
            for year in range(start.year, end.year + 1)
            for days in (self._business_days(year, seen_from=start),)
        )

    def _walk(self, day: date, count: int) -> date:
        """Go through whole years of business days until the one asked for is among them."""
        year = day.year
        days = self._business_days(year, seen_from=day)
        # Place in this year's list of the first business day on or after `day`.
        place = bisect_left(days, day.toordinal())
        if count > 0:
            itself = place < len(days) and days[place] == day.toordinal()
            place += count if itself else count - 1
        else:
            place += count
        while place < 0:
            year -= 1
            days = self._business_days(year, seen_from=day)
            place += len(days)
        while place >= len(days):
            place -= len(days)
            year += 1
            days = self._business_days(year, seen_from=day)
        return date.fromordinal(days[place])

    def _business_days(self, year: int, *, seen_from: date) -> tuple[int, ...]:
        if not FIRST_YEAR <= year <= LAST_YEAR:
            raise DayOutOfRange(seen_from, FIRST_YEAR, LAST_YEAR)
        return _days_of(self, year)


@lru_cache(maxsize=1024)
def _days_of(calendar: BusinessCalendar, year: int) -> tuple[int, ...]:
    """The business days of a year as ordinals: a program is planned anew at every look at it."""
    first, end = date(year, 1, 1).toordinal(), date(year + 1, 1, 1).toordinal()
    days = (date.fromordinal(each) for each in range(first, end))
    return tuple(each.toordinal() for each in days if calendar.is_business_day(each))


class Clock(Enum):
    """What a zone's clock makes of a local time."""

    ONCE = "once"
    SKIPPED = "skipped"
    TWICE = "twice"


def clock(local: datetime, zone: ZoneInfo) -> Clock:
    """Whether a local time exists once, is skipped in spring or comes twice in autumn."""
    first = local.replace(tzinfo=zone, fold=0)
    second = local.replace(tzinfo=zone, fold=1)
    if first.utcoffset() == second.utcoffset():
        return Clock.ONCE
    there_and_back = first.astimezone(UTC).astimezone(zone).replace(tzinfo=None)
    return Clock.TWICE if there_and_back == local.replace(fold=0) else Clock.SKIPPED


def to_utc(local: datetime, zone: ZoneInfo) -> datetime:
    """A local date-time of a zone as an aware UTC time; skipped and double times as said above."""
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


def to_local(at: datetime, zone: ZoneInfo) -> datetime:
    """An aware time as the aware local time of a zone."""
    return at.astimezone(zone)


def day_in(at: datetime, zone: ZoneInfo) -> date:
    """The day that an aware time falls on in a zone."""
    return at.astimezone(zone).date()


@dataclass(frozen=True, slots=True)
class Calendars:
    """The calendars of a program and of its roles; asked again, they answer from memory.

    `weeks_later` as in BusinessCalendar; with `no_holidays` only weekends and freezes are off.
    """

    spec: Spec
    weeks_later: int = 0
    no_holidays: bool = False
    _known: dict[tuple[frozenset[str], tuple[Days, ...], bool], BusinessCalendar] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def program(self) -> BusinessCalendar:
        """Monday to Friday without the public holidays of `timeline.holidays`."""
        return self._calendar(self.spec.timeline.holidays, ())

    def of_role(self, role: str) -> BusinessCalendar:
        """The program's calendar without the role's own public holidays."""
        return self._calendar(self._markets(role), ())

    def of_stage(self, stage: str) -> BusinessCalendar:
        """The program's calendar without the freezes that stop the stage."""
        return self._calendar(self.spec.timeline.holidays, self.freezes_of(stage))

    def of_work(self, stage: str, team: str) -> BusinessCalendar:
        """The role's calendar without the freezes that stop the stage."""
        return self._calendar(self._markets(team), self.freezes_of(stage))

    def every_day_of(self, stage: str) -> BusinessCalendar:
        """Every day, weekends and holidays too, without the freezes that stop the stage."""
        return self._calendar((), self.freezes_of(stage), every_day=True)

    def freezes_of(self, stage: str) -> tuple[Days, ...]:
        freezes: Iterable[Freeze] = self.spec.timeline.freezes.values()
        return tuple(Days(each.from_day, each.to) for each in freezes if stage in each.stops)

    def zone_of(self, role: str) -> ZoneInfo:
        return self.spec.people[role].timezone or self.spec.timeline.timezone

    def in_working_hours(self, at: datetime, role: str) -> bool:
        """Whether the role is at work at an aware time; the end of the hours is not."""
        hours = self.spec.people[role].hours
        local = at.astimezone(self.zone_of(role))
        return (
            self.of_role(role).is_business_day(local.date())
            and hours.start <= local.time() < hours.end
        )

    def next_working_time(self, at: datetime, role: str) -> datetime:
        """The first aware UTC time, `at` or later, at which the role is at work."""
        if self.in_working_hours(at, role):
            return at.astimezone(UTC)
        who: Role = self.spec.people[role]
        local = at.astimezone(self.zone_of(role))
        day = local.date() + ONE_DAY * (local.time() >= who.hours.end)
        opens = datetime.combine(self.of_role(role).on_or_after(day), who.hours.start)
        return to_utc(opens, self.zone_of(role))

    def working_hours_between(self, start: datetime, end: datetime, role: str) -> timedelta:
        """How long the role was at work between two aware times; nothing where `end` is first."""
        # Two times of one zone are subtracted by its clock, wrong over a jump: UTC it is.
        first, last = start.astimezone(UTC), end.astimezone(UTC)
        worked = timedelta(0)
        for opens, closes in self._shifts(first, role):
            if opens >= last:
                break
            worked += max(min(closes, last) - max(opens, first), timedelta(0))
        return worked

    def after_working_hours(self, start: datetime, amount: timedelta, role: str) -> datetime:
        """The first aware UTC time at which the role is at work and has been for `amount`.

        Raises:
            DayOutOfRange: the answer lies outside the years that can be planned.
        """
        first, left = start.astimezone(UTC), amount
        shifts = self._shifts(first, role)
        while True:
            opens, closes = next(shifts)
            begins = max(opens, first)
            if closes - begins > left:
                return begins + left
            left -= max(closes - begins, timedelta(0))

    def _shifts(self, start: datetime, role: str) -> Iterator[tuple[datetime, datetime]]:
        """Begin and end of the role's working days in UTC, from the day of `start` on, for ever."""
        hours, zone, calendar = self.spec.people[role].hours, self.zone_of(role), self.of_role(role)
        day = day_in(start, zone)
        while True:
            if calendar.is_business_day(day):
                opens, closes = (datetime.combine(day, each) for each in (hours.start, hours.end))
                yield to_utc(opens, zone), to_utc(closes, zone)
            day = moved_by(day, ONE_DAY)

    def _markets(self, role: str) -> tuple[str, ...]:
        own = self.spec.people[role].holidays
        return (*self.spec.timeline.holidays, *((own,) if own else ()))

    def _calendar(
        self, markets: Iterable[str], closed: tuple[Days, ...], *, every_day: bool = False
    ) -> BusinessCalendar:
        key = (frozenset(() if self.no_holidays else markets), closed, every_day)
        if key not in self._known:
            self._known[key] = BusinessCalendar(*key, weeks_later=self.weeks_later)
        return self._known[key]
