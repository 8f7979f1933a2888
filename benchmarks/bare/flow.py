"""What a user would write instead: a form, and the first issue behind it.

It proves nobody, reads nothing, journals nothing, and makes the issue again whenever it is run
again.
"""

import time
from pathlib import Path

from jira import JIRA
from prefect import flow
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput


class Answer(RunInput):
    """A form as small as ours could be."""

    action: str = "check now"
    note: str = ""


@flow(name="bare")
def bare(url: str, email: str, token: str, project: str, mark: str) -> None:
    """Suspend; once answered, create an issue; when that began and its key go into `mark`."""
    suspend_flow_run(wait_for_input=Answer, key="answer", timeout=None)
    began = time.time()
    jira = JIRA(
        url,
        basic_auth=(email, token),
        options={"rest_api_version": "3"},
        get_server_info=False,
    )
    fields = {
        "project": {"key": project},
        "summary": "Write the guideline",
        "issuetype": {"name": "Task"},
    }
    issue = jira.create_issue(fields, prefetch=False)
    Path(mark).write_text(f"{began} {issue.key}", encoding="utf-8")
