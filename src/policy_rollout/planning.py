"""A plan on a program under way: made from the journal and a look at the world. Reads only.

Reads the journal, Jira and the workbook; writes to none of them.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime

from policy_rollout import events as ev
from policy_rollout.amending import amendment, newcomers
from policy_rollout.circumstances import circumstances_of
from policy_rollout.connections import open_jira, project_key, workbook_id
from policy_rollout.consequences import Proposal
from policy_rollout.decide import Circumstances, ToLookAt, to_look_at
from policy_rollout.errors import AmendmentRefused, PreflightFailed, ProgramUnknown
from policy_rollout.fold import take
from policy_rollout.history import programs, records_of, state_of
from policy_rollout.journal.store import Journal
from policy_rollout.observing import read_world
from policy_rollout.outline import outline_at, spec_of
from policy_rollout.preview import Preview, preview
from policy_rollout.program import ProgramState, Recorded
from policy_rollout.saved_plan import (
    Amendment,
    Head,
    SavedPlan,
    Since,
    Site,
    follows_of,
    held_changes,
)
from policy_rollout.settings import Settings
from policy_rollout.spec.model import Spec
from policy_rollout.spec.reader import read_valid

NOT_SAID = "(said when it is applied)"
NOTHING_MADE = (
    "found a program that has made nothing yet, expected one with work outside; launch it anew "
    "with the changed spec: rollout launch SPEC"
)


@dataclass(frozen=True, slots=True)
class Made:
    """A plan on `state`; `events` is what would be journaled to bring it about."""

    state: ProgramState
    after: Spec
    events: tuple[ev.Event, ...]
    preview: Preview
    plan: SavedPlan


def spec_that_runs(settings: Settings, program: str) -> Spec | None:
    """The spec that a launched program follows; None where a launch would still make its work.

    Raises:
        SpecRefused: by the rules of this version it has errors.
    """
    with Journal(settings.journal_address) as journal:
        state = state_of(journal, program)
    return spec_of(state) if state.run and not state.wrote_nothing else None


def make_plan(
    journal: Journal,
    settings: Settings,
    program: str,
    amends: Amendment | None,
    *,
    now: datetime,
) -> Made:
    """What would change now; with `amends`, if the program followed that spec.

    Raises:
        ProgramUnknown: it was never launched.
        SpecRefused: the spec has errors.
        AmendmentRefused: the program cannot follow it.
        PreflightFailed: Jira does not know the people whom it names anew.
        ServiceError: Jira or the workbook failed.
    """
    state = state_of(journal, program)
    if not state.run:
        raise ProgramUnknown(program, programs(journal))
    proposal = _proposal(settings, state, amends, circumstances_of(journal, settings, now))
    shown = preview(proposal)
    plan = SavedPlan(
        program=program,
        made_at=now,
        journal=Head(entries=state.head, digest=_hash_of(journal, program, state.head)),
        site=site_of(settings, proposal.before),
        amendment=amends,
        changes=held_changes(shown),
        follows=follows_of(shown),
    )
    return Made(state, proposal.after, proposal.events, shown, plan)


def _proposal(
    settings: Settings,
    state: ProgramState,
    amends: Amendment | None,
    circumstances: Circumstances,
) -> Proposal:
    before = after = spec_of(state)
    events: tuple[ev.Event, ...] = ()
    now = circumstances.now
    if amends is not None:
        if state.wrote_nothing:
            raise AmendmentRefused(state.program, [NOTHING_MADE])
        after = read_valid(amends.spec_text, amends.spec_path)
        amended = amendment(
            state,
            before,
            after,
            text=amends.spec_text,
            path=amends.spec_path,
            by=amends.by or NOT_SAID,
            reason=amends.reason or NOT_SAID,
            reopen=amends.reopen,
            now=now,
        )
        events = (*_new_people(settings, state, after), amended)
    world = read_world(settings, before, _wanted(state, before, after, events, now))
    return Proposal(before, after, state, events, world, circumstances)


def _new_people(settings: Settings, state: ProgramState, after: Spec) -> Sequence[ev.Event]:
    unknown = newcomers(state, after)
    if not unknown:
        return ()
    with open_jira(settings, after) as jira:
        found = jira.preflight(unknown)
    if found.missing:
        raise PreflightFailed(found.missing)
    return (ev.PeopleResolved(accounts=found.accounts, own_account=found.own_account),)


def _wanted(
    state: ProgramState, before: Spec, after: Spec, events: Sequence[ev.Event], now: datetime
) -> ToLookAt:
    """What either spec looks at: what leaves is shown as well as what joins."""
    ahead = deepcopy(state)
    for event in events:
        take(ahead, Recorded(ahead.head + 1, now, "", event))
    one = to_look_at(outline_at(before, state, now), state)
    other = to_look_at(outline_at(after, ahead, now), ahead)
    return ToLookAt(
        issues={**one.issues, **other.issues},
        sign_offs={**one.sign_offs, **other.sign_offs},
        has_rows=one.has_rows or other.has_rows,
        tabs=one.tabs,
        maybe_double=one.maybe_double,
    )


def site_of(settings: Settings, spec: Spec) -> Site:
    """Where the work of a program lives now."""
    with open_jira(settings, spec) as jira:
        workflow = {status: str(meaning) for status, meaning in jira.workflow().items()}
    return Site(
        project=project_key(settings, spec),
        workbook=workbook_id(settings, spec),
        workflow=workflow,
    )


def _hash_of(journal: Journal, program: str, sequence: int) -> str:
    """Empty where there is no such entry."""
    found = journal.read(program, after=sequence - 1)
    return found[0].hash if found else ""


def since(journal: Journal, plan: SavedPlan) -> Since:
    """What was journaled behind the end that the plan was made on."""
    end = plan.journal.entries
    return Since(_hash_of(journal, plan.program, end), records_of(journal, plan.program, after=end))
