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
from policy_rollout.program import ProgramState
from policy_rollout.settings import Settings
from policy_rollout.sign_offs import Action
from policy_rollout.spec.model import Spec


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
        AnswerRefused: no such gate, role or answer; journaled where the gate waits.
        CodeRefused: the code proves nothing; journaled as a refused attempt.
        SettingsWrong: ROLLOUT_CODES_KEY is missing.
    """
    state = state_of(journal, spec.program)
    _check(spec, state, given)
    with Authenticators(settings.journal_address, settings.codes_key) as authenticators:
        try:
            proof = authenticators.verify(given.person, given.code, now=now)
        except CodeRefused as refused:
            _note_refused(journal, state, given, str(refused), now)
            raise
    gate = state.gates[given.stage]
    shown = [digest for digest in gate.covers if given.shown and digest.startswith(given.shown)]
    answer = ev.CodeGiven(
        stage=given.stage,
        role=given.role,
        person=given.person,
        action=given.action,
        text=given.reason,
        digest=shown[-1] if shown else given.shown,
        mark=proof.mark,
        at=now,
    )
    note(journal, state.program, (answer,), actor=given.person, at=now)


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
    """A claim without proof: the account stays empty, and the mark names only the moment."""
    refused = ev.SignOffRefused(
        stage=given.stage,
        round=state.gates[given.stage].round,
        role=given.role,
        account="",
        name=f"somebody who claims to be {given.person}",
        history_id=f"refused:{given.person}:{now.isoformat()}",
        at=now,
        why=why,
        via=ev.Via.CODE,
        action=given.action,
    )
    note(journal, state.program, (refused,), actor="somebody without proof", at=now)
