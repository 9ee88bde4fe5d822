"""A venue without sockets, for managers on a scripted clock: it connects, delivers and breaks as
the test says, in the same turn of the loop."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

import orjson

from tickwire.manager import ScriptedClock, WebSocketManager
from tickwire.transport import ConnectError, HandshakeRejected, WebSocketClosed, WebSocketError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["URL", "FakeSocket", "Venue", "closed_by", "cut", "refused", "rejected"]

URL = "wss://venue.test/ws"


class FakeBatch(list[bytes]):
    """As the transport's."""

    recv_ns = 0
    mono_ns = 0
    lost = 0


def closed_by(peer: bool, code: int = 1000, reason: str = "") -> WebSocketClosed:
    """A completed closing handshake."""
    return WebSocketClosed("closed", code, reason, clean=True, by_peer=peer)


def cut() -> WebSocketClosed:
    """The end of a stream without a close frame."""
    return WebSocketClosed("cut", 1006, clean=False, by_peer=True)


def refused() -> ConnectError:
    """Nothing listens."""
    return ConnectError("connection refused", 7)


def rejected(status: int, **headers: str) -> HandshakeRejected:
    """An upgrade answered with an HTTP status."""
    lines = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return HandshakeRejected(f"HTTP {status}", status, lines, b"", url=URL)


class FakeSocket:
    """What the manager uses of the transport's WebSocket."""

    def __init__(self, venue: Venue, number: int) -> None:
        self.venue = venue
        self.number = number
        self.sent: list[Any] = []
        self.sent_at: list[float] = []
        self.pings = 0
        self.answers_pings = True
        self.messages_received = self.bytes_received = 0
        self.messages_sent = self.bytes_sent = 0
        self.dropped = 0
        self.last_byte_mono_ns = venue.clock.mono_ns()
        self.error: WebSocketError | None = None
        self._queue: deque[FakeBatch] = deque()
        self._waiters: list[asyncio.Future[None]] = []
        self._gone = asyncio.Event()

    def deliver(self, *messages: Any, lost: int = 0) -> None:
        """Messages in one batch: bytes as they are, anything else as JSON."""
        batch = FakeBatch(m if isinstance(m, bytes) else orjson.dumps(m) for m in messages)
        batch.recv_ns, batch.mono_ns = self.venue.clock.wall_ns(), self.venue.clock.mono_ns()
        batch.lost = lost
        self.messages_received += len(batch)
        self.bytes_received += sum(map(len, batch))
        self.last_byte_mono_ns = batch.mono_ns
        self._queue.append(batch)
        self._wake()

    def end(self, error: WebSocketError) -> None:
        """The connection is over; what was delivered can still be received."""
        if self.error is None:
            self.error = error
            self._gone.set()
            self._wake()

    @property
    def recv_queue_length(self) -> int:
        return sum(map(len, self._queue))

    @property
    def is_open(self) -> bool:
        return self.error is None

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def recv_batch(self) -> FakeBatch:
        while not self._queue:
            if self.error is not None:
                raise self.error
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter
        return self._queue.popleft()

    async def send(self, frame: str | bytes, *, timeout: float | None = None) -> None:
        if self.error is not None:
            raise self.error
        self.messages_sent += 1
        self.bytes_sent += len(frame)
        self.sent.append(orjson.loads(frame) if frame[:1] in ("{", b"{") else frame)
        self.sent_at.append(self.venue.clock.mono_ns() / 1e9)

    async def ping(self) -> asyncio.Future[float]:
        if self.error is not None:
            raise self.error
        self.pings += 1
        pong = asyncio.get_running_loop().create_future()
        if self.answers_pings:
            self.last_byte_mono_ns = self.venue.clock.mono_ns()
            pong.set_result(0.0)
        return pong

    async def close(self) -> None:
        self.end(closed_by(peer=False))

    def terminate(self) -> None:
        self.end(cut())

    async def wait_closed(self) -> None:
        await self._gone.wait()


class Venue:
    """Stands for a session: gives sockets, or errors from ``answers``, in order.

    Attributes:
        connects: (seconds on the clock, URL, parameters) of every attempt.
        sockets: Those that were given.
        answers: Errors for the next attempts; an attempt without one succeeds.
        answer_all: An error for every attempt while it is set.
        greet: Called with every new socket.
    """

    def __init__(self, clock: ScriptedClock) -> None:
        self.clock = clock
        self.connects: list[tuple[float, str, dict[str, Any]]] = []
        self.sockets: list[FakeSocket] = []
        self.answers: deque[WebSocketError | None] = deque()
        self.answer_all: WebSocketError | None = None
        self.greet: Callable[[FakeSocket], object] = lambda socket: None
        self.closed = False

    async def ws_connect(self, url: str, **parameters: Any) -> FakeSocket:
        self.connects.append((self.clock.mono_ns() / 1e9, url, parameters))
        answer = self.answers.popleft() if self.answers else self.answer_all
        if answer is not None:
            raise answer
        socket = FakeSocket(self, len(self.sockets) + 1)
        self.sockets.append(socket)
        self.greet(socket)
        return socket

    async def close(self) -> None:
        self.closed = True

    @property
    def open_sockets(self) -> list[FakeSocket]:
        return [socket for socket in self.sockets if socket.is_open]

    def manager(self, **settings: Any) -> WebSocketManager:
        """A manager on this venue and its clock."""
        session: Any = self
        settings.setdefault("seed", 1)
        return WebSocketManager(URL, session=session, clock=self.clock, **settings)
