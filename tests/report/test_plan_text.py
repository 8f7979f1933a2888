import io
import json

import pytest
from rich.console import Console

from policy_rollout.report.plan_text import Plan, plan_json, plan_lines, plan_renderable
from tests.planned import GAMBLING, planned, small


def plan_of(text: str = GAMBLING, today: str = "2025-08-01") -> Plan:
    found = planned(text, today)
    return Plan(found.spec, found.items, found.schedule)


def squeezed(lines: list[str]) -> list[str]:
    return [" ".join(line.split()) for line in lines]


def on_terminal(plan: Plan, *, width: int = 120) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    console.print(plan_renderable(plan, width=width))
    return console.file.getvalue()


def test_the_head_names_program_zone_and_whether_it_fits():
    assert plan_lines(plan_of())[:4] == [
        "Online gambling <with> digital goods & skins (gambling), times in America/Los_Angeles",
        "It fits: the first work must start by Fri 2025-08-29, today is Fri 2025-08-01.",
        "Effective: Mon 2025-11-17.",
        (
            "Longest chain (34 business days of work): define/prevalence → define/options → "
            "define/memo → prepare/guideline → prepare/label → launch/switch → review/verdict"
        ),
    ]


def test_a_program_that_cannot_fit_says_by_how_much_and_blames_a_chain():
    assert plan_lines(plan_of(today="2025-09-25"))[1:3] == [
        "It cannot fit: 19 business days too short, counted from today, Thu 2025-09-25.",
        "The chain to blame: define/prevalence → define/options → define/memo",
    ]


def test_one_business_day_is_singular():
    found = plan_lines(plan_of(today="2025-09-01"))[1]
    assert found.startswith("It cannot fit: 1 business day too short")


def test_a_program_without_dates_says_what_to_give():
    text = small("  one: {tasks: {a: {title: A, team: team}}}").replace(
        ", effective: 2025-11-17 00:00", ""
    )
    lines = plan_lines(plan_of(text))
    assert lines[1] == "No dates: give timeline.effective, or due dates."
    assert lines[-1] == "no dates to draw"


def test_who_signs_at_a_gate_without_a_day_is_named_too():
    text = small(
        "  one: {tasks: {a: {title: A, team: team}}, gate: {sign_off: {team: 1}}}"
    ).replace(", effective: 2025-11-17 00:00", "")
    plan = plan_of(text)
    (ask,) = plan.asks()
    assert (ask.stage, ask.role, ask.count, ask.asked_at) == ("one", "team", 1, None)
    assert any(line.endswith("no date no date") for line in squeezed(plan_lines(plan)))
    assert plan_json(plan)["stages"][0]["asks"][0]["asked_at"] is None


def test_a_plan_in_which_nobody_signs_says_so():
    plan = plan_of(small("  one: {tasks: {a: {title: A, team: team}}}"))
    said = "Nobody is asked to sign: no gate has a sign_off."
    assert said in plan_lines(plan)
    assert said in on_terminal(plan)


def test_a_long_chain_names_its_ends_and_counts_its_middle():
    tasks = ", ".join(
        f"t{number}: {{title: T, team: team{f', after: [t{number - 1}]' if number else ''}}}"
        for number in range(20)
    )
    chain = plan_lines(plan_of(small(f"  one: {{tasks: {{{tasks}}}}}")))[3]
    assert chain.endswith("one/t4 → (10 more) → one/t15 → one/t16 → one/t17 → one/t18 → one/t19")


def test_what_will_be_created_is_counted_by_stage():
    lines = squeezed(plan_lines(plan_of()))
    start = lines.index("To be created:")
    assert lines[start + 1 : start + 7] == [
        "stage issues sign-off issues training rows checklist rows",
        "define 3 2 0 0",
        "prepare 2 1 8 10",
        "launch 1 0 0 0",
        "review 1 0 0 0",
        "all, and 1 epic 7 3 8 10",
    ]


def test_a_stage_tells_its_items_with_who_when_slack_and_chain():
    lines = squeezed(plan_lines(plan_of()))
    start = lines.index("prepare, after define: opens by Wed 2025-10-22, gate on Fri 2025-11-07")
    assert lines[start + 2 : start + 7] == [
        (
            "Enforcement guideline issue policy r.haddad@example.com "
            "Wed 2025-10-22 Fri 2025-10-31 43bd *"
        ),
        (
            "Reviewer deck x 4 languages training training k.ueda@example.com "
            "Fri 2025-10-24 Tue 2025-11-04 45bd"
        ),
        (
            "Label in the review tool issue ops m.tan@example.com "
            "Mon 2025-11-03 Fri 2025-11-07 43bd *"
        ),
        (
            "Reviewer quiz x 4 languages training training k.ueda@example.com "
            "Wed 2025-11-05 Fri 2025-11-07 45bd"
        ),
        (
            "queue x 2 items x 5 markets checklist ops m.tan@example.com "
            "Fri 2025-11-07 Fri 2025-11-07 55bd"
        ),
    ]


def test_all_shows_each_language_and_market_on_its_own():
    lines = "\n".join(plan_lines(plan_of(), show_all=True))
    assert "Reviewer deck (pt-BR)" in lines
    assert "Rotation agreed (JP)" in lines


def test_the_mark_says_which_chain_it_means():
    assert "  * on the longest chain" in plan_lines(plan_of())
    assert "  * on the chain to blame" in plan_lines(plan_of(today="2025-09-25"))


def test_signers_are_asked_at_the_end_of_the_gates_day_and_work_from_their_next_morning():
    # Friday 17:00 in Los Angeles is Saturday in Singapore.
    lines = squeezed(plan_lines(plan_of()))
    start = lines.index("Who is asked to sign (asked: America/Los_Angeles):")
    assert lines[start + 1 : start + 5] == [
        "gate role signs members asked at work from, own zone",
        (
            "define policy 1 of 2 r.haddad@example.com, t.osei@example.com "
            "Thu 2025-09-18 17:00 Fri 2025-09-19 09:00 America/New_York"
        ),
        (
            "define legal 1 of 1 s.brandt@example.com "
            "Thu 2025-09-18 17:00 Fri 2025-09-19 09:00 Europe/Dublin"
        ),
        (
            "prepare ops 1 of 1 m.tan@example.com "
            "Fri 2025-11-07 17:00 Mon 2025-11-10 09:00 Asia/Singapore"
        ),
    ]


def bars(width: int = 100, today: str = "2025-08-01") -> list[str]:
    lines = plan_lines(plan_of(today=today), width=width)
    return lines[lines.index("Time line:") + 1 :]


@pytest.mark.parametrize("width", [60, 80, 132])
def test_the_time_line_keeps_to_its_width(width):
    assert all(len(line) <= width for line in bars(width)[:-1])


def test_the_time_line_marks_the_chain_the_gates_today_and_the_effective_day():
    rows = bars()
    guideline = next(line for line in rows if "guideline" in line)
    deck = next(line for line in rows if "deck" in line)
    prepare = next(line for line in rows if line.startswith("prepare"))
    assert "━" in guideline
    assert "─" in deck
    assert "━" not in deck
    assert prepare.count("◆") == 1
    assert "┊" in deck
    assert deck.rstrip().endswith("│")


def test_later_work_stands_further_to_the_right():
    rows = bars()
    places = [
        next(line for line in rows if name in line).index("━")
        for name in ("Measure", "options", "memo", "guideline", "Label", "Switch", "Judge")
    ]
    assert places == sorted(places)


def test_the_time_line_begins_with_a_monday():
    assert "2025-07-28" in bars()[0]


def test_a_terminal_gets_the_same_facts_as_tables():
    shown = on_terminal(plan_of())
    for fact in ("It fits", "Reviewer deck x 4 languages", "Wed 2025-10-22", "Asia/Singapore", "◆"):
        assert fact in shown


@pytest.mark.parametrize("width", [80, 100, 140])
def test_a_table_keeps_to_the_width_of_its_terminal_and_cuts_nothing_off(width):
    tables = on_terminal(plan_of(), width=width).split("Time line:")[0]
    assert max(map(len, tables.splitlines())) <= width
    assert "…" not in tables


def test_titles_with_brackets_are_no_markup_on_a_terminal():
    text = small("  one: {tasks: {a: {title: 'Fix [bold] text', team: team}}}")
    assert "Fix [bold] text" in on_terminal(plan_of(text))


def test_json_has_every_item_with_days_that_a_machine_reads():
    found = json.loads(json.dumps(plan_json(plan_of())))
    assert (found["fits"], found["effective_on"]) == (True, "2025-11-17")
    define = found["stages"][0]
    assert define["gate_on"] == "2025-09-18"
    assert define["creates"] == {
        "issues": 3,
        "sign_off_issues": 2,
        "training_rows": 0,
        "checklist_rows": 0,
    }
    assert define["items"][0] == {
        "key": "gambling/define/prevalence",
        "kind": "task",
        "title": "Measure the harm",
        "team": "policy",
        "assignee": "r.haddad@example.com",
        "start_on": "2025-08-29",
        "due_on": "2025-09-04",
        "slack_business_days": 20,
    }


def test_json_gives_times_with_their_offset():
    asks = plan_json(plan_of())["stages"][1]["asks"]
    assert asks == [
        {
            "role": "ops",
            "count": 1,
            "members": ["m.tan@example.com"],
            "asked_at": "2025-11-07T17:00:00-08:00",
            "at_work_at": "2025-11-10T09:00:00+08:00",
        }
    ]


def test_json_names_the_chain_to_blame():
    found = plan_json(plan_of(today="2025-09-25"))
    assert found["short_by_business_days"] == 19
    assert found["blamed_chain"][-1] == "gambling/define/memo"
