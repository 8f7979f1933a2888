"""What differs between two texts of one spec, in the words of the texts. Pure."""

from collections.abc import Iterator

from policy_rollout.spec.document import Listing, Mapping, Node, Scalar, read_document

LONGEST_SHOWN = 120
_BYTE_ORDER_MARK = "\ufeff"


def differences(before: str, after: str) -> tuple[str, ...]:
    """One sentence for each key that is new, gone or another, in the order of the texts.

    Comments, layout and the order of keys are no difference. A text that is no readable YAML has
    no keys.
    """
    return tuple(_differing("", _root(before), _root(after)))


def _root(text: str) -> Mapping:
    root = read_document(text.removeprefix(_BYTE_ORDER_MARK), "").root
    return root if root is not None else Mapping(0, 0)


def _differing(path: str, before: Mapping, after: Mapping) -> Iterator[str]:
    for key in dict.fromkeys((*before.values, *after.values)):
        was, found = before.values.get(key), after.values.get(key)
        name = f"{path}.{key}" if path else key
        if was is None and found is not None:
            yield f"{name}: new, {_words(found)}"
        elif found is None and was is not None:
            yield f"{name}: gone, was {_words(was)}"
        elif isinstance(was, Mapping) and isinstance(found, Mapping):
            yield from _differing(name, was, found)
        elif was is not None and found is not None and _words_of(was) != _words_of(found):
            yield f"{name}: was {_words(was)}, is {_words(found)}"


def _words(node: Node) -> str:
    words = _words_of(node)
    return words if len(words) <= LONGEST_SHOWN else f"{words[:LONGEST_SHOWN]}…"


def _words_of(node: Node) -> str:
    match node:
        case Scalar(text=text):
            return " ".join(text.split()) or '""'
        case Listing(items=items):
            return f"[{', '.join(map(_words_of, items))}]"
        case Mapping(values=values):
            return f"{{{', '.join(f'{key}: {_words_of(each)}' for key, each in values.items())}}}"
