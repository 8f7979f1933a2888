"""The pages of the sandbox's Jira: the board, an issue, a list; with small forms to act."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from sqlalchemy import Connection, select
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from policy_rollout.sandbox import jira_issue_api as api
from policy_rollout.sandbox import jira_tables as tables
from policy_rollout.sandbox.database import reading
from policy_rollout.sandbox.jira_accounts import Account, all_accounts
from policy_rollout.sandbox.jira_actor import (
    ACTOR_COOKIE,
    act,
    actor_of,
    moment,
    people_of,
    today,
)
from policy_rollout.sandbox.jira_adf import document_of, html_of
from policy_rollout.sandbox.jira_call import JiraRefused, now_ms
from policy_rollout.sandbox.jira_cards import (
    card_of,
    change_text,
    progress_of,
    sign_off_columns,
    work_columns,
)
from policy_rollout.sandbox.jira_issues import (
    Issue,
    issue_id_of,
    read_all,
    read_children,
    read_issues,
)
from policy_rollout.sandbox.jira_jql import Asker, JqlWrong, parse
from policy_rollout.sandbox.jira_project import (
    EPIC,
    LINK_TYPES,
    PROJECT_KEY,
    PROJECT_NAME,
    SIGN_OFF,
    SIGN_OFF_TYPE,
)
from policy_rollout.sandbox.jira_search import catch_up, find
from policy_rollout.sandbox.jira_views import read_histories
from policy_rollout.sandbox.pages import page
from policy_rollout.sandbox.state import sandbox_of

ISSUES_LISTED = 200
DEFAULT_JQL = f"project = {PROJECT_KEY} ORDER BY updated DESC"
STEP_TO_APPROVE, STEP_TO_REJECT = SIGN_OFF[1], SIGN_OFF[2]
NO_ACTOR = "Choose who you are first: “Act as”, at the top right."
NO_REASON = "A rejection needs its reason: say what is wrong and which issues to do again."


def routes() -> list[BaseRoute]:
    return [
        Route("/", _to_board),
        Route("/browse/{key}", _show, methods=["GET"]),
        Route("/browse/{key}/{action}", _do, methods=["POST"]),
        Route("/issues/", _list, methods=["GET"]),
        Route("/act-as", _act_as, methods=["POST"]),
    ]


async def _to_board(_: Request) -> Response:
    return RedirectResponse(f"/jira/browse/{PROJECT_KEY}")


async def _show(request: Request) -> Response:
    return await run_in_threadpool(_page_of, request, request.path_params["key"])


async def _list(request: Request) -> Response:
    return await run_in_threadpool(_list_page, request)


async def _act_as(request: Request) -> Response:
    async with request.form() as form:
        account, back = str(form.get("account", "")), str(form.get("back", ""))
    answer = RedirectResponse(_local(back), status_code=303)
    answer.set_cookie(ACTOR_COOKIE, account, samesite="strict", httponly=True)
    return answer


async def _do(request: Request) -> Response:
    async with request.form() as form:
        return await run_in_threadpool(_done, request, form)


def _done(request: Request, form: FormData) -> Response:
    """Act, then show the page again; what is refused is said on the issue's page."""
    key, actor = request.path_params["key"], actor_of(request, people_of(request))
    if actor is None:
        return _page_of(request, key, notice=NO_ACTOR, status=403)
    try:
        _dispatch(request, actor, key, form)
    except JiraRefused as refusal:
        said = "; ".join((*refusal.messages, *refusal.errors.values()))
        return _page_of(request, key, notice=said, status=refusal.status)
    back = str(form.get("back", f"/jira/browse/{key}"))
    return RedirectResponse(_local(back), status_code=303)


def _dispatch(request: Request, actor: Account, key: str, form: FormData) -> None:
    text = str(form.get("text", "")).strip()
    match request.path_params["action"]:
        case "move":
            body = {"transition": {"id": str(form.get("step", ""))}}
            act(request, actor, api.move, key, body)
        case "approve":
            _decide(request, actor, key, STEP_TO_APPROVE.id, text)
        case "reject" if not text:
            raise JiraRefused(400, NO_REASON)
        case "reject":
            _decide(request, actor, key, STEP_TO_REJECT.id, text)
        case "comment" if text:
            act(request, actor, api.comment, key, {"body": document_of(text)})
        case "comment":
            raise JiraRefused(400, "The comment is empty.")
        case "assign":
            chosen = str(form.get("account", "")) or None
            act(request, actor, api.assign, key, {"accountId": chosen})
        case unknown:
            raise JiraRefused(404, f"There is no action {unknown!r}.")


def _decide(request: Request, actor: Account, key: str, step: str, text: str) -> None:
    """Move a sign-off, with the signer's words as a comment in the same change."""
    body: dict[str, Any] = {"transition": {"id": step}}
    if text:
        body["update"] = {"comment": [{"add": {"body": document_of(text)}}]}
    act(request, actor, api.move, key, body)


def _page_of(request: Request, key: str, notice: str = "", status: int = 200) -> Response:
    with reading(sandbox_of(request).engine) as connection:
        if key == PROJECT_KEY:
            return _board(request, connection)
        found = read_issues(connection, [issue_id_of(key) or 0])
        if not found:
            return page("jira_missing.html", status=404, key=key, **_around(request))
        (issue,) = found.values()
        return _issue_page(request, connection, issue, notice, status)


def _around(request: Request) -> dict[str, Any]:
    """What every page needs: who may act, who does, where to come back to."""
    people = people_of(request)
    back = request.url.path if request.method == "GET" else f"/jira/browse/{_key(request)}"
    query = f"?{request.url.query}" if request.url.query else ""
    return {
        "people": people,
        "actor": actor_of(request, people),
        "back": back + query,
        "project": PROJECT_NAME,
    }


def _key(request: Request) -> str:
    return str(request.path_params.get("key", PROJECT_KEY))


def _board(request: Request, connection: Connection) -> Response:
    issues = read_all(connection)
    accounts = all_accounts(connection)
    epics = {issue.id: issue for issue in issues if issue.type == EPIC.id}
    chosen = next((each for each in epics.values() if each.key == _chosen_epic(request)), None)
    shown = [each for each in issues if chosen is None or each.parent == chosen.id]
    cards = [card_of(each, accounts, epics, today()) for each in shown]
    work = [each for each in shown if each.type != EPIC.id]
    return page(
        "jira_board.html",
        epics=list(epics.values()),
        chosen=chosen,
        work=work_columns(cards),
        sign_offs=sign_off_columns(cards),
        undecided=sum(each.type == SIGN_OFF_TYPE.name and each.asks for each in cards),
        progress=progress_of(work),
        **_around(request),
    )


def _chosen_epic(request: Request) -> str:
    return request.query_params.get("epic", "")


@dataclass(frozen=True, slots=True)
class _Remark:
    author: str
    at: str
    html: str


def _issue_page(
    request: Request, connection: Connection, issue: Issue, notice: str, status: int
) -> Response:
    accounts = all_accounts(connection)
    children = read_children(connection, issue.id)
    links = _links(connection, issue)
    nearby = read_issues(connection, {issue.parent or 0, *(each for _, each in links)})
    description = issue.fields.get("description")
    return page(
        "jira_issue.html",
        status=status,
        notice=notice,
        issue=card_of(issue, accounts, nearby, today()),
        is_epic=issue.type == EPIC.id,
        is_sign_off=issue.type == SIGN_OFF_TYPE.id,
        assignee_id=issue.fields.get("assignee"),
        reporter=accounts[issue.fields["reporter"]].name,
        labels=issue.fields["labels"],
        created=moment(issue.created_at),
        updated=moment(issue.updated_at),
        description=html_of(description) if description else None,
        children=[card_of(each, accounts, {}, today()) for each in children[:ISSUES_LISTED]],
        children_hidden=max(0, len(children) - ISSUES_LISTED),
        progress=progress_of(children),
        links=[(words, card_of(nearby[end], accounts, {}, today())) for words, end in links],
        remote_links=_remote_links(connection, issue),
        comments=_remarks(connection, issue, accounts),
        changes=_changes(connection, issue, accounts),
        decided_by=_who_moved(connection, issue, accounts),
        properties=_properties(connection, issue),
        approve=STEP_TO_APPROVE,
        reject=STEP_TO_REJECT,
        **_around(request),
    )


def _links(connection: Connection, issue: Issue) -> list[tuple[str, int]]:
    """Each link in words from this issue's side, and the issue at its other end."""
    links = tables.links
    mine = (links.c.source == issue.id) | (links.c.target == issue.id)
    found: list[tuple[str, int]] = []
    for row in connection.execute(select(links).where(mine).order_by(links.c.id)).mappings():
        kind, outward = LINK_TYPES[row["type"]], row["source"] == issue.id
        words = kind.outward if outward else kind.inward
        found.append((words, row["target"] if outward else row["source"]))
    return sorted(found)


def _remote_links(connection: Connection, issue: Issue) -> list[dict[str, str]]:
    chosen = select(tables.remote_links.c.link).where(tables.remote_links.c.issue == issue.id)
    return [link["object"] for link in connection.execute(chosen).scalars()]


def _remarks(connection: Connection, issue: Issue, accounts: dict[str, Account]) -> list[_Remark]:
    chosen = select(tables.comments).where(tables.comments.c.issue == issue.id)
    rows = connection.execute(chosen.order_by(tables.comments.c.id)).mappings()
    return [
        _Remark(accounts[row["author"]].name, moment(row["created_at"]), html_of(row["body"]))
        for row in rows
    ]


def _changes(
    connection: Connection, issue: Issue, accounts: dict[str, Account]
) -> list[tuple[str, str, list[str]]]:
    """Who changed what, newest first."""
    return [
        (accounts[row["author"]].name, moment(row["at"]), [change_text(i) for i in row["items"]])
        for row in reversed(read_histories(connection, [issue.id]))
    ]


def _who_moved(
    connection: Connection, issue: Issue, accounts: dict[str, Account]
) -> tuple[str, str]:
    """Who moved an issue last, and when; the reporter's creation where nobody did."""
    for row in reversed(read_histories(connection, [issue.id])):
        if any(item["fieldId"] == "status" for item in row["items"]):
            return accounts[row["author"]].name, moment(row["at"])
    return accounts[issue.creator].name, moment(issue.created_at)


def _properties(connection: Connection, issue: Issue) -> list[tuple[str, Any]]:
    chosen = select(tables.properties).where(tables.properties.c.issue == issue.id)
    return [(row["key"], row["value"]) for row in connection.execute(chosen).mappings()]


def _list_page(request: Request) -> Response:
    state, now = sandbox_of(request), now_ms()
    jql = request.query_params.get("jql") or DEFAULT_JQL
    around = _around(request)
    actor: Account | None = around["actor"]
    zone = actor.zone if actor else "UTC"
    try:
        query = parse(jql, Asker(actor.account_id if actor else "", zone, now))
    except JqlWrong as error:
        around |= {"jql": jql, "wrong": str(error), "cards": [], "more": False}
        return page("jira_list.html", status=400, **around)
    catch_up(state.engine, now - int(state.behaviour.search_lag_seconds * 1000))
    found = find(state.engine, query, 0, ISSUES_LISTED)
    with reading(state.engine) as connection:
        accounts = all_accounts(connection)
        epics = read_issues(connection, {each.parent or 0 for each in found.issues})
    cards = [card_of(each, accounts, epics, today()) for each in found.issues]
    around |= {"jql": jql, "wrong": "", "cards": cards, "more": not found.is_last}
    return page("jira_list.html", **around)


def _local(address: str) -> str:
    """An address of this site, whatever a form says."""
    parts = urlsplit(address)
    path = quote(parts.path) if parts.path.startswith("/") else f"/jira/browse/{PROJECT_KEY}"
    return f"{path}?{parts.query}" if parts.query else path
