"""Attempts of the right person in the wrong place: doers, backups, waivers, conditions."""

import pytest
from gate_under_attack import (
    BACKUP,
    DOER,
    LEGAL,
    POLICY,
    SECOND_BACKUP,
    SECOND_LEGAL,
    SECOND_POLICY,
    SPEC,
    WAIVER,
    Gate,
    one_short,
    spec_with,
)

from policy_rollout import events as ev
from policy_rollout.work import State

MAY_SIGN = f"; for legal may sign: {LEGAL}, {SECOND_LEGAL}"
ALL_MAY_SIGN = f"{MAY_SIGN}, {BACKUP}, {SECOND_BACKUP}"
LUIS_MAY_SIGN = f"; for legal may sign: {SECOND_LEGAL}, {BACKUP}, {SECOND_BACKUP}"
OWNER_IN_LEGAL = ("legal: {members: [lena@", "legal: {members: [olga@example.com, lena@")


def assert_refused(gate: Gate, why: str) -> None:
    assert gate.refusals[-1:] == [why]
    assert not gate.passed


def reopened(gate: Gate, by: str, assignee: str | None = None) -> None:
    """The label is opened once more and finished by somebody."""
    gate.works("prepare/label", State.IN_PROGRESS)
    gate.look()
    gate.works("prepare/label", State.DONE, by=by, assignee=assignee)
    gate.look()


def test_the_owner_signs_nothing_also_as_a_member_of_the_role():
    gate = one_short(spec_with(OWNER_IN_LEGAL))
    gate.moves("olga@example.com")
    gate.look()
    assert_refused(gate, f"the owner of the program cannot sign its gates{ALL_MAY_SIGN}")


def test_who_has_the_work_signs_nothing():
    gate = one_short()
    reopened(gate, DOER, assignee=LEGAL)
    gate.moves(LEGAL)
    gate.look()
    assert_refused(gate, f"{LEGAL} did work that this gate judges{LUIS_MAY_SIGN}")


def test_who_moved_the_work_to_done_signs_nothing():
    gate = one_short()
    reopened(gate, LEGAL)
    gate.moves(LEGAL)
    gate.look()
    assert_refused(gate, f"{LEGAL} did work that this gate judges{LUIS_MAY_SIGN}")


def test_who_moved_the_work_to_done_signs_nothing_after_it_was_given_away():
    gate = one_short()
    reopened(gate, LEGAL, assignee=LEGAL)
    gate.assign("prepare/label", DOER)
    gate.moves(LEGAL)
    gate.look()
    assert_refused(gate, f"{LEGAL} did work that this gate judges{LUIS_MAY_SIGN}")


def test_who_had_the_work_when_it_was_done_signs_nothing_after_it_was_given_away():
    gate = one_short()
    reopened(gate, DOER, assignee=LEGAL)
    gate.assign("prepare/label", DOER)
    gate.look()
    gate.moves(LEGAL)
    gate.look()
    assert not gate.passed


def test_who_did_the_work_signs_nothing_after_somebody_else_closed_it_again():
    gate = one_short()
    reopened(gate, LEGAL)
    reopened(gate, DOER)
    gate.moves(LEGAL)
    gate.look()
    assert not gate.passed


def test_a_sign_off_counts_no_longer_once_its_signer_does_the_work():
    gate = one_short()
    reopened(gate, POLICY)
    assert gate.state.gates["prepare"].digest is not None
    gate.moves(LEGAL)
    gate.look()
    (void,) = gate.of_kind(ev.SignOffWithdrawn)
    assert (void.name, void.why) == (POLICY, f"{POLICY} did work that this gate judges")
    assert gate.signers == [LEGAL]
    assert not gate.passed


def test_two_people_with_one_account_are_both_taken_for_who_did_the_work():
    gate = one_short(omar="acc:shared", luis="acc:shared")
    reopened(gate, "shared@example.com")
    gate.gives_code(SECOND_LEGAL)
    gate.look()
    assert gate.signers == [POLICY]
    assert not gate.passed


def test_a_signer_of_a_gate_that_bars_this_one_signs_nothing():
    launch = "switch: {title: Switch it on, team: ops}\n    gate:\n"
    gate = one_short(spec_with((launch, f"{launch}      not_signers_of: [prepare]\n")))
    gate.moves(LEGAL)
    gate.works("announce/post", State.DONE, by="cara@example.com")
    gate.look()
    gate.stage = "announce"
    gate.moves(POLICY, role="policy")
    gate.look()
    gate.stage = "launch"
    gate.works("launch/switch", State.DONE)
    gate.look()
    gate.moves(LEGAL)
    gate.look()
    assert_refused(
        gate,
        f"{LEGAL} signed the gate of prepare, whose signers may not sign this one{LUIS_MAY_SIGN}",
    )


def test_a_backup_of_another_role_signs_nothing():
    policy = f"policy: {{members: [{POLICY}, {SECOND_POLICY}]"
    gate = one_short(spec_with((policy, f"{policy}, backups: [b@example.com]")))
    gate.away(LEGAL)
    gate.look()
    gate.moves("b@example.com")
    gate.look()
    assert gate.refusals[-1].startswith("b@example.com is not a member of legal; ")
    assert not gate.passed


def test_a_backup_signs_visibly_for_the_member_who_is_absent():
    gate = one_short()
    gate.away(LEGAL)
    gate.look()
    gate.moves(BACKUP)
    gate.look()
    assert gate.passed
    (given,) = (each for each in gate.of_kind(ev.SignedOff) if each.role == "legal")
    assert (given.person, given.stands_for) == (BACKUP, LEGAL)


def test_a_backup_called_in_an_earlier_round_is_not_called_in_the_next():
    gate = one_short()
    gate.away(LEGAL)
    gate.look()
    gate.absent.clear()
    gate.says(SECOND_LEGAL, "An example is wrong.")
    gate.moves(SECOND_LEGAL, "Rejected")
    gate.look()
    gate.moves(BACKUP)
    gate.look()
    assert_refused(gate, f"{BACKUP} is a backup, and no member is silent or absent{MAY_SIGN}")


def test_a_called_backup_whom_an_amended_spec_dropped_signs_nothing():
    gate = one_short()
    gate.away(LEGAL)
    gate.look()
    gate.amend(spec_with((f"backups: [{BACKUP}, {SECOND_BACKUP}]", f"backups: [{SECOND_BACKUP}]")))
    gate.moves(BACKUP)
    gate.look()
    assert gate.refusals[-1].startswith(f"{BACKUP} is not a member of legal; ")
    assert not gate.passed


# Waivers


def waiting_with_open_work(text: str = SPEC) -> Gate:
    gate = one_short(text)
    gate.works("prepare/label", State.IN_PROGRESS)
    gate.look()
    return gate


def assert_not_waived(gate: Gate, why: str) -> None:
    gate.moves(LEGAL)
    gate.look()
    assert why in gate.refusals
    assert gate.of_kind(ev.Waived) == []
    assert not gate.passed


def test_a_waiver_of_the_named_person_lets_the_criterion_hold_and_signs_nothing():
    gate = waiting_with_open_work()
    gate.says(WAIVER, "Waive tasks until 2026-03-03: the label follows on Tuesday")
    gate.look()
    assert len(gate.of_kind(ev.Waived)) == 1
    assert not gate.passed
    assert gate.signers == []


def test_a_waiver_by_somebody_whom_the_spec_does_not_name_is_refused():
    gate = waiting_with_open_work()
    gate.says(LEGAL, "Waive tasks until 2026-03-03: the label follows")
    gate.look()
    assert_not_waived(gate, f"criteria of this gate may be waived by {WAIVER}")


def test_a_waiver_of_a_criterion_that_the_gate_does_not_have_is_refused():
    gate = waiting_with_open_work()
    gate.says(WAIVER, "Waive everything until 2026-03-03: the label follows")
    gate.look()
    assert_not_waived(gate, "there is no criterion 'everything' at this gate; its criteria: tasks")


def test_a_waiver_that_ended_before_today_is_refused():
    gate = waiting_with_open_work()
    gate.says(WAIVER, "Waive tasks until 2026-03-01: the label follows")
    gate.look()
    assert_not_waived(gate, "the waiver ended on 2026-03-01, before today; give a later day")


@pytest.mark.parametrize(
    "text",
    ["Waive tasks until 2026-03-03:", "Waive tasks until 2026-03-03", "Waive tasks: it is fine"],
)
def test_a_waiver_by_code_without_reason_or_day_is_refused(text):
    gate = waiting_with_open_work()
    gate.gives_code(WAIVER, role="-", action="waive a criterion", text=text)
    gate.look()
    assert_not_waived(gate, "write one line such as `Waive tasks until 2026-12-31: the reason`")


def test_a_waiver_by_comment_without_a_reason_waives_nothing():
    gate = waiting_with_open_work()
    gate.says(WAIVER, "Waive tasks until 2026-03-03:")
    gate.look()
    gate.moves(LEGAL)
    gate.look()
    assert gate.of_kind(ev.Waived) == []
    assert not gate.passed


@pytest.mark.parametrize(
    ("zone", "hour", "day"),
    [("UTC", 0, 4), ("Asia/Tokyo", 15, 3), ("America/Los_Angeles", 8, 4)],  # midnight there
)
def test_a_waiver_that_expires_before_the_gate_passes_is_void_from_the_program_s_midnight(
    zone, hour, day
):
    gate = waiting_with_open_work(spec_with(("timezone: UTC", f"timezone: {zone}")))
    gate.says(WAIVER, "Waive tasks until 2026-03-03: the label follows on Tuesday")
    gate.look()
    gate.moves(POLICY, role="policy")
    gate.look()
    assert gate.signers == [POLICY]
    gate.now = gate.now.replace(day=day, hour=hour, minute=1)
    gate.look()
    gate.moves(LEGAL)
    gate.look()
    assert_refused(gate, "the gate's criteria do not hold now; sign when it asks again")


def test_a_waiver_voids_the_sign_offs_given_without_it():
    gate = one_short()
    gate.works("prepare/label", State.IN_PROGRESS)
    gate.says(WAIVER, "Waive tasks until 2026-03-03: the label follows on Tuesday")
    gate.look()
    gate.moves(LEGAL)
    gate.look()
    assert gate.signers == [LEGAL]
    assert not gate.passed


def test_a_waiver_that_is_prolonged_after_a_sign_off_voids_it():
    gate = waiting_with_open_work()
    gate.says(WAIVER, "Waive tasks until 2026-03-03: the label follows on Tuesday")
    gate.look()
    gate.moves(POLICY, role="policy")
    gate.look()
    assert gate.signers == [POLICY]
    gate.says(WAIVER, "Waive tasks until 2027-03-03: the label follows in a year")
    gate.look()
    assert gate.signers == []
    gate.moves(LEGAL)
    gate.look()
    assert not gate.passed


def test_a_waiver_by_an_account_of_two_people_is_refused():
    gate = one_short(wanda="acc:lena")
    gate.works("prepare/label", State.IN_PROGRESS)
    gate.look()
    gate.says(LEGAL, "Waive tasks until 2026-03-03: the label follows")
    gate.look()
    assert_refused(
        gate, f"this account is that of {LEGAL} and {WAIVER}, so it does not tell who signs"
    )


# Conditions


@pytest.mark.parametrize("named", ["prepare", "announce", "nowhere"])
def test_a_condition_on_a_gate_that_need_not_wait_for_it_refuses_the_approval(named):
    gate = one_short()
    gate.says(LEGAL, f"Condition for {named}: publish the page")
    gate.moves(LEGAL)
    gate.look()
    assert_refused(
        gate,
        f"a condition names the gate '{named}', which does not come after this one; "
        "those that do: launch",
    )


def test_a_condition_for_a_team_that_nobody_knows_refuses_the_approval():
    gate = one_short()
    gate.says(LEGAL, "Condition for launch (press): publish the page")
    gate.moves(LEGAL)
    gate.look()
    assert_refused(
        gate, "a condition names the team 'press'; known teams: legal, policy, ops, comms"
    )


def test_the_gate_that_a_condition_names_does_not_pass_without_it():
    gate = one_short()
    gate.says(LEGAL, "Condition for launch (ops): publish the page")
    gate.moves(LEGAL)
    gate.works("announce/post", State.DONE, by="cara@example.com")
    gate.look()
    gate.stage = "announce"
    gate.moves(POLICY, role="policy")
    gate.look()
    gate.stage = "launch"
    gate.works("launch/switch", State.DONE)
    gate.look()
    gate.gives_code(LEGAL)
    gate.look()
    assert_refused(gate, "the gate's criteria do not hold now; sign when it asks again")


def test_a_condition_stays_after_an_amended_spec_dropped_its_team():
    gate = one_short()
    gate.says(LEGAL, "Condition for launch (comms): publish the page")
    gate.moves(LEGAL)
    gate.works("announce/post", State.DONE, by="cara@example.com")
    gate.look()
    gate.stage = "announce"
    gate.moves(POLICY, role="policy")
    gate.look()
    gate.stage = "launch"
    gate.amend(
        spec_with(
            ("post: {title: Post for creators, team: comms}", "post: {title: Post, team: ops}"),
            ("  comms: {members: [cara@example.com]}\n", ""),
        )
    )
    gate.works("launch/switch", State.DONE)
    gate.look()
    assert gate.state.gates["launch"].digest is None
    assert "demo/launch/condition:1" in gate.issues
