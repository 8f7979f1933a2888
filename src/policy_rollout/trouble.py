"""What an outside failure means for a program: when it is tried again. Pure."""

from datetime import datetime, timedelta

from policy_rollout.errors import RolloutError, ServiceUnavailable, WriteInDoubt
from policy_rollout.events import TroubleMet
from policy_rollout.program import ProgramState

FIRST_WAIT = timedelta(seconds=10)
LONGEST_WAIT = timedelta(minutes=15)


def met(error: RolloutError, state: ProgramState, now: datetime) -> TroubleMet:
    """The entry for a failure, with the time of the next try.

    The service's own Retry-After counts where it is longer; waits double up to a quarter of an
    hour. What a person has to mend is tried again at that longest pace, or when asked.
    """
    passing = isinstance(error, ServiceUnavailable | WriteInDoubt)
    times = state.trouble.times if state.trouble else 0
    wait = min(FIRST_WAIT * 2 ** min(times, 10), LONGEST_WAIT) if passing else LONGEST_WAIT
    if isinstance(error, ServiceUnavailable) and error.retry_after_seconds is not None:
        wait = max(wait, timedelta(seconds=error.retry_after_seconds))
    return TroubleMet(text=str(error), again_at=now + wait)
