"""What the benchmark server does on each path. See ``server.py`` for how connections get here.

Each answers the handshake itself, once everything that it is to send has been made: the client's
clock runs from the answer on.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from benchmarks.deflated import deflated_blob, messages_per_blob
from benchmarks.frames import (
    STAMP,
    FrameCounter,
    blob_of,
    close_frame,
    frame_header,
    frames_per_blob,
    masked_frame_size,
    message,
)

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

__all__ = ["CROWDS", "HANDLERS", "Crowd", "Report", "Reports", "Request"]

Value = int | float | str | None

_SETTLE_SECONDS = 0.1
_SETTLE_SECONDS_PER_MEMBER = 0.002
"""A client is still busy with its connects for a while after the server has answered the last."""
_ACCEPT_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3
_DEFLATE = b"permessage-deflate"


@dataclass
class Report:
    """What the server saw of one id."""

    facts: dict[str, Value] = field(default_factory=dict)
    done: threading.Event = field(default_factory=threading.Event)


class Reports:
    """All reports, made when first asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reports: dict[str, Report] = {}

    def get(self, key: str) -> Report:
        with self._lock:
            return self._reports.setdefault(key, Report())


@dataclass(frozen=True)
class Request:
    """The head of an HTTP request, as far as this server needs it."""

    path: str
    query: dict[str, str]
    key: bytes
    offers_deflate: bool

    @classmethod
    def parse(cls, head: bytes) -> Request:
        line, *fields = head.split(b"\r\n")
        target = urlsplit(line.split(b" ")[1].decode())
        named = {
            name.strip().lower(): value.strip()
            for name, _, value in (f.partition(b":") for f in fields)
        }
        return cls(
            target.path,
            {k: v[0] for k, v in parse_qs(target.query).items()},
            named.get(b"sec-websocket-key", b""),
            _DEFLATE in named.get(b"sec-websocket-extensions", b""),
        )

    def number(self, name: str) -> int:
        return int(self.query[name])

    @property
    def wants_deflate(self) -> bool:
        """Whether this path is asked for compressed messages."""
        return "deflate" in self.query

    def answer(self) -> bytes:
        """The 101 for this request."""
        accept = base64.b64encode(hashlib.sha1(self.key + _ACCEPT_GUID).digest())
        deflate = b"Sec-WebSocket-Extensions: " + _DEFLATE + b"\r\n" if self.wants_deflate else b""
        return (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n" + deflate + b"\r\n"
        )


def flood(conn: socket.socket, request: Request, report: Report) -> None:
    size = request.number("size")
    deflate = request.wants_deflate
    whole = messages_per_blob(size) if deflate else frames_per_blob(size)
    per_blob = request.number("count") if "count" in request.query else whole
    blob = deflated_blob(size, per_blob) if deflate else blob_of(size, per_blob)
    conn.sendall(request.answer())
    if deflate and not request.offers_deflate:
        raise ValueError("the client did not offer permessage-deflate")
    conn.sendall(blob)
    sent = per_blob
    if "seconds" in request.query:
        end = time.monotonic() + float(request.query["seconds"])
        while time.monotonic() < end:
            conn.sendall(blob)
            sent += per_blob
    report.facts.update(sent=sent, last_sequence=per_blob - 1)


def paced(conn: socket.socket, request: Request, report: Report) -> None:
    conn.sendall(request.answer())
    _send_paced([conn], request, report)


def _send_paced(conns: Sequence[socket.socket], request: Request, report: Report) -> None:
    """``count`` messages at ``rate`` per second, to each of the connections in turn.

    Each carries the time at which it was due. If the write of one before it had to wait for the
    client, what the client did not take meanwhile is part of its latency.
    """
    size, count, rate = (request.number(name) for name in ("size", "count", "rate"))
    clock = time.monotonic_ns
    interval = 1_000_000_000 // rate
    frame = bytearray(frame_header(size) + message(size, 0))
    at = len(frame) - size
    late = 0
    time.sleep(_SETTLE_SECONDS)
    start = clock()
    for i, conn in zip(range(count), itertools.cycle(conns), strict=False):
        due = start + i * interval
        while (now := clock()) < due:
            pass  # sleeping is too coarse for 50 µs, and this core has nothing else to do
        if now - due > interval:
            late += 1
        STAMP.pack_into(frame, at, i, due)
        conn.sendall(frame)
    report.facts.update(sent=count, last_sequence=count - 1, late=late)


def burst(conn: socket.socket, request: Request, report: Report) -> None:
    """The last message of each burst tells when the burst began; the others' time is zero.

    A burst whose time passed while the one before it was written began when it was due.
    """
    size, length, bursts = (request.number(name) for name in ("size", "length", "bursts"))
    every = request.number("every_ms") * 1_000_000
    frames = bytearray(blob_of(size, length))
    last = len(frames) - size
    conn.sendall(request.answer())
    time.sleep(_SETTLE_SECONDS)
    start = time.monotonic_ns()
    late = 0
    for i in range(bursts):
        due = start + i * every
        wait = due - time.monotonic_ns()
        if wait > 0:
            time.sleep(wait / 1e9)
        elif i:
            late += 1
        began = time.monotonic_ns() if wait > 0 else due
        STAMP.pack_into(frames, last, length - 1, began)
        conn.sendall(frames)
    report.facts.update(sent=bursts * length, last_sequence=length - 1, late=late)


def echo(conn: socket.socket, request: Request, report: Report) -> None:
    """Answer first and check afterwards, so that the check is not part of the round trip."""
    size = request.number("size")
    payload = message(size, 0)
    reply = frame_header(size) + payload
    counter = FrameCounter(payload)
    buffer = bytearray(1 << 16)
    view = memoryview(buffer)
    whole = masked_frame_size(size)
    conn.sendall(request.answer())
    have = 0
    while not counter.closed:
        got = conn.recv_into(view[have:])
        if got == 0:
            break
        have += got
        if have == whole and buffer[0] == reply[0]:
            conn.sendall(reply)
            used = counter.feed(buffer, have)
        else:
            before = counter.messages
            used = counter.feed(buffer, have)
            conn.sendall(reply * (counter.messages - before))
        if counter.fault:
            raise ValueError(counter.fault)
        buffer[: have - used] = buffer[used:have]
        have -= used
    report.facts.update(echoed=counter.messages)


def sink(conn: socket.socket, request: Request, report: Report) -> None:
    counter = FrameCounter(message(request.number("size"), 0))
    buffer = bytearray(1 << 20)
    view = memoryview(buffer)
    conn.sendall(request.answer())
    have = 0
    last_ns = 0
    while not counter.closed:
        got = conn.recv_into(view[have:])
        if got == 0:
            break
        before = counter.payloads
        have += got
        used = counter.feed(buffer, have)
        if counter.fault:
            raise ValueError(counter.fault)
        if counter.payloads > before:
            last_ns = time.monotonic_ns()
        buffer[: have - used] = buffer[used:have]
        have -= used
    report.facts.update(messages=counter.messages, payloads=counter.payloads, last_ns=last_ns)


def idle(conn: socket.socket, request: Request, report: Report) -> None:
    """Only over TLS; plain idle connections stay with the selector."""
    conn.sendall(request.answer())


@dataclass
class Crowd:
    """Connections that are served together, once there are as many as ``connections`` asks for.

    Their sockets are the selector's and do not block: a client that is so far behind that its
    socket buffer is full ends the measurement with an error.
    """

    request: Request
    report: Report
    members: list[socket.socket] = field(default_factory=list)

    def join(self, conn: socket.socket) -> None:
        self.members.append(conn)
        if len(self.members) == self.request.number("connections"):
            threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        try:
            time.sleep(_SETTLE_SECONDS_PER_MEMBER * len(self.members))
            _send_paced(self.members, self.request, self.report)
            for conn in self.members:
                conn.sendall(close_frame())
        except OSError as error:
            self.report.facts["error"] = f"{type(error).__name__}: {error}"
        finally:
            self.report.done.set()


CROWDS: dict[str, Crowd] = {}
"""By the id of their requests; only the selector's thread adds to it."""


HANDLERS: dict[str, Callable[[socket.socket, Request, Report], None]] = {
    "/flood": flood,
    "/paced": paced,
    "/burst": burst,
    "/echo": echo,
    "/sink": sink,
    "/idle": idle,
}
