"""Sending, and pings."""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.support.frames import (
    BINARY,
    PONG,
    TEXT,
    close,
    numbered,
    ping,
)
from tests.support.server import PATIENCE, Peer
from tests.support.threaded import serving_in_thread
from tickwire.transport import (
    CurlECode,
    CurlWsFlag,
    WebSocketClosed,
    WebSocketError,
    WebSocketTimeout,
)
from tickwire.transport.sync import WebSocket

if TYPE_CHECKING:
    from tickwire.transport.sync import Session

from tests.integration.sync.scripts import echo, polite


def test_a_slow_peer_holds_the_sender_up(session: Session) -> None:
    """The old client gave up after half a second, with half a message sent."""
    drain = threading.Event()
    payload = os.urandom(1 << 20)

    async def script(peer: Peer) -> None:
        await peer.accept()
        await asyncio.to_thread(drain.wait, PATIENCE)
        for _ in range(30):
            assert (await peer.message()).payload == payload
        await peer.close_frame()
        await peer.send(close())

    with serving_in_thread(script) as server:
        with session.ws_connect(server.url, send_queue_size=2) as ws:
            with pytest.raises(WebSocketTimeout):
                for _ in range(30):
                    ws.send(payload, timeout=0.2)
                    sent = True
            assert sent
            with pytest.raises(WebSocketTimeout):
                ws.flush(timeout=0.05)
            drain.set()
            ws.flush(timeout=PATIENCE)
            ws.terminate()
            server._tasks.clear()


@pytest.mark.parametrize("coalesce", [False, True])
@pytest.mark.parametrize("name", ["send_str", "send_bytes", "send_binary", "send_json"])
def test_every_send_has_a_timeout(session: Session, name: str, coalesce: bool) -> None:
    over = threading.Event()

    async def script(peer: Peer) -> None:
        await peer.accept()
        await asyncio.to_thread(over.wait, PATIENCE)

    payload: str | bytes = bytes(1 << 20)
    if name in ("send_str", "send_json"):
        payload = "x" * (1 << 20)
    with serving_in_thread(script) as server:
        ws = session.ws_connect(server.url, send_queue_size=2, coalesce_frames=coalesce)
        send = getattr(ws, name)
        with pytest.raises(WebSocketTimeout):
            for _ in range(30):
                send(payload, timeout=0.02)
        ws.terminate()
        over.set()


def test_coalesced_messages_keep_their_order_and_boundaries(session: Session) -> None:
    count = 5_000
    got: list[tuple[int, bytes]] = []

    async def script(peer: Peer) -> None:
        await peer.accept()
        for _ in range(count + 1):
            found = await peer.message()
            got.append((found.opcode, found.payload))
        await peer.close_frame()
        await peer.send(close())

    payloads = numbered(0, count, size=60)
    with serving_in_thread(script) as server:
        with session.ws_connect(server.url, coalesce_frames=True, send_queue_size=100) as ws:
            for at, payload in enumerate(payloads):
                assert ws.send(payload.decode() if at % 2 else payload) == 60
            ws.send("last")
            ws.flush(timeout=PATIENCE)
            ws.ping()
    assert got == [
        *((TEXT if at % 2 else BINARY, payload) for at, payload in enumerate(payloads)),
        (TEXT, b"last"),
    ]


def test_what_was_left_for_sending_goes_before_the_close(session: Session) -> None:
    got: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.accept()
        while (found := await peer.frame()).opcode != 8:
            got.append(found.payload)
        await peer.send(close())

    with serving_in_thread(script) as server:
        with session.ws_connect(server.url, coalesce_frames=True) as ws:
            for payload in numbered(0, 50):
                ws.send(payload)
    assert got == numbered(0, 50)


def test_a_coalesced_send_to_a_peer_that_is_gone(session: Session) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        peer.reset()

    with serving_in_thread(script) as server:
        ws = session.ws_connect(server.url, coalesce_frames=True)
        with pytest.raises(WebSocketError):
            for _ in range(10_000):
                ws.send("into the void")
        with pytest.raises(WebSocketError):
            ws.flush()
        with pytest.raises(WebSocketError):
            ws.recv()
        ws.close()


def test_messages_of_several_threads_do_not_mix(session: Session) -> None:
    got: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.accept()
        for _ in range(4 * 50):
            got.append((await peer.message()).payload)
        await peer.close_frame()
        await peer.send(close())

    def send(mark: int) -> None:
        for number in range(50):
            ws.send(bytes([mark]) * (50_000 + number))

    with serving_in_thread(script) as server, session.ws_connect(server.url) as ws:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(send, range(4)))
    for mark in range(4):
        of_one = [payload for payload in got if payload[0] == mark]
        assert of_one == [bytes([mark]) * (50_000 + number) for number in range(50)]


def test_ping_measures_the_round_trip(session: Session) -> None:
    with serving_in_thread(echo) as server, session.ws_connect(server.url) as ws:
        trips = [ws.ping(), ws.ping("text"), ws.ping(b"x" * 125)]
        assert all(0 < trip.result(PATIENCE) < PATIENCE for trip in trips)
        with pytest.raises(WebSocketError, match="125"):
            ws.ping(b"x" * 126)
        assert ws.send(b"by flag", CurlWsFlag.PING) == 7
        ws.send("still there")
        assert ws.recv_str() == "still there"


def test_a_ping_that_is_never_answered(session: Session) -> None:
    with serving_in_thread(polite) as server, session.ws_connect(server.url) as ws:
        trip = ws.ping()
        with pytest.raises(TimeoutError):
            trip.result(0.01)
        ws.close()
        with pytest.raises(WebSocketClosed):
            trip.result(PATIENCE)
        with pytest.raises(WebSocketClosed):
            ws.ping()


def test_a_ping_is_answered_while_the_program_is_busy(session: Session) -> None:
    """Nobody calls recv: the old client answered only then."""
    answered = threading.Event()

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.send(ping(b"are you there?"))
        assert (await peer.next_of(0xA)).payload == b"are you there?"
        answered.set()
        await peer.close_frame()
        await peer.send(close())

    with serving_in_thread(script) as server, session.ws_connect(server.url):
        assert answered.wait(PATIENCE)


def test_a_pong_that_nobody_asked_for(session: Session) -> None:
    got: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.accept()
        for _ in range(4):
            got.append((await peer.next_of(PONG)).payload)
        await peer.close_frame()
        await peer.send(close())

    with serving_in_thread(script) as server, session.ws_connect(server.url) as ws:
        assert ws.pong() == 0
        assert ws.pong("größer", timeout=PATIENCE) == 8
        assert ws.pong(b"bytes") == 5
        assert ws.pong(b"x" * 125) == 125
        for too_long in (b"x" * 126, "ö" * 63):
            with pytest.raises(WebSocketError, match="125") as caught:
                ws.pong(too_long)
            assert caught.value.code == CurlECode.TOO_LARGE
        ws.close()
        with pytest.raises(WebSocketClosed):
            ws.pong()
    assert got == [b"", "größer".encode(), b"bytes", b"x" * 125]
    with pytest.raises(WebSocketError, match="not connected"):
        WebSocket().pong()
