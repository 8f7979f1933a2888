"""The model of a program spec: what may be written and what it means. Pure.

The field descriptions are the documentation of the language: the JSON Schema and
`program_specs/README.md` are held to them. Rules that need more than one field stand in
`rules/`.
"""

from enum import StrEnum
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from policy_rollout.spec.scalars import (
    Count,
    Day,
    Due,
    Duration,
    Flag,
    Hours,
    Id,
    Language,
    LocalTime,
    Market,
    Percent,
    Person,
    ProjectKey,
    Prose,
    Text,
    Title,
    Training,
    TrainingTarget,
    WorkbookId,
    WorkHours,
    Zone,
)

ALL_DONE = TrainingTarget(None, per_language=False)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Change(StrEnum):
    NEW = "new"
    EXPANSION = "expansion"
    RELAXATION = "relaxation"
    CLARIFICATION = "clarification"
    RESTRUCTURE = "restructure"
    REVERSAL = "reversal"


class Document(_Part):
    ref: Annotated[Text, Field(description="Where the policy text stands: a path or an address.")]
    version: Annotated[Text, Field(description="The version of the text that is rolled out.")]


class ExistingContent(_Part):
    applies: Annotated[
        Flag, Field(description="Whether the change also reaches content published before it.")
    ]
    no_strike_before: Annotated[
        Day | None,
        Field(description="Content published before this day is acted on without a strike."),
    ] = None


class Rollback(_Part):
    how: Annotated[Text, Field(description="How the change is taken back.")]
    rehearsed_on: Annotated[
        Day | None, Field(description="The day the way back was last rehearsed.")
    ] = None


class Policy(_Part):
    change: Annotated[Change, Field(description="The kind of change.")]
    problem: Annotated[
        Text | None, Field(description="The problem the change answers, in a sentence.")
    ] = None
    document: Annotated[Document | None, Field(description="The policy text.")] = None
    harm_areas: Annotated[tuple[Text, ...], Field(description="Harm areas it is about.")] = ()
    surfaces: Annotated[
        tuple[Text, ...], Field(description="Surfaces it reaches: video, live, comments, dms...")
    ] = ()
    markets: Annotated[
        tuple[Market, ...],
        Field(description="Markets (ISO 3166-1) it reaches; `per: market` multiplies by them."),
    ] = ()
    languages: Annotated[
        tuple[Language, ...],
        Field(description="Languages (BCP 47); `per: language` multiplies by them."),
    ] = ()
    existing_content: Annotated[
        ExistingContent | None, Field(description="What happens to older content.")
    ] = None
    rollback: Annotated[Rollback | None, Field(description="The way back.")] = None
    exposure: Annotated[
        Literal["low", "medium", "high"],
        Field(description="How harmful the material is that reviewers will see."),
    ] = "low"
    safeguards: Annotated[
        tuple[Text, ...],
        Field(description="Safeguards for reviewers: rotation, opt-out, counselling, blur..."),
    ] = ()


class Notice(_Part):
    at_least: Annotated[
        Duration, Field(description="Shortest time between announce and effective.")
    ]
    because: Annotated[Text, Field(description="The law, contract or promise that asks for it.")]


class Freeze(_Part):
    from_day: Annotated[Day, Field(alias="from", description="First day of the freeze.")]
    to: Annotated[Day, Field(description="Last day of the freeze.")]
    stops: Annotated[
        tuple[Id, ...],
        Field(min_length=1, description="Stages whose work may not be due on these days."),
    ]


class Timeline(_Part):
    timezone: Annotated[
        Zone, Field(description="The program's zone (IANA); every time in the spec is local to it.")
    ] = ZoneInfo("UTC")
    announce: Annotated[LocalTime | None, Field(description="When the change is announced.")] = None
    publish: Annotated[LocalTime | None, Field(description="When the new text is published.")] = (
        None
    )
    effective: Annotated[
        LocalTime | None,
        Field(description="When the change takes effect; relative due dates count from its day."),
    ] = None
    enforce: Annotated[LocalTime | None, Field(description="When enforcement begins.")] = None
    full_enforcement: Annotated[
        LocalTime | None, Field(description="When enforcement is complete.")
    ] = None
    notice: Annotated[Notice | None, Field(description="The notice period.")] = None
    holidays: Annotated[
        tuple[Market, ...],
        Field(description="Markets whose public holidays are no business days for anybody."),
    ] = ()
    freezes: Annotated[
        dict[Id, Freeze], Field(description="Days on which named stages stand still.")
    ] = Field(default_factory=dict)


class Role(_Part):
    members: Annotated[
        tuple[Person, ...],
        Field(min_length=1, description="Who works and signs for the role; the first one leads."),
    ]
    backups: Annotated[
        tuple[Person, ...], Field(description="Who signs when the members are silent or absent.")
    ] = ()
    timezone: Annotated[
        Zone | None, Field(description="Their zone; the program's where it is left out.")
    ] = None
    hours: Annotated[
        Hours, Field(description="Working hours, Monday to Friday, in their zone.")
    ] = Hours.parse("09:00-18:00")
    holidays: Annotated[
        Market | None, Field(description="Market whose public holidays they have.")
    ] = None


class Per(StrEnum):
    LANGUAGE = "language"
    MARKET = "market"


class _Work(_Part):
    title: Annotated[Title, Field(description="What is to be done.")]
    team: Annotated[Id, Field(description="The role under `people` that does it.")]
    takes: Annotated[
        Duration, Field(description="How long it takes once it starts; a positive duration.")
    ] = Duration.parse("1bd")
    after: Annotated[
        tuple[Id, ...], Field(description="Items of the same stage that must be done before.")
    ] = ()
    due: Annotated[
        Due | None, Field(description="When it is due; the stage's due date where it is left out.")
    ] = None
    was: Annotated[
        Id | None,
        Field(description="The id it had in the running program, where an amendment renames it."),
    ] = None


class Task(_Work):
    per: Annotated[
        Per | None, Field(description="One issue for each language or market of the policy.")
    ] = None
    assignee: Annotated[
        Person | None, Field(description="Who does it; the team's first member where left out.")
    ] = None
    details: Annotated[
        Prose | None, Field(description="More about the work, for the issue's description.")
    ] = None


class MaterialKind(StrEnum):
    DECK = "deck"
    QUIZ = "quiz"
    JOB_AID = "job-aid"
    GOLDEN_SET = "golden-set"
    BRIEFING = "briefing"


class Material(_Work):
    kind: Annotated[MaterialKind, Field(description="The kind of material.")]
    per: Annotated[
        Literal[Per.LANGUAGE] | None,
        Field(description="One row for each language; one row in all where it is left out."),
    ] = None
    pass_mark: Annotated[Percent | None, Field(description="Score that passes a quiz.")] = None
    exposure_warning: Annotated[
        Flag, Field(description="Whether the material shows harmful content.")
    ] = False


class Checklist(_Part):
    team: Annotated[Id, Field(description="The role under `people` that ticks it.")]
    items: Annotated[
        dict[Id, Title], Field(min_length=1, description="The items: id, then what must be true.")
    ]
    title: Annotated[Title | None, Field(description="Name of the list; its id if left out.")] = (
        None
    )
    per: Annotated[Per | None, Field(description="Each item once for each market or language.")] = (
        None
    )
    takes: Annotated[
        Duration, Field(description="How long one item takes; a positive duration.")
    ] = Duration.parse("1bd")
    after: Annotated[
        tuple[Id, ...], Field(description="Items of the same stage that must be done before.")
    ] = ()
    due: Annotated[
        Due | None, Field(description="When it is due; the stage's due date where it is left out.")
    ] = None
    was: Annotated[
        Id | None,
        Field(description="The id it had in the running program, where an amendment renames it."),
    ] = None


class Require(_Part):
    tasks: Annotated[
        Literal["done", "optional"], Field(description="Whether every task must be done.")
    ] = "done"
    training: Annotated[
        Training,
        Field(
            description="What must hold for training: `done` (each row), `95%` (reviewers who "
            "completed it), `95% per language` or `optional`."
        ),
    ] = ALL_DONE
    checklists: Annotated[
        Literal["done", "optional"], Field(description="Whether every checklist item must be done.")
    ] = "done"


class Escalation(_Part):
    remind: Annotated[
        WorkHours, Field(description="Working hours of silence until the members are reminded.")
    ] = WorkHours(8)
    backup: Annotated[
        WorkHours, Field(description="Working hours of silence until the backups may sign.")
    ] = WorkHours(16)
    owner: Annotated[
        WorkHours, Field(description="Working hours of silence until the owner is told.")
    ] = WorkHours(24)


class Gate(_Part):
    sign_off: Annotated[
        dict[Id, Count],
        Field(description="How many members of each role must sign, such as `legal: 1`."),
    ] = Field(default_factory=dict)
    doers_may_sign: Annotated[
        Flag,
        Field(description="Whether those who did the items that the gate judges may sign it."),
    ] = False
    not_signers_of: Annotated[
        tuple[Id, ...],
        Field(description="Stages whose signers may not sign this gate."),
    ] = ()
    waivers: Annotated[
        tuple[Person, ...], Field(description="Who may waive a criterion of this gate.")
    ] = ()
    escalate: Annotated[
        Escalation, Field(description="What silence leads to; it never approves.")
    ] = Field(default_factory=Escalation)
    require: Annotated[
        Require, Field(description="What must hold before anybody is asked to sign.")
    ] = Field(default_factory=Require)


class Stage(_Part):
    title: Annotated[Title | None, Field(description="Name of the stage; its id if left out.")] = (
        None
    )
    after: Annotated[
        tuple[Id, ...], Field(description="Stages whose gates must have passed before it opens.")
    ] = ()
    due: Annotated[
        Due | None,
        Field(
            description="When its work is due; where left out, as late as the later stages "
            "allow, at the latest on the effective date."
        ),
    ] = None
    tasks: Annotated[dict[Id, Task], Field(description="Jira issues.")] = Field(
        default_factory=dict
    )
    training: Annotated[dict[Id, Material], Field(description="Rows of the Training tab.")] = Field(
        default_factory=dict
    )
    checklists: Annotated[dict[Id, Checklist], Field(description="Rows of the Checklist tab.")] = (
        Field(default_factory=dict)
    )
    gate: Annotated[Gate, Field(description="What ends the stage.")] = Field(default_factory=Gate)
    was: Annotated[
        Id | None,
        Field(description="The id it had in the running program, where an amendment renames it."),
    ] = None


class JiraTarget(_Part):
    project: Annotated[ProjectKey, Field(description="Key of the Jira project.")]


class SheetsTarget(_Part):
    workbook: Annotated[WorkbookId, Field(description="Id of the workbook, from its address.")]


class Spec(_Part):
    """One program: the tracked rollout of one policy change."""

    program: Annotated[Id, Field(description="Id of the program; never changes.")]
    policy: Annotated[Policy, Field(description="What changes, for whom and where.")]
    people: Annotated[dict[Id, Role], Field(min_length=1, description="Roles, and who is in them.")]
    stages: Annotated[
        dict[Id, Stage], Field(min_length=1, description="The phases of the program.")
    ]
    title: Annotated[
        Title | None, Field(description="Name of the program; its id if left out.")
    ] = None
    owner: Annotated[
        Person | None, Field(description="The program manager; reports, and never signs.")
    ] = None
    timeline: Annotated[Timeline, Field(description="Dates, zone, notice and freezes.")] = Field(
        default_factory=Timeline
    )
    if_rejected: Annotated[
        Literal["leave", "close"],
        Field(description="What becomes of open issues when the program is rejected for good."),
    ] = "leave"
    accounts: Annotated[
        dict[Person, Text],
        Field(description="Jira account ids of people whose mail address Jira hides."),
    ] = Field(default_factory=dict)
    jira: Annotated[
        JiraTarget | None, Field(description="Its own Jira project; else ROLLOUT_JIRA_PROJECT.")
    ] = None
    sheets: Annotated[
        SheetsTarget | None, Field(description="Its own workbook; else ROLLOUT_SHEETS_WORKBOOK.")
    ] = None
    silence: Annotated[
        dict[Id, Text], Field(description="Advice not wanted here: rule, then the reason.")
    ] = Field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.title or self.program
