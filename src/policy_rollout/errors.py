"""All errors of the project, each built from data. No I/O.

    RolloutError
    ├── SpecRefused            a program spec has errors (all of them at once)
    ├── SettingsWrong          a setting is missing or cannot be used
    ├── HolidaysUnknown        no public holidays are known for a market
    ├── DayOutOfRange          a schedule leaves the years that can be planned
    ├── ProgramUnknown         nobody launched a program of that name
    ├── ProgramAlreadyLaunched a second launch of a program
    ├── AmendmentRefused       a running program cannot become what a spec says (all reasons)
    ├── AuditFolderWrong       an exported audit cannot be written or read there
    ├── PersonMalformed        no spec could name somebody like this
    ├── AlreadyEnrolled        a second authenticator for a person
    ├── CodeRefused            a one-time code that proves nothing, and why
    ├── CodesKeyWrong          a stored secret does not open under ROLLOUT_CODES_KEY
    ├── AbsenceRefused         an absence that cannot be
    ├── NotAbsent              nobody announced the absence that is to end
    ├── PrefectUnavailable     the Prefect server or a deployment cannot be reached
    ├── JournalError
    │   ├── JournalUnavailable the database cannot be opened, read or written
    │   ├── JournalConflict    another writer appended first: read again
    │   └── JournalTampered    an entry is not what was written
    └── ServiceError           Jira or Google Sheets
        ├── ServiceUnavailable down, slow or throttling: try again later
        ├── ServiceRefused     it answered and said no
        ├── WriteInDoubt       a write that may or may not have happened
        ├── RowsHalfAdded      an addition failed, and some of its rows stand
        ├── IssueNotOurs       an issue that does not carry the mark it should
        ├── NoticeFailed       a notice did not arrive through one channel
        ├── HomeChanged        the work of the program is somewhere else
        ├── NoWayToStatus      no transition leads to the status that is wanted
        └── PreflightFailed    something is missing before the first write

A gate that waits is a state, not an error.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import IntEnum, StrEnum

from policy_rollout.desired import RowsStanding


class ExitCode(IntEnum):
    """What the `rollout` command answers to its shell."""

    DONE = 0
    FOUND_PROBLEMS = 1
    WRONG_USAGE = 2
    SERVICE_FAILED = 3


class RolloutError(Exception):
    """Anything that is expected to go wrong; its text is fit for a program manager."""

    exit_code: ExitCode = ExitCode.FOUND_PROBLEMS

    def __reduce__(self) -> tuple[object, ...]:
        # A constructor takes data and `args` holds the text: without this, an error that crosses
        # a process (or a result store of Prefect) comes out as a TypeError.
        return _restored, (type(self), str(self), self.__dict__)


def _restored(kind: type[RolloutError], text: str, data: dict[str, object]) -> RolloutError:
    error = kind.__new__(kind, text)
    error.__dict__.update(data)
    return error


class SpecRefused(RolloutError):
    """A spec with errors.

    Args:
        problems: one line each, as `path:line:column: rule: text`, in the order of the file.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class SettingsWrong(RolloutError):
    """A setting is missing or unusable; the text names the variable and an example."""

    exit_code = ExitCode.WRONG_USAGE


class HolidaysUnknown(RolloutError):
    def __init__(self, market: str) -> None:
        self.market = market
        super().__init__(
            f"no public holidays are known for market {market!r}; "
            "leave it out of `holidays`, and write its days off as a freeze"
        )


class DayOutOfRange(RolloutError):
    """A day from which the schedule would leave the years `first` to `last`."""

    def __init__(self, day: date, first: int, last: int) -> None:
        self.day = day
        super().__init__(
            f"counting from {day.isoformat()} leaves the years {first} to {last} that can be "
            "planned; look for a year typed wrong, or a `takes` or `due` that is far too long"
        )


class ProgramUnknown(RolloutError):
    def __init__(self, program: str, known: Sequence[str]) -> None:
        self.program = program
        names = ", ".join(sorted(known)) or "none yet"
        super().__init__(
            f"no program named {program!r} was launched; launched programs: {names}. "
            "Launch one with: rollout launch SPEC"
        )


class ProgramAlreadyLaunched(RolloutError):
    def __init__(self, program: str, launched_at: str, run_url: str) -> None:
        self.program = program
        super().__init__(
            f"program {program!r} was already launched on {launched_at} ({run_url}); "
            f"nothing was created a second time. See where it stands: rollout status {program}"
        )


class AmendmentRefused(RolloutError):
    """Everything that stands against an amendment: found, expected, what to do."""

    def __init__(self, program: str, problems: Sequence[str]) -> None:
        self.program = program
        self.problems = tuple(problems)
        lines = "\n".join(f"  - {each}" for each in self.problems)
        super().__init__(f"program {program!r} was not amended, nothing was changed:\n{lines}")


class AuditFolderWrong(RolloutError):
    """`found` is what stands there, `next_step` what to do about it."""

    exit_code = ExitCode.WRONG_USAGE

    def __init__(self, folder: str, found: str, next_step: str) -> None:
        super().__init__(f"{folder}: {found}. {next_step}")


class PersonMalformed(RolloutError):
    exit_code = ExitCode.WRONG_USAGE

    def __init__(self, person: str) -> None:
        super().__init__(
            f"{_shown(person)} is nobody's name here: expected one mail address in ASCII, spelled "
            "as the specs spell it, such as p.kim@example.com"
        )


def _shown(text: str, longest: int = 80) -> str:
    """A text from outside, its look-alikes and control characters escaped."""
    return ascii(text if len(text) <= longest else text[:longest] + "...")


class AlreadyEnrolled(RolloutError):
    def __init__(self, person: str) -> None:
        self.person = person
        super().__init__(
            f"{person} has an authenticator, and nothing was changed. For a new phone, or when "
            f"its key may be known to others: rollout people enroll {person} --replace"
        )


class Refusal(StrEnum):
    """Why a one-time code proves nothing."""

    NOT_ENROLLED = "not enrolled"
    WRONG = "wrong"
    USED = "used"
    LOCKED = "locked"


WRONG_CODES_IN_A_ROW = 5
"""That many lock the person."""
LOCKED_MINUTES = 15

_REFUSALS = {
    Refusal.NOT_ENROLLED: (
        "no authenticator of that person is enrolled, spelled letter by letter like this. Enroll "
        "one with: rollout people enroll PERSON"
    ),
    Refusal.WRONG: (
        "it is wrong or too old. Wait for the next code and type all six digits; if that is "
        "refused as well, let the phone set its clock by itself. "
        f"{WRONG_CODES_IN_A_ROW} wrong codes in a row lock the person for {LOCKED_MINUTES} minutes"
    ),
    Refusal.USED: "it, or a later one, was used before. Each code works once: wait for the next",
}


class CodeRefused(RolloutError):
    """A one-time code proves nothing; says neither the code nor how far it was off.

    Args:
        person: as claimed, which is not who gave the code.
        why: the kind of refusal.
        locked_until: for LOCKED, aware.
    """

    def __init__(self, person: str, why: Refusal, *, locked_until: datetime | None = None) -> None:
        self.person = person
        self.why = why
        self.locked_until = locked_until
        reason = _REFUSALS[why] if locked_until is None else _locked_text(locked_until)
        super().__init__(f"the code for {_shown(person)} was refused: {reason}")


def _locked_text(until: datetime) -> str:
    return (
        f"{WRONG_CODES_IN_A_ROW} wrong codes in a row locked the person for {LOCKED_MINUTES} "
        f"minutes, until {until.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC. Until then every "
        "code is refused, right ones as well; a sign-off in Jira still counts"
    )


class AnswerRefused(RolloutError):
    """An answer to something that does not ask; `known` are those that do."""

    exit_code = ExitCode.WRONG_USAGE

    def __init__(self, what: str, given: str, known: Sequence[str]) -> None:
        names = ", ".join(known) or "none"
        super().__init__(f"found no {what} {given!r} that waits; waiting: {names}")


class CodesKeyWrong(RolloutError):
    exit_code = ExitCode.WRONG_USAGE

    def __init__(self, person: str) -> None:
        self.person = person
        super().__init__(
            f"the stored key of {person}'s authenticator does not open under ROLLOUT_CODES_KEY: "
            "another key encrypted it, or it was changed in the database. Put back the key that "
            f"was set before, or enroll anew: rollout people enroll {person} --replace"
        )


class AbsenceRefused(RolloutError):
    exit_code = ExitCode.WRONG_USAGE

    def __init__(self, person: str, reason: str, next_step: str) -> None:
        super().__init__(f"the absence of {person} was not noted: {reason}; {next_step}")


class NotAbsent(RolloutError):
    """`known` are the first and last days of the person's absences."""

    def __init__(self, person: str, day: date, known: Sequence[tuple[date, date]]) -> None:
        self.person = person
        days = ", ".join(f"{first} to {last}" for first, last in known) or "none"
        super().__init__(
            f"{_shown(person)} has announced no absence that covers {day}; announced: {days}. "
            "Give a day of the absence that is to end: rollout people back PERSON --on DAY"
        )


class PrefectUnavailable(RolloutError):
    exit_code = ExitCode.SERVICE_FAILED

    def __init__(self, what: str, next_step: str) -> None:
        self.what, self.next_step = what, next_step
        super().__init__(f"Prefect: {what}. {next_step}")


class JournalError(RolloutError):
    exit_code = ExitCode.SERVICE_FAILED


class JournalUnavailable(JournalError):
    """`address` is the journal's URL without its password."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(
            f"the journal at {address} cannot be used: {reason}. Mend it (disk space, "
            "permissions, ROLLOUT_JOURNAL_URL) and go on: the program resumes where it stood"
        )


class JournalConflict(JournalError):
    def __init__(self, program: str, sequence: int) -> None:
        self.program = program
        self.sequence = sequence
        super().__init__(
            f"entry {sequence} of program {program!r} was written by somebody else first; "
            "read the journal again and decide anew"
        )


class JournalTampered(JournalError):
    exit_code = ExitCode.FOUND_PROBLEMS

    def __init__(self, program: str, sequence: int, reason: str) -> None:
        self.program = program
        self.sequence = sequence
        super().__init__(f"journal of {program!r}, entry {sequence}: {reason}")


class ServiceError(RolloutError):
    """Base of what Jira and Google Sheets do wrong; never carries a request or a header."""

    exit_code = ExitCode.SERVICE_FAILED

    def __init__(self, service: str, text: str) -> None:
        self.service = service
        super().__init__(f"{service}: {text}")


class ServiceUnavailable(ServiceError):
    """Down, slow or throttling. `what` says so without what happens next, which a pass knows.

    Args:
        service: `Jira` or `Google Sheets`.
        doing: what was asked for, as "reading 3 issues".
        reason: what came back, as "HTTP 503" or "no answer within 30 s".
        retry_after_seconds: the wait the service asked for, where it did.
    """

    def __init__(
        self, service: str, doing: str, reason: str, *, retry_after_seconds: float | None = None
    ) -> None:
        self.retry_after_seconds = retry_after_seconds
        wait = (
            f"; it asks to wait {retry_after_seconds:g} s"
            if retry_after_seconds is not None
            else ""
        )
        self.what = f"{service}: {doing} failed: {reason}{wait}"
        super().__init__(
            service, f"{doing} failed: {reason}{wait}. It is tried again on the next pass"
        )


class ServiceRefused(ServiceError):
    """It answered and said no.

    Args:
        service: `Jira` or `Google Sheets`.
        doing: what was asked for.
        reason: the answer, in the service's words, without the request.
        next_step: what a person can do about it.
        status: the HTTP status.
    """

    def __init__(
        self, service: str, doing: str, reason: str, *, next_step: str, status: int
    ) -> None:
        self.reason = reason
        self.status = status
        super().__init__(service, f"{doing} was refused (HTTP {status}): {reason}. {next_step}")


class WriteInDoubt(ServiceError):
    """A write that may or may not have happened: it is looked for before it is sent again."""

    def __init__(self, service: str, doing: str, reason: str) -> None:
        super().__init__(
            service, f"{doing} may or may not have happened: {reason}. The next pass looks first"
        )


class RowsHalfAdded(ServiceError):
    """An addition that failed although rows of it stand.

    Args:
        failure: why it failed.
        standing: those of its rows that were seen to stand.
    """

    def __init__(self, failure: ServiceError, standing: RowsStanding) -> None:
        self.failure = failure
        self.standing = standing
        rows = len(standing.keys)
        super().__init__("Google Sheets", f"{rows} of these rows stand, not all: {failure}")


class IssueNotOurs(ServiceError):
    """An issue that is left alone: its mark is another stable key's (`found`), or it has none.

    `expected` is None where the mark of any work item would do.
    """

    def __init__(
        self, service: str, issue_key: str, expected: str | None, found: str | None
    ) -> None:
        self.issue_key = issue_key
        mark = f"the mark of {found}" if found else "no mark of a program"
        super().__init__(
            service,
            f"{issue_key} was left alone: found {mark}, expected that of "
            f"{expected or 'a work item'}. "
            "See in Jira's history who changed it",
        )


class NoWayToStatus(ServiceError):
    def __init__(
        self, service: str, issue_key: str, status: str, wanted: str, reachable: Sequence[str]
    ) -> None:
        self.issue_key = issue_key
        self.reachable = tuple(reachable)
        names = ", ".join(reachable) or "nowhere"
        super().__init__(
            service,
            f"{issue_key} stands on {status!r} and no transition leads to {wanted!r}; "
            f"it can go to: {names}. Move it by hand or mend the workflow in Jira",
        )


class NoticeFailed(ServiceError):
    """A notice did not arrive through one channel; never carries the channel's address.

    Args:
        channel: as "channel 2 (Slack)", counted as in ROLLOUT_NOTICE_URLS.
        people: who was to be told through it.
        reason: what is known of why.
    """

    def __init__(self, channel: str, people: Sequence[str], reason: str) -> None:
        self.channel = channel
        self.people = tuple(people)
        super().__init__(
            "Notices",
            f"{channel} did not reach {', '.join(people)}: {reason}. The sign-off issue in Jira "
            "says the same; try the channel's address of ROLLOUT_NOTICE_URLS with the command "
            "`apprise`",
        )


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing that a preflight found missing.

    `name` is the thing ("person x@example.com", "project POL"), `found` and `expected` say what
    is wrong, `next_step` what to do.
    """

    service: str
    name: str
    found: str
    expected: str
    next_step: str

    @property
    def fault(self) -> str:
        return f"found {self.found}, expected {self.expected}. {self.next_step}"

    def __str__(self) -> str:
        return f"{self.service}: {self.name}: {self.fault}"


class PreflightFailed(ServiceError):
    """All that is missing, at once, before the first write, or before more is written."""

    def __init__(self, missing: Sequence[Missing], *, some_stands: bool = False) -> None:
        self.missing = tuple(missing)
        lines = "\n".join(f"  - {each}" for each in self.missing)
        what = "nothing more" if some_stands else "nothing"
        super().__init__("Preflight", f"{len(self.missing)} missing, {what} was written:\n{lines}")


class HomeChanged(ServiceError):
    """Where a program's work lives is not where the settings or the workbook lead now.

    Args:
        service: `Jira` or `Google Sheets`.
        what: as "the workbook" or "tab 'Training'".
        found: where they lead now.
        expected: where the program's work was put.
        next_step: how to put it right.
    """

    def __init__(self, service: str, what: str, found: str, expected: str, next_step: str) -> None:
        self.found = found
        self.expected = expected
        super().__init__(
            service,
            f"{what} was replaced: found {found}, expected {expected}, which holds the work of "
            f"the program; nothing was written. {next_step}, then press Resume",
        )


class NeverSettles(RolloutError):
    """The same changes come back look after look: somebody or something undoes them."""

    def __init__(self, looks: int, change: str) -> None:
        super().__init__(
            f"after {looks} looks there is still something to change, first {change}; somebody or "
            "something undoes it. See who in the issue's history, then press Resume"
        )
