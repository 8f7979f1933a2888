"""The walk of a newcomer: launch in the Prefect UI, work and sign in Jira, see the next stage."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from policy_rollout import events as ev
from policy_rollout.history import records_of
from policy_rollout.journal.store import Journal
from tests.browser.conftest import SLOWEST_SECONDS, RunningStack, reload_until, submit

pytestmark = pytest.mark.browser

PROGRAM = "twitch-hateful-conduct-2021"
BOARD = "/jira/browse/POLICY"

SAVED = re.compile("/cells$")

Take = Callable[[str], None]


def open_launch_form(page: Page, stack: RunningStack) -> None:
    page.goto(f"{stack.prefect}/deployments")
    page.get_by_role("link", name="rollout", exact=True).first.click()
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_text("Custom run").first.click()
    page.get_by_text("Name of the pasted text").wait_for()


def choose_program(page: Page, name: str) -> None:
    page.get_by_role("button", name="the spec pasted below").focus()
    page.keyboard.press("ArrowDown")
    page.get_by_text(name, exact=True).last.click()
    expect(page.get_by_role("button", name=name)).to_be_visible()


def launch(page: Page, picture: Take) -> str:
    """Submit the launch form; the address of the run's page."""
    page.get_by_role("button", name="Submit").click()
    page.get_by_role("link", name="View run").or_(
        page.get_by_role("button", name="View run")
    ).first.dispatch_event("click")
    page.wait_for_url(re.compile(r"/flow-run/"))
    picture("submitted")
    return page.url.partition("?")[0]


def act_as(page: Page, name: str) -> None:
    page.get_by_label("Act as").select_option(label=name)
    page.get_by_role("button", name=re.compile("Choose|Switch")).click()


def finish_task(page: Page, stack: RunningStack, title: str, who: str) -> None:
    page.goto(stack.sandbox + BOARD)
    act_as(page, who)
    card = page.get_by_role("article").filter(has_text=title)
    card.get_by_role("button", name="Done").click()
    done = page.locator("section.column").filter(has_text="Done")
    expect(done.get_by_role("article").filter(has_text=title)).to_be_visible()


def wait_for_resume(page: Page, stack: RunningStack, *, because: str) -> None:
    """Wait until the program's run has journaled the answer of the Resume form."""
    with Journal(stack.journal) as journal:
        for _ in range(SLOWEST_SECONDS):
            events = [record.event for record in records_of(journal, PROGRAM, after=0)]
            given = [each.because for each in events if isinstance(each, ev.Resumed)]
            if because in given:
                return
            page.wait_for_timeout(1_000)
    pytest.fail(f"no run went on because of {because!r}, only because of {given}")


def tick_all_rows(page: Page, stack: RunningStack) -> None:
    """Do the work of the workbook: every checklist item, and the training by everybody."""
    page.goto(f"{stack.sandbox}/sheets/")
    page.get_by_role("link", name="Policy rollouts").click()
    for tab in ("Checklist", "Training"):
        page.get_by_role("tab", name=tab).click()
        for row in page.locator("table.grid tbody tr").all():
            completed = row.get_by_label(re.compile("Completed %"))
            if completed.count():
                with page.expect_response(SAVED):
                    completed.fill("100")
                    completed.press("Enter")
            with page.expect_response(SAVED):
                row.get_by_label(re.compile("Status")).select_option("Done")


def see_the_next_stage_on_the_board(page: Page, run: str, picture: Take) -> None:
    """The program's run has one board, and for each gate one evidence."""
    reload_until(page, run, page.get_by_text("1 of 3 gates passed"), tab="Artifacts")
    expect(page.get_by_text("Gate of stage write: passed")).to_be_visible()
    expect(page.get_by_text(f"board-{PROGRAM}")).to_have_count(1)
    picture("run-artifacts")
    page.get_by_text(f"board-{PROGRAM}").click()
    rows = page.get_by_role("row")
    expect(rows.filter(has_text="write").first).to_contain_text("passed")
    expect(rows.filter(has_text="prepare").first).not_to_contain_text("not open")
    assert page.get_by_alt_text("time line").evaluate("picture => picture.naturalWidth") > 0
    picture("board")


def check_now(page: Page, run: str, picture: Take, *, because: str) -> None:
    """Read the evidence in the Resume form, then ask for a look at once."""
    reload_until(page, run, page.get_by_role("button", name="Resume"))
    page.get_by_role("button", name="Resume").click()
    form = page.get_by_role("dialog")
    expect(form.get_by_text("Nothing has to be done here")).to_be_visible()
    expect(form.get_by_role("row").filter(has_text="checklist queues")).to_be_visible()
    picture("resume-form")
    form.locator("textarea").last.fill(because)
    submit(form)


@pytest.mark.timeout(600)
def test_a_program_launched_in_the_prefect_ui_goes_on_when_its_people_work_and_sign(
    page: Page, stack: RunningStack, picture: Take
) -> None:
    # The program manager launches a shipped program.
    open_launch_form(page, stack)
    choose_program(page, PROGRAM)
    expect(page.get_by_text("One that is shipped")).to_be_visible()
    picture("launch-form")
    run = launch(page, picture)
    expect(page.get_by_text("Suspended").first).to_be_visible(timeout=60_000)
    expect(page.locator("body")).to_contain_text(PROGRAM)
    picture("run-suspended")

    # Its people do the work of the first stage on the board.
    finish_task(page, stack, "Guideline: harassment", "R Haddad")
    finish_task(page, stack, "Add the Confederate flag", "M Tan")
    picture("jira-board-worked")

    # The gate asks for a sign-off; a member of the role reads the evidence and approves.
    waiting = page.locator("#sign-offs ~ .columns section").first
    asked = waiting.get_by_role("article").filter(has_text="Sign-off: write")
    reload_until(page, stack.sandbox + BOARD, asked)
    picture("jira-board-asked")
    asked.get_by_role("link", name="Read and decide").click()
    act_as(page, "T Osei")
    expect(page.get_by_text("2 of 2")).to_be_visible()
    picture("sign-off")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Decided: Approved")).to_be_visible()
    picture("signed")

    # The next stage opens in Jira...
    reload_until(page, stack.sandbox + BOARD, page.get_by_text("Hold the live Q&A for creators"))
    picture("jira-board-next-stage")

    # ... and on the board in the Prefect UI, and its evidence stands in the Resume form.
    see_the_next_stage_on_the_board(page, run, picture)
    check_now(page, run, picture, because="a look by hand")
    wait_for_resume(page, stack, because="a look by hand")

    # Its rows are in the workbook; when all of it is done, its sign-offs are asked for.
    tick_all_rows(page, stack)
    picture("workbook")
    finish_task(page, stack, "Hold the live Q&A for creators", "R Haddad")
    reload_until(page, stack.sandbox + BOARD, page.get_by_text("2 sign-offs waiting"))
    picture("jira-board-second-gate")
