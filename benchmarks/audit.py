"""How long the audit of a program with 100,000 entries takes, reading them included."""

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.rows import Row, best_seconds, seconds_of
from policy_rollout import events as ev
from policy_rollout.audit_folder import audit_program, export, verify
from policy_rollout.journal.entries import Event
from policy_rollout.journal.store import Journal
from policy_rollout.program import Recorded
from policy_rollout.recomputed import Past
from policy_rollout.spec.reader import read_valid
from policy_rollout.work import State, expand, people_of, sign_off_key

ENTRIES = 100_000
BUDGET_SECONDS = 10
RUNS = 3
STAGES, ITEMS_OF_A_STAGE, ROUNDS = 20, 100, 25
STARTED_AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
POLICY, LEGAL, OPS = "r.haddad@example.com", "s.brandt@example.com", "m.tan@example.com"
OWN = "acc-rollout"

HEAD = f"""\
program: long
policy: {{change: clarification}}
timeline: {{timezone: Europe/Dublin, effective: 2030-03-11 09:00}}
people:
  policy: {{members: [{POLICY}]}}
  legal: {{members: [{LEGAL}]}}
  ops: {{members: [{OPS}]}}
stages:
"""


def long_spec() -> str:
    return HEAD + "".join(_stage(number) for number in range(STAGES))


def _stage(number: int) -> str:
    after = f"    after: [stage-{number - 1}]\n" if number else ""
    items = "".join(
        f"      item-{each}: {{title: Do the thing {each}, team: ops}}\n"
        for each in range(ITEMS_OF_A_STAGE)
    )
    gate = "    gate: {sign_off: {policy: 1, legal: 1}}\n"
    return f"  stage-{number}:\n{after}    tasks:\n{items}{gate}"


class LongProgram:
    """A program whose gates are refused and rejected many times before they pass."""

    def __init__(self) -> None:
        self.text = long_spec()
        self.spec = read_valid(self.text, "long.yaml")
        self.past = Past("long")
        self.at = STARTED_AT
        self.marks = 0
        self.items: dict[str, list[str]] = {stage: [] for stage in self.spec.stages}
        for item in expand(self.spec):
            self.items[item.stage].append(item.key)

    def events(self) -> Iterator[ev.Event]:
        """Each is taken in before the next one is made."""
        for event in self._story():
            self.at += timedelta(seconds=30)
            self.past.take(Recorded(self.past.state.head + 1, self.at, "rollout", event))
            yield event

    def _story(self) -> Iterator[ev.Event]:
        yield ev.Launched(spec_text=self.text, spec_path="long.yaml", run="run")
        accounts = {person: f"acc-{person}" for person in people_of(self.spec)}
        yield ev.PeopleResolved(accounts=accounts, own_account=OWN)
        for stage in self.spec.stages:
            yield ev.StageOpened(stage=stage)
            yield from self._created(stage)
            for number in range(1, ROUNDS + 1):
                yield from self._round(stage, number)
        yield ev.ProgramFinished()

    def _created(self, stage: str) -> Iterator[ev.Event]:
        for number, key in enumerate(self.items[stage]):
            batch = f"{stage}-{number}"
            yield ev.CreationIntended(batch=batch, keys=(key,), fence=number)
            yield ev.IssuesCreated(batch=batch, issues={key: f"POL-{stage}-{number}"})

    def _round(self, stage: str, number: int) -> Iterator[ev.Event]:
        for key in self.items[stage]:
            yield ev.WorkSeen(items={key: ev.Seen(state=State.DONE)})
        facing = self.past.faces(self.spec, stage, self.at)
        yield ev.GateReady(stage=stage, round=number, digest=facing.digest, covers=facing.covers)
        for role in ("policy", "legal"):
            yield ev.SignOffAsked(stage=stage, role=role, digest=facing.digest, at=self.at)
        yield from self._noise(stage, number)
        yield self._signed(stage, number, "legal", LEGAL, facing.digest)
        if number < ROUNDS:
            yield self._rejected(stage, number)
            return
        yield self._signed(stage, number, "policy", POLICY, facing.digest)
        yield ev.GatePassed(stage=stage, round=number, digest=facing.digest)

    def _noise(self, stage: str, number: int) -> Iterator[ev.Event]:
        """What a program that is watched for years writes besides: resumes, comments, refusals."""
        wait = self.past.state.waits
        for each in range(30):
            yield ev.Resumed(wait=wait + each, because="watch: work seen")
            yield ev.Said(marks=(f"{stage}-{number}-{each}",))
            yield ev.SignOffRefused(
                stage=stage,
                round=number,
                role="legal",
                account="acc-nobody",
                name="Nobody",
                history_id=self._mark(),
                at=self.at,
                why="this account belongs to nobody in the program",
            )

    def _mark(self) -> str:
        self.marks += 1
        return f"h{self.marks}"

    def _signed(self, stage: str, number: int, role: str, person: str, digest: str) -> ev.Event:
        return ev.SignedOff(
            stage=stage,
            round=number,
            role=role,
            person=person,
            account=f"acc-{person}",
            digest=digest,
            history_id=self._mark(),
            at=self.at,
        )

    def _rejected(self, stage: str, number: int) -> ev.Event:
        return ev.Rejected(
            stage=stage,
            round=number,
            role="policy",
            person=POLICY,
            account=f"acc-{POLICY}",
            history_id=self._mark(),
            at=self.at,
            reason=f"See {sign_off_key('long', stage, 'policy')}",
            sent_back=tuple(self.items[stage]),
        )


def write(journal: Journal) -> int:
    """The long program in the journal; how many entries it has."""
    program = LongProgram()
    written = [Event(each.kind, ev.body_of(each), "rollout") for each in program.events()]
    extra = ENTRIES - len(written)
    told = [ev.Said(marks=(f"after-{number}",)) for number in range(max(extra, 0))]
    written += [Event(each.kind, ev.body_of(each), "rollout") for each in told]
    journal.append("long", written, after=0, at=STARTED_AT + timedelta(days=365))
    return len(written)


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        with Journal(f"sqlite:///{Path(folder) / 'journal.sqlite3'}") as journal:
            entries = write(journal)
            audited = audit_program(journal, "long")
            took = best_seconds(lambda: audit_program(journal, "long"), RUNS)
        if not audited.verified or entries < ENTRIES:
            raise SystemExit(f"the long program is not what it should be: {audited.findings[:5]}")
        kept = Path(folder) / "kept"
        exported = seconds_of(lambda: export(audited, kept, at=STARTED_AT))
        size = (kept / "audit.html").stat().st_size
        verified = seconds_of(lambda: verify(kept, head=audited.head))
    what = f"{entries:,} entries, {STAGES} gates"
    return [
        Row(f"audit {what}, every gate recomputed", took, "s", budget=BUDGET_SECONDS),
        Row("export that audit", exported, "s"),
        Row("verify the export offline", verified, "s"),
        Row("its page", size / 1e6, "MB"),
    ]
