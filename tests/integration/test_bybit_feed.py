"""A feed of Bybit over a real socket, against a server of its protocol that loses a delta."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("aiohttp", reason="the server of this test needs aiohttp")

from aiohttp import web
from aiohttp.test_utils import TestServer

import tickwire
from tests.support.server import PATIENCE
from tickwire.credentials import Credentials
from tickwire.errors import SubscriptionError
from tickwire.exchanges.bybit.books import new_book
from tickwire.market import Gap, OrderUpdate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

KEYS = Credentials("key", "hush-hush")
BOOK = "orderbook.50.BTCUSDT"


class Venue:
    """What the server does; every subscription of a book begins with a new snapshot."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.books = 0

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        self.paths.append(request.path)
        async for message in ws:
            asked = json.loads(message.data)
            answer = {"success": True, "ret_msg": "", "conn_id": "c", "op": asked["op"]}
            if asked["op"] == "ping":
                await ws.send_json(answer | {"ret_msg": "pong"})
                continue
            self.requests.append(asked)
            answer["req_id"] = asked.get("req_id", "")
            if "tickers.NOSUCH" in asked["args"]:
                await ws.send_json(answer | {"success": False, "ret_msg": "Invalid topic"})
                continue
            if asked["op"] == "subscribe":
                for topic in asked["args"]:
                    await self.begin(ws, topic)  # data may come before the answer
            await ws.send_json(answer)
        return ws

    async def begin(self, ws: web.WebSocketResponse, topic: str) -> None:
        if topic == BOOK:
            self.books += 1
            base = self.books * 100
            await self.book(ws, "snapshot", base, [["10", "1"]])
            await self.book(ws, "delta", base + 1, [["9", str(base)]])
            if self.books == 1:
                await self.book(ws, "delta", base + 5, [["8", "1"]])
        elif topic == "order":
            row = {"symbol": "BTCUSDT", "orderId": "a7", "side": "Buy", "orderStatus": "New"}
            message = {"topic": "order", "id": "1", "creationTime": 1672364262474}
            await ws.send_json(message | {"data": [row | {"price": ""}]})

    async def book(
        self, ws: web.WebSocketResponse, kind: str, u: int, bids: list[list[str]]
    ) -> None:
        data = {"s": "BTCUSDT", "b": bids, "a": [["11", "1"]], "u": u, "seq": u * 7}
        await ws.send_json({"topic": BOOK, "type": kind, "ts": 1, "data": data, "cts": 1})


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


async def test_a_lost_delta_brings_a_new_book(venue: tuple[Venue, str]) -> None:
    server, url = venue
    book = new_book("BTC-USDT")
    gaps = 0
    async with tickwire.Feed("bybit", market="linear", url=url, books=["BTC-USDT"]) as feed:
        async with asyncio.timeout(PATIENCE):
            async for event in feed:
                assert event.symbol == "BTC-USDT"
                if isinstance(event, Gap):
                    gaps += 1
                elif isinstance(event, tickwire.BookSnapshot):
                    book.begin(event)
                elif isinstance(event, tickwire.BookDelta):
                    book.receive(event)
                if book.is_live and book.sequence == 201:
                    break
    assert gaps == 1
    assert server.books == 2
    assert book.bids() == [(10.0, 1.0), (9.0, 200.0)]
    assert server.paths == ["/v5/public/linear"]
    operations = [request["op"] for request in server.requests]
    assert operations == ["subscribe", "unsubscribe", "subscribe"]


async def test_private_topics_log_in_first(venue: tuple[Venue, str]) -> None:
    server, url = venue
    async with tickwire.Feed("bybit", url=url, orders=True, credentials=KEYS) as feed:
        async with asyncio.timeout(PATIENCE):
            event = await anext(feed)
    assert isinstance(event, OrderUpdate)
    assert (event.order_id, event.price, event.symbol) == ("a7", 0, "BTCUSDT")
    assert [request["op"] for request in server.requests] == ["auth", "subscribe"]
    assert server.paths == ["/v5/private"]


async def test_a_wrong_instrument_is_refused_and_the_others_go_on(
    venue: tuple[Venue, str],
) -> None:
    _, url = venue
    seen: set[str] = set()
    refused: list[SubscriptionError] = []
    async with tickwire.Feed("bybit", url=url, tickers=["NOSUCH"], books=["BTC-USDT"]) as feed:
        async with asyncio.timeout(PATIENCE):
            while not (seen and refused):
                try:
                    seen.add((await anext(feed)).symbol)
                except SubscriptionError as error:
                    refused.append(error)
    assert seen == {"BTC-USDT"}
    assert refused[0].streams == ("tickers.NOSUCH",)
