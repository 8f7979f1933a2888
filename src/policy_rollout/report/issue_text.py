"""What our Jira issues say, as Markdown. Pure."""

from collections.abc import Sequence

from policy_rollout import events as ev
from policy_rollout.observed import AnswerStatuses
from policy_rollout.program import ProgramState
from policy_rollout.report.evidence import GateView, cell, gate_evidence, local
from policy_rollout.spec.model import Spec
from policy_rollout.stopping import stop_words
from policy_rollout.work import WorkItem

_FOOT = (
    "Summary, description, due date and parent are kept by policy-rollout; status, assignee and "
    "comments are yours."
)


def epic_text(spec: Spec, ended: str = "") -> str:
    """What the program is about; first of all that it was stopped, where it was."""
    policy, timeline = spec.policy, spec.timeline
    facts = [f"Change: {policy.change}"]
    if policy.document:
        ref, version = cell(policy.document.ref), cell(policy.document.version)
        facts.append(f"Policy text: {ref}, version {version}")
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
    parts = (ended, policy.problem, lines, _FOOT)
    return "\n\n".join(each for each in parts if each)


def stop_text(spec: Spec, state: ProgramState) -> str:
    """That the program was stopped, when, by whom and why; empty where it was not."""
    if state.stopped is None or state.stopped_at is None:
        return ""
    words = stop_words(spec, state.stopped)
    reason = cell(state.stopped.reason)
    return f"**Stopped on {local(state.stopped_at, spec)}.** {words} Reason: {reason}"


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
        facts.append(f"After: {', '.join(item.after_short)}")
    facts.append(f"Key: `{item.key}`")
    lines = "\n".join(f"- {fact}" for fact in facts)
    return "\n\n".join(each for each in (item.details, lines, _FOOT) if each)


def how_to_sign(spec: Spec, stage: str, statuses: AnswerStatuses) -> str:
    """Every answer, with ids of the spec as examples."""
    work = spec.stages[stage]
    ids = (*work.tasks, *work.training, *work.checklists)
    reopen = (
        f", and a line such as `Reopen: {', '.join(ids[:2])}` that names what goes back to work"
        if ids
        else ""
    )
    later = tuple(each for each in spec.stages if each != stage)
    conditions = (
        " To approve with conditions, first write a comment with lines such as "
        f"`Condition for {later[-1]}: what must be done`."
        if later
        else ""
    )
    waive = (
        f"\n- **To waive a criterion** ({', '.join(work.gate.waivers)} may), comment such as "
        "`Waive tasks until 2026-12-31: the reason`."
        if work.gate.waivers
        else ""
    )
    return (
        f"- **To approve**, move this issue to {statuses.approved}.{conditions}\n"
        f"- **To reject**, write a comment with the reason{reopen}; "
        f"then move this issue to {statuses.rejected}.\n"
        "- **To stop the program for good**, write the reason and the line `For good` in a "
        f"comment; then move this issue to {statuses.rejected}.{waive}"
    )


def sign_off_text(view: GateView, role: str, statuses: AnswerStatuses) -> str:
    """What a signer reads: the question, the evidence, how to answer."""
    seat = view.seat
    needed = seat.spec.stages[seat.stage].gate.sign_off[role]
    able = ", ".join(seat.able(role)) or "nobody: ask the owner"
    question = f"Does **{role}** agree that stage **{seat.stage}** is finished?"
    parts = [
        f"{question} May sign: {able}. Needed: {needed}.",
        gate_evidence(view),
        how_to_sign(seat.spec, seat.stage, statuses),
    ]
    return "\n\n".join(parts)


def resting_text(view: GateView) -> str:
    """What a sign-off issue says while its gate does not ask."""
    if view.stopped is not None:
        words = stop_words(view.seat.spec, view.stopped)
        return f"Nothing to sign any more. {words} Reason: {cell(view.stopped.reason)}"
    return (
        f"Nothing to sign now: the criteria of stage **{view.seat.stage}** do not hold. "
        "You are asked again when they do.\n\n" + gate_evidence(view)
    )


def refusal_text(refused: ev.SignOffRefused) -> str:
    return f"The answer of {cell(refused.name)} does not count: {cell(refused.why)}."


def rejection_text(rejected: ev.Rejected, items: Sequence[WorkItem], unknown: Sequence[str]) -> str:
    """What a rejection did: what goes back to work, and which names were not understood."""
    if rejected.for_good:
        return "The program is stopped for good."
    parts = [f"Round {rejected.round} is over."]
    if rejected.sent_back:
        called = {item.key: item.short for item in items}
        back = ", ".join(called.get(key, key.split("/", 2)[2]) for key in rejected.sent_back)
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
        parts.append(
            f"Not understood: {cell(', '.join(unknown))}; the items of this stage are: {names}."
        )
    return " ".join(parts)
