"""An audit as a folder that stands alone: written once, verified offline. Reads and writes files.

`journal.jsonl` has an entry a line, in canonical JSON: the fields that are hashed, and the hash.
`audit.html` is made from these lines and the time in `head.txt`, so that making it again shows
whether it was edited.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path

from policy_rollout.audit import Audit, Finding, audit
from policy_rollout.errors import AuditFolderWrong
from policy_rollout.journal.chain import (
    GENESIS,
    StoredEntry,
    canonical_json,
    time_text,
)
from policy_rollout.journal.store import Journal
from policy_rollout.report.audit_page import ENTRY_LINE, audit_page

JOURNAL, PAGE, HEAD, README = "journal.jsonl", "audit.html", "head.txt", "README.txt"
MOST_OF_A_KIND = 1_000
"""How many findings of one file are listed one by one."""

_FIELDS = frozenset(each.name for each in fields(StoredEntry))
_HEAD = re.compile(
    r"program: (?P<program>[^\n]+)\nlast entry: (?P<last>\d+)\n"
    r"head digest: (?P<digest>[0-9a-f]{64})\nexported at: (?P<at>[^\n]+)\n"
)
_DIGEST = re.compile(r"[0-9a-f]{64}")
_README = """\
The audit of the program {program}.

journal.jsonl  every entry of the program's journal, one a line, in canonical JSON
audit.html     the same for people: every gate, who signed what and how, then every entry
head.txt       the head digest, which is the hash of the last entry, and when this was exported
README.txt     this page

To verify it, offline:

    rollout audit --verify THIS-FOLDER --head DIGEST

DIGEST is the head digest as you kept it elsewhere, at the time of the export. Without --head the
one in head.txt is used, which whoever can change the other files can change as well.

To verify it without the rollout command: the hash of a line is the SHA-256, in lower-case hex, of
the JSON list

    [previous_hash, program, sequence, at, actor, kind, body]

without spaces, with everything but ASCII escaped; `body` is a text. Each line's previous_hash is
the hash of the line before it, that of the first is 64 zeros.
"""


@dataclass(frozen=True, slots=True)
class Head:
    """What `head.txt` says."""

    program: str
    last_sequence: int
    digest: str
    exported_at: datetime

    def text(self) -> str:
        return (
            f"program: {self.program}\nlast entry: {self.last_sequence}\n"
            f"head digest: {self.digest}\nexported at: {time_text(self.exported_at)}\n"
        )


@dataclass(frozen=True, slots=True)
class Verified:
    """An exported folder, checked: `findings` has those of its files, chain and gates."""

    audited: Audit
    findings: tuple[Finding, ...]


def audit_program(journal: Journal, program: str) -> Audit:
    """The audit of a program as the journal holds it now.

    Raises:
        JournalUnavailable: the database cannot be read.
    """
    return audit(program, journal.read_stored(program))


def export(audited: Audit, folder: Path, *, at: datetime) -> None:
    """Write the folder; an audit with findings is written too, and says so.

    Raises:
        AuditFolderWrong: something stands there, or it cannot be written.
    """
    head = Head(audited.program, audited.last_sequence, audited.head, at)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise AuditFolderWrong(
                str(folder), "the folder is not empty", "Name a new or an empty one"
            )
        (folder / README).write_bytes(_encoded(_README.format(program=audited.program)))
        with (folder / JOURNAL).open("wb") as file:
            file.writelines(_encoded(f"{line_of(each)}\n") for each in audited.entries)
        (folder / PAGE).write_bytes(_encoded(audit_page(audited, exported_at=at)))
        (folder / HEAD).write_bytes(_encoded(head.text()))
    except OSError as error:
        raise AuditFolderWrong(
            str(folder), f"it cannot be written ({error.strerror})", "Name another folder"
        ) from None


def line_of(stored: StoredEntry) -> str:
    # `asdict` copies every value: five times as long over a long journal.
    return canonical_json({name: getattr(stored, name) for name in _FIELDS})


def _encoded(text: str) -> bytes:
    # A comment may hold half of a surrogate pair, which JSON knows and UTF-8 does not.
    return text.encode("utf-8", "backslashreplace")


def verify(folder: Path, *, head: str | None = None) -> Verified:
    """Check an exported folder without the journal, the network or the outside services.

    Args:
        folder: as `export` wrote it.
        head: the head digest as it was kept elsewhere; else the one in `head.txt`.

    Raises:
        AuditFolderWrong: it is no folder, has no journal, or cannot be read.
    """
    lines, findings = _lines(_read(folder, JOURNAL))
    findings += _out_of_order(lines)
    lines.sort(key=lambda each: each.stored.sequence)
    said, wrong_head = _head(folder)
    program = said.program if said else lines[0].stored.program if lines else ""
    audited = audit(program, [each.stored for each in lines])
    numbers = {each.stored.sequence: each.number for each in lines}
    findings += [
        replace(each, line=numbers.get(each.sequence, 0), file=JOURNAL) for each in audited.findings
    ]
    findings += wrong_head
    findings += _against_head(audited, said, head)
    if said is not None:
        findings += _page_findings(folder, audited, said)
        findings += _readme_findings(folder, program)
    return Verified(audited, tuple(findings))


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise AuditFolderWrong(
            str(folder),
            f"{name} cannot be read ({error.strerror})",
            "Name a folder that was written by: rollout audit PROGRAM --export FOLDER",
        ) from None


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    stored: StoredEntry


def _lines(content: bytes) -> tuple[list[_Line], list[Finding]]:
    """The entries of the lines, and a finding for each line that is none."""
    lines: list[_Line] = []
    findings: list[Finding] = []
    texts = content.split(b"\n")
    if texts.pop() != b"":
        cut = "the last line is cut off: it does not end as it was written"
        findings.append(Finding(0, cut, line=len(texts) + 1, file=JOURNAL))
    for number, text in enumerate(texts, start=1):
        stored = _entry(text)
        if stored is None:
            what = "it is not the canonical JSON of an entry, so it was changed"
            findings.append(Finding(0, what, line=number, file=JOURNAL))
        else:
            lines.append(_Line(number, stored))
    return lines, findings


def _entry(text: bytes) -> StoredEntry | None:
    """The entry of a line, written to the byte as `export` writes it; else None."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or found.keys() != _FIELDS:
        return None
    sequence = found.pop("sequence")
    if type(sequence) is not int or not all(isinstance(each, str) for each in found.values()):
        return None
    stored = StoredEntry(sequence=sequence, **found)
    return stored if line_of(stored).encode() == text else None


def _out_of_order(lines: Iterable[_Line]) -> list[Finding]:
    """Entries that stand behind a later one, or twice."""
    findings: list[Finding] = []
    first_line: dict[int, int] = {}
    highest = 0
    for line in lines:
        sequence = line.stored.sequence
        if sequence in first_line:
            text = f"it stands twice, first in line {first_line[sequence]}: one was inserted"
            findings.append(Finding(sequence, text, line=line.number, file=JOURNAL))
        elif sequence < highest:
            text = f"it stands behind entry {highest}: the lines were put in another order"
            findings.append(Finding(sequence, text, line=line.number, file=JOURNAL))
        first_line.setdefault(sequence, line.number)
        highest = max(highest, sequence)
    return findings


def _head(folder: Path) -> tuple[Head | None, list[Finding]]:
    text = _read(folder, HEAD).decode("utf-8", "replace")
    found = _HEAD.fullmatch(text)
    try:
        at = datetime.fromisoformat(found["at"]) if found else None
    except ValueError:
        at = None
    if found is None or at is None or at.tzinfo is None:
        return None, [Finding(0, "it is not as it was written: it was changed", file=HEAD)]
    return Head(found["program"], int(found["last"]), found["digest"], at), []


def _against_head(audited: Audit, said: Head | None, given: str | None) -> Iterator[Finding]:
    if given is not None and audited.head != given.strip().lower():
        yield Finding(
            audited.last_sequence,
            f"its hash is {_named(audited.head)}, the head digest given is {given.strip()}: "
            "an entry was changed with all behind it, or the end was cut off",
            file=JOURNAL,
        )
    if said is None:
        return
    if audited.head != said.digest:
        yield Finding(
            audited.last_sequence,
            f"its hash is {_named(audited.head)}, {HEAD} says {said.digest}",
            file=JOURNAL,
        )
    if audited.last_sequence != said.last_sequence:
        yield Finding(
            audited.last_sequence,
            f"it is the last one, {HEAD} says {said.last_sequence}",
            file=JOURNAL,
        )


def _named(digest: str) -> str:
    return "that of no entry" if digest == GENESIS else digest


def _page_findings(folder: Path, audited: Audit, said: Head) -> Iterator[Finding]:
    """Where the page differs from the one that the lines give."""
    written = _read(folder, PAGE)
    expected = _encoded(audit_page(audited, exported_at=said.exported_at))
    if written == expected:
        return
    is_lines, was_lines = (
        each.decode("utf-8", "replace").split("\n") for each in (written, expected)
    )
    is_entries, was_entries = _entry_lines(is_lines), _entry_lines(was_lines)
    different = [
        key
        for key in sorted({*is_entries, *was_entries})
        if is_entries.get(key) != was_entries.get(key)
    ]
    for key in different[:MOST_OF_A_KIND]:
        yield Finding(key, _page_word(key in is_entries, key in was_entries), file=PAGE)
    for number, (found, wanted) in enumerate(zip(is_lines, was_lines, strict=False), start=1):
        if found != wanted and not wanted.startswith(ENTRY_LINE):
            yield Finding(0, "this line is not what the journal gives", line=number, file=PAGE)
            return
    if not different:
        yield Finding(0, "it is not the page that the journal gives", file=PAGE)


def _entry_lines(lines: Iterable[str]) -> dict[int, str]:
    """The page's lines of entries; one that stands twice counts as changed."""
    entries: dict[int, str] = {}
    for line in lines:
        if line.startswith(ENTRY_LINE):
            number = line.removeprefix(ENTRY_LINE).partition('"')[0]
            if number.isascii() and number.isdigit():
                entries[int(number)] = entries.get(int(number), "") + line
    return entries


def _page_word(stands: bool, should: bool) -> str:  # noqa: FBT001  two equal facts of one row
    if not stands:
        return "the page lacks this entry"
    return "the page shows it changed" if should else "the page shows it, the journal has none"


def _readme_findings(folder: Path, program: str) -> Iterator[Finding]:
    if _read(folder, README) != _encoded(_README.format(program=program)):
        yield Finding(0, "it is not as it was written: it was changed", file=README)


def is_digest(text: str) -> bool:
    """Whether a text given by hand can be a head digest."""
    return _DIGEST.fullmatch(text.strip().lower()) is not None
