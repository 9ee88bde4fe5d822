"""curl_cffi's synchronous WebSocket, used directly: its session's ``ws_connect`` is deprecated.

A receive loop as its documentation writes one: ``for message in ws``.
"""

from __future__ import annotations

import time
from typing import Any

import curl_cffi
from benchmarks.contract import CHUNK, Meter, Mismatch, Note, SendMeter, Site


def _connect(site: Site) -> curl_cffi.WebSocket:
    verify: Any = site.ca_file or True  # its signature says bool only; a path works
    return curl_cffi.WebSocket().connect(site.url, verify=verify)


async def deliver(site: Site, note: Note, connections: int = 1) -> None:
    for payload in _connect(site):
        note(payload)


async def receive(site: Site, meter: Meter) -> None:
    count = 0
    payload = b""
    ws = _connect(site)
    meter.start()
    for payload in ws:  # noqa: B007 (the last is checked)
        count += 1
    meter.stop(count, payload)


async def send(site: Site, payload: bytes, meter: SendMeter) -> None:
    ws = _connect(site)
    while meter.more():
        for _ in range(CHUNK):
            ws.send(payload)
    ws.close()


async def echo(site: Site, payload: bytes, rounds: int, pause: float) -> list[int]:
    laps: list[int] = []
    clock = time.perf_counter_ns
    ws = _connect(site)
    for _ in range(rounds):
        if pause:
            time.sleep(pause)  # noqa: ASYNC251 (a synchronous client)
        before = clock()
        ws.send(payload)
        reply, _flags = ws.recv()
        laps.append(clock() - before)
        if reply != payload:
            raise Mismatch(f"echo of {len(reply)} bytes")
    ws.close()
    return laps
