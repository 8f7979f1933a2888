"""What somebody does with a running sandbox from outside: add people, act as one, order faults.

Talks HTTP to a sandbox on loopback. Used by the tests and by whoever plays the people of a
program in a trial.
"""

from dataclasses import dataclass
from typing import Any

import requests

SERVICE_EMAIL = "rollout@sandbox.example"
TOKEN = "sandbox"  # noqa: S105 - a made-up password for everybody on loopback
PROJECT = "POLICY"
TIMEOUT_SECONDS = (3.05, 30.0)


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running sandbox; `url` is its address without a slash at the end."""

    url: str
    email: str = SERVICE_EMAIL
    token: str = TOKEN
    project: str = PROJECT

    @property
    def jira_url(self) -> str:
        return f"{self.url}/jira"

    @property
    def sheets_url(self) -> str:
        return f"{self.url}/sheets"

    def add_person(self, email: str, name: str = "", *, hides_email: bool = False) -> str:
        """The account id of a person, who is added if the site does not know them yet."""
        given = {"email": email, "name": name, "hides_email": hides_email}
        account: str = self._admin("POST", "people", given)["accountId"]
        return account

    def remove_person(self, email: str) -> None:
        """Close an account: it keeps its id and can no longer sign in."""
        self._admin("DELETE", f"people/{email}", None)

    def set_faults(self, *rules: dict[str, Any]) -> None:
        """Replace all fault rules; see `faults.Rule` for the fields."""
        self._admin("POST", "faults", list(rules))

    def faults(self) -> list[dict[str, Any]]:
        """The rules in force; `used` is how often each hit."""
        rules: list[dict[str, Any]] = self._admin("GET", "faults", None)
        return rules

    def land_late_writes(self) -> None:
        """Let the writes of `late-commit` faults happen now."""
        self._admin("POST", "faults/land", None)

    def set_behaviour(self, **changes: Any) -> None:
        """Change some of `behaviour.Behaviour`, such as `search_lag_seconds`."""
        self._admin("POST", "behaviour", changes)

    def requests(self) -> list[dict[str, Any]]:
        """The requests to Jira and Sheets since the start or the last clearing, oldest first."""
        seen: list[dict[str, Any]] = self._admin("GET", "requests", None)
        return seen

    def clear_requests(self) -> None:
        self._admin("DELETE", "requests", None)

    def as_person(self, email: str) -> "Person":
        """Somebody who acts in Jira with their own account."""
        return Person(self.jira_url, email)

    def _admin(self, method: str, path: str, body: Any) -> Any:
        answer = requests.request(
            method, f"{self.url}/sandbox/{path}", json=body, timeout=TIMEOUT_SECONDS
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at work in Jira, through the same REST API as everybody."""

    jira_url: str
    email: str
    token: str = TOKEN

    def move(self, issue_key: str, status: str) -> None:
        """Move an issue to a status by its name.

        Raises:
            LookupError: no transition leads there.
        """
        path = f"issue/{issue_key}/transitions"
        offered = self.call("GET", path)["transitions"]
        for transition in offered:
            if transition["to"]["name"] == status:
                self.call("POST", path, {"transition": {"id": transition["id"]}})
                return
        names = ", ".join(each["to"]["name"] for each in offered)
        raise LookupError(f"{issue_key} cannot be moved to {status!r}; it can go to: {names}")

    def comment(self, issue_key: str, text: str) -> str:
        """The id of the new comment."""
        paragraph = {"type": "paragraph", "content": [{"type": "text", "text": text}]}
        body = {"type": "doc", "version": 1, "content": [paragraph]}
        made: str = self.call("POST", f"issue/{issue_key}/comment", {"body": body})["id"]
        return made

    def assign(self, issue_key: str, account: str | None) -> None:
        self.call("PUT", f"issue/{issue_key}/assignee", {"accountId": account})

    def edit(self, issue_key: str, **fields: Any) -> None:
        self.call("PUT", f"issue/{issue_key}", {"fields": fields})

    def delete(self, issue_key: str) -> None:
        self.call("DELETE", f"issue/{issue_key}")

    def issue(self, issue_key: str) -> Any:
        return self.call("GET", f"issue/{issue_key}")

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One request below /rest/api/3; anything but success raises `requests.HTTPError`."""
        answer = requests.request(
            method,
            f"{self.jira_url}/rest/api/3/{path}",
            json=body,
            auth=(self.email, self.token),
            timeout=TIMEOUT_SECONDS,
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None
