"""A feed of Deribit's over a real socket: login, heartbeats, a break that is mended."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import orjson
import pytest

pytest.importorskip("aiohttp", reason="the server of this test is made with it")

from aiohttp import web

import tickwire
from tests.support.server import PATIENCE
from tickwire.credentials import Credentials
from tickwire.market import Gap

KEYS = Credentials("AMANDA", "AMANDASECRECT")
BOOK = "book.BTC-PERPETUAL.100ms"


class Server:
    """As much of the venue as the test needs; one change in three is not sent, once."""

    def __init__(self) -> None:
        self.methods: Counter[str] = Counter()
        self.number = 100

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            document = orjson.loads(message.data)
            method, params = document["method"], document["params"]
            self.methods[method] += 1
            result: Any = params.get("channels", "ok")
            if method == "public/auth":
                result = {"refresh_token": "r", "access_token": "a", "expires_in": 900}
            await self.send(socket, {"id": document["id"], "result": result})
            if method == "public/set_heartbeat":
                await self.send(socket, {"method": "heartbeat", "params": {"type": "test_request"}})
            if method.endswith("/subscribe") and BOOK in params["channels"]:
                await self.books(socket)
            if method == "private/subscribe":
                order = {"order_id": "1", "instrument_name": "BTC-PERPETUAL", "direction": "buy"}
                order |= {"order_type": "market", "order_state": "filled", "price": "market_price"}
                await self.push(socket, "user.orders.any.any.raw", order)
        return socket

    async def send(self, socket: web.WebSocketResponse, document: dict[str, Any]) -> None:
        await socket.send_bytes(orjson.dumps({"jsonrpc": "2.0", **document}))

    async def push(self, socket: web.WebSocketResponse, channel: str, data: Any) -> None:
        params = {"channel": channel, "data": data}
        await self.send(socket, {"method": "subscription", "params": params})

    async def books(self, socket: web.WebSocketResponse) -> None:
        is_first = self.methods["public/subscribe"] == 1
        shared = {"instrument_name": "BTC-PERPETUAL", "timestamp": 1_699_999_999_000 + self.number}
        rows = {"bids": [["new", 1.0, 2.0]], "asks": [["new", 3.0, 4.0]]}
        snapshot = {"type": "snapshot", "change_id": self.number} | shared | rows
        await self.push(socket, BOOK, snapshot)
        for place in range(4):
            previous, self.number = self.number, self.number + 7
            if is_first and place == 2:
                continue
            change = {"type": "change", "change_id": self.number, "prev_change_id": previous}
            change |= shared | rows | {"timestamp": 1_699_999_999_000 + self.number}
            await self.push(socket, BOOK, change)


async def test_a_feed() -> None:
    server = Server()
    application = web.Application()
    application.router.add_get("/ws/api/v2", server.serve)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"ws://127.0.0.1:{runner.addresses[0][1]}"
        found: list[Any] = []
        async with (
            asyncio.timeout(3 * PATIENCE),
            tickwire.Feed(
                "deribit", books=["BTC-PERPETUAL"], orders=True, credentials=KEYS, url=url
            ) as feed,
        ):
            async for event in feed:
                found.append(event)
                kinds = Counter(event.kind for event in found)
                if kinds["book_snapshot"] == 2 and kinds["book_delta"] == 6:
                    break
            while not kinds["order_update"]:
                kinds[(await anext(feed)).kind] += 1
    finally:
        await runner.cleanup()
    assert kinds["gap"] == 1
    (gap,) = [event for event in found if isinstance(event, Gap)]
    assert (gap.last_sequence, gap.first_sequence) == (114, 122)
    ends = [event.sequence for event in found if event.kind.startswith("book")]
    assert ends == [100, 107, 114, 128, 135, 142, 149, 156]
    assert server.methods["public/test"] == 1
    assert server.methods["public/unsubscribe"] == 1
    assert server.methods["public/auth"] == 1
