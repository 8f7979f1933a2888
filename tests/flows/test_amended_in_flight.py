"""A running program that is amended: over HTTP, in the middle of a pass, killed, and cut off."""

from collections import Counter
from datetime import datetime

import pytest
import requests
from carried import MEI, OWNER, RIMA, ROWS, SIGN_OFF, SPEC, TASKS, WIM

from flows import passes
from policy_rollout.errors import AmendmentRefused, PreflightFailed
from policy_rollout.outline import spec_of

pytestmark = pytest.mark.long

GUIDELINE, SYMBOLS = TASKS
NEWCOMER = "n.ito@example.com"
LATER = ("effective: 2030-03-01", "effective: 2030-04-01")
NO_JAPANESE = ("languages: [en-US, ja-JP]", "languages: [en-US]")
WITH_GERMAN = ("languages: [en-US, ja-JP]", "languages: [en-US, de-DE]")
NO_SYMBOLS = (
    "      symbols: {title: List the symbols, team: ops, takes: 2bd, after: [guideline]}\n",
    "",
)
RENAMED = (
    ("      guideline: {title", "      rules: {was: guideline, title"),
    ("after: [guideline]", "after: [rules]"),
    ("  write:\n", "  draft:\n    was: write\n"),
    ("after: [write]", "after: [draft]"),
)
ONE_MORE = ("    training:", "      memo: {title: Write the memo, team: ops}\n    training:")


def with_(*changes: tuple[str, str], text: str = SPEC) -> str:
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


def settled(program) -> None:
    """The program rests: a pass writes nothing, and looks once."""
    program.sandbox.clear_requests()
    program.go()
    assert program.writes() == []
    assert program.task_runs == ["look at Jira and the workbook"]


def test_dates_move_in_issues_and_rows(program):
    program.go()
    before = program.issue(GUIDELINE)["duedate"]

    program.amend(with_(LATER))
    program.go()

    assert before.startswith("2030-02-")
    assert program.issue(GUIDELINE)["duedate"].startswith("2030-03-")
    assert program.issue("demo/epic")["duedate"] == "2030-04-01"
    assert program.workbook.cells(ROWS[1])["Due"].startswith("2030-03-")
    settled(program)


def test_one_language_joins_and_another_leaves(program):
    program.go()

    program.amend(with_(WITH_GERMAN), reason="Japan waits for the translation")
    program.go()

    assert program.rows() == Counter((*ROWS, "demo/write/deck/de-DE"))
    assert program.workbook.cells(ROWS[1])["Message"] == (
        f"No longer part of the program: amended by {OWNER}: Japan waits for the translation. "
        "Nothing was deleted; nobody waits for this any more."
    )
    assert program.state.left == {ROWS[1]}
    settled(program)


def test_an_issue_leaves_with_a_comment_and_comes_back_as_the_same_one(program):
    program.go()
    issue_key = program.state.issues[SYMBOLS]

    program.amend(with_(NO_SYMBOLS), reason="Nobody reads it")
    program.go()

    assert program.issue(SYMBOLS)["status"]["name"] == "Done"
    (comment,) = program.issue(SYMBOLS)["comment"]["comments"]
    assert "Nobody reads it" in str(comment["body"])
    settled(program)
    program.amend(with_(LATER), reason="They do")
    program.go()
    assert program.state.issues[SYMBOLS] == issue_key
    assert program.issue(SYMBOLS)["status"]["name"] == "To Do"
    assert program.jira().keys() == {"demo/epic", *TASKS}
    settled(program)


def test_finished_work_and_what_does_not_carry_our_mark_stay_as_they_are(program):
    program.go()
    program.finish_work()
    program.go()
    before = program.issue(SYMBOLS)["updated"]

    program.amend(with_(NO_SYMBOLS))
    program.go()

    assert program.issue(SYMBOLS)["updated"] == before
    assert program.state.left == {SYMBOLS}


def test_renamed_work_keeps_its_issues_and_the_program_ends_under_the_new_names(program):
    program.go()
    before = program.state.issues

    program.amend(with_(*RENAMED))
    program.go()

    assert program.state.issues == before
    assert "After: rules" in str(program.issue(SYMBOLS)["description"])
    assert program.workbook.cells(ROWS[0])["Stage"] == "draft"
    settled(program)
    program.finish_work("draft")
    program.go()
    program.person(RIMA).move(program.state.issues[SIGN_OFF], "Approved")
    program.go()
    assert program.state.waiting_stages == ("launch",)
    program.finish_work("launch")
    assert program.go().is_over


def test_newcomers_are_resolved_before_anything_is_journaled(program):
    program.go()
    entries = program.kinds
    text = with_((f"ops: {{members: [{MEI}]", f"ops: {{members: [{NEWCOMER}, {MEI}]"))

    with pytest.raises(PreflightFailed, match=NEWCOMER):
        program.amend(text)

    assert program.kinds == entries
    account = program.sandbox.add_person(NEWCOMER)
    program.amend(text)
    assert program.kinds == [*entries, "people_resolved", "amended"]
    assert program.state.accounts[NEWCOMER] == account
    assert program.state.accounts[WIM]


def test_a_refused_amendment_leaves_no_trace(program):
    program.go()
    entries = program.kinds

    with pytest.raises(AmendmentRefused, match="found no stage 'write' in the new spec"):
        program.amend(with_(("  write:\n", "  draft:\n"), ("after: [write]", "after: [draft]")))

    assert program.kinds == entries


def test_a_gate_that_gets_another_signer_asks_again_on_the_new_text(program):
    program.go()
    program.finish_work()
    program.go()
    digest = program.state.gates["write"].digest

    both = "sign_off: {policy: 1, ops: 1}, doers_may_sign: true"
    program.amend(with_(("sign_off: {policy: 1}", both)))
    program.go()

    assert program.state.gates["write"].digest != digest
    program.person(RIMA).move(program.state.issues[SIGN_OFF], "Approved")
    program.go()
    assert program.state.waiting_stages == ("write",)
    program.person(MEI).move(program.state.issues["demo/write/sign-off:ops"], "Approved")
    program.go()
    assert program.state.waiting_stages == ("launch",)


def test_a_finished_stage_is_reopened_only_where_the_amendment_says_so(program):
    program.go()
    program.finish_work()
    program.go()
    program.person(RIMA).move(program.state.issues[SIGN_OFF], "Approved")
    program.go()

    program.amend(with_(ONE_MORE))
    program.go()
    assert "demo/write/memo" not in program.jira()
    settled(program)

    program.amend(with_(ONE_MORE), reopen=("write",))
    program.go()
    assert program.state.gates["write"].round == 2
    assert len(program.jira()["demo/write/memo"]) == 1
    assert set(program.state.waiting_stages) == {"write", "launch"}


def test_an_amendment_in_the_middle_of_a_pass_is_carried_out_by_that_pass(program, monkeypatch):
    program.go()
    program.finish_work()
    decide, left = passes.decide, [with_(LATER)]

    def meanwhile(*given):
        decision = decide(*given)
        if left:
            program.amend(left.pop())
        return decision

    monkeypatch.setattr(passes, "decide", meanwhile)

    program.go()

    assert program.issue(GUIDELINE)["duedate"].startswith("2030-03-")
    assert program.state.gates["write"].digest is not None
    settled(program)


def test_an_amendment_while_issues_are_made_makes_nothing_twice(program, monkeypatch):
    apply, left = passes.apply, [with_(NO_SYMBOLS, ONE_MORE, NO_JAPANESE)]

    def meanwhile(*given):
        if left and len(program.state.issues) == 1:  # the epic
            program.amend(left.pop())
        apply(*given)

    monkeypatch.setattr(passes, "apply", meanwhile)

    program.go()

    assert {key: len(found) for key, found in program.jira().items()} == {
        "demo/epic": 1,
        GUIDELINE: 1,
        "demo/write/memo": 1,
    }
    settled(program)


class Killed(BaseException):
    """Ends a pass as a kill does: nothing in between handles it."""


RULES, _, *DRAFT = RENAMED
ALL_AT_ONCE = with_(NO_SYMBOLS, RULES, *DRAFT, WITH_GERMAN, LATER, ONE_MORE)


def everything_amended(program) -> None:
    """What the amendment asks for stands outside, each once, and what left is closed."""
    assert {key: len(found) for key, found in program.jira().items()} == dict.fromkeys(
        ("demo/epic", *TASKS, "demo/write/memo"), 1
    )
    assert program.rows() == Counter((*ROWS, "demo/write/deck/de-DE"))
    assert program.state.left == {SYMBOLS, ROWS[1]}
    assert program.issue(SYMBOLS)["status"]["name"] == "Done"
    assert len(program.issue(SYMBOLS)["comment"]["comments"]) == 1
    assert "No longer part of the program" in program.workbook.cells(ROWS[1])["Message"]
    assert program.issue(GUIDELINE)["duedate"].startswith("2030-03-")
    assert program.issue("demo/write/memo")["summary"] == "Write the memo"
    settled(program)


@pytest.mark.parametrize("answers", range(1, 25, 4))
def test_killed_after_any_answer_an_amendment_is_finished_by_the_next_pass(
    program, monkeypatch, answers
):
    monkeypatch.setenv("ROLLOUT_SETTLE_SECONDS", "0.5")
    program.go()
    program.amend(ALL_AT_ONCE)
    left, send = iter(range(answers)), requests.Session.send

    def last_send(session, request, **options):
        response = send(session, request, **options)
        if next(left, None) is None:
            response.close()
            raise Killed
        return response

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(requests.Session, "send", last_send)
        with pytest.raises(Killed):
            program.go()

    program.go_until_calm()

    everything_amended(program)


@pytest.mark.parametrize("kind", ["reset-before-commit", "reset-after-commit"])
@pytest.mark.parametrize("after", range(1, 40, 9))
def test_cut_off_at_any_request_an_amendment_is_finished_by_the_next_pass(
    program, monkeypatch, kind, after
):
    monkeypatch.setenv("ROLLOUT_SETTLE_SECONDS", "0.5")
    program.go()
    program.amend(ALL_AT_ONCE)
    program.sandbox.set_faults({"kind": kind, "after": after, "times": 6})
    program.go()
    program.sandbox.set_faults()

    program.go_until_calm()

    everything_amended(program)


def test_the_spec_that_the_program_follows_is_the_last_one(program):
    program.go()
    program.amend(with_(LATER))
    assert spec_of(program.state).timeline.effective == datetime(2030, 4, 1)  # noqa: DTZ001  local
