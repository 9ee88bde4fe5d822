"""Receiving: nothing lost, order kept, the queue bounded, arrival times true."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

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
from tests.support.server import PATIENCE, Peer, raw_connection, serving
from tickwire import clock
from tickwire.transport import WebSocketClosed, WebSocketError, WebSocketTimeout

if TYPE_CHECKING:
    from tests.support.server import Serve
    from tickwire import AsyncSession
    from tickwire.transport import AsyncWebSocket


async def polite_end(peer: Peer) -> None:
    await peer.close_frame()
    await peer.send(close())


async def until_paused(ws: AsyncWebSocket) -> None:
    async with asyncio.timeout(PATIENCE):
        while not ws.is_paused:
            await asyncio.sleep(0)


# ------------------------------------------------------------------ the ways to receive


async def test_every_way_to_receive(serve: Serve, session: AsyncSession) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        peer.write(text("one"), binary(b"two"), text("thrée"), text('{"a":[1,2.5]}'), text("five"))
        peer.write(text("six"), text("seven"), text(""), binary(b""))
        await polite_end(peer)

    async with serve(script) as server, session.ws_connect(server.url) as ws:
        assert await ws.recv() == (b"one", TEXT)
        assert await ws.recv() == (b"two", BINARY)
        assert await ws.recv_str() == "thrée"
        assert await ws.recv_json() == {"a": [1, 2.5]}
        assert await ws.recv_bytes() == b"five"
        message = await ws.recv_message()
        assert (message.payload, message.flags) == (b"six", TEXT)
        assert await anext(ws) == b"seven"
        assert await ws.recv() == (b"", TEXT)
        assert await ws.recv() == (b"", BINARY)
        assert ws.recv_queue_length == 0


async def test_async_for_ends_with_a_clean_close(serve: Serve, session: AsyncSession) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(text("a") + text("b"))
        peer.write(text("c") + close(1001, b"going"))
        assert (await peer.close_frame()).close_code == 1001

    async with serve(script) as server, session.ws_connect(server.url) as ws:
        assert [payload async for payload in ws] == [b"a", b"b", b"c"]
        assert [payload async for payload in ws] == []
        assert [batch async for batch in ws.batches()] == []
        for _ in range(2):
            with pytest.raises(WebSocketClosed) as caught:
                await ws.recv()
            assert (caught.value.code, caught.value.reason) == (1001, "going")
            assert caught.value.clean
            assert caught.value.by_peer


async def test_json_errors_consume_the_message_and_keep_the_connection(
    serve: Serve, session: AsyncSession
) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(text("pong") + binary(b"\xff") + text("[1]") + text("7"))
        await polite_end(peer)

    async with serve(script) as server, session.ws_connect(server.url) as ws:
        for _ in range(2):
            with pytest.raises(WebSocketError) as caught:
                await ws.recv_json()
            assert caught.value.code == 1007
        assert await ws.recv_json() == [1]
        assert await ws.recv_json(loads=lambda raw: json.loads(raw) + 1) == 8


async def test_recv_str_refuses_binary_and_goes_on(serve: Serve, session: AsyncSession) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(binary(b"\x00") + text("text"))
        await polite_end(peer)

    async with serve(script) as server, session.ws_connect(server.url) as ws:
        with pytest.raises(WebSocketError) as caught:
            await ws.recv_str()
        assert caught.value.code == 1007
        assert await ws.recv_str() == "text"


async def test_iteration_over_text_and_json(serve: Serve, session: AsyncSession) -> None:
    """Each ends with the closing handshake; what does not fit is told, consumed, and passed by."""

    async def script(peer: Peer) -> None:
        await peer.accept(text("1") + text("[2]") + binary(b"3") + text("{") + text("4") + close())
        await peer.close_frame()

    async with serve(script) as server, session.ws_connect(server.url) as ws:
        texts = ws.iter_str()
        assert [await anext(texts), await anext(texts)] == ["1", "[2]"]
        with pytest.raises(WebSocketError) as caught:
            await anext(texts)
        assert caught.value.code == 1007
        assert [message async for message in ws.iter_str()] == ["{", "4"]

    async with serve(script) as server, session.ws_connect(server.url) as ws:
        got: list[object] = []
        with pytest.raises(WebSocketError) as caught:
            async for value in ws.iter_json():
                got.append(value)
        assert caught.value.code == 1007
        assert got == [1, [2], 3]
        rest = [value async for value in ws.iter_json(loads=int)]
        assert rest == [4]


async def test_recv_str_on_binaries_makes_room_like_any_other(session: AsyncSession) -> None:
    """A stopped reader goes on, although the call that made the room raised."""
    frames = 200

    async def script(peer: Peer) -> None:
        await peer.accept(binary(b"x" * 100) * frames + text("end"))
        await polite_end(peer)

    async with serving(script) as server:
        async with session.ws_connect(server.url, recv_queue_size=1, read_ahead=0) as ws:
            await until_paused(ws)
            for _ in range(frames):
                with pytest.raises(WebSocketError):
                    await ws.recv_str(timeout=PATIENCE)
            assert await ws.recv_str(timeout=PATIENCE) == "end"


async def test_fragments_and_pings_between_them(serve: Serve, session: AsyncSession) -> None:
    pieces = [b"%d," % number for number in range(50)]

    async def script(peer: Peer) -> None:
        await peer.accept()
        for number, piece in enumerate(fragments(TEXT, *pieces)):
            await peer.send(piece, ping(b"%d" % number))
        for number in range(50):
            assert (await peer.frame()).payload == b"%d" % number
        await polite_end(peer)

    async with serve(script) as server, session.ws_connect(server.url) as ws:
        assert await ws.recv(timeout=PATIENCE) == (b"".join(pieces), TEXT)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 262_144, 262_145, 3_000_000])
async def test_sizes(serve: Serve, session: AsyncSession, size: int) -> None:
    payload = bytes(number * 7 % 251 for number in range(size))

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.send(text("before"), binary(payload), text("after"))
        for piece in fragments(BINARY, payload[: size // 3], payload[size // 3 :], b""):
            await peer.send(piece)
        await polite_end(peer)

    async with serve(script) as server, session.ws_connect(server.url) as ws:
        async with asyncio.timeout(PATIENCE):
            assert await ws.recv() == (b"before", TEXT)
            assert await ws.recv() == (payload, BINARY)
            assert await ws.recv() == (b"after", TEXT)
            assert await ws.recv() == (payload, BINARY)


# ------------------------------------------------------------------ records, drains, re-arming


async def test_50_frames_in_one_tls_record_and_then_silence(
    serve: Serve, session: AsyncSession
) -> None:
    payloads = numbered(0, 50, 200)
    stream = b"".join(text(payload) for payload in payloads)
    assert len(stream) < 16384, "one record"

    async def script(peer: Peer) -> None:
        await peer.accept()
        assert (await peer.message()).payload == b"go"
        peer.write(stream)
        await polite_end(peer)

    async with serve(script) as server, session.ws_connect(server.url) as ws:
        await ws.send(b"go")
        received = [await ws.recv_bytes(timeout=PATIENCE) for _ in payloads]
    assert received == payloads


@pytest.mark.parametrize("options", [{}, {"recv_time_slice": 1e-9}], ids=["default", "tiny slice"])
async def test_much_at_once_and_then_silence(
    serve: Serve, session: AsyncSession, options: dict[str, Any]
) -> None:
    """More than one read, one budget, one time slice: the reader must come back by itself."""
    payloads = numbered(0, 12_000, 90)
    stream = b"".join(text(payload) for payload in payloads)

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.send(stream)
        await polite_end(peer)

    async with serve(script) as server:
        async with session.ws_connect(server.url, recv_queue_size=20_000, **options) as ws:
            async with asyncio.timeout(PATIENCE):
                received = [await ws.recv_bytes() for _ in payloads]
    assert received == payloads


async def test_byte_by_byte(serve: Serve, session: AsyncSession) -> None:
    stream = text("first") + binary(b"x" * 130) + ping(b"p") + text("é€")

    async def script(peer: Peer) -> None:
        await peer.accept()
        for at in range(len(stream)):
            await peer.send(stream[at : at + 1])
            await asyncio.sleep(0)
        await polite_end(peer)

    async with serve(script) as server, session.ws_connect(server.url) as ws:
        async with asyncio.timeout(PATIENCE):
            received = [await ws.recv_bytes() for _ in range(3)]
    assert received == [b"first", b"x" * 130, "é€".encode()]


async def test_several_connections_share_the_read_buffer(
    serve: Serve, session: AsyncSession
) -> None:
    """Cut frames of twenty connections interleave; no byte of one shows up in another."""
    turns = 40

    async def script(peer: Peer) -> None:
        await peer.read_request()
        peer.write(peer.answer())
        name = peer.target.encode()
        for turn in range(turns):
            whole = text(b"%s:%d:" % (name, turn) + name * (turn * 7))
            cut = len(whole) * 2 // 3
            await peer.send(whole[:cut])
            await asyncio.sleep(0)
            await peer.send(whole[cut:])
        await polite_end(peer)

    async def one(number: int, url: str) -> None:
        name = b"/%d" % number
        async with session.ws_connect(url + str(number)) as ws:
            for turn in range(turns):
                received = await ws.recv_bytes(timeout=PATIENCE)
                assert received == b"%s:%d:" % (name, turn) + name * (turn * 7)

    async with serve(script) as server:
        await asyncio.gather(*(one(number, server.url) for number in range(20)))


# ------------------------------------------------------------------ a consumer that sleeps


async def test_pings_are_answered_while_the_consumer_sleeps_with_a_full_queue(
    serve: Serve, session: AsyncSession
) -> None:
    """Within the read-ahead; then reading stops, the server blocks, and nothing is lost."""
    size, limit, ahead = 1000, 8, 100_000
    payloads = numbered(0, 20_000, size)
    answered: list[bytes] = []
    progress = {"sent": 0}

    async def script(peer: Peer) -> None:
        await peer.accept()
        # Enough to fill the queue many times over, but not the read-ahead: 80 of its 100 kB.
        for number in range(80):
            await peer.send(text(payloads[number]))
            if number % 10 == 9:
                peer.write(ping(b"%d" % number))
        while len(answered) < 8:
            answered.append((await peer.frame()).payload)
        for number in range(80, len(payloads)):
            await peer.send(text(payloads[number]))
            progress["sent"] = number
        await polite_end(peer)

    async with serve(script) as server:
        options: dict[str, Any] = {"recv_queue_size": limit, "read_ahead": ahead}
        async with session.ws_connect(server.url, **options) as ws:
            await until_paused(ws)
            assert answered == [b"%d" % number for number in range(9, 80, 10)]
            bound = limit * (size + 64) + ahead + 256 * 1024 * 1.1
            assert ahead < ws.recv_queue_used < bound
            used = ws.recv_queue_used
            before = -1
            while before != progress["sent"]:  # the kernel's buffers fill up
                before = progress["sent"]
                for _ in range(500):
                    await asyncio.sleep(0)
            assert ws.recv_queue_used == used, "reading has stopped"
            assert before < len(payloads) - 1, "the server is blocked"
            async with asyncio.timeout(PATIENCE * 2):
                received = []
                for _ in payloads:
                    received.append(await ws.recv_bytes())
                    assert ws.recv_queue_used < bound
    assert received == payloads


@pytest.mark.parametrize("size", [10, 5_000, 100_000])
async def test_the_read_ahead_counts_from_the_full_queue(session: AsyncSession, size: int) -> None:
    """However large the messages are that filled the queue, a ping behind them is answered."""
    filled = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.send(*(text(payload) for payload in numbered(0, 4, size)))
        await filled.wait()
        await peer.send(ping(b"there?"))
        assert (await peer.frame()).payload == b"there?"
        await polite_end(peer)

    async with serving(script) as server:
        options: dict[str, Any] = {"recv_queue_size": 4, "read_ahead": 1000}
        async with session.ws_connect(server.url, **options) as ws:
            async with asyncio.timeout(PATIENCE):
                while ws.recv_queue_length < 4:
                    await asyncio.sleep(0)
                filled.set()
                while not server.peers[0].seen:
                    await asyncio.sleep(0)
            assert ws.recv_queue_length == 4


async def test_a_close_is_seen_while_the_queue_is_full(serve: Serve, session: AsyncSession) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(b"".join(text(str(number)) for number in range(10)) + close(1001))
        assert (await peer.close_frame()).close_code == 1001

    async with serve(script) as server, session.ws_connect(server.url, recv_queue_size=4) as ws:
        async with asyncio.timeout(PATIENCE):
            while ws.is_alive():
                await asyncio.sleep(0)
        assert [payload async for payload in ws] == [b"%d" % number for number in range(10)]


async def test_the_queue_is_bounded_in_bytes_too(serve: Serve, session: AsyncSession) -> None:
    payloads = numbered(0, 60, 50_000)

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.send(*(binary(payload) for payload in payloads))
        await polite_end(peer)

    async with serve(script) as server:
        options: dict[str, Any] = {
            "recv_queue_bytes": 200_000,
            "recv_queue_size": 1000,
            "read_ahead": 0,
        }
        async with session.ws_connect(server.url, **options) as ws:
            await until_paused(ws)
            assert 200_000 <= ws.recv_queue_used < 200_000 + 300_000
            received = [await ws.recv_bytes(timeout=PATIENCE) for _ in payloads]
    assert received == payloads


async def test_the_smallest_queue_there_is(serve: Serve, session: AsyncSession) -> None:
    payloads = numbered(0, 500)

    async def script(peer: Peer) -> None:
        await peer.accept(b"".join(text(payload) for payload in payloads[:100]))
        await peer.send(b"".join(text(payload) for payload in payloads[100:]))
        await polite_end(peer)

    async with serve(script) as server:
        options: dict[str, Any] = {"recv_queue_size": 1, "recv_queue_bytes": 1, "read_ahead": 0}
        async with session.ws_connect(server.url, **options) as ws:
            received = []
            for _ in payloads:
                received.append(await ws.recv_bytes(timeout=PATIENCE))
                await asyncio.sleep(0)
    assert received == payloads


async def test_slow_and_quick_consumers_by_turns(serve: Serve, session: AsyncSession) -> None:
    """The reader stops and goes on many times, over and below every threshold."""
    payloads = numbered(0, 6000, 300)

    async def script(peer: Peer) -> None:
        await peer.accept()
        for at in range(0, len(payloads), 37):
            await peer.send(b"".join(text(payload) for payload in payloads[at : at + 37]))
        await polite_end(peer)

    async with serve(script) as server:
        options: dict[str, Any] = {"recv_queue_size": 16, "read_ahead": 4000}
        async with session.ws_connect(server.url, **options) as ws:
            received: list[bytes] = []
            async with asyncio.timeout(PATIENCE):
                while len(received) < len(payloads):
                    received.append(await ws.recv_bytes())
                    if len(received) % 113 == 0:
                        await until_paused_or(ws, len(payloads) - len(received))
    assert received == payloads


async def until_paused_or(ws: AsyncWebSocket, left: int) -> None:
    """Wait until the reader has stopped, or has all there is."""
    while not ws.is_paused and ws.recv_queue_length < left:
        await asyncio.sleep(0)


# ------------------------------------------------------------------ arrival times and batches


async def test_arrival_is_stamped_when_it_is_read_not_when_it_is_taken(
    serve: Serve, session: AsyncSession
) -> None:
    first_sent = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.send(text("a") + text("b"))
        await first_sent.wait()
        await peer.send(text("c"))
        await polite_end(peer)

    async with serve(script) as server:
        before = clock.wall_ns(), clock.mono_ns()
        async with session.ws_connect(server.url) as ws:
            async with asyncio.timeout(PATIENCE):
                while ws.recv_queue_length < 2:
                    await asyncio.sleep(0)
                between = clock.wall_ns(), clock.mono_ns()
                first_sent.set()
                while ws.recv_queue_length < 3:
                    await asyncio.sleep(0)
            after = clock.wall_ns(), clock.mono_ns()
            await asyncio.sleep(0.05)  # the consumer is late
            one = await ws.recv_message()
            assert (ws.recv_ns, ws.mono_ns) == (one.recv_ns, one.mono_ns)
            assert await ws.recv() == (b"b", TEXT)
            assert (ws.recv_ns, ws.mono_ns) == (one.recv_ns, one.mono_ns), "one read"
            assert await anext(ws) == b"c"
            assert before[0] <= one.recv_ns <= between[0] <= ws.recv_ns <= after[0]
            assert before[1] <= one.mono_ns <= between[1] <= ws.mono_ns <= after[1]


async def test_a_batch_is_what_one_read_brought(serve: Serve, session: AsyncSession) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        for start in (0, 3, 5):
            await peer.send(*(text(payload) for payload in numbered(start, 3 - start // 3)))
            await peer.next_of(BINARY)
        peer.write(close())
        await peer.close_frame()

    async with serve(script) as server, session.ws_connect(server.url) as ws:
        for count in (3, 5, 7):
            while ws.messages_received < count:
                await asyncio.sleep(0)
            await ws.send_bytes(b"next")
        batches = [batch async for batch in ws.batches()]
    assert [payload for batch in batches for payload in batch] == numbered(0, 7)
    assert all(isinstance(batch, list) for batch in batches)
    assert [batch.mono_ns for batch in batches] == sorted({batch.mono_ns for batch in batches})
    assert all(batch.recv_ns > 1.6e18 for batch in batches)
    for edge in (3, 5):
        starts = [sum(len(batch) for batch in batches[:at]) for at in range(len(batches))]
        assert edge in starts, "a batch never joins what came at different times"


async def test_one_read_is_one_batch(session: AsyncSession) -> None:
    async with raw_connection(session.ws_connect) as (ws, conn):
        conn.sendall(b"".join(text(payload) for payload in numbered(0, 20)))
        first = await ws.recv_batch(timeout=PATIENCE)
        conn.sendall(text("x") + frame(BINARY, b"half")[:3])
        second = await ws.recv_batch(timeout=PATIENCE)
        conn.sendall(frame(BINARY, b"half")[3:] + text("y"))
        third = await ws.recv_batch(timeout=PATIENCE)
    assert list(first) == numbered(0, 20)
    assert list(second) == [b"x"]
    assert list(third) == [b"half", b"y"]
    assert first.mono_ns < second.mono_ns < third.mono_ns
    assert first.recv_ns <= second.recv_ns <= third.recv_ns


# ------------------------------------------------------------------ timeouts


async def test_a_timeout_leaves_the_connection_and_the_order_alone(
    serve: Serve, session: AsyncSession
) -> None:
    go = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.accept()
        await go.wait()
        await peer.send(text("a") + text("b"))
        await polite_end(peer)

    async with serve(script) as server, session.ws_connect(server.url) as ws:
        for timeout in (0, 0.0, 0.01, -1):
            with pytest.raises(WebSocketTimeout):
                await ws.recv(timeout=timeout)
            with pytest.raises(WebSocketTimeout):
                await ws.recv_json(timeout=timeout)
        assert ws.is_alive()
        go.set()
        assert await ws.recv(timeout=PATIENCE) == (b"a", TEXT)
        assert await ws.recv(timeout=0) == (b"b", TEXT), "what is there needs no time"


async def test_receive_counters(serve: Serve, session: AsyncSession) -> None:
    stream = text("abc") + binary(b"\0" * 1000) + ping()

    async def script(peer: Peer) -> None:
        await peer.accept(stream)
        await polite_end(peer)

    async with serve(script) as server, session.ws_connect(server.url) as ws:
        async with asyncio.timeout(PATIENCE):
            while ws.bytes_received < len(stream):
                await asyncio.sleep(0)
        assert ws.bytes_received == len(stream)
        assert ws.messages_received == 2
        assert ws.recv_queue_length == ws.recv_queue_size == 2
        assert ws.recv_queue_used == 1003 + 2 * 64
        await ws.recv()
        await ws.recv()
        assert ws.recv_queue_used == 0
        assert ws.last_byte_mono_ns <= clock.mono_ns()
