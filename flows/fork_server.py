"""A process that has Prefect and this project loaded, and forks for each run of its machine.

`python -m flows.fork_server SOCKET`. What asks there is the command of the work pool,
`policy_rollout.run_command`. Loading takes seconds of a core, and a run of `watch` every minute, or
whoever waits behind a sign-off, would spend them each time.
"""

import gc
import importlib
import os
import runpy
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from policy_rollout.forking import ForkServer, Request, listen

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
READ_WHILE_LOADING = ("PYTHON", "PREFECT_LOGGING_", "SSL_CERT_", "LANG", "LC_", "TZ")
"""How variables begin that Python or Prefect reads once, when it is loaded."""


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


def loaded_with(environment: Mapping[str, str]) -> dict[str, str]:
    """Of an environment what is read once, while modules are loaded."""
    return {name: text for name, text in environment.items() if name.startswith(READ_WHILE_LOADING)}


@dataclass(frozen=True, slots=True)
class Loaded:
    """What this process has loaded, since a moment in ns since 1970, in which environment."""

    since: int
    files: Mapping[Path, int]
    environment: Mapping[str, str]

    def refusal(self, request: Request) -> str:
        """Why a run would not be what it is when it loads all by itself; nothing where it is."""
        if request.python != sys.prefix:
            return f"it has the Python of {request.python}, the fork server that of {sys.prefix}"
        # Path.is_dir raises where one may not look, or the name is too long.
        if not os.path.isdir(request.folder):  # noqa: PTH112 - see the line above
            return f"the fork server sees no folder {request.folder}"
        asked, own = loaded_with(request.environment), self.environment
        if others := sorted(name for name in {*asked, *own} if asked.get(name) != own.get(name)):
            return f"it has another {', '.join(others)} than the fork server"
        return self._changed()

    def _changed(self) -> str:
        for path, written in self.files.items():
            try:
                same = path.stat().st_mtime_ns == written <= self.since
            except OSError:
                same = False
            if not same:
                return f"{path} has changed since the fork server was started; start it again"
        return ""


def main(socket: Path) -> None:
    """Fork until this process is ended; in each forked one, run what was asked for."""
    since = time.time_ns()  # what is loaded from here on may be changed meanwhile
    preload()
    from prefect.context import refresh_global_settings_context  # noqa: PLC0415 - see `since`
    from prefect.settings import get_current_settings  # noqa: PLC0415 - the same

    if threading.active_count() > 1:
        sys.exit(f"a thread runs, which no fork would have: {threading.enumerate()}")
    of_a_run = {**os.environ, **get_current_settings().to_environment_variables(exclude_unset=True)}
    loaded = Loaded(since, loaded_files(), loaded_with(of_a_run))
    gc.collect()
    gc.freeze()
    request = ForkServer(listen(socket), loaded.refusal).serve()
    request.take_over()
    sys.path[0] = request.folder
    del sys.argv[1:]  # the engine would take an argument for the id of a run
    refresh_global_settings_context()
    runpy.run_module(ENGINE, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
