"""What people do to issues: see `edits_by_people`."""

from collections.abc import Callable
from typing import Any

from edits_by_people import Crowd

from policy_rollout.sandbox.control import Sandbox


def _issue(crowd: Crowd, *, ours: bool = True) -> str:
    found = issues(crowd.sandbox)
    keys = [key for key in sorted(found) if not ours or found[key]["mark"]]
    if not keys:
        raise LookupError("no issue yet")
    return crowd.random.choice(keys)


def issues(sandbox: Sandbox) -> dict[str, dict[str, Any]]:
    """All issues of the site by Jira key: fields, and the stable key in the mark (or nothing)."""
    us = sandbox.as_person(sandbox.email)
    body = {
        "jql": "project in (POLICY, LEGAL) ORDER BY key",
        "fields": ["*all"],
        "properties": ["rollout"],
        "maxResults": 100,
    }
    found: dict[str, dict[str, Any]] = {}
    while True:
        page = us.call("POST", "search/jql", body)
        for each in page["issues"]:
            mark = each.get("properties", {}).get("rollout", {}).get("key", "")
            found[each["key"]] = {"fields": each["fields"], "mark": mark}
        if not page.get("nextPageToken"):
            return found
        body = {**body, "nextPageToken": page["nextPageToken"]}


def move(crowd: Crowd) -> bool:
    crowd_member = _somebody(crowd)
    status = crowd.random.choice(["To Do", "In Progress", "Blocked", "Done"])
    crowd_member.move(_issue(crowd, ours=False), status)
    return True


def reassign(crowd: Crowd) -> bool:
    who = crowd.random.choice([None, *crowd.emails])
    account = crowd.sandbox.add_person(who) if who else None
    _somebody(crowd).assign(_issue(crowd, ours=False), account)
    return True


def rename(crowd: Crowd) -> bool:
    _somebody(crowd).edit(_issue(crowd), summary=crowd.text())
    return True


def describe(crowd: Crowd) -> bool:
    text = {"type": "paragraph", "content": [{"type": "text", "text": crowd.text()}]}
    description = {"type": "doc", "version": 1, "content": [text]}
    _somebody(crowd).edit(_issue(crowd), description=description)
    return True


def postpone(crowd: Crowd) -> bool:
    _somebody(crowd).edit(_issue(crowd), duedate=crowd.random.choice(["2031-01-01", None]))
    return True


def label(crowd: Crowd) -> bool:
    """Add one of theirs, take away one of ours, or both."""
    key, who = _issue(crowd), _somebody(crowd)
    labels = who.issue(key)["fields"]["labels"]
    ours = [each for each in labels if each.startswith("rollout")]
    if ours and crowd.random.random() < 0.5:
        labels.remove(crowd.random.choice(ours))
    if crowd.random.random() < 0.7:
        labels.append(crowd.random.choice(["urgent", "q3", "legal-hold", "rolled-out"]))
    who.edit(key, labels=labels)
    return True


def prioritise(crowd: Crowd) -> bool:
    name = crowd.random.choice(["Highest", "High", "Low"])
    _somebody(crowd).edit(_issue(crowd, ours=False), priority={"name": name})
    return True


def comment(crowd: Crowd) -> bool:
    _somebody(crowd).comment(_issue(crowd, ours=False), crowd.text())
    return True


def delete(crowd: Crowd) -> bool:
    _somebody(crowd).delete(_issue(crowd, ours=False))
    return True


def clone(crowd: Crowd) -> bool:
    _somebody(crowd).clone(_issue(crowd), with_property=False)
    return True


def clone_with_property(crowd: Crowd) -> bool:
    _somebody(crowd).clone(_issue(crowd), with_property=True)
    return True


def move_to_another_project(crowd: Crowd) -> bool:
    crowd.sandbox.move_elsewhere(_issue(crowd), crowd.random.choice(crowd.emails), project="LEGAL")
    return True


def remove_property(crowd: Crowd) -> bool:
    _somebody(crowd).call("DELETE", f"issue/{_issue(crowd)}/properties/rollout")
    return True


def convert(crowd: Crowd) -> bool:
    to = crowd.random.choice(["Task", "Sign-off", "Epic"])
    crowd.sandbox.move_elsewhere(_issue(crowd), crowd.random.choice(crowd.emails), issue_type=to)
    return True


def change_parent(crowd: Crowd) -> bool:
    found = issues(crowd.sandbox)
    epics = [key for key, each in found.items() if each["fields"]["issuetype"]["name"] == "Epic"]
    parent = crowd.random.choice([None, *epics])
    _somebody(crowd).edit(_issue(crowd), parent={"key": parent} if parent else None)
    return True


def link(crowd: Crowd) -> bool:
    kind = crowd.random.choice(["Blocks", "Relates"])
    one, other = _issue(crowd, ours=False), _issue(crowd, ours=False)
    body = {"type": {"name": kind}, "inwardIssue": {"key": one}, "outwardIssue": {"key": other}}
    _somebody(crowd).call("POST", "issueLink", body)
    return True


def unlink(crowd: Crowd) -> bool:
    links = [
        each["id"]
        for issue in issues(crowd.sandbox).values()
        for each in issue["fields"]["issuelinks"]
    ]
    if not links:
        return False
    _somebody(crowd).call("DELETE", f"issueLink/{crowd.random.choice(links)}")
    return True


def _somebody(crowd: Crowd) -> Any:
    return crowd.sandbox.as_person(crowd.random.choice(crowd.emails))


JIRA_EDITS: dict[str, tuple[Callable[[Crowd], bool], int]] = {
    "move": (move, 15),
    "reassign": (reassign, 10),
    "rename": (rename, 8),
    "describe": (describe, 6),
    "change the due date": (postpone, 6),
    "label": (label, 8),
    "prioritise": (prioritise, 6),
    "comment": (comment, 8),
    "delete": (delete, 1),
    "clone": (clone, 2),
    "clone with its property": (clone_with_property, 2),
    "move to another project": (move_to_another_project, 1),
    "remove the property": (remove_property, 1),
    "convert": (convert, 1),
    "change the parent": (change_parent, 3),
    "link": (link, 3),
    "unlink": (unlink, 2),
}
