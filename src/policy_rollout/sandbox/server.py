"""Serves the sandbox on loopback: until interrupted, or for the length of a `with` block."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import uvicorn

from policy_rollout.sandbox.app import create_app
from policy_rollout.sandbox.connection import LoopbackProtocol

LOOPBACK = "127.0.0.1"
START_SECONDS = 20


def serve(folder: Path, port: int) -> None:
    """Serve on 127.0.0.1 until SIGINT; SIGTERM ends the process once the last answer is out.

    Raises:
        OSError: the port is in use.
    """
    with socket.create_server((LOOPBACK, port)) as listener:
        serve_on(listener, folder)


def serve_on(listener: socket.socket, folder: Path) -> None:
    """The same, on a socket that is bound already; the caller closes it."""
    # uvicorn raises the signal again after its shutdown: Ctrl-C is no error here
    with suppress(KeyboardInterrupt):
        uvicorn.Server(_config(folder)).run([listener])


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """The address of a sandbox that runs in a thread, on a free port, until the block ends.

    Raises:
        TimeoutError: it did not start.
    """
    server = _ThreadServer(_config(folder))
    listener = socket.create_server((LOOPBACK, 0))
    thread = Thread(target=server.run, args=([listener],), name="sandbox", daemon=True)
    thread.start()
    try:
        if not server.is_up.wait(START_SECONDS):
            raise TimeoutError(f"the sandbox did not start within {START_SECONDS} s")
        yield f"http://{LOOPBACK}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


class _ThreadServer(uvicorn.Server):
    """Says when it accepts connections."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()


def _config(folder: Path) -> uvicorn.Config:
    return uvicorn.Config(
        create_app(folder),
        http=LoopbackProtocol,
        ws="none",
        access_log=False,
        log_level="warning",
        timeout_keep_alive=30,
        timeout_graceful_shutdown=2,
        server_header=False,
    )
