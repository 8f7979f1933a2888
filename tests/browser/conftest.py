"""A browser, and one stack for all walks: `rollout up` as a person starts it."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as NotInTime

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CHECKOUT = Path(__file__).parents[2]
SLOWEST_SECONDS = 120
"""How long a person waits at most for a page to show what Jira and the workbook already say.

Prefect's SQLite can be locked for a minute, after which all goes on.
"""
SUBMITTED_SECONDS = 20

expect.set_options(timeout=20_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="no chromium here: apt-get install it"))


@dataclass(frozen=True)
class RunningStack:
    home: Path
    prefect: str
    sandbox: str
    environment: dict[str, str]

    @property
    def journal(self) -> str:
        return f"sqlite:///{self.home / 'journal.sqlite3'}"

    def rollout(self, *arguments: str) -> str:
        """What a command says in another terminal of the same folder."""
        command = [sys.executable, "-m", "policy_rollout.cli", *arguments]
        done = subprocess.run(  # noqa: S603 - our own command
            command, cwd=CHECKOUT, env=self.environment, check=True, capture_output=True, text=True
        )
        return done.stdout


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """Everything that `rollout up` starts, under a home of its own; ends with the session."""
    home = tmp_path_factory.mktemp("stack") / ".rollout"
    kept = {name: text for name, text in os.environ.items() if not name.startswith("ROLLOUT_")}
    kept |= {"ROLLOUT_HOME": str(home), "ROLLOUT_CODES_KEY": Fernet.generate_key().decode()}
    command = [sys.executable, "-m", "policy_rollout.cli", "up"]
    with subprocess.Popen(  # noqa: S603 - our own command
        command,
        cwd=CHECKOUT,
        env=kept | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if "stays up" in line:
                break
        else:
            pytest.fail("rollout up ended:\n" + "".join(said))
        address = json.loads((home / "stack.json").read_text())
        yield RunningStack(home, address["prefect_ui_url"], address["sandbox_url"], kept)
        process.send_signal(signal.SIGTERM)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def picture(page: Page, tmp_path: Path) -> Callable[[str], None]:
    """Keeps what the page shows now, in the test's folder."""

    def take(name: str) -> None:
        page.screenshot(path=tmp_path / f"{name}.png", full_page=True)

    return take


def submit(form: Locator) -> None:
    """Send a form off; once more where the server was too busy to take it, as it then says."""
    for _ in range(SLOWEST_SECONDS // SUBMITTED_SECONDS):
        form.get_by_role("button", name="Submit").click()
        try:
            form.wait_for(state="hidden", timeout=SUBMITTED_SECONDS * 1_000)
        except NotInTime:
            continue
        return
    pytest.fail(f"the form was not taken; it shows:\n{form.inner_text()}")


def reload_until(page: Page, address: str, wanted: Locator, *, tab: str = "") -> None:
    """Open a page, and a tab of it, until it shows something, as an impatient person would."""
    tries = SLOWEST_SECONDS // 2
    for _ in range(tries):
        page.goto(address)
        try:
            if tab:
                page.get_by_text(tab, exact=True).click()
            wanted.first.wait_for(timeout=2_000)
        except NotInTime:
            continue
        return
    pytest.fail(f"{address} never showed {wanted}; it shows:\n{page.inner_text('body')}")
