"""The venue's limits, the planned ends of connections and the faults, over real sockets."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from tests.integration.simulator_api import API_PATHS, KEY, SECRET, api, rest
from tests.integration.simulator_client import (
    DEADLINE,
    ask,
    closed_for,
    connect,
    end_of,
    still,
    text_of,
)
from tickwire.errors import ConfigurationError
from tickwire.simulator import CloseReason, Faults, Limits, Simulator

GOING_AWAY = 1001
DAY = 86_400.0
"""As a minute of the limits it does not end while a test runs, unless it is midnight."""
DEPTH = "/api/v3/depth"


async def refused_at(sim: Simulator, path: str) -> tuple[int, Any, str]:
    """Status, body and ``Retry-After`` of a connection that is turned away."""
    async with aiohttp.ClientSession() as session:
        # As a plain request, since a client library drops the body of a refusal.
        headers = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version": "13",
        }
        async with session.get(sim.http_url + path, headers=headers) as response:
            body = await response.json() if response.status != 101 else None
            return response.status, body, response.headers.get("Retry-After", "")


# --- weight -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("market", "path", "weights"),
    [
        ("spot", "/api/v3/depth", {1: 5, 100: 5, 101: 25, 500: 25, 1000: 50, 1001: 250, 9999: 250}),
        ("usdm", "/fapi/v1/depth", {5: 2, 50: 2, 100: 5, 500: 10, 1000: 20}),
        ("coinm", "/dapi/v1/depth", {5: 2, 50: 2, 100: 5, 500: 10, 1000: 20}),
    ],
)
async def test_a_deeper_snapshot_costs_more(
    market: str, path: str, weights: dict[int, int]
) -> None:
    async with Simulator(rate=0, market=market) as sim:
        symbol = sim.model.instruments[0].spec.symbol
        for limit, weight in weights.items():
            # A minute may begin between two requests: then the count begins anew.
            counts = []
            for _ in range(2):
                status, _, headers = await rest(sim, "GET", path, f"symbol={symbol}&limit={limit}")
                assert status == 200
                counts.append(int(headers["X-MBX-USED-WEIGHT-1M"]))
            assert counts[1] - counts[0] == weight or counts[1] == weight


async def test_too_much_weight_is_refused_and_then_banned() -> None:
    limits = Limits(request_weight=10, refusals_before_ban=3, ban_seconds=DAY, minute_seconds=DAY)
    async with still(limits=limits) as sim:
        seen = []
        # More than enough, also if a day begins in between.
        for _ in range(20):
            status, body, headers = await rest(sim, "GET", DEPTH, "symbol=BTCUSDT")
            seen.append(status)
            if status != 200:
                assert set(body) == {"code", "msg"}
                assert body["code"] == -1003
                assert int(headers["Retry-After"]) >= 1
        changes = [status for i, status in enumerate(seen) if i == 0 or status != seen[i - 1]]
        assert changes[-3:] == [200, 429, 418]
        assert seen.count(429) >= 2
        # A ban is one of the address: streams and the WebSocket API are closed to it too.
        for path in ("/ws/btcusdt@trade", "/ws-api/v3"):
            status, body, retry_after = await refused_at(sim, path)
            assert (status, body["code"]) == (418, -1003)
            assert int(retry_after) >= 1
        assert sim.stats.connections_refused == 2


async def test_rest_and_websocket_api_share_one_weight() -> None:
    limits = Limits(request_weight=12, refusals_before_ban=2, ban_seconds=DAY, minute_seconds=DAY)
    async with still(limits=limits) as sim, api(sim) as client:
        statuses = []
        for _ in range(20):
            await rest(sim, "GET", DEPTH, "symbol=BTCUSDT")
            answer = await client.call("depth", symbol="BTCUSDT")
            statuses.append(answer["status"])
            (limit,) = answer["rateLimits"]
            assert limit["count"] <= limit["limit"] == 12
            if answer["status"] != 200:
                assert answer["error"]["code"] == -1003
                assert answer["error"]["data"]["retryAfter"] > answer["error"]["data"]["serverTime"]
        assert statuses[-1] == 418
        # Connected while it was let in; what is public on streams goes on.
        assert (await client.call("ping"))["status"] == 418


async def test_orders_that_are_done_cost_nothing() -> None:
    async with still(limits=Limits(minute_seconds=DAY)) as sim, api(sim) as client:
        sim.accounts.add(api_key=KEY, secret=SECRET, balances={"USDT": "1000000"})
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "1"}

        async def used(quantity: str) -> int:
            answer = await client.signed("order.place", **{**order, "quantity": quantity})
            return int(answer["rateLimits"][-1]["count"])

        # At midnight the count begins anew.
        assert await used("1") in (0, 2)
        assert await used("1") in (0, 2)
        assert await used("100000000") in (1, 3)


async def test_a_ban_by_hand() -> None:
    async with still() as sim:
        sim.ban(DAY)
        status, body, _ = await rest(sim, "GET", "/api/v3/ping")
        assert (status, body["code"]) == (418, -1003)


# --- connections --------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/ws", "/stream", API_PATHS["spot"]])
async def test_too_many_connections_are_refused(path: str) -> None:
    async with still(limits=Limits(connection_attempts=2, attempt_seconds=DAY)) as sim:
        async with connect(sim.ws_url + path), connect(f"{sim.ws_url}/ws"):
            status, body, retry_after = await refused_at(sim, path)
            assert (status, body["code"]) == (429, -1034)
            assert int(retry_after) >= 1
            assert sim.stats.connections_refused == 1
            # REST goes on.
            assert (await rest(sim, "GET", "/api/v3/ping"))[0] == 200


@pytest.mark.parametrize("path", ["/ws/btcusdt@trade", API_PATHS["spot"]])
async def test_a_connection_ends_with_its_day(path: str) -> None:
    async with still(limits=Limits(connection_seconds=0.2)) as sim:
        async with connect(sim.ws_url + path) as ws:
            end = await end_of(ws)
            assert (end.type, end.data) == (aiohttp.WSMsgType.CLOSE, GOING_AWAY)
        await closed_for(sim, CloseReason.LIFETIME)


async def test_a_shutdown_is_announced_on_every_kind_of_connection() -> None:
    async with still() as sim:
        async with (
            connect(f"{sim.ws_url}/ws/btcusdt@trade") as raw,
            connect(f"{sim.ws_url}/stream?streams=btcusdt@trade") as combined,
            api(sim) as client,
        ):
            # Each is registered once it has answered.
            for ws in (raw, combined):
                await ask(ws, "LIST_SUBSCRIPTIONS")
            await client.call("ping")
            sim.announce_shutdown(grace=0.1)
            notice = json.loads(await text_of(raw))
            assert notice["e"] == "serverShutdown"
            assert json.loads(await text_of(combined)) == {
                "stream": "!serverShutdown",
                "data": notice,
            }
            assert json.loads(await text_of(client.ws)) == {"event": notice}
            for ws in (raw, combined, client.ws):
                assert (await end_of(ws)).data == GOING_AWAY
            # There is another machine behind the same address.
            async with connect(f"{sim.ws_url}/ws/btcusdt@trade") as ws:
                assert (await ask(ws, "LIST_SUBSCRIPTIONS"))["result"] == ["btcusdt@trade"]


async def test_streams_go_on_until_the_announced_shutdown() -> None:
    async with still() as sim, connect(f"{sim.ws_url}/ws/btcusdt@trade") as ws:
        await ask(ws, "LIST_SUBSCRIPTIONS")
        sim.announce_shutdown(grace=DAY)
        assert json.loads(await text_of(ws))["e"] == "serverShutdown"
        sim.generate(300)
        assert json.loads(await text_of(ws))["e"] == "trade"


# --- faults -------------------------------------------------------------------------------------


async def test_rest_fails_as_often_as_it_is_told() -> None:
    async with still(faults=Faults(fail_rest_every=3)) as sim:
        sim.accounts.add(api_key=KEY, secret=SECRET)
        statuses = [(await rest(sim, "GET", "/api/v3/ping"))[0] for _ in range(5)]
        assert statuses == [200, 200, 503, 200, 200]
        status, body, _ = await rest(sim, "GET", "/api/v3/trades", "symbol=BTCUSDT")
        assert (status, body["code"]) == (503, -1000)


async def test_a_delayed_snapshot_shows_the_book_as_it_was_asked_for() -> None:
    async with still(faults=Faults(delay_depth=0.3)) as sim:
        book = sim.model.by_symbol["BTCUSDT"].book
        before = book.last_update_id
        request = asyncio.create_task(rest(sim, "GET", DEPTH, "symbol=BTCUSDT"))
        async with asyncio.timeout(DEADLINE):
            while not request.done():
                sim.generate(1)
                await asyncio.sleep(0)
        _, body, _ = await request
        assert before <= body["lastUpdateId"] < book.last_update_id


async def test_requests_in_flight_are_answered_late_or_lost_with_their_connection() -> None:
    async with still(faults=Faults(delay_api=0.2)) as sim:
        async with connect(sim.ws_url + API_PATHS["spot"]) as ws:
            for number in range(3):
                await ws.send_json({"id": number, "method": "ping"})
            assert {json.loads(await text_of(ws))["id"] for _ in range(3)} == {0, 1, 2}
    async with still(faults=Faults(delay_api=DAY)) as sim:
        async with connect(sim.ws_url + API_PATHS["spot"]) as ws:
            await ws.send_json({"id": 1, "method": "ping"})
            async with asyncio.timeout(DEADLINE):
                while not sim.stats.messages_received:
                    await asyncio.sleep(0)
            sim.cut_connections()
            end = await end_of(ws)
            assert end.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        await closed_for(sim, CloseReason.FAULT)


@pytest.mark.parametrize(
    "options", [{"fail_rest_every": 0}, {"delay_depth": 0.0}, {"delay_api": -1.0}]
)
def test_faults_that_are_none(options: Any) -> None:
    with pytest.raises(ConfigurationError):
        Faults(**options)
