"""The only reader of time.

Everything else asks this module, or is handed a :class:`Clock`, so that a day of connection life
can run in a test in milliseconds. All readings are integers in nanoseconds, except :func:`mono`,
which is in seconds because that is what event loops count in.

The compiled core stamps socket reads through the same two system clocks (``clock.pxd``).
"""

from __future__ import annotations

import time
from typing import Protocol

__all__ = ["Clock", "SystemClock", "mono", "mono_ns", "utc_date", "utc_text", "wall_ns"]

wall_ns = time.time_ns
"""Nanoseconds since the Unix epoch, UTC. May step when the system clock is set."""

mono_ns = time.monotonic_ns
"""Nanoseconds from an arbitrary start; never runs backwards. For durations."""

mono = time.monotonic
"""Seconds from the same start as :data:`mono_ns`; the time base of ``asyncio`` loops."""


def utc_date(epoch_ns: int) -> str:
    """``YYYY-MM-DD`` of an instant given in nanoseconds since the Unix epoch."""
    return time.strftime("%Y-%m-%d", time.gmtime(epoch_ns // 1_000_000_000))


def utc_text(epoch_ns: int, decimals: int = 6) -> str:
    """``YYYY-MM-DDTHH:MM:SS.ffffffZ`` of an instant given in nanoseconds since the Unix epoch.

    ``decimals``, 1 to 9, are the digits of the second's fraction; the rest is cut off.
    """
    seconds, rest = divmod(epoch_ns, 1_000_000_000)
    begin = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{begin}.{rest:09d}"[: len(begin) + 1 + decimals] + "Z"


class Clock(Protocol):
    """A source of time that can be replaced."""

    def wall_ns(self) -> int:
        """Nanoseconds since the Unix epoch, UTC."""
        ...

    def mono_ns(self) -> int:
        """Nanoseconds from an arbitrary start, never running backwards."""
        ...


class SystemClock:
    """The machine's clocks."""

    __slots__ = ()

    def wall_ns(self) -> int:
        return wall_ns()

    def mono_ns(self) -> int:
        return mono_ns()
