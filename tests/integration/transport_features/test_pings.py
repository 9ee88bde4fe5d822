"""Pings by hand, and the keepalive on real sockets."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.frames import PING, PONG, close, numbered, ping, pong, text
from tests.support.server import PATIENCE, Peer, serving
from tests.support.threaded import serving_in_thread
from tickwire.clock import mono
from tickwire.transport import CurlECode, KeepaliveTimeout, WebSocketClosed, WebSocketError

if TYPE_CHECKING:
    from tests.support.certificates import Certificates
    from tests.support.server import Serve
    from tickwire import AsyncSession


async def polite(peer: Peer) -> None:
    """Answer pings and the close."""
    await peer.accept()
    while True:
        found = await peer.frame()
        if found.opcode == PING:
            await peer.send(pong(found.payload))
        elif found.opcode == 8:
            await peer.send(close())
            return


def busy(seconds: float) -> None:
    """Keep this thread, and with it the loop, from doing anything else."""
    until = mono() + seconds
    while mono() < until:
        pass


async def test_the_round_trip(serve: Serve, session: AsyncSession) -> None:
    async with serve(polite) as server, session.ws_connect(server.url) as ws:
        for payload in (None, b"", "größer", b"x" * 125):
            pinged = await ws.ping(payload)
            async with asyncio.timeout(PATIENCE):
                assert 0 < await pinged < PATIENCE
        with pytest.raises(WebSocketError, match="125"):
            await ws.ping(b"x" * 126)


async def test_a_pong_answers_the_pings_before_it(serve: Serve, session: AsyncSession) -> None:
    """RFC 6455 section 5.5.3: a peer may answer only the latest."""

    async def script(peer: Peer) -> None:
        await peer.accept()
        payloads = [(await peer.next_of(PING)).payload for _ in range(3)]
        assert payloads == [b"1", b"2", b"3"]
        await peer.send(pong(b"unheard of"), pong(b"2"), text("half"))
        await peer.message()
        await peer.send(pong(b"3"))
        await peer.close_frame()
        await peer.send(close())

    async with serve(script) as server, session.ws_connect(server.url) as ws:
        futures = [await ws.ping(payload) for payload in (b"1", b"2", b"3")]
        assert await ws.recv_str(timeout=PATIENCE) == "half"
        assert [future.done() for future in futures] == [True, True, False]
        await ws.send(b"go on")
        await asyncio.wait_for(futures[2], PATIENCE)


async def test_pings_end_with_the_connection(serve: Serve, session: AsyncSession) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.next_of(PING)
        peer.reset()

    async with serve(script) as server:
        ws = await session.ws_connect(server.url)
        pinged = await ws.ping()
        await asyncio.wait_for(ws.wait_closed(), PATIENCE)
        assert pinged.cancelled()
        with pytest.raises(WebSocketError):
            await ws.ping()


async def test_a_pong_that_nobody_asked_for(serve: Serve, session: AsyncSession) -> None:
    got: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.accept()
        while (found := await peer.frame()).opcode == PONG:
            assert found.fin
            assert found.masked
            got.append(found.payload)
        assert found.close_code == 1000
        await peer.send(close())

    async with serve(script) as server, session.ws_connect(server.url) as ws:
        await ws.pong()
        await ws.pong("größer", timeout=PATIENCE)
        await ws.pong(b"bytes")
        await ws.pong(b"x" * 125)
        for too_long in (b"x" * 126, "ö" * 63):
            with pytest.raises(WebSocketError, match="125") as caught:
                await ws.pong(too_long)
            assert caught.value.code == CurlECode.TOO_LARGE
        await ws.close()
        with pytest.raises(WebSocketClosed):
            await ws.pong()
    assert got == [b"", "größer".encode(), b"bytes", b"x" * 125]


# ------------------------------------------------------------------ keepalive


async def test_an_idle_peer_that_answers_lives(serve: Serve, session: AsyncSession) -> None:
    pings = 0

    async def script(peer: Peer) -> None:
        nonlocal pings
        await peer.accept()
        for _ in range(5):
            found = await peer.next_of(PING)
            pings += 1
            await peer.send(pong(found.payload))
        await peer.send(close())
        await peer.close_frame()

    async with serve(script) as server:
        ws = await session.ws_connect(server.url, ping_interval=0.02, ping_timeout=PATIENCE)
        with pytest.raises(WebSocketClosed) as caught:
            await ws.recv(timeout=PATIENCE)
        assert caught.value.code == 1000
        await ws.close()
    assert pings == 5


async def test_a_dead_peer_is_found_in_time(serve: Serve, session: AsyncSession) -> None:
    interval, timeout = 0.1, 0.2

    async def script(peer: Peer) -> None:
        await peer.accept(text("last word"))
        assert (await peer.frame()).opcode == PING
        await peer.gone()

    async with serve(script) as server:
        ws = await session.ws_connect(
            server.url, ping_interval=interval, ping_timeout=timeout, drain_on_error=True
        )
        assert await ws.recv_str(timeout=PATIENCE) == "last word"
        started = mono()
        with pytest.raises(KeepaliveTimeout) as caught:
            await ws.recv(timeout=PATIENCE)
        took = mono() - started
        assert interval + timeout - 0.05 < took < interval + timeout + 1.0
        error = caught.value
        assert error.silence >= interval + timeout - 0.01
        assert error.code == 1006
        assert error.retriable
        assert isinstance(error, WebSocketClosed)
        assert ws.closed
        assert ws.last_byte_age >= interval + timeout - 0.01
        assert error.last_byte_age is not None
        assert error.last_byte_age >= interval + timeout - 0.01


async def test_any_byte_is_life(serve: Serve, session: AsyncSession) -> None:
    """A peer that answers no ping, but goes on talking: even in single bytes of one frame."""
    message = text(b"x" * 40)

    async def script(peer: Peer) -> None:
        await peer.accept()
        for at in range(len(message)):
            await asyncio.sleep(0.02)  # the peer's pace: what is tested is time
            await peer.send(message[at : at + 1])
        await peer.close_frame()
        await peer.send(close())

    async with serve(script) as server:
        async with session.ws_connect(server.url, ping_interval=0.1, ping_timeout=0.3) as ws:
            assert await ws.recv_bytes(timeout=PATIENCE) == b"x" * 40


async def test_a_tiny_interval_does_not_end_the_keepalive(session: AsyncSession) -> None:
    """uvloop makes no timer of so short a time."""
    over = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.accept()
        for _ in range(3):
            found = await peer.frame()
            assert found.opcode == PING
            await peer.send(pong(found.payload))
        over.set()
        await peer.gone()

    async with serving(script) as server:
        ws = await session.ws_connect(server.url, ping_interval=0.0001)
        async with asyncio.timeout(PATIENCE):
            await over.wait()
        ws.terminate()


@pytest.mark.parametrize("when", ["before the ping", "after the ping"])
async def test_a_late_loop_is_not_blamed_on_the_peer(
    certificates: Certificates, session: AsyncSession, scheme: str, when: str
) -> None:
    interval, timeout = 0.1, 0.2

    async def script(peer: Peer) -> None:
        await peer.accept(text("hello"))
        if when == "after the ping":
            found = await peer.next_of(PING)
            await peer.send(text("pinged"))
            await asyncio.sleep(0.03)  # the client's loop is busy by now
            await peer.send(pong(found.payload))
        else:
            await peer.send(text("one"), text("two"))
        await polite_from_here(peer)

    async def polite_from_here(peer: Peer) -> None:
        while True:
            found = await peer.frame()
            if found.opcode == PING:
                await peer.send(pong(found.payload))
            elif found.opcode == 8:
                await peer.send(close())
                return

    tls = certificates.server if scheme == "wss" else None
    with serving_in_thread(script, tls=tls) as server:
        ws = await session.ws_connect(server.url, ping_interval=interval, ping_timeout=timeout)
        assert await ws.recv_str(timeout=PATIENCE) == "hello"
        if when == "after the ping":
            assert await ws.recv_str(timeout=PATIENCE) == "pinged"
        busy(2 * (interval + timeout))
        for _ in range(3):
            pinged = await ws.ping()
            await asyncio.wait_for(pinged, PATIENCE)
            busy(interval + timeout)
        assert ws.is_alive()
        await ws.close()


@pytest.mark.parametrize("silent", [False, True])
async def test_a_full_queue_is_not_blamed_on_the_peer(
    serve: Serve, session: AsyncSession, silent: bool
) -> None:
    """Paused for longer than both times; what the peer sent is there when the program reads on."""
    payloads = numbered(0, 100, 1000)

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.send(*(text(payload) for payload in payloads))
        if not silent:
            await peer.send(ping(b"still here"))
        while (found := await peer.frame()).opcode != 8:
            if found.opcode == PING:
                await peer.send(pong(found.payload))
        await peer.send(close())

    async with serve(script) as server:
        async with session.ws_connect(
            server.url,
            recv_queue_size=1,
            read_ahead=0,
            recv_queue_bytes=1000,
            ping_interval=0.05,
            ping_timeout=0.05,
        ) as ws:
            async with asyncio.timeout(PATIENCE):
                while not ws.is_paused:
                    await asyncio.sleep(0)
            await asyncio.sleep(0.3)  # several intervals and timeouts of being paused
            assert ws.is_alive()
            for payload in payloads:
                assert await ws.recv_bytes(timeout=PATIENCE) == payload


async def test_a_closed_connection_has_no_keepalive(serve: Serve, session: AsyncSession) -> None:
    reported: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: reported.append(context))

    async def script(peer: Peer) -> None:
        with contextlib.suppress(EOFError):
            await polite(peer)

    async with serve(script) as server:
        for end in ("close", "terminate"):
            ws = await session.ws_connect(server.url, ping_interval=0.01, ping_timeout=0.01)
            if end == "close":
                await ws.close()
            else:
                ws.terminate()
            await asyncio.sleep(0.05)  # timers that were left behind would fire
            with pytest.raises(WebSocketClosed) as caught:
                await ws.recv()
            assert not isinstance(caught.value, KeepaliveTimeout)
    assert reported == []
