"""Zones, markets and languages: where on earth something is meant. Pure but for the zone database.

Whatever is near to a known one is suggested: `UK` is no market, but `GB` is.
"""

import re
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import langcodes
import pycountry

from policy_rollout.spec.problems import nearest
from policy_rollout.spec.refusal import refuse

_ZONE_EXPECTED = "an IANA time zone with a place, such as Europe/Dublin, or UTC"
_ZONE_MEANT = {
    "EST": "America/New_York",
    "EDT": "America/New_York",
    "ET": "America/New_York",
    "EST5EDT": "America/New_York",
    "CST": "America/Chicago",
    "CDT": "America/Chicago",
    "MST": "America/Denver",
    "MDT": "America/Denver",
    "PST": "America/Los_Angeles",
    "PDT": "America/Los_Angeles",
    "PT": "America/Los_Angeles",
    "PST8PDT": "America/Los_Angeles",
    "GMT": "Europe/London",
    "BST": "Europe/London",
    "CET": "Europe/Berlin",
    "CEST": "Europe/Berlin",
    "EET": "Europe/Athens",
    "IST": "Asia/Kolkata",
    "JST": "Asia/Tokyo",
    "SGT": "Asia/Singapore",
    "Z": "UTC",
}


def parse_zone(value: object) -> ZoneInfo:
    """A zone by its IANA name; abbreviations mean different zones, or none with summer time."""
    if isinstance(value, ZoneInfo):
        return value
    if not isinstance(value, str):
        raise refuse(_ZONE_EXPECTED, value)
    if value != "UTC" and not re.fullmatch(r"[A-Z][A-Za-z_]+(/[A-Za-z0-9_+-]+)+", value):
        raise refuse(_ZONE_EXPECTED, value, meant=_near_zone(value))
    return _zone(value)


@cache
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError):  # a folder of the database is an OSError
        raise refuse(_ZONE_EXPECTED, name, meant=_near_zone(name)) from None


def _near_zone(text: str) -> str | None:
    if text.upper() in _ZONE_MEANT:
        return _ZONE_MEANT[text.upper()]
    known = tuple(sorted(each for each in available_timezones() if "/" in each))
    spelled = text.replace(" ", "_").casefold()
    city = [each for each in known if each.rsplit("/", 1)[1].casefold() == spelled]
    return city[0] if city else nearest(text, ("UTC", *known))


_MARKET_EXPECTED = "a market as an ISO 3166-1 code of two capitals, such as IE, JP or NO"

_MANY_MARKETS = {"all", "global", "world", "worldwide", "eu", "eea", "apac", "emea", "latam"}


def parse_market(value: object) -> str:
    if isinstance(value, str) and _is_market(value):
        return value
    if isinstance(value, str) and value.casefold() in _MANY_MARKETS:
        raise refuse(f"{_MARKET_EXPECTED}, one by one, or no `markets` where it is all", value)
    raise refuse(_MARKET_EXPECTED, value, meant=_near_market(value))


@cache
def _is_market(value: str) -> bool:
    return bool(re.fullmatch("[A-Z]{2}", value) and pycountry.countries.get(alpha_2=value))


def _near_market(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    if value.upper() == "UK":
        return "GB"
    try:
        country = pycountry.countries.lookup(value.strip())
    except LookupError:
        return None
    return str(country.alpha_2)


_LANGUAGE_EXPECTED = "a language as a BCP 47 tag in its usual case, such as en-US, pt-BR or es-419"

# es-LA is Spanish as spoken in Laos, and is never meant
_LANGUAGE_MEANT = {"es-LA": "es-419", "en-UK": "en-GB"}


def parse_language(value: object) -> str:
    if isinstance(value, str) and value not in _LANGUAGE_MEANT and _usual_language(value) == value:
        return value
    raise refuse(_LANGUAGE_EXPECTED, value, meant=_near_language(value))


@cache
def _usual_language(value: str) -> str | None:
    if not re.fullmatch(r"[A-Za-z0-9_-]{2,35}", value) or not langcodes.tag_is_valid(value):
        return None
    return langcodes.standardize_tag(value)


def _near_language(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    if value in _LANGUAGE_MEANT:
        return _LANGUAGE_MEANT[value]
    usual = _usual_language(value)
    if usual is not None:
        return usual
    if re.fullmatch("[A-Za-z]{2}", value) and _is_market(value.upper()):
        spoken = langcodes.Language.make(territory=value.upper()).maximize()
        return f"{spoken.language}-{spoken.territory}"
    try:
        return str(langcodes.find(value)) if value.isalpha() else None
    except LookupError:
        return None
