"""Overflow policies over a real connection: what is dropped is counted, and told in order."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.frames import close, fragments, numbered, ping, text
from tests.support.server import PATIENCE, Peer
from tickwire.transport import (
    AsyncWebSocket,
    QueueOverflow,
    WebSocketClosed,
    WebSocketError,
    conflate,
)

if TYPE_CHECKING:
    from tests.support.server import Serve
    from tickwire import AsyncSession

COUNT = 1000
LIMIT = 50


async def until_received(ws: AsyncWebSocket, count: int) -> None:
    """Let the loop run until the reader has parsed as many messages."""
    async with asyncio.timeout(PATIENCE):
        while ws.messages_received < count:
            await asyncio.sleep(0)


def flood(payloads: list[bytes], *, chunk: int = 100) -> Any:
    """A script that sends these messages, then a ping, and closes when it is answered."""

    async def script(peer: Peer) -> None:
        await peer.accept()
        for at in range(0, len(payloads), chunk):
            await peer.send(b"".join(text(p) for p in payloads[at : at + chunk]))
        await peer.send(ping(b"end"))
        await peer.next_of(0xA)
        await peer.send(close())
        await peer.close_frame()

    return script


async def all_messages(ws: AsyncWebSocket) -> list[tuple[bytes, int]]:
    found = []
    try:
        while True:
            message = await ws.recv_message(timeout=PATIENCE)
            found.append((message.payload, message.lost))
    except WebSocketClosed as error:
        code = error.code
    assert code == 1000
    return found


async def test_block_loses_nothing(serve: Serve, session: AsyncSession) -> None:
    payloads = numbered(0, COUNT, 200)
    async with serve(flood(payloads)) as server:
        ws = await session.ws_connect(server.url, recv_queue_size=LIMIT, read_ahead=1000)
        assert await all_messages(ws) == [(payload, 0) for payload in payloads]
        assert ws.dropped == 0
        await ws.close()


async def test_drop_oldest(serve: Serve, session: AsyncSession) -> None:
    payloads = numbered(0, COUNT)
    async with serve(flood(payloads)) as server:
        ws = await session.ws_connect(server.url, recv_queue_size=LIMIT, overflow="drop_oldest")
        await until_received(ws, COUNT)
        assert ws.recv_queue_size == LIMIT
        found = await all_messages(ws)
        assert [payload for payload, _ in found] == payloads[-LIMIT:]
        assert [lost for _, lost in found] == [COUNT - LIMIT] + [0] * (LIMIT - 1)
        assert ws.dropped == COUNT - LIMIT
        await ws.close()


async def test_drop_newest(serve: Serve, session: AsyncSession) -> None:
    payloads = numbered(0, COUNT)

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.send(b"".join(text(payload) for payload in payloads))
        await peer.message()
        await peer.send(text(b"after the hole"), close())
        await peer.close_frame()

    async with serve(script) as server:
        ws = await session.ws_connect(server.url, recv_queue_size=LIMIT, overflow="drop_newest")
        await until_received(ws, COUNT)
        found = [(await ws.recv_message()).payload for _ in range(LIMIT)]
        assert found == payloads[:LIMIT]
        await ws.send(b"go on")
        message = await ws.recv_message(timeout=PATIENCE)
        assert (message.payload, message.lost) == (b"after the hole", COUNT - LIMIT)
        assert ws.dropped == COUNT - LIMIT
        await ws.close()


async def test_conflate(serve: Serve, session: AsyncSession) -> None:
    keys = 10
    payloads = [b"%d:%04d" % (number % keys, number) for number in range(COUNT)]
    seen: list[bytes] = []

    def key(payload: bytes) -> bytes:
        seen.append(payload)
        return payload[:1]

    async with serve(flood(payloads)) as server:
        ws = await session.ws_connect(server.url, recv_queue_size=keys, overflow=conflate(key))
        await until_received(ws, COUNT)
        found = await all_messages(ws)
        assert [payload for payload, _ in found] == payloads[-keys:]
        assert sum(lost for _, lost in found) == ws.dropped == COUNT - keys
        assert len(seen) <= COUNT + keys, "the key of a message is asked for once"
        await ws.close()


async def test_the_key_is_not_asked_while_there_is_room(
    serve: Serve, session: AsyncSession
) -> None:
    def key(payload: bytes) -> bytes:
        raise AssertionError("called with room in the queue")

    payloads = numbered(0, LIMIT)
    async with serve(flood(payloads)) as server:
        ws = await session.ws_connect(server.url, recv_queue_size=LIMIT, overflow=conflate(key))
        await until_received(ws, LIMIT)
        assert [payload for payload, _ in await all_messages(ws)] == payloads
        await ws.close()


async def test_an_error_in_the_key_ends_the_connection(serve: Serve, session: AsyncSession) -> None:
    def key(payload: bytes) -> bytes:
        raise ZeroDivisionError

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.send(b"".join(text(payload) for payload in numbered(0, 10)))
        await peer.gone()

    reported: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: reported.append(context))
    async with serve(script) as server:
        ws = await session.ws_connect(
            server.url, recv_queue_size=2, overflow=conflate(key), drain_on_error=True
        )
        with pytest.raises(WebSocketError, match="ZeroDivisionError"):
            while True:
                await ws.recv(timeout=PATIENCE)
        assert ws.closed
    assert [type(context["exception"]) for context in reported] == [ZeroDivisionError]


@pytest.mark.parametrize("option", [{"overflow": "fail"}, {"block_on_recv_queue_full": False}])
@pytest.mark.parametrize("drain", [False, True])
async def test_fail(
    serve: Serve, session: AsyncSession, option: dict[str, Any], drain: bool
) -> None:
    payloads = numbered(0, COUNT)
    codes = []

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.send(b"".join(text(payload) for payload in payloads))
        codes.append((await peer.close_frame()).close_code)

    async with serve(script) as server:
        ws = await session.ws_connect(
            server.url, recv_queue_size=LIMIT, drain_on_error=drain, **option
        )
        async with asyncio.timeout(PATIENCE):
            while not ws.closed:
                await asyncio.sleep(0)
        found = []
        for _ in range(2):
            with pytest.raises(QueueOverflow) as caught:
                while True:
                    found.append((await ws.recv(timeout=PATIENCE))[0])
            assert caught.value.retriable
        assert found == (payloads[:LIMIT] if drain else [])
        with pytest.raises(WebSocketError):
            await ws.send(b"too late")
        await ws.close()
    assert codes == [1008]


@pytest.mark.parametrize("policy", ["drop_oldest", "drop_newest"])
async def test_batches_tell_the_loss(serve: Serve, session: AsyncSession, policy: str) -> None:
    payloads = numbered(0, COUNT)
    async with serve(flood(payloads, chunk=7)) as server:
        ws = await session.ws_connect(server.url, recv_queue_size=LIMIT, overflow=policy)
        received = lost = 0
        last = -1
        async for batch in ws.batches():
            assert batch
            received += len(batch)
            lost += batch.lost
            numbers = [int(payload[:10]) for payload in batch]
            assert numbers == sorted(numbers)
            assert numbers[0] > last
            last = numbers[-1]
            # Now and then the consumer is late.
            if received % 3 == 0:
                await until_received(ws, min(COUNT, ws.messages_received + 2 * LIMIT))
        assert ws.dropped == COUNT - received
        # What drop_newest loses at the very end has no message behind it that could tell.
        assert lost == ws.dropped or (policy == "drop_newest" and lost < ws.dropped)
        assert policy == "drop_newest" or last == COUNT - 1


@pytest.mark.parametrize("policy", ["block", "drop_oldest", "drop_newest"])
async def test_the_queue_keeps_to_its_bytes(
    serve: Serve, session: AsyncSession, policy: str
) -> None:
    size, bound, ahead = 10_000, 100_000, 50_000
    payloads = numbered(0, 300, size)
    sent = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.send(ping(b"first"))
        await peer.next_of(0xA)
        for payload in payloads:
            await peer.send(text(payload))
        sent.set()
        await peer.send(close())
        await peer.close_frame()

    async with serve(script) as server:
        ws = await session.ws_connect(
            server.url,
            recv_queue_size=100_000,
            recv_queue_bytes=bound,
            read_ahead=ahead,
            overflow=policy,
        )
        async with asyncio.timeout(PATIENCE):
            while not (ws.is_paused if policy == "block" else ws.closed):
                assert ws.recv_queue_used <= bound + ahead + 256 * 1024 + size
                await asyncio.sleep(0)
        if policy != "block":
            assert sent.is_set()
            assert ws.recv_queue_used <= bound + size + 64
        found = [payload async for payload in ws]
        assert len(found) + ws.dropped == len(payloads)
        if policy == "block":
            assert found == payloads
        await ws.close()


async def test_a_ping_is_answered_while_a_full_queue_drops(
    serve: Serve, session: AsyncSession
) -> None:
    pongs = []

    async def script(peer: Peer) -> None:
        await peer.accept()
        for number in range(20):
            await peer.send(b"".join(map(text, numbered(0, 100))), ping(b"%d" % number))
            pongs.append((await peer.next_of(0xA)).payload)
        await peer.send(close())
        await peer.close_frame()

    async with serve(script) as server:
        ws = await session.ws_connect(server.url, recv_queue_size=3, overflow="drop_oldest")
        await asyncio.wait_for(ws.wait_closed(), PATIENCE)
    assert pongs == [b"%d" % number for number in range(20)]


async def test_dropped_messages_are_still_checked(serve: Serve, session: AsyncSession) -> None:
    """A message that is dropped is parsed like any other, fragments and UTF-8 included."""

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.send(
            text("kept"), *fragments(1, b"dro", b"pped"), text(b"\xff\xfe"), text("never seen")
        )
        assert (await peer.close_frame()).close_code == 1007

    async with serve(script) as server:
        ws = await session.ws_connect(
            server.url, recv_queue_size=1, overflow="drop_newest", drain_on_error=True
        )
        assert await ws.recv_str(timeout=PATIENCE) == "kept"
        with pytest.raises(WebSocketError) as caught:
            while True:
                await ws.recv(timeout=PATIENCE)
        assert caught.value.code == 1007
        await ws.close()
