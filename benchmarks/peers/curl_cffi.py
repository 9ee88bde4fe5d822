"""curl_cffi's own AsyncWebSocket.

Its documentation advises larger queues for market data, and ``coalesce_frames`` with a larger
``max_send_batch_size`` for throughput; both are used where they help it. For an echo it has no
option: a message goes through its queues and tasks either way (the time slices only say how long
it may go on at a stretch). Its own benchmark runs it on uvloop, as this one does.

Compression is an option of libcurl, given by ``curl_options``; ``ws_connect`` has none of its own.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import curl_cffi
from benchmarks.contract import CHUNK, Connect, Meter, Mismatch, Note, SendMeter, Site
from curl_cffi.const import CurlOpt, CurlWsOption

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

RECV_QUEUE_BYTES = 1 << 20
"""1,024 messages of 1 KiB are a tenth faster than 64."""
RECV_QUEUE_LEAST, RECV_QUEUE_MOST = 64, 1024
"""64 messages are its default; of 64 KiB each, a queue of 32 costs more."""
SEND_QUEUE = 4096
SEND_BATCH = 512
"""Messages glued into one; at 128 bytes each they just fill the largest frame it sends, 64 KiB."""
MAX_CLIENTS = 10_000
"""More connections than its session allows by default (10)."""


def _session(site: Site) -> curl_cffi.AsyncSession[Any]:
    verify: Any = site.ca_file or True  # its signature says bool only; a path works
    return curl_cffi.AsyncSession(verify=verify, max_clients=MAX_CLIENTS)


def _receiving(site: Site) -> dict[str, Any]:
    size = site.queue_of(RECV_QUEUE_BYTES, least=RECV_QUEUE_LEAST)
    options: dict[str, Any] = {"recv_queue_size": min(RECV_QUEUE_MOST, size)}
    if site.deflate:
        options["curl_options"] = {CurlOpt.WS_OPTIONS: CurlWsOption.PERMESSAGE_DEFLATE}
    return options


@asynccontextmanager
async def _connected(site: Site, **options: Any) -> AsyncIterator[curl_cffi.AsyncWebSocket]:
    async with _session(site) as session, session.ws_connect(site.url, **options) as ws:
        yield ws


async def deliver(site: Site, note: Note, connections: int = 1) -> None:
    async with _session(site) as session:

        async def one() -> None:
            async with session.ws_connect(site.url, **_receiving(site)) as ws:
                async for payload in ws:
                    note(payload)

        await asyncio.gather(*(one() for _ in range(connections)))


async def receive(site: Site, meter: Meter) -> None:
    count = 0
    payload = b""
    async with _connected(site, **_receiving(site)) as ws:
        meter.start()
        async for payload in ws:  # noqa: B007 (the last is checked)
            count += 1
        meter.stop(count, payload)


async def dawdle(site: Site, pause: float, stop: asyncio.Event) -> int:
    count = 0
    async with _connected(site, **_receiving(site)) as ws:
        async for _ in ws:
            count += 1
            await asyncio.sleep(pause)
            if stop.is_set():
                break
        ws.terminate()
    return count


async def send(site: Site, payload: bytes, meter: SendMeter) -> None:
    async with _connected(site, send_queue_size=SEND_QUEUE) as ws:
        await _send(ws, payload, meter)


async def send_coalesced(site: Site, payload: bytes, meter: SendMeter) -> None:
    async with _connected(
        site, send_queue_size=SEND_QUEUE, max_send_batch_size=SEND_BATCH, coalesce_frames=True
    ) as ws:
        await _send(ws, payload, meter)


async def _send(ws: curl_cffi.AsyncWebSocket, payload: bytes, meter: SendMeter) -> None:
    while meter.more():
        for _ in range(CHUNK):
            await ws.send(payload)
    await ws.flush()


async def echo(site: Site, payload: bytes, rounds: int, pause: float) -> list[int]:
    laps: list[int] = []
    clock = time.perf_counter_ns
    async with _connected(site) as ws:
        for _ in range(rounds):
            if pause:
                await asyncio.sleep(pause)
            before = clock()
            await ws.send(payload)
            reply, _flags = await ws.recv()
            laps.append(clock() - before)
            if reply != payload:
                raise Mismatch(f"echo of {len(reply)} bytes")
    return laps


@asynccontextmanager
async def connections(site: Site) -> AsyncIterator[Connect]:
    async with _session(site) as session:

        async def connect() -> object:
            return await session.ws_connect(site.url)

        yield connect
