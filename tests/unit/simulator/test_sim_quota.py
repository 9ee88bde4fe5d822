"""Weights, order counts, bans and connection attempts."""

from __future__ import annotations

import pytest

from tickwire.simulator.options import Limits, Market
from tickwire.simulator.quota import Attempts, OrderQuota, Weights, interval_of
from tickwire.simulator.refusals import Refused

MINUTE = 60_000
NOW = 1_700_000_000_000 // MINUTE * MINUTE


def refused(weights: Weights, weight: int, now_ms: int) -> Refused:
    with pytest.raises(Refused) as caught:
        weights.charge(weight, now_ms)
    return caught.value


def test_weight_is_counted_by_the_minute_of_the_clock() -> None:
    weights = Weights(Limits(request_weight=10))
    weights.charge(6, NOW + 59_000)
    weights.charge(4, NOW + 59_999)
    refusal = refused(weights, 1, NOW + 59_999)
    assert (refusal.status, refusal.code) == (429, -1003)
    assert refusal.data == {"serverTime": NOW + 59_999, "retryAfter": NOW + MINUTE}
    assert weights.used(NOW + 59_999) == 10
    weights.charge(10, NOW + MINUTE)
    assert weights.report(NOW + MINUTE) == {
        "rateLimitType": "REQUEST_WEIGHT",
        "interval": "MINUTE",
        "intervalNum": 1,
        "limit": 10,
        "count": 10,
    }


def test_who_goes_on_is_banned_and_let_in_again() -> None:
    weights = Weights(Limits(request_weight=1, refusals_before_ban=3, ban_seconds=120))
    weights.charge(1, NOW)
    assert [refused(weights, 1, NOW + i).status for i in range(3)] == [429, 429, 418]
    until = NOW + 2 + 120_000
    # The new minute does not help.
    refusal = refused(weights, 1, until - 1)
    assert (refusal.status, refusal.data) == (
        418,
        {"serverTime": until - 1, "retryAfter": until},
    )
    weights.charge(1, until)


def test_refusals_of_different_minutes_do_not_add_up_to_a_ban() -> None:
    weights = Weights(Limits(request_weight=1, refusals_before_ban=2))
    for minute in range(4):
        now = NOW + minute * MINUTE
        weights.charge(1, now)
        assert refused(weights, 1, now).status == 429


def test_what_turned_out_to_be_free_is_given_back() -> None:
    weights = Weights(Limits(request_weight=2))
    for _ in range(5):
        weights.charge(2, NOW)
        weights.refund(2, NOW)
    weights.refund(2, NOW)
    assert weights.used(NOW) == 0


def test_orders_are_counted_over_both_times() -> None:
    quota = OrderQuota(Limits(orders=2, orders_long=3))
    quota.charge(NOW)
    quota.charge(NOW)
    with pytest.raises(Refused) as caught:
        quota.charge(NOW + 9_999)
    assert (caught.value.code, caught.value.status) == (-1015, 429)
    assert caught.value.data == {"serverTime": NOW + 9_999, "retryAfter": NOW + 10_000}
    quota.charge(NOW + 10_000)
    with pytest.raises(Refused):
        quota.charge(NOW + 20_000)
    short, long = quota.report(NOW + 20_000)
    assert (short["interval"], short["intervalNum"], short["count"]) == ("SECOND", 10, 0)
    assert (long["interval"], long["intervalNum"], long["count"]) == ("DAY", 1, 3)


def test_attempts_are_counted_over_the_last_minutes_whenever_they_began() -> None:
    attempts = Attempts(Limits(connection_attempts=2, attempt_seconds=300))
    assert attempts.retry_after(NOW) is None
    assert attempts.retry_after(NOW + 200_000) is None
    assert attempts.retry_after(NOW + 299_500) == 1
    assert attempts.retry_after(NOW + 250_000) == 50
    assert attempts.retry_after(NOW + 300_000) is None
    assert attempts.retry_after(NOW + 300_001) == 200


@pytest.mark.parametrize(
    ("seconds", "interval", "number"),
    [
        (0.2, "SECOND", 1),
        (10, "SECOND", 10),
        (60, "MINUTE", 1),
        (300, "MINUTE", 5),
        (7200, "HOUR", 2),
        (86_400, "DAY", 1),
    ],
)
def test_intervals_have_the_venues_names(seconds: float, interval: str, number: int) -> None:
    assert interval_of(seconds) == {"interval": interval, "intervalNum": number}


def test_the_venues_own_limits() -> None:
    spot, futures = Limits.of(Market.SPOT), Limits.of(Market.COINM)
    assert (spot.request_weight, spot.orders, spot.connection_attempts) == (6000, 50, 300)
    assert (futures.request_weight, futures.orders, futures.orders_long) == (2400, 300, 1200)
