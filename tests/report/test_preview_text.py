"""The preview of a plan as lines and as JSON."""

from datetime import date

from policy_rollout.closures import Closures, Touched
from policy_rollout.consequences import Chain, Consequences, DateMove, GivenSignOff, Moving
from policy_rollout.planned import FieldChange, Planned, What
from policy_rollout.preview import LeftAlone, Preview
from policy_rollout.report.preview_text import preview_json, preview_lines, preview_renderable

FRIDAY, MONDAY = date(2026, 3, 6), date(2026, 3, 9)
UPDATE = Planned(
    What.UPDATE,
    "p/write/memo",
    "POL-2",
    "Write the memo",
    (
        FieldChange("due", "2026-03-06", "2026-03-09"),
        FieldChange("description", "Old\n\nFoot", "New\n\nFoot"),
    ),
)
CREATE = Planned(What.CREATE, "p/write/a", "task", "Do a", (FieldChange("due", "", "2026-03-06"),))
CHAIN = Chain(("p/write/memo", "p/launch/go"), 5, 0, FRIDAY)
FOLLOWS = Consequences(
    joins=(Moving("p/write/a", "Do a", "is created now"),),
    leaves=(),
    dates=(DateMove("p/write/memo", "Write the memo", FRIDAY, MONDAY),),
    voided=(GivenSignOff("write", "legal", "lea@example.com", "the gate begins round 2"),),
    kept=(GivenSignOff("define", "policy", "pia@example.com"),),
    reopened=("write",),
    opens=("launch",),
    passes=(),
    people_join=("new@example.com",),
    people_leave=(),
    chain_before=CHAIN,
    chain_after=Chain(("p/write/a", "p/launch/go"), 7, 2, MONDAY),
)


def shown(*changes: Planned, settles: bool = True, held: str = "", over: str = "") -> Preview:
    return Preview(
        program="p",
        title="A program",
        follows_spec="p.yaml",
        spec_changes=("stages.write.gate.sign_off.legal: was 2, is 1",),
        held=held,
        over=over,
        changes=changes,
        left_alone=(LeftAlone("assignee of POL-2", "it is Jira's"),),
        follows=FOLLOWS,
        closures=Closures(4, ("p/write/b",), (Touched("p/write/c", "rewrites"),)),
        settles=settles,
    )


def test_the_lines_say_what_changes_what_follows_and_what_is_left_alone():
    assert preview_lines(shown(CREATE, UPDATE)) == [
        "A program (p), if it followed p.yaml",
        "Changes: 1 issue created, 1 issue updated.",
        "",
        "The spec says otherwise (1):",
        "  stages.write.gate.sign_off.legal: was 2, is 1",
        "",
        "Issues to create (1):",
        "  p/write/a: Do a, 2026-03-06",
        "",
        "Issues to update (1):",
        "  POL-2 Write the memo [p/write/memo]",
        "      due: 2026-03-06 → 2026-03-09",
        "      description:",
        "        - Old",
        "        + New",
        "",
        "What follows:",
        "  Joins (1):",
        "    p/write/a: is created now",
        "  Due dates that move (1):",
        "    p/write/memo: Fri 2026-03-06 → Mon 2026-03-09",
        "  Sign-off voided: lea@example.com for legal at write: the gate begins round 2",
        "  Sign-off kept: pia@example.com for policy at define",
        "  Stages reopened: write",
        "  Stages that open: launch",
        "  New people: new@example.com",
        "  Effective: Fri 2026-03-06 → Mon 2026-03-09",
        "  Longest chain (new, 7 business days of work, was 5): write/a → launch/go",
        "  It cannot fit: 2 business days too short, was 0",
        "  Closes 1 of 4 open items (25%); touches finished work: p/write/c (rewrites it).",
        "",
        "Left alone:",
        "  assignee of POL-2: it is Jira's",
    ]


def test_long_lists_are_bounded_unless_all_is_asked_for():
    many = [Planned(What.CREATE, f"p/write/i{n}", "task", f"Item {n}", ()) for n in range(25)]
    lines = preview_lines(shown(*many))
    assert "  and 5 more (--all shows them)" in lines
    assert "  p/write/i24: Item 24" not in lines
    assert "  p/write/i24: Item 24" in preview_lines(shown(*many), show_all=True)


def test_a_plan_that_does_not_come_to_rest_says_so():
    lines = preview_lines(shown(settles=False))
    assert "The program would not come to rest: the same changes come back." in lines
    assert lines[1] == "Changes: none."


def test_a_held_program_says_by_whom_and_how_it_goes_on():
    assert preview_lines(shown(held="by boss: Legal asks"))[1] == (
        "Held by boss: Legal asks. This is what changes once it goes on: rollout go-on p"
    )


def test_a_program_that_is_over_says_how_it_ended():
    assert preview_lines(shown(over="stopped by boss: withdrawn"))[1] == (
        "The program is over, stopped by boss: withdrawn. Nothing is asked for any more."
    )


def test_a_terminal_gets_the_same_lines():
    found = preview_renderable(shown(CREATE, UPDATE))
    assert [each.plain for each in found.renderables] == preview_lines(shown(CREATE, UPDATE))


def test_json_has_days_as_texts_and_every_part():
    found = preview_json(shown(UPDATE))
    assert found["changes"] == [
        {
            "type": "update",
            "key": "p/write/memo",
            "where": "POL-2",
            "title": "Write the memo",
            "fields": [
                {"name": "due", "before": "2026-03-06", "after": "2026-03-09"},
                {"name": "description", "before": "Old\n\nFoot", "after": "New\n\nFoot"},
            ],
        }
    ]
    assert found["consequences"]["dates"] == [
        {
            "key": "p/write/memo",
            "title": "Write the memo",
            "before": "2026-03-06",
            "after": "2026-03-09",
        }
    ]
    assert found["closes"]["finished"] == [{"key": "p/write/c", "what": "rewrites"}]
    assert (found["settles"], found["follows_spec"]) == (True, "p.yaml")
