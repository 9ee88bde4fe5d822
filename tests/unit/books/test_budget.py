"""The weight budget: never more than the limit in any window, whoever spends."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tickwire.books.budget import WeightBudget

S = 1_000_000_000


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 50), st.integers(0, 120)), min_size=1))
def test_no_window_ever_holds_more(asked: list[tuple[int, int, int]]) -> None:
    budget = WeightBudget(100, 60)
    now, spent = 0, []
    for passed, weight, used in asked:
        now += passed * S
        if used > 100:
            # Others have taken all there was; what was asked for since is not known better.
            budget.told(used, now)
            now += 60 * S
        while wait := budget.take(weight, now):
            now += round(wait * S)
        spent.append((now, weight))
    for end, _ in spent:
        assert sum(weight for at, weight in spent if end - 60 * S < at <= end) <= 100


def test_a_wait_is_exact_and_spends_nothing() -> None:
    budget = WeightBudget(100, 60)
    assert budget.take(60, 0) == 0.0
    assert budget.take(40, 10 * S) == 0.0
    assert budget.take(50, 20 * S) == 40.0
    assert budget.take(100, 20 * S) == 50.0
    assert budget.take(60, 60 * S) == 0.0
    assert budget.take(1, 60 * S) == 10.0


def test_what_others_spent_counts_and_our_own_is_not_counted_twice() -> None:
    budget = WeightBudget(100, 60)
    assert budget.take(20, 0) == 0.0
    budget.told(20, S)
    assert budget.take(80, S) == 0.0
    budget = WeightBudget(100, 60)
    assert budget.take(20, 0) == 0.0
    budget.told(95, S)
    assert budget.take(20, 2 * S) == 58.0


def test_staying_away_is_for_the_longest_that_was_asked() -> None:
    budget = WeightBudget(100, 60)
    budget.stay_away(30, 0)
    budget.stay_away(5, S)
    assert budget.take(1, 10 * S) == 20.0
    assert budget.take(1, 30 * S) == 0.0


def test_those_that_share_it_spend_of_one_allowance() -> None:
    budget = WeightBudget(100, 60)
    assert budget.take(60, 0, 80) == 0.0
    assert budget.take(40, S, 80) == 59.0
    assert budget.take(40, S) == 0.0
    assert budget.take(10, 2 * S, 120) == 0.0
