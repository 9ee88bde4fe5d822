"""The limit: a bare blocking socket that knows how long a frame is and parses nothing.

It reads into one buffer of 256 KiB over and over, which is as much as tickwire reads at a time.
From 256 KiB to 1 MiB the CPU time per byte was the same within a twentieth; with 64 KiB it was up
to a sixth more, with 16 KiB 1.6 times that, with 4 MiB 1.1 times. The buffer stays in a core's own
cache and nothing is kept, so with large messages this row is the kernel copying out of its socket
buffers, that is, memory bandwidth; a client that keeps what it receives has to write it to fresh
memory besides. Over TLS the row is Python's ssl module, a record (16 KiB) at a time, which is
slower than TLS libraries that are called from C: no limit there.

Where every message has a time (``deliver``), it cuts at every frame's length and copies the payload
out, in Python. Connects are asyncio's own, with the upgrade's request and answer and nothing more.
"""

from __future__ import annotations

import asyncio
import os
import selectors
import socket
import ssl
import time
from base64 import b64encode
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qs, urlsplit

from benchmarks.contract import CHUNK, Connect, Meter, Mismatch, Note, SendMeter, Site
from benchmarks.frames import close_frame, frame_header, message

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from urllib.parse import SplitResult

READ_BUFFER_BYTES = 256 * 1024


def _request(url: SplitResult) -> bytes:
    """An upgrade, with a key of its own."""
    key = b64encode(os.urandom(16)).decode()
    return (
        f"GET {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    ).encode()


def _connect(site: Site) -> tuple[socket.socket, bytes]:
    """A connected socket, and what came behind the 101."""
    url = urlsplit(site.url)
    sock = socket.create_connection((url.hostname, url.port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if site.ca_file:
        context = ssl.create_default_context(cafile=site.ca_file)
        sock = context.wrap_socket(sock, server_hostname=url.hostname)
    sock.sendall(_request(url))
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += sock.recv(4096)
    return sock, answer.partition(b"\r\n\r\n")[2]


def _frame_bytes(site: Site) -> int:
    size = int(parse_qs(urlsplit(site.url).query)["size"][0])
    return len(frame_header(size)) + size


def _masked(payload: bytes) -> bytes:
    """The payload as a client's frame; the mask is zero, which leaves it as it is."""
    header = bytearray(frame_header(len(payload)))
    header[1] |= 0x80
    return bytes(header) + bytes(4) + payload


async def deliver(site: Site, note: Note, connections: int = 1) -> None:
    """Cuts at every frame's length. Several connections share one selector."""
    skip, step = len(frame_header(site.message_bytes)), _frame_bytes(site)
    buffer = bytearray(READ_BUFFER_BYTES)
    with selectors.DefaultSelector() as selector:
        for _ in range(connections):
            sock, early = _connect(site)
            selector.register(sock, selectors.EVENT_READ, bytearray(early))
        while selector.get_map():
            for key, _ in selector.select():
                sock, held = cast("socket.socket", key.fileobj), key.data
                got = sock.recv_into(buffer)
                held += memoryview(buffer)[:got]
                whole = len(held) // step * step
                for start in range(skip, whole, step):
                    note(bytes(held[start : start - skip + step]))
                del held[:whole]
                if not got or bytes(held) == close_frame():
                    selector.unregister(sock)
                    sock.close()


async def receive(site: Site, meter: Meter) -> None:
    buffer = bytearray(READ_BUFFER_BYTES)
    sock, early = _connect(site)
    with sock:
        total = len(early)
        take = sock.recv_into
        meter.start()
        while got := take(buffer):
            total += got
        meter.stop((total - len(close_frame())) // _frame_bytes(site))


async def send(site: Site, payload: bytes, meter: SendMeter) -> None:
    frame = _masked(payload)
    sock, _ = _connect(site)
    with sock:
        write = sock.send
        while meter.more():
            for _ in range(CHUNK):
                write(frame)


async def send_coalesced(site: Site, payload: bytes, meter: SendMeter) -> None:
    blob = _masked(payload) * CHUNK
    sock, _ = _connect(site)
    with sock:
        while meter.more():
            sock.sendall(blob)


async def echo(site: Site, payload: bytes, rounds: int, pause: float) -> list[int]:
    laps: list[int] = []
    clock = time.perf_counter_ns
    frame = _masked(payload)
    expected = frame_header(len(payload)) + message(len(payload), 0)
    sock, _ = _connect(site)
    with sock:
        for _ in range(rounds):
            if pause:
                time.sleep(pause)  # noqa: ASYNC251 (a synchronous client)
            before = clock()
            sock.send(frame)
            reply = sock.recv(4096)
            laps.append(clock() - before)
            if reply != expected:
                raise Mismatch("not the echo that was expected")
    return laps


class _Upgrade(asyncio.Protocol):
    """Asks as soon as it is connected; the future is done when an answer's head is there."""

    def __init__(self, request: bytes, answered: asyncio.Future[None]) -> None:
        self._request = request
        self._answered = answered
        self._head = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.Transport", transport).write(self._request)

    def data_received(self, data: bytes) -> None:
        self._head += data
        if self._head.endswith(b"\r\n\r\n") and not self._answered.done():
            self._answered.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._answered.done():
            self._answered.set_exception(exc or ConnectionError("closed before the answer"))


@asynccontextmanager
async def connections(site: Site) -> AsyncIterator[Connect]:
    loop = asyncio.get_running_loop()
    url = urlsplit(site.url)
    opened: list[asyncio.BaseTransport] = []

    async def connect() -> object:
        answered: asyncio.Future[None] = loop.create_future()
        transport, _ = await loop.create_connection(
            lambda: _Upgrade(_request(url), answered), url.hostname, url.port
        )
        opened.append(transport)
        await answered
        return transport

    yield connect
    for transport in opened:
        transport.close()
