"""Latencies as a histogram of fixed size: adding one costs the same after an hour as at the start.

Buckets are exact below 64 ns and 1/32 of a power of two wide above, so that a quantile is off by at
most 1.6 % of itself. What is longer than an hour counts as an hour.
"""

from __future__ import annotations

from collections import defaultdict
from math import ceil

__all__ = ["Latencies"]

_EXACT = 64
_STEP_BITS = 5
_LONGEST_NS = 3_600_000_000_000


class Latencies:
    """Counts of durations by bucket.

    At most 1,200 buckets can ever be filled; in practice a few dozen are, and only those take
    memory.
    """

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: defaultdict[int, int] = defaultdict(int)

    def __len__(self) -> int:
        """How many durations were added."""
        return sum(self._counts.values())

    def add(self, ns: int) -> None:
        """Add a duration in nanoseconds. A negative one, of clocks that disagree, counts as 0."""
        if ns < _EXACT:
            self._counts[ns if ns > 0 else 0] += 1
            return
        if ns > _LONGEST_NS:
            ns = _LONGEST_NS
        shift = ns.bit_length() - _STEP_BITS - 1
        self._counts[(shift << _STEP_BITS) + (ns >> shift)] += 1

    def merge(self, other: Latencies) -> None:
        """Add everything that ``other`` holds."""
        for bucket, count in other._counts.items():
            self._counts[bucket] += count

    def copy(self) -> Latencies:
        """What it holds now."""
        copy = Latencies()
        copy._counts.update(self._counts)
        return copy

    def since(self, earlier: Latencies) -> Latencies:
        """What was added after ``earlier`` was copied from this object."""
        recent = Latencies()
        for bucket, count in self._counts.items():
            added = count - earlier._counts.get(bucket, 0)
            if added:
                recent._counts[bucket] = added
        return recent

    def quantile(self, share: float) -> float | None:
        """The duration, in nanoseconds, that ``share`` (0 to 1) of all do not exceed.

        By nearest rank; the middle of its bucket. ``None`` when nothing was added.
        """
        rank = max(1, ceil(share * len(self)))
        for bucket in sorted(self._counts):
            rank -= self._counts[bucket]
            if rank <= 0:
                return _middle(bucket)
        return None


def _middle(bucket: int) -> float:
    if bucket < _EXACT:
        return float(bucket)
    shift = (bucket >> _STEP_BITS) - 1
    low = ((bucket & ((1 << _STEP_BITS) - 1)) + (1 << _STEP_BITS)) << shift
    return low + ((1 << shift) - 1) / 2
