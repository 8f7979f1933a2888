"""Attempts to have a signature count for another text than the one that was signed."""

from dataclasses import replace
from datetime import timedelta

import pytest
from gate_under_attack import (
    LEGAL,
    OWN_ACCOUNT,
    POLICY,
    SECOND_LEGAL,
    SECOND_POLICY,
    Gate,
    asking,
    one_short,
    spec_with,
)

from policy_rollout import events as ev
from policy_rollout.work import State, sign_off_key

NOT_ASKED = "it was not asked for yet; read what is asked now and sign then"
DOES_NOT_HOLD = "the gate's criteria do not hold now; sign when it asks again"
CHANGED = "the text to sign has changed since; read the new one and sign again"
TWO_OF_LEGAL = ("sign_off: {legal: 1, policy: 1}", "sign_off: {legal: 2, policy: 1}")
NEW_VERSION = ('version: "1.0"', 'version: "2.0"')
GATE = "    gate:\n      sign_off: {legal: 1, policy: 1}"
ONE_ITEM_MORE = (GATE, f"      notice: {{title: Write the notice, team: ops}}\n{GATE}")


def assert_refused(gate: Gate, why: str) -> None:
    assert gate.refusals[-1:] == [why]
    assert not gate.passed


def test_an_approval_before_the_gate_asked_is_refused():
    gate = Gate()
    gate.gives_code(LEGAL, digest="")
    gate.look()
    assert_refused(gate, DOES_NOT_HOLD)


def test_a_digest_worked_out_before_the_gate_asked_for_it_is_refused():
    later = asking().state.gates["prepare"].digest
    gate = Gate()
    for name in ("prepare/guideline", "prepare/label"):
        gate.works(name, State.DONE)
    gate.gives_code(LEGAL, digest=later)
    gate.look()
    assert gate.state.gates["prepare"].digest == later
    assert_refused(gate, NOT_ASKED)


def test_an_approval_while_a_criterion_fails_is_refused():
    gate = one_short()
    gate.works("prepare/label", State.IN_PROGRESS)
    gate.look()
    gate.moves(LEGAL)
    gate.look()
    assert_refused(gate, DOES_NOT_HOLD)


def test_an_approval_while_nobody_can_tell_is_refused():
    gate = one_short()
    gate.delete("demo/prepare/label")
    gate.look()
    gate.moves(LEGAL)
    gate.look()
    assert_refused(gate, DOES_NOT_HOLD)


def test_work_that_opens_again_after_all_have_signed_is_seen_before_the_gate_passes():
    gate = one_short()
    gate.moves(LEGAL)
    gate.works("prepare/label", State.IN_PROGRESS)
    gate.look()
    assert_refused(gate, DOES_NOT_HOLD)


def test_a_sign_off_on_an_older_version_of_the_policy_is_refused_with_the_difference():
    gate = one_short()
    gate.moves(LEGAL)
    gate.amend(spec_with(NEW_VERSION))
    assert_refused(
        gate,
        f'{CHANGED} (policy.document: was {{"ref": "docs/policy.md", "version": "1.0"}}, '
        'is {"ref": "docs/policy.md", "version": "2.0"})',
    )


def test_a_code_given_on_an_older_version_of_the_policy_is_refused_with_the_difference():
    gate = one_short()
    older = gate.state.gates["prepare"].digest
    gate.amend(spec_with(NEW_VERSION))
    gate.gives_code(LEGAL, digest=older)
    gate.look()
    assert gate.refusals[-1].startswith(f"{CHANGED} (policy.document: was")
    assert not gate.passed


def test_an_amended_policy_voids_the_sign_offs_that_stood():
    gate = one_short()
    assert gate.signers == [POLICY]
    gate.amend(spec_with(NEW_VERSION))
    gate.moves(LEGAL)
    gate.look()
    assert gate.signers == [LEGAL]
    assert not gate.passed


def test_an_item_added_by_an_amended_spec_voids_the_sign_offs_that_stood():
    gate = one_short()
    gate.amend(spec_with(ONE_ITEM_MORE))
    gate.works("prepare/notice", State.DONE)
    gate.look()
    assert gate.signers == []
    gate.moves(LEGAL)
    gate.look()
    assert gate.signers == [LEGAL]
    assert not gate.passed


def test_lowering_the_quorum_voids_the_sign_offs_that_stood():
    gate = one_short(spec_with(TWO_OF_LEGAL))
    gate.moves(LEGAL)
    gate.look()
    assert gate.signers == [POLICY, LEGAL]
    gate.amend(spec_with())
    assert gate.signers == []
    assert not gate.passed


def test_dropping_a_role_from_the_gate_voids_the_sign_offs_that_stood():
    gate = one_short()
    gate.amend(spec_with(("sign_off: {legal: 1, policy: 1}", "sign_off: {policy: 1}")))
    assert gate.signers == []
    assert not gate.passed


def test_the_sign_off_of_a_signer_whom_an_amended_spec_dropped_does_not_count():
    gate = one_short()
    gate.amend(spec_with(("policy: {members: [pia@example.com, ", "policy: {members: [")))
    gate.moves(LEGAL)
    gate.look()
    (void,) = gate.of_kind(ev.SignOffWithdrawn)
    assert (void.name, void.why) == (POLICY, f"{POLICY} is no longer a member of policy")
    assert gate.signers == [LEGAL]
    assert not gate.passed


def test_the_sign_off_of_a_signer_whom_an_amended_spec_made_the_owner_does_not_count():
    gate = one_short()
    gate.amend(spec_with(("owner: olga@example.com", f"owner: {POLICY}")))
    gate.moves(LEGAL)
    gate.look()
    (void,) = gate.of_kind(ev.SignOffWithdrawn)
    assert void.why == "the owner of the program cannot sign its gates"
    assert not gate.passed


def test_a_sign_off_on_an_old_round_is_refused():
    gate = one_short()
    before = gate.state.gates["prepare"].digest
    gate.says(SECOND_LEGAL, "An example is wrong.")
    gate.moves(SECOND_LEGAL, "Rejected")
    gate.look()
    gate.gives_code(LEGAL, digest=before)
    gate.look()
    assert_refused(gate, f"{CHANGED} (round: was 1, is 2)")


def test_an_approval_in_the_same_moment_as_a_rejection_does_not_count_for_the_next_round():
    gate = one_short()
    gate.gives_code(SECOND_LEGAL, action="ask for changes", text="An example is wrong.")
    gate.gives_code(LEGAL)
    gate.look()
    assert_refused(gate, NOT_ASKED)
    assert gate.signers == []


def test_a_sign_off_that_was_taken_back_does_not_count():
    gate = one_short()
    signed = gate.moves(LEGAL)
    gate.moves(LEGAL, "To Do", state=State.TODO)
    gate.look()
    (withdrawn,) = gate.of_kind(ev.SignOffWithdrawn)
    assert withdrawn.signed == signed
    assert not gate.passed


def test_a_sign_off_taken_back_and_given_again_by_somebody_else_is_that_persons():
    gate = one_short()
    gate.moves(LEGAL)
    gate.moves(LEGAL, "To Do", state=State.TODO)
    gate.moves(SECOND_POLICY)
    gate.look()
    assert gate.refusals == [
        f"{SECOND_POLICY} is not a member of legal; for legal may sign: {LEGAL}, {SECOND_LEGAL}"
    ]
    assert not gate.passed


def test_the_same_transition_seen_twice_is_one_sign_off():
    gate = one_short(spec_with(TWO_OF_LEGAL))
    gate.moves(LEGAL)
    gate.transitions.append(gate.transitions[-1])
    gate.look()
    assert gate.signers == [POLICY, LEGAL]
    assert not gate.passed


def test_a_transition_dated_before_the_gate_asked_is_refused():
    gate = one_short()
    gate.moves(LEGAL, at=gate.now - timedelta(days=1))
    gate.look()
    assert_refused(gate, NOT_ASKED)


def test_a_transition_dated_before_the_text_changed_is_refused():
    gate = one_short()
    asked = gate.state.gates["prepare"].asked["legal"].at
    gate.amend(spec_with(NEW_VERSION))
    gate.moves(LEGAL, at=asked)
    gate.look()
    assert gate.refusals[-1].startswith(f"{CHANGED} (policy.document: was")
    assert not gate.passed


def test_a_transition_dated_in_the_future_counts_for_no_text_that_comes_later():
    gate = one_short()
    gate.moves(LEGAL, at=gate.now + timedelta(days=30))
    gate.amend(spec_with(NEW_VERSION))
    assert not gate.passed
    assert gate.refusals != []


def test_an_answer_on_a_copy_of_the_sign_off_issue_counts_for_nothing():
    gate = one_short()
    original = gate.issues[gate.desk()]
    gate.issues["demo/prepare/sign-off:copy"] = replace(original, issue_key="POL-999")
    gate._transition("demo/prepare/sign-off:copy", "acc:lena", "Approved", State.DONE)
    gate.look()
    assert gate.signers == [POLICY]
    assert not gate.passed


def test_deleting_the_sign_off_issue_gives_no_sign_off():
    gate = one_short()
    gate.delete(gate.desk())
    gate.look()
    assert gate.signers == [POLICY]
    assert not gate.passed


def test_an_approval_of_the_sign_off_issue_of_another_gate_counts_for_that_one_alone():
    gate = one_short()
    gate.works("announce/post", State.DONE, by="cara@example.com")
    gate.look()
    issue_key = sign_off_key("demo", "announce", "policy")
    gate._transition(issue_key, "acc:lena", "Approved", State.DONE)
    gate.look()
    assert gate.refusals == [
        f"{LEGAL} is not a member of policy; for policy may sign: {POLICY}, {SECOND_POLICY}"
    ]
    assert not gate.passed
    assert not gate.state.passed("announce")


def test_moving_the_issue_by_the_service_account_takes_no_sign_off_back_unseen():
    gate = one_short(spec_with(TWO_OF_LEGAL))
    gate.moves(LEGAL)
    gate.look()
    gate.moves("", "To Do", account=OWN_ACCOUNT, state=State.TODO)
    gate.look()
    assert gate.of_kind(ev.SignOffWithdrawn) == []
    assert gate.signers == [POLICY, LEGAL]


@pytest.mark.parametrize("status", ["Rejected", "rejected", "REJECTED"])
def test_the_status_that_rejects_never_approves(status):
    gate = one_short()
    gate.says(LEGAL, "Not like this.")
    gate.moves(LEGAL, status)
    gate.look()
    assert len(gate.of_kind(ev.Rejected)) == 1
    assert not gate.passed


def test_a_rejection_without_a_reason_is_refused_and_approves_nothing():
    gate = one_short()
    gate.moves(LEGAL, "Rejected")
    gate.now += timedelta(minutes=11)
    gate.look()
    assert_refused(gate, "a rejection needs its reason in a comment; write one, then reject again")


def test_a_comment_edited_after_the_rejection_changes_nothing_of_it():
    gate = one_short()
    gate.says(LEGAL, "Not like this. Reopen: guideline", comment="1")
    gate.moves(LEGAL, "Rejected")
    gate.look()
    gate.says(LEGAL, "All is well after all.", comment="1")
    gate.look()
    (rejected,) = gate.of_kind(ev.Rejected)
    assert rejected.reason == "Not like this. Reopen: guideline"
    assert gate.state.gates["prepare"].round == 2
    assert not gate.passed
