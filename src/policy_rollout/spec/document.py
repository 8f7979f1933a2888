"""YAML text -> a tree of texts with places, or the reasons why not. Pure.

The event stream of libyaml is read one event at a time into our own nodes, so that nothing is
typed, expanded or recursed into before its size and depth are known. Aliases, anchors and tags
are refused where they stand: a spec of thousands of items has no use for them, and they hide
what is meant from the people who review it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from policy_rollout.spec.problems import Path, Problem, Severity
from policy_rollout.spec.yaml_mistakes import explain

LONGEST_TEXT = 1_000_000
MOST_NODES = 150_000  # a spec of 10,000 tasks has about 110,000
DEEPEST = 20  # the language itself needs 6
MOST_PROBLEMS = 500

# possessive: a million lines of comments are passed once, and never gone back over
_DIRECTIVE = re.compile(r"(?:[ \t]*+(?:#[^\n]*+)?+\r?\n)*+%")
_NOTHING_MORE = re.compile(r"(?:\s++|\.\.\.|#[^\n]*+)*+\Z")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(slots=True)
class Scalar:
    """A text; `bare` if it stands without quotes, as `null` and `~` may not."""

    line: int
    column: int
    text: str
    bare: bool


@dataclass(slots=True)
class Listing:
    line: int
    column: int
    items: "list[Node]" = field(default_factory=list)


@dataclass(slots=True)
class Mapping:
    line: int
    column: int
    keys: dict[str, Scalar] = field(default_factory=dict)
    values: "dict[str, Node]" = field(default_factory=dict)


Node = Scalar | Listing | Mapping
Container = Listing | Mapping


@dataclass(frozen=True, slots=True)
class Document:
    """A spec's text as nodes; `root` is None where the text is no readable mapping."""

    root: Mapping | None
    problems: tuple[Problem, ...]


def read_document(text: str, path: str) -> Document:
    """The nodes of a text and all that is wrong with it as YAML."""
    refused = _refuse_unread(text, path)
    if refused is not None:
        return Document(None, (refused,))
    builder = _Builder(path)
    try:
        builder.build(text)
    except _Stop as stop:
        return Document(None, (*builder.problems, stop.problem))
    except yaml.YAMLError as error:
        line, column, reason = explain(error, text)
        return Document(None, (*builder.problems, _error(path, line, column, "yaml", reason)))
    return _with_mapping_on_top(builder, path)


def plain(node: Node) -> Any:
    """A node as dicts, lists and texts, for the model."""
    match node:
        case Scalar():
            return node.text
        case Mapping():
            return {key: plain(value) for key, value in node.values.items()}
        case Listing():
            return [plain(item) for item in node.items]


def walk(node: Node) -> Iterator[Node]:
    """Every node below and including this one; the keys of mappings are scalars of it."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        if isinstance(current, Mapping):
            yield from current.keys.values()
            waiting.extend(current.values.values())
        elif isinstance(current, Listing):
            waiting.extend(current.items)


def locate(root: Mapping, path: Path, *, at_key: bool = False) -> tuple[int, int]:
    """Line and column of a path: of the value if it is a text, else of its key.

    Where the path leads out of the document, the nearest part that is there.
    """
    node: Node = root
    key: Node = root
    for part in path:
        if isinstance(node, Mapping) and part in node.values:
            key, node = node.keys[str(part)], node.values[str(part)]
        elif isinstance(node, Listing) and isinstance(part, int) and part < len(node.items):
            key = node = node.items[part]
        else:
            return key.line, key.column
    place = node if isinstance(node, Scalar) and node.text and not at_key else key
    return place.line, place.column


def _error(path: str, line: int, column: int, rule: str, text: str) -> Problem:
    return Problem(path, line, column, rule, Severity.ERROR, text)


def _refuse_unread(text: str, path: str) -> Problem | None:
    if len(text) > LONGEST_TEXT:
        found = f"found {len(text):,} characters, expected at most {LONGEST_TEXT:,}"
        return _error(path, 1, 1, "too-large", f"{found}; split it into several programs")
    surrogate = _SURROGATE.search(text)
    if surrogate is not None:
        line = text.count("\n", 0, surrogate.start()) + 1
        found = "found half of a character (a lone surrogate), expected whole ones"
        return _error(path, line, 1, "not-text", f"{found}; paste the text again as UTF-8")
    directive = _DIRECTIVE.match(text)
    if directive is not None:
        line = text.count("\n", 0, directive.end()) + 1
        found = "found a YAML directive (a line that starts with %), expected none"
        return _error(path, line, 1, "yaml", f"{found}; delete the line")
    return None


def _with_mapping_on_top(builder: "_Builder", path: str) -> Document:
    problems = tuple(builder.problems)
    match builder.root:
        case Mapping() as root:
            return Document(root, problems)
        case Scalar(text="", bare=True) | None:
            found = "found an empty file, expected a program spec"
            step = "start with `program:`, `policy:`, `people:` and `stages:`"
            return Document(None, (*problems, _error(path, 1, 1, "empty", f"{found}; {step}")))
        case top:
            found = "a list" if isinstance(top, Listing) else f"the text {shorten(top.text)}"
            wanted = "expected a mapping with the keys program, policy, people and stages"
            text = f"found {found} on top, {wanted}; see program_specs/README.md"
            return Document(
                None, (*problems, _error(path, top.line, top.column, "not-a-mapping", text))
            )


def shorten(text: str, *, at_most: int = 60) -> str:
    """A text in quotes, as it is shown in a message."""
    shown = text if len(text) <= at_most else text[: at_most - 1] + "…"
    return repr(shown)


class _Stop(Exception):
    def __init__(self, problem: Problem) -> None:
        self.problem = problem


class _Builder:
    """Puts nodes together while the events come; `_open` are the containers not yet closed."""

    def __init__(self, path: str) -> None:
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self._path = path
        self._open: list[Container] = []
        self._keys: list[Scalar | None] = []  # for each open container, the key that waits
        self._count = 0

    def build(self, text: str) -> None:
        next_event = yaml.CBaseLoader(text).get_event
        while True:
            event = next_event()
            if type(event) is yaml.ScalarEvent:  # nearly all are: asked for first
                self._scalar(event)
                continue
            match event:
                case yaml.MappingStartEvent():
                    self._start(event, Mapping(*_place(event)))
                case yaml.SequenceStartEvent():
                    self._start(event, Listing(*_place(event)))
                case yaml.CollectionEndEvent():
                    self._end()
                case yaml.AliasEvent():
                    self._alias(event)
                case yaml.DocumentEndEvent():
                    self._refuse_more(text, event)
                    return
                case yaml.StreamEndEvent():
                    return

    def _scalar(self, event: Any) -> None:
        if event.tag is not None or event.anchor is not None:
            self._refuse_properties(event)
        mark = event.start_mark
        self._add(Scalar(mark.line + 1, mark.column + 1, event.value, event.implicit[0]))

    def _start(self, event: Any, container: Container) -> None:
        if event.tag is not None or event.anchor is not None:
            self._refuse_properties(event)
        self._open.append(container)
        self._keys.append(None)
        if len(self._open) > DEEPEST:
            found = f"found more than {DEEPEST} levels of nesting, expected at most 6"
            self._stop(event, "too-deep", f"{found}; take the inner levels out")

    def _end(self) -> None:
        container = self._open.pop()
        self._keys.pop()
        self._add(container)

    def _add(self, node: Node) -> None:
        self._count += 1
        if self._count > MOST_NODES:
            found = f"found more than {MOST_NODES:,} keys and values, expected fewer"
            self._stop_at(node.line, node.column, "too-large", f"{found}; split the program")
        if not self._open:
            self.root = node
            return
        container = self._open[-1]
        if isinstance(container, Listing):
            container.items.append(node)
        else:
            self._add_to_mapping(container, node)

    def _add_to_mapping(self, mapping: Mapping, node: Node) -> None:
        key = self._keys[-1]
        if key is None:
            self._keys[-1] = node if isinstance(node, Scalar) else self._complex_key(node)
            return
        self._keys[-1] = None
        first = mapping.keys.get(key.text)
        if first is None:
            mapping.keys[key.text], mapping.values[key.text] = key, node
            return
        found = f"found the key {shorten(key.text)} a second time, the first is on line"
        step = f"{first.line}, expected once; keep one of them or rename it"
        self._problem(key.line, key.column, "duplicate-key", f"{found} {step}")

    def _complex_key(self, node: Container) -> Scalar:
        kind = "list" if isinstance(node, Listing) else "mapping"
        step = 'expected a text; put the key in quotes, as "{{ name }}"'
        self._problem(node.line, node.column, "complex-key", f"found a {kind} as a key, {step}")
        return Scalar(node.line, node.column, "", bare=False)

    def _alias(self, event: Any) -> None:
        found = f"found the alias *{event.anchor}, expected the text itself"
        line, column = _place(event)
        self._problem(line, column, "alias", f"{found}; write it out, or quote a text with *")
        self._add(Scalar(line, column, f"*{event.anchor}:{line}:{column}", bare=False))

    def _refuse_properties(self, event: Any) -> None:
        line, column = _place(event)
        if event.anchor is not None:
            found = f"found the anchor &{event.anchor}, expected none"
            self._problem(line, column, "anchor", f"{found}; delete it, or quote a text with &")
        if event.tag is not None:
            found = f"found the YAML tag {shorten(event.tag)}, expected none"
            self._problem(line, column, "tag", f"{found}; delete it, or quote a text with !")

    def _refuse_more(self, text: str, event: Any) -> None:
        if _NOTHING_MORE.match(text, event.end_mark.index) is None:
            found = "found more after the end of the document, expected one program in a file"
            self._stop(event, "several-documents", f"{found}; move it to a file of its own")

    def _problem(self, line: int, column: int, rule: str, text: str) -> None:
        if len(self.problems) >= MOST_PROBLEMS:
            found = f"found more than {MOST_PROBLEMS} problems, expected a program spec"
            self._stop_at(line, column, "too-many-problems", f"{found}; mend the ones above first")
        self.problems.append(_error(self._path, line, column, rule, text))

    def _stop(self, event: Any, rule: str, text: str) -> None:
        self._stop_at(*_place(event), rule, text)

    def _stop_at(self, line: int, column: int, rule: str, text: str) -> None:
        raise _Stop(_error(self._path, line, column, rule, text))


def _place(event: Any) -> tuple[int, int]:
    mark = event.start_mark
    return mark.line + 1, mark.column + 1
