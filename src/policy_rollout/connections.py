"""From settings and a spec to clients of Jira and the workbook. Opens connections."""

import os
import sys
from typing import TYPE_CHECKING
from urllib.parse import quote

from policy_rollout.errors import SettingsWrong
from policy_rollout.jira_issues import JiraConnection, JiraIssues
from policy_rollout.observed import AnswerStatuses
from policy_rollout.plan import waits_for_label
from policy_rollout.prefect_address import API_URL
from policy_rollout.report.board import Links
from policy_rollout.request_budget import Spend, unlimited
from policy_rollout.settings import Settings
from policy_rollout.spec.model import Spec
from policy_rollout.workbook_requests import workbook_url

if TYPE_CHECKING:
    from policy_rollout.workbook import Workbook


def open_jira(settings: Settings, spec: Spec) -> JiraIssues:
    """A Jira client for the spec's project; the caller closes it.

    Raises:
        SettingsWrong: no site, no project, or half of an account is set.
    """
    project = project_key(settings, spec)
    _all_set("Jira", {**_jira_account(settings), "ROLLOUT_JIRA_PROJECT": project})
    return _jira(settings, project)


def open_jira_site(settings: Settings) -> JiraIssues:
    """A Jira client for questions about all projects; the caller closes it.

    Raises:
        SettingsWrong: no site, or half of an account is set.
    """
    _all_set("Jira", _jira_account(settings))
    return _jira(settings, "")


def _jira_account(settings: Settings) -> dict[str, str]:
    return {
        "ROLLOUT_JIRA_URL": settings.jira_url,
        "ROLLOUT_JIRA_EMAIL": settings.jira_email,
        "ROLLOUT_JIRA_TOKEN": settings.jira_token.get_secret_value(),
    }


def _jira(settings: Settings, project: str) -> JiraIssues:
    return JiraIssues(
        JiraConnection(
            url=settings.jira_url,
            email=settings.jira_email,
            token=settings.jira_token,
            project=project,
            task_type=settings.jira_task_type,
            epic_type=settings.jira_epic_type,
            sign_off_type=settings.jira_sign_off_type,
            statuses=answer_statuses(settings),
        ),
        spend=_spend(),
    )


def open_workbook(settings: Settings, spec: Spec) -> "Workbook":
    """A client for the spec's workbook; the caller closes it.

    Raises:
        SettingsWrong: no workbook or no credentials are set.
    """
    return open_workbook_by_id(settings, workbook_id(settings, spec))


def open_workbook_by_id(settings: Settings, workbook: str) -> "Workbook":
    """The same for a workbook that no spec is at hand for."""
    needed = {
        "ROLLOUT_SHEETS_WORKBOOK": workbook,
        "ROLLOUT_SHEETS_CREDENTIALS": str(settings.sheets_credentials or ""),
    }
    _all_set("Google Sheets", needed)
    # Google's libraries take 0.1 s to load: whoever signs a gate without rows need not wait for it.
    from policy_rollout.workbook import SheetsConnection, Workbook  # noqa: PLC0415  see above

    connection = SheetsConnection(settings.sheets_url, settings.sheets_credentials, workbook)
    return Workbook(connection, _spend())


def _spend() -> Spend:
    """The budget of requests that all who use one Prefect server share, if one is in reach."""
    if "prefect" not in sys.modules and not os.environ.get(API_URL):
        return unlimited
    # A command that reads Jira without any server starts without prefect, which takes 1.5 s.
    from policy_rollout.prefect_api import spend  # noqa: PLC0415  see above

    return spend


def answer_statuses(settings: Settings) -> AnswerStatuses:
    return AnswerStatuses(settings.jira_approved_status, settings.jira_rejected_status)


def to_sign_url(settings: Settings, person: str) -> str:
    """Jira's list of all open sign-offs that wait for one person, over all programs."""
    jql = quote(f'labels = "{waits_for_label(person)}" AND statusCategory != Done')
    return f"{settings.jira_url.rstrip('/')}/issues/?jql={jql}"


def project_key(settings: Settings, spec: Spec) -> str:
    """The spec's own Jira project, else the one of the settings."""
    return spec.jira.project if spec.jira else settings.jira_project


def workbook_id(settings: Settings, spec: Spec) -> str:
    """The spec's own workbook, else the one of the settings."""
    return spec.sheets.workbook if spec.sheets else settings.sheets_workbook


def links_of(settings: Settings, spec: Spec) -> Links:
    """Addresses for people; opens no connection."""
    site = settings.jira_url.rstrip("/")
    jql = quote(f'labels = "rollout/{spec.program}"')
    return Links(
        jira=site,
        issues=f"{site}/issues/?jql={jql}",
        workbook=workbook_url(settings.sheets_url, workbook_id(settings, spec)),
    )


def _all_set(service: str, needed: dict[str, str]) -> None:
    lacking = [name for name, value in needed.items() if not value]
    if lacking:
        raise SettingsWrong(
            f"{service} is not connected: {', '.join(lacking)} not set. Set it in the environment "
            "or in .env, or start the sandbox here with: rollout up"
        )
