"""Runs a Python module whose cyclic garbage is collected in a thread of its own.

`python -m policy_rollout.gc_thread MODULE ARGUMENT...`, for a server that keeps SQLite's
connections in threads, as Prefect's does. The collector runs in whichever thread makes an object.
Where it comes upon a cursor whose statement failed, SQLite lets that thread wait for the cursor's
connection; if another thread waits with that connection for the write lock, and who holds the lock
waits for the event loop, and the collector runs in the loop, all three stand still until SQLite
gives up, after Prefect's 60 seconds.
"""

import gc
import runpy
import sys
import threading
import time
from itertools import count

COLLECT_SECONDS = 0.5
OLDER_EVERY, ALL_EVERY = 10, 100
"""Of the collections: as the collector does it by itself, which counts objects instead."""


def main(arguments: list[str]) -> None:
    """Run the module, as `python -m` does."""
    gc.disable()
    threading.Thread(target=_collect, name="collector", daemon=True).start()
    sys.argv = arguments
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


def _collect() -> None:
    for turn in count(1):
        time.sleep(COLLECT_SECONDS)
        gc.collect(2 if turn % ALL_EVERY == 0 else 1 if turn % OLDER_EVERY == 0 else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
