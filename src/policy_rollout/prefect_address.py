"""Which Prefect server the commands in this folder talk to. Reads the environment and `stack.json`.

Never imports prefect, which reads its environment once, when it is imported first.
"""

import os
from pathlib import Path
from urllib.parse import urlsplit

from policy_rollout.stack import StackAddress, without_proxy

API_URL = "PREFECT_API_URL"
UI_URL = "PREFECT_UI_URL"


def use_running_stack(home: Path) -> None:
    """Point this process at the stack that runs in `home`; call it before prefect is imported.

    A `PREFECT_API_URL` of the environment is kept, and so is a profile of the user where no stack
    runs. A profile is kept from the stack, which needs no key and no password.

    Raises:
        SettingsWrong: `stack.json` cannot be read.
    """
    if os.environ.get(API_URL):
        return
    stack = StackAddress.of(home)
    if stack is None:
        return
    prefect_home = home.absolute() / "prefect"
    os.environ.update(
        {
            API_URL: stack.prefect_api_url,
            UI_URL: stack.prefect_ui_url,
            "PREFECT_HOME": str(prefect_home),
            "PREFECT_PROFILES_PATH": str(prefect_home / "profiles.toml"),
            **without_proxy(),
        }
    )


def run_url(home: Path, run: str) -> str:
    """A run's page in the Prefect UI; empty where no address is known.

    Raises:
        SettingsWrong: `stack.json` cannot be read.
    """
    ui = _ui_url(home).rstrip("/")
    return f"{ui}/runs/flow-run/{run}" if ui and run else ""


def _ui_url(home: Path) -> str:
    if os.environ.get(UI_URL):
        return os.environ[UI_URL]
    api = os.environ.get(API_URL, "")
    if api:
        # Prefect's own server has its UI beside `/api`; that of Prefect Cloud is elsewhere.
        return (
            api.rstrip("/").removesuffix("/api") if urlsplit(api).path.strip("/") == "api" else ""
        )
    stack = StackAddress.of(home)
    return stack.prefect_ui_url if stack else ""
