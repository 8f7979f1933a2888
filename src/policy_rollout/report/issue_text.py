"""What our Jira issues say, as Markdown. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from policy_rollout import events as ev
from policy_rollout.gates import Judged, may_sign
from policy_rollout.program import GateState
from policy_rollout.report.evidence import cell, criteria_table, history, local
from policy_rollout.spec.model import Spec
from policy_rollout.work import WorkItem

_FOOT = (
    "Summary, description, due date and parent are kept by policy-rollout; status, assignee and "
    "comments are yours."
)


def epic_text(spec: Spec) -> str:
    policy, timeline = spec.policy, spec.timeline
    facts = [f"Change: {policy.change}"]
    if policy.document:
        facts.append(f"Policy text: {policy.document.ref}, version {policy.document.version}")
    for name, at in (("Announce", timeline.announce), ("Effective", timeline.effective)):
        if at is not None:
            facts.append(f"{name}: {local(at.replace(tzinfo=timeline.timezone), spec)}")
    if policy.markets:
        facts.append(f"Markets: {', '.join(policy.markets)}")
    if policy.languages:
        facts.append(f"Languages: {', '.join(policy.languages)}")
    facts.append(f"Stages: {', '.join(spec.stages)}")
    if spec.owner:
        facts.append(f"Owner: {spec.owner}")
    lines = "\n".join(f"- {fact}" for fact in facts)
    return "\n\n".join(each for each in (policy.problem, lines, _FOOT) if each)


def task_text(spec: Spec, item: WorkItem) -> str:
    facts = [
        f"Program: {cell(spec.name)}",
        f"Stage: {item.stage}",
        f"Team: {item.team}",
        f"Takes: {item.takes}",
    ]
    if item.part:
        facts.append(f"For: {item.part}")
    if item.after:
        facts.append(f"After: {', '.join(key.split('/', 2)[2] for key in item.after)}")
    facts.append(f"Key: `{item.key}`")
    lines = "\n".join(f"- {fact}" for fact in facts)
    return "\n\n".join(each for each in (item.details, lines, _FOOT) if each)


def how_to_sign(spec: Spec, stage: str, rejected_status: str) -> str:
    """Both answers, with two items of the stage as an example of what may go back to work."""
    work = spec.stages[stage]
    ids = (*work.tasks, *work.training, *work.checklists)
    line = (
        f", and a line such as `Reopen: {', '.join(ids[:2])}` that names what goes back to work"
        if ids
        else ""
    )
    return (
        "- **To approve**, move this issue to Approved.\n"
        f"- **To reject**, write a comment with the reason{line}; "
        f"then move this issue to {rejected_status}."
    )


@dataclass(frozen=True, slots=True)
class Question:
    """What a sign-off issue asks: one role, about the gate of one stage."""

    stage: str
    role: str
    gate: GateState
    judged: tuple[Judged, ...]
    rejected_status: str


def sign_off_text(spec: Spec, question: Question) -> str:
    """What a signer reads: the question, the evidence, how to answer, the digest."""
    stage, role, gate = question.stage, question.role, question.gate
    document = spec.policy.document
    text = f" ({document.ref}, version {document.version})" if document else ""
    needed = spec.stages[stage].gate.sign_off[role]
    parts = [
        f"Does **{role}** agree that stage **{stage}** of *{cell(spec.name)}*{text} is finished?",
        f"May sign: {', '.join(may_sign(spec, role))}. Needed: {needed}. Round {gate.round}.",
        criteria_table(question.judged, {}),
        history(spec, gate),
        how_to_sign(spec, stage, question.rejected_status),
        f"Digest of what is signed: `{gate.digest}`",
    ]
    return "\n\n".join(part for part in parts if part)


def refusal_text(refused: ev.SignOffRefused) -> str:
    return f"The sign-off by {refused.name} does not count: {refused.why}."


def rejection_text(rejected: ev.Rejected, items: Iterable[WorkItem], unknown: Sequence[str]) -> str:
    """What a rejection did: what goes back to work, and which names were not understood."""
    parts = [f"Round {rejected.round} is over."]
    if rejected.sent_back:
        back = ", ".join(key.split("/", 2)[2] for key in rejected.sent_back)
        parts.append(f"Back to work: {back}. You are asked again when it is done.")
    elif unknown:
        parts.append("Nothing went back to work; everybody is asked again.")
    else:
        parts.append(
            "No item was named behind `Reopen:`, so nothing went back to work; "
            "everybody is asked again."
        )
    if unknown:
        names = ", ".join(dict.fromkeys(item.item for item in items)) or "none"
        parts.append(f"Not understood: {', '.join(unknown)}; the items of this stage are: {names}.")
    return " ".join(parts)
