"""The board of a running program as Markdown, and the evidence of its waiting gates. Pure."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime

from policy_rollout.decide import Decision
from policy_rollout.gates import FINISHED, Answer, Judged, held_by, missing_sign_offs
from policy_rollout.outline import Outline
from policy_rollout.plan import criteria, gate_view
from policy_rollout.program import ProgramState
from policy_rollout.report.evidence import cell, gate_evidence, local
from policy_rollout.report.issue_text import refusal_text
from policy_rollout.report.timeline import Standing, timeline_svg
from policy_rollout.spec.model import Spec
from policy_rollout.work import epic_key

ODDITIES_SHOWN = 20
FORM_HINT = (  # short: Prefect shows it and the evidence in a box of a few lines
    "Nothing has to be done here: the program goes on by itself. **check now** only looks, and "
    "signs nothing. To answer a gate, choose answer and gate, and give your code."
)
TROUBLE_HINT = (
    "Something is in the way of the program; it is named below with what to do. Once that is "
    "mended, **check now** tries again at once; it signs nothing."
)
OPEN_PEOPLE_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Links:
    """Where things stand: the Jira site, the program's list of issues, the workbook."""

    jira: str
    issues: str
    workbook: str

    def issue(self, issue_key: str) -> str:
        return f"[{issue_key}]({self.jira}/browse/{issue_key})"


def standing_of(outline: Outline, state: ProgramState) -> Standing:
    return Standing(
        states={key: seen.state for key, seen in state.seen.items()},
        passed=tuple(stage for stage, gate in state.gates.items() if gate.passed_at),
        waiting=tuple(stage for stage in state.gates if asks_now(outline, state, stage)),
    )


def board(outline: Outline, decision: Decision, links: Links, *, today: date) -> str:
    """The whole program on one page: where it stands, who is waited for, the time line.

    Prefect shows the artifact's description, the headline, above it.
    """
    spec, state = outline.spec, decision.ahead
    picture = timeline_svg(
        outline.schedule, spec, today=today, standing=standing_of(outline, state)
    )
    encoded = base64.b64encode(picture.encode()).decode()
    parts = [
        f"# {cell(spec.name)}",
        _where(outline, state, links),
        _stages(outline, state),
        _waiting(outline, decision, links),
        f"![time line](data:image/svg+xml;base64,{encoded})",
    ]
    parts[1:1] = [each for each in (hold_text(spec, state), lost_text(spec, state)) if each]
    if state.trouble is not None:
        parts.insert(
            1,
            f"> **Trouble since {local(state.trouble.since, spec)}.** "
            + state.trouble.text.replace("\n", "\n> "),
        )
    if state.oddities:
        parts.append("\n".join(["**To look at** (nothing was changed):", "", *_oddities(state)]))
    return "\n\n".join(part for part in parts if part)


def headline(outline: Outline, state: ProgramState) -> str:
    """One sentence on where the program stands."""
    stages = outline.spec.stages
    passed = sum(state.passed(stage) for stage in stages)
    if state.stopped is not None:
        how = ": rejected for good" if state.stopped.issues is None else ""
        return f"Stopped{how} by {cell(state.stopped.by)}: {cell(state.stopped.reason)}"
    if state.held is not None:
        return f"Held by {cell(state.held.by)}: {cell(state.held.reason)}"
    if state.finished_at is not None:
        return f"Finished on {local(state.finished_at, outline.spec)}: all gates passed."
    effective = outline.schedule.effective_on
    until = f"; effective on {effective:%a %-d %b %Y}" if effective else ""
    return f"{passed} of {len(stages)} gates passed{until}."


def _where(outline: Outline, state: ProgramState, links: Links) -> str:
    epic = state.issues.get(epic_key(outline.spec.program))
    where = [f"[all issues]({links.issues})", f"[workbook]({links.workbook})"]
    if epic:
        where.insert(0, f"epic {links.issue(epic)}")
    return "Work: " + " · ".join(where)


def _stages(outline: Outline, state: ProgramState) -> str:
    lines = ["| stage | work done | gate | due |", "|---|---|---|---|"]
    for stage in outline.spec.stages:
        items = outline.of(stage)
        done = sum(state.of(item.key).state in FINISHED for item in items)
        due_on = outline.schedule.stages[stage].gate_on
        due = f"{due_on:%a %-d %b %Y}" if due_on else "—"
        lines.append(
            f"| {stage} | {done} of {len(items)} | {gate_words(outline, state, stage)} | {due} |"
        )
    return "\n".join(lines)


def standing_words(state: ProgramState) -> str:
    """The open stages and their trouble, for an error message."""
    open_stages = ", ".join(state.waiting_stages) or "no stage"
    return f"{open_stages} open" + (f"; {state.trouble.text}" if state.trouble else "")


def asks_now(outline: Outline, state: ProgramState, stage: str) -> bool:
    """Whether a gate asks for sign-offs: its criteria did hold, and hold still."""
    if state.is_over or stage not in state.waiting_stages:
        return False
    return gate_view(outline, state, stage, criteria(outline, state, stage)).asks


def gate_words(outline: Outline, state: ProgramState, stage: str) -> str:
    """Where a gate stands, in a few words."""
    gate = state.gates.get(stage)
    if gate is None:
        before = ", ".join(outline.spec.stages[stage].after)
        return f"not open: after {before}" if before else "not open yet"
    if gate.passed_at is not None:
        return f"passed {gate.passed_at.astimezone(outline.spec.timeline.timezone):%a %-d %b %Y}"
    if state.stopped is not None:
        return "stopped"
    again = f" (round {gate.round})" if gate.round > 1 else ""
    if not asks_now(outline, state, stage):
        return f"work under way{again}"
    waits_for = [*missing_sign_offs(outline.spec, stage, gate, gate.digest)]
    waits_for += [f"the gate of {each}" for each in held_by(outline.spec, state.passed, stage)]
    return f"waits for {', '.join(waits_for)}{again}"


def _waiting(outline: Outline, decision: Decision, links: Links) -> str:
    """Who is waited for at each gate, since when, and where they answer."""
    lines: list[str] = []
    for stage in () if decision.ahead.is_over else decision.ahead.waiting_stages:
        judged = decision.judged.get(stage, ())
        lines += _waiting_signers(outline, decision.ahead, stage, judged, links)
        lines += [
            f"- **{stage}**: {each.name}, {each.met} of {each.total} done, by {_doers(each)}"
            f"{'; cannot be told: see the evidence' if each.answer is Answer.CANNOT_TELL else ''}"
            for each in judged
            if each.answer is not Answer.HOLDS
        ]
    heading = "**Waited for:**" if decision.ahead.held is None else "**Open when it was held:**"
    return "\n".join([heading, "", *lines]) if lines else ""


def _waiting_signers(
    outline: Outline,
    state: ProgramState,
    stage: str,
    judged: tuple[Judged, ...],
    links: Links,
) -> Iterator[str]:
    spec, gate = outline.spec, state.gates[stage]
    view = gate_view(outline, state, stage, judged)
    for role in missing_sign_offs(spec, stage, gate, gate.digest) if view.asks else ():
        key = state.issues.get(state.sign_off_key(stage, role))
        where = f" — {links.issue(key)}" if key else ""
        since = f", since {local(gate.ready_at, spec, role)}" if gate.ready_at else ""
        who = " or ".join(view.seat.waited_for(role)) or "nobody: see the owner"
        yield f"- **{stage}**: sign-off for {role} by {who}{since}{where}"


def _doers(judged: Judged) -> str:
    """Who has the work that is still open."""
    people = tuple(dict.fromkeys(each.item.assignee for each in judged.open))
    named = ", ".join(people[:OPEN_PEOPLE_SHOWN])
    more = len(people) - OPEN_PEOPLE_SHOWN
    return f"{named} and {more} more" if more > 0 else named or "nobody"


def _oddities(state: ProgramState) -> Iterator[str]:
    for each in state.oddities[:ODDITIES_SHOWN]:
        yield f"- {cell(each)}"
    if len(state.oddities) > ODDITIES_SHOWN:
        yield f"- and {len(state.oddities) - ODDITIES_SHOWN} more"


def evidence_of(outline: Outline, decision: Decision, stage: str, links: Links) -> str:
    """The evidence of one gate, with links to its issues; of a passed one, as far as known."""
    spec, state = outline.spec, decision.ahead
    judged = decision.judged.get(stage)
    if judged is None:
        judged = criteria(outline, state, stage)
    view = gate_view(outline, state, stage, judged)
    linked = {key: links.issue(name) for key, name in view.items.items()}
    where = [
        f"- {role}: {links.issue(state.issues[key])}"
        for role in spec.stages[stage].gate.sign_off
        if (key := state.sign_off_key(stage, role)) in state.issues
    ]
    title = "Sign here:" if stage in state.waiting_stages else "It was signed in:"
    signing = ["", title, "", *where] if where else []
    return "\n".join([gate_evidence(replace(view, items=linked)), *signing])


def hold_text(spec: Spec, state: ProgramState) -> str:
    """That the program is held, by whom, why, and how it goes on; empty where it is not."""
    if state.held is None:
        return ""
    since = local(state.held.since, spec)
    return (
        f"**Held by {cell(state.held.by)} since {since}**: {cell(state.held.reason)}. Nothing is "
        "created, changed or asked meanwhile, and no gate passes. Work that is done and sign-offs "
        f"that are given now count later.\n\nTo let it go on: `rollout go-on {spec.program}`, or "
        "choose *go on* in the Resume form of its run."
    )


def lost_text(spec: Spec, state: ProgramState) -> str:
    """That Prefect has lost the program's run, and how another one takes it up."""
    if state.lost_since is None:
        return ""
    return (
        f"**Its Prefect run is lost**, as seen on {local(state.lost_since, spec)}: the server does "
        "not know it, so somebody deleted the run or the server's database. Nothing of the program "
        "is lost. A new run takes it up from the journal: "
        f"`rollout launch --continue {spec.program}`"
    )


def form_text(outline: Outline, decision: Decision, links: Links, *, now: datetime) -> str:
    """What stands above the Resume form: trouble first, then each waiting gate."""
    state = decision.ahead
    in_trouble = FORM_HINT if state.trouble is None else TROUBLE_HINT
    hint = hold_text(outline.spec, state) or in_trouble
    seen = f"What follows was seen on {local(now, outline.spec)}."
    parts = [f"{hint}\n\n{seen}" if state.held else f"{hint} {seen}"]
    if state.trouble is not None:
        parts.append(f"**Trouble:** {state.trouble.text}")
    parts += [
        text for stage in state.waiting_stages if (text := refused_text(outline, state, stage))
    ]
    parts += [evidence_of(outline, decision, stage, links) for stage in state.waiting_stages]
    return "\n\n---\n\n".join(parts)


def refused_text(outline: Outline, state: ProgramState, stage: str) -> str:
    """The last answer to a gate, where it was refused: who gave it sees it where they gave it."""
    gate = state.gates[stage]
    last = max(gate.refusals, key=lambda each: each.at, default=None)
    if last is None or last.round != gate.round or any(s.at > last.at for s in gate.sign_offs):
        return ""
    return f"**Refused on {local(last.at, outline.spec)}, gate of {stage}:** {refusal_text(last)}"
