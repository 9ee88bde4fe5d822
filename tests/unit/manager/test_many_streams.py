"""More streams than a connection carries, within the limits that the venue counts."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import tickwire
from tests.support.venue import FakeSocket, Venue
from tickwire.exchanges import RateWindow
from tickwire.manager import ScriptedClock
from tickwire.manager.shared import connects_to

COUNT = 3000
NAMES = [f"S{number}-USDT" for number in range(COUNT)]


def asked_of(socket: FakeSocket) -> list[str]:
    return [name for frame in socket.sent for name in frame["params"]]


@pytest.mark.parametrize(("market", "most"), [("spot", 4), ("usdm", 9)])
@pytest.mark.parametrize("kind", ["feed", "books"])
async def test_three_thousand_streams(kind: str, market: Any, most: int) -> None:
    clock = ScriptedClock()
    venue = Venue(clock)
    session: Any = venue
    where: dict[str, Any] = {"market": market, "session": session, "manager": {"clock": clock}}
    wanted: Any = (
        tickwire.Feed("binance", books=NAMES, **where)
        if kind == "feed"
        else tickwire.Books("binance", NAMES, **where)
    )
    opening = asyncio.ensure_future(wanted.open())
    await clock.advance(10.0)
    await opening
    assert len(venue.sockets) == 3
    names = [name for socket in venue.sockets for name in asked_of(socket)]
    assert len(names) == len(set(names)) == COUNT
    for socket in venue.sockets:
        assert len(asked_of(socket)) <= 1024
        assert all(len(frame["params"]) <= 256 for frame in socket.sent)
        for end in socket.sent_at:
            # One less than the venue allows, for the pongs that the transport sends by itself.
            assert sum(end - 1.0 < at <= end for at in socket.sent_at) <= most
    await wanted.close()


def test_what_connects_to_one_host_shares_its_limit() -> None:
    windows = (RateWindow(2, 300.0),)
    first = connects_to("ws://one.test:1/stream", windows)
    assert first.take(0) == first.take(0) == 0.0
    assert connects_to("wss://one.test:1/ws?a=b", windows).take(0) == 300.0
    assert connects_to("ws://two.test:1/stream", windows).take(0) == 0.0


async def test_feeds_and_books_of_a_process_share_it() -> None:
    url = "ws://127.0.0.1:1"
    windows = (RateWindow(300, 300.0),)
    clock = tickwire.clock.SystemClock()
    for _ in range(300):
        connects_to(url, windows).take(clock.mono_ns())
    makers: list[Any] = [
        lambda: tickwire.Feed("binance", trades=["BTC-USDT"], url=url),
        lambda: tickwire.Books("binance", ["BTC-USDT"], url=url),
    ]
    for make in makers:
        # Nothing listens there: an attempt would fail at once, and must not be made for minutes.
        wanted = make()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await wanted.open()
        await wanted.close()


async def test_many_silent_streams_are_asked_about_with_one_ping() -> None:
    clock = ScriptedClock()
    venue = Venue(clock)
    names = [f"s{number}usdt@trade" for number in range(200)]
    manager = venue.manager(
        codec=tickwire.BinanceCodec, subscriptions=names, events=True, data_timeout=20.0
    )

    def trade(name: str, number: int) -> dict[str, Any]:
        data = {"e": "trade", "E": 1, "s": name[: name.find("@")].upper(), "t": number}
        return {"stream": name, "data": data | {"p": "1", "q": "1", "T": 1, "m": True, "M": True}}

    stale = 0
    async with manager as ws:
        await clock.advance(2.0)
        [socket] = venue.sockets
        socket.deliver(*(trade(name, 1) for name in names))
        for number in range(2, 40):
            await clock.advance(1.0)
            socket.deliver(trade(names[0], number))
            if socket.pings:
                break
        await clock.settle()
        while ws.queued:
            stale += sum(isinstance(item, tickwire.Stale) for item in await ws.recv_batch())
        assert stale == 199
        assert socket.pings == 1
