"""Jira's REST API v3, the part about single issues: fields, transitions, comments, links."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, delete, func, select
from starlette.routing import BaseRoute

from policy_rollout.sandbox import jira_tables as tables
from policy_rollout.sandbox.database import reading, writing
from policy_rollout.sandbox.jira_call import NO_ISSUE, Answer, Call, JiraRefused, route
from policy_rollout.sandbox.jira_fields import (
    Edit,
    FieldWrong,
    InputRefused,
    Site,
    check_property,
    read_document,
    read_edit,
    read_link,
    read_new_issue,
)
from policy_rollout.sandbox.jira_issues import (
    Issue,
    add_comment,
    add_links,
    create_issues,
    delete_issue,
    delete_property,
    edit_issue,
    inserted_id,
    issue_id_of,
    link_edit,
    move_issue,
    read_issues,
    set_property,
)
from policy_rollout.sandbox.jira_views import View, Wanted, read_histories, selected_fields

COMMENTS_A_PAGE = 100


def routes() -> list[BaseRoute]:
    return [
        route("issue", POST=create),
        route("issueLink", POST=link),
        route("issueLink/{link}", DELETE=unlink),
        route("issue/{issue}", GET=read, PUT=edit, DELETE=remove),
        route("issue/{issue}/assignee", PUT=assign),
        route("issue/{issue}/changelog", GET=changelog),
        route("issue/{issue}/comment", GET=read_comments, POST=comment),
        route("issue/{issue}/properties", GET=property_keys),
        route(
            "issue/{issue}/properties/{key}",
            GET=read_property,
            PUT=write_property,
            DELETE=remove_property,
        ),
        route("issue/{issue}/remotelink", GET=read_remote_links, POST=link_remote),
        route("issue/{issue}/transitions", GET=read_transitions, POST=move),
    ]


def create(call: Call) -> Answer:
    with writing(call.engine) as connection, refusals():
        permit(call, "CREATE_ISSUES")
        new = read_new_issue(Site(connection, call.behaviour), call.body)
        (made,) = create_issues(connection, call.author, [new])
        return Answer(View(connection, call.viewer, call.site, call.behaviour).reference(made), 201)


def read(call: Call) -> Answer:
    wanted = Wanted(
        selected_fields(call.listed("fields"), "*all"),
        tuple(call.listed("properties")),
        frozenset(call.listed("expand")),
    )
    with reading(call.engine) as connection:
        issue = find_issue(connection, call)
        (told,) = View(connection, call.viewer, call.site, call.behaviour).issues([issue], wanted)
    return Answer(told)


def edit(call: Call) -> Answer:
    if call.query.get("notifyUsers") == "false":
        raise JiraRefused(
            403,
            "To discard the user notification either admin or project admin permissions are "
            "required.",
        )
    with writing(call.engine) as connection, refusals():
        issue = find_issue(connection, call)
        permit(call, "EDIT_ISSUES")
        wanted = read_edit(Site(connection, call.behaviour), issue, call.body)
        edited = _apply(connection, call, issue, wanted)
        if call.query.get("returnIssue") != "true":
            return Answer(status=204)
        every = Wanted(selected_fields([], "*all"))
        (told,) = View(connection, call.viewer, call.site, call.behaviour).issues([edited], every)
        return Answer(told)


def remove(call: Call) -> Answer:
    with writing(call.engine) as connection:
        issue = find_issue(connection, call)
        permit(call, "DELETE_ISSUES")
        delete_issue(connection, call.author, issue)
    return Answer(status=204)


def assign(call: Call) -> Answer:
    if "accountId" not in call.given:
        raise JiraRefused(400, "accountId is required; null takes the assignee away.")
    with writing(call.engine) as connection, refusals():
        issue = find_issue(connection, call)
        permit(call, "ASSIGN_ISSUES")
        chosen = call.given["accountId"] and {"accountId": call.given["accountId"]}
        body = {"fields": {"assignee": chosen}}
        wanted = read_edit(Site(connection, call.behaviour), issue, body)
        _apply(connection, call, issue, wanted)
    return Answer(status=204)


def changelog(call: Call) -> Answer:
    start, size = call.number("startAt", 0), min(call.number("maxResults", 100), 100)
    with reading(call.engine) as connection:
        issue = find_issue(connection, call)
        view = View(connection, call.viewer, call.site, call.behaviour)
        told = [view.history(row) for row in read_histories(connection, [issue.id])]
    page = told[start : start + size]
    address = f"{call.site}/rest/api/3/issue/{issue.id}/changelog"
    last = start + len(page) >= len(told)
    answer: dict[str, Any] = {
        "self": f"{address}?startAt={start}&maxResults={size}",
        "maxResults": size,
        "startAt": start,
        "total": len(told),
        "isLast": last,
        "values": page,
    }
    if not last:
        answer["nextPage"] = f"{address}?startAt={start + size}&maxResults={size}"
    return Answer(answer)


def read_comments(call: Call) -> Answer:
    start = call.number("startAt", 0)
    size = min(call.number("maxResults", COMMENTS_A_PAGE), COMMENTS_A_PAGE)
    newest_first = call.query.get("orderBy") == "-created"
    order = tables.comments.c.id.desc() if newest_first else tables.comments.c.id.asc()
    with reading(call.engine) as connection:
        issue = find_issue(connection, call)
        mine = tables.comments.c.issue == issue.id
        total = connection.execute(
            select(func.count()).select_from(tables.comments).where(mine)
        ).scalar_one()
        chosen = select(tables.comments).where(mine).order_by(order).offset(start).limit(size)
        view = View(connection, call.viewer, call.site, call.behaviour)
        with_properties = "properties" in call.listed("expand")
        rows = connection.execute(chosen).mappings()
        told = [view.comment(row, properties=with_properties) for row in rows]
    return Answer({"startAt": start, "maxResults": size, "total": total, "comments": told})


def comment(call: Call) -> Answer:
    with writing(call.engine) as connection:
        issue = find_issue(connection, call)
        permit(call, "ADD_COMMENTS")
        try:
            body = read_document(call.given.get("body"))
        except FieldWrong as error:
            raise JiraRefused(400, errors={"comment": str(error)}) from None
        properties = call.given.get("properties")
        marks = properties if isinstance(properties, list) else ()
        made = add_comment(connection, call.author, issue, body, marks)
        chosen = select(tables.comments).where(tables.comments.c.id == made)
        row = connection.execute(chosen).mappings().one()
        told = View(connection, call.viewer, call.site, call.behaviour).comment(row)
    return Answer(told, 201)


def property_keys(call: Call) -> Answer:
    with reading(call.engine) as connection:
        issue = find_issue(connection, call)
        chosen = select(tables.properties.c.key).where(tables.properties.c.issue == issue.id)
        keys = connection.execute(chosen).scalars().all()
    address = f"{call.site}/rest/api/3/issue/{issue.key}/properties"
    return Answer({"keys": [{"self": f"{address}/{key}", "key": key} for key in keys]})


def read_property(call: Call) -> Answer:
    key = call.path["key"]
    with reading(call.engine) as connection:
        issue = find_issue(connection, call)
        mine = (tables.properties.c.issue == issue.id) & (tables.properties.c.key == key)
        row = connection.execute(select(tables.properties.c.value).where(mine)).one_or_none()
    if row is None:
        raise JiraRefused(404, f"The property {key} does not exist.")
    return Answer({"key": key, "value": row.value})


def write_property(call: Call) -> Answer:
    with writing(call.engine) as connection:
        issue = find_issue(connection, call)
        permit(call, "EDIT_ISSUES")
        try:
            check_property(call.path["key"], call.body)
        except FieldWrong as error:
            raise JiraRefused(400, str(error)) from None
        is_new = set_property(connection, issue.id, call.path["key"], call.body)
    return Answer(status=201 if is_new else 200)


def remove_property(call: Call) -> Answer:
    with writing(call.engine) as connection:
        issue = find_issue(connection, call)
        permit(call, "EDIT_ISSUES")
        if not delete_property(connection, issue.id, call.path["key"]):
            raise JiraRefused(404, f"The property {call.path['key']} does not exist.")
    return Answer(status=204)


def read_remote_links(call: Call) -> Answer:
    with reading(call.engine) as connection:
        issue = find_issue(connection, call)
        chosen = select(tables.remote_links).where(tables.remote_links.c.issue == issue.id)
        if global_id := call.query.get("globalId"):
            chosen = chosen.where(tables.remote_links.c.global_id == global_id)
        rows = connection.execute(chosen.order_by(tables.remote_links.c.id)).mappings()
        return Answer([_remote_link(call, issue, row) for row in rows])


def link_remote(call: Call) -> Answer:
    """Create a link to a page elsewhere, or replace the one with the same `globalId`."""
    target = call.part("object")
    if missing := [name for name in ("url", "title") if not target.get(name)]:
        raise JiraRefused(400, errors={name: f"'{name}' is required." for name in missing})
    with writing(call.engine) as connection:
        issue = find_issue(connection, call)
        permit(call, "LINK_ISSUES")
        links, global_id = tables.remote_links, str(call.given.get("globalId") or "") or None
        same = (links.c.issue == issue.id) & (links.c.global_id == global_id)
        known = connection.execute(select(links.c.id).where(same)).scalar_one_or_none()
        if known is None:
            values = {"issue": issue.id, "global_id": global_id, "link": call.given}
            made = connection.execute(links.insert().values(values))
            told = {"id": inserted_id(made)}
        else:
            connection.execute(links.update().where(same).values(link=call.given))
            told = {"id": known}
    told["self"] = f"{call.site}/rest/api/3/issue/{issue.key}/remotelink/{told['id']}"
    return Answer(told, 201 if known is None else 200)


def read_transitions(call: Call) -> Answer:
    with reading(call.engine) as connection:
        issue = find_issue(connection, call)
        told = View(connection, call.viewer, call.site, call.behaviour).transitions(issue)
    if wanted := call.query.get("transitionId"):
        told = [each for each in told if each["id"] == wanted]
    return Answer({"expand": "transitions", "transitions": told})


def move(call: Call) -> Answer:
    with writing(call.engine) as connection, refusals():
        issue = find_issue(connection, call)
        permit(call, "TRANSITION_ISSUES")
        chosen = str(call.part("transition").get("id", ""))
        steps = [
            each for each in issue.steps if each.to.name not in call.behaviour.removed_statuses
        ]
        step = next((each for each in steps if each.id == chosen), None)
        if step is None:
            raise JiraRefused(400, f"Transition id '{chosen}' is not valid for this issue.")
        wanted = read_edit(Site(connection, call.behaviour), issue, call.given)
        edited = _apply(connection, call, issue, wanted)
        move_issue(connection, call.author, edited, step)
    return Answer(status=204)


def link(call: Call) -> Answer:
    with writing(call.engine) as connection:
        permit(call, "LINK_ISSUES")
        try:
            new = read_link(Site(connection, call.behaviour), call.body)
        except FieldWrong as error:
            raise JiraRefused(404, str(error)) from None
        if new.source is None or new.target is None:
            raise JiraRefused(400, "inwardIssue and outwardIssue are required.")
        add_links(connection, call.author, [new])
    return Answer(status=201)


def unlink(call: Call) -> Answer:
    chosen = call.path["link"]
    with writing(call.engine) as connection:
        permit(call, "LINK_ISSUES")
        links = delete(tables.links).where(tables.links.c.id == chosen)
        if connection.execute(links).rowcount == 0:
            raise JiraRefused(404, f"No issue link with id '{chosen}' exists.")
    return Answer(status=204)


def find_issue(connection: Connection, call: Call) -> Issue:
    """The issue that the path names.

    Raises:
        JiraRefused: 404.
    """
    issue_id = issue_id_of(call.path["issue"])
    found = read_issues(connection, [] if issue_id is None else [issue_id])
    if issue_id not in found:
        raise JiraRefused(404, NO_ISSUE)
    return found[issue_id]


def permit(call: Call, permission: str) -> None:
    """Refuse what the site was told to refuse to everybody."""
    if permission in call.behaviour.denied_permissions:
        raise JiraRefused(403, f"You do not have the permission {permission} in this project.")


@contextmanager
def refusals() -> Iterator[None]:
    """Turns wrong input into Jira's answer to it."""
    try:
        yield
    except InputRefused as error:
        raise JiraRefused(400, errors=error.errors) from None


def _apply(connection: Connection, call: Call, issue: Issue, wanted: Edit) -> Issue:
    edited = edit_issue(connection, call.author, issue, wanted.fields)
    link_edit(connection, call.author, edited, wanted.links)
    for body in wanted.comments:
        add_comment(connection, call.author, edited, body)
    for key, value in wanted.properties.items():
        set_property(connection, issue.id, key, value)
    return edited


def _remote_link(call: Call, issue: Issue, row: Any) -> dict[str, Any]:
    told = {
        "id": row["id"],
        "self": f"{call.site}/rest/api/3/issue/{issue.key}/remotelink/{row['id']}",
        "object": row["link"]["object"],
    }
    if row["global_id"]:
        told["globalId"] = row["global_id"]
    if relationship := row["link"].get("relationship"):
        told["relationship"] = relationship
    return told
