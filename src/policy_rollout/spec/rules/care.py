"""Advice on care: for people under the policy, for reviewers, and for honest decisions. Pure."""

from collections.abc import Iterator

from policy_rollout.spec.model import Change, Material, Task
from policy_rollout.spec.problems import Finding, listed
from policy_rollout.spec.rules.case import Case
from policy_rollout.spec.rules.people import persons

_RESTRICTIONS = {Change.NEW, Change.EXPANSION}
_WEAK_SAFEGUARDS = ("blur", "greyscale", "grayscale", "black and white")
_SAFEGUARDS_ENOUGH = 2


def no_rollback(case: Case) -> Iterator[Finding]:
    """A restriction without a way back."""
    policy = case.spec.policy
    if policy.change in _RESTRICTIONS and policy.rollback is None:
        text = (
            f"found a change of kind {str(policy.change)!r} without `rollback`, expected the way "
            "back to be known before the launch; add `rollback: {how: ...}`"
        )
        yield Finding(("policy",), text, at_key=True)


def rollback_not_rehearsed(case: Case) -> Iterator[Finding]:
    """A way back that nobody has walked before the launch."""
    rollback, effective = case.spec.policy.rollback, case.spec.timeline.effective
    if rollback is None:
        return
    if rollback.rehearsed_on is None:
        found = "found a rollback without `rehearsed_on`, expected one that was rehearsed"
        text = f"{found}; rehearse it and write the day"
        yield Finding(("policy", "rollback"), text, at_key=True)
    elif effective is not None and rollback.rehearsed_on > effective.date():
        found = "found a rehearsal after the effective date, expected it before"
        yield Finding(("policy", "rollback", "rehearsed_on"), f"{found}; rehearse it earlier")


def existing_content_unsaid(case: Case) -> Iterator[Finding]:
    """A restriction that does not say what happens to older content."""
    policy = case.spec.policy
    if policy.change in _RESTRICTIONS and policy.existing_content is None:
        text = (
            f"found a change of kind {str(policy.change)!r} without `existing_content`, expected a "
            "word on older content; add `existing_content: {applies: true}` or `false`"
        )
        yield Finding(("policy",), text, at_key=True)


def exposure_without_safeguards(case: Case) -> Iterator[Finding]:
    """Reviewers exposed to much harm with too little care; blur and greyscale do not count."""
    policy = case.spec.policy
    counted = [
        each
        for each in policy.safeguards
        if not any(weak in each.casefold() for weak in _WEAK_SAFEGUARDS)
    ]
    if policy.exposure == "high" and len(counted) < _SAFEGUARDS_ENOUGH:
        text = (
            f"found high exposure with {_counted(len(counted))} besides blur and greyscale, "
            "expected at least 2, such as rotation, opt-out or counselling; add them to "
            "`safeguards`"
        )
        yield Finding(("policy", "exposure"), text)


def _counted(safeguards: int) -> str:
    return f"{safeguards} safeguard{'s' * (safeguards != 1)}"


def exposure_unwarned(case: Case) -> Iterator[Finding]:
    """Training on very harmful material that gives no warning."""
    if case.spec.policy.exposure != "high":
        return
    for work in case.works:
        if isinstance(work.work, Material) and not work.work.exposure_warning:
            text = (
                "found high exposure and a material without `exposure_warning`, expected it to be "
                "said; add `exposure_warning: true`, or `false` if it shows nothing"
            )
            if "exposure_warning" not in work.work.model_fields_set:
                yield Finding(work.path, text, at_key=True)


def training_not_per_language(case: Case) -> Iterator[Finding]:
    """One material for a program of several languages."""
    languages = case.spec.policy.languages
    if len(languages) < 2:  # noqa: PLR2004  several
        return
    for work in case.works:
        if isinstance(work.work, Material) and work.work.per is None:
            text = (
                f"found a material without `per: language` in a program of {len(languages)} "
                "languages, expected one for each; add `per: language`"
            )
            yield Finding(work.path, text, at_key=True)


def no_sign_off(case: Case) -> Iterator[Finding]:
    """A program in which nobody decides anything."""
    if not any(gate.sign_off for gate in case.gates.values()):
        text = (
            "found no sign-off at any gate, expected somebody to decide before the launch; add "
            "`gate: {sign_off: {role: 1}}` to a stage"
        )
        yield Finding(("stages",), text, at_key=True)


def assignee_outside_team(case: Case) -> Iterator[Finding]:
    """A task given to somebody who is not in its team."""
    for work in case.works:
        task = work.work
        if not isinstance(task, Task) or not task.assignee or task.team not in case.spec.people:
            continue
        role = case.spec.people[task.team]
        if task.assignee not in (*role.members, *role.backups):
            text = (
                f"found {task.assignee}, who is not in {task.team!r} ({listed(role.members)}), "
                "expected a member or backup; add them to the role, or change `team`"
            )
            yield Finding((*work.path, "assignee"), text)


def role_unused(case: Case) -> Iterator[Finding]:
    """A role that neither works nor signs."""
    used = {work.work.team for work in case.works}
    used.update(role for gate in case.gates.values() for role in gate.sign_off)
    for role in case.spec.people:
        if role not in used:
            text = (
                f"found the role {role!r}, which neither works nor signs, expected a task or a "
                "sign-off of it; give it one or delete it"
            )
            yield Finding(("people", role), text, at_key=True)


def account_unused(case: Case) -> Iterator[Finding]:
    """An account id of somebody who is not in the program."""
    named = {person for path, person in persons(case) if path[0] != "accounts"}
    for person in case.spec.accounts:
        if person not in named:
            text = (
                f"found the account of {person}, who has no part in this program, expected "
                "somebody named elsewhere; mend the address or delete it"
            )
            yield Finding(("accounts", person), text, at_key=True)


def person_in_two_forms(case: Case) -> Iterator[Finding]:
    """Two addresses so near to each other that they may be one person's."""
    first: dict[str, str] = {}
    for path, person in persons(case):
        local, _, domain = person.casefold().partition("@")
        for near in (local, f"{local.replace('.', '')}@{domain}"):
            known = first.setdefault(near, person)
            if (
                known.casefold() != person.casefold()
                and known.split("+")[0] != person.split("+")[0]
            ):
                text = (
                    f"found {person}, which is near to {known}, expected one address for one "
                    "person; if they are two people, silence this"
                )
                yield Finding(path, text)
                break
