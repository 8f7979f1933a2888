"""The rules on files: names, lengths, what may not stand in them, and the pinned packages."""

import ast
import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from prefect import Flow
from prefect.flows import load_flow_from_entrypoint

TOP = Path(__file__).parents[2]
OURS = ("src", "flows", "tasks")
FOLDERS = (*OURS, "tests", "benchmarks", "program_specs", ".ci")
PYPROJECT = tomllib.loads((TOP / "pyproject.toml").read_text())
CONSTRAINTS = (TOP / "constraints.txt").read_text().splitlines()

SHAPELESS_NAMES = frozenset(
    ["base", "common", "core", "helper", "helpers", "manager", "managers", "misc", "util", "utils"]
)
# Written with brackets, so that this file does not hold what it looks for.
REGISTRIES = re.compile(
    r"py[p]i\.org|python[h]osted|registry\.[n]pmjs|[d]ebian\.org|mirrors?\.[a]li"
)
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:work|farm|root|home/\w+|Users/\w+)/")
NOT_IMPORTED = {
    "fastapi": "held below the version with which prefect fails to import",
    "python-multipart": "starlette reads the sandbox's HTML forms with it",
    "tzdata": "zoneinfo reads it on machines without a zone database",
}
PARTS_OF_A_DEPENDENCY = {"markupsafe", "pydantic-core"}  # of jinja2 and pydantic, in step with them


def text_files() -> list[Path]:
    """Every file that is committed or about to be; looks at no hidden folder but .ci."""
    # `.git` is a file in a worktree of git's
    own = {".env", ".git"}
    top = [path for path in TOP.iterdir() if path.is_file() and path.name not in own]
    below = [path for folder in FOLDERS for path in (TOP / folder).rglob("*") if path.is_file()]
    return sorted(path for path in (*top, *below) if "__pycache__" not in path.parts)


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (TOP / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(TOP).as_posix()


def lines_with(pattern: re.Pattern[str], paths: list[Path]) -> list[str]:
    return [
        f"{name_of(path)}:{number}: {line.strip()[:120]}"
        for path in paths
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1)
        if pattern.search(line)
    ]


def blanket_excepts(path: Path) -> list[int]:
    """Lines that catch everything."""
    blanket = {"Exception", "BaseException"}
    return [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.ExceptHandler) and node.type is None)
        or (
            isinstance(node, ast.ExceptHandler)
            and any(isinstance(n, ast.Name) and n.id in blanket for n in ast.walk(node.type))
        )
        or (
            isinstance(node, ast.Call)
            and getattr(node.func, "attr", getattr(node.func, "id", "")) == "suppress"
            and any(isinstance(n, ast.Name) and n.id in blanket for n in node.args)
        )
    ]


@pytest.mark.parametrize("path", python_files(*OURS), ids=name_of)
def test_only_the_boundary_of_the_command_line_catches_everything(path):
    allowed = 1 if path.name == "cli.py" else 0
    assert len(blanket_excepts(path)) <= allowed, blanket_excepts(path)


@pytest.mark.parametrize("path", python_files(*OURS, "tests", "benchmarks"), ids=name_of)
def test_no_file_is_longer_than_500_lines(path):
    length = len(path.read_text().splitlines())
    assert length <= 500


def test_every_file_has_a_name_that_says_something():
    found = [name_of(path) for path in python_files(*OURS) if path.stem in SHAPELESS_NAMES]
    assert found == []


def test_no_flow_or_task_has_the_name_of_a_library():
    libraries = sys.stdlib_module_names | importlib.metadata.packages_distributions().keys()
    found = [name_of(path) for path in python_files("flows", "tasks") if path.stem in libraries]
    assert found == []


def test_no_file_names_a_registry():
    assert lines_with(REGISTRIES, text_files()) == []


def test_no_file_names_a_path_of_somebody_s_machine():
    assert lines_with(MACHINE_PATHS, text_files()) == []


def test_every_exception_from_lint_has_its_reason_beside_it():
    bare = re.compile(
        r"# noqa(?!: [A-Z]+\d+(, ?[A-Z]+\d+)*\s+\S)|# type: ignore(?!\[[\w-]+(, ?[\w-]+)*\]\s+#)"
    )
    source = [path for path in python_files(*FOLDERS) if path != Path(__file__)]
    assert lines_with(bare, source) == []


def test_every_rule_that_is_switched_off_has_its_reason_beside_it():
    listed = re.compile(r'^  "(?!tests|benchmarks)[A-Z]+\d*",(?! +# \S)')
    assert lines_with(listed, [TOP / "pyproject.toml"]) == []


@pytest.mark.parametrize("line", CONSTRAINTS)
def test_every_pin_is_a_name_and_a_version(line):
    assert re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line)


def test_nothing_is_pinned_twice():
    names = [canonicalize_name(line.partition("==")[0]) for line in CONSTRAINTS]
    assert sorted(names) == sorted(set(names))


def declared() -> list[Requirement]:
    project = PYPROJECT["project"]
    texts = [
        *PYPROJECT["build-system"]["requires"],
        *project["dependencies"],
        *(text for group in project["optional-dependencies"].values() for text in group),
        *(text for group in PYPROJECT["dependency-groups"].values() for text in group),
    ]
    return [Requirement(text) for text in texts]


@pytest.mark.parametrize("requirement", declared(), ids=str)
def test_every_requirement_is_pinned_within_its_bounds(requirement):
    pins = {canonicalize_name(n): v for n, _, v in (line.partition("==") for line in CONSTRAINTS)}
    assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)])


def third_party_imports() -> set[str]:
    """Distributions that our code imports, as canonical names."""
    names: set[str] = set()
    for path in python_files(*OURS):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                names.add((node.module or "").partition(".")[0])
    of_module = importlib.metadata.packages_distributions()
    foreign = names - sys.stdlib_module_names - {"policy_rollout", "flows", "tasks"}
    if "google" in foreign:  # a namespace that several packages share
        foreign = (foreign - {"google"}) | {"google.auth"}
        of_module = {**of_module, "google.auth": ["google-auth"]}
    return {canonicalize_name(of_module[name][0]) for name in foreign}


def test_every_dependency_is_imported_or_has_its_reason():
    runtime = [Requirement(text) for text in PYPROJECT["project"]["dependencies"]]
    unused = {canonicalize_name(each.name) for each in runtime} - third_party_imports()
    assert unused == NOT_IMPORTED.keys()


def test_everything_imported_is_a_dependency():
    runtime = [Requirement(text) for text in PYPROJECT["project"]["dependencies"]]
    names = {canonicalize_name(each.name) for each in runtime}
    assert third_party_imports() - names - PARTS_OF_A_DEPENDENCY == set()


def test_every_deployment_has_a_module_entrypoint_that_imports():
    deployments = yaml.safe_load((TOP / "prefect.yaml").read_text())["deployments"]
    entrypoints = [deployment["entrypoint"] for deployment in deployments]
    assert entrypoints
    for entrypoint in entrypoints:
        assert re.fullmatch(r"flows(\.\w+)+", entrypoint), f"{entrypoint} is no module entrypoint"
        flow = load_flow_from_entrypoint(entrypoint, use_placeholder_flow=False)
        assert isinstance(flow, Flow)
