"""Medians, spreads and paired ratios."""

from __future__ import annotations

import pytest
from benchmarks.stats import Limits, are_too_many, paired_ratio, percentile, summarise
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([7], 50, 7),
        ([7], 99, 7),
        ([1, 2, 3, 4], 50, 2),
        ([1, 2, 3, 4], 51, 3),
        ([1, 2, 3, 4], 100, 4),
        (list(range(1, 101)), 99, 99),
        (list(range(1, 102)), 99, 100),
        (list(range(1, 1001)), 99.9, 999),
    ],
)
def test_percentile_is_the_nearest_rank(values: list[int], percent: float, expected: int) -> None:
    assert percentile(values, percent) == expected


@given(
    st.lists(st.integers(), min_size=1, max_size=300).map(sorted),
    st.floats(min_value=0.01, max_value=100),
)
def test_percentile_has_enough_values_at_or_below_it(values: list[int], percent: float) -> None:
    found = percentile(values, percent)
    below = sum(value <= found for value in values)
    assert found in values
    assert below * 100 >= len(values) * percent - 1e-6
    smaller = [value for value in values if value < found]
    assert len(smaller) * 100 < len(values) * percent + 1e-6


@pytest.mark.parametrize("percent", [0, -1, 100.5])
def test_percentile_refuses_what_is_none(percent: float) -> None:
    with pytest.raises(ValueError, match="percentile"):
        percentile([1, 2], percent)


def test_percentile_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_spread_of_few_samples_is_their_whole_range() -> None:
    summary = summarise([9.0, 10.0, 12.0])
    assert (summary.median, summary.low, summary.high) == (10.0, 9.0, 12.0)
    assert summary.spread == pytest.approx(0.3)


def test_spread_of_many_samples_forgives_one_outlier() -> None:
    calm = [10.0, 10.1, 9.9, 10.0, 10.05, 9.95, 10.0]
    assert summarise([*calm[:-1], 90.0]).spread < 0.02
    assert summarise([*calm[:-1], 90.0]).high == 90.0
    assert summarise([5.0, 10.0, 15.0, 5.0, 10.0, 15.0, 10.0]).spread > 0.4


def test_summary_of_zeros_has_no_spread() -> None:
    assert summarise([0.0, 0.0]).spread == 0.0


def test_paired_ratio_cancels_a_drift_that_hits_both() -> None:
    theirs = [1.0, 2.0, 8.0, 1.0, 4.0]
    ours = [2 * value for value in theirs]
    ratio = paired_ratio(ours, theirs, is_better_high=True)
    assert (ratio.median, ratio.low, ratio.high) == (2.0, 2.0, 2.0)


def test_best_is_the_highest_rate_and_the_lowest_time() -> None:
    ours, theirs = [1.0, 6.0, 2.0], [3.0, 1.0, 2.0]
    assert paired_ratio(ours, theirs, is_better_high=True).best == 2.0
    assert paired_ratio(ours, theirs, is_better_high=False).best == 1.0


@pytest.mark.parametrize(("ours", "theirs"), [([], []), ([1.0], []), ([1.0], [1.0, 2.0])])
def test_ratio_needs_equally_many_samples(ours: list[float], theirs: list[float]) -> None:
    with pytest.raises(ValueError, match=r"no samples|shorter|longer"):
        paired_ratio(ours, theirs, is_better_high=True)


@pytest.mark.parametrize(
    ("remarks", "too_many"),
    [
        ([], False),
        ([""], False),
        (["x"], True),
        (["", "x"], True),
        (["", "", "x"], False),
        (["", "x", "y"], True),
    ],
)
def test_too_many_means_half_of_the_rounds(remarks: list[str], too_many: bool) -> None:
    assert are_too_many(remarks) is too_many


def test_others_are_remarked_upon_above_the_limit() -> None:
    assert Limits(foreign=0.1).remark(0.1) == ""
    assert Limits(foreign=0.1).remark(0.25) == "others used 25% of a core"


def test_too_wide_starts_above_the_limit() -> None:
    limits = Limits(spread=0.3)
    assert not limits.is_too_wide(summarise([9.0, 10.0, 12.0]))
    assert limits.is_too_wide(summarise([9.0, 10.0, 12.1]))
