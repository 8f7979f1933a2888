"""Jira that is slow, throttling, cut off or no Jira at all, over HTTP against the sandbox."""

import base64
import pickle
import socket
import threading
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import stamina
from jira_examples import at, connection_to
from pydantic import SecretStr

from policy_rollout.errors import (
    RolloutError,
    ServiceRefused,
    ServiceUnavailable,
    SettingsWrong,
    WriteInDoubt,
)
from policy_rollout.jira_issues import IssueKind, JiraIssues, NewIssue
from policy_rollout.jira_site import ATTEMPTS
from policy_rollout.work import State

IMPATIENT_SECONDS = (1.0, 0.3)
DECK = NewIssue("demo/train/deck", IssueKind.TASK, "Deck", "", None, None, None, ())
QUIZ = replace(DECK, key="demo/train/quiz", summary="Quiz")
BULK = "/issue/bulk$"


@pytest.fixture(autouse=True)
def _no_pauses_between_attempts():
    with stamina.set_testing(True, attempts=ATTEMPTS, cap=True):
        yield


@pytest.fixture
def connection(sandbox):
    return connection_to(sandbox)


@pytest.fixture
def jira(connection):
    with JiraIssues(connection) as issues:
        yield issues


def posts(sandbox, path):
    """How many requests reached the sandbox under a path."""
    return sum(each["path"].endswith(path) for each in sandbox.requests())


def make(jira, issue=DECK):
    (issue_key,) = jira.create([issue]).keys.values()
    return issue_key


# Creation: never sent twice unless certainly nothing happened


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"kind": "reset-before-commit"}, "the connection broke before the answer was there"),
        ({"kind": "reset-after-commit"}, "the connection broke before the answer was there"),
        ({"kind": "error", "status": 503}, "HTTP 503"),
        ({"kind": "error", "status": 500, "committed": True}, "HTTP 500"),
    ],
)
def test_a_creation_without_a_clear_answer_is_in_doubt_and_not_sent_again(
    jira, sandbox, fault, reason
):
    sandbox.set_faults({**fault, "path": BULK, "times": None})

    with pytest.raises(WriteInDoubt) as caught:
        jira.create([DECK, QUIZ])

    assert str(caught.value) == (
        "Jira: creating 2 issues (demo/train/deck...) may or may not have happened: "
        f"{reason}. The next pass looks first"
    )
    assert posts(sandbox, "/issue/bulk") == 1


def test_a_creation_whose_answer_stalls_is_in_doubt(connection, sandbox):
    sandbox.set_faults({"kind": "stalled-body", "path": BULK, "seconds": 20})

    with (
        JiraIssues(connection, timeout_seconds=IMPATIENT_SECONDS) as jira,
        pytest.raises(WriteInDoubt, match=r"have happened: no answer within 0\.3 s"),
    ):
        jira.create([DECK])


@pytest.mark.parametrize("kind", ["reset-after-commit", "stalled-body"])
def test_an_issue_whose_answer_was_lost_is_adopted_while_the_search_lags(connection, sandbox, kind):
    sandbox.set_behaviour(search_lag_seconds=3600)
    sandbox.set_faults({"kind": kind, "path": BULK, "seconds": 20})
    with JiraIssues(connection, timeout_seconds=IMPATIENT_SECONDS) as jira:
        fence = jira.highest_number()
        with pytest.raises(WriteInDoubt):
            jira.create([DECK, QUIZ])

        found = jira.find_created([DECK.key, QUIZ.key], after_number=fence)

    assert found == {DECK.key: ("POLICY-1",), QUIZ.key: ("POLICY-2",)}


def test_an_issue_whose_request_was_lost_is_not_found(jira, sandbox):
    sandbox.set_faults({"kind": "reset-before-commit", "path": BULK})
    with pytest.raises(WriteInDoubt):
        jira.create([DECK])

    assert jira.find_created([DECK.key], after_number=0) == {}


def test_an_issue_that_is_created_late_is_found_later(jira, sandbox):
    sandbox.set_faults({"kind": "late-commit", "path": BULK, "seconds": 600})
    with pytest.raises(WriteInDoubt):
        jira.create([DECK])
    too_early = jira.find_created([DECK.key], after_number=0)

    sandbox._admin("POST", "faults/land", None)

    assert too_early == {}
    assert jira.find_created([DECK.key], after_number=0) == {DECK.key: ("POLICY-1",)}


@pytest.mark.parametrize("form", ["seconds", "fraction", "date", "none"])
def test_a_throttled_creation_is_sent_again_since_nothing_happened(jira, sandbox, form):
    sandbox.set_faults({"kind": "throttled", "path": BULK, "retry_after": form, "seconds": 2})

    assert jira.create([DECK]).keys == {DECK.key: "POLICY-1"}


def test_a_creation_that_stays_throttled_is_unavailable_and_not_in_doubt(jira, sandbox):
    sandbox.set_faults(
        {
            "kind": "throttled",
            "path": BULK,
            "retry_after": "fraction",
            "seconds": 1.5,
            "times": None,
        }
    )

    with pytest.raises(ServiceUnavailable) as caught:
        jira.create([DECK])

    assert str(caught.value) == (
        "Jira: creating 1 issue (demo/train/deck) failed: HTTP 429; it asks to wait 1.5 s. "
        "It is tried again on the next pass"
    )
    assert posts(sandbox, "/issue/bulk") == ATTEMPTS


@pytest.mark.parametrize("form", ["seconds", "fraction", "date"])
def test_a_wait_of_minutes_is_told_and_not_slept(jira, sandbox, form):
    sandbox.set_faults({"kind": "throttled", "retry_after": form, "seconds": 300, "times": None})

    with pytest.raises(ServiceUnavailable) as caught:
        jira.create([DECK])

    assert caught.value.retry_after_seconds == pytest.approx(300, abs=3)
    assert posts(sandbox, "/issue/bulk") == 1


def test_a_partial_failure_tells_what_was_created_and_what_was_not(jira, sandbox):
    sandbox.set_faults({"kind": "partial-failure", "path": BULK, "elements": [0]})

    created = jira.create([DECK, QUIZ])

    assert created.keys == {QUIZ.key: "POLICY-1"}
    assert created.refused == {DECK.key: "summary: The sandbox was told to fail this."}


def test_a_creation_that_failed_inside_jira_for_some_is_in_doubt(jira, sandbox):
    sandbox.set_faults({"kind": "partial-failure", "path": BULK, "element_status": 500})

    with pytest.raises(WriteInDoubt, match="have happened: 1 of them failed inside Jira"):
        jira.create([DECK, QUIZ])

    found = jira.find_created([DECK.key, QUIZ.key], after_number=0)
    assert found == {QUIZ.key: ("POLICY-1",)}


# Reads and writes that may be repeated


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reset-before-commit"},
        {"kind": "error", "status": 503},
        {"kind": "error", "status": 502},
        {"kind": "throttled", "retry_after": "date"},
        {"kind": "throttled", "retry_after": "none"},
    ],
)
def test_a_read_is_tried_again(jira, sandbox, fault):
    issue_key = make(jira)
    sandbox.set_faults({**fault, "path": "bulkfetch", "times": 2})

    assert list(jira.read([issue_key]).issues) == [DECK.key]


def test_a_read_that_stalls_is_tried_again(connection, sandbox):
    with JiraIssues(connection, timeout_seconds=IMPATIENT_SECONDS) as jira:
        issue_key = make(jira)
        sandbox.set_faults({"kind": "stalled-body", "path": "bulkfetch", "seconds": 20})

        assert list(jira.read([issue_key]).issues) == [DECK.key]


def test_a_read_that_keeps_failing_says_what_and_why(jira, sandbox):
    sandbox.set_faults({"kind": "error", "status": 503, "times": None})

    with pytest.raises(ServiceUnavailable) as caught:
        jira.read(["POLICY-1", "POLICY-2"])

    assert str(caught.value) == (
        "Jira: reading 2 issues failed: HTTP 503. It is tried again on the next pass"
    )
    assert posts(sandbox, "bulkfetch") == ATTEMPTS


def test_an_update_whose_answer_was_lost_is_sent_again(jira, sandbox):
    issue_key = make(jira)
    sandbox.set_faults({"kind": "reset-after-commit", "method": "PUT"})

    jira.update(at(jira, issue_key), replace(DECK, summary="A better deck"))

    assert jira.read([issue_key]).issues[DECK.key].summary == "A better deck"


def test_pages_that_lead_in_a_circle_end_in_an_error(jira, sandbox):
    for start in range(3):
        jira.create([replace(DECK, key=f"demo/train/d{start}-{each}") for each in range(50)])
    sandbox.set_faults({"kind": "repeated-page", "path": "search/jql", "times": None})

    with pytest.raises(ServiceUnavailable, match="its pages lead in a circle"):
        jira.changed_programs(datetime.now(UTC))


# Writes that happen twice when sent twice


def test_a_comment_whose_answer_was_lost_is_there_once_after_the_next_try(jira, sandbox):
    issue_key = make(jira)
    sandbox.set_faults({"kind": "reset-after-commit", "path": "/comment$", "method": "POST"})
    with pytest.raises(WriteInDoubt, match="commenting on POLICY-1 may or may not have happened"):
        jira.say(at(jira, issue_key), "Please sign.", mark="round 1")

    jira.say(at(jira, issue_key), "Please sign.", mark="round 1")

    assert len(jira.read([issue_key], with_comments=True).comments) == 1


def test_a_link_whose_answer_was_lost_is_there_once_after_the_next_try(jira, sandbox):
    deck, quiz = jira.create([DECK, QUIZ]).keys.values()
    sandbox.set_faults({"kind": "reset-after-commit", "path": "issueLink$"})
    with pytest.raises(WriteInDoubt, match="linking POLICY-2 to POLICY-1 may or may not"):
        jira.link(at(jira, quiz), deck)

    jira.link(at(jira, quiz), deck)

    links = sandbox.as_person(sandbox.email).issue(quiz)["fields"]["issuelinks"]
    assert len(links) == 1


def test_a_move_whose_answer_was_lost_is_made_once(jira, sandbox):
    issue_key = make(jira)
    sandbox.set_faults({"kind": "reset-after-commit", "path": "/transitions$", "method": "POST"})
    with pytest.raises(WriteInDoubt, match="moving POLICY-1 to Done may or may not"):
        jira.move(at(jira, issue_key), State.DONE)

    jira.move(at(jira, issue_key), State.DONE)

    assert [each.to_status for each in jira.transitions([issue_key])] == ["Done"]


# No Jira there


def test_an_address_where_nothing_listens_leaves_no_write_in_doubt(connection):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        nowhere = replace(connection, url=f"http://127.0.0.1:{port}")
        with JiraIssues(nowhere) as jira, pytest.raises(ServiceUnavailable) as caught:
            jira.create([DECK])

    assert str(caught.value) == (
        "Jira: creating 1 issue (demo/train/deck) failed: nothing answers at "
        f"127.0.0.1:{port}. It is tried again on the next pass"
    )


@pytest.mark.parametrize(
    "url",
    ["", "example.atlassian.net", "ftp://example.com", "https://", "https://[::1", "http://x:y"],
)
def test_an_address_that_is_none_names_its_setting(connection, url):
    with pytest.raises(SettingsWrong) as caught:
        JiraIssues(replace(connection, url=url))

    assert str(caught.value) == (
        f"setting ROLLOUT_JIRA_URL: found {url!r}, expected an address such as "
        "https://SITE.atlassian.net; mend it in .env"
    )


def test_a_token_with_strange_characters_names_its_setting_and_not_the_token(connection):
    with pytest.raises(SettingsWrong, match="ROLLOUT_JIRA_TOKEN") as caught:
        JiraIssues(replace(connection, token=SecretStr("gehe\u2026im")))

    assert "gehe" not in repr(caught.value)


@pytest.fixture
def answering():
    """A server that gives one answer to everything; call it with status, headers and body."""
    servers = []

    def start(status, headers, body):
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    "body", [b"<html>Log in</html>", b"[]", b"17", b"", b'{"issues": null}', b'{"issues": [{}]}']
)
def test_an_answer_that_is_not_jiras_leads_to_the_address(connection, answering, body):
    elsewhere = replace(connection, url=answering(200, {}, body))

    with JiraIssues(elsewhere) as jira, pytest.raises(ServiceRefused) as caught:
        jira.read(["POLICY-1"])

    assert "reading 1 issue was refused (HTTP 200): the answer is not what Jira Cloud sends" in (
        str(caught.value)
    )
    assert str(caught.value).endswith(
        "See that ROLLOUT_JIRA_URL is the address of a Jira Cloud site"
    )


def test_a_creation_with_an_answer_that_nobody_understands_is_in_doubt(connection, answering):
    elsewhere = replace(connection, url=answering(200, {}, b"<html>Log in</html>"))

    with (
        JiraIssues(elsewhere) as jira,
        pytest.raises(WriteInDoubt, match="the answer is not what Jira Cloud sends"),
    ):
        jira.create([DECK])


def test_a_write_that_met_another_one_is_tried_again_later(connection, answering):
    elsewhere = replace(connection, url=answering(409, {}, b"{}"))

    with (
        JiraIssues(elsewhere) as jira,
        pytest.raises(ServiceUnavailable, match=r"failed: HTTP 409\. It is tried again on the"),
    ):
        jira.create([DECK])


def test_a_redirect_is_not_followed_with_the_token(connection, answering):
    target = answering(200, {}, b"{}")
    elsewhere = replace(connection, url=answering(302, {"Location": target}, b""))

    with JiraIssues(elsewhere) as jira, pytest.raises(ServiceRefused) as caught:
        jira.create([DECK])

    assert str(caught.value).endswith(
        "See that ROLLOUT_JIRA_URL is the site's address, without a redirect"
    )


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"errorMessages": null, "errors": null}', "no reason given"),
        (
            b'{"errorMessages": ["Not today."], "errors": {"labels": "is wrong"}}',
            "Not today.; labels: is wrong",
        ),
        (b'"a mere text"', "no reason given"),
        (b"<html>Bad Request</html>", "no reason given"),
    ],
)
def test_a_refusal_is_told_in_jiras_words_where_there_are_any(connection, answering, body, reason):
    elsewhere = replace(connection, url=answering(422, {}, body))

    with JiraIssues(elsewhere) as jira, pytest.raises(ServiceRefused) as caught:
        jira.create([DECK])

    assert f"was refused (HTTP 422): {reason}. " in str(caught.value)


# The token


def chain(error):
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reset-before-commit"},
        {"kind": "reset-after-commit"},
        {"kind": "error", "status": 500},
        {"kind": "throttled", "retry_after": "none"},
        {"kind": "latency", "seconds": 0},
    ],
)
def test_no_error_leads_to_the_token(connection, sandbox, fault):
    token = "a-very-secret-token"
    sent = base64.b64encode(f"{connection.email}:{token}".encode()).decode()
    sandbox.set_faults({**fault, "times": None})

    with (
        JiraIssues(replace(connection, token=SecretStr(token))) as jira,
        pytest.raises(RolloutError) as caught,
    ):
        jira.create([DECK])

    for error in chain(caught.value):
        assert isinstance(error, RolloutError)
        told = f"{error} {error!r} {vars(error)}"
        assert token not in told
        assert sent not in told
        assert token.encode() not in pickle.dumps(error)


def test_a_wrong_token_is_refused_with_the_settings_to_look_at(connection):
    wrong = replace(connection, token=SecretStr("wrong"))

    with JiraIssues(wrong) as jira, pytest.raises(ServiceRefused) as caught:
        jira.read(["POLICY-1"])

    assert str(caught.value) == (
        "Jira: reading 1 issue was refused (HTTP 401): Client must be authenticated to access "
        "this resource. See that ROLLOUT_JIRA_EMAIL and ROLLOUT_JIRA_TOKEN belong together and "
        "that the token has not expired"
    )


def test_a_connection_shows_no_token(connection):
    assert "geheim" not in repr(replace(connection, token=SecretStr("geheim")))
