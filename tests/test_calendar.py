# ruff: noqa: DTZ001  local times without a zone are what is tested
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_rollout.calendar import (
    BusinessCalendar,
    Calendars,
    Clock,
    Days,
    clock,
    day_in,
    holiday_name,
    public_holidays,
    to_local,
    to_utc,
)
from policy_rollout.errors import DayOutOfRange, HolidaysUnknown
from tests.planned import read, small

WEEKDAYS = BusinessCalendar()
JAPAN = BusinessCalendar(frozenset({"JP"}))
LOS_ANGELES = ZoneInfo("America/Los_Angeles")
TASK = "  one: {tasks: {a: {title: A, team: team}}}"

days = st.dates(date(1990, 1, 1), date(2090, 12, 31))


def test_five_business_days_after_a_friday_are_the_next_friday():
    assert WEEKDAYS.add(date(2025, 11, 7), 5) == date(2025, 11, 14)


def test_a_day_off_is_never_counted_itself():
    assert WEEKDAYS.add(date(2025, 11, 8), 1) == date(2025, 11, 10)
    assert WEEKDAYS.add(date(2025, 11, 9), -1) == date(2025, 11, 7)


def test_counting_no_days_stays_where_it_is():
    assert WEEKDAYS.add(date(2025, 11, 8), 0) == date(2025, 11, 8)


def test_counting_goes_over_the_turn_of_the_year():
    assert WEEKDAYS.add(date(2025, 12, 31), 1) == date(2026, 1, 1)
    assert WEEKDAYS.add(date(2026, 1, 1), -262) == date(2024, 12, 31)


def test_a_weekend_moves_to_monday_or_back_to_friday():
    assert WEEKDAYS.on_or_after(date(2025, 11, 15)) == date(2025, 11, 17)
    assert WEEKDAYS.on_or_before(date(2025, 11, 16)) == date(2025, 11, 14)


def test_a_business_day_stays_where_it_is():
    assert WEEKDAYS.on_or_after(date(2025, 11, 17)) == date(2025, 11, 17)
    assert WEEKDAYS.on_or_before(date(2025, 11, 17)) == date(2025, 11, 17)


def test_golden_week_is_off_in_japan():
    # 29 April, 3 to 5 May and the substitute day on 6 May 2025.
    assert JAPAN.add(date(2025, 4, 28), 1) == date(2025, 4, 30)
    assert JAPAN.add(date(2025, 5, 2), 1) == date(2025, 5, 7)


def test_holidays_of_two_markets_are_both_off():
    both = BusinessCalendar(frozenset({"US", "IE"}))
    assert not both.is_business_day(date(2025, 11, 27))
    assert not both.is_business_day(date(2025, 10, 27))


def test_a_freeze_is_off_from_its_first_to_its_last_day():
    frozen = BusinessCalendar(closed=(Days(date(2025, 11, 26), date(2025, 11, 28)),))
    assert frozen.add(date(2025, 11, 25), 1) == date(2025, 12, 1)


def test_a_calendar_of_every_day_is_stopped_only_by_freezes():
    every = BusinessCalendar(
        frozenset({"JP"}), (Days(date(2025, 5, 4), date(2025, 5, 4)),), every_day=True
    )
    assert every.add(date(2025, 5, 2), 2) == date(2025, 5, 5)


def test_weeks_later_meet_the_holidays_of_that_time():
    # 52 weeks after 1 May 2024 is 30 April 2025; 29 April 2025 is a holiday.
    later = BusinessCalendar(frozenset({"JP"}), weeks_later=52)
    assert not later.is_business_day(date(2025, 4, 29) - timedelta(weeks=52))
    assert later.is_business_day(date(2025, 4, 30) - timedelta(weeks=52))


def test_holidays_have_english_names():
    assert holiday_name("JP", date(2025, 5, 5)) == "Children's Day"
    assert holiday_name("JP", date(2025, 5, 7)) is None


def test_every_country_of_the_package_is_found_as_by_the_package():
    for market in holidays.list_supported_countries():
        named = holidays.country_holidays(market, years=2026, language="en_US")
        assert public_holidays(market, 2026) == {d: n for d, n in named.items() if d.year == 2026}


def test_only_the_country_that_is_asked_for_is_loaded():
    told = "sorted(each for each in sys.modules if each.startswith('holidays.countries'))"
    asked = "from policy_rollout.calendar import public_holidays; public_holidays('IE', 2026)"
    command = [sys.executable, "-c", f"import sys; {asked}; print({told})"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)  # noqa: S603 ours
    assert done.stdout.strip() == "['holidays.countries.ireland']"


def test_a_market_without_known_holidays_is_refused_by_name():
    calendar = BusinessCalendar(frozenset({"XX"}))
    with pytest.raises(HolidaysUnknown) as refused:
        calendar.is_business_day(date(2025, 5, 5))
    assert str(refused.value) == (
        "no public holidays are known for market 'XX'; leave it out of `holidays`, "
        "and write its days off as a freeze"
    )


@pytest.mark.parametrize("start", [date(1900, 1, 2), date(1, 1, 1), date(9999, 12, 31)])
def test_a_day_that_leaves_the_calendar_is_refused(start):
    with pytest.raises(DayOutOfRange) as refused:
        WEEKDAYS.add(start, -5)
    assert str(refused.value) == (
        f"counting from {start.isoformat()} leaves the years 1900 to 2199 that can be planned; "
        "look for a year typed wrong, or a `takes` or `due` that is far too long"
    )


@given(days, st.integers(-600, 600).filter(bool))
def test_counting_back_what_was_added_gives_the_count(day, count):
    there = JAPAN.add(day, count)
    first = day + timedelta(days=1) if count > 0 else there
    last = there + timedelta(days=1) if count > 0 else day
    assert JAPAN.is_business_day(there)
    assert JAPAN.count(first, last) == abs(count)


@given(days, days)
def test_counting_agrees_with_looking_at_each_day(one, other):
    first, end = sorted((one, min(other, one + timedelta(days=900))))
    by_hand = sum(
        JAPAN.is_business_day(first + timedelta(days=each)) for each in range((end - first).days)
    )
    assert JAPAN.count(first, end) == by_hand
    assert JAPAN.count(end, first) == -by_hand


def test_a_plain_local_time_becomes_utc():
    assert to_utc(datetime(2025, 10, 28, 9), LOS_ANGELES) == datetime(2025, 10, 28, 16, tzinfo=UTC)


def test_a_time_that_is_skipped_in_spring_is_read_an_hour_later():
    local = datetime(2025, 3, 9, 2, 30)
    assert clock(local, LOS_ANGELES) is Clock.SKIPPED
    assert to_local(to_utc(local, LOS_ANGELES), LOS_ANGELES).replace(tzinfo=None) == datetime(
        2025, 3, 9, 3, 30
    )


def test_a_time_that_comes_twice_in_autumn_means_the_first():
    local = datetime(2025, 11, 2, 1, 30)
    assert clock(local, LOS_ANGELES) is Clock.TWICE
    assert to_utc(local, LOS_ANGELES) == datetime(2025, 11, 2, 8, 30, tzinfo=UTC)


def test_an_ordinary_time_comes_once():
    assert clock(datetime(2025, 11, 2, 3), LOS_ANGELES) is Clock.ONCE


def test_midnight_in_los_angeles_is_the_same_day_there_and_not_in_tokyo():
    at = to_utc(datetime(2025, 11, 17, 9), LOS_ANGELES)
    assert day_in(at, LOS_ANGELES) == date(2025, 11, 17)
    assert day_in(at, ZoneInfo("Asia/Tokyo")) == date(2025, 11, 18)


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1)),
    st.sampled_from(["America/Los_Angeles", "Europe/Dublin", "Australia/Lord_Howe", "UTC"]),
)
def test_local_times_survive_the_way_to_utc_and_back_unless_skipped(local, name):
    zone = ZoneInfo(name)
    back = to_local(to_utc(local, zone), zone).replace(tzinfo=None, fold=0)
    assert (back == local) is (clock(local, zone) is not Clock.SKIPPED)


def test_the_programs_calendar_leaves_out_only_the_holidays_for_everybody():
    calendars = Calendars(read(small(TASK, timeline=", holidays: [IE]")))
    assert not calendars.program().is_business_day(date(2025, 10, 27))
    assert calendars.program().is_business_day(date(2025, 5, 6))


def test_a_role_has_its_own_holidays_and_those_for_everybody():
    calendars = Calendars(read(small(TASK, timeline=", holidays: [IE]")))
    assert not calendars.of_role("tokyo").is_business_day(date(2025, 10, 27))
    assert not calendars.of_role("tokyo").is_business_day(date(2025, 5, 6))
    assert calendars.of_role("team").is_business_day(date(2025, 5, 6))


def test_a_freeze_stops_only_the_stages_it_names():
    freeze = ", freezes: {f: {from: 2025-11-03, to: 2025-11-07, stops: [one]}}"
    two = f"{TASK}\n  two: {{tasks: {{a: {{title: A, team: team}}}}}}"
    calendars = Calendars(read(small(two, timeline=freeze)))
    assert not calendars.of_work("one", "team").is_business_day(date(2025, 11, 5))
    assert calendars.of_work("two", "team").is_business_day(date(2025, 11, 5))


def in_tokyo(local: str) -> datetime:
    return datetime.fromisoformat(local).replace(tzinfo=ZoneInfo("Asia/Tokyo"))


@pytest.mark.parametrize(
    ("local", "at_work"),
    [
        ("2025-11-07 08:59", False),
        ("2025-11-07 09:00", True),
        ("2025-11-07 17:59", True),
        ("2025-11-07 18:00", False),
        ("2025-11-08 12:00", False),  # a Saturday
        ("2025-11-03 12:00", False),  # Culture Day
    ],
)
def test_working_hours_are_those_of_the_role_in_its_own_zone(local, at_work):
    calendars = Calendars(read(small(TASK)))
    assert calendars.in_working_hours(in_tokyo(local).astimezone(UTC), "tokyo") is at_work


@pytest.mark.parametrize(
    ("local", "next_local"),
    [
        ("2025-11-06 12:00", "2025-11-06 12:00"),
        ("2025-11-06 03:00", "2025-11-06 09:00"),
        ("2025-11-06 18:00", "2025-11-07 09:00"),
        ("2025-11-07 20:00", "2025-11-10 09:00"),
        ("2025-05-02 18:00", "2025-05-07 09:00"),  # over Golden Week
    ],
)
def test_the_next_working_time_skips_nights_weekends_and_holidays(local, next_local):
    calendars = Calendars(read(small(TASK)))
    found = calendars.next_working_time(in_tokyo(local), "tokyo")
    assert found == in_tokyo(next_local)
    assert found.tzinfo is UTC


def test_working_hours_follow_daylight_saving():
    text = small(TASK).replace("timezone: UTC", "timezone: America/Los_Angeles")
    calendars = Calendars(read(text))
    friday_night = datetime(2025, 3, 8, 4, tzinfo=UTC)
    # Monday 10 March is the first working day of summer time: 09:00 is 16:00 UTC, not 17:00.
    assert calendars.next_working_time(friday_night, "team") == datetime(
        2025, 3, 10, 16, tzinfo=UTC
    )


def in_los_angeles(local: str) -> datetime:
    return datetime.fromisoformat(local).replace(tzinfo=LOS_ANGELES)


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2025-11-06 10:00", "2025-11-06 12:30", 2.5),
        ("2025-11-06 03:00", "2025-11-06 23:00", 9),
        ("2025-11-06 17:00", "2025-11-07 10:00", 2),  # over a night
        ("2025-11-07 17:00", "2025-11-10 10:00", 2),  # over a weekend
        ("2025-05-02 17:00", "2025-05-07 10:00", 2),  # over Golden Week
        ("2025-11-08 10:00", "2025-11-09 20:00", 0),  # a weekend
        ("2025-11-06 12:00", "2025-11-06 10:00", 0),
    ],
)
def test_working_hours_between_leave_out_nights_weekends_and_holidays(start, end, hours):
    calendars = Calendars(read(small(TASK)))
    first, last = in_tokyo(start), in_tokyo(end).astimezone(UTC)
    assert calendars.working_hours_between(first, last, "tokyo") == timedelta(hours=hours)


def test_working_hours_between_are_those_of_the_roles_own_zone():
    calendars = Calendars(read(small(TASK)))
    first = datetime(2025, 11, 6, 0, 0, tzinfo=UTC)  # 09:00 in Tokyo, midnight for the team
    last = datetime(2025, 11, 6, 10, 0, tzinfo=UTC)
    assert calendars.working_hours_between(first, last, "tokyo") == timedelta(hours=9)
    assert calendars.working_hours_between(first, last, "team") == timedelta(hours=1)


def with_night_shift() -> Calendars:
    # Egypt's clocks jump on a Friday: 25 April 2025, from 00:00 to 01:00.
    text = small(TASK).replace(
        "members: [a@", "timezone: Africa/Cairo, hours: 00:00-06:00, members: [a@"
    )
    return Calendars(read(text))


def test_an_hour_that_daylight_saving_skips_is_not_worked():
    thursday = datetime(2025, 4, 24, 12, tzinfo=UTC)
    found = with_night_shift().working_hours_between(thursday, thursday + timedelta(days=1), "team")
    assert found == timedelta(hours=5)


def test_a_day_worked_over_a_jump_of_the_clock_is_counted_by_real_time():
    text = small(TASK).replace("timezone: UTC", "timezone: America/Los_Angeles")
    calendars = Calendars(read(text))
    friday, monday = in_los_angeles("2025-03-07 17:00"), in_los_angeles("2025-03-10 10:00")
    assert calendars.working_hours_between(friday, monday, "team") == timedelta(hours=2)
    assert calendars.after_working_hours(friday, timedelta(hours=2), "team") == monday


@pytest.mark.parametrize(
    ("start", "hours", "local"),
    [
        ("2025-11-06 10:00", 2, "2025-11-06 12:00"),
        ("2025-11-06 20:00", 2, "2025-11-07 11:00"),
        ("2025-11-06 10:00", 8, "2025-11-07 09:00"),  # the end of the day is no working time
        ("2025-11-07 17:00", 2, "2025-11-10 10:00"),
        ("2025-11-08 10:00", 0, "2025-11-10 09:00"),
    ],
)
def test_some_working_hours_later_the_role_is_at_work(start, hours, local):
    calendars = Calendars(read(small(TASK)))
    found = calendars.after_working_hours(in_tokyo(start), timedelta(hours=hours), "tokyo")
    assert found == in_tokyo(local)
    assert found.tzinfo is UTC


zones = st.sampled_from(["America/Los_Angeles", "Europe/Dublin", "Africa/Cairo", "Asia/Tokyo"])


@given(
    st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
    st.integers(0, 200 * 60).map(lambda minutes: timedelta(minutes=minutes)),
    zones,
)
def test_the_hours_until_some_working_hours_later_are_those(start, amount, zone):
    text = small(TASK).replace("timezone: UTC", f"timezone: {zone}")
    calendars = Calendars(read(text))
    there = calendars.after_working_hours(start, amount, "team")
    assert calendars.in_working_hours(there, "team")
    assert calendars.working_hours_between(start, there, "team") == amount
