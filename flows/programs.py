"""The programs of the launch form: those shipped in `program_specs/`, or a pasted text."""

import re
from pathlib import Path

from prefect.runtime import flow_run

from policy_rollout.errors import SpecRefused

PASTED = "the spec pasted below"
_FOLDER = Path(__file__).parent.parent / "program_specs"
SHIPPED = tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))


def text_of(program: str, pasted_spec: str, source: str) -> tuple[str, str]:
    """The spec's text and where it comes from.

    Raises:
        SpecRefused: neither a shipped program nor a pasted text was given, or both were.
    """
    if program == PASTED and pasted_spec.strip():
        return pasted_spec, source
    if program in SHIPPED and not pasted_spec.strip():
        path = _FOLDER / f"{program}.yaml"
        return path.read_text(encoding="utf-8"), f"{_FOLDER.name}/{path.name}"
    found = f"found program {program!r} and a pasted spec of {len(pasted_spec)} characters"
    expected = f"expected one of {', '.join(SHIPPED)} alone, or {PASTED!r} and a pasted spec"
    raise SpecRefused([f"launch form: {found}, {expected}"])


def run_name() -> str:
    """A run is named after its program, before the spec has been read."""
    given = flow_run.parameters
    if given.get("program", PASTED) != PASTED:
        return str(given["program"])
    named = re.search(r"(?m)^program:\s*[\"']?([a-z0-9-]+)", str(given.get("pasted_spec", "")))
    return named[1] if named else "a spec without a program"
