"""tickwire itself: one by one, in batches, by callback; coalesced means one write per loop turn."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from benchmarks.contract import CHUNK, Connect, Meter, Mismatch, Note, SendMeter, Site

import tickwire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tickwire import AsyncWebSocket


def _session(site: Site) -> tickwire.AsyncSession:
    return tickwire.AsyncSession(verify=site.ca_file or True)


def _options(site: Site) -> dict[str, Any]:
    return {"compression": "deflate"} if site.deflate else {}


@asynccontextmanager
async def _connected(site: Site, **options: Any) -> AsyncIterator[AsyncWebSocket]:
    options |= _options(site)
    async with _session(site) as session, session.ws_connect(site.url, **options) as ws:
        yield ws


async def deliver(site: Site, note: Note, connections: int = 1) -> None:
    async with _session(site) as session:

        async def one() -> None:
            async with session.ws_connect(site.url, **_options(site)) as ws:
                async for payload in ws:
                    note(payload)

        await asyncio.gather(*(one() for _ in range(connections)))


async def deliver_batches(site: Site, note: Note, connections: int = 1) -> None:
    async with _session(site) as session:

        async def one() -> None:
            async with session.ws_connect(site.url, **_options(site)) as ws:
                async for batch in ws.batches():
                    for payload in batch:
                        note(payload)

        await asyncio.gather(*(one() for _ in range(connections)))


async def deliver_callback(site: Site, note: Note, connections: int = 1) -> None:
    def on_message(payload: bytes, flags: int) -> None:
        note(payload)

    async with _session(site) as session:

        async def one() -> None:
            options = _options(site) | {"on_message": on_message}
            async with session.ws_connect(site.url, **options) as ws:
                await ws.wait_closed()

        await asyncio.gather(*(one() for _ in range(connections)))


async def receive(site: Site, meter: Meter) -> None:
    count = 0
    payload = b""
    async with _connected(site) as ws:
        meter.start()
        async for payload in ws:  # noqa: B007 (the last is checked)
            count += 1
        meter.stop(count, payload)


async def receive_batches(site: Site, meter: Meter) -> None:
    count = 0
    batch: list[bytes] = []
    async with _connected(site) as ws:
        meter.start()
        async for batch in ws.batches():
            count += len(batch)
        meter.stop(count, batch[-1])


async def receive_callback(site: Site, meter: Meter) -> None:
    count = 0
    last = b""

    def on_message(payload: bytes, flags: int) -> None:
        nonlocal count, last
        count += 1
        last = payload

    async with _connected(site, on_message=on_message) as ws:
        meter.start()
        await ws.wait_closed()
        meter.stop(count, last)


async def dawdle(site: Site, pause: float, stop: asyncio.Event) -> int:
    count = 0
    async with _connected(site) as ws:
        async for _ in ws:
            count += 1
            await asyncio.sleep(pause)
            if stop.is_set():
                break
        ws.terminate()
    return count


async def send(site: Site, payload: bytes, meter: SendMeter) -> None:
    async with _connected(site) as ws:
        await _send(ws, payload, meter)


async def send_coalesced(site: Site, payload: bytes, meter: SendMeter) -> None:
    async with _connected(site, coalesce_frames=True) as ws:
        await _send(ws, payload, meter)


async def _send(ws: AsyncWebSocket, payload: bytes, meter: SendMeter) -> None:
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


async def echo_callback(site: Site, payload: bytes, rounds: int, pause: float) -> list[int]:
    laps: list[int] = []
    clock = time.perf_counter_ns
    before = 0
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def send() -> None:
        nonlocal before
        before = clock()
        _sent = ws.send(payload)  # at once, since nothing is queued: no need to await it

    def on_message(reply: bytes, flags: int) -> None:
        laps.append(clock() - before)
        if reply != payload:
            done.set_exception(Mismatch(f"echo of {len(reply)} bytes"))
        elif len(laps) == rounds:
            done.set_result(None)
        elif pause:
            loop.call_later(pause, send)
        else:
            send()

    async with _connected(site, on_message=on_message) as ws:
        send()
        await done
    return laps


@asynccontextmanager
async def connections(site: Site) -> AsyncIterator[Connect]:
    async with tickwire.AsyncSession() as session:

        async def connect() -> object:
            return await session.ws_connect(site.url)

        yield connect
