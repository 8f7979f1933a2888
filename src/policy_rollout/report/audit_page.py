"""An audit as one HTML page that stands alone: for regulators, on paper and on a screen. Pure.

No script and nothing from outside. The same audit and time give the same page to the byte, so
that an edited page shows when it is made again. Each entry of the journal stands on a line of its
own, which begins with `ENTRY_LINE`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from itertools import islice

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup, escape

from policy_rollout.audit import Audit, GateAudit, amendments, gate_words, verdict
from policy_rollout.journal.chain import StoredEntry
from policy_rollout.report.audit_gate import Round, Table, entry_link, hours, rounds_of, when
from policy_rollout.report.audit_style import PAGE

ENTRY_LINE = '<tr id="entry-'
ENTRIES_IN_A_FOLD = 500
ENTRIES_AT_AN_END = 10_000
"""Of a journal longer than twice this, the page shows of the middle only what is about gates."""
BODY_SHOWN = 300
TIME_LENGTH = len("2026-03-02T09:30:00.000000+00:00")
FINDINGS_SHOWN = 500
DIFFERENCES_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Fold:
    """A part of the journal that opens and closes: its entries as lines of HTML.

    `left_out` counts those between its first and last that stand only in `journal.jsonl`.
    """

    first: int
    last: int
    left_out: int
    lines: Markup


@dataclass(frozen=True, slots=True)
class GateSection:
    stage: str
    words: str
    good: bool
    rounds: tuple[Round, ...]
    findings: tuple[str, ...]


def audit_page(audited: Audit, *, exported_at: datetime) -> str:
    """The page; `exported_at` is aware and printed on it."""
    recomputation = audited.recomputation
    return _template().render(
        title=_title(audited),
        program=audited.program,
        exported_at=hours(exported_at, UTC),
        verdict=verdict(audited.findings),
        verified=audited.verified,
        facts=_facts(audited),
        findings=[str(each) for each in audited.findings[:FINDINGS_SHOWN]],
        more_findings=max(len(audited.findings) - FINDINGS_SHOWN, 0),
        overview=_overview(audited),
        amendments=_amendments(audited),
        gates=[_section(audited, gate) for gate in recomputation.gates],
        spec_text=recomputation.state.spec_text,
        folds=[*_folds(_shown(audited))],
    )


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.from_string(PAGE)


def _title(audited: Audit) -> str:
    spec = audited.recomputation.spec
    return spec.name if spec else audited.program


def _facts(audited: Audit) -> list[tuple[str, str]]:
    spec, state = audited.recomputation.spec, audited.recomputation.state
    facts = [("Program", audited.program), ("Entries in the journal", f"{len(audited.entries):,}")]
    if spec is not None:
        document = spec.policy.document
        text = f", {document.ref} version {document.version}" if document else ""
        facts += [
            ("Policy change", f"{spec.policy.change}{text}"),
            ("Owner", spec.owner or "not named"),
            ("Time zone", str(spec.timeline.timezone)),
        ]
        if state.launched_at:
            facts.append(("Launched", hours(state.launched_at, spec.timeline.timezone)))
        if state.finished_at:
            facts.append(("Finished", hours(state.finished_at, spec.timeline.timezone)))
        if state.held:
            since = hours(state.held.since, spec.timeline.timezone)
            facts.append(("Held", f"since {since} by {state.held.by}: {state.held.reason}"))
        if state.stopped:
            facts.append(("Stopped", f"by {state.stopped.by}: {state.stopped.reason}"))
    return [*facts, ("Head digest", audited.head)]


def _overview(audited: Audit) -> Table:
    zone = _zone(audited)
    rows = []
    for gate in audited.recomputation.gates:
        passed = gate.passed
        rounds = {getattr(each.event, "round", 1) for each in gate.records}
        rows.append(
            (
                Markup('<a href="#gate-{0}">{0}</a>').format(gate.stage),
                str(max(rounds, default=0)),
                when(passed.at, zone) if passed else "—",
                gate_words(gate),
            )
        )
    return Table.of("All gates", ("gate", "rounds", "passed", "outcome"), rows)


def _amendments(audited: Audit) -> Table:
    zone = _zone(audited)
    rows = []
    for each in amendments(audited.recomputation.state):
        version, found = each.version, each.differences
        shown = [escape(line) for line in found[:DIFFERENCES_SHOWN]]
        if len(found) > DIFFERENCES_SHOWN:
            shown.append(Markup("and {} more").format(len(found) - DIFFERENCES_SHOWN))
        rows.append(
            (
                entry_link(version.entry),
                when(version.at, zone),
                version.by,
                version.reason,
                Markup("<br>").join(shown),
            )
        )
    return Table.of("Amendments", ("entry", "when", "by", "why", "what differs"), rows)


def _section(audited: Audit, gate: GateAudit) -> GateSection:
    return GateSection(
        stage=gate.stage,
        words=gate_words(gate),
        good=not gate.findings,
        rounds=rounds_of(gate, _zone(audited)),
        findings=tuple(str(each) for each in gate.findings[:FINDINGS_SHOWN]),
    )


def _zone(audited: Audit) -> tzinfo:
    spec = audited.recomputation.spec
    return spec.timeline.timezone if spec else UTC


def _shown(audited: Audit) -> Sequence[StoredEntry]:
    """All entries; of a very long journal both ends, and all that is about a gate."""
    entries = audited.entries
    if len(entries) <= 2 * ENTRIES_AT_AN_END:
        return entries
    of_gates = {each.sequence for gate in audited.recomputation.gates for each in gate.records}
    middle = entries[ENTRIES_AT_AN_END:-ENTRIES_AT_AN_END]
    return (
        *entries[:ENTRIES_AT_AN_END],
        *(each for each in middle if each.sequence in of_gates),
        *entries[-ENTRIES_AT_AN_END:],
    )


def _folds(entries: Sequence[StoredEntry]) -> Iterable[Fold]:
    left = iter(entries)
    while part := list(islice(left, ENTRIES_IN_A_FOLD)):
        lines = Markup("\n").join(_line(each) for each in part)
        first, last = part[0].sequence, part[-1].sequence
        yield Fold(first, last, last - first + 1 - len(part), lines)


def _line(stored: StoredEntry) -> Markup:
    body = stored.body
    if len(body) > BODY_SHOWN:
        body = f"{body[:BODY_SHOWN]}… ({len(body) - BODY_SHOWN:,} more characters in journal.jsonl)"
    return Markup(  # noqa: S704  every value is escaped; a template would take ten times as long
        f'{ENTRY_LINE}{stored.sequence}"><td>{stored.sequence}</td>'
        f"<td>{_one_line(_readable(stored.at))}</td><td>{_one_line(stored.actor)}</td>"
        f"<td>{_one_line(stored.kind)}</td><td><code>{_one_line(body)}</code></td>"
        f"<td><code>{_one_line(stored.hash[:12])}</code></td></tr>"
    )


def _readable(at: str) -> str:
    """The journal's time to the millisecond; one that is not as the journal writes it, whole."""
    if len(at) == TIME_LENGTH and at.endswith("+00:00"):
        return f"{at[:10]} {at[11:23]}"
    return at


def _one_line(text: str) -> str:
    """Escaped, and without anything that would end the line of its entry."""
    return str(escape(" ".join(text.split())))
