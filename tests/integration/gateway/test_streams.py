"""The gateway's streams against the simulator."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="the simulator needs the `simulator` extra")
pytest.importorskip("fastapi", reason="the gateway needs the `gateway` extra")

from tests.support.gateway import PATIENCE, gateway_of, listen, until
from tickwire.gateway import GatewayLimits
from tickwire.simulator import Simulator

TICKER = {
    "type": str,
    "symbol": str,
    "price": float,
    "open": float,
    "high": float,
    "low": float,
    "volume": float,
    "quote_volume": float,
    "price_change": float,
    "price_change_percent": float,
    "timestamp": int,
}
KLINE = {
    "type": str,
    "symbol": str,
    "interval": str,
    "timestamp": int,
    "open": float,
    "high": float,
    "low": float,
    "close": float,
    "volume": float,
    "is_closed": bool,
    "trades": int,
    "quote_volume": float,
}
TRADE = {
    "type": str,
    "symbol": str,
    "trade_id": int,
    "price": float,
    "quantity": float,
    "timestamp": int,
    "is_buyer_maker": bool,
}


@pytest.mark.parametrize(
    ("path", "kind", "keys"),
    [
        ("prices?symbols=BTCUSDT,ETHUSDT", "ticker", TICKER),
        ("klines?symbol=BTCUSDT&interval=1m", "kline", KLINE),
        ("trades?symbol=BTCUSDT", "trade", TRADE),
    ],
    ids=["prices", "klines", "trades"],
)
async def test_payloads_are_those_of_the_page(path: str, kind: str, keys: dict[str, type]) -> None:
    async with Simulator(rate=500, symbols=["BTCUSDT", "ETHUSDT"]) as simulator:
        async with gateway_of(simulator) as (_, client), asyncio.timeout(PATIENCE):
            async with listen(client, path) as stream:
                sent = await stream.next()
    assert list(sent.data) == ["type", "data", "timestamp"]
    assert sent.data["type"] == kind
    assert {key: type(value) for key, value in sent.data["data"].items()} == keys
    assert list(sent.data["data"]) == list(keys)
    assert sent.data["data"]["type"] == kind
    assert sent.data["data"]["symbol"] in ("BTCUSDT", "ETHUSDT")
    assert sent.id
    assert stream.response.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize("path", ["prices?symbols=BTCUSDT", "trades?symbol=BTCUSDT", "events"])
async def test_a_listener_hears_that_the_line_is_alive(path: str) -> None:
    async with Simulator(rate=0, symbols=["BTCUSDT"]) as simulator:
        async with gateway_of(simulator, heartbeat=0.1) as (_, client):
            async with asyncio.timeout(PATIENCE), listen(client, path) as stream:
                assert (await stream._next()).event == "heartbeat"
                for _ in range(2):
                    assert (await stream.next("heartbeat")).data == {"seconds": 0.1}


async def test_both_symbols_of_a_price_stream_come() -> None:
    async with Simulator(rate=500, symbols=["BTCUSDT", "ETHUSDT"]) as simulator:
        async with gateway_of(simulator) as (_, client), asyncio.timeout(PATIENCE):
            async with listen(client, "prices?symbols=btc-usdt, ETH/USDT ,BTCUSDT") as stream:
                seen: set[str] = set()
                while seen != {"BTCUSDT", "ETHUSDT"}:
                    seen.add((await stream.next()).data["data"]["symbol"])


async def _trades(stream: Any, simulator: Simulator, count: int) -> list[Any]:
    """``count`` trades, the market moved until they are there."""
    found: list[Any] = []
    waiting = asyncio.ensure_future(stream.next())
    while len(found) < count:
        simulator.generate(5)
        await asyncio.wait((waiting,), timeout=0.01)
        if waiting.done():
            found.append(waiting.result())
            if len(found) < count:
                waiting = asyncio.ensure_future(stream.next())
    return found


async def test_a_listener_that_comes_back_gets_what_it_missed() -> None:
    async with Simulator(rate=0, symbols=["BTCUSDT"]) as simulator:
        async with gateway_of(simulator) as (gateway, client), asyncio.timeout(PATIENCE):
            async with listen(client, "trades?symbol=BTCUSDT") as stream:
                first = await _trades(stream, simulator, 3)
            last = first[-1].id
            topic = gateway.hub.exchange(None).feed.topics["trade", "BTCUSDT", ""]
            await until(lambda: not topic.listeners)
            before = topic.events
            simulator.generate(100)
            await until(lambda: topic.events > before + 5)
            async with listen(client, "trades?symbol=BTCUSDT", Last_Event_ID=last) as stream:
                more = await _trades(stream, simulator, 5)
    numbers = [sent.data["data"]["trade_id"] for sent in (*first, *more)]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


async def test_what_is_out_of_reach_is_said() -> None:
    async with Simulator(rate=0, symbols=["BTCUSDT"]) as simulator:
        limits = GatewayLimits(history=4)
        async with gateway_of(simulator, limits=limits) as (gateway, client):
            async with asyncio.timeout(PATIENCE):
                async with listen(client, "trades?symbol=BTCUSDT") as stream:
                    first = await _trades(stream, simulator, 1)
                    topic = gateway.hub.exchange(None).feed.topics["trade", "BTCUSDT", ""]
                    simulator.generate(200)
                    await until(lambda: topic.events > 20)
                for last in (first[0].id, "another-life-1", "rubbish", "-", f"{first[0].id}9999"):
                    async with listen(
                        client, "trades?symbol=BTCUSDT", Last_Event_ID=last
                    ) as stream:
                        told = await stream.next("reset")
                        assert told.data["last_event_id"] == last
                # And from within reach it is not said: what comes first is a message.
                newest = topic.latest
                assert newest is not None
                event_id = gateway.hub.ids.text(newest.number - 1).decode()
                async with listen(
                    client, "trades?symbol=BTCUSDT", Last_Event_ID=event_id
                ) as stream:
                    assert (await stream.next("status")).data["live"]
                    following = await stream._next()
                    assert following.event == "message"
                    assert following.id == gateway.hub.ids.text(newest.number).decode()


async def test_one_subscription_for_all_and_none_for_nobody() -> None:
    async with Simulator(rate=0, symbols=["BTCUSDT"]) as simulator:
        async with gateway_of(simulator, linger=0.0) as (gateway, client):
            feed = gateway.hub.exchange(None).feed
            async with asyncio.timeout(PATIENCE):
                async with listen(client, "trades?symbol=BTCUSDT") as one:
                    async with listen(client, "trades?symbol=BTC-USDT") as two:
                        same = await asyncio.gather(
                            _trades(one, simulator, 2), _trades(two, simulator, 2)
                        )
                        assert same[0][0].data == same[1][0].data
                        assert list(feed.topics) == [("trade", "BTCUSDT", "")]
                        assert feed.connections == 1
                    topic = feed.topics["trade", "BTCUSDT", ""]
                    await until(lambda: len(topic.listeners) == 1)
                    assert await _trades(one, simulator, 2)
                await until(lambda: not feed.topics and not feed.connections)
                await until(lambda: simulator.stats.connections_open == 0)
            assert not gateway.hub.listeners


async def test_a_book_is_the_simulators() -> None:
    async with Simulator(rate=0, symbols=["BTCUSDT"]) as simulator:
        async with gateway_of(simulator) as (_, client), asyncio.timeout(PATIENCE):
            async with listen(client, "books?symbol=BTCUSDT&levels=5") as stream:
                waiting = asyncio.ensure_future(stream.next())
                data: dict[str, Any] = {"live": False}
                while not data["live"]:
                    simulator.generate(5)
                    await asyncio.wait((waiting,), timeout=0.01)
                    if waiting.done():
                        data = waiting.result().data["data"]
                        waiting = asyncio.ensure_future(stream.next())
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)
    assert data["type"] == "book"
    assert data["symbol"] == "BTCUSDT"
    assert data["reason"] is None
    assert len(data["bids"]) == len(data["asks"]) == 5
    prices = [price for price, _ in data["bids"][::-1] + data["asks"]]
    assert prices == sorted(prices)


async def test_a_loss_is_news_and_the_streams_say_so() -> None:
    async with Simulator(rate=200, symbols=["BTCUSDT"]) as simulator:
        async with gateway_of(simulator) as (_, client), asyncio.timeout(PATIENCE):
            async with listen(client, "trades?symbol=BTCUSDT") as trades:
                await trades.next()
                async with listen(client, "events") as events:
                    assert (await events.next()).data["type"] == "connected"
                    simulator.cut_connections()
                    kinds = []
                    while "reconnected" not in kinds:
                        kinds.append((await events.next()).data["type"])
                    assert kinds[0] == "disconnected"
                while (await trades.next("status")).data["live"]:
                    pass
                assert (await trades.next("status")).data["live"]
                assert (await trades.next()).data["type"] == "trade"
            status = (await client.get("/api/ws/status")).json()
            assert status["reconnects"] >= 1
            assert status["rotations"] == 0


async def test_a_rotation_is_news_and_loses_nothing() -> None:
    async with Simulator(rate=200, symbols=["BTCUSDT"]) as simulator:
        async with gateway_of(simulator) as (_, client), asyncio.timeout(PATIENCE):
            async with listen(client, "trades?symbol=BTCUSDT") as trades:
                first = await trades.next()
                async with listen(client, "events") as events:
                    simulator.announce_shutdown()
                    while (await events.next()).data["type"] != "rotated":
                        pass
                numbers = [first.data["data"]["trade_id"]]
                after = numbers[0] + 50
                while numbers[-1] < after:
                    numbers.append((await trades.next()).data["data"]["trade_id"])
            assert numbers == list(range(numbers[0], numbers[-1] + 1))
            assert (await client.get("/api/ws/status")).json()["rotations"] >= 1


async def test_a_gateway_that_ends_ends_its_streams() -> None:
    async with Simulator(rate=200, symbols=["BTCUSDT"]) as simulator:
        async with asyncio.timeout(PATIENCE):
            async with gateway_of(simulator) as (gateway, client):
                async with listen(client, "trades?symbol=BTCUSDT") as stream:
                    await stream.next()
                    gateway.hub.close_listeners()
                    with pytest.raises(EOFError):
                        while True:
                            await stream.next()
