"""A process that forks for whoever asks at its socket, and the side that asks. Linux.

Who asks hands over its environment, folder, umask and three streams, passes on the signals that it
gets, and ends as the forked process did; if it is gone first, the server kills the forked one. Both
sides belong to one user: who reaches the socket could start the same process without it.
"""

import contextlib
import json
import os
import selectors
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FORKS = sys.platform == "linux"
"""Elsewhere each run starts Python anew: libraries of macOS do not survive a fork."""
SENT_WITHIN_SECONDS = 10.0
"""Of a whole request, for which the others wait."""
ANSWERED_WITHIN_SECONDS = 60.0
PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_LENGTH = struct.Struct("!I")
_STREAMS = 3
_CHUNK = 1 << 16
_PEER = struct.Struct("3i")  # of SO_PEERCRED: process, user, group
_WAITING = 128
_PAUSE_SECONDS = 0.1


class NotForked(Exception):
    """No process was started, and none will be."""


class ForkUnknown(Exception):
    """The server was gone before it said what became of the process."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the process that asks has; `answers` stays open as long as this process lives.

    `python` is the folder of its environment, as `sys.prefix` has it.
    """

    environment: dict[str, str]
    folder: str
    umask: int
    python: str
    streams: tuple[int, ...]
    answers: socket.socket

    def __post_init__(self) -> None:
        """Raises TypeError where it came from something else than `ask`."""
        if isinstance(self.environment, dict) and isinstance(self.umask, int):
            texts = (self.folder, self.python, *self.environment, *self.environment.values())
            if all(isinstance(each, str) for each in texts):
                return
        raise TypeError("it is no request of this version")

    def take_over(self) -> None:
        """Make this process what the asking one is."""
        for number, stream in enumerate(self.streams):
            os.dup2(stream, number)
            os.close(stream)
        os.environ.clear()
        os.environ.update(self.environment)
        os.umask(self.umask)
        os.chdir(self.folder)


@contextlib.contextmanager
def _reached(path: Path) -> Iterator[str]:
    """An address of the socket's file, which may lie deeper than the 107 bytes an address has."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def listen(path: Path) -> socket.socket:
    """A socket for this user alone. Its file is there once it listens, in the place of an older."""
    listener = socket.socket(socket.AF_UNIX)
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    before = os.umask(0o177)
    try:
        with _reached(new) as address:
            listener.bind(address)
    finally:
        os.umask(before)
    listener.listen(_WAITING)
    new.replace(path)
    return listener


class ForkServer:
    """Forks for each request, and tells who asked how that process ended.

    `refusal` says why a request cannot be taken, or nothing.
    """

    def __init__(self, listener: socket.socket, refusal: Callable[[Request], str]) -> None:
        self._listener = listener
        self._refusal = refusal
        self._children: dict[int, socket.socket] = {}
        self._waits = selectors.PollSelector()  # keeps nothing in the kernel, where children share

    def serve(self) -> Request:
        """Return once in each forked process, with its request, and never in this one."""
        ended, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        self._waits.register(self._listener, selectors.EVENT_READ, self._admit)
        self._waits.register(ended, selectors.EVENT_READ, lambda: self._reap(ended))
        while True:
            for key, _ in self._waits.select():
                request: Request | None = key.data()
                if request is not None:
                    os.close(ended)
                    os.close(wake)
                    return request

    def _admit(self) -> Request | None:
        try:
            answers, _ = self._listener.accept()
        except OSError as error:  # too many files are open, or who asked is gone
            sys.stderr.write(f"a request was not heard: {error}\n")
            time.sleep(_PAUSE_SECONDS)
            return None
        try:
            request = _read(answers, time.monotonic() + SENT_WITHIN_SECONDS)
        except (OSError, ValueError, TypeError) as error:
            sys.stderr.write(f"a request broke off: {error}\n")
            _tell(answers, refused=f"the request broke off: {error}")
            answers.close()
            return None
        child, refused = self._fork(request)
        if child == 0:
            self._leave()
            return request
        if child is not None:
            self._children[child] = answers
            self._waits.register(answers, selectors.EVENT_READ, lambda: self._given_up(child))
            _tell(answers, child=child)
        else:
            _tell(answers, refused=refused)
            answers.close()
        for stream in request.streams:
            os.close(stream)
        return None

    def _fork(self, request: Request) -> tuple[int | None, str]:
        refused = self._refusal(request)
        if refused:
            return None, refused
        try:
            return os.fork(), ""
        except OSError as error:  # no memory, or too many processes
            return None, f"it cannot fork: {error.strerror}"

    def _leave(self) -> None:
        """In the forked process: nothing of the others stays open, no signal goes astray.

        It heeds what is passed on, also where this one was started behind `nohup`.
        """
        signal.set_wakeup_fd(-1)
        for each in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.setpgid(0, 0)  # a terminal's Ctrl-C comes from who asked
        self._waits.close()
        self._listener.close()
        for answers in self._children.values():
            answers.close()

    def _reap(self, ended: int) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(ended, _CHUNK)
        while self._children:
            child, status = os.waitpid(-1, os.WNOHANG)
            if not child:
                return
            answers = self._children.pop(child, None)
            if answers is None:
                continue  # one that was left to process 1, where that is this one
            _tell(answers, code=os.waitstatus_to_exitcode(status))
            if answers in self._waits.get_map():
                self._waits.unregister(answers)
            answers.close()

    def _given_up(self, child: int) -> None:
        answers = self._children.get(child)
        if answers is not None:  # else it has ended in this very moment
            self._waits.unregister(answers)
            os.kill(child, signal.SIGKILL)


def _read(answers: socket.socket, deadline: float) -> Request:
    """Raises OSError, ValueError or TypeError where no whole request comes until then."""
    answers.settimeout(SENT_WITHIN_SECONDS)
    start, streams, _, _ = socket.recv_fds(answers, _CHUNK, _STREAMS)
    try:
        if len(streams) < _STREAMS:
            raise ValueError(f"{len(streams)} of {_STREAMS} streams came")  # noqa: TRY301 - closed below
        sent = json.loads(_rest(answers, start, deadline))
        return Request(**sent, streams=tuple(streams), answers=answers)
    except (OSError, ValueError, TypeError):
        for stream in streams:
            os.close(stream)
        raise


def _rest(answers: socket.socket, text: bytes, deadline: float) -> bytes:
    if len(text) < _LENGTH.size:
        raise ValueError("it has no length")
    length = _LENGTH.unpack_from(text)[0]
    text = text[_LENGTH.size :]
    while len(text) < length:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("it takes too long")
        answers.settimeout(left)
        more = answers.recv(_CHUNK)
        if not more:
            raise ValueError(f"{len(text)} of {length} bytes came")
        text += more
    return text


def _tell(answers: socket.socket, **what: object) -> None:
    # Nobody waits for it any more.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError, TimeoutError):
        answers.sendall(f"{json.dumps(what)}\n".encode())


def ask(path: Path) -> int:
    """Let the server at a socket fork, and wait; the exit code of that process.

    It is the number of a signal, negated, where one ended it.

    Raises:
        NotForked: nothing was started, and why.
        ForkUnknown: the server was lost; the process may have run.
    """
    with socket.socket(socket.AF_UNIX) as server, server.makefile() as answers:
        server.settimeout(ANSWERED_WITHIN_SECONDS)
        signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)
        try:
            _send(server, path)
            begun = _answer(answers.readline)
            if "refused" in begun:
                raise NotForked(begun["refused"])
            for each in PASSED_ON:
                if signal.getsignal(each) is not signal.SIG_IGN:  # as `nohup` has it
                    signal.signal(each, lambda number, _: _pass_on(begun["child"], number))
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
        server.settimeout(None)
        return int(_answer(answers.readline)["code"])


def _send(server: socket.socket, path: Path) -> None:
    umask = os.umask(0)
    os.umask(umask)
    own = {
        "environment": dict(os.environ),
        "folder": str(Path.cwd()),
        "umask": umask,
        "python": sys.prefix,
    }
    text = json.dumps(own).encode()
    try:
        with _reached(path) as address:
            server.connect(address)
        peer = server.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
        if _PEER.unpack(peer)[1] != os.geteuid():
            raise NotForked(f"{path} is of another user")
        # The text alone follows: a request that is there whole may have been carried out already.
        socket.send_fds(server, [_LENGTH.pack(len(text))], range(_STREAMS))
        server.sendall(text)
    except OSError as error:
        raise NotForked(f"{path}: {error.strerror or error}") from None


def _answer(read: Callable[[], str]) -> dict[str, Any]:
    try:
        return dict(json.loads(read()))
    except (OSError, ValueError):
        raise ForkUnknown from None


def _pass_on(child: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, number)
