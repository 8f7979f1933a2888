from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from policy_rollout.calendar import Calendars
from policy_rollout.schedule import make_schedule, weeks_to_fit
from policy_rollout.spec.moving import moved
from policy_rollout.work import expand
from tests.planned import Planned, planned, read, small

EFFECTIVE = date(2025, 5, 12)  # its weeks before hold Golden Week


@st.composite
def before(draw: st.DrawFn, names: list[str]) -> str:
    chosen = draw(st.lists(st.sampled_from(names), unique=True, max_size=2)) if names else []
    return f"[{', '.join(chosen)}]"


@st.composite
def programs(draw: st.DrawFn, dues: tuple[str, ...]) -> str:
    """Up to four stages of up to four tasks, in any order of waiting."""
    stages = []
    names = [f"s{number}" for number in range(draw(st.integers(1, 4)))]
    for place, name in enumerate(names):
        tasks = []
        task_names = [f"t{number}" for number in range(draw(st.integers(0, 4)))]
        for task_place, task in enumerate(task_names):
            due = draw(st.sampled_from(["", *dues]))
            tasks.append(
                f"{task}: {{title: T, team: {draw(st.sampled_from(['team', 'tokyo']))}, "
                f"takes: {draw(st.integers(1, 9))}{draw(st.sampled_from(['bd', 'd']))}, "
                f"after: {draw(before(task_names[:task_place]))}"
                f"{f', due: {due}' if due else ''}}}"
            )
        due = draw(st.sampled_from(["", *dues]))
        stages.append(
            f"  {name}: {{after: {draw(before(names[:place]))}, "
            f"{f'due: {due}, ' if due else ''}tasks: {{{', '.join(tasks)}}}}}"
        )
    first = EFFECTIVE - timedelta(days=draw(st.integers(0, 40)))
    last = first + timedelta(days=draw(st.integers(0, 9)))
    freeze = f", freezes: {{f: {{from: {first}, to: {last}, stops: [s0]}}}}"
    return small("\n".join(stages), effective=f"{EFFECTIVE} 00:00", timeline=freeze)


BEFORE = ("-20d", "-6bd", "-1w", "-1d", "0d", "2025-05-03")
any_program = programs((*BEFORE, "3d", "10bd"))
todays = st.dates(date(2025, 2, 1), date(2025, 6, 1))


def waits_for(plan: Planned) -> list[tuple[str, str]]:
    """Pairs of keys of which the first must end before the second starts."""
    inside = [(first, item.key) for item in plan.items for first in item.after]
    across = [
        (first.key, later.key)
        for later in plan.items
        for first in plan.items
        if first.stage in plan.spec.stages[later.stage].after
    ]
    return inside + across


@given(any_program)
def test_what_comes_before_ends_before_what_waits_for_it_starts(text):
    plan = planned(text)
    slots = plan.schedule.slots
    for first, later in waits_for(plan):
        start_on, due_on = slots[later].start_on, slots[first].due_on
        if start_on is not None:
            assert due_on is not None
            assert due_on < start_on


@given(programs(BEFORE))
def test_no_item_is_due_after_its_own_or_its_stages_due_date(text):
    plan = planned(text)
    days = {
        "-20d": date(2025, 4, 22),
        "-6bd": date(2025, 5, 2),
        "-1w": date(2025, 5, 5),
        "-1d": date(2025, 5, 11),
        "0d": EFFECTIVE,
        "2025-05-03": date(2025, 5, 3),
    }
    for item in plan.items:
        for due in (item.due, plan.spec.stages[item.stage].due):
            if due is not None:
                assert plan.schedule.slots[item.key].due_on <= days[str(due)]


@given(any_program)
def test_an_item_has_just_the_working_days_that_it_takes(text):
    plan = planned(text)
    calendars = Calendars(plan.spec)
    for item in plan.items:
        slot = plan.schedule.slots[item.key]
        if slot.start_on is None:
            continue
        in_days = item.takes.unit.value == "bd"
        calendar = (
            calendars.of_work(item.stage, item.team)
            if in_days
            else calendars.every_day_of(item.stage)
        )
        assert calendar.is_business_day(slot.start_on)
        assert calendar.count(slot.start_on, slot.due_on + timedelta(days=1)) == item.takes.count


@given(any_program, todays)
def test_a_program_fits_just_when_nothing_had_to_start_before_today(text, today):
    schedule = planned(text, today.isoformat()).schedule
    late = schedule.first_on is not None and schedule.first_on < today
    assert schedule.fits is not late


@given(any_program, todays)
def test_slack_is_missing_just_where_a_program_does_not_fit(text, today):
    schedule = planned(text, today.isoformat()).schedule
    slacks = [each.slack_days for each in schedule.slots.values() if each.slack_days is not None]
    assert schedule.short_by_days == max(0, -min(slacks, default=0))


@given(any_program, todays)
def test_the_blamed_chain_is_one_of_work_that_waits_for_each_other(text, today):
    plan = planned(text, today.isoformat())
    chain = plan.schedule.blamed_chain
    befores = {}
    for first, later in waits_for(plan):
        befores.setdefault(later, set()).add(first)
    empty = any(not stage.tasks for stage in plan.spec.stages.values())
    for first, later in pairwise(chain):
        assert first in befores.get(later, set()) or empty


@settings(max_examples=40)
@given(any_program, st.dates(date(2025, 2, 1), date(2026, 2, 1)))
def test_the_weeks_to_fit_are_the_fewest_that_the_moved_text_needs(text, today):
    spec = read(text)
    weeks = weeks_to_fit(spec, expand(spec), today)
    there = planned(moved(text, weeks=weeks), today.isoformat()).schedule
    assert there.fits
    for fewer in range(max(0, weeks - 4), weeks):
        spec_there = read(moved(text, weeks=fewer))
        schedule = make_schedule(spec_there, expand(spec_there), today=today)
        assert not schedule.fits
