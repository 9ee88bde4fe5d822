"""Descriptor numbers are reused: what is closed here must not be touched again."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.frames import CLOSE, close, text
from tests.support.server import PATIENCE, Peer
from tickwire import AsyncSession
from tickwire.transport import ConnectError, WebSocketError

if TYPE_CHECKING:
    from tests.support.server import Serve

FD_FOLDER = "/proc/self/fd"

needs_proc = pytest.mark.skipif(not os.path.isdir(FD_FOLDER), reason=f"no {FD_FOLDER}")


def open_descriptors() -> dict[int, str]:
    found = {}
    for name in os.listdir(FD_FOLDER):
        with contextlib.suppress(OSError):
            found[int(name)] = os.readlink(f"{FD_FOLDER}/{name}")
    return found


async def polite(peer: Peer) -> None:
    await peer.accept(text("hello"))
    with contextlib.suppress(EOFError, ConnectionError):
        await peer.next_of(CLOSE)
        await peer.send(close())


@pytest.mark.parametrize("how", ["close", "terminate", "reset"])
async def test_recycled_numbers_belong_to_others(
    serve: Serve, session: AsyncSession, how: str
) -> None:
    """100 connections; as each ends, socket pairs take the freed numbers. They must work, see
    nobody else's bytes, and still be open and watched in the end."""

    async def script(peer: Peer) -> None:
        if how == "reset":
            await peer.accept(text("hello"))
            await peer.message()
            peer.reset()
        else:
            await polite(peer)

    loop = asyncio.get_running_loop()
    pairs: list[tuple[socket.socket, socket.socket]] = []
    numbers: set[int] = set()
    recycled = 0
    heard: dict[int, bytes] = {}

    def on_readable(sock: socket.socket) -> None:
        heard[sock.fileno()] = heard.get(sock.fileno(), b"") + sock.recv(100)

    async with serve(script) as server:
        for _ in range(100):
            ws = await session.ws_connect(server.url, ping_interval=0.005, ping_timeout=PATIENCE)
            assert await ws.recv_str(timeout=PATIENCE) == "hello"
            numbers.add(ws.fd)
            if how == "reset":
                await ws.send(b"now")
                with pytest.raises(WebSocketError):
                    await ws.recv(timeout=PATIENCE)
                await asyncio.wait_for(ws.wait_closed(), PATIENCE)
            elif how == "close":
                await ws.close()
            else:
                ws.terminate()
            one, two = socket.socketpair()
            for sock in (one, two):
                sock.setblocking(False)
                recycled += sock.fileno() in numbers
                loop.add_reader(sock.fileno(), on_readable, sock)
            pairs.append((one, two))
        assert recycled >= 50, "the test is of no use: no number was used again"
        for at, (one, two) in enumerate(pairs):
            assert one.send(b"%d" % at) == two.send(b"%d" % at)
        async with asyncio.timeout(PATIENCE):
            while len(heard) < 200:
                await asyncio.sleep(0)
        for at, pair in enumerate(pairs):
            for sock in pair:
                assert heard[sock.fileno()] == b"%d" % at
                loop.remove_reader(sock.fileno())
                sock.close()


@needs_proc
@pytest.mark.parametrize("how", ["cancelled", "timed out", "refused", "no websocket"])
async def test_a_connect_that_fails_leaves_nothing(
    serve: Serve, session: AsyncSession, how: str
) -> None:
    """No descriptor, no handle, no task."""
    asked = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.read_request()
        asked.set()
        if how == "no websocket":
            await peer.send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        await peer.gone()

    async def one(url: str) -> None:
        asked.clear()
        if how == "refused":
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
                with pytest.raises(ConnectError):
                    await session.ws_connect(f"ws://127.0.0.1:{port}/", timeout=PATIENCE)
        elif how == "cancelled":
            task = asyncio.ensure_future(connect(url))
            await asyncio.wait_for(asked.wait(), PATIENCE)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        else:
            with pytest.raises(WebSocketError):
                await session.ws_connect(url, timeout=0.05 if how == "timed out" else PATIENCE)

    async def connect(url: str) -> Any:
        return await session.ws_connect(url)

    async with serve(script) as server:
        await one(server.url)  # what is opened once and for all
        await settle(server)
        before = open_descriptors()
        tasks = len(asyncio.all_tasks())
        for _ in range(10):
            await one(server.url)
        await settle(server)
        after = open_descriptors()
        assert set(after) <= set(before), {fd: after[fd] for fd in set(after) - set(before)}
        assert session.connector.pending_count == session.connector.live_count == 0
        assert len(asyncio.all_tasks()) <= tasks


async def settle(server: Any) -> None:
    """Wait until the server has seen the end of its connections too."""
    async with asyncio.timeout(PATIENCE):
        while not all(task.done() for task in server._tasks):
            await asyncio.sleep(0)
        for peer in server.peers:
            peer.writer.transport.abort()
    for _ in range(5):
        await asyncio.sleep(0)
    gc.collect()


@needs_proc
async def test_a_session_closes_what_it_opened(serve: Serve, certificates: Any) -> None:
    async with serve(polite) as server:
        async with AsyncSession(verify=certificates.authority) as warm_up:
            await (await warm_up.ws_connect(server.url)).close()
        await settle(server)
        before = open_descriptors()
        for _ in range(5):
            async with AsyncSession(verify=certificates.authority) as session:
                for _ in range(5):
                    await session.ws_connect(server.url)
        await settle(server)
        after = open_descriptors()
        assert set(after) <= set(before), {fd: after[fd] for fd in set(after) - set(before)}
