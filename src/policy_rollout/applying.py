"""Carry out a plan: hold it against the world, journal its amendment, let the run go on.

Reads Jira and the workbook, writes the journal, talks to Prefect. The changes are made by the
program's own run on its next pass.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from policy_rollout import events as ev
from policy_rollout import prefect_api
from policy_rollout.closures import check_closures
from policy_rollout.errors import (
    AmendmentRefused,
    JournalConflict,
    PrefectUnavailable,
    ProgramUnknown,
    SettingsWrong,
)
from policy_rollout.history import decide_and_write, programs, records_of, state_of
from policy_rollout.journal.store import Journal
from policy_rollout.launching import Launch, until_it_waits
from policy_rollout.outline import spec_of
from policy_rollout.planning import Made, make_plan, since, site_of
from policy_rollout.saved_plan import (
    Consent,
    PlanApplied,
    PlanOutdated,
    SavedPlan,
    amendments_made,
    differences,
    moved_house,
    outdated,
)
from policy_rollout.settings import Settings

CHECK = "check now"
TRIES = 5
"""So often a run is resumed that came to rest without having looked since."""


RUN_LOST = (
    "Prefect does not know the program's run any more: it was deleted, or this is another server. "
    "A new run takes it up: rollout launch --continue {program}"
)


@dataclass(frozen=True, slots=True)
class Applied:
    """The plan as it was carried out; `entry` is the journal's last one before the run goes on."""

    made: Made
    entry: int


def apply_plan(settings: Settings, plan: SavedPlan, consent: Consent) -> Applied:
    """Journal what the plan amends, if it comes out the same now; nothing is done otherwise.

    Raises:
        PlanApplied: its amendment was made since.
        PlanOutdated: the world, the spec or the journal has changed since it was made.
        ClosuresRefused: it closes too much, or touches finished work, without consent.
        AmendmentRefused: the program cannot follow the spec any more.
        PrefectUnavailable: its run could not be told.
        ServiceError: Jira or the workbook failed.
    """
    if plan.amendment is not None:  # with who wants it and why, as they say now
        said = {"by": consent.by, "reason": consent.reason}
        plan = plan.model_copy(update={"amendment": plan.amendment.model_copy(update=said)})
    with Journal(settings.journal_address) as journal:
        while True:
            now = datetime.now(UTC)
            made = _made_anew(journal, settings, plan, now)
            check_closures(
                made.preview.closures,
                allowed_share=settings.closing_share,
                allowed=consent.allow_closures,
            )
            _see_that_prefect_answers(made.state.run)
            try:
                decide_and_write(journal, made.state, made.events, actor=consent.actor, at=now)
            except JournalConflict:
                continue  # somebody wrote in this moment: hold the plan against that
            return Applied(made, made.state.head)


def _see_that_prefect_answers(run: str) -> None:
    """Where its run could not be told, nothing is journaled."""
    try:
        prefect_api.look_up((run,))
    except PrefectUnavailable as error:
        next_step = f"Nothing was done. {error.next_step}"
        raise PrefectUnavailable(error.what, next_step) from None


def _made_anew(journal: Journal, settings: Settings, plan: SavedPlan, now: datetime) -> Made:
    """The same plan, on the world as it is.

    Raises:
        PlanApplied: its amendment was made since.
        PlanOutdated: it is not the same any more, or its work lives elsewhere now.
    """
    state = state_of(journal, plan.program)
    if not state.run:
        raise ProgramUnknown(plan.program, programs(journal))
    moved = tuple(moved_house(plan.site, site_of(settings, spec_of(state))))
    if moved:  # before the world is read: it would be another one
        raise PlanOutdated(plan.program, plan.made_at, moved)
    written = since(journal, plan)
    for record, amended in amendments_made(plan, written):
        raise PlanApplied(plan.program, record, amended.by)
    found = list(outdated(plan, written))
    try:
        made = make_plan(journal, settings, plan.program, plan.amendment, now=now)
    except AmendmentRefused as refused:
        if not found:
            raise
        raise PlanOutdated(plan.program, plan.made_at, [*found, *refused.problems]) from None
    found += differences(plan, made.plan)
    if found:
        raise PlanOutdated(plan.program, plan.made_at, found)
    return made


def look_now(
    settings: Settings, applied: Applied, *, because: str, say: Callable[[str], None]
) -> Launch:
    """Let the program's run look, and wait until it has: it waits again, is over, or failed.

    A run that was at work already may have come to rest without having seen the plan: it is
    resumed again. What is journaled stays so, whatever becomes of the run.
    """
    run = applied.made.state.run
    launched = Launch(applied.made.state.program, run, prefect_api.run_url(run))
    try:
        if run not in prefect_api.look_up((run,)):
            return replace(
                launched, stands="trouble", message=RUN_LOST.format(program=launched.program)
            )
        for _ in range(TRIES):
            prefect_api.resume(run, {"action": CHECK, "note": because})
            launched = until_it_waits(settings, applied.made.after, launched, say=say)
            if launched.stands != "paused" or _has_looked(settings, applied):
                return launched
    except (PrefectUnavailable, prefect_api.RunRefused, SettingsWrong) as error:
        return replace(launched, stands="trouble", message=f"The run did not go on: {error}")
    return replace(
        launched,
        stands="trouble",
        message="The run did not look in time; press Resume on it, or see: "
        f"rollout status {launched.program}",
    )


def _has_looked(settings: Settings, applied: Applied) -> bool:
    with Journal(settings.journal_address) as journal:
        written = records_of(journal, applied.made.state.program, after=applied.entry)
    return any(isinstance(each.event, ev.Resumed) for each in written)
