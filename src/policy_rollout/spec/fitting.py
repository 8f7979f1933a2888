"""A document of nodes held against the model: a spec, or all that does not fit. Pure.

Where something does not fit, it is taken out and the rest is tried again, so that the rules can
judge what is left: a program manager hears of every problem at once, and of none that only
follows from another.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from policy_rollout.spec.document import MOST_PROBLEMS, Mapping, plain
from policy_rollout.spec.model import Spec
from policy_rollout.spec.problems import Finding, Path, nearest
from policy_rollout.spec.vocabulary import place_at
from policy_rollout.spec.wording import complain, only_follows, path_of

_STAND_INS: dict[str, Any] = {
    "program": "unnamed",
    "policy": {"change": "clarification"},
    "people": {"nobody": {"members": ["nobody@example.invalid"]}},
    "stages": {"none": {}},
}
_TRIES = 6  # each takes out at least one level, and the language has 6


@dataclass(frozen=True, slots=True)
class Fit:
    """What the model makes of a document.

    `whole` is the spec where everything fits. `partial` is what can be judged: the same, or what
    is left without the parts in `lost`. `complaints` are pairs of a rule's name and a finding.
    """

    whole: Spec | None
    partial: Spec | None
    complaints: tuple[tuple[str, Finding], ...] = ()
    lost: tuple[Path, ...] = ()


def fit(root: Mapping) -> Fit:
    data = plain(root)
    try:
        spec = Spec.model_validate(data)
    except ValidationError as error:
        details = _details(error)
    else:
        return Fit(spec, spec)
    complaints = tuple(complain(root, each) for each in details if not only_follows(root, each))
    partial, lost = _without(root, data, details)
    return Fit(None, partial, complaints, lost)


def _details(error: ValidationError) -> list[ErrorDetails]:
    return error.errors(include_url=False)[: MOST_PROBLEMS + 1]


def _without(
    root: Mapping, data: dict[str, Any], details: list[ErrorDetails]
) -> tuple[Spec | None, tuple[Path, ...]]:
    """The spec without what does not fit, and the paths that are gone."""
    lost: list[Path] = []
    for _ in range(_TRIES):
        lost.extend(_take_out(root, data, details))
        for key, stand_in in _STAND_INS.items():
            data.setdefault(key, stand_in)
        try:
            return Spec.model_validate(data), tuple(lost)
        except ValidationError as error:
            details = _details(error)
    return None, tuple(lost)


def _take_out(root: Mapping, data: dict[str, Any], details: Iterable[ErrorDetails]) -> list[Path]:
    lost: list[Path] = []
    for each in details:
        path = path_of(root, each)
        if each["type"] == "extra_forbidden":
            lost.append((*path[:-1], _meant(path)))
        lost.append(_remove(data, path))
    return lost


def _meant(path: Path) -> str:
    return nearest(str(path[-1]), place_at(path[:-1]).keys) or str(path[-1])


def _remove(data: dict[str, Any], path: Path) -> Path:
    """Take a part out; of a list always the whole, since its places would shift."""
    holder: Any = data
    for index, part in enumerate(path):
        if not isinstance(holder, dict) or part not in holder:
            return path[: index or 1]
        if index == len(path) - 1 or not isinstance(holder[part], dict):
            del holder[part]
            return path[: index + 1]
        holder = holder[part]
    return path
