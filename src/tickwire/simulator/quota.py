"""How much an address or an account has used of what it may. Pure: the time is an argument.

Weights and orders are counted in windows aligned to the clock, as the venue's are: a minute begins
with its second zero. Connection attempts are counted over the last minutes instead, whenever those
began.
"""

from __future__ import annotations

from collections import deque
from math import ceil
from typing import TYPE_CHECKING, Any

from tickwire.simulator.refusals import Refused, refuse

if TYPE_CHECKING:
    from tickwire.simulator.options import Limits

__all__ = ["Attempts", "OrderQuota", "Weights", "interval_of"]

_TOO_MANY_REQUESTS = -1003
_INTERVALS = ((86_400, "DAY"), (3_600, "HOUR"), (60, "MINUTE"), (1, "SECOND"))


def interval_of(seconds: float) -> dict[str, Any]:
    """The length of a window as the venue names it; below a second it counts as one."""
    whole = max(1, int(seconds))
    for size, name in _INTERVALS:
        if whole % size == 0:
            return {"interval": name, "intervalNum": whole // size}
    raise AssertionError("every whole number of seconds is a multiple of one")


class _Window:
    """A count that starts anew with each window."""

    __slots__ = ("_length_ms", "_start_ms", "count", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._length_ms = max(1, int(seconds * 1000))
        self._start_ms = 0
        self.count = 0

    def at(self, now_ms: int) -> _Window:
        """Itself, emptied if a new window has begun."""
        start_ms = now_ms - now_ms % self._length_ms
        if start_ms != self._start_ms:
            self._start_ms = start_ms
            self.count = 0
        return self

    def end_ms(self) -> int:
        return self._start_ms + self._length_ms


class Weights:
    """The request weight that one address has used, and whether it is banned."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._used = _Window(limits.minute_seconds)
        self._refused = _Window(limits.minute_seconds)
        self._banned_until_ms = 0

    def charge(self, weight: int, now_ms: int) -> None:
        """Count a request.

        Raises:
            Refused: With 429 when it is too much for this minute, with 418 once the address went on
                all the same; ``data`` says from when on it may ask again, ms since the epoch.
        """
        self.check_ban(now_ms)
        used = self._used.at(now_ms)
        if used.count + weight <= self._limits.request_weight:
            used.count += weight
            return
        refused = self._refused.at(now_ms)
        refused.count += 1
        if refused.count >= self._limits.refusals_before_ban:
            refused.count = 0
            self._banned_until_ms = now_ms + int(self._limits.ban_seconds * 1000)
            self.check_ban(now_ms)
        window = interval_of(self._limits.minute_seconds)
        raise Refused(
            _TOO_MANY_REQUESTS,
            f"Too much request weight used; current limit is {self._limits.request_weight} request "
            f"weight per {window['intervalNum']} {window['interval']}. Please use WebSocket "
            "Streams for live updates to avoid polling the API.",
            429,
            {"serverTime": now_ms, "retryAfter": used.end_ms()},
        )

    def refund(self, weight: int, now_ms: int) -> None:
        """Take back what was charged: a request that turned out to cost nothing."""
        used = self._used.at(now_ms)
        used.count = max(0, used.count - weight)

    def check_ban(self, now_ms: int) -> None:
        """Refuse with 418 while the address is banned."""
        until = self._banned_until_ms
        if now_ms < until:
            raise Refused(
                _TOO_MANY_REQUESTS,
                f"Way too much request weight used; IP banned until {until}. Please use WebSocket "
                "Streams for live updates to avoid bans.",
                418,
                {"serverTime": now_ms, "retryAfter": until},
            )

    def ban(self, until_ms: int) -> None:
        """Ban the address until a time, ms since the epoch."""
        self._banned_until_ms = until_ms

    def used(self, now_ms: int) -> int:
        """The weight used in this minute."""
        return self._used.at(now_ms).count

    def report(self, now_ms: int) -> dict[str, Any]:
        """As an entry of ``rateLimits``."""
        return {
            "rateLimitType": "REQUEST_WEIGHT",
            **interval_of(self._limits.minute_seconds),
            "limit": self._limits.request_weight,
            "count": self.used(now_ms),
        }


class OrderQuota:
    """The orders that one account has placed."""

    def __init__(self, limits: Limits) -> None:
        self._windows = (
            (limits.orders, _Window(limits.order_seconds)),
            (limits.orders_long, _Window(limits.order_long_seconds)),
        )

    def check(self, now_ms: int) -> None:
        """Whether another order could be placed.

        Raises:
            Refused: It would be one too many (-1015, 429).
        """
        if any(window.at(now_ms).count >= limit for limit, window in self._windows):
            refusal = refuse("orders")
            ends = [w.end_ms() for limit, w in self._windows if w.count >= limit]
            refusal.data = {"serverTime": now_ms, "retryAfter": max(ends)}
            raise refusal

    def charge(self, now_ms: int) -> None:
        """Count an order, if it is not one too many; see :meth:`check`."""
        self.check(now_ms)
        for _, window in self._windows:
            window.count += 1

    def used(self, now_ms: int) -> int:
        """Orders placed in the shorter window."""
        return self._windows[0][1].at(now_ms).count

    def report(self, now_ms: int) -> list[dict[str, Any]]:
        """As entries of ``rateLimits``."""
        return [
            {
                "rateLimitType": "ORDERS",
                **interval_of(window.seconds),
                "limit": limit,
                "count": window.at(now_ms).count,
            }
            for limit, window in self._windows
        ]


class Attempts:
    """The connections that one address has opened lately."""

    def __init__(self, limits: Limits) -> None:
        self._window_ms = int(limits.attempt_seconds * 1000)
        self._times: deque[int] = deque(maxlen=limits.connection_attempts)

    def retry_after(self, now_ms: int) -> int | None:
        """Count an attempt. None: it may go on; else the seconds to wait, at least one."""
        times = self._times
        if len(times) == times.maxlen and now_ms - times[0] < self._window_ms:
            return max(1, ceil((times[0] + self._window_ms - now_ms) / 1000))
        times.append(now_ms)
        return None
