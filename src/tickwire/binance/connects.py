"""The venue's limit of connects, which it counts by address, whatever object connects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tickwire.exchanges.binance.endpoints import LIMITS
from tickwire.manager import RollingLimiter
from tickwire.manager.shared import connects_to
from tickwire.manager.timing import LoopClock

if TYPE_CHECKING:
    from tickwire.exchanges.binance.names import Market
    from tickwire.manager import Timekeeper

__all__ = ["connect_limiter"]


def connect_limiter(url: str, market: Market, clock: Timekeeper | None = None) -> RollingLimiter:
    """The limiter of connects to the host of ``url``: the whole process's, but for clocks of a
    program's own, which cannot share with what is on the machine's."""
    windows = LIMITS[market].connects
    is_shared = clock is None or isinstance(clock, LoopClock)
    return connects_to(url, windows) if is_shared else RollingLimiter(windows)
