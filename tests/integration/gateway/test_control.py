"""The gateway's REST side against the simulator."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import httpx
import pytest

pytest.importorskip("aiohttp", reason="the simulator needs the `simulator` extra")
pytest.importorskip("fastapi", reason="the gateway needs the `gateway` extra")

from prometheus_client.parser import text_string_to_metric_families

from tests.support.gateway import PATIENCE, gateway_of, listen, until
from tickwire.gateway import GatewayConfig, GatewayLimits, create_app
from tickwire.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

BODY = {"symbols": ["BTCUSDT", "ETHUSDT"], "stream_type": "ticker"}


async def test_the_steps_of_the_page() -> None:
    async with Simulator(rate=500, symbols=["BTCUSDT", "ETHUSDT"]) as simulator:
        async with gateway_of(simulator, linger=0.0) as (_, client), asyncio.timeout(PATIENCE):
            answer = await client.post("/api/ws/connect")
            assert answer.status_code == 200
            assert answer.json()["state"] == "idle"
            answer = await client.post("/api/ws/subscribe", json=BODY)
            assert answer.json()["changed"] == ["BTCUSDT", "ETHUSDT"]
            status = (await client.get("/api/ws/status")).json()
            assert status["connected"]
            assert (status["streams"], status["connections"]) == (2, 1)
            async with listen(client, "prices?symbols=BTCUSDT") as stream:
                price = (await stream.next()).data["data"]["price"]
            prices = (await client.get("/api/ws/prices")).json()["prices"]
            assert prices["BTCUSDT"]["type"] == "ticker"
            assert 0 <= prices["BTCUSDT"]["age"] < PATIENCE
            assert prices["BTCUSDT"]["price"] == pytest.approx(price, rel=0.01)
            streams = (await client.get("/api/ws/streams")).json()
            assert {item["symbol"] for item in streams["streams"]} == {"BTCUSDT", "ETHUSDT"}
            assert all(item["pinned"] for item in streams["streams"])
            answer = await client.post("/api/ws/unsubscribe", json=BODY)
            assert answer.json()["count"] == 0
            answer = await client.post("/api/ws/disconnect")
            assert answer.json()["state"] == "disconnected"
            await until(lambda: simulator.stats.connections_open == 0)


async def test_quick_start_and_stop() -> None:
    async with Simulator(rate=500, symbols=["BTCUSDT", "ETHUSDT"]) as simulator:
        async with gateway_of(simulator, linger=0.0) as (_, client), asyncio.timeout(PATIENCE):
            started = await client.post(
                "/api/ws/quick/start-prices", params={"symbols": "BTCUSDT,ETHUSDT"}
            )
            assert started.json()["changed"] == ["BTCUSDT", "ETHUSDT"]
            stopped = await client.post("/api/ws/quick/stop")
            assert stopped.json()["state"] == "disconnected"
            assert stopped.json()["streams"] == 0
            started = await client.post("/api/ws/quick/start-prices")
            assert started.json()["count"] == 2
            assert (await client.get("/api/ws/status")).json()["state"] == "connected"


async def test_disconnecting_tells_listeners_and_connecting_goes_on() -> None:
    async with Simulator(rate=500, symbols=["BTCUSDT"]) as simulator:
        async with gateway_of(simulator) as (_, client), asyncio.timeout(PATIENCE):
            async with listen(client, "trades?symbol=BTCUSDT") as stream:
                await stream.next()
                await client.post("/api/ws/disconnect")
                told = await stream.next("status")
                while told.data["live"]:
                    told = await stream.next("status")
                assert "request" in told.data["reason"]
                assert (await client.get("/readyz")).status_code == 503
                await client.post("/api/ws/connect")
                while not (await stream.next("status")).data["live"]:
                    pass
                await stream.next()


async def test_ready_is_the_truth() -> None:
    simulator = Simulator(rate=500, symbols=["BTCUSDT"])
    async with simulator, gateway_of(simulator) as (_, client), asyncio.timeout(PATIENCE):
        ready = {"status": "ready", "streams": 0, "waiting": 0}
        assert (await client.get("/readyz")).json() == ready
        async with listen(client, "trades?symbol=BTCUSDT") as stream:
            await stream.next()
            assert (await client.get("/readyz")).json() == ready | {"streams": 1}
            assert (await client.head("/readyz")).status_code == 200
            await simulator.stop()
            while (await stream.next("status")).data["live"]:
                pass
            answer = await client.get("/readyz")
            assert answer.status_code == 503
            assert answer.headers["content-type"] == "application/problem+json"
            stales = answer.json()["stale"]
            [stale] = [found for found in stales if found["type"] != "connection"]
            assert (stale["type"], stale["symbol"]) == ("trade", "BTCUSDT")
            assert (await client.get("/healthz")).json()["status"] == "ok"
            assert not (await client.get("/api/ws/status")).json()["connected"]


async def test_a_symbol_that_nobody_trades_speaks_for_nobody_else() -> None:
    async with Simulator(rate=500, symbols=["BTCUSDT"]) as simulator:
        async with gateway_of(simulator) as (_, client), asyncio.timeout(PATIENCE):
            body = {"symbols": ["NOSUCHUSDT", "BTCUSDT"], "stream_type": "trade"}
            assert (await client.post("/api/ws/subscribe", json=body)).status_code == 200
            async with listen(client, "trades?symbol=BTCUSDT") as stream:
                await stream.next()
                answer = await client.get("/readyz")
                assert answer.json() == {"status": "ready", "streams": 2, "waiting": 1}


async def test_an_exchange_out_of_reach_is_a_problem() -> None:
    async with Simulator(rate=500, symbols=["BTCUSDT"]) as simulator:
        url = simulator.ws_url
    async with gateway_of(None, url=url) as (_, client), asyncio.timeout(PATIENCE):
        answer = await client.post("/api/ws/subscribe", json=BODY)
        assert answer.status_code == 502
        assert answer.json()["type"] == "urn:tickwire:problem:exchange-unreachable"
        status = (await client.get("/api/ws/status")).json()
        assert status["error"]
        assert status["state"] == "connecting"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "kind"),
    [
        ("GET", "/api/ws/nothing", None, 404, "not-found"),
        ("GET", "/api/ws/connect", None, 405, "method-not-allowed"),
        ("GET", "/api/ws/status?exchange=nowhere", None, 404, "unknown-exchange"),
        ("POST", "/api/ws/subscribe", {"symbols": ["B+"]}, 422, "not-available"),
        ("POST", "/api/ws/subscribe", {"symbols": [" "]}, 422, "invalid-symbols"),
        ("POST", "/api/ws/subscribe", {"symbols": ["A" * 65]}, 422, "not-available"),
        ("POST", "/api/ws/unsubscribe", {"symbols": ["A" * 900_000]}, 422, "not-available"),
        ("POST", f"/api/ws/quick/start-prices?symbols={'A' * 65}", None, 422, "not-available"),
        ("GET", f"/api/ws/sse/prices?symbols=BTCUSDT,{'A' * 65}", None, 422, "not-available"),
        ("POST", "/api/ws/subscribe", {"symbols": "BTCUSDT"}, 422, "invalid-request"),
        ("POST", "/api/ws/subscribe", {"symbols": ["A"], "url": "ws://x"}, 422, "invalid-request"),
        ("GET", "/api/ws/sse/klines?symbol=BTCUSDT&interval=7m", None, 422, "not-available"),
        ("GET", "/api/ws/sse/prices?symbols=,", None, 422, "invalid-symbols"),
        ("GET", "/api/ws/sse/prices", None, 422, "invalid-request"),
        ("GET", "/api/ws/sse/books?symbol=BTCUSDT&levels=7", None, 422, "invalid-request"),
        ("GET", "/api/ws/sse/prices?symbols=A,B,C,D,E", None, 422, "invalid-symbols"),
        ("GET", "/api/ws/sse/prices?symbols=A,B,C,D", None, 429, "too-many-streams"),
    ],
)
async def test_errors_are_problem_documents(
    method: str, path: str, body: object, status: int, kind: str
) -> None:
    limits = GatewayLimits(symbols=4, streams=3)
    async with Simulator(rate=0, symbols=["BTCUSDT"]) as simulator:
        async with gateway_of(simulator, limits=limits, linger=0.0) as (gateway, client):
            answer = await client.request(method, path, json=body)
            assert not list(gateway.hub.exchange(None).topics())
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["type"] == f"urn:tickwire:problem:{kind}"
    assert document["status"] == status
    assert document["instance"] == path.partition("?")[0]
    assert document["detail"]


@pytest.mark.parametrize("sent", ["whole", "in pieces"])
async def test_no_more_of_a_body_is_read_than_it_may_have(sent: str) -> None:
    pieces, taken = 400, 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal taken
        for _ in range(pieces):
            taken += 1
            yield b" " * 65536

    async with Simulator(rate=0, symbols=["BTCUSDT"]) as simulator:
        async with gateway_of(simulator) as (gateway, _):
            # The application itself, since a server may end the connection before all is sent.
            transport = httpx.ASGITransport(app=create_app(GatewayConfig(), gateway.hub))
            async with httpx.AsyncClient(transport=transport, base_url=gateway.url) as client:
                answer = await client.post(
                    "/api/ws/subscribe",
                    content=b" " * 65536 * pieces if sent == "whole" else body(),
                    headers={"Content-Type": "application/json"},
                )
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:tickwire:problem:content-too-large"
    assert "fewer symbols" in answer.json()["detail"]
    assert taken < pieces


async def test_too_many_listeners_are_sent_away() -> None:
    limits = GatewayLimits(listeners=1)
    async with Simulator(rate=500, symbols=["BTCUSDT"]) as simulator:
        async with gateway_of(simulator, limits=limits) as (_, client), asyncio.timeout(PATIENCE):
            async with listen(client, "trades?symbol=BTCUSDT") as stream:
                answer = await client.get("/api/ws/sse/trades?symbol=BTCUSDT")
                assert answer.status_code == 503
                assert answer.headers["retry-after"]
                assert answer.json()["type"] == "urn:tickwire:problem:too-many-listeners"
                await stream.next()


async def test_the_log_of_today_is_what_happened() -> None:
    logger = logging.getLogger("tickwire")
    before = logger.level
    logger.setLevel(logging.INFO)
    try:
        async with Simulator(rate=500, symbols=["BTCUSDT"]) as simulator:
            async with gateway_of(simulator) as (_, client), asyncio.timeout(PATIENCE):
                async with listen(client, "trades?symbol=BTCUSDT") as stream:
                    await stream.next()
                    try:
                        raise ValueError("secret\n" + "x" * 5000)
                    except ValueError:
                        logger.exception("what it is", extra={"exchange": "binance"})
                    found = (await client.get("/api/logs/today")).json()
        assert not any(type(handler).__name__ == "RecentLines" for handler in logger.handlers)
    finally:
        logger.setLevel(before)
    assert found["count"] == len(found["lines"]) >= 2
    assert all(line["timestamp"].startswith(found["date"]) for line in found["lines"])
    assert "connected" in [line.get("type") for line in found["lines"]]
    last = found["lines"][-1]
    assert (last["message"], last["level"], last["exchange"]) == ("what it is", "error", "binance")
    assert last["exception"].startswith("ValueError: secret")
    assert len(last["exception"]) == 1000


async def test_metrics_count_what_happens() -> None:
    async with Simulator(rate=500, symbols=["BTCUSDT"]) as simulator:
        async with gateway_of(simulator) as (gateway, client), asyncio.timeout(PATIENCE):
            exchange = gateway.hub.exchange(None)
            path = "market?symbol=BTCUSDT&levels=5"
            async with listen(client, path) as stream, listen(client, "events") as events:
                await stream.next()
                await until(lambda: exchange.books.live == 1)
                simulator.cut_connections()
                while (await events.next()).data["type"] != "book_lost":
                    pass
                topics = (
                    exchange.feed.topics["trade", "BTCUSDT", ""],
                    exchange.books.topics["book", "BTCUSDT", "5"],
                )
                await until(lambda: all(t.delivery.count and t.arrival.count for t in topics))
                answer = await client.get("/metrics")
    samples = {
        (sample.name.removeprefix("tickwire_gateway_"), tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    of_trades = ("binance", "trade")
    for stream_type in ("feed", "book"):
        assert samples["messages_total", ("binance", stream_type)] > 0
        assert samples["bytes_total", ("binance", stream_type)] > 0
        assert samples["rotations_total", ("binance", stream_type)] == 0
    assert samples["gaps_total", ("binance", "book")] >= 1
    of_books = ("binance", "book")
    assert samples["venue_to_socket_seconds_count", of_books] > 0
    assert samples["socket_to_client_seconds_count", of_books] > 0
    assert samples["events_total", of_trades] > 0
    assert samples["venue_to_socket_seconds_count", of_trades] > 0
    assert samples["socket_to_client_seconds_count", of_trades] > 0
    assert samples["connected", ("binance",)] == 1
    assert samples["streams", of_trades] == 1
    assert samples["stale_streams", of_trades] == 0
    assert samples["listeners", ()] == 2
    assert ("queue_depth", of_trades) in samples
