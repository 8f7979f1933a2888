"""What our Jira issues say, word for word."""

from policy_rollout.observed import AnswerStatuses
from policy_rollout.report.issue_text import epic_text, how_to_sign, task_text
from policy_rollout.work import expand
from tests.planned import read
from tests.programs_under_way import FULL, HEAD, PLAIN, STATUSES, asked

FOOT = (
    "Summary, description, due date and parent are kept by policy-rollout; "
    "status, assignee and comments are yours."
)


def task(text: str, short: str) -> str:
    spec = read(text)
    return task_text(spec, next(item for item in expand(spec) if item.short == short))


def test_the_epic_tells_the_program_in_a_list():
    assert epic_text(read(FULL)) == (
        "- Change: new\n"
        "- Policy text: rules.md, version 1.0\n"
        "- Effective: Mon 1 Dec 2025 00:00 UTC\n"
        "- Markets: JP, BR\n"
        "- Languages: en-US, ja-JP\n"
        "- Stages: prepare, launch\n"
        "- Owner: boss@example.com\n"
        "\n"
        f"{FOOT}"
    )


def test_the_epic_begins_with_the_problem_where_one_is_written():
    text = epic_text(read(FULL.replace("change: new", "change: new\n  problem: Minors gamble.")))
    assert text.startswith("Minors gamble.\n\n- Change: new\n")


def test_the_epic_tells_its_days_in_the_zone_of_the_program():
    spec = read(
        FULL.replace("timezone: UTC,", "timezone: America/Los_Angeles, announce: 2025-10-28 09:00,")
    )
    assert (
        "- Announce: Tue 28 Oct 2025 09:00 PDT\n- Effective: Mon 1 Dec 2025 00:00 PST\n"
        in epic_text(spec)
    )


def test_the_epic_leaves_out_what_the_spec_does_not_say():
    text = (
        "program: p\npolicy: {change: new}\npeople: {ops: {members: [oda@example.com]}}\n"
        "stages: {launch: {}}\n"
    )
    assert epic_text(read(text)) == f"- Change: new\n- Stages: launch\n\n{FOOT}"


def test_a_task_tells_where_it_belongs_and_what_comes_before():
    assert task(FULL, "memo") == (
        "- Program: Skins and stakes\n"
        "- Stage: prepare\n"
        "- Team: legal\n"
        "- Takes: 1bd\n"
        "- After: guideline\n"
        "- Key: `p/prepare/memo`\n"
        "\n"
        f"{FOOT}"
    )


def test_a_task_begins_with_its_details_and_names_its_part():
    text = PLAIN.replace("team: policy,", "team: policy, per: market, details: With cases.,")
    assert task(text, "guideline/BR") == (
        "With cases.\n"
        "\n"
        "- Program: Skins and stakes\n"
        "- Stage: prepare\n"
        "- Team: policy\n"
        "- Takes: 1bd\n"
        "- For: BR\n"
        "- Key: `p/prepare/guideline/BR`\n"
        "\n"
        f"{FOOT}"
    )


def test_a_sign_off_asks_its_question_with_evidence_and_digest():
    program = asked()
    digest = program.state.gates["prepare"].digest
    assert program.model.issues[program.desk("legal")].description == (
        "Does **legal** agree that stage **prepare** is finished? "
        "May sign: lea@example.com, both@example.com. Needed: 1.\n"
        "\n"
        "**Skins and stakes** — gate of stage **prepare**, round 1\n"
        "\n"
        "Policy change: new, rules.md version 1.0.\n"
        "\n"
        "| criterion | asks | answer | done |\n"
        "|---|---|---|---|\n"
        "| tasks | all done | ✓ holds | 1 of 1 |\n"
        "\n"
        "| role | needs | signed | waiting for | since |\n"
        "|---|---|---|---|---|\n"
        "| legal | 1 | — | lea@example.com or both@example.com | Mon 3 Nov 2025 09:01 UTC |\n"
        "\n"
        f"Digest of what is signed: `{digest}`\n"
        "\n"
        "- **To approve**, move this issue to Approved.\n"
        "- **To reject**, write a comment with the reason, and a line such as "
        "`Reopen: guideline` that names what goes back to work; "
        "then move this issue to Rejected.\n"
        "- **To stop the program for good**, write the reason and the line `For good` in a "
        "comment; then move this issue to Rejected."
    )


def test_a_sign_off_of_the_next_round_tells_why_the_last_one_ended():
    program = asked()
    program.reject("legal", "lea", "Too vague.")
    program.settle()
    text = program.model.issues[program.desk("legal")].description
    assert "gate of stage **prepare**, round 2\n" in text
    assert (
        "\n\n- Round 1 was rejected by lea@example.com for legal on Mon 3 Nov 2025 09:03 UTC: "
        "Too vague.\n\n"
    ) in text


def test_how_to_reject_names_items_of_the_stage():
    assert "`Reopen: guideline, memo`" in how_to_sign(read(FULL), "prepare", STATUSES)


def test_how_to_reject_a_stage_without_items_asks_for_the_reason_only():
    assert how_to_sign(
        read(f"{HEAD}  empty: {{}}\n"), "empty", AnswerStatuses("Go", "Declined")
    ) == (
        "- **To approve**, move this issue to Go.\n"
        "- **To reject**, write a comment with the reason; then move this issue to Declined.\n"
        "- **To stop the program for good**, write the reason and the line `For good` in a "
        "comment; then move this issue to Declined."
    )
