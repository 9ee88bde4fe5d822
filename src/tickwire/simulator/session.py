"""One client's side of the talk: its messages, and whether it still answers pings."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from aiohttp import WSMsgType

from tickwire.clock import mono, wall_ns
from tickwire.simulator.control import respond
from tickwire.simulator.hub import PING, PONG, TEXT, CloseReason

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web

    from tickwire.simulator.hub import Connection, Hub
    from tickwire.simulator.options import Market

__all__ = ["Session", "stream_talk"]

_POLICY_VIOLATION = 1008
_NORMAL_CLOSURE = 1000
_GOING_AWAY = 1001


class Session:
    """Serves one connection until it ends.

    Args:
        hub: Where the connection is registered.
        connection: The connection.
        talk: Answers a message of the client.
        messages_per_second: What the client may send, pings and pongs included; None: anything.
    """

    def __init__(
        self,
        hub: Hub,
        connection: Connection,
        talk: Callable[[str], None],
        messages_per_second: int | None,
    ) -> None:
        self._hub = hub
        self._connection = connection
        self._talk = talk
        self._is_limited = messages_per_second is not None
        self._arrivals: deque[float] = deque(maxlen=messages_per_second or 1)
        # Payloads of unanswered pings and the timers that end the connection, oldest first.
        self._unanswered: dict[bytes, asyncio.TimerHandle] = {}
        self._last_ping = 0
        self._next_ping: asyncio.TimerHandle | None = None

    async def serve(self, socket: web.WebSocketResponse) -> None:
        """Answer the client until either side ends the connection."""
        self._schedule_ping()
        loop = asyncio.get_running_loop()
        end = loop.call_later(self._hub.limits.connection_seconds, self._outlive)
        try:
            while True:
                message = await socket.receive()
                if message.type in (WSMsgType.CLOSED, WSMsgType.ERROR):
                    return
                if message.type is WSMsgType.CLOSE:
                    await self._finish(socket, message.data)
                    return
                if self._is_flooding():
                    self._end("Too many requests", CloseReason.TOO_MANY_MESSAGES)
                elif message.type is WSMsgType.PONG:
                    self._answered(bytes(message.data))
                elif message.type is WSMsgType.PING:
                    self._connection.send(PONG, bytes(message.data))
                elif message.type is WSMsgType.BINARY:
                    self._talk(message.data.decode("utf-8", "replace"))
                else:
                    self._talk(message.data)
        finally:
            end.cancel()
            if self._next_ping is not None:
                self._next_ping.cancel()
            for timer in self._unanswered.values():
                timer.cancel()

    async def _finish(self, socket: web.WebSocketResponse, code: int) -> None:
        """The client's close frame: an answer to ours, or a request that wants the same back."""
        if self._connection.reason is None:
            await socket.close(code=code or _NORMAL_CLOSURE, drain=False)
        else:
            self._connection.transport.close()

    def _is_flooding(self) -> bool:
        """Whether this message is one too many within a second. Pings and pongs count."""
        self._hub.stats.messages_received += 1
        now, arrivals = mono(), self._arrivals
        flooding = self._is_limited and len(arrivals) == arrivals.maxlen and now - arrivals[0] < 1.0
        arrivals.append(now)
        return flooding

    def _end(self, text: str, reason: CloseReason) -> None:
        self._connection.close(_POLICY_VIOLATION, text, reason)

    def _outlive(self) -> None:
        self._connection.close(_GOING_AWAY, "connection lifetime", CloseReason.LIFETIME)

    def _schedule_ping(self) -> None:
        loop = asyncio.get_running_loop()
        self._next_ping = loop.call_later(self._hub.limits.ping_interval, self._ping)

    def _ping(self) -> None:
        # The payload is the time in ms, as the venue's is; never the same one twice.
        self._last_ping = max(wall_ns() // 1_000_000, self._last_ping + 1)
        payload = b"%d" % self._last_ping
        self._connection.send(PING, payload)
        self._hub.stats.pings_sent += 1
        loop = asyncio.get_running_loop()
        self._unanswered[payload] = loop.call_later(
            self._hub.limits.pong_timeout, self._end, "Pong timeout", CloseReason.NO_PONG
        )
        self._schedule_ping()

    def _answered(self, payload: bytes) -> None:
        """A pong stands for its ping and the ones before it. An unsolicited one changes nothing."""
        self._hub.stats.pongs_received += 1
        if payload not in self._unanswered:
            return
        for ping in tuple(self._unanswered):
            self._unanswered.pop(ping).cancel()
            if ping == payload:
                return


def stream_talk(hub: Hub, connection: Connection, market: Market, text: str) -> None:
    """Answer a control request on a connection of streams."""
    outcome = respond(
        text,
        market=market,
        subscribed=connection.streams,
        combined=connection.combined,
        max_streams=hub.limits.streams,
    )
    connection.send(TEXT, outcome.reply)
    hub.subscribe(connection, outcome.subscribe)
    hub.unsubscribe(connection, outcome.unsubscribe)
    if outcome.combined is not None:
        hub.set_combined(connection, outcome.combined)
