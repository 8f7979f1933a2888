from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_rollout.errors import DayOutOfRange
from policy_rollout.spec.moving import moved


def test_a_day_moves_by_whole_weeks():
    assert moved("effective: 2025-11-17 00:00\n", weeks=65) == "effective: 2027-02-15 00:00\n"


def test_days_move_back_by_negative_weeks():
    assert moved("from: 2025-01-03", weeks=-1) == "from: 2024-12-27"


def test_days_in_flow_maps_and_quoted_texts_move():
    text = "f: {from: 2025-11-26, to: '2025-11-30'}\nt: \"Old rules until 2025-11-17.\"\n"
    assert moved(text, weeks=1) == (
        "f: {from: 2025-12-03, to: '2025-12-07'}\nt: \"Old rules until 2025-11-24.\"\n"
    )


def test_days_in_comments_stay():
    text = "# seen 2025-10-29\nannounce: 2025-10-28 # archive: 2025-10-29\n"
    assert moved(text, weeks=1) == (
        "# seen 2025-10-29\nannounce: 2025-11-04 # archive: 2025-10-29\n"
    )


def test_a_hash_inside_a_text_is_no_comment():
    assert moved("t: 'see #7 of 2025-10-28'", weeks=1) == "t: 'see #7 of 2025-11-04'"


def test_days_in_block_texts_move_and_the_comment_of_their_first_line_stays():
    text = "t: | # of 2025-10-28\n  From 2025-10-28 on\n# 2025-10-28\nu: 1\n"
    assert (
        moved(text, weeks=1) == "t: | # of 2025-10-28\n  From 2025-11-04 on\n# 2025-10-28\nu: 1\n"
    )


@pytest.mark.parametrize(
    "value", ["2025-02-30", "docs/2025-11-17.md", "2025-11-17-draft", "12025-11-17", "2025.11"]
)
def test_what_is_no_day_of_its_own_stays(value):
    assert moved(f"ref: {value}", weeks=1) == f"ref: {value}"


def test_letters_before_a_day_do_not_shift_its_place():
    assert moved("título: ゲーム 2025-10-28", weeks=1) == "título: ゲーム 2025-11-04"


def test_a_day_that_would_leave_the_calendar_is_refused():
    with pytest.raises(DayOutOfRange, match="counting from 2025-10-28 leaves the years"):
        moved("a: 2025-10-28", weeks=20_000)


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)), st.integers(-520, 520))
def test_weekdays_stay_and_moving_back_restores_the_text(day, weeks):
    text = f"a: {day}  # {day}\nb: [{day} 09:00]\n"
    there = moved(text, weeks=weeks)
    assert date.fromisoformat(there[3:13]).weekday() == day.weekday()
    assert moved(there, weeks=-weeks) == text
