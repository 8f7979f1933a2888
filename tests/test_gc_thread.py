"""The standstill of threads that keep SQLite's connections, and that there is none beside it."""

import subprocess
import sys

SERVER = """
import gc, sqlite3, threading, time

def opened():
    made = sqlite3.connect("s.db", timeout=6, check_same_thread=False, isolation_level=None)
    made.execute("PRAGMA journal_mode = WAL")
    return made

one, other = opened(), opened()
one.execute("CREATE TABLE t (x)")

other.execute("BEGIN")
other.execute("SELECT x FROM t").fetchall()
one.execute("INSERT INTO t VALUES (1)")
left = [other.cursor()]
try:
    left[0].execute("INSERT INTO t VALUES (2)")
except sqlite3.OperationalError as error:
    print(error, end=", ")  # at once: what it has read is old
other.execute("ROLLBACK")
left.append(left)
del left  # the cursor is garbage that only the collector finds

one.execute("BEGIN IMMEDIATE")

def wait_for_lock():
    try:
        other.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        print(error)
    else:
        print("the other has the lock")

waiting = threading.Thread(target=wait_for_lock)
waiting.start()
time.sleep(0.5)
until = time.monotonic() + 1.5
while time.monotonic() < until:
    made = [[] for _ in range(1000)]  # what makes the collector run
one.execute("COMMIT")  # as an event loop would that goes on
waiting.join()
"""


def run(folder, *command):
    return subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", *command],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout.strip()


def test_who_holds_the_lock_goes_on_while_the_collector_waits_for_who_wants_it(tmp_path):
    """Without the module Python 3.11 answers "database is locked" twice."""
    (tmp_path / "server.py").write_text(SERVER)
    told = run(tmp_path, "policy_rollout.gc_thread", "server")
    assert told == "database is locked, the other has the lock"


def test_the_module_gets_its_arguments(tmp_path):
    (tmp_path / "shown.py").write_text("import gc, sys; print(sys.argv[1:], gc.isenabled())")
    assert run(tmp_path, "policy_rollout.gc_thread", "shown", "--port", "0") == (
        "['--port', '0'] False"
    )
