"""Jira issues are created: in batches, each journaled before and after."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from http import HTTPStatus

from policy_rollout import events as ev
from policy_rollout.desired import NewIssue
from policy_rollout.errors import ServiceError, ServiceRefused, WriteInDoubt
from policy_rollout.history import decide_and_write
from policy_rollout.jira_issues import Created
from policy_rollout.program import Doubt
from policy_rollout.spec.model import Spec
from tasks.batch import batch
from tasks.writing import ACTOR, all_answered, in_time, jira_and_journal, state_at, write_facts


@batch("create issues, batch {wave}")
def create_issues(
    spec: Spec, wave: str, batches: Sequence[Sequence[NewIssue]], *, after: int
) -> int:
    """Create some batches at the same time; intents are journaled before, outcomes after.

    The intents are only written where the journal still ends at entry `after`: of two processes
    that decided the same, one creates. Answers the number of the journal's last entry then.

    Raises:
        JournalConflict: somebody else wrote meanwhile; nothing was sent.
        WriteInDoubt: an answer was lost; its intent stays, and the next pass looks for them.
        ServiceRefused: Jira refused some; the others are created and journaled.
    """
    with jira_and_journal(spec) as (jira, journal, settings):
        state = state_at(journal, spec, after)
        fence = jira.fence(state.issues.values(), at_least=state.newest_issue)
        now = datetime.now(UTC)
        named = {f"{wave}-{number}": batch for number, batch in enumerate(batches)}
        intents = [
            ev.CreationIntended(batch=name, keys=tuple(each.key for each in batch), fence=fence)
            for name, batch in named.items()
        ]
        decide_and_write(journal, state, intents, actor=ACTOR, at=now)
        sent = jira.side_by_side(
            [in_time(partial(jira.create, batch), now, settings) for batch in named.values()]
        )
        told = [
            event
            for intent, outcome in zip(intents, sent, strict=True)
            for event in _outcome(intent, outcome)
        ]
        write_facts(journal, spec, *told)
    created = all_answered(sent)
    refused = {key: why for each in created for key, why in each.refused.items()}
    _raise_refused(refused, of=sum(map(len, batches)))
    return state.head + len(told)


def _outcome(intent: ev.CreationIntended, outcome: Created | ServiceError) -> Iterator[ev.Event]:
    """What is certain of a batch; nothing of one in doubt."""
    match outcome:
        case WriteInDoubt():
            return
        case ServiceError():
            nothing = dict.fromkeys(intent.keys, str(outcome))
            yield ev.CreationRefused(batch=intent.batch, reasons=nothing)
        case Created(keys=keys, refused=refused):
            if keys:
                yield ev.IssuesCreated(batch=intent.batch, issues=keys)
            if refused:
                yield ev.CreationRefused(batch=intent.batch, reasons=refused)


def _raise_refused(refused: dict[str, str], *, of: int) -> None:
    if refused:
        raise ServiceRefused(
            "Jira",
            f"creating {len(refused)} of {of} issues",
            "; ".join(f"{key}: {reason}" for key, reason in refused.items()),
            next_step="Mend what it names in the project, then press Resume",
            status=HTTPStatus.BAD_REQUEST,
        )


@batch("look for issues whose creation is in doubt")
def settle_doubts(spec: Spec, doubts: Sequence[Doubt]) -> None:
    """Adopt what was created after all; after the settle time, give up the rest.

    Raises:
        WriteInDoubt: the settle time is not over, and some may still arrive.
    """
    with jira_and_journal(spec) as (jira, journal, settings):
        asked_at = datetime.now(UTC)  # what arrives while we ask may be missed
        keys = [key for doubt in doubts for key in doubt.keys]
        found = jira.find_created(keys, after_number=min(doubt.fence for doubt in doubts))
        settled: list[ev.Event] = []
        open_doubts: list[WriteInDoubt] = []
        for doubt in doubts:
            settles_at = doubt.since + timedelta(seconds=settings.settle_seconds)
            settled += _settled(doubt, found, is_over=asked_at >= settles_at)
            lost = [key for key in doubt.keys if key not in found]
            if lost and asked_at < settles_at:
                open_doubts.append(_still_lost(doubt, len(lost), settles_at))
        write_facts(journal, spec, *settled)
    if open_doubts:
        raise open_doubts[0]


def _settled(
    doubt: Doubt, found: Mapping[str, Sequence[str]], *, is_over: bool
) -> Iterator[ev.Event]:
    issues = {key: found[key][0] for key in doubt.keys if key in found}
    if issues:
        yield ev.IssuesCreated(batch=doubt.batch, issues=issues, adopted=True)
    lost = [key for key in doubt.keys if key not in found]
    if lost and is_over:
        reasons = dict.fromkeys(lost, "never arrived: not found after the settle time")
        yield ev.CreationRefused(batch=doubt.batch, reasons=reasons, given_up=True)


def _still_lost(doubt: Doubt, lost: int, settles_at: datetime) -> WriteInDoubt:
    missing = f"{lost} of {len(doubt.keys)} not found yet"
    reason = f"{missing}; sent again after {settles_at:%H:%M:%S} UTC"
    return WriteInDoubt("Jira", f"the creation of batch {doubt.batch}", reason)
