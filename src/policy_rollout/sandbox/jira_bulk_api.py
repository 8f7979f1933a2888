"""Jira's REST API v3, the part about many issues at once: create, fetch, changelogs, search."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.routing import BaseRoute

from policy_rollout.sandbox.database import reading, writing
from policy_rollout.sandbox.jira_call import Answer, Call, JiraRefused, route
from policy_rollout.sandbox.jira_fields import InputRefused, Site, read_new_issue
from policy_rollout.sandbox.jira_issue_api import permit
from policy_rollout.sandbox.jira_issues import NewIssue, create_issues, issue_id_of, read_issues
from policy_rollout.sandbox.jira_jql import Asker, JqlWrong, Query, parse
from policy_rollout.sandbox.jira_search import (
    TokenWrong,
    catch_up,
    count,
    find,
    make_token,
    matching,
    read_token,
)
from policy_rollout.sandbox.jira_views import View, Wanted, read_histories, selected_fields

CREATES_AT_ONCE = 50
KEYS_AT_ONCE = 100
CHANGELOG_ISSUES_AT_ONCE = 1000
CHANGELOG_FIELDS_AT_ONCE = 10
PROPERTIES_AT_ONCE = 5
ISSUES_A_PAGE = 100
"""Real sites give fewer than asked for when fields are wanted, up to 5000 for ids alone."""
IDS_A_PAGE = 5000


def routes() -> list[BaseRoute]:
    return [
        route("issue/bulk", POST=create_many),
        route("issue/bulkfetch", POST=fetch_many),
        route("changelog/bulkfetch", POST=fetch_changelogs),
        route("search/jql", GET=search, POST=search),
        route("search/approximate-count", POST=approximate_count),
        route("jql/match", POST=match),
    ]


def create_many(call: Call) -> Answer:
    """Create what can be created; the others come back with their place in the request."""
    permit(call, "CREATE_ISSUES")
    updates = call.given.get("issueUpdates")
    if not isinstance(updates, list) or not updates:
        raise JiraRefused(400, "issueUpdates is required.")
    if len(updates) > CREATES_AT_ONCE:
        raise JiraRefused(400, f"You can create at most {CREATES_AT_ONCE} issues at once.")
    with writing(call.engine) as connection:
        new, errors = _readable(Site(connection, call.behaviour), updates, call.fail_elements)
        made = create_issues(connection, call.author, new)
        view = View(connection, call.viewer, call.site)
        issues = [view.reference(issue) for issue in made]
    return Answer({"issues": issues, "errors": errors}, 201 if issues else 400)


def fetch_many(call: Call) -> Answer:
    keys = call.listed("issueIdsOrKeys")
    if not keys or len(keys) > KEYS_AT_ONCE:
        raise JiraRefused(400, f"issueIdsOrKeys must hold 1 to {KEYS_AT_ONCE} issues.")
    wanted = _wanted(call, "*navigable")
    with reading(call.engine) as connection:
        found = list(read_issues(connection, _ids(keys)).values())
        told = View(connection, call.viewer, call.site).issues(found, wanted)
    return Answer({"issues": told, "issueErrors": []})


def fetch_changelogs(call: Call) -> Answer:
    keys, fields = call.listed("issueIdsOrKeys"), set(call.listed("fieldIds"))
    if not keys or len(keys) > CHANGELOG_ISSUES_AT_ONCE:
        raise JiraRefused(400, f"issueIdsOrKeys must hold 1 to {CHANGELOG_ISSUES_AT_ONCE} issues.")
    if len(fields) > CHANGELOG_FIELDS_AT_ONCE:
        raise JiraRefused(400, f"fieldIds may hold at most {CHANGELOG_FIELDS_AT_ONCE} fields.")
    size = min(call.number("maxResults", 1000), 10_000, call.behaviour.items_a_page)
    what = f"changelog {sorted(keys)} {sorted(fields)}"
    start = _start(call, what)
    with reading(call.engine) as connection:
        view = View(connection, call.viewer, call.site)
        told = _histories(call, view, _ids(keys), fields)
    page = told[start : start + size]
    by_issue: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for issue_id, history in page:
        by_issue[issue_id].append(history)
    answer: dict[str, Any] = {
        "issueChangeLogs": [
            {"issueId": issue_id, "changeHistories": histories}
            for issue_id, histories in by_issue.items()
        ]
    }
    if start + size < len(told):
        answer["nextPageToken"] = make_token(start if call.repeat_page else start + size, what)
    return Answer(answer)


def search(call: Call) -> Answer:
    jql, query = _query(call)
    if query.where is None:
        raise JiraRefused(
            400,
            "Unbounded JQL queries are not allowed here. Please add a search restriction to "
            "your query.",
        )
    catch_up(call.engine, _seen_until(call), _ids(call.listed("reconcileIssues")))
    wanted = _wanted(call, "id")
    most = ISSUES_A_PAGE if wanted.fields or wanted.properties else IDS_A_PAGE
    size = max(1, min(call.number("maxResults", 50), most, call.behaviour.items_a_page))
    start = _start(call, jql)
    found = find(call.engine, query, start, size)
    with reading(call.engine) as connection:
        told = View(connection, call.viewer, call.site).issues(found.issues, wanted)
    if set(call.listed("fields")) <= {"id"}:
        told = [{"id": each["id"]} for each in told]
    answer: dict[str, Any] = {"issues": told, "isLast": found.is_last}
    if not found.is_last:
        answer["nextPageToken"] = make_token(start if call.repeat_page else start + size, jql)
    return Answer(answer)


def approximate_count(call: Call) -> Answer:
    _, query = _query(call)
    catch_up(call.engine, _seen_until(call))
    return Answer({"count": count(call.engine, query)})


def match(call: Call) -> Answer:
    ids = _ids(call.listed("issueIds"))
    catch_up(call.engine, _seen_until(call))
    matches: list[dict[str, Any]] = []
    for jql in call.listed("jqls"):
        try:
            found = matching(call.engine, parse(jql, _asker(call)), ids)
        except JqlWrong as error:
            matches.append({"matchedIssues": [], "errors": [str(error)]})
        else:
            matches.append({"matchedIssues": found, "errors": []})
    return Answer({"matches": matches})


def _readable(
    site: Site, updates: Sequence[Any], to_fail: Mapping[int, int]
) -> tuple[list[NewIssue], list[dict[str, Any]]]:
    new: list[NewIssue] = []
    errors: list[dict[str, Any]] = []
    for number, each in enumerate(updates):
        if number in to_fail:
            told = {"summary": "The sandbox was told to fail this."}
            errors.append(_element_error(number, told, status=to_fail[number]))
            continue
        try:
            new.append(read_new_issue(site, each))
        except InputRefused as refusal:
            errors.append(_element_error(number, refusal.errors))
    return new, errors


def _element_error(number: int, errors: dict[str, str], *, status: int = 400) -> dict[str, Any]:
    told = {"errorMessages": [], "errors": errors}
    return {"status": status, "elementErrors": told, "failedElementNumber": number}


def _wanted(call: Call, default: str) -> Wanted:
    properties = call.listed("properties")
    if len(properties) > PROPERTIES_AT_ONCE:
        raise JiraRefused(400, f"At most {PROPERTIES_AT_ONCE} properties can be asked for.")
    return Wanted(
        selected_fields(call.listed("fields"), default),
        tuple(properties),
        frozenset(call.listed("expand")),
    )


def _ids(keys: Sequence[str]) -> list[int]:
    return [issue_id for key in keys if (issue_id := issue_id_of(str(key))) is not None]


def _histories(
    call: Call, view: View, ids: list[int], fields: set[str]
) -> list[tuple[str, dict[str, Any]]]:
    """Changelog entries with the id of their issue, with only the items that were asked for."""
    told: list[tuple[str, dict[str, Any]]] = []
    for row in read_histories(view.connection, ids):
        items = [item for item in row["items"] if not fields or item["fieldId"] in fields]
        if items:
            history = view.history({**row, "items": items})
            if call.behaviour.epoch_changelog:
                history["created"] = row["at"]
            told.append((str(row["issue"]), history))
    return told


def _query(call: Call) -> tuple[str, Query]:
    jql = str(call.query.get("jql", call.given.get("jql", "")) or "")
    try:
        return jql, parse(jql, _asker(call))
    except JqlWrong as error:
        raise JiraRefused(400, str(error)) from None


def _asker(call: Call) -> Asker:
    return Asker(call.viewer.account_id, call.viewer.zone, call.now_ms)


def _seen_until(call: Call) -> int:
    return call.now_ms - int(call.behaviour.search_lag_seconds * 1000)


def _start(call: Call, what: str) -> int:
    token = call.query.get("nextPageToken", call.given.get("nextPageToken"))
    if not token:
        return 0
    try:
        return read_token(str(token), what)
    except TokenWrong as error:
        raise JiraRefused(400, str(error)) from None
