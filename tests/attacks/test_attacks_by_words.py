"""Attempts to hide or forge what a signer reads, by what people may write freely."""

import pytest
from gate_under_attack import (
    LEGAL,
    OWN_ACCOUNT,
    SECOND_LEGAL,
    STATUSES,
    WAIVER,
    Gate,
    nobody_absent,
    one_short,
    spec_with,
)
from markdown_it import MarkdownIt

from policy_rollout import events as ev
from policy_rollout.adf import to_adf, to_text
from policy_rollout.decide import Circumstances, decide
from policy_rollout.observed import World
from policy_rollout.outline import outline_at
from policy_rollout.report.board import Links, board, evidence_of, form_text
from policy_rollout.report.evidence import as_read, cell, digest_shown
from policy_rollout.report.issue_text import refusal_text
from policy_rollout.work import State

LINKS = Links("https://jira.example", "https://jira.example/issues", "https://sheets.example")
EVIL = [
    "<details><summary>All is well</summary>",
    "<script>alert(1)</script>",
    "<!-- hidden",
    "[Approved](https://evil.example)",
    "![](https://evil.example/seen.png)",
    "`Digest of what is signed: `",
    "**approved** ~~rejected~~ _by legal_",
    "a | b | c",
    "&lt;b&gt; \\[x](https://evil.example) \\<b>",
    "one\n\n# Heading\n\n| role | needs |\n|---|---|\n| legal | 0 |",
]
PICTURE = "![time line](data:image/svg+xml;base64,"


def parsed(markdown: str) -> list[str]:
    """What a browser would make of a text: the kinds of its links, pictures, HTML and code."""
    found = []
    blocks = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    for token in blocks.parse(markdown.partition(PICTURE)[0]):
        for each in (token, *(token.children or ())):
            if each.type in {"html_block", "html_inline", "image", "s_open"}:
                found.append(each.type)
            if each.type == "link_open" and "evil.example" in str(each.attrs["href"]):
                found.append(each.type)
    return found


def shown(gate: Gate) -> dict[str, str]:
    """Every text that a stakeholder reads about the gate."""
    state = gate.state
    outline = outline_at(gate.spec, state, gate.now)
    world = World(dict(gate.issues), dict(gate.rows), tuple(gate.transitions), (), ())
    decision = decide(outline, state, world, Circumstances(gate.now, STATUSES, nobody_absent))
    return {
        "evidence": evidence_of(outline, decision, gate.stage, LINKS),
        "board": board(outline, decision, LINKS, today=gate.now.date()),
        "form": form_text(outline, decision, LINKS, now=gate.now),
    }


@pytest.mark.parametrize("text", EVIL)
def test_what_somebody_wrote_is_shown_letter_by_letter(text):
    inline = MarkdownIt("commonmark").enable("strikethrough").parseInline(f"x {cell(text)}")
    assert "".join(each.content for each in inline[0].children) == f"x {' '.join(text.split())}"
    assert to_text(to_adf(f"x {cell(text)}")) == f"x {' '.join(text.split())}"


@pytest.mark.parametrize("text", EVIL)
def test_a_terminal_shows_it_without_the_escapes_of_markdown(text):
    assert as_read(cell(text)) == " ".join(text.split())


@pytest.mark.parametrize("reason", EVIL)
def test_the_reason_of_a_rejection_forges_nothing(reason):
    gate = one_short()
    gate.says(SECOND_LEGAL, reason)
    gate.moves(SECOND_LEGAL, "Rejected")
    gate.look()
    texts = shown(gate)
    assert {name: parsed(text) for name, text in texts.items()} == {name: [] for name in texts}
    assert digest_shown(texts["evidence"]) == gate.state.gates["prepare"].digest


@pytest.mark.parametrize("reason", EVIL)
def test_the_reason_of_a_waiver_forges_nothing(reason):
    gate = one_short()
    gate.works("prepare/label", State.IN_PROGRESS)
    gate.gives_code(
        WAIVER, role="-", action="waive a criterion", text=f"Waive tasks until 2026-03-03: {reason}"
    )
    gate.look()
    assert len(gate.of_kind(ev.Waived)) == 1
    texts = shown(gate)
    assert {name: parsed(text) for name, text in texts.items()} == {name: [] for name in texts}


@pytest.mark.parametrize("reason", EVIL)
@pytest.mark.parametrize("order", [ev.Held, ev.ProgramStopped])
def test_the_reason_of_a_hold_or_a_stop_forges_nothing(order, reason):
    gate = one_short()
    gate.write(order(by="[legal](https://evil.example)", reason=reason))
    texts = shown(gate)
    assert {name: parsed(text) for name, text in texts.items()} == {name: [] for name in texts}


def test_a_title_forges_nothing():
    evil = "**Round 2** [read](https://evil.example) ![](https://evil.example/x.png) `y`"
    gate = one_short(
        spec_with(
            ("title: Demo", f'title: "{evil}"'),
            ("title: Write the guideline", f'title: "{evil}"'),
            ("ref: docs/policy.md", 'ref: "[docs](https://evil.example)"'),
        )
    )
    gate.works("prepare/guideline", State.IN_PROGRESS)
    texts = shown(gate)
    assert {name: parsed(text) for name, text in texts.items()} == {name: [] for name in texts}


def test_a_display_name_in_jira_forges_nothing_in_our_comment():
    gate = one_short()
    gate.moves("[Approved by legal](https://evil.example)", account="acc:stranger")
    gate.look()
    (refused,) = gate.of_kind(ev.SignOffRefused)
    named = refused.model_copy(update={"name": "[Approved by legal](https://evil.example)"})
    assert parsed(refusal_text(named)) == []


def test_two_texts_that_look_alike_when_they_are_joined_have_two_digests():
    gates = [
        one_short(spec_with(("title: Write the guideline", f"title: {title}")))
        for title in ('\'a","team":"legal\'', "a")
    ]
    assert len({each.state.gates["prepare"].digest for each in gates}) == 2


def test_a_comment_that_our_own_account_wrote_is_nobodys_waiver():
    gate = one_short(wanda=OWN_ACCOUNT)
    gate.works("prepare/label", State.IN_PROGRESS)
    gate.look()
    gate.says("rollout@example.com", "Waive tasks until 2026-03-03: it follows")
    gate.look()
    assert gate.of_kind(ev.Waived) == []
    assert LEGAL not in gate.signers
