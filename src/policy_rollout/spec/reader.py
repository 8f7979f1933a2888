"""Program spec: YAML text -> a spec, and all that is wrong with it, with places. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice

from policy_rollout.errors import SpecRefused
from policy_rollout.spec.document import MOST_PROBLEMS, Mapping, locate, read_document
from policy_rollout.spec.fitting import Fit, fit
from policy_rollout.spec.model import Spec
from policy_rollout.spec.problems import Finding, Path, Problem, Severity
from policy_rollout.spec.rules import RULES
from policy_rollout.spec.rules.case import Case
from policy_rollout.spec.texts import judge_texts

_NO_VALUE = {"placeholder", "null", "alias", "complex-key"}
TOO_MANY = "too-many-problems"
_BYTE_ORDER_MARK = "\ufeff"  # of a text pasted from a file that starts with it
_NO_KEY = {"unknown-key", "wrong-key"}


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text says.

    `spec` is None where there is an error. `problems` are in the order of the file; `silenced`
    is the advice that the spec does not want to hear.
    """

    spec: Spec | None
    problems: tuple[Problem, ...]
    silenced: tuple[Problem, ...] = ()

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(each for each in self.problems if each.severity is Severity.ERROR)


def read_spec(text: str, path: str, *, today: date | None = None) -> Reading:
    """Everything that a spec says and all its problems at once.

    Args:
        text: the YAML.
        path: how the problems name the file.
        today: for the advice on dates that are past or far off; None to go without.
    """
    document = read_document(text.removeprefix(_BYTE_ORDER_MARK), path)
    problems = list(document.problems)
    if document.root is None:
        return Reading(None, _in_order(problems))
    judged = _Judging(document.root, path)
    held = fit(document.root)
    problems += judge_texts(document.root, path)
    problems += judged.complaints(held)
    if held.partial is not None:
        problems += judged.rules(Case(held.partial, today), Severity.ERROR, held.lost)
    if held.whole is None or problems:
        return Reading(None, _in_order(_told_once(problems)))
    advice = list(judged.rules(Case(held.whole, today), Severity.ADVICE, ()))
    silenced = [each for each in advice if each.rule in held.whole.silence]
    wanted = [each for each in advice if each.rule not in held.whole.silence]
    return Reading(held.whole, _in_order(wanted), _in_order(silenced))


def read_valid(text: str, path: str) -> Spec:
    """The spec of a text without errors.

    Raises:
        SpecRefused: with every error, in the order of the file.
    """
    reading = read_spec(text, path)
    if reading.spec is None:
        raise SpecRefused([str(each) for each in reading.errors])
    return reading.spec


@dataclass(frozen=True, slots=True)
class _Judging:
    root: Mapping
    path: str

    def complaints(self, held: Fit) -> Iterator[Problem]:
        for rule, finding in held.complaints:
            yield self._placed(rule, Severity.ERROR, finding)

    def rules(self, case: Case, severity: Severity, lost: tuple[Path, ...]) -> Iterator[Problem]:
        for rule in RULES:
            if rule.severity is severity:
                for finding in islice(rule.check(case), MOST_PROBLEMS + 1):
                    if not _rests_on(finding, lost):
                        yield self._placed(rule.name, severity, finding)

    def _placed(self, rule: str, severity: Severity, finding: Finding) -> Problem:
        line, column = locate(self.root, finding.path, at_key=finding.at_key)
        return Problem(self.path, line, column, rule, severity, finding.text)


def _rests_on(finding: Finding, lost: tuple[Path, ...]) -> bool:
    """Whether a finding may only follow from a part that could not be read."""
    return any(
        part[: len(gone)] == gone[: len(part)]
        for part in (finding.path, *finding.about)
        for gone in lost
    )


def _told_once(problems: list[Problem]) -> list[Problem]:
    """One problem a place where a text is no value or no key at all: the rest only follows."""
    no_value = {(each.line, each.column) for each in problems if each.rule in _NO_VALUE}
    no_key = {(each.line, each.column) for each in problems if each.rule in _NO_KEY}
    return [
        each
        for each in problems
        if (each.rule in _NO_VALUE or (each.line, each.column) not in no_value)
        and (each.rule != "nothing-there" or (each.line, each.column) not in no_key)
    ]


def _in_order(problems: list[Problem]) -> tuple[Problem, ...]:
    """By place; where there are too many to read, the first ones and a word on the rest."""
    ordered = sorted(problems, key=lambda each: (each.line, each.column, each.rule, each.text))
    said = any(each.rule == TOO_MANY for each in ordered)  # by the reader of the document
    if said or len(ordered) <= MOST_PROBLEMS:
        return tuple(ordered)
    last = ordered[MOST_PROBLEMS]
    found = f"found more than {MOST_PROBLEMS} problems, expected a program spec"
    rest = replace(last, rule=TOO_MANY, text=f"{found}; mend the ones above first")
    return (*ordered[:MOST_PROBLEMS], rest)
