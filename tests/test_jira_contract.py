"""What we send to Jira, held to Atlassian's own OpenAPI document."""

import json
import os
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from jira_examples import DECK, EPIC, at, connection_to, make, task
from openapi_schema_validator import OAS30WriteValidator

from policy_rollout.jira_issues import JiraIssues
from policy_rollout.work import State

PREFIX = "/rest/api/3"
NOT_IN_THE_SUBSET = {("GET", "/mypermissions"), ("GET", "/project/POLICY/statuses")}


@pytest.fixture(scope="module")
def contract():
    path = os.environ.get("JIRA_OPENAPI")
    if not path:
        pytest.skip("JIRA_OPENAPI does not name Atlassian's OpenAPI document")
    return json.loads(Path(path).read_text())


@pytest.fixture
def sent(sandbox, monkeypatch):
    """The requests of a program's life, as they went over the wire."""
    kim = sandbox.add_person("kim@example.com")
    seen, send = [], requests.Session.send

    def noted(session, request, **options):
        seen.append(request)
        return send(session, request, **options)

    with JiraIssues(connection_to(sandbox)) as jira:
        monkeypatch.setattr(requests.Session, "send", noted)
        jira.preflight({"kim@example.com": None, "lee@example.com": kim})
        jira.highest_number()
        epic, deck, quiz = make(jira, EPIC, task("deck", assignee=kim), task("quiz"))
        make(jira, task("aid", parent=epic))
        jira.find_created([DECK.key], after_number=0)
        jira.read([deck], with_comments=True)
        jira.transitions([deck, quiz])
        jira.changed_programs(datetime.now(UTC))
        jira.update(at(jira, deck), replace(DECK, labels=("rollout-stage-train",)))
        jira.move(at(jira, deck), State.DONE)
        jira.say(at(jira, deck), "Please **sign**.", mark="round 1")
        jira.link(at(jira, quiz), deck)
        monkeypatch.undo()
    return seen


def operation(contract, method, path):
    """The path of the document that a request goes to; a path without a parameter goes first."""
    for template in sorted(contract["paths"], key=lambda each: each.count("{")):
        pattern = re.sub(r"\{\w+\}", "[^/]+", template)
        found = contract["paths"][template].get(method.lower())
        if found and re.fullmatch(pattern, PREFIX + path):
            return found
    return None


def path_of(request):
    return urlsplit(request.url).path.partition(PREFIX)[2]


def test_every_request_goes_to_an_operation_that_jira_has(contract, sent):
    unknown = {
        (request.method, path_of(request))
        for request in sent
        if operation(contract, request.method, path_of(request)) is None
    }

    assert unknown == NOT_IN_THE_SUBSET


def test_every_query_uses_parameters_that_the_operation_has(contract, sent):
    for request in sent:
        found = operation(contract, request.method, path_of(request))
        if found:
            known = {each["name"] for each in found.get("parameters", ())}
            assert set(parse_qs(urlsplit(request.url).query)) <= known


def test_every_body_is_what_the_operation_takes(contract, sent):
    bodies = [request for request in sent if request.body]

    for request in bodies:
        found = operation(contract, request.method, path_of(request))
        schema = found["requestBody"]["content"]["application/json"]["schema"]
        whole = {**schema, "components": contract["components"]}
        OAS30WriteValidator(whole).validate(json.loads(request.body))

    assert {path_of(each) for each in bodies} >= {"/issue/bulk", "/issueLink", "/search/jql"}
