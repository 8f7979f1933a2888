"""What waits for nobody any more, and what comes back. Pure.

An open issue that leaves with an amended spec is told who took it out and why, and then moved to
done; the Message of an open row says the same. So is a sign-off issue whose gate has passed by
codes: it is told who signed. What people had finished stays as it is, and nothing is deleted. Once
that is seen outside it is journaled, and not looked at any more. What comes back is opened again
where we had closed it.
"""

from collections.abc import Iterator, Sequence

from policy_rollout import events as ev
from policy_rollout.comments import SayOnIssue
from policy_rollout.desired import DesiredRow, IssueKind, Tab, kind_of
from policy_rollout.gates import FINISHED
from policy_rollout.observed import Comment, ObservedRow, Transition, World
from policy_rollout.outline import Outline
from policy_rollout.plan import MoveIssue, RewriteRow
from policy_rollout.program import ProgramState, Version
from policy_rollout.report.evidence import cell
from policy_rollout.work import State, epic_key

MESSAGE = "Message"
REASON_SHOWN = 400

Parting = SayOnIssue | MoveIssue | RewriteRow


def leaving(outline: Outline, state: ProgramState) -> tuple[str, ...]:
    """Stable keys that have an issue or row and wait for nobody; none that are settled."""
    answered = (key for key in _signed_by_code(state) if key not in state.left)
    return tuple(dict.fromkeys((*_amended_out(outline, state), *answered)))


def _signed_by_code(state: ProgramState) -> dict[str, Sequence[ev.SignedOff]]:
    """All that signed for a role of a passed gate, where one of them did so by a code.

    By the key of the sign-off issue, which nobody may have answered.
    """
    found: dict[str, list[ev.SignedOff]] = {}
    for stage, gate in state.gates.items():
        for given in gate.standing(gate.digest) if gate.passed_at is not None else ():
            found.setdefault(state.sign_off_key(stage, given.role), []).append(given)
    return {
        key: signed
        for key, signed in found.items()
        if key in state.issues and any(each.via is ev.Via.CODE for each in signed)
    }


def _amended_out(outline: Outline, state: ProgramState) -> tuple[str, ...]:
    """Stable keys that have an issue or row, and no place in the spec; none that are settled."""
    if len(state.versions) <= 1:
        return ()
    spec = outline.spec
    known = {epic_key(spec.program), *(item.key for item in outline.items)}
    for stage in spec.stages:
        known |= _sign_offs(outline, state, stage)
    held = dict.fromkeys((*state.issues, *sorted(state.rows)))
    return tuple(key for key in held if key not in known and key not in state.left)


def _sign_offs(outline: Outline, state: ProgramState, stage: str) -> set[str]:
    return {state.sign_off_key(stage, role) for role in outline.spec.stages[stage].gate.sign_off}


def settled(outline: Outline, state: ProgramState, world: World) -> ev.WorkLeft | None:
    """What leaves and needs nothing more outside."""
    keys = tuple(key for key in leaving(outline, state) if _is_settled(key, state, world))
    return ev.WorkLeft(keys=keys) if keys else None


def _is_settled(key: str, state: ProgramState, world: World) -> bool:
    if key in state.issues:
        issue = world.issues.get(key)
        return issue is None or issue.state is State.DONE
    row = world.rows.get(key)
    return row is None or row.state in FINISHED or _says_it_left(row, state)


def _says_it_left(row: ObservedRow, state: ProgramState) -> bool:
    """Also where a person has taken the column away, and it cannot be said."""
    text = farewell(state.versions[-1])
    return dict(row.machine).get(MESSAGE, text) == text


def partings(outline: Outline, state: ProgramState, world: World) -> Iterator[Parting]:
    """What is due outside for what leaves: an issue is closed only after it was told why.

    Of a stopped program only the sign-off issues of gates that passed: the rest is as it was left.
    """
    signed = _signed_by_code(state)
    farewell_text = farewell(state.versions[-1]) if state.versions else ""
    for key in leaving(outline, state):
        if state.stopped is not None and key not in signed:
            continue
        issue, row = world.issues.get(key), world.rows.get(key)
        mark = left_mark(state, key)
        text = _thanks(signed[key]) if key in signed else farewell_text
        if issue is not None and issue.state is not State.DONE:
            if mark in state.said:
                is_desk = kind_of(key) is IssueKind.SIGN_OFF
                yield MoveIssue(key, issue.issue_key, State.DONE, may_stay=is_desk)
            else:
                yield SayOnIssue(issue.issue_key, cell(text), mark)
        if row is not None and not _is_settled(key, state, world):
            yield RewriteRow(DesiredRow(key, Tab(row.tab), ((MESSAGE, text),)))


def left_mark(state: ProgramState, key: str) -> str:
    """The mark of the comment that an issue leaves; another one each time that it comes back."""
    return f"left-{key}-{state.returns.get(key, 0)}"


def joined(outline: Outline, state: ProgramState, world: World) -> ev.WorkJoined | None:
    """What had left, or was about to, and belongs to an open stage again."""
    if len(state.versions) <= 1:
        return None
    open_stages = state.waiting_stages
    work = {item.key for stage in open_stages for item in outline.of(stage)}
    desks = {key for stage in open_stages for key in _sign_offs(outline, state, stage)}
    back = {key for key in work | desks if key in state.left or _was_told(state, key)}
    if not back:
        return None
    names = {state.issues[key] for key in back & desks & state.issues.keys()}
    amended_at = state.versions[-1].at

    def meanwhile(each: Transition | Comment) -> bool:
        ours = each.account == state.own_account
        return each.issue_key in names and (ours or each.at <= amended_at)

    return ev.WorkJoined(
        keys=tuple(sorted(back)),
        reopened=tuple(sorted(key for key in back & work if _was_told(state, key))),
        history_ids=(
            *(each.history_id for each in world.transitions if meanwhile(each)),
            *(f"comment:{each.comment_id}" for each in world.comments if meanwhile(each)),
        ),
    )


def _was_told(state: ProgramState, key: str) -> bool:
    """Whether the issue was told that it leaves: then it was open, and we have closed it since."""
    return key in state.issues and left_mark(state, key) in state.said


def welcomes(outline: Outline, state: ProgramState) -> Iterator[SayOnIssue]:
    """To each issue that was closed by an amendment and is open again: who wanted it, and why."""
    for item in outline.items:
        returns = state.returns.get(item.key, 0)
        mark = f"joined-{item.key}-{returns}"
        was_closed = f"left-{item.key}-{returns - 1}" in state.said
        if was_closed and item.key in state.issues and mark not in state.said:
            text = f"This belongs to the program again: {_who_and_why(state.versions[-1])}."
            yield SayOnIssue(state.issues[item.key], cell(text), mark)


def farewell(amended: Version) -> str:
    """What an issue or row says that leaves with an amendment."""
    return (
        f"No longer part of the program: {_who_and_why(amended)}. "
        "Nothing was deleted; nobody waits for this any more."
    )


def _thanks(signed: Sequence[ev.SignedOff]) -> str:
    """What a sign-off issue says whose gate has passed by what was signed elsewhere."""
    how = {ev.Via.CODE: "with a one-time code", ev.Via.JIRA: "in Jira"}
    people = ", ".join(f"{each.person} ({how[each.via]})" for each in signed)
    return f"The gate has passed, signed by {people}: nothing is to be answered here any more."


def _who_and_why(amended: Version) -> str:
    """On one line, so that a cell reads back as it was written."""
    reason = " ".join(amended.reason.split())
    cut = reason if len(reason) <= REASON_SHOWN else f"{reason[:REASON_SHOWN]}…"
    return f"amended by {amended.by}: {cut.rstrip('.')}"
