"""The asyncio manager: what its sockets give, how they end, what they share."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from tests.integration.binance.scripts import DEADLINE, QUICK, against, answered, left, trade
from tests.support.frames import close, text
from tests.support.server import serving
from tickwire import Gap
from tickwire.binance import (
    AsyncClient,
    BinanceSocketManager,
    BinanceWebsocketQueueOverflow,
    BinanceWebsocketUnableToConnect,
    FuturesType,
    ReadLoopClosed,
)
from tickwire.binance.messages import as_messages
from tickwire.binance.sources import MarketSource
from tickwire.errors import SubscriptionError
from tickwire.exchanges.binance.codec import BinanceCodec
from tickwire.exchanges.binance.dicts import DictCodec

if TYPE_CHECKING:
    from tests.support.server import Peer


async def test_one_instance_of_each_socket_and_what_is_asked_of_the_venue() -> None:
    asked: list[Any] = []
    ends = 0

    async def script(peer: Peer) -> None:
        nonlocal ends
        await peer.accept()
        asked.append((peer.target, await answered(peer)))
        peer.write(trade(1), trade(2), trade(3))
        await left(peer)
        ends += 1

    async with against(script) as (bm, server):
        socket = bm.trade_socket("BNBBTC")
        assert bm.trade_socket("bnb-btc") is socket
        async with socket as first:
            async with socket as second:
                assert first is second
                found = [await first.recv(), await second.recv()]
            # Left once, entered once more: still open.
            found.append(await first.recv())
            assert "open" in repr(socket)
        assert [message["t"] for message in found] == [1, 2, 3]
        with pytest.raises(ReadLoopClosed):
            await socket.recv()
        assert "closed" in repr(socket)
        assert bm.trade_socket("BNBBTC") is not socket
        assert len(server.peers) == 1
    assert ends == 1
    ((target, request),) = asked
    assert target == "/stream"
    assert request == {"method": "SUBSCRIBE", "params": ["bnbbtc@trade"], "id": request["id"]}


async def test_times_are_of_the_clients_unit_where_the_venue_has_it() -> None:
    targets: list[str] = []

    async def script(peer: Peer) -> None:
        await peer.accept()
        targets.append(peer.target)
        await answered(peer)
        await left(peer)

    async with serving(script) as server, asyncio.timeout(DEADLINE):
        url = server.url.rstrip("/")
        client = await AsyncClient.create(ws_url=url, time_unit="MICROSECOND")
        bm = BinanceSocketManager(client)
        async with bm.trade_socket("BNBBTC"), bm.aggtrade_futures_socket("BTCUSDT"):
            pass
        await client.close_connection()
    assert targets == ["/stream?timeUnit=MICROSECOND", "/market/stream"]


async def test_entered_by_hand_and_iterated_and_entered_again() -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        await answered(peer)
        peer.write(trade(1), trade(2))
        await left(peer)

    async with against(script) as (bm, server):
        socket = bm.trade_socket("BNBBTC")
        with pytest.raises(ReadLoopClosed, match="async with"):
            await socket.recv()
        for life in (1, 2):
            await socket.__aenter__()
            numbers = []
            async for message in socket:
                numbers.append(message["t"])
                if len(numbers) == 2:
                    await socket.__aexit__(None, None, None)
            assert numbers == [1, 2]
            assert len(server.peers) == life
        await socket.close()
        await socket.close()


async def test_a_lost_connection_is_told_and_restored_and_a_repeat_left_out() -> None:
    count = 0

    async def script(peer: Peer) -> None:
        nonlocal count
        count += 1
        await peer.accept()
        await answered(peer)
        if count == 1:
            peer.write(trade(1), trade(2))
            peer.end()
        elif count == 2:
            peer.write(trade(2), trade(3), close(1001, b"going away"))
            await left(peer)
        else:
            peer.write(trade(4))
            await left(peer)

    async with against(script) as (bm, _):
        async with bm.trade_socket("BNBBTC") as stream:
            found = [await stream.recv() for _ in range(6)]
    kinds = [message.get("t", message.get("type")) for message in found]
    assert kinds == [1, 2, "ConnectionClosedError", 3, "BinanceWebsocketClosed", 4]
    assert found[2].keys() == {"e", "type", "m"}
    assert found[2]["e"] == "error"
    assert "going away" in found[4]["m"]


async def test_a_hole_is_a_gap_among_events() -> None:
    count = 0

    async def script(peer: Peer) -> None:
        nonlocal count
        count += 1
        await peer.accept()
        await answered(peer)
        peer.write(trade(count * 10))
        if count == 1:
            peer.end()
        await left(peer)

    async with against(script, typed=True) as (bm, _):
        async with bm.trade_socket("BNBBTC") as stream:
            found = [await stream.recv() for _ in range(3)]
    assert [type(item) is Gap for item in found] == [False, True, False]
    assert [found[0].trade_id, found[2].trade_id] == [10, 20]


async def test_replaced_ahead_of_a_shutdown_without_loss_or_error() -> None:
    """The new connection is subscribed while the old one delivers; what both bring comes once."""
    handed_over = asyncio.Event()
    count = 0

    async def script(peer: Peer) -> None:
        nonlocal count
        count += 1
        await peer.accept()
        if count == 1:
            await answered(peer)
            notice = b'{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}'
            peer.write(trade(1), text(notice.decode()))
            await handed_over.wait()
            peer.write(trade(2), trade(3))
        else:
            await answered(peer)
            peer.write(trade(2), trade(3), trade(4))
            handed_over.set()
        await left(peer)

    settings = {"overlap": 0.01, **QUICK}
    async with against(script, manager=settings) as (bm, server):
        async with bm.trade_socket("BNBBTC") as stream:
            found = [await stream.recv() for _ in range(4)]
        assert [message.get("t", message) for message in found] == [1, 2, 3, 4]
        assert len(server.peers) == 2


async def test_replaced_ahead_of_the_venues_limit() -> None:
    """The day is a second long here; by itself it is the venue's."""
    second = asyncio.Event()
    count = 0

    async def script(peer: Peer) -> None:
        nonlocal count
        count += 1
        await peer.accept()
        await answered(peer)
        if count == 1:
            await second.wait()
        peer.write(*(trade(number) for number in range(1, 4)))
        second.set()
        await left(peer)

    day = {"connection_limit": 1.0, "connection_limit_margin": 0.5, "overlap": 0.01}
    async with against(script, manager=day) as (bm, server):
        async with bm.trade_socket("BNBBTC") as stream:
            assert [(await stream.recv())["t"] for _ in range(3)] == [1, 2, 3]
        assert len(server.peers) >= 2
    async with against(script) as (bm, _):
        async with bm.trade_socket("BNBBTC") as stream:
            assert isinstance(stream._source, MarketSource)
            (manager,) = stream._source._managers
            assert manager.options.connection_limit == 24 * 3600
            assert manager.options.max_reconnect_attempts == 5


async def test_no_connection_at_first_is_raised() -> None:
    async def script(peer: Peer) -> None:
        await peer.read_request()
        peer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        await left(peer)

    async with against(script) as (bm, _):
        socket = bm.trade_socket("BNBBTC")
        with pytest.raises(BinanceWebsocketUnableToConnect, match="403"):
            await socket.connect()
        with pytest.raises(ReadLoopClosed):
            await socket.recv()


async def test_giving_up_after_five_attempts_tells_why_and_ends() -> None:
    attempts = 0

    async def script(peer: Peer) -> None:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            await peer.accept()
            await answered(peer)
            peer.write(trade(1))
            peer.end()
            return
        await peer.read_request()
        peer.end()  # in the middle of the handshake

    async with against(script) as (bm, _):
        async with bm.trade_socket("BNBBTC") as stream:
            found = [message async for message in stream]
            with pytest.raises(ReadLoopClosed):
                await stream.recv()
    assert [message.get("type") for message in found] == [
        None,
        "ConnectionClosedError",
        "IncompleteReadError",
        "BinanceWebsocketUnableToConnect",
    ]
    assert attempts == 1 + 5


async def test_giving_up_among_events_is_raised() -> None:
    attempts = 0

    async def script(peer: Peer) -> None:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            await peer.accept()
            await answered(peer)
        else:
            await peer.read_request()
        peer.end()

    async with against(script, typed=True) as (bm, _):
        async with bm.trade_socket("BNBBTC") as stream:
            with pytest.raises(BinanceWebsocketUnableToConnect):
                await stream.recv()
            with pytest.raises(ReadLoopClosed):
                await stream.recv()


async def test_an_unknown_host_is_a_gaierror() -> None:
    """As a message after the last attempt; the name is one that never resolves (RFC 6761)."""
    client = await AsyncClient.create(ws_url="ws://tickwire.invalid:1")
    bm = BinanceSocketManager(client)
    with pytest.raises(BinanceWebsocketUnableToConnect) as caught:
        await bm.trade_socket("BNBBTC").connect()
    assert [message["type"] for message in as_messages(caught.value)] == [
        "gaierror",
        "BinanceWebsocketUnableToConnect",
    ]
    await client.close_connection()


async def test_a_refused_stream_is_told_and_the_others_go_on() -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        asked = orjson.loads((await peer.message()).payload)
        refusal = {"error": {"code": 2, "msg": "Invalid request"}, "id": asked["id"]}
        peer.write(text(orjson.dumps(refusal).decode()), trade(1))
        await left(peer)

    async with against(script) as (bm, _):
        async with bm.trade_socket("BNBBTC") as stream:
            found = [await stream.recv(), await stream.recv()]
        assert {message.get("type", "trade") for message in found} == {
            "SubscriptionError",
            "trade",
        }
        async with bm.trade_socket("BNBBTC", typed=True) as stream:
            outcomes = []
            for _ in range(2):
                try:
                    outcomes.append(type(await stream.recv()))
                except SubscriptionError as error:
                    outcomes.append(type(error))
        assert SubscriptionError in outcomes


async def test_a_reader_that_does_not_read_is_told_of_the_overflow_after_what_it_has() -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        await answered(peer)
        peer.write(*(trade(number) for number in range(1, 60)))
        await left(peer)

    for typed in (False, True):
        async with against(script, max_queue_size=10, typed=typed) as (bm, server):
            async with bm.trade_socket("BNBBTC") as stream:
                # The connection is given up because nothing is taken.
                while not server.peers or not server.peers[0].reader.at_eof():
                    await asyncio.sleep(0.01)
                found = []
                with pytest.raises((ReadLoopClosed, BinanceWebsocketQueueOverflow)) as caught:
                    while True:
                        found.append(await stream.recv())
        if typed:
            assert caught.type is BinanceWebsocketQueueOverflow
            assert [event.trade_id for event in found] == list(range(1, 11))
        else:
            assert caught.type is ReadLoopClosed
            *messages, error = found
            assert [message["t"] for message in messages] == list(range(1, 11))
            assert error["type"] == "BinanceWebsocketQueueOverflow"
            assert "exceeded maximum 10" in error["m"]


async def test_a_burst_is_no_overflow_for_a_reader_that_reads() -> None:
    total = 5000

    async def script(peer: Peer) -> None:
        await peer.accept()
        await answered(peer)
        peer.write(b"".join(trade(number) for number in range(1, total + 1)))
        await left(peer)

    async with against(script, max_queue_size=10) as (bm, _):
        async with bm.trade_socket("BNBBTC") as stream:
            found = [(await asyncio.wait_for(stream.recv(), DEADLINE))["t"] for _ in range(total)]
    assert found == list(range(1, total + 1))


async def test_a_socket_that_is_cancelled_from_outside_says_so() -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        await answered(peer)
        await left(peer)

    async with against(script) as (bm, _):
        for typed in (False, True):
            socket = bm.trade_socket("BNBBTC", typed=typed)
            async with socket as stream:
                assert socket._reader is not None
                socket._reader.cancel()
                if typed:
                    with pytest.raises(Exception, match="cancelled"):
                        await stream.recv()
                else:
                    message = await stream.recv()
                    assert (message["e"], message["type"]) == ("error", "CancelledError")
                with pytest.raises(ReadLoopClosed):
                    await stream.recv()


async def test_a_cancelled_recv_loses_nothing() -> None:
    go = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.accept()
        await answered(peer)
        await go.wait()
        peer.write(trade(1), trade(2))
        await left(peer)

    async with against(script) as (bm, _):
        async with bm.trade_socket("BNBBTC") as stream:
            waiting = asyncio.create_task(stream.recv())
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait((waiting,))
            go.set()
            assert [(await stream.recv())["t"] for _ in range(2)] == [1, 2]


async def test_options_at_their_own_path_with_their_own_names() -> None:
    asked: list[Any] = []

    async def script(peer: Peer) -> None:
        await peer.accept()
        request = await answered(peer)
        asked.append((peer.target, request["params"]))
        for name in request["params"]:
            frame = {"stream": name, "data": {"e": "24hrTicker", "s": "BTC-251123-126000-C"}}
            peer.write(text(orjson.dumps(frame).decode()))
        await left(peer)

    async with against(script) as (bm, _):
        async with bm.options_ticker_socket("BTC-251123-126000-C") as stream:
            assert (await stream.recv())["s"] == "BTC-251123-126000-C"
        async with bm.options_multiplex_socket(["btcusdt@optionMarkPrice"]) as stream:
            assert (await stream.recv())["stream"] == "btcusdt@optionMarkPrice"
    assert asked == [
        ("/public/stream", ["btc-251123-126000-c@optionTicker"]),
        ("/market/stream", ["btcusdt@optionMarkPrice"]),
    ]


async def test_futures_streams_of_both_classes_in_one_socket() -> None:
    asked: dict[str, Any] = {}

    async def script(peer: Peer) -> None:
        await peer.accept()
        (name,) = asked[peer.target] = (await answered(peer))["params"]
        peer.write(trade(1, name))
        await left(peer)

    async with against(script) as (bm, _):
        socket = bm.futures_multiplex_socket(["bnbbtc@depth", "bnbbtc@aggTrade"], FuturesType.USD_M)
        async with socket as stream:
            found = {(await stream.recv())["stream"] for _ in range(2)}
    assert found == {"bnbbtc@depth", "bnbbtc@aggTrade"}
    assert asked == {"/public/stream": ["bnbbtc@depth"], "/market/stream": ["bnbbtc@aggTrade"]}


def test_the_typed_codec_and_the_dictionaries_have_one_set_of_limits() -> None:
    assert DictCodec("usdm").rate_limits == BinanceCodec("usdm").rate_limits
