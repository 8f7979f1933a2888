"""`rollout launch` before Prefect takes over; the run itself is tested with the flows."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

NEXT = "Start one with: rollout up. Or set PREFECT_API_URL to the one that is running\n"


class _NoPrefect(BaseHTTPRequestHandler):
    """A web server that is something else: every answer is the same."""

    status = 200

    def do_GET(self):
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(b"<h1>Hello</h1>")

    do_POST = do_GET  # noqa: N815 - the name that the standard library asks for

    def log_message(self, *_):
        """Says nothing."""


@pytest.fixture
def web_server():
    class Handler(_NoPrefect):
        pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield Handler, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_without_a_server_the_next_step_is_named_and_none_is_started(rollout_process, here):
    done = rollout_process("launch", "small.yaml")
    assert (done.code, done.out) == (3, "")
    assert done.err == f"error: Prefect: no server is named. {NEXT}"
    assert not (here / ".rollout").exists()


def test_a_server_that_does_not_answer_is_an_outside_failure(rollout_process):
    done = rollout_process("launch", "small.yaml", PREFECT_API_URL="http://127.0.0.1:1/api")
    assert (done.code, done.out) == (3, "")
    assert done.err == f"error: Prefect: the server does not answer (ConnectError). {NEXT}"


def test_a_server_that_is_no_prefect_is_named(rollout_process, web_server):
    _, address = web_server
    done = rollout_process("launch", "small.yaml", PREFECT_API_URL=f"{address}/api")
    assert (done.code, done.out) == (3, "")
    assert done.err == (
        "error: Prefect: the server's answer is not understood (JSONDecodeError). See that "
        "PREFECT_API_URL is the address of a Prefect server, that its key or password is set, and "
        "what the server's log says\n"
    )


def test_a_server_that_wants_a_key_is_named(rollout_process, web_server):
    handler, address = web_server
    handler.status = 401
    done = rollout_process("launch", "small.yaml", PREFECT_API_URL=f"{address}/api")
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith("error: Prefect: the server answered HTTP 401. See that")


def test_the_stack_of_another_terminal_is_found(rollout_process, here, web_server):
    handler, address = web_server
    handler.status = 418
    (here / ".rollout").mkdir()
    stack = {
        "pid": os.getpid(),
        "prefect_api_url": f"{address}/api",
        "prefect_ui_url": address,
        "sandbox_url": "http://127.0.0.1:1",
    }
    (here / ".rollout" / "stack.json").write_text(json.dumps(stack))
    done = rollout_process("launch", "small.yaml")
    assert done.err.startswith("error: Prefect: the server answered HTTP 418. ")


def test_a_stack_that_is_gone_is_not_asked(rollout_process, here):
    (here / ".rollout").mkdir()
    stack = {
        "pid": 2**22 + 1,  # above the highest process number of Linux
        "prefect_api_url": "http://127.0.0.1:1/api",
        "prefect_ui_url": "http://127.0.0.1:1",
        "sandbox_url": "http://127.0.0.1:1",
    }
    (here / ".rollout" / "stack.json").write_text(json.dumps(stack))
    done = rollout_process("launch", "small.yaml")
    assert (done.code, done.err) == (3, f"error: Prefect: no server is named. {NEXT}")


def test_a_program_is_not_launched_twice(rollout_process, launched):
    done = rollout_process("launch", "small.yaml", PREFECT_API_URL="http://127.0.0.1:1/api")
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        f"error: program '{launched}' was already launched on 2026-01-05 09:30 UTC "
        "(http://127.0.0.1:1/runs/flow-run/0f0e0d0c-0b0a-4908-8706-050403020100); "
        "nothing was created a second time. See where it stands: rollout status small\n"
    )
