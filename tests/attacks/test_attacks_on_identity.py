"""Attempts to sign as somebody else: each is refused and journaled, and the gate waits on."""

from dataclasses import replace

import pytest
from gate_under_attack import (
    BACKUP,
    COMMS,
    DOER,
    LEGAL,
    OWN_ACCOUNT,
    OWNER,
    POLICY,
    SECOND_LEGAL,
    SECOND_POLICY,
    STRANGER,
    Gate,
    account_of,
    asking,
    one_short,
    spec_with,
)

from policy_rollout import events as ev

MAY_SIGN = f"; for legal may sign: {LEGAL}, {SECOND_LEGAL}"


def assert_refused(gate: Gate, why: str) -> None:
    """The last look journaled one more refusal, for this reason, and the gate did not pass."""
    assert gate.refusals[-1:] == [why]
    assert gate.state.gates["prepare"].refusals[-1].why == why
    assert LEGAL not in gate.signers
    assert not gate.passed


def test_the_right_signer_passes_the_gate_that_all_these_attacks_fail_at():
    gate = one_short()
    assert not gate.passed
    gate.moves(LEGAL)
    gate.look()
    assert gate.passed
    assert gate.refusals == []


def test_an_account_outside_the_program_signs_nothing():
    gate = one_short()
    gate.moves(STRANGER)
    gate.look()
    assert_refused(gate, f"this account belongs to nobody in the program{MAY_SIGN}")


def test_a_bot_of_the_jira_site_signs_nothing():
    gate = one_short()
    gate.moves("Automation for Jira", account="557058:automation-bot")
    gate.look()
    assert_refused(gate, f"this account belongs to nobody in the program{MAY_SIGN}")


def test_a_transition_without_an_author_signs_nothing():
    gate = one_short()
    gate.moves("", account="")
    gate.look()
    assert_refused(gate, f"this account belongs to nobody in the program{MAY_SIGN}")


def test_the_service_account_signs_nothing():
    gate = one_short()
    gate.moves("", account=OWN_ACCOUNT)
    gate.look()
    assert_refused(
        gate, "this is the account of policy-rollout itself; sign with an account of your own"
    )


def test_an_account_renamed_to_the_name_of_a_signer_signs_nothing():
    gate = one_short()
    gate.moves(STRANGER)
    gate.transitions[-1] = replace(gate.transitions[-1], name="Lena Legal <lena@example.com>")
    gate.look()
    assert_refused(gate, f"this account belongs to nobody in the program{MAY_SIGN}")


@pytest.mark.parametrize(
    "account",
    [
        account_of(LEGAL).upper(),
        account_of(LEGAL) + "\u200b",
        account_of(LEGAL).replace("e", "\u0435"),  # a Cyrillic letter
        f" {account_of(LEGAL)}",
        account_of(LEGAL).replace("l", "\uff4c"),  # becomes l under NFKC
    ],
)
def test_an_account_id_that_only_looks_like_a_signers_signs_nothing(account):
    gate = one_short()
    gate.moves("", account=account)
    gate.look()
    assert_refused(gate, f"this account belongs to nobody in the program{MAY_SIGN}")


def test_somebody_of_another_role_signs_nothing():
    gate = one_short()
    gate.moves(COMMS)
    gate.look()
    assert_refused(gate, f"{COMMS} is not a member of legal{MAY_SIGN}")


def test_an_account_of_two_people_does_not_tell_who_signs():
    gate = one_short(luis=account_of(LEGAL))
    gate.moves(LEGAL)
    gate.look()
    assert_refused(
        gate,
        f"this account is that of {LEGAL} and {SECOND_LEGAL}, so it does not tell who signs",
    )


def test_two_names_with_one_account_are_not_two_people_by_code_either():
    gate = asking(luis=account_of(POLICY))
    gate.gives_code(SECOND_POLICY, role="policy")
    gate.gives_code(SECOND_LEGAL)
    gate.look()
    assert gate.signers == [SECOND_POLICY]
    assert_refused(
        gate,
        f"this account is that of {SECOND_LEGAL} and {POLICY}, so it does not tell who signs",
    )


def test_the_owner_under_a_second_name_with_the_same_account_signs_nothing():
    gate = one_short(luis=account_of(OWNER))
    gate.gives_code(SECOND_LEGAL)
    gate.look()
    assert_refused(
        gate, f"this account is that of {SECOND_LEGAL} and {OWNER}, so it does not tell who signs"
    )


def test_the_owner_signs_nothing():
    gate = one_short()
    gate.moves(OWNER)
    gate.look()
    assert_refused(gate, f"{OWNER} is not a member of legal{MAY_SIGN}")


def test_an_enrolled_person_outside_the_role_signs_nothing_by_code():
    gate = one_short()
    gate.gives_code(STRANGER)
    gate.look()
    assert_refused(gate, f"{STRANGER} is not a member of legal{MAY_SIGN}")


def test_one_person_does_not_sign_for_two_roles():
    text_of_both = ("legal: {members: [lena@", "legal: {members: [pia@example.com, lena@")
    gate = one_short(spec_with(text_of_both))
    gate.moves(POLICY)
    gate.look()
    assert_refused(
        gate,
        f"{POLICY} has already signed for policy: one person, one role; "
        f"for legal may sign: {LEGAL}, {SECOND_LEGAL}",
    )


def test_one_person_does_not_fill_a_quorum_of_two():
    gate = one_short(
        spec_with(("sign_off: {legal: 1, policy: 1}", "sign_off: {legal: 2, policy: 1}"))
    )
    gate.moves(SECOND_LEGAL)
    gate.look()
    gate.moves(SECOND_LEGAL)
    gate.look()
    assert_refused(
        gate, f"{SECOND_LEGAL} has already signed for legal; for legal may sign: {LEGAL}"
    )


def test_one_person_does_not_fill_a_quorum_of_two_by_jira_and_by_code():
    gate = one_short(
        spec_with(("sign_off: {legal: 1, policy: 1}", "sign_off: {legal: 2, policy: 1}"))
    )
    gate.moves(SECOND_LEGAL)
    gate.gives_code(SECOND_LEGAL)
    gate.look()
    assert_refused(
        gate, f"{SECOND_LEGAL} has already signed for legal; for legal may sign: {LEGAL}"
    )


def test_a_proven_code_for_one_role_does_not_sign_for_another():
    gate = one_short()
    gate.gives_code(SECOND_POLICY, role="legal")
    gate.look()
    assert_refused(gate, f"{SECOND_POLICY} is not a member of legal{MAY_SIGN}")


def test_a_code_for_a_role_that_the_gate_does_not_ask_signs_nothing():
    gate = one_short()
    gate.gives_code(DOER, role="ops")
    gate.look()
    assert_refused(gate, "this gate asks for no sign-off by ops; it asks for legal, policy")


def test_a_code_for_a_role_that_an_amended_spec_dropped_signs_nothing():
    gate = one_short()
    gate.gives_code(COMMS, role="gone")
    gate.look()
    assert_refused(gate, "this gate asks for no sign-off by gone; it asks for legal, policy")


def test_a_backup_who_was_not_called_signs_nothing():
    gate = one_short()
    gate.moves(BACKUP)
    gate.look()
    assert_refused(gate, f"{BACKUP} is a backup, and no member is silent or absent{MAY_SIGN}")


def test_every_attack_stands_in_the_journal_with_the_account_that_made_it():
    gate = one_short()
    mark = gate.moves(STRANGER)
    gate.look()
    refused = gate.of_kind(ev.SignOffRefused)
    assert [(each.account, each.history_id, each.via) for each in refused] == [
        (account_of(STRANGER), mark, ev.Via.JIRA)
    ]
