"""python-binance's asyncio manager of sockets, on tickwire's connections."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from tickwire.binance._socket_methods import SocketMethods
from tickwire.binance.accounts import AccountSource
from tickwire.binance.enums import WEBSOCKET_DEPTH_5, WEBSOCKET_DEPTH_10, WEBSOCKET_DEPTH_20
from tickwire.binance.sockets import KeepAliveWebsocket, ReconnectingWebsocket
from tickwire.binance.sources import MarketSource
from tickwire.errors import ConfigurationError
from tickwire.exchanges.binance.sockets import SOCKETS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tickwire.binance.client import AsyncClient
    from tickwire.binance.sources import Source
    from tickwire.exchanges.binance.sockets import Request

__all__ = ["KEEPALIVE_TIMEOUT", "BinanceSocketManager"]

KEEPALIVE_TIMEOUT = 5 * 60
"""Seconds between two signs of life of a listenKey."""

_log = logging.getLogger("tickwire.binance")


class BinanceSocketManager(SocketMethods):
    """Makes sockets; each method of this class makes one, and the same one until it is closed
    or has failed.

    ::

        client = await AsyncClient.create()
        bm = BinanceSocketManager(client)
        async with bm.trade_socket("BNBBTC") as stream:
            print(await stream.recv())
        await client.close_connection()

    Args:
        client: Its addresses, its session and, for accounts, its keys.
        user_timeout: Seconds between two signs of life of a listenKey, where there is one; ``None``
            is python-binance's own five minutes.
        max_queue_size: Messages that may wait for the reader of a socket. One that stays full ends
            its socket, with ``BinanceWebsocketQueueOverflow``.
        verbose: Whether to log what sockets do.
        typed: Whether sockets give tickwire's events instead of dictionaries. Each method takes it
            as well.
        manager: Settings of the :class:`~tickwire.WebSocketManager` of each connection.

    Raises:
        ConfigurationError: A value is out of range. Retry: no.
    """

    WEBSOCKET_DEPTH_5 = WEBSOCKET_DEPTH_5
    WEBSOCKET_DEPTH_10 = WEBSOCKET_DEPTH_10
    WEBSOCKET_DEPTH_20 = WEBSOCKET_DEPTH_20

    def __init__(
        self,
        client: AsyncClient,
        user_timeout: float | None = None,
        max_queue_size: int = 100,
        verbose: bool = False,
        *,
        typed: bool = False,
        manager: Mapping[str, Any] | None = None,
    ) -> None:
        if user_timeout is None:
            user_timeout = KEEPALIVE_TIMEOUT
        if isinstance(user_timeout, bool) or not user_timeout > 0:
            raise ConfigurationError(f"user_timeout is a number of seconds, not {user_timeout!r}")
        if verbose:
            _log.setLevel(logging.DEBUG)
        self._client = client
        self._user_timeout = user_timeout
        self._max_queue_size = max_queue_size
        self._typed = typed
        self._settings = dict(manager or {})
        self._sockets: dict[tuple[str, bool], ReconnectingWebsocket] = {}

    def socket(
        self, method: str, typed: bool | None, values: dict[str, Any]
    ) -> ReconnectingWebsocket:
        """The socket of a row of the table of sockets; the methods call this.

        Args:
            method: The row's name, such as ``"trade_socket"``.
            typed: Whether it gives events; ``None``: as the manager was told.
            values: Of the row's parameters, by name.
        """
        request = SOCKETS[method].request(**values)
        is_typed = self._typed if typed is None else typed
        if is_typed and request.path:
            raise ConfigurationError("options have no typed events: leave typed= out")
        key = (request.name, is_typed)
        found = self._sockets.get(key)
        if found is None or found.has_failed:
            found = self._sockets[key] = self._make(request, key)
        return found

    def _make(self, request: Request, key: tuple[str, bool]) -> ReconnectingWebsocket:
        name, typed = key

        def source() -> Source:
            if request.account is not None:
                return AccountSource(
                    self._client, request, typed=typed, keepalive=self._user_timeout
                )
            return MarketSource(
                self._client,
                request,
                typed=typed,
                settings=self._settings,
            )

        def closed() -> None:
            if self._sockets.get(key) is made:  # else another one has its place
                del self._sockets[key]

        kind = ReconnectingWebsocket if request.account is None else KeepAliveWebsocket
        made = kind(
            source,
            name=name,
            max_queue_size=self._max_queue_size,
            typed=typed,
            on_close=closed,
        )
        return made
