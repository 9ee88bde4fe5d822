"""An account's events as a source of a socket's messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from tickwire.binance.errors import BinanceWebsocketUnableToConnect, ReadLoopClosed
from tickwire.binance.user_data import UserData
from tickwire.transport import WebSocketError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tickwire.binance.client import AsyncClient
    from tickwire.exchanges.binance.sockets import Request

__all__ = ["AccountSource"]


class AccountSource:
    """The events of an account, by whichever way its endpoint offers. See
    :class:`~tickwire.binance.sources.Source`.

    Args:
        client: With the account's keys.
        request: Which account.
        typed: Events instead of dictionaries.
        keepalive: Seconds between two signs of life of a listenKey, where there is one.
    """

    def __init__(
        self, client: AsyncClient, request: Request, *, typed: bool, keepalive: float
    ) -> None:
        self._client = client
        self._request = request
        self._typed = typed
        self._keepalive = keepalive
        self._data: UserData | None = None

    async def open(self) -> None:
        """Subscribe to the account's events.

        Raises:
            BinanceWebsocketUnableToConnect: No connection was had. Retry: after a pause.
            BinanceAPIException: The venue refused it: keys, rights, limits.
            ConfigurationError: The client has no keys.
        """
        request = self._request
        assert request.account is not None
        self._data = UserData(
            self._client,
            request.account,
            request.symbol,
            keepalive_every=self._keepalive,
            records=True,
        )
        try:
            await self._data.open()
        except WebSocketError as error:
            await self.close()
            raise BinanceWebsocketUnableToConnect(error.message) from error
        except BaseException:
            await self.close()
            raise

    async def run(self, put: Callable[[Any], Awaitable[None]]) -> None:
        """See :class:`~tickwire.binance.sources.Source`."""
        data = self._data
        assert data is not None
        while True:
            try:
                item = await data.recv_with_news(typed=self._typed)
            except ReadLoopClosed:
                return
            await put(orjson.loads(item) if isinstance(item, bytes) else item)

    async def close(self) -> None:
        """Let go of everything. Idempotent."""
        if self._data is not None:
            await self._data.close()
