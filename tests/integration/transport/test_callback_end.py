"""Ending a connection from within its ``on_message`` callback."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.support.frames import binary, close, text
from tests.support.server import PATIENCE, Peer, serving

if TYPE_CHECKING:
    from tickwire import AsyncSession
    from tickwire.transport import AsyncWebSocket


@pytest.mark.parametrize("size", [10, 200_000])
async def test_a_callback_that_terminates_is_called_no_more(
    session: AsyncSession, size: int
) -> None:
    """Although the rest of the read is full of messages, small ones or one received in place."""
    received: list[bytes] = []
    connected: list[AsyncWebSocket] = []

    def on_message(payload: bytes, _: int) -> None:
        received.append(payload)
        if len(received) == 3:
            connected[0].terminate()

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.message()
        peer.write(binary(bytes(size)) * 10 + text("end")[:3])
        await peer.gone()

    async with serving(script) as server:
        ws = await session.ws_connect(server.url, on_message=on_message)
        connected.append(ws)
        await ws.send("go")
        async with asyncio.timeout(PATIENCE):
            await ws.wait_closed()
        for _ in range(10):
            await asyncio.sleep(0)
    assert received == [bytes(size)] * 3


async def test_a_callback_may_send_and_begin_the_close(session: AsyncSession) -> None:
    received: list[bytes] = []
    connected: list[AsyncWebSocket] = []
    closing: list[asyncio.Task[None]] = []

    def on_message(payload: bytes, _: int) -> None:
        received.append(payload)
        sending = connected[0].send(b"re: " + payload)
        if asyncio.iscoroutine(sending):
            closing.append(asyncio.ensure_future(sending))
        if payload == b"last":
            closing.append(asyncio.ensure_future(connected[0].close(4000)))

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.message()
        peer.write(text("first") + text("last"))
        assert (await peer.message()).payload == b"re: first"
        assert (await peer.message()).payload == b"re: last"
        assert (await peer.close_frame()).close_code == 4000
        await peer.send(close(4000))

    async with serving(script) as server:
        ws = await session.ws_connect(server.url, on_message=on_message)
        connected.append(ws)
        await ws.send("go")
        async with asyncio.timeout(PATIENCE):
            await ws.wait_closed()
            await asyncio.gather(*closing)
    assert received == [b"first", b"last"]
