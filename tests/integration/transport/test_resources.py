"""What connections leave behind: no descriptor, no reader, no task, no memory that grows."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
import sys
import time
import weakref
from typing import TYPE_CHECKING

import pytest

from tests.support.frames import CLOSE, PING, close, pong, text
from tests.support.server import PATIENCE, Peer, raw_connection, reset, serving
from tickwire import AsyncSession
from tickwire.transport import ConnectError, WebSocketError

if TYPE_CHECKING:
    from tests.support.certificates import Certificates
    from tests.support.server import Serve

needs_proc = pytest.mark.skipif(
    not os.path.isdir("/proc/self/fd"), reason="counts descriptors in /proc"
)


def descriptors() -> dict[str, str]:
    """The process's descriptors and what they are; the listing's own is left out."""
    found = {}
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            found[number] = os.readlink(f"/proc/self/fd/{number}")
    return {number: kind for number, kind in found.items() if not kind.startswith("/proc/")}


def watched(loop: asyncio.AbstractEventLoop) -> set[int]:
    """Descriptors registered with asyncio's own loop (uvloop does not tell)."""
    selector = getattr(loop, "_selector", None)
    return set() if selector is None else set(selector.get_map())


async def polite(peer: Peer) -> None:
    await peer.accept(text("hello"))
    with contextlib.suppress(EOFError, ConnectionError):
        while (found := await peer.frame()).opcode != CLOSE:
            if found.opcode == PING:
                await peer.send(pong(found.payload))
        await peer.send(close())


async def settle() -> None:
    """Let closed transports take their last turns."""
    for _ in range(10):
        await asyncio.sleep(0)
    gc.collect()


@needs_proc
async def test_300_connects_and_closes_leave_nothing(
    serve: Serve, certificates: Certificates
) -> None:
    """Ended in every way there is: by us, by them, cut, reset, refused, in several at once."""
    loop = asyncio.get_running_loop()

    async def script(peer: Peer) -> None:
        await peer.read_request()
        way = peer.target.rpartition("/")[2]
        if way == "refused":
            await peer.send(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")
            return
        if way == "wrong":
            await peer.send(peer.answer(accept="wrong"))
            return
        peer.write(peer.answer() + text("hello"))
        with contextlib.suppress(EOFError, ConnectionError):
            if way == "theirs":
                await peer.send(close(1001))
            elif way == "reset":
                await peer.message()
                peer.reset()
                return
            elif way == "eof":
                await peer.message()
                return
            await peer.close_frame()
            await peer.send(close())

    async def one(session: AsyncSession, url: str, way: str) -> None:
        if way in ("refused", "wrong"):
            with pytest.raises(ConnectError):
                await session.ws_connect(url + way)
            return
        ws = await session.ws_connect(url + way)
        assert await ws.recv() == (b"hello", 1)
        if way == "terminate":
            ws.terminate()
        elif way == "ours":
            await ws.close()
        else:
            with contextlib.suppress(WebSocketError):
                await ws.send(b"go")
                await ws.recv(timeout=PATIENCE)
            await ws.close()

    ways = ("ours", "theirs", "terminate", "reset", "eof", "refused", "wrong")
    async with serve(script) as server, AsyncSession(verify=certificates.authority) as session:
        await one(session, server.url, "ours")
        await settle()
        tasks, files, readers = len(asyncio.all_tasks()), descriptors(), watched(loop)
        for turn in range(43):
            await asyncio.gather(
                *(one(session, server.url, ways[(turn + at) % len(ways)]) for at in range(7))
            )
        assert len(server.peers) == 302
        assert session.connector.live_count == session.connector.pending_count == 0
        await asyncio.gather(*server._tasks)
        for peer in server.peers:
            peer.writer.transport.abort()
        await settle()
        assert len(asyncio.all_tasks()) == tasks
        left = descriptors()
        assert {number: kind for number, kind in left.items() if number not in files} == {}
        assert watched(loop) <= readers


@needs_proc
async def test_a_session_leaves_nothing(serve: Serve, certificates: Certificates) -> None:
    async with serve(polite) as server:
        await settle()
        before = descriptors()
        tasks = len(asyncio.all_tasks())
        for _ in range(5):
            async with AsyncSession(verify=certificates.authority) as session:
                sockets = [await session.ws_connect(server.url) for _ in range(4)]
                await sockets[0].close()
        await asyncio.gather(*server._tasks)
        for peer in server.peers:
            peer.writer.transport.abort()
        await settle()
        assert len(descriptors()) <= len(before), descriptors()
        # curl_cffi's session ends a helper task by itself
        async with asyncio.timeout(PATIENCE):
            while len(asyncio.all_tasks()) > tasks:
                await asyncio.sleep(0)


@needs_proc
async def test_cancelled_connects_leave_nothing(session: AsyncSession) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        url = f"ws://127.0.0.1:{listener.getsockname()[1]}/"
        warm = asyncio.ensure_future(session.ws_connect(url))
        await asyncio.sleep(0.01)
        warm.cancel()
        await asyncio.gather(warm, return_exceptions=True)
        await settle()
        before, tasks = descriptors(), len(asyncio.all_tasks())
        for turns in (0, 1, 2, 3, 5, 10):
            connects = [asyncio.ensure_future(session.ws_connect(url)) for _ in range(50)]
            for _ in range(turns):
                await asyncio.sleep(0)
            for connect in connects:
                connect.cancel()
            results = await asyncio.gather(*connects, return_exceptions=True)
            assert all(isinstance(result, asyncio.CancelledError) for result in results)
        await settle()
        assert len(descriptors()) <= len(before), descriptors()
        assert len(asyncio.all_tasks()) == tasks


def take_into(seen: list[bytes], descriptor: int) -> None:
    seen.append(os.read(descriptor, 100))


def take_from(fd: int, into: list[bytes]) -> None:
    into.append(os.read(fd, 100))


@needs_proc
async def test_descriptor_numbers_that_are_used_again_are_left_alone(
    session: AsyncSession,
) -> None:
    """A closed connection's number goes to a pipe at once; nobody reads, writes or closes it."""
    loop = asyncio.get_running_loop()
    for way in ("terminate", "reset", "close"):
        async with raw_connection(session.ws_connect) as (ws, conn):
            number = ws.fd
            await ws.send(b"x")
            if way == "terminate":
                ws.terminate()
            elif way == "reset":
                reset(conn)
                async with asyncio.timeout(PATIENCE):
                    await ws.wait_closed()
            else:
                conn.sendall(close())
                conn.shutdown(socket.SHUT_WR)
                await ws.close()
            readable, writable = os.pipe()
            taken = {readable, writable}
            while number not in taken:
                taken.update(os.pipe())
            seen: list[bytes] = []
            loop.add_reader(readable, take_from, readable, seen)
            os.write(writable, b"mine")
            ws.terminate()
            await ws.close()
            with pytest.raises(WebSocketError):
                await ws.recv()
            async with asyncio.timeout(PATIENCE):
                while not seen:
                    await asyncio.sleep(0)
            del ws
            gc.collect()
            assert seen == [b"mine"]
            loop.remove_reader(readable)
            for taken_number in taken:
                os.close(taken_number)  # fails if somebody closed it


async def test_a_closed_connection_is_collected(session: AsyncSession) -> None:
    """With unread messages, unsent ones and a pending ping."""
    references = []
    for _ in range(3):
        async with raw_connection(session.ws_connect) as (ws, conn):
            conn.sendall(text("x" * 1000) * 50)
            while not ws.recv_queue_length:
                await asyncio.sleep(0)
            await ws.ping()
            sending = asyncio.create_task(ws.send(bytes(20_000_000)))
            await asyncio.sleep(0)
            references.append(weakref.ref(ws._gone))
        await asyncio.gather(sending, return_exceptions=True)
        del ws, sending
    await settle()
    assert [reference() for reference in references] == [None] * 3


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/statm")
@pytest.mark.asyncio(loop_factories=["uvloop"])
async def test_memory_does_not_grow_with_connections(session: AsyncSession) -> None:
    def resident() -> int:
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    async with serving(polite) as server:
        for _ in range(60):
            async with session.ws_connect(server.url) as ws:
                await ws.recv()
        await settle()
        before = resident()
        for _ in range(150):
            async with session.ws_connect(server.url) as ws:
                await ws.recv()
                await ws.send(bytes(100_000))
        await settle()
        # 150 connections that were kept would be 18 MB of libcurl's own.
        assert resident() - before < 8_000_000


async def test_open_connections_that_are_silent_cost_nothing(
    serve: Serve, session: AsyncSession
) -> None:
    """No reader that spins, no timer that ticks, after data, a ping and a send."""
    async with serve(polite) as server:
        sockets = [await session.ws_connect(server.url) for _ in range(3)]
        await sockets[0].recv()
        await sockets[1].send(b"x")
        await (await sockets[2].ping())
        await settle()
        spent = time.process_time()
        await asyncio.sleep(0.3)
        assert time.process_time() - spent < 0.1
        for ws in sockets:
            await ws.close()
