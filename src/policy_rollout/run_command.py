"""What the work pool starts for a run: Prefect's engine, forked where a process has it loaded.

`ROLLOUT_FORK_SERVER` is the socket of `python -m flows.fork_server`. Without it, or where that
takes no run, this process becomes the engine, as Prefect starts it.
"""

import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

from policy_rollout.forking import FORKS, ForkUnknown, NotForked, ask

FORK_SERVER = "ROLLOUT_FORK_SERVER"


def main() -> int:
    """The exit code of the engine; a signal that ended it ends this process, too."""
    path = os.environ.get(FORK_SERVER)
    if not path or not FORKS:
        _become_the_engine()
    try:
        code = ask(Path(path))
    except NotForked as why:
        sys.stderr.write(f"this run starts Python anew, which takes longer: {why}\n")
        _become_the_engine()
    except ForkUnknown:
        sys.stderr.write(
            f"{path}: the fork server is gone or silent, and how this run ended is not known; its "
            "log may tell why, and watch starts the run again if it is lost\n"
        )
        return 1
    return code if code >= 0 else _end_by(-code)


def _become_the_engine() -> NoReturn:
    os.execv(sys.executable, [sys.executable, "-m", "prefect.engine"])  # noqa: S606 - our own


def _end_by(number: int) -> int:
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    return 128 + number  # of a signal that ends nobody


if __name__ == "__main__":
    sys.exit(main())
