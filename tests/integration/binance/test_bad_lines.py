"""The WebSocket API over lines that die without a word."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.support.server import PATIENCE
from tests.support.user_feed import Heard, event, subscribed
from tests.support.weather import Weather
from tests.support.ws_api import API_KEY, SECRET, FakeVenue
from tickwire.binance import AsyncClient, BinanceRequestTimeout, apidoor, apilink
from tickwire.binance.venue import SIMULATOR_VARIABLE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


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
