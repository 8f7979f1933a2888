"""Markdown to Jira's documents and back to plain words."""

import pytest

from policy_rollout.adf import to_adf, to_text


def words(markdown):
    return to_text(to_adf(markdown))


def test_a_document_has_the_type_and_version_that_jira_asks_for():
    assert to_adf("Hello") == {
        "version": 1,
        "type": "doc",
        "content": [{"type": "paragraph", "content": [{"type": "text", "text": "Hello"}]}],
    }


def test_no_text_is_an_empty_document():
    assert to_adf("")["content"] == []


def test_emphasis_and_links_become_marks():
    nodes = to_adf("**bold** and [the spec](https://example.com/spec)")["content"][0]["content"]

    assert [node.get("marks") for node in nodes] == [
        [{"type": "strong"}],
        None,
        [{"type": "link", "attrs": {"href": "https://example.com/spec"}}],
    ]


def test_a_heading_keeps_its_level():
    assert to_adf("### Evidence")["content"][0]["attrs"] == {"level": 3}


def test_html_in_a_text_is_shown_and_not_dropped():
    assert words("remove <b>all</b> of it for markets <EU>") == (
        "remove <b>all</b> of it for markets <EU>"
    )


def test_a_block_of_html_is_shown_and_not_dropped():
    assert words("<div>\nstill here\n</div>") == "<div> still here </div>"


def test_html_inside_code_is_left_as_it_is():
    assert words("write `<b>` here") == "write <b> here"


def test_an_address_in_angle_brackets_stays_a_link():
    (node,) = to_adf("<https://example.com/a>")["content"][0]["content"]

    assert node["marks"] == [{"type": "link", "attrs": {"href": "https://example.com/a"}}]


def test_an_image_becomes_a_link_named_by_its_description():
    assert to_adf("![the board](https://example.com/b.png)")["content"] == [
        {
            "type": "paragraph",
            "content": [
                {
                    "type": "text",
                    "text": "the board",
                    "marks": [{"type": "link", "attrs": {"href": "https://example.com/b.png"}}],
                }
            ],
        }
    ]


def test_a_mention_in_markdown_notifies_nobody():
    assert words("ask [~accountid:5b10] about it") == "ask [~accountid:5b10] about it"


def test_small_print_is_a_last_paragraph_in_subscript():
    last = to_adf("Please sign.", small_print="[rollout x]")["content"][-1]

    assert last == {
        "type": "paragraph",
        "content": [
            {
                "type": "text",
                "text": "[rollout x]",
                "marks": [{"type": "subsup", "attrs": {"type": "sub"}}],
            }
        ],
    }


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("one\n\ntwo", "one\ntwo"),
        ("- deck\n- quiz", "- deck\n- quiz"),
        ("- [ ] deck\n- [x] quiz", "[ ] deck\n[x] quiz"),
        ("| item | state |\n|---|---|\n| deck | done |", "item | state\ndeck | done"),
        ("```\nquiz/ja-JP\n```", "quiz/ja-JP"),
        ("first  \nsecond", "first\nsecond"),
    ],
)
def test_each_block_is_a_line_of_plain_text(markdown, text):
    assert words(markdown) == text


def test_what_people_type_into_jira_beside_text_is_read_too():
    comment = {
        "type": "doc",
        "version": 1,
        "content": [
            {
                "type": "paragraph",
                "content": [
                    {"type": "mention", "attrs": {"id": "5b10", "text": "@Kim"}},
                    {"type": "text", "text": " see "},
                    {"type": "inlineCard", "attrs": {"url": "https://example.com/x"}},
                    {"type": "emoji", "attrs": {"shortName": ":warning:"}},
                ],
            },
            {
                "type": "panel",
                "attrs": {"panelType": "info"},
                "content": [
                    {"type": "paragraph", "content": [{"type": "text", "text": "quiz/ja-JP"}]}
                ],
            },
        ],
    }

    assert to_text(comment) == "@Kim see https://example.com/x:warning:\nquiz/ja-JP"


@pytest.mark.parametrize(("given", "text"), [(None, ""), ("plain ", "plain"), ({}, "")])
def test_an_answer_without_a_document_gives_what_words_there_are(given, text):
    assert to_text(given) == text
