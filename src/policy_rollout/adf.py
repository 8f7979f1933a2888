"""Markdown to the Atlassian Document Format (ADF), and ADF to plain text. Pure.

https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/
"""

import re
from typing import Any

from marklassian import markdown_to_adf

_TAG_START = re.compile(r"\\?<(?!https?://|mailto:)(?=[A-Za-z/!?])")
_LESS_THAN = "\ue000"  # stands in for `<`: Markdown leaves private-use characters alone
_LAST_WORDS = {
    "tableCell": " | ", "tableHeader": " | ", "paragraph": "\n", "heading": "\n",
    "codeBlock": "\n", "listItem": "\n", "taskItem": "\n", "tableRow": "\n", "rule": "\n",
    "decisionItem": "\n", "hardBreak": "\n",
}  # fmt: skip
_FIRST_WORDS = {"listItem": "- ", "decisionItem": "- "}
_SHOWN_ATTRIBUTES = {
    "mention": "text", "status": "text", "emoji": "shortName", "inlineCard": "url",
    "blockCard": "url", "embedCard": "url",
}  # fmt: skip


def to_adf(markdown: str, *, small_print: str = "") -> dict[str, Any]:
    """The document for a Markdown text.

    HTML in it is shown as it was written, never dropped; an image becomes a link to it, since
    Jira shows no pictures from elsewhere.

    Args:
        markdown: headings, lists, tables, task lists, code, links and emphasis are understood.
        small_print: plain text for a last paragraph in subscript, such as a mark of ours.
    """
    document = _restored(markdown_to_adf(_TAG_START.sub(_LESS_THAN, markdown)))
    if small_print:
        document["content"].append(_small_paragraph(small_print))
    adf: dict[str, Any] = document
    return adf


def to_text(document: Any) -> str:
    """The words of a document, a line for each block; unknown nodes give the text inside them.

    Takes what Jira sends for "no text" (null) and for plain text (a string) as well.
    """
    if not isinstance(document, dict):
        return str(document or "").strip()
    lines = (line.rstrip() for line in _text(document).splitlines())
    return "\n".join(line for line in lines if line)


def _small_paragraph(text: str) -> dict[str, Any]:
    small = {"type": "subsup", "attrs": {"type": "sub"}}
    return {"type": "paragraph", "content": [{"type": "text", "text": text, "marks": [small]}]}


def _restored(node: Any) -> Any:
    if isinstance(node, dict):
        if node.get("type") == "mediaSingle":
            return _linked(node["content"][0]["attrs"])
        return {key: _restored(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_restored(each) for each in node]
    return node.replace(_LESS_THAN, "<") if isinstance(node, str) else node


def _linked(image: dict[str, str]) -> dict[str, Any]:
    link = {"type": "link", "attrs": {"href": image["url"]}}
    text = _restored(image["alt"]) or image["url"]
    return {"type": "paragraph", "content": [{"type": "text", "text": text, "marks": [link]}]}


def _text(node: dict[str, Any]) -> str:
    kind = str(node.get("type"))
    attrs = node.get("attrs") or {}
    if kind == "taskItem":
        first = "[x] " if attrs.get("state") == "DONE" else "[ ] "
    else:
        first = _FIRST_WORDS.get(kind, "")
    shown = attrs.get(_SHOWN_ATTRIBUTES.get(kind, "")) or ""
    words = f"{node.get('text') or ''}{shown}{''.join(map(_text, node.get('content') or ()))}"
    if kind in {"tableCell", "tableHeader"}:
        words = words.replace("\n", " ").strip()
    if kind == "tableRow":
        words = words.removesuffix(" | ")
    return first + words + _LAST_WORDS.get(kind, "")
