"""Read all that Jira holds of one program, by key and by label, with who edited it. Edge.

Reads only: its POST requests are the bulk reads and the search.
"""

from collections.abc import Collection
from datetime import date

from policy_rollout import jira_wire as wire
from policy_rollout.adf import to_text
from policy_rollout.jira_preflight import check_statuses
from policy_rollout.jira_reads import IssueReads
from policy_rollout.jira_site import JiraConnection, JiraSite
from policy_rollout.surveyed import EDITED_FIELDS, FieldEdit, Survey, SurveyedIssue

_FIELDS = (
    "summary", "description", "duedate", "labels", "parent", "issuelinks", "creator", "status",
)  # fmt: skip


def survey(
    site: JiraSite, connection: JiraConnection, program: str, issue_keys: Collection[str]
) -> Survey:
    """The issues of these Jira keys, the others that carry the program's label, and their edits.

    Raises:
        ServiceError: as every read.
    """
    reads = IssueReads(site, connection.project)
    issues = reads.fetch(tuple(issue_keys), _FIELDS, _surveyed)
    jql = f'labels = "{wire.program_label(program)}"'
    known = {*issue_keys, *(each.issue_key for each in issues)}
    found = reads.search(jql, f"looking for issues of {program}")
    others = tuple(each.issue_key for each in found if each.issue_key not in known)
    labelled = reads.fetch(others, _FIELDS, _surveyed)
    edits = reads.edits([each.issue_key for each in (*issues, *labelled)], EDITED_FIELDS)
    return Survey(
        issues=tuple(issues),
        labelled=tuple(labelled),
        edits=tuple(
            FieldEdit(key, each.field, each.at, each.account, each.name) for key, each in edits
        ),
        missing=check_statuses(site, connection),
    )


def _surveyed(issue: wire.RawIssue) -> SurveyedIssue:
    fields, mark = issue.fields, issue.mark
    creator = fields.get("creator") or {}
    return SurveyedIssue(
        issue_key=issue.issue_key,
        mark=mark.key if mark else "",
        content_digest=mark.content_digest if mark else "",
        creator=str(creator.get("accountId") or ""),
        creator_name=str(creator.get("displayName") or ""),
        summary=str(fields.get("summary") or ""),
        description=to_text(fields.get("description")),
        due_on=date.fromisoformat(fields["duedate"]) if fields.get("duedate") else None,
        labels=wire.parse_labels(issue),
        parent=str((fields.get("parent") or {}).get("key") or ""),
        blocked_by=wire.parse_blockers(issue),
    )
