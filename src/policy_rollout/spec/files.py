"""The spec as a file: the edge of the reader. Reads files."""

from datetime import date
from pathlib import Path

from policy_rollout.errors import SpecRefused
from policy_rollout.spec.document import LONGEST_TEXT
from policy_rollout.spec.model import Spec
from policy_rollout.spec.problems import Problem, Severity
from policy_rollout.spec.reader import Reading, read_spec

_MOST_BYTES = 4 * LONGEST_TEXT  # UTF-8 takes at most 4 a character


def load(path: Path | str, *, today: date | None = None) -> Reading:
    """Read a spec from a file; a file that cannot be read is a problem like others."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        return _refused(path, "no-file", _why_not(error))
    if len(content) > _MOST_BYTES:
        found = f"found more than {_MOST_BYTES:,} bytes"
        step = "split it into several programs"
        text = f"{found}, expected at most {LONGEST_TEXT:,} characters; {step}"
        return _refused(path, "too-large", text)
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        found = f"found the byte 0x{content[error.start]:02X}, expected UTF-8"
        step = "save the file again with the encoding UTF-8"
        return _refused(path, "not-text", f"{found}; {step}", line=line, column=column)
    return read_spec(text, str(path), today=today)


def load_valid(path: Path | str, *, today: date) -> tuple[Spec, tuple[Problem, ...]]:
    """The spec of a file without errors, and the advice on it.

    Raises:
        SpecRefused: with every error, in the order of the file.
    """
    reading = load(path, today=today)
    if reading.spec is None:
        raise SpecRefused([str(each) for each in reading.errors])
    return reading.spec, reading.problems


def _why_not(error: OSError) -> str:
    match error:
        case FileNotFoundError():
            return "found no such file, expected a program spec; check the path"
        case IsADirectoryError():
            return "found a folder, expected one program spec; name a file in it"
        case PermissionError():
            return (
                "found a file that may not be read, expected a readable one; mend its permissions"
            )
        case _:
            found = f"found a file that cannot be read ({error.strerror})"
            return f"{found}, expected a readable one; copy it elsewhere"


def _refused(path: Path | str, rule: str, text: str, *, line: int = 1, column: int = 1) -> Reading:
    return Reading(None, (Problem(str(path), line, column, rule, Severity.ERROR, text),))
