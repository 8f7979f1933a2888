"""Tell people that a sign-off is waited for, through the channels of the settings."""

from collections.abc import Sequence
from datetime import UTC, datetime

from prefect import get_run_logger
from pydantic import SecretStr

from policy_rollout import events as ev
from policy_rollout.errors import SettingsWrong
from policy_rollout.history import note
from policy_rollout.journal.store import Journal
from policy_rollout.report.notice_text import Notice
from policy_rollout.settings import Settings
from policy_rollout.spec.model import Spec
from tasks.batch import batch

ACTOR = "rollout"


@batch("tell people")
def send_notices(spec: Spec, notices: Sequence[Notice]) -> None:
    """Send each once: journaled before, so that one whose outcome is lost is not sent again."""
    settings = Settings.load()
    with Journal(settings.journal_address) as journal:
        for notice in notices:
            _note(journal, spec, ev.NoticeIntended(marks=(notice.mark,)))
            issue_url = f"{settings.jira_url.rstrip('/')}/browse/{notice.issue_key}"
            outcome = _send(settings.notice_urls, notice.with_link(issue_url))
            _note(journal, spec, outcome)
            for text in outcome.failed:
                get_run_logger().warning(text)


def _send(urls: SecretStr, notice: Notice) -> ev.NoticeSent:
    """Where it arrived; wrong settings too are a failure, since nobody's program stops for them."""
    from policy_rollout.notices import Channels  # noqa: PLC0415  slow to load; few passes tell

    try:
        sent = Channels(urls).send(notice.people, notice.title, notice.body)
    except SettingsWrong as error:
        return ev.NoticeSent(mark=notice.mark, arrived=(), failed=(str(error),))
    failed = tuple(str(each) for each in sent.failed)
    return ev.NoticeSent(mark=notice.mark, arrived=sent.arrived, failed=failed)


def _note(journal: Journal, spec: Spec, event: ev.Event) -> None:
    note(journal, spec.program, (event,), actor=ACTOR, at=datetime.now(UTC))
