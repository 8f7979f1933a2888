"""Where programs stand, from the journal alone."""

import io

from rich.console import Console

from policy_rollout import events as ev
from policy_rollout.observed import Oddity
from policy_rollout.report.board import Links
from policy_rollout.report.status import (
    Status,
    program_renderable,
    program_text,
    status_json,
    status_lines,
    status_table,
    to_sign,
    to_sign_lines,
    to_sign_table,
)
from tests.programs_under_way import FULL, MINUTE, PLAIN, TWO_ROLES, UnderWay, asked, person

LINKS = Links("https://jira.test", "https://jira.test/issues", "https://sheets.test/w")


def status(program: UnderWay, run_url: str = "http://prefect.test/run-1") -> Status:
    return Status(program.outline, program.state, LINKS, run_url)


def in_trouble() -> UnderWay:
    program = asked(PLAIN)
    program.record(ev.TroubleMet(text="Jira: down", again_at=program.model.now + MINUTE))
    return program


def finished() -> UnderWay:
    program = asked(PLAIN)
    program.approve("legal", "lea")
    program.settle()
    return program


def shown(what: object) -> str:
    console = Console(file=io.StringIO(), width=100)
    console.print(what)
    return console.file.getvalue()


def test_each_program_is_a_line_of_fields():
    waiting, over = status(asked(TWO_ROLES)), status(finished())
    assert status_lines([waiting, over]) == [
        "p\tunder way\t0 of 1\tprepare: waits for legal, policy",
        "p\tfinished\t1 of 1\t-",
    ]


def test_a_program_in_trouble_says_so_in_its_line():
    assert status_lines([status(in_trouble())]) == [
        "p\tin trouble\t0 of 1\tprepare: waits for legal"
    ]


def test_stages_side_by_side_stand_in_one_line_in_the_order_of_the_spec():
    text = PLAIN + "  announce: {gate: {sign_off: {ops: 1}}}\n"
    program = asked(text)
    assert status(program).waits_for() == ["prepare: waits for legal", "announce: waits for ops"]


def test_the_table_has_the_same_fields_under_headings():
    table = shown(status_table([status(asked(PLAIN))]))
    for word in ("program", "stands", "gates passed", "waits for", "under way", "0 of 1"):
        assert word in table


def test_the_text_of_a_program_ends_with_the_evidence_of_its_waiting_gates():
    text = program_text(status(asked(TWO_ROLES)))
    assert text.startswith(
        "# Skins and stakes\n"
        "\n"
        "under way. Run: http://prefect.test/run-1\n"
        "\n"
        "| stage | work done | gate |\n"
        "|---|---|---|\n"
        "| prepare | 1 of 1 | waits for legal, policy |\n"
        "\n"
        "**Skins and stakes** — gate of stage **prepare**, round 1\n"
    )


def test_the_text_names_the_run_by_its_id_where_there_is_no_address():
    assert "under way. Run: run-1\n" in program_text(status(asked(PLAIN), run_url=""))


def test_the_text_tells_trouble_with_the_next_try():
    assert "\n\nTrouble, next try at 09:02 UTC: Jira: down\n\n" in program_text(
        status(in_trouble())
    )


def test_the_text_ends_with_what_is_odd():
    program = UnderWay(PLAIN)
    program.model.oddities = [Oddity("Row 7", "no key")]
    program.settle()
    assert program_text(status(program)).endswith("\n\nTo look at:\n\n- Row 7: no key")


def test_a_terminal_shows_the_text_rendered():
    assert "Skins and stakes" in shown(program_renderable(status(asked(PLAIN))))


def test_json_tells_a_waiting_gate_with_who_may_sign():
    program = asked(TWO_ROLES)
    program.approve("policy", "both")
    program.settle()
    digest = program.state.gates["prepare"].digest
    assert status_json([status(program)]) == [
        {
            "program": "p",
            "title": "Skins and stakes",
            "stands": "under_way",
            "run": "run-1",
            "run_url": "http://prefect.test/run-1",
            "trouble": None,
            "held": None,
            "stopped": None,
            "run_lost_since": None,
            "stages": [
                {
                    "stage": "prepare",
                    "items": 1,
                    "done": 1,
                    "open": True,
                    "round": 1,
                    "digest": digest,
                    "passed_at": None,
                    "waits_for_sign_off": {"legal": ["lea@example.com"]},
                }
            ],
            "oddities": [],
            "issues": program.state.issues,
        }
    ]


def test_json_tells_a_stage_that_is_not_open():
    program = UnderWay(FULL)
    program.settle()
    assert status_json([status(program)])[0]["stages"][1] == {
        "stage": "launch",
        "items": 1,
        "done": 0,
        "open": False,
        "round": None,
        "digest": None,
        "passed_at": None,
        "waits_for_sign_off": {},
    }


def test_json_tells_a_passed_gate_with_its_time():
    (told,) = status_json([status(finished())])
    (stage,) = told["stages"]
    assert (told["stands"], stage["passed_at"], stage["waits_for_sign_off"]) == (
        "finished",
        "2025-11-03T09:02:00+00:00",
        {},
    )


def test_json_tells_trouble():
    (told,) = status_json([status(in_trouble())])
    assert (told["stands"], told["trouble"]) == ("in_trouble", "Jira: down")


# All that one person has to sign

TOKYO = PLAIN.replace("boss@example.com]}", "boss@example.com], timezone: Asia/Tokyo}").replace(
    "program: p", "program: q"
)


def test_what_waits_for_a_person_is_listed_over_all_programs_in_the_role_s_own_time():
    programs = [status(asked(TWO_ROLES)), status(asked(TOKYO)), status(finished())]
    assert to_sign_lines(to_sign(programs, person("both"))) == [
        "p\tprepare\tlegal\tMon 3 Nov 2025 09:01 UTC\thttps://jira.test/browse/POL-3",
        "p\tprepare\tpolicy\tMon 3 Nov 2025 09:01 UTC\thttps://jira.test/browse/POL-4",
        "q\tprepare\tlegal\tMon 3 Nov 2025 18:01 JST\thttps://jira.test/browse/POL-3",
    ]


def test_who_signed_one_role_is_not_asked_for_another():
    program = asked(TWO_ROLES)
    program.approve("legal", "both")
    program.settle()
    assert to_sign([status(program)], person("both")) == ()


def test_nobody_is_asked_while_the_work_is_open_or_the_program_is_over():
    working, rejected = UnderWay(PLAIN), asked(PLAIN)
    working.settle()
    rejected.reject("legal", "lea", "No.\nFor good")
    rejected.settle()
    assert to_sign([status(working), status(rejected), status(finished())], person("lea")) == ()


def test_the_owner_has_nothing_to_sign():
    assert to_sign([status(asked(PLAIN))], person("boss")) == ()


def test_what_waits_for_a_person_is_a_table_on_a_terminal():
    table = shown(to_sign_table(to_sign([status(asked(PLAIN))], person("lea"))))
    for word in ("program", "gate", "role", "since", "sign here", "prepare", "legal"):
        assert word in table


def test_a_program_rejected_for_good_is_stopped():
    program = asked(PLAIN)
    program.reject("legal", "lea", "No.\nFor good")
    program.settle()
    assert status_lines([status(program)]) == ["p\tstopped\t0 of 1\t-"]
