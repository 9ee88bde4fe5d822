"""What the manager costs: `stream()` with `raw=True` beside the transport's `async for`.

    python -m tests.soak.stream_rate --rounds 8

A server process floods 128-byte messages. Rounds alternate, A B A B, and the ratio is the median of
the pairs. Prints one line of JSON; exits with 1 below 0.8. The machine should be quiet.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import statistics
import sys
from typing import TYPE_CHECKING

from tickwire import AsyncSession, run
from tickwire.clock import mono
from tickwire.manager import WebSocketManager

if TYPE_CHECKING:
    from collections.abc import AsyncIterable
    from multiprocessing.connection import Connection

__all__ = ["measure"]

LEAST_RATIO = 0.8
QUEUE = 4096


def serve(ready: Connection) -> None:
    """The server's process."""
    from tests.support.frames import binary
    from tests.support.server import Peer, serving

    block = binary(b"x" * 128) * 2000

    async def flood(peer: Peer) -> None:
        try:
            await peer.accept()
            while True:
                await peer.send(block)
        except ConnectionError:
            return

    async def main() -> None:
        async with serving(flood) as server:
            ready.send(server.url)
            await asyncio.Event().wait()

    asyncio.run(main())


async def rate_of(messages: AsyncIterable[bytes], count: int) -> float:
    """Messages per second."""
    taken, begin = 0, mono()
    async for _ in messages:
        taken += 1
        if taken == count:
            break
    return taken / (mono() - begin)


async def measure(url: str, rounds: int, count: int) -> dict[str, float]:
    """Both rates and their ratio."""
    direct, managed = [], []
    for _ in range(rounds):
        async with AsyncSession() as session:
            async with session.ws_connect(url, recv_queue_size=QUEUE) as ws:
                direct.append(await rate_of(ws, count))
        async with WebSocketManager(url, raw=True, queue_size=QUEUE) as manager:
            managed.append(await rate_of(manager.stream(), count))
    ratios = [b / a for a, b in zip(direct, managed, strict=True)]
    return {
        "transport_per_second": round(statistics.median(direct)),
        "manager_per_second": round(statistics.median(managed)),
        "ratio": round(statistics.median(ratios), 3),
        "lowest": round(min(ratios), 3),
        "highest": round(max(ratios), 3),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--count", type=int, default=2_000_000)
    arguments = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    server = context.Process(target=serve, args=(there,), daemon=True)
    server.start()
    try:
        figures = run(measure(here.recv(), arguments.rounds, arguments.count))
    finally:
        server.terminate()
        server.join()
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0 if figures["ratio"] >= LEAST_RATIO else 1


if __name__ == "__main__":
    sys.exit(main())
