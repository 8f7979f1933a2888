"""Notices to people through Apprise: mail, Slack, Teams and what else it knows. Sends.

A channel that fails never stops the others, nor the program. An address of a channel holds its
secrets: it is never shown, and what Apprise logs about it is dropped.
"""

import logging
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from threading import Thread
from urllib.parse import quote

from apprise import Apprise, AppriseAsset, NotifyBase, NotifyFormat
from pydantic import SecretStr

from policy_rollout.errors import NoticeFailed, SettingsWrong

PERSON = "{person}"
SEND_WITHIN_SECONDS = 30.0
_NEXT_ADDRESS = re.compile(r"\n|[\s,]+(?=[A-Za-z][\w+.-]*://)")  # an address may hold commas


@dataclass(frozen=True, slots=True)
class Sent:
    """Where a notice arrived, as "channel 1 (E-Mail) for a@example.com", and what failed."""

    arrived: tuple[str, ...]
    failed: tuple[NoticeFailed, ...]


@dataclass(frozen=True, slots=True)
class _Aim:
    """One delivery: a channel to all people, or to one where its address has `{person}`."""

    channel: str
    people: tuple[str, ...]
    target: NotifyBase

    def __str__(self) -> str:
        return f"{self.channel} for {', '.join(self.people)}"


class Channels:
    """The channels of ROLLOUT_NOTICE_URLS, in their order.

    Raises:
        SettingsWrong: one is no address that Apprise understands; it is named by its place.
    """

    def __init__(self, urls: SecretStr) -> None:
        logging.getLogger("apprise").addFilter(_nothing)
        written = (each.strip(" \t\r,") for each in _NEXT_ADDRESS.split(urls.get_secret_value()))
        self._addresses = tuple(SecretStr(each) for each in written if each)
        for number in range(1, len(self._addresses) + 1):
            self._target(number, "somebody@example.com")

    def send(
        self,
        people: Sequence[str],
        title: str,
        body: str,
        *,
        within_seconds: float = SEND_WITHIN_SECONDS,
    ) -> Sent:
        """Send a Markdown text through every channel at once; what has not arrived in time failed.

        What is late may still arrive: it is left to itself, and never sent a second time.
        """
        started = [(aim, _start(aim, title, body)) for aim in self._aims(tuple(people))]
        wait([outcome for _, outcome in started], timeout=within_seconds)
        arrived, failed = [], []
        for aim, outcome in started:
            if not outcome.done():
                reason = f"no answer within {within_seconds:g} s"
                failed.append(NoticeFailed(aim.channel, aim.people, reason))
            elif outcome.result():
                arrived.append(str(aim))
            else:
                reason = "it cannot be reached, or refused"
                failed.append(NoticeFailed(aim.channel, aim.people, reason))
        return Sent(tuple(arrived), tuple(failed))

    def _aims(self, people: tuple[str, ...]) -> Iterator[_Aim]:
        for number, address in enumerate(self._addresses, start=1):
            each_alone = PERSON in address.get_secret_value()
            for told in [(person,) for person in people] if each_alone else [people]:
                target = self._target(number, told[0])
                yield _Aim(f"channel {number} ({target.service_name})", told, target)

    def _target(self, number: int, person: str) -> NotifyBase:
        address = self._addresses[number - 1].get_secret_value()
        target = Apprise.instantiate(
            address.replace(PERSON, quote(person, safe="")),
            asset=AppriseAsset(app_id="policy-rollout", app_url="", async_mode=False),
        )
        if not isinstance(target, NotifyBase):
            raise SettingsWrong(
                f"setting ROLLOUT_NOTICE_URLS: address {number} of {len(self._addresses)} is none "
                "that Apprise understands; write it as "
                "mailtos://USER:PASSWORD@smtp.example.com?to={person} or as "
                "https://github.com/caronc/apprise/wiki says for your service"
            )
        return target


def _start(aim: _Aim, title: str, body: str) -> Future[bool]:
    """Deliver in a thread that nobody has to wait for: a server may hold a line open for ever."""
    outcome: Future[bool] = Future()

    def deliver() -> None:
        apprise = Apprise(asset=aim.target.asset)
        apprise.add(aim.target)
        # Whatever a service does wrong comes back as False.
        outcome.set_result(
            bool(apprise.notify(body=body, title=title, body_format=NotifyFormat.MARKDOWN))
        )

    Thread(target=deliver, name=aim.channel, daemon=True).start()
    return outcome


def _nothing(_record: logging.LogRecord) -> bool:
    return False
