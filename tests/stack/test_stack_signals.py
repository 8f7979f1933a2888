"""However `rollout up` ends, no process of it is left."""

import signal

import psutil
import pytest
from running_up import start_up, until

GUARDS_AND_COMMANDS = 5  # `rollout up`, and a guard and a command for the sandbox and the server


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_is_left_when_rollout_up_is_ended_by(how, tmp_path):
    with start_up(tmp_path / ".rollout", tmp_path) as up:
        until(lambda: len(up.processes()) >= GUARDS_AND_COMMANDS, "the servers are starting")
        started = up.processes()

        up.process.send_signal(how)

        _, alive = psutil.wait_procs(started, timeout=30)
        assert alive == []
