import email
import logging
import pickle
import socket
from email import policy
from typing import TYPE_CHECKING

import pytest
from aiosmtpd.controller import Controller
from prefect.logging import disable_run_logger
from pydantic import SecretStr

from policy_rollout import events as ev
from policy_rollout.errors import NoticeFailed, SettingsWrong
from policy_rollout.history import records_of
from policy_rollout.journal.store import Journal
from policy_rollout.notices import Channels
from policy_rollout.report.notice_text import Notice
from policy_rollout.settings import Settings
from tasks.notices import send_notices
from tests.planned import read, small

if TYPE_CHECKING:
    from email.message import EmailMessage

SECRET = "hunter2-token"
# Apprise's mail plugin imports it on Python 3.11 and 3.12.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

PEOPLE = ("a.b+c@example.com", "d@example.com")


class Inbox:
    """The mails that a local SMTP server took; `refuses` is said to every recipient."""

    def __init__(self, refuses: str = "") -> None:
        self.refuses = refuses
        self.mails: list[EmailMessage] = []

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802  aiosmtpd's name
        if self.refuses:
            return self.refuses
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802  aiosmtpd's name
        mail = email.message_from_bytes(envelope.content, policy=policy.default)
        mail["Delivered-To"] = ", ".join(envelope.rcpt_tos)
        self.mails.append(mail)
        return "250 OK"


class Serving(Controller):
    """A server on a free port of loopback."""

    def address(self, *, to: str = "{person}") -> str:
        _, port = self.server.sockets[0].getsockname()
        return f"mailto://{self.hostname}:{port}?from=rollout@example.com&to={to}&mode=insecure"


@pytest.fixture
def serve():
    started = []

    def serve(inbox: Inbox) -> Serving:
        server = ServingOnFreePort(inbox)
        server.start()
        started.append(server)
        return server

    yield serve
    for server in started:
        server.stop()


class ServingOnFreePort(Serving):
    def __init__(self, inbox: Inbox) -> None:
        super().__init__(inbox, hostname="127.0.0.1", port=0)

    def _trigger_server(self) -> None:
        # The controller tries the port it was told, which is 0 here.
        _, self.port = self.server.sockets[0].getsockname()
        super()._trigger_server()


@pytest.fixture
def hanging():
    """A server that takes a call and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"mailto://127.0.0.1:{server.getsockname()[1]}?from=r@example.com&to=x@example.com"


def channels(*urls: str) -> Channels:
    return Channels(SecretStr("\n".join(urls)))


def test_a_mail_arrives_at_each_person_alone(serve):
    inbox = Inbox()
    sent = channels(serve(inbox).address()).send(PEOPLE, "Waiting", "Please **sign**.")
    assert sorted(mail["Delivered-To"] for mail in inbox.mails) == sorted(PEOPLE)
    assert sent.arrived == tuple(f"channel 1 (E-Mail) for {person}" for person in PEOPLE)
    assert sent.failed == ()


def test_a_channel_without_a_place_for_the_person_is_told_once(serve):
    inbox = Inbox()
    sent = channels(serve(inbox).address(to="team@example.com")).send(PEOPLE, "W", "x")
    assert [mail["Delivered-To"] for mail in inbox.mails] == ["team@example.com"]
    assert sent.arrived == ("channel 1 (E-Mail) for a.b+c@example.com, d@example.com",)


def test_markdown_is_a_readable_mail(serve):
    inbox = Inbox()
    body = "Please **sign** [P-7](http://127.0.0.1/browse/P-7), &lt;b&gt; \\[not a link\\](x)."
    channels(serve(inbox).address()).send(("d@example.com",), "Waiting for you", body)
    (mail,) = inbox.mails
    html = mail.get_body(("html",)).get_content()
    assert mail["Subject"] == "Waiting for you"
    assert mail["From"] == "rollout@example.com"
    assert "<strong>sign</strong>" in html
    assert '<a href="http://127.0.0.1/browse/P-7">P-7</a>' in html
    assert "&lt;b&gt; [not a link](x)" in html


def test_addresses_are_separated_by_commas_or_lines(serve):
    first, second, third = Inbox(), Inbox(), Inbox()
    urls = [serve(inbox).address() for inbox in (first, second, third)]
    written = f"  {urls[0]}, {urls[1]}\n\n{urls[2]},\n"
    sent = Channels(SecretStr(written)).send(("d@example.com",), "W", "x")
    assert len(sent.arrived) == 3
    assert [len(inbox.mails) for inbox in (first, second, third)] == [1, 1, 1]


def test_a_comma_inside_an_address_does_not_end_it(serve):
    inbox = Inbox()
    channels(serve(inbox).address(to="a@example.com,b@example.com")).send(PEOPLE, "W", "x")
    received = {mail["Delivered-To"] for mail in inbox.mails}
    assert received == {"a@example.com", "b@example.com"}


@pytest.mark.parametrize("written", ["", "  \n", ","])
def test_without_channels_nothing_is_sent(written):
    sent = Channels(SecretStr(written)).send(PEOPLE, "W", "x")
    assert (sent.arrived, sent.failed) == ((), ())


def test_a_server_that_refuses_is_named_and_does_not_stop_the_others(serve):
    refusing, inbox = Inbox(refuses="550 no such mailbox"), Inbox()
    urls = serve(refusing).address(), serve(inbox).address()
    sent = channels(*urls).send(("d@example.com",), "W", "x")
    assert sent.arrived == ("channel 2 (E-Mail) for d@example.com",)
    (failed,) = sent.failed
    assert str(failed) == (
        "Notices: channel 1 (E-Mail) did not reach d@example.com: it cannot be reached, or "
        "refused. The sign-off issue in Jira says the same; try the channel's address of "
        "ROLLOUT_NOTICE_URLS with the command `apprise`"
    )


def test_a_server_that_is_down_fails():
    with socket.create_server(("127.0.0.1", 0)) as nobody_listens:
        port = nobody_listens.getsockname()[1]
    address = f"mailto://127.0.0.1:{port}?from=r@example.com&to=x@example.com"
    (failed,) = channels(address).send(("d@example.com",), "W", "x").failed
    assert failed.channel == "channel 1 (E-Mail)"


def test_a_server_that_hangs_is_left_and_the_others_are_told(serve, hanging):
    inbox = Inbox()
    sent = channels(hanging, serve(inbox).address()).send(
        ("d@example.com",), "W", "x", within_seconds=2
    )
    assert sent.arrived == ("channel 2 (E-Mail) for d@example.com",)
    assert "did not reach d@example.com: no answer within 2 s." in str(sent.failed[0])


@pytest.mark.parametrize(
    "url",
    [
        f"nonsense://{SECRET}",
        f"mailto://{SECRET}",
        f"slack://{SECRET}",
        SECRET,
    ],
)
def test_an_address_that_apprise_does_not_understand_is_refused_without_showing_it(
    url, caplog, capfd
):
    caplog.set_level(1)
    with pytest.raises(SettingsWrong) as refused:
        channels("json://127.0.0.1:1", url)
    assert str(refused.value) == (
        "setting ROLLOUT_NOTICE_URLS: address 2 of 2 is none that Apprise understands; write it "
        "as mailtos://USER:PASSWORD@smtp.example.com?to={person} or as "
        "https://github.com/caronc/apprise/wiki says for your service"
    )
    assert SECRET not in f"{caplog.text}{capfd.readouterr()}"


def everything_about(error: NoticeFailed) -> str:
    return f"{error}{error!r}{error.__dict__}{pickle.dumps(error)!r}"


def test_a_failure_shows_no_secret_anywhere(serve, hanging, caplog, capfd):
    caplog.set_level(1, logger="apprise")
    login = serve(Inbox()).address().replace("://", f"://user:{SECRET}@")
    urls = (
        login,  # this server takes no login
        hanging.replace("://", f"://user:{SECRET}@"),
        f"json://127.0.0.1:1/{SECRET}?+X-Token={SECRET}",
    )
    built = channels(*urls)
    sent = built.send(("d@example.com",), "W", "x", within_seconds=2)
    assert [each.channel for each in sent.failed] == [
        "channel 1 (E-Mail)",
        "channel 2 (E-Mail)",
        "channel 3 (JSON)",
    ]
    said = "".join(everything_about(each) for each in sent.failed)
    assert SECRET not in f"{said}{sent!r}{built.__dict__}{caplog.text}{capfd.readouterr()}"


def test_what_apprise_logs_is_dropped(caplog):
    caplog.set_level(logging.DEBUG, logger="apprise")
    channels("json://127.0.0.1:1").send(("d@example.com",), "W", "x")
    assert caplog.text == ""


NOTICE = Notice("mark-1", ("d@example.com",), "Waiting", "Please sign.", "P-7")
SPEC = read(small("  one: {tasks: {a: {title: A, team: team}}}"))


@pytest.fixture
def tell(tmp_path, monkeypatch):
    """Send the notice with these channels in the settings; gives what was journaled of it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROLLOUT_JIRA_URL", "http://127.0.0.1:1/jira/")

    def tell(urls: str) -> list[ev.Event]:
        monkeypatch.setenv("ROLLOUT_NOTICE_URLS", urls)
        with Journal(Settings.load().journal_address) as journal:
            with disable_run_logger():
                send_notices.__wrapped__(SPEC, [NOTICE])
            return [each.event for each in records_of(journal, SPEC.program)]

    (tmp_path / ".rollout").mkdir()
    return tell


def test_a_notice_is_journaled_before_and_after_it_is_sent(serve, tell):
    assert tell(serve(Inbox()).address()) == [
        ev.NoticeIntended(marks=("mark-1",)),
        ev.NoticeSent(mark="mark-1", arrived=("channel 1 (E-Mail) for d@example.com",), failed=()),
    ]


def test_a_notice_links_the_sign_off_issue_on_the_site_of_the_settings(serve, tell):
    inbox = Inbox()
    tell(serve(inbox).address())
    html = inbox.mails[0].get_body(("html",)).get_content()
    assert '<a href="http://127.0.0.1:1/jira/browse/P-7">P-7</a>' in html


def test_a_channel_that_fails_is_journaled_and_stops_nobody(serve, tell):
    _, outcome = tell(serve(Inbox(refuses="550 no such mailbox")).address())
    assert outcome.arrived == ()
    assert outcome.failed[0].startswith("Notices: channel 1 (E-Mail) did not reach d@example.com")


def test_wrong_settings_are_journaled_without_the_address_and_stop_nobody(tell):
    _, outcome = tell(f"nonsense://{SECRET}")
    assert outcome.failed[0].startswith("setting ROLLOUT_NOTICE_URLS: address 1 of 1 is none")
    assert SECRET not in outcome.failed[0]


def test_without_channels_the_journal_says_that_it_arrived_nowhere(tell):
    assert tell("")[1] == ev.NoticeSent(mark="mark-1", arrived=(), failed=())


def test_the_settings_show_no_address_of_a_channel(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROLLOUT_NOTICE_URLS", f"slack://{SECRET}")
    settings = Settings.load()
    assert SECRET not in f"{settings!r}{settings.model_dump_json()}"
