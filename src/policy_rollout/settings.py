"""The settings of an installation, from `ROLLOUT_*` variables and `.env`. Reads files.

Without any, everything points at the sandbox that `rollout up` or `rollout sandbox` started
here: it leaves its addresses in `.rollout/sandbox.json`.
"""

import json
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from policy_rollout.errors import SettingsWrong


class SandboxAddress(BaseModel):
    """What `.rollout/sandbox.json` holds: the same fields as the settings they stand in for."""

    jira_url: str
    jira_email: str
    jira_token: SecretStr
    jira_project: str
    sheets_url: str
    sheets_credentials: Path
    sheets_workbook: str


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="ROLLOUT_", env_file=".env", extra="ignore", frozen=True
    )

    home: Annotated[Path, Field(description="Folder of the journal and the sandbox.")] = Path(
        ".rollout"
    )
    jira_url: Annotated[str, Field(description="https://SITE.atlassian.net")] = ""
    jira_email: Annotated[str, Field(description="Mail address of the service account.")] = ""
    jira_token: Annotated[SecretStr, Field(description="API token of the service account.")] = (
        SecretStr("")
    )
    jira_project: Annotated[str, Field(description="Key of the Jira project.")] = ""
    jira_task_type: Annotated[str, Field(description="Issue type of work items.")] = "Task"
    jira_epic_type: Annotated[str, Field(description="Issue type of programs.")] = "Epic"
    jira_sign_off_type: Annotated[str, Field(description="Issue type of sign-offs.")] = "Sign-off"
    jira_rejected_status: Annotated[
        str, Field(description="Status that means no; other done statuses mean yes.")
    ] = "Rejected"
    sheets_url: Annotated[str, Field(description="Empty: Google.")] = ""
    sheets_credentials: Annotated[
        Path | None, Field(description="Key file of the service account.")
    ] = None
    sheets_workbook: Annotated[str, Field(description="Id of the workbook.")] = ""
    journal_url: Annotated[
        SecretStr, Field(description="SQLAlchemy URL; empty: SQLite under the home.")
    ] = SecretStr("")
    codes_key: Annotated[
        SecretStr, Field(description="Encrypts the secrets of people's authenticators.")
    ] = SecretStr("")
    notice_urls: Annotated[
        SecretStr,
        Field(
            description="Apprise URLs that reminders go to, separated by commas or lines; "
            "`{person}` in one stands for the mail address of each person."
        ),
    ] = SecretStr("")
    settle_seconds: Annotated[
        float, Field(gt=0, description="How long a lost write stays in doubt.")
    ] = 180
    watch_seconds: Annotated[
        float, Field(gt=0, le=60, description="How often people's changes are looked for.")
    ] = 60

    @property
    def journal_address(self) -> str:
        """The SQLAlchemy URL of the journal, password included: never print it."""
        given = self.journal_url.get_secret_value()
        return given or f"sqlite:///{(self.home / 'journal.sqlite3').absolute()}"

    @classmethod
    def load(cls) -> Self:
        """The settings, completed from the sandbox of this folder where Jira is not set.

        Raises:
            SettingsWrong: a value cannot be used, or neither Jira nor a sandbox is there.
        """
        try:
            settings = cls()
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            name = "ROLLOUT_" + "_".join(str(part) for part in first["loc"]).upper()
            raise SettingsWrong(f"setting {name}: {first['msg']}; mend it in .env") from None
        return settings if settings.jira_url else settings._with_sandbox()

    def _with_sandbox(self) -> Self:
        path = self.home / "sandbox.json"
        if not path.exists():
            return self
        try:
            found = SandboxAddress.model_validate(json.loads(path.read_text()))
        except (ValueError, OSError) as error:
            raise SettingsWrong(
                f"{path} cannot be read ({type(error).__name__}); delete it and start the sandbox "
                "again with: rollout up"
            ) from None
        return self.model_copy(update=dict(found))
