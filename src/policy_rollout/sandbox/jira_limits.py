"""Jira Cloud's burst limits: so many calls of one kind a second, so many writes of one issue.

See https://developer.atlassian.com/cloud/jira/platform/rate-limiting/
"""

from collections import defaultdict, deque
from threading import Lock

A_SECOND = {"GET": 100, "POST": 100, "PUT": 50, "DELETE": 50}
ISSUE_WRITES = 20
ISSUE_WINDOW_MS = 2_000
SECOND_MS = 1_000


class Throttled(Exception):
    """Too many calls; `seconds` is what Retry-After says."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(f"try again in {seconds} s")


class BurstLimits:
    """Remembers the calls of the last seconds. Safe in several threads."""

    def __init__(self) -> None:
        self._seen: defaultdict[tuple[str, str], deque[int]] = defaultdict(deque)
        self._lock = Lock()

    def admit(self, method: str, endpoint: str, issue: str, now_ms: int) -> None:
        """Count a call.

        Raises:
            Throttled: it comes too soon and does not count.
        """
        with self._lock:
            windows = [(self._recent((method, endpoint), now_ms, SECOND_MS), A_SECOND[method])]
            if issue and method != "GET":
                writes = self._recent(("issue", issue), now_ms, ISSUE_WINDOW_MS)
                windows.append((writes, ISSUE_WRITES))
            if any(len(seen) >= most for seen, most in windows):
                raise Throttled(1)
            for seen, _ in windows:
                seen.append(now_ms)

    def _recent(self, what: tuple[str, str], now_ms: int, window_ms: int) -> deque[int]:
        seen = self._seen[what]
        while seen and seen[0] <= now_ms - window_ms:
            seen.popleft()
        return seen
