"""What one client process does with many connections: idle, storm, crowd, slow beside fast."""

from __future__ import annotations

import asyncio
import gc
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.contract import Meter, cpu_seconds
from benchmarks.stats import percentiles
from benchmarks.workloads import late_remark, latency_note, must_equal, warm_up_receiving

if TYPE_CHECKING:
    from benchmarks.workloads import Job

__all__ = ["crowd", "memory", "slow", "storm"]

_CONNECTS_AT_ONCE = 25
_SETTLE_SECONDS = 0.2
_LONGER = 2.0
"""The server floods the slow connection for this many times as long as the fast one is measured."""


async def memory(job: Job) -> dict[str, Any]:
    """Resident memory that idle connections take, at each of the counts, over a first one."""
    site, key = job.server.site("/idle")
    figures: dict[str, Any] = {}
    async with job.peer.connections(site) as connect:
        kept = [await connect()]
        before = await _resident_bytes()
        for count in job.options["counts"]:
            while len(kept) <= count:
                missing = min(_CONNECTS_AT_ONCE, count + 1 - len(kept))
                kept += await asyncio.gather(*(connect() for _ in range(missing)))
            grown = await _resident_bytes() - before
            figures |= {f"mib_{count}": grown / 2**20, "kib": grown / count / 1024}
        must_equal("upgrades", job.server.report(key)["upgrades"], len(kept))
    return figures


async def _resident_bytes() -> int:
    await asyncio.sleep(_SETTLE_SECONDS)
    gc.collect()
    pages = Path("/proc/self/statm").read_text().split()[1]  # noqa: ASYNC240 (in memory)
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


async def storm(job: Job) -> dict[str, Any]:
    """Connections per second when all are asked for at once."""
    count = job.options["count"]
    clock = time.perf_counter
    site, key = job.server.site("/idle")
    async with job.peer.connections(site) as connect:
        kept = await asyncio.gather(*(connect() for _ in range(_CONNECTS_AT_ONCE)))
        cpu, started = cpu_seconds(), clock()
        kept += await asyncio.gather(*(connect() for _ in range(count)))
        seconds, cpu = clock() - started, cpu_seconds() - cpu
        upgrades = job.server.report(key)["upgrades"]
        must_equal("upgrades", upgrades, count + _CONNECTS_AT_ONCE)
        must_equal("connections", len({id(one) for one in kept}), count + _CONNECTS_AT_ONCE)
    return {
        "rate": count / seconds,
        "cpu_us": cpu / count * 1e6,
        "busy": cpu / seconds,
        "connects": count,
    }


async def crowd(job: Job) -> dict[str, Any]:
    """Many connections, each with a few messages per second: CPU per message, and latency."""
    connections, per_connection = job.options["connections"], job.options["per_connection"]
    count = int(connections * per_connection * job.options["seconds"])
    rate = connections * per_connection
    await warm_up_receiving(job)
    site, key = job.server.site(
        "/crowd", size=job.options["size"], rate=rate, count=count, connections=connections
    )
    laps: list[int] = []
    take = latency_note(laps)
    meter = Meter()

    def note(payload: bytes) -> None:
        if not laps:
            meter.start()
        take(payload)
        if len(laps) == count:
            meter.stop(count)

    await job.function(site, note, connections)
    late, remark = late_remark(job.server.report(key), count)
    must_equal("messages", len(laps), count)
    return {
        "cpu_us": meter.cpu_seconds / count * 1e6,
        "connections": connections,
        **percentiles(laps),
        "late_percent": late,
        "disturbed": remark,
    }


async def slow(job: Job) -> dict[str, Any]:
    """A consumer that sleeps after each message of a flood, beside one that keeps up.

    What the fast one's messages take is measured, and what the process grows by meanwhile.
    """
    size, rate, seconds = (job.options[name] for name in ("size", "per_second", "seconds"))
    count = int(rate * seconds)
    stop = asyncio.Event()
    flooded, _ = job.server.site("/flood", size=size, seconds=seconds * _LONGER)
    before = await _resident_bytes()
    dawdling = asyncio.ensure_future(job.function(flooded, job.options["sleep_ms"] / 1e3, stop))
    laps: list[int] = []
    site, key = job.server.site("/paced", size=size, rate=rate, count=count)
    await job.deliver(site, latency_note(laps))
    grown = await _resident_bytes() - before
    late, remark = late_remark(job.server.report(key), count)
    must_equal("messages", len(laps), count)
    stop.set()
    return {
        **percentiles(laps),
        "mib": grown / 2**20,
        "taken": await dawdling,
        "late_percent": late,
        "disturbed": remark,
    }
