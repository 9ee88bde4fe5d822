"""The WebSocket API over lines that die without a word."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.server import PATIENCE
from tests.support.user_feed import Heard, event, subscribed
from tests.support.weather import Weather
from tests.support.ws_api import API_KEY, SECRET, Connection, FakeVenue
from tickwire import ScriptedClock
from tickwire.binance import (
    AsyncClient,
    BinanceRequestLost,
    BinanceRequestTimeout,
    BinanceWebSocket,
    apidoor,
    apilink,
)
from tickwire.binance.connects import connect_limiter
from tickwire.binance.venue import SIMULATOR_VARIABLE
from tickwire.exchanges import RateWindow
from tickwire.manager import RollingLimiter
from tickwire.manager.backoff import Backoff
from tickwire.manager.shared import connects_to
from tickwire.transport import AsyncSession

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Frame = dict[str, Any]


@pytest.fixture
async def line(venue: FakeVenue, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Weather]:
    """What every client's connections go through."""
    async with Weather(venue.port) as line:
        monkeypatch.setenv(SIMULATOR_VARIABLE, f"http://127.0.0.1:{line.port}")
        yield line


async def test_a_silent_line_is_found_and_account_events_go_on(
    venue: FakeVenue, line: Weather, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apidoor, "PING_SECONDS", 0.5)
    monkeypatch.setattr(apidoor, "PING_TIMEOUT_SECONDS", 1.0)
    async with AsyncClient(API_KEY, SECRET) as client:
        heard = Heard()
        await subscribed(client.ws_api(), heard)
        line.pipes[0].freeze()
        await heard.until(lambda: heard.restored >= 1)
        for number in venue.connections[-1].subscriptions:
            await venue.connections[-1].send(event(1, number))
        await heard.until(lambda: heard.events == [1])


async def test_a_request_without_an_answer_puts_its_line_to_the_test(
    venue: FakeVenue, line: Weather, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apilink, "PROBE_SECONDS", 0.3)
    async with AsyncClient() as client:
        api = client.ws_api()
        await api.request("ping")
        (link,) = api._links
        line.pipes[0].freeze()
        with pytest.raises(BinanceRequestTimeout):
            await api.request("ping", timeout=0.2)
        assert link._probe is not None
        await asyncio.wait_for(link._probe, PATIENCE)
        await api.request("ping")
        assert len(venue.connections) == 2


async def test_a_slow_answer_costs_no_connection(
    venue: FakeVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apilink, "PROBE_SECONDS", PATIENCE)
    venue.answers["depth"] = None
    async with AsyncClient() as client:
        api = client.ws_api()
        await api.request("ping")
        with pytest.raises(BinanceRequestTimeout):
            await api.request("depth", {"symbol": "A"}, timeout=0.2)
        (link,) = api._links
        assert link._probe is not None
        await asyncio.wait_for(link._probe, PATIENCE)  # by the venue's pong
        await api.request("ping")
        assert len(venue.connections) == 1


# ---------------------------------------------------------------------- pace


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The bounds of the pauses before attempts, which are over at once."""
    bounds: list[float] = []

    def next_delay(backoff: Backoff) -> float:
        bounds.append(backoff.bound)
        backoff.attempts += 1
        return 0.0

    monkeypatch.setattr(Backoff, "next_delay", next_delay)
    return bounds


async def test_a_connection_that_is_dropped_at_once_is_no_success(
    venue: FakeVenue, client: AsyncClient, hurried: list[float]
) -> None:
    venue.answers["time"] = lambda connection, frame: connection.cut()
    with pytest.raises(BinanceRequestLost) as caught:
        await client.ws_get_account()
    assert not caught.value.sent
    assert len(venue.connections) == 5
    assert hurried == [0.5, 1.0, 2.0, 4.0, 8.0]
    with pytest.raises(BinanceRequestLost):
        await client.ws_get_account()
    assert hurried[5:] == [16.0, 30.0, 30.0, 30.0, 30.0]


async def test_subscriptions_that_are_dropped_at_once_come_back_ever_slower(
    venue: FakeVenue, client: AsyncClient, hurried: list[float]
) -> None:
    heard = Heard()
    await subscribed(client.ws_api(), heard)

    def subscribe(connection: Connection, frame: Frame) -> Frame:
        if len(venue.connections) < 6:
            asyncio.get_running_loop().call_soon(connection.cut)
        connection.subscriptions.append(0)
        return {"status": 200, "result": {"subscriptionId": 0}}

    venue.answers["userDataStream.subscribe.signature"] = subscribe
    venue.connections[0].cut()
    await venue.until(
        lambda: len(venue.connections) == 6 and venue.connections[5].subscriptions != []
    )
    await venue.connections[5].send(event(1))
    await heard.until(lambda: heard.events == [1])
    assert {0.5, 1.0, 2.0, 4.0, 8.0} <= set(hurried)


async def test_pauses_begin_anew_after_a_connection_that_held() -> None:
    door = apidoor.ApiDoor("ws://127.0.0.1:1", "", AsyncSession, RollingLimiter(()))
    for _ in range(4):
        door.lost(0.1)
    assert door._backoff.bound == 8.0
    door.lost(apidoor.STABLE_SECONDS)
    assert door._backoff.bound == 0.5


async def test_every_connect_to_a_host_counts_wherever_it_comes_from(
    venue: FakeVenue, client: AsyncClient
) -> None:
    shared = connects_to(client.ws_api_url(), (RateWindow(300, 300.0),))
    assert client.ws_api()._door._limiter is shared
    assert connect_limiter(client.stream_url(), "spot") is shared  # the test's venue is one host
    callbacks = BinanceWebSocket(url=client.stream_url())
    assert callbacks._settings["connect_limiter"] is shared
    assert connect_limiter(client.stream_url(), "spot", ScriptedClock()) is not shared
