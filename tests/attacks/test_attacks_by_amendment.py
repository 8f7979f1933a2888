"""Attempts of somebody who may amend or hold a program: what was signed under other terms."""

import pytest
from gate_under_attack import (
    DOER,
    LEGAL,
    POLICY,
    SECOND_LEGAL,
    Gate,
    account_of,
    asking,
    one_short,
    spec_with,
)

from policy_rollout import events as ev
from policy_rollout.errors import SpecRefused
from policy_rollout.work import State

TWO_OF_LEGAL = ("sign_off: {legal: 1, policy: 1}", "sign_off: {legal: 2, policy: 1}")
OTHER_ACCOUNTS = (
    "stages:\n",
    f"accounts: {{{SECOND_LEGAL}: acc:new, {LEGAL}: acc:luis}}\nstages:\n",
)
ONE_AFTER_THE_OTHER = ("  announce:\n", "  announce:\n    after: [prepare]\n")


def finish(gate: Gate, stage: str, item: str, by: str = DOER) -> None:
    gate.works(f"{stage}/{item}", State.DONE, by=by)
    gate.look()


def test_one_account_that_is_given_to_a_second_name_does_not_fill_a_quorum_of_two():
    gate = one_short(spec_with(TWO_OF_LEGAL))
    gate.moves(SECOND_LEGAL)
    gate.look()
    given = {SECOND_LEGAL: "acc:new", LEGAL: account_of(SECOND_LEGAL)}
    gate.amend_in_flight(spec_with(TWO_OF_LEGAL, OTHER_ACCOUNTS), accounts=given)
    gate.moves(LEGAL, account=account_of(SECOND_LEGAL))
    gate.look()
    (void,) = gate.of_kind(ev.SignOffWithdrawn)
    assert void.why == f"{SECOND_LEGAL} has another account now than the one that signed"
    assert gate.signers == [POLICY, LEGAL]
    assert not gate.passed


def test_a_code_counts_no_longer_once_its_signer_has_another_account():
    gate = one_short(spec_with(TWO_OF_LEGAL))
    gate.gives_code(SECOND_LEGAL)
    gate.look()
    given = {SECOND_LEGAL: "acc:new", LEGAL: account_of(SECOND_LEGAL)}
    gate.amend_in_flight(spec_with(TWO_OF_LEGAL, OTHER_ACCOUNTS), accounts=given)
    assert gate.signers == [POLICY]


def test_who_did_the_work_signs_nothing_under_another_account_either():
    gate = one_short()
    gate.works("prepare/label", State.IN_PROGRESS)
    gate.look()
    finish(gate, "prepare", "label", by=SECOND_LEGAL)
    given = {SECOND_LEGAL: "acc:new", LEGAL: account_of(LEGAL)}
    gate.amend_in_flight(
        spec_with(("stages:\n", f"accounts: {{{SECOND_LEGAL}: acc:new}}\nstages:\n")),
        accounts=given,
    )
    gate.moves(SECOND_LEGAL, account="acc:new")
    gate.look()
    assert gate.refusals[-1].startswith(f"{SECOND_LEGAL} did work that this gate judges")
    assert not gate.passed


def test_an_old_sign_off_does_not_pass_a_gate_that_was_reopened():
    gate = one_short()
    gate.moves(LEGAL)
    gate.look()
    assert gate.passed
    gate.amend_in_flight(spec_with(("title: Demo", "title: Other")), reopen=["prepare"])
    assert not gate.passed
    gate.amend_in_flight(spec_with(("title: Demo", "title: Third")))
    assert gate.signers == []
    gate.moves(POLICY, role="policy")
    gate.look()
    assert gate.signers == [POLICY]
    assert not gate.passed


def test_a_code_on_the_text_before_a_gate_was_reopened_is_refused():
    gate = one_short()
    before = gate.state.gates["prepare"].digest
    gate.moves(LEGAL)
    gate.look()
    gate.amend_in_flight(spec_with(("title: Demo", "title: Other")), reopen=["prepare"])
    gate.gives_code(SECOND_LEGAL, digest=before)
    gate.look()
    assert gate.refusals[-1].startswith("the text to sign has changed since")
    assert gate.signers == []


def test_a_condition_is_not_put_off_to_a_gate_that_has_passed_already():
    """A reopened gate comes before one that has passed: what is asked of that one asks nobody."""
    gate = one_short(spec_with(ONE_AFTER_THE_OTHER))
    gate.moves(LEGAL)
    gate.look()
    gate.stage = "announce"
    finish(gate, "announce", "post", by="cara@example.com")
    gate.moves(POLICY, role="policy")
    gate.look()
    assert gate.passed
    renamed = spec_with(ONE_AFTER_THE_OTHER, ("title: Demo", "title: Other"))
    gate.amend_in_flight(renamed, reopen=["prepare"])
    gate.stage = "prepare"
    gate.gives_code(LEGAL, text="Condition for announce: publish the page")
    gate.look()
    assert gate.refusals[-1] == (
        "a condition names the gate 'announce', which has passed; those that are to come: launch"
    )
    assert gate.signers == []


def test_two_stages_do_not_change_names_so_that_one_has_the_sign_offs_of_the_other():
    gate = one_short()
    swapped = spec_with(
        ("  announce:\n", "  announced:\n    was: prepare\n"),
        ("  prepare:\n", "  announce:\n"),
        ("after: [prepare, announce]", "after: [announce, announced]"),
    )
    gate.amend_in_flight(swapped)
    finish(gate, "prepare", "post", by="cara@example.com")  # of `announced`, by its first key
    gate.stage = "announced"
    assert gate.signers == []
    assert not gate.passed


def test_a_renamed_stage_takes_its_own_sign_offs_along_and_no_others():
    gate = one_short()
    gate.amend_in_flight(
        spec_with(
            ("  prepare:\n", "  ready:\n    was: prepare\n"),
            ("after: [prepare, announce]", "after: [ready, announce]"),
        )
    )
    finish(gate, "announce", "post", by="cara@example.com")
    assert gate.state.gates["announce"].sign_offs == []
    assert not gate.state.passed("ready")
    assert not gate.state.passed("announce")


def test_a_sign_off_while_the_program_is_held_passes_nothing_before_it_goes_on():
    gate = one_short()
    gate.write(ev.Held(by=DOER, reason="Wait"))
    gate.moves(LEGAL)
    gate.gives_code(SECOND_LEGAL)
    gate.look()
    assert gate.signers == [POLICY]
    assert not gate.passed


def test_a_sign_off_from_a_hold_does_not_count_for_a_text_amended_meanwhile():
    gate = one_short()
    gate.write(ev.Held(by=DOER, reason="Wait"))
    gate.moves(LEGAL)
    gate.amend_in_flight(spec_with(('version: "1.0"', 'version: "2.0"')))
    gate.write(ev.GoneOn(by=DOER))
    gate.look()
    assert gate.refusals[-1].startswith("the text to sign has changed since")
    assert not gate.passed


def test_a_sign_off_of_a_program_that_was_stopped_passes_nothing():
    gate = one_short()
    gate.write(ev.ProgramStopped(by=DOER, reason="Enough", issues="leave"))
    gate.moves(LEGAL)
    gate.gives_code(SECOND_LEGAL)
    assert [each for each in gate.decide().events if isinstance(each, ev.GatePassed)] == []
    assert not gate.passed


def test_a_member_made_the_backup_of_their_own_role_does_not_sign_twice():
    gate = asking(spec_with(TWO_OF_LEGAL))
    gate.moves(LEGAL)
    gate.look()
    with pytest.raises(SpecRefused, match=LEGAL):
        gate.amend_in_flight(spec_with(TWO_OF_LEGAL, ("backups: [bo@", f"backups: [{LEGAL}, bo@")))
    gate.moves(LEGAL)
    gate.look()
    assert [each for each in gate.signers if each == LEGAL] == [LEGAL]
