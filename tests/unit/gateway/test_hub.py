"""What the hub finds stale and whom it ends, on a clock of the test's."""

from __future__ import annotations

import asyncio
import io
import logging
from typing import TYPE_CHECKING

import orjson

from tickwire.gateway import GatewayConfig, GatewayLimits, Hub
from tickwire.gateway.feeds import FeedUpstream
from tickwire.gateway.logs import JsonLines
from tickwire.manager import Stale
from tickwire.market import Ticker

if TYPE_CHECKING:
    import pytest

_NS = 1_000_000_000
KEY = ("ticker", "BTCUSDT", "")


class _Clock:
    def __init__(self) -> None:
        self.now_ns = 1_000 * _NS

    def wall_ns(self) -> int:
        return self.now_ns

    def mono_ns(self) -> int:
        return self.now_ns


async def test_a_stream_whose_connection_is_gone_is_stale() -> None:
    clock = _Clock()
    hub = Hub(GatewayConfig(url="ws://127.0.0.1:9"), clock)
    exchange = hub.exchange(None)
    [topic] = hub.want(exchange.feed, [KEY])
    topic.stale = None
    exchange.look()
    assert topic.stale == "the connection is lost"
    await hub.close()


async def test_silence_beyond_the_limit_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FeedUpstream, "connections", 1)
    clock = _Clock()
    hub = Hub(GatewayConfig(url="ws://127.0.0.1:9", stale_after=30.0), clock)
    exchange = hub.exchange(None)
    [topic] = hub.want(exchange.feed, [KEY])
    listener = hub.listen([topic])
    topic.stale = None
    topic.last_ns = clock.now_ns
    clock.now_ns += 30 * _NS
    exchange.look()
    assert topic.stale is None
    clock.now_ns += 1
    exchange.look()
    exchange.look()
    assert topic.stale == "nothing has come for 30 s"
    assert len(listener.take()) == 1
    await hub.close()


async def test_a_stream_that_the_manager_finds_silent_is_stale_and_its_neighbour_is_not() -> None:
    hub = Hub(GatewayConfig(url="ws://127.0.0.1:9"), _Clock())
    exchange = hub.exchange(None)
    other = ("trade", "ETHUSDT", "")
    topic, neighbour = hub.want(exchange.feed, [KEY, other])
    topic.stale = neighbour.stale = None
    for stream in ("btcusdt@ticker", "ticker BTCUSDT "):
        topic.stale = None
        exchange._tell(Stale(connection=1, ts_ns=1, stream=stream, silence=9.0, limit=5.0))
        assert topic.stale is not None, stream
    assert neighbour.stale is None
    assert exchange.counts == {"stale": 2}
    await hub.close()


async def test_what_arrives_after_a_disconnect_makes_nothing_live() -> None:
    hub = Hub(GatewayConfig(url="ws://127.0.0.1:9"), _Clock())
    exchange = hub.exchange(None)
    [topic] = hub.want(exchange.feed, [KEY])

    def ticker() -> Ticker:
        return Ticker(symbol="BTCUSDT", open=1.0, high=1.0, low=1.0, last_price=2.0, volume=1.0)

    exchange.feed._take(ticker())
    assert topic.stale is None
    exchange.switch(on=False)
    exchange.feed._take(ticker())
    assert topic.stale == "disconnected by request"
    assert topic.events == 1
    exchange.switch(on=True)
    exchange.feed._take(ticker())
    assert topic.stale is None
    await hub.close()


async def test_heartbeats_go_to_the_idle_and_the_stuck_are_ended() -> None:
    clock = _Clock()
    hub = Hub(GatewayConfig(url="ws://127.0.0.1:9", heartbeat=10.0), clock)
    exchange = hub.exchange(None)
    idle, busy, stuck = (hub.listen([exchange.news]) for _ in range(3))
    exchange.news.publish(b"{}", None, 0)
    idle.take()
    stuck.take()
    stuck.since_ns = clock.now_ns
    hub.beat()
    assert [frame.data for frame in idle.take()] == [
        b'event: heartbeat\ndata: {"seconds":10.0}\n\n'
    ]
    assert [frame.number for frame in busy.take()] == [1]
    clock.now_ns += 41 * _NS
    hub.beat()
    assert stuck.is_closed
    assert not idle.is_closed
    await hub.close()


async def test_an_exchange_may_send_trades_only_as_aggregates() -> None:
    config = GatewayConfig(url="ws://127.0.0.1:9", market="usdm")
    hub = Hub(config)
    feed = hub.exchange(None).feed
    trades, aggregates = hub.want(feed, [("trade", "BTCUSDT", ""), ("agg_trade", "BTCUSDT", "")])
    assert "btcusdt@aggTrade" in trades.names & aggregates.names
    await hub.close()


async def test_streams_of_nobody_go_when_their_time_is_over() -> None:
    hub = Hub(GatewayConfig(url="ws://127.0.0.1:9", linger=0.0))
    feed = hub.exchange(None).feed
    [topic] = hub.want(feed, [KEY])
    listener = hub.listen([topic])
    topic.pinned = True
    hub.leave(listener)
    hub.leave(listener)
    assert KEY in feed.topics
    topic.pinned = False
    feed.release(topic)
    assert KEY not in feed.topics
    await asyncio.sleep(0)
    await hub.close()


def test_log_lines_are_json() -> None:
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(JsonLines())
    logger = logging.Logger("tickwire.gateway")
    logger.addHandler(handler)
    try:
        raise ValueError("no")
    except ValueError:
        logger.exception("lost %s", "it", extra={"exchange": "binance", "retry_in": 0.5})
    line = orjson.loads(out.getvalue())
    assert (line["message"], line["level"], line["exchange"]) == ("lost it", "error", "binance")
    assert line["retry_in"] == 0.5
    assert "ValueError: no" in line["exception"]
    assert out.getvalue().count("\n") == 1


async def test_the_prices_of_ever_new_symbols_are_bounded() -> None:
    limits = GatewayLimits(streams=2)
    hub = Hub(GatewayConfig(url="ws://127.0.0.1:9", limits=limits), _Clock())
    exchange = hub.exchange(None)
    for symbol in ("A", "B", "A", "C"):
        exchange._price({"type": "ticker", "symbol": symbol, "price": 1.0, "timestamp": 1}, 1)
    assert list(exchange.prices) == ["B", "C"]
    await hub.close()
