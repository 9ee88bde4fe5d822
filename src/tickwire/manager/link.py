"""One connection of a managed set."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from tickwire.transport import WebSocketError

from .limiter import RollingLimiter
from .reasons import reason_of
from .timing import pause

if TYPE_CHECKING:
    from tickwire.exchanges import Codec, RateLimits
    from tickwire.transport import AsyncWebSocket

    from .decode import Decoder
    from .reasons import DisconnectReason
    from .slot import Slot
    from .timing import Timekeeper
    from .watch import Watch

__all__ = ["Link"]

_log = logging.getLogger("tickwire.manager")
_LONG_WAIT = 10.0
"""Seconds of waiting for a limit that a program should hear of."""


class Link:
    """A connection, what decodes its messages, and what is known of its end.

    Args:
        number: Counted from 1 over the manager's life.
        slot: Which of the connections that are kept at a time it is.
        ws: The socket.
        codec, decoder, watch: Its own ones.
        clock: The manager's time.
        limits: The venue's.

    Attributes:
        turn: Which of the endpoints it goes to.
        planned: Why this program ends it, once it has decided so.
        found: What a look at the clocks found wrong, before the transport did.
        error: What ended it, once it has ended.
        is_down: Whether its end has been noticed. What it had received may still wait.
        is_announced: Whether the stream has said that it delivers.
        opened_ns: Monotonic.
        rotate_at_ns, rotate_for: When it is to be replaced for its age, and as what that counts.
        asked: How many of the program's own waits it is asked by.
        gone: Set when everything that it received has been taken.
        overlap_ns: Since when it has delivered beside the one that it replaces.
        replaces: The connection before it in its slot.
    """

    def __init__(
        self,
        number: int,
        slot: Slot,
        ws: AsyncWebSocket,
        *,
        codec: Codec | None,
        decoder: Decoder,
        watch: Watch | None,
        clock: Timekeeper,
        limits: RateLimits,
    ) -> None:
        self.number = number
        self.slot = slot
        self.turn = slot.turn
        self.ws = ws
        self.codec = codec
        self.decoder = decoder
        self.watch = watch
        self.opened_ns = clock.mono_ns()
        self.rotate_at_ns: int | None = None
        self.rotate_for: DisconnectReason | None = None
        self.planned: DisconnectReason | None = None
        self.found: DisconnectReason | None = None
        self.error: WebSocketError | None = None
        self.is_down = False
        self.is_announced = False
        self.asked = 0
        self.gone = asyncio.Event()
        self.replaces: Link | None = None
        self.overlap_ns: int | None = None
        self.reader: asyncio.Task[None] | None = None
        self.watcher: asyncio.Task[None] | None = None
        self.heart: asyncio.Task[None] | None = None
        self.closer: asyncio.Task[None] | None = None
        self._clock = clock
        self._limiter = RollingLimiter(limits.messages)
        self._uncounted = limits.uncounted

    @property
    def reason(self) -> DisconnectReason:
        """Why it ended: this program's decision, else what was found, or the transport said."""
        return self.planned or self.found or reason_of(self.error)

    @property
    def has_nothing_left(self) -> bool:
        """Whether it is over, everything was taken, and nobody waits to be told so."""
        waits = self.asked > 0 or self.reader is not None
        return self.is_down and not waits and self.ws.recv_queue_length == 0

    async def send(self, frame: str | bytes, *, timeout: float | None = None) -> None:
        """Send one message within the venue's limits.

        Raises:
            WebSocketError: The connection is over.
            WebSocketTimeout: The send queue took nothing for ``timeout`` seconds.
        """
        if not (self._uncounted and _bytes_of(frame).startswith(self._uncounted)):
            await self._wait_turn()
        await self.ws.send(frame, timeout=timeout)

    async def ping(self) -> asyncio.Future[float]:
        """Ping within the venue's limits, which count pings too; gives the future of the answer.

        Raises:
            WebSocketError: The connection is over.
        """
        await self._wait_turn()
        return await self.ws.ping()

    async def _wait_turn(self) -> None:
        wait = self._limiter.take(self._clock.mono_ns())
        if wait >= _LONG_WAIT:
            _log.warning(
                "connection %d: the venue's limit of messages is used up; the next one is sent in "
                "%.0f s",
                self.number,
                wait,
            )
        await pause(self._clock, wait)

    def retire(self, reason: DisconnectReason) -> None:
        """Close it, in the background; what it has received is still delivered. Idempotent."""
        if self.planned is None and not self.is_down:
            self.planned = reason
        if self.closer is None:
            self.closer = asyncio.get_running_loop().create_task(self.ws.close())

    async def stop_reader(self) -> None:
        """End the task that reads for others; a message that it has taken, it has delivered."""
        reader, self.reader = self.reader, None
        if reader is not None:
            reader.cancel()
            await asyncio.wait((reader,))

    async def verdict(self) -> WebSocketError | None:
        """Why the connection is over, without taking a message from it."""
        try:
            await self.ws.ping()
        except WebSocketError as error:
            return error
        return None


def _bytes_of(frame: str | bytes) -> bytes:
    return frame.encode() if isinstance(frame, str) else frame
