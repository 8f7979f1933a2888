"""A process that has Prefect and this project loaded, and forks for each run of its machine.

`python -m flows.fork_server SOCKET`. What asks there is the command of the work pool,
`policy_rollout.run_command`. Loading takes seconds of a core, and a run of `watch` every minute, or
whoever waits behind a sign-off, would spend them each time.
"""

import gc
import importlib
import runpy
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from prefect.context import refresh_global_settings_context

from policy_rollout.forking import ForkServer, listen

ENGINE = "prefect.engine"
PRELOADED = (
    "flows.rollout",
    "flows.watch",
    "flows.drift",
    "prefect.flow_engine",
    "prefect.task_engine",
    "prefect.deployments.steps.core",  # which go to the folder of the deployment
    "prefect.utilities.visualization",  # of which each start of a task makes sure that it is off
)
OF_A_DEPLOYMENT = ("flows", "tasks")
"""These a run loads from the folder that its deployment names, which may be another one."""


def preload() -> None:
    """Load all that a run needs before it knows its deployment."""
    for name in PRELOADED:
        importlib.import_module(name)
    for name in list(sys.modules):
        if name == ENGINE or name.partition(".")[0] in OF_A_DEPLOYMENT:
            del sys.modules[name]


def loaded_files() -> dict[Path, int]:
    """The files of the modules that are loaded, and when each was written, in ns."""
    names = {getattr(each, "__file__", None) for each in list(sys.modules.values())}
    files = [Path(name) for name in names if name]
    return {each: each.stat().st_mtime_ns for each in files if each.exists()}


def changed(loaded: Mapping[Path, int]) -> str:
    """What to say where a file is another one than was loaded; nothing else."""
    for path, written in loaded.items():
        try:
            same = path.stat().st_mtime_ns == written
        except FileNotFoundError:
            same = False
        if not same:
            return f"{path} has changed since the fork server was started; start it again"
    return ""


def main(socket: Path) -> None:
    """Fork until this process is ended; in each forked one, run what was asked for."""
    preload()
    if threading.active_count() > 1:
        sys.exit(f"a thread runs, which no fork would have: {threading.enumerate()}")
    loaded = loaded_files()
    gc.collect()
    gc.freeze()
    request = ForkServer(listen(socket), lambda: changed(loaded)).serve()
    request.take_over()
    sys.path[0] = request.folder
    del sys.argv[1:]  # the engine would take an argument for the id of a run
    refresh_global_settings_context()
    runpy.run_module(ENGINE, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
