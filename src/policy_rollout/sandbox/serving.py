"""The sandbox of an installation: serves it, and leaves its addresses where settings look."""

import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from policy_rollout.errors import SettingsWrong
from policy_rollout.sandbox.control import PROJECT, SERVICE_EMAIL, TOKEN
from policy_rollout.sandbox.server import LOOPBACK, serve_on
from policy_rollout.sandbox.sheets_credentials import write_credentials
from policy_rollout.sandbox.sheets_store import WORKBOOK


def serve_here(home: Path, port: int, *, say: Callable[[str], None]) -> None:
    """Serve on 127.0.0.1 until interrupted; `home/sandbox.json` then has the addresses.

    `say` hears where, once connections are taken in.

    Raises:
        SettingsWrong: the port is in use, or the folder cannot be written.
    """
    url = f"http://{LOOPBACK}:{port}"
    with _listener(port) as listener:
        # Only now: whoever holds the port may be another folder's sandbox.
        folder = home.absolute() / "sandbox"
        try:
            _leave_addresses(home, folder, url)
        except OSError as error:
            raise SettingsWrong(
                f"{folder} cannot be written ({error.strerror}); set ROLLOUT_HOME to a folder "
                "that can, such as ROLLOUT_HOME=.rollout"
            ) from None
        say(f"Jira and workbook: {url}  (Ctrl-C ends them; what is in them stays)")
        serve_on(listener, folder)


@contextmanager
def _listener(port: int) -> Iterator[socket.socket]:
    try:
        listener = socket.create_server((LOOPBACK, port))
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else type(error).__name__
        raise SettingsWrong(
            f"port {port} on {LOOPBACK} cannot be used ({why}); end the program that has it, or "
            f"take another: rollout sandbox --port {port + 1}"
        ) from None
    with listener:
        yield listener


def _leave_addresses(home: Path, folder: Path, url: str) -> None:
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
