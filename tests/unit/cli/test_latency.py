"""The histogram against a sorted list."""

from __future__ import annotations

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickwire.cli.latency import Latencies

HOUR = 3_600_000_000_000


def filled(*durations: int) -> Latencies:
    latencies = Latencies()
    for duration in durations:
        latencies.add(duration)
    return latencies


def test_empty() -> None:
    assert len(Latencies()) == 0
    assert Latencies().quantile(0.5) is None
    assert Latencies().quantile(0) is None


@pytest.mark.parametrize("ns", [0, 1, 63, 64, 65, 127, 128, 129, 4095, 4096, 10**6, 10**9, HOUR])
def test_one_value_is_every_quantile(ns: int) -> None:
    latencies = filled(ns)
    for share in (0.0, 0.5, 0.99, 1.0):
        found = latencies.quantile(share)
        assert found is not None
        assert found == pytest.approx(ns, rel=1 / 63)


def test_exact_below_64() -> None:
    latencies = filled(*range(64))
    assert [latencies.quantile((n + 1) / 64) for n in range(64)] == list(range(64))


def test_out_of_range_is_clamped() -> None:
    assert filled(-1, -(10**18)).quantile(1) == 0
    assert filled(10**30).quantile(0.5) == filled(HOUR).quantile(0.5)


@given(
    st.lists(st.integers(0, HOUR), min_size=1, max_size=200),
    st.floats(0, 1),
)
def test_agrees_with_nearest_rank(durations: list[int], share: float) -> None:
    expected = sorted(durations)[max(1, ceil(share * len(durations))) - 1]
    found = filled(*durations).quantile(share)
    assert found is not None
    assert abs(found - expected) <= max(0.5, expected / 63)


@given(st.integers(0, HOUR), st.integers(0, HOUR))
def test_order_is_kept(a: int, b: int) -> None:
    low, high = sorted((a, b))
    small, large = filled(low).quantile(0.5), filled(high).quantile(0.5)
    assert small is not None
    assert large is not None
    assert small <= large


def test_since_gives_only_the_new() -> None:
    latencies = filled(10, 10, 20)
    earlier = latencies.copy()
    assert len(latencies.since(earlier)) == 0
    latencies.add(10)
    latencies.add(50)
    recent = latencies.since(earlier)
    assert len(recent) == 2
    assert (recent.quantile(0.5), recent.quantile(1)) == (10, 50)
    assert len(earlier) == 3, "a copy stays as it was"


def test_merge() -> None:
    total = filled(1)
    total.merge(filled(1, 2))
    total.merge(Latencies())
    assert len(total) == 3
    assert total.quantile(1) == 2


def test_memory_is_bounded() -> None:
    latencies = filled(*(1 << n for n in range(64)), *(3 << n for n in range(64)))
    for ns in range(0, 10**7, 997):
        latencies.add(ns)
    assert len(latencies._counts) < 1200
