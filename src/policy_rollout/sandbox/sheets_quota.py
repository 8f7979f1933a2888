"""The quota of the Sheets API: so many reads and so many writes a minute, Drive not counted.

See https://developers.google.com/workspace/sheets/api/limits
"""

from collections import defaultdict, deque
from threading import Lock

from policy_rollout.sandbox.sheets_wire import Refused


class Quota:
    """Remembers the calls of the last minute. Safe in several threads.

    Google does not say how its minute slides; here any sixty seconds count, the strictest reading.
    """

    def __init__(self) -> None:
        self._seen: defaultdict[str, deque[float]] = defaultdict(deque)
        self._lock = Lock()

    def admit(self, kind: str, most: int, seconds: float, now: float) -> None:
        """Count a call; `kind` is Read or Write, `now` a time in seconds.

        Raises:
            Refused: it is one too many, and does not count.
        """
        with self._lock:
            seen = self._seen[kind]
            while seen and seen[0] <= now - seconds:
                seen.popleft()
            if len(seen) >= most:
                raise Refused(
                    429,
                    "RESOURCE_EXHAUSTED",
                    f"Quota exceeded for quota metric '{kind} requests' and limit '{kind} requests "
                    "per minute per user' of service 'sheets.googleapis.com'.",
                )
            seen.append(now)
