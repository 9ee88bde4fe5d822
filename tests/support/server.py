"""A server that does exactly what a test's script says, byte for byte.

A script is a coroutine function that gets a :class:`Peer`. The opening handshake is only done when
the script asks for it, writes leave as they are given, and what the client sends is read frame by
frame. An error in a script fails the test that runs it.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import socket
import struct
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tests.support.frames import CLOSE, CONTINUATION, Frame, read_frame

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from tickwire.transport import AsyncWebSocket

    Script = Callable[["Peer"], Awaitable[None]]
    Serve = Callable[..., AbstractAsyncContextManager["ScriptedServer"]]

__all__ = [
    "PATIENCE",
    "Peer",
    "ScriptedServer",
    "accept_of",
    "raw_connection",
    "reset",
    "serving",
]

PATIENCE = 8.0
"""Seconds after which a test gives up waiting for something that should happen at once."""

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: on, no time

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept_of(key: str) -> str:
    """What answers ``Sec-WebSocket-Key: key``."""
    return base64.b64encode(hashlib.sha1((key + _GUID).encode()).digest()).decode()


class Peer:
    """The server's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.target = ""
        self.request = b""
        self.headers: dict[str, str] = {}
        self.seen = bytearray()
        """All bytes that came after the request and were read so far."""
        self._parsed = 0

    @property
    def sock(self) -> socket.socket:
        found: socket.socket = self.writer.get_extra_info("socket")
        return found

    async def read_request(self) -> None:
        self.request = await self.reader.readuntil(b"\r\n\r\n")
        first, *lines = self.request.decode("latin-1").split("\r\n")
        self.target = first.split(" ")[1]
        for line in filter(None, lines):
            name, _, value = line.partition(":")
            self.headers[name.lower()] = value.strip()

    def answer(self, *, accept: str | None = None, headers: tuple[str, ...] = ()) -> bytes:
        """The 101 that the request asks for, headers and all."""
        value = accept_of(self.headers["sec-websocket-key"]) if accept is None else accept
        lines = (
            "HTTP/1.1 101 Switching Protocols",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Accept: {value}",
            *headers,
        )
        return "\r\n".join((*lines, "", "")).encode("latin-1")

    async def accept(self, after: bytes = b"", *, headers: tuple[str, ...] = ()) -> None:
        """Read the request and answer it; ``after`` leaves in the same write."""
        await self.read_request()
        self.write(self.answer(headers=headers) + after)

    def write(self, *pieces: bytes) -> None:
        """Hand each piece to the transport in its own write."""
        for piece in pieces:
            self.writer.write(piece)

    async def send(self, *pieces: bytes) -> None:
        """Write, and wait while the client does not take it.

        Raises:
            ConnectionError: The client is gone.
        """
        self.write(*pieces)
        await self.writer.drain()
        await asyncio.sleep(0)  # a loss is only told in a turn of its own
        if self.writer.transport.is_closing():
            raise ConnectionResetError("the client is gone")

    async def frame(self) -> Frame:
        """The next frame of the client.

        Raises:
            EOFError: There is none.
        """
        while True:
            step = read_frame(self.seen, self._parsed)
            if step is not None:
                self._parsed = step[1]
                return step[0]
            data = await self.reader.read(1 << 16)
            if not data:
                raise EOFError(f"{len(self.seen) - self._parsed} bytes of a frame, then EOF")
            self.seen += data

    async def next_of(self, opcode: int) -> Frame:
        """The next frame with this opcode; others are passed over."""
        while True:
            found = await self.frame()
            if found.opcode == opcode:
                return found

    async def message(self) -> Frame:
        """The next data message, its fragments joined; control frames are passed over."""
        parts: list[bytes] = []
        opcode = CONTINUATION
        while True:
            found = await self.frame()
            if found.opcode >= CLOSE:
                continue
            assert found.masked
            assert (found.opcode == CONTINUATION) == bool(parts or opcode), "fragments are mixed up"
            opcode = opcode or found.opcode
            parts.append(found.payload)
            if found.fin:
                return Frame(opcode, b"".join(parts), True, 0, True)
            if not found.payload:
                parts.append(b"")

    async def close_frame(self) -> Frame:
        """The client's close frame; what comes before it is passed over."""
        return await self.next_of(CLOSE)

    async def gone(self) -> bytes:
        """Wait until the client has ended the connection; gives what it sent until then."""
        with contextlib.suppress(ConnectionError):
            while data := await self.reader.read(1 << 16):
                self.seen += data
        return bytes(self.seen[self._parsed :])

    async def silent(self) -> None:
        """Check that the client sends nothing more; it may hang up."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.005):
                self.seen += await self.reader.read(1 << 16)
        assert len(self.seen) == self._parsed, f"more came: {bytes(self.seen[self._parsed :])!r}"

    def reset(self) -> None:
        """End the connection with a TCP reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.writer.transport.abort()

    def end(self) -> None:
        """End the connection without a close frame; what was written leaves first."""
        self.writer.close()


class ScriptedServer:
    """A listening socket on loopback; every connection runs the script in a task of its own."""

    def __init__(self, script: Script, scheme: str) -> None:
        self._script = script
        self._scheme = scheme
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.peers: list[Peer] = []

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}/"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        self.peers.append(peer)
        try:
            await self._script(peer)
        finally:
            writer.close()

    def on_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.add(asyncio.ensure_future(self._serve(reader, writer)))

    async def finish(self) -> None:
        """Wait for the scripts' ends, and raise what went wrong in them."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=PATIENCE)
        await self.cancel()
        assert not late, f"{len(late)} scripts did not come to their end"

    async def cancel(self) -> None:
        for task in self._tasks:
            task.cancel()
        results = await asyncio.gather(*self._tasks, return_exceptions=True)
        for peer in self.peers:
            peer.writer.transport.abort()  # a TLS close would wait for the client's
            with contextlib.suppress(OSError):
                await peer.writer.wait_closed()
        for result in results:
            if isinstance(result, Exception):
                raise result


@asynccontextmanager
async def serving(
    script: Script,
    *,
    tls: ssl.SSLContext | None = None,
    host: str = "127.0.0.1",
    limit: int = 1 << 16,
) -> AsyncIterator[ScriptedServer]:
    """Run a scripted server; on leaving, its scripts must come to their end by themselves."""
    server = ScriptedServer(script, "ws" if tls is None else "wss")
    listener = await asyncio.start_server(
        server.on_connection, host, 0, ssl=tls, limit=limit, backlog=1024
    )
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
        listener.close()
        await server.finish()
    except BaseException:
        listener.close()
        with contextlib.suppress(Exception):
            await server.cancel()
        raise


@asynccontextmanager
async def raw_connection(
    connect: Callable[[str], Awaitable[AsyncWebSocket]],
) -> AsyncIterator[tuple[AsyncWebSocket, socket.socket]]:
    """A connection whose other end is a bare, blocking socket in the hands of the test.

    What the test writes or closes there has happened, as far as the kernel is concerned, before the
    client's loop turns once more. Plain TCP only.
    """
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        connecting = asyncio.ensure_future(connect(f"ws://127.0.0.1:{listener.getsockname()[1]}/"))
        conn, _ = await loop.sock_accept(listener)
    conn.setblocking(False)
    request = b""
    while not request.endswith(b"\r\n\r\n"):
        request += await loop.sock_recv(conn, 1 << 16)
    lines = (line.partition(b":") for line in request.split(b"\r\n"))
    key = next(value for name, _, value in lines if name.lower() == b"sec-websocket-key")
    conn.setblocking(True)
    conn.settimeout(PATIENCE)
    conn.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept_of(key.strip().decode()).encode() + b"\r\n\r\n"
    )
    with conn:
        ws = await connecting
        try:
            yield ws, conn
        finally:
            ws.terminate()


def reset(conn: socket.socket) -> None:
    """Close a socket with a TCP reset."""
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    conn.close()
