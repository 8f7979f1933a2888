"""Everything Jira holds of one program, as far as drift asks: by key, and by label. Pure.

Wider than `observed`: also what carries our labels without being ours, and who edited what.
"""

from dataclasses import dataclass
from datetime import date, datetime

from policy_rollout.errors import Missing


@dataclass(frozen=True, slots=True)
class SurveyedIssue:
    """An issue, whoever made it; `mark` is the stable key of its entity property, empty without.

    `content_digest` is what we noted when we last wrote it, `description` its plain text,
    `creator` an account id.
    """

    issue_key: str
    mark: str
    content_digest: str
    creator: str
    creator_name: str
    summary: str
    description: str
    due_on: date | None
    labels: tuple[str, ...]
    parent: str
    blocked_by: frozenset[str]


@dataclass(frozen=True, slots=True)
class FieldEdit:
    """A change of a field, as the changelog tells it; `field` as in `EDITED_FIELDS`."""

    issue_key: str
    field: str
    at: datetime
    account: str
    name: str


EDITED_FIELDS = (
    "summary", "description", "duedate", "labels", "parent", "issuelinks", "project",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Survey:
    """`issues` were read by their keys, `labelled` found by the program's label and are others.

    `edits` stand in the order in which they were made, `missing` is what the project's workflow
    lacks.
    """

    issues: tuple[SurveyedIssue, ...]
    labelled: tuple[SurveyedIssue, ...]
    edits: tuple[FieldEdit, ...]
    missing: tuple[Missing, ...]


NOTHING = Survey((), (), (), ())
