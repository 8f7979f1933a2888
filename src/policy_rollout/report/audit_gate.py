"""What an audit page shows of one gate: its rounds, each as a few tables. Pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Self

from markupsafe import Markup

from policy_rollout import events as ev
from policy_rollout.audit import GateAudit
from policy_rollout.audit_rules import Recounted
from policy_rollout.program import Recorded

ROWS_SHOWN = 200
EVIDENCE_SHOWN = 20
SHORT_DIGEST = 12
_VIA = {ev.Via.JIRA: "Jira transition", ev.Via.CODE: "one-time code"}

Cell = str | Markup
Row = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Text is escaped by the page; `more` counts the rows that are left to the journal."""

    caption: str
    headings: tuple[str, ...]
    rows: tuple[Row, ...]
    more: int = 0

    @classmethod
    def of(cls, caption: str, headings: tuple[str, ...], rows: Sequence[Row]) -> Self:
        shown = tuple(rows[:ROWS_SHOWN])
        return cls(caption, headings, shown, len(rows) - len(shown))


@dataclass(frozen=True, slots=True)
class Evidence:
    """What signers faced at an entry; `same` is whether recomputing it gives its digest."""

    sequence: int
    at: Markup
    digest: str
    recomputed: str
    criteria: Table
    work: Table | None

    @property
    def same(self) -> bool:
        return self.digest == self.recomputed


@dataclass(frozen=True, slots=True)
class Round:
    number: int
    outcome: str
    evidence: tuple[Evidence, ...]
    tables: tuple[Table, ...]


def hours(at: datetime, zone: tzinfo) -> str:
    """A time with its weekday and zone: `Mon 17 Nov 2025 09:00:05 PST`."""
    return at.astimezone(zone).strftime("%a %-d %b %Y %H:%M:%S %Z")


def when(at: datetime, zone: tzinfo) -> Markup:
    """A time in the program's zone, and in UTC below it."""
    if zone is UTC:
        return Markup('<span class="whole">{}</span>').format(hours(at, UTC))
    shown = Markup('<span class="whole">{}</span><br><small class="whole">{}</small>')
    return shown.format(hours(at, zone), hours(at, UTC))


def entry_link(sequence: int) -> Markup:
    return Markup('<a href="#entry-{0}">{0}</a>').format(sequence)


def rounds_of(gate: GateAudit, zone: tzinfo) -> tuple[Round, ...]:
    """The rounds of a gate, oldest first."""
    by_round: dict[int, list[Recorded]] = {}
    current = 1
    for record in gate.records:
        by_round.setdefault(current, []).append(record)
        if isinstance(record.event, ev.Rejected | ev.Amended):
            current += 1
    return tuple(_round(gate, number, records, zone) for number, records in by_round.items())


def _round(gate: GateAudit, number: int, records: Sequence[Recorded], zone: tzinfo) -> Round:
    show = _Shown(records, zone)
    return Round(
        number=number,
        outcome=_outcome(records),
        evidence=tuple(show.evidence(gate))[-EVIDENCE_SHOWN:],
        tables=tuple(table for table in show.tables() if table.rows),
    )


def _outcome(records: Iterable[Recorded]) -> str:
    for record in reversed([*records]):
        match record.event:
            case ev.Amended(by=by):
                return f"passed, and reopened by {by}"
            case ev.GatePassed():
                return "passed"
            case ev.Rejected(for_good=True):
                return "rejected for good"
            case ev.Rejected():
                return "changes asked for"
    return "no decision yet"


@dataclass(frozen=True, slots=True)
class _Shown:
    records: Sequence[Recorded]
    zone: tzinfo

    def evidence(self, gate: GateAudit) -> Iterator[Evidence]:
        """What was asked to be signed; what the gate passed on only where it is something else."""
        shown = ""
        for record in self.records:
            recounted = gate.recounted.get(record.sequence)
            event = record.event
            if recounted is None or not isinstance(event, ev.GateReady | ev.GatePassed):
                continue
            if isinstance(event, ev.GatePassed) and event.digest == recounted.digest == shown:
                continue
            shown = event.digest
            yield Evidence(
                sequence=record.sequence,
                at=when(record.at, self.zone),
                digest=event.digest,
                recomputed=recounted.digest,
                criteria=_criteria(recounted),
                work=_work(event.covers) if isinstance(event, ev.GateReady) else None,
            )

    def tables(self) -> Iterator[Table]:
        yield self._table("Signed", ("role", "who", "how", "on digest", "said"), _signed)
        yield self._table("Refused", ("role", "who", "how", "why"), _refused)
        yield self._table("Changes asked for, or rejected", _REJECTED, _rejected)
        yield self._table("Waived", ("criterion", "who", "how", "until the end of", "why"), _waived)
        yield self._table("Silence", ("role", "step", "who", "why"), _silence)

    def _table(
        self, caption: str, headings: tuple[str, ...], row_of: Callable[[ev.Event], Row | None]
    ) -> Table:
        rows = []
        for record in self.records:
            row = row_of(record.event)
            if row is not None:
                at = when(getattr(record.event, "at", record.at), self.zone)
                rows.append((entry_link(record.sequence), at, *row))
        return Table.of(caption, ("entry", "when", *headings), rows)


_REJECTED = ("role", "who", "how", "reason", "back to work")


def _signed(event: ev.Event) -> Row | None:
    if isinstance(event, ev.SignOffWithdrawn):
        return event.role, event.name, _VIA[ev.Via.JIRA], "", "took the sign-off back"
    if not isinstance(event, ev.SignedOff):
        return None
    who = f"{event.person} for {event.stands_for}" if event.stands_for else event.person
    said = [event.reason] if event.reason else []
    said += [
        f"Condition for {each.stage} ({each.team}): {each.text}"
        for each in event.conditions
        if each.text not in event.reason  # which mostly holds the line it was read from
    ]
    return event.role, who, _VIA[event.via], _digest(event.digest), " · ".join(said) or "approved"


def _refused(event: ev.Event) -> Row | None:
    if not isinstance(event, ev.SignOffRefused):
        return None
    return event.role, event.name or event.account, _VIA[event.via], event.why


def _rejected(event: ev.Event) -> Row | None:
    if not isinstance(event, ev.Rejected):
        return None
    back = ", ".join(event.sent_back[:ROWS_SHOWN]) or "nothing"
    reason = f"For good: {event.reason}" if event.for_good else event.reason
    return event.role, event.person, _VIA[event.via], reason, back


def _waived(event: ev.Event) -> Row | None:
    if not isinstance(event, ev.Waived):
        return None
    until = f"{event.until:%a %-d %b %Y}"
    return event.criterion, event.person, _VIA[event.via], until, event.reason


def _silence(event: ev.Event) -> Row | None:
    match event:
        case ev.BackupCalled(role=role, member=member, backups=backups, why=why):
            return role, "backups may sign", f"{', '.join(backups)} for {member}", why
        case ev.Reminded(role=role, step=step, people=people):
            return role, step, ", ".join(people), ""
    return None


def _digest(digest: str) -> Markup:
    return Markup('<code class="whole">{}</code>').format(digest[:SHORT_DIGEST])


def _criteria(recounted: Recounted) -> Table:
    rows = [
        (
            each.name,
            each.asks,
            str(each.answer),
            f"{each.met} of {each.total}",
            f"{each.waiver.person}, until the end of {each.waiver.until}" if each.waiver else "—",
        )
        for each in recounted.judged
    ]
    headings = ("criterion", "asks", "answer", "done", "waived by")
    return Table.of("What the criteria saw, recomputed", headings, rows)


def _work(covers: dict[str, object]) -> Table | None:
    """The work as it was put before the signers; a text that is none of ours is not shown."""
    work = covers.get("work")
    if not isinstance(work, list) or not all(isinstance(each, dict) for each in work):
        return None
    rows = [
        (
            str(each.get("key", "")),
            str(each.get("title", "")),
            str(each.get("team", "")),
            "not applicable" if each.get("not_applicable") else "",
        )
        for each in work
    ]
    return Table.of("Work that is covered", ("key", "title", "team", "note"), rows)
