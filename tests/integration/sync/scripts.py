"""What servers of several test modules do, and how a test waits for a waiting program."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tests.support.frames import (
    CLOSE,
    PING,
    PONG,
    close,
    frame,
)
from tests.support.server import PATIENCE, Peer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tickwire.transport.sync import WebSocket


async def polite(peer: Peer) -> None:
    """Accept, wait for the client's close frame and answer it."""
    await peer.accept()
    await peer.close_frame()
    await peer.send(close())


async def echo(peer: Peer) -> None:
    """Answer each message with itself, and a close frame with one."""
    await peer.accept()
    while True:
        found = await peer.frame()
        if found.opcode < CLOSE:
            await peer.send(frame(found.opcode, found.payload, fin=found.fin))
        elif found.opcode == PING:
            await peer.send(frame(PONG, found.payload))
        elif found.opcode == CLOSE:
            await peer.send(close(found.close_code))
            return


def sending(*frames: bytes) -> Callable[[Peer], Any]:
    """A script: accept, send these, and wait until the client says goodbye or is gone."""

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.send(*frames)
        await goodbye(peer)

    return script


async def goodbye(peer: Peer) -> None:
    """Wait for the client's close frame, or for the end of its stream."""
    with suppress(EOFError, ConnectionError):
        await peer.close_frame()


def wait_for_waiters(ws: WebSocket, count: int) -> None:
    """Return when so many calls wait for a message."""
    channel = ws._channel
    assert channel is not None

    async def look() -> None:
        async with asyncio.timeout(PATIENCE):
            while len(channel._waiters) < count:
                await asyncio.sleep(0)

    channel.portal.run(look)
