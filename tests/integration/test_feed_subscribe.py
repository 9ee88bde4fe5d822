"""A feed that is asked for more while it runs, and for less."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="the simulator needs the `simulator` extra")

import tickwire
from tests.support.venue import Venue
from tickwire.errors import ConfigurationError
from tickwire.exchanges.binance.streams import LIMITS, Limits
from tickwire.manager import ScriptedClock
from tickwire.simulator import Simulator

PATIENCE = 20.0


async def test_who_waits_on_one_connection_gets_what_comes_on_the_second() -> None:
    async with Simulator(rate=0, market="usdm", symbols=["BTCUSDT"]) as simulator:
        feed = tickwire.Feed("binance", market="usdm", quotes=["BTC-USDT"], url=simulator.ws_url)
        async with feed, asyncio.timeout(PATIENCE):
            waiting = asyncio.ensure_future(anext(feed))
            await asyncio.sleep(0)
            # Trades are served on a path of their own; nobody is to hear of quotes any more.
            await feed.subscribe(agg_trades=["BTC-USDT"])
            await feed.unsubscribe(quotes=["BTC-USDT"])
            kinds = set()
            while "agg_trade" not in kinds:
                simulator.generate(5)
                await asyncio.wait((waiting,), timeout=0.01)
                if waiting.done():
                    kinds.add(waiting.result().kind)
                    waiting = asyncio.ensure_future(anext(feed))
            assert feed.stats.connections == 2
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting


async def test_a_stranger_cancelling_is_still_a_cancellation() -> None:
    async with Simulator(rate=0, market="usdm", symbols=["BTCUSDT"]) as simulator:
        feed = tickwire.Feed("binance", market="usdm", quotes=["BTC-USDT"], url=simulator.ws_url)
        async with feed, asyncio.timeout(PATIENCE):
            waiting = asyncio.ensure_future(anext(feed))
            await asyncio.sleep(0)
            subscribing = asyncio.ensure_future(feed.subscribe(agg_trades=["BTC-USDT"]))
            subscribing.add_done_callback(lambda done: waiting.cancel())
            with pytest.raises(asyncio.CancelledError):
                await waiting
            await subscribing


async def test_late_streams_fill_a_connection_and_then_open_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(LIMITS, "spot", Limits(streams_per_connection=4, messages_per_second=5))
    clock = ScriptedClock()
    venue = Venue(clock)
    session: Any = venue
    feed = tickwire.Feed(
        "binance", trades=["A1", "A2", "A3"], session=session, manager={"clock": clock}
    )
    with pytest.raises(ConfigurationError, match="not open"):
        await feed.subscribe(trades=["A4"])
    opening = asyncio.ensure_future(feed.open())
    await clock.advance(2.0)
    await opening
    more = asyncio.ensure_future(feed.subscribe(trades=["a3", "A4", "A5"], quotes=["A1"]))
    await clock.advance(5.0)
    await more
    asked = [
        [name for frame in socket.sent for name in frame["params"]] for socket in venue.sockets
    ]
    assert asked == [
        ["a1@trade", "a2@trade", "a3@trade", "a4@trade"],
        ["a5@trade", "a1@bookTicker"],
    ]
    less = asyncio.ensure_future(feed.unsubscribe(trades=["A2"]))
    await clock.advance(2.0)
    await less
    again = asyncio.ensure_future(feed.subscribe(trades=["A6"]))
    await clock.advance(2.0)
    await again
    assert [frame["method"] for frame in venue.sockets[0].sent[-2:]] == ["UNSUBSCRIBE", "SUBSCRIBE"]
    assert venue.sockets[0].sent[-1]["params"] == ["a6@trade"]
    assert len(venue.sockets) == 2
    with pytest.raises(ConfigurationError, match="not a symbol"):
        await feed.subscribe(trades=["?"])
    await feed.close()


async def test_what_cannot_be_subscribed_changes_nothing() -> None:
    clock = ScriptedClock()
    venue = Venue(clock)
    manager = venue.manager(codec=tickwire.BinanceCodec, subscriptions=["a1@trade"])
    async with manager as ws:
        await clock.advance(1.0)
        too_many = [f"b{number}@trade" for number in range(1024)]
        with pytest.raises(ConfigurationError, match="at most 1024"):
            await ws.subscribe(*too_many)
        assert ws.subscriptions == ["a1@trade"]
        many = asyncio.ensure_future(ws.subscribe(*too_many[:1023], "a1@trade"))
        await clock.advance(3.0)
        await many
        [socket] = venue.sockets
        assert [len(frame["params"]) for frame in socket.sent] == [1, 256, 256, 256, 255]


async def test_microseconds_are_asked_for() -> None:
    clock = ScriptedClock()
    venue = Venue(clock)
    session: Any = venue
    feed = tickwire.Feed(
        "binance",
        trades=["BTC-USDT"],
        options={"time_unit": "microsecond"},
        session=session,
        manager={"clock": clock},
    )
    opening = asyncio.ensure_future(feed.open())
    await clock.advance(1.0)
    await opening
    assert venue.connects[0][1].endswith("/stream?timeUnit=MICROSECOND")
    await feed.close()
    with pytest.raises(ConfigurationError, match="microseconds"):
        tickwire.Feed(
            "binance", trades=["BTC-USDT"], market="usdm", options={"time_unit": "microsecond"}
        )
