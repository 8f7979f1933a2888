"""What no text of a spec may be: a placeholder, null, hidden, or twice in a list. Pure."""

import re
from collections.abc import Iterator

from policy_rollout.spec.document import Listing, Mapping, Node, Scalar, shorten, walk
from policy_rollout.spec.problems import Problem, Severity

_WHOLE = re.compile(
    r"(?i:tbd|tbc|tba|to be (decided|done|defined|confirmed)|todo|fixme|x{3,}|n\s?/\s?a|"
    r"placeholder|lorem ipsum.*)|\?+|\.{3,}|…|-+"
)
_INSIDE = re.compile(
    r"\b(?:TBD|TBC|FIXME|XXX+)\b|\bTODO\b(?=\s*(?:[:()]|$))|\?{3,}|<[A-Za-z][^<>@]*>"
)
_PERSON = re.compile(r"(?i:tbd|tbc|tba|todo|fixme|x{3,}|nobody|someone|somebody|your\.?name)@.*")
_NULL = {"~", "null", "Null", "NULL"}
# These reorder what a reviewer sees, make equal texts differ, or (controls, written "\x1b") steer a
# terminal and stop a database: all but tab and line break. Zero-width joiners and the marks of
# writing direction are not among them: Persian, Hindi, Hebrew and emoji are written with them.
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b\u202a-\u202e\u2060-\u2069\ufeff]")


def judge_texts(root: Mapping, path: str) -> Iterator[Problem]:
    """Problems of single texts and of lists that say the same twice."""
    for node in walk(root):
        if isinstance(node, Scalar):
            for rule, text in _judge(node):
                yield Problem(path, node.line, node.column, rule, Severity.ERROR, text)
        elif isinstance(node, Listing):
            yield from _twice(node, path)


def _judge(node: Scalar) -> Iterator[tuple[str, str]]:
    text = node.text
    if node.bare and text in _NULL:
        yield "null", f"found {text}, expected a value; delete the key, or put the text in quotes"
    placeholder = _placeholder(text)
    if placeholder:
        found = f"found the placeholder {shorten(placeholder)}, expected what is really meant"
        yield "placeholder", f"{found}; write it, or delete the key until it is known"
    if not text.isprintable() and (hidden := _HIDDEN.search(text)):
        found = f"found the invisible character U+{ord(hidden[0]):04X} in {shorten(text)}"
        yield "hidden-character", f"{found}, expected only what can be seen; type the text anew"


def _placeholder(text: str) -> str | None:
    stripped = text.strip()
    if _WHOLE.fullmatch(stripped) or _PERSON.fullmatch(stripped):
        return stripped
    inside = _INSIDE.search(stripped)
    return inside[0] if inside else None


def _twice(node: Listing, path: str) -> Iterator[Problem]:
    seen: dict[str, Node] = {}
    for item in node.items:
        if not isinstance(item, Scalar):
            continue
        first = seen.setdefault(item.text, item)
        if first is not item:
            found = f"found {shorten(item.text)} a second time in one list, expected it once"
            text = f"{found}; delete one of them"
            yield Problem(path, item.line, item.column, "twice", Severity.ERROR, text)
