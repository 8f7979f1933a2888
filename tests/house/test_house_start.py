"""What the first line of a program's run has to wait for."""

import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).parents[2]
NEEDED_LATE = ("apprise", "google.auth", "gspread", "holidays", "jinja2", "segno")
LOADED = f"import sys, flows.rollout; print(*(set({NEEDED_LATE}) & set(sys.modules)))"


def test_a_run_loads_what_few_passes_need_only_where_they_need_it():
    command = [sys.executable, "-c", LOADED]
    found = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert not found.stdout.split()
