"""What a network and a peer can do to a stream of bytes, plain and under TLS."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from typing import TYPE_CHECKING, Any

import pytest
from curl_cffi import CurlECode

from tests.support.frames import BINARY, CLOSE, binary, close, frame, numbered, ping, text
from tests.support.server import PATIENCE, Peer
from tests.support.stalls import Stall, until_stuck
from tickwire.clock import mono
from tickwire.transport import (
    ConnectError,
    ProtocolViolation,
    WebSocketClosed,
    WebSocketError,
    WebSocketTimeout,
)

if TYPE_CHECKING:
    from tests.support.server import Serve
    from tickwire import AsyncSession


# ------------------------------------------------------------------ ends that are none


CUTS = {
    "between frames": b"",
    "in a header": binary(b"x" * 300)[:3],
    "in a payload": binary(b"x" * 300)[:100],
    "in a large payload": binary(b"x" * 900_000)[:500_000],
    "between fragments": frame(BINARY, b"part", fin=False),
    "in a control frame": ping(b"12345")[:4],
}


@pytest.mark.parametrize("end", ["reset", "end"])
@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS.keys())
async def test_the_stream_breaks(serve: Serve, session: AsyncSession, end: str, cut: bytes) -> None:
    """Messages that were whole are delivered, the rest is an error, at once and every time."""
    whole = numbered(0, 5)

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.send(*(text(payload) for payload in whole))
        await peer.message()  # the client has read them
        await peer.send(cut)
        await peer.next_of(0x9)  # and what was cut, as far as it goes
        getattr(peer, end)()

    async with serve(script) as server:
        ws = await session.ws_connect(server.url, drain_on_error=True)
        for payload in whole:
            assert await ws.recv_bytes(timeout=PATIENCE) == payload
        waiting = asyncio.ensure_future(ws.recv(timeout=PATIENCE))
        await ws.send(b"got them")
        async with asyncio.timeout(PATIENCE):
            while ws.bytes_received < len(cut) + sum(len(text(p)) for p in whole):
                await asyncio.sleep(0)
        await ws.ping()
        for receiving in (waiting, ws.recv()):
            with pytest.raises(WebSocketError) as caught:
                await receiving
            assert not isinstance(caught.value, WebSocketTimeout)
            assert caught.value.code in (1006, CurlECode.RECV_ERROR, CurlECode.SEND_ERROR)
            assert caught.value.retriable
        assert ws.closed
        with pytest.raises(WebSocketError):
            await ws.send(b"x")
        await asyncio.wait_for(ws.close(), PATIENCE)


async def test_a_send_after_a_reset_is_an_error(serve: Serve, session: AsyncSession) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.message()
        peer.reset()

    async with serve(script) as server:
        ws = await session.ws_connect(server.url)
        with pytest.raises(WebSocketError) as caught:
            async with asyncio.timeout(PATIENCE):
                while True:
                    await ws.send(b"x" * 1000)
                    await asyncio.sleep(0)
        assert not isinstance(caught.value, WebSocketTimeout)
        await asyncio.wait_for(ws.close(), PATIENCE)


async def test_a_half_open_peer(serve: Serve, session: AsyncSession) -> None:
    """It says nothing and takes nothing: every wait has its timeout, and close is bounded."""

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.gone()

    async with serve(script) as server:
        ws = await session.ws_connect(server.url)
        with pytest.raises(WebSocketTimeout):
            await ws.recv(timeout=0.02)
        pinged = await ws.ping()
        started = mono()
        await ws.close(timeout=0.2)
        assert 0.15 < mono() - started < 2.0
        assert pinged.cancelled()


# ------------------------------------------------------------------ a peer that does not read


async def test_a_stalled_reader_gets_every_byte(serve: Serve, session: AsyncSession) -> None:
    """The kernel refuses in the middle of a frame, and of a TLS record; nothing is lost, doubled
    or moved. The server compares all of it."""
    stall = Stall()
    sizes = [100, 1, 5_000, 70_000, 16_384, 40, 300_000, 2]
    payloads = [os.urandom(size) for size in sizes] * 25

    async def script(peer: Peer) -> None:
        await peer.accept()
        await stall(peer)
        for payload in payloads:
            assert (await peer.message()).payload == payload
        assert (await peer.close_frame()).close_code == 1000
        await peer.send(close())

    async with serve(script) as server, session.ws_connect(server.url, send_queue_size=4) as ws:
        sending = asyncio.ensure_future(send_all(ws, payloads))
        await until_stuck(ws)
        with pytest.raises(WebSocketTimeout):
            await ws.flush(timeout=0.05)
        assert not sending.done()
        stall.over.set()
        await asyncio.wait_for(sending, PATIENCE)


async def send_all(ws: Any, payloads: list[bytes]) -> None:
    for payload in payloads:
        await ws.send(payload)


async def test_receiving_goes_on_while_sending_is_stuck(
    serve: Serve, session: AsyncSession
) -> None:
    stall = Stall()
    payloads = numbered(0, 500)

    async def script(peer: Peer) -> None:
        await peer.accept()
        stalled = asyncio.ensure_future(stall(peer))
        await asyncio.sleep(0)
        for payload in payloads:
            await peer.send(text(payload), ping(payload[:100]))
        await stalled
        with contextlib.suppress(EOFError, ConnectionError):
            await peer.close_frame()
            await peer.send(close())

    async with serve(script) as server, session.ws_connect(server.url) as ws:
        sending = asyncio.ensure_future(ws.send(os.urandom(20_000_000)))
        for payload in payloads:
            assert await ws.recv_bytes(timeout=PATIENCE) == payload
        assert not sending.done()
        stall.over.set()
        await asyncio.wait_for(sending, PATIENCE)


async def test_a_ping_flood_at_a_stuck_socket_is_bounded(
    serve: Serve, session: AsyncSession
) -> None:
    """Pongs that cannot leave do not pile up without end."""
    stall = Stall()

    async def script(peer: Peer) -> None:
        await peer.accept()
        stalled = asyncio.ensure_future(stall(peer))
        await peer.send(text("stalled"))
        chunk = ping(b"x" * 125) * 500
        for _ in range(100):
            await peer.send(chunk)
        await peer.send(text("end of flood"))
        await stalled
        await peer.message()
        await peer.close_frame()
        await peer.send(close())

    async with serve(script) as server, session.ws_connect(server.url) as ws:
        assert await ws.recv_str(timeout=PATIENCE) == "stalled"
        sending = asyncio.ensure_future(ws.send(b"y" * 30_000_000))
        assert await ws.recv_str(timeout=PATIENCE) == "end of flood"
        assert ws.send_queue_size < 2000
        stall.over.set()
        await asyncio.wait_for(sending, PATIENCE)


async def test_a_reset_while_both_directions_are_stuck(
    serve: Serve, session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paused reader, blocked writer, and then a reset: found soon, and without spinning."""
    stall = Stall()

    async def script(peer: Peer) -> None:
        await peer.accept()
        stalled = asyncio.ensure_future(stall(peer))
        with contextlib.suppress(ConnectionError):
            await peer.send(*(text(payload) for payload in numbered(0, 100, 1000)))
        await stalled
        peer.reset()

    async with serve(script) as server:
        ws = await session.ws_connect(
            server.url, recv_queue_size=1, read_ahead=0, drain_on_error=True
        )
        ends: list[int] = []
        original = type(ws)._on_send_error

        def on_send_error(self: Any, code: int) -> None:
            ends.append(code)
            original(self, code)

        monkeypatch.setattr(type(ws), "_on_send_error", on_send_error)
        sending = asyncio.ensure_future(ws.send(os.urandom(30_000_000)))
        await until_stuck(ws)
        assert ws.is_paused
        stall.over.set()
        with pytest.raises(WebSocketError):
            await asyncio.wait_for(sending, PATIENCE)
        await asyncio.wait_for(ws.wait_closed(), PATIENCE)
        assert len(ends) <= 3, "the writer spins on a broken socket"


# ------------------------------------------------------------------ odd paces


async def test_single_bytes(serve: Serve, session: AsyncSession) -> None:
    """The 101, frames and the close in writes of one byte each."""
    stream = text("ä") + frame(BINARY, b"a", fin=False) + ping(b"p") + frame(0, b"b") + close(4001)

    async def script(peer: Peer) -> None:
        peer.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await peer.read_request()
        for byte in peer.answer() + stream:
            await peer.send(bytes((byte,)))
            await asyncio.sleep(0)
        assert (await peer.close_frame()).close_code == 4001

    async with serve(script) as server:
        ws = await session.ws_connect(server.url)
        assert await ws.recv_str(timeout=PATIENCE) == "ä"
        assert await ws.recv_bytes(timeout=PATIENCE) == b"ab"
        with pytest.raises(WebSocketClosed) as caught:
            await ws.recv(timeout=PATIENCE)
        assert caught.value.code == 4001
        await ws.close()


async def test_a_slow_handshake_succeeds_in_its_time(serve: Serve, session: AsyncSession) -> None:
    async def script(peer: Peer) -> None:
        await peer.read_request()
        answer = peer.answer() + text("at last")
        for at in range(0, len(answer), 10):
            await peer.send(answer[at : at + 10])
            await asyncio.sleep(0.01)  # the server's pace
        await peer.close_frame()
        await peer.send(close())

    async with serve(script) as server:
        async with session.ws_connect(server.url, timeout=PATIENCE) as ws:
            assert await ws.recv_str(timeout=PATIENCE) == "at last"


async def test_a_handshake_that_never_ends(serve: Serve, session: AsyncSession) -> None:
    """The server drips header bytes for ever: the timeout is for the whole of it."""

    async def script(peer: Peer) -> None:
        await peer.read_request()
        with contextlib.suppress(ConnectionError):
            await peer.send(b"HTTP/1.1 101 Switching Protocols\r\nX: ")
            while not peer.writer.is_closing():
                await peer.send(b"x")
                await asyncio.sleep(0.01)  # the server's pace

    async with serve(script) as server:
        started = mono()
        with pytest.raises(WebSocketTimeout):
            await session.ws_connect(server.url, timeout=0.3)
        assert mono() - started < 2.0
        assert session.connector.live_count == 0


async def test_a_header_block_without_end(serve: Serve, session: AsyncSession) -> None:
    """Megabytes of header are refused and not collected."""

    async def script(peer: Peer) -> None:
        await peer.read_request()
        with contextlib.suppress(ConnectionError):
            await peer.send(b"HTTP/1.1 101 Switching Protocols\r\n")
            for number in range(20_000):
                if peer.writer.is_closing():
                    break
                await peer.send(b"X-%d: " % number + b"x" * 1000 + b"\r\n")

    async with serve(script) as server:
        with pytest.raises(ConnectError):
            await session.ws_connect(server.url, timeout=PATIENCE)


GARBAGE = {
    "http": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "text": b"hello, this is no frame at all" * 100,
    "noise": bytes(range(255, -1, -1)) * 10,
    "zeros": b"\x00" * 1000,
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE.keys())
@pytest.mark.parametrize("together", [False, True])
async def test_garbage_after_the_101(
    serve: Serve, session: AsyncSession, garbage: bytes, together: bool
) -> None:
    codes = []

    async def script(peer: Peer) -> None:
        if together:
            await peer.accept(garbage)
        else:
            await peer.accept()
            await peer.send(garbage)
        codes.append((await peer.close_frame()).close_code)

    async with serve(script) as server:
        ws = await session.ws_connect(server.url)
        with pytest.raises(ProtocolViolation) as caught:
            await ws.recv(timeout=PATIENCE)
        assert caught.value.code == 1002
        await ws.close()
    assert codes == [1002]


async def test_bytes_after_the_close_frame_are_nothing(serve: Serve, session: AsyncSession) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.send(text("last") + close(4000) + b"\xff" * 100_000)
        assert (await peer.next_of(CLOSE)).close_code == 4000

    async with serve(script) as server:
        ws = await session.ws_connect(server.url)
        assert await ws.recv_str(timeout=PATIENCE) == "last"
        with pytest.raises(WebSocketClosed) as caught:
            await ws.recv(timeout=PATIENCE)
        assert caught.value.code == 4000
        await ws.close()


async def test_a_peer_that_never_ends_its_tcp(serve: Serve, session: AsyncSession) -> None:
    """The closing handshake is complete, but the peer keeps the connection: it is cut."""

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.close_frame()
        await peer.send(close())
        await peer.gone()

    async with serve(script) as server:
        ws = await session.ws_connect(server.url)
        started = mono()
        await ws.close(timeout=0.2)
        assert mono() - started < 1.5
