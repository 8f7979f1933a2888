"""What `rollout check` and `rollout schema` print. Pure.

readings = [load(path, today=today) for path in paths]
print(as_lines(readings))        # in a pipe
console.print(as_table(paths, readings))  # on a terminal
print(as_json(readings))         # for machines
raise SystemExit(exit_code(readings))
"""

import json
from collections.abc import Iterable, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from policy_rollout.errors import ExitCode
from policy_rollout.spec.problems import Problem, Severity
from policy_rollout.spec.reader import Reading
from policy_rollout.spec.schema import schema

_STYLES = {Severity.ERROR: "bold red", Severity.ADVICE: "yellow"}


def exit_code(readings: Iterable[Reading]) -> ExitCode:
    """Found problems if any spec has an error; advice alone is done."""
    wrong = any(reading.errors for reading in readings)
    return ExitCode.FOUND_PROBLEMS if wrong else ExitCode.DONE


def as_lines(readings: Iterable[Reading]) -> str:
    """One line a problem, as editors and `grep` like it; advice says that it is advice."""
    return "\n".join(_line(problem) for problem in _problems(readings))


def as_json(readings: Iterable[Reading]) -> str:
    """A list of objects, in the order of the files."""
    found = [
        {
            "path": each.path,
            "line": each.line,
            "column": each.column,
            "rule": each.rule,
            "severity": str(each.severity),
            "text": each.text,
        }
        for each in _problems(readings)
    ]
    return json.dumps(found, indent=2, ensure_ascii=False)


def as_table(paths: Sequence[str], readings: Sequence[Reading]) -> RenderableType:
    """The problems by file, for a terminal."""
    files = zip(paths, readings, strict=True)
    return Group(*(part for path, reading in files for part in _file(path, reading)))


def schema_text() -> str:
    """The JSON Schema of the spec language, as it is shipped."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def summary(reading: Reading) -> str:
    """`2 errors, 1 advice`, or that there is nothing to mend."""
    errors = len(reading.errors)
    advice = len(reading.problems) - errors
    parts = [f"{errors} error{'s' * (errors != 1)}"] if errors else []
    parts += [f"{advice} advice"] if advice else []
    parts += [f"{len(reading.silenced)} silenced"] if reading.silenced else []
    return ", ".join(parts) if errors or advice else ", ".join(["no problems", *parts])


def _problems(readings: Iterable[Reading]) -> Iterator[Problem]:
    return (problem for reading in readings for problem in reading.problems)


def _line(problem: Problem) -> str:
    return str(problem) if problem.severity is Severity.ERROR else f"{problem} (advice)"


def _file(path: str, reading: Reading) -> Iterator[RenderableType]:
    style = _STYLES[Severity.ERROR if reading.errors else Severity.ADVICE]
    style = style if reading.problems else "green"
    yield Text.assemble((path, "bold"), "  ", (summary(reading), style))
    for problem in reading.problems:
        place = f"{problem.line}:{problem.column}"
        kind = (f"{problem.severity} {problem.rule}", _STYLES[problem.severity])
        yield Padding(Text.assemble((f"{place:<8}", "dim"), kind), (0, 0, 0, 2))
        yield Padding(Text(problem.text), (0, 0, 0, 10))
