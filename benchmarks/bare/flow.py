"""The least that a Prefect flow can do between a form and its next line."""

import time
from pathlib import Path

from prefect import flow
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput


class Answer(RunInput):
    """A form as small as ours could be."""

    action: str = "check now"
    note: str = ""


@flow(name="bare")
def bare(mark: str) -> None:
    """Suspend; once answered, write the time into the file `mark`."""
    suspend_flow_run(wait_for_input=Answer, key="answer", timeout=None)
    Path(mark).write_text(repr(time.time()), encoding="utf-8")
