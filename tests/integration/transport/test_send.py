"""Sending: what arrives, in which order, in how many writes, and what happens when nobody reads."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from typing import TYPE_CHECKING, Any

import curl_cffi
import pytest

from tests.support.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Frame,
    close,
    ping,
    pong,
    read_frames,
    text,
)
from tests.support.server import PATIENCE, Peer, raw_connection, serving
from tests.support.stalls import until_stuck
from tickwire.transport import CurlWsFlag, WebSocketClosed, WebSocketError, WebSocketTimeout

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.server import Serve
    from tickwire import AsyncSession
    from tickwire.transport import AsyncWebSocket


def pattern(size: int, seed: int = 0) -> bytes:
    return bytes((at * 7 + seed) % 251 for at in range(min(size, 1004))) * (size // 1004 + 1)


class Collector:
    """A server that keeps every frame until the client closes, then answers."""

    def __init__(self, *, reading: bool = True) -> None:
        self.frames: list[Frame] = []
        self.may_read = asyncio.Event()
        if reading:
            self.may_read.set()

    async def __call__(self, peer: Peer) -> None:
        await peer.accept()
        if not self.may_read.is_set():
            peer.reader._transport.pause_reading()  # type: ignore[attr-defined]
            await self.may_read.wait()
            peer.reader._transport.resume_reading()  # type: ignore[attr-defined]
        while (found := await peer.frame()).opcode != CLOSE:
            assert found.masked
            assert found.rsv == 0
            self.frames.append(found)
        await peer.send(close())

    @property
    def messages(self) -> list[tuple[int, bytes]]:
        """The messages, joined from their fragments; control frames left out."""
        found: list[tuple[int, bytes]] = []
        parts: list[bytes] = []
        opcode = CONTINUATION
        for one in self.frames:
            if one.opcode > CLOSE:
                assert one.fin
                continue
            assert (one.opcode == CONTINUATION) == (opcode != CONTINUATION), "mixed up"
            opcode = opcode or one.opcode
            parts.append(one.payload)
            if one.fin:
                found.append((opcode, b"".join(parts)))
                parts, opcode = [], CONTINUATION
        assert not parts
        return found


# ------------------------------------------------------------------ kinds and sizes


async def test_every_way_to_send(serve: Serve, session: AsyncSession) -> None:
    collector = Collector()
    async with serve(collector) as server, session.ws_connect(server.url) as ws:
        await ws.send("text é")
        await ws.send(b"bytes")
        await ws.send(bytearray(b"bytearray"))
        await ws.send(memoryview(b"xxviewxx")[2:6])
        await ws.send(b"flagged text", CurlWsFlag.TEXT)
        await ws.send("flagged binary", CurlWsFlag.BINARY)
        await ws.send_str("str")
        await ws.send_bytes(memoryview(b"more"))
        await ws.send_binary(b"binary")
        await ws.send_json({"method": "SUBSCRIBE", "params": ["a"], "id": 1})
        await ws.send_json([1, "é"], dumps=json.dumps)
        await ws.send("")
        await ws.send(b"")
        assert ws.messages_sent == 13
    assert collector.messages == [
        (TEXT, "text é".encode()),
        (BINARY, b"bytes"),
        (BINARY, b"bytearray"),
        (BINARY, b"view"),
        (TEXT, b"flagged text"),
        (BINARY, b"flagged binary"),
        (TEXT, b"str"),
        (BINARY, b"more"),
        (BINARY, b"binary"),
        (TEXT, b'{"method":"SUBSCRIBE","params":["a"],"id":1}'),
        (TEXT, b'[1, "\\u00e9"]'),
        (TEXT, b""),
        (BINARY, b""),
    ]
    keys = {one.key for one in collector.frames}
    assert len(keys) == len(collector.frames), "a fresh masking key for each frame"


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 65_537, 131_072, 1_500_001])
@pytest.mark.parametrize("kind", ["text", "binary"])
async def test_sizes(serve: Serve, session: AsyncSession, size: int, kind: str) -> None:
    payload = b"a" * size if kind == "text" else pattern(size)[:size]
    collector = Collector()
    async with serve(collector) as server, session.ws_connect(server.url) as ws:
        async with asyncio.timeout(PATIENCE):
            await ws.send(b"before")
            await ws.send(payload.decode() if kind == "text" else payload)
            await ws.send(b"after")
            await ws.flush()
            assert ws.send_queue_size == 0
        assert ws.messages_sent == 3
    opcode = TEXT if kind == "text" else BINARY
    expected = [(BINARY, b"before"), (opcode, payload), (BINARY, b"after")]
    assert collector.messages == expected
    assert max(len(one.payload) for one in collector.frames) <= 65_536
    assert ws.bytes_sent == len(server.peers[0].seen)


async def test_a_buffer_may_change_once_send_has_returned(session: AsyncSession) -> None:
    collector = Collector()
    async with serving(collector) as server, session.ws_connect(server.url) as ws:
        for size in (10, 200_000):
            buffer = bytearray(b"a" * size)
            await ws.send(buffer)
            buffer[:] = b"b" * size
            buffer.append(1)
    assert collector.messages == [(BINARY, b"a" * 10), (BINARY, b"a" * 200_000)]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("\ud800",), UnicodeEncodeError),
        ((b"x", 99), ValueError),
        ((b"x", CurlWsFlag.CONT), ValueError),
        ((b"x" * 126, CurlWsFlag.PING), WebSocketError),
        ((b"x" * 126, CurlWsFlag.PONG), WebSocketError),
        ((None,), TypeError),
        ((12,), TypeError),
        (({},), TypeError),
    ],
)
async def test_what_cannot_be_sent(
    session: AsyncSession, arguments: tuple[Any, ...], error: type[Exception]
) -> None:
    """An error for the caller, and the stream is as it was."""
    collector = Collector()
    async with serving(collector) as server, session.ws_connect(server.url) as ws:
        with pytest.raises(error):
            await ws.send(*arguments)
        await ws.send(b"fine")
    assert collector.messages == [(BINARY, b"fine")]


# ------------------------------------------------------------------ order


async def test_concurrent_senders_never_interleave_inside_a_message(
    serve: Serve, session: AsyncSession
) -> None:
    """20 tasks, 30 messages each from nothing to 200 kB, over a server that reads in bursts."""
    chance = random.Random(3)
    plan = [
        [
            b"%02d:%03d:" % (sender, turn) + b"%d" % sender * chance.choice((0, 9, 5_000, 100_000))
            for turn in range(30)
        ]
        for sender in range(20)
    ]

    async def sender(ws: AsyncWebSocket, payloads: list[bytes]) -> None:
        for payload in payloads:
            await ws.send(payload)
            if payload[5] % 2:
                await asyncio.sleep(0)

    collector = Collector()
    async with serve(collector) as server, session.ws_connect(server.url) as ws:
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(sender(ws, payloads) for payloads in plan))
            await ws.flush()
        assert ws.messages_sent == 600
    received = [payload for _, payload in collector.messages]
    assert sorted(received) == sorted(payload for payloads in plan for payload in payloads)
    for number, payloads in enumerate(plan):
        prefix = b"%02d:" % number
        own = [payload for payload in received if payload.startswith(prefix)]
        assert own == payloads, "each sender's order"


async def test_a_small_message_does_not_overtake_a_large_one(session: AsyncSession) -> None:
    collector = Collector()
    async with serving(collector) as server, session.ws_connect(server.url) as ws:
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(ws.send(bytes(3_000_000)), ws.send(b"a"), ws.send("b"))
            large = asyncio.create_task(ws.send(bytes(300_000)))
            small = asyncio.create_task(ws.send(b"c"))
            await asyncio.gather(large, small)
    sizes = [len(payload) for _, payload in collector.messages]
    assert sizes[:3] == [3_000_000, 1, 1]
    assert sorted(sizes[3:]) == [1, 300_000]


async def test_pongs_pass_between_the_fragments_of_a_large_message(
    serve: Serve, session: AsyncSession
) -> None:
    seen: list[int] = []

    async def script(peer: Peer) -> None:
        await peer.accept()
        first = await peer.frame()
        assert not first.fin
        peer.write(ping(b"urgent"))
        while True:
            found = await peer.frame()
            seen.append(found.opcode)
            if found.fin and found.opcode == CONTINUATION:
                break
        await peer.close_frame()
        await peer.send(close())

    async with serve(script) as server, session.ws_connect(server.url) as ws:
        async with asyncio.timeout(PATIENCE):
            await ws.send(bytes(30_000_000))
    assert PONG in seen, "before the message was over"
    assert set(seen) == {CONTINUATION, PONG}


# ------------------------------------------------------------------ a peer that does not read


async def fill(ws: AsyncWebSocket) -> list[bytes]:
    """Send until the kernel takes no more and the queue is full; what was sent."""
    sent: list[bytes] = []
    while True:
        while ws.has_room:
            sent.append(b"%06d" % len(sent) + bytes(20_000))
            await ws.send(sent[-1])
        with contextlib.suppress(WebSocketTimeout):
            await ws.flush(0.2)
        if not ws.has_room:
            return sent


async def test_send_waits_when_the_queue_is_full(serve: Serve, session: AsyncSession) -> None:
    collector = Collector(reading=False)
    async with serve(collector) as server:
        async with session.ws_connect(server.url, send_queue_size=16) as ws:
            sent = await fill(ws)
            assert 16 <= ws.send_queue_size <= 16 + 70, "the queue, and the buffer being written"
            with pytest.raises(WebSocketTimeout) as caught:
                await ws.flush(0.05)
            assert isinstance(caught.value, curl_cffi.WebSocketTimeout)
            with pytest.raises(WebSocketTimeout):
                await ws.send(b"timed out", timeout=0.05)
            waiting = asyncio.create_task(ws.send(b"waited"))
            await asyncio.sleep(0.01)
            assert not waiting.done()
            collector.may_read.set()
            async with asyncio.timeout(PATIENCE):
                await waiting
                await ws.flush()
            assert ws.send_queue_size == 0
    messages = [payload for _, payload in collector.messages]
    assert messages[:-2] == sent
    assert messages[-2:] == [b"timed out", b"waited"], "a begun message is sent, as its error says"


async def test_a_cancelled_send_leaves_the_stream_intact(
    serve: Serve, session: AsyncSession
) -> None:
    """Large and small sends, cancelled while they wait: whole messages or none, order kept."""
    collector = Collector(reading=False)
    async with serve(collector) as server:
        async with session.ws_connect(server.url, send_queue_size=4) as ws:
            tasks = [
                asyncio.create_task(ws.send(b"%03d" % number + bytes(number % 3 * 400_000)))
                for number in range(60)
            ]
            await asyncio.sleep(0.02)
            for task in tasks[5::2]:
                task.cancel()
            await asyncio.sleep(0)
            collector.may_read.set()
            async with asyncio.timeout(PATIENCE):
                results = await asyncio.gather(*tasks, return_exceptions=True)
                await ws.send(b"end")
                await ws.flush()
    received = [payload for _, payload in collector.messages]
    assert received[-1] == b"end"
    numbers = [int(payload[:3]) for payload in received[:-1]]
    assert numbers == sorted(numbers)
    finished = {number for number, result in enumerate(results) if result is None}
    assert finished <= set(numbers)
    assert any(isinstance(result, asyncio.CancelledError) for result in results)
    for payload in received[:-1]:
        assert len(payload) == 3 + int(payload[:3]) % 3 * 400_000


async def test_a_flood_of_pings_while_nobody_reads_our_pongs(session: AsyncSession) -> None:
    """Memory is bounded: of many pings only some are answered, the latest among them (RFC 6455
    section 5.5.3)."""
    answered: list[bytes] = []
    flood = 200_000

    async def script(peer: Peer) -> None:
        await peer.accept()
        peer.reader._transport.pause_reading()  # type: ignore[attr-defined]
        await peer.send(*[b"".join(ping(b"%0100d" % n) for n in range(1000))] * (flood // 1000))
        await peer.send(ping(b"%0100d" % flood), text("after the flood"))
        await done.wait()
        peer.reader._transport.resume_reading()  # type: ignore[attr-defined]
        while (found := await peer.frame()).opcode != CLOSE:
            assert found.opcode == PONG
            assert len(found.payload) == 100
            answered.append(found.payload)
        await peer.send(close())

    done = asyncio.Event()
    async with serving(script) as server, session.ws_connect(server.url) as ws:
        async with asyncio.timeout(PATIENCE * 2):
            assert await ws.recv_str() == "after the flood"
        assert ws.send_queue_length < 6000, "256 kB in the making and 64 kB behind it"
        done.set()
    assert answered[-1] == b"%0100d" % flood


async def test_pings_are_answered_in_order_with_their_payload(
    serve: Serve, session: AsyncSession
) -> None:
    payloads = [b"", b"x", bytes(range(125)), b"\xff" * 125, b"again", b"again"]

    async def script(peer: Peer) -> None:
        await peer.accept(ping(payloads[0]) + ping(payloads[1]))
        for payload in payloads[2:]:
            await peer.send(ping(payload))
        for payload in payloads:
            found = await peer.frame()
            assert (found.opcode, found.payload, found.masked) == (PONG, payload, True)
        await peer.send(pong(b"unasked for"), text("ok"))
        await peer.close_frame()
        await peer.send(close())

    async with serve(script) as server, session.ws_connect(server.url) as ws:
        assert await ws.recv_str(timeout=PATIENCE) == "ok"


# ------------------------------------------------------------------ coalescing


async def test_coalesced_frames_keep_their_boundaries_in_few_writes(
    serve: Serve, session: AsyncSession
) -> None:
    reads: list[int] = []
    payloads = [b"%04d" % number for number in range(300)]

    async def script(peer: Peer) -> None:
        await peer.accept()
        while len(read_frames_or_none(peer.seen)) < 300:
            data = await peer.reader.read(1 << 16)
            reads.append(len(data))
            peer.seen += data
        await peer.close_frame()
        await peer.send(close())

    async with serve(script) as server:
        options: dict[str, Any] = {"coalesce_frames": True, "max_send_batch_size": 100}
        async with session.ws_connect(server.url, **options) as ws:
            for payload in payloads:
                await ws.send(payload)
            await ws.flush(PATIENCE)
            assert ws.bytes_sent == 300 * 10
    frames = read_frames_or_none(server.peers[0].seen)
    assert [one.payload for one in frames[:300]] == payloads
    assert len(reads) <= 3


def read_frames_or_none(data: bytearray) -> list[Frame]:
    try:
        return read_frames(data)
    except AssertionError:
        return []


async def test_coalesced_frames_leave_at_the_end_of_the_turn(session: AsyncSession) -> None:
    async def connect(url: str) -> AsyncWebSocket:
        return await session.ws_connect(url, coalesce_frames=True)

    async with raw_connection(connect) as (ws, conn):
        for number in range(10):
            await ws.send(b"%d" % number)
        assert ws.bytes_sent == 0
        assert ws.send_queue_size == 10
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert ws.bytes_sent == 70
        assert [one.payload for one in read_frames(conn.recv(1000))] == [
            b"%d" % n for n in range(10)
        ]
        await ws.send(b"before the ping")
        await ws.ping(b"p")
        frames = read_frames(conn.recv(1000))
        assert [one.opcode for one in frames] == [BINARY, PING], "order is kept"


async def test_without_coalescing_a_send_is_on_the_wire_when_it_returns(
    session: AsyncSession,
) -> None:
    async with raw_connection(session.ws_connect) as (ws, conn):
        await ws.send("now")
        (found,) = read_frames(conn.recv(1000))
        assert found.payload == b"now"


# ------------------------------------------------------------------ ping


async def test_ping_round_trip(serve: Serve, session: AsyncSession) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        first, second, third = [(await peer.frame()).payload for _ in range(3)]
        assert (first, second) == (b"one", "zwö".encode())
        assert len(third) == 4
        await peer.send(pong(b"unknown"), pong(b"one"))
        await peer.send(pong(third))  # answers the second one as well
        await peer.close_frame()
        await peer.send(close())

    async with serve(script) as server, session.ws_connect(server.url) as ws:
        futures = [await ws.ping(b"one"), await ws.ping("zwö"), await ws.ping()]
        async with asyncio.timeout(PATIENCE):
            times = await asyncio.gather(*futures)
        assert all(0 < seconds < PATIENCE for seconds in times)
        with pytest.raises(WebSocketError, match="125"):
            await ws.ping(bytes(126))
        await ws.send(b"by flag", CurlWsFlag.PING)
        pending = await ws.ping()
    assert pending.cancelled()


async def endless(ws: AsyncWebSocket) -> AsyncIterator[bytes]:
    async for payload in ws:
        yield payload


async def test_a_pong_is_seen_while_the_application_waits_for_data(
    serve: Serve, session: AsyncSession
) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.send(pong((await peer.frame()).payload), text("x"))
        await peer.close_frame()
        await peer.send(close())

    async with serve(script) as server, session.ws_connect(server.url) as ws:
        stream = endless(ws)
        future = await ws.ping()
        assert await asyncio.wait_for(anext(stream), PATIENCE) == b"x"
        assert future.done()
        await stream.aclose()  # type: ignore[attr-defined]


async def test_close_waits_for_no_message_that_begins_after_it(
    serve: Serve, session: AsyncSession
) -> None:
    collector = Collector(reading=False)
    large = pattern(8_000_000)
    async with serve(collector) as server, asyncio.timeout(PATIENCE):
        ws = await session.ws_connect(server.url)
        begun = asyncio.ensure_future(ws.send(large))
        closing = asyncio.create_task(ws.close(timeout=PATIENCE))
        await asyncio.sleep(0)
        for flags in (CurlWsFlag.TEXT, CurlWsFlag.BINARY, CurlWsFlag.TEXT | CurlWsFlag.CONT):
            with pytest.raises(WebSocketClosed):
                await ws.send("x", flags, timeout=PATIENCE)
        collector.may_read.set()
        await begun
        await closing
    assert collector.messages == [(BINARY, large)]
    assert ws.ended_cleanly


@pytest.mark.parametrize("name", ["ping", "pong"])
async def test_pings_and_pongs_of_the_program_are_bounded(session: AsyncSession, name: str) -> None:
    collector = Collector(reading=False)
    async with serving(collector) as server, asyncio.timeout(PATIENCE):
        ws = await session.ws_connect(server.url)
        begun = asyncio.ensure_future(ws.send(pattern(16_000_000)))
        await until_stuck(ws)
        sent = 0
        with pytest.raises(WebSocketTimeout):
            while sent < 200_000:
                await getattr(ws, name)(timeout=0.05)
                sent += 1
        assert 512 <= sent < 200_000
        collector.may_read.set()
        await begun
        await getattr(ws, name)(timeout=PATIENCE)
        await ws.close()
    assert sum(one.opcode in (PING, PONG) for one in collector.frames) == sent + 1
