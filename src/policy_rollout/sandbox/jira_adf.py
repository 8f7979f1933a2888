"""Atlassian documents (ADF): whether one is well formed, its text, and its HTML. Pure.

See https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/
"""

from typing import Any

from markupsafe import Markup, escape

INLINE = frozenset({"text", "hardBreak", "mention", "emoji", "date", "status", "inlineCard"})
LISTS = frozenset({"bulletList", "orderedList"})
FLOW = frozenset({"paragraph", "codeBlock", "heading", "rule"}) | LISTS
BLOCKS = FLOW | {"blockquote", "panel", "table", "taskList", "expand"}
CELL = FLOW | {"panel", "blockquote", "taskList"}
CONTENT: dict[str, frozenset[str]] = {
    "doc": BLOCKS,
    "paragraph": INLINE,
    "heading": INLINE,
    "codeBlock": frozenset({"text"}),
    "blockquote": frozenset({"paragraph", "codeBlock"}) | LISTS,
    "panel": FLOW | {"taskList"},
    "expand": BLOCKS - {"expand"},
    "bulletList": frozenset({"listItem"}),
    "orderedList": frozenset({"listItem"}),
    "listItem": frozenset({"paragraph", "codeBlock"}) | LISTS,
    "taskList": frozenset({"taskItem", "taskList"}),
    "taskItem": INLINE,
    "table": frozenset({"tableRow"}),
    "tableRow": frozenset({"tableHeader", "tableCell"}),
    "tableHeader": CELL,
    "tableCell": CELL,
}
LEAVES = INLINE | {"rule"}
NEVER_EMPTY = LISTS | {"table", "tableRow", "listItem", "taskList", "blockquote", "panel"}
MARKS = frozenset(
    {"strong", "em", "code", "link", "strike", "underline", "textColor", "subsup"}
    | {"backgroundColor"}
)
MARKS_WITH_CODE = frozenset({"code", "link"})
HIGHEST_HEADING = 6


class NotADocument(ValueError):
    """The text says where the document is wrong."""


def check(document: Any) -> None:
    """Accept a document as Jira's v3 does.

    Raises:
        NotADocument: it is no ADF document: a bare string, for example.
    """
    if not isinstance(document, dict) or document.get("type") != "doc":
        raise NotADocument("it must be an Atlassian Document (type 'doc')")
    if document.get("version") != 1:
        raise NotADocument("the version of an Atlassian Document is 1")
    if not isinstance(document.get("content"), list):
        raise NotADocument("an Atlassian Document needs a list 'content'")
    _check_content(document, "doc")


def _check_content(node: dict[str, Any], place: str) -> None:
    kind = node["type"]
    children = node.get("content", [])
    if not isinstance(children, list):
        raise NotADocument(f"{place}: 'content' must be a list")
    if kind in NEVER_EMPTY and not children:
        raise NotADocument(f"{place}: a {kind} cannot be empty")
    for index, child in enumerate(children):
        _check_node(child, CONTENT[kind], f"{place}.content[{index}]")


def _check_node(node: Any, allowed: frozenset[str], place: str) -> None:
    if not isinstance(node, dict):
        raise NotADocument(f"{place}: a node must be an object")
    kind = node.get("type")
    if kind not in allowed:
        raise NotADocument(f"{place}: a node of type {kind!r} cannot stand here")
    _check_attributes(node, kind, place)
    if kind not in LEAVES:
        _check_content(node, place)


def _check_attributes(node: dict[str, Any], kind: str, place: str) -> None:
    attributes = node.get("attrs", {})
    if kind == "text":
        _check_text(node, place)
    elif kind == "heading" and attributes.get("level") not in range(1, HIGHEST_HEADING + 1):
        raise NotADocument(f"{place}: a heading needs a level from 1 to {HIGHEST_HEADING}")
    elif kind == "panel" and not attributes.get("panelType"):
        raise NotADocument(f"{place}: a panel needs a panelType")
    elif kind == "mention" and not attributes.get("id"):
        raise NotADocument(f"{place}: a mention needs an id")
    elif kind in {"taskList", "taskItem"} and not attributes.get("localId"):
        raise NotADocument(f"{place}: a {kind} needs a localId")


def _check_text(node: dict[str, Any], place: str) -> None:
    if not isinstance(node.get("text"), str) or not node["text"]:
        raise NotADocument(f"{place}: a text node needs a text that is not empty")
    marks = [mark.get("type") for mark in node.get("marks", [])]
    for mark in marks:
        if mark not in MARKS:
            raise NotADocument(f"{place}: unknown mark {mark!r}")
    if "code" in marks and not MARKS_WITH_CODE.issuperset(marks):
        raise NotADocument(f"{place}: text marked as code can only be a link besides")


def document_of(text: str) -> dict[str, Any]:
    """Plain text as a document: a paragraph for each block of lines."""
    blocks = [block.strip() for block in text.replace("\r", "").split("\n\n")]
    return {"type": "doc", "version": 1, "content": [_paragraph(each) for each in blocks if each]}


def _paragraph(text: str) -> dict[str, Any]:
    content: list[dict[str, Any]] = []
    for line in text.split("\n"):
        content += [{"type": "hardBreak"}] if content else []
        content += [{"type": "text", "text": line}] if line else []
    return {"type": "paragraph", "content": content}


def text_of(node: dict[str, Any]) -> str:
    """The words of a document, a line for each block."""
    kind = node["type"]
    if kind == "text":
        return str(node["text"])
    if kind == "hardBreak":
        return "\n"
    if kind in INLINE:
        return str(node.get("attrs", {}).get("text", ""))
    parts = [text_of(child) for child in node.get("content", [])]
    inline = CONTENT.get(kind, INLINE) <= INLINE
    return "".join(parts) if inline else "\n".join(parts)


BLOCK_HTML = {
    "doc": "{}",
    "rule": "<hr>",
    "paragraph": "<p>{}</p>",
    "heading": "<h{level}>{}</h{level}>",
    "codeBlock": "<pre><code>{}</code></pre>",
    "blockquote": "<blockquote>{}</blockquote>",
    "panel": '<div class="adf-panel {panel}">{}</div>',
    "expand": "<details><summary>{title}</summary>{}</details>",
    "bulletList": "<ul>{}</ul>",
    "orderedList": "<ol>{}</ol>",
    "listItem": "<li>{}</li>",
    "taskList": '<ul class="tasks">{}</ul>',
    "taskItem": "<li>{mark} {}</li>",
    "table": "<table>{}</table>",
    "tableRow": "<tr>{}</tr>",
    "tableHeader": "<th>{}</th>",
    "tableCell": "<td>{}</td>",
}
MARK_TAGS = {"strong": "strong", "em": "em", "code": "code", "strike": "s", "underline": "u"}
SAFE_SCHEMES = ("http://", "https://", "mailto:", "/", "#")


def html_of(node: dict[str, Any]) -> Markup:
    """A checked document as HTML; all text in it is escaped."""
    kind = node["type"]
    if kind in INLINE:
        return _inline_html(node)
    attributes = node.get("attrs", {})
    inside = Markup("").join(html_of(child) for child in node.get("content", []))
    around = Markup(BLOCK_HTML[kind])  # noqa: S704 - a constant of this file
    return around.format(
        inside,
        level=attributes.get("level", ""),
        panel=attributes.get("panelType", ""),
        mark="☑" if attributes.get("state") == "DONE" else "☐",
        title=attributes.get("title", "More"),
    )


def _inline_html(node: dict[str, Any]) -> Markup:
    attributes = node.get("attrs", {})
    match node["type"]:
        case "text":
            return _marked(escape(node["text"]), node.get("marks", []))
        case "hardBreak":
            return Markup("<br>")
        case "inlineCard":
            return _link(str(attributes.get("url", "")), escape(attributes.get("url", "")))
        case "date":
            return Markup("<time>{}</time>").format(attributes.get("timestamp", ""))
        case _:
            return Markup('<span class="chip">{}</span>').format(attributes.get("text", ""))


def _marked(text: Markup, marks: list[dict[str, Any]]) -> Markup:
    for mark in marks:
        tag = MARK_TAGS.get(mark["type"])
        if tag:
            text = Markup("<{0}>{1}</{0}>").format(tag, text)
        elif mark["type"] == "link":
            text = _link(str(mark.get("attrs", {}).get("href", "")), text)
    return text


def _link(address: str, text: Markup) -> Markup:
    if not address.startswith(SAFE_SCHEMES):
        return text
    return Markup('<a href="{}">{}</a>').format(address, text)
