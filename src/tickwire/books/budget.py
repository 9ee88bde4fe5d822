"""How much may be asked of a REST interface, and when: a rolling window of weights. Pure.

Venues count per clock minute; a rolling window never spends more than that in any minute, whenever
theirs begins. What other programs behind the same address have spent is known from the venue's
answers and counts as well.
"""

from __future__ import annotations

from collections import deque

__all__ = ["WeightBudget"]

_NS = 1_000_000_000


class WeightBudget:
    """One host's weight.

    Args:
        weight: To be spent in any window.
        seconds: The window.
    """

    __slots__ = ("_blocked_until_ns", "_limit", "_spent", "_total", "_window_ns")

    def __init__(self, weight: int, seconds: float) -> None:
        self._limit = weight
        self._window_ns = round(seconds * _NS)
        self._spent: deque[tuple[int, int]] = deque()
        self._total = 0
        self._blocked_until_ns = 0

    def take(self, weight: int, now_ns: int, limit: int | None = None) -> float:
        """Spend ``weight`` now, or tell how many seconds to wait before asking again.

        Args:
            weight: At most the budget's own.
            now_ns: The monotonic clock.
            limit: Instead of the budget's own: of one that shares it and wants to leave more over.

        Returns:
            0.0 when it is spent; else seconds, and nothing is.
        """
        self._forget(now_ns)
        at = max(now_ns, self._blocked_until_ns)
        free = (self._limit if limit is None else limit) - self._total
        for spent_ns, spent in self._spent:
            if free >= weight:
                break
            free += spent
            at = max(at, spent_ns + self._window_ns)
        if at > now_ns:
            return (at - now_ns) / _NS
        self._spend(weight, now_ns)
        return 0.0

    def told(self, used: int, now_ns: int) -> None:
        """The venue says that the address has used so much of its present window.

        What is more than was spent here is others' doing, and is taken for spent now.
        """
        self._forget(now_ns)
        if used > self._total:
            self._spend(used - self._total, now_ns)

    def stay_away(self, seconds: float, now_ns: int) -> None:
        """The venue wants no request for so long."""
        self._blocked_until_ns = max(self._blocked_until_ns, now_ns + round(seconds * _NS))

    def _spend(self, weight: int, now_ns: int) -> None:
        self._spent.append((now_ns, weight))
        self._total += weight

    def _forget(self, now_ns: int) -> None:
        while self._spent and self._spent[0][0] <= now_ns - self._window_ns:
            self._total -= self._spent.popleft()[1]
