"""`rollout people`: who proves themselves by codes, and who is absent. Terminal I/O."""

import json
import sys
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from policy_rollout.errors import CodeRefused
from policy_rollout.who_runs import who_runs

if TYPE_CHECKING:
    from pydantic import SecretStr

    from policy_rollout.authenticators import Authenticators, Confirmed

app = typer.Typer(
    help="Who proves themselves by codes, and who is absent.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
out = Console()

TRIES = 3
"""So many codes may be typed to confirm one enrolment."""


def _day(text: str) -> date:
    from policy_rollout.spec.scalars import parse_day

    try:
        return parse_day(text)
    except ValueError as refused:
        raise typer.BadParameter(str(refused)) from None


Person = Annotated[
    str, typer.Argument(metavar="PERSON", help="Mail address, spelled as in the specs.")
]
FirstDay = Annotated[
    date, typer.Option("--from", parser=_day, metavar="DAY", help="First day away, YYYY-MM-DD.")
]
LastDay = Annotated[
    date, typer.Option("--to", parser=_day, metavar="DAY", help="Last day away, YYYY-MM-DD.")
]
DayOfReturn = Annotated[
    date | None,
    typer.Option("--on", parser=_day, metavar="DAY", help="Day of return; today if left out."),
]


@app.command()
def key() -> None:
    """Print a new key for ROLLOUT_CODES_KEY."""
    from cryptography.fernet import Fernet

    sys.stdout.write(Fernet.generate_key().decode() + "\n")


@app.command()
def enroll(
    person: Person,
    *,
    replace: Annotated[
        bool, typer.Option("--replace", help="Also where the person has an authenticator.")
    ] = False,
) -> None:
    """Show a QR code for an authenticator app; it counts once a code of it was typed."""
    from policy_rollout.authenticators import Authenticators
    from policy_rollout.journal.store import Journal
    from policy_rollout.people_events import AuthenticatorEnrolled, AuthenticatorShown
    from policy_rollout.people_history import note_people
    from policy_rollout.settings import Settings

    settings = Settings.load()
    with (
        Authenticators(settings.journal_address, settings.codes_key) as authenticators,
        Journal(settings.journal_address) as journal,
    ):
        uri = authenticators.enroll(person, replace=replace)
        # Before it is seen: nobody holds a secret of which the journal does not know.
        note_people(journal, AuthenticatorShown(person=person, by=who_runs()), at=_now())
        _show_secret(uri)
        confirmed = _confirmed(authenticators, person)
        event = AuthenticatorEnrolled(person=person, replaced=confirmed.replaced, by=who_runs())
        note_people(journal, event, at=_now())
    _say(f"{person} can sign with the codes of this app from now on, each code once")


def _show_secret(uri: "SecretStr") -> None:
    import pyotp

    text = uri.get_secret_value()
    sys.stdout.write(_qr_code(text))
    sys.stdout.write(
        "Scan this with an authenticator app, or type the key below into it (time based). It is "
        f"shown this once; who has it can sign for the person.\n\n{pyotp.parse_uri(text).secret}\n"
    )


def _qr_code(text: str) -> str:
    """The picture in half blocks; white on black on a terminal, whatever its colours are."""
    import io

    import segno

    picture = io.StringIO()
    segno.make(text, error="m", micro=False).terminal(picture, compact=True)
    lines = picture.getvalue().splitlines()
    if out.is_terminal:
        lines = [f"\033[97;40m{line}\033[0m" for line in lines]
    return "\n".join(lines) + "\n"


def _confirmed(authenticators: "Authenticators", person: str) -> "Confirmed":
    for _ in range(TRIES - 1):
        try:
            return authenticators.confirm(person, _typed_code(), now=_now())
        except CodeRefused as refused:
            _say(str(refused))
    return authenticators.confirm(person, _typed_code(), now=_now())


def _typed_code() -> str:
    return str(typer.prompt("The code that the app shows now"))


@app.command()
def absent(
    person: Person,
    *,
    from_day: FirstDay,
    to_day: LastDay,
    delegate: Annotated[
        str, typer.Option(metavar="PERSON", help="Who stands in, where the spec lets them.")
    ] = "",
) -> None:
    """Announce an absence, its last day included; the days are the person's own."""
    from policy_rollout.journal.store import Journal
    from policy_rollout.people_events import AbsenceAnnounced
    from policy_rollout.people_history import announce_absence
    from policy_rollout.settings import Settings

    announced = AbsenceAnnounced(
        person=person, from_day=from_day, to_day=to_day, delegate=delegate, by=who_runs()
    )
    with Journal(Settings.load().journal_address) as journal:
        announce_absence(journal, announced, at=_now())
    stands_in = f"; {delegate} stands in" if delegate else ""
    _say(f"{person} is absent from {_dated(from_day)} to {_dated(to_day)}{stands_in}")


@app.command()
def back(person: Person, *, on_day: DayOfReturn = None) -> None:
    """End an absence: the person is back on the day of return."""
    from policy_rollout.journal.store import Journal
    from policy_rollout.people_events import AbsenceEnded
    from policy_rollout.people_history import end_absence
    from policy_rollout.settings import Settings

    day = on_day or _today()
    with Journal(Settings.load().journal_address) as journal:
        end_absence(journal, AbsenceEnded(person=person, day=day, by=who_runs()), at=_now())
    _say(f"{person} is back on {_dated(day)}")


@app.command("list")
def list_people(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a machine.")] = False,
) -> None:
    """Show who is enrolled, locked or absent, now or later."""
    from policy_rollout.authenticators import Authenticators
    from policy_rollout.journal.store import Journal
    from policy_rollout.people_history import absences_of
    from policy_rollout.report import people as report
    from policy_rollout.settings import Settings

    settings = Settings.load()
    with Authenticators(settings.journal_address, settings.codes_key) as authenticators:
        enrolled = authenticators.everybody()
    with Journal(settings.journal_address) as journal:
        absences = absences_of(journal)
    listed = report.listed_people(enrolled, absences, now=_now(), today=_today())
    if as_json:
        text = json.dumps(report.people_json(listed), indent=2, ensure_ascii=False) + "\n"
        sys.stdout.write(text)
    elif out.is_terminal:
        out.print(report.people_table(listed))
    else:
        sys.stdout.write("".join(f"{line}\n" for line in report.people_lines(listed)))


def _now() -> datetime:
    return datetime.now(UTC)


def _today() -> date:
    return _now().astimezone().date()


def _dated(day: date) -> str:
    return f"{day:%a %Y-%m-%d}"


def _say(text: str) -> None:
    out.print(text, soft_wrap=True, markup=False, highlight=False)
