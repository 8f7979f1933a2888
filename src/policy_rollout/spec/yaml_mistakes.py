"""What libyaml says about broken YAML, in words for people who write specs. Pure."""

import yaml

# the vendor's words (scanner.c and parser.c of libyaml 0.2) -> found, expected; what to do
_WORDS = {
    "found character that cannot start any token": (
        "found {character}, expected a value that starts with something else; put the text in "
        "double quotes"
    ),
    "found a tab character": ("found a tab, expected spaces; replace it with two spaces a level"),
    "mapping values are not allowed": (
        "found a second colon in one line, expected one key and its value; put a text that "
        "contains ': ' in double quotes, or mend the indentation of the line"
    ),
    "did not find expected ',' or '}'": (
        "found {character} inside {{...}}, expected a comma or the closing brace of line "
        "{opened}; put a text that contains , : {{ }} [ or ] in double quotes"
    ),
    "did not find expected ',' or ']'": (
        "found {character} inside [...], expected a comma or the closing bracket of line "
        "{opened}; put a text that contains , : {{ }} [ or ] in double quotes"
    ),
    "did not find expected key": (
        "found {character} where a key was expected; indent the line like its neighbours, and "
        "put texts that start with a quote, or contain ': ', wholly in double quotes"
    ),
    "could not find expected ':'": (
        "found a line without a colon, expected `key: value`; add the colon and a space, or "
        "indent the line if it goes on with the text above"
    ),
    "did not find expected '-' indicator": (
        "found {character} in a list, expected `- ` as in line {opened}; indent it like the others"
    ),
    "did not find expected node content": (
        "found {character} where a value was expected; write the value, or put it in quotes"
    ),
    "block sequence entries are not allowed": (
        "found `- ` where no list can stand, expected it on a line of its own; move it there"
    ),
    "unexpected end of stream": (
        "found a quote that is never closed, expected another one at the end of the text; close it"
    ),
    "unknown escape character": (
        "found a backslash with {character}, which means nothing in double quotes; write \\\\ or"
        " use single quotes"
    ),
    "undefined tag handle": (
        "found a YAML tag (!), expected none; put a text that starts with ! in double quotes"
    ),
    "did not find expected <document start>": (
        "found {character} after the end of the spec, expected nothing more; indent the line, "
        "or write it as `key: value`"
    ),
}


def explain(error: yaml.YAMLError, text: str) -> tuple[int, int, str]:
    """Line, column and words for what libyaml refused."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return _explain_unmarked(error, text)
    mark = error.problem_mark
    if "end of stream" in (error.problem or "") and error.context_mark is not None:
        mark = error.context_mark  # where the quote was opened
    said = error.problem or "broken YAML"
    character = _character(text, mark.line, mark.column)
    if character == "a tab":
        said = "found a tab character"
    opened = error.context_mark.line + 1 if error.context_mark else mark.line + 1
    for theirs, ours in _WORDS.items():
        if theirs in said:
            reason = ours.format(character=character, opened=opened)
            return mark.line + 1, mark.column + 1, reason
    reason = f"found {character}: {said}, expected YAML; look at this line and the one above"
    return mark.line + 1, mark.column + 1, reason


def _explain_unmarked(error: yaml.YAMLError, text: str) -> tuple[int, int, str]:
    position = getattr(error, "position", 0)
    position = position if isinstance(position, int) else 0
    encoded = text.encode(errors="replace")[:position].decode(errors="replace")
    line = encoded.count("\n") + 1
    column = len(encoded) - encoded.rfind("\n")
    character = _character(text, line - 1, column - 1)
    return line, column, f"found {character}, expected text without control characters; delete it"


def _character(text: str, line: int, column: int) -> str:
    lines = text.split("\n")
    if line >= len(lines) or (line == len(lines) - 1 and not lines[line]):
        return "the end of the file"
    if column >= len(lines[line].rstrip("\r")):
        return "the end of the line"
    character = lines[line][column]
    if character == "\t":
        return "a tab"
    return repr(character)
