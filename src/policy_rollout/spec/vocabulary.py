"""What the model knows at a place of a spec: keys, kind and meaning. Pure.

Read from the JSON Schema, so that messages, editors and documentation say the same.
"""

from dataclasses import dataclass
from typing import Any

from policy_rollout.spec.problems import Path
from policy_rollout.spec.schema import schema


@dataclass(frozen=True, slots=True)
class Place:
    """One place of the language; `keys` are empty where any id may stand."""

    keys: tuple[str, ...]
    kind: str  # "mapping", "list" or "text"
    meaning: str
    pairs: bool = False  # a mapping of texts, without keys of its own


def place_at(path: Path) -> Place:
    """What may stand at a path; the nearest known place above where the path is unknown."""
    node = _resolve(schema())
    meaning = ""
    for part in path:
        below = _below(node, part)
        if below is None:
            break
        meaning = below.get("description", "")
        node = _resolve(below)
    return _place(node, meaning)


def _place(node: dict[str, Any], meaning: str) -> Place:
    match node.get("type"):
        case "object":
            inner = _any_id(node)
            pairs = inner is not None and _resolve(inner).get("type") != "object"
            return Place(tuple(node.get("properties", ())), "mapping", meaning, pairs)
        case "array":
            return Place((), "list", meaning)
        case _:
            return Place((), "text", meaning)


def _below(node: dict[str, Any], part: str | int) -> dict[str, Any] | None:
    if isinstance(part, int):
        return _schema_or_none(node.get("items"))
    return _schema_or_none(node.get("properties", {}).get(part)) or _any_id(node)


def _any_id(node: dict[str, Any]) -> dict[str, Any] | None:
    """What stands under any id of a mapping by id."""
    return next(iter(node.get("patternProperties", {}).values()), None)


def _schema_or_none(found: Any) -> dict[str, Any] | None:
    return found if isinstance(found, dict) else None


def _resolve(node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        node = schema()["$defs"][node["$ref"].rsplit("/", 1)[1]]
    return node
