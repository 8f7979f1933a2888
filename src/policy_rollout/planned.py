"""Changes as people read them: what is done to which issue or row, with before and after. Pure."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from policy_rollout.comments import SayOnIssue
from policy_rollout.desired import DesiredRow, IssueKind, NewIssue
from policy_rollout.observed import ObservedIssue, World
from policy_rollout.plan import (
    AddRow,
    Change,
    CreateIssue,
    LinkIssues,
    MoveIssue,
    RewriteRow,
    UpdateIssue,
)
from policy_rollout.report.evidence import digest_shown
from policy_rollout.report.notice_text import Notice
from policy_rollout.work import State

NOT_KNOWN = "(as it was last written)"


class What(StrEnum):
    """The types of changes, in the order in which they are carried out."""

    CREATE = "create"
    ADD = "add"
    UPDATE = "update"
    REWRITE = "rewrite"
    LINK = "link"
    CLOSE = "close"
    REOPEN = "reopen"
    SAY = "say"
    NOTIFY = "notify"


SPOKEN = frozenset({What.SAY, What.NOTIFY})
"""What only tells people: it follows from the rest, and some of it from the time alone."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field or column; `before` is empty where there was none, `after` where there is none."""

    name: str
    before: str
    after: str

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines that a text gains (`+ `) and loses (`- `)."""
        compared = difflib.ndiff(self.before.splitlines(), self.after.splitlines())
        return tuple(each for each in compared if each.startswith(("+ ", "- ")) and each[2:])


@dataclass(frozen=True, slots=True)
class Planned:
    """One change. `key` is the stable key, or the mark of what is said; `where` the issue or tab.

    `rewrites` tells that a text of ours changes, and not only a date, a label or a link.
    """

    what: What
    key: str
    where: str
    title: str
    fields: tuple[FieldChange, ...] = ()
    rewrites: bool = False

    @property
    def name(self) -> tuple[str, str, str]:
        """What tells it from every other change of a plan."""
        link = self.fields[0].after if self.what is What.LINK else ""
        return self.what, self.key, link


@dataclass(frozen=True, slots=True)
class Texts:
    """What is known of issues beside the look: descriptions that were written, who has what."""

    descriptions: Mapping[str, str]
    people: Mapping[str, str]

    def person(self, account: str | None) -> str:
        return self.people.get(account or "", account or "")


def planned(steps: Iterable[tuple[Change, World]], texts: Texts) -> tuple[Planned, ...]:
    """One entry for each issue or row and type, also where several looks change it, by type."""
    found: dict[tuple[str, str, str], Planned] = {}
    for change, world in steps:
        shown = _shown(change, world, texts)
        created = found.get((What.CREATE, shown.key, ""))
        if shown.what is What.UPDATE and created is not None:
            found[created.name] = replace(created, fields=_merged(created.fields, shown.fields))
        elif shown.name in found:
            before = found[shown.name]
            fields = _merged(before.fields, shown.fields)
            found[shown.name] = replace(
                before, fields=fields, rewrites=before.rewrites or shown.rewrites
            )
        else:
            found[shown.name] = shown
    order = tuple(What)
    return tuple(sorted(found.values(), key=lambda each: order.index(each.what)))


def _merged(
    first: tuple[FieldChange, ...], then: tuple[FieldChange, ...]
) -> tuple[FieldChange, ...]:
    """From before the first to after the second."""
    fields = {each.name: each for each in first}
    for each in then:
        before = fields.get(each.name, each).before
        fields[each.name] = FieldChange(each.name, before, each.after)
    return tuple(each for each in fields.values() if each.before != each.after)


def _shown(change: Change, world: World, texts: Texts) -> Planned:  # noqa: PLR0911 - one a kind
    match change:
        case CreateIssue(issue=issue):
            return Planned(
                What.CREATE, issue.key, str(issue.kind), issue.summary, _first(issue, texts)
            )
        case AddRow(row=row):
            cells = tuple(FieldChange(name, "", text) for name, text in row.cells if text)
            return Planned(What.ADD, row.key, row.tab, _title_of(row.key, dict(row.cells)), cells)
        case UpdateIssue():
            return _update(change, world.issues[change.issue.key], texts)
        case RewriteRow(row=row):
            return _rewrite(row, dict(world.rows[row.key].machine))
        case LinkIssues(issue_key=issue_key, blocked_by=before):
            linked = next(each for each in world.issues.values() if each.issue_key == issue_key)
            link = FieldChange("is blocked by", "", before)
            return Planned(What.LINK, linked.key, issue_key, linked.summary, (link,))
        case MoveIssue(key=key, issue_key=issue_key, to=to):
            moved = world.issues[key]
            what = What.CLOSE if to is State.DONE else What.REOPEN
            status = FieldChange("status", moved.status or words(moved.state), words(to))
            return Planned(what, key, issue_key, moved.summary, (status,))
        case SayOnIssue(issue_key=issue_key, text=text, mark=mark):
            said = (FieldChange("comment", "", text),)
            return Planned(What.SAY, mark, issue_key, text.partition("\n")[0], said)
        case Notice():
            told = (FieldChange("to", "", ", ".join(change.people)),)
            return Planned(What.NOTIFY, change.mark, change.issue_key, change.title, told)


def words(state: State) -> str:
    return str(state).replace("_", " ")


def _title_of(key: str, cells: Mapping[str, str]) -> str:
    title = cells.get("Material") or cells.get("Item") or key
    part = cells.get("Language") or cells.get("Market or language")
    return f"{title} ({part})" if part else title


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def _first(issue: NewIssue, texts: Texts) -> tuple[FieldChange, ...]:
    fields = {
        "summary": issue.summary,
        "due": _day(issue.due_on),
        "assignee": texts.person(issue.assignee),
        "parent": issue.parent or "",
        "labels": ", ".join(issue.labels),
        **_text(issue, issue.description),
    }
    return tuple(FieldChange(name, "", text) for name, text in fields.items() if text)


def _text(issue: NewIssue, text: str) -> dict[str, str]:
    """The description; of a sign-off, whose text tells the minute, the digest that it asks for."""
    if issue.kind is IssueKind.SIGN_OFF:
        return {"text to sign": digest_shown(text)}
    return {"description": text}


def _update(change: UpdateIssue, observed: ObservedIssue, texts: Texts) -> Planned:
    issue = change.issue
    before = {
        "summary": observed.summary,
        "due": _day(observed.due_on),
        "labels": ", ".join(sorted(each for each in observed.labels if each.startswith("rollout"))),
    }
    after = {
        "summary": issue.summary,
        "due": _day(issue.due_on),
        "labels": ", ".join(sorted(issue.labels)),
    }
    if issue.parent is not None:  # there only where it is to be changed
        before |= {"parent": observed.parent or ""}
        after |= {"parent": issue.parent}
    rewrites = observed.content_digest != issue.content_digest
    if rewrites:
        known, wanted = texts.descriptions.get(issue.key), _text(issue, issue.description)
        if known is None or known == issue.description:  # it is not what stands there
            before |= dict.fromkeys(wanted, NOT_KNOWN)
        else:
            before |= _text(issue, known)
        after |= wanted
    if change.undoes:
        before |= {"description": "(edited by somebody else)"}
        after |= {"description": issue.description}
    names = dict.fromkeys((*before, *after))
    fields = [FieldChange(name, before.get(name, ""), after.get(name, "")) for name in names]
    return Planned(
        What.UPDATE,
        issue.key,
        change.issue_key,
        issue.summary,
        tuple(each for each in fields if each.before != each.after),
        rewrites=rewrites,
    )


_TEXT_COLUMNS = frozenset({"Material", "Kind", "Pass mark", "List", "Item", "Language"})


def _rewrite(row: DesiredRow, before: Mapping[str, str]) -> Planned:
    fields = tuple(
        FieldChange(name, before[name], text)
        for name, text in row.cells
        if name in before and before[name] != text
    )
    rewrites = any(each.name in _TEXT_COLUMNS for each in fields)
    title = _title_of(row.key, {**before, **dict(row.cells)})
    return Planned(What.REWRITE, row.key, row.tab, title, fields, rewrites=rewrites)
