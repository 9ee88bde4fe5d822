"""Two connections, one of them stalled for half a second at a time: what arrives late?

    python -m tests.soak.redundancy --seconds 20

Three runs of the same market: one connection undisturbed, two with stalls that strike them in
turn, one with the same stalls. The delay of an event is from the market's own stamp (in ms) until
the program has it. Prints one line of JSON; exits with 1 if the p99 of the disturbed pair is more
than twice that of the undisturbed one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from typing import Any

from tests.support.weather import Weather
from tickwire.clock import mono, wall_ns
from tickwire.exchanges import RateLimits
from tickwire.exchanges.binance import BinanceCodec
from tickwire.manager import WebSocketManager
from tickwire.market import Trade
from tickwire.simulator import Limits, Simulator

__all__ = ["measure", "run"]

STALL_SECONDS = 0.5


async def measure(seconds: float, *, redundancy: int, stalls: bool) -> dict[str, Any]:
    """Delays in ms: p50, p99, and what was lost."""
    delays: list[float] = []
    lost = 0
    last: dict[str, int] = {}
    async with (
        Simulator(
            symbols=["BTCUSDT", "ETHUSDT"],
            rate=2000,
            limits=Limits(ping_interval=3600, connection_attempts=10**9),
        ) as sim,
        Weather(sim.port) as one,
        Weather(sim.port) as two,
    ):
        relays = (one, two)[:redundancy]
        async with WebSocketManager(
            f"ws://127.0.0.1:{one.port}/stream",
            endpoints=[f"ws://127.0.0.1:{relay.port}/stream" for relay in relays],
            codec=BinanceCodec,
            subscriptions=["btcusdt@trade", "ethusdt@trade"],
            redundancy=redundancy,
            rate_limits=RateLimits(),
            overlap=0.0,
        ) as ws:

            async def disturb() -> None:
                until, turn = mono() + seconds, 0
                await asyncio.sleep(0.5)
                delays.clear()
                while mono() < until:
                    relay = relays[turn % len(relays)]
                    turn += 1
                    for pipe in relay.pipes:
                        if stalls:
                            pipe.freeze()
                    await asyncio.sleep(STALL_SECONDS)
                    for pipe in relay.pipes:
                        pipe.thaw()
                    await asyncio.sleep(STALL_SECONDS / 2)
                await ws.disconnect()

            disturbing = asyncio.create_task(disturb())
            async for event in ws.stream():
                if isinstance(event, Trade):
                    delays.append(wall_ns() / 1e6 - event.event_time)
                    before = last.get(event.symbol)
                    number = int(event.trade_id)
                    lost += before is not None and number != before + 1
                    last[event.symbol] = number
            await disturbing
    delays.sort()
    return {
        "events": len(delays),
        "p50_ms": round(delays[len(delays) // 2], 2),
        "p99_ms": round(delays[len(delays) * 99 // 100], 2),
        "not_joined": lost,
    }


async def run(seconds: float) -> dict[str, Any]:
    """The figures of the three runs."""
    calm = await measure(seconds, redundancy=2, stalls=False)
    pair = await measure(seconds, redundancy=2, stalls=True)
    single = await measure(seconds, redundancy=1, stalls=True)
    ratio = pair["p99_ms"] / calm["p99_ms"]
    joined = not (calm["not_joined"] or pair["not_joined"])
    return {
        "undisturbed": calm,
        "one_of_two_stalled": pair,
        "single_stalled": single,
        "p99_ratio": round(ratio, 2),
        "ok": ratio <= 2.0 and joined,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=20.0)
    figures = asyncio.run(run(parser.parse_args().seconds))
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0 if figures["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
