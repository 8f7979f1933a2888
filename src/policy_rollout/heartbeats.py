"""Whether a run at work has lost its process: what its heartbeats tell. Pure.

Prefect lets each run send one when it starts and then every `PREFECT_FLOWS_HEARTBEAT_FREQUENCY`
seconds, whatever its flow is doing. They cross the network, the server and its queue of events, and
may be held up there: silence counts only while those of other runs, such as `watch`, come through.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

MISSED = 4
"""So many heartbeats in a row are no accident."""
NEVER_LASTS = timedelta(minutes=15)
"""No pass does: a run that sends no heartbeats and says Running since then has no process."""
STARTS_WITHIN = timedelta(minutes=5)
"""A worker that took a run and has not started it by then is gone, or has forgotten it."""


@dataclass(frozen=True, slots=True)
class Heartbeats:
    """The last of a run in its present state, None where it sent none.

    `others` has those of other runs since: some of them, the first and the last included.
    """

    last: datetime | None
    others: tuple[datetime, ...] = ()


NONE_HEARD = Heartbeats(None)


def may_be_lost(since: datetime, every: timedelta, now: datetime) -> bool:
    """Whether to ask for a run's heartbeats at all: it is long enough in its state."""
    return now - since > MISSED * every


def has_fallen_silent(
    since: datetime, heard: Heartbeats, *, every: timedelta, now: datetime
) -> bool:
    """Whether a run that says Running since a moment has no process any more.

    `every` is how often runs send heartbeats; all moments are aware.
    """
    if heard.last is None:
        return now - since > NEVER_LASTS
    later = [each for each in heard.others if each - heard.last > every]
    way_is_open = bool(later) and max(later) - min(later) > every
    return way_is_open and now - heard.last > MISSED * every
