"""The address's allowance."""

from __future__ import annotations

import pytest

from tickwire.exchanges.binance.weights import RateLimit, WeightBudget, rate_limits_of_headers

MINUTE = 60_000
NOON = 1_700_000_040_000
assert NOON % MINUTE == 0


def weight(limit: int | None, count: int | None) -> RateLimit:
    return RateLimit("REQUEST_WEIGHT", "MINUTE", 1, limit, count)


def test_a_minute_is_full_and_the_next_is_not() -> None:
    budget = WeightBudget("usdm")
    for _ in range(240):
        assert budget.open_at(10, NOON) <= NOON
        budget.spend(10, NOON)
    assert budget.open_at(1, NOON + 59_999) == NOON + MINUTE
    assert budget.open_at(1, NOON + MINUTE) <= NOON + MINUTE


def test_one_request_above_the_limit_is_let_through_alone() -> None:
    budget = WeightBudget("spot")
    budget.observe([weight(100, 0)], NOON, NOON)
    assert budget.open_at(250, NOON) <= NOON
    budget.spend(250, NOON)
    assert budget.open_at(1, NOON) == NOON + MINUTE


def test_what_the_venue_counts_includes_other_programs() -> None:
    budget = WeightBudget("spot")
    budget.spend(5, NOON)
    budget.observe([weight(6000, 5990)], NOON, NOON + 5)
    assert budget.open_at(10, NOON + 5) <= NOON + 5
    assert budget.open_at(11, NOON + 5) == NOON + MINUTE
    # An older answer, which comes late, takes nothing back.
    budget.observe([weight(6000, 100)], NOON, NOON + 6)
    assert budget.used(NOON + 6) == 5990


def test_a_count_of_the_last_minute_is_not_charged_to_this_one() -> None:
    budget = WeightBudget("spot")
    budget.observe([weight(6000, 6000)], NOON - 1, NOON + 1)
    assert budget.open_at(1, NOON + 1) <= NOON + 1


def test_closed_until() -> None:
    budget = WeightBudget("spot")
    assert budget.close_until(NOON + 120_000, NOON) == NOON + 120_000
    assert budget.open_at(1, NOON + 119_999) == NOON + 120_000
    assert budget.open_at(1, NOON + 120_000) <= NOON + 120_000
    assert budget.close_until(None, NOON + 130_000) == NOON + 3 * MINUTE


def test_too_many_orders_stops_orders_only() -> None:
    budget = WeightBudget("spot")
    budget.close_until(NOON + 10_000, NOON, orders_only=True)
    assert budget.open_at(1, NOON) <= NOON
    assert budget.open_at(1, NOON, is_order=True) == NOON + 10_000


def test_an_order_limit_that_is_used_up_waits_for_its_window() -> None:
    budget = WeightBudget("spot")
    ten = RateLimit("ORDERS", "SECOND", 10, 50, 50)
    budget.observe([ten, RateLimit("ORDERS", "MINUTE", 1, 100, 60)], NOON + 3, NOON + 9)
    assert budget.open_at(1, NOON + 9) <= NOON + 9
    assert budget.open_at(1, NOON + 9, is_order=True) == NOON + 10_000
    # An order that is filled is given back.
    budget.observe([RateLimit("ORDERS", "SECOND", 10, 50, 49)], NOON + 10, NOON + 11)
    assert budget.open_at(1, NOON + 11, is_order=True) <= NOON + 11


def test_an_order_limit_of_a_day_is_the_venue_s_to_enforce() -> None:
    """It may be given back at any time, and nobody would be told: a day is too long to wait."""
    budget = WeightBudget("spot")
    budget.observe([RateLimit("ORDERS", "DAY", 1, 10, 10)], NOON, NOON)
    assert budget.open_at(1, NOON, is_order=True) <= NOON


@pytest.mark.parametrize("value", ["\xb2", "\u0663", "-1", "1.5", ""])
def test_a_count_that_is_none_is_left_out(value: str) -> None:
    assert rate_limits_of_headers([("X-MBX-USED-WEIGHT-1M", value)]) == []


def test_headers_and_limits_come_together() -> None:
    budget = WeightBudget("spot")
    budget.observe([weight(6000, 3), RateLimit("ORDERS", "SECOND", 10, 50, 1)], NOON, NOON)
    told = rate_limits_of_headers(
        [
            ("X-MBX-USED-WEIGHT-1M", "17"),
            ("x-mbx-order-count-10s", "2"),
            ("x-mbx-used-weight", "17"),
            ("x-mbx-used-weight-1x", "17"),
            ("x-mbx-order-count-1d", "none"),
            ("content-length", "2"),
        ]
    )
    budget.observe(told, NOON, NOON)
    assert set(budget.rate_limits) == {weight(6000, 17), RateLimit("ORDERS", "SECOND", 10, 50, 2)}
    assert budget.used(NOON) == 17


@pytest.mark.parametrize("product", ["spot", "usdm", "coinm"])
def test_limits_at_the_start(product: str) -> None:
    budget = WeightBudget(product)  # type: ignore[arg-type]
    assert budget.limit == (6000 if product == "spot" else 2400)
    assert budget.rate_limits == ()
