"""A histogram that costs a fraction of a microsecond per value. Pure."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate

__all__ = ["BOUNDS", "Latency"]

BOUNDS = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
"""Upper bounds of the buckets in seconds, each included; what is above them has one more."""

_BOUNDS_NS = tuple(round(bound * 1e9) for bound in BOUNDS)
_NS = 1e9


class Latency:
    """Durations, counted by size.

    Attributes:
        total_ns: Their sum.
    """

    __slots__ = ("_counts", "total_ns")

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS) + 1)
        self.total_ns = 0

    def add(self, ns: int) -> None:
        """Count one; a negative one, as two clocks that differ make it, as none at all."""
        if ns < 0:
            ns = 0
        self._counts[bisect_left(_BOUNDS_NS, ns)] += 1
        self.total_ns += ns

    def take_over(self, other: Latency) -> None:
        """Add what another has counted."""
        self._counts = [a + b for a, b in zip(self._counts, other._counts, strict=True)]
        self.total_ns += other.total_ns

    @property
    def count(self) -> int:
        """How many."""
        return sum(self._counts)

    @property
    def total(self) -> float:
        """Their sum in seconds."""
        return self.total_ns / _NS

    def buckets(self) -> list[tuple[str, float]]:
        """``(upper bound in seconds, how many are at or below it)``, the last of them ``+Inf``."""
        names = [*map(str, BOUNDS), "+Inf"]
        return list(zip(names, map(float, accumulate(self._counts)), strict=True))
