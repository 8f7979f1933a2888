"""The HTTP/1.1 connection of the sandbox: uvicorn's, with a way for faults to cut it off."""

import asyncio
import socket
import struct
from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

CUT = "sandbox.cut"
"""Key of the ASGI scope: a function that resets the connection (TCP RST) at once."""


class LoopbackProtocol(H11Protocol):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        served = self.app

        async def with_cut(scope: Scope, receive: Receive, send: Send) -> None:
            scope[CUT] = self.cut
            await served(scope, receive, send)

        self.app = with_cut

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # TCP
        super().connection_made(transport)
        connected: socket.socket | None = transport.get_extra_info("socket")
        if connected is not None:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def cut(self) -> None:
        connected = self.transport.get_extra_info("socket")
        linger_zero = struct.pack("ii", 1, 0)  # close() then sends RST, as a broken peer does
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_zero)
        if self.cycle is not None:
            self.cycle.disconnected = True
        self.transport.abort()
