"""The instrument list of every venue, from its simulator, and of servers that answer badly."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("aiohttp", reason="the venues of these tests need the `simulator` extra")

from aiohttp import web

import tickwire
from tests.support.venue_trial import VENUES, server_for
from tickwire.errors import CodecError, ConfigurationError
from tickwire.exchanges.registry import VENUES as REGISTRY
from tickwire.simulator.options import Market
from tickwire.simulator.symbols import default_specs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

LINEAR = "linear"
PAGE = Path(__file__).resolve().parents[3] / "docs" / "venues.md"
[PROGRAM] = [
    program
    for program in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
    if "tickwire.instruments" in program
]


def test_no_venue_is_left_out() -> None:
    assert {row.exchange for row in VENUES.values()} == set(REGISTRY)


@pytest.mark.parametrize("name", list(VENUES))
async def test_a_feed_takes_every_name_of_the_list(name: str) -> None:
    """The name that is the same everywhere, and the venue's own: both mean this instrument."""
    row = VENUES[name]
    async with server_for(row, list(default_specs(Market.SPOT)[:2])) as server:
        found = await tickwire.instruments(
            row.exchange, market=row.market, options=row.options, url=server.ws_url
        )
        spot = {item.symbol: item for item in found if item.kind in ("spot", "perpetual")}
        assert len(spot) >= 2
        for item in found:
            assert float(item.price_tick) > 0
            assert item.is_trading
            for spelling in (item.symbol, item.venue_symbol):
                feed = tickwire.Feed(
                    row.exchange,
                    market=row.market,
                    options=row.options,
                    url=server.ws_url,
                    trades=[spelling],
                )
                async with feed:
                    pass


@asynccontextmanager
async def answering(answer: Callable[[web.Request], web.Response]) -> AsyncIterator[str]:
    async def handle(request: web.Request) -> web.Response:
        return answer(request)

    application = web.Application()
    application.router.add_get("/{path:.*}", handle)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        port = runner.addresses[0][1]
        yield f"ws://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


def page_of(symbols: list[str], cursor: str) -> web.Response:
    rows = [{"symbol": symbol, "baseCoin": "A", "quoteCoin": "B"} for symbol in symbols]
    return web.json_response({"retCode": 0, "result": {"list": rows, "nextPageCursor": cursor}})


async def test_a_list_in_pages_is_read_to_its_end() -> None:
    asked: list[str] = []

    def answer(request: web.Request) -> web.Response:
        asked.append(request.query.get("cursor", ""))
        pages = {"": (["ONE"], "first%3D&a"), "first=&a": (["TWO"], "x"), "x": (["THREE"], "")}
        return page_of(*pages[asked[-1]])

    async with answering(answer) as url, tickwire.AsyncSession() as session:
        found = await tickwire.instruments("bybit", market=LINEAR, url=url, session=session)
        assert [item.venue_symbol for item in found] == ["ONE", "TWO", "THREE"]
        assert asked == ["", "first=&a", "x"]


async def test_pages_without_end() -> None:
    async with answering(lambda _: page_of(["ONE"], "again")) as url:
        with pytest.raises(CodecError, match="have no end"):
            await tickwire.instruments("bybit", market=LINEAR, url=url)


@pytest.mark.parametrize("exchange", list(REGISTRY))
@pytest.mark.parametrize(
    "body",
    [b"", b"<html>maintenance</html>", b"[]", b"{}", b"null", b'{"code":"50011","data":[]}'],
    ids=["nothing", "html", "list", "object", "null", "refusal"],
)
async def test_no_answer_is_an_empty_list(exchange: str, body: bytes) -> None:
    async with answering(lambda _: web.Response(body=body)) as url:
        with pytest.raises(CodecError) as caught:
            await tickwire.instruments(exchange, url=url)
        assert exchange in str(caught.value)
        assert body.decode() in str(caught.value), "the venue's own words"


@pytest.mark.parametrize("status", [301, 403, 404, 429, 451, 503])
async def test_other_answers_are_errors(status: int) -> None:
    async with answering(lambda _: web.Response(status=status, text="not here")) as url:
        with pytest.raises(tickwire.ConnectError, match=f"HTTP {status}"):
            await tickwire.instruments("okx", url=url)


async def test_nobody_there() -> None:
    async with answering(lambda _: web.Response()) as url:
        pass
    with pytest.raises(tickwire.ConnectError, match="no answer from"):
        await tickwire.instruments("kraken", url=url)


@pytest.mark.parametrize(
    "wrong",
    [
        {"exchange": "mars"},
        {"exchange": "okx", "market": "moon"},
        {"exchange": "okx", "environment": "moon"},
        {"exchange": "okx", "options": {"moon": 1}},
        {"exchange": "okx", "url": "http://127.0.0.1"},
    ],
    ids=lambda wrong: next(reversed(wrong)),
)
async def test_what_there_is_not(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        await tickwire.instruments(**wrong)


async def test_the_page_s_program() -> None:
    names: dict[str, Any] = {}
    exec(compile(PROGRAM, str(PAGE), "exec"), names)
    async with server_for(VENUES["okx"], list(default_specs(Market.SPOT)[:1])) as server:
        assert await names["swaps"](server.ws_url) == {"BTC-USDT-SWAP": "BTC-USDT-SWAP"}
