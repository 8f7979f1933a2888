"""A gate is passed in the Prefect UI, by the code of the signer's authenticator."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Locator, Page, expect
from pydantic import SecretStr

from policy_rollout.authenticators import Authenticators
from policy_rollout.history import state_of
from policy_rollout.journal.store import Journal
from policy_rollout.sandbox.control import Sandbox
from tests.browser.conftest import SLOWEST_SECONDS, RunningStack, reload_until, submit

RIMA, TOSEI, MEI = "r.haddad@example.com", "t.osei@example.com", "m.tan@example.com"
PROGRAM = "signed-in-the-form"
SPEC = f"""
program: {PROGRAM}
title: A gate that is passed in the Resume form
policy: {{change: clarification, languages: [en-US]}}
timeline: {{timezone: UTC, effective: 2037-05-04 09:00}}
people: {{policy: {{members: [{RIMA}, {TOSEI}]}}, ops: {{members: [{MEI}]}}}}
stages:
  draft:
    tasks: {{guideline: {{title: Write the guideline, team: policy, assignee: {RIMA}}}}}
    gate: {{sign_off: {{policy: 1}}}}
  launch:
    after: [draft]
    tasks: {{switch: {{title: Enforce it, team: ops}}}}
"""


def authenticator(stack: RunningStack, person: str) -> pyotp.TOTP:
    """An app whose first code was typed an hour ago."""
    earlier = datetime.now(UTC) - timedelta(hours=1)
    key = SecretStr(stack.environment["ROLLOUT_CODES_KEY"])
    with Authenticators(stack.journal, key) as known:
        app = pyotp.parse_uri(known.enroll(person).get_secret_value())
        assert isinstance(app, pyotp.TOTP)
        known.confirm(person, app.at(earlier), now=earlier)
    return app


def choose(page: Page, form: Locator, shown: str, wanted: re.Pattern[str]) -> None:
    form.get_by_role("button", name=shown, exact=True).focus()
    page.keyboard.press("ArrowDown")
    page.get_by_text(wanted).last.click()


def state(stack: RunningStack):
    with Journal(stack.journal) as journal:
        return state_of(journal, PROGRAM)


def wait_for(page: Page, seen: Callable[[], object], what: str) -> None:
    for _ in range(SLOWEST_SECONDS):
        if seen():
            return
        page.wait_for_timeout(1_000)
    pytest.fail(f"not within {SLOWEST_SECONDS} s: {what}")


@pytest.mark.timeout(600)
def test_a_gate_passes_by_a_code_in_the_resume_form_and_a_wrong_one_is_refused(
    page: Page, stack: RunningStack, picture: Callable[[str], None], tmp_path: Path
) -> None:
    path, guideline = tmp_path / "signed.yaml", f"{PROGRAM}/draft/guideline"
    path.write_text(SPEC)
    sandbox = Sandbox(stack.sandbox)
    for person in (RIMA, TOSEI, MEI):
        sandbox.add_person(person)
    stack.rollout("launch", str(path))
    wait_for(page, lambda: guideline in state(stack).issues, "the launch")
    issue = state(stack).issues[guideline]
    sandbox.as_person(RIMA).move(issue, "Done")
    wait_for(page, lambda: state(stack).gates["draft"].digest, "the gate asks")
    app = authenticator(stack, TOSEI)

    run = f"{stack.prefect}/runs/flow-run/{state(stack).run}"
    sign(page, run, "000000", picture, "wrong-code")
    wait_for(page, lambda: state(stack).gates["draft"].refusals, "the wrong code is journaled")
    assert state(stack).gates["draft"].passed_at is None
    wait_for(page, lambda: "does not count" in told(page, run), "the form says so")
    sign(page, run, app.now(), picture, "right-code")
    wait_for(page, lambda: state(stack).gates["draft"].passed_at, "the gate passes")

    reload_until(page, run, page.get_by_text("Gate of stage draft: passed"), tab="Artifacts")
    page.get_by_text("Gate of stage draft: passed").click()
    expect(page.locator("body")).to_contain_text(TOSEI)
    picture("evidence-of-the-passed-gate")
    board = stack.sandbox + "/jira/browse/POLICY"
    reload_until(page, board, page.get_by_text("Enforce it"))
    closed = page.locator("section.column").filter(has_text="Approved").get_by_role("article")
    reload_until(page, board, closed.filter(has_text="Sign-off: draft"))
    picture("board-after-the-code")
    closed.filter(has_text="Sign-off: draft").get_by_role("link", name="Sign-off: draft").click()
    expect(page.locator("body")).to_contain_text(f"signed by {TOSEI} (with a one-time code)")


def told(page: Page, run: str) -> str:
    """What stands above the fields of the Resume form."""
    reload_until(page, run, page.get_by_role("button", name="Resume"))
    page.get_by_role("button", name="Resume").click()
    form = page.get_by_role("dialog")
    expect(form.get_by_text("Nothing has to be done here")).to_be_visible()
    return form.inner_text()


def sign(page: Page, run: str, code: str, picture: Callable[[str], None], name: str) -> None:
    reload_until(page, run, page.get_by_role("button", name="Resume"))
    page.get_by_role("button", name="Resume").click()
    form = page.get_by_role("dialog")
    choose(page, form, "check now", re.compile("^approve$"))
    choose(page, form, "-", re.compile("^draft for policy"))
    fields = form.locator("textarea")
    fields.nth(0).fill(TOSEI)
    fields.nth(1).fill(code)
    picture(name)
    submit(form)
