"""Who runs a command. Reads the environment."""

import getpass
import os


def who_runs() -> str:
    """As this machine knows them: a note, never a proof."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number without a name
        return f"user {os.getuid()}"
