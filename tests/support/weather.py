"""Network weather: a TCP relay before a server that refuses, resets, swallows, delays and lies.

The relay stands between a client and a server on this machine. What the sky is like is set by the
test, and applies to connections that come from then on; what is under way can be struck as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

__all__ = ["Sky", "Weather"]

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_CHUNK = 1 << 16


class Sky(Enum):
    """What becomes of a new connection."""

    CLEAR = "clear"
    RESET = "reset"
    """Accepted, and reset at once."""
    BLACK_HOLE = "black_hole"
    """Accepted, and never answered."""
    BAD_GATEWAY = "bad_gateway"
    """A 502 to the upgrade."""
    TOO_MANY = "too_many"
    """A 429 with Retry-After: 0."""
    GARBAGE = "garbage"
    """Bytes that are no HTTP."""
    TRY_LATER = "try_later"
    """A proper upgrade, and close code 1013 soon after."""


_ANSWERS = {
    Sky.BAD_GATEWAY: b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    Sky.TOO_MANY: b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 0\r\n"
    b"Content-Length: 0\r\nConnection: close\r\n\r\n",
    Sky.GARBAGE: b"\x00\x16\x03 this is no answer \xff\xfe\r\n\r\n",
}
_CLOSE_1013 = b"\x88\x02" + struct.pack("!H", 1013)


class _Pipe:
    """One relayed connection."""

    def __init__(self, client: asyncio.StreamWriter, sky: Sky) -> None:
        self.client = client
        self.sky = sky
        self.server: asyncio.StreamWriter | None = None
        self.frozen = asyncio.Event()
        self.frozen.set()

    def freeze(self) -> None:
        """Nothing passes until it thaws."""
        self.frozen.clear()

    def thaw(self) -> None:
        self.frozen.set()

    def reset(self) -> None:
        """End both sides with a TCP reset."""
        for writer in (self.client, self.server):
            if writer is not None and not writer.transport.is_closing():
                sock = writer.get_extra_info("socket")
                if sock is not None:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                writer.transport.abort()

    def scribble(self) -> None:
        """Put bytes that break RFC 6455 into what the server says."""
        if not self.client.transport.is_closing():
            self.client.write(b"\xff\xff\xff garbage")


class Weather:
    """The relay.

    Args:
        port: The server's, on this machine.

    Attributes:
        sky: For connections that come.
        delay: Seconds by which everything that the server says is late.
        pipes: The connections under way.
    """

    def __init__(self, port: int) -> None:
        self.sky = Sky.CLEAR
        self.delay = 0.0
        self.pipes: list[_Pipe] = []
        self._target = port
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.deafen()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def listen(self) -> None:
        """Take connections; again on the same port after :meth:`deafen`."""
        if self._server is None:
            self._server = await asyncio.start_server(
                self._accept, "127.0.0.1", self.port, reuse_address=True
            )
            self.port = self._server.sockets[0].getsockname()[1]

    def deafen(self) -> None:
        """Refuse connections: nothing listens."""
        server, self._server = self._server, None
        if server is not None:
            server.close()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pipe = _Pipe(writer, self.sky)
        self.pipes.append(pipe)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self._treat(pipe, reader)
        finally:
            self.pipes.remove(pipe)
            for end in (pipe.client, pipe.server):
                if end is not None:
                    end.transport.abort()

    async def _treat(self, pipe: _Pipe, reader: asyncio.StreamReader) -> None:
        if pipe.sky is Sky.RESET:
            pipe.reset()
            return
        if pipe.sky is Sky.BLACK_HOLE:
            await reader.read(-1)
            return
        if pipe.sky in _ANSWERS:
            await reader.readuntil(b"\r\n\r\n")
            pipe.client.write(_ANSWERS[pipe.sky])
            await pipe.client.drain()
            return
        upstream, pipe.server = await asyncio.open_connection("127.0.0.1", self._target)
        up = asyncio.ensure_future(self._carry(pipe, reader, pipe.server, late=False))
        down = asyncio.ensure_future(self._carry(pipe, upstream, pipe.client, late=True))
        try:
            await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (up, down):
                task.cancel()
            await asyncio.gather(up, down, return_exceptions=True)

    async def _carry(
        self,
        pipe: _Pipe,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        late: bool,
    ) -> None:
        first = True
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK):
                await pipe.frozen.wait()
                if late and self.delay:
                    await asyncio.sleep(self.delay)
                writer.write(data)
                if late and first and pipe.sky is Sky.TRY_LATER:
                    writer.write(_CLOSE_1013)
                    await writer.drain()
                    return
                first = False
                await writer.drain()
