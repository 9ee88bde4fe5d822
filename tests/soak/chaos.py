"""Network weather against a managed connection, with an invariant checker.

    python -m tests.soak.chaos                    # ten minutes
    python -m tests.soak.chaos --seconds 20       # the short form, part of the suite

A relay before the simulator refuses, resets, swallows, freezes, delays, answers 502 and 429, closes
with 1013, talks garbage; names do not resolve; the wall clock jumps. All the while these must hold:

- the state machine makes only moves of its table, and is CONNECTED again when the sky clears;
- every event is delivered once, in order, or lies within the bounds of a gap;
- no task and no descriptor is left when it is over.

Prints one line of JSON; exits with 1 if one does not.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import random
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.soak.rotations import Ledger
from tests.support.weather import Sky, Weather
from tickwire.clock import mono, mono_ns, wall_ns
from tickwire.exchanges import RateLimits
from tickwire.exchanges.binance import BinanceCodec
from tickwire.manager import ConnectionState, WebSocketManager
from tickwire.manager.states import TRANSITIONS
from tickwire.manager.timing import LoopClock
from tickwire.simulator import Limits, Simulator

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["run"]

STREAMS = [
    f"{symbol}@{suffix}"
    for symbol in ("btcusdt", "ethusdt")
    for suffix in ("trade", "bookTicker", "depth@100ms")
]


class JumpingClock(LoopClock):
    """The machine's clocks, the wall one set forth and back."""

    def __init__(self) -> None:
        self.offset_ns = 0

    def wall_ns(self) -> int:
        return wall_ns() + self.offset_ns


class Storm:
    """Makes one thing go wrong after another."""

    def __init__(
        self, weather: Weather, clock: JumpingClock, manager: WebSocketManager, seed: int
    ) -> None:
        self.weather = weather
        self.clock = clock
        self.manager = manager
        self.chance = random.Random(seed)
        self.seen: Counter[str] = Counter()
        self._acts: list[Callable[[], Any]] = [
            self.refuse,
            self.reset,
            self.freeze,
            self.slow,
            self.garbage,
            self.rotate,
            self.jump,
            self.no_name,
            *(lambda sky=sky: self.strike(sky) for sky in Sky if sky is not Sky.CLEAR),
        ]

    async def blow(self, seconds: float) -> None:
        until = mono() + seconds
        acts: list[Any] = []
        while mono() < until:
            if not acts:
                acts = self.chance.sample(self._acts, len(self._acts))
            await acts.pop()()
            await self.clear()
            await asyncio.sleep(self.chance.uniform(0.0, 0.4))
        await self.clear()

    async def clear(self) -> None:
        self.weather.sky = Sky.CLEAR
        self.weather.delay = 0.0
        await self.weather.listen()
        for pipe in self.weather.pipes:
            pipe.thaw()

    def _one(self) -> Any:
        pipes = [pipe for pipe in self.weather.pipes if pipe.server is not None]
        return self.chance.choice(pipes) if pipes else None

    async def _for_a_while(self) -> None:
        await asyncio.sleep(self.chance.uniform(0.05, 0.8))

    async def strike(self, sky: Sky) -> None:
        """Lose the connection, and find the way back under ``sky``."""
        self.seen[sky.value] += 1
        self.weather.sky = sky
        await self.reset()
        await self._for_a_while()

    async def refuse(self) -> None:
        self.seen["refused"] += 1
        self.weather.deafen()
        await self.reset()
        await self._for_a_while()

    async def reset(self) -> None:
        self.seen["reset"] += 1
        if (pipe := self._one()) is not None:
            pipe.reset()

    async def freeze(self) -> None:
        self.seen["frozen"] += 1
        if (pipe := self._one()) is not None:
            pipe.freeze()
        await self._for_a_while()

    async def slow(self) -> None:
        self.seen["slow"] += 1
        self.weather.delay = 0.05
        await self._for_a_while()

    async def garbage(self) -> None:
        self.seen["garbage in the stream"] += 1
        if (pipe := self._one()) is not None:
            pipe.scribble()

    async def rotate(self) -> None:
        """A planned hand-over, and bad luck in the middle of it."""
        self.seen["rotation"] += 1
        self.manager.schedule_reconnect(0.0)
        await asyncio.sleep(self.chance.uniform(0.0, 0.1))
        if self.chance.random() < 0.5:
            await self.reset()

    async def jump(self) -> None:
        self.seen["clock jump"] += 1
        self.clock.offset_ns += self.chance.choice((-1, 1)) * 3_600_000_000_000

    async def no_name(self) -> None:
        """DNS fails: see the manager's second endpoint."""
        self.seen["name lost"] += 1
        await self.reset()


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


async def run(seconds: float, *, seed: int = 1, redundancy: int = 1) -> dict[str, Any]:
    """The figures of one run."""
    gc.collect()
    tasks_before, open_before = len(asyncio.all_tasks()), descriptors()
    ledger = Ledger()
    moves: list[tuple[ConnectionState, ConnectionState]] = []
    clock = JumpingClock()
    async with (
        Simulator(
            symbols=["BTCUSDT", "ETHUSDT"],
            rate=800,
            limits=Limits(ping_interval=3600, connection_attempts=10**9),
        ) as sim,
        Weather(sim.port) as weather,
    ):
        manager = WebSocketManager(
            f"ws://127.0.0.1:{weather.port}/stream",
            # Every other attempt meets a name that nobody knows.
            endpoints=[
                f"ws://127.0.0.1:{weather.port}/stream",
                "ws://no-such-venue.invalid/stream",
            ],
            codec=BinanceCodec,
            subscriptions=STREAMS,
            events=True,
            redundancy=redundancy,
            rate_limits=RateLimits(),
            reconnect_delay=0.02,
            reconnect_delay_max=0.2,
            max_reconnect_attempts=0,
            connect_attempts=0,
            connect_timeout=1.0,
            try_again_delay=0.1,
            ping_interval=0.3,
            ping_timeout=0.3,
            overlap=0.02,
            overlap_timeout=1.0,
            clock=clock,
            seed=seed,
        )
        async with manager as ws:
            moved = ws._core._moved

            def record(old: ConnectionState, new: ConnectionState) -> None:
                moves.append((old, new))
                moved(old, new)

            ws._core.machine._on_change = record
            storm = Storm(weather, clock, ws, seed)

            async def weather_report() -> None:
                try:
                    await storm.blow(seconds)
                    await ws.wait_connected(timeout=30.0)
                    target = ledger.events + 200
                    async with asyncio.timeout(30.0):
                        while ledger.events < target:
                            await asyncio.sleep(0.01)
                finally:
                    await ws.disconnect()

            blowing = asyncio.create_task(weather_report())
            async for item in ws.stream():
                ledger.take(item)
            await blowing
        stats = ws.stats
    leaked = await _left_over(tasks_before, open_before)
    illegal = [move for move in moves if move not in TRANSITIONS]
    return {
        "seconds": seconds,
        "struck": sum(storm.seen.values()),
        "kinds": len(storm.seen),
        "connects": stats.connects,
        "failed_attempts": stats.failed_attempts,
        "rotations": stats.rotations,
        "reasons": {reason.value: count for reason, count in stats.reasons.items()},
        "events": ledger.events,
        "gaps": ledger.gaps,
        "lost": ledger.lost,
        "duplicated": ledger.duplicated,
        "out_of_order": ledger.out_of_order,
        "misplaced_gaps": ledger.misplaced,
        "moves": len(moves),
        "illegal_moves": len(illegal),
        **leaked,
        "ok": ledger.is_clean and not illegal and not any(leaked.values()),
    }


async def _left_over(tasks_before: int, open_before: int) -> dict[str, int]:
    """Tasks and descriptors that are still there, once what is on its way out has gone."""
    deadline = mono_ns() + 10_000_000_000
    while True:
        gc.collect()
        left = {
            "tasks_left": max(0, len(asyncio.all_tasks()) - tasks_before),
            "descriptors_left": max(0, descriptors() - open_before),
        }
        if not any(left.values()) or mono_ns() > deadline:
            return left
        await asyncio.sleep(0.05)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--redundancy", type=int, default=1)
    arguments = parser.parse_args()
    figures = asyncio.run(run(**vars(arguments)))
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0 if figures["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
