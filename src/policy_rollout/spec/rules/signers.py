"""Rules on sign-offs: whether each gate can pass, and with whom. Pure."""

from collections.abc import Callable, Iterator
from itertools import islice, pairwise

from policy_rollout.spec.model import Task
from policy_rollout.spec.problems import Finding, listed
from policy_rollout.spec.rules.case import Case
from policy_rollout.spec.rules.order import Order, order_of
from policy_rollout.spec.seating import MOST_SIGN_OFFS, Seat, Seating

Able = Callable[[str, str], tuple[str, ...]]
"""A stage and a role -> who may sign its gate for it; of more than can be needed, the first."""

_WAYS_OUT = (
    "add a member or a backup to the role, assign the work to somebody else, or write "
    "`doers_may_sign: true`"
)
_ENOUGH = MOST_SIGN_OFFS + 1
_STEPS = ("remind", "backup", "owner")


def quorum(case: Case) -> Iterator[Finding]:
    """More signatures asked of a role than it has members and backups who may sign."""
    for stage, gate in case.gates.items():
        for role, wanted in gate.sign_off.items():
            if role in case.spec.people and wanted > len(case.may_sign_or_stand_in(role)):
                path = ("stages", stage, "gate", "sign_off", role)
                yield Finding(path, _too_few(case, role, wanted), about=(("people", role),))


def _too_few(case: Case, role: str, wanted: int) -> str:
    able = case.may_sign_or_stand_in(role)
    named = (*case.spec.people[role].members, *case.spec.people[role].backups)
    if not able:
        owner = f"found the owner {case.spec.owner} as the only member of {role}"
        return f"{owner}, expected somebody else, since the owner never signs; add another member"
    owner = ", not counting the owner, who never signs" if case.spec.owner in named else ""
    step = f"ask for fewer, or add members or backups to `people.{role}`"
    return f"found {wanted} sign-offs of {role}, expected at most {len(able)}{owner}; {step}"


def quorum_waits_for_backups(case: Case) -> Iterator[Finding]:
    """More signatures asked of a role than it has members: silence is needed to pass."""
    for stage, gate in case.gates.items():
        for role, wanted in gate.sign_off.items():
            able = len(case.may_sign(role))
            if wanted > able:
                text = (
                    f"found {wanted} sign-off{'s' * (wanted != 1)} of {role}, of whose members "
                    f"{able or 'none'} may sign, expected no more than that, since a backup is "
                    "called only for one who is silent, absent or barred; ask for fewer, or make "
                    "a backup a member"
                )
                yield Finding(("stages", stage, "gate", "sign_off", role), text)


def signers_overlap(case: Case) -> Iterator[Finding]:
    """A gate that cannot pass because one person would have to sign for two roles."""
    for stage, roles in _stuck_alone(case, _anybody(case)).items():
        about = tuple(("people", each) for each in case.gates[stage].sign_off)
        for role in roles:
            text = (
                f"found only {listed(case.may_sign_or_stand_in(role))} for {role}, needed by "
                "another role of this gate too, expected a different person for each sign-off; "
                "add a member"
            )
            yield Finding(("stages", stage, "gate", "sign_off", role), text, about=about)


def _anybody(case: Case) -> Able:
    """Everybody in a role, whatever they have done."""
    return lambda _stage, role: case.may_sign_or_stand_in(role)[:_ENOUGH]


def _no_doers(case: Case) -> Able:
    """Those who, as the spec assigns it, do none of the work that the gate judges."""
    doers = {
        stage: frozenset() if gate.doers_may_sign else _doers(case, stage)
        for stage, gate in case.gates.items()
    }

    def able(stage: str, role: str) -> tuple[str, ...]:
        everybody = case.may_sign_or_stand_in(role)
        return tuple(islice((each for each in everybody if each not in doers[stage]), _ENOUGH))

    return able


def _doers(case: Case, stage: str) -> frozenset[str]:
    """Who does the work of a stage: the assignee, else the first member of the team."""
    doers: set[str] = set()
    for work in case.works_of(stage):
        assigned = work.work.assignee if isinstance(work.work, Task) else None
        if assigned:
            doers.add(assigned)
        elif work.work.team in case.spec.people:
            doers.add(case.spec.people[work.work.team].members[0])
    return frozenset(doers)


def _too_few_at_all(case: Case, roles: dict[str, int]) -> bool:
    return any(count > len(case.may_sign_or_stand_in(role)) for role, count in roles.items())


def _stuck_alone(case: Case, able: Able) -> dict[str, tuple[str, ...]]:
    """Gates that cannot pass whatever the others do, with the roles that stay without signers."""
    stuck: dict[str, tuple[str, ...]] = {}
    for stage, gate in case.gates.items():
        roles = {role: count for role, count in gate.sign_off.items() if role in case.spec.people}
        if not roles or _too_few_at_all(case, roles):
            continue  # `quorum` says so
        signers = {role: able(stage, role) for role in roles}
        too_few = tuple(role for role, count in roles.items() if count > len(signers[role]))
        slots = [role for role, count in roles.items() for _ in range(count)]
        if not too_few and len(slots) <= MOST_SIGN_OFFS:
            too_few = _left_out(slots, signers)
        if too_few:
            stuck[stage] = too_few
    return stuck


def _left_out(slots: list[str], able: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
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

    return tuple(islice((role for slot, role in enumerate(slots) if not seat(slot, set())), 1))


def bars_no_signers(case: Case) -> Iterator[Finding]:
    """A gate that bars its own signers, or those of a gate that may pass after it."""
    order = order_of(case)
    for stage, gate in case.gates.items():
        for index, other in enumerate(gate.not_signers_of):
            if other not in case.spec.stages:
                continue
            text = (
                _bars_itself(stage) if other == stage else _bars_too_late(case, order, stage, other)
            )
            if text:
                path = ("stages", stage, "gate", "not_signers_of", index)
                bars_back = ("stages", other, "gate", "not_signers_of")
                about = (bars_back, *(order.rests_on(stage) if order else ()))
                yield Finding(path, text, about=about)


def _bars_itself(stage: str) -> str:
    return (
        f"found the stage {stage!r} itself, expected another one, since nobody signs a gate for "
        "two roles anyway; delete it or name another"
    )


def _bars_too_late(case: Case, order: Order | None, stage: str, other: str) -> str | None:
    """What is wrong where somebody could sign this gate first and the other one then."""
    if order is None or order.is_before(other, stage):
        return None
    if order.is_before(stage, other):
        step = f"write `not_signers_of: [{stage}]` on the gate of {other!r} instead"
    elif stage in case.gates[other].not_signers_of:
        return None
    else:
        step = f"add {other!r} to `after`, or {stage!r} to `not_signers_of` of {other!r}"
    return (
        f"found {other!r}, whose gate may pass after this one, expected a stage that comes before "
        f"{stage!r}; {step}"
    )


def signers_barred(case: Case) -> Iterator[Finding]:
    """Gates that cannot all pass, because each person may sign only some of them."""
    for gates in _stuck_together(case, _anybody(case)):
        last = gates[-1]
        roles = tuple(dict.fromkeys(role for each in gates for role in case.gates[each].sign_off))
        text = (
            f"found too few people for the gates of {listed(gates)}, where signers of one may "
            f"not sign another, expected a choice of signers with which all can pass; add members "
            f"or backups ({listed(roles)}), or shorten `not_signers_of`"
        )
        about = tuple(("people", role) for role in roles)
        yield Finding(("stages", last, "gate", "not_signers_of"), text, about=about, at_key=True)


def _stuck_together(case: Case, able: Able) -> Iterator[tuple[str, ...]]:
    """Least groups of gates that cannot all pass, though each of them could alone."""
    alone, apart, order = _stuck_alone(case, able), _apart(case), order_of(case)
    stages = [
        stage for stage in (order.places if order else ()) if stage in apart and stage not in alone
    ]
    if sum(sum(case.gates[stage].sign_off.values()) for stage in stages) > MOST_SIGN_OFFS:
        return
    seats = {
        stage: tuple(
            Seat(stage, role, wanted, frozenset(able(stage, role)))
            for role, wanted in case.gates[stage].sign_off.items()
            if role in case.spec.people and wanted <= len(able(stage, role))
        )
        for stage in stages
    }
    seating = Seating(apart)
    passing: set[str] = set()
    for stage in seats:
        near = sorted(_near(stage, passing, apart), key=stages.index)
        if _can_pass(seating, seats, {stage, *near}):
            passing.add(stage)
            continue
        for each in [*near]:
            if not _can_pass(seating, seats, {stage, *near} - {each}):
                near.remove(each)
        yield (*near, stage)


def _near(stage: str, passing: set[str], apart: dict[str, frozenset[str]]) -> set[str]:
    """The gates among `passing` that have to do with this one, through each other too."""
    near: set[str] = set()
    looking = [stage]
    while looking:
        found = (apart[looking.pop()] & passing) - near
        near |= found
        looking += found
    return near


def _can_pass(seating: Seating, seats: dict[str, tuple[Seat, ...]], stages: set[str]) -> bool:
    return seating.can_fill(seat for stage in sorted(stages) for seat in seats[stage])


def _apart(case: Case) -> dict[str, frozenset[str]]:
    """Gates that no person may both sign, in both directions."""
    apart: dict[str, set[str]] = {}
    for stage, gate in case.gates.items():
        for other in gate.not_signers_of:
            if other in case.spec.stages and other != stage:
                apart.setdefault(stage, set()).add(other)
                apart.setdefault(other, set()).add(stage)
    return {stage: frozenset(others) for stage, others in apart.items()}


def author_approves(case: Case) -> Iterator[Finding]:
    """A gate that, as the work is assigned, too few could sign who did none of it."""
    able = _no_doers(case)
    for stage, roles in _stuck_alone(case, able).items():
        for role in roles:
            text = _left_with(case, stage, role, able(stage, role))
            yield Finding(("stages", stage, "gate", "sign_off", role), f"{text}; {_WAYS_OUT}")
    for gates in _stuck_together(case, able):
        text = (
            f"found too few people for the gates of {listed(gates)} besides "
            f"{listed(_left_out_of(case, gates, able))}, who do work that one of them judges, "
            "expected a choice of signers with which all can pass"
        )
        path = ("stages", gates[-1], "gate", "not_signers_of")
        yield Finding(path, f"{text}; {_WAYS_OUT}", at_key=True)


def _left_out_of(case: Case, gates: tuple[str, ...], able: Able) -> tuple[str, ...]:
    """Signers of any of the gates who do work that it judges."""
    return tuple(
        dict.fromkeys(
            person
            for stage in gates
            for role in case.gates[stage].sign_off
            for person in case.may_sign_or_stand_in(role)
            if person not in able(stage, role)
        )
    )


def _left_with(case: Case, stage: str, role: str, able: tuple[str, ...]) -> str:
    """Who is left to sign for a role, apart from those who do the work."""
    wanted = case.gates[stage].sign_off[role]
    busy = tuple(each for each in case.may_sign_or_stand_in(role) if each not in able)
    if wanted > len(able):
        return (
            f"found {listed(busy)} to do work of stage {stage!r}, which leaves {_names(able)} to "
            f"sign its gate for {role}, expected {wanted} who did none of it"
        )
    return (
        f"found only {_names(able)} to sign for {role} who did no work of stage {stage!r}, needed "
        "by another role of this gate too, expected a different person for each sign-off"
    )


def _names(people: tuple[str, ...]) -> str:
    return listed(people) if people else "nobody"


def escalation_out_of_order(case: Case) -> Iterator[Finding]:
    """Steps of silence that would come before the step they follow."""
    for stage, gate in case.gates.items():
        written = gate.escalate.model_fields_set
        for earlier, later in pairwise(_STEPS):
            first, then = getattr(gate.escalate, earlier), getattr(gate.escalate, later)
            if first.hours > then.hours:
                key = later if later in written else earlier
                default = "" if later in written and earlier in written else " (one the default)"
                text = (
                    f"found `{earlier}` after {first} and `{later}` after {then}{default}, "
                    f"expected them in the order {', '.join(_STEPS)}; write a longer `{later}` or "
                    f"a shorter `{earlier}`"
                )
                yield Finding(("stages", stage, "gate", "escalate", key), text)
