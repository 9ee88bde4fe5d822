"""Limits that a venue counts per address, kept together by everything in the process.

A venue does not know feeds and books, only where connects come from. So what connects to one host
shares one limiter of connects, whichever object asks.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .limiter import RollingLimiter

if TYPE_CHECKING:
    from tickwire.exchanges import RateWindow

__all__ = ["connects_to"]

_limiters: dict[tuple[str, tuple[RateWindow, ...]], _LockedLimiter] = {}
_lock = Lock()


class _LockedLimiter(RollingLimiter):
    """A limiter that loops in several threads may share."""

    __slots__ = ("_lock",)

    def __init__(self, windows: tuple[RateWindow, ...]) -> None:
        super().__init__(windows)
        self._lock = Lock()

    def take(self, now_ns: int) -> float:
        with self._lock:
            return super().take(now_ns)


def connects_to(url: str, windows: tuple[RateWindow, ...]) -> RollingLimiter:
    """The process's limiter of connects to the host of ``url``.

    It counts on the machine's monotonic clock: a manager on another clock needs one of its own.
    What goes through proxies is counted together with what does not, which is never too much.

    Args:
        url: Of the WebSocket.
        windows: The venue's limits.
    """
    key = (urlsplit(url).netloc, windows)
    with _lock:
        limiter = _limiters.get(key)
        if limiter is None:
            limiter = _limiters[key] = _LockedLimiter(windows)
        return limiter
