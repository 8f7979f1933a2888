"""Who may sign, on what, and what becomes of each attempt: changelogs in, events out."""

from dataclasses import replace

from policy_rollout import events as ev
from tests.programs_under_way import (
    BOT,
    HEAD,
    PLAIN,
    QUORUM,
    TWO_ROLES,
    UnderWay,
    account,
    asked,
    of_kind,
    person,
)


def refusals(program: UnderWay) -> list[str]:
    """Why the attempts of the next looks do not count."""
    return [each.why for each in of_kind(program.settle(), ev.SignOffRefused)]


# Sign-offs that count


def test_a_sign_off_by_a_member_carries_who_when_and_the_digest():
    program = asked(TWO_ROLES)
    digest = program.state.gates["prepare"].digest
    program.approve("legal", "lea")
    assert program.settle() == [
        ev.SignedOff(
            stage="prepare",
            round=1,
            role="legal",
            person=person("lea"),
            account=account("lea"),
            digest=digest,
            history_id="2",
            at=program.model.now,
        )
    ]


def test_the_gate_passes_on_its_last_sign_off():
    program = asked(TWO_ROLES)
    program.approve("legal", "lea")
    program.settle()
    program.approve("policy", "pia")
    assert [each.kind for each in program.settle()] == [
        "signed_off",
        "gate_passed",
        "program_finished",
    ]


def test_sign_offs_of_several_roles_seen_at_one_look_all_count():
    program = asked(TWO_ROLES)
    program.approve("legal", "lea")
    program.approve("policy", "pia")
    assert [each.role for each in of_kind(program.settle(), ev.SignedOff)] == ["legal", "policy"]


def test_what_a_changelog_lists_in_another_order_is_decided_in_the_order_of_time():
    program = asked(QUORUM)
    program.approve("policy", "pia")
    program.move("policy", "To Do", "rollout")
    program.approve("policy", "pat")
    program.model.transitions.reverse()
    signed = of_kind(program.settle(), ev.SignedOff)
    assert [each.person for each in signed] == [person("pia"), person("pat")]


def test_changes_of_the_same_instant_are_told_apart_by_the_number_of_their_id():
    program = asked(TWO_ROLES)
    program.model.numbers = 8
    program.move("legal", "In Progress", "lea")
    program.approve("legal", "lea")
    first, second = program.model.transitions[-2:]
    assert (first.history_id, second.history_id) == ("9", "10")
    program.model.transitions[-2] = replace(first, at=second.at)
    assert [each.kind for each in program.settle()] == ["signed_off"]


def test_the_same_changelog_read_again_decides_nothing_again():
    program = asked(TWO_ROLES)
    program.approve("legal", "lea")
    program.approve("policy", "oda")
    program.settle()
    assert program.settle() == []


def test_taking_up_the_issue_before_approving_it_withdraws_nothing_at_a_later_look():
    program = asked(TWO_ROLES)
    program.move("legal", "In Progress", "lea")
    program.approve("legal", "lea")
    program.settle()
    assert program.settle() == []
    assert len(program.state.gates["prepare"].sign_offs) == 1


# Quorum


def test_a_quorum_of_two_waits_for_the_second_and_says_so_on_the_issue():
    program = asked(QUORUM)
    program.approve("policy", "pia")
    assert [each.kind for each in program.settle()] == ["signed_off"]
    assert (
        program.model.comments[-1].text == "Signed by pia@example.com; policy still needs 1 more."
    )


def test_the_issue_of_a_quorum_is_opened_again_for_the_second_signer():
    program = asked(QUORUM)
    program.approve("policy", "pia")
    program.settle()
    assert program.model.statuses[program.desk("policy")] == "To Do"


def test_a_quorum_of_two_is_met_by_two_people():
    program = asked(QUORUM)
    program.approve("policy", "pia")
    program.settle()
    program.approve("policy", "pat")
    program.settle()
    assert program.state.passed("prepare")


def test_the_second_signer_may_take_up_the_issue_without_undoing_the_first_sign_off():
    program = asked(QUORUM)
    program.approve("policy", "pia")
    program.settle()
    program.move("policy", "In Progress", "pat")
    program.settle()
    program.approve("policy", "pat")
    program.settle()
    assert program.state.passed("prepare")


def test_one_person_cannot_fill_a_quorum_alone():
    program = asked(QUORUM)
    program.approve("policy", "pia")
    program.settle()
    program.approve("policy", "pia")
    assert refusals(program) == [
        (
            "pia@example.com has already signed for policy; "
            "for policy may sign: pat@example.com, both@example.com"
        )
    ]


# Sign-offs that do not count


def test_an_outsider_cannot_sign():
    program = asked()
    program.approve("legal", "pia")
    assert refusals(program) == [
        (
            "pia@example.com is not a member of legal; "
            "for legal may sign: lea@example.com, both@example.com"
        )
    ]


def test_the_owner_cannot_sign_even_as_a_member_of_the_role():
    program = asked()
    program.approve("legal", "boss")
    assert refusals(program) == [
        (
            "the owner of the program cannot sign its gates; "
            "for legal may sign: lea@example.com, both@example.com"
        )
    ]


def test_an_account_that_nobody_in_the_program_has_cannot_sign():
    program = asked()
    program.approve("legal", "stranger")
    assert refusals(program) == [
        (
            "this account belongs to nobody in the program; "
            "for legal may sign: lea@example.com, both@example.com"
        )
    ]


def test_an_account_that_two_people_share_cannot_sign():
    program = asked()
    accounts = {person("pia"): account("lea")}
    program.record(ev.PeopleResolved(accounts=accounts, own_account=BOT))
    program.approve("legal", "lea")
    assert refusals(program) == [
        "this account is that of lea@example.com and pia@example.com, so it does not tell who signs"
    ]


def test_the_service_account_cannot_sign_and_the_attempt_is_journaled():
    program = asked()
    program.move("legal", "Approved", "rollout")
    assert refusals(program) == [
        "this is the account of policy-rollout itself; sign with an account of your own"
    ]


def test_the_service_account_cannot_sign_for_a_person_who_lent_it():
    program = asked()
    accounts = {person("lea"): BOT}
    program.record(ev.PeopleResolved(accounts=accounts, own_account=BOT))
    program.move("legal", "Approved", "rollout")
    assert len(refusals(program)) == 1
    assert not program.state.passed("prepare")


def test_one_person_signs_for_one_role_at_a_gate():
    program = asked(TWO_ROLES)
    program.approve("legal", "both")
    program.approve("policy", "both")
    assert refusals(program) == [
        (
            "both@example.com has already signed for legal: one person, one role; "
            "for policy may sign: pia@example.com, pat@example.com"
        )
    ]


def test_a_sign_off_given_before_it_was_asked_for_does_not_count():
    program = asked()
    program.journal = [
        each for each in program.journal if not isinstance(each.event, ev.SignOffAsked)
    ]
    program.approve("legal", "lea")
    assert refusals(program) == ["it was not asked for yet; read what is asked now and sign then"]


def test_a_sign_off_on_an_old_text_does_not_count():
    program = asked()
    program.amend(PLAIN.replace('version: "1.0"', 'version: "1.1"'))
    program.approve("legal", "lea")
    assert refusals(program) == [
        (
            "the text to sign has changed since; read the new one and sign again "
            '(policy.document: was {"ref": "rules.md", "version": "1.0"}, '
            'is {"ref": "rules.md", "version": "1.1"})'
        )
    ]


def test_a_sign_off_made_before_the_new_text_stood_there_does_not_count():
    program = asked()
    program.approve("legal", "lea")
    early = program.model.transitions.pop()
    program.amend(PLAIN.replace('version: "1.0"', 'version: "1.1"'))
    program.model.tick()
    program.settle()
    program.model.transitions.append(early)
    assert refusals(program) == [
        (
            "the text to sign has changed since; read the new one and sign again "
            '(policy.document: was {"ref": "rules.md", "version": "1.0"}, '
            'is {"ref": "rules.md", "version": "1.1"})'
        )
    ]


def test_a_sign_off_while_the_criteria_do_not_hold_any_more_does_not_count():
    program = asked()
    program.model.move(program.issue("prepare/guideline"), "In Progress", account("pia"))
    program.approve("legal", "lea")
    assert refusals(program) == ["the gate's criteria do not hold now; sign when it asks again"]


def test_a_refused_sign_off_is_answered_on_the_issue_once_and_moved_back():
    program = asked()
    program.approve("legal", "oda")
    program.settle()
    program.settle()
    assert [each.text for each in program.model.comments] == [
        (
            "The answer of Oda does not count: oda@example.com is not a member of legal; "
            "for legal may sign: lea@example.com, both@example.com."
        )
    ]
    assert program.model.statuses[program.desk("legal")] == "To Do"


def test_a_refused_attempt_leaves_the_sign_off_of_another_person_standing():
    program = asked(QUORUM)
    program.approve("policy", "pia")
    program.settle()
    program.approve("policy", "oda")
    program.move("policy", "To Do", "oda")
    program.settle()
    standing = program.state.gates["prepare"].sign_offs
    assert [each.person for each in standing] == [person("pia")]


# Withdrawal


def test_moving_an_approved_issue_back_withdraws_its_sign_off():
    program = asked(TWO_ROLES)
    program.approve("legal", "lea")
    program.settle()
    program.move("legal", "To Do", "lea")
    assert program.settle() == [
        ev.SignOffWithdrawn(
            stage="prepare",
            round=1,
            role="legal",
            account=account("lea"),
            name="Lea",
            history_id="3",
            at=program.model.now,
            signed="2",
        )
    ]
    assert program.state.gates["prepare"].sign_offs == []


def test_an_approval_taken_back_before_anybody_looked_does_not_count():
    program = asked(TWO_ROLES)
    program.approve("legal", "lea")
    program.move("legal", "To Do", "lea")
    kinds = [each.kind for each in program.settle()]
    assert kinds == ["signed_off", "sign_off_withdrawn"]


def test_a_withdrawn_sign_off_can_be_given_again():
    program = asked(TWO_ROLES)
    program.approve("legal", "lea")
    program.move("legal", "To Do", "lea")
    program.settle()
    program.approve("legal", "lea")
    assert [each.kind for each in program.settle()] == ["signed_off"]


def test_a_sign_off_can_be_withdrawn_while_the_criteria_do_not_hold():
    program = asked(TWO_ROLES)
    program.approve("legal", "lea")
    program.settle()
    program.model.move(program.issue("prepare/guideline"), "To Do", account("pia"))
    program.move("legal", "To Do", "lea")
    assert [each.kind for each in program.settle()] == ["work_seen", "sign_off_withdrawn"]


def test_anybody_may_take_back_the_only_sign_off_of_a_role():
    program = asked(TWO_ROLES)
    program.approve("legal", "lea")
    program.settle()
    program.move("legal", "To Do", "both")
    (taken_back,) = program.settle()
    assert (taken_back.kind, taken_back.name) == ("sign_off_withdrawn", "Both")


def test_a_second_signer_who_opens_the_issue_again_takes_nothing_back():
    program = asked(QUORUM)
    program.approve("policy", "pia")
    program.move("policy", "To Do", "pat")
    program.approve("policy", "pat")
    program.settle()
    assert program.state.passed("prepare")


def test_in_a_quorum_a_signer_takes_the_own_sign_off_back():
    program = asked(QUORUM)
    program.approve("policy", "pia")
    program.move("policy", "To Do", "pia")
    program.approve("policy", "pat")
    program.settle()
    standing = program.state.gates["prepare"].sign_offs
    assert [each.person for each in standing] == [person("pat")]


def test_our_own_move_of_an_issue_withdraws_nothing():
    program = asked(TWO_ROLES)
    program.approve("legal", "lea")
    program.settle()
    program.move("legal", "To Do", "rollout")
    assert program.settle() == []


# Rooms beside


def test_a_gate_that_has_passed_hears_nothing_more():
    program = UnderWay(
        f"{HEAD}  one: {{gate: {{sign_off: {{legal: 1}}}}}}\n"
        "  two: {after: [one], gate: {sign_off: {policy: 1}}}\n"
    )
    program.settle()
    program.approve("legal", "lea", "one")
    program.settle()
    program.reject("legal", "lea", "Too late.", "one")
    assert program.settle() == []


def test_decisions_at_one_gate_leave_the_gate_beside_it_alone():
    program = UnderWay(
        f"{HEAD}  one: {{gate: {{sign_off: {{legal: 1}}}}}}\n"
        "  two: {gate: {sign_off: {legal: 1}}}\n"
    )
    program.settle()
    program.approve("legal", "lea", "two")
    program.reject("legal", "lea", "Not yet.", "one")
    program.settle()
    assert program.state.passed("two")
    assert program.state.gates["one"].round == 2
