"""How the sandbox behaves where sites differ: settings that a test or a trial may change."""

from pydantic import BaseModel, ConfigDict, Field


class Behaviour(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    search_lag_seconds: float = Field(
        default=2.0, ge=0, description="How old the state is that a search sees."
    )
    items_a_page: int = Field(
        default=1000,
        ge=1,
        description="Most that a page of a search or of changelogs holds, however many are asked.",
    )
    burst_limits: bool = Field(
        default=False, description="Refuse too many calls a second with 429, as Jira Cloud does."
    )
    sheets_quota: int = Field(
        default=0,
        ge=0,
        description="Refuse more reads, or more writes, a minute than this with 429, as Sheets "
        "does with 60; 0: no quota.",
    )
    sheets_minute_seconds: float = Field(
        default=60.0, gt=0, description="How long that minute is; shorter for trials."
    )
    fields_off_screen: frozenset[str] = Field(
        default=frozenset(), description="Field ids that are missing from the create screen."
    )
    missing_issue_types: frozenset[str] = Field(
        default=frozenset(), description="Names of issue types that the project does not have."
    )
    denied_permissions: frozenset[str] = Field(
        default=frozenset(), description="Permission keys that nobody has in the project."
    )
    required_fields: frozenset[str] = Field(
        default=frozenset(), description="Field ids that a create must carry besides the usual."
    )
    epoch_changelog: bool = Field(
        default=False,
        description="Bulk changelogs tell times as epoch milliseconds, as some answers do.",
    )
