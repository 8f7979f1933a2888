"""The evidence of a gate as Markdown: one text for Prefect, Jira and the Resume form. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from policy_rollout.gates import Answer, Judged, holds, may_still_sign, missing_sign_offs
from policy_rollout.program import GateState
from policy_rollout.spec.model import Spec

OPEN_ITEMS_SHOWN = 12
_ANSWERS = {Answer.HOLDS: "✓ holds", Answer.FAILS: "✗ not yet", Answer.CANNOT_TELL: "? cannot tell"}

_WHY = {"todo": "to do"}


def cell(text: str) -> str:
    """Text that stays inside its cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|")


def local(at: datetime, spec: Spec) -> str:
    """A time in the program's zone, with its weekday: `Mon 17 Nov 2025 09:00 PST`."""
    return at.astimezone(spec.timeline.timezone).strftime("%a %-d %b %Y %H:%M %Z")


def criteria_table(judged: Iterable[Judged], issues: Mapping[str, str]) -> str:
    """Every criterion with its answer, then the items still open with who has them."""
    criteria = tuple(judged)
    if not criteria:
        return "No criteria: this gate asks for sign-offs only."
    lines = ["| criterion | asks | answer | done |", "|---|---|---|---|"]
    lines += [
        f"| {cell(each.name)} | {each.asks} | {_ANSWERS[each.answer]} "
        f"| {each.met} of {each.total} |"
        for each in criteria
    ]
    still_open = [each for judged_one in criteria for each in judged_one.open]
    if still_open:
        lines += ["", "Still open:", ""]
        lines += [
            f"- {issues.get(each.item.key, each.item.short)}: {cell(each.item.title)}"
            f"{f' ({each.item.part})' if each.item.part and each.item.key not in issues else ''} — "
            f"{_WHY.get(each.why, each.why)}, {each.item.assignee}"
            for each in still_open[:OPEN_ITEMS_SHOWN]
        ]
    if len(still_open) > OPEN_ITEMS_SHOWN:
        lines.append(f"- and {len(still_open) - OPEN_ITEMS_SHOWN} more")
    return "\n".join(lines)


def history(spec: Spec, gate: GateState) -> str:
    """Why earlier rounds ended, newest first."""
    return "\n".join(
        f"- Round {each.round} was rejected by {each.person} for {each.role} on "
        f"{local(each.at, spec)}: {cell(each.reason)}"
        for each in reversed(gate.rejections)
    )


def sign_off_table(
    spec: Spec, stage: str, gate: GateState, issues: Mapping[str, str], *, asks: bool
) -> str:
    """Who has signed, and who is waited for; nobody while the criteria do not hold."""
    asked_for = spec.stages[stage].gate.sign_off
    if not asked_for:
        return "Nobody has to sign: the gate passes when its criteria hold."
    digest = gate.digest
    missing = missing_sign_offs(spec, stage, gate, digest)
    standing = gate.standing(digest)
    lines = ["| role | needs | signed | waiting for | where |", "|---|---|---|---|---|"]
    for role, quorum in asked_for.items():
        signed = [each for each in standing if each.role == role]
        names = ", ".join(f"{each.person} ({local(each.at, spec)})" for each in signed) or "—"
        waiting = "—"
        if role in missing:
            able = may_still_sign(spec, gate, role, digest)
            waiting = " or ".join(able) if asks else "the criteria above"
        lines.append(
            f"| {role} | {quorum} | {names} | {waiting} | {issues.get(role, 'not asked yet')} |"
        )
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class GateLinks:
    """Links to issues: of work items by stable key, of sign-offs by role."""

    items: Mapping[str, str]
    sign_offs: Mapping[str, str]


def gate_evidence(
    spec: Spec, stage: str, gate: GateState, judged: Iterable[Judged], links: GateLinks
) -> str:
    """All that a decision needs: what is decided, what the criteria saw, who signs."""
    criteria = tuple(judged)
    asks = gate.digest is not None and holds(criteria)
    document = spec.policy.document
    text = f", {document.ref} version {document.version}" if document else ""
    parts = [
        f"**{cell(spec.name)}** — gate of stage **{stage}**, round {gate.round}",
        f"Policy change: {spec.policy.change}{text}.",
        criteria_table(criteria, links.items),
        sign_off_table(spec, stage, gate, links.sign_offs, asks=asks),
    ]
    if gate.rejections:
        parts.append(history(spec, gate))
    if asks:
        parts.append(f"Digest of what is signed: `{gate.digest}`")
    return "\n\n".join(parts)
