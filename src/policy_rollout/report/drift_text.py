"""Drift as lines, a table, JSON and Markdown. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from policy_rollout.drift import Difference
from policy_rollout.report.evidence import cell, one_line

SHOWN = 200
"""So many differences of one program stand on a page; more are counted."""
NO_DRIFT = "nothing differs from what was planned"


def drift_lines(program: str, found: Sequence[Difference]) -> list[str]:
    """One line each, and a last one that counts them."""
    return [*(str(each) for each in found), f"{program}: {counted(found)}"]


def drift_table(found: Sequence[Difference]) -> Table:
    table = Table("where", "what differs", "who", "what mends it")
    for each in found:
        table.add_row(each.where, each.what, each.who or "-", each.mend)
    return table


def drift_json(program: str, found: Sequence[Difference]) -> dict[str, Any]:
    return {"program": program, "differences": [each.as_json() for each in found]}


def counted(found: Sequence[Difference]) -> str:
    if not found:
        return NO_DRIFT
    return f"{len(found)} thing{'s' * (len(found) != 1)} differ{'s' * (len(found) == 1)}"


def drift_page(found: Mapping[str, Sequence[Difference]], failed: Mapping[str, str]) -> str:
    """All programs on one page: those that differ with their differences, then the others."""
    parts = ["# Drift", "What Jira and the workbook hold that nobody planned. Nothing was changed."]
    for program, differences in found.items():
        if differences:
            parts.append(f"## {program}: {counted(differences)}\n\n{_markdown(differences)}")
    if failed:
        lines = "\n".join(f"- **{program}**: {cell(why)}" for program, why in failed.items())
        parts.append(f"## Could not be looked at\n\n{lines}")
    if calm := [program for program, differences in found.items() if not differences]:
        parts.append(f"## Nothing differs\n\n{', '.join(calm)}")
    if not found and not failed:
        parts.append("No program is under way.")
    return "\n\n".join(parts)


def _markdown(found: Sequence[Difference]) -> str:
    """A list: Prefect cuts a table of four columns off."""
    lines = []
    for each in found[:SHOWN]:
        by = f", by {cell(each.who)}" if each.who else ""
        lines.append(f"- **{cell(each.where)}**: {cell(each.what)}{by}.\n  {one_line(each.mend)}")
    more = [f"- and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    return "\n".join([*lines, *more])


def drift_words(found: Mapping[str, Sequence[Difference]], failed: Mapping[str, str]) -> str:
    """One sentence over all programs, for the end of a run."""
    drifting = {program: len(each) for program, each in found.items() if each}
    parts = []
    if drifting:
        named = ", ".join(f"{program} ({count})" for program, count in drifting.items())
        verb = "differs" if len(drifting) == 1 else "differ"
        parts.append(f"{len(drifting)} of {len(found) + len(failed)} programs {verb}: {named}")
    if failed:
        parts.append(f"could not be looked at: {', '.join(failed)}")
    if not parts:
        total = len(found)
        return f"{total} program{'s' * (total != 1)} looked at: {NO_DRIFT}"
    return "; ".join(parts)
