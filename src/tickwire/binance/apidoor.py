"""How connections to a WebSocket API come about: one attempt at a time, and watched from then on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tickwire.transport import AsyncSession, AsyncWebSocket

__all__ = ["ApiDoor"]

_LARGEST_ANSWER = 64 * 1024 * 1024  # exchangeInfo of all symbols has 15 MB
PING_SECONDS, PING_TIMEOUT_SECONDS = 30.0, 10.0
"""A line that died without a word is found by its silence, as the manager finds it."""


class ApiDoor:
    """The way in to one address.

    Args:
        url: The address.
        query: What follows it.
        session: Gives the session that connects.
    """

    def __init__(self, url: str, query: str, session: Callable[[], AsyncSession]) -> None:
        self.url = url
        self._query = query
        self._session = session

    async def connect(self) -> AsyncWebSocket:
        """One attempt.

        Raises:
            WebSocketError: It failed.
            BinanceWebsocketClosed: The client is closed.
        """
        return await self._session().ws_connect(
            self.url + self._query,
            allow_redirects=False,
            max_message_size=_LARGEST_ANSWER,
            ping_interval=PING_SECONDS,
            ping_timeout=PING_TIMEOUT_SECONDS,
        )
