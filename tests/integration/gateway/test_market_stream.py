"""The one stream of everything that the page listens to, and what the page is told first."""

from __future__ import annotations

import asyncio

import pytest

pytest.importorskip("aiohttp", reason="the simulator needs the `simulator` extra")
pytest.importorskip("fastapi", reason="the gateway needs the `gateway` extra")

from tests.support.gateway import PATIENCE, gateway_of, listen, until
from tickwire.exchanges.registry import VENUES
from tickwire.simulator import Simulator

EVERYTHING = "market?symbol=btc/usdt&symbols=ETH-USDT&interval=1m&levels=5"


async def test_all_of_a_symbol_and_the_prices_of_others_come_in_order() -> None:
    async with Simulator(rate=500, symbols=["BTCUSDT", "ETHUSDT"]) as simulator:
        async with gateway_of(simulator) as (gateway, client), asyncio.timeout(PATIENCE):
            seen: set[tuple[str, str | None]] = set()
            numbers = []
            async with listen(client, EVERYTHING) as stream:
                wanted = {
                    *(("ticker", symbol) for symbol in ("BTCUSDT", "ETHUSDT")),
                    *((kind, "BTCUSDT") for kind in ("trade", "kline", "book")),
                    ("connected", None),
                }
                while not seen >= wanted:
                    sent = await stream.next()
                    numbers.append(gateway.hub.ids.number(sent.id))
                    seen.add((sent.data["type"], sent.data["data"].get("symbol")))
            assert seen == wanted
            # Those that come first may be older than what is told of the news.
            assert numbers == sorted(numbers, key=lambda number: number or 0)
            await until(lambda: not gateway.hub.listeners)


async def test_who_cannot_send_the_header_says_it_in_the_address() -> None:
    async with Simulator(rate=500, symbols=["BTCUSDT"]) as simulator:
        async with gateway_of(simulator) as (gateway, client), asyncio.timeout(PATIENCE):
            async with listen(client, "market?symbol=BTCUSDT") as stream:
                last = await stream.next()
            async with listen(client, f"market?symbol=BTCUSDT&after={last.id}") as stream:
                first = await stream.next()
            before, after = gateway.hub.ids.number(last.id), gateway.hub.ids.number(first.id)
            assert before
            assert after
            assert after > before
            async with listen(client, "market?symbol=BTCUSDT&after=other-1") as stream:
                assert (await stream.next("reset")).data["last_event_id"] == "other-1"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("symbol=BTC%2BUSDT", 422),
        ("symbol=BTCUSDT&levels=7", 422),
        ("symbol=BTCUSDT&exchange=nowhere", 404),
        ("symbols=BTCUSDT", 422),
    ],
    ids=["symbol", "levels", "exchange", "none"],
)
async def test_what_is_refused_leaves_no_stream_behind(query: str, status: int) -> None:
    async with Simulator(rate=0) as simulator:
        async with gateway_of(simulator, linger=0) as (gateway, client):
            answer = await client.get(f"/api/ws/sse/market?{query}", timeout=PATIENCE)
            assert answer.status_code == status
            assert answer.headers["content-type"] == "application/problem+json"
            assert list(gateway.hub.exchange(None).topics()) == []


async def test_settings_are_in_the_exchanges_spelling() -> None:
    async with Simulator(rate=0) as simulator:
        async with gateway_of(simulator, symbols=("BTC-USDT", "ETH-USDT")) as (_, client):
            settings = (await client.get("/api/ws/settings")).json()
            assert {"1m", "1h", "1d"} <= set(settings.pop("intervals"))
            assert settings == {
                "exchange": "binance",
                "exchanges": list(VENUES),
                "symbols": ["BTCUSDT", "ETHUSDT"],
                "substitute": True,
            }
            asked = await client.get("/api/ws/settings?symbols=sol/usdt,SOL-USDT,BTCUSDT")
            assert asked.json()["symbols"] == ["SOLUSDT", "BTCUSDT"]
            refused = await client.get("/api/ws/settings?symbols=a%2Bb")
            assert "write it like BTC-USDT" in refused.json()["detail"]
