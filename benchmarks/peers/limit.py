"""The limit: a bare blocking socket that knows how long a frame is and parses nothing.

It reads into one buffer of 256 KiB over and over, which is as much as tickwire reads at a time.
From 256 KiB to 1 MiB the CPU time per byte was the same within a twentieth; with 64 KiB it was up
to a sixth more, with 16 KiB 1.6 times that, with 4 MiB 1.1 times. The buffer stays in a core's own
cache and nothing is kept, so with large messages this row is the kernel copying out of its socket
buffers, that is, memory bandwidth; a client that keeps what it receives has to write it to fresh
memory besides. Over TLS the row is Python's ssl module, a record (16 KiB) at a time, which is
slower than TLS libraries that are called from C: no limit there.
"""

from __future__ import annotations

import os
import selectors
import socket
import ssl
import time
from base64 import b64encode
from typing import cast
from urllib.parse import parse_qs, urlsplit

from benchmarks.contract import CHUNK, Meter, Mismatch, Note, SendMeter, Site
from benchmarks.frames import close_frame, frame_header, message

READ_BUFFER_BYTES = 256 * 1024


def _connect(site: Site) -> tuple[socket.socket, bytes]:
    """A connected socket, and what came behind the 101."""
    url = urlsplit(site.url)
    sock = socket.create_connection((url.hostname, url.port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if site.ca_file:
        context = ssl.create_default_context(cafile=site.ca_file)
        sock = context.wrap_socket(sock, server_hostname=url.hostname)
    key = b64encode(os.urandom(16)).decode()
    sock.sendall(
        f"GET {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
        "".encode()
    )
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
