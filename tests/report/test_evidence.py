"""The evidence of a gate, word for word."""

from datetime import UTC, date, datetime

from policy_rollout import events as ev
from policy_rollout.gates import judge, waived
from policy_rollout.program import GateState
from policy_rollout.report.evidence import (
    CHANGES_SHOWN,
    OPEN_ITEMS_SHOWN,
    GateView,
    cell,
    changes_since,
    criteria_table,
    gate_evidence,
    history,
    local,
    sign_off_table,
    waivers,
)
from policy_rollout.signers import Bench
from policy_rollout.work import State, expand
from tests.planned import read
from tests.programs_under_way import BEGAN, FULL, HEAD, QUORUM, TWO_ROLES, account, person

DONE = ev.Seen(state=State.DONE, completion=100)


def criteria(text: str, **seen: ev.Seen):
    spec = read(text)
    items = [item for item in expand(spec) if item.stage == "prepare"]
    return judge(spec, "prepare", items, lambda key: seen.get(key.split("/")[2], DONE))


def gate(*signers: tuple[str, str], digest: str | None = "d1g") -> GateState:
    """An open gate on which these (role, name) have signed."""
    sign_offs = [
        ev.SignedOff(
            stage="prepare",
            round=1,
            role=role,
            person=person(name),
            account=account(name),
            digest="d1g",
            history_id=name,
            at=BEGAN,
        )
        for role, name in signers
    ]
    return GateState(opened_at=BEGAN, digest=digest, ready_at=BEGAN, sign_offs=sign_offs)


def seat(text: str, given: GateState, stage: str = "prepare") -> Bench:
    """The bench of a gate at which nobody is barred."""
    return Bench(read(text), stage, given, given.digest, frozenset(), frozenset())


def evidence_of(text: str, given: GateState, judged=None) -> str:
    return gate_evidence(
        GateView(seat(text, given), criteria(text) if judged is None else judged, {})
    )


def rejected(number: int, reason: str) -> ev.Rejected:
    return ev.Rejected(
        stage="prepare",
        round=number,
        role="legal",
        person=person("lea"),
        account=account("lea"),
        history_id=str(number),
        at=BEGAN,
        reason=reason,
        sent_back=(),
    )


def test_the_table_of_criteria_ends_with_what_is_open():
    table = criteria_table(
        criteria(
            FULL,
            memo=ev.Seen(state=State.TODO),
            quiz=ev.Seen(state=State.IN_PROGRESS, completion=60),
            queue=ev.Seen(state=State.MISSING),
        ),
        {"p/prepare/memo": "[POL-3](https://jira.test/browse/POL-3)"},
    )
    assert table == (
        "| criterion | asks | answer | done |\n"
        "|---|---|---|---|\n"
        "| tasks | all done | ✗ not yet | 1 of 2 |\n"
        "| training in en-US | 95% completed | ✗ not yet | 0 of 1 |\n"
        "| training in ja-JP | 95% completed | ✗ not yet | 0 of 1 |\n"
        "| checklist queue | all done | ? cannot tell | 0 of 2 |\n"
        "\n"
        "By language or market:\n"
        "\n"
        "- training in en-US: en-US 0 of 1\n"
        "- training in ja-JP: ja-JP 0 of 1\n"
        "\n"
        "Still open:\n"
        "\n"
        "- [POL-3](https://jira.test/browse/POL-3): Write the memo — to do, wim@example.com\n"
        "- quiz/en-US: Reviewer quiz (en-US) — 60% completed, oda@example.com\n"
        "- quiz/ja-JP: Reviewer quiz (ja-JP) — 60% completed, oda@example.com\n"
        "- queue/routing: Route the items — it was deleted or cannot be found, oda@example.com\n"
        "- queue/breaks: Agree on breaks — it was deleted or cannot be found, oda@example.com"
    )


def test_the_table_of_criteria_that_hold_lists_nothing_open():
    assert criteria_table(criteria(TWO_ROLES), {}) == (
        "| criterion | asks | answer | done |\n"
        "|---|---|---|---|\n"
        "| tasks | all done | ✓ holds | 1 of 1 |"
    )


def test_a_gate_without_criteria_says_so():
    assert criteria_table((), {}) == "No criteria: this gate asks for sign-offs only."


def test_a_long_list_of_open_items_is_cut_and_counted():
    items = ", ".join(f"i{number}: Item {number}" for number in range(15))
    text = f"{HEAD}  prepare: {{checklists: {{many: {{team: ops, items: {{{items}}}}}}}}}\n"
    lines = criteria_table(criteria(text, many=ev.Seen(state=State.TODO)), {}).splitlines()
    assert lines[-2:] == ["- many/i11: Item 11 — to do, oda@example.com", "- and 3 more"]


def test_a_gate_that_nobody_signs_says_so():
    table = sign_off_table(seat(FULL, gate(), "launch"), asks=True)
    assert table == "Nobody has to sign: the gate passes when its criteria hold."


def test_the_table_of_sign_offs_names_who_signed_and_who_still_may():
    given = gate(("policy", "both"))
    assert sign_off_table(seat(TWO_ROLES, given), asks=True) == (
        "| role | needs | signed | waiting for | since |\n"
        "|---|---|---|---|---|\n"
        "| legal | 1 | — | lea@example.com | Mon 3 Nov 2025 09:00 UTC |\n"
        "| policy | 1 | both@example.com (Mon 3 Nov 2025 09:00 UTC) | — | — |"
    )


def test_a_quorum_waits_for_those_who_have_not_signed():
    table = sign_off_table(seat(QUORUM, gate(("policy", "pia"))), asks=True)
    assert table.splitlines()[-1] == (
        "| policy | 2 | pia@example.com (Mon 3 Nov 2025 09:00 UTC) "
        "| pat@example.com or both@example.com | Mon 3 Nov 2025 09:00 UTC |"
    )


def test_sign_offs_wait_for_the_criteria_while_these_do_not_hold():
    table = sign_off_table(seat(QUORUM, gate()), asks=False)
    assert table.splitlines()[-1] == "| policy | 2 | — | the criteria above | — |"


def test_the_evidence_of_a_gate_that_asks_reads_from_change_to_digest():
    evidence = evidence_of(QUORUM, gate(("policy", "pia")))
    assert evidence == (
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
        "| policy | 2 | pia@example.com (Mon 3 Nov 2025 09:00 UTC) "
        "| pat@example.com or both@example.com | Mon 3 Nov 2025 09:00 UTC |\n"
        "\n"
        "Digest of what is signed: `d1g`"
    )


def test_a_gate_whose_criteria_do_not_hold_any_more_shows_no_digest_to_sign():
    open_again = criteria(QUORUM, guideline=ev.Seen(state=State.TODO))
    evidence = evidence_of(QUORUM, gate(), open_again)
    assert "Digest" not in evidence
    assert "the criteria above" in evidence


def test_a_policy_without_a_document_is_named_by_its_change():
    text = QUORUM.replace('  document: {ref: rules.md, version: "1.0"}\n', "")
    evidence = evidence_of(text, gate())
    assert "\n\nPolicy change: new.\n\n" in evidence


def test_earlier_rounds_are_told_newest_first_each_on_a_line():
    given = gate()
    given.rejections = [rejected(1, "Too vague.\nReopen: guideline"), rejected(2, "Still vague.")]
    assert history(read(QUORUM), given) == (
        "- Round 2 was rejected by lea@example.com for legal on Mon 3 Nov 2025 09:00 UTC: "
        "Still vague.\n"
        "- Round 1 was rejected by lea@example.com for legal on Mon 3 Nov 2025 09:00 UTC: "
        "Too vague. Reopen: guideline"
    )


def test_earlier_rounds_are_part_of_the_evidence():
    given = gate()
    given.rejections = [rejected(1, "Too vague.")]
    evidence = evidence_of(QUORUM, given)
    assert "- Round 1 was rejected by lea@example.com for legal" in evidence


def test_text_stays_in_its_cell_of_a_table():
    assert cell(" Skins |\n stakes ") == "Skins \\| stakes"


def test_times_are_told_in_the_zone_of_the_program_with_the_weekday():
    spec = read(QUORUM.replace("timezone: UTC", "timezone: America/Los_Angeles"))
    assert local(datetime(2025, 11, 17, 3, 0, tzinfo=UTC), spec) == "Sun 16 Nov 2025 19:00 PST"


def test_since_is_told_in_the_zone_of_the_role_that_is_waited_for():
    text = TWO_ROLES.replace(
        "{members: [lea@example.com, both@example.com, boss@example.com]}",
        "{members: [lea@example.com], timezone: Asia/Singapore}",
    )
    legal, policy = sign_off_table(seat(text, gate()), asks=True).splitlines()[-2:]
    assert legal.endswith("| lea@example.com | Mon 3 Nov 2025 17:00 +08 |")
    assert policy.endswith("| Mon 3 Nov 2025 09:00 UTC |")


def test_whoever_signs_for_another_person_is_shown_so_with_the_number_of_conditions():
    given = gate(("legal", "bea"))
    condition = ev.Condition(stage="launch", team="ops", text="Tell the market")
    given.sign_offs[0] = given.sign_offs[0].model_copy(
        update={"stands_for": person("lea"), "conditions": (condition,)}
    )
    assert (
        "| legal | 1 | bea@example.com for lea@example.com "
        "(Mon 3 Nov 2025 09:00 UTC, 1 condition) | — | — |"
    ) in sign_off_table(seat(TWO_ROLES, given), asks=True)


def test_where_nobody_may_sign_the_table_says_so():
    bench = Bench(
        read(TWO_ROLES),
        "prepare",
        gate(),
        "d1g",
        frozenset({person("lea"), person("both")}),
        frozenset(),
    )
    assert "| legal | 1 | — | nobody may sign: see the owner |" in sign_off_table(bench, asks=True)


# Waivers and changes


def waiver(criterion: str, reason: str = "No reviewers.") -> ev.Waived:
    return ev.Waived(
        stage="prepare",
        criterion=criterion,
        person=person("pat"),
        account=account("pat"),
        reason=reason,
        until=date(2025, 12, 31),
        history_id="9",
        at=BEGAN,
    )


def test_a_waived_criterion_is_marked_and_what_is_open_stays_listed():
    judged = waived(
        criteria(TWO_ROLES, guideline=ev.Seen(state=State.TODO)),
        {"tasks": waiver("tasks")},
        date(2025, 11, 3),
    )
    table = criteria_table(judged, {})
    assert "| tasks | all done | ✓ waived by pat@example.com until 2025-12-31 | 0 of 1 |" in table
    assert "- guideline: Write the guideline — to do, wim@example.com" in table


def test_every_waiver_stands_in_the_evidence_with_its_reason():
    given = gate()
    given.waivers["tasks"] = waiver("tasks", "No\nreviewers.")
    line = "- tasks is waived by pat@example.com until 2025-12-31: No reviewers."
    assert waivers(given) == line
    assert f"\n\n{line}\n\n" in evidence_of(TWO_ROLES, given)


def test_the_first_text_that_is_asked_for_has_no_changes():
    given = gate()
    given.covers = {"d1g": {"title": "Skins", "round": 1}}
    assert changes_since(given) == ""


def test_what_changed_since_it_was_last_asked_is_part_of_the_evidence():
    given = gate()
    given.covers = {"old": {"title": "Skins", "round": 1}, "d1g": {"title": "Stakes", "round": 1}}
    changes = 'Changed since it was last asked:\n\n- title: was "Skins", is "Stakes"'
    assert changes_since(given) == changes
    assert f"\n\n{changes}\n\n" in evidence_of(TWO_ROLES, given)


def test_a_long_list_of_changes_is_cut_and_counted():
    given = gate()
    work = [{"key": f"p/prepare/i{number}"} for number in range(CHANGES_SHOWN + 3)]
    given.covers = {"old": {"work": []}, "d1g": {"work": work}}
    assert changes_since(given).splitlines()[-2:] == ["- p/prepare/i11: new", "- and 3 more"]


# Size


def test_the_evidence_of_a_thousand_open_items_is_bounded():
    items = ", ".join(f"i{number}: Item {number}" for number in range(500))
    many = f"{{team: ops, per: market, items: {{{items}}}}}"
    text = f"{HEAD}  prepare: {{checklists: {{many: {many}}}}}\n"
    judged = criteria(text, many=ev.Seen(state=State.TODO))
    assert sum(each.total for each in judged) == 1000
    evidence = evidence_of(text, gate(), judged)
    assert "- checklist many: JP 0 of 500, BR 0 of 500" in evidence
    assert f"- and {1000 - OPEN_ITEMS_SHOWN} more" in evidence
    assert len(evidence) < 3000
