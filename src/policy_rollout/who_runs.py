"""Who runs a command, and who wants it. Reads the environment."""

import getpass
import os
from typing import Annotated

import typer

By = Annotated[
    str,
    typer.Option(
        "--by", metavar="MAIL", help="Who wants it; this machine's user where left out. A claim."
    ),
]


def who_runs() -> str:
    """As this machine knows them: a note, never a proof."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number without a name
        return f"user {os.getuid()}"


def who_wants(by: str) -> str:
    """Who wants it, as they say with `--by`; else as this machine knows them. Neither is a proof.

    Raises:
        PersonMalformed: no spec could name somebody like this.
    """
    from policy_rollout.person import checked_person  # noqa: PLC0415 - loads pydantic

    return checked_person(by) if by else who_runs()
