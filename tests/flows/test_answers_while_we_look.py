"""People answer a gate while a pass looks at it: an answer is heard with what stands beside it."""

import pytest
from carried import RIMA, SIGN_OFF

from policy_rollout.jira_issues import JiraIssues

pytestmark = pytest.mark.long


def test_a_condition_written_while_we_look_is_heard_with_its_approval(program, monkeypatch):
    program.go()
    program.finish_work()
    program.go()
    asked, history = program.state.issues[SIGN_OFF], JiraIssues.history
    answered = []

    def history_of_somebody_quick(jira, issue_keys):
        if not answered:
            program.person(RIMA).comment(asked, "Condition for launch: Tell the market")
            program.person(RIMA).move(asked, "Approved")
            answered.append(asked)
        return history(jira, issue_keys)

    monkeypatch.setattr(JiraIssues, "history", history_of_somebody_quick)
    program.go()

    (signed,) = program.state.gates["write"].sign_offs
    assert [(each.stage, each.text) for each in signed.conditions] == [
        ("launch", "Tell the market")
    ]
    assert program.state.passed("write")
