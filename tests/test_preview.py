"""What a plan says of a program under way is what its passes then do."""

from datetime import date

import pytest

from policy_rollout import events as ev
from policy_rollout.amending import amendment
from policy_rollout.closures import ClosuresRefused, Touched, check_closures
from policy_rollout.consequences import DateMove, GivenSignOff, Moving, Proposal
from policy_rollout.decide import Circumstances
from policy_rollout.halt_events import Held
from policy_rollout.planned import NOT_KNOWN, FieldChange, Planned, Texts, What, planned
from policy_rollout.preview import Preview, preview
from policy_rollout.work import people_of
from tests.planned import read
from tests.programs_under_way import (
    FULL,
    STATUSES,
    TWO_ROLES,
    UnderWay,
    account,
    asked,
    person,
    prepared,
)

LANGUAGES = "languages: [en-US, ja-JP]"
GERMAN_TOO = FULL.replace(LANGUAGES, "languages: [en-US, ja-JP, de-DE]")
ONLY_ENGLISH = FULL.replace(LANGUAGES, "languages: [en-US]")
LATER = FULL.replace("effective: 2025-12-01 00:00", "effective: 2025-12-15 00:00")
WITHOUT_MEMO = FULL.replace(
    "      memo: {title: Write the memo, team: legal, after: [guideline], "
    "assignee: wim@example.com}\n",
    "",
)
TWO_SIGNERS = TWO_ROLES.replace("{legal: 1, policy: 1}", "{legal: 1, policy: 1, ops: 1}")


def under_way(text: str = FULL) -> UnderWay:
    program = UnderWay(text)
    program.settle()
    return program


def proposal(
    program: UnderWay, text: str | None = None, *, reopen: tuple[str, ...] = ()
) -> Proposal:
    events: tuple[ev.Event, ...] = ()
    after = program.spec if text is None else read(text)
    if text is not None:
        amended = amendment(
            program.state,
            program.spec,
            after,
            text=text,
            path="p.yaml",
            by=person("boss"),
            reason="The market asks for it",
            reopen=reopen,
            now=program.model.now,
        )
        people = {each: account(each.partition("@")[0]) for each in people_of(after)}
        resolved = ev.PeopleResolved(accounts=people, own_account=program.state.own_account)
        events = (resolved, amended)
    return Proposal(
        before=program.spec,
        after=after,
        state=program.state,
        events=events,
        world=program.model.world(),
        circumstances=Circumstances(program.model.now, STATUSES, program.absent),
    )


def previewed(program: UnderWay, text: str | None = None, **given: tuple[str, ...]) -> Preview:
    return preview(proposal(program, text, **given))


def carried_out(program: UnderWay, proposed: Proposal) -> tuple[Planned, ...]:
    """What the program's passes really do once the proposal is journaled."""
    program.record(*proposed.events)
    if proposed.amended:
        program.amend(proposed.amended.spec_text)
    steps = []
    while True:
        world = program.model.world()
        decision = program.look()
        if not decision.changes:
            return planned(steps, Texts({}, {}))
        steps += [(change, world) for change in decision.changes]


def names(changes: tuple[Planned, ...], program: UnderWay) -> set[tuple[str, str, str]]:
    """Changes by their names, new issues by their stable keys."""
    stable = {issue_key: key for key, issue_key in program.state.issues.items()}
    return {(what, key, stable.get(link, link)) for what, key, link in (c.name for c in changes)}


def of(shown: Preview, what: What) -> list[str]:
    return [each.key.removeprefix("p/") for each in shown.changes if each.what is what]


def field(shown: Preview, key: str, name: str) -> FieldChange:
    found = (e for c in shown.changes if c.key == f"p/{key}" for e in c.fields if e.name == name)
    return next(found)


@pytest.mark.parametrize(
    ("text", "reopen"),
    [
        (None, ()),
        (GERMAN_TOO, ()),
        (ONLY_ENGLISH, ()),
        (LATER, ()),
        (WITHOUT_MEMO, ()),
        (FULL.replace("Write the memo", "Write the legal memo"), ()),
        (FULL.replace("sign_off: {legal: 1}", "sign_off: {policy: 1}"), ()),
        (FULL.replace("memo:", "note: {title: A note, team: ops}\n      memo:"), ()),
    ],
)
@pytest.mark.parametrize("program", [under_way, prepared, lambda: UnderWay(FULL)])
def test_the_preview_is_what_the_passes_then_do(program, text, reopen):
    under = program()
    proposed = proposal(under, text, reopen=reopen)
    shown = preview(proposed)
    assert shown.settles
    done = carried_out(under, proposed)
    assert names(shown.changes, under) == names(done, under)


def test_a_preview_leaves_program_and_world_as_they_are():
    program = under_way()
    proposed = proposal(program, ONLY_ENGLISH)
    state, world = program.state, program.model.world()
    preview(proposed)
    assert (proposed.state, proposed.world) == (state, world)


def test_a_program_with_nothing_to_do_has_no_changes():
    shown = previewed(under_way())
    assert shown.changes == ()
    assert shown.follows.joins == shown.follows.dates == ()


def test_a_new_language_adds_just_its_items():
    shown = previewed(under_way(), GERMAN_TOO)
    assert of(shown, What.ADD) == ["prepare/quiz/de-DE"]
    assert of(shown, What.CREATE) == []
    assert shown.follows.joins == (
        Moving("p/prepare/quiz/de-DE", "Reviewer quiz", "is created now"),
    )


def test_work_of_a_stage_that_has_not_opened_is_created_when_it_opens():
    text = FULL.replace("switch:", "tell: {title: Tell them, team: ops}\n      switch:")
    shown = previewed(under_way(), text)
    assert shown.changes == () or of(shown, What.CREATE) == []
    assert shown.follows.joins == (
        Moving("p/launch/tell", "Tell them", "is created when launch opens"),
    )


def test_a_moved_date_shows_each_due_date_before_and_after():
    shown = previewed(under_way(), LATER)
    due = field(shown, "prepare/guideline", "due")
    moves = {each.key: each for each in shown.follows.dates}
    was, will = date.fromisoformat(due.before), date.fromisoformat(due.after)
    assert will > was
    assert moves["p/prepare/guideline"] == DateMove(
        "p/prepare/guideline", "Write the guideline", was, will
    )
    assert "p/launch/switch" in moves
    assert shown.follows.chain_before.effective_on == date(2025, 12, 1)
    assert shown.follows.chain_after.effective_on == date(2025, 12, 15)


def test_a_language_that_leaves_has_its_row_marked():
    shown = previewed(under_way(), ONLY_ENGLISH)
    assert of(shown, What.REWRITE) == ["prepare/quiz/ja-JP"]
    assert "boss@example.com" in field(shown, "prepare/quiz/ja-JP", "Message").after
    assert shown.follows.leaves == (
        Moving("p/prepare/quiz/ja-JP", "Reviewer quiz", "its row is marked"),
    )


def test_an_item_that_leaves_has_its_issue_closed_with_its_status_before():
    shown = previewed(under_way(), WITHOUT_MEMO)
    assert of(shown, What.CLOSE) == ["prepare/memo"]
    assert field(shown, "prepare/memo", "status") == FieldChange("status", "To Do", "done")
    assert [each.how for each in shown.follows.leaves] == ["its issue is closed"]


def test_finished_work_that_leaves_is_left_alone():
    program = under_way()
    program.finish("prepare/memo")
    shown = previewed(program, WITHOUT_MEMO)
    assert of(shown, What.CLOSE) == []
    assert [each.how for each in shown.follows.leaves] == ["stays as it is: it is finished"]
    assert shown.closures.closing == ()


def test_a_description_that_changes_shows_its_lines():
    text = FULL.replace(
        "team: policy, assignee: wim", "team: policy, details: Briefly, assignee: wim"
    )
    description = field(previewed(under_way(), text), "prepare/guideline", "description")
    assert description.lines == ("+ Briefly",)


def test_a_description_of_an_amendment_that_is_still_to_be_written_shows_what_it_becomes():
    program = under_way()
    amended = proposal(
        program, FULL.replace("team: policy, assi", "team: policy, details: B, assi")
    )
    program.record(*amended.events)
    program.amend(amended.amended.spec_text)
    description = field(previewed(program), "prepare/guideline", "description")
    assert description.before == NOT_KNOWN
    assert "+ B" in description.lines


def test_a_sign_off_on_what_changes_is_voided_with_the_difference():
    program = asked(TWO_ROLES)
    program.approve("legal", "lea")
    program.settle()
    shown = previewed(program, TWO_SIGNERS)
    (void,) = shown.follows.voided
    assert (void.stage, void.role, void.person) == ("prepare", "legal", person("lea"))
    assert void.why.startswith("what was signed changes: gate.sign_off: was")
    assert shown.follows.kept == ()


def test_a_sign_off_on_what_stays_is_kept():
    program = asked(TWO_ROLES)
    program.approve("legal", "lea")
    program.settle()
    shown = previewed(program, TWO_ROLES.replace("assignee: wim", "takes: 2bd, assignee: wim"))
    assert shown.follows.voided == ()
    assert shown.follows.kept == (GivenSignOff("prepare", "legal", person("lea")),)


def test_a_sign_off_is_voided_though_the_new_work_is_not_done_yet():
    program = asked(TWO_ROLES)
    program.approve("legal", "lea")
    program.settle()
    text = TWO_ROLES.replace("guideline:", "memo: {title: Memo, team: ops}\n      guideline:")
    (void,) = previewed(program, text).follows.voided
    assert void.why == "what was signed changes: p/prepare/memo: new"


def test_who_is_no_member_any_more_loses_the_sign_off():
    program = asked(TWO_ROLES)
    program.approve("legal", "lea")
    program.settle()
    shown = previewed(program, TWO_ROLES.replace("[lea@example.com, ", "["))
    (void,) = shown.follows.voided
    assert void.why == "lea@example.com is no longer a member of legal"
    assert shown.follows.people_leave == (person("lea"),)


def passed() -> UnderWay:
    program = prepared()
    program.approve("legal", "lea")
    program.settle()
    assert program.state.passed("prepare")
    return program


def test_a_passed_stage_stays_as_it_is_and_says_so():
    shown = previewed(passed(), GERMAN_TOO)
    assert shown.follows.joins == (
        Moving(
            "p/prepare/quiz/de-DE",
            "Reviewer quiz",
            "is not created: the gate of prepare has passed",
        ),
    )
    assert "prepare: quiz/de-DE" in [each.what for each in shown.left_alone]
    assert shown.follows.kept == (GivenSignOff("prepare", "legal", person("lea")),)


def test_a_reopened_stage_voids_its_sign_offs():
    shown = previewed(passed(), GERMAN_TOO, reopen=("prepare",))
    assert shown.follows.reopened == ("prepare",)
    assert of(shown, What.ADD) == ["prepare/quiz/de-DE"]
    (void,) = shown.follows.voided
    assert void.why == "the gate begins round 2"


def test_a_gate_that_passes_by_the_amendment_shows_what_opens():
    program = prepared()
    text = FULL.replace("sign_off: {legal: 1}\n", "sign_off: {}\n")
    shown = previewed(program, text)
    assert (shown.follows.passes, shown.follows.opens) == (("prepare",), ("launch",))
    assert of(shown, What.CREATE) == ["launch/switch"]


def test_an_assignee_is_left_to_jira():
    text = FULL.replace(
        "team: policy, assignee: wim@example.com", "team: policy, assignee: pia@example.com"
    )
    shown = previewed(under_way(), text)
    told = {each.what: each.why for each in shown.left_alone}
    assert told["assignee of POL-2 (Write the guideline)"] == (
        "it is Jira's since the issue was created; the spec now names pia@example.com: "
        "assign it there"
    )


def test_a_gate_that_asks_for_less_is_shown_though_nothing_changes_outside():
    program = under_way(TWO_ROLES)
    weaker = TWO_ROLES.replace("{legal: 1, policy: 1}", "{legal: 1}")
    found = previewed(program, weaker)
    assert found.changes == ()
    assert found.spec_changes == ("stages.prepare.gate.sign_off.policy: gone, was 1",)
    assert previewed(program).spec_changes == ()


def test_a_stopped_program_says_so():
    program = under_way()
    program.record(ev.ProgramStopped(by="boss", reason="withdrawn"))
    assert previewed(program).over == "stopped by boss: withdrawn"


def test_new_people_are_named():
    text = FULL.replace("[oda@example.com]", "[oda@example.com, new@example.com]")
    assert previewed(under_way(), text).follows.people_join == (person("new"),)


def test_a_held_program_shows_what_changes_once_it_goes_on():
    program = under_way()
    program.record(Held(by="boss", reason="Legal asks"))
    shown = previewed(program, GERMAN_TOO)
    assert shown.held == "by boss: Legal asks"
    assert of(shown, What.ADD) == ["prepare/quiz/de-DE"]
    assert previewed(under_way(), GERMAN_TOO).held == ""


def refusal(shown: Preview, allowed_share: float = 0.25) -> str:
    with pytest.raises(ClosuresRefused) as refused:
        check_closures(shown.closures, allowed_share=allowed_share, allowed=False)
    check_closures(shown.closures, allowed_share=allowed_share, allowed=True)
    return str(refused.value)


def test_closing_more_than_the_share_is_refused_with_share_items_and_flag():
    text = WITHOUT_MEMO.replace(LANGUAGES, "languages: [en-US]")
    shown = previewed(under_way(), text)
    assert shown.closures.open_items == 6
    assert refusal(shown) == (
        "the plan is refused, nothing was done: it closes 2 of 6 open items (33%), expected at "
        "most 25% (ROLLOUT_CLOSING_SHARE): p/prepare/memo, p/prepare/quiz/ja-JP. If that is "
        "meant, say so with --allow-closures"
    )


def test_the_share_itself_may_be_closed():
    shown = previewed(under_way(), WITHOUT_MEMO.replace(LANGUAGES, "languages: [en-US]"))
    check_closures(shown.closures, allowed_share=2 / 6, allowed=False)


def test_finished_work_does_not_count_as_open():
    program = under_way()
    program.finish("prepare/guideline")
    assert previewed(program, WITHOUT_MEMO).closures.open_items == 5


def test_rewriting_what_people_have_finished_is_refused():
    program = under_way()
    program.finish("prepare/guideline")
    program.settle()
    shown = previewed(program, FULL.replace("Write the guideline", "Write another guideline"))
    assert shown.closures.finished == (Touched("p/prepare/guideline", "rewrites"),)
    assert refusal(shown) == (
        "the plan is refused, nothing was done: it touches 1 item that people have finished: "
        "p/prepare/guideline (rewrites it). If that is meant, say so with --allow-closures"
    )


def test_moving_the_due_date_of_finished_work_is_no_rewriting():
    program = under_way()
    program.finish("prepare/guideline")
    program.settle()
    assert previewed(program, LATER).closures.finished == ()


def test_what_is_named_in_a_refusal_is_bounded():
    items = ", ".join(f"i{n}: Item {n}" for n in range(20))
    text = FULL.replace("items: {routing", f"items: {{{items}, routing")
    shown = previewed(under_way(text), FULL)
    assert " and 8 more. If that is meant" in refusal(shown)
