"""Receiving: every method, order, timeouts, bounds."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from contextlib import suppress
from typing import Any

import curl_cffi
import pytest

from tests.integration.sync.scripts import echo, goodbye, sending
from tests.support.frames import (
    BINARY,
    TEXT,
    binary,
    close,
    fragments,
    frame,
    numbered,
    ping,
    text,
)
from tests.support.server import PATIENCE, Peer
from tests.support.threaded import serving_in_thread
from tickwire.transport import (
    CurlWsFlag,
    WebSocketClosed,
    WebSocketError,
    WebSocketTimeout,
)
from tickwire.transport.sync import Session, WebSocket, WebSocketFrame


def test_iteration_over_text_and_json(session: Session) -> None:
    frames = text("1") + text("[2]") + binary(b"3") + text("4")
    script = sending(frames + close(1000))
    with serving_in_thread(script) as server, session.ws_connect(server.url) as ws:
        texts = ws.iter_str()
        assert [next(texts), next(texts)] == ["1", "[2]"]
        with pytest.raises(WebSocketError) as caught:
            next(texts)
        assert caught.value.code == 1007
        assert list(ws.iter_str()) == ["4"]
    with serving_in_thread(script) as server, session.ws_connect(server.url) as ws:
        assert list(ws.iter_json()) == [1, [2], 3, 4]


def test_every_way_to_send_and_to_receive(session: Session) -> None:
    with serving_in_thread(echo) as server, session.ws_connect(server.url) as ws:
        assert isinstance(ws, WebSocket)
        assert ws.send("grüß") == 6
        assert ws.recv() == ("grüß".encode(), CurlWsFlag.TEXT)
        assert ws.send(b"\x00\xff") == 2
        assert ws.recv() == (b"\x00\xff", CurlWsFlag.BINARY)
        assert ws.send(b"text after all", CurlWsFlag.TEXT) == 14
        assert ws.recv_str() == "text after all"
        assert ws.send("binary after all", CurlWsFlag.BINARY) == 16
        assert ws.recv() == (b"binary after all", CurlWsFlag.BINARY)
        assert ws.send(memoryview(b"abcdef")[::1].cast("H")) == 6
        assert ws.recv()[0] == b"abcdef"
        assert ws.send_str("s") == 1
        assert ws.recv_fragment() == (b"s", WebSocketFrame(0, CurlWsFlag.TEXT, 0, 0, 1))
        assert ws.send_bytes(bytearray(b"bytes")) == ws.send_binary(b"bytes") == 5
        payload, meta = ws.recv_fragment()
        assert (payload, meta.flags, meta.offset, meta.bytesleft) == (b"bytes", 2, 0, 0)
        assert meta.len == 5
        assert next(ws) == b"bytes"
        assert ws.send_json({"a": [1, None]}) == 14
        assert ws.recv_json() == {"a": [1, None]}
        assert ws.send_json("x", dumps=lambda value: f"<{value}>") == 3
        assert ws.recv_json(loads=lambda data: data.strip("<>")) == "x"
        ws.send(b'{"binary": 1}')
        assert ws.recv_json() == {"binary": 1}
        ws.send("")
        assert ws.recv() == (b"", CurlWsFlag.TEXT)
        large = os.urandom(300_000)
        assert ws.send(large) == 300_000
        assert ws.recv() == (large, CurlWsFlag.BINARY)
        ws.flush(timeout=PATIENCE)
        assert ws.url == server.url
    assert ws.closed


def test_a_message_of_the_wrong_kind(session: Session) -> None:
    frames = binary(b"b"), text("no json"), binary(b"\xff"), text("next")
    with serving_in_thread(sending(*frames)) as server, session.ws_connect(server.url) as ws:
        with pytest.raises(WebSocketError) as caught:
            ws.recv_str()
        assert caught.value.code == 1007
        with pytest.raises(json.JSONDecodeError):
            ws.recv_json()
        with pytest.raises(WebSocketError, match="UTF-8"):
            ws.recv_json()
        assert ws.recv_str() == "next", "what was wrong is consumed, nothing else is"
        ws.terminate()


@pytest.mark.parametrize("where", ["websocket", "session"])
def test_text_as_it_comes(session: Session, where: str) -> None:
    """What is not UTF-8 fails one call, and the connection goes on."""
    bad = text(b"\xff")
    script = sending(bad, text("é"), bad, bad, text("next"), bad, text("[1]"))
    with serving_in_thread(script) as server:
        if where == "session":
            ws = session.ws_connect(server.url, skip_utf8_validation=True)
        else:
            ws = WebSocket(skip_utf8_validation=True).connect(server.url)
        assert ws.recv() == (b"\xff", CurlWsFlag.TEXT)
        assert ws.recv_str() == "é"
        with pytest.raises(WebSocketError, match="UTF-8") as caught:
            ws.recv_str()
        assert caught.value.code == 1007
        texts = ws.iter_str()
        with pytest.raises(WebSocketError, match="UTF-8"):
            next(texts)
        assert ws.recv_str() == "next"
        with pytest.raises(WebSocketError, match="UTF-8"):
            ws.recv_json()
        assert ws.recv_json() == [1]
        assert not ws.closed
        ws.close()


def test_text_is_validated_unless_asked_otherwise(session: Session) -> None:
    codes: list[int | None] = []

    async def script(peer: Peer) -> None:
        await peer.accept(text("before") + text(b"\xff") + text("after"))
        codes.append((await peer.close_frame()).close_code)

    with serving_in_thread(script) as server, session.ws_connect(server.url) as ws:
        assert ws.recv_str() == "before"
        with pytest.raises(WebSocketError):
            ws.recv()
    assert codes == [1007]


def test_fragments_make_one_message(session: Session) -> None:
    pieces = fragments(TEXT, b"one ", b"mess", b"age")
    frames = [pieces[0], ping(b"between"), *pieces[1:], binary(b"next")]
    with serving_in_thread(sending(*frames)) as server, session.ws_connect(server.url) as ws:
        assert ws.recv_fragment() == (b"one message", WebSocketFrame(0, 1, 0, 0, 11))
        assert ws.recv() == (b"next", CurlWsFlag.BINARY)
        ws.terminate()


def test_thousands_of_messages_of_both_kinds_in_order(session: Session) -> None:
    """More than a group: they come over in many, and each keeps its own flags."""
    count = 20_000
    payloads = numbered(0, count, size=200)
    frames = [frame(BINARY if at % 3 else TEXT, payload) for at, payload in enumerate(payloads)]

    async def script(peer: Peer) -> None:
        await peer.accept()
        for start in range(0, count, 100):
            await peer.send(b"".join(frames[start : start + 100]))
        await peer.send(close())
        await goodbye(peer)

    with serving_in_thread(script) as server, session.ws_connect(server.url) as ws:
        got = [ws.recv(timeout=PATIENCE) for _ in range(5_000)]
        got += [(ws.recv_fragment()[0], 0) for _ in range(10)]
        iterated = list(ws)
        with pytest.raises(WebSocketClosed):
            ws.recv()
    assert [payload for payload, _ in got] + iterated == payloads
    assert [flags for _, flags in got[:5_000]] == [2 if at % 3 else 1 for at in range(5_000)]


def test_an_iteration_may_be_left_and_taken_up(session: Session) -> None:
    frames = [binary(payload) for payload in numbered(0, 100)]
    with serving_in_thread(sending(*frames, close())) as server:
        with session.ws_connect(server.url) as ws:
            got: list[bytes] = []
            while len(got) < 90:
                for payload in ws:
                    got.append(payload)
                    if len(got) % 7 == 0:
                        break
                got.append(ws.recv()[0])
                got.append(next(ws))
            got += ws
    assert got == numbered(0, 100)


def test_timeouts(session: Session) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.message()
        await peer.send(binary(b"late"), binary(b"later"))
        await peer.gone()

    with serving_in_thread(script) as server, session.ws_connect(server.url) as ws:
        for seconds in (0, 0.02, 0.0001):
            with pytest.raises(WebSocketTimeout) as caught:
                ws.recv(timeout=seconds)
            assert isinstance(caught.value, curl_cffi.WebSocketTimeout)
        for receive in (ws.recv_str, ws.recv_json):
            with pytest.raises(WebSocketTimeout):
                receive(timeout=0.01)
        ws.send("now")
        assert ws.recv(timeout=PATIENCE) == (b"late", CurlWsFlag.BINARY)
        assert ws.recv(timeout=PATIENCE)[0] == b"later"
        ws.terminate()


@pytest.mark.parametrize("overflow", ["block", "drop_newest"])
def test_a_timeout_of_nothing_takes_what_is_there(session: Session, overflow: str) -> None:
    """Polling gets on: it does not give up each time before it has looked."""
    frames = [binary(payload) for payload in numbered(0, 50)]
    with serving_in_thread(sending(*frames)) as server:
        with session.ws_connect(server.url, overflow=overflow) as ws:
            got: list[bytes] = []
            while len(got) < 50:
                with suppress(WebSocketTimeout):
                    got.append(ws.recv(timeout=0)[0])
            assert got == numbered(0, 50)
            ws.terminate()


def test_thousands_of_timeouts_lose_nothing(session: Session) -> None:
    count = 3_000

    async def script(peer: Peer) -> None:
        await peer.accept()
        for payload in numbered(0, count):
            await peer.send(binary(payload))
            await asyncio.sleep(0)
        await peer.gone()

    with serving_in_thread(script) as server, session.ws_connect(server.url) as ws:
        got: list[bytes] = []
        while len(got) < count:
            with suppress(WebSocketTimeout):
                got.append(ws.recv(timeout=0.00005)[0])
        assert got == numbered(0, count)
        ws.terminate()


def test_what_is_dropped_is_the_oldest_not_yet_asked_for(session: Session) -> None:
    """Under a policy that drops, nothing is fetched ahead, not even after a timeout."""
    released = threading.Event()

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.message()
        await peer.send(*(binary(payload) for payload in numbered(0, 100)))
        await peer.send(ping(b"seen?"))
        await peer.next_of(0xA)
        released.set()
        await peer.gone()

    with serving_in_thread(script) as server:
        with session.ws_connect(server.url, overflow="drop_oldest", recv_queue_size=5) as ws:
            with pytest.raises(WebSocketTimeout):
                ws.recv(timeout=0.01)
            ws.send("go")
            assert released.wait(PATIENCE)
            assert [ws.recv()[0] for _ in range(5)] == numbered(95, 5)
            assert ws.dropped == 95
            with pytest.raises(WebSocketTimeout):
                ws.recv(timeout=0)
            ws.terminate()


def test_memory_is_bounded_while_the_program_does_not_receive(session: Session) -> None:
    """Everything waits in bounded queues, then in the server."""
    payload = b"x" * 100_000
    sent = [0]

    async def script(peer: Peer) -> None:
        await peer.accept()
        with suppress(ConnectionError):
            for _ in range(2_000):
                await peer.send(binary(payload))
                sent[0] += 1
        await peer.gone()

    options: dict[str, Any] = {"recv_queue_size": 8, "recv_queue_bytes": 1 << 20, "read_ahead": 0}
    with serving_in_thread(script) as server, session.ws_connect(server.url, **options) as ws:
        ws.recv()
        channel = ws._channel
        assert channel is not None

        async def paused() -> None:
            async with asyncio.timeout(PATIENCE):
                while not channel.ws.is_paused:
                    await asyncio.sleep(0)

        channel.portal.run(paused)
        assert len(channel._queue) <= 2 * 8
        for _ in range(100):
            assert ws.recv() == (payload, CurlWsFlag.BINARY)
        ws.terminate()
