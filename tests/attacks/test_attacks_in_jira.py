"""Attempts in a Jira that answers over HTTP: who moved an issue is what its changelog says."""

from dataclasses import dataclass, replace

import pytest
from gate_under_attack import LEGAL, POLICY, SECOND_LEGAL, STRANGER, Gate, one_short
from jira_examples import connection_to, make, sign_off

from policy_rollout import events as ev
from policy_rollout import jira_wire
from policy_rollout.jira_issues import JiraIssues
from policy_rollout.sandbox.control import Sandbox

MAY_SIGN = f"; for legal may sign: {LEGAL}, {SECOND_LEGAL}"


@dataclass
class Site:
    """The gate that lacks legal's signature, with its sign-off issue in a real site."""

    gate: Gate
    sandbox: Sandbox
    jira: JiraIssues
    issue_key: str

    def judge(self) -> None:
        """Look at the issue in Jira, and decide."""
        (issue,) = self.jira.read([self.issue_key]).issues.values()
        here = self.gate.issues[self.gate.desk()]
        self.gate.issues[self.gate.desk()] = replace(here, state=issue.state, status=issue.status)
        history = self.jira.history([self.issue_key])
        self.gate.transitions += [
            replace(each, issue_key=here.issue_key) for each in history.transitions
        ]
        self.gate.edits += [replace(each, issue_key=here.issue_key) for each in history.edits]
        self.gate.look()

    def assert_refused(self, why: str) -> None:
        assert self.gate.refusals == [why]
        assert self.gate.signers == [POLICY]
        assert not self.gate.passed


@pytest.fixture
def site(sandbox):
    lena, luis = sandbox.add_person(LEGAL, "Lena Legal"), sandbox.add_person(SECOND_LEGAL)
    service = sandbox.as_person(sandbox.email).call("GET", "myself")["accountId"]
    gate = one_short(lena=lena, luis=luis)
    gate.write(ev.PeopleResolved(accounts={}, own_account=service))
    gate.edits.clear()  # written under the account before
    with JiraIssues(connection_to(sandbox)) as jira:
        (issue_key,) = make(jira, sign_off("legal"))
        yield Site(gate, sandbox, jira, issue_key)


def test_the_signers_own_account_passes_the_gate_that_these_attacks_fail_at(site):
    site.sandbox.as_person(LEGAL).move(site.issue_key, "Approved")
    site.judge()
    assert site.gate.passed


def test_somebody_else_of_the_site_signs_nothing(site):
    site.sandbox.add_person(STRANGER)
    site.sandbox.as_person(STRANGER).move(site.issue_key, "Approved")
    site.judge()
    site.assert_refused(f"this account belongs to nobody in the program{MAY_SIGN}")


def test_somebody_else_with_the_display_name_of_a_signer_signs_nothing(site):
    site.sandbox.add_person(STRANGER, "Lena Legal")
    site.sandbox.as_person(STRANGER).move(site.issue_key, "Approved")
    site.judge()
    (refused,) = site.gate.of_kind(ev.SignOffRefused)
    assert refused.name == "Lena Legal"
    site.assert_refused(f"this account belongs to nobody in the program{MAY_SIGN}")


def test_the_token_of_the_service_account_signs_nothing(site):
    site.sandbox.as_person(site.sandbox.email).move(site.issue_key, "Approved")
    site.judge()
    site.assert_refused(
        "this is the account of policy-rollout itself; sign with an account of your own"
    )


def test_being_made_the_assignee_of_the_sign_off_issue_signs_nothing(site):
    stranger = site.sandbox.add_person(STRANGER)
    person = site.sandbox.as_person(STRANGER)
    person.assign(site.issue_key, stranger)
    person.move(site.issue_key, "Approved")
    site.judge()
    site.assert_refused(f"this account belongs to nobody in the program{MAY_SIGN}")


def test_a_signer_who_undoes_before_anybody_looked_has_not_signed(site):
    signer = site.sandbox.as_person(LEGAL)
    signer.move(site.issue_key, "Approved")
    signer.move(site.issue_key, "To Do")
    site.judge()
    assert len(site.gate.of_kind(ev.SignOffWithdrawn)) == 1
    assert site.gate.signers == [POLICY]
    assert not site.gate.passed


def test_a_copy_of_the_sign_off_issue_with_our_labels_is_not_ours(site):
    fields = {
        "project": {"key": site.sandbox.project},
        "issuetype": {"name": "Sign-off"},
        "summary": "Sign-off",
        "labels": ["rollout", "rollout/demo", f"rollout/{site.gate.desk()}"],
    }
    copy = site.sandbox.as_person(LEGAL).call("POST", "issue", {"fields": fields})["key"]
    site.sandbox.as_person(LEGAL).move(copy, "Approved")
    found = site.jira.read([copy])
    assert found.issues == {}
    site.judge()
    assert site.gate.signers == [POLICY]
    assert not site.gate.passed


def test_a_sign_off_under_a_text_that_a_person_edited_is_refused_and_the_text_restored(site):
    paragraph = {"type": "paragraph", "content": [{"type": "text", "text": "All is well."}]}
    document = {"type": "doc", "version": 1, "content": [paragraph]}
    site.sandbox.as_person(LEGAL).edit(site.issue_key, description=document)
    site.sandbox.as_person(LEGAL).move(site.issue_key, "Approved")
    site.gate.updated.clear()
    site.judge()
    (why,) = site.gate.refusals
    assert why.startswith("the text of this issue was edited by")
    assert site.gate.updated == [site.gate.desk()]
    assert not site.gate.passed


def test_a_waiver_that_somebody_else_wrote_into_the_waivers_comment_is_not_hers():
    found = {
        "id": "1",
        "author": {"accountId": "acc:wanda"},
        "updateAuthor": {"accountId": "acc:stranger"},
        "created": "2026-03-02T09:30:00.000+0000",
        "updated": "2026-03-02T10:30:00.000+0000",
        "body": {"type": "doc", "version": 1, "content": []},
    }
    page = jira_wire.parse_comments({"comments": [found], "total": 1}, issue_key="POL-1")
    assert page.comments[0].account != "acc:wanda"
