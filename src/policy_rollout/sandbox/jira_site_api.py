"""Jira's REST API v3, the part about the site: server, people, permissions, project, fields."""

from typing import Any

from starlette.routing import BaseRoute

from policy_rollout.sandbox.behaviour import Behaviour
from policy_rollout.sandbox.database import reading
from policy_rollout.sandbox.jira_accounts import all_accounts, find_accounts
from policy_rollout.sandbox.jira_call import Answer, Call, JiraRefused, route
from policy_rollout.sandbox.jira_project import (
    FIELDS,
    ISSUE_TYPES,
    LINK_TYPES,
    PERMISSIONS,
    PRIORITIES,
    PROJECT_ID,
    PROJECT_KEY,
    STATUSES,
    Field,
    IssueType,
)
from policy_rollout.sandbox.jira_views import View, time_text

BUILD_DATE_MS = 1_767_225_600_000


def routes() -> list[BaseRoute]:
    return [
        route("serverInfo", GET=server_info),
        route("myself", GET=myself),
        route("mypermissions", GET=my_permissions),
        route("user", GET=one_user),
        route("user/search", GET=search_users),
        route("field", GET=all_fields),
        route("priority", GET=priorities),
        route("status", GET=statuses),
        route("issuetype", GET=issue_types),
        route("issueLinkType", GET=link_types),
        route("project/{project}", GET=project),
        route("project/{project}/statuses", GET=project_statuses),
        route("issue/createmeta/{project}/issuetypes", GET=creatable_types),
        route("issue/createmeta/{project}/issuetypes/{type}", GET=creatable_fields),
    ]


def server_info(call: Call) -> Answer:
    return Answer(
        {
            "baseUrl": call.site,
            "version": "1001.0.0-SNAPSHOT",
            "versionNumbers": [1001, 0, 0],
            "deploymentType": "Cloud",
            "buildNumber": 100_000,
            "buildDate": time_text(BUILD_DATE_MS, call.viewer.zone),
            "serverTime": time_text(call.now_ms, call.viewer.zone),
            "serverTimeZone": call.viewer.zone,
            "scmInfo": "sandbox",
            "serverTitle": "Sandbox",
        }
    )


def myself(call: Call) -> Answer:
    return Answer(call.viewer.shown_to(call.viewer, call.site))


def my_permissions(call: Call) -> Answer:
    wanted = call.listed("permissions")
    if not wanted:
        raise JiraRefused(400, "The 'permissions' query parameter is required.")
    if unknown := [each for each in wanted if each not in PERMISSIONS]:
        raise JiraRefused(400, f"Unrecognized permission(s): {', '.join(unknown)}")
    if key := call.query.get("projectKey"):
        _check_project(key)
    denied = call.behaviour.denied_permissions
    told = {
        key: {
            "id": str(PERMISSIONS.index(key) + 10),
            "key": key,
            "name": key.replace("_", " ").capitalize(),
            "type": "PROJECT",
            "description": "",
            "havePermission": key not in denied,
        }
        for key in wanted
    }
    return Answer({"permissions": told})


def one_user(call: Call) -> Answer:
    with reading(call.engine) as connection:
        account = all_accounts(connection).get(call.query.get("accountId", ""))
    if account is None:
        raise JiraRefused(404, "Specified user does not exist or you do not have permission.")
    return Answer(account.shown_to(call.viewer, call.site))


def search_users(call: Call) -> Answer:
    start, size = call.number("startAt", 0), call.number("maxResults", 50)
    with reading(call.engine) as connection:
        if account_id := call.query.get("accountId"):
            known = all_accounts(connection).get(account_id)
            found = [known] if known and known.active else []
        elif query := call.query.get("query"):
            found = find_accounts(connection, query)
        else:
            raise JiraRefused(400, "One of query, accountId or property is required.")
    page = found[start : start + size]
    return Answer([account.shown_to(call.viewer, call.site) for account in page])


def all_fields(call: Call) -> Answer:  # noqa: ARG001 - every handler takes the call
    return Answer(
        [
            {
                "id": each.id,
                "key": each.id,
                "name": each.name,
                "custom": False,
                "orderable": each.on_screen,
                "navigable": each.navigable,
                "searchable": True,
                "clauseNames": [each.id],
                "schema": _schema(each),
            }
            for each in FIELDS.values()
        ]
    )


def priorities(call: Call) -> Answer:
    with reading(call.engine) as connection:
        view = View(connection, call.viewer, call.site, call.behaviour)
        return Answer([view.priority(priority_id) for priority_id in PRIORITIES])


def statuses(call: Call) -> Answer:
    with reading(call.engine) as connection:
        view = View(connection, call.viewer, call.site, call.behaviour)
        return Answer([view.status(status_id) for status_id in STATUSES])


def issue_types(call: Call) -> Answer:
    return Answer(_types(call))


def link_types(call: Call) -> Answer:
    with reading(call.engine) as connection:
        view = View(connection, call.viewer, call.site, call.behaviour)
        return Answer({"issueLinkTypes": [view.link_type(type_id) for type_id in LINK_TYPES]})


def project(call: Call) -> Answer:
    _check_project(call.path["project"])
    with reading(call.engine) as connection:
        shown = View(connection, call.viewer, call.site, call.behaviour).project()
    shown |= {"description": "", "issueTypes": _types(call), "style": "classic"}
    return Answer({**shown, "isPrivate": False, "archived": False, "deleted": False})


def project_statuses(call: Call) -> Answer:
    _check_project(call.path["project"])
    with reading(call.engine) as connection:
        view = View(connection, call.viewer, call.site, call.behaviour)
        return Answer(
            [
                {
                    "self": f"{call.site}/rest/api/3/issuetype/{each.id}",
                    "id": each.id,
                    "name": each.name,
                    "subtask": False,
                    "statuses": [
                        view.status(step.to.id)
                        for step in each.steps
                        if step.to.name not in call.behaviour.removed_statuses
                    ],
                }
                for each in offered_types(call.behaviour)
            ]
        )


def creatable_types(call: Call) -> Answer:
    _check_project(call.path["project"])
    found = _types(call)
    start, size = call.number("startAt", 0), call.number("maxResults", 50)
    return Answer(
        {
            "issueTypes": found[start : start + size],
            "maxResults": size,
            "startAt": start,
            "total": len(found),
        }
    )


def creatable_fields(call: Call) -> Answer:
    _check_project(call.path["project"])
    offered = {each.id: each for each in offered_types(call.behaviour)}
    issue_type = offered.get(call.path["type"])
    if issue_type is None:
        raise JiraRefused(404, "The issue type does not exist or you cannot create it.")
    found = [_creatable(call, each) for each in _screen(call.behaviour, issue_type)]
    start, size = call.number("startAt", 0), call.number("maxResults", 50)
    return Answer(
        {
            "fields": found[start : start + size],
            "maxResults": size,
            "startAt": start,
            "total": len(found),
        }
    )


def offered_types(behaviour: Behaviour) -> list[IssueType]:
    return [each for each in ISSUE_TYPES.values() if each.name not in behaviour.missing_issue_types]


def _types(call: Call) -> list[dict[str, Any]]:
    with reading(call.engine) as connection:
        view = View(connection, call.viewer, call.site, call.behaviour)
        return [view.issue_type(each.id) for each in offered_types(call.behaviour)]


def _check_project(id_or_key: str) -> None:
    if id_or_key not in {PROJECT_ID, PROJECT_KEY}:
        raise JiraRefused(404, f"No project could be found with key '{id_or_key}'.")


def _screen(behaviour: Behaviour, issue_type: IssueType) -> list[Field]:
    return [
        each
        for each in FIELDS.values()
        if each.on_screen
        and each.id not in behaviour.fields_off_screen
        and not (each.id == "parent" and issue_type.level > 0)
    ]


def _creatable(call: Call, field: Field) -> dict[str, Any]:
    told: dict[str, Any] = {
        "required": field.required or field.id in call.behaviour.required_fields,
        "schema": _schema(field),
        "name": field.name,
        "key": field.id,
        "fieldId": field.id,
        "hasDefaultValue": field.id in {"priority", "reporter"} - call.behaviour.required_fields,
        "operations": list(field.operations),
    }
    if field.id == "priority":
        told["allowedValues"] = [{"id": key, "name": name} for key, name in PRIORITIES.items()]
    return told


def _schema(field: Field) -> dict[str, str]:
    schema = {"type": field.type, "system": field.id}
    return {**schema, "items": field.items} if field.items else schema
