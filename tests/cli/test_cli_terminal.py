"""How the command behaves on a terminal, in a pipe, and when it is interrupted."""

import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SHIPPED = Path(__file__).parents[2] / "program_specs"
COLOUR = re.compile(r"\x1b\[(\d+;)*3[0-7]m")
COMMAND = (sys.executable, "-m", "policy_rollout.cli")


def shown_on_a_terminal(*arguments: str, **environment: str) -> str:
    """What a person sees: the command runs on a pseudo-terminal of 100 columns."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(  # noqa: S603 - our own command
        [*COMMAND, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env=os.environ | {"TERM": "xterm-256color"} | environment,
    ):
        os.close(theirs)
        seen = b""
        try:
            while part := os.read(ours, 65536):
                seen += part
        except OSError:  # Linux says so when the last writer has closed a terminal
            pass
    os.close(ours)
    return seen.decode()


@pytest.fixture(autouse=True)
def _terminal_of_its_own(here, monkeypatch):  # noqa: ARG001 - the command runs there
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "PYTHONIOENCODING"):
        monkeypatch.delenv(name, raising=False)


def test_a_terminal_gets_colour_and_a_summary_of_each_file():
    shown = shown_on_a_terminal("check", "small.yaml", "wrong.yaml")
    assert COLOUR.search(shown)
    assert "no problems" in shown
    assert "2 errors" in shown


@pytest.mark.parametrize("command", [["check", "wrong.yaml"], ["plan", "small.yaml"]])
def test_no_colour_is_shown_where_none_is_wanted(command):
    shown = shown_on_a_terminal(*command, NO_COLOR="1")
    assert shown.strip()
    assert not COLOUR.search(shown)


def test_a_terminal_gets_the_programs_as_a_table(launched):
    shown = shown_on_a_terminal("status")
    assert "gates passed" in shown
    assert launched in shown


def test_a_terminal_gets_a_refusal_without_a_trace():
    shown = shown_on_a_terminal("plan", "wrong.yaml")
    assert "2 errors, nothing was done" in shown
    assert "Traceback" not in shown


def test_a_reader_that_leaves_early_is_no_failure_to_speak_of():
    with subprocess.Popen(  # noqa: S603 - our own command
        [*COMMAND, "schema"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        said = process.stderr.read()
    assert said == b""


def test_ctrl_c_ends_the_command_quietly_with_130(here):
    waiting = here / "pipe.yaml"
    os.mkfifo(waiting)
    with subprocess.Popen(  # noqa: S603 - our own command
        [*COMMAND, "check", str(waiting)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        with waiting.open("wb"):  # opens once the command reads
            process.send_signal(signal.SIGINT)
        # The end of the pipe wakes a reader whom the signal met just before it began to wait.
        out, said = process.communicate(timeout=30)
    assert (process.returncode, out, said) == (130, b"", b"")


def test_a_terminal_without_arrows_gets_question_marks(rollout_process):
    spec = str(SHIPPED / "twitch-hateful-conduct-2021.yaml")
    done = rollout_process("plan", spec, PYTHONIOENCODING="ascii")
    assert (done.code, done.err) == (0, "")
    assert "write/guideline ? write/symbols" in done.out


def test_a_file_whose_name_is_no_text_is_checked_like_others(rollout_process, here):
    os.rename(os.fsencode(here / "wrong.yaml"), os.fsencode(here) + b"/\xff.yaml")  # noqa: PTH104 - bytes
    done = rollout_process("check", os.fsdecode(b"\xff.yaml"))
    assert (done.code, done.err) == (1, "")
    assert done.out.startswith("?.yaml:9:49: unknown-role: ")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_behind_the_output_is_named():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(  # noqa: S603 - our own command
            [*COMMAND, "schema"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (3, "error: No space left on device\n")


@pytest.mark.parametrize(
    "command",
    ["check", "schema", "plan", "launch", "status", "sign", "people", "audit", "sandbox", "up"],
)
def test_each_command_explains_itself(rollout, command):
    done = rollout(command, "--help")
    assert (done.code, done.err) == (0, "")
    assert f"Usage: rollout {command}" in done.out
    assert done.out.count(".") >= 1


def test_without_a_command_all_of_them_are_listed(rollout):
    done = rollout()
    assert done.code == 2
    for command in (
        "check",
        "schema",
        "plan",
        "launch",
        "status",
        "sign",
        "people",
        "audit",
        "sandbox",
        "up",
    ):
        assert f" {command} " in done.out + done.err
