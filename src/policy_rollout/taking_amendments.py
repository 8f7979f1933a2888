"""An amendment taken: newcomers resolved, then journaled. Reads Jira, writes the journal."""

from datetime import datetime

from policy_rollout import events as ev
from policy_rollout.amending import newcomers
from policy_rollout.connections import open_jira
from policy_rollout.errors import PreflightFailed
from policy_rollout.history import decide_and_write
from policy_rollout.journal.store import Journal
from policy_rollout.program import ProgramState
from policy_rollout.settings import Settings
from policy_rollout.spec.model import Spec


def resolve_newcomers(
    settings: Settings, state: ProgramState, after: Spec
) -> tuple[ev.PeopleResolved, ...]:
    """The accounts of people whom an amendment brings in; nothing where it brings in nobody.

    A program that has not had its preflight resolves everybody then.

    Raises:
        PreflightFailed: somebody is not in Jira, or twice; with all that is missing.
        ServiceError: Jira cannot be asked.
    """
    people = newcomers(state, after)
    if not people or not state.own_account:
        return ()
    with open_jira(settings, after) as jira:
        found = jira.preflight(people)
    if found.missing:
        raise PreflightFailed(found.missing)
    return (ev.PeopleResolved(accounts=found.accounts, own_account=state.own_account),)


def take_amendment(
    journal: Journal,
    state: ProgramState,
    amended: ev.Amended,
    resolved: tuple[ev.PeopleResolved, ...],
    *,
    now: datetime,
) -> None:
    """Journal an amendment that was decided on `state`, in one step with its newcomers.

    The program's run takes it up at its next look; one that waits is resumed by `watch`.

    Raises:
        JournalConflict: somebody else wrote meanwhile; nothing was: decide and show it anew.
    """
    decide_and_write(journal, state, (*resolved, amended), actor=amended.by, at=now)
