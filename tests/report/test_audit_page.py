"""What the audit page shows a person, and that it stands alone."""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from policy_rollout import events as ev
from policy_rollout.audit import Audit, audit
from policy_rollout.journal.chain import StoredEntry
from policy_rollout.journal.store import Journal
from policy_rollout.report.audit_page import BODY_SHOWN, ENTRIES_IN_A_FOLD, audit_page
from tests.rehearsed import HADDAD, OSEI, OWNER, Rehearsal, play, play_to_a_waiver, written_anew

EXPORTED_AT = datetime(2026, 3, 5, 9, 30, tzinfo=UTC)
VOID = frozenset({"meta", "br", "link", "img", "input", "hr"})


class Reader(HTMLParser):
    """The text of a page, its tags, and those that are not closed where they should be."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.misplaced: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if self.open[-1:] == [tag]:
            self.open.pop()
        else:
            self.misplaced.append(tag)

    def handle_data(self, data):
        self.parts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.parts).split())


@pytest.fixture(scope="module")
def played(tmp_path_factory) -> tuple[StoredEntry, ...]:
    address = f"sqlite:///{tmp_path_factory.mktemp('played') / 'journal.sqlite3'}"
    with Journal(address) as journal:
        play(journal)
        return journal.read_stored("appeals")


@pytest.fixture(scope="module")
def page(played) -> str:
    return page_of(audit("appeals", played))


def page_of(audited: Audit) -> str:
    return audit_page(audited, exported_at=EXPORTED_AT)


def section(page: str, start: str, end: str) -> str:
    return Reader(f"<p {page[page.index(start) : page.index(end)]}").text


def test_the_same_audit_gives_the_same_page(played, page):
    assert page_of(audit("appeals", played)) == page


def test_the_page_is_well_formed(page):
    reader = Reader(page)
    assert (reader.open, reader.misplaced) == ([], [])


def test_the_page_has_no_script_and_nothing_from_outside(page):
    tags = Reader(page).tags
    assert {tag for tag, _ in tags} & {"script", "link", "img", "iframe", "object"} == set()
    assert not [
        attributes for _, attributes in tags if "src" in attributes or "style" in attributes
    ]
    assert all(
        str(attributes["href"]).startswith("#") for _, attributes in tags if "href" in attributes
    )
    assert "url(" not in page
    assert "@import" not in page


def test_every_link_leads_somewhere(page):
    tags = Reader(page).tags
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    targets = {str(attributes["href"])[1:] for _, attributes in tags if "href" in attributes}
    assert len(ids) == len(set(ids))
    assert targets <= set(ids)


def test_every_heading_of_a_table_says_what_it_heads(page):
    headings = [attributes for tag, attributes in Reader(page).tags if tag == "th"]
    assert headings
    assert all(attributes.get("scope") == "col" for attributes in headings)


def test_the_page_begins_with_program_verdict_and_head(page, played):
    text = Reader(page[page.index("<body>") :]).text
    assert text.startswith(
        "Appeals within <=14 days & notices Audit of the program appeals , exported on "
        "Thu 5 Mar 2026 09:30:00 UTC Verified: the chain is whole and every gate comes to the "
        "same outcome Program appeals Entries in the journal 48"
    )
    assert f"Head digest {played[-1].hash}" in text


def test_texts_of_people_are_escaped(page):
    assert "Appeals within &lt;=14 days &amp; notices" in page
    assert "within <=14" not in page


def test_a_signature_shows_who_how_and_when_in_the_program_s_zone_and_utc(page):
    text = section(page, 'id="gate-prepare"', 'id="gate-launch"')
    assert (
        f"Mon 2 Mar 2026 10:20:00 JST Mon 2 Mar 2026 01:20:00 UTC policy {HADDAD} Jira transition"
    ) in text
    assert f"policy {OSEI} one-time code" in text
    assert "Condition for launch (ops): Publish the page" in text


def test_a_refusal_shows_its_reason(page):
    text = section(page, 'id="gate-prepare"', 'id="gate-launch"')
    assert f"legal {OWNER} Jira transition {OWNER} is not a member of legal" in text


def test_a_round_shows_how_it_ended(page):
    text = section(page, 'id="gate-prepare"', 'id="gate-launch"')
    assert "Round 1: changes asked for" in text
    assert "An example contradicts it. Reopen: guideline appeals/prepare/guideline" in text
    assert "Round 2: passed" in text


def test_the_evidence_stands_as_it_was(page):
    text = section(page, 'id="gate-prepare"', 'id="gate-launch"')
    assert "tasks all done holds 2 of 2 —" in text
    assert "training in ja-JP 95% completed holds 1 of 1 —" in text
    assert "recomputed: the same" in text
    assert "appeals/prepare/guideline Write the guideline ops" in text


def test_a_waiver_and_a_call_of_backups_are_shown(tmp_path):
    with Journal(f"sqlite:///{tmp_path / 'journal.sqlite3'}") as journal:
        program = play_to_a_waiver(journal)
        called = ev.BackupCalled(
            stage="prepare",
            round=1,
            role="policy",
            member=HADDAD,
            backups=("b.ackers@example.com",),
            why="no answer within 16 working hours",
        )
        program.write(called)
        page = page_of(audit("appeals", journal.read_stored("appeals")))
    text = section(page, 'id="gate-prepare"', 'id="gate-launch"')
    assert (
        f"training in ja-JP {OSEI} one-time code Tue 3 Mar 2026 reviewers are hired in April"
    ) in text
    assert f"holds 0 of 1 {OSEI}, until the end of 2026-03-03" in text
    assert f"backups may sign b.ackers@example.com for {HADDAD} no answer within 16 working" in text


def test_findings_stand_on_top_and_at_their_gate(played):
    passed = next(each.sequence for each in played if each.kind == "gate_passed")
    signed = next(each for each in played if each.kind == "signed_off")
    forged = written_anew([each for each in played if each != signed])
    page = page_of(audit("appeals", forged))
    finding = f"entry {passed - 1}, gate prepare: it lacked 1 sign-off for legal that count"
    assert finding in section(page, 'id="findings"', 'id="gates"')
    assert finding in section(page, 'id="gate-prepare"', 'id="gate-launch"')
    assert "NOT verified: " in page


def test_a_program_without_a_readable_spec_still_has_a_page(played):
    text = Reader(page_of(audit("appeals", played[5:]))).text
    assert "NOT verified" in text
    assert "entry 1: it and all up to entry 5 are missing; the next one found is 6" in text


def test_an_empty_journal_has_a_page():
    assert Reader(page_of(audit("appeals", ()))).open == []


def test_each_entry_stands_on_one_line(played, page):
    lines = [line for line in page.split("\n") if line.startswith('<tr id="entry-')]
    assert len(lines) == len(played)
    assert all(line.endswith("</td></tr>") for line in lines)


def test_a_long_body_is_cut_and_says_how_much_is_left(page, played):
    left = len(played[0].body) - BODY_SHOWN
    assert f"… ({left:,} more characters in journal.jsonl)" in page


def test_a_long_journal_is_folded(tmp_path):
    with Journal(f"sqlite:///{tmp_path / 'journal.sqlite3'}") as journal:
        program = Rehearsal(journal)
        program.write(*_said(2 * ENTRIES_IN_A_FOLD))
        entries = journal.read_stored("appeals")
    page = page_of(audit("appeals", entries))
    folds = re.findall(r"<summary>Entries (\d+) to (\d+)</summary>", page)
    assert folds == [("1", "500"), ("501", "1000"), ("1001", str(len(entries)))]
    assert "<details open>" not in page


def test_a_very_long_journal_shows_its_ends_and_all_that_is_about_gates(played, monkeypatch):
    monkeypatch.setattr("policy_rollout.report.audit_page.ENTRIES_AT_AN_END", 5)
    page = page_of(audit("appeals", played))
    shown = [int(number) for number in re.findall(r'<tr id="entry-(\d+)"', page)]
    passed = [each.sequence for each in played if each.kind == "gate_passed"]
    assert shown[:5] + shown[-5:] == [1, 2, 3, 4, 5, 44, 45, 46, 47, 48]
    assert set(passed) <= set(shown)
    assert len(shown) < len(played)
    left_out = len(played) - len(shown)
    assert f"Entries 1 to 48 ({left_out} of them only in journal.jsonl)" in page
    targets = {int(number) for number in re.findall(r'href="#entry-(\d+)"', page)}
    assert targets <= set(shown)


def _said(count: int):
    return [ev.Said(marks=(f"mark-{number}",)) for number in range(count)]


def test_a_flood_of_refusals_is_bounded(tmp_path):
    with Journal(f"sqlite:///{tmp_path / 'journal.sqlite3'}") as journal:
        program = Rehearsal(journal)
        refused = [
            ev.SignOffRefused(
                stage="prepare",
                round=1,
                role="legal",
                account="acc:eve",
                name="Eve",
                history_id=f"x{number}",
                at=program.now,
                why="nobody",
            )
            for number in range(250)
        ]
        program.write(*refused)
        page = page_of(audit("appeals", journal.read_stored("appeals")))
    text = section(page, 'id="gate-prepare"', 'id="gate-launch"')
    assert text.count("Eve Jira transition nobody") == 200
    assert "and 50 more, in the journal below" in text
