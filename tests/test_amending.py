"""What an amendment may change, and each refusal with what it says."""

from datetime import timedelta

import pytest

from policy_rollout.amending import newcomers
from policy_rollout.errors import AmendmentRefused
from policy_rollout.spec.reader import read_valid
from tests.amended import WHY, amend, proposed
from tests.programs_under_way import FULL, HEAD, UnderWay, asked, person, prepared

LATER = ("effective: 2025-12-01 00:00", "effective: 2025-12-15 00:00")
RENAMED_STAGE = (
    ("  prepare:\n", "  ready:\n    was: prepare\n"),
    ("after: [prepare]", "after: [ready]"),
)


def with_(*changes: tuple[str, str], text: str = FULL) -> str:
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


def under_way() -> UnderWay:
    program = UnderWay(FULL)
    program.settle()
    return program


def in_launch() -> UnderWay:
    """The first stage has passed and the second one is open."""
    program = prepared()
    program.approve("legal", "lea")
    program.settle()
    assert program.state.passed("prepare")
    return program


def refused(program: UnderWay, text: str, **how: object) -> list[str]:
    with pytest.raises(AmendmentRefused) as caught:
        proposed(program, text, **how)
    return [*caught.value.problems]


def test_an_amendment_carries_the_text_and_who_wanted_it_why():
    amended = proposed(under_way(), with_(LATER))
    assert (amended.spec_text, amended.spec_path) == (with_(LATER), "p.yaml")
    assert (amended.by, amended.reason) == (person("boss"), WHY)
    assert (amended.keys, amended.stages, amended.reopened) == ({}, {}, ())


def test_all_that_stands_against_it_is_told_at_once():
    program = under_way()
    text = with_(("  prepare:\n", "  ready:\n"), ("after: [prepare]", "after: [ready]"))
    with pytest.raises(AmendmentRefused) as caught:
        proposed(program, text, reason=" ", reopen=("launch",))
    assert str(caught.value) == (
        "program 'p' was not amended, nothing was changed:\n"
        "  - found no stage 'prepare' in the new spec, but it has work under way; expected every "
        "stage that has opened (prepare); put it back, or write `was: prepare` on the stage that "
        "it became\n"
        "  - found the stage 'launch' to be reopened, whose gate has not passed; expected one that "
        "has passed (none)\n"
        "  - found no word on who amends it and why, expected both; give --reason"
    )


def test_the_spec_of_another_program_is_refused_and_nothing_else_is_said_of_it():
    assert refused(under_way(), with_(("program: p\n", "program: q\n"))) == [
        (
            "found the spec of program 'q', expected that of 'p'; amend with its own spec, or "
            "launch "
            "the other one with: rollout launch SPEC"
        )
    ]


def test_a_spec_that_reads_the_same_is_refused():
    assert refused(under_way(), f"# a comment\n{FULL}") == [
        (
            "found no difference to the spec that the program follows, expected one; change the "
            "file "
            "(comments and layout do not count), or name a stage with --reopen"
        )
    ]


def test_an_effective_date_moved_into_the_past_is_refused():
    text = with_(("effective: 2025-12-01 00:00", "effective: 2025-11-03 08:00"))
    assert refused(under_way(), text) == [
        (
            "found `timeline.effective` moved from 2025-12-01 00:00 to 2025-11-03 08:00, which is "
            "past "
            "(now it is 2025-11-03 09:00); expected a time to come, or the old one"
        )
    ]


def test_an_effective_date_that_has_passed_may_stay():
    program = under_way()
    program.model.now += timedelta(days=60)
    proposed(program, with_(("Write the memo", "Write the note")))


def test_the_text_of_a_former_version_is_refused_unless_the_reason_names_its_day():
    program = under_way()
    program.model.now += timedelta(days=2)
    amend(program, with_(LATER))
    assert refused(program, FULL, reason="Back again") == [
        (
            "found the spec of 2025-11-03 09:00, which boss@example.com replaced on 2025-11-05 "
            "09:01 "
            f"({WHY}); expected a newer one; to go back on purpose, name that day in the reason: "
            "--reason 'Back to 2025-11-03: ...'"
        )
    ]
    assert proposed(program, FULL, reason="Back to 2025-11-03: it was right").spec_text == FULL


@pytest.mark.parametrize("become", [("is finished", in_launch), ("has work under way", under_way)])
def test_a_stage_that_has_opened_cannot_be_dropped(become):
    words, start = become
    dropped = f"{HEAD}  launch:\n    tasks:\n      switch: {{title: Switch it on, team: ops}}\n"
    problems = refused(start(), dropped)
    assert problems[0].startswith(f"found no stage 'prepare' in the new spec, but it {words}; ")


def test_a_stage_that_has_not_opened_can_be_dropped():
    proposed(under_way(), FULL[: FULL.index("  launch:")])


def test_a_stage_and_its_items_are_renamed_to_the_keys_that_they_had():
    amended = proposed(
        under_way(), with_(*RENAMED_STAGE, ("memo: {title", "note: {was: memo, title"))
    )
    assert amended.stages == {"prepare": "ready"}
    assert amended.keys == {"p/ready": "p/prepare", "p/ready/note": "p/prepare/memo"}


def test_a_chain_of_renames_leads_to_the_first_key_also_where_was_is_dropped():
    program = under_way()
    amend(program, with_(("memo: {title", "note: {was: memo, title")))
    amend(program, with_(("memo: {title", "letter: {was: note, title")))
    amend(program, with_(("memo: {title", "letter: {title"), LATER))
    amended = amend(program, with_(*RENAMED_STAGE, ("memo: {title", "letter: {title"), LATER))
    assert amended.keys == {
        "p/ready": "p/prepare",
        "p/ready/note": "p/prepare/memo",
        "p/ready/letter": "p/prepare/memo",
    }
    short = {item.short: item.key for item in program.outline.items}
    assert short["letter"] == "p/prepare/memo"


def test_a_was_that_an_earlier_amendment_has_seen_to_says_nothing_more():
    program = under_way()
    note = ("memo: {title", "note: {was: memo, title")
    amend(program, with_(note))
    assert proposed(program, with_(note, LATER)).keys == {}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            (("memo: {title", "note: {was: remo, title"),),
            (
                "task 'note' of stage 'prepare': found `was: remo`, expected an id that the "
                "running program has there (guideline, memo, quiz, queue); did you mean 'memo'?"
            ),
        ),
        (
            (("quiz: {title", "test: {was: deck, title"),),
            (
                "material 'test' of stage 'prepare': found `was: deck`, expected an id that the "
                "running program has there (guideline, memo, quiz, queue); delete `was` if it is "
                "new"
            ),
        ),
        (
            (("guideline: {title", "guideline: {was: draft, title"),),
            (
                "task 'guideline' of stage 'prepare': found `was: draft`, but the running program "
                "already has 'guideline', expected an id that is not in use; take another id, or "
                "delete `was`"
            ),
        ),
        (
            (("memo: {title", "test: {was: quiz, title"), ("quiz: {title", "memo: {title")),
            (
                "task 'test' of stage 'prepare': found `was: quiz`, which is a material; expected "
                "one of the same kind; delete `was`: the other one leaves then"
            ),
        ),
        (
            (("  launch:\n", "  go-live:\n    was: lunch\n"),),
            (
                "stage 'go-live': found `was: lunch`, expected an id that the running program has "
                "there (prepare, launch); did you mean 'launch'?"
            ),
        ),
    ],
)
def test_a_rename_that_cannot_be_is_refused(change, problem):
    assert problem in refused(under_way(), with_(*change))


def test_an_id_that_stands_for_renamed_work_cannot_be_given_to_other_work():
    program = under_way()
    note = ("memo: {title", "note: {was: memo, title")
    amend(program, with_(note))
    other = "      memo: {title: Another one, team: legal}\n    training:"
    again = with_(("memo: {title", "note: {title"), ("    training:", other))
    assert refused(program, again) == [
        (
            "found the item 'prepare/memo', but that id stands for 'prepare/note', which had it "
            "before it was renamed, expected an id that was never used; take another id"
        )
    ]


def test_the_id_of_a_renamed_stage_cannot_be_given_to_another_stage():
    program = under_way()
    amend(program, with_(*RENAMED_STAGE))
    text = (
        with_(*RENAMED_STAGE, ("    was: prepare\n", ""))
        + "  prepare: {tasks: {again: {title: Once more, team: ops}}}\n"
    )
    assert refused(program, text) == [
        (
            "found the stage 'prepare', but that id stands for 'ready', which had it before it was "
            "renamed, expected an id that was never used; take another id"
        )
    ]


def test_work_that_has_an_issue_cannot_become_a_row():
    text = with_(
        (next(line for line in FULL.splitlines(keepends=True) if "Write the memo" in line), ""),
        ("    training:", "    training:\n      memo: {title: Memo, kind: deck, team: legal}"),
    )
    assert refused(under_way(), text) == [
        (
            "prepare/memo: found it as training, but its work was made as task, expected the same "
            "kind; give it another id: the old one leaves then"
        )
    ]


def test_work_that_has_rows_for_each_language_cannot_become_one_issue():
    quiz = next(line for line in FULL.splitlines(keepends=True) if "quiz:" in line)
    text = with_(
        (quiz, quiz.replace("quiz:", "test:")),
        ("    tasks:\n", "    tasks:\n      quiz: {title: Q, team: ops}\n"),
    )
    (why,) = refused(under_way(), text)
    assert why.startswith("prepare/quiz: found it as task, but its work was made as training")


def test_another_project_or_workbook_is_refused():
    text = f"{FULL}jira: {{project: OTHER}}\nsheets: {{workbook: 1AbCdEfGhIjKlMnOpQrStUv}}\n"
    assert refused(under_way(), text) == [
        (
            "found `jira.project` as OTHER, expected that of the settings: the program's work "
            "lives "
            "there; put it back, or launch a new program for the other one"
        ),
        (
            "found `sheets.workbook` as 1AbCdEfGhIjKlMnOpQrStUv, expected that of the settings: "
            "the "
            "program's work lives there; put it back, or launch a new program for the other one"
        ),
    ]


def test_the_project_that_the_work_lives_in_may_be_named():
    proposed(under_way(), f"{FULL}jira: {{project: POL}}\n")


def test_a_stage_to_be_reopened_must_have_passed_and_be_there():
    program = in_launch()
    assert proposed(program, FULL, reopen=("prepare",)).reopened == ("prepare",)
    assert refused(program, FULL, reopen=("launch", "train")) == [
        (
            "found the stage 'launch' to be reopened, whose gate has not passed; expected one "
            "that has "
            "passed (prepare)"
        ),
        (
            "found the stage 'train' to be reopened, which the new spec does not have; expected "
            "one "
            "that has passed (prepare)"
        ),
    ]


def test_a_program_that_is_over_is_not_amended():
    program = in_launch()
    program.model.move(program.issue("launch/switch"), "Done", "account-of-oda")
    program.settle()
    assert refused(program, with_(LATER)) == [
        (
            "found a program that was finished on 2025-11-03, expected one that is under way; "
            "launch a "
            "new program, under an id of its own"
        )
    ]


def test_a_program_that_was_stopped_is_not_amended():
    program = asked()
    program.reject("legal", "lea", "It cannot be mended.\nFor good")
    program.settle()
    assert refused(program, program.spec_text.replace("Skins", "Skin"))[0].startswith(
        "found a program that lea@example.com stopped for good (It cannot be mended."
    )


def test_only_people_whom_the_program_does_not_know_yet_are_asked_for():
    program = under_way()
    text = with_(("members: [oda@example.com]", "members: [oda@example.com, new@example.com]"))
    text += "accounts: {lea@example.com: another-account, oda@example.com: account-of-oda}\n"
    assert newcomers(program.state, read_valid(text, "p")) == {
        person("new"): None,
        person("lea"): "another-account",
    }


def test_a_stage_that_an_approval_has_a_condition_for_cannot_be_dropped_or_put_before_it():
    program = prepared()
    condition = "Condition for launch (ops): Publish the page"
    program.model.say(program.desk("legal"), condition, "account-of-lea")
    program.approve("legal", "lea")
    program.settle()
    assert program.state.passed("prepare")
    later = FULL.replace("  launch:\n    after: [prepare]", "  check:\n    after: [prepare]")
    assert "expected every stage that has opened" in refused(program, later)[0]

    waiting = UnderWay(FULL.replace("sign_off: {legal: 1}", "sign_off: {legal: 1, policy: 1}"))
    waiting.settle()
    waiting.finish("prepare/guideline", "prepare/memo")
    for row in waiting.model.cells.values():
        row |= {"Status": "Done", "Completed %": "100"}
    waiting.settle()
    waiting.model.say(waiting.desk("legal"), condition, "account-of-lea")
    waiting.approve("legal", "lea")
    waiting.settle()
    for text in (
        waiting.spec_text.replace("    after: [prepare]\n", ""),
        waiting.spec_text[: waiting.spec_text.index("  launch:")],
    ):
        assert refused(waiting, text) == [
            (
                "found no stage 'launch' that is still to come, but an approval has the condition "
                "that "
                "it requires: Publish the page; expected it to stay behind the gate that was "
                "approved; "
                "put it back"
            )
        ]
