"""Everything on the reference page, as it is written there, against servers on this machine."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import orjson
import pytest

import tickwire
from tests.support.frames import TEXT, close, text
from tests.support.server import Peer, serving
from tickwire.websocket import (
    ConnectionState,
    DisconnectReason,
    ReconnectStrategy,
    WebSocketClosedError,
    WebSocketConnectionError,
    WebSocketError,
    WebSocketManager,
    WebSocketStats,
    WebSocketTimeoutError,
)


async def forever(peer: Peer) -> None:
    """Accept, greet, then answer what comes."""
    try:
        await peer.accept(text('{"hello": 1}'))
        while True:
            frame = await peer.frame()
            if frame.opcode == TEXT:
                await peer.send(text(frame.payload.decode()))
            elif frame.opcode == 8:
                await peer.send(close())
                return
    except (EOFError, ConnectionError):
        return


def test_both_imports_give_the_same() -> None:
    assert tickwire.WebSocketManager is WebSocketManager
    assert tickwire.ReconnectStrategy is ReconnectStrategy
    assert tickwire.ConnectionState is ConnectionState
    assert tickwire.DisconnectReason is DisconnectReason
    assert tickwire.WebSocketError is WebSocketError
    assert tickwire.WebSocketStats is WebSocketStats


async def test_tldr() -> None:
    async with serving(forever) as server:
        async with WebSocketManager(server.url) as ws:
            async for message in ws.stream():
                assert message == {"hello": 1}
                break


async def test_auto_reconnection() -> None:
    """Three connections, each closed by the server after a message."""

    async def script(peer: Peer) -> None:
        await peer.accept(text(f'{{"n": {len(peers)}}}'))
        peers.append(peer)
        await peer.send(close(1001))
        await peer.close_frame()

    peers: list[Peer] = []
    async with serving(script) as server:
        ws = WebSocketManager(
            url=server.url,
            reconnect_strategy=ReconnectStrategy.EXPONENTIAL_BACKOFF,
            max_reconnect_attempts=5,
            reconnect_delay=0.01,
            reconnect_delay_max=0.05,
        )
        seen = []
        async with ws:
            async for message in ws.stream():
                seen.append(message["n"])
                if len(seen) == 3:
                    break
            stats = ws.stats
        assert seen == [0, 1, 2]
        assert stats.reasons[DisconnectReason.SERVER_CLOSED] >= 2


async def test_subscriptions_are_restored() -> None:
    subscriptions: list[Any] = [
        {"method": "SUBSCRIBE", "params": ["btcusdt@kline_1m"]},
        {"method": "SUBSCRIBE", "params": ["ethusdt@kline_1m"]},
    ]
    seen: list[list[Any]] = []

    async def script(peer: Peer) -> None:
        await peer.accept()
        mine = [orjson.loads((await peer.message()).payload) for _ in subscriptions]
        seen.append(mine)
        await peer.send(text(orjson.dumps(len(seen)).decode()))
        if len(seen) < 3:
            peer.reset()
        else:
            await forever_after(peer)

    async def forever_after(peer: Peer) -> None:
        await peer.close_frame()
        await peer.send(close())

    async with serving(script) as server:
        manager = WebSocketManager(
            url=server.url, subscriptions=subscriptions, reconnect_delay=0.01
        )
        async with manager as ws:
            async for number in ws.stream():
                if number == 3:
                    break
    assert seen == [subscriptions] * 3


async def test_manual_control() -> None:
    async with serving(forever) as server:
        ws = WebSocketManager(url=server.url)
        await ws.connect()
        assert str(ws.state) == "ConnectionState.CONNECTED"
        assert str(ws.stats).startswith("WebSocketStats(")
        assert ws.state is ConnectionState.CONNECTED
        ws.request_disconnect()
        await ws.disconnect()
        ws.schedule_reconnect(delay=0.05)
        await ws.wait_connected(timeout=5)
        stats = ws.stats
        lines = (
            f"Connects: {stats.connects}",
            f"Disconnects: {stats.disconnects}",
            f"  Proactive: {stats.proactive_disconnects}",
            f"  Reactive: {stats.reactive_disconnects}",
            f"Messages: {stats.messages_received} rx, {stats.messages_sent} tx",
            f"Bytes: {stats.bytes_received} rx, {stats.bytes_sent} tx",
            f"Uptime: {stats.uptime:.1f}s",
            f"Connection time: {stats.connection_time:.1f}s",
        )
        assert lines[:4] == ("Connects: 2", "Disconnects: 1", "  Proactive: 1", "  Reactive: 0")
        await ws.close()


async def test_error_handling() -> None:
    """Each of the page's clauses catches what it is for."""
    caught: list[str] = []

    async def go(url: str, **settings: Any) -> None:
        try:
            async with WebSocketManager(url, **settings) as ws:
                async for _ in ws.stream():
                    continue
        except WebSocketConnectionError as e:
            caught.append(f"Connection failed: {e.url}, attempts: {e.attempts}")
        except WebSocketClosedError as e:
            caught.append(f"Closed: {e.code} - {e.reason}")
        except WebSocketTimeoutError as e:
            caught.append(f"Timeout: {e.operation}")
        except WebSocketError as e:
            caught.append(f"WebSocket error: {e}")

    async def refuse(peer: Peer) -> None:
        await peer.accept()
        await peer.send(close(4001, b"not today"))
        await peer.close_frame()

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    await go(f"ws://127.0.0.1:{port}/x")
    async with serving(refuse) as server:
        await go(server.url, auto_reconnect=False)
    ws = WebSocketManager(f"ws://127.0.0.1:{port}/x")
    with pytest.raises(WebSocketTimeoutError) as late:
        await ws.wait_connected(timeout=0.01)
    assert late.value.operation == "wait_connected"
    assert caught == [
        f"Connection failed: ws://127.0.0.1:{port}/x, attempts: 1",
        "Closed: 4001 - not today",
    ]


async def test_the_window_on_a_real_connection() -> None:
    """Down while `should_disconnect` says so, up again when `should_reconnect` does."""
    async with serving(forever) as server:
        open_window = asyncio.Event()
        manager = WebSocketManager(
            server.url,
            should_disconnect=lambda: not open_window.is_set(),
            should_reconnect=lambda: open_window.is_set(),
            disconnect_check_interval=0.02,
        )
        seen = []
        async with manager as ws, asyncio.timeout(10):
            async for message in ws.stream():
                seen.append(message)
                if len(seen) == 2:
                    break
                while ws.is_connected:
                    await asyncio.sleep(0.01)
                assert ws.stats.reasons == {DisconnectReason.CALLBACK_TRIGGERED: 1}
                open_window.set()
        assert seen == [{"hello": 1}, {"hello": 1}]


async def test_bytes_and_sending() -> None:
    async with serving(forever) as server:
        async with WebSocketManager(server.url, raw=True) as ws:
            stream = ws.stream()
            assert await anext(stream) == b'{"hello": 1}'
            await ws.send({"op": "echo"}, timeout=5)
            assert await anext(stream) == b'{"op":"echo"}'
            await ws.send("text")
            assert await anext(stream) == b"text"
