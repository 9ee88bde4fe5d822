"""What one client process does on one connection: receive, keep pace, send, echo.

A measurement is preceded by a warm-up on a connection of its own, in which every message is
compared with what it must be. In the measured part a loop may only count; what it counted must be
what the server sent, and its last message the server's last.
"""

from __future__ import annotations

import itertools
import json
import os
import time
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.contract import Meter, Mismatch, SendMeter, Site
from benchmarks.deflated import market_message, messages_per_blob
from benchmarks.frames import frames_per_blob, message, sent_ns_of
from benchmarks.stats import percentiles

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import ModuleType

    from benchmarks.contract import Note

__all__ = [
    "Job",
    "Server",
    "burst",
    "echo",
    "late_remark",
    "latency_note",
    "must_equal",
    "paced",
    "receive",
    "send",
    "warm_up_receiving",
]

_WARM_UP_ECHOES = 300
_WARM_UP_SECONDS = 0.05
_LATE_PERCENT = 5.0

_ids = itertools.count()


@dataclass(frozen=True)
class Server:
    """Where the benchmark server listens."""

    port: int
    tls_port: int | None
    ca_file: str | None

    def site(
        self, path: str, *, tls: bool = False, deflate: bool = False, **query: float
    ) -> tuple[Site, str]:
        """Where to connect for this, and the id of the report on it."""
        key = f"{os.getpid()}.{next(_ids)}"
        asked = "".join(f"&{name}={value}" for name, value in query.items())
        if deflate:
            asked += "&deflate=1"
        scheme, port = ("wss", self.tls_port) if tls else ("ws", self.port)
        host = "localhost" if tls else "127.0.0.1"
        url = f"{scheme}://{host}:{port}{path}?id={key}{asked}"
        return Site(url, int(query.get("size", 0)), self.ca_file if tls else None, deflate), key

    def report(self, key: str) -> dict[str, Any]:
        """What the server saw; waits for the connection's end."""
        url = f"http://127.0.0.1:{self.port}/report?id={key}"
        with urllib.request.urlopen(url) as answer:
            facts: dict[str, Any] = json.load(answer)
        if "error" in facts:
            raise Mismatch(f"the server says: {facts['error']}")
        return facts


@dataclass(frozen=True)
class Job:
    """One measurement: the peer's module, the name of the function to use, the numbers."""

    server: Server
    peer: ModuleType
    way: str
    options: dict[str, Any]

    @property
    def function(self) -> Callable[..., Awaitable[Any]]:
        function: Callable[..., Awaitable[Any]] = getattr(self.peer, self.way)
        return function

    @property
    def deliver(self) -> Callable[..., Awaitable[None]]:
        """What hands over message by message in the manner of :attr:`function`."""
        name = "deliver" + self.way.removeprefix("receive").removeprefix("deliver")
        function: Callable[..., Awaitable[None]] = getattr(self.peer, name, self.peer.deliver)
        return function

    @property
    def transport(self) -> dict[str, bool]:
        """How the connection is to be: with TLS, with compression."""
        return {name: self.options.get(name, False) for name in ("tls", "deflate")}


def must_equal(what: str, got: object, expected: object) -> None:
    """
    Raises:
        Mismatch: They differ.
    """
    if got != expected:
        raise Mismatch(f"{what}: {got}, not {expected}")


async def warm_up_receiving(job: Job, *, count: int | None = None) -> None:
    """Take some messages and check each, then some more as in the measurement."""
    size, deflate = job.options["size"], job.transport["deflate"]
    if count is None:
        count = messages_per_blob(size) if deflate else 2 * frames_per_blob(size)
    make = market_message if deflate else message
    site, key = job.server.site("/flood", **job.transport, size=size, count=count)
    payloads: list[bytes] = []
    await job.deliver(site, payloads.append)
    job.server.report(key)
    must_equal("messages in the warm-up", len(payloads), count)
    for i, payload in enumerate(payloads):
        if payload != make(size, i):
            raise Mismatch(f"message {i} of the warm-up is not what was sent")
    if job.way.startswith("receive"):
        site, key = job.server.site("/flood", **job.transport, size=size, count=count)
        await _metered(job, site, key)


async def _metered(job: Job, site: Site, key: str) -> tuple[Meter, dict[str, Any]]:
    """Receive to the end with the function under test, and check what it counted."""
    meter = Meter()
    await job.function(site, meter)
    report = job.server.report(key)
    must_equal("messages", meter.count, report["sent"])
    if meter.last is not None:
        size, sequence = len(meter.last), report["last_sequence"]
        if site.deflate:
            last = market_message(size, sequence)
        else:
            last = message(size, sequence, sent_ns_of(meter.last))
        if meter.last != last:
            raise Mismatch("the last message is not the last that was sent")
    return meter, report


async def receive(job: Job) -> dict[str, Any]:
    """Messages per second while the server sends as fast as they are taken."""
    size, seconds = job.options["size"], job.options["seconds"]
    await warm_up_receiving(job)
    site, key = job.server.site("/flood", **job.transport, size=size, seconds=seconds)
    meter, report = await _metered(job, site, key)
    return {
        "rate": meter.count / meter.seconds,
        "cpu_us": meter.cpu_seconds / meter.count * 1e6,
        "busy": meter.cpu_seconds / meter.seconds,
        "cipher": report.get("cipher"),
    }


def latency_note(laps: list[int]) -> Note:
    """A note that keeps how many nanoseconds ago each message was sent."""
    clock = time.monotonic_ns

    def note(payload: bytes) -> None:
        laps.append(clock() - sent_ns_of(payload))

    return note


def late_remark(report: dict[str, Any], count: int) -> tuple[float, str]:
    """Which percentage of ``count`` the server sent late, and a remark if that is too much."""
    late = report["late"] / count * 100
    return late, f"{late:.0f}% were sent late" if late > _LATE_PERCENT else ""


async def paced(job: Job) -> dict[str, Any]:
    """While messages arrive one by one: first CPU time, counting only; then latency of each."""
    size, rate = job.options["size"], job.options["per_second"]
    count = int(rate * job.options["seconds"])
    await warm_up_receiving(job)
    site, key = job.server.site("/paced", size=size, rate=rate, count=count)
    meter, report = await _metered(job, site, key)
    late, remark = late_remark(report, count)
    laps: list[int] = []
    site, key = job.server.site("/paced", size=size, rate=rate, count=count)
    await job.deliver(site, latency_note(laps))
    late_again, remark_again = late_remark(job.server.report(key), count)
    must_equal("messages", len(laps), count)
    return {
        "cpu_us": meter.cpu_seconds / meter.count * 1e6,
        **percentiles(laps),
        "late_percent": max(late, late_again),
        "disturbed": remark or remark_again,
    }


async def burst(job: Job) -> dict[str, Any]:
    """From the moment before the server sends a burst until the program has its last message."""
    size, length = job.options["size"], job.options["length"]
    bursts, every_ms = job.options["bursts"], job.options["every_ms"]
    await warm_up_receiving(job, count=length)
    laps: list[int] = []
    clock = time.monotonic_ns
    count = 0

    def note(payload: bytes) -> None:
        nonlocal count
        count += 1
        if not count % length:
            laps.append(clock() - sent_ns_of(payload))

    site, key = job.server.site(
        "/burst", size=size, length=length, bursts=bursts, every_ms=every_ms
    )
    await job.deliver(site, note)
    report = job.server.report(key)
    must_equal("messages", count, report["sent"])
    late, remark = late_remark(report, bursts)
    return {**percentiles(laps), "late_percent": late, "disturbed": remark}


async def send(job: Job) -> dict[str, Any]:
    """Messages per second, from the first send until the server has them all."""
    size = job.options["size"]
    payload = message(size, 0)
    for seconds in (_WARM_UP_SECONDS, job.options["seconds"]):
        meter = SendMeter(seconds)
        site, key = job.server.site("/sink", size=size)
        await job.function(site, payload, meter)
        report = job.server.report(key)
        must_equal("messages that the server got", report["payloads"], meter.count)
    return {
        "rate": meter.count / (report["last_ns"] - meter.started_ns) * 1e9,
        "payloads_per_message": report["payloads"] / report["messages"],
    }


async def echo(job: Job) -> dict[str, Any]:
    """Round trips, one after the other, with a pause before each or without."""
    size, pause = job.options["size"], job.options.get("pause_ms", 0) / 1e3
    payload = message(size, 0)
    for rounds, rest in ((_WARM_UP_ECHOES, 0.0), (job.options["rounds"], pause)):
        site, key = job.server.site("/echo", size=size)
        laps = await job.function(site, payload, rounds, rest)
        must_equal("echoes", job.server.report(key)["echoed"], rounds)
        must_equal("laps", len(laps), rounds)
    return percentiles(laps)
