"""A pass lets go as soon as somebody holds or stops the program; a restarted run waits anew."""

from datetime import UTC, datetime

from prefect.context import FlowRunContext

from policy_rollout import events as ev
from policy_rollout.errors import JournalConflict
from policy_rollout.history import note, records_of, state_of
from policy_rollout.journal.store import Journal
from policy_rollout.taking_over import wait_key


def check_goes_on(journal: Journal, program: str, *, after: int) -> None:
    """Look, before the next writes, whether they are still wanted.

    Raises:
        JournalConflict: the program was held or stopped after entry `after`.
    """
    for record in records_of(journal, program, after=after):
        if isinstance(record.event, ev.Held | ev.ProgramStopped):
            raise JournalConflict(program, record.sequence)


def note_started_again(journal: Journal, program: str) -> None:
    """Count the wait of a run that was cancelled or lost while it waited, and started again.

    Its key has fired: a second wait under it would look for an answer that nobody gave.
    """
    context = FlowRunContext.get()
    if context is None or context.flow_run is None or context.flow_run.empirical_policy is None:
        return
    fired = context.flow_run.empirical_policy.pause_keys or set()
    state = state_of(journal, program)
    if wait_key(state) in fired:
        resumed = ev.Resumed(wait=state.waits, because="started again")
        note(journal, program, (resumed,), actor="Prefect", at=datetime.now(UTC))
