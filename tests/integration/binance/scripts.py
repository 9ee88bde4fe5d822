"""A venue of one script, and a manager whose client's streams are its."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import orjson

from tests.support.frames import close, text
from tests.support.server import serving
from tickwire.binance import AsyncClient, BinanceSocketManager

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from tests.support.server import Peer

__all__ = ["DEADLINE", "QUICK", "against", "answered", "left", "trade"]

DEADLINE = 30
QUICK = {"reconnect_delay": 0.01, "reconnect_delay_max": 0.02}


def trade(number: int, name: str = "bnbbtc@trade") -> bytes:
    payload = {"e": "trade", "E": number, "s": "BNBBTC", "t": number, "p": "0.1", "q": "1"}
    payload |= {"T": number, "m": True, "M": True}
    return text(orjson.dumps({"stream": name, "data": payload}).decode())


async def answered(peer: Peer) -> dict[str, Any]:
    """Take a request and answer it."""
    asked: dict[str, Any] = orjson.loads((await peer.message()).payload)
    peer.write(text(orjson.dumps({"result": None, "id": asked["id"]}).decode()))
    return asked


async def left(peer: Peer) -> None:
    """Wait until the client leaves, and let it."""
    with contextlib.suppress(EOFError, ConnectionError):
        await peer.close_frame()
        peer.write(close())


def against(
    script: Any, **options: Any
) -> AbstractAsyncContextManager[tuple[BinanceSocketManager, Any]]:
    """A manager whose client's streams are a scripted server's."""

    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[tuple[BinanceSocketManager, Any]]:
        async with serving(script) as server, asyncio.timeout(DEADLINE):
            client = await AsyncClient.create(ws_url=server.url.rstrip("/"))
            options.setdefault("manager", QUICK)
            try:
                yield BinanceSocketManager(client, **options), server
            finally:
                await client.close_connection()

    return opened()
