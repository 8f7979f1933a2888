"""Runs one command and ends it, with everything it started, when the parent is gone.

`python -m policy_rollout.guard COMMAND...`, with a pipe from the parent as standard input: the
pipe closes when the parent ends, however it ends. Starts and ends processes.
"""

import os
import signal
import subprocess
import sys
import threading
from types import FrameType

import psutil

GRACE_SECONDS = 8
SIGNALLED = 128


def main(command: list[str]) -> int:
    """Run the command until it ends or the parent is gone; its exit code.

    128 and the number of the signal where one ended it, as shells tell it.
    """
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 - our own command
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which closes the pipe
    threading.Thread(target=_wait_for_parent, daemon=True).start()
    try:
        code = child.wait()
        return code if code >= 0 else SIGNALLED - code
    except SystemExit:
        return 0
    finally:
        _end_children()


def _wait_for_parent() -> None:
    # Past Python's buffer, whose lock this thread would hold when the interpreter ends: fatal.
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _end(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _end_children() -> None:
    """Ask every process below this one to end, then end those that did not."""
    below = psutil.Process().children(recursive=True)
    for process in below:
        _tell(process, signal.SIGTERM)
    _, alive = psutil.wait_procs(below, timeout=GRACE_SECONDS)
    for process in alive:
        _tell(process, signal.SIGKILL)


def _tell(process: psutil.Process, what: signal.Signals) -> None:
    try:
        process.send_signal(what)
    except psutil.NoSuchProcess:
        return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
