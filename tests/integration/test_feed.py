"""The feed's life: several connections, closing, refusals, what it does not accept."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="the simulator needs the `simulator` extra")

import tickwire
from tickwire.errors import ConfigurationError
from tickwire.simulator import CloseReason, Faults, Simulator

TWO_CONNECTIONS: dict[str, Any] = {
    "market": "usdm",
    "trades": ["BTC-USDT"],
    "quotes": ["BTC-USDT"],
    "books": ["BTC-USDT"],
}


@pytest.mark.parametrize("market", ["spot", "usdm"])
async def test_closing_wakes_who_waits(market: str) -> None:
    async with Simulator(rate=0, market=market) as simulator:
        options = TWO_CONNECTIONS | {"market": market}
        async with tickwire.Feed("binance", url=simulator.ws_url, **options) as feed:
            waiting = asyncio.ensure_future(anext(feed))
            await asyncio.sleep(0)
            async with asyncio.timeout(5):
                await feed.close()
                with pytest.raises(StopAsyncIteration):
                    await waiting
                with pytest.raises(StopAsyncIteration):
                    await anext(feed)


@pytest.mark.parametrize("market", ["spot", "usdm"])
async def test_when_the_venue_is_gone_every_call_says_so(market: str) -> None:
    options = TWO_CONNECTIONS | {"market": market}
    async with Simulator(rate=200, market=market) as simulator:
        feed = tickwire.Feed("binance", url=simulator.ws_url, reconnect=False, **options)
        await feed.open()
        await anext(feed)
    ends = 0
    async with asyncio.timeout(10):
        while ends < 4:
            try:
                await anext(feed)
            except tickwire.WebSocketError:
                ends += 1
    await feed.close()


async def test_events_of_both_connections_and_a_count_of_what_waits() -> None:
    async with Simulator(rate=500, market="usdm") as simulator:
        async with tickwire.Feed("binance", url=simulator.ws_url, **TWO_CONNECTIONS) as feed:
            kinds = set()
            async with asyncio.timeout(10):
                async for event in feed:
                    kinds.add(type(event).__mro__[1])
                    if {tickwire.AggTrade, tickwire.Quote, tickwire.BookDelta} <= kinds:
                        break
            assert feed.stats.connections >= 2
            assert feed.queued >= 0
            assert feed.stats.gaps == 0


async def test_a_gap_is_told_before_the_delta_that_shows_it() -> None:
    async with Simulator(rate=500, faults=Faults(skip_depth_every=5)) as simulator:
        async with tickwire.Feed("binance", books=["BTC-USDT"], url=simulator.ws_url) as feed:
            last: tickwire.BookDelta | None = None
            gap: tickwire.Gap | None = None
            async with asyncio.timeout(10):
                async for event in feed:
                    if isinstance(event, tickwire.Gap):
                        gap = event
                    elif isinstance(event, tickwire.BookDelta):
                        if gap is not None:
                            break
                        last = event
    assert last is not None
    assert gap is not None
    assert isinstance(event, tickwire.BookDelta)
    assert (gap.last_sequence, gap.first_sequence) == (last.sequence, event.first_sequence)


async def test_a_feed_is_opened_once() -> None:
    async with Simulator(rate=0) as simulator:
        feed = tickwire.Feed("binance", trades=["BTC-USDT"], url=simulator.ws_url)
        async with feed:
            with pytest.raises(ConfigurationError):
                await feed.open()
        with pytest.raises(ConfigurationError):
            await feed.open()


@pytest.mark.parametrize(
    ("exchange", "options"),
    [
        ("nasdaq", {"trades": ["BTC-USDT"]}),
        ("binance", {}),
        ("binance", {"trades": "BTC-USDT"}),
        ("binance", {"trades": ["BTC-USDT"], "market": "options"}),
        ("binance", {"trades": ["BTC-USDT"], "environment": "moon"}),
        ("binance", {"trades": ["BTC-USDT"], "url": "http://127.0.0.1:1"}),
        ("binance", {"trades": ["BTC-USDT"], "url": "ws://127.0.0.1:1/?token=secret"}),
        ("binance", {"native": ["btcusdt@Trade"]}),
    ],
)
def test_what_a_feed_does_not_accept(exchange: str, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as refused:
        tickwire.Feed(exchange, **options)
    assert "secret" not in str(refused.value)


async def test_secrets_of_a_url_are_not_shown() -> None:
    async with tickwire.AsyncSession() as session:
        with pytest.raises(tickwire.ConnectError) as failed:
            await session.ws_connect("ws://me:hunter2@127.0.0.1:1/ws?key=s3cret")
    assert "hunter2" not in str(failed.value)
    assert "s3cret" not in str(failed.value)
    async with Simulator(rate=0) as simulator, tickwire.AsyncSession() as session:
        url = simulator.ws_url.replace("ws://", "ws://me:hunter2@")
        async with session.ws_connect(f"{url}/ws?key=s3cret") as ws:
            assert "hunter2" not in repr(ws)
            assert "s3cret" not in repr(ws)


async def test_a_feed_comes_back_and_says_what_it_missed() -> None:
    """The server cuts it; the hole is a gap, and everything after it joins."""
    async with Simulator(rate=2000) as simulator:
        feed = tickwire.Feed(
            "binance",
            trades=["BTC-USDT"],
            url=simulator.ws_url,
            manager={"reconnect_delay": 0.05},
        )
        last: int | None = None
        gaps = 0
        async with feed, asyncio.timeout(30):
            async for event in feed:
                if isinstance(event, tickwire.Gap):
                    assert event.last_sequence == last
                    assert event.cause == "disconnect"
                    last, gaps = event.first_sequence, gaps + 1
                    assert last is not None
                    last -= 1
                    continue
                assert isinstance(event, tickwire.Trade)
                assert last is None or event.trade_id == last + 1
                last = int(event.trade_id)
                if feed.stats.gaps == gaps and gaps < 2 and last % 500 == 0:
                    assert simulator._hub is not None
                    for connection in tuple(simulator._hub.connections):
                        connection.cut(CloseReason.FAULT)
                if gaps == 2 and last % 100 == 0:
                    break
            assert feed.stats.gaps == 2


async def test_a_feed_rotates_and_keeps_two_connections() -> None:
    async with Simulator(rate=2000) as simulator:
        feed = tickwire.Feed(
            "binance",
            trades=["BTC-USDT"],
            quotes=["BTC-USDT"],
            url=simulator.ws_url,
            rotate_every=0.5,
            redundancy=2,
            records=True,
            manager={"overlap": 0.0},
        )
        taken_over = 0
        last: int | None = None
        async with feed, asyncio.timeout(30):
            async for event in feed:
                if isinstance(event, tickwire.Reconnected):
                    assert event.promise == "exactly-once"
                    taken_over += 1
                    if taken_over == 4:
                        break
                elif isinstance(event, tickwire.Trade):
                    assert last is None or event.trade_id == last + 1
                    last = int(event.trade_id)
            assert feed.stats.connections >= 2
            assert feed.stats.duplicates > 0
            assert feed.stats.gaps == 0
