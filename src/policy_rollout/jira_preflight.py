"""What a Jira site must have before the first write; tells all that is missing at once. Edge."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar

from policy_rollout.errors import Missing, ServiceError, ServiceRefused
from policy_rollout.jira_site import SERVICE, Call, JiraConnection, JiraSite
from policy_rollout.jira_wire import LINK_TYPE

PERMISSIONS = (
    "BROWSE_PROJECTS", "CREATE_ISSUES", "EDIT_ISSUES", "TRANSITION_ISSUES", "ADD_COMMENTS",
    "LINK_ISSUES", "ASSIGN_ISSUES",
)  # fmt: skip
_PAGE = 100
_FIELDS = ("summary", "description", "labels", "duedate", "assignee")
_FIELDS_OF_CHILDREN = (*_FIELDS, "parent")
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

    Raises:
        ServiceUnavailable: Jira is down, slow or throttling.
    """
    look = _Look(site, connection)
    own_account = look.own_account()
    if own_account is None:
        return Preflight(tuple(look.missing), {}, "")
    if look.project():
        look.types()
        look.permissions()
    look.link_type()
    accounts = look.people(people)
    return Preflight(tuple(look.missing), accounts, own_account)


def check_statuses(site: JiraSite, connection: JiraConnection) -> tuple[Missing, ...]:
    """What the project's workflows lack of the statuses that answer a sign-off or end work.

    Raises:
        ServiceUnavailable: Jira is down, slow or throttling.
    """
    look = _Look(site, connection)
    look.statuses()
    return tuple(look.missing)


class _Look:
    """One look at a site; `missing` grows as it goes."""

    def __init__(self, site: JiraSite, connection: JiraConnection) -> None:
        self._site = site
        self._connection = connection
        self.missing: list[Missing] = []

    def own_account(self) -> str | None:
        call = Call("GET", "myself", "signing in")
        try:
            return self._site.send(call, lambda answer: str(answer["accountId"]))
        except ServiceRefused as error:
            if error.status not in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
                raise
            self._miss(
                f"API token of {self._connection.email}",
                f"HTTP {error.status}",
                f"a sign-in at {self._site.url}",
                "Make a new token in the account's security settings and set ROLLOUT_JIRA_EMAIL "
                "and ROLLOUT_JIRA_TOKEN",
            )
            return None

    def project(self) -> bool:
        key = self._connection.project
        call = Call("GET", f"project/{key}", f"reading project {key}")
        return (
            self._ask(
                call,
                lambda answer: str(answer["key"]),
                name=f"project {key}",
                next_step="Set ROLLOUT_JIRA_PROJECT to the key of a project that the service "
                "account can browse",
            )
            is not None
        )

    def types(self) -> None:
        project = self._connection.project
        path = f"issue/createmeta/{project}/issuetypes"
        found = self._ask_pages(path, _parse_types, name=f"issue types of project {project}")
        if found is None:
            return
        by_name = {each.name: each for each in found}
        for name, fields in self._types_wanted().items():
            if name in by_name:
                self._screen(path, by_name[name], fields)
            else:
                self._miss(
                    f"issue type {name!r} of project {project}",
                    _listed(by_name),
                    "one of that name which the service account may create",
                    "Add it to the project's issue types, or name the project's own in "
                    "ROLLOUT_JIRA_EPIC_TYPE, ROLLOUT_JIRA_TASK_TYPE or ROLLOUT_JIRA_SIGN_OFF_TYPE",
                )
        if self._connection.sign_off_type in by_name:
            self._answer_statuses()

    def _types_wanted(self) -> dict[str, tuple[str, ...]]:
        """Issue type to the fields that we send when we create one."""
        given = self._connection
        return {
            given.epic_type: _FIELDS,
            given.task_type: _FIELDS_OF_CHILDREN,
            given.sign_off_type: _FIELDS_OF_CHILDREN,
        }

    def _screen(self, path: str, issue_type: _Type, sent: Collection[str]) -> None:
        screen = f"create screen of {issue_type.name!r} in project {self._connection.project}"
        found = self._ask_pages(f"{path}/{issue_type.type_id}", _parse_fields, name=screen)
        if found is None:
            return
        there = {each.field_id for each in found}
        for field_id in sent:
            if field_id not in there:
                self._miss(
                    f"field {field_id!r} on the {screen}",
                    "none",
                    "the field, since issues are created with it",
                    "Add it to the screen in the project's settings",
                )
        for each in found:
            if each.must_be_given and each.field_id not in {*sent, *_FILLED_BY_JIRA}:
                self._miss(
                    f"field {each.name!r} on the {screen}",
                    "required",
                    "optional or with a default, since rollouts do not know it",
                    "Make it optional, or give it a default in the project's settings",
                )

    def statuses(self) -> None:
        """Those that answer a sign-off, and for tasks and epics one that ends them."""
        found = self._answer_statuses()
        for issue_type in (self._connection.task_type, self._connection.epic_type):
            categories = (found or {}).get(issue_type, {})
            if found is not None and "done" not in categories.values():
                self._miss(
                    f"statuses of issue type {issue_type!r}",
                    _listed(categories),
                    "one with the category Done",
                    "Add it to the workflow of that issue type, with a transition to it",
                )

    def _answer_statuses(self) -> dict[str, dict[str, str]] | None:
        project, issue_type = self._connection.project, self._connection.sign_off_type
        call = Call("GET", f"project/{project}/statuses", f"reading the statuses of {project}")
        name = f"statuses of issue type {issue_type!r}"
        next_step = "Let the service account browse the project"
        found = self._ask(call, _parse_statuses, name=name, next_step=next_step)
        if found is not None:
            statuses = self._connection.statuses
            self._answer_status(found, statuses.approved, "ROLLOUT_JIRA_APPROVED_STATUS")
            self._answer_status(found, statuses.rejected, "ROLLOUT_JIRA_REJECTED_STATUS")
        return found

    def _answer_status(
        self, found: Mapping[str, Mapping[str, str]], status: str, setting: str
    ) -> None:
        issue_type = self._connection.sign_off_type
        name = f"status {status!r} of issue type {issue_type!r}"
        next_step = (
            "Add it to the workflow of that issue type, with a transition to it and with the "
            f"category Done, or name the workflow's own in {setting}"
        )
        categories = found.get(issue_type, {})
        if status not in categories:
            self._miss(name, _listed(categories), "one of that name", next_step)
        elif categories[status] != "done":
            self._miss(name, f"category {categories[status]!r}", "category 'done'", next_step)

    def permissions(self) -> None:
        project = self._connection.project
        params = {"projectKey": project, "permissions": ",".join(PERMISSIONS)}
        call = Call("GET", "mypermissions", "reading our permissions", params=params)
        next_step = "Grant it to the service account in the project's permission scheme"
        found = self._ask(
            call, _parse_permissions, name=f"permissions in {project}", next_step=next_step
        )
        for each in PERMISSIONS:
            if found is not None and each not in found:
                name = f"permission {each} in project {project}"
                self._miss(name, "not granted", "granted", next_step)

    def link_type(self) -> None:
        call = Call("GET", "issueLinkType", "reading the link types")
        name = f"link type {LINK_TYPE!r}"
        next_step = "Switch issue linking on in Jira's settings and add a link type of that name"
        found = self._ask(call, _parse_link_types, name=name, next_step=next_step)
        if found is not None and LINK_TYPE not in found:
            self._miss(name, _listed(found), "one of that name", next_step)

    def people(self, people: Mapping[str, str | None]) -> dict[str, str]:
        """Everybody is asked for at the same time."""
        asked = [_looking_for(email, given) for email, given in people.items()]
        answers = self._site.side_by_side(
            [partial(self._site.send, call, _parse_accounts) for call in asked]
        )
        told = zip(people.items(), answers, strict=True)
        found = {email: self._account(email, given, answer) for (email, given), answer in told}
        return {email: account for email, account in found.items() if account is not None}

    def _account(
        self, email: str, given: str | None, answer: tuple[_Account, ...] | ServiceError
    ) -> str | None:
        """The one active account of a mail address, or the account id given for it."""
        if isinstance(answer, ServiceRefused):
            self._miss(f"person {email}", f"HTTP {answer.status}", "an answer", _BROWSE_USERS)
            return None
        if isinstance(answer, ServiceError):
            raise answer
        matches = [
            each
            for each in answer
            if each.active and (each.account == given if given else _same(each.email, email))
        ]
        if len(matches) == 1:
            return matches[0].account
        self._miss_person(email, given, len(matches))
        return None

    def _miss_person(self, email: str, given: str | None, matches: int) -> None:
        if given:
            self._miss(
                f"person {email}",
                f"no active account with the id {given!r}",
                "the account that the spec gives under `accounts`",
                "Copy the id from the address of the person's profile page in Jira",
            )
        else:
            self._miss(
                f"person {email}",
                f"{matches or 'no'} active accounts with that mail address",
                "exactly one",
                "See the spelling; where Jira hides the address, write the account id in the spec: "
                f"accounts: {{{email}: ACCOUNT_ID}}",
            )

    def _ask(self, call: Call, parse: Callable[[Any], T], *, name: str, next_step: str) -> T | None:
        """The answer, or None where a refusal was noted as missing."""
        try:
            return self._site.send(call, parse)
        except ServiceRefused as error:
            self._miss(name, f"HTTP {error.status}", "an answer", next_step)
            return None

    def _ask_pages(
        self, path: str, parse: Callable[[Any], tuple[list[T], int]], *, name: str
    ) -> list[T] | None:
        found: list[T] = []
        while True:
            params = {"startAt": len(found), "maxResults": _PAGE}
            call = Call("GET", path, f"reading the {name}", params=params)
            next_step = "Let the service account create issues in the project"
            page = self._ask(call, parse, name=name, next_step=next_step)
            if page is None:
                return None
            some, total = page
            found += some
            if not some or len(found) >= total:
                return found

    def _miss(self, name: str, found: str, expected: str, next_step: str) -> None:
        self.missing.append(Missing(SERVICE, name, found, expected, next_step))


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
    """Issue type to status name to the key of its category."""
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
