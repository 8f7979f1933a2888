"""Atlassian documents in the sandbox: which are accepted, and how they look."""

import pytest

from policy_rollout.sandbox.jira_adf import NotADocument, check, document_of, html_of, text_of


def doc(*content):
    return {"type": "doc", "version": 1, "content": list(content)}


def text(words, *marks):
    return {"type": "text", "text": words, "marks": list(marks)}


def paragraph(*content):
    return {"type": "paragraph", "content": list(content)}


def cell(kind, words):
    return {"type": kind, "content": [paragraph(text(words))]}


WRONG = [
    ("plain", "it must be an Atlassian Document (type 'doc')"),
    (None, "it must be an Atlassian Document (type 'doc')"),
    ({"type": "doc", "content": []}, "the version of an Atlassian Document is 1"),
    ({"type": "doc", "version": 1}, "an Atlassian Document needs a list 'content'"),
    (doc(text("loose")), "doc.content[0]: a node of type 'text' cannot stand here"),
    (doc("loose"), "doc.content[0]: a node must be an object"),
    (
        doc(paragraph(text("x", {"type": "blink"}))),
        "doc.content[0].content[0]: unknown mark 'blink'",
    ),
    (
        doc(paragraph(text("x", {"type": "code"}, {"type": "strong"}))),
        "doc.content[0].content[0]: text marked as code can only be a link besides",
    ),
    (
        doc({"type": "heading", "attrs": {"level": 7}, "content": []}),
        "doc.content[0]: a heading needs a level from 1 to 6",
    ),
    (doc({"type": "bulletList", "content": []}), "doc.content[0]: a bulletList cannot be empty"),
    (doc({"type": "panel", "content": [paragraph()]}), "doc.content[0]: a panel needs a panelType"),
    (
        doc({"type": "table", "content": [paragraph()]}),
        "doc.content[0].content[0]: a node of type 'paragraph' cannot stand here",
    ),
]


@pytest.mark.parametrize(("document", "problem"), WRONG, ids=[each[1] for each in WRONG])
def test_what_jira_refuses_is_refused(document, problem):
    with pytest.raises(NotADocument) as refused:
        check(document)
    assert str(refused.value) == problem


def test_a_table_is_accepted_and_shown_as_one():
    rows = [
        {"type": "tableRow", "content": [cell("tableHeader", "Criterion")]},
        {"type": "tableRow", "content": [cell("tableCell", "holds")]},
    ]
    document = doc({"type": "table", "content": rows})

    check(document)

    assert html_of(document) == (
        "<table><tr><th><p>Criterion</p></th></tr><tr><td><p>holds</p></td></tr></table>"
    )


def test_text_in_a_document_is_no_html():
    shown = html_of(doc(paragraph(text("<script>{x}</script>", {"type": "strong"}))))

    assert shown == "<p><strong>&lt;script&gt;{x}&lt;/script&gt;</strong></p>"


def test_a_link_that_would_run_code_is_shown_as_text():
    link = {"type": "link", "attrs": {"href": "javascript:alert(1)"}}

    assert html_of(doc(paragraph(text("open", link)))) == "<p>open</p>"


def test_a_link_is_a_link():
    link = {"type": "link", "attrs": {"href": "https://example.com/?a=1&b=2"}}

    shown = html_of(doc(paragraph(text("open", link))))

    assert shown == '<p><a href="https://example.com/?a=1&amp;b=2">open</a></p>'


def test_plain_text_becomes_paragraphs_and_line_breaks():
    document = document_of("First line\nsecond line\r\n\r\nNext paragraph\n")

    check(document)

    assert html_of(document) == "<p>First line<br>second line</p><p>Next paragraph</p>"
    assert text_of(document) == "First line\nsecond line\nNext paragraph"
