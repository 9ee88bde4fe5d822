"""aiohttp's client WebSocket, with its C extensions; no message size limit, no connection limit.

It inflates with Python's zlib unless ``set_zlib_backend`` names another. tickwire takes zlib-ng
where that is installed, so aiohttp gets whichever costs it less: from 4 KiB to 64 KiB zlib-ng (1.4
times the rate at 64 KiB), below and from 512 KiB up zlib (at 1 MiB zlib-ng takes a third more).
"""

from __future__ import annotations

import asyncio
import ssl
import time
import zlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
from benchmarks.contract import CHUNK, Connect, Meter, Mismatch, Note, SendMeter, Site
from zlib_ng import zlib_ng

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ZLIB_NG_FROM, ZLIB_NG_BELOW = 1024, 512 * 1024
"""Message sizes, inflated, at which zlib-ng is the better backend."""


def _options(site: Site) -> dict[str, Any]:
    """``compress`` is the largest window that is offered, as a power of two; 0 offers nothing."""
    suits = ZLIB_NG_FROM <= site.message_bytes < ZLIB_NG_BELOW
    aiohttp.set_zlib_backend(zlib_ng if suits else zlib)
    context = ssl.create_default_context(cafile=site.ca_file) if site.ca_file else True
    return {"ssl": context, "max_msg_size": 0, "compress": 15 if site.deflate else 0}


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))


@asynccontextmanager
async def _connected(site: Site) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with _session() as session, session.ws_connect(site.url, **_options(site)) as ws:
        yield ws


async def deliver(site: Site, note: Note, connections: int = 1) -> None:
    async with _session() as session:

        async def one() -> None:
            async with session.ws_connect(site.url, **_options(site)) as ws:
                async for message in ws:
                    note(message.data)

        await asyncio.gather(*(one() for _ in range(connections)))


async def receive(site: Site, meter: Meter) -> None:
    count = 0
    message = None
    async with _connected(site) as ws:
        meter.start()
        async for message in ws:  # noqa: B007 (the last is checked)
            count += 1
        meter.stop(count, message.data if message else None)


async def dawdle(site: Site, pause: float, stop: asyncio.Event) -> int:
    count = 0
    async with _session() as session:
        ws = await session.ws_connect(site.url, **_options(site))
        async for _ in ws:
            count += 1
            await asyncio.sleep(pause)
            if stop.is_set():
                break
    return count


async def send(site: Site, payload: bytes, meter: SendMeter) -> None:
    async with _connected(site) as ws:
        while meter.more():
            for _ in range(CHUNK):
                await ws.send_bytes(payload)


async def echo(site: Site, payload: bytes, rounds: int, pause: float) -> list[int]:
    laps: list[int] = []
    clock = time.perf_counter_ns
    async with _connected(site) as ws:
        for _ in range(rounds):
            if pause:
                await asyncio.sleep(pause)
            before = clock()
            await ws.send_bytes(payload)
            reply = await ws.receive()
            laps.append(clock() - before)
            if reply.data != payload:
                raise Mismatch(f"echo of {reply}")
    return laps


@asynccontextmanager
async def connections(site: Site) -> AsyncIterator[Connect]:
    opened: list[aiohttp.ClientWebSocketResponse] = []
    async with _session() as session:

        async def connect() -> object:
            ws = await session.ws_connect(site.url)
            opened.append(ws)
            return ws

        yield connect
        await asyncio.gather(*(ws.close() for ws in opened))
