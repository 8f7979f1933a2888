"""All benchmarks in one run: `python -m benchmarks [--json FILE] [NAME...]`.

Each runs in a process of its own, one after the other, and answers rows; ratios compare what was
measured in the same run. Exits 1 where a budget is missed.
"""

import argparse
import json
import multiprocessing
import os
import platform
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from benchmarks.rows import Row, rows_of, table_of

NAMES = ("check", "gate", "journal", "audit", "watch", "launch", "approval")
RESULT = Path(__file__).parents[1] / "build" / "benchmarks.json"


def in_a_process(name: str) -> list[Row]:
    """Alone: what one benchmark imports, sets or holds is not there for the next."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        return pool.submit(rows_of, name).result()


def main() -> int:
    arguments = argparse.ArgumentParser(prog="python -m benchmarks")
    arguments.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    arguments.add_argument("--json", type=Path, default=RESULT)
    given = arguments.parse_args()
    if unknown := set(given.names) - set(NAMES):
        arguments.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    # As it is used: Python keeps the bytecode of a program that was started before.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    began, rows = time.monotonic(), list[Row]()
    for name in given.names or NAMES:
        print(f"== {name}", flush=True)
        rows += in_a_process(name)
    Console(width=None if sys.stdout.isatty() else 150).print(table_of(rows))
    minutes = (time.monotonic() - began) / 60
    told = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{os.cpu_count()} processors, Python {platform.python_version()}",
        "load": os.getloadavg(),
        "minutes": round(minutes, 1),
        "rows": [row.as_json() for row in rows],
    }
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(told, indent=2), encoding="utf-8")
    missed = [row.what for row in rows if not row.met]
    print(f"{len(rows)} rows in {minutes:.1f} minutes, {len(missed)} budgets missed: {given.json}")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
