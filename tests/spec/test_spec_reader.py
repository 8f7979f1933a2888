"""What the reader says about specs that are wrong in several ways, and how it reads values."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from policy_rollout.spec.problems import Severity
from policy_rollout.spec.reader import read_spec, read_valid
from policy_rollout.spec.scalars import Duration, Hours, TrainingTarget, Unit

TODAY = date(2026, 1, 5)
SPEC = """\
program: live-chat
owner: p.kim@example.com
policy: {change: clarification, languages: [en, fr], markets: [IE, NO]}
timeline: {timezone: Europe/Dublin, effective: 2026-03-10}
people:
  policy: {members: [r.haddad@example.com, t.osei@example.com]}
  ops: {members: [m.tan@example.com], hours: 08:30-17:00, timezone: Asia/Singapore}
stages:
  write:
    due: -10d
    tasks:
      text: {title: Write the new text, team: policy, takes: 3bd, per: language}
    gate: {sign_off: {ops: 1}, require: {training: 95% per language}}
    training: {deck: {title: Deck, kind: deck, team: policy, per: language}}
  launch:
    after: [write]
    tasks:
      switch: {title: Switch it on, team: ops, after: []}
    gate: {sign_off: {policy: 2}}
"""


def _said(*changes: tuple[str, str], text: str = SPEC) -> list[str]:
    for before, after in changes:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    reading = read_spec(text, "spec.yaml", today=TODAY)
    return [f"{each.line}:{each.column} {each.rule}" for each in reading.problems]


def test_the_spec_of_these_tests_has_no_problem():
    assert _said() == []


def test_values_are_typed_by_the_model_and_not_by_yaml():
    spec = read_valid(SPEC, "spec.yaml")
    assert spec.policy.markets == ("IE", "NO")
    assert spec.timeline.timezone == ZoneInfo("Europe/Dublin")
    assert spec.timeline.effective == datetime(2026, 3, 10)  # noqa: DTZ001  local to the program
    assert spec.people["ops"].hours == Hours(time(8, 30), time(17))
    assert spec.stages["write"].due == Duration(-10, Unit.DAYS)
    assert spec.stages["write"].tasks["text"].takes == Duration(3, Unit.BUSINESS_DAYS)
    require = spec.stages["write"].gate.require
    assert require.training == TrainingTarget(95, per_language=True)


def test_lines_of_details_stay_and_lines_of_titles_do_not():
    folded = "team: ops, after: []}"
    details = 'team: ops, details: "One.\\n\\n- two\\n- three"}'
    spec = read_valid(
        SPEC.replace(folded, details).replace("Switch it on", '"Switch\n  it on"'), "x"
    )
    switch = spec.stages["launch"].tasks["switch"]
    assert switch.details == "One.\n\n- two\n- three"
    assert switch.title == "Switch it on"


def test_problems_come_in_the_order_of_the_file():
    said = _said(
        ("program: live-chat", "program: Live"),
        ("takes: 3bd", "takes: 0bd"),
        ("{policy: 2}", "{policy: 3}"),
        ("kind: deck", "kind: deckk"),
    )
    assert said == [
        "1:10 wrong-value",
        "12:62 takes-nothing",
        "14:42 wrong-value",
        "19:31 quorum",
    ]


def test_a_role_that_cannot_be_read_is_not_called_unknown():
    assert _said(("[m.tan@example.com]", "[m.tan]")) == ["7:19 wrong-value"]


def test_a_quorum_is_not_judged_on_members_that_cannot_be_read():
    assert _said(("t.osei@example.com", "t.osei")) == ["6:44 wrong-value"]


def test_an_item_without_a_team_is_not_called_unknown_where_it_is_waited_for():
    changes = (
        ("{title: Deck, kind: deck, team: policy, per: language}", "{title: Deck, kind: deck}"),
        ("takes: 3bd, per: language", "takes: 3bd, after: [deck]"),
    )
    assert _said(*changes) == ["14:16 missing-key"]


def test_a_mistyped_key_is_not_also_called_missing_by_what_rests_on_it():
    assert _said(("languages: [en, fr]", "langauges: [en, fr]")) == ["3:33 unknown-key"]


def test_dates_that_cannot_be_read_are_not_called_missing_by_what_counts_from_them():
    assert _said(("effective: 2026-03-10", "effective: 10.3.2026")) == ["4:48 wrong-value"]


def test_a_stage_that_cannot_be_read_does_not_hide_what_is_wrong_elsewhere():
    changes = (("    after: [write]\n", "    after: writing\n"), ("takes: 3bd", "takes: 0bd"))
    assert _said(*changes) == ["12:62 takes-nothing", "16:12 wrong-kind"]


def test_advice_waits_until_the_errors_are_mended():
    weekend = ("effective: 2026-03-10", "effective: 2026-03-07")
    assert _said(weekend) == ["4:48 launch-on-weekend"]
    assert _said(weekend, ("takes: 3bd", "takes: 0bd")) == ["12:62 takes-nothing"]


def test_silenced_advice_is_kept_apart():
    text = (
        SPEC.replace("2026-03-10", "2026-03-07") + "silence: {launch-on-weekend: The law says so}\n"
    )
    reading = read_spec(text, "spec.yaml", today=TODAY)
    assert reading.problems == ()
    assert [(each.rule, each.severity) for each in reading.silenced] == [
        ("launch-on-weekend", Severity.ADVICE)
    ]


def test_without_a_today_nothing_is_judged_against_the_calendar():
    old = SPEC.replace("2026-03-10", "2020-03-10")
    assert [each.rule for each in read_spec(old, "x", today=TODAY).problems] == [
        "effective-in-the-past"
    ]
    assert read_spec(old, "x").problems == ()


def test_a_byte_order_mark_of_a_pasted_text_is_no_part_of_it():
    assert _said(("program:", "\ufeffprogram:")) == []


@pytest.mark.parametrize("ending", ["\r\n", "\n"])
def test_line_endings_do_not_move_places(ending: str):
    text = SPEC.replace("3bd", "0bd").replace("\n", ending)
    assert _said(text=text) == ["12:62 takes-nothing"]


def test_columns_count_characters_and_not_bytes():
    assert _said(("Write the new text", "Écrire «déjà» 文"), ("3bd", "0bd")) == [
        "12:59 takes-nothing"
    ]


def test_a_second_document_behind_letters_of_any_alphabet_is_found():
    text = SPEC.replace("Write the new text", "日本語の文")
    assert _said(text=text + "---\nprogram: another\n") == ["20:1 several-documents"]
    assert _said(text=text + "...\n# the end\n\n") == []


@pytest.mark.parametrize(
    "title",
    ["Clear the backlog", "XXL", "Todos os vídeos", "N/A-free list", "می\u200cشود 👩\u200d🏫"],
)
def test_a_text_that_only_looks_like_a_placeholder_is_a_text(title: str):
    assert _said(("Switch it on", title)) == []


@pytest.mark.parametrize(
    "title", ["tbd", "TODO: title", "Memo (TBD)", "???", "...", "n/a", "<title>", "fixme", "xxxx"]
)
def test_a_placeholder_is_refused(title: str):
    assert _said(("Switch it on", f'"{title}"')) == ["18:23 placeholder"]


def test_signers_of_two_roles_are_seated_so_that_the_gate_can_pass():
    text = SPEC.replace("m.tan@", "r.haddad@").replace("{policy: 2}", "{policy: 1, ops: 1}")
    assert read_spec(text, "spec.yaml").errors == ()


def test_the_same_words_in_any_order_of_keys():
    lines = SPEC.splitlines()
    head, stages = lines[:4], lines[4:]
    assert _said(text="\n".join([*stages, *reversed(head)]) + "\n") == []
