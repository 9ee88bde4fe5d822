"""The callback client against the simulator: sockets, hand-overs and losses that are real."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="the simulator needs the `simulator` extra")

from tickwire.binance import BinanceWebSocket
from tickwire.simulator import Faults, Simulator

PATIENCE = 45.0


async def until(ready: asyncio.Event) -> None:
    async with asyncio.timeout(PATIENCE):
        await ready.wait()


async def test_every_trade_once_across_hand_overs() -> None:
    told: list[str] = []
    ids: list[int] = []
    enough = asyncio.Event()
    async with Simulator(rate=1000, symbols=["BTCUSDT"], seed=3) as sim:
        ws = BinanceWebSocket(url=sim.ws_url, rotate_every=0.4, overlap=0.1)
        ws.on_connect(lambda: told.append("connect"))
        ws.on_disconnect(lambda: told.append("disconnect"))
        ws.on_error(lambda error: told.append(repr(error)))

        async def keep(data: dict[str, Any]) -> None:
            ids.append(data["trade_id"])
            if ws.status["rotations"] >= 4:
                enough.set()

        await ws.subscribe_trade("BTCUSDT", keep)
        await ws.connect()
        await until(enough)
        assert told == ["connect"]
        await ws.disconnect()
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    assert told == ["connect", "disconnect"]


async def test_a_venue_that_cuts_connections() -> None:
    """They come back, with their streams."""
    connects = 0
    enough = asyncio.Event()
    async with Simulator(rate=500, seed=3, faults=Faults(drop_after_frames=20)) as sim:
        ws = BinanceWebSocket(url=sim.ws_url, reconnect_delay=0.05, max_reconnect_attempts=0)

        @ws.on_connect
        def connected() -> None:
            nonlocal connects
            connects += 1

        def keep(data: dict[str, Any]) -> None:
            if connects >= 3:
                enough.set()

        await ws.subscribe_book_ticker(["BTCUSDT", "ETHUSDT"], keep)
        await ws.connect()
        await until(enough)
        assert ws.status["reconnects"] >= 2
        await ws.disconnect()


@pytest.mark.parametrize("market", ["spot", "usdm"])
async def test_every_type(market: Any) -> None:
    seen: set[str] = set()
    enough = asyncio.Event()
    async with Simulator(rate=500, market=market, seed=3) as sim:
        async with BinanceWebSocket(url=sim.ws_url, market=market) as ws:

            def keep(data: dict[str, Any]) -> None:
                assert data["symbol"] == "BTCUSDT"
                assert data["timestamp"] > 1_600_000_000_000
                seen.add(data["type"])
                if len(seen) == 5:
                    enough.set()

            await ws.subscribe_ticker("BTC-USDT", keep)
            await ws.subscribe_ticker("BTC-USDT", keep, mini=True)
            await ws.subscribe_kline("BTC-USDT", "1m", keep)
            await ws.subscribe_trade("BTC-USDT", keep, aggregate=True)
            await ws.subscribe_book_ticker("BTC-USDT", keep)
            await until(enough)
    assert seen == {"ticker", "mini_ticker", "kline", "agg_trade", "book_ticker"}
