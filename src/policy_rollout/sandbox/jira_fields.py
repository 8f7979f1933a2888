"""Reads what a client wants to set: fields, updates and properties of an issue, checked.

All that is wrong with one issue is collected, as Jira does it: an error for each field.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Connection

from policy_rollout.sandbox.behaviour import Behaviour
from policy_rollout.sandbox.jira_accounts import Account, all_accounts
from policy_rollout.sandbox.jira_adf import NotADocument, check, text_of
from policy_rollout.sandbox.jira_issues import (
    Issue,
    NewIssue,
    NewLink,
    issue_id_of,
    read_issues,
)
from policy_rollout.sandbox.jira_project import (
    FIELDS,
    ISSUE_TYPES,
    LINK_TYPES,
    PRIORITIES,
    PROJECT_ID,
    PROJECT_KEY,
    IssueType,
)

SUMMARY_CHARACTERS = 255
LABEL_CHARACTERS = 255
TEXT_CHARACTERS = 32_767
PROPERTY_BYTES = 32_768
PROPERTY_KEY_CHARACTERS = 255


class FieldWrong(ValueError):
    """A value that a field cannot take; the text is what Jira's user reads."""


class InputRefused(ValueError):
    """All that is wrong with one issue."""

    def __init__(self, errors: dict[str, str]) -> None:
        self.errors = errors
        super().__init__("; ".join(f"{name}: {text}" for name, text in errors.items()))


@dataclass(slots=True)
class Site:
    """What values are checked against; lookups are remembered for one request."""

    connection: Connection
    behaviour: Behaviour
    accounts: dict[str, Account] = field(init=False)
    issues: dict[int, Issue | None] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.accounts = all_accounts(self.connection)

    def issue(self, given: Any) -> Issue | None:
        """The issue named by `{"key": ...}` or `{"id": ...}`."""
        named = given.get("key") or given.get("id") if isinstance(given, dict) else None
        issue_id = issue_id_of(str(named)) if named else None
        if issue_id is None:
            return None
        if issue_id not in self.issues:
            found = read_issues(self.connection, [issue_id])
            self.issues[issue_id] = found.get(issue_id)
        return self.issues[issue_id]


def read_new_issue(site: Site, given: Any) -> NewIssue:
    """An issue to create.

    Raises:
        InputRefused: with an error for each field that is wrong or missing.
    """
    if not isinstance(given, dict) or not isinstance(given.get("fields"), dict):
        raise InputRefused({"fields": "fields is required"})
    fields = given["fields"]
    errors = _wrong_project(fields)
    issue_type = _issue_type(site, fields.get("issuetype"))
    if issue_type is None:
        errors["issuetype"] = "Specify a valid issue type"
    values: dict[str, Any] = {}
    links = _collect_update(site, None, given.get("update", {}), values, errors)
    _collect(site, fields, values, errors)
    _require(site, values, errors)
    if issue_type is not None and values.get("parent") is not None:
        _check_hierarchy(site, issue_type, values["parent"], errors)
    properties = _read_properties(given.get("properties", []), errors)
    if errors or issue_type is None:
        raise InputRefused(errors)
    return NewIssue(issue_type.id, values, properties, links)


@dataclass(frozen=True, slots=True)
class Edit:
    fields: dict[str, Any]
    links: tuple[NewLink, ...]
    comments: tuple[dict[str, Any], ...]
    properties: dict[str, Any]


def read_edit(site: Site, issue: Issue, given: Any) -> Edit:
    """What is to become of an issue.

    Raises:
        InputRefused: with an error for each field that is wrong.
    """
    if not isinstance(given, dict):
        raise InputRefused({"fields": "an object is expected"})
    errors: dict[str, str] = {}
    values: dict[str, Any] = {}
    fields, updates = _object(given.get("fields")), dict(_object(given.get("update")))
    for name in fields.keys() & updates.keys():
        errors[name] = f"Field '{name}' cannot appear in both 'fields' and 'update'"
    comments = _read_comments(updates.pop("comment", []), errors)
    links = _collect_update(site, issue, updates, values, errors)
    _collect(site, fields, values, errors)
    if values.get("parent") is not None:
        _check_hierarchy(site, issue.issue_type, values["parent"], errors)
    properties = _read_properties(given.get("properties", []), errors)
    if errors:
        raise InputRefused(errors)
    return Edit(values, links, comments, properties)


def check_property(key: str, value: Any) -> None:
    """Accept an entity property.

    Raises:
        FieldWrong: the key or the value is too long.
    """
    if not key or len(key) > PROPERTY_KEY_CHARACTERS:
        raise FieldWrong(f"The property key has to be at most {PROPERTY_KEY_CHARACTERS} long.")
    if len(json.dumps(value).encode()) > PROPERTY_BYTES:
        raise FieldWrong(f"The property value has to be at most {PROPERTY_BYTES} bytes.")


def read_document(value: Any) -> Any:
    """A description or a comment.

    Raises:
        FieldWrong: it is no Atlassian Document, or too long.
    """
    try:
        check(value)
    except NotADocument as error:
        raise FieldWrong(
            f"Operation value must be an Atlassian Document (see the Atlassian Document Format): "
            f"{error}"
        ) from None
    if len(text_of(value)) > TEXT_CHARACTERS:
        raise FieldWrong(
            f"The entered text is too long. It exceeds the allowed limit of {TEXT_CHARACTERS:,} "
            "characters."
        )
    return value


def read_link(site: Site, given: Any) -> NewLink:
    """A link whose ends are given as `inwardIssue` (from) and `outwardIssue` (to).

    Raises:
        FieldWrong: the type or an end is unknown.
    """
    given = _object(given)
    wanted = _object(given.get("type"))
    for link_type in LINK_TYPES.values():
        if wanted.get("id") == link_type.id or wanted.get("name") == link_type.name:
            break
    else:
        raise FieldWrong(f"No issue link type with name '{wanted.get('name')}' found.")
    ends: list[int | None] = []
    for end in ("inwardIssue", "outwardIssue"):
        found = site.issue(given.get(end)) if end in given else None
        if end in given and found is None:
            raise FieldWrong("The issue no longer exists.")
        ends.append(found.id if found else None)
    return NewLink(link_type.id, ends[0], ends[1])


def _object(given: Any) -> dict[str, Any]:
    return given if isinstance(given, dict) else {}


def _wrong_project(fields: dict[str, Any]) -> dict[str, str]:
    project = _object(fields.get("project"))
    if project.get("key") == PROJECT_KEY or project.get("id") == PROJECT_ID:
        return {}
    return {"project": "Specify a valid project ID or key"}


def _issue_type(site: Site, given: Any) -> IssueType | None:
    given = _object(given)
    for issue_type in ISSUE_TYPES.values():
        named = given.get("id") == issue_type.id or given.get("name") == issue_type.name
        if named and issue_type.name not in site.behaviour.missing_issue_types:
            return issue_type
    return None


def _require(site: Site, values: dict[str, Any], errors: dict[str, str]) -> None:
    if not values.get("summary") and "summary" not in errors:
        errors["summary"] = "You must specify a summary of the issue."
    for name in sorted(site.behaviour.required_fields):
        if not values.get(name):
            errors.setdefault(name, f"{_field_name(name)} is required.")


def _collect(
    site: Site, given: dict[str, Any], values: dict[str, Any], errors: dict[str, str]
) -> None:
    """Add each readable field to the values, and what is wrong with the others to the errors."""
    for name, value in given.items():
        if name in {"project", "issuetype"}:
            continue
        if name not in READERS or not _settable(site, name):
            errors[name] = _off_screen(name)
            continue
        try:
            values[name] = READERS[name](site, value)
        except FieldWrong as error:
            errors[name] = str(error)


def _collect_update(
    site: Site, issue: Issue | None, given: Any, values: dict[str, Any], errors: dict[str, str]
) -> tuple[NewLink, ...]:
    """Apply `update` operations to the values; links come back."""
    links: list[NewLink] = []
    for name, operations in _object(given).items():
        if not _settable(site, name):
            errors[name] = _off_screen(name)
            continue
        try:
            for verb, value in _operations(operations):
                if name == "issuelinks" and verb == "add":
                    links.append(read_link(site, value))
                else:
                    held = values.get(name, issue.fields.get(name) if issue else None)
                    values[name] = _operated(site, name, held, verb, value)
        except FieldWrong as error:
            errors[name] = str(error)
    return tuple(links)


def _operations(given: Any) -> list[tuple[str, Any]]:
    """Verb and value of each operation on a field."""
    if not isinstance(given, list):
        raise FieldWrong("a list of operations is expected")
    if not all(isinstance(each, dict) and len(each) == 1 for each in given):
        raise FieldWrong("an operation is an object with one verb")
    return [next(iter(each.items())) for each in given]


def _operated(site: Site, name: str, held: Any, verb: str, value: Any) -> Any:
    """What a field holds after `set`, or labels after `add` or `remove`."""
    if verb == "set" and name in READERS:
        return READERS[name](site, value)
    if name != "labels" or verb not in {"add", "remove"}:
        raise FieldWrong(f"Field '{name}' does not support operation '{verb}'")
    before, label = set(held or ()), set(_read_labels(site, [value]))
    return sorted(before | label) if verb == "add" else sorted(before - label)


def _check_hierarchy(
    site: Site, issue_type: IssueType, parent: int, errors: dict[str, str]
) -> None:
    above = site.issue({"id": str(parent)})
    if above is None or above.issue_type.level != issue_type.level + 1:
        errors["parentId"] = "Given parent work item does not belong to appropriate hierarchy."


def _read_comments(operations: Any, errors: dict[str, str]) -> tuple[dict[str, Any], ...]:
    try:
        return tuple(_comment_body(*each) for each in _operations(operations))
    except FieldWrong as error:
        errors["comment"] = str(error)
        return ()


def _comment_body(verb: str, value: Any) -> dict[str, Any]:
    if verb != "add":
        raise FieldWrong(f"Field 'comment' does not support operation '{verb}'")
    body: dict[str, Any] = read_document(_object(value).get("body"))
    return body


def _read_properties(given: Any, errors: dict[str, str]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    if given is not None and not isinstance(given, list):
        errors["properties"] = "a list of objects with 'key' and 'value' is expected"
        return properties
    for each in given or []:
        key, value = str(_object(each).get("key", "")), _object(each).get("value")
        try:
            check_property(key, value)
        except FieldWrong as error:
            errors[f"properties.{key}"] = str(error)
        properties[key] = value
    return properties


def _settable(site: Site, name: str) -> bool:
    known = FIELDS.get(name)
    return known is not None and known.on_screen and name not in site.behaviour.fields_off_screen


def _off_screen(name: str) -> str:
    return f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."


def _field_name(name: str) -> str:
    return FIELDS[name].name if name in FIELDS else name


def _read_summary(_: Site, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise FieldWrong("You must specify a summary of the issue.")
    if "\n" in value or "\r" in value:
        raise FieldWrong("The summary is invalid because it contains newline characters.")
    if len(value) > SUMMARY_CHARACTERS:
        raise FieldWrong(f"Summary can't exceed {SUMMARY_CHARACTERS} characters.")
    return value


def _read_description(_: Site, value: Any) -> Any:
    return None if value is None else read_document(value)


def _read_due(_: Site, value: Any) -> str | None:
    if value is None:
        return None
    try:
        return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        raise FieldWrong(
            "Error parsing date string: the date must be of the format 'yyyy-MM-dd'"
        ) from None


def _read_labels(_: Site, value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise FieldWrong("data was not an array of strings")
    for label in value:
        if not label or " " in label:
            raise FieldWrong(f"The label '{label}' contains spaces which is invalid.")
        if len(label) > LABEL_CHARACTERS:
            raise FieldWrong(f"The label '{label}' exceeds {LABEL_CHARACTERS} characters.")
    return sorted(set(value))


def _read_account(site: Site, value: Any) -> str | None:
    if value is None:
        return None
    given = _object(value)
    if (wanted := given.get("accountId", given.get("id"))) is None and given:
        return None
    account = site.accounts.get(str(wanted))
    if account is None:
        raise FieldWrong(f"Specify a valid value: account {wanted!r} is unknown")
    if not account.active:
        raise FieldWrong(f"User '{account.account_id}' cannot be assigned issues.")
    return account.account_id


def _read_parent(site: Site, value: Any) -> int | None:
    if value is None:
        return None
    parent = site.issue(value)
    if parent is None:
        raise FieldWrong("Could not find valid 'id' or 'key' for the parent issue.")
    return parent.id


def _read_priority(_: Site, value: Any) -> str:
    given = _object(value)
    for priority_id, name in PRIORITIES.items():
        if given.get("id") == priority_id or given.get("name") == name:
            return priority_id
    raise FieldWrong("Specify a valid 'id' or 'name' for Priority")


READERS: dict[str, Callable[[Site, Any], Any]] = {
    "summary": _read_summary,
    "description": _read_description,
    "duedate": _read_due,
    "labels": _read_labels,
    "assignee": _read_account,
    "reporter": _read_account,
    "parent": _read_parent,
    "priority": _read_priority,
}
