"""Sending: one write per loop turn, boundaries, queues, fragments, flush."""

from __future__ import annotations

import asyncio
import itertools
import os
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.frames import (
    BINARY,
    CONTINUATION,
    PONG,
    TEXT,
    close,
    numbered,
    ping,
    read_frames,
)
from tests.support.interposed import AGAIN, Interposed, interpose
from tests.support.server import PATIENCE, Peer
from tickwire.transport import AsyncWebSocket, CurlWsFlag, WebSocketTimeout

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.server import Serve
    from tickwire import AsyncSession


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Interposed:
    made = interpose(monkeypatch)
    made.keep_offered = True
    return made


def expects(payloads: list[bytes], got: list[bytes] | None = None) -> Callable[[Peer], Any]:
    """A script that must be sent these messages, in this order, and then a close."""

    async def script(peer: Peer) -> None:
        await peer.accept()
        for payload in payloads:
            found = (await peer.message()).payload
            assert found == payload, (found[:60], payload[:60])
        assert (await peer.close_frame()).close_code == 1000
        await peer.send(close())

    return script


# ------------------------------------------------------------------ coalescing


async def test_without_coalescing_each_message_leaves_at_once(
    serve: Serve, session: AsyncSession, between: Interposed
) -> None:
    payloads = numbered(0, 10)
    async with serve(expects(payloads)) as server, session.ws_connect(server.url) as ws:
        for number, payload in enumerate(payloads):
            await ws.send(payload)
            assert between.sends == number + 1
            assert ws.send_queue_size == 0
    assert [len(read_frames(data)) for data in between.offered] == [1] * 11


async def test_the_frames_of_one_turn_leave_in_one_write(
    serve: Serve, session: AsyncSession, between: Interposed
) -> None:
    turns = [5, 1, 30, 2]
    payloads = numbered(0, sum(turns))
    async with serve(expects(payloads)) as server:
        async with session.ws_connect(server.url, coalesce_frames=True) as ws:
            left = iter(payloads)
            for number, count in enumerate(turns):
                for payload in itertools.islice(left, count):
                    await ws.send(payload, CurlWsFlag.TEXT)
                assert between.sends == number, "sent before the turn was over"
                assert ws.send_queue_size == count
                await asyncio.sleep(0)
                assert between.sends == number + 1
    writes = [read_frames(data) for data in between.offered[: len(turns)]]
    assert [len(frames) for frames in writes] == turns
    frames = [found for write in writes for found in write]
    assert [found.payload for found in frames] == payloads, "boundaries are kept"
    assert all(found.fin and found.opcode == TEXT and found.masked for found in frames)
    assert len({found.key for found in frames}) > len(frames) - 2, "each has its own masking key"


async def test_a_batch_has_its_size(
    serve: Serve, session: AsyncSession, between: Interposed
) -> None:
    payloads = numbered(0, 25)
    async with serve(expects(payloads)) as server:
        async with session.ws_connect(
            server.url, coalesce_frames=True, max_send_batch_size=10
        ) as ws:
            for payload in payloads:
                await ws.send(payload)
            await asyncio.sleep(0)
            assert [len(read_frames(data)) for data in between.offered] == [10, 10, 5]


async def test_flush_does_not_wait_for_the_turn(
    serve: Serve, session: AsyncSession, between: Interposed
) -> None:
    payloads = numbered(0, 3)
    async with serve(expects(payloads)) as server:
        async with session.ws_connect(server.url, coalesce_frames=True) as ws:
            for payload in payloads:
                await ws.send(payload)
            flushing = asyncio.ensure_future(ws.flush())
            await flushing
            assert ws.send_queue_size == 0
            assert len(between.offered) == 1


async def test_a_close_does_not_overtake_coalesced_frames(
    serve: Serve, session: AsyncSession, between: Interposed
) -> None:
    payloads = numbered(0, 7)
    async with serve(expects(payloads)) as server:
        ws = await session.ws_connect(server.url, coalesce_frames=True)
        for payload in payloads:
            await ws.send(payload)
        await ws.close()
    frames = [found for data in between.offered for found in read_frames(data)]
    assert [found.opcode for found in frames] == [BINARY] * 7 + [8]


async def test_a_coalesced_message_is_not_forgotten_by_the_end(
    serve: Serve, session: AsyncSession
) -> None:
    """Terminated in the same turn: nothing is sent, and nothing goes wrong later."""

    async def script(peer: Peer) -> None:
        await peer.accept()
        assert await peer.gone() == b""

    async with serve(script) as server:
        ws = await session.ws_connect(server.url, coalesce_frames=True)
        await ws.send(b"x")
        ws.terminate()
        await asyncio.sleep(0)


# ------------------------------------------------------------------ order and fragments


async def test_concurrent_senders_do_not_interleave(serve: Serve, session: AsyncSession) -> None:
    """Large messages of several tasks, small ones between: each is whole, each task's in order."""
    senders, rounds = 5, 8

    async def script(peer: Peer) -> None:
        await peer.accept()
        seen = dict.fromkeys(range(senders), 0)
        for _ in range(senders * rounds):
            payload = (await peer.message()).payload
            who, number = payload[0], payload[1]
            assert set(payload[2:]) <= {who}, "two messages are mixed"
            assert number == seen[who], "a sender's messages changed places"
            seen[who] += 1
        assert (await peer.close_frame()).close_code == 1000
        await peer.send(close())

    async def sending(ws: AsyncWebSocket, who: int) -> None:
        for number in range(rounds):
            size = (0, 10, 5000, 300_000)[(who + number) % 4]
            await ws.send(bytes((who, number)) + bytes((who,)) * size)
            await asyncio.sleep(0)

    async with serve(script) as server, session.ws_connect(server.url) as ws:
        await asyncio.gather(*(sending(ws, who) for who in range(senders)))


async def test_a_large_message_leaves_in_fragments(
    serve: Serve, session: AsyncSession, between: Interposed
) -> None:
    payload = os.urandom(2500)
    async with serve(expects([payload, payload[:1000], payload[:1001], b"", payload])) as server:
        async with session.ws_connect(server.url, max_frame_payload=1000) as ws:
            for size in (2500, 1000, 1001, 0):
                await ws.send(payload[:size])
            await ws.send(payload)
    frames = read_frames(b"".join(between.offered))[:-1]
    assert [(f.opcode, len(f.payload), f.fin) for f in frames] == [
        (BINARY, 1000, False),
        (CONTINUATION, 1000, False),
        (CONTINUATION, 500, True),
        (BINARY, 1000, True),
        (BINARY, 1000, False),
        (CONTINUATION, 1, True),
        (BINARY, 0, True),
        (BINARY, 1000, False),
        (CONTINUATION, 1000, False),
        (CONTINUATION, 500, True),
    ]


async def test_pongs_go_out_between_fragments(serve: Serve, session: AsyncSession) -> None:
    """A ping during a large message is answered before the message is over."""
    payload = os.urandom(24 * 1024 * 1024)
    order: list[str] = []

    async def script(peer: Peer) -> None:
        await peer.accept()
        first = await peer.frame()
        assert not first.fin
        await peer.send(ping(b"now"))
        parts = [first.payload]
        while True:
            found = await peer.frame()
            if found.opcode == PONG:
                assert found.payload == b"now"
                order.append("pong")
                continue
            assert found.opcode == CONTINUATION
            parts.append(found.payload)
            if found.fin:
                order.append("end")
                break
        assert b"".join(parts) == payload
        await peer.close_frame()
        await peer.send(close())

    async with serve(script) as server, session.ws_connect(server.url) as ws:
        await ws.send(payload)
    assert order == ["pong", "end"]


# ------------------------------------------------------------------ a socket that takes nothing


async def test_the_send_queue_has_its_size(
    serve: Serve, session: AsyncSession, between: Interposed
) -> None:
    """When the kernel takes nothing, as many messages are taken as the queue holds; then a send
    waits, and goes on when there is room."""
    payloads = numbered(0, 12)
    stuck = True
    between.on_send = lambda size: AGAIN if stuck else None
    async with serve(expects(payloads)) as server:
        async with session.ws_connect(server.url, send_queue_size=10) as ws:
            for payload in payloads[:11]:
                await ws.send(payload)  # one is at the kernel's door, ten are queued
            assert ws.send_queue_size == 11
            late = asyncio.ensure_future(ws.send(payloads[11]))
            for _ in range(5):
                await asyncio.sleep(0)
            assert not late.done()
            stuck = False
            await asyncio.wait_for(late, PATIENCE)
            await ws.flush(timeout=PATIENCE)
            assert ws.send_queue_size == 0


@pytest.mark.parametrize("name", ["send", "send_str", "send_bytes", "send_binary", "send_json"])
async def test_a_send_that_times_out_keeps_its_place(
    serve: Serve, session: AsyncSession, between: Interposed, name: str
) -> None:
    payloads = numbered(0, 4)
    late: Any = payloads[2]
    if name == "send_str":
        late = late.decode()
    elif name == "send_json":
        late = {"late": True}
        payloads[2] = b'{"late":true}'
    stuck = True
    between.on_send = lambda size: AGAIN if stuck else None
    async with serve(expects(payloads)) as server:
        async with session.ws_connect(server.url, send_queue_size=1) as ws:
            await ws.send(payloads[0])
            await ws.send(payloads[1])
            with pytest.raises(WebSocketTimeout):
                await getattr(ws, name)(late, timeout=0.02)
            last = asyncio.ensure_future(ws.send(payloads[3]))
            await asyncio.sleep(0)
            stuck = False
            await asyncio.wait_for(last, PATIENCE)


async def test_flush_times_out_and_keeps_the_data(
    serve: Serve, session: AsyncSession, between: Interposed
) -> None:
    payloads = numbered(0, 3)
    stuck = True
    between.on_send = lambda size: AGAIN if stuck else None
    async with serve(expects(payloads)) as server:
        async with session.ws_connect(server.url) as ws:
            for payload in payloads:
                await ws.send(payload)
            with pytest.raises(WebSocketTimeout):
                await ws.flush(timeout=0.02)
            assert ws.send_queue_size == 3
            stuck = False
            await ws.flush(timeout=PATIENCE)
            assert ws.send_queue_size == 0


@pytest.mark.parametrize("size", [100, 100_000])
async def test_flush_does_not_wait_for_what_is_sent_meanwhile(
    serve: Serve, session: AsyncSession, between: Interposed, size: int
) -> None:
    """Somebody who always sends more must not keep it from returning."""
    turns = itertools.cycle((AGAIN, None))
    between.on_send = lambda offered: next(turns)

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.gone()

    async def send_on(ws: AsyncWebSocket) -> None:
        while True:
            await ws.send(bytes(size))

    async with serve(script) as server:
        ws = await session.ws_connect(server.url, send_queue_size=4)
        others = [asyncio.create_task(send_on(ws)) for _ in range(6)]
        while ws.is_flushed or not ws._slow_senders:
            await asyncio.sleep(0)
        await ws.flush(timeout=PATIENCE)
        for other in others:
            other.cancel()
        await asyncio.wait(others)
        ws.terminate()


async def test_flush_finds_what_was_gathered_while_it_waited(
    serve: Serve, session: AsyncSession, between: Interposed
) -> None:
    """Under coalescing, a frame put in the turn in which the slow road ends."""
    stuck = True
    between.on_send = lambda size: AGAIN if stuck else None
    payloads = [b"first", bytes(100_000), b"gathered"]
    async with serve(expects(payloads)) as server:
        async with session.ws_connect(server.url, coalesce_frames=True) as ws:
            await ws.send(payloads[0])
            await asyncio.sleep(0)
            large = asyncio.ensure_future(ws.send(payloads[1]))

            async def gather() -> None:
                await large
                await ws.send(payloads[2])

            gathering = asyncio.ensure_future(gather())
            await asyncio.sleep(0)
            flushing = asyncio.ensure_future(ws.flush(timeout=PATIENCE))
            await asyncio.sleep(0)
            stuck = False
            await flushing
            await gathering


@pytest.mark.parametrize("limit", [1, 2, 13, 1000])
async def test_the_kernel_takes_a_few_bytes_at_a_time(
    serve: Serve, session: AsyncSession, between: Interposed, limit: int
) -> None:
    payloads = [b"", b"x", *numbered(0, 30, 60), os.urandom(3000), b"end"]
    between.send_limit = limit
    between.keep_offered = False
    async with serve(expects(payloads)) as server:
        async with session.ws_connect(server.url) as ws:
            for payload in payloads:
                await ws.send(payload)
            await ws.flush(timeout=PATIENCE)


async def test_after_again_the_same_bytes_are_offered(
    serve: Serve, session: AsyncSession, between: Interposed
) -> None:
    """TLS demands it: bytes refused must be offered again, no fewer and no others."""
    payloads = [os.urandom(size) for size in (10, 500, 2000, 70_000, 3, 1)] * 3
    codes = itertools.cycle([None, AGAIN, AGAIN, None, AGAIN])
    answers: list[int | None] = []

    def on_send(size: int) -> int | None:
        answers.append(next(codes))
        return answers[-1]

    between.on_send = on_send
    between.send_limit = 700
    async with serve(expects(payloads)) as server:
        async with session.ws_connect(server.url) as ws:
            for payload in payloads:
                await ws.send(payload)
                if len(payload) > 1000:
                    await asyncio.sleep(0)
    repeated = 0
    for at, code in enumerate(answers[:-1]):
        if code == AGAIN:
            repeated += 1
            assert between.offered[at + 1] == between.offered[at]
    assert repeated > 10
