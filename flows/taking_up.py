"""How a run finds its program: launched by it, or by a run before it that wrote nothing."""

from contextlib import suppress
from datetime import UTC, datetime
from itertools import takewhile

from prefect import get_run_logger

from flows.forms import CHECK, GO_ON, RECREATE, chosen
from policy_rollout import events as ev
from policy_rollout import prefect_api
from policy_rollout.errors import (
    AnswerRefused,
    CodeRefused,
    CodesKeyWrong,
    JournalConflict,
    ProgramAlreadyLaunched,
    SettingsWrong,
)
from policy_rollout.halting import IN_THE_UI
from policy_rollout.history import decide_and_write, note, records_of, state_of
from policy_rollout.journal.store import Journal
from policy_rollout.outline import read_once, spec_of
from policy_rollout.program import ProgramState
from policy_rollout.settings import Settings
from policy_rollout.sign_offs import Action
from policy_rollout.signing import GivenAnswer, take_answer
from policy_rollout.spec.model import Spec
from policy_rollout.taking_over import check_lost, wait_key
from policy_rollout.work import State

ANSWER_FIELDS = ("action", "gate", "person", "code", "note")
AT_WORK = frozenset({"scheduled", "pending", "running", "cancelling"})


def take_up(journal: Journal, text: str, source: str, run: str) -> str:
    """The program this run carries; the first time, its launch is journaled.

    Raises:
        SpecRefused: the text has errors; nothing was written.
        ProgramAlreadyLaunched: another run carries the program.
    """
    spec = read_once(text, source)
    while True:
        state = state_of(journal, spec.program)
        if state.run == run:
            return spec.program
        check_free(state)
        before = state.run
        launched = ev.Launched(spec_text=text, spec_path=source, run=run)
        try:
            decide_and_write(journal, state, (launched,), actor="rollout", at=datetime.now(UTC))
        except JournalConflict:
            continue  # another launch was first
        break
    if before:
        prefect_api.cancel(before, f"replaced by a new launch, run {run}")
    return spec.program


def take_over(journal: Journal, text: str, source: str, run: str, *, lost: str) -> str:
    """The program of this run, whose run `lost` is gone; the change is journaled.

    Raises:
        SpecRefused: the text has errors; nothing was written.
        NotTakenUp: the program is over, or a run is there that carries it.
    """
    program = read_once(text, source).program
    while True:
        state = state_of(journal, program)
        if state.run != run:
            check_lost(state, lost)
            taken = ev.TakenUp(run=run, before=lost)
            try:
                decide_and_write(journal, state, (taken,), actor="rollout", at=datetime.now(UTC))
            except JournalConflict:
                continue
        return program


def check_free(state: ProgramState) -> None:
    """A program may be launched anew while it wrote nothing and its run only waits, or is over.

    Raises:
        ProgramAlreadyLaunched: it was stopped, has work outside, or its run may be making some now.
    """
    if not state.run:
        return
    seen = prefect_api.look_up((state.run,)).get(state.run)
    if state.is_over or not state.wrote_nothing or (seen is not None and seen.state in AT_WORK):
        raise already_launched(state)


def already_launched(state: ProgramState) -> ProgramAlreadyLaunched:
    at = f"{state.launched_at:%Y-%m-%d %H:%M} UTC"
    run_url = prefect_api.run_url(state.run) or state.run
    return ProgramAlreadyLaunched(state.program, at, run_url)


def note_answer(journal: Journal, settings: Settings, program: str, run: str) -> None:
    """Journal the answer that resumed this run, once; an answer to a gate is proven first."""
    is_taken = False
    while True:
        state = state_of(journal, program)
        answer = prefect_api.given_answer(run, wait_key(state))
        if answer is None:
            return
        given = {name: str(answer.get(name, "")) for name in ANSWER_FIELDS}
        if given["action"] in {each.value for each in Action} and not is_taken:
            to_gate = _answer_of(given)
            if not _was_taken_before(journal, program, to_gate):
                _take_answer(journal, settings, spec_of(state), to_gate)
            is_taken = True
            state = state_of(journal, program)
        resumed = _resumed(state, given)
        with suppress(JournalConflict):  # watch noted something: read again
            decide_and_write(journal, state, resumed, actor="Prefect", at=datetime.now(UTC))
            return


def note_resumed(
    journal: Journal, settings: Settings, program: str, run: str, *, wait: int
) -> None:
    """Count a wait that is over, also one that was resumed without an answer.

    Else the next wait would have its key, which has fired before, and never suspend.
    """
    note_answer(journal, settings, program, run)
    state = state_of(journal, program)
    if state.waits == wait:
        resumed = ev.Resumed(wait=wait, because="resumed without an answer")
        note(journal, program, (resumed,), actor="Prefect", at=datetime.now(UTC))


def _resumed(state: ProgramState, given: dict[str, str]) -> list[ev.Event]:
    because = given["note"] if given["action"] == CHECK else given["action"]
    resumed: list[ev.Event] = [ev.Resumed(wait=state.waits, because=because or CHECK)]
    if given["action"] == GO_ON and state.held is not None:
        resumed.append(ev.GoneOn(by=IN_THE_UI))
    if given["action"] == RECREATE:
        gone = tuple(key for key, seen in state.seen.items() if seen.state is State.MISSING)
        resumed.append(ev.RecreationAsked(keys=gone))
    return resumed


def _answer_of(given: dict[str, str]) -> GivenAnswer:
    desk = chosen(given["gate"])
    return GivenAnswer(
        stage=desk.stage,
        role=desk.role,
        person=given["person"].strip(),
        action=given["action"],
        reason=given["note"],
        code=given["code"].strip(),
        shown=desk.digest,
    )


def _was_taken_before(journal: Journal, program: str, answer: GivenAnswer) -> bool:
    """Whether a process that was killed since has taken the answer of this wait: its code is used.

    An answer that says the same by another way counts once in any case.
    """
    records = reversed(records_of(journal, program))
    of_this_wait = takewhile(lambda each: not isinstance(each.event, ev.Resumed), records)
    said = (answer.stage, answer.role, answer.person, answer.action, answer.reason)
    return any(
        (each.stage, each.role, each.person, each.action, each.text) == said
        for each in (record.event for record in of_this_wait)
        if isinstance(each, ev.CodeGiven)
    )


def _take_answer(journal: Journal, settings: Settings, spec: Spec, answer: GivenAnswer) -> None:
    """Refusals are journaled where the gate waits, and shown in the run's log."""
    try:
        take_answer(journal, settings, spec, answer, now=datetime.now(UTC))
    except (AnswerRefused, CodeRefused, CodesKeyWrong, SettingsWrong) as refused:
        get_run_logger().warning("%s", refused)
