import io
import json
from datetime import date

from rich.console import Console

from policy_rollout.errors import ExitCode
from policy_rollout.report.check import as_json, as_lines, as_table, exit_code, schema_text, summary
from policy_rollout.spec.reader import Reading, read_spec

TODAY = date(2026, 1, 5)
GOOD = """\
program: small
policy: {change: clarification}
timeline: {effective: 2026-03-07}
people: {ops: {members: [m.tan@example.com]}, legal: {members: [s.brandt@example.com]}}
stages: {launch: {tasks: {switch: {title: Switch it on, team: ops}}, gate: {sign_off: {legal: 1}}}}
"""
ADVICE = (
    "small.yaml:3:23: launch-on-weekend: found Sat 2026-03-07, a weekend, expected a free working "
    "day; the next free day is Mon 2026-03-09"
)


def _read(text: str, path: str = "small.yaml") -> Reading:
    return read_spec(text, path, today=TODAY)


def _on_a_terminal(readings: dict[str, Reading]) -> str:
    screen = io.StringIO()
    console = Console(file=screen, width=120, color_system=None)
    console.print(as_table(list(readings), list(readings.values())))
    return "\n".join(line.rstrip() for line in screen.getvalue().splitlines())


def test_advice_alone_is_done():
    assert exit_code([_read(GOOD)]) is ExitCode.DONE


def test_an_error_in_any_spec_is_a_problem_found():
    assert exit_code([_read(GOOD), _read("")]) is ExitCode.FOUND_PROBLEMS


def test_a_pipe_gets_a_line_a_problem_and_advice_says_so():
    assert as_lines([_read(GOOD), _read("", "none.yaml")]).splitlines() == [
        f"{ADVICE} (advice)",
        (
            "none.yaml:1:1: empty: found an empty file, expected a program spec; "
            "start with `program:`, `policy:`, `people:` and `stages:`"
        ),
    ]


def test_a_spec_without_problems_prints_nothing_in_a_pipe():
    assert as_lines([_read(GOOD.replace("2026-03-07", "2026-03-10"))]) == ""


def test_a_machine_gets_objects():
    assert json.loads(as_json([_read(GOOD)])) == [
        {
            "path": "small.yaml",
            "line": 3,
            "column": 23,
            "rule": "launch-on-weekend",
            "severity": "advice",
            "text": ADVICE.split(": ", 2)[2],
        }
    ]


def test_a_machine_gets_an_empty_list_where_there_are_no_problems():
    assert json.loads(as_json([_read(GOOD.replace("2026-03-07", "2026-03-10"))])) == []


def test_a_terminal_gets_the_problems_by_file():
    broken = _read(GOOD.replace("team: ops", "team: opps"), "broken.yaml")
    assert _on_a_terminal({"broken.yaml": broken, "small.yaml": _read(GOOD)}) == (
        "broken.yaml  1 error\n"
        "  5:63    error unknown-role\n"
        "          found the role 'opps', expected one under `people` (ops, legal); did you mean "
        "'ops'?\n"
        "small.yaml  1 advice\n"
        "  3:23    advice launch-on-weekend\n"
        "          found Sat 2026-03-07, a weekend, expected a free working day; the next free day "
        "is Mon 2026-03-09"
    )


def test_brackets_in_a_spec_are_no_colours():
    broken = _read(GOOD.replace("program: small", "program: '[red]small[/red]'"))
    assert "found '[red]small[/red]'" in _on_a_terminal({"small.yaml": broken})


def test_silenced_advice_is_counted():
    silent = _read(GOOD + "silence: {launch-on-weekend: The law names the day}\n")
    assert summary(silent) == "no problems, 1 silenced"
    assert [str(each) for each in silent.silenced] == [ADVICE]


def test_the_schema_is_printed_as_it_is_shipped():
    assert schema_text().startswith(
        '{\n  "$schema": "https://json-schema.org/draft/2020-12/schema"'
    )
    assert schema_text().endswith("}\n")
