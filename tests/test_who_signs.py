"""Who may sign a gate: doers, signers of other gates, backups and whom they stand for."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy_rollout import events as ev
from policy_rollout.absences import Absence
from policy_rollout.sign_off_words import AskedCondition, AskedWaiver, read_words
from tests.programs_under_way import (
    BACKED,
    BEGAN,
    ESCALATES,
    HEAD,
    ONE_TASK,
    TWO_GATES,
    UnderWay,
    account,
    asked,
    coded,
    of_kind,
    person,
    refusals,
)

DOERS = f"""{BACKED}
  prepare:
    tasks:
      guideline: {{title: Write the guideline, team: legal}}
    checklists: {{queue: {{team: policy, items: {{routing: Route the items}}}}}}
    gate: {{sign_off: {{legal: 1, policy: 1}}}}
"""


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2025, 11, day, hour, minute, tzinfo=UTC)


# Doers


def worked(text: str = DOERS, by: str = "wim") -> UnderWay:
    program = UnderWay(text)
    program.settle()
    program.model.move(program.issue("prepare/guideline"), "Done", account(by))
    program.fill("prepare/queue/routing", status="Done")
    program.settle()
    return program


def test_who_has_a_finished_issue_cannot_sign_over_it():
    program = worked()
    program.approve("legal", "lea")
    assert refusals(program) == [
        (
            "lea@example.com did work that this gate judges; "
            "for legal may sign: lou@example.com, bea@example.com"
        )
    ]


def test_who_moved_an_issue_to_done_cannot_sign_over_it():
    program = worked(by="lou")
    program.approve("legal", "lou")
    assert refusals(program) == [
        "lou@example.com did work that this gate judges; for legal may sign: bea@example.com"
    ]


def test_who_has_a_finished_row_cannot_sign_over_it():
    program = worked()
    program.approve("policy", "pia")
    assert refusals(program) == [
        (
            "pia@example.com did work that this gate judges; "
            "for policy may sign: pat@example.com, both@example.com"
        )
    ]


def test_doers_cannot_reject_either():
    program = worked()
    program.reject("legal", "lea", "I am not content with it.")
    assert len(refusals(program)) == 1
    assert program.gate.round == 1


def test_doers_sign_where_the_gate_lets_them():
    program = worked(DOERS.replace("policy: 1}}", "policy: 1}, doers_may_sign: true}"))
    program.approve("legal", "lea")
    program.approve("policy", "pia")
    program.settle()
    assert program.state.passed("prepare")


def test_the_backups_of_a_barred_member_are_called_at_once():
    (called,) = of_kind([each.event for each in worked().journal], ev.BackupCalled)
    assert (called.member, called.backups, called.why, called.announced) == (
        person("lea"),
        (person("bea"),),
        "lea@example.com did work that this gate judges",
        False,
    )


def test_a_doer_is_not_among_those_a_sign_off_issue_names():
    program = worked()
    text = program.model.issues[program.desk("legal")].description
    assert "May sign: lou@example.com, bea@example.com. Needed: 1." in text


# Signers of another gate


def passed_once() -> UnderWay:
    program = asked(TWO_GATES)
    program.approve("legal", "lea")
    program.settle()
    return program


def test_who_signed_one_gate_cannot_sign_another_that_bars_them():
    program = passed_once()
    program.approve("legal", "lea", "launch")
    assert refusals(program) == [
        (
            "lea@example.com signed the gate of prepare, whose signers may not sign this one; "
            "for legal may sign: both@example.com"
        )
    ]


def test_another_member_signs_the_gate_that_bars_the_first():
    program = passed_once()
    program.approve("legal", "both", "launch")
    program.settle()
    assert program.state.passed("launch")


# Backups and silence


def silent(until: datetime) -> UnderWay:
    program = asked(ESCALATES)
    while program.model.now < until:
        program.model.now = min(until, program.model.now + timedelta(hours=1))
        program.settle()
    return program


def test_a_backup_cannot_sign_before_being_called():
    program = asked(ESCALATES)
    program.approve("legal", "bea")
    assert refusals(program) == [
        (
            "bea@example.com is a backup, and no member is silent or absent; "
            "for legal may sign: lea@example.com, lou@example.com"
        )
    ]


def test_a_backup_signs_for_a_silent_member_visibly():
    program = silent(at(5, 11))
    program.approve("legal", "bea")
    (signed,) = of_kind(program.settle(), ev.SignedOff)
    assert (signed.person, signed.stands_for) == (person("bea"), person("lea"))
    assert program.state.passed("prepare")


def test_each_step_of_silence_is_said_on_the_issue_and_told_to_people_once():
    program = silent(at(7, 16))
    assert sorted(step for _, step in program.gate.reminded) == ["backup", "owner", "remind"]
    assert [(each.title, each.people) for each in program.model.notices] == [
        (
            "Your sign-off is waited for: prepare of Skins and stakes",
            (person("lea"), person("lou")),
        ),
        ("You may sign for legal: prepare of Skins and stakes", (person("bea"),)),
        ("No answer from legal: prepare of Skins and stakes", (person("boss"),)),
    ]
    assert [each.issue_key for each in program.model.notices] == [program.desk("legal")] * 3
    openings = [each.text.partition("\n")[0] for each in program.model.comments]
    assert (
        openings
        == [
            (
                "The gate of stage **prepare** of *Skins and stakes* waits for **legal** since "
                "Mon 3 Nov 2025 09:01 UTC (round 1)."
            )
        ]
        * 3
    )


def test_silence_never_approves():
    assert not silent(at(28, 16)).state.passed("prepare")


def test_nobody_is_reminded_outside_their_working_hours():
    program = asked(ESCALATES)
    program.model.now = at(3, 23)
    program.settle()
    assert program.gate.reminded == {}
    program.model.now = at(4, 11)
    program.settle()
    assert list(program.gate.reminded) == [("legal", "remind")]


def test_the_backup_of_an_absent_member_is_called_the_moment_the_gate_asks():
    program = UnderWay(ESCALATES)
    program.absences = [
        Absence(person("lea"), date(2025, 11, 3), date(2025, 11, 7), None, person("lea"), BEGAN)
    ]
    program.settle()
    program.finish()
    program.settle()
    program.settle()
    (called,) = program.gate.called.values()
    assert (called.member, called.announced, called.why) == (
        person("lea"),
        True,
        "absent until Fri 7 Nov 2025",
    )
    program.approve("legal", "bea")
    (signed,) = of_kind(program.settle(), ev.SignedOff)
    assert signed.stands_for == person("lea")


def test_a_backup_that_an_amended_spec_dropped_cannot_sign_though_called():
    program = silent(at(5, 11))
    program.amend(ESCALATES.replace(", backups: [bea@example.com]", ""))
    program.settle()
    program.approve("legal", "bea")
    assert refusals(program) == [
        (
            "bea@example.com is not a member of legal; "
            "for legal may sign: lea@example.com, lou@example.com"
        )
    ]


def test_a_member_that_an_amended_spec_adds_signs_at_a_gate_that_waits():
    program = asked(ESCALATES)
    accounts = {person("new"): account("new")}
    program.record(ev.PeopleResolved(accounts=accounts, own_account=program.state.own_account))
    program.amend(ESCALATES.replace("lou@example.com]", "lou@example.com, new@example.com]"))
    program.settle()
    program.approve("legal", "new")
    program.settle()
    assert program.state.passed("prepare")


def test_the_next_round_calls_nobody_before_they_are_silent_again():
    program = silent(at(5, 11))
    program.reject("legal", "lea", "Reopen: guideline")
    program.settle()
    assert (program.gate.called, program.gate.reminded) == ({}, {})


# What is written beside an answer


@pytest.mark.parametrize(
    "line",
    [
        "Waive tasks: no time",
        "Waive tasks until 31 December: no time",
        "Waive tasks until 2025-13-31: no time",
        "- waive tasks until 2025-12-31",
    ],
)
def test_a_line_that_begins_a_waiver_and_is_none_is_unclear(line: str):
    words = read_words(f"Hello.\n{line}\n")
    assert (words.waivers, words.unclear) == ((), (line,))


def test_each_line_of_an_answer_is_understood_on_its_own():
    words = read_words(
        "Fine, but:\n"
        "- Condition for launch (OPS): Publish the page\n"
        "* condition for later: Tell them\n"
        "Waive training in ja-JP until 2025-12-31: hired in January\n"
        "> Reopen: guideline, quiz/ja-JP.\n"
        "Rejected for good.\n"
    )
    assert words.conditions == (
        AskedCondition("launch", "ops", "Publish the page"),
        AskedCondition("later", "", "Tell them"),
    )
    assert words.waivers == (
        AskedWaiver("training in ja-JP", date(2025, 12, 31), "hired in January"),
    )
    assert words.reopen == ("guideline", "quiz/ja-JP")
    assert words.for_good
    assert words.unclear == ()


@pytest.mark.parametrize(
    "text", ["This is bad for good reasons.", "I am for good rules", "Nothing is for good here."]
)
def test_for_good_inside_a_sentence_stops_nothing(text: str):
    assert not read_words(text).for_good


# Whatever people do

_WHO = st.sampled_from(["lea", "both", "pia", "pat", "oda", "boss", "stranger", "wim"])
_ROLE = st.sampled_from(["legal", "policy"])
_ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("move"), _ROLE, _WHO, st.sampled_from(["To Do", "Approved"])),
        st.tuples(st.just("code"), _ROLE, _WHO, st.sampled_from(["approve", "ask for changes"])),
        st.tuples(st.just("amend"), _ROLE, _WHO, st.sampled_from(["1.0", "1.1"])),
        st.tuples(st.just("look"), _ROLE, _WHO, st.just("")),
    ),
    max_size=20,
)
_QUORUM = f"{HEAD}{ONE_TASK}\n    gate: {{sign_off: {{legal: 1, policy: 2}}}}\n"


@settings(max_examples=60, deadline=None)
@given(acts=_ACTS)
def test_however_it_is_signed_a_gate_passes_only_on_proven_sign_offs_of_its_final_text(acts):
    program = asked(_QUORUM)
    for number, (kind, role, who, what) in enumerate(acts):
        if kind == "move":
            program.move(role, what, who)
        elif kind == "code" and not program.state.passed("prepare"):
            coded(program, who, what, "Because.", role=role, mark=f"code:{number}")
        elif kind == "amend":
            program.amend(_QUORUM.replace('version: "1.0"', f'version: "{what}"'))
        program.look()
    program.settle()
    passed = of_kind([each.event for each in program.journal], ev.GatePassed)
    if not passed:
        return
    standing = program.gate.standing(passed[0].digest)
    by_role = {"legal": {"lea", "both"}, "policy": {"pia", "pat", "both"}}
    assert all(each.person.partition("@")[0] in by_role[each.role] for each in standing)
    assert len({each.person for each in standing}) == len(standing) >= 3
    assert sorted(each.role for each in standing).count("policy") >= 2
    assert passed[0].digest == program.gate.digest
