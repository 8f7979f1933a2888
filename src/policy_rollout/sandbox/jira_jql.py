"""The part of JQL that the sandbox knows, as conditions on the search index. Pure.

`project`, `key`, `labels`, `issuetype`, `status`, `statusCategory`, `assignee`, `creator`,
`parent`, `created`, `updated`, `summary`, joined by AND and OR, and ORDER BY. Anything else is
refused, as Jira refuses what it cannot parse.
See https://support.atlassian.com/jira-service-management-cloud/docs/jql-fields/
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, false, func, not_, or_, select

from policy_rollout.sandbox.jira_issues import issue_id_of
from policy_rollout.sandbox.jira_project import (
    ISSUE_TYPES,
    PROJECT_KEY,
    PROJECTS,
    STATUSES,
)
from policy_rollout.sandbox.jira_tables import indexed, indexed_labels

TOKEN = re.compile(
    r"""\s*(?: (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<sign><=|>=|!=|!~|[=<>~(),])
    | (?P<word>[^\s=<>~!(),"']+) )""",
    re.VERBOSE,
)
WITHIN = re.compile(r"(?P<sign>[+-])(?P<number>\d+)(?P<unit>[mhdw])")
UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
TIME_FORMATS = ("%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y/%m/%d")


class JqlWrong(ValueError):
    """A query that cannot be parsed or names what does not exist."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and when: `updated >= "2026-01-02 10:00"` is meant in their zone."""

    account_id: str
    zone: str
    now_ms: int


@dataclass(frozen=True, slots=True)
class Query:
    """`where` is None for a query without any restriction."""

    where: ColumnElement[bool] | None
    order_by: tuple[ColumnElement[object], ...]


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str

    def is_word(self, *words: str) -> bool:
        return self.kind == "word" and self.text.lower() in words


END = Token("end", "the end of the query")


def parse(jql: str, asker: Asker) -> Query:
    """A query as a condition on the index and an order, newest first unless it says otherwise.

    Raises:
        JqlWrong: with Jira's kind of sentence.
    """
    return _Parser(_tokens(jql), asker).query()


def _tokens(jql: str) -> list[Token]:
    tokens: list[Token] = []
    place, rest = 0, jql.rstrip()
    while place < len(rest):
        found = TOKEN.match(rest, place)
        if found is None:
            at = len(rest) - len(rest[place:].lstrip()) + 1
            raise JqlWrong(f"Error in the JQL Query: The character at {at} is unexpected.")
        kind = str(found.lastgroup)
        text = found[kind]
        if kind == "text":
            text = re.sub(r"\\(.)", r"\1", text[1:-1])
        tokens.append(Token(kind, text))
        place = found.end()
    return tokens


class _Parser:
    def __init__(self, tokens: Sequence[Token], asker: Asker) -> None:
        self.tokens = tokens
        self.asker = asker
        self.place = 0

    def query(self) -> Query:
        where = None
        if self.next is not END and not self.next.is_word("order"):
            where = self.any_of()
        order = self.order() if self.next.is_word("order") else ()
        if self.next is not END:
            raise self.unexpected()
        return Query(where, (*order, indexed.c.id.desc()))

    @property
    def next(self) -> Token:
        return self.tokens[self.place] if self.place < len(self.tokens) else END

    def take(self) -> Token:
        token = self.next
        self.place += 1
        return token

    def unexpected(self) -> JqlWrong:
        return JqlWrong(
            f"Error in the JQL Query: Expecting something else but got '{self.next.text}'."
        )

    def expect(self, text: str) -> None:
        if self.next.text.lower() != text:
            raise JqlWrong(
                f"Error in the JQL Query: Expecting '{text}' but got '{self.next.text}'."
            )
        self.take()

    def any_of(self) -> ColumnElement[bool]:
        choices = [self.all_of()]
        while self.next.is_word("or"):
            self.take()
            choices.append(self.all_of())
        return or_(*choices) if len(choices) > 1 else choices[0]

    def all_of(self) -> ColumnElement[bool]:
        needs = [self.one()]
        while self.next.is_word("and"):
            self.take()
            needs.append(self.one())
        return and_(*needs) if len(needs) > 1 else needs[0]

    def one(self) -> ColumnElement[bool]:
        if self.next.is_word("not"):
            self.take()
            return not_(self.one())
        if self.next == Token("sign", "("):
            self.take()
            inside = self.any_of()
            self.expect(")")
            return inside
        return self.clause()

    def clause(self) -> ColumnElement[bool]:
        if self.next.kind == "sign" or self.next is END:
            raise self.unexpected()
        field = self.take().text
        operator = self.operator()
        if operator in {"is", "is not"}:
            self.expect("empty")
            empty = _empty(field)
            return empty if operator == "is" else not_(empty)
        values = self.values() if operator in {"in", "not in"} else [self.value()]
        return _condition(field, operator, values, self.asker)

    def operator(self) -> str:
        token = self.take()
        if token.is_word("not", "is"):
            if token.is_word("is") and not self.next.is_word("not"):
                return "is"
            second = self.take().text.lower()
            return f"{token.text.lower()} {second}"
        return token.text.lower()

    def values(self) -> list[str]:
        self.expect("(")
        found = [self.value()]
        while self.next == Token("sign", ","):
            self.take()
            found.append(self.value())
        self.expect(")")
        return found

    def value(self) -> str:
        if self.next.kind == "sign" or self.next is END:
            raise self.unexpected()
        token = self.take()
        if token.is_word("currentuser") and self.next == Token("sign", "("):
            self.take()
            self.expect(")")
            return self.asker.account_id
        return token.text

    def order(self) -> tuple[ColumnElement[object], ...]:
        self.take()
        self.expect("by")
        columns: list[ColumnElement[object]] = []
        while True:
            name = self.take().text.lower()
            if name not in ORDERS:
                raise JqlWrong(f"Not able to sort using field '{name}'.")
            ascending = not self.next.is_word("desc")
            if self.next.is_word("asc", "desc"):
                self.take()
            columns.append(ORDERS[name].asc() if ascending else ORDERS[name].desc())
            if self.next != Token("sign", ","):
                return tuple(columns)
            self.take()


ORDERS: dict[str, ColumnElement[object]] = {
    "created": indexed.c.created_at,
    "updated": indexed.c.updated_at,
    "key": indexed.c.id,
    "issuekey": indexed.c.id,
    "id": indexed.c.id,
    "status": indexed.c.status,
    "assignee": indexed.c.assignee,
}


def _condition(field: str, operator: str, values: list[str], asker: Asker) -> ColumnElement[bool]:
    name = field.lower()
    if name in {"created", "updated", "createddate", "updateddate"}:
        column = indexed.c.created_at if name.startswith("created") else indexed.c.updated_at
        return _compare_time(field, column, operator, values, asker)
    if name == "summary":
        return _contains(operator, values)
    if name not in ONE_OF:
        raise JqlWrong(f"Field '{field}' does not exist or you do not have permission to view it.")
    if operator in {"=", "in"}:
        return ONE_OF[name](values)
    if operator in {"!=", "not in"}:
        return not_(ONE_OF[name](values))
    raise JqlWrong(f"The operator '{operator}' is not supported by the '{field}' field.")


def _compare_time(
    field: str, column: ColumnElement[int], operator: str, values: list[str], asker: Asker
) -> ColumnElement[bool]:
    moment = _moment(field, values[0], asker)
    match operator:
        case ">=":
            return column >= moment
        case ">":
            return column > moment
        case "<=":
            return column <= moment
        case "<":
            return column < moment
    raise JqlWrong(f"The operator '{operator}' is not supported by the '{field}' field.")


def _moment(field: str, text: str, asker: Asker) -> int:
    """Milliseconds since 1970 of `-5m`, or of a date or a minute in the asker's zone."""
    if found := WITHIN.fullmatch(text):
        away = timedelta(**{UNITS[found["unit"]]: int(found["number"])})
        milliseconds = int(away.total_seconds() * 1000)
        return asker.now_ms + (milliseconds if found["sign"] == "+" else -milliseconds)
    for pattern in TIME_FORMATS:
        try:
            local = datetime.strptime(text, pattern).replace(tzinfo=ZoneInfo(asker.zone))
        except ValueError:
            continue
        return int(local.astimezone(UTC).timestamp() * 1000)
    raise JqlWrong(
        f"Date value '{text}' for field '{field}' is invalid. Valid formats include: "
        "'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format "
        "e.g. '-5d', '4w 2d'."
    )


def _contains(operator: str, values: list[str]) -> ColumnElement[bool]:
    if operator not in {"~", "!~"}:
        raise JqlWrong(f"The operator '{operator}' is not supported by the 'summary' field.")
    words = values[0].replace("*", "").split()
    found = and_(*(indexed.c.summary.icontains(word, autoescape=True) for word in words))
    return found if operator == "~" else not_(found)


def _empty(field: str) -> ColumnElement[bool]:
    match field.lower():
        case "assignee":
            return indexed.c.assignee.is_(None)
        case "parent":
            return indexed.c.parent.is_(None)
        case "labels":
            return indexed.c.id.not_in(select(indexed_labels.c.issue))
    raise JqlWrong(f"Field '{field}' does not exist or you do not have permission to view it.")


def _in_project(values: list[str]) -> ColumnElement[bool]:
    known: dict[str, str] = {}
    for key, (project_id, name) in PROJECTS.items():
        known |= {key.lower(): key, project_id: key, name.lower(): key}
    wanted = _named(values, known, "project")
    moved_to = indexed.c.snapshot["fields"]["project"].as_string()
    found: ColumnElement[bool] = func.coalesce(moved_to, PROJECT_KEY).in_(wanted)
    return found


def _by_key(values: list[str]) -> ColumnElement[bool]:
    return indexed.c.id.in_(_ids(values, "key"))


def _by_parent(values: list[str]) -> ColumnElement[bool]:
    return indexed.c.parent.in_(_ids(values, "parent"))


def _ids(values: list[str], field: str) -> list[int]:
    ids: list[int] = []
    for value in values:
        issue_id = issue_id_of(value)
        if issue_id is None:
            raise JqlWrong(f"The issue key '{value}' for field '{field}' is invalid.")
        ids.append(issue_id)
    return ids


def _by_label(values: list[str]) -> ColumnElement[bool]:
    labelled = select(indexed_labels.c.issue).where(indexed_labels.c.label.in_(values))
    return indexed.c.id.in_(labelled)


def _by_type(values: list[str]) -> ColumnElement[bool]:
    ids = {each.name.lower(): each.id for each in ISSUE_TYPES.values()}
    return indexed.c.type.in_(_named(values, ids, "issuetype"))


def _by_status(values: list[str]) -> ColumnElement[bool]:
    ids = {each.name.lower(): each.id for each in STATUSES.values()}
    return indexed.c.status.in_(_named(values, ids, "status"))


def _by_category(values: list[str]) -> ColumnElement[bool]:
    categories = {each.category for each in STATUSES.values()}
    keys = {each.name.lower(): each.key for each in categories}
    return indexed.c.category.in_(_named(values, keys, "statusCategory"))


def _named(values: list[str], known: dict[str, str], field: str) -> list[str]:
    found: list[str] = []
    for value in values:
        if value.lower() in known:
            found.append(known[value.lower()])
        elif value in known.values():
            found.append(value)
        else:
            raise JqlWrong(f"The value '{value}' does not exist for the field '{field}'.")
    return found


def _by_assignee(values: list[str]) -> ColumnElement[bool]:
    return indexed.c.assignee.in_(values) if values else false()


def _by_creator(values: list[str]) -> ColumnElement[bool]:
    found: ColumnElement[bool] = indexed.c.snapshot["creator"].as_string().in_(values)
    return found


ONE_OF: dict[str, Callable[[list[str]], ColumnElement[bool]]] = {
    "project": _in_project,
    "key": _by_key,
    "issuekey": _by_key,
    "id": _by_key,
    "parent": _by_parent,
    "labels": _by_label,
    "issuetype": _by_type,
    "type": _by_type,
    "status": _by_status,
    "statuscategory": _by_category,
    "assignee": _by_assignee,
    "creator": _by_creator,
}
