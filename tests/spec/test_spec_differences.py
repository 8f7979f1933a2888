"""The difference of two texts, as an audit shows it."""

from policy_rollout.spec.differences import LONGEST_SHOWN, differences

SPEC = """\
# what it is
program: p
policy: {change: new, languages: [en-US, ja-JP]}
stages:
  a: {tasks: {memo: {title: Memo, team: legal}}}
"""


def test_what_is_new_gone_or_another_is_said_with_its_place():
    after = """\
program: p
policy: {languages: [en-US], change: new}
stages:
  a: {tasks: {note: {title: "A note", team: legal}}}
  b: {}
"""
    assert differences(SPEC, after) == (
        "policy.languages: was [en-US, ja-JP], is [en-US]",
        "stages.a.tasks.memo: gone, was {title: Memo, team: legal}",
        "stages.a.tasks.note: new, {title: A note, team: legal}",
        "stages.b: new, {}",
    )


def test_comments_layout_and_order_are_no_difference():
    after = "stages: {a: {tasks: {memo: {team: legal,\n title: Memo}}}}\nprogram: p\n"
    after += "policy:\n  change: new\n  languages: [en-US, ja-JP]\n"
    assert differences(SPEC, after) == ()


def test_a_long_text_is_cut():
    (line,) = differences("details: short\n", f"details: {'long ' * 100}\n")
    assert line.startswith("details: was short, is long long")
    assert len(line) < LONGEST_SHOWN + 40


def test_a_text_that_is_no_yaml_has_no_keys():
    assert differences("program: p\n", "- {") == ("program: gone, was p",)
