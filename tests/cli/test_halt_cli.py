"""`rollout hold`, `go-on`, `stop` and `drift` as commands: what they journal, say and answer."""

import pytest

from policy_rollout.history import records_of, state_of
from policy_rollout.journal.store import Journal
from policy_rollout.who_runs import who_runs

pytestmark = pytest.mark.long

NOBODY = "http://127.0.0.1:1/api"
KIM = "p.kim@example.com"


@pytest.fixture
def journal(here):
    with Journal(f"sqlite:///{here}/.rollout/journal.sqlite3") as opened:
        yield opened


def kinds(journal: Journal) -> list[str]:
    return [each.event.kind for each in records_of(journal, "small")]


def test_a_hold_is_journaled_also_where_no_prefect_can_be_told(rollout_process, launched, journal):
    done = rollout_process("hold", launched, "--reason", "legal asks", PREFECT_API_URL=NOBODY)
    assert done.code == 0
    assert done.out.startswith("small is held; its run could not be told (Prefect: the server does")
    assert done.out.endswith("It goes on with: rollout go-on small\n")
    held = state_of(journal, launched).held
    assert held is not None
    assert held.reason == "legal asks"
    assert records_of(journal, launched)[-1].actor == held.by


def test_who_lets_go_on_must_reach_prefect_first(rollout_process, launched, journal):
    rollout_process("hold", launched, "--reason", "legal asks", PREFECT_API_URL=NOBODY)
    done = rollout_process("go-on", launched, PREFECT_API_URL=NOBODY)
    assert (done.code, done.out) == (3, "")
    assert kinds(journal)[-1] == "held"


@pytest.mark.parametrize(
    "command", [("hold", "--reason", "legal asks"), ("stop", "--reason", "legal asks", "--yes")]
)
def test_who_wants_it_is_journaled_beside_who_runs_the_command(
    rollout_process, launched, journal, command
):
    name, *options = command
    done = rollout_process(name, launched, *options, "--by", KIM, PREFECT_API_URL=NOBODY)
    assert done.code == 0
    (record,) = (each for each in records_of(journal, launched) if hasattr(each.event, "reason"))
    assert record.event.by == KIM
    assert record.actor == who_runs()


@pytest.mark.parametrize("command", [("hold", "--reason", "x"), ("go-on",)])
def test_who_wants_it_is_somebody_whom_a_spec_could_name(
    rollout_process, launched, journal, command
):
    name, *options = command
    done = rollout_process(name, launched, *options, "--by", "Kim", PREFECT_API_URL=NOBODY)
    assert done.code == 2
    assert "'Kim' is nobody's name here: expected one mail address" in done.err
    assert kinds(journal) == ["launched", "creation_intended"]


def test_a_hold_without_a_reason_is_refused(rollout_process, launched, journal):
    assert rollout_process("hold", launched).code == 2
    done = rollout_process("hold", launched, "--reason", " ")
    assert done.code == 2
    assert done.err.startswith("error: found an empty reason; say why, such as --reason")
    assert kinds(journal) == ["launched", "creation_intended"]


def test_a_stop_that_nobody_confirms_changes_nothing_and_shows_what_it_would_do(
    rollout_process, launched, journal
):
    done = rollout_process("stop", launched, "--reason", "withdrawn", PREFECT_API_URL=NOBODY)
    assert done.code == 2
    assert done.out == "No further stage opens. A stop cannot be taken back.\n"
    assert "nothing was changed; if all of the above shall be done, add --yes" in done.err
    assert kinds(journal) == ["launched", "creation_intended"]


@pytest.mark.parametrize(("given", "kept"), [((), "leave"), (("--issues", "close"), "close")])
def test_a_stop_keeps_what_becomes_of_issues_as_said_or_as_the_spec_has_it(
    rollout_process, launched, journal, given, kept
):
    done = rollout_process(
        "stop", launched, "--reason", "withdrawn", "--yes", *given, PREFECT_API_URL=NOBODY
    )
    assert done.code == 0
    stopped = state_of(journal, launched).stopped
    assert stopped is not None
    assert (stopped.reason, stopped.issues) == ("withdrawn", kept)


@pytest.mark.parametrize(
    "command",
    [("hold", "--reason", "x"), ("go-on",), ("stop", "--reason", "x", "--yes"), ("drift",)],
)
@pytest.mark.usefixtures("launched")
def test_a_program_that_nobody_launched_is_named(rollout_process, command):
    done = rollout_process(command[0], "smal", *command[1:], PREFECT_API_URL=NOBODY)
    assert done.code == 1
    assert "no program named 'smal' was launched; launched programs: small" in done.err


def test_a_program_is_not_continued_while_nobody_can_say_whether_its_run_is_gone(
    rollout_process, launched, journal
):
    for named in (launched, "small.yaml"):
        done = rollout_process("launch", "--continue", named, PREFECT_API_URL=NOBODY)
        assert done.code == 3
        assert "the server does not answer" in done.err
    assert kinds(journal) == ["launched", "creation_intended"]


JIRA_AWAY = {
    "ROLLOUT_JIRA_URL": "http://127.0.0.1:1",
    "ROLLOUT_JIRA_EMAIL": "a@example.com",
    "ROLLOUT_JIRA_TOKEN": "t",
    "ROLLOUT_JIRA_PROJECT": "POL",
}


def test_drift_that_cannot_be_seen_is_an_outside_failure(rollout_process, launched):
    done = rollout_process("drift", launched, **JIRA_AWAY)
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith("error: Jira: ")
    assert done.err.endswith(". Run the command again\n")


def test_where_no_prefect_holds_back_requests_a_line_says_so(rollout_process, launched):
    done = rollout_process("drift", launched, **JIRA_AWAY, PREFECT_API_URL=NOBODY)
    first, *others = dict.fromkeys(done.err.splitlines())
    assert first == "The limit rollout-jira holds nobody back: All connection attempts failed"
    assert [each.partition(": ")[0] for each in others] == ["error"]
