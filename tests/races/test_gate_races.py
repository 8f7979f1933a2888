"""Two processes at one gate in the same moment: one decision each, journaled once."""

import multiprocessing
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from multiprocessing.synchronize import Barrier

import pytest
from authenticator_apps import enrolled
from cryptography.fernet import Fernet
from gate_under_attack import LEGAL, POLICY, SECOND_LEGAL, Gate, one_short, spec_with
from pydantic import SecretStr

from policy_rollout import events as ev
from policy_rollout.audit import audit
from policy_rollout.authenticators import Authenticators
from policy_rollout.decide import Circumstances, decide
from policy_rollout.errors import CodeRefused, JournalConflict
from policy_rollout.history import decide_and_write, note, records_of, state_of
from policy_rollout.journal.store import Journal
from policy_rollout.observed import AnswerStatuses, World
from policy_rollout.outline import outline_at
from policy_rollout.program import ProgramState, Recorded
from policy_rollout.settings import Settings
from policy_rollout.signing import GivenAnswer, take_answer
from policy_rollout.spec.reader import read_valid

pytestmark = pytest.mark.long

KEY = Fernet.generate_key().decode()
TWO_OF_LEGAL = spec_with(("sign_off: {legal: 1, policy: 1}", "sign_off: {legal: 2, policy: 1}"))
LOST = "lost"

_start: list[Barrier] = []
STATUSES = AnswerStatuses("Approved", "Rejected")


def _take_barrier(barrier: Barrier) -> None:
    _start.append(barrier)


def _at_once(*works: tuple) -> list:
    """What each of two processes answered; each is (function, argument, ...)."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(len(works))
    with ProcessPoolExecutor(
        len(works), mp_context=context, initializer=_take_barrier, initargs=(barrier,)
    ) as pool:
        futures = [pool.submit(*work) for work in works]
        return [future.result(timeout=120) for future in futures]


def _give(address: str, key: str, given: GivenAnswer, text: str, now: datetime) -> str:
    """`taken`, or why the code was refused."""
    settings = Settings(journal_url=SecretStr(address), codes_key=SecretStr(key))
    spec = read_valid(text, "demo.yaml")
    with Journal(address) as journal:
        state_of(journal, "demo")
        _start[0].wait(timeout=60)
        try:
            take_answer(journal, settings, spec, given, now=now)
        except CodeRefused as refused:
            return refused.why.value
    return "taken"


def _judge_once(
    journal: Journal, state: ProgramState, text: str, world: World, now: datetime
) -> str:
    outline = outline_at(read_valid(text, "demo.yaml"), state, now)
    decision = decide(outline, state, world, Circumstances(now, STATUSES, lambda *_: None))
    try:
        decide_and_write(journal, state, decision.events, actor="rollout", at=now)
    except JournalConflict:
        return LOST
    return "wrote" if decision.events else "nothing to write"


def _pass(address: str, text: str, world: World, now: datetime) -> list[str]:
    """Judge a state that both have read; the loser reads again and judges anew."""
    with Journal(address) as journal:
        state = state_of(journal, "demo")
        _start[0].wait(timeout=60)
        told = [_judge_once(journal, state, text, world, now)]
        if told == [LOST]:
            told.append(_judge_once(journal, state_of(journal, "demo"), text, world, now))
    return told


def _resume(address: str, because: str, now: datetime) -> str:
    """What a run that starts again journals about the answer that resumed it."""
    with Journal(address) as journal:
        state = state_of(journal, "demo")
        _start[0].wait(timeout=60)
        resumed = (ev.Resumed(wait=state.waits, because=because),)
        try:
            decide_and_write(journal, state, resumed, actor="Prefect", at=now)
        except JournalConflict:
            return LOST
    return "wrote"


def _amend(address: str, text: str, now: datetime) -> str:
    """Another spec is journaled, whoever wrote before."""
    with Journal(address) as journal:
        _start[0].wait(timeout=60)
        amended = ev.Launched(spec_text=text, spec_path="demo.yaml", run="run-1")
        note(journal, "demo", (amended,), actor="olga@example.com", at=now)
    return "wrote"


def written(journal: Journal, gate: Gate) -> None:
    note(journal, "demo", [each.event for each in gate.journal], actor="rollout", at=gate.now)


def world_of(gate: Gate) -> World:
    return World(
        dict(gate.issues), dict(gate.rows), tuple(gate.transitions), tuple(gate.comments), ()
    )


def judged(journal: Journal, gate: Gate) -> Gate:
    """The program after the next pass on what stands in the journal."""
    gate.journal = list(records_of(journal, "demo"))
    gate.look()
    return gate


def of_kind(records: Sequence[Recorded], kind) -> list:
    return [each.event for each in records if isinstance(each.event, kind)]


def answer_of(person: str, code: str, gate: Gate) -> GivenAnswer:
    digest = gate.state.gates["prepare"].digest or ""
    return GivenAnswer("prepare", "legal", person, "approve", "", code, digest[:16])


@pytest.fixture
def apps(address):
    day = timedelta(days=1)
    at = one_short().now - day
    with Authenticators(address, SecretStr(KEY)) as people:
        return {each: enrolled(people, each, at=at) for each in (LEGAL, SECOND_LEGAL)}


@pytest.mark.parametrize("text", [TWO_OF_LEGAL, spec_with()], ids=["two places", "one place"])
def test_two_signers_at_the_same_second_are_both_heard_and_the_gate_passes(
    journal, address, apps, text
):
    gate = one_short(text)
    written(journal, gate)
    gives = [
        (_give, address, KEY, answer_of(each, apps[each].code(gate.now), gate), text, gate.now)
        for each in (LEGAL, SECOND_LEGAL)
    ]
    assert _at_once(*gives) == ["taken", "taken"]
    judged(journal, gate)
    assert gate.passed
    assert sorted(gate.signers) == [LEGAL, SECOND_LEGAL, POLICY]
    assert gate.refusals == []
    assert len(gate.of_kind(ev.GatePassed)) == 1


def test_one_code_in_two_processes_at_once_is_one_sign_off(journal, address, apps):
    gate = one_short(TWO_OF_LEGAL)
    written(journal, gate)
    given = answer_of(LEGAL, apps[LEGAL].code(gate.now), gate)
    give = (_give, address, KEY, given, TWO_OF_LEGAL, gate.now)
    assert sorted(_at_once(give, give)) == ["taken", "used"]
    judged(journal, gate)
    assert gate.signers == [POLICY, LEGAL]
    assert len(gate.refusals) == 1
    assert not gate.passed


def test_a_transition_judged_by_two_processes_is_one_sign_off_and_the_loser_is_told(
    journal, address
):
    gate = one_short(TWO_OF_LEGAL)
    written(journal, gate)
    gate.moves(LEGAL)
    one = (_pass, address, TWO_OF_LEGAL, world_of(gate), gate.now)
    told = _at_once(one, one)
    assert sorted(told) in (
        [[LOST, "nothing to write"], ["wrote"]],
        [["nothing to write"], ["wrote"]],
    )
    records = records_of(journal, "demo")
    assert Counter(each.person for each in of_kind(records, ev.SignedOff)) == {
        POLICY: 1,
        LEGAL: 1,
    }


def test_a_gate_that_two_processes_pass_at_once_passes_once(journal, address):
    gate = one_short()
    written(journal, gate)
    gate.moves(LEGAL)
    one = (_pass, address, gate.text, world_of(gate), gate.now)
    _at_once(one, one)
    records = records_of(journal, "demo")
    assert len(of_kind(records, ev.GatePassed)) == 1
    assert audit("demo", journal.read_stored("demo")).verified


def test_of_two_resumptions_at_once_one_is_journaled(journal, address):
    gate = one_short()
    written(journal, gate)
    told = _at_once((_resume, address, "approve", gate.now), (_resume, address, "watch", gate.now))
    records = records_of(journal, "demo")
    assert sorted(told) == [LOST, "wrote"]
    assert [each.wait for each in of_kind(records, ev.Resumed)] == [0]


def test_a_sign_off_while_the_spec_is_amended_counts_for_the_text_that_was_read(
    journal, address, apps
):
    gate = one_short()
    written(journal, gate)
    amended = spec_with(('version: "1.0"', 'version: "2.0"'))
    given = answer_of(LEGAL, apps[LEGAL].code(gate.now), gate)
    told = _at_once(
        (_give, address, KEY, given, gate.text, gate.now), (_amend, address, amended, gate.now)
    )
    assert told == ["taken", "wrote"]
    gate.spec = gate.read(amended)
    judged(journal, gate)
    assert gate.signers == []
    assert gate.refusals[0].startswith("the text to sign has changed since")
    assert not gate.passed
