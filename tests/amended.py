"""Amendments of programs under way, for the tests of what they do."""

from policy_rollout import events as ev
from policy_rollout.amending import amendment
from policy_rollout.outline import spec_of
from policy_rollout.spec.reader import read_valid
from policy_rollout.work import people_of
from tests.programs_under_way import BOT, UnderWay, account

BOSS = "boss@example.com"
WHY = "The regulator asked for it"


def proposed(
    program: UnderWay, text: str, *, reason: str = WHY, reopen: tuple[str, ...] = ()
) -> ev.Amended:
    """What would be journaled, or AmendmentRefused."""
    state = program.state
    return amendment(
        state,
        spec_of(state),
        read_valid(text, "p.yaml"),
        text=text,
        path="p.yaml",
        by=BOSS,
        reason=reason,
        reopen=reopen,
        now=program.model.now,
    )


def amend(
    program: UnderWay, text: str, *, reason: str = WHY, reopen: tuple[str, ...] = ()
) -> ev.Amended:
    """Amend in flight, newcomers resolved, as the command does."""
    program.model.tick()
    amended = proposed(program, text, reason=reason, reopen=reopen)
    accounts = {each: account(each.partition("@")[0]) for each in people_of(read_valid(text, "p"))}
    program.record(ev.PeopleResolved(accounts=accounts, own_account=BOT), amended)
    program.amend(text)
    return amended
