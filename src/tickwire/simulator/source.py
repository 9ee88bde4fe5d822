"""Where messages come from: the generated market, or a recording. Both pace themselves.

A source works in short time slices: it publishes everything that is due, the hub sends it in one
write per connection, and the loop is free again until the next slice.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any, Protocol

from tickwire.clock import mono_ns, wall_ns
from tickwire.simulator.emitter import Emitter
from tickwire.simulator.market import MarketModel
from tickwire.simulator.options import Market, ReplayStart
from tickwire.simulator.rest import RestSource, symbol_entry
from tickwire.simulator.streams import SCHEDULES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tickwire.simulator.hub import Hub
    from tickwire.simulator.replay import RecordedFrame, Recording
    from tickwire.simulator.symbols import SymbolSpec

__all__ = ["GeneratedSource", "ReplaySource", "Source"]

_SLICE = 0.002
"""Seconds between two slices: short against the latencies that clients measure."""
_SLICE_STEPS = 256
"""Steps after which other tasks get their turn, a few milliseconds of work."""
_MAX_DEBT = 0.25
"""Seconds of steps that are made up for after a delay; what is older is left out."""
_SLICE_FRAMES = 256


def _now_ms() -> int:
    return wall_ns() // 1_000_000


def _nothing(now_ms: int) -> None:
    """Nobody has resting orders before there is a desk."""


class Source(RestSource, Protocol):
    """What a server needs of a source."""

    async def run(self) -> None:
        """Publish until there is nothing left, or for ever."""
        ...

    def subscribed(self) -> None:
        """A client has subscribed to something."""
        ...


class GeneratedSource:
    """The generated market, at a steady rate.

    Args:
        hub: Gets the messages.
        specs: The instruments.
        market: The dialect.
        seed: Of the market.
        rate: Steps per second over all instruments. Zero: none by itself, only :meth:`generate`.
            Infinite: as many as the subscribers take, and none while there is no subscriber.

    Attributes:
        model: The market.
        on_move: Called with the time in ms after the market has moved.
    """

    def __init__(
        self, hub: Hub, specs: Sequence[SymbolSpec], *, market: Market, seed: int, rate: float
    ) -> None:
        self._hub = hub
        self._market = market
        self._rate = rate
        self._wanted = asyncio.Event()
        start_ms = _now_ms()
        self.model = MarketModel(
            specs,
            seed=seed,
            market=market,
            cadences=len(SCHEDULES[market].depth),
            start_ms=start_ms,
        )
        self._last_ms = start_ms
        self.on_move: Callable[[int], None] = _nothing
        self._emitter = Emitter(
            self.model, market=market, publish=hub.publish, wanted=hub.topics, start_ms=start_ms
        )

    def generate(self, steps: int) -> None:
        """Do ``steps`` steps now, send what they give and what else is due."""
        step = self._emitter.step
        for _ in range(steps):
            step(self._now())
        self._hub.stats.events += steps
        self._emitter.tick(self._now())
        self._hub.flush()
        self.on_move(self._now())

    def subscribed(self) -> None:
        self._wanted.set()

    def depth(self, symbol: str, limit: int, now_ms: int) -> bytes | None:
        return self._emitter.snapshot(symbol, limit, now_ms)

    def symbols(self) -> list[dict[str, Any]]:
        return [
            symbol_entry(spec.symbol, spec.base, spec.quote, self._market, spec)
            for spec in (instrument.spec for instrument in self.model.instruments)
        ]

    async def run(self) -> None:
        if math.isinf(self._rate):
            await self._run_unpaced()
        else:
            await self._run_paced()

    async def _run_paced(self) -> None:
        rate, started, done = self._rate, mono_ns(), 0
        while True:
            due = int((mono_ns() - started) * rate / 1e9) - done
            excess = due - max(1, int(rate * _MAX_DEBT))
            if excess > 0:
                self._hub.stats.events_behind += excess
                done += excess
                due -= excess
            steps = min(due, _SLICE_STEPS)
            self.generate(steps)
            done += steps
            await asyncio.sleep(0 if due > steps else _SLICE)

    async def _run_unpaced(self) -> None:
        while True:
            while not self._hub.topics:
                self._wanted.clear()
                await self._wanted.wait()
            self.generate(_SLICE_STEPS)
            await asyncio.sleep(0)
            await self._hub.drained()

    def _now(self) -> int:
        """The wall clock in ms, held where it was when the system clock is set back."""
        self._last_ms = max(self._last_ms, _now_ms())
        return self._last_ms


class ReplaySource:
    """A recording, at a multiple of its own speed.

    Frames of streams to which nobody is subscribed at their time are passed over and counted. Depth
    snapshots are those of the recording; the client's own sequence rules fit them to the stream,
    whether they are asked for before or after the frame they belong to.

    Args:
        hub: Gets the messages.
        recording: What to play.
        speed: Recorded seconds per second. Infinite: as fast as the subscribers take it.
        start: What sets it going.
    """

    def __init__(self, hub: Hub, recording: Recording, *, speed: float, start: ReplayStart) -> None:
        self._hub = hub
        self._recording = recording
        self._speed = speed
        self._start = start
        self._started = asyncio.Event()
        self._snapshots = recording.snapshots()
        self._position_ns = 0

    def begin(self) -> None:
        """Set the replay going, whoever listens. Once it goes this does nothing."""
        self._started.set()

    def subscribed(self) -> None:
        wanted, topics = self._recording.streams, self._hub.topics
        if self._start is ReplayStart.FIRST:
            ready = any(stream in topics for stream in wanted)
        else:
            ready = self._start is ReplayStart.ALL and all(stream in topics for stream in wanted)
        if ready:
            self.begin()

    def depth(self, symbol: str, limit: int, now_ms: int) -> bytes | None:
        return self._snapshots.latest(symbol, limit, self._position_ns)

    def symbols(self) -> list[dict[str, Any]]:
        return self._recording.symbols()

    async def run(self) -> None:
        await self._started.wait()
        unpaced = math.isinf(self._speed)
        started = mono_ns()
        first_ns: int | None = None
        in_slice = 0
        for recorded in self._recording.play():
            if first_ns is None:
                first_ns = recorded.ts_ns
            due = started if unpaced else started + int((recorded.ts_ns - first_ns) / self._speed)
            wait_ns = due - mono_ns()
            if wait_ns > 0 or in_slice >= _SLICE_FRAMES:
                in_slice = 0
                self._hub.flush()
                await asyncio.sleep(max(0.0, wait_ns / 1e9))
                if unpaced:
                    await self._hub.drained()
            in_slice += 1
            self._publish(recorded)
        self._hub.flush()

    def _publish(self, recorded: RecordedFrame) -> None:
        self._position_ns = recorded.ts_ns
        self._hub.stats.events += 1
        if recorded.stream in self._hub.topics:
            self._hub.publish(recorded.stream, recorded.payload, recorded.enveloped)
        else:
            self._hub.stats.frames_unclaimed += 1
