"""What a Jira site must have before the first write; tells all that is missing at once. Edge."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar

from policy_rollout.errors import Missing, ServiceError, ServiceRefused
from policy_rollout.jira_site import SERVICE, Call, JiraConnection, JiraSite, statuses_of
from policy_rollout.jira_wire import LINK_TYPE

PERMISSIONS = (
    "BROWSE_PROJECTS", "CREATE_ISSUES", "EDIT_ISSUES", "TRANSITION_ISSUES", "ADD_COMMENTS",
    "LINK_ISSUES", "ASSIGN_ISSUES",
)  # fmt: skip
_PAGE = 100
_FIELDS = ("summary", "description", "labels", "duedate", "assignee")
_FIELDS_OF_CHILDREN = (*_FIELDS, "parent")
_DONE = "done"
_GRANT = "Grant it to the service account in the project's permission scheme"
_LINKING = "Switch issue linking on in Jira's settings and add a link type of that name"
_BROWSE_USERS = "Give the service account the global permission 'Browse users and groups'"
_FILLED_BY_JIRA = frozenset({"project", "issuetype", "reporter"})

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Preflight:
    """What is missing; mail address to account id of those found; the service account's own id."""

    missing: tuple[Missing, ...]
    accounts: dict[str, str]
    own_account: str


@dataclass(frozen=True, slots=True)
class _Type:
    type_id: str
    name: str


@dataclass(frozen=True, slots=True)
class _Field:
    field_id: str
    name: str
    must_be_given: bool


@dataclass(frozen=True, slots=True)
class _Account:
    account: str
    email: str
    active: bool


def check_site(
    site: JiraSite, connection: JiraConnection, people: Mapping[str, str | None]
) -> Preflight:
    """Look at everything; a token that is not accepted ends the look, as nothing else can be seen.

    In three rounds of questions: those of a round go out at the same time.

    Raises:
        ServiceUnavailable: Jira is down, slow or throttling.
    """
    ask = _Questions(site, connection)
    own_account, project = ask.at_once([ask.own_account, ask.project])
    if isinstance(own_account, Missing):
        return Preflight((own_account,), {}, "")
    others: list[Callable[[], Any]] = [ask.link_types]
    others += [partial(ask.account, *each) for each in people.items()]
    if isinstance(project, Missing):
        links, *accounts = ask.at_once(others)
        missing = [project]
    else:
        of_project: list[Callable[[], Any]] = [ask.types, ask.statuses, ask.permissions]
        types, statuses, granted, links, *accounts = ask.at_once([*of_project, *others])
        missing = [
            *_of_types(ask, types),
            *(_of_answers(connection, statuses) if _has(types, connection.sign_off_type) else ()),
            *_of_permissions(connection, granted),
        ]
    found = dict(zip(people, accounts, strict=True))
    missing += [*_of_link_types(links), *(each for each in accounts if isinstance(each, Missing))]
    known = {email: each for email, each in found.items() if not isinstance(each, Missing)}
    return Preflight(tuple(missing), known, own_account)


def check_statuses(site: JiraSite, connection: JiraConnection) -> tuple[Missing, ...]:
    """What the project's workflows lack of the statuses that answer a sign-off or end work.

    Raises:
        ServiceUnavailable: Jira is down, slow or throttling.
    """
    found = _Questions(site, connection).statuses()
    return (*_of_answers(connection, found), *_of_ends(connection, found))


class _Questions:
    """What is asked of a site; each answers with what it found or, where refused, what is missing.

    Raises:
        ServiceUnavailable: Jira is down, slow or throttling.
    """

    def __init__(self, site: JiraSite, connection: JiraConnection) -> None:
        self._site = site
        self.connection = connection

    def at_once(self, questions: Sequence[Callable[[], Any]]) -> list[Any]:
        """The answers, in the order of the questions."""
        answers = self._site.side_by_side(questions)
        for each in answers:
            if isinstance(each, ServiceError):
                raise each
        return answers

    def own_account(self) -> str | Missing:
        call = Call("GET", "myself", "signing in")
        try:
            return self._site.send(call, lambda answer: str(answer["accountId"]))
        except ServiceRefused as error:
            if error.status not in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
                raise
            return _miss(
                f"API token of {self.connection.email}",
                f"HTTP {error.status}",
                f"a sign-in at {self._site.url}",
                "Make a new token in the account's security settings and set ROLLOUT_JIRA_EMAIL "
                "and ROLLOUT_JIRA_TOKEN",
            )

    def project(self) -> str | Missing:
        key = self.connection.project
        return self._ask(
            Call("GET", f"project/{key}", f"reading project {key}"),
            lambda answer: str(answer["key"]),
            name=f"project {key}",
            next_step="Set ROLLOUT_JIRA_PROJECT to the key of a project that the service account "
            "can browse",
        )

    def types(self) -> dict[str, _Type] | Missing:
        """By name."""
        project = self.connection.project
        name = f"issue types of project {project}"
        found = self._ask_pages(_types_path(project), _parse_types, name=name)
        return found if isinstance(found, Missing) else {each.name: each for each in found}

    def screen(self, issue_type: _Type) -> list[_Field] | Missing:
        path = f"{_types_path(self.connection.project)}/{issue_type.type_id}"
        return self._ask_pages(path, _parse_fields, name=self.screen_name(issue_type))

    def screen_name(self, issue_type: _Type) -> str:
        return f"create screen of {issue_type.name!r} in project {self.connection.project}"

    def statuses(self) -> dict[str, dict[str, str]] | Missing:
        """Issue type to status name to the key of its category."""
        return self._ask(
            statuses_of(self.connection.project),
            _parse_statuses,
            name=f"statuses of issue type {self.connection.sign_off_type!r}",
            next_step="Let the service account browse the project",
        )

    def permissions(self) -> frozenset[str] | Missing:
        project = self.connection.project
        params = {"projectKey": project, "permissions": ",".join(PERMISSIONS)}
        return self._ask(
            Call("GET", "mypermissions", "reading our permissions", params=params),
            _parse_permissions,
            name=f"permissions in {project}",
            next_step=_GRANT,
        )

    def link_types(self) -> tuple[str, ...] | Missing:
        call = Call("GET", "issueLinkType", "reading the link types")
        return self._ask(
            call, _parse_link_types, name=f"link type {LINK_TYPE!r}", next_step=_LINKING
        )

    def account(self, email: str, given: str | None) -> str | Missing:
        """The one active account of a mail address, or the account id given for it."""
        name = f"person {email}"
        answer = self._ask(
            _looking_for(email, given), _parse_accounts, name=name, next_step=_BROWSE_USERS
        )
        if isinstance(answer, Missing):
            return answer
        matches = [
            each
            for each in answer
            if each.active and (each.account == given if given else _same(each.email, email))
        ]
        return matches[0].account if len(matches) == 1 else _nobody(email, given, len(matches))

    def _ask(
        self, call: Call, parse: Callable[[Any], T], *, name: str, next_step: str
    ) -> T | Missing:
        try:
            return self._site.send(call, parse)
        except ServiceRefused as error:
            return _miss(name, f"HTTP {error.status}", "an answer", next_step)

    def _ask_pages(
        self, path: str, parse: Callable[[Any], tuple[list[T], int]], *, name: str
    ) -> list[T] | Missing:
        found: list[T] = []
        while True:
            params = {"startAt": len(found), "maxResults": _PAGE}
            call = Call("GET", path, f"reading the {name}", params=params)
            next_step = "Let the service account create issues in the project"
            page = self._ask(call, parse, name=name, next_step=next_step)
            if isinstance(page, Missing):
                return page
            some, total = page
            found += some
            if not some or len(found) >= total:
                return found


def _has(types: dict[str, _Type] | Missing, name: str) -> bool:
    return not isinstance(types, Missing) and name in types


def _types_path(project: str) -> str:
    return f"issue/createmeta/{project}/issuetypes"


def _of_types(ask: _Questions, found: dict[str, _Type] | Missing) -> Iterator[Missing]:
    """Types that are not there, and what the create screens of the others lack."""
    if isinstance(found, Missing):
        yield found
        return
    given = ask.connection
    sent = {
        given.epic_type: _FIELDS,
        given.task_type: _FIELDS_OF_CHILDREN,
        given.sign_off_type: _FIELDS_OF_CHILDREN,
    }
    there = [name for name in sent if name in found]
    screens = ask.at_once([partial(ask.screen, found[name]) for name in there])
    fields = dict(zip(there, screens, strict=True))
    for name, fields_sent in sent.items():
        if name in found:
            yield from _of_screen(ask.screen_name(found[name]), fields[name], fields_sent)
        else:
            yield _miss(
                f"issue type {name!r} of project {given.project}",
                _listed(found),
                "one of that name which the service account may create",
                "Add it to the project's issue types, or name the project's own in "
                "ROLLOUT_JIRA_EPIC_TYPE, ROLLOUT_JIRA_TASK_TYPE or ROLLOUT_JIRA_SIGN_OFF_TYPE",
            )


def _of_screen(
    screen: str, found: list[_Field] | Missing, sent: Collection[str]
) -> Iterator[Missing]:
    if isinstance(found, Missing):
        yield found
        return
    there = {each.field_id for each in found}
    for field_id in sent:
        if field_id not in there:
            yield _miss(
                f"field {field_id!r} on the {screen}",
                "none",
                "the field, since issues are created with it",
                "Add it to the screen in the project's settings",
            )
    for each in found:
        if each.must_be_given and each.field_id not in {*sent, *_FILLED_BY_JIRA}:
            yield _miss(
                f"field {each.name!r} on the {screen}",
                "required",
                "optional or with a default, since rollouts do not know it",
                "Make it optional, or give it a default in the project's settings",
            )


def _of_answers(
    connection: JiraConnection, found: dict[str, dict[str, str]] | Missing
) -> Iterator[Missing]:
    """The statuses that answer a sign-off."""
    if isinstance(found, Missing):
        yield found
        return
    issue_type = connection.sign_off_type
    categories = found.get(issue_type, {})
    for status, setting in (
        (connection.statuses.approved, "ROLLOUT_JIRA_APPROVED_STATUS"),
        (connection.statuses.rejected, "ROLLOUT_JIRA_REJECTED_STATUS"),
    ):
        name = f"status {status!r} of issue type {issue_type!r}"
        next_step = (
            "Add it to the workflow of that issue type, with a transition to it and with the "
            f"category Done, or name the workflow's own in {setting}"
        )
        if status not in categories:
            yield _miss(name, _listed(categories), "one of that name", next_step)
        elif categories[status] != _DONE:
            yield _miss(name, f"category {categories[status]!r}", f"category {_DONE!r}", next_step)


def _of_ends(
    connection: JiraConnection, found: dict[str, dict[str, str]] | Missing
) -> Iterator[Missing]:
    """The statuses that end work."""
    if isinstance(found, Missing):
        return  # told of the answers
    for issue_type in (connection.task_type, connection.epic_type):
        categories = found.get(issue_type, {})
        if _DONE not in categories.values():
            yield _miss(
                f"statuses of issue type {issue_type!r}",
                _listed(categories),
                "one with the category Done",
                "Add it to the workflow of that issue type, with a transition to it",
            )


def _of_permissions(
    connection: JiraConnection, found: frozenset[str] | Missing
) -> Iterator[Missing]:
    if isinstance(found, Missing):
        yield found
        return
    for each in PERMISSIONS:
        if each not in found:
            name = f"permission {each} in project {connection.project}"
            yield _miss(name, "not granted", "granted", _GRANT)


def _of_link_types(found: tuple[str, ...] | Missing) -> Iterator[Missing]:
    if isinstance(found, Missing):
        yield found
    elif LINK_TYPE not in found:
        yield _miss(f"link type {LINK_TYPE!r}", _listed(found), "one of that name", _LINKING)


def _nobody(email: str, given: str | None, matches: int) -> Missing:
    if given:
        return _miss(
            f"person {email}",
            f"no active account with the id {given!r}",
            "the account that the spec gives under `accounts`",
            "Copy the id from the address of the person's profile page in Jira",
        )
    return _miss(
        f"person {email}",
        f"{matches or 'no'} active accounts with that mail address",
        "exactly one",
        "See the spelling; where Jira hides the address, write the account id in the spec: "
        f"accounts: {{{email}: ACCOUNT_ID}}",
    )


def _miss(name: str, found: str, expected: str, next_step: str) -> Missing:
    return Missing(SERVICE, name, found, expected, next_step)


def _looking_for(email: str, given: str | None) -> Call:
    wanted = {"accountId": given} if given else {"query": email}
    return Call("GET", "user/search", f"looking for {email}", params={**wanted, "maxResults": 50})


def _parse_types(answer: Any) -> tuple[list[_Type], int]:
    found = answer.get("issueTypes") or answer.get("createMetaIssueType") or ()
    types = [_Type(str(each["id"]), str(each["name"])) for each in found]
    return types, int(answer.get("total") or len(types))


def _parse_fields(answer: Any) -> tuple[list[_Field], int]:
    found = answer.get("fields") or answer.get("results") or ()
    fields = [
        _Field(
            str(each.get("fieldId") or each["key"]),
            str(each.get("name") or ""),
            bool(each.get("required")) and not each.get("hasDefaultValue"),
        )
        for each in found
    ]
    return fields, int(answer.get("total") or len(fields))


def _parse_statuses(answer: Any) -> dict[str, dict[str, str]]:
    return {
        str(issue_type["name"]): {
            str(each["name"]): str((each.get("statusCategory") or {}).get("key"))
            for each in issue_type.get("statuses") or ()
        }
        for issue_type in answer
    }


def _parse_permissions(answer: Any) -> frozenset[str]:
    return frozenset(
        name for name, each in answer["permissions"].items() if each.get("havePermission")
    )


def _parse_link_types(answer: Any) -> tuple[str, ...]:
    return tuple(str(each["name"]) for each in answer["issueLinkTypes"])


def _parse_accounts(answer: Any) -> tuple[_Account, ...]:
    return tuple(
        _Account(
            str(each["accountId"]),
            str(each.get("emailAddress") or ""),
            each.get("active", True) is not False,
        )
        for each in answer
    )


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or "none"
