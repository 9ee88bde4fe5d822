"""``tickwire stream`` and ``tickwire symbols`` of every venue, as a shell runs them."""

from __future__ import annotations

import json
import sys

import pytest

pytest.importorskip("aiohttp", reason="the venues of these tests need the `simulator` extra")

from tests.integration.test_cli import only_line, tickwire
from tests.support.venue_trial import VENUES
from tickwire.simulator import Simulator
from tickwire.simulator.venues import VenueSimulator
from tickwire.simulator.weex import WeexSimulator

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and terminals")

SPEAKING = [name for name in VENUES if name != "bybit-linear"]


def server(name: str) -> Simulator | VenueSimulator | WeexSimulator:
    """A venue whose market moves by itself."""
    symbols = ["BTCUSDT", "ETHUSDT"]
    dialect = VENUES[name].dialect
    if dialect:
        return VenueSimulator(dialect, symbols=symbols, rate=500)
    if name == "weex":
        return WeexSimulator(symbols=symbols, rate=500)
    return Simulator(symbols=symbols, rate=500)


def asked(name: str) -> tuple[str, ...]:
    row = VENUES[name]
    return (row.exchange, *(() if row.market is None else ("--market", row.market)))


@pytest.mark.parametrize("name", SPEAKING)
async def test_trades_and_books_of_every_venue(name: str) -> None:
    async with server(name) as venue:
        done = await tickwire(
            *("stream", *asked(name), "--trades", "BTC-USDT", "--books", "BTC/USDT"),
            *("--url", venue.ws_url, "--json", "--limit", "300"),
        )
    assert (done.code, done.err) == (0, "")
    events = [json.loads(line) for line in done.out.splitlines()]
    assert len(events) == 300
    assert {event["kind"] for event in events} >= {"trade", "book_delta"}
    for event in events:
        assert event["symbol"] == {"trade": "BTC-USDT"}.get(event["kind"], "BTC/USDT"), event


@pytest.mark.parametrize("name", SPEAKING)
async def test_a_wrong_symbol_ends_it(name: str) -> None:
    async with server(name) as venue:
        done = await tickwire(
            *("stream", *asked(name), "--trades", "NOPE-USDT", "--url", venue.ws_url),
        )
    line = only_line(done, 2 if name == "binance" else 1)
    assert "NOPE" in line


async def test_symbols_for_people_and_as_json() -> None:
    async with server("okx") as venue:
        told = await tickwire("symbols", "okx", "--market", "swap", "--url", venue.ws_url)
        found = await tickwire("symbols", "okx", "--url", venue.ws_url, "--json", "--find", "eth")
    assert (told.code, told.err) == (0, "")
    assert [line.split()[:3] for line in told.out.splitlines()] == [
        ["BTC-USDT-SWAP", "BTC-USDT-SWAP", "perpetual"],
        ["ETH-USDT-SWAP", "ETH-USDT-SWAP", "perpetual"],
    ]
    (row,) = [json.loads(line) for line in found.out.splitlines()]
    assert (row["symbol"], row["venue_symbol"], row["kind"]) == ("ETH-USDT", "ETH-USDT", "spot")
    assert row["is_trading"] is True


async def test_symbols_of_nobody() -> None:
    async with server("okx") as venue:
        url = venue.ws_url
    line = only_line(await tickwire("symbols", "okx", "--url", url), 1)
    assert "no answer from" in line
    assert "check --url" in line
