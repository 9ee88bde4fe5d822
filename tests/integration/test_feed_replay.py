"""Recorded traffic through the simulator and a real libcurl connection: one event per frame.

None lost, none twice, in order, with the values that the golden tests' own decoder finds.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("aiohttp", reason="the simulator needs the `simulator` extra")

import tickwire
from tests.golden.test_binance_captures import CAPTURES, FILES, by_hand, frames_of
from tickwire.exchanges.binance import BinanceCodec
from tickwire.simulator import Simulator

if TYPE_CHECKING:
    from tickwire.exchanges.binance.streams import Market

MARKETS: list[Market] = ["spot", "usdm"]


def expected_of(market: Market) -> list[tuple[str, type, dict[str, Any]]]:
    """Stream name, event type and values of every frame of the recording, in order."""
    found = []
    for _, frame in frames_of(market):
        document = json.loads(frame)
        found.append((document["stream"], *by_hand(document, float)))
    return found


def assert_same(
    events: list[tickwire.Event], expected: list[tuple[str, type, dict[str, Any]]]
) -> None:
    assert len(events) == len(expected)
    for event, (stream, kind, values) in zip(events, expected, strict=True):
        assert isinstance(event, kind), stream
        assert repr({name: getattr(event, name) for name in values}) == repr(values), stream


async def replay_feed(market: Market, speed: float) -> None:
    """All streams of the recording through a feed; order is checked stream by stream."""
    expected = expected_of(market)
    names = sorted({stream for stream, _, _ in expected})
    by_stream = defaultdict(list)
    for stream, kind, values in expected:
        by_stream[kind, values["symbol"]].append((stream, kind, values))
    got: dict[Any, list[tickwire.Event]] = defaultdict(list)
    async with (
        Simulator(
            replay=CAPTURES / FILES[market], speed=speed, replay_start="all", rate=0
        ) as simulator,
        tickwire.Feed("binance", native=names, market=market, url=simulator.ws_url) as feed,
    ):
        for _ in expected:
            event = await anext(feed)
            kind = next(kind for kind, symbol in by_stream if isinstance(event, kind))
            got[kind, event.symbol].append(event)
        stats = feed.stats
        # Nothing more comes: the replay is over, and nothing is queued.
        await simulator.replay_finished()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(feed), 0.2)
    assert stats.events == len(expected)
    assert stats.gaps == 0
    assert all(not codec.unknown and not codec.undecodable for codec in stats.codecs)
    assert got.keys() == by_stream.keys()
    for key, events in got.items():
        assert_same(events, by_stream[key])


async def test_at_recorded_speed() -> None:
    """Half a minute, both recordings side by side."""
    async with asyncio.timeout(55):
        await asyncio.gather(*(replay_feed(market, 1.0) for market in MARKETS))


@pytest.mark.parametrize("speed", [50.0, math.inf])
@pytest.mark.parametrize("market", MARKETS)
async def test_at_speed(market: Market, speed: float) -> None:
    await replay_feed(market, speed)


@pytest.mark.parametrize("market", MARKETS)
async def test_the_order_over_all_streams_of_a_connection(market: Market) -> None:
    expected = expected_of(market)
    names = sorted({stream for stream, _, _ in expected})
    codec = BinanceCodec(market)
    events: list[tickwire.Event] = []
    async with (
        Simulator(
            replay=CAPTURES / FILES[market],
            speed=50,
            route_by_class=False,
            close_at_end=True,
            rate=0,
        ) as simulator,
        tickwire.AsyncSession() as session,
        session.ws_connect(f"{simulator.ws_url}/stream") as ws,
    ):
        await ws.send(codec.subscribe(names)[0].decode())
        async for frame in ws:
            codec.receive(frame, ws.recv_ns, events)
    assert_same(events, expected)
    stamps = [event.ts_recv_ns for event in events]
    assert stamps == sorted(stamps)
    assert stamps[0] > 0
