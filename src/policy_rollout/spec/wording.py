"""What the model refuses, said in the words of the language. Pure."""

import re
from typing import Any

from pydantic_core import ErrorDetails

from policy_rollout.spec.document import Listing, Mapping, Node, Scalar, shorten
from policy_rollout.spec.problems import Finding, Path, did_you_mean, listed
from policy_rollout.spec.refusal import REFUSED
from policy_rollout.spec.vocabulary import Place, place_at

_WRONG_KINDS = {"dict_type", "model_type", "model_attributes_type", "tuple_type", "string_type"}
_CHOICES = {"enum", "literal_error"}
_TOO_SHORT = {"too_short", "string_too_short"}
_KEY = "[key]"
_COMMA_STEP = "; if it belongs to the text before a comma, put that text in double quotes"


def path_of(root: Mapping, error: ErrorDetails) -> Path:
    """The part of the document that an error is about: the mapping where a key is missing."""
    path: list[str | int] = []
    node: Node = root
    loc = error["loc"][:-1] if error["type"] == "missing" else error["loc"]
    for part in loc:
        below = _below(node, part)
        if below is None:
            break
        path.append(part)
        node = below
    return tuple(path)


def only_follows(root: Mapping, error: ErrorDetails) -> bool:
    """Whether a list is called too short only because its items were refused one by one."""
    node = _node_at(root, path_of(root, error))
    return error["type"] in _TOO_SHORT and isinstance(node, Listing) and bool(node.items)


def complain(root: Mapping, error: ErrorDetails) -> tuple[str, Finding]:
    """The rule's name and the finding for one error of the model."""
    path = path_of(root, error)
    kind = error["type"]
    if kind == "missing":
        return "missing-key", _missing(path, str(error["loc"][-1]))
    if kind == "extra_forbidden":
        return "unknown-key", _unknown(path)
    if error["loc"][-1] == _KEY:
        return "wrong-key", Finding(path, _wrong_key_text(error, str(path[-1])), at_key=True)
    return _complain_of_value(path, error, _node_at(root, path))


def _complain_of_value(path: Path, error: ErrorDetails, node: Node) -> tuple[str, Finding]:
    kind = error["type"]
    if isinstance(node, Scalar) and not node.text.strip():
        return "nothing-there", Finding(path, _nothing_text(path, error))
    if kind in _TOO_SHORT:
        return "nothing-there", Finding(path, _empty_text(path, node))
    if kind in _WRONG_KINDS:
        return "wrong-kind", Finding(path, _kind_text(path, node))
    return "wrong-value", Finding(path, _value_text(error, node))


def found(node: Node) -> str:
    """A node as a message names it."""
    match node:
        case Scalar():
            return shorten(node.text)
        case Listing():
            return "a list"
        case Mapping():
            return "a mapping"


def where(path: Path) -> str:
    """A path as people read it: `stages.define.tasks.memo`."""
    return ".".join(str(part) for part in path) or "the file"


def _below(node: Node, part: str | int) -> Node | None:
    if isinstance(node, Mapping):
        return node.values.get(str(part))
    if isinstance(node, Listing) and isinstance(part, int) and part < len(node.items):
        return node.items[part]
    return None


def _node_at(root: Mapping, path: Path) -> Node:
    node: Node = root
    for part in path:
        node = _below(node, part) or node
    return node


def _missing(path: Path, key: str) -> Finding:
    meaning = place_at((*path, key)).meaning
    text = (
        f"found no `{key}` in {where(path)}, expected it ({_sentence(meaning)}); add `{key}: ...`"
    )
    return Finding(path, text, at_key=True)


def _unknown(path: Path) -> Finding:
    key = str(path[-1])
    keys = place_at(path[:-1]).keys
    expected = f"expected one of {listed(tuple(sorted(keys)), at_most=20)}"
    step = did_you_mean(key, keys) or "; delete it or rename it"
    if " " in key:
        step = _COMMA_STEP
    text = f"found the key {shorten(key)} in {where(path[:-1])}, {expected}{step}"
    return Finding(path, text, at_key=True)


def _wrong_key_text(error: ErrorDetails, key: str) -> str:
    if " " in key:
        return f"found the key {shorten(key)}, expected {_expected(error)}{_COMMA_STEP}"
    return _scalar_text(error, shorten(key))


def _nothing_text(path: Path, error: ErrorDetails) -> str:
    expected = _expected(error) or _kind(place_at(path))
    return f"found nothing, expected {expected}; write it, or delete the key"


def _empty_text(path: Path, node: Node) -> str:
    kind = "list" if isinstance(node, Listing) else "mapping"
    meaning = place_at(path).meaning
    step = f"add one, or delete `{path[-1]}`"
    return f"found an empty {kind}, expected at least one ({_sentence(meaning)}); {step}"


def _kind_text(path: Path, node: Node) -> str:
    place = place_at(path)
    text = f"found {_kind_found(node)}, expected {_kind(place)}"
    if place.kind == "list" and isinstance(node, Scalar):
        return f"{text}; write [{shorten(node.text)[1:-1]}]"
    return f"{text}; see `{path[-1]}` in program_specs/README.md"


def _kind_found(node: Node) -> str:
    return f"the text {shorten(node.text)}" if isinstance(node, Scalar) else found(node)


def _kind(place: Place) -> str:
    match place:
        case Place(kind="list"):
            return "a list, such as [one, two]"
        case Place(kind="mapping", keys=()) if place.pairs:
            return "a mapping of names and values, such as {name: value}"
        case Place(kind="mapping", keys=()):
            return "a mapping by id, such as {first-id: {...}}"
        case Place(kind="mapping", keys=keys):
            return f"a mapping with the keys {listed(keys, at_most=20)}"
        case _:
            return "a text"


def _value_text(error: ErrorDetails, node: Node) -> str:
    expected = _expected(error)
    if not isinstance(node, Scalar):
        return f"found {found(node)}, expected {expected}; write it as one text"
    if error["type"] in _CHOICES:
        known = _choices(error)
        return f"found {shorten(node.text)}, expected {expected}{_or_choose(node.text, known)}"
    return _scalar_text(error, shorten(node.text))


def _or_choose(text: str, known: tuple[str, ...]) -> str:
    return did_you_mean(text, known) or "; choose one of them"


def _scalar_text(error: ErrorDetails, shown: str) -> str:
    meant = error.get("ctx", {}).get("meant")
    step = f"; did you mean {meant!r}?" if meant else "; change it to that"
    return f"found {shown}, expected {_expected(error)}{step}"


def _expected(error: ErrorDetails) -> str:
    if error["type"] == REFUSED:
        return str(error["ctx"]["expected"])
    if error["type"] in _CHOICES:
        return f"one of {listed(_choices(error))}"
    return "" if error["type"] in _WRONG_KINDS | _TOO_SHORT else error["msg"]


def _choices(error: ErrorDetails) -> tuple[str, ...]:
    context: dict[str, Any] = error.get("ctx", {})
    return tuple(re.findall(r"'([^']*)'", str(context.get("expected", ""))))


def _sentence(meaning: str) -> str:
    """A field's description as part of a sentence."""
    short = meaning.split(";", maxsplit=1)[0].rstrip(".")
    return short[:1].lower() + short[1:] if short[1:2].islower() or short[1:2] == " " else short
