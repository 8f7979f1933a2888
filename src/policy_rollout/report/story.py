"""What happened, one line an event, for a terminal. Pure."""

from policy_rollout import events as ev
from policy_rollout.report.evidence import one_line
from policy_rollout.work import State

NAMES_SHOWN = 8


def line_of(  # noqa: C901, PLR0911 - one case a kind
    event: ev.Event,
) -> str | None:
    """A sentence on an event; None for those that only the machine needs."""
    match event:
        case ev.Launched(spec_path=path):
            return f"launched from {path}"
        case ev.Amended():
            return _amended(event)
        case ev.WorkLeft(keys=keys):
            return f"waits for nobody any more: {_names(keys)}"
        case ev.WorkJoined(keys=keys):
            return f"belongs to the program again: {_names(keys)}"
        case ev.StageOpened(stage=stage):
            return f"stage {stage} opens"
        case ev.IssuesCreated(issues=issues, adopted=adopted):
            return f"{len(issues)} Jira issue{'s' * (len(issues) != 1)} " + (
                "found after a lost answer" if adopted else f"created: {', '.join(issues.values())}"
            )
        case ev.RowsAdded(keys=keys):
            return f"{len(keys)} row{'s' * (len(keys) != 1)} added to the workbook"
        case ev.WorkSeen(items=items):
            return _work_seen(items)
        case ev.TroubleMet(text=text, again_at=again_at):
            return f"trouble, next try at {again_at:%H:%M:%S} UTC: {text}"
        case ev.TroubleOver():
            return "the trouble is over"
        case ev.ProgramFinished():
            return "every gate has passed: the program is finished"
    return _halt_line(event) or _gate_line(event)


def _halt_line(  # noqa: PLR0911 - one case a kind
    event: ev.Event,
) -> str | None:
    match event:
        case ev.Held(by=by, reason=reason):
            return f"{by} holds the program: {one_line(reason)}"
        case ev.GoneOn(by=by):
            return f"{by} lets the program go on"
        case ev.ProgramStopped(by=by, reason=reason, issues=None):
            return f"{by} rejects the program for good: {one_line(reason)}"
        case ev.ProgramStopped(by=by, reason=reason):
            return f"{by} stops the program: {one_line(reason)}"
        case ev.StopCarriedOut():
            return "what the stop asked for is done"
        case ev.TakenUp(run=run):
            return f"run {run} carries the program from here on"
        case ev.RunLost():
            return "Prefect does not know the program's run any more"
        case ev.RunFound():
            return "Prefect knows the program's run again"
    return None


def _amended(event: ev.Amended) -> str:
    parts = [f"amended by {event.by}: {one_line(event.reason)}"]
    parts += [f"stage {old} is called {new} now" for old, new in event.stages.items()]
    if event.reopened:
        parts.append(f"reopens {', '.join(event.reopened)}")
    return "; ".join(parts)


def _names(keys: tuple[str, ...]) -> str:
    names = [key.split("/", 1)[-1] for key in keys[:NAMES_SHOWN]]
    more = len(keys) - NAMES_SHOWN
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")


def _work_seen(items: dict[str, ev.Seen]) -> str:
    done = sum(seen.state is State.DONE for seen in items.values())
    return f"seen: {len(items)} item{'s' * (len(items) != 1)} changed, {done} of them done"


def _gate_line(  # noqa: C901, PLR0911 - one case a kind
    event: ev.Event,
) -> str | None:
    match event:
        case ev.GateReady(stage=stage, round=number, digest=digest):
            return f"gate {stage}, round {number}: criteria hold, sign-offs asked on {digest[:12]}"
        case ev.SignedOff(stage=stage, role=role, person=person):
            return f"gate {stage}: {person} signs for {role}"
        case ev.SignOffRefused(stage=stage, name=name, why=why):
            return f"gate {stage}: the sign-off by {name} does not count: {why}"
        case ev.SignOffWithdrawn(stage=stage, name=name, role=role):
            return f"gate {stage}: {name} takes the sign-off for {role} back"
        case ev.Rejected(stage=stage, person=person, reason=reason, sent_back=back):
            names = ", ".join(key.split("/", 2)[2] for key in back) or "nothing"
            return f"gate {stage}: {person} rejects ({one_line(reason)}); back to work: {names}"
        case ev.ReasonAwaited(stage=stage, person=person):
            return f"gate {stage}: {person} rejects; the reason is waited for"
        case ev.BackupCalled(stage=stage, role=role, member=member, backups=backups):
            return f"gate {stage}: {' or '.join(backups)} may sign for {member} ({role})"
        case ev.Reminded(stage=stage, role=role, step=step):
            return f"gate {stage}: silence of {role}, next step: {step}"
        case ev.Waived(stage=stage, criterion=criterion, person=person, until=until):
            return f"gate {stage}: {person} waives {criterion} until {until}"
        case ev.CodeGiven(stage=stage, person=person, action=action):
            return f"gate {stage}: {person} answers by code: {action}"
        case ev.GatePassed(stage=stage):
            return f"gate {stage} passes"
    return None
