"""Thousands of connects and closes in a fresh process: memory and descriptors stay flat.

    python tests/leaks/connections.py                  # 10,000
    python tests/leaks/connections.py --count 500      # the short form, part of the suite

The server is a process of its own, so that what it keeps is not counted. The first 1,500 warm up
(allocator pools, libcurl's caches: about 1 MiB, once); from there on the resident set may grow by
``--allowed`` bytes per connection at the most, and the count of open descriptors not at all.
Prints one line of JSON. Exits with 1 if something grows.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
AT_ONCE = 20
WARM_UP = 1500
ROUND = 500
ENDS = ("close", "terminate", "peer")


async def serve() -> None:
    """The server's process: says its port, then serves until its stdin ends."""
    sys.path.insert(0, str(ROOT))
    from tests.support.frames import CLOSE, close, text
    from tests.support.server import Peer, serving

    async def script(peer: Peer) -> None:
        try:
            await peer.accept(text("x" * 500))
            found = await peer.frame()
            if found.payload == b"you":
                await peer.send(close())
                await peer.close_frame()
            elif found.opcode != CLOSE:
                await peer.next_of(CLOSE)
            await peer.send(close())
        except (EOFError, ConnectionError):
            pass

    async with serving(script) as server:
        sys.stdout.write(f"{server.port}\n")
        sys.stdout.flush()
        tasks = server._tasks
        peers = server.peers
        while not sys.stdin.closed:
            line = await asyncio.to_thread(sys.stdin.readline)
            if not line:
                break
            tasks.difference_update([task for task in tasks if task.done()])
            peers.clear()


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


async def measure(port: int, count: int) -> dict[str, float]:
    import tickwire

    url = f"ws://127.0.0.1:{port}/"
    async with tickwire.AsyncSession() as session:

        async def one(number: int) -> None:
            how = ENDS[number % len(ENDS)]
            ws = await session.ws_connect(url, compression="deflate", ping_interval=30)
            assert len(await ws.recv_bytes(timeout=30)) == 500
            if how == "close":
                await ws.send(b"y" * 100)
                await ws.close()
            elif how == "terminate":
                ws.terminate()
            else:
                await ws.send(b"you")
                await ws.wait_closed()

        async def many(count: int) -> None:
            for start in range(0, count, AT_ONCE):
                await asyncio.gather(*(one(n) for n in range(start, min(count, start + AT_ONCE))))
                if start % ROUND == 0:
                    gc.collect()  # reference cycles wait for it; they are no leak

        async def look() -> tuple[int, int]:
            for _ in range(5):
                await asyncio.sleep(0)
            gc.collect()
            return resident_bytes(), descriptors()

        await many(WARM_UP)
        before, open_before = await look()
        await many(count)
        after, open_after = await look()
        assert session.connector.live_count == session.connector.pending_count == 0
    return {
        "connections": count,
        "resident_before": before,
        "resident_after": after,
        "bytes_per_connection": round((after - before) / (count), 1),
        "descriptors_before": open_before,
        "descriptors_after": open_after,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--allowed", type=float, default=64.0, help="bytes per connection")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve())
        return 0
    import tickwire

    with subprocess.Popen(
        [sys.executable, __file__, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        try:
            found = tickwire.run(measure(int(server.stdout.readline()), options.count))
        finally:
            server.stdin.close()
            server.kill()
    good = (
        found["bytes_per_connection"] <= options.allowed
        and found["descriptors_after"] <= found["descriptors_before"]
    )
    sys.stdout.write(json.dumps({**found, "good": good}) + "\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
