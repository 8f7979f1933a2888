"""The sandbox of an installation: serves it, and leaves its addresses where settings look."""

import json
from pathlib import Path

from policy_rollout.sandbox.control import PROJECT, SERVICE_EMAIL, TOKEN
from policy_rollout.sandbox.server import LOOPBACK, serve
from policy_rollout.sandbox.sheets_credentials import write_credentials
from policy_rollout.sandbox.sheets_store import WORKBOOK


def serve_here(home: Path, port: int) -> None:
    """Serve on 127.0.0.1 until interrupted; `home/sandbox.json` then has the addresses."""
    folder = home.absolute() / "sandbox"
    url = f"http://{LOOPBACK}:{port}"
    folder.mkdir(parents=True, exist_ok=True)
    addresses = {
        "jira_url": f"{url}/jira",
        "jira_email": SERVICE_EMAIL,
        "jira_token": TOKEN,
        "jira_project": PROJECT,
        "sheets_url": f"{url}/sheets",
        "sheets_credentials": str(write_credentials(folder, f"{url}/sheets")),
        "sheets_workbook": WORKBOOK,
    }
    (home / "sandbox.json").write_text(json.dumps(addresses, indent=2))
    serve(folder, port)
