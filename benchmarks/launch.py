"""The HTTP requests of launching the largest shipped program, beside the least possible.

`python benchmarks/launch.py` carries the first pass in this process, against a sandbox over HTTP,
and counts by what was asked. The least possible is what no client can do without: one look
before the first write, the epic, one bulk creation for 50 issues, a link for each `after`, one
batch for the rows, and one look that nothing is left to do.
"""

import math
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path
from uuid import uuid4

from prefect import flow
from prefect.settings import (
    PREFECT_LOGGING_LEVEL,
    PREFECT_SERVER_ANALYTICS_ENABLED,
    temporary_settings,
)
from prefect.testing.utilities import prefect_test_harness

from flows.passes import pass_or_trouble
from flows.taking_up import take_up
from policy_rollout.history import state_of
from policy_rollout.journal.store import Journal
from policy_rollout.program import ProgramState
from policy_rollout.sandbox.control import Sandbox
from policy_rollout.sandbox.server import running
from policy_rollout.sandbox.sheets_credentials import write_credentials
from policy_rollout.sandbox.sheets_store import WORKBOOK
from policy_rollout.settings import Settings
from policy_rollout.spec.reader import read_valid
from policy_rollout.work import Kind, expand, people_of

PROGRAM = Path("program_specs/tiktok-community-guidelines-2025.yaml")
CREATIONS_AT_ONCE = 50
START_SECONDS = 120


@flow(name="launch")
def launch(text: str) -> ProgramState:
    settings, run = Settings.load(), str(uuid4())
    with Journal(settings.journal_address) as journal:
        program = take_up(journal, text, PROGRAM.name, run)
        stands = pass_or_trouble(journal, settings, program, run=run)
        state = state_of(journal, program)
    if state.trouble is not None:
        sys.exit(stands.text)
    return state


def connect(sandbox: Sandbox, home: Path) -> None:
    os.environ |= {
        "ROLLOUT_HOME": str(home),
        "ROLLOUT_JIRA_URL": sandbox.jira_url,
        "ROLLOUT_JIRA_EMAIL": sandbox.email,
        "ROLLOUT_JIRA_TOKEN": sandbox.token,
        "ROLLOUT_JIRA_PROJECT": sandbox.project,
        "ROLLOUT_SHEETS_URL": sandbox.sheets_url,
        "ROLLOUT_SHEETS_CREDENTIALS": str(write_credentials(home, sandbox.sheets_url)),
        "ROLLOUT_SHEETS_WORKBOOK": WORKBOOK,
    }


def asked(request: dict[str, str]) -> str:
    """What a request was for; keys of issues and people left out."""
    path = request["path"].partition("/rest/api/3/")[2] or request["path"].rpartition("/")[2]
    first = path.split("/")[0] if path.startswith(("user", "createmeta")) else path
    return f"{request['method']} {'/'.join(p for p in first.split('/') if not p[:1].isdigit())}"


def least(state: ProgramState, links: int, people: int) -> dict[str, int]:
    issues = len(state.issues) - 1
    return {
        "looks before the first write: site, project, screens, people, workbook": 6 + people,
        "creation of the epic": 1,
        f"creations of {issues} issues": math.ceil(issues / CREATIONS_AT_ONCE),
        "links": links,
        f"batches for {len(state.rows)} rows": int(bool(state.rows)),
        "looks that nothing is left": math.ceil(issues / 100) + 1,
    }


def main() -> None:
    text = PROGRAM.read_text(encoding="utf-8")
    spec = read_valid(text, str(PROGRAM))
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "sandbox") as address:
        sandbox = Sandbox(address)
        people = people_of(spec)
        for person in people:
            sandbox.add_person(person)
        connect(sandbox, Path(folder) / "home")
        quiet = {PREFECT_SERVER_ANALYTICS_ENABLED: False, PREFECT_LOGGING_LEVEL: "ERROR"}
        with temporary_settings(quiet), prefect_test_harness(START_SECONDS):
            sandbox.clear_requests()
            state = launch(text)
            requests = sandbox.requests()
    items = [item for item in expand(spec) if item.key in state.issues]
    links = sum(
        before in state.issues for item in items if item.kind is Kind.TASK for before in item.after
    )
    sys.stdout.write(f"{spec.program}: {len(expand(spec))} items in all; at launch ")
    sys.stdout.write(f"{len(state.issues)} issues and {len(state.rows)} rows\n\n")
    for what, count in Counter(map(asked, requests)).most_common():
        sys.stdout.write(f"{count:5}  {what}\n")
    fewest = least(state, links, len(people))
    sys.stdout.write(f"{len(requests):5}  requests in all\n\nthe least possible:\n")
    for what, count in fewest.items():
        sys.stdout.write(f"{count:5}  {what}\n")
    total = sum(fewest.values())
    sys.stdout.write(f"{total:5}  in all; ratio {len(requests) / total:.2f}\n")


if __name__ == "__main__":
    main()
