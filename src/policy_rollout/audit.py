"""The audit of a program: its chain and each of its gates, recomputed from the journal. Pure.

Nothing that the journal says of a gate is believed: which spec applied, what the criteria saw,
the digest, who was allowed to sign and whether that was enough are all worked out again from the
entries before, and held against what was written. Each difference is a finding that names the
entry. `audit` takes the rows as they are stored, `recompute` the events alone.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeVar

from pydantic import ValidationError

from policy_rollout import events as ev
from policy_rollout.audit_rules import Examiner, Recounted, stage_of
from policy_rollout.errors import JournalTampered
from policy_rollout.journal.chain import GENESIS, StoredEntry, broken_links, opened
from policy_rollout.program import ProgramState, Recorded, Version
from policy_rollout.spec.differences import differences
from policy_rollout.spec.model import Spec
from policy_rollout.stopping import how_stopped

_T = TypeVar("_T")

YEARS = range(2000, 9000)
"""The years an entry may speak of; others could not be shown in every zone."""

_TIMES = frozenset({"at", "again_at"})


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was written, or not as the rules say.

    `sequence` is the entry it is about (0: the program or the folder as a whole), `line` its line
    in an exported file (0: not from a file), `gate` the stage whose gate it is about.
    """

    sequence: int
    text: str
    gate: str = ""
    line: int = 0
    file: str = ""

    def __str__(self) -> str:
        where = [self.file] if self.file else []
        where += [f"line {self.line}"] if self.line else []
        where += [f"entry {self.sequence}"] if self.sequence else []
        where += [f"gate {self.gate}"] if self.gate else []
        return f"{', '.join(where)}: {self.text}" if where else self.text

    def as_json(self) -> dict[str, object]:
        return {
            "entry": self.sequence or None,
            "gate": self.gate or None,
            "file": self.file or None,
            "line": self.line or None,
            "finding": self.text,
        }


@dataclass(frozen=True, slots=True)
class GateAudit:
    """One gate: what was journaled about it, and by entry what its signers faced.

    `recounted` has an answer for each entry that says that the gate was ready or passed. An
    amendment stands among the records of the gates that it reopened.
    """

    stage: str
    records: tuple[Recorded, ...]
    recounted: Mapping[int, Recounted]
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> Recorded | None:
        """The entry by which it has passed; None also where it was reopened since."""
        ends = [each for each in self.records if isinstance(each.event, ev.GatePassed | ev.Amended)]
        return ends[-1] if ends and isinstance(ends[-1].event, ev.GatePassed) else None


@dataclass(frozen=True, slots=True)
class Recomputation:
    """All gates of a program, in the order of its last spec; `spec` is None if unreadable."""

    program: str
    spec: Spec | None
    state: ProgramState
    gates: tuple[GateAudit, ...]
    findings: tuple[Finding, ...]

    @property
    def same_outcome(self) -> bool:
        return not self.findings


@dataclass(frozen=True, slots=True)
class Amendment:
    """A spec that replaced the one before, and what differs."""

    version: Version
    differences: tuple[str, ...]


def amendments(state: ProgramState) -> tuple[Amendment, ...]:
    """Every amendment that counts, oldest first."""
    return tuple(
        Amendment(after, differences(before.text, after.text))
        for before, after in pairwise(state.versions)
    )


@dataclass(frozen=True, slots=True)
class Audit:
    """A program's journal, verified: `head` is the hash of its last entry.

    `findings` has those of the chain, then those of the gates.
    """

    program: str
    entries: tuple[StoredEntry, ...]
    recomputation: Recomputation
    findings: tuple[Finding, ...]

    @property
    def head(self) -> str:
        return self.entries[-1].hash if self.entries else GENESIS

    @property
    def last_sequence(self) -> int:
        return self.entries[-1].sequence if self.entries else 0

    @property
    def verified(self) -> bool:
        return not self.findings


def audit(program: str, entries: Sequence[StoredEntry]) -> Audit:
    """Verify the chain of a program, whose entries are in their order, and recompute its gates."""
    broken = [Finding(each.sequence, each.why) for each in broken_links(entries)]
    foreign = {each.program for each in entries} - {program}
    broken += [
        Finding(0, f"it is of program {name!r}, not {program!r}") for name in sorted(foreign)
    ]
    told = {each.sequence for each in broken}
    records, unread = _read(entries)
    broken += [each for each in unread if each.sequence not in told]
    recomputation = recompute(program, records)
    findings = (*sorted(broken, key=lambda each: each.sequence), *recomputation.findings)
    return Audit(program, tuple(entries), recomputation, findings)


def _read(entries: Iterable[StoredEntry]) -> tuple[list[Recorded], list[Finding]]:
    """The events of entries, and a finding for each that is none."""
    records: list[Recorded] = []
    unread: list[Finding] = []
    for stored in entries:
        try:
            records.append(_recorded(stored))
        except (JournalTampered, ValidationError, ValueError, RecursionError):
            text = f"it cannot be read as an event of kind {stored.kind!r}"
            unread.append(Finding(stored.sequence, text))
    return records, unread


def _recorded(stored: StoredEntry) -> Recorded:
    entry = opened(stored)
    event = ev.event_from(entry.kind, entry.body)
    named = _TIMES & type(event).model_fields.keys()
    times = [entry.at, *(getattr(event, each) for each in named)]
    if any(each.tzinfo is None or each.year not in YEARS for each in times):
        raise ValueError("a time without a zone, or out of range")
    return Recorded(entry.sequence, entry.at, entry.actor, event)


def recompute(program: str, records: Iterable[Recorded]) -> Recomputation:
    """Every gate of a program from its events alone: the same outcome, or where not.

    The events are walked once, in their order.
    """
    examiner = Examiner(program)
    findings: list[Finding] = []
    by_stage: dict[str, list[Recorded]] = {}
    recounted: dict[str, dict[int, Recounted]] = {}
    last: Recorded | None = None
    for record in records:
        last = record
        stage = stage_of(record.event) or ""
        found = examiner.examine(record)
        findings += [Finding(record.sequence, text, stage) for text in found.problems]
        if stage:
            by_stage.setdefault(stage, []).append(record)
        if found.recounted is not None:
            recounted.setdefault(stage, {})[record.sequence] = found.recounted
        if isinstance(record.event, ev.Amended) and not found.problems:
            names = record.event.stages
            by_stage, recounted = _renamed(by_stage, names), _renamed(recounted, names)
            findings = [replace(each, gate=names.get(each.gate, each.gate)) for each in findings]
            for stage in record.event.reopened:
                by_stage.setdefault(stage, []).append(record)
    if last is not None:
        findings += [
            Finding(last.sequence, text, stage) for stage, text in examiner.left_open(last.at)
        ]
    spec = examiner.past.spec
    stages = dict.fromkeys((*(spec.stages if spec else ()), *by_stage))
    gates = tuple(
        GateAudit(
            stage,
            tuple(by_stage.get(stage, ())),
            recounted.get(stage, {}),
            tuple(each for each in findings if each.gate == stage),
        )
        for stage in stages
    )
    return Recomputation(program, spec, examiner.past.state, gates, tuple(findings))


def _renamed(of_stages: dict[str, _T], stages: Mapping[str, str]) -> dict[str, _T]:
    return {stages.get(stage, stage): each for stage, each in of_stages.items()}


def as_json(audited: Audit, findings: Sequence[Finding]) -> dict[str, object]:
    """The audit for a machine; `verified` is whether there is no finding.

    `findings` are the audit's own, or those of the folder that it was read from.
    """
    return {
        "program": audited.program,
        "entries": len(audited.entries),
        "head": audited.head,
        "verified": not findings,
        "amendments": [
            {
                "entry": each.version.entry,
                "at": each.version.at.isoformat(),
                "by": each.version.by,
                "reason": each.version.reason,
                "differences": list(each.differences),
            }
            for each in amendments(audited.recomputation.state)
        ],
        "stopped": _stop_json(audited.recomputation.state),
        "gates": [_gate_json(each) for each in audited.recomputation.gates],
        "findings": [each.as_json() for each in findings],
    }


def _stop_json(state: ProgramState) -> dict[str, object] | None:
    if state.stopped is None or state.stopped_at is None:
        return None
    by, reason = state.stopped.by, state.stopped.reason
    return {"at": state.stopped_at.isoformat(), "by": by, "reason": reason}


def _gate_json(gate: GateAudit) -> dict[str, object]:
    passed = gate.passed
    return {
        "gate": gate.stage,
        "passed_at": passed.at.isoformat() if passed else None,
        "entry": passed.sequence if passed else None,
        "same_outcome": not gate.findings,
    }


def verdict_lines(audited: Audit, findings: Sequence[Finding], *, most: int) -> Iterator[str]:
    """The audit for a person: a line a gate, then `most` findings, then the verdict."""
    count = len(audited.entries)
    yield f"{audited.program}: {count:,} entr{'y' if count == 1 else 'ies'}, head {audited.head}"
    for each in amendments(audited.recomputation.state):
        yield (
            f"amended at entry {each.version.entry} by {each.version.by}: {each.version.reason} "
            f"({len(each.differences)} difference{'s' * (len(each.differences) != 1)})"
        )
    for gate in audited.recomputation.gates:
        yield f"gate {gate.stage}: {gate_words(gate)}"
    stopped = audited.recomputation.state.stopped
    if stopped is not None:
        yield f"{how_stopped(stopped)}: {' '.join(stopped.reason.split())}"
    yield from (str(each) for each in findings[:most])
    if len(findings) > most:
        yield f"and {len(findings) - most:,} more findings; all of them with --json"
    yield verdict(findings)


def gate_words(gate: GateAudit) -> str:
    """What became of a gate and whether recomputing it came to the same."""
    if not gate.records:
        return "not opened"
    passed = gate.passed
    became = f"passed at entry {passed.sequence}" if passed else "has not passed"
    count = len(gate.findings)
    if not count:
        return f"{became}; recomputed: same outcome"
    return f"{became}; recomputed: {count} difference{'s' * (count != 1)}"


def verdict(findings: Sequence[Finding]) -> str:
    if not findings:
        return "verified: the chain is whole and every gate comes to the same outcome"
    return f"NOT verified: {len(findings)} finding{'s' * (len(findings) != 1)}"
