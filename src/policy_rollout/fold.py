"""From the journal of a program to its state: a fold over its events. Pure.

`fold` reads events in order and answers where the program stands; the same events always give
the same state, today and years later.
"""

from collections.abc import Iterable
from datetime import datetime

from policy_rollout import events as ev
from policy_rollout.program import (
    Doubt,
    GateState,
    Hold,
    ProgramState,
    Recorded,
    Trouble,
    Unsettled,
    Version,
    moved,
)
from policy_rollout.work import State


def fold(program: str, records: Iterable[Recorded]) -> ProgramState:
    state = ProgramState(program)
    for record in records:
        take(state, record)
    return state


GateEvent = (
    ev.StageOpened
    | ev.GateReady
    | ev.SignOffAsked
    | ev.SignedOff
    | ev.SignOffRefused
    | ev.SignOffWithdrawn
    | ev.Rejected
    | ev.Waived
    | ev.BackupCalled
    | ev.Reminded
    | ev.ReasonAwaited
    | ev.GatePassed
)


HaltEvent = (
    ev.Held
    | ev.GoneOn
    | ev.ProgramStopped
    | ev.StopCarriedOut
    | ev.TakenUp
    | ev.RunLost
    | ev.RunFound
)
WriteEvent = (
    ev.CreationIntended
    | ev.IssuesCreated
    | ev.CreationRefused
    | ev.WritesIntended
    | ev.WritesSettled
)


def take(state: ProgramState, record: Recorded) -> None:  # noqa: C901 - one case a kind
    """Carry the state past one more event."""
    match record.event:
        case ev.Launched() as launched:
            state.spec_text = launched.spec_text
            state.spec_path = launched.spec_path
            state.run = launched.run
            state.launched_at = record.at
            if len(state.versions) > 1 and state.wrote_nothing:  # launched anew under first names
                state.gates, state.renamed, state.conditions = {}, {}, []
            state.versions = [
                Version(launched.spec_text, launched.spec_path, record.at, record.sequence)
            ]
        case ev.Amended() as amended:
            _amend(state, record, amended)
        case ev.Resumed(wait=wait):
            state.waits = wait + 1
            state.amended_lately, state.unread_amendment = state.unread_amendment, False
            state.order, state.lost_since = 0, None
        case ev.TroubleMet(text=text, again_at=again_at):
            before = state.trouble
            state.trouble = Trouble(
                text=text,
                since=before.since if before else record.at,
                again_at=again_at,
                times=before.times + 1 if before else 1,
            )
        case ev.TroubleOver():
            state.trouble = None
        case ev.ProgramFinished():
            state.finished_at = record.at
        case event if isinstance(event, HaltEvent):
            _take_halt(state, record, event)
        case event if isinstance(event, GateEvent):
            take_gate(state, record.at, event)
        case event if isinstance(event, WriteEvent):
            _take_write(state, record.at, event)
        case ev.WorkLeft() | ev.WorkJoined() as parting:
            _take_parting(state, parting)
        case event:
            _take_work(state, event)
    state.head = record.sequence


def _amend(state: ProgramState, record: Recorded, amended: ev.Amended) -> None:
    """Follow another spec: names move along, and reopened gates begin a new round."""
    state.spec_text, state.spec_path = amended.spec_text, amended.spec_path
    state.versions.append(
        Version(
            amended.spec_text,
            amended.spec_path,
            record.at,
            record.sequence,
            amended.by,
            amended.reason,
        )
    )
    state.unread_amendment = True
    state.renamed.update(amended.keys)
    stages = amended.stages
    if stages:
        for stage, gate in state.gates.items():
            gate.rename(stage, stages)
        state.gates = {stages.get(stage, stage): gate for stage, gate in state.gates.items()}
        state.codes = [moved(each, stages) for each in state.codes]
        state.conditions = [moved(each, stages) for each in state.conditions]
    for stage in amended.reopened:
        gate = state.gates[stage]
        gate.begin_round(gate.round + 1)
        gate.passed_at = None


def take_gate(  # noqa: C901, PLR0912 - one case a kind
    state: ProgramState, at: datetime, event: GateEvent
) -> None:
    """Carry one gate past an event about it."""
    if isinstance(event, ev.StageOpened):
        state.gates[event.stage] = GateState(opened_at=at)
        return
    gate = state.gates[event.stage]
    match event:
        case ev.GateReady(digest=digest, covers=covers):
            gate.digest, gate.ready_at = digest, at
            gate.covers[digest] = covers
        case ev.SignOffAsked(role=role):
            if role in gate.asked:
                gate.asked_before[role] = gate.asked[role]
            gate.asked[role] = event
        case ev.Waived(criterion=criterion, history_id=history_id):
            gate.waivers[criterion] = event
            state.histories.add(history_id)
        case ev.SignedOff(history_id=history_id):
            gate.sign_offs.append(event)
            state.histories.add(history_id)
        case ev.SignOffRefused(history_id=history_id):
            gate.refusals.append(event)
            state.histories.add(history_id)
        case ev.SignOffWithdrawn(history_id=history_id):
            gate.sign_offs.remove(_withdrawn(gate, event))
            state.histories.add(history_id)
        case ev.Rejected(history_id=history_id):
            gate.rejections.append(event)
            state.histories.add(history_id)
            gate.begin_round(event.round + 1)
            for key in event.sent_back:
                state.sent_back[key] = event.cells.get(key, "")
                state.seen[key] = ev.Seen(
                    state=State.TODO,
                    cells=event.cells.get(key, ""),
                    doers=state.of(key).doers,
                )
        case ev.BackupCalled() | ev.Reminded():
            gate.escalate(event)
        case ev.ReasonAwaited(history_id=history_id):
            gate.awaited[history_id] = event
        case ev.GatePassed(digest=digest):
            gate.passed_at = at
            state.conditions += [
                condition for given in gate.standing(digest) for condition in given.conditions
            ]


def _withdrawn(gate: GateState, event: ev.SignOffWithdrawn) -> ev.SignedOff:
    of_role = (each for each in reversed(gate.sign_offs) if each.role == event.role)
    return next(each for each in of_role if event.signed in {"", each.history_id})


def _take_halt(state: ProgramState, record: Recorded, event: HaltEvent) -> None:
    match event:
        case ev.Held(by=by, reason=reason):
            state.held, state.order = Hold(by, reason, record.at), record.sequence
        case ev.GoneOn():
            _end_hold(state, record)
            state.order = record.sequence
        case ev.ProgramStopped():
            _end_hold(state, record)
            state.stopped, state.stopped_at = event, record.at
            if event.issues is not None:  # else its own run stops it, and is awake
                state.order = record.sequence
        case ev.StopCarriedOut():
            state.closed_at = record.at
        case ev.TakenUp(run=run):
            state.run, state.order, state.lost_since = run, 0, None
        case ev.RunLost(run=run):
            state.lost_since = record.at if run == state.run else state.lost_since
        case ev.RunFound():
            state.lost_since = None


def _end_hold(state: ProgramState, record: Recorded) -> None:
    if state.held is not None:
        state.holds.append((state.held.since, record.at))
    state.held = None


def _take_write(state: ProgramState, at: datetime, event: WriteEvent) -> None:
    match event:
        case ev.CreationIntended(batch=batch, keys=keys, fence=fence):
            state.doubts[batch] = Doubt(batch, keys, fence, since=at)
        case ev.IssuesCreated(batch=batch, issues=issues):
            state.issues.update(issues)
            state.maybe_double.update(issues if event.adopted else ())
            _settle(state, batch, set(issues))
        case ev.CreationRefused(batch=batch, reasons=reasons):
            state.maybe_double.update(reasons if event.given_up else ())
            _settle(state, batch, set(reasons))
        case ev.WritesIntended(marks=marks):
            state.unsettled.update({mark: Unsettled(at, after) for mark, after in marks.items()})
        case ev.WritesSettled(marks=settled):
            for mark in settled:
                state.unsettled.pop(mark, None)


def _take_parting(state: ProgramState, event: ev.WorkLeft | ev.WorkJoined) -> None:
    if isinstance(event, ev.WorkLeft):
        state.left.update(event.keys)
        for key in event.keys:
            state.sent_back.pop(key, None)
        return
    state.left.difference_update(event.keys)
    state.histories.update(event.history_ids)
    for key in event.keys:
        state.returns[key] = state.returns.get(key, 0) + 1
    for key in event.reopened:
        state.sent_back[key] = ""
        state.seen[key] = ev.Seen(state=State.TODO, doers=state.of(key).doers)


def _take_work(  # noqa: C901, PLR0912 - one case a kind
    state: ProgramState, event: ev.Event
) -> None:
    match event:
        case ev.PeopleResolved(accounts=accounts, own_account=own_account):
            state.former_accounts |= {
                each for each in state.accounts.items() if each[1] != accounts.get(each[0], each[1])
            }
            state.accounts = {**state.accounts, **accounts}
            state.own_account = own_account
            state.project = event.project or state.project
            state.workbook = event.workbook or state.workbook
            state.newest_issue = event.newest_issue or state.newest_issue
        case ev.RowsAdded(keys=keys, tabs=tabs):
            state.rows.update(keys)
            state.tabs.update(tabs)
        case ev.KeysChanged(issues=issues):
            state.issues.update(issues)
        case ev.WorkSeen(items=items):
            state.seen.update(items)
            for key, seen in items.items():
                if key in state.sent_back and seen.cells != state.sent_back[key]:
                    del state.sent_back[key]
        case ev.IssuesMoved(states=states):
            for key in states:
                state.sent_back.pop(key, None)
        case ev.CodeGiven():
            state.codes.append(event)
        case ev.Said(marks=marks) | ev.NoticeIntended(marks=marks):
            state.said.update(marks)
        case ev.RecreationAsked(keys=keys):
            state.recreate.update(keys)
        case ev.RecreationBegun(keys=keys):
            state.recreate.clear()
            state.maybe_double.update(state.issues.keys() & keys)
            for key in keys:
                state.issues.pop(key, None)
                state.rows.discard(key)
                state.seen.pop(key, None)
        case ev.OdditiesSeen(oddities=oddities):
            state.oddities = oddities


def _settle(state: ProgramState, batch: str, keys: set[str]) -> None:
    """Take the keys whose outcome is known out of a batch's doubt."""
    doubt = state.doubts.pop(batch, None)
    if doubt is None:
        return
    left = tuple(key for key in doubt.keys if key not in keys)
    if left:
        state.doubts[batch] = Doubt(batch, left, doubt.fence, doubt.since)
