"""The calls that read issues, one function each, with their limits and pages. Edge."""

from collections.abc import Collection, Iterator, Sequence
from functools import partial
from itertools import count

from policy_rollout import jira_wire as wire
from policy_rollout.jira_site import Call, JiraSite
from policy_rollout.observed import Comment, Transition

_FETCH_LIMIT = 100  # issues in one bulkfetch, by Jira's documentation
_CHANGELOG_LIMIT = 1_000  # issues in one changelog/bulkfetch, by Jira's documentation
_LABELS_IN_A_SEARCH = 50


class IssueReads:
    """Reads issues of one project of a site."""

    def __init__(self, site: JiraSite, project: str) -> None:
        self._site = site
        self._project = project
        self._keys_by_id: dict[str, str] = {}  # the changelog in bulk tells ids only
        self._statuses: wire.Statuses | None = None  # asked for when a history is first read

    def issue(self, issue_key: str, field: str) -> wire.RawIssue:
        params = {"fields": field, "properties": wire.PROPERTY}
        call = Call("GET", f"issue/{issue_key}", f"reading {issue_key}", params=params)
        return self._site.send(call, wire.parse_issue)

    def fetch(self, issue_keys: Sequence[str], fields: Sequence[str]) -> list[wire.RawIssue]:
        """Issues by key in bulk; unknown keys are left out by Jira."""
        found = [
            issue
            for some in _chunks(issue_keys, _FETCH_LIMIT)
            for issue in self._fetch_some(some, fields)
        ]
        self._keys_by_id.update({each.issue_id: each.issue_key for each in found})
        return found

    def _fetch_some(
        self, issue_keys: Sequence[str], fields: Sequence[str]
    ) -> tuple[wire.RawIssue, ...]:
        body = {
            "issueIdsOrKeys": list(issue_keys),
            "fields": list(fields),
            "properties": [wire.PROPERTY],
        }
        doing = f"reading {count_of(issue_keys)}"
        call = Call("POST", "issue/bulkfetch", doing, body=body)
        return self._site.send(call, wire.parse_issues)

    def after(self, number: int) -> Iterator[wire.RawIssue]:
        """The project's issues after a number, until a whole range holds none."""
        for start in count(number + 1, _FETCH_LIMIT):
            keys = [f"{self._project}-{each}" for each in range(start, start + _FETCH_LIMIT)]
            found = self.fetch(keys, ("labels",))
            if not found:
                return
            yield from found

    def labelled(self, keys: Sequence[str]) -> Iterator[wire.RawIssue]:
        for some in _chunks(keys, _LABELS_IN_A_SEARCH):
            labels = ", ".join(f'"{wire.LABEL}/{key}"' for key in some)
            jql = f'project = "{self._project}" AND labels in ({labels})'
            yield from self.search(jql, f"looking for {count_of(some)} by label")

    def search(self, jql: str, doing: str) -> Iterator[wire.RawIssue]:
        token = ""
        while True:
            page = self.search_page(jql, doing, token=token)
            yield from page.issues
            token = page.next_token
            if not token:
                return

    def search_page(
        self, jql: str, doing: str, *, most: int = _FETCH_LIMIT, token: str = ""
    ) -> wire.Page:
        body = {
            "jql": jql,
            "fields": ["labels"],
            "properties": [wire.PROPERTY],
            "maxResults": most,
            **({"nextPageToken": token} if token else {}),
        }
        return self._site.send(Call("POST", "search/jql", doing, body=body), wire.parse_page)

    def transitions(self, issue_keys: Collection[str]) -> list[Transition]:
        """Changes of status, in no order."""
        known = frozenset(self._keys_by_id.values())
        self.fetch([key for key in issue_keys if key not in known], ("status",))
        ids = [each for each, key in self._keys_by_id.items() if key in issue_keys]
        return [
            transition
            for some in _chunks(ids, _CHANGELOG_LIMIT)
            for transition in self._changes(some)
        ]

    def _changes(self, ids: Sequence[str]) -> Iterator[Transition]:
        parse = partial(
            wire.parse_changes, keys_by_id=self._keys_by_id, statuses=self._project_statuses()
        )
        body = {"issueIdsOrKeys": list(ids), "fieldIds": ["status"], "maxResults": _CHANGELOG_LIMIT}
        doing = f"reading the history of {count_of(ids)}"
        while True:
            call = Call("POST", "changelog/bulkfetch", doing, body=body)
            page = self._site.send(call, parse)
            yield from page.transitions
            if not page.next_token:
                return
            body = {**body, "nextPageToken": page.next_token}

    def _project_statuses(self) -> wire.Statuses:
        if self._statuses is None:
            path = f"project/{self._project}/statuses"
            call = Call("GET", path, f"reading the statuses of {self._project}")
            self._statuses = self._site.send(call, wire.parse_statuses)
        return self._statuses

    def comments(self, issues: Sequence[wire.RawIssue]) -> Iterator[Comment]:
        """The comments that came with the issues; the rest is asked for where some are left out."""
        for issue in issues:
            if issue.mark is None:
                continue
            page = wire.parse_comments(issue.issue_key, issue.fields.get("comment") or {})
            whole = len(page.comments) >= page.total and "comment" in issue.fields
            yield from page.comments if whole else self.comments_of(issue.issue_key)

    def comments_of(self, issue_key: str) -> Iterator[Comment]:
        seen = 0
        while True:
            call = Call(
                "GET",
                f"issue/{issue_key}/comment",
                f"reading the comments of {issue_key}",
                params={"startAt": seen, "maxResults": _FETCH_LIMIT},
            )
            page = self._site.send(call, partial(wire.parse_comments, issue_key))
            yield from page.comments
            seen += len(page.comments)
            if not page.comments or seen >= page.total:
                return


def count_of(things: Sequence[object]) -> str:
    return f"{len(things)} issue{'s' * (len(things) != 1)}"


def _chunks(things: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(things), size):
        yield things[start : start + size]
