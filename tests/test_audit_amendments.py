"""The audit of an amended program: the same outcome, and what cannot have been is named."""

from dataclasses import replace

import pytest

from policy_rollout.audit import amendments, as_json, audit, verdict_lines
from policy_rollout.journal.chain import canonical_json
from policy_rollout.report.audit_page import audit_page
from tests.rehearsed import (
    BRANDT,
    HADDAD,
    MORNING,
    OSEI,
    OWNER,
    WORK,
    Rehearsal,
    audited,
    changed,
    numbers,
    said,
    without,
    written_anew,
)

LATER = ("effective: 2026-04-01 09:00", "effective: 2026-04-15 09:00")
RENAMED = (
    ("  prepare:\n", "  ready:\n    was: prepare\n"),
    ("after: [prepare]", "after: [ready]"),
    ("guideline: {title", "rules: {was: guideline, title"),
)
NO_LABEL = ("      label: {title: Label in the tool, team: ops}\n", "")


@pytest.fixture
def amended(journal) -> Rehearsal:
    """Amended before, between and after sign-offs, renamed, reopened, and finished."""
    program = Rehearsal(journal)
    program.done(*WORK)
    program.approve("prepare", "legal", BRANDT, "Condition for launch (ops): Publish the page")
    program.amend(LATER, reason="The text was late")
    program.approve("prepare", "legal", BRANDT)
    program.sign_by_code("prepare", "policy", OSEI, "code-1")
    program.amend(*RENAMED, reason="Said more plainly")
    # Only keys stay: who acts on an issue names it by the ids that it had first.
    program.approve("prepare", "legal", BRANDT)
    program.approve("prepare", "policy", HADDAD)
    program.sign_by_code("ready", "policy", OSEI, "code-2")
    assert program.state.passed("ready")
    program.amend(NO_LABEL, reason="Nobody reads it", reopen=("ready",))
    program.approve("prepare", "legal", BRANDT)
    program.approve("prepare", "policy", HADDAD)
    program.sign_by_code("ready", "policy", OSEI, "code-3")
    program.done("launch/switch")
    program.approve("launch", "legal", BRANDT)
    assert program.state.finished_at is not None
    return program


def test_an_amended_program_comes_to_the_same_outcome_from_its_journal(amended):
    found = audited(amended)
    assert said(found) == []
    assert [gate.stage for gate in found.recomputation.gates] == ["ready", "launch"]
    assert all(gate.passed for gate in found.recomputation.gates)


def test_who_amended_it_why_and_the_difference_are_told(amended):
    found = audited(amended)
    first, second, third = amendments(found.recomputation.state)
    assert (first.version.by, first.version.reason) == (OWNER, "The text was late")
    assert first.differences == ("timeline.effective: was 2026-04-01 09:00, is 2026-04-15 09:00",)
    assert "stages.launch.after: was [prepare], is [ready]" in second.differences
    assert third.differences == (
        "stages.ready.tasks.label: gone, was {title: Label in the tool, team: ops}",
    )
    told = as_json(found, found.findings)["amendments"]
    assert [each["entry"] for each in told] == numbers(found.entries, "amended")
    lines = list(verdict_lines(found, found.findings, most=5))
    assert lines[1] == (
        f"amended at entry {first.version.entry} by {OWNER}: The text was late (1 difference)"
    )


def test_the_page_shows_the_amendments_and_both_rounds_of_a_reopened_gate(amended):
    page = audit_page(audited(amended), exported_at=MORNING)
    assert '<h2 id="amendments">Amendments</h2>' in page
    assert "The text was late" in page
    assert "timeline.effective: was 2026-04-01 09:00, is 2026-04-15 09:00" in page
    assert f"Round 1: passed, and reopened by {OWNER}" in page
    assert "Round 2: passed" in page
    assert "The text as it was amended last" in page


def test_an_amendment_that_names_other_work_for_a_key_is_found(amended):
    entries = audited(amended).entries
    second = numbers(entries, "amended")[1]
    keys = {"appeals/ready": "appeals/prepare", "appeals/ready/rules": "appeals/prepare/label"}
    assert f"entry {second}: it renames or reopens something else than its spec says" in said(
        changed(entries, second, keys=keys)
    )


def test_an_amendment_that_could_not_be_made_is_found(amended):
    entries = audited(amended).entries
    first = numbers(entries, "amended")[0]
    dropped = amended.spec_text.replace("  ready:\n    was: prepare\n", "  other:\n")
    dropped = dropped.replace("after: [ready]", "after: [other]")
    found = said(changed(entries, first, spec_text=dropped))
    assert any(
        each.startswith(
            f"entry {first}: it could not be amended so: found no stage 'prepare' in the new spec"
        )
        for each in found
    )


def test_an_amendment_that_drops_a_signer_on_the_quiet_does_not_hold(amended):
    """The gate asked for two roles; a touched amendment says that one was enough."""
    entries = audited(amended).entries
    third = numbers(entries, "amended")[2]
    text = amended.spec_text.replace("sign_off: {policy: 2, legal: 1}", "sign_off: {policy: 2}")
    assert said(changed(entries, third, spec_text=text))


def test_an_amendment_taken_out_of_the_journal_is_found(amended):
    entries = audited(amended).entries
    for number in numbers(entries, "amended"):
        assert said(without(entries, number))


def test_a_gate_that_passes_before_a_reopened_one_in_front_of_it_is_found(journal):
    program = Rehearsal(journal)
    program.done(*WORK)
    program.approve("prepare", "legal", BRANDT)
    program.approve("prepare", "policy", HADDAD)
    program.sign_by_code("prepare", "policy", OSEI, "code-1")
    program.done("launch/switch")
    program.approve("launch", "legal", BRANDT)
    entries = list(audited(program).entries)
    (passed,) = numbers(tuple(entries), "gate_passed", stage="launch")
    body = {
        "spec_text": program.spec_text,
        "spec_path": "appeals.yaml",
        "by": OWNER,
        "reason": "Once more",
        "reopened": ["prepare"],
    }
    amended = replace(entries[0], kind="amended", body=canonical_json(body))
    touched = [*entries[: passed - 1], amended, *entries[passed - 1 :]]
    found = said(audit("appeals", written_anew(touched)))
    assert any("the gate of prepare, which comes before, had not passed" in each for each in found)


def test_an_amendment_before_any_launch_is_found(amended):
    entries = audited(amended).entries
    alone = [each for each in entries if each.kind == "amended"][:1]
    found = said(audit("appeals", written_anew(alone)))
    assert found == ["entry 1: the program was amended without a spec that it followed"]
