"""The JSON Schema of the spec language, for editors. Pure.

It is stricter and kinder than what pydantic makes of the model: nothing may be null, defaults
stand as they are written in YAML, and ids that do not match are refused while typing.
"""

from functools import cache
from typing import Any

from policy_rollout.spec.model import Spec
from policy_rollout.spec.scalars import Duration, Hours, TrainingTarget, WorkHours

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ABOUT = "A policy-rollout program: the tracked rollout of one policy change."


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema; shared by all callers, to be read and not changed."""
    made = _tidy(Spec.model_json_schema())
    made.pop("description", None)
    return {"$schema": DIALECT, "title": "Program spec", "description": _ABOUT, **made}


def written(default: Any) -> Any:
    """A default as it would be written in a spec."""
    if isinstance(default, dict):
        return _written_mapping(default)
    if isinstance(default, Duration | Hours | TrainingTarget | WorkHours):
        return str(default)
    return default


def _written_mapping(default: dict[str, Any]) -> Any:
    """An amount where these are the parts of one, else a mapping."""
    match default:
        case {"count": count, "unit": unit}:
            return f"{count}{unit}"
        case {"percent": percent, "per_language": per_language}:
            return str(TrainingTarget(percent, per_language=per_language))
        case {"start": str() as start, "end": str() as end}:
            return f"{start[:5]}-{end[:5]}"
        case {"hours": int() as hours}:
            return str(WorkHours(hours))
        case _:
            kept = {key: written(value) for key, value in default.items()}
            return {key: value for key, value in kept.items() if value not in (None, [], {})}


def _tidy(node: Any, *, names: bool = False) -> Any:
    """A schema without titles and nulls; `names` where the keys are names and not keywords."""
    if isinstance(node, list):
        return [_tidy(each) for each in node]
    if not isinstance(node, dict):
        return node
    if names:
        return {key: _tidy(value) for key, value in node.items()}
    kept = _without_null(node)
    tidied = {
        key: written(value)
        if key == "default"
        else _tidy(value, names=key in ("properties", "$defs", "patternProperties"))
        for key, value in kept.items()
        if key != "title" and not (key == "default" and value is None)
    }
    if "patternProperties" in tidied:
        tidied["additionalProperties"] = False
    return tidied


def _without_null(node: dict[str, Any]) -> dict[str, Any]:
    options = [each for each in node.get("anyOf", ()) if each.get("type") != "null"]
    if len(options) != 1:
        return node
    rest = {key: value for key, value in node.items() if key != "anyOf"}
    return {**options[0], **rest}
