"""How long the verdict of a gate over 1,000 items takes, and how long its evidence is."""

from datetime import UTC, date, datetime, timedelta
from functools import partial

from benchmarks.rows import Row, median_seconds
from policy_rollout import events as ev
from policy_rollout.fold import fold
from policy_rollout.gates import covered, digest_of, holds, judge, missing_sign_offs, waived
from policy_rollout.jira_site import USUAL_STATUSES
from policy_rollout.outline import Outline, outline_of
from policy_rollout.plan import gate_view
from policy_rollout.program import ProgramState, Recorded
from policy_rollout.report.evidence import gate_evidence
from policy_rollout.report.issue_text import sign_off_text
from policy_rollout.signers import bench
from policy_rollout.spec.reader import read_valid
from policy_rollout.work import State, people_of

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
TODAY = date(2026, 3, 2)
ITEMS = 1_000
OPEN_EACH = 3
RUNS = 30
BUDGET_MILLISECONDS = 50
LONGEST_EVIDENCE = 32_767  # characters in a description of Jira Cloud
LANGUAGES = "en-US, es-419, pt-BR, ja-JP, de-DE, fr-FR, it-IT, ko-KR, th-TH, vi-VN"


def spec_text() -> str:
    """400 tasks, 40 materials in ten languages and 200 checklist items: 1,000 in one stage."""
    tasks = "\n".join(f"      task-{n}: {{title: Task {n}, team: ops}}" for n in range(400))
    training = "\n".join(
        f"      deck-{n}: {{title: Deck {n}, kind: deck, team: ops, per: language}}"
        for n in range(40)
    )
    ticks = ", ".join(f"item-{n}: Item {n} is ready" for n in range(200))
    return f"""\
program: big
owner: owner@example.com
policy: {{change: new, languages: [{LANGUAGES}]}}
timeline: {{effective: 2027-05-03 09:00}}
people:
  ops: {{members: [ops@example.com]}}
  legal: {{members: [legal-1@example.com, legal-2@example.com], backups: [backup@example.com]}}
  policy: {{members: [policy@example.com]}}
stages:
  all:
    tasks:
{tasks}
    training:
{training}
    checklists:
      ready: {{team: ops, items: {{{ticks}}}}}
    gate:
      sign_off: {{legal: 2, policy: 1}}
      require: {{training: 95% per language}}
"""


def state_with(outline: Outline, text: str, open_every: int | None) -> ProgramState:
    """Everything seen as done; with `open_every`, each n-th item as still open."""
    spec = outline.spec
    accounts = {person: f"acc:{person}" for person in people_of(spec)}
    done = ev.Seen(state=State.DONE, completion=100, doers=("acc:ops@example.com",))
    still_open = ev.Seen(state=State.IN_PROGRESS, completion=40)
    seen = {
        item.key: still_open if open_every and number % open_every == 0 else done
        for number, item in enumerate(outline.items)
    }
    events: tuple[ev.Event, ...] = (
        ev.Launched(spec_text=text, spec_path="big.yaml", run="run"),
        ev.PeopleResolved(accounts=accounts, own_account="acc:rollout"),
        ev.StageOpened(stage="all"),
        ev.WorkSeen(items=seen),
    )
    return fold("big", [Recorded(n, AT, "", event) for n, event in enumerate(events, start=1)])


def verdict(outline: Outline, state: ProgramState) -> tuple[str, ...]:
    """All that decides a gate: criteria, waivers, digest, who may sign, what lacks."""
    spec, items, gate = outline.spec, outline.of("all"), state.gates["all"]
    judged = waived(judge(spec, "all", items, state.of), gate.waivers, TODAY)
    work = [(item, state.of(item.key).state) for item in items]
    digest = digest_of(covered(spec, "all", gate.round, work, judged))
    seat = bench(spec, state, "all", items, digest)
    missing = missing_sign_offs(spec, "all", gate, digest)
    waited_for = tuple(person for role in missing for person in seat.waited_for(role))
    return waited_for if holds(judged) else ()


def evidence_length(outline: Outline, state: ProgramState) -> int:
    judged = judge(outline.spec, "all", outline.of("all"), state.of)
    view = gate_view(outline, state, "all", judged)
    return max(len(gate_evidence(view)), len(sign_off_text(view, "legal", USUAL_STATUSES)))


def rejected(state: ProgramState, times: int) -> None:
    """Rounds that ended with a long reason each."""
    gate = state.gates["all"]
    gate.rejections += [
        ev.Rejected(
            stage="all",
            round=number,
            role="legal",
            person="legal-1@example.com",
            account="acc:legal-1@example.com",
            history_id=str(number),
            at=AT + timedelta(days=number),
            reason="An example contradicts the rule. " * 300,
            sent_back=(),
        )
        for number in range(1, times + 1)
    ]


def rows() -> list[Row]:
    text = spec_text()
    outline = outline_of(read_valid(text, "big.yaml"), today=TODAY)
    done, opened = state_with(outline, text, None), state_with(outline, text, OPEN_EACH)
    if len(outline.items) != ITEMS or verdict(outline, done) == ():
        raise SystemExit("the gate of this benchmark is not the one it means")
    took = [median_seconds(partial(verdict, outline, each), RUNS) for each in (done, opened)]
    before = evidence_length(outline, opened)
    rejected(opened, 20)
    after = evidence_length(outline, opened)
    what = f"a gate over {ITEMS:,} items"
    return [
        Row(f"verdict of {what}", max(took) * 1000, "ms", budget=BUDGET_MILLISECONDS),
        Row(f"evidence of {what}, a third open", before, "characters", budget=LONGEST_EVIDENCE),
        Row("the same after 20 rounds", after, "characters", budget=LONGEST_EVIDENCE),
    ]
