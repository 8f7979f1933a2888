"""The board of a running program and the text of the Resume form."""

from datetime import date, timedelta

import pytest

from policy_rollout import events as ev
from policy_rollout.observed import Oddity
from policy_rollout.plan import gate_view
from policy_rollout.report.board import (
    Links,
    asks_now,
    board,
    evidence_of,
    form_text,
    gate_words,
    headline,
    standing_of,
    standing_words,
)
from policy_rollout.report.evidence import gate_evidence
from tests.programs_under_way import (
    FULL,
    HEAD,
    MINUTE,
    PLAIN,
    QUORUM,
    TWO_ROLES,
    UnderWay,
    account,
    asked,
)

LINKS = Links("https://jira.test", "https://jira.test/issues", "https://sheets.test/w")


def board_of(program: UnderWay) -> str:
    """The board without its picture."""
    program.settle()
    text = board(program.outline, program.decide(), LINKS, today=date(2025, 11, 3))
    picture = text.index("![time line](data:image/svg+xml;base64,")
    end = text.find("\n\n", picture)
    return text[:picture].rstrip() + (text[end:] if end > 0 else "")


def words(program: UnderWay, stage: str = "prepare") -> str:
    return gate_words(program.outline, program.state, stage)


def in_trouble(program: UnderWay, text: str = "Jira: down\nfor a while") -> UnderWay:
    program.settle()
    program.record(ev.TroubleMet(text=text, again_at=program.model.now + MINUTE))
    return program


def finished() -> UnderWay:
    program = asked(PLAIN)
    program.approve("legal", "lea")
    program.settle()
    return program


def test_the_board_of_a_program_at_work_tells_who_has_what():
    assert board_of(UnderWay(FULL)) == (
        "# Skins and stakes\n"
        "\n"
        "Work: epic [POL-1](https://jira.test/browse/POL-1) · "
        "[all issues](https://jira.test/issues) · [workbook](https://sheets.test/w)\n"
        "\n"
        "| stage | work done | gate | due |\n"
        "|---|---|---|---|\n"
        "| prepare | 0 of 6 | work under way | Fri 28 Nov 2025 |\n"
        "| launch | 0 of 1 | not open: after prepare | Mon 1 Dec 2025 |\n"
        "\n"
        "**Waited for:**\n"
        "\n"
        "- **prepare**: tasks, 0 of 2 done, by wim@example.com\n"
        "- **prepare**: training in en-US, 0 of 1 done, by oda@example.com\n"
        "- **prepare**: training in ja-JP, 0 of 1 done, by oda@example.com\n"
        "- **prepare**: checklist queue, 0 of 2 done, by oda@example.com"
    )


def test_the_board_tells_whose_sign_off_is_waited_for_since_when_and_where():
    program = asked(TWO_ROLES)
    program.approve("policy", "both")
    assert (
        "**Waited for:**\n"
        "\n"
        "- **prepare**: sign-off for legal by lea@example.com, since Mon 3 Nov 2025 09:01 UTC "
        "— [POL-3](https://jira.test/browse/POL-3)"
    ) in board_of(program)


def test_the_board_waits_for_the_work_first_where_it_was_undone():
    program = asked(PLAIN)
    program.model.move(program.issue("prepare/guideline"), "To Do", account("pia"))
    text = board_of(program)
    assert "sign-off for" not in text
    assert "- **prepare**: tasks, 0 of 1 done, by wim@example.com" in text


def test_the_board_says_what_cannot_be_told():
    program = UnderWay(PLAIN)
    program.settle()
    del program.model.issues[program.issue("prepare/guideline")]
    assert (
        "- **prepare**: tasks, 0 of 1 done, by wim@example.com; cannot be told: see the evidence"
    ) in board_of(program)


def test_a_long_list_of_people_is_cut_and_counted():
    tasks = "\n".join(
        f"      t{number}: {{title: T, team: ops, assignee: w{number}@example.com}}"
        for number in range(6)
    )
    program = UnderWay(f"{HEAD}  prepare:\n    tasks:\n{tasks}\n")
    people = "w0@example.com, w1@example.com, w2@example.com, w3@example.com and 2 more"
    assert f"tasks, 0 of 6 done, by {people}" in board_of(program)


def test_the_board_of_a_finished_program_waits_for_nobody():
    text = board_of(finished())
    assert "**Waited for:**" not in text
    assert "| prepare | 1 of 1 | passed Mon 3 Nov 2025 | Mon 1 Dec 2025 |" in text


def test_the_board_begins_with_trouble_and_keeps_its_lines_in_the_quote():
    program = in_trouble(UnderWay(PLAIN))
    text = board(program.outline, program.decide(), LINKS, today=date(2025, 11, 3))
    assert text.startswith(
        "# Skins and stakes\n"
        "\n"
        "> **Trouble since Mon 3 Nov 2025 09:00 UTC.** Jira: down\n"
        "> for a while\n"
    )


def test_the_board_ends_with_what_is_odd():
    program = UnderWay(PLAIN)
    program.model.oddities = [Oddity("POL-9", "is a second p/epic | kept")]
    assert board_of(program).endswith(
        "**To look at** (nothing was changed):\n\n- POL-9: is a second p/epic \\| kept"
    )


def test_a_long_list_of_oddities_is_cut_and_counted():
    program = UnderWay(PLAIN)
    program.model.oddities = [Oddity(f"Row {number}", "no key") for number in range(10, 33)]
    assert board_of(program).endswith("- Row 29: no key\n- and 3 more")


def test_a_stage_without_a_due_day_shows_a_dash():
    text = PLAIN.replace(", effective: 2025-12-01 00:00", "")
    assert "| prepare | 0 of 1 | work under way | — |" in board_of(UnderWay(text))


def stopped() -> UnderWay:
    program = asked(PLAIN)
    program.reject("legal", "lea", "It harms people.\nFor good")
    program.settle()
    return program


def test_the_board_of_a_stopped_program_waits_for_nobody_and_says_by_whom():
    program = stopped()
    text = board_of(program)
    assert "**Waited for:**" not in text
    assert "| prepare | 1 of 1 | stopped | Mon 1 Dec 2025 |" in text
    assert headline(program.outline, program.state) == (
        "Stopped: rejected for good by lea@example.com: It harms people. For good"
    )


# Words


def test_the_headline_counts_gates_and_names_the_effective_day():
    program = UnderWay(FULL)
    program.settle()
    assert headline(program.outline, program.state) == (
        "0 of 2 gates passed; effective on Mon 1 Dec 2025."
    )


def test_the_headline_of_a_program_without_days_counts_gates_only():
    program = UnderWay(FULL.replace(", effective: 2025-12-01 00:00", ""))
    assert headline(program.outline, program.state) == "0 of 2 gates passed."


def test_the_headline_of_a_finished_program_says_when():
    program = finished()
    assert headline(program.outline, program.state) == (
        "Finished on Mon 3 Nov 2025 09:03 UTC: all gates passed."
    )


def test_a_gate_before_the_first_look_is_not_open_yet():
    assert words(UnderWay(PLAIN)) == "not open yet"


def test_a_gate_behind_others_names_them():
    assert words(UnderWay(FULL), "launch") == "not open: after prepare"


def test_a_gate_that_asks_names_the_roles_it_waits_for():
    assert words(asked(TWO_ROLES)) == "waits for legal, policy"


def test_a_gate_whose_work_was_undone_does_not_wait_for_sign_offs():
    program = asked(TWO_ROLES)
    program.model.move(program.issue("prepare/guideline"), "To Do", account("pia"))
    program.settle()
    assert words(program) == "work under way"


def test_a_gate_tells_its_round_from_the_second_on():
    program = asked(PLAIN)
    program.reject("legal", "lea", "Reopen: guideline")
    program.settle()
    assert words(program) == "work under way (round 2)"
    program.finish()
    program.settle()
    assert words(program) == "waits for legal (round 2)"


@pytest.mark.parametrize(
    ("program", "asks"),
    [(UnderWay(PLAIN), False), (asked(PLAIN), True), (finished(), False)],
    ids=["not open", "ready", "passed"],
)
def test_a_gate_asks_from_ready_to_passed(program: UnderWay, asks: bool):  # noqa: FBT001  parametrized
    assert asks_now(program.outline, program.state, "prepare") is asks


def test_the_picture_marks_gates_that_ask_and_gates_that_passed():
    waiting, over = asked(PLAIN), finished()
    assert standing_of(waiting.outline, waiting.state).waiting == ("prepare",)
    standing = standing_of(over.outline, over.state)
    assert (standing.waiting, standing.passed) == ((), ("prepare",))


def test_an_error_message_names_open_stages_and_trouble():
    assert standing_words(in_trouble(UnderWay(PLAIN), "Jira: down").state) == (
        "prepare open; Jira: down"
    )
    assert standing_words(finished().state) == "no stage open"


# The evidence and the form


def test_the_evidence_links_tasks_and_sign_offs_to_their_issues():
    program = UnderWay(FULL)
    program.settle()
    evidence = evidence_of(program.outline, program.decide(), "prepare", LINKS)
    assert "- [POL-2](https://jira.test/browse/POL-2): Write the guideline" in evidence
    assert "| legal | 1 | — | the criteria above | — |" in evidence
    waiting = asked(QUORUM)
    evidence = evidence_of(waiting.outline, waiting.decide(), "prepare", LINKS)
    assert evidence.count("[POL-3](https://jira.test/browse/POL-3)") == 1


def test_the_same_evidence_stands_in_jira_in_the_form_and_in_the_artifact():
    program = asked(TWO_ROLES)
    decision = program.decide()
    evidence = gate_evidence(
        gate_view(program.outline, program.state, "prepare", decision.judged["prepare"])
    )
    assert evidence in program.model.issues[program.desk("legal")].description
    assert evidence in evidence_of(program.outline, decision, "prepare", LINKS)
    assert evidence in form_text(program.outline, decision, LINKS, now=program.model.now)


def test_the_form_says_that_it_signs_nothing_and_shows_each_waiting_gate():
    program = UnderWay(f"{HEAD}  one: {{gate: {{sign_off: {{legal: 1}}}}}}\n  two: {{}}\n")
    program.settle()
    parts = form_text(program.outline, program.decide(), LINKS, now=program.model.now).split(
        "\n\n---\n\n"
    )
    assert parts == [
        (
            "Nothing has to be done here: the program goes on by itself. **check now** only looks, "
            "and signs nothing. To answer a gate, choose answer and gate, and give your code. "
            "What follows was seen on Mon 3 Nov 2025 09:00 UTC."
        ),
        evidence_of(program.outline, program.decide(), "one", LINKS),
    ]


def test_the_form_tells_trouble_before_the_gates():
    program = in_trouble(asked(PLAIN), "Jira: down")
    text = form_text(program.outline, program.decide(), LINKS, now=program.model.now)
    hint, trouble, _ = text.split("\n\n---\n\n")
    assert hint == (
        "Something is in the way of the program; it is named below with what to do. Once that is "
        "mended, **check now** tries again at once; it signs nothing. "
        "What follows was seen on Mon 3 Nov 2025 09:01 UTC."
    )
    assert trouble == "**Trouble:** Jira: down"


def refusal(program, *, minutes: int) -> ev.SignOffRefused:
    gate = program.state.gates["prepare"]
    return ev.SignOffRefused(
        stage="prepare",
        round=gate.round,
        role="legal",
        account="",
        name="lea@example.com",
        history_id="code-1",
        at=program.model.now + timedelta(minutes=minutes),
        why="that code is wrong",
    )


def shown(program) -> str:
    return form_text(program.outline, program.decide(), LINKS, now=program.model.now)


def test_the_form_says_that_the_last_answer_was_refused_and_why():
    program = asked(PLAIN)
    assert "Refused" not in shown(program)

    program.record(refusal(program, minutes=1))

    assert "gate of prepare:** The answer of lea@example.com does not count: that code" in shown(
        program
    )


def test_the_form_leaves_out_a_refusal_of_a_round_that_is_over():
    program = asked(PLAIN)
    program.record(refusal(program, minutes=1).model_copy(update={"round": 0}))

    assert "does not count" not in shown(program)
