"""How many requests all runs together may send to a service, as Prefect's global limits. Pure.

A limit is a leaky bucket: `at_once` requests may go out together, and `per_second` more in each
second after. Whoever changes it in Prefect changes it for all runs; the numbers here are those
it is made with.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

SLOTS_A_REQUEST = 100
"""Prefect rounds what has become free down to whole slots: of small ones little is lost."""
LONGEST_WAIT_SECONDS = 20.0
"""How long a run waits for its turn; a longer wait belongs to a suspended run."""
RETRY_AFTER_SECONDS = 30.0
"""When a run that had to wait longer asks again: beyond what the adapters would sleep."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of Prefect; `taken` requests are asked for together and sent within a second.

    Asking takes a fifth of a request's time: where many are allowed, not each asks for itself.
    """

    name: str
    at_once: int
    per_second: float
    taken: int = 1

    @property
    def slots(self) -> int:
        return self.at_once * SLOTS_A_REQUEST

    @property
    def slots_per_second(self) -> float:
        return self.per_second * SLOTS_A_REQUEST

    def times(self, factor: int) -> Self:
        return replace(self, at_once=self.at_once * factor, per_second=self.per_second * factor)


JIRA_REQUESTS = Limit("rollout-jira", at_once=20, per_second=30, taken=10)
"""Jira's bursts: 100 GET or POST and 50 PUT or DELETE a second for each address. In no second go
out more than what is free at once, comes free in it, and was taken in the second before: 80."""
SHEETS_READS = Limit("rollout-sheets-reads", at_once=20, per_second=0.6)
SHEETS_WRITES = Limit("rollout-sheets-writes", at_once=20, per_second=0.6)
"""Google: 60 reads and 60 writes a minute; 20 at once and 36 in the rest of it are below that."""
LIMITS = (JIRA_REQUESTS, SHEETS_READS, SHEETS_WRITES)

Spend = Callable[[Limit, int], None]
"""Waits until so many requests of a limit may be sent; raises `OverBudget` where it takes long."""


class OverBudget(Exception):
    """Nothing came free in time; nothing was sent. Ends at the adapter, as an outside failure."""

    def __init__(self, limit: Limit) -> None:
        self.retry_after_seconds = RETRY_AFTER_SECONDS
        super().__init__(f"all runs together send as much as Prefect's limit {limit.name} allows")


def unlimited(_limit: Limit, _requests: int) -> None:
    """For a process that shares with nobody: the services' own limits hold it back."""
