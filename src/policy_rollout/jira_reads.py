"""The calls that read issues, one function each, with their limits and pages. Edge."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any, TypeVar

from policy_rollout import jira_wire as wire
from policy_rollout.errors import ServiceUnavailable
from policy_rollout.jira_site import SERVICE, Call, JiraSite, statuses_of
from policy_rollout.observed import Comment, TextEdit, Transition
from policy_rollout.work import State

_FETCH_LIMIT = 100  # issues in one bulkfetch, by Jira's documentation
_CHANGELOG_LIMIT = 1_000  # issues in one changelog/bulkfetch, by Jira's documentation
_LABELS_IN_A_SEARCH = 50

T = TypeVar("T")


class IssueReads:
    """Reads issues of one project of a site. Safe to share between threads."""

    def __init__(self, site: JiraSite, project: str) -> None:
        self._site = site
        self._project = project
        self._keys_by_id: dict[str, str] = {}  # the changelog in bulk tells ids only
        self._states: dict[str, State] = {}  # of statuses, by id and some by name

    def fetch(
        self,
        issue_keys: Sequence[str],
        fields: Sequence[str],
        parse: Callable[[wire.RawIssue], T],
    ) -> list[T]:
        """Issues by key in bulk; Jira leaves out the keys that it does not know."""

        def parse_some(answer: Any) -> list[T]:
            found = wire.parse_issues(answer)
            self._keys_by_id |= {each.issue_id: each.issue_key for each in found}
            self._states |= dict(filter(None, map(wire.parse_status, found)))
            return [parse(each) for each in found]

        calls = [_fetching(some, fields) for some in _chunks(issue_keys, _FETCH_LIMIT)]
        return [each for part in self._site.send_all(calls, parse_some) for each in part]

    def after(self, number: int, at_least_to: int) -> Iterator[wire.RawIssue]:
        """The project's issues after a number, until a whole range holds none.

        A gap below `at_least_to` does not end it: somebody may have deleted a hundred issues.
        """
        for start in count(number + 1, _FETCH_LIMIT):
            keys = [f"{self._project}-{each}" for each in range(start, start + _FETCH_LIMIT)]
            found = self.fetch(keys, ("labels",), _as_it_is)
            if not found and start > at_least_to:
                return
            yield from found

    def labelled(self, keys: Sequence[str]) -> Iterator[wire.RawIssue]:
        for some in _chunks(keys, _LABELS_IN_A_SEARCH):
            labels = ", ".join(f'"{wire.LABEL}/{key}"' for key in some)
            jql = f'project = "{self._project}" AND labels in ({labels})'
            yield from self.search(jql, f"looking for {count_of(some)} by label")

    def strangers(self, label: str, keys: Sequence[str]) -> Iterator[wire.RawIssue]:
        """What carries the label and was made by others, or carries one of these stable keys."""
        doing = f"looking for issues that carry the label {label} unplanned"
        others = "creator != currentUser()"
        for some in _chunks(keys, _LABELS_IN_A_SEARCH) if keys else ((),):
            labels = ", ".join(f'"{wire.LABEL}/{key}"' for key in some)
            either = f"({others} OR labels in ({labels}))" if labels else others
            yield from self.search(f'labels = "{label}" AND {either}', doing)

    def search(
        self, jql: str, doing: str, fields: Sequence[str] = ("labels",)
    ) -> Iterator[wire.RawIssue]:
        body = {**_query(jql, _FETCH_LIMIT), "fields": list(fields)}
        call = Call("POST", "search/jql", doing, body=body)
        yield from self._pages(call, wire.parse_page)

    def first(self, jql: str, doing: str) -> wire.RawIssue | None:
        call = Call("POST", "search/jql", doing, body=_query(jql, 1))
        return next(iter(self._site.send(call, wire.parse_page).items), None)

    def history(self, issue_keys: Collection[str]) -> tuple[list[Transition], list[TextEdit]]:
        """Changes of status and of description, in no order."""
        known = frozenset(self._keys_by_id.values())
        self.fetch([key for key in issue_keys if key not in known], ("status",), _as_it_is)
        keys = self._ids_of(issue_keys)
        if not keys:
            return [], []
        # Few histories have no status that all issues read so far have left.
        asking = self._site.beside(self._ask_for_states)
        changes = list(self._changes(list(keys), wire.HISTORY_FIELDS))
        moves = [each for each in changes if each.field == "status"]
        asking.result()
        return (
            [wire.transition(each, keys[each.issue_id], self._states) for each in moves],
            [wire.text_edit(each, keys[each.issue_id]) for each in changes if each not in moves],
        )

    def edits(
        self, issue_keys: Collection[str], fields: Sequence[str]
    ) -> list[tuple[str, wire.HistoryItem]]:
        """Changes of fields of issues that were fetched before, by Jira key, oldest first."""
        keys = self._ids_of(issue_keys)
        changes = self._changes(list(keys), fields)
        return [(keys[each.issue_id], each) for each in sorted(changes, key=lambda one: one.at)]

    def _ids_of(self, issue_keys: Collection[str]) -> dict[str, str]:
        known = tuple(self._keys_by_id.items())  # another thread may be reading more
        return {each: key for each, key in known if key in issue_keys}

    def _changes(self, ids: Sequence[str], fields: Sequence[str]) -> Iterator[wire.HistoryItem]:
        for some in _chunks(ids, _CHANGELOG_LIMIT):
            body = {
                "issueIdsOrKeys": list(some),
                "fieldIds": list(fields),
                "maxResults": _CHANGELOG_LIMIT,
            }
            doing = f"reading the history of {count_of(some)}"
            call = Call("POST", "changelog/bulkfetch", doing, body=body)
            yield from self._pages(call, partial(wire.parse_changes, fields=fields))

    def workflow(self) -> dict[str, dict[str, State]]:
        return self._site.send(statuses_of(self._project), wire.parse_workflow)

    def _ask_for_states(self) -> None:
        """What the statuses of the project mean, also those that no issue read so far stands on."""
        self._states |= self._site.send(statuses_of(self._project), wire.parse_statuses)

    def _pages(self, call: Call, parse: Callable[[Any], wire.Page[T]]) -> Iterator[T]:
        """All items of an answer in pages.

        Raises:
            ServiceUnavailable: a page leads back to one before, as Jira's have been seen to do;
                going on would never end, and stopping would leave issues out.
        """
        asked = call
        seen: set[str] = set()
        while True:
            page = self._site.send(asked, parse)
            yield from page.items
            if not page.next_token:
                return
            if page.next_token in seen:
                raise ServiceUnavailable(SERVICE, call.doing, "its pages lead in a circle")
            seen.add(page.next_token)
            asked = replace(call, body={**call.body, "nextPageToken": page.next_token})

    def comments(self, issues: Sequence[wire.FoundIssue]) -> Iterator[Comment]:
        """The comments of our issues; asked for one by one where Jira left some out."""
        for issue in issues:
            if issue.ours is not None:
                whole = issue.comments.whole
                yield from issue.comments.comments if whole else self.comments_of(issue.issue_key)

    def comments_of(self, issue_key: str) -> Iterator[Comment]:
        seen, whole = 0, False
        while not whole:
            call = Call(
                "GET",
                f"issue/{issue_key}/comment",
                f"reading the comments of {issue_key}",
                params={"startAt": seen, "maxResults": _FETCH_LIMIT},
            )
            parse = partial(wire.parse_comments, issue_key=issue_key, before=seen)
            page = self._site.send(call, parse)
            yield from page.comments
            seen += len(page.comments)
            whole = page.whole or not page.comments


def count_of(things: Sequence[object]) -> str:
    return f"{len(things)} issue{'s' * (len(things) != 1)}"


def _chunks(things: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(things), size):
        yield things[start : start + size]


def _fetching(issue_keys: Sequence[str], fields: Sequence[str]) -> Call:
    body = {
        "issueIdsOrKeys": list(issue_keys),
        "fields": list(fields),
        "properties": [wire.PROPERTY],
    }
    return Call("POST", "issue/bulkfetch", f"reading {count_of(issue_keys)}", body=body)


def _query(jql: str, most: int) -> dict[str, Any]:
    return {
        "jql": jql,
        "fields": ["labels"],
        "properties": [wire.PROPERTY],
        "maxResults": most,
    }


def _as_it_is(issue: wire.RawIssue) -> wire.RawIssue:
    return issue
