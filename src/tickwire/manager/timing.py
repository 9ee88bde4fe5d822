"""The manager's time: an injected clock that can also wake somebody up.

Everything that the manager waits for goes through :class:`Timekeeper`, so that a day of a
connection's life, with its checks, backoffs and rotations, runs in a test in milliseconds.
"""

from __future__ import annotations

import asyncio
import heapq
from typing import TYPE_CHECKING, Protocol

from tickwire.clock import Clock, SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Alarm", "Bell", "LoopClock", "ScriptedClock", "Timekeeper", "Timer", "pause"]

_NS = 1_000_000_000
_SETTLING_TURNS = 12
"""Turns of the loop after which what a timer set going has come to rest, without real I/O."""


class Timer(Protocol):
    """A call that is due."""

    def cancel(self) -> None:
        """Do not make it."""
        ...


class Timekeeper(Clock, Protocol):
    """A clock that can call back."""

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """Call ``callback`` on the running loop in so many seconds."""
        ...


class LoopClock(SystemClock):
    """The machine's clocks, and the running loop's timers."""

    __slots__ = ()

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Timer:
        return asyncio.get_running_loop().call_later(max(0.0, seconds), callback)


class _ScriptedTimer:
    __slots__ = ("callback", "due_ns", "number")

    def __init__(self, due_ns: int, number: int, callback: Callable[[], object]) -> None:
        self.due_ns = due_ns
        self.number = number
        self.callback: Callable[[], object] | None = callback

    def __lt__(self, other: _ScriptedTimer) -> bool:
        return (self.due_ns, self.number) < (other.due_ns, other.number)

    def cancel(self) -> None:
        self.callback = None


class ScriptedClock:
    """A clock that moves when it is told to, for tests of programs that use the manager.

    Args:
        wall_ns: Where the wall clock starts, ns since the Unix epoch.
        mono_ns: Where the monotonic clock starts.
    """

    def __init__(self, wall_ns: int = 1_700_000_000 * _NS, mono_ns: int = 0) -> None:
        self._wall_ns = wall_ns
        self._mono_ns = mono_ns
        self._timers: list[_ScriptedTimer] = []
        self._count = 0

    def wall_ns(self) -> int:
        return self._wall_ns

    def mono_ns(self) -> int:
        return self._mono_ns

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Timer:
        self._count += 1
        timer = _ScriptedTimer(self._mono_ns + max(0, round(seconds * _NS)), self._count, callback)
        heapq.heappush(self._timers, timer)
        return timer

    def step_wall(self, seconds: float) -> None:
        """Set the wall clock, as an operator or NTP does; durations do not see it."""
        self._wall_ns += round(seconds * _NS)

    async def settle(self) -> None:
        """Let what is ready run until it rests."""
        for _ in range(_SETTLING_TURNS):
            await asyncio.sleep(0)

    async def advance(self, seconds: float) -> None:
        """Let so much time pass: each timer that falls due is called at its own instant, and what
        it sets going comes to rest before the next."""
        end_ns = self._mono_ns + round(seconds * _NS)
        await self.settle()
        while self._timers and self._timers[0].due_ns <= end_ns:
            timer = heapq.heappop(self._timers)
            if timer.callback is None:
                continue
            self._move_to(timer.due_ns)
            timer.callback()
            await self.settle()
        self._move_to(end_ns)

    def _move_to(self, mono_ns: int) -> None:
        passed = max(0, mono_ns - self._mono_ns)
        self._mono_ns += passed
        self._wall_ns += passed


class Alarm:
    """Wakes one task, or lets it sleep until a given time; a ring that nobody waits for is kept."""

    __slots__ = ("_clock", "_rung", "_waiter")

    def __init__(self, clock: Timekeeper) -> None:
        self._clock = clock
        self._rung = False
        self._waiter: asyncio.Future[None] | None = None

    def ring(self) -> None:
        """Wake the task that waits, or the next one that would."""
        self._rung = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def wait(self, seconds: float | None = None) -> bool:
        """Wait for a ring, at most so many seconds. Tells whether there was one."""
        if not self._rung and (seconds is None or seconds > 0):
            self._waiter = waiter = asyncio.get_running_loop().create_future()
            timer = None
            if seconds is not None:
                timer = self._clock.call_later(
                    seconds, lambda: None if waiter.done() else waiter.set_result(None)
                )
            try:
                await waiter
            finally:
                self._waiter = None
                if timer is not None:
                    timer.cancel()
        rung, self._rung = self._rung, False
        return rung


class Bell:
    """Wakes all tasks that wait for it; a ring that nobody waits for is not kept."""

    __slots__ = ("_waiters",)

    def __init__(self) -> None:
        self._waiters: list[asyncio.Future[None]] = []

    def ring(self) -> None:
        """Wake them."""
        if not self._waiters:
            return
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self) -> None:
        """Wait for the next ring."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        await waiter


async def pause(clock: Timekeeper, seconds: float) -> None:
    """Wait, by the manager's clock."""
    if seconds > 0:
        await Alarm(clock).wait(seconds)
