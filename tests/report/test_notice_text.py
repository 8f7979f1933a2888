from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from policy_rollout import events as ev
from policy_rollout.absences import Absence
from policy_rollout.adf import to_adf, to_text
from policy_rollout.fold import take
from policy_rollout.program import GateState, ProgramState, Recorded
from policy_rollout.report.notice_text import comment, mark_of, notices, to_tell, zone_of
from policy_rollout.silence import due_steps
from tests.planned import read

DUBLIN = ZoneInfo("Europe/Dublin")
MONDAY = datetime(2025, 10, 13, 9, tzinfo=DUBLIN)
SPEC = read(
    """
program: p
title: "Skins <b>&</b> [loot](http://x.example)"
policy: {change: new}
timeline: {timezone: America/Los_Angeles}
owner: pm@example.com
people:
  legal:
    members: [anna@example.com]
    backups: [bo@example.com, kei@example.com]
    timezone: Europe/Dublin
  tokyo: {members: [kei@example.com], timezone: Asia/Tokyo}
  desk: {members: [dee@example.com]}
stages:
  one:
    tasks: {a: {title: A, team: tokyo}}
    gate: {sign_off: {legal: 1}}
"""
)
NAME = r"Skins &lt;b&gt;&amp;&lt;/b&gt; \[loot\](http://x.example)"
OPENING = f"The gate of stage **one** of *{NAME}* waits for **legal** since "
SILENT = "1 sign-off is missing; not heard from: anna@example.com"
NO_ANSWER = "(no answer within 16 working hours)"


def away(person: str, _day: date) -> Absence | None:
    if person != "anna@example.com":
        return None
    return Absence(person, date(2025, 10, 13), date(2025, 10, 24), None, person, MONDAY)


def nobody(_person: str, _day: date) -> Absence | None:
    return None


def escalated(local: str, absences=nobody) -> tuple[GateState, list[ev.Reminded | ev.BackupCalled]]:
    """The gate after one look at that time, and what there is to tell."""
    gate = GateState(opened_at=MONDAY, digest="d", ready_at=MONDAY)
    gate.asked["legal"] = ev.SignOffAsked(stage="one", role="legal", digest="d", at=MONDAY)
    state = ProgramState("p", gates={"one": gate})
    now = datetime.fromisoformat(local).replace(tzinfo=DUBLIN)
    for event in due_steps(SPEC, state, now=now, absences=absences):
        take(state, Recorded(state.head + 1, now, "", event))
    return gate, list(to_tell(gate))


def test_a_reminder_says_who_is_waited_for_since_when_and_what_comes_next():
    gate, (event,) = escalated("2025-10-13 17:00")
    (notice,) = notices(SPEC, gate, event, "P-7")
    assert notice.people == ("anna@example.com",)
    assert notice.title == (
        "Your sign-off is waited for: one of Skins <b>&</b> [loot](http://x.example)"
    )
    assert notice.body == (
        f"{OPENING}Mon 13 Oct 2025 09:00 IST (round 1).\n\n{SILENT}.\n\n"
        "Without an answer by Tue 14 Oct 2025 16:00 IST, the backups may sign "
        "(bo@example.com, kei@example.com). Silence never approves."
    )


def test_each_backup_reads_the_times_of_their_own_zone():
    gate, (_, event) = escalated("2025-10-14 16:00")
    in_dublin, in_tokyo = notices(SPEC, gate, event, "P-7")
    assert (in_dublin.people, in_tokyo.people) == (("bo@example.com",), ("kei@example.com",))
    assert in_tokyo.title.startswith("You may sign for legal: one of Skins")
    assert in_tokyo.body == (
        f"{OPENING}Mon 13 Oct 2025 17:00 JST (round 1).\n\n{SILENT} {NO_ANSWER}. "
        "In their place may sign now: bo@example.com, kei@example.com.\n\n"
        "Without an answer by Wed 15 Oct 2025 23:00 JST, the owner is told (pm@example.com). "
        "Silence never approves."
    )
    assert "since Mon 13 Oct 2025 09:00 IST" in in_dublin.body
    assert in_dublin.mark != in_tokyo.mark


def test_the_owner_reads_what_they_can_do():
    gate, (*_, event) = escalated("2025-10-15 15:00")
    (notice,) = notices(SPEC, gate, event, "P-7")
    assert notice.people == ("pm@example.com",)
    assert notice.title.startswith("No answer from legal: one of Skins")
    assert notice.body == (
        f"{OPENING}Mon 13 Oct 2025 01:00 PDT (round 1).\n\n{SILENT} {NO_ANSWER}. "
        "This is told to pm@example.com, who cannot sign: speak with them, or name other people "
        "in the program and amend it.\n\n"
        "Nobody else is told. Silence never approves."
    )


def test_a_backup_of_an_absent_member_reads_for_whom_and_why():
    gate, (event,) = escalated("2025-10-13 09:00", away)
    notice, _ = notices(SPEC, gate, event, "P-7")
    assert notice.title.startswith("You may sign for anna@example.com: one of Skins")
    assert (
        "In place of anna@example.com (absent until Fri 24 Oct 2025) may sign now: "
        "bo@example.com, kei@example.com."
    ) in notice.body
    assert "Without an answer by Mon 13 Oct 2025 17:00 IST, they are reminded." in notice.body


def test_the_notice_links_the_sign_off_issue():
    gate, (event,) = escalated("2025-10-13 17:00")
    (notice,) = notices(SPEC, gate, event, "P-7")
    linked = notice.with_link("http://127.0.0.1/browse/P-7")
    assert linked.body == (
        f"{notice.body}\n\nThe evidence, and where to sign: [P-7](http://127.0.0.1/browse/P-7)"
    )
    assert linked.mark == notice.mark


def test_the_comment_has_the_times_of_the_role_and_shows_the_title_as_written():
    gate, (event,) = escalated("2025-10-13 17:00")
    text = to_text(to_adf(comment(SPEC, gate, event)))
    assert text.splitlines()[0].endswith(
        "waits for legal since Mon 13 Oct 2025 09:00 IST (round 1)."
    )
    assert "Skins <b>&</b>" in text


def test_backups_called_by_silence_are_told_by_the_step_alone():
    _, told = escalated("2025-10-15 15:00")
    assert [getattr(each, "step", "called") for each in told] == ["remind", "backup", "owner"]


def test_nobody_is_told_of_a_call_before_the_role_is_asked():
    gate, (event,) = escalated("2025-10-13 09:00", away)
    gate.asked.clear()
    assert gate.called["legal", "anna@example.com"] == event
    assert list(to_tell(gate)) == []


def test_nobody_is_told_between_a_changed_digest_and_its_question():
    gate, _ = escalated("2025-10-13 17:00")
    gate.digest = "d2"
    assert list(to_tell(gate)) == []


def test_every_escalation_has_a_mark_of_its_own():
    gate, told = escalated("2025-10-15 15:00")
    _, absent = escalated("2025-10-13 09:00", away)
    marks = [mark_of(gate, each) for each in (*told, *absent)]
    assert marks == [
        "silence-remind-one-1-legal",
        "silence-backup-one-1-legal",
        "silence-owner-one-1-legal",
        "called-one-1-legal-anna@example.com",
    ]
    sent = [notice.mark for each in told for notice in notices(SPEC, gate, each, "P-7")]
    assert len(sent) == len(set(sent)) == 4


@pytest.mark.parametrize(
    ("person", "zone"),
    [
        ("anna@example.com", "Europe/Dublin"),
        ("bo@example.com", "Europe/Dublin"),
        ("kei@example.com", "Asia/Tokyo"),  # where they are a member, before where a backup
        ("dee@example.com", "America/Los_Angeles"),
        ("pm@example.com", "America/Los_Angeles"),
    ],
)
def test_a_person_has_the_zone_of_their_role_or_else_of_the_program(person, zone):
    assert zone_of(SPEC, person).key == zone
