"""A gate that passes by a one-time code: what becomes of its sign-off issue in Jira."""

import pytest
from carried import RIMA, SIGN_OFF, Carried, approval_by_code

from policy_rollout.history import note
from policy_rollout.journal.store import Journal
from policy_rollout.settings import Settings

pytestmark = pytest.mark.long


def sign_by_code(program: Carried) -> None:
    """What the Resume form journals once the code is proven."""
    given = approval_by_code(program.state.gates["write"].digest or "")
    with Journal(Settings.load().journal_address) as journal:
        note(journal, "demo", (given,), actor=RIMA, at=given.at)


@pytest.fixture
def asked(program: Carried) -> Carried:
    program.go()
    program.finish_work()
    program.go()
    return program


def test_it_is_told_who_signed_and_closed(asked):
    sign_by_code(asked)
    asked.go_until_calm()

    issue = asked.issue(SIGN_OFF)
    assert issue["status"]["name"] == "Approved"
    assert asked.state.left == {SIGN_OFF}
    assert asked.state.waiting_stages == ("launch",)
    asked.sandbox.clear_requests()
    asked.go()
    assert asked.writes() == []
    assert {len(found) for found in asked.jira().values()} == {1}


def test_it_stays_open_where_the_workflow_lets_us_not_approve_and_the_program_goes_on(asked):
    asked.sandbox.set_behaviour(removed_statuses=["Approved"])
    sign_by_code(asked)
    asked.go_until_calm()

    assert asked.trouble == ""
    assert asked.issue(SIGN_OFF)["status"]["name"] == "To Do"
    assert asked.state.left == {SIGN_OFF}
    assert asked.state.waiting_stages == ("launch",)
    assert {len(found) for found in asked.jira().values()} == {1}
