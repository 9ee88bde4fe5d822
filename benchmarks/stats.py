"""Medians, spreads, paired ratios, and when a figure must not be trusted. Pure."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "PERCENTS",
    "Limits",
    "Ratio",
    "Summary",
    "are_too_many",
    "paired_ratio",
    "percentile",
    "percentile_key",
    "percentiles",
    "summarise",
]

PERCENTS = (1, 5, 10, 25, 50, 75, 90, 95, 99, 99.5, 99.9)
"""What is kept of a distribution."""


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The smallest value with at least ``percent`` of all values at or below it (nearest rank).

    Args:
        ordered: Ascending, not empty.
        percent: Above 0, at most 100.
    """
    if not ordered:
        raise ValueError("no values, no percentile")
    if not 0 < percent <= 100:
        raise ValueError(f"a percentile lies above 0 and up to 100, not at {percent}")
    rank = -(-len(ordered) * percent // 100)  # rounded up
    return ordered[int(rank) - 1]


def percentile_key(percent: float) -> str:
    """The name of a percentile among a measurement's figures: ``p99.9_us``."""
    return f"p{percent:g}_us"


def percentiles(nanoseconds: list[int]) -> dict[str, float]:
    """Each of :data:`PERCENTS`, in microseconds, by name. Sorts the list."""
    nanoseconds.sort()
    return {percentile_key(one): percentile(nanoseconds, one) / 1e3 for one in PERCENTS}


@dataclass(frozen=True)
class Summary:
    """The samples of one figure.

    Attributes:
        median: Of all samples.
        low, high: The extremes.
        spread: How far the middle half of the samples reaches, as a share of the median; with fewer
            than four samples, how far all of them do.
    """

    median: float
    low: float
    high: float
    spread: float


def summarise(samples: Sequence[float]) -> Summary:
    """Sum up at least one sample."""
    median = statistics.median(samples)
    low, high = min(samples), max(samples)
    if len(samples) < 4:
        width = high - low
    else:
        first, _, third = statistics.quantiles(samples, n=4, method="inclusive")
        width = third - first
    return Summary(median, low, high, width / median if median else 0.0)


@dataclass(frozen=True)
class Ratio:
    """How one client compares with another, round by round.

    Attributes:
        median: Of the ratios of the rounds.
        low, high: The extremes.
        best: The best sample of one over the best of the other. What else goes on in a machine only
            ever slows a client down, so this is what is left to compare when much went on.
    """

    median: float
    low: float
    high: float
    best: float


def paired_ratio(ours: Sequence[float], theirs: Sequence[float], *, is_better_high: bool) -> Ratio:
    """The ratios of samples taken next to one another, which a slow drift leaves alone.

    Args:
        ours, theirs: One sample per round, in the same order, equally many; all positive.
        is_better_high: Which of several samples is the best.

    Raises:
        ValueError: There are no samples, or not equally many.
    """
    if not ours:
        raise ValueError("no samples, no ratio")
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    best = max if is_better_high else min
    return Ratio(statistics.median(ratios), min(ratios), max(ratios), best(ours) / best(theirs))


@dataclass(frozen=True)
class Limits:
    """What counts as undisturbed.

    Attributes:
        spread: Largest :attr:`Summary.spread`.
        foreign: Largest share of one core that other processes may have used meanwhile.
        load: Largest one-minute load average before the run.
    """

    spread: float = 0.10
    foreign: float = 0.10
    load: float = 0.70

    def is_too_wide(self, summary: Summary) -> bool:
        """Whether the samples differ too much to stand behind their median."""
        return summary.spread > self.spread

    def remark(self, foreign: float) -> str:
        """What is to be said of a measurement during which others used this share of a core."""
        if foreign > self.foreign:
            return f"others used {foreign:.0%} of a core"
        return ""


def are_too_many(remarks: Sequence[str]) -> bool:
    """Whether half of the rounds or more were remarked upon.

    Args:
        remarks: One per round, empty for a round in which nothing was amiss.
    """
    remarked = sum(map(bool, remarks))
    return remarked > 0 and 2 * remarked >= len(remarks)
