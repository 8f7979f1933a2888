"""Amounts with a written form of their own: durations, working hours, training targets. Pure."""

import re
from dataclasses import dataclass
from datetime import time
from enum import StrEnum
from typing import Any, ClassVar, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from policy_rollout.spec.refusal import refuse

MOST_PERCENT = 100
MOST_WORK_HOURS = 200


class _Written:
    """A value that a spec holds as one text; `str()` writes it as `parse` reads it."""

    __slots__ = ()
    EXPECTED: ClassVar[str]
    PATTERN: ClassVar[str]

    @classmethod
    def parse(cls, text: object) -> Self:
        raise NotImplementedError

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
        return {"type": "string", "pattern": cls.PATTERN, "description": cls.EXPECTED}


class Unit(StrEnum):
    BUSINESS_DAYS = "bd"
    DAYS = "d"
    WEEKS = "w"


DURATION = re.compile(r"(-?)(\d{1,4})(bd|d|w)")


_SPELLED_OUT = re.compile(
    r"(-?)\s*(\d{1,4})\s*(business days?|working days?|workdays?|bds?|days?|weeks?|wks?)",
    re.IGNORECASE,
)


def duration_meant(text: object) -> str | None:
    """`5bd` for "5 business days"."""
    found = _SPELLED_OUT.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    word = found[3].lower()
    unit = "bd" if word.startswith(("b", "wor")) else word[0]
    return f"{found[1]}{found[2]}{unit}"


@dataclass(frozen=True, slots=True)
class Duration(_Written):
    """A signed count of business days, days or weeks, as people write it: `5bd`, `-10d`, `2w`."""

    count: int
    unit: Unit

    EXPECTED: ClassVar[str] = (
        "a duration such as 5bd (business days), 3d, 2w, or -10d before the effective date"
    )
    PATTERN: ClassVar[str] = r"^-?\d{1,4}(bd|d|w)$"

    @classmethod
    def parse(cls, text: object) -> Self:
        match = DURATION.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            raise refuse(cls.EXPECTED, text, meant=duration_meant(text))
        sign, count, unit = match.groups()
        return cls(-int(count) if sign else int(count), Unit(unit))

    def __str__(self) -> str:
        return f"{self.count}{self.unit}"


@dataclass(frozen=True, slots=True)
class Hours(_Written):
    """Working hours of a day, local to the role's zone; `end` is after `start`."""

    start: time
    end: time

    EXPECTED: ClassVar[str] = "working hours as HH:MM-HH:MM, such as 09:00-18:00"
    PATTERN: ClassVar[str] = r"^\d{2}:\d{2}-\d{2}:\d{2}$"

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


@dataclass(frozen=True, slots=True)
class TrainingTarget(_Written):
    """What a gate asks of training: done rows, or a share of reviewers who completed it.

    `percent` None: every row done. Otherwise each material's completion is held against
    `percent`, by language where `per_language`, over all rows where not.
    """

    percent: int | None
    per_language: bool

    EXPECTED: ClassVar[str] = "done, optional, a percentage such as 95%, or 95% per language"
    PATTERN: ClassVar[str] = r"^(done|\d{1,3}%( per language)?)$"

    @classmethod
    def parse(cls, text: object) -> Self:
        if text == "done":
            return cls(None, per_language=False)
        found = re.fullmatch(r"(\d{1,3})%( per language)?", text) if isinstance(text, str) else None
        if found is None or not 1 <= int(found[1]) <= MOST_PERCENT:
            bare = isinstance(text, str) and re.fullmatch(r"[1-9]\d?|100", text)
            raise refuse(cls.EXPECTED, text, meant=f"{text}%" if bare else None)
        return cls(int(found[1]), per_language=found[2] is not None)

    def __str__(self) -> str:
        if self.percent is None:
            return "done"
        return f"{self.percent}%{' per language' if self.per_language else ''}"


@dataclass(frozen=True, slots=True)
class WorkHours(_Written):
    """A count of working hours, in the working day of whoever is waited for: `8h`."""

    hours: int

    EXPECTED: ClassVar[str] = "working hours such as 8h, from 1h to 200h"
    PATTERN: ClassVar[str] = r"^\d{1,3}h$"

    @classmethod
    def parse(cls, text: object) -> Self:
        found = re.fullmatch(r"(\d{1,3})h", text) if isinstance(text, str) else None
        if found is None or not 1 <= int(found[1]) <= MOST_WORK_HOURS:
            raise refuse(cls.EXPECTED, text)
        return cls(int(found[1]))

    def __str__(self) -> str:
        return f"{self.hours}h"
