"""Rolling-window limits: never more than N of something in any window of so many seconds. Pure.

A token bucket of the same rate lets up to twice N through in the first window, and venues count
strictly. So the instants of the last N are kept, and the next may come when the oldest of them is
a window away.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tickwire.exchanges import RateWindow

__all__ = ["RollingLimiter"]

_NS = 1_000_000_000


class RollingLimiter:
    """Keeps events within one or several rolling windows.

    One may be shared by everything that the venue counts together: its limit of connects is per
    address, not per connection.

    Args:
        windows: The limits, all of which hold.
    """

    __slots__ = ("_taken", "_windows")

    def __init__(self, windows: Iterable[RateWindow]) -> None:
        self._windows = tuple(windows)
        self._taken: tuple[deque[int], ...] = tuple(
            deque(maxlen=window.count) for window in self._windows
        )

    def take(self, now_ns: int) -> float:
        """Book the next event, and tell how many seconds from now it may happen.

        Events are booked in order: one that must wait makes later ones wait behind it.

        Args:
            now_ns: The monotonic clock.
        """
        at = now_ns
        for window, taken in zip(self._windows, self._taken, strict=True):
            if taken:
                at = max(at, taken[-1])
            if len(taken) == window.count:
                at = max(at, taken[0] + round(window.seconds * _NS))
        for taken in self._taken:
            taken.append(at)
        return (at - now_ns) / _NS
