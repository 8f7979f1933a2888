"""Every answer of the sandbox's Jira satisfies Atlassian's published OpenAPI document."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS30Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

CONTRACT = os.environ.get("JIRA_OPENAPI")
ADF = {
    "type": "doc",
    "version": 1,
    "content": [{"type": "paragraph", "content": [{"type": "text", "text": "Read it."}]}],
}
FIELDS = {"project": {"key": "POLICY"}, "issuetype": {"name": "Task"}, "summary": "Draft"}
NOT_NULLABLE_IN_THE_DOCUMENT = {"from", "fromString", "to", "toString"}

CALLS = [
    ("GET", "serverInfo", None, 200),
    ("GET", "myself", None, 200),
    ("GET", "project/POLICY", None, 200),
    ("GET", "field", None, 200),
    ("GET", "issueLinkType", None, 200),
    ("GET", "user/search?query=ada", None, 200),
    ("GET", "issue/createmeta/POLICY/issuetypes", None, 200),
    ("GET", "issue/createmeta/POLICY/issuetypes/10001", None, 200),
    ("POST", "issue", {"fields": FIELDS}, 201),
    ("POST", "issue", {"fields": {**FIELDS, "labels": "no list"}}, 400),
    ("POST", "issue/bulk", {"issueUpdates": [{"fields": FIELDS}, {"fields": {}}]}, 201),
    ("POST", "issue/bulk", {"issueUpdates": [{"fields": {}}]}, 400),
    ("POST", "issue/bulkfetch", {"issueIdsOrKeys": ["POLICY-2"], "fields": ["*all"]}, 200),
    (
        "POST",
        "issue/bulkfetch",
        {"issueIdsOrKeys": ["POLICY-2"], "properties": ["rollout"], "expand": ["changelog"]},
        200,
    ),
    ("GET", "issue/POLICY-2?expand=changelog,transitions&properties=*all", None, 200),
    ("PUT", "issue/POLICY-2", {"fields": {"duedate": "2026-03-02"}}, 204),
    ("PUT", "issue/POLICY-2/assignee", {"accountId": None}, 204),
    ("GET", "issue/POLICY-2/changelog", None, 200),
    ("GET", "issue/POLICY-2/changelog?maxResults=1", None, 200),
    ("POST", "issue/POLICY-2/comment", {"body": ADF}, 201),
    ("GET", "issue/POLICY-2/comment?expand=properties", None, 200),
    ("PUT", "issue/POLICY-2/properties/rollout", {"key": "p/s/i"}, 200),
    ("GET", "issue/POLICY-2/properties/rollout", None, 200),
    ("POST", "issue/POLICY-2/remotelink", {"object": {"url": "http://a/", "title": "A"}}, 201),
    ("GET", "issue/POLICY-2/transitions", None, 200),
    ("POST", "issue/POLICY-2/transitions", {"transition": {"id": "41"}}, 204),
    (
        "POST",
        "issueLink",
        {
            "type": {"name": "Blocks"},
            "inwardIssue": {"key": "POLICY-1"},
            "outwardIssue": {"key": "POLICY-2"},
        },
        201,
    ),
    ("POST", "changelog/bulkfetch", {"issueIdsOrKeys": ["POLICY-2"], "maxResults": 1}, 200),
    ("POST", "search/jql", {"jql": "project = POLICY", "fields": ["*all"], "maxResults": 1}, 200),
    ("GET", "search/jql?jql=project=POLICY", None, 200),
    ("POST", "search/approximate-count", {"jql": "project = POLICY"}, 200),
    ("POST", "jql/match", {"jqls": ["status = Done", "nonsense = 1"], "issueIds": [10002]}, 200),
]


class Contract:
    def __init__(self, path: Path) -> None:
        self.document = json.loads(path.read_text())
        resource = Resource(contents=self.document, specification=DRAFT4)
        self.registry = Registry().with_resource("urn:jira", resource)

    def breaks(self, method: str, path: str, status: int, answer: Any) -> list[str]:
        """What an answer does that the document does not allow."""
        responses = self._operation(method, path)["responses"]
        assert str(status) in responses, f"{method} {path} never answers {status}"
        content = responses[str(status)].get("content", {})
        schema = content.get("application/json", {}).get("schema")
        if schema is None or answer is None:
            return []
        absolute = json.loads(json.dumps(schema).replace('"#/', '"urn:jira#/'))
        errors = OAS30Validator(absolute, registry=self.registry).iter_errors(answer)
        return [f"{list(e.absolute_path)}: {e.message}" for e in errors if not _is_known(e)]

    def _operation(self, method: str, path: str) -> dict[str, Any]:
        wanted = "/rest/api/3/" + path.partition("?")[0]
        plain_first = sorted(self.document["paths"], key=lambda each: "{" in each)
        for template in plain_first:
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), wanted):
                return self.document["paths"][template][method.lower()]
        raise AssertionError(f"the document has no {method} {path}")


def _is_known(error: Any) -> bool:
    """Recordings of the real site carry nulls in changelogs, which the document forbids."""
    return error.instance is None and error.absolute_path[-1] in NOT_NULLABLE_IN_THE_DOCUMENT


@pytest.fixture(scope="module")
def contract():
    if CONTRACT is None:
        pytest.skip("JIRA_OPENAPI does not name Atlassian's OpenAPI document")
    return Contract(Path(CONTRACT))


@pytest.fixture
def lived_in(sandbox, jira_api):
    """A site where something has happened: POLICY-2 was assigned, linked, moved, talked about."""
    ada = sandbox.add_person("ada@example.com", "Ada Okafor")
    epic = jira_api.make("A program", "Epic", labels=["rollout"])
    task = jira_api.make(
        "Draft",
        parent={"key": epic},
        assignee={"accountId": ada},
        description=ADF,
        duedate="2026-03-01",
    )
    jira_api("PUT", f"issue/{task}/properties/rollout", {"key": "p/s/i"})
    person = sandbox.as_person("ada@example.com")
    person.move(task, "In Progress")
    person.comment(task, "On it.")
    person.edit(task, duedate=None, labels=["rollout", "eu"])
    return jira_api


@pytest.mark.parametrize("call", CALLS, ids=[f"{c[0]} {c[1]} {c[3]}" for c in CALLS])
def test_an_answer_satisfies_the_published_document(contract, lived_in, call):
    method, path, body, status = call

    answer = lived_in(method, path, body)

    assert answer.status_code == status, answer.text
    told = answer.json() if answer.content else None
    assert contract.breaks(method, path, status, told) == []


def test_an_answer_that_is_wrong_is_noticed(contract):
    answer = {"accountId": 7, "displayName": "Ada", "made_up": True}

    assert len(contract.breaks("GET", "myself", 200, answer)) == 2


@pytest.mark.parametrize("path", ["issue/POLICY-77", "issue/POLICY-77/changelog"])
def test_an_unknown_issue_is_refused_as_published(contract, lived_in, path):
    answer = lived_in("GET", path)

    assert answer.status_code == 404
    assert contract.breaks("GET", path, 404, answer.json()) == []
    assert answer.json()["errorMessages"] == [
        "Issue does not exist or you do not have permission to see it."
    ]
