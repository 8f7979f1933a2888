"""Google's field masks: `sheets(properties.title,data),spreadsheetId`. Pure.

https://developers.google.com/workspace/sheets/api/guides/field-masks
"""

import re
from dataclasses import dataclass, field
from typing import Any

_TOKEN = re.compile(r"[A-Za-z0-9_*]+|[.,/()]")


@dataclass(slots=True)
class Mask:
    """A tree of field names; a mask without fields below it takes everything."""

    fields: dict[str, "Mask"] = field(default_factory=dict)

    @property
    def takes_all(self) -> bool:
        return not self.fields or "*" in self.fields

    def has(self, name: str) -> bool:
        return self.takes_all or name in self.fields

    def below(self, name: str) -> "Mask | None":
        """The mask for what a field holds; None where the field is not asked for."""
        return Mask() if self.takes_all else self.fields.get(name)

    def pick(self, value: Any) -> Any:
        """What of a JSON value the mask lets through."""
        if self.takes_all:
            return value
        if isinstance(value, list):
            return [self.pick(each) for each in value]
        if not isinstance(value, dict):
            return value
        return {
            name: below.pick(value[name]) for name, below in self.fields.items() if name in value
        }

    def merged(self, old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
        """`old` with the masked fields as `new` has them; those that `new` lacks are cleared."""
        if self.takes_all:
            return dict(new)
        result = dict(old)
        for name, below in self.fields.items():
            if name not in new:
                result.pop(name, None)
            elif below.takes_all or not isinstance(new[name], dict):
                result[name] = new[name]
            else:
                result[name] = below.merged(result.get(name, {}), new[name])
        return result


def parse_mask(text: str) -> Mask:
    """The mask that a text means.

    Raises:
        ValueError: it is no field mask.
    """
    tokens = _TOKEN.findall(text)
    if "".join(tokens) != re.sub(r"\s", "", text) or not tokens:
        raise ValueError(text)
    mask, rest = _parse_list(tokens)
    if rest:
        raise ValueError(text)
    return mask


def _parse_list(tokens: list[str]) -> tuple[Mask, list[str]]:
    mask = Mask()
    while tokens and tokens[0] != ")":
        tokens = _parse_path(mask, tokens)
        if tokens[:1] == [","]:
            tokens = tokens[1:]
    return mask, tokens


def _parse_path(mask: Mask, tokens: list[str]) -> list[str]:
    name, *tokens = tokens
    if not re.fullmatch(r"[A-Za-z0-9_*]+", name):
        raise ValueError(name)
    below = mask.fields.setdefault(name, Mask())
    if tokens[:1] in (["."], ["/"]):
        if not tokens[1:]:
            raise ValueError(name)
        return _parse_path(below, tokens[1:])
    if tokens[:1] == ["("]:
        inner, tokens = _parse_list(tokens[1:])
        if tokens[:1] != [")"]:
            raise ValueError(name)
        below.fields.update(inner.fields)
        return tokens[1:]
    return tokens
