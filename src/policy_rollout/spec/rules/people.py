"""Rules on people: who is meant, and that everybody is written one way. Pure."""

from collections.abc import Iterator

from policy_rollout.spec.model import Task
from policy_rollout.spec.problems import Finding, Path, did_you_mean, listed
from policy_rollout.spec.rules.case import Case

_RESERVED_ROLES = {"owner", "anybody", "nobody", "everybody"}


def unknown_role(case: Case) -> Iterator[Finding]:
    """A team or a signing role that `people` does not have."""
    for work in case.works:
        if work.work.team not in case.spec.people:
            yield _unknown(case, (*work.path, "team"), work.work.team, at_key=False)
    for stage, gate in case.gates.items():
        for role in gate.sign_off:
            if role not in case.spec.people:
                yield _unknown(case, ("stages", stage, "gate", "sign_off", role), role, at_key=True)


def _unknown(case: Case, path: Path, role: str, *, at_key: bool) -> Finding:
    known = tuple(case.spec.people)
    step = did_you_mean(role, known) or "; add it there or name another"
    text = f"found the role {role!r}, expected one under `people` ({listed(known)}){step}"
    return Finding(path, text, about=(("people", role),), at_key=at_key)


def two_spellings(case: Case) -> Iterator[Finding]:
    """One person's address in two spellings: two accounts, two sign-offs, two of everything."""
    first: dict[str, str] = {}
    for path, person in persons(case):
        known = first.setdefault(_same_person(person), person)
        if known != person:
            text = (
                f"found {person}, expected {known} as above: they differ only in capitals or a "
                "+tag; write a person the same way everywhere"
            )
            yield Finding(path, text)


def _same_person(address: str) -> str:
    local, _, domain = address.casefold().partition("@")
    return f"{local.split('+', 1)[0]}@{domain}"


def persons(case: Case) -> Iterator[tuple[Path, str]]:
    """Everybody named in a spec, with the place."""
    if case.spec.owner:
        yield ("owner",), case.spec.owner
    for name, role in case.spec.people.items():
        for index, person in enumerate(role.members):
            yield ("people", name, "members", index), person
        for index, person in enumerate(role.backups):
            yield ("people", name, "backups", index), person
    for work in case.works:
        if isinstance(work.work, Task) and work.work.assignee:
            yield (*work.path, "assignee"), work.work.assignee
    for name, gate in case.gates.items():
        for index, person in enumerate(gate.waivers):
            yield ("stages", name, "gate", "waivers", index), person
    for person in case.spec.accounts:
        yield ("accounts", person), person


def reserved_role(case: Case) -> Iterator[Finding]:
    """A role named like something the product already has a word for."""
    for role in case.spec.people:
        if role in _RESERVED_ROLES:
            text = (
                f"found a role named {role!r}, expected another name: the word is taken; rename it"
            )
            yield Finding(("people", role), text, at_key=True)


def member_and_backup(case: Case) -> Iterator[Finding]:
    """A person who is to stand in for themselves."""
    for name, role in case.spec.people.items():
        for index, person in enumerate(role.backups):
            if person in role.members:
                text = (
                    f"found {person} as a backup of {name}, expected somebody who is not already "
                    "a member; name another person or delete it"
                )
                yield Finding(("people", name, "backups", index), text)
