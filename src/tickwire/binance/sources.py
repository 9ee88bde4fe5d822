"""Where a socket's messages come from: market streams, or an account."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

from tickwire.binance.connects import connect_limiter
from tickwire.binance.errors import BinanceWebsocketUnableToConnect
from tickwire.binance.shapes import shaper
from tickwire.errors import SubscriptionError
from tickwire.exchanges.binance.codec import BinanceCodec
from tickwire.exchanges.binance.dicts import DictCodec
from tickwire.exchanges.binance.endpoints import LIMITS, ConnectionPlan, plan_connections
from tickwire.manager import WebSocketConnectionError, WebSocketManager
from tickwire.transport import WebSocketError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from tickwire.binance.client import AsyncClient
    from tickwire.exchanges import Stream
    from tickwire.exchanges.binance.names import Market
    from tickwire.exchanges.binance.sockets import Request

    Put = Callable[[Any], Awaitable[None]]

__all__ = ["MAX_RECONNECTS", "MarketSource", "Source"]

MAX_RECONNECTS = 5
"""Attempts to restore a lost connection, each after a longer pause."""

_OPTIONS_STREAMS = 200  # of one connection; vendor's options page, August 2026


class Source(Protocol):
    """One life of a socket. What comes are messages, records of connections, and exceptions that
    do not end it."""

    async def open(self) -> None:
        """Connect and subscribe.

        Raises:
            BinanceWebsocketUnableToConnect: No connection was had.
        """
        ...

    async def run(self, put: Put) -> None:
        """Give what comes to ``put`` until :meth:`close`, or an error that ends it; what comes
        while ``put`` takes an item waits."""
        ...

    async def close(self) -> None:
        """Let go of everything. Idempotent."""
        ...


class MarketSource:
    """Market streams, over as many connections as they need.

    Args:
        client: Its session, its addresses.
        request: Which streams.
        typed: Events instead of dictionaries.
        settings: Of :class:`~tickwire.WebSocketManager`.
    """

    def __init__(
        self,
        client: AsyncClient,
        request: Request,
        *,
        typed: bool,
        settings: Mapping[str, Any],
    ) -> None:
        self._client = client
        self._request = request
        self._typed = typed
        self._settings = settings
        self._managers: list[WebSocketManager] = []

    async def open(self) -> None:
        """See :class:`Source`."""
        self._managers = [self._manager(plan) for plan in await self._plans()]
        try:
            for manager in self._managers:
                await manager.connect()
        except WebSocketError as error:
            await self.close()
            raise _unable(error) from (error.__cause__ or error)
        except BaseException:
            await self.close()
            raise

    async def _plans(self) -> list[ConnectionPlan]:
        request = self._request
        base = self._client.stream_url(request.product)
        if request.path:
            wanted = request.streams
            return [
                ConnectionPlan(f"{base}{request.path}/stream", wanted[at : at + _OPTIONS_STREAMS])
                for at in range(0, len(wanted), _OPTIONS_STREAMS)
            ]
        streams: tuple[Stream, ...] = request.streams
        if request.every_symbol is not None:
            streams = tuple([request.every_symbol(name) for name in await self._symbols()])
        return plan_connections(
            streams,
            market=request.product,
            base_url=base,
            time_unit=self._client.time_unit if request.product == "spot" else "millisecond",
        )

    async def _symbols(self) -> list[str]:
        """The spot symbols that trade. Cost: weight 20."""
        answer = await self._client.request(
            "GET", "spot", "/api/v3/exchangeInfo", {"symbolStatus": "TRADING"}
        )
        return [item["symbol"] for item in answer["symbols"]]

    def _manager(self, plan: ConnectionPlan) -> WebSocketManager:
        market: Market = self._request.product
        settings: dict[str, Any] = {
            "connection_limit": LIMITS[market].connection_seconds,
            "max_reconnect_attempts": MAX_RECONNECTS,
            "connect_limiter": connect_limiter(plan.url, market, self._settings.get("clock")),
            **self._settings,
        }
        typed = self._typed
        return WebSocketManager(
            plan.url,
            codec=lambda: BinanceCodec(market=market) if typed else DictCodec(market),
            subscriptions=plan.streams,
            events=True,
            session=self._client.session,
            **settings,
        )

    async def run(self, put: Put) -> None:
        """See :class:`Source`."""
        shape = shaper(self._request, typed=self._typed)
        readers = [
            asyncio.ensure_future(self._read(manager, shape, put)) for manager in self._managers
        ]
        try:
            await asyncio.gather(*readers)
        finally:
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)

    async def _read(
        self,
        manager: WebSocketManager,
        shape: Callable[[list[Any]], list[Any]],
        put: Put,
    ) -> None:
        while True:
            try:
                items = await manager.recv_batch()
            except SubscriptionError as refusal:
                await put(refusal)
                continue
            except StopAsyncIteration:
                return
            except WebSocketConnectionError as error:
                raise _unable(error) from (error.__cause__ or error)
            for item in shape(items):
                await put(item)

    async def close(self) -> None:
        """See :class:`Source`."""
        await asyncio.gather(*(manager.close() for manager in self._managers))


def _unable(error: WebSocketError) -> BinanceWebsocketUnableToConnect:
    return BinanceWebsocketUnableToConnect(error.message)
