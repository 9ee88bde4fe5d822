"""wreq, the other client that looks like a browser: Rust (tokio) behind Python's asyncio.

Its default read buffer is already the size that its documentation advises for much traffic. There
is no iteration: ``recv()`` gives a ``Message``, whose ``binary`` is a view; here it is made bytes,
which is what the other clients hand over. ``send_all`` takes many messages at once. Its context
manager closes once more and fails where the server has closed already, so that is not used.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import wreq
from benchmarks.contract import CHUNK, Connect, Meter, Mismatch, Note, SendMeter, Site

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def _client(site: Site) -> wreq.Client:
    options: dict[str, Any] = {"tls_verify": Path(site.ca_file)} if site.ca_file else {}
    return wreq.Client(no_proxy=True, **options)


async def deliver(site: Site, note: Note, connections: int = 1) -> None:
    client = _client(site)

    async def one() -> None:
        ws = await client.websocket(site.url)
        while (message := await ws.recv()) and (data := message.binary) is not None:
            note(bytes(data))

    await asyncio.gather(*(one() for _ in range(connections)))


async def receive(site: Site, meter: Meter) -> None:
    count = 0
    payload = b""
    ws = await _client(site).websocket(site.url)
    meter.start()
    while (message := await ws.recv()) and (data := message.binary) is not None:
        payload = bytes(data)
        count += 1
    meter.stop(count, payload)


async def dawdle(site: Site, pause: float, stop: asyncio.Event) -> int:
    count = 0
    ws = await _client(site).websocket(site.url)
    while await ws.recv() and not stop.is_set():
        count += 1
        await asyncio.sleep(pause)
    return count


async def send(site: Site, payload: bytes, meter: SendMeter) -> None:
    make = wreq.Message.from_binary
    ws = await _client(site).websocket(site.url)
    while meter.more():
        for _ in range(CHUNK):
            await ws.send(make(payload))
    await ws.close(1000)


async def send_coalesced(site: Site, payload: bytes, meter: SendMeter) -> None:
    make = wreq.Message.from_binary
    ws = await _client(site).websocket(site.url)
    while meter.more():
        await ws.send_all([make(payload) for _ in range(CHUNK)])
    await ws.close(1000)


async def echo(site: Site, payload: bytes, rounds: int, pause: float) -> list[int]:
    laps: list[int] = []
    clock = time.perf_counter_ns
    make = wreq.Message.from_binary
    ws = await _client(site).websocket(site.url)
    for _ in range(rounds):
        if pause:
            await asyncio.sleep(pause)
        before = clock()
        await ws.send(make(payload))
        message = await ws.recv()
        reply = bytes(message.binary)
        laps.append(clock() - before)
        if reply != payload:
            raise Mismatch(f"echo of {len(reply)} bytes")
    await ws.close(1000)
    return laps


@asynccontextmanager
async def connections(site: Site) -> AsyncIterator[Connect]:
    client = _client(site)
    opened: list[wreq.WebSocket] = []

    async def connect() -> object:
        ws = await client.websocket(site.url)
        opened.append(ws)
        return ws

    yield connect
    await asyncio.gather(*(ws.close(1000) for ws in opened))
