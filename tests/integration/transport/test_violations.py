"""A peer that breaks the protocol: the named error, the right close code, an end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import curl_cffi
import pytest

from tests.support.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    TEXT,
    binary,
    close,
    fragments,
    frame,
    ping,
    text,
)
from tests.support.server import PATIENCE, Peer, serving
from tickwire.transport import MessageTooBig, ProtocolViolation, WebSocketClosed, WebSocketState

if TYPE_CHECKING:
    from tests.support.server import Serve
    from tickwire import AsyncSession

VIOLATIONS: dict[str, tuple[int, bytes]] = {
    "masked frame": (1002, frame(TEXT, b"x", key=b"abcd")),
    "reserved bit 1": (1002, frame(TEXT, b"x", rsv=4)),
    "reserved bit 3": (1002, frame(PING, b"", rsv=1)),
    "reserved opcode": (1002, frame(3, b"x")),
    "reserved control opcode": (1002, frame(11)),
    "fragmented ping": (1002, frame(PING, b"", fin=False)),
    "long ping": (1002, frame(PING, bytes(126))),
    "continuation of nothing": (1002, frame(CONTINUATION, b"x")),
    "message in a message": (1002, fragments(TEXT, b"a", b"b")[0] + text("new")),
    "length over 63 bits": (1002, frame(BINARY, length_form=64, announced=1 << 63)),
    "half a close code": (1002, frame(CLOSE, b"\x03")),
    "close code 1005": (1002, close(1005)),
    "close code 999": (1002, close(999)),
    "close reason not utf-8": (1007, close(1000, b"\xff")),
    "text not utf-8": (1007, text(b"\xff\xfe")),
    "surrogate": (1007, text(b"\xed\xa0\x80")),
    "text cut in a character": (1007, b"".join(fragments(TEXT, b"\xe2", b"\x82"))),
    "frame too big": (1009, binary(bytes(1001))),
    "fragments too big": (1009, b"".join(fragments(BINARY, bytes(600), bytes(401)))),
    "announced too big": (1009, frame(BINARY, length_form=64, announced=1 << 40)),
}


@pytest.mark.parametrize("name", VIOLATIONS)
@pytest.mark.parametrize("start", ["with the 101", "later"])
async def test_a_violation(serve: Serve, session: AsyncSession, name: str, start: str) -> None:
    code, stream = VIOLATIONS[name]
    before = text("one") + ping(b"p") + binary(b"two")
    codes: list[int | None] = []

    async def script(peer: Peer) -> None:
        whole = before + stream + text("never delivered")
        await peer.accept(whole if start == "with the 101" else b"")
        if start == "later":
            await peer.send(whole)
        pong = await peer.frame()
        assert pong.payload == b"p", "what came before is still answered"
        codes.append((await peer.frame()).close_code)
        await peer.silent()

    async with serve(script) as server:
        ws = await session.ws_connect(server.url, max_message_size=1000)
        async with asyncio.timeout(PATIENCE):
            assert await ws.recv() == (b"one", TEXT)
            assert await ws.recv() == (b"two", BINARY)
            for _ in range(2):
                with pytest.raises(ProtocolViolation) as caught:
                    await ws.recv()
                assert caught.value.code == (
                    curl_cffi.CurlECode.TOO_LARGE if code == 1009 else code
                )
                assert not caught.value.retriable
                assert isinstance(caught.value, MessageTooBig) == (code == 1009)
                assert isinstance(caught.value, curl_cffi.WebSocketError)
            with pytest.raises(ProtocolViolation):
                async for _ in ws:
                    pass
            with pytest.raises(ProtocolViolation) as caught:
                await ws.send("too late")
            await ws.wait_closed()
        assert ws.state is WebSocketState.CLOSED
        assert session.connector.live_count == 0
    assert codes == [code]


async def test_a_receiver_that_waits_is_told_of_a_violation(
    serve: Serve, session: AsyncSession
) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.message()
        await peer.send(frame(TEXT, b"x", rsv=2))
        assert (await peer.close_frame()).close_code == 1002

    async with serve(script) as server:
        async with session.ws_connect(server.url) as ws:
            waiting = [asyncio.create_task(ws.recv()), asyncio.ensure_future(anext(ws))]
            await ws.send("go")
            results = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(result) for result in results] == [ProtocolViolation] * 2


@pytest.mark.usefixtures("brisk")
async def test_a_consumer_that_never_comes(serve: Serve, session: AsyncSession) -> None:
    """The peer is told although nobody asks for the messages that came before."""

    async def script(peer: Peer) -> None:
        await peer.accept(text("unread") + frame(3))
        assert (await peer.close_frame()).close_code == 1002
        await peer.gone()

    async with serve(script) as server:
        ws = await session.ws_connect(server.url)
        async with asyncio.timeout(PATIENCE):
            await ws.wait_closed()
        assert await ws.recv() == (b"unread", TEXT)
        with pytest.raises(ProtocolViolation):
            await ws.recv()


async def test_close_after_an_unread_violation_names_the_violation(
    serve: Serve, session: AsyncSession
) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(text("unread") + text(b"\xff"))
        assert (await peer.close_frame()).close_code == 1007

    async with serve(script) as server, session.ws_connect(server.url) as ws:
        await ws.close()


@pytest.mark.usefixtures("brisk")
async def test_a_peer_that_streams_on_after_its_violation(
    serve: Serve, session: AsyncSession
) -> None:
    """It is cut off after the linger time, however much it sends, and nothing is kept of it."""
    sent = 0

    async def script(peer: Peer) -> None:
        nonlocal sent
        await peer.accept(frame(3))
        try:
            while True:
                await peer.send(binary(bytes(60_000)) * 5)
                sent += 5
        except ConnectionError:
            pass

    async with serve(script) as server:
        ws = await session.ws_connect(server.url)
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(ProtocolViolation):
                await ws.recv()
            await ws.close()
        assert ws.recv_queue_used == 0
        assert sent


@pytest.mark.parametrize("limit", [1, 125, 126, 65_536, 300_000])
async def test_the_size_limit_to_the_byte(session: AsyncSession, limit: int) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        half = limit // 2
        await peer.send(binary(bytes(limit)))
        await peer.send(*fragments(BINARY, bytes(half), b"", bytes(limit - half)))
        await peer.send(*fragments(BINARY, bytes(limit), b"x"))
        assert (await peer.close_frame()).close_code == 1009

    async with serving(script) as server:
        async with session.ws_connect(server.url, max_message_size=limit) as ws:
            assert await ws.recv(timeout=PATIENCE) == (bytes(limit), BINARY)
            assert await ws.recv(timeout=PATIENCE) == (bytes(limit), BINARY)
            with pytest.raises(MessageTooBig):
                await ws.recv(timeout=PATIENCE)


async def test_messages_before_a_violation_may_be_answered(
    serve: Serve, session: AsyncSession
) -> None:
    answers: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.accept(text("question") + frame(TEXT, b"", rsv=4))
        answers.append((await peer.message()).payload)
        assert (await peer.close_frame()).close_code == 1002

    async with serve(script) as server, session.ws_connect(server.url) as ws:
        assert await ws.recv_str() == "question"
        await ws.send_str("answer")
        with pytest.raises(ProtocolViolation):
            await ws.recv()
    assert answers == [b"answer"]


@pytest.mark.parametrize("drain", [True, False])
async def test_a_violation_is_no_transport_error(session: AsyncSession, drain: bool) -> None:
    """``drain_on_error`` does not take away what came before it."""

    async def script(peer: Peer) -> None:
        await peer.accept(text("kept") + frame(15))
        await peer.close_frame()

    async with serving(script) as server:
        async with session.ws_connect(server.url, drain_on_error=drain) as ws:
            assert await ws.recv_str() == "kept"
            with pytest.raises(ProtocolViolation):
                await ws.recv()


async def test_a_violation_after_our_close(serve: Serve, session: AsyncSession) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.close_frame()
        await peer.send(text("late") + frame(3))
        await peer.silent()  # one close frame is enough

    async with serve(script) as server:
        ws = await session.ws_connect(server.url)
        closing: asyncio.Task[Any] = asyncio.create_task(ws.close())
        async with asyncio.timeout(PATIENCE):
            assert await ws.recv_str() == "late"
            with pytest.raises((ProtocolViolation, WebSocketClosed)):
                await ws.recv()
            await closing
