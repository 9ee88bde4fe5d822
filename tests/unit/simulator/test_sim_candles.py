"""Candles: boundaries of every interval, empty candles, jumps of time, the rolling day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickwire.simulator.candles import INTERVALS, Candles, bucket_end, bucket_start

NOON_MS = int(datetime(2024, 2, 29, 12, 0, tzinfo=UTC).timestamp()) * 1000
MINUTE = 60_000
DAY = 24 * 60 * MINUTE
TIMES = st.integers(0, 4_102_444_800_000)


@given(TIMES, st.sampled_from(sorted(INTERVALS)))
def test_every_time_lies_in_its_own_candle_and_candles_join(now_ms: int, interval: str) -> None:
    start = bucket_start(interval, now_ms)
    end = bucket_end(interval, start)
    assert start <= now_ms <= end
    assert bucket_start(interval, end) == start
    assert bucket_start(interval, end + 1) == end + 1


@given(TIMES)
def test_months_weeks_and_days_open_where_the_calendar_says(now_ms: int) -> None:
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    for interval, opening in (
        ("1d", midnight),
        ("1w", midnight - timedelta(days=midnight.weekday())),
        ("1M", midnight.replace(day=1)),
    ):
        if opening.year >= 1970:
            assert bucket_start(interval, now_ms) == int(opening.timestamp()) * 1000


@pytest.mark.parametrize(
    ("start", "last_day"), [((2024, 2), 29), ((2023, 2), 28), ((2024, 12), 31), ((2024, 4), 30)]
)
def test_a_month_ends_with_its_last_day(start: tuple[int, int], last_day: int) -> None:
    opening = int(datetime(*start, 1, tzinfo=UTC).timestamp()) * 1000
    assert bucket_end("1M", opening) + 1 - opening == last_day * DAY


def test_without_a_trade_a_candle_stands_at_the_last_price() -> None:
    candles = Candles(100, NOON_MS)
    candles.add(103, 5, 7, 8, taker_buys=True, now_ms=NOON_MS + 10)
    candles.roll(NOON_MS + 1000)
    candles.roll(NOON_MS + 2000)
    (_, traded), (_, empty) = [item for item in candles.closed if item[0] == "1s"]
    assert (traded.start_ms, traded.count, traded.first_id, traded.last_id) == (NOON_MS, 2, 7, 8)
    assert (empty.start_ms, empty.count, empty.first_id, empty.last_id) == (
        NOON_MS + 1000,
        0,
        -1,
        -1,
    )
    assert (empty.open, empty.high, empty.low, empty.close) == (103, 103, 103, 103)


def test_rolling_within_the_second_does_nothing() -> None:
    candles = Candles(100, NOON_MS)
    candles.roll(NOON_MS + 999)
    assert candles.closed == []
    assert candles.second_end_ms == NOON_MS + 1000


def test_a_jump_of_time_closes_what_ran_once_and_invents_nothing() -> None:
    candles = Candles(100, NOON_MS)
    candles.add(101, 1, 0, 0, taker_buys=False, now_ms=NOON_MS)
    candles.roll(NOON_MS + 3 * DAY + 5)
    names = [name for name, _ in candles.closed]
    assert len(names) == len(set(names))
    assert {"1s", "1m", "1h", "1d", "1M"} <= set(names)
    assert candles.current("1m").start_ms == NOON_MS + 3 * DAY
    assert candles.current("1m").count == 0


def test_a_trade_after_the_second_has_ended_belongs_to_the_next_one() -> None:
    candles = Candles(100, NOON_MS)
    candles.add(101, 1, 0, 0, taker_buys=True, now_ms=NOON_MS + 999)
    candles.add(102, 1, 1, 1, taker_buys=True, now_ms=NOON_MS + 1000)
    assert [c.close for name, c in candles.closed if name == "1s"] == [101]
    assert candles.current("1s").open == 102
    assert candles.current("1m").count == 2


def test_the_running_candle_is_a_copy() -> None:
    candles = Candles(100, NOON_MS)
    for interval in INTERVALS:
        candles.current(interval).add(500, 1, 0, 0, taker_buys=True)
        assert candles.current(interval).count == 0


def test_the_rolling_day_forgets_minutes_and_remembers_the_price_before_them() -> None:
    candles = Candles(100, NOON_MS)
    for minute, price in enumerate((90, 120, 110)):
        candles.add(price, 2, minute, minute, taker_buys=True, now_ms=NOON_MS + minute * MINUTE)
    day, before = candles.rolling_day(NOON_MS + 2 * MINUTE)
    assert (day.open, day.high, day.low, day.close, day.volume, before) == (
        90,
        120,
        90,
        110,
        6,
        100,
    )

    later = NOON_MS + DAY + 1
    candles.roll(later)
    day, before = candles.rolling_day(later)
    assert (day.open, day.high, day.low, day.volume, before) == (120, 120, 110, 4, 90)
    assert (day.start_ms, day.first_id, day.last_id) == (NOON_MS + MINUTE, 1, 2)

    candles.roll(later + DAY)
    day, before = candles.rolling_day(later + DAY)
    assert (day.count, day.open, day.close, before) == (0, 110, 110, 110)


def test_the_rolling_day_holds_at_most_a_day_of_minutes() -> None:
    candles = Candles(100, NOON_MS)
    for minute in range(2000):
        now = NOON_MS + minute * MINUTE
        candles.add(100 + minute, 1, minute, minute, taker_buys=True, now_ms=now)
    assert len(candles._minutes) <= 1441, "even if nobody asks for it"
    now = NOON_MS + 1999 * MINUTE
    day, before = candles.rolling_day(now)
    assert day.first_id == 1999 - 1440
    assert day.count == 1441, "the running minute counts besides 1440 whole ones"
    assert before == 100 + 1999 - 1441
