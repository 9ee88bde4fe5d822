"""Coinbase's and Kraken's feeds over real sockets, against a server that has learnt the dialects
from the unit tests of the codecs."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import orjson
import pytest

aiohttp = pytest.importorskip("aiohttp", reason="the test's server needs aiohttp")
from aiohttp import web  # noqa: E402

import tickwire  # noqa: E402
from tests.unit.exchanges import test_coinbase_advanced as advanced  # noqa: E402
from tests.unit.exchanges import test_coinbase_exchange as exchange  # noqa: E402
from tests.unit.exchanges import test_kraken as kraken  # noqa: E402
from tests.unit.exchanges.test_kraken_checksum import MATIC_ASKS, MATIC_BIDS  # noqa: E402
from tickwire.credentials import Credentials  # noqa: E402
from tickwire.errors import LoginError, SubscriptionError  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Script = Callable[["Line"], Awaitable[None]]

PATIENCE = 20.0


class Line:
    """The server's end of one connection."""

    def __init__(self, socket: web.WebSocketResponse, number: int) -> None:
        self.socket = socket
        self.number = number

    async def send(self, *frames: bytes) -> None:
        for frame in frames:
            await self.socket.send_str(frame.decode())

    async def request(self) -> dict[str, Any]:
        """The next one, pings left out; the line ends with the client."""
        while True:
            message = await self.socket.receive()
            if message.type is not aiohttp.WSMsgType.TEXT:
                raise ConnectionResetError
            document: dict[str, Any] = orjson.loads(message.data)
            if document.get("method") != "ping":
                return document


class Server:
    """What came to it."""

    def __init__(self) -> None:
        self.url = ""
        self.connections = 0
        self.tokens: list[tuple[dict[str, str], bytes]] = []
        self.token_answer: dict[str, Any] = {"error": [], "result": {"token": "t0ken"}}


@asynccontextmanager
async def serving(script: Script) -> AsyncIterator[Server]:
    server = Server()

    async def connect(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        server.connections += 1
        try:
            await script(Line(socket, server.connections))
            while not socket.closed:
                await socket.receive()
        except (ConnectionError, RuntimeError):
            await socket.close()
        return socket

    async def give_token(request: web.Request) -> web.Response:
        server.tokens.append((dict(request.headers), await request.read()))
        return web.json_response(server.token_answer)

    app = web.Application()
    app.router.add_post("/0/private/GetWebSocketsToken", give_token)
    app.router.add_get("/{path:.*}", connect)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    server.url = f"ws://127.0.0.1:{port}"
    try:
        yield server
    finally:
        await runner.cleanup()


async def taken(feed: tickwire.Feed, count: int) -> list[Any]:
    events: list[Any] = []
    async with asyncio.timeout(PATIENCE):
        while len(events) < count:
            events.append(await anext(feed))
    return events


def kinds(events: list[Any]) -> list[str]:
    return [event.kind for event in events]


async def test_coinbase_exchange() -> None:
    async def script(line: Line) -> None:
        requests = [orjson.dumps(await line.request()) for _ in range(4)]
        await line.send(*exchange.acknowledge(requests), exchange.SNAPSHOT, exchange.UPDATE)
        await line.send(exchange.match(1), exchange.HEARTBEAT)

    async with (
        serving(script) as server,
        tickwire.Feed(
            "coinbase",
            market="exchange",
            url=server.url,
            trades=["btc/usd"],
            books=["BTC-USD"],
        ) as feed,
    ):
        events = await taken(feed, 4)
    assert kinds(events) == ["book_snapshot", "book_delta", "trade", "gap"]
    assert events[2].symbol == "btc/usd"


async def test_coinbase_advanced_replaces_a_connection_with_a_hole() -> None:
    async def script(line: Line) -> None:
        requests = [orjson.dumps(await line.request()) for _ in range(2)]
        await line.send(*advanced.acknowledge(requests), advanced.snapshot(2))
        if line.number == 1:
            await line.send(advanced.book(4, "update"))

    async with (
        serving(script) as server,
        tickwire.Feed("coinbase", url=server.url, books=["BTC-PERP-INTX"]) as feed,
    ):
        events = await taken(feed, 4)
        assert server.connections == 2
    assert kinds(events) == ["book_snapshot", "gap", "book_delta", "book_snapshot"]
    assert (events[1].last_sequence, events[1].first_sequence) == (2, 4)


async def test_a_wrong_product_is_told_and_the_others_go_on() -> None:
    async def script(line: Line) -> None:
        asked = await line.request()
        assert asked["product_ids"] == ["NO-SUCH", "ETH-USDT"]
        await line.request()
        await line.send(advanced.state(0, {"market_trades": ["ETH-USDT"]}), advanced.trades(1, 5))

    async with (
        serving(script) as server,
        tickwire.Feed("coinbase", url=server.url, trades=["NO-SUCH", "ETH-USDT"]) as feed,
    ):
        found: list[Any] = []
        async with asyncio.timeout(PATIENCE):
            while len(found) < 2:
                try:
                    found.append(await anext(feed))
                except SubscriptionError as refusal:
                    found.append(refusal)
    refusals = [one for one in found if isinstance(one, SubscriptionError)]
    assert [one.streams for one in refusals] == [("market_trades:NO-SUCH",)]
    assert [one.kind for one in found if not isinstance(one, SubscriptionError)] == ["trade"]


async def test_kraken_subscribes_a_book_anew_when_its_checksum_is_wrong() -> None:
    async def script(line: Line) -> None:
        await line.send(kraken.STATUS % b"online")
        snapshots = 0
        while True:
            request = await line.request()
            await line.send(*kraken.accept(request))
            if request["method"] != "subscribe" or request["params"]["channel"] != "book":
                continue
            snapshots += 1
            await line.send(kraken.SNAPSHOT)
            if snapshots == 1:
                wrong = kraken.book("update", "0.5657 1098.3947558", "", 1)
                await line.send(wrong)
            else:
                await line.send(kraken.UPDATE)

    async with (
        serving(script) as server,
        tickwire.Feed("kraken", url=server.url, books=["MATIC-USD"], options={"depth": 10}) as feed,
    ):
        events = await taken(feed, 5)
        assert server.connections == 1
    assert kinds(events) == [
        "book_snapshot",
        "gap",
        "book_delta",
        "book_snapshot",
        "book_delta",
    ]
    assert events[1].cause == "checksum"
    assert {event.symbol for event in events} == {"MATIC-USD"}
    assert len(events[0].bids) == len(MATIC_BIDS.split()) // 2
    assert len(events[0].asks) == len(MATIC_ASKS.split()) // 2


async def test_kraken_fetches_a_token_for_the_account() -> None:
    async def script(line: Line) -> None:
        request = await line.request()
        assert request["params"] == {"channel": "executions", "token": "t0ken"}
        await line.send(*kraken.accept(request), *kraken.EXECUTIONS)

    async with (
        serving(script) as server,
        tickwire.Feed(
            "kraken",
            url=server.url,
            orders=True,
            fills=True,
            credentials=kraken.KEYS,
        ) as feed,
    ):
        events = await taken(feed, 5)
        [(headers, body)] = server.tokens
    assert kinds(events).count("fill") == 1
    assert kinds(events).count("order_update") == 4
    assert headers["API-Key"] == "key"
    assert headers["API-Sign"]
    assert body.startswith(b"nonce=")


async def test_kraken_without_a_token_is_a_refused_login() -> None:
    async def script(line: Line) -> None:
        raise AssertionError("no connection without a token")

    async with serving(script) as server:
        server.token_answer = {"error": ["EAPI:Invalid key"]}
        feed = tickwire.Feed(
            "kraken", url=server.url, orders=True, credentials=Credentials("key", kraken.SECRET)
        )
        with pytest.raises(LoginError, match="EAPI:Invalid key"):
            await feed.open()
        assert server.connections == 0
        await feed.close()
