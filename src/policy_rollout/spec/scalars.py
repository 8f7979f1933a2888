"""The scalars of the spec language: text in, typed value out. Pure.

Every scalar of a spec arrives as text (`NO` stays the market Norway, `1.10` stays a version);
each type here says what it accepts in one sentence, which is what the reader shows when a
value is refused.
"""

import re
import unicodedata
from datetime import date, datetime, time
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, WithJsonSchema

from policy_rollout.spec.amounts import (
    DURATION,
    MOST_PERCENT,
    Duration,
    Hours,
    TrainingTarget,
    Unit,
    WorkHours,
    duration_meant,
)
from policy_rollout.spec.places import parse_language, parse_market, parse_zone
from policy_rollout.spec.refusal import refuse

__all__ = [
    "Count",
    "Day",
    "Due",
    "Duration",
    "Flag",
    "Hours",
    "Id",
    "Language",
    "LocalTime",
    "Market",
    "Percent",
    "Person",
    "ProjectKey",
    "Prose",
    "Text",
    "Title",
    "Training",
    "TrainingTarget",
    "Unit",
    "WorkHours",
    "WorkbookId",
    "Zone",
]


def _pattern(pattern: str, expected: str) -> Any:
    compiled = re.compile(pattern)

    def check(value: object) -> object:
        if not isinstance(value, str) or compiled.fullmatch(value) is None:
            raise refuse(expected, value)
        return value

    return BeforeValidator(check)


def _schema(pattern: str, expected: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "description": expected})


_ID = r"[a-z0-9]+(?:-[a-z0-9]+)*"
_ID_EXPECTED = "an id of lower-case letters, digits and single hyphens, at most 48 long"
_ID_PATTERN = re.compile(rf"(?=.{{1,48}}$){_ID}")


def _id(value: object) -> object:
    if isinstance(value, str) and _ID_PATTERN.fullmatch(value):
        return value
    if not isinstance(value, str):
        raise refuse(_ID_EXPECTED, value)
    apart = unicodedata.normalize("NFKD", value.lower())  # ö as o and its dots
    letters = "".join(each for each in apart if not unicodedata.combining(each))
    strange = next((each for each in letters if each.isalnum() and not each.isascii()), None)
    if strange is not None:
        raise refuse(f"{_ID_EXPECTED}; {_named(strange)}", value)
    near = re.sub(r"[^a-z0-9]+", "-", letters).strip("-")
    raise refuse(_ID_EXPECTED, value, meant=near if _ID_PATTERN.fullmatch(near) else None)


def _named(strange: str) -> str:
    """A letter that may look like another, by its name."""
    return f"here {strange!r} is {unicodedata.name(strange, f'U+{ord(strange):04X}')}"


Id = Annotated[
    str,
    BeforeValidator(_id),
    _schema(rf"^(?=.{{1,48}}$){_ID}$", _ID_EXPECTED),
]

_PERSON = (
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]"
)
_PERSON_EXPECTED = "one mail address, such as p.kim@example.com"
_LONGEST_ADDRESS = 254  # RFC 5321, as corrected by erratum 1690


def _person(value: object) -> object:
    if not isinstance(value, str):
        raise refuse(_PERSON_EXPECTED, value)
    strange = next((each for each in value if not each.isascii()), None)
    if strange is not None:
        raise refuse(f"{_PERSON_EXPECTED}, in ASCII; {_named(strange)}", value)
    if len(value) > _LONGEST_ADDRESS or re.fullmatch(_PERSON, value) is None:
        inside = re.search(_PERSON, value[:_LONGEST_ADDRESS])
        raise refuse(_PERSON_EXPECTED, value, meant=inside[0] if inside else None)
    return value


Person = Annotated[str, BeforeValidator(_person), _schema(f"^{_PERSON}$", _PERSON_EXPECTED)]


def _text(value: object) -> object:
    if not isinstance(value, str) or not value.strip():
        raise refuse("a text", value)
    return " ".join(value.split())


def _title(value: object) -> object:
    text = _text(value)
    if isinstance(text, str) and len(text) > LONGEST_TITLE:
        raise refuse(
            f"a text of at most {LONGEST_TITLE} characters, this has {len(text)}: "
            "move the rest to `details`",
            text,
        )
    return text


def _prose(value: object) -> object:
    if not isinstance(value, str) or not value.strip():
        raise refuse("a text", value)
    if len(value) > LONGEST_PROSE:
        raise refuse(f"a text of at most {LONGEST_PROSE:,} characters, here {len(value):,}", value)
    return value.strip()


LONGEST_TITLE = 200  # Jira takes 255 in a summary, and we may add the language or market
LONGEST_PROSE = 20_000  # Jira takes 32,767 in a description, and we add to it

_TEXT_SCHEMA = {"type": ["string", "number", "boolean"], "minLength": 1}
Text = Annotated[str, BeforeValidator(_text), WithJsonSchema(_TEXT_SCHEMA)]
Title = Annotated[
    str,
    BeforeValidator(_title),
    WithJsonSchema({**_TEXT_SCHEMA, "maxLength": LONGEST_TITLE}),
]
Prose = Annotated[
    str,
    BeforeValidator(_prose),
    WithJsonSchema({**_TEXT_SCHEMA, "maxLength": LONGEST_PROSE}),
]

_PROJECT = r"[A-Z][A-Z0-9_]{1,9}"
_PROJECT_EXPECTED = "the key of a Jira project: 2 to 10 capitals and digits, such as POL"
ProjectKey = Annotated[
    str, _pattern(_PROJECT, _PROJECT_EXPECTED), _schema(f"^{_PROJECT}$", _PROJECT_EXPECTED)
]

_WORKBOOK = r"[A-Za-z0-9_-]{10,100}"
_WORKBOOK_EXPECTED = (
    "the id of a workbook: what stands between /d/ and /edit in its address, "
    "without the rest of the address"
)


def _workbook(value: object) -> object:
    if not isinstance(value, str) or re.fullmatch(_WORKBOOK, value) is None:
        inside = re.search(rf"/d/({_WORKBOOK})", value) if isinstance(value, str) else None
        raise refuse(_WORKBOOK_EXPECTED, value, meant=inside[1] if inside else None)
    return value


WorkbookId = Annotated[
    str, BeforeValidator(_workbook), _schema(f"^{_WORKBOOK}$", _WORKBOOK_EXPECTED)
]


def _flag(value: object) -> object:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    raise refuse("true or false", value)


Flag = Annotated[bool, BeforeValidator(_flag), WithJsonSchema({"type": "boolean"})]


_MOST = 99


def _count(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MOST:
        return value
    if isinstance(value, str) and re.fullmatch(r"[1-9]\d?", value):
        return int(value)
    raise refuse(f"a whole number from 1 to {_MOST}", value)


Count = Annotated[
    int,
    BeforeValidator(_count),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": _MOST}),
]


def _percent(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_PERCENT:
        return value
    match = re.fullmatch(r"(\d{1,3})\s?%", value) if isinstance(value, str) else None
    if match is None or not 1 <= int(match.group(1)) <= MOST_PERCENT:
        bare = isinstance(value, str) and re.fullmatch(r"[1-9]\d?|100", value)
        meant = f"{value}%" if bare else None
        raise refuse("a percentage from 1% to 100%, such as 80%", value, meant=meant)
    return int(match.group(1))


Percent = Annotated[
    int, BeforeValidator(_percent), WithJsonSchema({"type": "string", "pattern": r"^\d{1,3} ?%$"})
]

_DAY_EXPECTED = "a day as YYYY-MM-DD that exists, such as 2025-11-17"
_FIRST_YEAR, _LAST_YEAR = 2000, 2099


def parse_day(value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str) or re.fullmatch(r"\d{4}-\d{2}-\d{2}", value) is None:
        raise refuse(_DAY_EXPECTED, value)
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise refuse(_DAY_EXPECTED, value, meant=_swapped(value)) from None
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise refuse(f"a year from {_FIRST_YEAR} to {_LAST_YEAR}", value)
    return day


def _swapped(text: str) -> str | None:
    """The day with day and month the other way round, if that is one."""
    year, month, day = text[:4], text[5:7], text[8:10]
    try:
        return f"{date.fromisoformat(f'{year}-{day}-{month}')}{text[10:]}"
    except ValueError:
        return None


Day = Annotated[
    date,
    BeforeValidator(parse_day),
    WithJsonSchema({"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"}),
]

_LOCAL_EXPECTED = "a day, or a day and time, such as 2025-11-17 or 2025-10-28 09:00"
_NO_OFFSET = "a time without an offset: it is local to `timeline.timezone`"


def _local_time(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    found = (
        re.fullmatch(r"(\d{4}-\d{2}-\d{2})(?:([ T])(\d\d?:\d{2})(:\d{2})?(.*))?", value)
        if isinstance(value, str)
        else None
    )
    if found is None:
        raise refuse(_LOCAL_EXPECTED, value)
    day, clock = parse_day(found[1]), found[3]
    if clock is None:
        return datetime.combine(day, time.min)
    if found[5]:
        raise refuse(_NO_OFFSET, value, meant=f"{found[1]} {clock:0>5}")
    if found[2] == "T" or found[4] or len(clock) != len("09:00"):
        raise refuse(_LOCAL_EXPECTED, value, meant=f"{found[1]} {clock:0>5}")
    return datetime.combine(day, _clock(clock, value))


def _clock(text: str, value: object) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError:
        expected = "a time from 00:00 to 23:59; the end of a day is 00:00 of the next"
        raise refuse(expected, value) from None


LocalTime = Annotated[
    datetime,
    BeforeValidator(_local_time),
    WithJsonSchema({"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}( \d{2}:\d{2})?$"}),
]


def _due(value: object) -> object:
    if isinstance(value, (Duration, date)):
        return value
    if isinstance(value, str) and re.match(r"\d{4}-", value):
        return parse_day(value)
    if isinstance(value, str) and DURATION.fullmatch(value):
        return Duration.parse(value)
    raise refuse(
        "a distance to the effective date such as -10d, 0d, 5bd or 2w, or a day such as 2025-11-17",
        value,
        meant=duration_meant(value),
    )


Due = Annotated[
    Duration | date,
    BeforeValidator(_due),
    WithJsonSchema(
        {"type": "string", "pattern": r"^(-?\d{1,4}(bd|d|w)|\d{4}-\d{2}-\d{2})$"},
    ),
]


Zone = Annotated[ZoneInfo, BeforeValidator(parse_zone), WithJsonSchema({"type": "string"})]
Market = Annotated[
    str, BeforeValidator(parse_market), WithJsonSchema({"type": "string", "pattern": "^[A-Z]{2}$"})
]
Language = Annotated[
    str,
    BeforeValidator(parse_language),
    WithJsonSchema({"type": "string", "pattern": "^[a-z]{2,3}(-[A-Za-z0-9]+)*$"}),
]


def _training(value: object) -> object:
    if value == "optional" or isinstance(value, TrainingTarget):
        return value
    return TrainingTarget.parse(value)


Training = Annotated[
    TrainingTarget | Literal["optional"],
    BeforeValidator(_training),
    WithJsonSchema({"type": "string", "pattern": r"^(done|optional|\d{1,3}%( per language)?)$"}),
]
