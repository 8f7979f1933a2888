from datetime import date

import pytest

from policy_rollout.errors import DayOutOfRange
from policy_rollout.schedule import make_schedule, weeks_to_fit
from policy_rollout.spec.moving import moved
from policy_rollout.work import expand
from tests.planned import GAMBLING, planned, read, small


@pytest.mark.parametrize(
    ("item", "start", "due"),
    [
        ("define/prevalence", "Fri 2025-08-29", "Thu 2025-09-04"),
        ("define/options", "Fri 2025-09-05", "Thu 2025-09-11"),
        ("define/memo", "Fri 2025-09-12", "Thu 2025-09-18"),
        ("prepare/guideline", "Wed 2025-10-22", "Fri 2025-10-31"),
        ("prepare/label", "Mon 2025-11-03", "Fri 2025-11-07"),
        ("prepare/deck/ja-JP", "Fri 2025-10-24", "Tue 2025-11-04"),
        ("prepare/quiz/ja-JP", "Wed 2025-11-05", "Fri 2025-11-07"),
        ("prepare/queue/routing/BR", "Fri 2025-11-07", "Fri 2025-11-07"),
        ("launch/switch", "Mon 2025-11-17", "Mon 2025-11-17"),
        ("review/verdict", "Thu 2025-12-11", "Wed 2025-12-17"),
    ],
)
def test_each_item_of_a_whole_program_has_its_latest_dates(item, start, due):
    assert planned(GAMBLING).dates(item) == (start, due)


def test_a_gate_asks_on_the_last_due_day_of_its_stage():
    stages = planned(GAMBLING).schedule.stages
    assert stages["define"].opens_on == date(2025, 8, 29)
    assert stages["define"].gate_on == date(2025, 9, 18)
    assert stages["define"].signers == (("policy", 1), ("legal", 1))


def test_slack_counts_the_business_days_until_an_item_would_be_late():
    # From Friday 1 August the harm is measured by the 7th; it is due on 4 September.
    slots = planned(GAMBLING, "2025-08-01").schedule.slots
    assert slots["gambling/define/prevalence"].slack_days == 20


def test_an_item_that_starts_on_its_last_possible_day_has_no_slack():
    schedule = planned(GAMBLING, "2025-08-29").schedule
    assert schedule.slots["gambling/define/memo"].slack_days == 0
    assert schedule.fits


def test_the_longest_chain_goes_through_all_stages():
    schedule = planned(GAMBLING).schedule
    assert schedule.longest_chain == (
        "gambling/define/prevalence",
        "gambling/define/options",
        "gambling/define/memo",
        "gambling/prepare/guideline",
        "gambling/prepare/label",
        "gambling/launch/switch",
        "gambling/review/verdict",
    )
    assert schedule.longest_chain_days == 34


def test_the_longest_chain_counts_weeks_as_five_days_and_days_by_their_share():
    text = small(
        "  one: {tasks: {a: {title: A, team: team, takes: 2w}, "
        "b: {title: B, team: team, takes: 3d, after: [a]}}}"
    )
    assert planned(text).schedule.longest_chain_days == 13


def test_a_program_that_cannot_fit_names_the_days_and_the_chain():
    schedule = planned(GAMBLING, "2025-09-25").schedule
    assert schedule.short_by_days == 19
    assert schedule.blamed_chain == (
        "gambling/define/prevalence",
        "gambling/define/options",
        "gambling/define/memo",
    )


def test_a_day_too_late_is_short_by_one_day():
    schedule = planned(GAMBLING, "2025-09-01").schedule
    assert (schedule.short_by_days, schedule.fits) == (1, False)


def test_a_program_that_fits_blames_nobody():
    assert planned(GAMBLING).schedule.blamed_chain == ()


def test_done_items_no_longer_make_a_program_late():
    spec = read(GAMBLING)
    items = expand(spec)
    done = {each.key for each in items if each.stage == "define"}
    schedule = make_schedule(spec, items, today=date(2025, 10, 1), done=done)
    assert schedule.fits
    assert schedule.slots["gambling/define/memo"].slack_days is None


def test_due_dates_do_not_depend_on_today():
    early, late = planned(GAMBLING, "2025-01-01"), planned(GAMBLING, "2026-06-01")
    assert early.dates("prepare/deck/en-US") == late.dates("prepare/deck/en-US")


DUES = "  one: {{due: {due}, tasks: {{a: {{title: A, team: team, takes: 2bd}}}}}}"


@pytest.mark.parametrize(
    ("due", "start", "due_on"),
    [
        ("-10bd", "Fri 2025-10-31", "Mon 2025-11-03"),
        ("-2w", "Fri 2025-10-31", "Mon 2025-11-03"),
        ("-10d", "Thu 2025-11-06", "Fri 2025-11-07"),
        ("-2d", "Thu 2025-11-13", "Fri 2025-11-14"),  # a Saturday: the Friday before
        ("5d", "Fri 2025-11-21", "Mon 2025-11-24"),  # a Saturday: the Monday after
        ("5bd", "Fri 2025-11-21", "Mon 2025-11-24"),
        ("0d", "Fri 2025-11-14", "Mon 2025-11-17"),
        ("2025-11-15", "Thu 2025-11-13", "Sat 2025-11-15"),  # as written
    ],
)
def test_a_due_date_is_read_as_the_language_says(due, start, due_on):
    assert planned(small(DUES.format(due=due))).dates("one/a") == (start, due_on)


def test_the_effective_day_stands_also_on_a_saturday():
    text = small(DUES.format(due="0d"), effective="2025-09-13 00:00")
    assert planned(text).dates("one/a") == ("Thu 2025-09-11", "Sat 2025-09-13")


def test_an_items_own_due_date_counts_where_it_is_sooner_than_the_stages():
    text = small(
        "  one: {due: -5d, tasks: {a: {title: A, team: team, due: -20d}, "
        "b: {title: B, team: team, due: 10d}}}"
    )
    plan = planned(text)
    assert plan.dates("one/a")[1] == "Tue 2025-10-28"
    assert plan.dates("one/b")[1] == "Wed 2025-11-12"


def test_a_stage_without_a_due_date_ends_before_the_next_one_starts():
    text = small(
        "  one: {tasks: {a: {title: A, team: team, takes: 3bd}}}\n"
        "  two: {after: [one], due: -10d, tasks: {b: {title: B, team: team, takes: 2bd}}}"
    )
    assert planned(text).dates("one/a") == ("Mon 2025-11-03", "Wed 2025-11-05")


def test_a_last_stage_without_a_due_date_ends_on_the_effective_day():
    text = small("  one: {tasks: {a: {title: A, team: team}}}")
    assert planned(text).dates("one/a")[1] == "Mon 2025-11-17"


def test_a_stage_without_a_due_date_behind_the_launch_has_no_dates():
    text = small(
        "  launch: {due: 0d, tasks: {a: {title: A, team: team}}}\n"
        "  review: {after: [launch], tasks: {b: {title: B, team: team}}}"
    )
    plan = planned(text)
    assert plan.schedule.slots["p/review/b"].due_on is None
    assert plan.dates("launch/a")[1] == "Mon 2025-11-17"


def test_a_program_without_an_effective_day_and_due_dates_has_no_dates():
    text = small("  one: {tasks: {a: {title: A, team: team}}}").replace(
        ", effective: 2025-11-17 00:00", ""
    )
    schedule = planned(text).schedule
    assert schedule.slots["p/one/a"].start_on is None
    assert schedule.stages["one"].gate_on is None
    assert schedule.first_on is None
    assert schedule.fits


def test_a_stage_of_a_gate_alone_holds_it_on_its_due_day():
    text = small(
        "  one: {tasks: {a: {title: A, team: team}}}\n"
        "  go: {after: [one], due: -3d, gate: {sign_off: {team: 1}}}"
    )
    plan = planned(text)
    assert plan.schedule.stages["go"].gate_on == date(2025, 11, 14)
    assert plan.dates("one/a")[1] == "Fri 2025-11-14"


def test_a_gate_alone_between_two_stages_keeps_them_apart():
    text = small(
        "  one: {tasks: {a: {title: A, team: team}}}\n"
        "  go: {after: [one], gate: {sign_off: {team: 1}}}\n"
        "  two: {after: [go], due: 0d, tasks: {b: {title: B, team: team}}}"
    )
    plan = planned(text, "2025-11-17")
    assert plan.dates("one/a")[1] == "Fri 2025-11-14"
    assert plan.schedule.blamed_chain[0] == "p/one/a"


def test_work_of_a_team_stops_on_its_markets_holidays():
    # Golden Week: 29 April and 3 to 6 May 2025 are off in Japan.
    text = small(
        "  one: {due: 2025-05-08, tasks: {a: {title: A, team: tokyo, takes: 5bd}, "
        "b: {title: B, team: team, takes: 5bd}}}"
    )
    plan = planned(text)
    assert plan.dates("one/a") == ("Wed 2025-04-30", "Thu 2025-05-08")
    assert plan.dates("one/b") == ("Fri 2025-05-02", "Thu 2025-05-08")


def test_a_due_date_on_a_teams_holiday_moves_before_it():
    text = small(
        "  one: {due: -12d, tasks: {a: {title: A, team: tokyo}}}", effective="2025-05-18 00:00"
    )
    assert planned(text).dates("one/a")[1] == "Fri 2025-05-02"


def test_holidays_for_everybody_are_no_business_days_before_the_effective_day():
    text = small(DUES.format(due="-5bd"), effective="2025-12-01 00:00", timeline=", holidays: [US]")
    # Thanksgiving, 27 November, is not counted.
    assert planned(text).dates("one/a")[1] == "Fri 2025-11-21"


FREEZE = ", freezes: {f: {from: 2025-11-05, to: 2025-11-09, stops: [one]}}"


def test_no_work_is_planned_into_a_freeze():
    text = small(DUES.format(due="-7d"), timeline=FREEZE)
    assert planned(text).dates("one/a") == ("Tue 2025-11-04", "Mon 2025-11-10")


def test_a_due_date_in_a_freeze_moves_before_it():
    text = small(DUES.format(due="-10d"), timeline=FREEZE)
    assert planned(text).dates("one/a")[1] == "Tue 2025-11-04"


def test_calendar_days_run_through_weekends_but_not_through_a_freeze():
    task = "  one: {due: 2025-11-11, tasks: {a: {title: A, team: tokyo, takes: 4d}}}"
    assert planned(small(task)).dates("one/a")[0] == "Sat 2025-11-08"
    assert planned(small(task, timeline=FREEZE)).dates("one/a")[0] == "Mon 2025-11-03"


def test_work_in_weeks_counts_seven_days_each():
    task = "  one: {due: 2025-11-14, tasks: {a: {title: A, team: team, takes: 2w}}}"
    assert planned(small(task)).dates("one/a")[0] == "Sat 2025-11-01"


def test_the_effective_day_is_the_local_one():
    text = small(DUES.format(due="0d"), effective="2025-11-17 23:30").replace(
        "timezone: UTC", "timezone: America/Los_Angeles"
    )
    assert planned(text).schedule.effective_on == date(2025, 11, 17)


def test_items_per_language_wait_only_for_their_own_language():
    text = small(
        "  one: {due: 0d, tasks: {a: {title: A, team: team, takes: 1bd, per: language}, "
        "b: {title: B, team: team, takes: 3bd, per: language, after: [a]}}}"
    )
    plan = planned(text)
    assert plan.dates("one/a/ja-JP") == plan.dates("one/a/en-US")
    assert plan.dates("one/a/ja-JP")[1] == "Wed 2025-11-12"


@pytest.mark.parametrize("due", ["-9999w", "9999w"])
def test_a_date_outside_the_years_that_can_be_planned_is_refused(due):
    with pytest.raises(DayOutOfRange, match="leaves the years 1900 to 2199"):
        planned(small(DUES.format(due=due)))


def test_a_program_of_the_past_is_moved_by_the_fewest_weeks():
    spec = read(GAMBLING)
    items = expand(spec)
    # Its first work starts on Friday 29 August 2025: 65 weeks later is 27 November 2026.
    assert weeks_to_fit(spec, items, date(2026, 11, 22)) == 65
    assert weeks_to_fit(spec, items, date(2026, 11, 27)) == 65
    assert weeks_to_fit(spec, items, date(2026, 11, 28)) == 66


def test_a_program_that_fits_is_not_moved():
    spec = read(GAMBLING)
    assert weeks_to_fit(spec, expand(spec), date(2025, 8, 29)) == 0


def test_holidays_met_after_the_move_are_counted_in():
    text = small(
        "  one: {due: 0d, tasks: {a: {title: A, team: tokyo, takes: 4bd}}}",
        effective="2025-03-27 00:00",
    )
    spec, today = read(text), date(2025, 4, 28)
    weeks = weeks_to_fit(spec, expand(spec), today)
    assert weeks == 6  # 5 weeks later Showa Day takes one of the four
    assert planned(moved(text, weeks=weeks), "2025-04-28").schedule.fits
    assert not planned(moved(text, weeks=weeks - 1), "2025-04-28").schedule.fits


def test_a_program_without_dates_needs_no_move():
    text = small("  one: {tasks: {a: {title: A, team: team}}}").replace(
        ", effective: 2025-11-17 00:00", ""
    )
    spec = read(text)
    assert weeks_to_fit(spec, expand(spec), date(2030, 1, 1)) == 0
