"""The settings of an installation, from `ROLLOUT_*` variables and `.env`. Reads files.

Without any, everything points at the sandbox that `rollout up` or `rollout sandbox` started
here: it leaves its addresses in `.rollout/sandbox.json`.
"""

import json
import os
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, DotEnvSettingsSource, SettingsConfigDict

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


def _at_home(path: Path) -> Path:
    """`~` is the user's home in `.env` too, where no shell says so."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - Path's own fails for an unknown user


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="ROLLOUT_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
    )

    home: Annotated[
        Path,
        AfterValidator(_at_home),
        Field(description="Folder of the journal and the sandbox.", examples=[".rollout"]),
    ] = Path(".rollout")
    jira_url: Annotated[
        str,
        Field(
            pattern=r"^$|^https?://[^\s/]+",
            description="Address of the Jira site.",
            examples=["https://example.atlassian.net"],
        ),
    ] = ""
    jira_email: Annotated[
        str,
        Field(
            description="Mail address of the service account.",
            examples=["rollout-bot@example.com"],
        ),
    ] = ""
    jira_token: Annotated[
        SecretStr, Field(description="API token of the service account.", examples=["ATATT3x..."])
    ] = SecretStr("")
    jira_project: Annotated[
        str, Field(description="Key of the Jira project.", examples=["POLICY"])
    ] = ""
    jira_task_type: Annotated[
        str, Field(description="Issue type of work items.", examples=["Task"])
    ] = "Task"
    jira_epic_type: Annotated[
        str, Field(description="Issue type of programs.", examples=["Epic"])
    ] = "Epic"
    jira_sign_off_type: Annotated[
        str, Field(description="Issue type of sign-offs.", examples=["Sign-off"])
    ] = "Sign-off"
    jira_approved_status: Annotated[
        str, Field(description="Status of a sign-off that means yes.", examples=["Approved"])
    ] = "Approved"
    jira_rejected_status: Annotated[
        str, Field(description="Status of a sign-off that means no.", examples=["Rejected"])
    ] = "Rejected"
    sheets_url: Annotated[
        str,
        Field(
            pattern=r"^$|^https?://[^\s/]+",
            description="Empty: Google.",
            examples=["http://127.0.0.1:8700/sheets"],
        ),
    ] = ""
    sheets_credentials: Annotated[
        Annotated[Path, AfterValidator(_at_home)] | None,
        Field(description="Key file of the service account.", examples=["service-account.json"]),
    ] = None
    sheets_workbook: Annotated[
        str,
        Field(
            description="Id of the workbook: the part of its address behind `/d/`.",
            examples=["1AbCdEfGhIjKlMnOpQrStUvWxYz"],
        ),
    ] = ""
    journal_url: Annotated[
        SecretStr,
        Field(
            description="SQLAlchemy URL; empty: SQLite under the home.",
            examples=["postgresql://USER:PASSWORD@HOST/DATABASE"],
        ),
    ] = SecretStr("")
    codes_key: Annotated[
        SecretStr,
        Field(
            description="Encrypts the secrets of people's authenticators; `rollout people key` "
            "makes one.",
            examples=["d3Jvbmc...="],
        ),
    ] = SecretStr("")
    notice_urls: Annotated[
        SecretStr,
        Field(
            description="Apprise URLs that reminders go to, separated by commas or lines; "
            "`{person}` in one stands for the mail address of each person.",
            examples=["mailtos://USER:PASSWORD@example.com?to={person}"],
        ),
    ] = SecretStr("")
    closing_share: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="How much of the open work a plan may close, 0 to 1, without "
            "`--allow-closures`.",
            examples=["0.25"],
        ),
    ] = 0.25
    settle_seconds: Annotated[
        float,
        Field(gt=0, description="How long a lost write stays in doubt.", examples=["180"]),
    ] = 180
    watch_seconds: Annotated[
        float,
        Field(
            gt=0,
            le=60,
            description="How soon what people did moves their program: looks are closer together "
            "than that, and never closer than a second.",
            examples=["60"],
        ),
    ] = 60

    def sets(self, name: str) -> bool:
        """Whether a setting that is empty by default has a value."""
        return bool(getattr(self, name))

    @property
    def journal_address(self) -> str:
        """The SQLAlchemy URL of the journal, password included: never print it."""
        given = self.journal_url.get_secret_value()
        return given or f"sqlite:///{(self.home / 'journal.sqlite3').absolute()}"

    @classmethod
    def load(cls) -> Self:
        """The settings, completed from the sandbox of this folder where Jira is not set.

        Raises:
            SettingsWrong: a value cannot be used, `.env` or `sandbox.json` cannot be read, or
                half of an installation is set: neither the sandbox's nor one of its own.
        """
        try:
            unknown = "\n".join(_unknown_names(cls))
            settings = cls()
        except ValidationError as error:
            raise SettingsWrong("\n".join(_complaints(cls, error))) from None
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsWrong(
                f".env cannot be read ({type(error).__name__}); save it as a text file in UTF-8 "
                "with one NAME=value a line, as in: ROLLOUT_JIRA_PROJECT=POLICY"
            ) from None
        if unknown:
            raise SettingsWrong(unknown)
        return settings if settings.jira_url else settings._with_sandbox()

    def _with_sandbox(self) -> Self:
        path = self.home / "sandbox.json"
        if not path.exists():
            return self
        self._refuse_half_an_installation(path)
        try:
            found = SandboxAddress.model_validate(json.loads(path.read_text()))
        except (ValueError, OSError) as error:
            raise SettingsWrong(
                f"{path} cannot be read ({type(error).__name__}); delete it and start the sandbox "
                "again with: rollout up"
            ) from None
        return self.model_copy(update=dict(found))

    def _refuse_half_an_installation(self, path: Path) -> None:
        """The sandbox stands in for all of Jira and Sheets or for nothing of it."""
        own = [variable(name) for name in SandboxAddress.model_fields if self.sets(name)]
        if own:
            raise SettingsWrong(
                f"found {', '.join(own)} without ROLLOUT_JIRA_URL, expected all of a Jira and a "
                f"workbook, or nothing of them for the sandbox of {path}; set ROLLOUT_JIRA_URL, "
                "for example https://example.atlassian.net, or take the others out of .env"
            )


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"ROLLOUT_{name.upper()}"


def _unknown_names(settings: type[Settings]) -> Iterator[str]:
    """One line for each `ROLLOUT_` name in `.env` that is no setting: a typing mistake.

    The environment is not searched: others set variables there, Kubernetes one a service.
    """
    known = [variable(name) for name in settings.model_fields]
    for written in DotEnvSettingsSource(settings).env_vars:
        name = written.upper()
        if not name.startswith("ROLLOUT_") or name in known:
            continue
        near = get_close_matches(name, known, n=1, cutoff=0.85)
        if near:
            yield f"found {name} in .env, expected a setting; did you mean {near[0]}?"
        else:
            names = ", ".join(known)
            yield f"found {name} in .env, expected one of {names}; delete it or rename it"


def _complaints(settings: type[Settings], error: ValidationError) -> Iterator[str]:
    """One line for each setting that cannot be used."""
    for each in error.errors(include_url=False):
        name = str(each["loc"][0])
        field = settings.model_fields[name]
        # Only a number is shown: any other value may be a secret, or carry one.
        found = repr(each["input"]) if field.annotation is float else "a value of another form"
        yield (
            f"setting {variable(name)}: found {found}, expected {_expected(each)}; mend it in "
            f".env or the environment, for example {variable(name)}={(field.examples or [''])[0]}"
        )


def _expected(error: ErrorDetails) -> str:
    match error["type"], error.get("ctx", {}):
        case "greater_than", {"gt": least}:
            return f"a number above {least:g}"
        case "greater_than_equal", {"ge": least}:
            return f"a number of at least {least:g}"
        case "less_than_equal", {"le": most}:
            return f"a number of at most {most:g}"
        case "float_parsing" | "finite_number", _:
            return "a number"
        case "string_pattern_mismatch", _:
            return "an address that starts with https:// or http://"
        case _:
            return error["msg"]
