"""All rules of the language, by name, and how they are put to a spec. Pure.

Error rules make a spec unusable and cannot be silenced. Advice is good practice of the field; a
spec may silence it by name with a reason.
"""

from collections.abc import Callable, Iterator

from policy_rollout.spec.problems import Finding, Severity, did_you_mean
from policy_rollout.spec.rules import care, dates, launch, people, renames, signers, work
from policy_rollout.spec.rules.case import Case, Rule

Check = Callable[[Case], Iterator[Finding]]

_ERRORS: dict[str, Check] = {
    "unknown-role": people.unknown_role,
    "quorum": signers.quorum,
    "signers-overlap": signers.signers_overlap,
    "bars-no-signers": signers.bars_no_signers,
    "signers-barred": signers.signers_barred,
    "escalation-out-of-order": signers.escalation_out_of_order,
    "two-spellings": people.two_spellings,
    "member-and-backup": people.member_and_backup,
    "reserved-role": people.reserved_role,
    "unknown-stage": work.unknown_stage,
    "unknown-item": work.unknown_item,
    "stage-cycle": work.stage_cycle,
    "item-cycle": work.item_cycle,
    "item-twice": work.item_twice,
    "per-nothing": work.per_nothing,
    "takes-nothing": work.takes_nothing,
    "too-far": work.too_far,
    "reserved-stage": work.reserved_stage,
    "was-in-use": renames.was_in_use,
    "was-twice": renames.was_twice,
    "due-without-effective": dates.due_without_effective,
    "dates-out-of-order": dates.out_of_order,
    "freeze-backwards": dates.freeze_backwards,
    "notice-too-short": dates.notice_too_short,
    "notice-of-nothing": dates.notice_of_nothing,
    "no-such-time": dates.no_such_time,
}

_ADVICE: dict[str, Check] = {
    "training-not-per-language": care.training_not_per_language,
    "training-after-launch": launch.training_after_launch,
    "author-approves": signers.author_approves,
    "quorum-waits-for-backups": signers.quorum_waits_for_backups,
    "no-sign-off": care.no_sign_off,
    "launch-on-weekend": launch.on_weekend,
    "launch-on-holiday": launch.on_holiday,
    "launch-in-freeze": launch.in_freeze,
    "launch-out-of-hours": launch.out_of_hours,
    "freeze-stops-no-stage": launch.freeze_stops_no_stage,
    "due-before-earlier-stage": launch.due_before_earlier_stage,
    "effective-in-the-past": launch.past,
    "effective-far-off": launch.far_off,
    "time-twice": dates.time_twice,
    "no-rollback": care.no_rollback,
    "rollback-not-rehearsed": care.rollback_not_rehearsed,
    "existing-content-unsaid": care.existing_content_unsaid,
    "exposure-without-safeguards": care.exposure_without_safeguards,
    "exposure-unwarned": care.exposure_unwarned,
    "assignee-outside-team": care.assignee_outside_team,
    "stage-without-work": work.gate_of_nothing,
    "pass-mark-without-quiz": work.pass_mark_without_quiz,
    "requires-nothing": work.requires_what_is_not_there,
    "role-unused": care.role_unused,
    "account-unused": care.account_unused,
    "person-in-two-forms": care.person_in_two_forms,
}


def _rule(name: str, severity: Severity, check: Check) -> Rule:
    return Rule(name, severity, (check.__doc__ or "").split("\n")[0], check)


def silence_unknown(case: Case) -> Iterator[Finding]:
    """Silence for a rule that does not exist, or that cannot be silenced."""
    for name in case.spec.silence:
        if name in ERROR_NAMES:
            text = (
                f"found silence for the error {name!r}, expected a rule of advice; mend the error"
            )
            yield Finding(("silence", name), text, at_key=True)
        elif name not in _ADVICE:
            step = did_you_mean(name, tuple(_ADVICE)) or "; see program_specs/README.md for all"
            text = f"found silence for {name!r}, expected the name of a rule of advice{step}"
            yield Finding(("silence", name), text, at_key=True)


_ERRORS["unknown-advice"] = silence_unknown
ERROR_NAMES = frozenset(_ERRORS)
RULES: tuple[Rule, ...] = (
    *(_rule(name, Severity.ERROR, check) for name, check in _ERRORS.items()),
    *(_rule(name, Severity.ADVICE, check) for name, check in _ADVICE.items()),
)
