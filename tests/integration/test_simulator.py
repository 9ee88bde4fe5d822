"""The simulator as a client sees it, over real sockets: the generated market."""

from __future__ import annotations

import asyncio
import json
import math
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import WSMsgType

from tests.integration.simulator_client import (
    DEADLINE,
    ask,
    closed_for,
    connect,
    end_of,
    events_until_answer,
    fetch,
    raw_connection,
    still,
    text_of,
    write_capture,
)
from tickwire.clock import mono, wall_ns
from tickwire.errors import ConfigurationError
from tickwire.simulator import CloseReason, Faults, Limits, Market, Simulator, SymbolSpec

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

# --- endpoints and control requests ------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "is_combined"),
    [
        ("/ws/btcusdt@trade", False),
        ("/ws/btcusdt@trade/ethusdt@trade", False),
        ("/stream?streams=btcusdt@trade", True),
        ("/stream?streams=ethusdt%40trade%2Fbtcusdt%40trade", True),
    ],
)
async def test_streams_named_in_the_url(path: str, is_combined: bool) -> None:
    async with still() as sim, connect(sim.ws_url + path) as ws:
        sim.generate(200)
        message = json.loads(await text_of(ws))
        if is_combined:
            assert message["stream"] == f"{message['data']['s'].lower()}@trade"
            message = message["data"]
        assert message["e"] == "trade"
        streams = set(re.findall(r"[a-z]+usdt(?=@|%40)", path))
        assert message["s"].lower() in streams
        reply = await ask(ws, "LIST_SUBSCRIPTIONS")
        assert {name.partition("@")[0] for name in reply["result"]} == streams


@pytest.mark.parametrize(("path", "is_combined"), [("/ws", False), ("/stream", True)])
async def test_the_conversation_of_a_connection(path: str, is_combined: bool) -> None:
    async with (
        still(limits=Limits(messages_per_second=100)) as sim,
        connect(sim.ws_url + path) as ws,
    ):
        assert await ask(ws, "LIST_SUBSCRIPTIONS") == {"result": [], "id": 1}
        assert await ask(ws, "GET_PROPERTY", "combined") == {"result": is_combined, "id": 1}
        streams = ["btcusdt@trade", "btcusdt@bookTicker", "nonsense"]
        assert await ask(ws, "SUBSCRIBE", *streams, request_id=7) == {"result": None, "id": 7}
        assert await ask(ws, "LIST_SUBSCRIPTIONS") == {"result": streams, "id": 1}
        sim.generate(50)
        assert ("stream" in json.loads(await text_of(ws))) is is_combined
        reply = await ask(ws, "SET_PROPERTY", "combined", not is_combined)
        assert reply == {"result": None, "id": 1}
        sim.generate(50)
        assert ("stream" in json.loads(await text_of(ws))) is not is_combined
        await ask(ws, "UNSUBSCRIBE", *streams)
        sim.generate(200)
        # Nothing between this request and its answer, so nothing was sent.
        await ws.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 8})
        assert json.loads(await text_of(ws)) == {"result": [], "id": 8}


async def test_an_error_frame_leaves_the_connection_as_it_was() -> None:
    async with still() as sim, connect(f"{sim.ws_url}/ws/btcusdt@trade") as ws:
        await ws.send_str("ping")
        assert json.loads(await text_of(ws))["code"] == 3
        await ws.send_bytes(b'{"method":"NO","id":1}\xff')
        assert json.loads(await text_of(ws))["code"] == 3
        sim.generate(100)
        assert json.loads(await text_of(ws))["e"] == "trade"


@pytest.mark.parametrize(
    ("path", "heard"),
    [
        ("", {"bookTicker"}),
        ("/public", {"bookTicker"}),
        ("/market", {"aggTrade"}),
    ],
)
async def test_futures_streams_of_the_wrong_class_are_acknowledged_and_silent(
    path: str, heard: set[str]
) -> None:
    async with (
        still(market="usdm") as sim,
        connect(f"{sim.ws_url}{path}/stream?streams=btcusdt@bookTicker") as ws,
    ):
        reply = await ask(ws, "SUBSCRIBE", "btcusdt@aggTrade")
        assert reply == {"result": None, "id": 1}
        reply = await ask(ws, "LIST_SUBSCRIPTIONS")
        assert reply["result"] == ["btcusdt@bookTicker", "btcusdt@aggTrade"]
        sim.generate(300)
        assert await events_until_answer(ws) == heard


async def test_without_routing_by_class_a_futures_connection_gets_everything() -> None:
    url = "/stream?streams=btcusdt@bookTicker/btcusdt@aggTrade"
    async with still(market="usdm", route_by_class=False) as sim, connect(sim.ws_url + url) as ws:
        sim.generate(300)
        assert await events_until_answer(ws) == {"bookTicker", "aggTrade"}


@pytest.mark.parametrize(
    ("market", "path"),
    [
        ("spot", "/public/ws"),
        ("spot", "/nowhere"),
        ("spot", "/wsx"),
        ("coinm", "/private/ws"),
        ("coinm", "/market/ws"),
        ("spot", "/ws-fapi/v1"),
        ("usdm", "/ws-api/v3"),
        ("spot", "/fapi/v1/depth"),
        ("usdm", "/api/v3/depth"),
    ],
)
async def test_paths_that_the_market_does_not_have(market: str, path: str) -> None:
    async with Simulator(rate=0, market=market) as sim:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            async with connect(sim.ws_url + path):
                pass
        assert caught.value.status == 404


async def test_too_many_streams_in_a_url_are_refused() -> None:
    async with still(limits=Limits(streams=2)) as sim:
        async with connect(f"{sim.ws_url}/ws/a@trade/b@trade/a@trade"):
            pass
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            async with connect(f"{sim.ws_url}/ws/a@trade/b@trade/c@trade"):
                pass
        assert caught.value.status == 400


# --- life of a connection -----------------------------------------------------------------------


async def test_a_client_that_answers_pings_stays() -> None:
    limits = Limits(ping_interval=0.02, pong_timeout=0.5, messages_per_second=1000)
    async with still(limits=limits) as sim, connect(f"{sim.ws_url}/ws", autoping=False) as ws:
        payloads = []
        for _ in range(5):
            message = await ws.receive(DEADLINE)
            assert message.type is WSMsgType.PING
            payloads.append(int(message.data))
            await ws.pong(message.data)
        assert sorted(set(payloads)) == payloads
        assert abs(payloads[-1] - wall_ns() // 1_000_000) < 5000, "the time in milliseconds"
        assert not ws.closed


@pytest.mark.parametrize("answer", [None, b"", b"something else"])
async def test_a_client_that_does_not_echo_pings_is_closed_in_time(answer: bytes | None) -> None:
    """An unsolicited pong, empty or not, is no answer."""
    limits = Limits(ping_interval=0.05, pong_timeout=0.2, messages_per_second=1000)
    async with still(limits=limits) as sim, connect(f"{sim.ws_url}/ws", autoping=False) as ws:
        opened = mono()
        while (message := await ws.receive(DEADLINE)).type is WSMsgType.PING:
            if answer is not None:
                await ws.pong(answer)
        assert message.type is WSMsgType.CLOSE
        assert (message.data, message.extra) == (1008, "Pong timeout")
        assert 0.2 < mono() - opened < 2.0
        await closed_for(sim, CloseReason.NO_PONG)
        assert sim.stats.pings_sent >= 4


async def test_a_client_that_answers_nothing_at_all_is_cut_off() -> None:
    """Neither pings nor the close frame: the connection must not linger."""
    limits = Limits(ping_interval=0.02, pong_timeout=0.05)
    async with still(limits=limits) as sim:
        _, writer = await raw_connection(sim, "/ws")
        await closed_for(sim, CloseReason.NO_PONG)
        assert sim.stats.connections_open == 0
        writer.transport.abort()


async def test_an_answer_to_a_later_ping_stands_for_the_earlier_ones() -> None:
    limits = Limits(ping_interval=0.04, pong_timeout=0.3, messages_per_second=1000)
    async with still(limits=limits) as sim, connect(f"{sim.ws_url}/ws", autoping=False) as ws:
        for _ in range(4):
            for _ in range(3):
                message = await ws.receive(DEADLINE)
                assert message.type is WSMsgType.PING
            await ws.pong(message.data)
        assert sim.stats.pongs_received >= 3


async def test_a_clients_ping_is_answered_with_its_payload() -> None:
    async with still() as sim, connect(f"{sim.ws_url}/ws", autoping=False) as ws:
        await ws.ping(b"are you there")
        message = await ws.receive(DEADLINE)
        assert (message.type, message.data) == (WSMsgType.PONG, b"are you there")


@pytest.mark.parametrize("kind", ["request", "ping", "pong"])
async def test_one_message_too_many_in_a_second_closes(kind: str) -> None:
    async with still(market="usdm") as sim, connect(f"{sim.ws_url}/ws", autoping=False) as ws:
        send: Callable[[], Awaitable[None]] = {
            "request": lambda: ws.send_str('{"method":"LIST_SUBSCRIPTIONS","id":1}'),
            "ping": lambda: ws.ping(b"x"),
            "pong": lambda: ws.pong(b"x"),
        }[kind]
        for _ in range(10):
            await send()
        await ws.send_str("the eleventh")
        async with asyncio.timeout(DEADLINE):
            while (message := await ws.receive()).type is not WSMsgType.CLOSE:
                assert "Invalid JSON" not in str(message.data), "the eleventh got an answer"
        assert (message.data, message.extra) == (1008, "Too many requests")
        await closed_for(sim, CloseReason.TOO_MANY_MESSAGES)


@pytest.mark.parametrize("code", [1000, 3001])
async def test_a_client_that_closes_gets_its_code_back(code: int) -> None:
    async with still() as sim, connect(f"{sim.ws_url}/ws/btcusdt@trade") as ws:
        await ws.close(code=code)
        assert ws.close_code == code
        await closed_for(sim, CloseReason.CLIENT)
        assert sim.stats.connections_open == 0
        sim.generate(100)
        assert sim.stats.frames_sent == 0


async def test_a_client_that_vanishes_is_forgotten() -> None:
    async with still() as sim:
        reader, writer = await raw_connection(sim, "/ws/btcusdt@trade")
        writer.transport.abort()
        await closed_for(sim, CloseReason.CLIENT)
        assert sim.stats.connections_open == 0
        assert reader.at_eof() or reader.exception()


async def test_stopping_closes_every_connection_with_going_away() -> None:
    sim = still()
    await sim.start()
    async with connect(f"{sim.ws_url}/ws") as one, connect(f"{sim.ws_url}/stream") as two:
        stopping = asyncio.create_task(sim.stop())
        for ws in (one, two):
            message = await end_of(ws)
            assert (message.type, message.data) == (WSMsgType.CLOSE, 1001)
        await stopping
    await sim.stop()
    assert sim.stats.closed == {CloseReason.SHUTDOWN: 2}


async def test_stopping_does_not_wait_for_a_client_that_never_answers() -> None:
    sim = still()
    await sim.start()
    _, writer = await raw_connection(sim, "/ws")
    started = mono()
    await sim.stop()
    assert mono() - started < 5.0
    writer.transport.abort()


async def test_a_subscriber_that_does_not_read_is_cut_off_and_the_others_miss_nothing() -> None:
    limits = Limits(queue_bytes=100_000)
    streams = "btcusdt@trade/ethusdt@trade/btcusdt@bookTicker/ethusdt@bookTicker"
    async with still(limits=limits) as sim, connect(f"{sim.ws_url}/ws/btcusdt@trade") as healthy:
        _, stuck = await raw_connection(sim, f"/stream?streams={streams}", receive_buffer=4096)
        overflow = asyncio.create_task(closed_for(sim, CloseReason.SLOW))
        ids: list[int] = []
        while not overflow.done():
            sim.generate(500)
            last = sim.model.by_symbol["BTCUSDT"].next_trade_id - 1
            while not ids or ids[-1] != last:
                ids.append(json.loads(await text_of(healthy))["t"])
        await overflow
        stuck.transport.abort()
        assert ids == list(range(ids[0], last + 1))
        assert sim.stats.closed == {CloseReason.SLOW: 1}


# --- the generated market over the wire ---------------------------------------------------------


async def test_a_book_kept_by_the_vendors_rules_arrives_at_the_models_own() -> None:
    """Stream first, snapshot second, as a client does it; then compared with later snapshots."""
    async with still() as sim, connect(f"{sim.ws_url}/ws/btcusdt@depth@100ms") as ws:
        url = f"{sim.http_url}/api/v3/depth?symbol=BTCUSDT&limit=5000"
        sim.generate(100)
        first = json.loads(await text_of(ws))
        sim.generate(100)
        _, snapshot = await fetch(url)
        bids, asks, local = dict(snapshot["bids"]), dict(snapshot["asks"]), snapshot["lastUpdateId"]
        assert local > first["u"]
        book = sim.model.by_symbol["BTCUSDT"].book
        for _ in range(3):
            sim.generate(200)
            while local < book.last_update_id:
                update = json.loads(await text_of(ws))
                if update["u"] <= snapshot["lastUpdateId"]:
                    continue  # it was on its way while the snapshot was taken, which has it
                assert update["U"] <= local + 1 <= update["u"]
                apply_update(update, bids, asks)
                local = update["u"]
            _, later = await fetch(url)
            assert (bids, asks) == (dict(later["bids"]), dict(later["asks"]))


def apply_update(update: Any, bids: dict[str, str], asks: dict[str, str]) -> None:
    for side, levels in ((bids, update["b"]), (asks, update["a"])):
        for price, quantity in levels:
            side[price] = quantity
            if float(quantity) == 0:
                del side[price]


async def test_a_skipped_depth_frame_is_a_gap_that_a_client_sees() -> None:
    url = "/ws/btcusdt@depth@100ms"
    sim = Simulator(symbols=["BTCUSDT"], rate=2000, faults=Faults(skip_depth_every=3))
    async with sim, connect(sim.ws_url + url) as ws:
        updates = [json.loads(await text_of(ws)) for _ in range(5)]
        links = [after["U"] == before["u"] + 1 for before, after in pairwise(updates)]
        assert links == [True, False, True, False]


async def test_a_connection_is_dropped_without_a_close_frame_after_so_many_frames() -> None:
    sim = still(faults=Faults(drop_after_frames=3))
    async with sim, connect(f"{sim.ws_url}/ws/btcusdt@trade") as ws:
        sim.generate(500)
        for _ in range(3):
            await text_of(ws)
        assert (await ws.receive(DEADLINE)).type is WSMsgType.CLOSED
        assert ws.close_code == 1006
        await closed_for(sim, CloseReason.FAULT)


async def test_event_times_are_the_wall_clock() -> None:
    sim = Simulator(symbols=["BTCUSDT"], rate=500)
    async with sim, connect(f"{sim.ws_url}/ws/btcusdt@trade") as ws:
        for _ in range(20):
            event_ms = json.loads(await text_of(ws))["T"]
            assert 0 <= wall_ns() // 1_000_000 - event_ms < 2000


async def test_the_rate_is_kept() -> None:
    rate = 5000
    sim = Simulator(rate=rate)
    async with sim, connect(f"{sim.ws_url}/ws/btcusdt@depth@100ms") as ws:
        await text_of(ws)
        started, before = mono(), sim.stats.events + sim.stats.events_behind
        for _ in range(5):
            await text_of(ws)
        due = sim.stats.events + sim.stats.events_behind - before
        assert due == pytest.approx(rate * (mono() - started), rel=0.2)


async def test_an_unlimited_rate_waits_for_subscribers_and_goes_at_their_pace() -> None:
    streams = "/".join(f"btcusdt@{name}" for name in ("trade", "bookTicker"))
    sim = Simulator(symbols=["BTCUSDT"], rate=math.inf, limits=Limits(queue_bytes=200_000))
    async with sim:
        async with connect(f"{sim.ws_url}/ws"):
            assert sim.stats.events == 0
        async with connect(f"{sim.ws_url}/stream?streams={streams}") as ws:
            trades = []
            for _ in range(8_000):
                message = json.loads(await text_of(ws))
                if message["stream"].endswith("@trade"):
                    trades.append(message["data"]["t"])
            assert trades == list(range(trades[0], trades[0] + len(trades)))
        assert CloseReason.SLOW not in sim.stats.closed


async def test_an_unlimited_rate_waits_for_a_subscriber_that_pauses() -> None:
    streams = "/".join(f"btcusdt@{name}" for name in ("trade", "aggTrade", "bookTicker"))
    sim = Simulator(symbols=["BTCUSDT"], rate=math.inf, limits=Limits(queue_bytes=200_000))
    async with sim:
        path = f"/stream?streams={streams}"
        reader, writer = await raw_connection(sim, path, receive_buffer=4096)
        # Turns enough to produce several times what all buffers on the way hold.
        for _ in range(1000):
            await asyncio.sleep(0)
        produced = sim.stats.bytes_sent
        assert CloseReason.SLOW not in sim.stats.closed
        async with asyncio.timeout(DEADLINE):
            await reader.readexactly(produced)
        assert sim.stats.bytes_sent > produced
        writer.transport.abort()


async def test_own_symbols_can_be_traded() -> None:
    spec = SymbolSpec("AAA", "EUR", "0.05", "1", "1250.00")
    async with (
        Simulator(rate=0, symbols=[spec], market="usdm") as sim,
        connect(f"{sim.ws_url}/market/ws/aaaeur@aggTrade") as ws,
    ):
        sim.generate(100)
        trade = json.loads(await text_of(ws))
        assert trade["s"] == "AAAEUR"
        assert re.fullmatch(r"\d+\.\d[05]", trade["p"])
        _, info = await fetch(f"{sim.http_url}/fapi/v1/exchangeInfo")
        assert [entry["symbol"] for entry in info["symbols"]] == ["AAAEUR"]


@pytest.mark.parametrize(
    ("market", "prefix"), [(Market.SPOT, "/api/v3"), (Market.USDM, "/fapi/v1")]
)
async def test_rest_over_http(market: Market, prefix: str) -> None:
    async with still(market=market) as sim:
        base = sim.http_url + prefix
        assert await fetch(f"{base}/ping") == (200, {})
        status, now = await fetch(f"{base}/time")
        assert status == 200
        assert abs(now["serverTime"] - wall_ns() // 1_000_000) < 5000
        _, info = await fetch(f"{base}/exchangeInfo")
        assert [entry["symbol"] for entry in info["symbols"]] == ["BTCUSDT", "ETHUSDT"]
        _, depth = await fetch(f"{base}/depth?symbol=ETHUSDT&limit=5")
        book = sim.model.by_symbol["ETHUSDT"].book
        assert depth["lastUpdateId"] == book.last_update_id
        assert len(depth["bids"]) == len(depth["asks"]) == 5
        assert ("E" in depth) is (market is Market.USDM)
        error = (400, {"code": -1121, "msg": "Invalid symbol."})
        assert await fetch(f"{base}/depth?symbol=NOSUCH") == error


async def test_coin_margined_contracts() -> None:
    async with Simulator(rate=500, symbols=["btcusd_perp"], market="coinm") as sim:
        streams = "btcusd_perp@aggTrade/btcusd_perp@bookTicker/!miniTicker@arr"
        async with connect(f"{sim.ws_url}/stream?streams={streams}") as ws:
            seen: dict[str, Any] = {}
            async with asyncio.timeout(DEADLINE):
                # The statistics come once a second.
                while len(seen) < 3:
                    message = json.loads(await text_of(ws))
                    seen[message["stream"]] = message["data"]
        trade, quote, (ticker,) = (seen[stream] for stream in streams.split("/"))
        assert (trade["s"], trade["st"], "nq" in trade) == ("BTCUSD_PERP", 2, False)
        assert (quote["s"], quote["ps"], quote["st"]) == ("BTCUSD_PERP", "BTCUSD", 2)
        # Volume in contracts of 100 dollars, turnover in the coin.
        assert trade["q"].isdecimal()
        worth = int(ticker["v"]) * 100
        assert worth / float(ticker["h"]) <= float(ticker["q"]) + 1e-6
        assert worth / float(ticker["l"]) >= float(ticker["q"]) - 1e-6
        _, depth = await fetch(f"{sim.http_url}/dapi/v1/depth?symbol=BTCUSD_PERP&limit=5")
        assert (depth["symbol"], depth["pair"]) == ("BTCUSD_PERP", "BTCUSD")
        _, info = await fetch(f"{sim.http_url}/dapi/v1/exchangeInfo")
        (entry,) = info["symbols"]
        assert (entry["pair"], entry["contractType"]) == ("BTCUSD", "PERPETUAL")
        assert (entry["contractSize"], entry["marginAsset"]) == (100, "BTC")


# --- options ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"rate": -1},
        {"rate": math.nan},
        {"speed": 0},
        {"market": "options"},
        {"replay_start": "soon"},
        {"replay": "x", "symbols": ["BTCUSDT"]},
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        Simulator(**options)


async def test_an_unknown_symbol_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigurationError, match="BTCUSDT"):
        await Simulator(symbols=["NOSUCH"]).start()


async def test_what_needs_a_running_simulator_says_so(tmp_path: Path) -> None:
    sim = still()
    for read in (lambda: sim.port, lambda: sim.stats, lambda: sim.market, lambda: sim.model):
        with pytest.raises(RuntimeError):
            read()
    await sim.stop()
    async with sim:
        with pytest.raises(RuntimeError):
            sim.start_replay()
        with pytest.raises(RuntimeError):
            await sim.start()
    recorded = write_capture(tmp_path / "X.ws.1.0")
    async with Simulator(replay=recorded.path) as replay:
        with pytest.raises(RuntimeError):
            replay.generate(1)
