"""Candles of every venue that has a local exchange, in every length that it has."""

from __future__ import annotations

import asyncio

import pytest

pytest.importorskip("aiohttp", reason="the simulator needs the `simulator` extra")
pytest.importorskip("fastapi", reason="the gateway needs the `gateway` extra")

from tests.support.gateway import PATIENCE, gateway_of, listen, until
from tickwire.simulator import Simulator
from tickwire.simulator.venues import VenueSimulator


def _simulator(name: str) -> Simulator | VenueSimulator:
    if name == "binance":
        return Simulator(symbols=["BTCUSDT"], rate=100)
    return VenueSimulator(name, symbols=["BTCUSDT"], rate=100)


@pytest.mark.parametrize("name", ["binance", "okx", "bybit", "coinbase", "kraken", "deribit"])
async def test_candles_of_every_length_arrive_as_they_were_asked_for(name: str) -> None:
    async with _simulator(name) as simulator:
        async with gateway_of(None, exchange=name, url=simulator.ws_url) as (gateway, client):
            settings = (await client.get("/api/ws/settings")).json()
            for interval in settings["intervals"]:
                body = {"symbols": ["BTC-USDT"], "stream_type": "kline", "interval": interval}
                answer = await client.post("/api/ws/subscribe", json=body)
                assert answer.status_code == 200, answer.text
            topics = gateway.hub.exchange(None).feed.topics
            assert [key[2] for key in topics] == settings["intervals"]
            refused: set[str] = set()

            def all_came() -> bool:
                refused.update(t.detail for t in topics.values() if "refused" in str(t.stale))
                return all(t.events or t.detail in refused for t in topics.values())

            await until(all_came)
            # The local exchange does not draw all that the codec knows.
            assert len(refused) < len(topics) / 2
            interval = next(t.detail for t in reversed(topics.values()) if t.events)
            async with asyncio.timeout(PATIENCE):
                path = f"klines?symbol=BTC-USDT&interval={interval}"
                async with listen(client, path) as stream:
                    assert (await stream.next()).data["data"]["interval"] == interval


async def test_two_spellings_of_a_length_are_one_stream() -> None:
    async with VenueSimulator("bybit", symbols=["BTCUSDT"], rate=100) as simulator:
        async with gateway_of(None, exchange="bybit", url=simulator.ws_url) as (gateway, client):
            for interval in ("60", "1h", "1H"):
                async with asyncio.timeout(PATIENCE):
                    path = f"klines?symbol=BTC-USDT&interval={interval}"
                    async with listen(client, path) as stream:
                        assert (await stream.next()).data["data"]["interval"] == "1h"
            assert len(gateway.hub.exchange(None).feed.topics) == 1
