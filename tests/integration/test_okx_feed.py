"""A feed of OKX over a real socket, against a server of its protocol that loses an update."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("aiohttp", reason="the server of this test needs aiohttp")

from aiohttp import web
from aiohttp.test_utils import TestServer

import tickwire
from tests.support.server import PATIENCE
from tickwire.credentials import Credentials
from tickwire.errors import SubscriptionError
from tickwire.exchanges.okx.books import new_book
from tickwire.market import Gap, OrderUpdate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

KEYS = Credentials("key", "hush-hush", passphrase="phrase")
BOOK = {"channel": "books", "instId": "BTC-USDT"}


def page_program() -> str:
    """The program on the page of venues that keeps a book of OKX."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "venues.md").read_text()
    blocks: list[str] = re.findall(r"```python\n(.*?)```", page, re.S)
    (program,) = [block for block in blocks if "tickwire.exchanges.okx" in block]
    return program


class Venue:
    """What the server does; every subscription of a book begins with a new snapshot."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.logins = 0
        self.books = 0

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        async for message in ws:
            if message.data == "ping":
                await ws.send_str("pong")
                continue
            await self.answer(ws, request.path, json.loads(message.data))
        return ws

    async def answer(self, ws: web.WebSocketResponse, path: str, asked: dict[str, Any]) -> None:
        self.requests.append(asked)
        if asked["op"] == "login":
            self.logins += 1
            await ws.send_json({"event": "login", "code": "0", "msg": "", "connId": "a"})
            return
        for arg in asked["args"]:
            if arg.get("instId") == "NO-SUCH":
                error = {"id": asked["id"], "event": "error", "code": "60018", "msg": "no"}
                await ws.send_json(error)
                return
        for arg in asked["args"]:
            await ws.send_json({"id": asked["id"], "event": asked["op"], "arg": arg})
            if asked["op"] == "subscribe":
                await self.begin(ws, path, arg)

    async def begin(self, ws: web.WebSocketResponse, path: str, arg: dict[str, Any]) -> None:
        if arg == BOOK:
            assert path == "/ws/v5/public"
            self.books += 1
            base = self.books * 100
            await self.book(ws, "snapshot", -1, base, [["10", "1", "0", "1"]])
            await self.book(ws, "update", base, base + 3, [["9", str(base), "0", "1"]])
            if self.books == 1:
                await self.book(ws, "update", base + 5, base + 6, [["8", "1", "0", "1"]])
        elif arg["channel"] == "orders":
            assert path == "/ws/v5/private"
            row = {"instId": "BTC-USDT", "ordId": "7", "side": "buy", "state": "live", "px": ""}
            await ws.send_json({"arg": arg | {"uid": "4"}, "data": [row]})

    async def book(
        self, ws: web.WebSocketResponse, action: str, prev: int, seq: int, bids: list[list[str]]
    ) -> None:
        item = {"asks": [["11", "1", "0", "1"]], "bids": bids, "ts": "1597026383085"}
        item |= {"checksum": 0, "prevSeqId": prev, "seqId": seq}  # type: ignore[dict-item]
        await ws.send_json({"arg": BOOK, "action": action, "data": [item]})


@pytest.fixture
async def venue() -> AsyncIterator[tuple[Venue, str]]:
    venue = Venue()
    app = web.Application()
    app.router.add_get("/{path:.*}", venue.handle)
    server = TestServer(app)
    await server.start_server()
    try:
        yield venue, f"ws://127.0.0.1:{server.port}"
    finally:
        await server.close()


async def test_a_lost_update_brings_a_new_book(venue: tuple[Venue, str]) -> None:
    server, url = venue
    book = new_book("BTC-USDT")
    gaps = 0
    async with tickwire.Feed("okx", url=url, books=["BTC-USDT"]) as feed:
        async with asyncio.timeout(PATIENCE):
            async for event in feed:
                assert event.symbol == "BTC-USDT"
                if isinstance(event, Gap):
                    gaps += 1
                elif isinstance(event, tickwire.BookSnapshot):
                    book.begin(event)
                elif isinstance(event, tickwire.BookDelta):
                    book.receive(event)
                if book.is_live and book.sequence == 203:
                    break
    assert gaps == 1
    assert server.books == 2
    assert book.bids() == [(10.0, 1.0), (9.0, 200.0)]
    operations = [request["op"] for request in server.requests]
    assert operations == ["subscribe", "unsubscribe", "subscribe"]


async def test_the_program_on_the_page_of_venues(venue: tuple[Venue, str]) -> None:
    _, url = venue
    names: dict[str, Any] = {}
    exec(page_program(), names)
    prices = names["best_prices"](url)
    async with asyncio.timeout(PATIENCE):
        found = [await anext(prices) for _ in range(4)]
    await prices.aclose()
    # Two of the first book, none while it is lost, two of the second.
    assert found == [(10.0, 1.0, 11.0, 1.0)] * 4


async def test_private_channels_log_in_first(venue: tuple[Venue, str]) -> None:
    server, url = venue
    async with tickwire.Feed("okx", url=url, orders=True, credentials=KEYS) as feed:
        async with asyncio.timeout(PATIENCE):
            event = await anext(feed)
    assert isinstance(event, OrderUpdate)
    assert (event.order_id, event.price, event.symbol) == ("7", 0, "BTC-USDT")
    assert [request["op"] for request in server.requests] == ["login", "subscribe"]


async def test_a_wrong_instrument_is_refused_and_the_others_go_on(
    venue: tuple[Venue, str],
) -> None:
    _, url = venue
    seen: set[str] = set()
    refused: list[SubscriptionError] = []
    books = ["NO-SUCH", "BTC-USDT"]
    async with tickwire.Feed("okx", url=url, books=books) as feed:
        async with asyncio.timeout(PATIENCE):
            while not (seen and refused):
                try:
                    seen.add((await anext(feed)).symbol)
                except SubscriptionError as error:
                    refused.append(error)
    assert seen == {"BTC-USDT"}
    assert refused[0].streams == ("books:NO-SUCH",)
    assert refused[0].code == 60018
