"""tickwire's synchronous session, which runs its connection on a loop in a thread."""

from __future__ import annotations

import time
from typing import Any

from benchmarks.contract import CHUNK, Meter, Mismatch, Note, SendMeter, Site

import tickwire


def _connect(session: tickwire.Session, site: Site, **options: Any) -> tickwire.WebSocket:
    if site.deflate:
        options["compression"] = "deflate"
    return session.ws_connect(site.url, **options)


def _session(site: Site) -> tickwire.Session:
    verify: Any = site.ca_file or True  # curl_cffi's signature says bool only; a path works
    return tickwire.Session(verify=verify)


async def deliver(site: Site, note: Note, connections: int = 1) -> None:
    with _session(site) as session, _connect(session, site) as ws:
        for payload in ws:
            note(payload)


async def receive(site: Site, meter: Meter) -> None:
    count = 0
    payload = b""
    with _session(site) as session, _connect(session, site) as ws:
        meter.start()
        for payload in ws:  # noqa: B007 (the last is checked)
            count += 1
        meter.stop(count, payload)


async def send(site: Site, payload: bytes, meter: SendMeter) -> None:
    with _session(site) as session, _connect(session, site) as ws:
        while meter.more():
            for _ in range(CHUNK):
                ws.send(payload)
        ws.flush()


async def echo(site: Site, payload: bytes, rounds: int, pause: float) -> list[int]:
    laps: list[int] = []
    clock = time.perf_counter_ns
    with _session(site) as session, _connect(session, site) as ws:
        for _ in range(rounds):
            if pause:
                time.sleep(pause)  # noqa: ASYNC251 (a synchronous client)
            before = clock()
            ws.send(payload)
            reply, _flags = ws.recv()
            laps.append(clock() - before)
            if reply != payload:
                raise Mismatch(f"echo of {len(reply)} bytes")
    return laps
