import re
from datetime import date, datetime
from xml.etree import ElementTree as ET

import pytest

from policy_rollout.report.svg import Colour
from policy_rollout.report.timeline import Standing, timeline_svg
from policy_rollout.work import State
from tests.planned import GAMBLING, Planned, planned, small

TODAY = date(2025, 8, 11)
SVG = "{http://www.w3.org/2000/svg}"


SMALL_TASK = """
program: small
policy: {change: clarification}
people: {ops: {members: [m.tan@example.com]}}
stages: {launch: {tasks: {switch: {title: Switch it on, team: ops}}}}
"""


def drawn(plan: Planned, *, today: date = TODAY, standing: Standing | None = None) -> ET.Element:
    text = timeline_svg(plan.schedule, plan.spec, today=today, standing=standing or Standing({}))
    return ET.fromstring(text)  # noqa: S314  our own text


def texts(picture: ET.Element) -> list[str]:
    return ["".join(each.itertext()) for each in picture.iter(f"{SVG}text")]


def shapes(picture: ET.Element, fill: Colour, tag: str = "rect") -> list[ET.Element]:
    """Shapes of a colour that say something, so without the legend's."""
    found = picture.iter(f"{SVG}{tag}")
    return [
        each for each in found if each.get("fill") == fill and each.find(f"{SVG}title") is not None
    ]


def hints(found: list[ET.Element]) -> list[str]:
    return [each.findtext(f"{SVG}title", "") for each in found]


def test_the_picture_is_as_wide_as_an_artifact_and_has_its_own_background():
    picture = drawn(planned(GAMBLING))
    assert picture.get("width") == "800"
    background = picture.find(f"{SVG}rect")
    assert background.get("fill") == Colour.PAPER
    assert background.get("height") == picture.get("height")


def test_titles_are_escaped():
    assert "Online gambling <with> digital goods & skins" in drawn(planned(GAMBLING))[0].text


def test_nothing_is_loaded_from_elsewhere():
    text = timeline_svg(planned(GAMBLING).schedule, planned(GAMBLING).spec, today=TODAY)
    assert re.findall(r"https?://[^\"]+", text) == ["http://www.w3.org/2000/svg"]
    assert "<script" not in text


def test_languages_and_markets_share_one_bar():
    assert any(
        each.endswith("Reviewer deck x 4 languages") for each in texts(drawn(planned(GAMBLING)))
    )
    assert any(
        each.endswith("queue x 2 items x 5 markets") for each in texts(drawn(planned(GAMBLING)))
    )


def test_a_bar_goes_from_the_first_start_to_the_last_end():
    assert "Fri 2025-10-24 to Tue 2025-11-04, 0 of 4 done" in hints(
        shapes(drawn(planned(GAMBLING)), Colour.WORK)
    )


def test_a_later_bar_stands_further_to_the_right():
    bars = shapes(drawn(planned(GAMBLING)), Colour.WORK)
    by_hint = {each.findtext(f"{SVG}title"): float(each.get("x")) for each in bars}
    assert (
        by_hint["Fri 2025-08-29 to Thu 2025-09-04, 0 of 1 done"]
        < by_hint["Fri 2025-09-05 to Thu 2025-09-11, 0 of 1 done"]
    )


def test_a_bar_is_filled_by_the_share_that_is_done():
    plan = planned(GAMBLING)
    decks = [each.key for each in plan.items if each.item == "deck"]
    states = {decks[0]: State.DONE, decks[1]: State.NOT_APPLICABLE}
    (done,) = shapes(drawn(plan, standing=Standing(states)), Colour.DONE)
    (whole,) = [
        each
        for each in shapes(drawn(plan, standing=Standing(states)), Colour.WORK)
        if "2 of 4" in each.findtext(f"{SVG}title", "")
    ]
    assert float(done.get("width")) == pytest.approx(float(whole.get("width")) / 2, abs=0.1)


def test_blocked_work_has_its_own_colour_and_says_so():
    plan = planned(GAMBLING)
    standing = Standing({"gambling/define/memo": State.BLOCKED})
    assert hints(shapes(drawn(plan, standing=standing), Colour.BLOCKED)) == [
        "Fri 2025-09-12 to Thu 2025-09-18, 0 of 1 done, blocked"
    ]


def test_the_longest_chain_is_outlined():
    bars = shapes(drawn(planned(GAMBLING)), Colour.WORK)
    assert sum(each.get("stroke") == Colour.CHAIN for each in bars) == 7


def test_the_longest_chain_is_told_in_days():
    assert "longest chain 34 business days" in texts(drawn(planned(GAMBLING)))
    assert "longest chain 1 business day" in texts(drawn(planned(SMALL_TASK)))


def test_a_program_that_cannot_fit_says_so_and_outlines_the_chain_to_blame():
    picture = drawn(planned(GAMBLING, "2025-09-25"), today=date(2025, 9, 25))
    assert "19 business days short" in texts(picture)
    bars = shapes(picture, Colour.WORK)
    assert sum(each.get("stroke") == Colour.CHAIN for each in bars) == 3


def test_gates_are_diamonds_that_say_their_day_and_state():
    standing = Standing({}, passed=["define"], waiting=["prepare"])
    picture = drawn(planned(GAMBLING), standing=standing)
    assert hints(shapes(picture, Colour.DONE, "path")) == ["gate of define: Thu 2025-09-18, passed"]
    assert hints(shapes(picture, Colour.WAITS, "path")) == [
        "gate of prepare: Fri 2025-11-07, waits"
    ]
    assert hints(shapes(picture, Colour.PAPER, "path")) == [
        "gate of launch: Mon 2025-11-17, ahead",
        "gate of review: Wed 2025-12-17, ahead",
    ]


def test_today_the_announcement_and_the_effective_day_are_named_with_their_weekday():
    found = texts(drawn(planned(GAMBLING)))
    assert {"today Mon 11 Aug", "announce Tue 28 Oct", "effective Mon 17 Nov"} <= set(found)


def test_today_is_left_out_where_it_is_far_from_the_program():
    found = texts(drawn(planned(GAMBLING), today=date(2031, 1, 1)))
    assert not any(each.startswith("today") for each in found)


def test_the_names_of_marks_on_neighbouring_days_do_not_hide_each_other():
    picture = drawn(planned(GAMBLING), today=date(2025, 10, 27))
    heights = {
        each.get("y")
        for each in picture.iter(f"{SVG}text")
        if each.text and each.text.startswith(("today", "announce"))
    }
    assert len(heights) == 2


def test_a_freeze_is_shaded_and_darker_over_the_stage_that_it_stops():
    found = shapes(drawn(planned(GAMBLING)), Colour.FREEZE)
    assert [each.get("fill-opacity") for each in found] == ["0.25", "0.7"]
    assert set(hints(found)) == {"freeze thanksgiving: 2025-11-26 to 2025-11-30, stops review"}


def test_week_ticks_are_mondays():
    found = texts(drawn(planned(GAMBLING)))
    assert "weeks of 2025" in found
    days = [each for each in found if re.fullmatch(r"\d\d [A-Z][a-z]{2}", each)]
    mondays = [datetime.strptime(f"{each} 2025 +0000", "%d %b %Y %z") for each in days]
    assert days[:2] == ["11 Aug", "25 Aug"]
    assert {each.weekday() for each in mondays} == {0}


def test_a_program_without_dates_says_what_to_give():
    text = small("  one: {tasks: {a: {title: A, team: team}}}").replace(
        ", effective: 2025-11-17 00:00", ""
    )
    assert "no dates: give timeline.effective, or due dates" in texts(drawn(planned(text)))


def big(stages: int, tasks: int) -> Planned:
    """Stages one after the other, each with tasks for two languages and a long title."""
    lines = []
    for stage in range(stages):
        work = ", ".join(
            f"t{number}: {{title: {'A long title ' * 6}{number}, team: team, per: language}}"
            for number in range(tasks)
        )
        after = f"after: [s{stage - 1}], " if stage else ""
        lines.append(f"  s{stage}: {{{after}tasks: {{{work}}}}}")
    return planned(small("\n".join(lines)), "2025-01-01")


@pytest.mark.parametrize(("stages", "tasks"), [(10, 500), (1, 5000), (250, 20)])
def test_ten_thousand_items_stay_a_small_picture_that_counts_what_it_leaves_out(stages, tasks):
    plan = big(stages, tasks)
    assert len(plan.items) == 10_000
    text = timeline_svg(plan.schedule, plan.spec, today=TODAY)
    assert len(text.encode()) < 60_000
    assert re.search(r"and \d+ more", text)


def test_what_is_left_out_is_counted_exactly():
    found = texts(drawn(big(1, 100), today=date(2025, 11, 10)))
    assert "and 42 more" in found
    assert sum("x 2 languages" in each for each in found) == 58


def test_stages_that_have_no_row_are_counted():
    assert "and 5 more stages" in texts(drawn(big(25, 1)))
