"""Fixtures that several test folders share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from policy_rollout.sandbox.control import Sandbox
from policy_rollout.sandbox.server import running


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """A fresh sandbox over HTTP on loopback; its search index does not lag unless told to."""
    with running(tmp_path / "sandbox") as address:
        fresh = Sandbox(address)
        fresh.set_behaviour(search_lag_seconds=0)
        yield fresh
