"""What is said on a program's issues: each once, told apart by its mark. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from policy_rollout.gates import difference, missing_sign_offs
from policy_rollout.outline import Outline
from policy_rollout.program import ProgramState
from policy_rollout.report.evidence import cell
from policy_rollout.report.issue_text import refusal_text, rejection_text
from policy_rollout.report.notice_text import comment, mark_of, to_tell
from policy_rollout.sign_offs import unknown_names
from policy_rollout.spec.model import Spec

CHANGES_TOLD = 10


@dataclass(frozen=True, slots=True)
class SayOnIssue:
    """A comment of ours, written once: `mark` tells it from every other."""

    issue_key: str
    text: str
    mark: str


def says(outline: Outline, state: ProgramState) -> Iterator[SayOnIssue]:
    spec = outline.spec
    for stage in state.gates:
        for say in (
            *_refusals(state, stage),
            *_rejections(outline, state, stage),
            *_partial_quorums(spec, state, stage),
            *_voids(state, stage),
            *_escalations(spec, state, stage),
        ):
            if say.mark not in state.said:
                yield say


def _escalations(spec: Spec, state: ProgramState, stage: str) -> Iterator[SayOnIssue]:
    gate = state.gates[stage]
    for event in to_tell(gate) if gate.passed_at is None else ():
        asked_of = spec.stages[stage].gate.sign_off  # an amended spec may have dropped the role
        desk = sign_off_desk(state, stage, event.role)
        if desk is not None and event.role in asked_of:
            yield SayOnIssue(desk, comment(spec, gate, event), mark_of(gate, event))


def _voids(state: ProgramState, stage: str) -> Iterator[SayOnIssue]:
    """To everybody whose sign-off no longer counts, what changed in the text."""
    gate = state.gates[stage]
    if gate.digest is None or gate.passed_at is not None:
        return
    for given in gate.sign_offs:
        key = state.sign_off_key(stage, given.role)
        if given.round == gate.round and given.digest != gate.digest and key in state.issues:
            changed = difference(gate.covers[given.digest], gate.covers[gate.digest])
            lines = "\n".join(f"- {line}" for line in changed[:CHANGES_TOLD])
            yield SayOnIssue(
                state.issues[key],
                f"What {given.person} signed has changed; it is asked for again:\n\n{lines}",
                f"void-{given.history_id}-{gate.digest[:12]}",
            )


def sign_off_desk(state: ProgramState, stage: str, role: str) -> str | None:
    """The sign-off issue; None where there is none yet, or it was deleted."""
    return state.issues.get(state.sign_off_key(stage, role))


def _refusals(state: ProgramState, stage: str) -> Iterator[SayOnIssue]:
    for refused in state.gates[stage].refusals:
        if desk := sign_off_desk(state, stage, refused.role):
            yield SayOnIssue(desk, refusal_text(refused), f"refused-{refused.history_id}")


def _rejections(outline: Outline, state: ProgramState, stage: str) -> Iterator[SayOnIssue]:
    items = outline.of(stage)
    for rejected in state.gates[stage].rejections:
        if desk := sign_off_desk(state, stage, rejected.role):
            unknown = unknown_names(items, state.issues, rejected.reason)
            text = rejection_text(rejected, items, unknown)
            yield SayOnIssue(desk, text, f"rejected-{rejected.history_id}")
        for key in rejected.sent_back:
            if key in state.issues:
                yield SayOnIssue(
                    state.issues[key],
                    f"Sent back by {rejected.person} for {rejected.role}: {cell(rejected.reason)}",
                    f"sent-back-{rejected.history_id}-{state.issues[key]}",
                )


def _partial_quorums(spec: Spec, state: ProgramState, stage: str) -> Iterator[SayOnIssue]:
    gate = state.gates[stage]
    missing = missing_sign_offs(spec, stage, gate, gate.digest)
    for given in gate.standing(gate.digest):
        desk = sign_off_desk(state, stage, given.role)
        if desk is not None and given.role in missing:
            text = f"Signed by {given.person}; {given.role} still needs {missing[given.role]} more."
            yield SayOnIssue(desk, text, f"signed-{given.history_id}")
