"""Requests that one process has taken from a shared limit and not sent yet. Reads the clock."""

import time
from dataclasses import dataclass, field
from threading import Lock

KEEP_SECONDS = 1.0
"""What was taken longer ago lapses: the limits count on it (see `request_budget`)."""
LIFTED_SECONDS = 60.0
"""How long a process holds for known that nothing counts its requests."""


@dataclass(slots=True)
class Purse:
    """Safe to share between threads that hold its lock; whoever fetches more lets others wait."""

    lock: Lock = field(default_factory=Lock)
    left: int = 0
    lapses_at: float = 0.0
    lifted_until: float = 0.0

    def pay(self, requests: int) -> bool:
        """Take them out; False where there are too few, or they have lapsed."""
        now = time.monotonic()
        if now < self.lifted_until:
            return True
        if now >= self.lapses_at or self.left < requests:
            return False
        self.left -= requests
        return True

    def fill(self, requests: int) -> None:
        """Put in what was taken just now, in the place of what was left."""
        self.left, self.lapses_at = requests, time.monotonic() + KEEP_SECONDS

    def lift(self) -> None:
        """For a while there is nothing to pay."""
        self.lifted_until = time.monotonic() + LIFTED_SECONDS
