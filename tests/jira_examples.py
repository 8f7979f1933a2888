"""Issues to try Jira's adapter with, and the way to the sandbox's Jira."""

from dataclasses import replace
from datetime import date

from pydantic import SecretStr

from policy_rollout.desired import IssueKind, NewIssue
from policy_rollout.jira_issues import JiraConnection

EPIC = NewIssue("demo/epic", IssueKind.EPIC, "Demo", "The **program**.", None, None, None, ())
DECK = NewIssue(
    key="demo/prepare/deck",
    kind=IssueKind.TASK,
    summary="Do deck",
    description="# Deck\n\n- *one*\n- [ ] two\n\n| a |\n|---|\n| b |",
    due_on=date(2026, 3, 2),
    assignee=None,
    parent=None,
    labels=("rollout-stage-prepare",),
)


def task(item, **changes):
    named = replace(DECK, key=f"demo/prepare/{item}", summary=f"Do {item}")
    return replace(named, **changes)


def sign_off(role):
    return task(f"sign-off:{role}", kind=IssueKind.SIGN_OFF)


def connection_to(sandbox):
    return JiraConnection(
        url=sandbox.jira_url,
        email=sandbox.email,
        token=SecretStr(sandbox.token),
        project=sandbox.project,
    )


def make(jira, *issues):
    """Create issues; their Jira keys in the same order."""
    return list(jira.create(issues).keys.values())


def look(jira, issue_key):
    (issue,) = jira.read([issue_key]).issues.values()
    return issue


def somebodys_own(sandbox):
    """An issue that a person made, without our mark but with our labels."""
    fields = {
        "project": {"key": sandbox.project},
        "issuetype": {"name": "Task"},
        "summary": "A clone",
        "labels": ["rollout", f"rollout/{DECK.key}"],
    }
    made = sandbox.as_person(sandbox.email).call("POST", "issue", {"fields": fields})
    return made["key"]


def at(jira, issue_key):
    """An issue as it stands, to be changed."""
    return jira.standing([issue_key], with_comments=True)[issue_key]
