"""Who may sign a gate for a role, and why somebody may not. Pure.

One person signs for one role at a gate; the owner never signs; by default nobody signs over
their own work; a gate may bar the signers of another; backups sign for a member once they have
been called. Persons are compared by the exact spelling of the spec.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from policy_rollout.events import SignedOff
from policy_rollout.program import GateState, ProgramState
from policy_rollout.spec.model import Spec
from policy_rollout.work import Kind, State, WorkItem


@dataclass(frozen=True, slots=True)
class Bench:
    """A gate with everything that says who may sign it now; `digest` is the one to sign.

    `accounts` has the account of each person as it is now.
    """

    spec: Spec
    stage: str
    gate: GateState
    digest: str | None
    doers: frozenset[str]
    barred: frozenset[str]
    accounts: Mapping[str, str] = field(default_factory=dict)

    def members(self, role: str) -> tuple[str, ...]:
        """The role's members that nothing bars; signed or not."""
        return tuple(each for each in self.spec.people[role].members if not self.why_barred(each))

    def backups(self, role: str) -> dict[str, str]:
        """Backups that were called and that nothing bars, to the member they stand for."""
        standing: dict[str, str] = {}
        for (called_role, member), called in self.gate.called.items():
            if called_role == role:
                for backup in called.backups:
                    if backup in self.spec.people[role].backups and not self.why_barred(backup):
                        standing.setdefault(backup, member)
        return standing

    def able(self, role: str) -> tuple[str, ...]:
        """Who may sign for the role now: members first, then called backups."""
        return (*self.members(role), *self.backups(role))

    def waited_for(self, role: str) -> tuple[str, ...]:
        """Who may sign and has not signed at this gate."""
        signed = {each.person for each in self.gate.standing(self.digest)}
        return tuple(person for person in self.able(role) if person not in signed)

    def why_barred(self, person: str) -> str | None:
        if person == self.spec.owner:
            return "the owner of the program cannot sign its gates"
        if person in self.doers and not self.spec.stages[self.stage].gate.doers_may_sign:
            return f"{person} did work that this gate judges"
        if person in self.barred:
            others = ", ".join(self.spec.stages[self.stage].gate.not_signers_of)
            return f"{person} signed the gate of {others}, whose signers may not sign this one"
        return None

    def why_no_say(self, role: str, person: str | None) -> str | None:
        """Why this person cannot ask for changes or reject: who signed already still can."""
        why = self._why_no_say(role, person)
        return None if why is None else f"{why}; {self._who_may(role)}"

    def why_not(self, role: str, person: str | None) -> str | None:
        """Why this person's sign-off cannot count now, and who may sign; None where it does."""
        why = self._why_not(role, person)
        return None if why is None else f"{why}; {self._who_may(role)}"

    def why_lapsed(self, given: SignedOff) -> str | None:
        """Why a sign-off that was given counts no longer; None where it still does."""
        if given.role not in self.spec.stages[self.stage].gate.sign_off:
            return f"the gate asks for no sign-off by {given.role} any more"
        group = self.spec.people[given.role]
        if given.person not in (*group.members, *group.backups):
            return f"{given.person} is no longer a member of {given.role}"
        # Else whoever has the old account could sign once more, under the name it went to.
        if given.account and given.account != self.accounts.get(given.person, given.account):
            return f"{given.person} has another account now than the one that signed"
        return self.why_barred(given.person)

    def _why_no_say(self, role: str, person: str | None) -> str | None:
        if person is None:
            return "this account belongs to nobody in the program"
        group = self.spec.people[role]
        if person not in (*group.members, *group.backups):
            return f"{person} is not a member of {role}"
        if why := self.why_barred(person):
            return why
        if person not in self.able(role):
            return f"{person} is a backup, and no member is silent or absent"
        return None

    def _why_not(self, role: str, person: str | None) -> str | None:
        for given in self.gate.standing(self.digest):
            if given.person == person and given.role == role:
                return f"{person} has already signed for {role}"
            if given.person == person:
                return f"{person} has already signed for {given.role}: one person, one role"
        return self._why_no_say(role, person)

    def _who_may(self, role: str) -> str:
        waited_for = self.waited_for(role)
        if not waited_for:
            return f"nobody may sign for {role} now: ask the owner to amend the program"
        return f"for {role} may sign: {', '.join(waited_for)}"

    def stands_for(self, role: str, person: str) -> str:
        """The member whom a backup signs for; empty for members."""
        if person in self.spec.people[role].members:
            return ""
        return self.backups(role).get(person, "")


def bench(
    spec: Spec, state: ProgramState, stage: str, items: Iterable[WorkItem], digest: str | None
) -> Bench:
    """The bench of a gate; `items` are the stage's own."""
    gate = state.gates[stage]
    barred = {
        given.person
        for other in spec.stages[stage].gate.not_signers_of
        if other in state.gates
        for given in state.gates[other].standing(state.gates[other].digest)
    }
    doers = doers_of(state, items)
    return Bench(spec, stage, gate, digest, doers, frozenset(barred), state.accounts)


def doers_of(state: ProgramState, items: Iterable[WorkItem]) -> frozenset[str]:
    """Who did the finished items: who has the issue and who moved it to done, or has the row.

    Under whichever account they had: another one since does not undo the work.
    """
    accounts = (*state.accounts.items(), *state.former_accounts)
    doers: set[str] = set()
    for item in items:
        seen = state.of(item.key)
        if seen.state is not State.DONE:
            continue
        if item.kind is not Kind.TASK:
            doers.add(item.assignee)
        doers.update(person for person, known in accounts if known in seen.doers)
    return frozenset(doers)
