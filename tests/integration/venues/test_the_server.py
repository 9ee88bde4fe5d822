"""The server of the local exchanges: its life, its notices, and whom it cuts off."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="the server needs the `simulator` extra")

import tickwire
from tickwire.errors import ConfigurationError
from tickwire.simulator.venues import VenueSimulator

PATIENCE = 30.0


async def test_a_notice_changes_connections_and_loses_nothing() -> None:
    async with VenueSimulator("okx", symbols=["BTCUSDT"], rate=0) as venue:
        manager = {"overlap": 0.05}
        async with tickwire.Books("okx", ["BTC-USDT"], url=venue.ws_url, manager=manager) as books:
            await books.wait_live(timeout=PATIENCE)
            venue.announce()
            async with asyncio.timeout(PATIENCE):
                await venue.until(lambda: venue.stats.connections == 2)
                changes = books.changes()
                while books.stats.rotations < 1 or books.stats.connections != 1:
                    venue.generate(5)
                    await anext(changes)
            assert books["BTC-USDT"].is_live
            assert books.stats.losses == 0


@pytest.mark.parametrize(
    ("exchange", "settings"),
    [("okx", {"idle_ms": 1}), ("kraken", {"idle_ms": 1}), ("coinbase", {"first_ms": 1})],
)
async def test_the_silent_are_cut_off(exchange: str, settings: dict[str, Any]) -> None:
    async with VenueSimulator(exchange, rate=0, settings=settings) as venue:
        async with tickwire.AsyncSession() as session:
            url = venue.ws_url + venue.dialect.paths[0]
            async with asyncio.timeout(PATIENCE):
                async with session.ws_connect(url) as socket:
                    with pytest.raises(tickwire.WebSocketClosed):
                        while True:
                            await socket.recv()


async def test_its_life() -> None:
    venue = VenueSimulator("bybit", symbols=["ETHUSDT"])
    with pytest.raises(RuntimeError, match="not been started"):
        _ = venue.port
    async with venue:
        assert venue.http_url.endswith(f":{venue.port}")
        with pytest.raises(RuntimeError, match="before"):
            await venue.start()
    await venue.stop()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"exchange": "moon"}, "does not speak 'moon'"),
        ({"exchange": "okx", "symbols": ["NONE"]}, "no built-in symbol 'NONE'"),
        ({"exchange": "okx", "rate": float("inf")}, "rate must be"),
    ],
)
def test_what_it_cannot_be(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        VenueSimulator(**settings)
