"""The venue of docs/adding-a-venue.md keeps the contract, and a feed speaks it."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("aiohttp", reason="the test's server needs aiohttp")

from aiohttp import web

import tickwire
from tickwire.errors import ConfigurationError, SubscriptionError
from tickwire.exchanges.registry import VENUES
from tickwire.testing import CodecContractError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PAGE = Path(__file__).resolve().parents[2] / "docs" / "adding-a-venue.md"
PATIENCE = 30.0


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The page's programs as the module that it names; the table is as before afterwards."""
    module = ModuleType("minor_venue")
    monkeypatch.setitem(sys.modules, "minor_venue", module)
    monkeypatch.setitem(VENUES, "minor", ("nowhere", "Nothing"))
    for program in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S):
        exec(compile(program, str(PAGE), "exec"), module.__dict__)
    return module


@asynccontextmanager
async def minor(page: Any, *, cut_after: int) -> AsyncIterator[str]:
    """The venue itself: each connection sends five trades more, and the first ones are cut."""
    count = 0

    async def talk(request: web.Request) -> web.WebSocketResponse:
        nonlocal count
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            for name in json.loads(message.data)["sub"]:
                known = {"ok": True} if name == "trades.BTCUSD" else {"no": f"there is no {name}"}
                await socket.send_str(json.dumps({"ch": name} | known))
            if count >= cut_after:
                continue
            await socket.send_bytes(page.trades(*range(count + 1, count + 6)))
            count += 5
            if count < cut_after:
                break
        await socket.close()
        return socket

    async def pairs(request: web.Request) -> web.Response:
        return web.json_response([["BTC", "USD"]])

    application = web.Application()
    application.router.add_get("/v1", talk)
    application.router.add_get("/v1/pairs", pairs)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"ws://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def test_the_contract(page: Any) -> None:
    page.test_the_contract()


def test_a_fault_is_found(page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page.MinorCodec, "reset", lambda self: None)
    with pytest.raises(CodecContractError, match="reset"):
        page.test_the_contract()


@pytest.mark.parametrize("symbol", ["BTC-USD", "btc/usd", "BTCUSD"])
async def test_a_feed_speaks_it_across_lost_connections(page: Any, symbol: str) -> None:
    quick = {"reconnect_delay": 0.01, "reconnect_delay_max": 0.05, "max_reconnect_attempts": 0}
    async with minor(page, cut_after=15) as url:
        feed = tickwire.Feed("minor", trades=[symbol], url=url, manager=quick)
        async with feed, asyncio.timeout(PATIENCE):
            events: list[Any] = [await anext(feed) for _ in range(15)]
    assert [event.trade_id for event in events] == list(range(1, 16)), "none lost, none twice"
    assert {event.symbol for event in events} == {symbol}


async def test_a_wrong_symbol(page: Any) -> None:
    async with minor(page, cut_after=0) as url:
        async with tickwire.Feed("minor", trades=["NO-NO"], url=url) as feed:
            with pytest.raises(SubscriptionError, match=r"there is no trades\.NONO"):
                async with asyncio.timeout(PATIENCE):
                    await anext(feed)
    with pytest.raises(ConfigurationError, match="no symbol of minor"):
        tickwire.Feed("minor", trades=["N O"])
    with pytest.raises(ConfigurationError, match=r"minor \(spot\) has no books"):
        tickwire.Feed("minor", books=["BTC-USD"])


async def test_its_instruments(page: Any) -> None:
    async with minor(page, cut_after=0) as url:
        (found,) = await tickwire.instruments("minor", url=url)
    assert (found.symbol, found.venue_symbol) == ("BTC-USD", "BTCUSD")
