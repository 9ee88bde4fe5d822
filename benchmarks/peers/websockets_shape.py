"""The interface of websockets' asyncio client, which two peers have."""

from __future__ import annotations

import asyncio
import ssl
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from benchmarks.contract import CHUNK, Connect, Meter, Mismatch, Note, SendMeter, Site

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

QUEUE_BYTES = 512 * 1024
"""What may wait for the program. The default of 16 messages is as fast, but a TLS connection of
picows.websockets that is closed while its reader is paused ends only by a timeout."""


class Shape:
    """The workloads for one such library.

    Args:
        connect: The library's ``connect``.
    """

    def __init__(self, connect: Callable[..., Any]) -> None:
        self._library_connect = connect

    def _connect(self, site: Site) -> Any:
        options: dict[str, Any] = {
            "compression": "deflate" if site.deflate else None,
            "ping_interval": None,
            "open_timeout": None,
            "max_size": None,
            "max_queue": site.queue_of(QUEUE_BYTES, least=16),
            "proxy": None,
        }
        if site.ca_file:
            options["ssl"] = ssl.create_default_context(cafile=site.ca_file)
        return self._library_connect(site.url, **options)

    async def deliver(self, site: Site, note: Note, connections: int = 1) -> None:
        async def one() -> None:
            async with self._connect(site) as ws:
                async for payload in ws:
                    note(payload)

        await asyncio.gather(*(one() for _ in range(connections)))

    async def receive(self, site: Site, meter: Meter) -> None:
        count = 0
        payload = b""
        async with self._connect(site) as ws:
            meter.start()
            async for payload in ws:  # noqa: B007 (the last is checked)
                count += 1
            meter.stop(count, payload)

    async def dawdle(self, site: Site, pause: float, stop: asyncio.Event) -> int:
        count = 0
        ws = await self._connect(site)
        async for _ in ws:
            count += 1
            await asyncio.sleep(pause)
            if stop.is_set():
                break
        return count

    async def send(self, site: Site, payload: bytes, meter: SendMeter) -> None:
        async with self._connect(site) as ws:
            while meter.more():
                for _ in range(CHUNK):
                    await ws.send(payload)

    async def echo(self, site: Site, payload: bytes, rounds: int, pause: float) -> list[int]:
        laps: list[int] = []
        clock = time.perf_counter_ns
        async with self._connect(site) as ws:
            for _ in range(rounds):
                if pause:
                    await asyncio.sleep(pause)
                before = clock()
                await ws.send(payload)
                reply = await ws.recv()
                laps.append(clock() - before)
                if reply != payload:
                    raise Mismatch(f"echo of {len(reply)} bytes")
        return laps

    @asynccontextmanager
    async def connections(self, site: Site) -> AsyncIterator[Connect]:
        opened: list[Any] = []

        async def connect() -> object:
            ws = await self._connect(site)
            opened.append(ws)
            return ws

        yield connect
        await asyncio.gather(*(ws.close() for ws in opened))
