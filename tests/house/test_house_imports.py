"""The rules on who may import whom, and on what pure modules may do."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
SRC = TOP / "src"
PACKAGE = SRC / "policy_rollout"

OUTSIDE = frozenset(
    {"gspread", "http", "httpx", "jira", "os", "random", "requests", "secrets", "shutil"}
    | {"socket", "sqlalchemy", "sqlite3", "subprocess", "tempfile", "threading", "time"}
    | {"urllib3", "uvicorn"}
)
CALLS_OUTSIDE = frozenset(
    {"getenv", "input", "now", "open", "print", "today", "urlopen", "utcnow", "uuid4"}
    | {"read_bytes", "read_text", "write_bytes", "write_text"}
)
PURE_BY_DESIGN = (
    *("calendar.py", "events.py", "gates.py", "observed.py", "plan.py", "program.py"),
    *("schedule.py", "work.py", "journal/chain.py", "journal/entries.py"),
)
PURE_FOLDERS: dict[str, set[str]] = {"spec": {"files.py"}, "report": set()}  # with their edges


def python_files(*folders: Path) -> list[Path]:
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(TOP).as_posix()


def each_file(*folders: Path):
    return pytest.mark.parametrize("path", python_files(*folders), ids=name_of)


def imported(path: Path) -> set[str]:
    """Dotted names of all that a file imports, also late; `from a import b` is `a.b`."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}:{node.lineno}: a relative import"
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def top_levels(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imported(path)}


def opening(path: Path) -> str:
    text = ast.get_docstring(ast.parse(path.read_text())) or ""
    return text.partition("\n\n")[0]


def is_pure(path: Path) -> bool:
    words = opening(path)
    return "Pure" in words or words.endswith("No I/O.")


def module_files(dotted: str) -> Iterator[Path]:
    """The file of a dotted name of ours, which may be a module or something in one."""
    for name in (dotted, dotted.rpartition(".")[0]):
        path = SRC / f"{name.replace('.', '/')}.py"
        if path.is_file():
            yield path


# The sandbox is an edge as a whole; what its modules say of themselves is for their readers.
PURE_FILES = [
    path
    for path in python_files(PACKAGE)
    if is_pure(path) and PACKAGE / "sandbox" not in path.parents
]


@each_file(SRC)
def test_the_package_never_imports_flows_or_tasks(path):
    assert not top_levels(path) & {"flows", "tasks"}


@each_file(TOP / "tasks")
def test_tasks_never_import_flows(path):
    assert "flows" not in top_levels(path)


@each_file(TOP / "flows", TOP / "tasks")
def test_flows_and_tasks_do_not_know_the_sandbox(path):
    assert not {name for name in imported(path) if name.startswith("policy_rollout.sandbox")}


@each_file(SRC)
def test_only_one_file_of_the_package_imports_prefect(path):
    assert "prefect" not in top_levels(path) or path == PACKAGE / "prefect_api.py"


@pytest.mark.parametrize("name", PURE_BY_DESIGN)
def test_what_decides_says_that_it_is_pure(name):
    assert is_pure(PACKAGE / name)


@each_file(*(PACKAGE / folder for folder in PURE_FOLDERS))
def test_folders_that_decide_are_pure_but_for_their_edges(path):
    edges = PURE_FOLDERS[path.relative_to(PACKAGE).parts[0]]
    assert is_pure(path) or path.name in edges or not path.read_text().strip()


@pytest.mark.parametrize("path", PURE_FILES, ids=name_of)
def test_pure_modules_import_nothing_that_reaches_outside(path):
    assert not top_levels(path) & OUTSIDE


@pytest.mark.parametrize("path", PURE_FILES, ids=name_of)
def test_pure_modules_import_only_pure_modules_of_ours(path):
    ours = {file for name in imported(path) for file in module_files(name)}
    assert [name_of(file) for file in ours if not is_pure(file)] == []


@pytest.mark.parametrize("path", PURE_FILES, ids=name_of)
def test_pure_modules_read_no_clock_file_or_terminal(path):
    calls = [
        f"{name_of(path)}:{node.lineno}: {called}"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        for called in [getattr(node.func, "attr", getattr(node.func, "id", ""))]
        if called in CALLS_OUTSIDE
    ]
    assert calls == []
