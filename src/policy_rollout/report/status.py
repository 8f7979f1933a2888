"""Where programs stand, from the journal alone: lines, tables and JSON. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.markdown import Markdown
from rich.table import Table

from policy_rollout.decide import as_known
from policy_rollout.gates import FINISHED, missing_sign_offs
from policy_rollout.outline import Outline
from policy_rollout.program import ProgramState
from policy_rollout.report.board import (
    Links,
    asks_now,
    evidence_of,
    gate_words,
    headline,
    hold_text,
    lost_text,
)
from policy_rollout.report.evidence import as_read, local
from policy_rollout.signers import bench

HEADINGS = ("program", "stands", "gates passed", "waits for")


@dataclass(frozen=True, slots=True)
class Status:
    """A program as the journal knows it."""

    outline: Outline
    state: ProgramState
    links: Links
    run_url: str

    @property
    def stands(self) -> str:
        if self.state.stopped is not None:
            return "stopped"
        if self.state.finished_at is not None:
            return "finished"
        if self.state.held is not None:
            return "held"
        if self.state.lost_since is not None:
            return "run lost"
        return "in trouble" if self.state.trouble is not None else "under way"

    def waits_for(self) -> list[str]:
        """What every open gate waits for: its open work, or the roles that have to sign."""
        spec = self.outline.spec
        if self.state.is_over:
            return []
        if self.state.held is not None:
            return [f"rollout go-on {self.state.program}"]
        if self.state.lost_since is not None:
            return [f"rollout launch --continue {self.state.program}"]
        return [
            f"{stage}: {gate_words(self.outline, self.state, stage)}"
            for stage in spec.stages
            if stage in self.state.waiting_stages
        ]


def status_lines(programs: Iterable[Status]) -> list[str]:
    """One line a program, its fields divided by tabs."""
    return ["\t".join(_row(each)) for each in programs]


def status_table(programs: Iterable[Status]) -> Table:
    table = Table(*HEADINGS)
    for each in programs:
        table.add_row(*_row(each))
    return table


def _row(status: Status) -> tuple[str, ...]:
    stages = status.outline.spec.stages
    passed = sum(status.state.passed(stage) for stage in stages)
    return (
        status.state.program,
        status.stands,
        f"{passed} of {len(stages)}",
        "; ".join(status.waits_for()) or "-",
    )


def program_text(status: Status) -> str:
    """One program in Markdown: each stage, then the evidence of each gate that waits."""
    outline, state = status.outline, status.state
    parts = [f"# {outline.spec.name}", f"{status.stands}. Run: {status.run_url or state.run}"]
    told = (hold_text(outline.spec, state), lost_text(outline.spec, state))
    parts += [each for each in told if each]
    if state.stopped is not None:
        parts.append(headline(outline, state))
    if state.trouble is not None:
        parts.append(
            f"Trouble, next try at {state.trouble.again_at:%H:%M} UTC: {state.trouble.text}"
        )
    lines = ["| stage | work done | gate |", "|---|---|---|"]
    for stage in outline.spec.stages:
        items = outline.of(stage)
        done = sum(state.of(item.key).state in FINISHED for item in items)
        lines.append(f"| {stage} | {done} of {len(items)} | {gate_words(outline, state, stage)} |")
    parts.append("\n".join(lines))
    known = as_known(outline, state)
    waiting = () if state.is_over else state.waiting_stages
    parts += [as_read(evidence_of(outline, known, stage, status.links)) for stage in waiting]
    if state.oddities:
        parts.append("To look at:\n\n" + "\n".join(f"- {each}" for each in state.oddities))
    return "\n\n".join(parts)


def gate_text(status: Status, stage: str) -> str:
    """The evidence of one waiting gate, as everywhere else."""
    known = as_known(status.outline, status.state)
    return as_read(evidence_of(status.outline, known, stage, status.links))


def program_renderable(status: Status) -> RenderableType:
    return Group(Markdown(program_text(status)))


def status_json(programs: Sequence[Status]) -> list[dict[str, Any]]:
    return [_as_json(each) for each in programs]


def _as_json(status: Status) -> dict[str, Any]:
    outline, state = status.outline, status.state
    return {
        "program": state.program,
        "title": outline.spec.name,
        "stands": status.stands.replace(" ", "_"),
        "run": state.run,
        "run_url": status.run_url,
        "trouble": state.trouble.text if state.trouble else None,
        "held": {**asdict(state.held), "since": state.held.since.isoformat()}
        if state.held
        else None,
        "stopped": {"by": state.stopped.by, "reason": state.stopped.reason}
        if state.stopped
        else None,
        "run_lost_since": state.lost_since.isoformat() if state.lost_since else None,
        "stages": [_stage_json(outline, state, stage) for stage in outline.spec.stages],
        "oddities": list(state.oddities),
        "issues": state.issues,
    }


def _stage_json(outline: Outline, state: ProgramState, stage: str) -> dict[str, Any]:
    items = outline.of(stage)
    gate = state.gates.get(stage)
    return {
        "stage": stage,
        "items": len(items),
        "done": sum(state.of(item.key).state in FINISHED for item in items),
        "open": gate is not None,
        "round": gate.round if gate else None,
        "digest": gate.digest if gate else None,
        "passed_at": gate.passed_at.isoformat() if gate and gate.passed_at else None,
        "waits_for_sign_off": _waited_for(outline, state, stage),
    }


def _waited_for(outline: Outline, state: ProgramState, stage: str) -> dict[str, list[str]]:
    """Role to who may sign; empty while the gate does not ask."""
    if not asks_now(outline, state, stage):
        return {}
    gate = state.gates[stage]
    seat = bench(outline.spec, state, stage, outline.of(stage), gate.digest)
    missing = missing_sign_offs(outline.spec, stage, gate, gate.digest)
    return {role: list(seat.waited_for(role)) for role in missing}


@dataclass(frozen=True, slots=True)
class ToSign:
    """Something that one person has to sign."""

    program: str
    title: str
    stage: str
    role: str
    since: str
    where: str


def to_sign(programs: Iterable[Status], person: str) -> tuple[ToSign, ...]:
    """All that waits for one person, over all programs, in the programs' order."""
    return tuple(
        ToSign(
            program=each.state.program,
            title=each.outline.spec.name,
            stage=stage,
            role=role,
            since=_since(each, stage, role),
            where=_where(each, stage, role),
        )
        for each in programs
        if not each.state.is_over
        for stage in each.state.waiting_stages
        for role, people in _waited_for(each.outline, each.state, stage).items()
        if person in people
    )


def _since(status: Status, stage: str, role: str) -> str:
    ready_at = status.state.gates[stage].ready_at
    return local(ready_at, status.outline.spec, role) if ready_at else ""


def _where(status: Status, stage: str, role: str) -> str:
    issue_key = status.state.issues.get(status.state.sign_off_key(stage, role))
    return f"{status.links.jira}/browse/{issue_key}" if issue_key else ""


def to_sign_lines(waiting: Iterable[ToSign]) -> list[str]:
    """One line each, its fields divided by tabs."""
    return [
        f"{each.program}\t{each.stage}\t{each.role}\t{each.since}\t{each.where}" for each in waiting
    ]


def to_sign_table(waiting: Iterable[ToSign]) -> Table:
    table = Table("program", "gate", "role", "since", "sign here")
    for each in waiting:
        table.add_row(each.program, each.stage, each.role, each.since, each.where)
    return table
