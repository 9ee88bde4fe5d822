"""How connections to a WebSocket API come about: paced, and watched from then on.

Every attempt waits for two things: the venue's limit of connects, which the whole process shares,
and the pause after what failed last. A connection that is accepted and soon dropped is a failure
like one that is refused; only one that has held for a while lets the pauses begin anew.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING

from tickwire.clock import mono_ns
from tickwire.manager import ReconnectStrategy
from tickwire.manager.backoff import Backoff
from tickwire.transport import WebSocketError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tickwire.manager import RollingLimiter
    from tickwire.transport import AsyncSession, AsyncWebSocket

__all__ = ["ApiDoor", "api_backoff"]

_LARGEST_ANSWER = 64 * 1024 * 1024  # exchangeInfo of all symbols has 15 MB
PING_SECONDS, PING_TIMEOUT_SECONDS = 30.0, 10.0
"""A line that died without a word is found by its silence, as the manager finds it."""
_FIRST_DELAY, _LONGEST_DELAY = 0.5, 30.0
STABLE_SECONDS = 30.0
"""A connection that has held for so long was a success."""


def api_backoff() -> Backoff:
    """Pauses between attempts of one thing."""
    return Backoff(
        ReconnectStrategy.EXPONENTIAL_BACKOFF,
        delay=_FIRST_DELAY,
        delay_max=_LONGEST_DELAY,
        stable=STABLE_SECONDS,
        random=Random(),
    )


class ApiDoor:
    """The way in to one address.

    Args:
        url: The address.
        query: What follows it.
        session: Gives the session that connects.
        limiter: Of connects to that host.
    """

    def __init__(
        self,
        url: str,
        query: str,
        session: Callable[[], AsyncSession],
        limiter: RollingLimiter,
    ) -> None:
        self.url = url
        self._query = query
        self._session = session
        self._limiter = limiter
        self._backoff = api_backoff()
        self._not_before = 0.0

    async def turn(self) -> None:
        """Wait until another attempt may be made."""
        await asyncio.sleep(max(0.0, self._not_before - asyncio.get_running_loop().time()))
        await asyncio.sleep(self._limiter.take(mono_ns()))

    async def connect(self) -> AsyncWebSocket:
        """One attempt, after :meth:`turn`.

        Raises:
            WebSocketError: It failed.
            BinanceWebsocketClosed: The client is closed.
        """
        try:
            return await self._session().ws_connect(
                self.url + self._query,
                allow_redirects=False,
                max_message_size=_LARGEST_ANSWER,
                ping_interval=PING_SECONDS,
                ping_timeout=PING_TIMEOUT_SECONDS,
            )
        except WebSocketError:
            self._hold_off()
            raise

    def lost(self, seconds: float) -> None:
        """Take in that the venue took back a connection that was up for so long."""
        self._backoff.held(seconds)
        if seconds < self._backoff.stable:
            self._hold_off()

    def _hold_off(self) -> None:
        pause = self._backoff.next_delay()
        self._not_before = asyncio.get_running_loop().time() + pause
