"""Peers that stop reading, and how to wait until that has its effect."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tests.support.server import PATIENCE

if TYPE_CHECKING:
    from tests.support.server import Peer
    from tickwire.transport import AsyncWebSocket

__all__ = ["Stall", "until_stuck"]


class Stall:
    """Lets a script stop reading at the socket, and go on when the test says so."""

    def __init__(self) -> None:
        self.over = asyncio.Event()

    async def __call__(self, peer: Peer) -> None:
        transport: Any = peer.writer.transport
        transport.pause_reading()
        await self.over.wait()
        transport.resume_reading()


async def until_stuck(ws: AsyncWebSocket, turns: int = 50) -> None:
    """Wait until the kernel has taken nothing for as many turns of the loop."""
    async with asyncio.timeout(PATIENCE):
        still = 0
        sent = -1
        while still < turns:
            await asyncio.sleep(0)
            still = still + 1 if ws.bytes_sent == sent and not ws.is_flushed else 0
            sent = ws.bytes_sent
