"""Amendments of programs under way, for the tests of what they do."""

from policy_rollout import events as ev
from policy_rollout.amending import amendment
from policy_rollout.outline import spec_of
from policy_rollout.spec.reader import read_valid
from policy_rollout.work import people_of
from tests.programs_under_way import BOT, FULL, UnderWay, account, prepared

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


FAREWELL = (
    f"No longer part of the program: amended by boss@example.com: {WHY}. "
    "Nothing was deleted; nobody waits for this any more."
)
NO_MEMO = (next(line for line in FULL.splitlines(keepends=True) if "Write the memo" in line), "")
NO_JAPANESE = ("languages: [en-US, ja-JP]", "languages: [en-US]")
MORE_LANGUAGES = ("languages: [en-US, ja-JP]", "languages: [en-US, ja-JP, pt-BR]")
NOTE = ("memo: {title", "note: {was: memo, title")
READY = (("  prepare:\n", "  ready:\n    was: prepare\n"), ("after: [prepare]", "after: [ready]"))
TWO_SIGN = ("sign_off: {legal: 1}", "sign_off: {legal: 1, policy: 1}")


def with_(*changes: tuple[str, str], text: str = FULL) -> str:
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


def in_launch() -> UnderWay:
    started = prepared()
    started.approve("legal", "lea")
    started.settle()
    return started


def outside(program: UnderWay) -> tuple[set[str], set[str]]:
    return {each.key for each in program.model.issues.values()}, set(program.model.rows)


def cell(program: UnderWay, key: str, header: str) -> str:
    return dict(program.model.rows[key].cells)[header]


def said(program: UnderWay, issue_key: str) -> list[str]:
    return [each.text for each in program.model.comments if each.issue_key == issue_key]


def at_rest(program: UnderWay) -> bool:
    decision = program.decide()
    return (decision.events, decision.changes) == ((), ())
