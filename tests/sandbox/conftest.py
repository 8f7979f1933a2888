"""What the tests of the sandbox's Jira share: an API over HTTP, and issues to work on."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from jira import JIRA

from policy_rollout.sandbox.control import Sandbox

PROJECT = {"key": "POLICY"}


@dataclass(frozen=True)
class JiraApi:
    sandbox: Sandbox

    def __call__(
        self, method: str, path: str, body: Any = None, *, email: str = "", token: str = ""
    ) -> requests.Response:
        return requests.request(
            method,
            f"{self.sandbox.jira_url}/rest/api/3/{path}",
            json=body,
            auth=(email or self.sandbox.email, token or self.sandbox.token),
            timeout=10,
        )

    def make(self, summary: str = "Draft the text", kind: str = "Task", **fields: Any) -> str:
        """The key of a new issue."""
        made = self("POST", "issue", new_issue(summary, kind, **fields))
        assert made.status_code == 201, made.text
        return made.json()["key"]

    def search(self, jql: str, **more: Any) -> list[str]:
        body = {"jql": jql, "fields": ["summary"], **more}
        answer = self("POST", "search/jql", body)
        assert answer.status_code == 200, answer.text
        return [issue["key"] for issue in answer.json()["issues"]]

    def fields(self, key: str) -> dict[str, Any]:
        return self("GET", f"issue/{key}").json()["fields"]


def new_issue(summary: str, kind: str = "Task", **fields: Any) -> dict[str, Any]:
    return {
        "fields": {"project": PROJECT, "issuetype": {"name": kind}, "summary": summary, **fields}
    }


@pytest.fixture
def jira_api(sandbox: Sandbox) -> JiraApi:
    return JiraApi(sandbox)


@pytest.fixture
def jira_client(sandbox: Sandbox) -> Iterator[JIRA]:
    """The package that the adapter uses, set up as the adapter sets it up."""
    client = JIRA(
        server=sandbox.jira_url,
        basic_auth=(sandbox.email, sandbox.token),
        options={"rest_api_version": "3"},
        max_retries=0,
        timeout=(3.05, 30),
    )
    yield client
    client.close()


def document(text: str) -> dict[str, Any]:
    paragraph = {"type": "paragraph", "content": [{"type": "text", "text": text}]}
    return {"type": "doc", "version": 1, "content": [paragraph]}
