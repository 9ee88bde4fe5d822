"""The callback mode: order, what the callback may do, and what its errors do."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.frames import CLOSE, close, fragments, numbered, ping, text
from tests.support.server import PATIENCE, Peer, raw_connection
from tickwire.clock import mono_ns
from tickwire.transport import AsyncWebSocket, WebSocketError

if TYPE_CHECKING:
    from tests.support.server import Serve
    from tickwire import AsyncSession


async def test_every_message_in_order(serve: Serve, session: AsyncSession) -> None:
    payloads = numbered(0, 5000)
    got: list[tuple[bytes, int]] = []

    async def script(peer: Peer) -> None:
        await peer.accept(text(payloads[0]))  # with the 101
        await peer.send(*(text(payload) for payload in payloads[1:4000]))
        await peer.send(*fragments(2, b"in ", b"", b"pieces"), ping())
        await peer.send(b"".join(text(payload) for payload in payloads[4000:]), close(1000))
        await peer.close_frame()

    async with serve(script) as server:
        ws = await session.ws_connect(
            server.url, on_message=lambda payload, flags: got.append((payload, flags))
        )
        await asyncio.wait_for(ws.wait_closed(), PATIENCE)
        assert ws.messages_received == 5001
    assert got.pop(4000) == (b"in pieces", 2)
    assert got == [(payload, 1) for payload in payloads]


async def test_it_runs_in_the_reader(serve: Serve, session: AsyncSession) -> None:
    """Each message is handed over before the loop does anything else."""
    order: list[str] = []
    loop = asyncio.get_running_loop()

    def on_message(payload: bytes, flags: int) -> None:
        order.append("message")
        loop.call_soon(order.append, "loop")

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.message()
        await peer.send(b"".join(text("x") for _ in range(3)))
        await peer.close_frame()
        await peer.send(close())

    async with serve(script) as server:
        ws = await session.ws_connect(server.url, on_message=on_message)
        await ws.send(b"go")
        async with asyncio.timeout(PATIENCE):
            while order.count("loop") < 3:
                await asyncio.sleep(0)
        await ws.close()
    assert order == ["message"] * 3 + ["loop"] * 3


@pytest.mark.parametrize("error", [ZeroDivisionError, asyncio.CancelledError])
async def test_an_error_is_reported_and_the_reader_lives(
    serve: Serve, session: AsyncSession, error: type[BaseException]
) -> None:
    got: list[bytes] = []
    reported: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: reported.append(context))

    def on_message(payload: bytes, flags: int) -> None:
        got.append(payload)
        if payload == b"bad":
            raise error("in the callback")

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.send(text("one") + text("bad") + text("two"))
        await peer.send(ping(b"alive?"))
        assert (await peer.next_of(0xA)).payload == b"alive?"
        await peer.send(text("bad"), text("three"), close())
        await peer.close_frame()

    async with serve(script) as server:
        ws = await session.ws_connect(server.url, on_message=on_message)
        await asyncio.wait_for(ws.wait_closed(), PATIENCE)
    assert got == [b"one", b"bad", b"two", b"bad", b"three"]
    assert [type(context["exception"]) for context in reported] == [error] * 2
    assert all(context["websocket"] is ws for context in reported)


async def test_it_may_send(serve: Serve, session: AsyncSession) -> None:
    sockets: list[AsyncWebSocket] = []

    def echo(payload: bytes, flags: int) -> None:
        # What `send` gives back need not be awaited: the queue has room.
        _ = sockets[0].send(payload, flags)

    payloads = numbered(0, 500)

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.message()
        for at in range(0, len(payloads), 50):
            await peer.send(b"".join(text(payload) for payload in payloads[at : at + 50]))
            for payload in payloads[at : at + 50]:
                assert (await peer.message()).payload == payload
        await peer.send(close())
        await peer.close_frame()

    async with serve(script) as server:
        ws = await session.ws_connect(server.url, on_message=echo)
        sockets.append(ws)
        await ws.send(b"ready")
        await asyncio.wait_for(ws.wait_closed(), PATIENCE)


async def test_it_may_close(serve: Serve, session: AsyncSession) -> None:
    tasks: list[asyncio.Task[None]] = []
    sockets: list[AsyncWebSocket] = []
    got: list[bytes] = []

    def on_message(payload: bytes, flags: int) -> None:
        got.append(payload)
        if not tasks:
            tasks.append(asyncio.get_running_loop().create_task(sockets[0].close(1001, b"enough")))

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.message()
        await peer.send(text("last") + text("one more"))
        found = await peer.close_frame()
        assert (found.close_code, found.payload[2:]) == (1001, b"enough")
        await peer.send(close(1001))

    async with serve(script) as server:
        ws = await session.ws_connect(server.url, on_message=on_message)
        sockets.append(ws)
        await ws.send(b"ready")
        await asyncio.wait_for(ws.wait_closed(), PATIENCE)
        await tasks[0]
    assert got[0] == b"last"


@pytest.mark.parametrize("shape", ["whole", "fragmented", "large", "compressed"])
async def test_it_may_terminate(serve: Serve, session: AsyncSession, shape: str) -> None:
    """After `terminate` no message comes, not even those of the same read."""
    sockets: list[AsyncWebSocket] = []
    got: list[int] = []

    def on_message(payload: bytes, flags: int) -> None:
        got.append(len(payload))
        sockets[0].terminate()

    first = {
        "whole": [text("last")],
        "fragmented": fragments(1, b"la", b"st"),
        "large": [text(b"x" * 1_000_000)],
        "compressed": [bytes.fromhex("c107f248cdc9c90700")],
    }[shape]
    extension = "Sec-WebSocket-Extensions: permessage-deflate"

    async def script(peer: Peer) -> None:
        await peer.accept(headers=(extension,) if shape == "compressed" else ())
        await peer.message()
        await peer.send(b"".join(first) + text("too late") * 100 + text("half")[:-1])
        await peer.gone()

    async with serve(script) as server:
        ws = await session.ws_connect(
            server.url,
            on_message=on_message,
            compression="deflate" if shape == "compressed" else None,
        )
        sockets.append(ws)
        await ws.send(b"ready")
        await asyncio.wait_for(ws.wait_closed(), PATIENCE)
        assert len(got) == 1
        with pytest.raises(WebSocketError):
            await ws.send(b"x")


async def test_a_coroutine_function_is_refused(session: AsyncSession) -> None:
    async def on_message(payload: bytes, flags: int) -> None:
        raise AssertionError

    with pytest.raises(ValueError, match="on_message"):
        session.ws_connect("ws://127.0.0.1:1/", on_message=on_message)


async def test_a_violation_still_ends_the_connection(serve: Serve, session: AsyncSession) -> None:
    got: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.send(text("good") + text(b"\xff"))
        assert (await peer.close_frame()).close_code == 1007

    async with serve(script) as server:
        ws = await session.ws_connect(
            server.url, on_message=lambda payload, flags: got.append(payload)
        )
        await asyncio.wait_for(ws.wait_closed(), PATIENCE)
    assert got == [b"good"]


async def test_two_connections_share_a_buffer_and_mix_nothing(
    serve: Serve, session: AsyncSession
) -> None:
    """A callback of one that makes the other send must not see the other's bytes."""
    sockets: list[AsyncWebSocket] = []
    got: list[tuple[int, bytes]] = []

    def callback(me: int) -> Any:
        def on_message(payload: bytes, flags: int) -> None:
            got.append((me, payload))
            if len(sockets) == 2:
                _ = sockets[1 - me].send(payload)

        return on_message

    payloads = numbered(0, 300, 700)

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.message()
        await peer.send(b"".join(text(payload) for payload in payloads))
        for _ in payloads:
            await peer.message()
        assert (await peer.next_of(CLOSE)).close_code == 1000
        await peer.send(close())

    async with serve(script) as server:
        for me in range(2):
            sockets.append(await session.ws_connect(server.url, on_message=callback(me)))
        for ws in sockets:
            await ws.send(b"go")
        async with asyncio.timeout(PATIENCE):
            while len(got) < 2 * len(payloads):
                await asyncio.sleep(0)
        await asyncio.gather(*(ws.close() for ws in sockets))
    for me in range(2):
        assert [payload for who, payload in got if who == me] == payloads


async def test_a_callback_that_takes_its_time_keeps_to_the_time_slice(
    session: AsyncSession,
) -> None:
    """What lies in the socket is not read, and so not called back for, all at once."""
    count, took = 20_000, 20_000
    calls = turns = most = before = 0
    done = asyncio.Event()

    def work(payload: bytes, flags: int) -> None:
        nonlocal calls
        calls += 1
        until = mono_ns() + took
        while mono_ns() < until:
            pass
        if calls == count:
            done.set()

    def connect(url: str) -> Any:
        return session.ws_connect(url, on_message=work, recv_time_slice=0.001)

    async with raw_connection(connect) as (_, conn):
        conn.sendall(b"\x82\x04tick" * count)
        async with asyncio.timeout(PATIENCE):
            while not done.is_set():
                await asyncio.sleep(0)
                turns += 1
                most = max(most, calls - before)
                before = calls
    assert most < count / 4, "the first read is a small one, before anything is known"
    assert turns > 20
