"""Rules on people: who is meant, who may sign, and whether anybody can. Pure."""

from collections.abc import Iterator

from policy_rollout.spec.model import Task
from policy_rollout.spec.problems import Finding, Path, did_you_mean, listed
from policy_rollout.spec.rules.case import Case

_RESERVED_ROLES = {"owner", "anybody", "nobody", "everybody"}
_MOST_SIGN_OFFS = 200  # of one gate; who can sign for whom is not worked out for more


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


def quorum(case: Case) -> Iterator[Finding]:
    """More signatures asked of a role than it has members who may sign."""
    for stage, gate in case.gates.items():
        for role, wanted in gate.sign_off.items():
            if role not in case.spec.people:
                continue
            able = case.may_sign(role)
            if wanted > len(able):
                path = ("stages", stage, "gate", "sign_off", role)
                yield Finding(path, _too_few(case, role, wanted), about=(("people", role),))


def _too_few(case: Case, role: str, wanted: int) -> str:
    able = case.may_sign(role)
    members = case.spec.people[role].members
    step = f"ask for fewer, or add members to `people.{role}` (backups only stand in)"
    if len(able) == len(members):
        return f"found {wanted} sign-offs of {role}, expected at most {len(able)}; {step}"
    if able:
        owner = "not counting the owner, who never signs"
        return f"found {wanted} sign-offs of {role}, expected at most {len(able)}, {owner}; {step}"
    owner = f"found the owner {case.spec.owner} as the only member of {role}"
    return f"{owner}, expected somebody else, since the owner never signs; add another member"


def signers_overlap(case: Case) -> Iterator[Finding]:
    """A gate that cannot pass because one person would have to sign for two roles."""
    for stage, gate in case.gates.items():
        roles = {role: count for role, count in gate.sign_off.items() if role in case.spec.people}
        if any(count > len(case.may_sign(role)) for role, count in roles.items()):
            continue
        slots = [role for role, count in roles.items() for _ in range(count)]
        if len(slots) > _MOST_SIGN_OFFS:
            continue
        able = {role: case.may_sign_or_stand_in(role) for role in roles}
        left_out = _left_out(slots, able)
        if left_out is not None:
            about = tuple(("people", role) for role in roles)
            text = (
                f"found only {listed(able[left_out])} for {left_out}, needed by another role of "
                "this gate too, expected a different person for each sign-off; add a member"
            )
            yield Finding(("stages", stage, "gate", "sign_off", left_out), text, about=about)


def _left_out(slots: list[str], able: dict[str, tuple[str, ...]]) -> str | None:
    """The role that stays without a signer when everybody signs once (bipartite matching)."""
    taken: dict[str, int] = {}

    def seat(slot: int, tried: set[str]) -> bool:
        for person in able[slots[slot]]:
            if person in tried:
                continue
            tried.add(person)
            if person not in taken or seat(taken[person], tried):
                taken[person] = slot
                return True
        return False

    return next((role for slot, role in enumerate(slots) if not seat(slot, set())), None)


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
