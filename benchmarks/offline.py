"""What one client process does without a connection: frames through a parser, or into a book."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.contract import Mismatch, cpu_seconds
from benchmarks.depth import depth_messages

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.workloads import Job

__all__ = ["books", "frames_of", "pipeline"]

CAPTURES = Path(
    os.environ.get("TICKWIRE_CAPTURES", Path(__file__).resolve().parents[2] / "shared" / "captures")
)
_BOOK_MESSAGES = 2_000
_FILES = {"spot": "BINANCE.ws.1.0.gz", "usdm": "BINANCE_FUTURES.ws.1.0.gz"}


def frames_of(market: str) -> list[bytes]:
    """The market data frames of the recording of this market, in their order.

    Raises:
        Mismatch: There is no such recording here.
    """
    from tickwire.simulator.capture import Received, read_capture

    path = CAPTURES / _FILES[market]
    if not path.is_file():
        raise Mismatch(f"no recording at {path}: set TICKWIRE_CAPTURES to the folder that has it")
    records = read_capture(path)
    frames = [record.payload for record in records if isinstance(record, Received)]
    return [frame for frame in frames if frame.startswith(b'{"stream"')]


async def pipeline(job: Job) -> dict[str, Any]:
    """Frames per second from bytes to what the library hands to a program."""
    market = job.options["market"]
    frames = frames_of(market)
    return _repeated(job.peer.prepare(frames, market), len(frames), job.options["seconds"])


async def books(job: Job) -> dict[str, Any]:
    """Depth messages per second from bytes to an updated book; a snapshot before every 2,000."""
    snapshot, frames = depth_messages(job.options["spread"], _BOOK_MESSAGES)
    return _repeated(job.peer.prepare(snapshot, frames), len(frames), job.options["seconds"])


def _repeated(run: Callable[[], int], items: int, seconds: float) -> dict[str, Any]:
    taken = run()  # warm-up
    if taken != items:
        raise Mismatch(f"taken: {taken}, not {items}")
    passes = 0
    cpu, started = cpu_seconds(), time.perf_counter()
    end = started + seconds
    while (now := time.perf_counter()) < end:
        run()
        passes += 1
    count = passes * items
    return {"rate": count / (now - started), "cpu_us": (cpu_seconds() - cpu) / count * 1e6}
