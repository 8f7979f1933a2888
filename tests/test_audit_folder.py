"""An exported audit: written once, verified offline, and every way to touch it found."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from policy_rollout.audit import audit
from policy_rollout.audit_folder import audit_program, export, line_of, verify
from policy_rollout.errors import AuditFolderWrong
from policy_rollout.journal.chain import StoredEntry, entry_hash
from policy_rollout.journal.store import Journal
from tests.rehearsed import HADDAD, TAN, account_of, play, with_body, written_anew

EXPORTED_AT = datetime(2026, 3, 5, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def journal_file(tmp_path_factory) -> str:
    address = f"sqlite:///{tmp_path_factory.mktemp('played') / 'journal.sqlite3'}"
    with Journal(address) as journal:
        play(journal)
    return address


@pytest.fixture
def journal(journal_file) -> Iterator[Journal]:
    with Journal(journal_file) as opened:
        yield opened


@pytest.fixture
def folder(journal, tmp_path) -> Path:
    path = tmp_path / "audit"
    export(audit_program(journal, "appeals"), path, at=EXPORTED_AT)
    return path


@pytest.fixture
def head(journal) -> str:
    """The head digest, kept elsewhere at the time of the export."""
    return journal.verify("appeals")


def said(folder: Path, head: str | None = None) -> list[str]:
    return [str(each) for each in verify(folder, head=head).findings]


def entries_of(folder: Path) -> list[StoredEntry]:
    lines = (folder / "journal.jsonl").read_text().splitlines()
    return [StoredEntry(**json.loads(line)) for line in lines]


def put(folder: Path, entries: list[StoredEntry]) -> None:
    (folder / "journal.jsonl").write_text("".join(f"{line_of(each)}\n" for each in entries))


def rehashed(entry: StoredEntry) -> StoredEntry:
    """The entry with the hash that fits to what it says, as if nothing came after it."""
    fields = asdict(entry)
    del fields["hash"]
    return replace(entry, hash=entry_hash(**fields))


def edit(path: Path, old: str, new: str) -> None:
    written = path.read_text()
    assert old in written
    path.write_text(written.replace(old, new, 1))


def test_an_export_is_verified(folder, head):
    assert said(folder, head) == []


def test_an_export_is_four_files(folder):
    assert {each.name for each in folder.iterdir()} == {
        "README.txt",
        "audit.html",
        "head.txt",
        "journal.jsonl",
    }


def test_a_line_has_the_fields_that_are_hashed_and_the_hash(folder, journal):
    lines = (folder / "journal.jsonl").read_text().splitlines()
    fields = json.loads(lines[0])
    assert len(lines) == journal.heads()["appeals"]
    assert sorted(fields) == [
        "actor",
        "at",
        "body",
        "hash",
        "kind",
        "previous_hash",
        "program",
        "sequence",
    ]


def test_a_line_can_be_verified_as_the_readme_says_without_this_package(folder):
    previous = "0" * 64
    for line in (folder / "journal.jsonl").read_text().splitlines():
        entry = json.loads(line)
        assert entry["previous_hash"] == previous
        names = ("previous_hash", "program", "sequence", "at", "actor", "kind", "body")
        hashed = json.dumps([entry[name] for name in names], separators=(",", ":"))
        previous = hashlib.sha256(hashed.encode("ascii")).hexdigest()
        assert entry["hash"] == previous
    assert "[previous_hash, program, sequence, at, actor, kind, body]" in (
        (folder / "README.txt").read_text()
    )


def test_the_head_file_says_program_last_entry_digest_and_time(folder, head, journal):
    assert (folder / "head.txt").read_text() == (
        f"program: appeals\nlast entry: {journal.heads()['appeals']}\nhead digest: {head}\n"
        "exported at: 2026-03-05T09:30:00.000000+00:00\n"
    )


def test_a_folder_that_is_not_empty_is_refused(journal, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(AuditFolderWrong, match=r"the folder is not empty. Name a new or an empty"):
        export(audit_program(journal, "appeals"), tmp_path, at=EXPORTED_AT)
    assert [each.name for each in tmp_path.iterdir()] == ["mine.txt"]


def test_a_file_in_place_of_the_folder_is_refused(journal, tmp_path):
    (tmp_path / "audit").write_text("")
    with pytest.raises(AuditFolderWrong, match=r"it cannot be written \(File exists\)"):
        export(audit_program(journal, "appeals"), tmp_path / "audit", at=EXPORTED_AT)


def test_a_folder_that_is_no_export_is_refused(tmp_path):
    with pytest.raises(AuditFolderWrong, match=r"journal.jsonl cannot be read \(No such file"):
        verify(tmp_path)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"actor": "eve@example.com"}, "it was changed after it was written"),
        ({"at": "2026-03-02T00:00:00.000000+00:00"}, "it was changed after it was written"),
        ({"kind": "said"}, "it was changed after it was written"),
        ({"hash": "0" * 64}, "it was changed after it was written"),
        ({"program": "other"}, "it was moved here from program 'other'"),
    ],
)
def test_a_changed_field_is_found_by_entry_and_line(folder, change, found):
    entries = entries_of(folder)
    entries[9] = replace(entries[9], **change)
    put(folder, entries)
    assert f"journal.jsonl, line 10, entry 10: {found}" in said(folder)


def test_a_changed_body_is_found(folder):
    entries = entries_of(folder)
    entries[15] = with_body(entries[15], reason="It is fine")
    put(folder, entries)
    chain, entry, section = said(folder)
    assert chain == "journal.jsonl, line 16, entry 16: it was changed after it was written"
    assert entry == "audit.html, entry 16: the page shows it changed"
    assert section.endswith(": this line is not what the journal gives")


def test_a_changed_body_with_its_hash_recomputed_is_found_at_the_next_entry(folder):
    entries = entries_of(folder)
    entries[15] = rehashed(with_body(entries[15], reason="It is fine"))
    put(folder, entries)
    assert said(folder)[0] == (
        "journal.jsonl, line 17, entry 17: it does not follow entry 16: one of the two was "
        "replaced or moved"
    )


@pytest.mark.parametrize("gone", [1, 2, 20, 44])
def test_a_deleted_entry_is_found(folder, gone):
    put(folder, [each for each in entries_of(folder) if each.sequence != gone])
    assert said(folder)[0] == (
        f"journal.jsonl, entry {gone}: it is missing; the next one found is {gone + 1}"
    )


def test_several_deleted_entries_are_found_as_one_gap(folder):
    put(folder, [each for each in entries_of(folder) if each.sequence not in range(5, 9)])
    assert said(folder)[0] == (
        "journal.jsonl, entry 5: it and all up to entry 8 are missing; the next one found is 9"
    )


def test_a_deleted_end_is_found_by_the_head(folder, head):
    entries = entries_of(folder)
    put(folder, entries[:-1])
    last = len(entries) - 1
    found = said(folder, head)
    assert f"journal.jsonl, entry {last}: it is the last one, head.txt says {last + 1}" in found
    assert f"audit.html, entry {last + 1}: the page shows it, the journal has none" in found


def test_a_deleted_end_is_found_by_the_digest_kept_elsewhere_though_all_else_was_made_anew(
    folder, head, tmp_path
):
    shorter = _exported_anew(entries_of(folder)[:-1], tmp_path / "forged")
    assert said(shorter) == []
    (found,) = said(shorter, head)
    assert f"the head digest given is {head}: an entry was changed with all behind it" in found


def _exported_anew(entries: list[StoredEntry], folder: Path) -> Path:
    """What somebody gets who forges the journal and exports it with the same command."""
    export(audit("appeals", entries), folder, at=EXPORTED_AT)
    return folder


def test_swapped_lines_are_found(folder):
    entries = entries_of(folder)
    entries[5], entries[6] = entries[6], entries[5]
    put(folder, entries)
    assert said(folder) == [
        (
            "journal.jsonl, line 7, entry 6: it stands behind entry 7: the lines were put in "
            "another order"
        )
    ]


def test_swapped_entries_that_were_numbered_anew_are_found(folder):
    entries = entries_of(folder)
    entries[5], entries[6] = (
        rehashed(replace(entries[6], sequence=6)),
        rehashed(replace(entries[5], sequence=7)),
    )
    put(folder, entries)
    assert "journal.jsonl, line 6, entry 6: it does not follow entry 5" in said(folder)[0]


def test_an_inserted_entry_with_a_hash_of_its_own_is_found(folder):
    entries = entries_of(folder)
    forged = replace(
        entries[20], sequence=20, previous_hash=entries[18].hash, actor="eve@example.com"
    )
    put(folder, [*entries[:20], rehashed(forged), *entries[20:]])
    found = said(folder)
    assert (
        "journal.jsonl, line 21, entry 20: it stands twice, first in line 20: one was inserted"
        in (found)
    )


def test_an_entry_put_behind_the_end_is_found_by_the_head(folder, head):
    entries = entries_of(folder)
    last = entries[-1]
    forged = rehashed(replace(last, sequence=last.sequence + 1, previous_hash=last.hash))
    put(folder, [*entries, forged])
    found = said(folder, head)
    assert any("the head digest given is" in each for each in found)
    assert f"audit.html, entry {forged.sequence}: the page lacks this entry" in found


def test_a_whole_tail_chained_anew_is_found_by_the_head(folder, head, tmp_path):
    entries = entries_of(folder)
    entries[18] = replace(entries[18], at="2026-03-02T01:09:30.000000+00:00")
    anew = written_anew(entries)
    put(folder, anew)
    with_the_old_head = said(folder)
    assert f"its hash is {anew[-1].hash}, head.txt says {head}" in with_the_old_head[0]
    forged = _exported_anew(anew, tmp_path / "forged")
    assert said(forged) == []
    assert len(said(forged, head)) == 1


def test_a_signer_replaced_and_chained_anew_is_found_by_recomputing_alone(folder, tmp_path):
    entries = entries_of(folder)
    (signed,) = (
        each for each in entries if each.kind == "signed_off" and f'"{HADDAD}"' in each.body
    )
    forged = with_body(signed, person=TAN, account=account_of(TAN))
    anew = written_anew([forged if each == signed else each for each in entries])
    found = said(_exported_anew(anew, tmp_path / "forged"))
    assert found[0].startswith(
        f"journal.jsonl, line {signed.sequence}, entry {signed.sequence}, gate prepare: {TAN} was "
        "not allowed to sign"
    )


@pytest.mark.parametrize(
    "spoil",
    [
        lambda line: line.replace(b'{"actor"', b'{ "actor"'),
        lambda line: line.replace(b'"sequence":4', b'"sequence":4.0'),
        lambda line: line.replace(b'"sequence":4', b'"sequence":true'),
        lambda line: line.replace(b'"sequence":4', b'"sequence":4,"more":1'),
        lambda line: line.replace(b'"actor":', b'"actor":"eve","actor":'),
        lambda line: line.replace(b'"actor":"rollout"', b'"actor":7'),
        lambda line: line + b"\r",
        lambda _: b"",
        lambda _: b"[]",
        lambda _: b"[" * 100_000,
        lambda _: b"\xff\xfe",
    ],
)
def test_a_line_that_is_not_as_it_was_written_is_found(folder, spoil: Callable[[bytes], bytes]):
    path = folder / "journal.jsonl"
    lines = path.read_bytes().split(b"\n")
    lines[3] = spoil(lines[3])
    path.write_bytes(b"\n".join(lines))
    assert said(folder)[0] == (
        "journal.jsonl, line 4: it is not the canonical JSON of an entry, so it was changed"
    )


def test_a_last_line_that_is_cut_off_is_found(folder):
    path = folder / "journal.jsonl"
    path.write_bytes(path.read_bytes()[:-10])
    assert "the last line is cut off: it does not end as it was written" in said(folder)[0]


def test_an_empty_journal_is_found(folder, head):
    (folder / "journal.jsonl").write_bytes(b"")
    assert f"journal.jsonl: its hash is that of no entry, head.txt says {head}" in said(folder)


def test_an_entry_edited_on_the_page_is_found(folder):
    edit(folder / "audit.html", "stage_opened</td>", "stage_closed</td>")
    assert said(folder) == ["audit.html, entry 3: the page shows it changed"]


def test_a_signer_edited_on_the_page_is_found(folder):
    edit(folder / "audit.html", f"<td>{HADDAD}</td>", f"<td>{TAN}</td>")
    (found,) = said(folder)
    assert found.startswith("audit.html, line ")
    assert found.endswith(": this line is not what the journal gives")


def test_an_entry_taken_off_the_page_is_found(folder):
    path = folder / "audit.html"
    lines = path.read_text().split("\n")
    path.write_text("\n".join(each for each in lines if not each.startswith('<tr id="entry-7"')))
    assert said(folder)[0] == "audit.html, entry 7: the page lacks this entry"


def test_an_entry_put_on_the_page_is_found(folder):
    edit(folder / "audit.html", '<tr id="entry-7"', '<tr id="entry-900"></tr>\n<tr id="entry-7"')
    assert said(folder)[0] == "audit.html, entry 900: the page shows it, the journal has none"


def test_something_behind_the_page_is_found(folder):
    path = folder / "audit.html"
    path.write_text(path.read_text() + "<script>alert(1)</script>")
    assert len(said(folder)) == 1


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("last entry: ", "last entry: 9", "it is the last one, head.txt says 9"),
        ("2026-03-05", "2026-03-04", "audit.html, line"),
        ("head digest: ", "digest: ", "head.txt: it is not as it was written: it was changed"),
        ("+00:00", "", "head.txt: it is not as it was written: it was changed"),
        ("2026-03-05T", "someday ", "head.txt: it is not as it was written: it was changed"),
        ("program: appeals", "program: other", "it is of program 'appeals', not 'other'"),
    ],
)
def test_an_edited_head_file_is_found(folder, old, new, found):
    edit(folder / "head.txt", old, new)
    assert any(found in each for each in said(folder))


def test_an_edited_head_digest_is_found(folder, head):
    edit(folder / "head.txt", head, "f" * 64)
    assert any(f"head.txt says {'f' * 64}" in each for each in said(folder, head))


def test_an_edited_readme_is_found(folder):
    edit(folder / "README.txt", "--head DIGEST", "")
    assert said(folder) == ["README.txt: it is not as it was written: it was changed"]


@pytest.mark.parametrize("name", ["audit.html", "head.txt", "README.txt"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(AuditFolderWrong, match=f"{name} cannot be read"):
        verify(folder)


def test_a_comment_with_half_a_character_is_exported_and_verified(journal, tmp_path):
    entries = list(journal.read_stored("appeals"))
    entries[15] = with_body(entries[15], reason="broken \ud83d emoji, Reopen: guideline")
    folder = _exported_anew(written_anew(entries), tmp_path / "audit")
    assert said(folder) == []


def test_a_database_that_was_touched_is_exported_with_what_was_found(tmp_path):
    address = f"sqlite:///{tmp_path / 'journal.sqlite3'}"
    with Journal(address) as journal:
        play(journal)
        with journal._tables.engine.begin() as connection:
            connection.execute(
                text("UPDATE rollout_journal SET actor = 'eve' WHERE sequence IN (7, 12)")
            )
        audited = audit_program(journal, "appeals")
        export(audited, tmp_path / "audit", at=EXPORTED_AT)
    assert [str(each) for each in audited.findings] == [
        "entry 7: it was changed after it was written",
        "entry 12: it was changed after it was written",
    ]
    assert said(tmp_path / "audit") == [
        "journal.jsonl, line 7, entry 7: it was changed after it was written",
        "journal.jsonl, line 12, entry 12: it was changed after it was written",
    ]
