"""An answer to a gate by one-time code: proven, journaled, judged on the program's next pass.

The Resume form and `rollout sign` both end here. Reads and writes the journal's database; the
code itself is never stored.
"""

from dataclasses import dataclass
from datetime import datetime

from policy_rollout import events as ev
from policy_rollout.authenticators import Authenticators
from policy_rollout.errors import AnswerRefused, CodeRefused
from policy_rollout.history import note, state_of
from policy_rollout.journal.store import Journal
from policy_rollout.person import is_person
from policy_rollout.program import GateState, ProgramState
from policy_rollout.settings import Settings
from policy_rollout.sign_offs import Action
from policy_rollout.spec.model import Spec

SHORTEST_SHOWN = 12
"""Characters of a digest; fewer could be typed without having read it."""
LONGEST_NAME = 254


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """What somebody typed: `shown` is the digest that they read, or its first characters."""

    stage: str
    role: str
    person: str
    action: str
    reason: str
    code: str
    shown: str


def take_answer(
    journal: Journal, settings: Settings, spec: Spec, given: GivenAnswer, *, now: datetime
) -> None:
    """Prove who answers, and journal the answer; the next pass judges it.

    Raises:
        AnswerRefused: no such gate, role or answer; a wrong role, or a gate that has passed, is
            journaled as a refused attempt.
        CodeRefused: the code proves nothing; journaled as a refused attempt.
        SettingsWrong: ROLLOUT_CODES_KEY is missing.
    """
    state = state_of(journal, spec.program)
    try:
        _check(spec, state, given)
    except AnswerRefused as refused:
        if given.stage in state.gates:
            _note_refused(journal, state, given, str(refused), now)
        raise
    with Authenticators(settings.journal_address, settings.codes_key) as authenticators:
        try:
            proof = authenticators.verify(given.person, given.code, now=now)
        except CodeRefused as refused:
            _note_refused(journal, state, given, str(refused), now)
            raise
    answer = ev.CodeGiven(
        stage=given.stage,
        role=given.role,
        person=given.person,
        action=given.action,
        text=given.reason,
        digest=_whole(state.gates[given.stage], given.shown),
        mark=proof.mark,
        at=now,
    )
    note(journal, state.program, (answer,), actor=given.person, at=now)


def _whole(gate: GateState, shown: str) -> str:
    """The digest that begins like this; what was given where that leaves room for doubt."""
    found = [digest for digest in gate.covers if digest.startswith(shown)]
    return found[0] if len(found) == 1 and len(shown) >= SHORTEST_SHOWN else shown


def _check(spec: Spec, state: ProgramState, given: GivenAnswer) -> None:
    waiting = state.waiting_stages
    if given.stage not in waiting:
        raise AnswerRefused("gate", given.stage, waiting)
    roles = tuple(spec.stages[given.stage].gate.sign_off)
    if given.role not in roles and given.action != Action.WAIVE:
        raise AnswerRefused("role", given.role, roles)
    if given.action not in {each.value for each in Action}:
        raise AnswerRefused("answer", given.action, tuple(each.value for each in Action))


def _note_refused(
    journal: Journal, state: ProgramState, given: GivenAnswer, why: str, now: datetime
) -> None:
    """A claim without proof: the account stays empty, and the mark names only the moment.

    The claimed name may be any text, and ends in a comment: look-alikes and Markdown are escaped.
    """
    claimed = given.person[:LONGEST_NAME]
    named = claimed if is_person(claimed) else ascii(claimed).replace("[", "(").replace("]", ")")
    refused = ev.SignOffRefused(
        stage=given.stage,
        round=state.gates[given.stage].round,
        role=given.role,
        account="",
        name=f"somebody who claims to be {named}",
        history_id=f"refused:{named}:{now.isoformat()}",
        at=now,
        why=why,
        via=ev.Via.CODE,
        action=given.action,
    )
    note(journal, state.program, (refused,), actor="somebody without proof", at=now)
