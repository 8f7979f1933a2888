"""The scalars of the spec language: text in, typed value out. Pure.

Every scalar of a spec arrives as text (`NO` stays the market Norway, `1.10` stays a version);
each type here says what it accepts in one sentence, which is what the reader shows when a
value is refused.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo, available_timezones

import langcodes
import pycountry
from pydantic import BeforeValidator, GetCoreSchemaHandler, GetJsonSchemaHandler, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema


def refuse(expected: str, value: object) -> PydanticCustomError:
    """What every scalar raises: the reader turns it into "found X, expected Y"."""
    return PydanticCustomError(
        "scalar", "found {found}, expected {expected}", {"found": repr(value), "expected": expected}
    )


class Unit(StrEnum):
    BUSINESS_DAYS = "bd"
    DAYS = "d"
    WEEKS = "w"


_DURATION = re.compile(r"(-?)(\d{1,4})(bd|d|w)")


@dataclass(frozen=True, slots=True)
class Duration:
    """A signed count of business days, days or weeks, as people write it: `5bd`, `-10d`, `2w`."""

    count: int
    unit: Unit

    EXPECTED = "a duration such as 5bd (business days), 3d, 2w, or -10d before the effective date"

    @classmethod
    def parse(cls, text: object) -> Self:
        match = _DURATION.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            raise refuse(cls.EXPECTED, text)
        sign, count, unit = match.groups()
        return cls(-int(count) if sign else int(count), Unit(unit))

    def __str__(self) -> str:
        return f"{self.count}{self.unit}"

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: Any, _handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            lambda value: value if isinstance(value, cls) else cls.parse(value),
            serialization=core_schema.to_string_ser_schema(),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _schema: core_schema.CoreSchema, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "pattern": r"^-?\d{1,4}(bd|d|w)$", "description": cls.EXPECTED}


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
Id = Annotated[
    str,
    _pattern(rf"(?=.{{1,48}}$){_ID}", _ID_EXPECTED),
    _schema(rf"^(?=.{{1,48}}$){_ID}$", _ID_EXPECTED),
]

_PERSON = r"[^@\s<>,;:\"]+@[^@\s<>,;:\"]+\.[^@\s<>,;:\".]+"
_PERSON_EXPECTED = "one mail address, such as p.kim@example.com"
Person = Annotated[
    str, _pattern(_PERSON, _PERSON_EXPECTED), _schema(f"^{_PERSON}$", _PERSON_EXPECTED)
]


def _text(value: object) -> object:
    if not isinstance(value, str) or not value.strip():
        raise refuse("a text that is not empty", value)
    return " ".join(value.split())


Text = Annotated[str, BeforeValidator(_text), WithJsonSchema({"type": "string", "minLength": 1})]


def _flag(value: object) -> object:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    raise refuse("true or false", value)


Flag = Annotated[bool, BeforeValidator(_flag), WithJsonSchema({"type": "boolean"})]


def _count(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    if isinstance(value, str) and re.fullmatch(r"[1-9]\d{0,3}", value):
        return int(value)
    raise refuse("a whole number of 1 or more", value)


Count = Annotated[int, BeforeValidator(_count), WithJsonSchema({"type": "integer", "minimum": 1})]


def _percent(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 100:
        return value
    match = re.fullmatch(r"(\d{1,3})\s?%", value) if isinstance(value, str) else None
    if match is None or not 1 <= int(match.group(1)) <= 100:
        raise refuse("a percentage from 1% to 100%, such as 80%", value)
    return int(match.group(1))


Percent = Annotated[
    int, BeforeValidator(_percent), WithJsonSchema({"type": "string", "pattern": r"^\d{1,3} ?%$"})
]

_DAY_EXPECTED = "a day as YYYY-MM-DD that exists, such as 2025-11-17"


def parse_day(value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise refuse(_DAY_EXPECTED, value) from None
    raise refuse(_DAY_EXPECTED, value)


Day = Annotated[
    date,
    BeforeValidator(parse_day),
    WithJsonSchema({"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"}),
]

_LOCAL_EXPECTED = (
    "a day, or a day and time in the program's own zone without an offset, "
    "such as 2025-11-17 or 2025-10-28 09:00"
)


def _local_time(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}( \d{2}:\d{2})?", value):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            raise refuse(_LOCAL_EXPECTED, value) from None
    raise refuse(_LOCAL_EXPECTED, value)


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
    if isinstance(value, str) and _DURATION.fullmatch(value):
        return Duration.parse(value)
    raise refuse(
        "a distance to the effective date such as -10d, 0d, 5bd or 2w, or a day such as 2025-11-17",
        value,
    )


Due = Annotated[
    Duration | date,
    BeforeValidator(_due),
    WithJsonSchema(
        {"type": "string", "pattern": r"^(-?\d{1,4}(bd|d|w)|\d{4}-\d{2}-\d{2})$"},
    ),
]


def _zone(value: object) -> object:
    if isinstance(value, ZoneInfo):
        return value
    if not isinstance(value, str) or value not in available_timezones():
        raise refuse("an IANA time zone, such as Europe/Dublin or UTC", value)
    return ZoneInfo(value)


Zone = Annotated[ZoneInfo, BeforeValidator(_zone), WithJsonSchema({"type": "string"})]


def _market(value: object) -> object:
    if isinstance(value, str) and len(value) == 2 and pycountry.countries.get(alpha_2=value):
        if value.isupper():
            return value
    raise refuse("a market as an ISO 3166-1 code of two capitals, such as IE, JP or NO", value)


Market = Annotated[
    str, BeforeValidator(_market), WithJsonSchema({"type": "string", "pattern": "^[A-Z]{2}$"})
]


def _language(value: object) -> object:
    expected = "a language as a BCP 47 tag in its usual case, such as en-US, pt-BR or es-419"
    if not isinstance(value, str) or not langcodes.tag_is_valid(value):
        raise refuse(expected, value)
    if langcodes.standardize_tag(value) != value:
        raise refuse(f"{expected}; here {langcodes.standardize_tag(value)}", value)
    return value


Language = Annotated[
    str,
    BeforeValidator(_language),
    WithJsonSchema({"type": "string", "pattern": "^[a-z]{2,3}(-[A-Za-z0-9]+)*$"}),
]


@dataclass(frozen=True, slots=True)
class Hours:
    """Working hours of a day, local to the role's zone; `end` is after `start`."""

    start: time
    end: time

    EXPECTED = "working hours as HH:MM-HH:MM, such as 09:00-18:00"

    @classmethod
    def parse(cls, text: object) -> Self:
        found = (
            re.fullmatch(r"(\d{2}:\d{2})-(\d{2}:\d{2})", text) if isinstance(text, str) else None
        )
        if found is None:
            raise refuse(cls.EXPECTED, text)
        try:
            start, end = time.fromisoformat(found[1]), time.fromisoformat(found[2])
        except ValueError:
            raise refuse(cls.EXPECTED, text) from None
        if end <= start:
            raise refuse(f"{cls.EXPECTED}, ending after they start", text)
        return cls(start, end)

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M}"

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: Any, _handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            lambda value: value if isinstance(value, cls) else cls.parse(value),
            serialization=core_schema.to_string_ser_schema(),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _schema: core_schema.CoreSchema, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "pattern": r"^\d{2}:\d{2}-\d{2}:\d{2}$"}


@dataclass(frozen=True, slots=True)
class TrainingTarget:
    """What a gate asks of training: done rows, or a share of reviewers who completed it.

    `percent` None: every row done. Otherwise each material's completion is held against
    `percent`, by language where `per_language`, over all rows where not.
    """

    percent: int | None
    per_language: bool

    EXPECTED = "done, a percentage such as 95%, or 95% per language"

    @classmethod
    def parse(cls, text: object) -> Self:
        if text == "done":
            return cls(None, per_language=False)
        found = re.fullmatch(r"(\d{1,3})%( per language)?", text) if isinstance(text, str) else None
        if found is None or not 1 <= int(found[1]) <= 100:
            raise refuse(cls.EXPECTED, text)
        return cls(int(found[1]), per_language=found[2] is not None)

    def __str__(self) -> str:
        if self.percent is None:
            return "done"
        return f"{self.percent}%{' per language' if self.per_language else ''}"

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: Any, _handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            lambda value: value if isinstance(value, cls) else cls.parse(value),
            serialization=core_schema.to_string_ser_schema(),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _schema: core_schema.CoreSchema, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "pattern": r"^(done|\d{1,3}%( per language)?)$"}
