"""The evidence of a gate as Markdown: one text for Prefect, Jira and the Resume form. Pure.

Its size is bounded, whatever the number of items: what is not shown is counted.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from policy_rollout import events as ev
from policy_rollout.gates import Answer, Judged, OpenItem, difference, holds, missing_sign_offs
from policy_rollout.program import GateState
from policy_rollout.signers import Bench
from policy_rollout.spec.model import Spec

OPEN_ITEMS_SHOWN = 12
PARTS_SHOWN = 40
CHANGES_SHOWN = 12
ROUNDS_SHOWN = 5
WAIVERS_SHOWN = 12
REASON_SHOWN = 400
_ANSWERS = {Answer.HOLDS: "✓ holds", Answer.FAILS: "✗ not yet", Answer.CANNOT_TELL: "? cannot tell"}
_WHY = {"todo": "to do"}
_DIGEST_OF = "Digest of what is signed: "


_MARKS = re.compile(r"[\\`*~\[\]<>|&]|(?<!\w)_|_(?!\w)")
_ESCAPED = re.compile(r"\\([\\`*~\[\]<>|&_])")


def one_line(text: str) -> str:
    return " ".join(text.split())


def cell(text: str) -> str:
    """What somebody wrote, as Markdown that shows it letter by letter, on one line.

    It stays inside its cell of a table, and makes no link, picture, code or HTML: else a title or
    a reason could hide or forge what a signer reads.
    """
    return _MARKS.sub(r"\\\g<0>", one_line(text))


def as_read(markdown: str) -> str:
    """The same text for a terminal, which shows Markdown as it is written."""
    return _ESCAPED.sub(r"\1", markdown)


def local(at: datetime, spec: Spec, role: str | None = None) -> str:
    """A time with its weekday, in the zone of the program or of a role."""
    own = spec.people[role].timezone if role is not None else None
    return at.astimezone(own or spec.timeline.timezone).strftime("%a %-d %b %Y %H:%M %Z")


def _bounded(lines: Sequence[str], most: int) -> Iterator[str]:
    yield from lines[:most]
    if len(lines) > most:
        yield f"- and {len(lines) - most} more"


def criteria_table(judged: Iterable[Judged], issues: Mapping[str, str]) -> str:
    """Every criterion with its answer, by language or market, then what is open and who has it."""
    criteria = tuple(judged)
    if not criteria:
        return "No criteria: this gate asks for sign-offs only."
    lines = ["| criterion | asks | answer | done |", "|---|---|---|---|"]
    lines += [
        f"| {cell(each.name)} | {each.asks} | {_answer(each)} | {each.met} of {each.total} |"
        for each in criteria
    ]
    parts = [
        f"- {cell(each.name)}: " + ", ".join(_parts(each)) for each in criteria if each.by_part
    ]
    if parts:
        lines += ["", "By language or market:", "", *_bounded(parts, PARTS_SHOWN)]
    still_open = [_open_line(left, issues) for each in criteria for left in each.open]
    if still_open:
        lines += ["", "Still open:", "", *_bounded(still_open, OPEN_ITEMS_SHOWN)]
    return "\n".join(lines)


def _answer(judged: Judged) -> str:
    if judged.waiver is None:
        return _ANSWERS[judged.answer]
    return f"✓ waived by {judged.waiver.person} until {judged.waiver.until}"


def _parts(judged: Judged) -> Iterator[str]:
    for part, met, total in judged.by_part[:PARTS_SHOWN]:
        yield f"{part} {met} of {total}"
    if len(judged.by_part) > PARTS_SHOWN:
        yield f"and {len(judged.by_part) - PARTS_SHOWN} more"


def _open_line(each: OpenItem, issues: Mapping[str, str]) -> str:
    item = each.item
    part = f" ({item.part})" if item.part and item.key not in issues else ""
    name = issues.get(item.key, item.short)
    return f"- {name}: {cell(item.title)}{part} — {_WHY.get(each.why, each.why)}, {item.assignee}"


def history(spec: Spec, gate: GateState) -> str:
    """Why earlier rounds ended, newest first."""
    lines = [
        f"- Round {each.round} was rejected by {each.person} for {each.role} on "
        f"{local(each.at, spec)}: {_cut(each.reason)}"
        for each in reversed(gate.rejections)
    ]
    return "\n".join(_bounded(lines, ROUNDS_SHOWN))


def _cut(text: str) -> str:
    short = one_line(text)
    return cell(short if len(short) <= REASON_SHOWN else f"{short[:REASON_SHOWN]}…")


def waivers(gate: GateState) -> str:
    """Every waiver of the gate, with its reason."""
    lines = [
        f"- {cell(each.criterion)} is waived by {each.person} until {each.until}: "
        f"{_cut(each.reason)}"
        for each in gate.waivers.values()
    ]
    return "\n".join(_bounded(lines, WAIVERS_SHOWN))


def changes_since(gate: GateState) -> str:
    """What differs from the text that was asked for before; empty where nothing was."""
    texts = [each for each in gate.covers.values() if each]
    if len(texts) < 2:  # noqa: PLR2004 - a difference needs two
        return ""
    changed = [f"- {_cut(line)}" for line in difference(texts[-2], texts[-1])]
    return "\n".join(["Changed since it was last asked:", "", *_bounded(changed, CHANGES_SHOWN)])


def sign_off_table(seat: Bench, *, asks: bool) -> str:
    """Who has signed, and who is waited for since when, in their own time.

    Nobody is waited for while the criteria do not hold.
    """
    spec, stage, gate = seat.spec, seat.stage, seat.gate
    asked_for = spec.stages[stage].gate.sign_off
    if not asked_for:
        return "Nobody has to sign: the gate passes when its criteria hold."
    missing = missing_sign_offs(spec, stage, gate, gate.digest)
    lines = ["| role | needs | signed | waiting for | since |", "|---|---|---|---|---|"]
    for role, quorum in asked_for.items():
        signed = ", ".join(_signatures(seat, role)) or "—"
        waiting, since = "—", "—"
        if role in missing and not asks:
            waiting = "the criteria above"
        elif role in missing and gate.ready_at is not None:
            waiting = " or ".join(seat.waited_for(role)) or "nobody may sign: see the owner"
            since = local(gate.ready_at, spec, role)
        lines.append(f"| {role} | {quorum} | {signed} | {waiting} | {since} |")
    return "\n".join(lines)


def _signatures(seat: Bench, role: str) -> Iterator[str]:
    for given in seat.gate.standing(seat.gate.digest):
        if given.role == role:
            for_whom = f" for {given.stands_for}" if given.stands_for else ""
            count = len(given.conditions)
            on_conditions = f", {count} condition{'s' * (count != 1)}" if count else ""
            yield f"{given.person}{for_whom} ({local(given.at, seat.spec, role)}{on_conditions})"


@dataclass(frozen=True, slots=True)
class GateView:
    """A gate as it is shown: its bench, its criteria, and links to items by stable key.

    `stopped` is what ended the program, if something did.
    """

    seat: Bench
    judged: tuple[Judged, ...]
    items: Mapping[str, str]
    stopped: ev.ProgramStopped | None = None

    @property
    def asks(self) -> bool:
        """Whether the gate asks for sign-offs: its criteria did hold, and hold still."""
        does_hold = self.seat.gate.digest is not None and holds(self.judged)
        return self.stopped is None and does_hold


def gate_evidence(view: GateView) -> str:
    """All that a decision needs: what is decided, what the criteria saw, who signs."""
    spec, gate = view.seat.spec, view.seat.gate
    document = spec.policy.document
    text = f", {cell(document.ref)} version {cell(document.version)}" if document else ""
    parts = [
        f"**{cell(spec.name)}** — gate of stage **{view.seat.stage}**, round {gate.round}",
        f"Policy change: {spec.policy.change}{text}.",
        criteria_table(view.judged, view.items),
        sign_off_table(view.seat, asks=view.asks),
        changes_since(gate),
        waivers(gate),
        history(spec, gate),
        f"{_DIGEST_OF}`{gate.digest}`" if view.asks else "",
    ]
    return "\n\n".join(part for part in parts if part)


def digest_shown(text: str) -> str:
    """The digest that an evidence asks to sign; empty where it asks for nothing."""
    _, _, rest = text.rpartition(f"{_DIGEST_OF}`")
    return rest.partition("`")[0] if _DIGEST_OF in text else ""
