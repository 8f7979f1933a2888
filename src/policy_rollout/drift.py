"""Drift: what Jira and the workbook hold that nobody planned, who did it, what would mend it. Pure.

A difference that the program's own next pass is about to make (an amended date, a sign-off that is
asked for anew) is no drift: a text or date counts only where we had written it so, or where
somebody else was the last to edit it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from policy_rollout.adf import to_adf, to_text
from policy_rollout.desired import DesiredRow, IssueKind, NewIssue
from policy_rollout.observed import ObservedRow, Oddity
from policy_rollout.outline import Outline
from policy_rollout.plan import Asking, desired_issues, desired_rows
from policy_rollout.program import ProgramState
from policy_rollout.surveyed import FieldEdit, Survey, SurveyedIssue
from policy_rollout.work import epic_key

JIRA_TELLS_NOBODY = "somebody whom Jira does not name"
SHEETS_TELLS_NOBODY = "somebody whom Google Sheets does not name"
_WAITS_FOR = "rollout/waits-for/"
_FIELDS = {"summary": "summary", "description": "description", "duedate": "due date"}


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs: where, what, who did it as far as anything tells, what mends it."""

    where: str
    what: str
    who: str
    mend: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        by = f" (by {self.who})" if self.who else ""
        return f"{self.where}: {self.what}{by}. {self.mend}"


@dataclass(frozen=True, slots=True)
class Rows:
    """The program's rows by key, and what the workbook has that is odd."""

    rows: Mapping[str, ObservedRow]
    oddities: Sequence[Oddity]


@dataclass(frozen=True, slots=True)
class Compared:
    """What is compared: the program as the journal has it, and all that was found outside."""

    outline: Outline
    state: ProgramState
    asking: Asking
    survey: Survey
    rows: Rows

    def differences(self) -> tuple[Difference, ...]:
        """All of them: the workflow, the issues that are ours, those that are not, the rows."""
        missing = (
            Difference(
                f"{each.service}, {each.name}",
                f"found {each.found}, expected {each.expected}",
                "",
                f"{each.next_step}.",
            )
            for each in self.survey.missing
        )
        return (*missing, *self._ours(), *self._others(), *self._rows())

    # Issues that the journal knows

    def _ours(self) -> Iterator[Difference]:
        by_key = {each.issue_key: each for each in self.survey.issues}
        wanted = {each.key: each for each in self._desired()}
        for key, issue_key in sorted(self.state.issues.items(), key=lambda each: each[1]):
            found = by_key.get(issue_key)
            where = f"{issue_key} ({key})"
            if found is None:
                yield self._gone(key, issue_key)
            elif not found.mark:
                yield Difference(
                    where,
                    "its mark (the entity property `rollout`) was removed, so it is left alone",
                    JIRA_TELLS_NOBODY,
                    f"Delete the issue. {self._again(key)}",
                )
            elif found.mark != key:
                yield Difference(
                    where,
                    f"it carries the mark of {found.mark}",
                    JIRA_TELLS_NOBODY,
                    _BY_HAND,
                )
            elif key in wanted:
                yield from self._fields(wanted[key], found, where)
                yield from self._links(key, found, by_key, where)

    def _desired(self) -> Iterator[NewIssue]:
        return desired_issues(self.outline, self.state, self.asking)

    def _gone(self, key: str, issue_key: str) -> Difference:
        moved = next((each for each in self._everything() if each.mark == key), None)
        where = f"{issue_key} ({key})"
        if moved is not None and moved.issue_key.partition("-")[0] != issue_key.partition("-")[0]:
            return Difference(
                where,
                f"it was moved to another project, as {moved.issue_key}",
                self._who(moved.issue_key, "project"),
                f"Move it back, or leave it there. {self._again(key)}",
            )
        return Difference(
            where,
            "it was deleted, or is hidden from the service account",
            "somebody whom Jira's audit log may name",
            self._again(key),
        )

    def _everything(self) -> tuple[SurveyedIssue, ...]:
        return (*self.survey.issues, *self.survey.labelled)

    def _fields(self, wanted: NewIssue, found: SurveyedIssue, where: str) -> Iterator[Difference]:
        as_written = found.content_digest == wanted.content_digest
        last = {field: self._foreign(found.issue_key, field) for field in (*_FIELDS, "labels")}
        if found.summary != wanted.summary and (as_written or last["summary"]):
            yield self._edited(where, "summary", found.summary, wanted.summary, last["summary"])
        if (as_written and found.description != to_text(to_adf(wanted.description))) or (
            not as_written and last["description"]
        ):
            yield Difference(
                where,
                "its description was edited",
                _name(last["description"]),
                self._written_back() if wanted.kind is IssueKind.SIGN_OFF else _TEXT_BY_HAND,
            )
        if found.due_on != wanted.due_on and last["duedate"]:
            yield self._edited(where, "due date", found.due_on, wanted.due_on, last["duedate"])
        yield from self._labels(wanted, found, where, last["labels"])
        if wanted.parent and found.parent != wanted.parent:
            yield Difference(
                where,
                f"its parent is {found.parent or 'none'}, planned is {wanted.parent}",
                self._who(found.issue_key, "parent"),
                f"{self._written_back('sets it again')} {_TYPE_FIRST}",
            )

    def _edited(
        self, where: str, field: str, found: object, wanted: object, edit: FieldEdit | None
    ) -> Difference:
        what = f"its {field} is {_shown(found)}, planned is {_shown(wanted)}"
        return Difference(where, what, _name(edit), self._written_back())

    def _labels(
        self, wanted: NewIssue, found: SurveyedIssue, where: str, edit: FieldEdit | None
    ) -> Iterator[Difference]:
        ours = {each for each in found.labels if each.startswith("rollout")}
        lacking, extra = sorted(set(wanted.labels) - ours), sorted(ours - set(wanted.labels))
        if edit is None:  # whom a sign-off waits for changes by itself
            lacking = [each for each in lacking if not each.startswith(_WAITS_FOR)]
            extra = [each for each in extra if not each.startswith(_WAITS_FOR)]
        words = [f"lacks {', '.join(lacking)}"] if lacking else []
        words += [f"has {', '.join(extra)}, which we did not set"] if extra else []
        if words:
            yield Difference(
                where, f"its labels: {' and '.join(words)}", _name(edit), self._written_back()
            )

    def _links(
        self, key: str, found: SurveyedIssue, by_key: Mapping[str, SurveyedIssue], where: str
    ) -> Iterator[Difference]:
        item = next((each for each in self.outline.items if each.key == key), None)
        for before in item.after if item else ():
            blocker = self.state.issues.get(before, "")
            if blocker in by_key and blocker not in found.blocked_by:
                yield Difference(
                    where,
                    f"the link that it is blocked by {blocker} is gone",
                    self._who(found.issue_key, "issuelinks"),
                    self._written_back("links it again"),
                )

    # Issues that the journal does not know

    def _others(self) -> Iterator[Difference]:
        known = set(self.state.issues.values())
        in_doubt = {key for doubt in self.state.doubts.values() for key in doubt.keys}
        missing = known - {each.issue_key for each in self.survey.issues}
        for each in self.survey.labelled:
            kept = self.state.issues.get(each.mark, "")
            if each.issue_key not in known and each.mark not in in_doubt and kept not in missing:
                yield self._other(each, kept)

    def _other(self, found: SurveyedIssue, kept: str) -> Difference:
        close = "Close or delete it, or take our labels off."
        if not found.mark:
            what = f"it carries our labels without our mark, as a clone does: {found.summary!r}"
        elif kept and found.creator == self.state.own_account:
            what = f"it is a second issue of {found.mark}; {kept} is the one that counts"
            close = "See that nobody works on it, then close or delete it."
        elif kept:
            what = f"somebody else's issue claims to be {found.mark}; {kept} is the one that counts"
        else:
            what = f"it claims to be {found.mark}, which the program does not have"
        return Difference(found.issue_key, what, found.creator_name, close)

    # Rows

    def _rows(self) -> Iterator[Difference]:
        found, state = self.rows.rows, self.state
        for odd in self.rows.oddities:
            what, _, mend = odd.what.partition("; ")
            yield Difference(odd.where, what, SHEETS_TELLS_NOBODY, _sentence(mend) or _BY_HAND)
        if state.rows and not found:
            yield Difference(
                "workbook",
                f"none of the program's {len(state.rows)} rows is in it: it was replaced by "
                "another workbook, or its rows or their column Key were deleted",
                SHEETS_TELLS_NOBODY,
                "Name the workbook that has them in ROLLOUT_SHEETS_WORKBOOK or the spec; or "
                f"{_CREATE_AGAIN}.",
            )
            return
        for key in sorted(state.rows - found.keys()):
            yield Difference(
                f"workbook, row {key}",
                "it was deleted, or its key was changed",
                SHEETS_TELLS_NOBODY,
                f"Undo it in the workbook's version history. {self._again(key)}",
            )
        for key in sorted(found.keys() - state.rows):
            yield Difference(
                f"workbook, tab {found[key].tab}, row {key}",
                "the program has no row of this key",
                SHEETS_TELLS_NOBODY,
                "Delete the row, or take its key and program away.",
            )
        for wanted in desired_rows(self.outline, state):
            if wanted.key in found:
                yield from self._cells(wanted, found[wanted.key])

    def _cells(self, wanted: DesiredRow, found: ObservedRow) -> Iterator[Difference]:
        shown = dict(found.machine)
        for header, text in wanted.cells:
            if header in shown and shown[header] != text:
                yield Difference(
                    f"workbook, tab {found.tab}, row {wanted.key}",
                    f"{header} is {_shown(shown[header])}, planned is {_shown(text)}",
                    SHEETS_TELLS_NOBODY,
                    self._written_back(),
                )

    # Who did it, and what mends it

    def _last(self, issue_key: str, field: str) -> FieldEdit | None:
        edits = (each for each in reversed(self.survey.edits) if each.issue_key == issue_key)
        return next((each for each in edits if each.field == field), None)

    def _foreign(self, issue_key: str, field: str) -> FieldEdit | None:
        """The last edit of a field, where somebody else made it."""
        last = self._last(issue_key, field)
        return last if last is not None and last.account != self.state.own_account else None

    def _who(self, issue_key: str, field: str) -> str:
        return _name(self._foreign(issue_key, field))

    def _again(self, key: str) -> str:
        """How to have something again that is gone; nothing is looked for behind a passed gate."""
        is_open = key.split("/")[1] in self.state.waiting_stages
        if self.state.is_over or not (is_open or key == epic_key(self.state.program)):
            return "Nothing needs it any more."
        return f"To have it again, {_CREATE_AGAIN}."

    def _written_back(self, does: str = "writes it back") -> str:
        if self.state.is_over:
            return f"The program is over, and nothing {does}."
        if self.state.held is not None:
            return f"The program {does} once it goes on."
        return f"The program {does} within the hour, or at once with *check now*."


_CREATE_AGAIN = "choose *create again what was deleted* in the Resume form"
_BY_HAND = "Put it back by hand."
_TYPE_FIRST = "Where the issue was made one of another type, change that back first."
_TEXT_BY_HAND = "Nothing writes over it: put the text back by hand, or change it in the spec."


def _name(edit: FieldEdit | None) -> str:
    return f"{edit.name or 'an unknown account'} on {edit.at:%Y-%m-%d %H:%M} UTC" if edit else ""


def _shown(found: object) -> str:
    return repr(found) if isinstance(found, str) and found else str(found or "empty")


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:].rstrip('.')}." if text else ""
