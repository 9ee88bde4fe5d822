"""Who listens to what, and getting bytes to them.

A message is framed once for all raw and once for all combined subscribers of its stream, and the
bytes are shared. They collect per connection during a time slice of the source and leave in one
write.

The simulator frames its own messages (RFC 6455 section 5.2; a server does not mask, so a frame is a
header and the payload) and writes them to the transport that the server library opened. It does not
use the client's framing: a mistake made there must not be mirrored here.

A subscriber that does not read is noticed by the bytes that wait in its transport. Others are never
kept waiting for it by a paced source; it is cut off at :attr:`Limits.queue_bytes`.
"""

from __future__ import annotations

import asyncio
import struct
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from orjson import dumps

from tickwire.simulator.payloads import ENVELOPE_TAIL, envelope_head
from tickwire.simulator.streams import Route, is_diff_depth, is_served
from tickwire.simulator.time_unit import in_microseconds

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from tickwire.simulator.options import Faults, Limits, Market

__all__ = ["CloseReason", "Connection", "Hub", "Stats", "frame"]

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
_FIN = 0x80
_GOING_AWAY = 1001
_CLOSE_TIMEOUT = 0.5
"""Seconds that a client has to answer a close frame."""


class CloseReason(StrEnum):
    """Why a connection ended."""

    CLIENT = "client"
    SLOW = "slow"
    NO_PONG = "no_pong"
    TOO_MANY_MESSAGES = "too_many_messages"
    FAULT = "fault"
    REPLAY_END = "replay_end"
    SHUTDOWN = "shutdown"
    LIFETIME = "lifetime"
    SOURCE_FAILED = "source_failed"


@dataclass(slots=True)
class Stats:
    """Counts since the start. Frames are data frames, not answers to control requests.

    Attributes:
        events: Steps of the generated market, or frames read from the capture.
        events_behind: Steps that were due and left out because the machine could not keep up.
        frames_unclaimed: Frames of the capture whose stream nobody was subscribed to.
        frames_skipped: Depth frames left out by :attr:`Faults.skip_depth_every`.
        frames_sent, bytes_sent: Handed to the transports; bytes include frame headers.
        connections_refused: Turned away with an HTTP status, for a limit.
        closed: Ended connections by reason.
    """

    events: int = 0
    events_behind: int = 0
    frames_unclaimed: int = 0
    frames_skipped: int = 0
    frames_sent: int = 0
    bytes_sent: int = 0
    messages_received: int = 0
    pings_sent: int = 0
    pongs_received: int = 0
    connections_opened: int = 0
    connections_open: int = 0
    connections_refused: int = 0
    closed: Counter[CloseReason] = field(default_factory=Counter)


def frame(opcode: int, payload: bytes) -> bytes:
    """One unfragmented frame from a server (RFC 6455 section 5.2)."""
    size = len(payload)
    if size < 126:
        return bytes((_FIN | opcode, size)) + payload
    if size < 1 << 16:
        return struct.pack("!BBH", _FIN | opcode, 126, size) + payload
    return struct.pack("!BBQ", _FIN | opcode, 127, size) + payload


class Connection:
    """One client.

    Args:
        hub: Where it is registered.
        transport: The upgraded connection.
        drain: Waits until the transport has sent most of what it holds.
        route: The path prefix it came in by.
        combined: Whether messages are wrapped with the name of their stream.
        microseconds: Whether times are sent as that.

    Attributes:
        streams: Everything subscribed to, served on this route or not, oldest first.
        pending: Frames of the running time slice.
        reason: Set once the server has decided to end the connection.
    """

    __slots__ = (
        "_drain",
        "_frames_left",
        "_hub",
        "combined",
        "microseconds",
        "pending",
        "reason",
        "route",
        "streams",
        "transport",
    )

    def __init__(
        self,
        hub: Hub,
        transport: asyncio.Transport,
        drain: Callable[[], Awaitable[None]],
        *,
        route: Route,
        combined: bool,
        microseconds: bool = False,
    ) -> None:
        self._hub = hub
        self._drain = drain
        self._frames_left = hub.faults.drop_after_frames
        self.transport = transport
        self.route = route
        self.combined = combined
        self.microseconds = microseconds
        self.streams: dict[str, None] = {}
        self.pending: list[bytes] = []
        self.reason: CloseReason | None = None

    def flush(self) -> None:
        """Hand the frames of this slice to the transport; cut off a client that does not read."""
        frames, self.pending = self.pending, []
        if self.reason is not None or self.transport.is_closing():
            return
        limits, stats = self._hub.limits, self._hub.stats
        if self.transport.get_write_buffer_size() > limits.queue_bytes:
            self.cut(CloseReason.SLOW)
            return
        left = self._frames_left
        if left is not None:
            frames = frames[:left]
            self._frames_left = left = left - len(frames)
        data = b"".join(frames)
        self.transport.write(data)
        stats.frames_sent += len(frames)
        stats.bytes_sent += len(data)
        if left == 0:
            # Unlike cut(): what was written still arrives, then the stream ends without a close
            # frame.
            self.reason = CloseReason.FAULT
            self.transport.close()

    def send(self, opcode: int, payload: bytes) -> None:
        """Send an answer or a control frame. Between slices, when nothing is pending."""
        if self.reason is None and not self.transport.is_closing():
            self.transport.write(frame(opcode, payload))

    def close(self, code: int, text: str, reason: CloseReason) -> None:
        """Start the closing handshake; a client that does not answer in time is cut off."""
        self.send(CLOSE, struct.pack("!H", code) + text.encode())
        if self.reason is None:
            self.reason = reason
            asyncio.get_running_loop().call_later(_CLOSE_TIMEOUT, self.transport.abort)

    def cut(self, reason: CloseReason) -> None:
        """End the connection at once; what waits to be sent is thrown away."""
        if self.reason is None:
            self.reason = reason
        self.transport.abort()

    async def drained(self, timeout: float) -> None:
        """Wait until the client has read most of what was sent; cut it off when it does not."""
        try:
            async with asyncio.timeout(timeout):
                await self._drain()
        except TimeoutError:
            self.cut(CloseReason.SLOW)
        except ConnectionError:
            # The client is gone; the handler of its connection takes it off the list.
            return


class _Topic:
    """The listeners of one stream."""

    __slots__ = ("combined", "count", "head", "micro", "raw", "skip_every")

    def __init__(self, stream: str, skip_every: int | None) -> None:
        self.head = envelope_head(stream)
        self.raw: list[Connection] = []
        self.combined: list[Connection] = []
        self.micro: list[Connection] = []
        self.skip_every = skip_every if is_diff_depth(stream) else None
        self.count = 0

    def listeners(self, connection: Connection) -> list[Connection]:
        """Those that get the same bytes as ``connection``; in microseconds, either wrapping."""
        if connection.microseconds:
            return self.micro
        return self.combined if connection.combined else self.raw


class Hub:
    """All connections of a server.

    Attributes:
        topics: The streams that somebody is subscribed to on a route that serves them.
        on_subscribe: Called after streams were added to a connection.
    """

    def __init__(
        self, market: Market, limits: Limits, faults: Faults, *, route_by_class: bool
    ) -> None:
        self._market = market
        self._route_by_class = route_by_class
        self.limits = limits
        self.faults = faults
        self.stats = Stats()
        self.connections: set[Connection] = set()
        self.topics: dict[str, _Topic] = {}
        self.on_subscribe: Callable[[], None] = lambda: None
        self._changed = asyncio.Event()

    def add(self, connection: Connection) -> None:
        self.connections.add(connection)
        self.stats.connections_opened += 1
        self.stats.connections_open += 1
        self._notify()

    def count_refusal(self) -> None:
        """Count a connection that was turned away."""
        self.stats.connections_refused += 1
        self._notify()

    def remove(self, connection: Connection) -> None:
        """Forget a connection that has ended, and count why."""
        self.connections.discard(connection)
        self.unsubscribe(connection, tuple(connection.streams))
        self.stats.connections_open -= 1
        self.stats.closed[connection.reason or CloseReason.CLIENT] += 1
        self._notify()

    def subscribe(self, connection: Connection, streams: Iterable[str]) -> None:
        """Add streams to a connection. One it has already is not delivered twice."""
        for stream in streams:
            if stream in connection.streams:
                continue
            connection.streams[stream] = None
            if self._is_served(connection, stream):
                topic = self.topics.get(stream)
                if topic is None:
                    topic = self.topics[stream] = _Topic(stream, self.faults.skip_depth_every)
                topic.listeners(connection).append(connection)
        self.on_subscribe()

    def unsubscribe(self, connection: Connection, streams: Iterable[str]) -> None:
        """Take streams off a connection. One it does not have is passed over."""
        for stream in streams:
            if stream not in connection.streams:
                continue
            del connection.streams[stream]
            if self._is_served(connection, stream):
                topic = self.topics[stream]
                topic.listeners(connection).remove(connection)
                if not (topic.raw or topic.combined or topic.micro):
                    del self.topics[stream]

    def set_combined(self, connection: Connection, combined: bool) -> None:
        """Switch the wrapping of a connection's messages on or off, from the next one on."""
        streams = tuple(connection.streams)
        self.unsubscribe(connection, streams)
        connection.combined = combined
        self.subscribe(connection, streams)

    def publish(self, stream: str, payload: bytes, enveloped: bytes | None = None) -> None:
        """Queue a message to every listener of a stream that is in :attr:`topics`.

        Args:
            stream: Its name.
            payload: As a raw connection gets it.
            enveloped: As a combined connection gets it, where that is known verbatim.
        """
        topic = self.topics[stream]
        if topic.skip_every is not None:
            topic.count += 1
            if topic.count % topic.skip_every == 0:
                self.stats.frames_skipped += 1
                return
        if topic.raw:
            data = frame(TEXT, payload)
            for connection in topic.raw:
                connection.pending.append(data)
        if topic.combined:
            data = frame(TEXT, enveloped or topic.head + payload + ENVELOPE_TAIL)
            for connection in topic.combined:
                connection.pending.append(data)
        if topic.micro:
            payload = in_microseconds(payload)
            for connection in topic.micro:
                whole = topic.head + payload + ENVELOPE_TAIL if connection.combined else payload
                connection.pending.append(frame(TEXT, whole))

    def flush(self) -> None:
        """Send what was published since the last call."""
        for connection in self.connections:
            if connection.pending:
                connection.flush()

    async def drained(self) -> None:
        """Wait until every client has read most of what it was sent, or was cut off for not."""
        timeout = self.limits.stall_timeout
        for connection in tuple(self.connections):
            await connection.drained(timeout)

    async def until(self, condition: Callable[[Stats], bool]) -> None:
        """Wait until the counts satisfy a condition; see :meth:`Simulator.until`."""
        while not condition(self.stats):
            await self._changed.wait()

    def close_all(self, code: int, text: str, reason: CloseReason) -> None:
        for connection in tuple(self.connections):
            connection.close(code, text, reason)

    def cut_all(self) -> None:
        """End every connection without a close frame."""
        for connection in tuple(self.connections):
            connection.cut(CloseReason.FAULT)

    def announce_shutdown(self, now_ms: int, grace: float) -> None:
        """Tell the open connections that they will be closed, and close them after ``grace`` s."""
        for connection in tuple(self.connections):
            now = now_ms * 1000 if connection.microseconds else now_ms
            event = dumps({"e": "serverShutdown", "E": now})
            if connection.route is Route.API:
                notice = b'{"event":' + event + b"}"
            elif connection.combined:
                notice = envelope_head("!serverShutdown") + event + ENVELOPE_TAIL
            else:
                notice = event
            connection.send(TEXT, notice)
            asyncio.get_running_loop().call_later(
                grace, connection.close, _GOING_AWAY, "shutdown", CloseReason.SHUTDOWN
            )

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _is_served(self, connection: Connection, stream: str) -> bool:
        if connection.route is Route.NONE and not self._route_by_class:
            return True
        return is_served(self._market, connection.route, stream)
