"""websocket-client, synchronous.

Its documentation names two things for speed, and both are done: wsaccel is installed, and
``skip_utf8_validation`` is set (messages here are binary anyway). It has no compression.
"""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import websocket
from benchmarks.contract import CHUNK, Connect, Meter, Mismatch, Note, SendMeter, Site

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def _connect(site: Site) -> websocket.WebSocket:
    return websocket.create_connection(
        site.url,
        skip_utf8_validation=True,
        enable_multithread=False,
        sslopt={"ca_certs": site.ca_file} if site.ca_file else None,
    )


async def deliver(site: Site, note: Note, connections: int = 1) -> None:
    ws = _connect(site)
    while payload := ws.recv():  # the close frame is an empty message
        note(payload)


async def receive(site: Site, meter: Meter) -> None:
    count = 0
    last = b""
    ws = _connect(site)
    meter.start()
    while payload := ws.recv():
        count += 1
        last = payload
    meter.stop(count, last)


async def send(site: Site, payload: bytes, meter: SendMeter) -> None:
    ws = _connect(site)
    while meter.more():
        for _ in range(CHUNK):
            ws.send_binary(payload)
    ws.close()


async def echo(site: Site, payload: bytes, rounds: int, pause: float) -> list[int]:
    laps: list[int] = []
    clock = time.perf_counter_ns
    ws = _connect(site)
    for _ in range(rounds):
        if pause:
            time.sleep(pause)  # noqa: ASYNC251 (a synchronous client)
        before = clock()
        ws.send_binary(payload)
        reply = ws.recv()
        laps.append(clock() - before)
        if reply != payload:
            raise Mismatch(f"echo of {len(reply)} bytes")
    ws.close()
    return laps


@asynccontextmanager
async def connections(site: Site) -> AsyncIterator[Connect]:
    opened: list[websocket.WebSocket] = []

    async def connect() -> object:
        opened.append(_connect(site))
        return opened[-1]

    yield connect
    for ws in opened:
        ws.close()
