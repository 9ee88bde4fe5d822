"""Rows, rates and directions, by a clock that the test turns."""

from __future__ import annotations

from typing import Any

import pytest

from tickwire.cli.board import WINDOW_NS, Board, RowView
from tickwire.market import AggTrade, BookSnapshot, Event, Gap, GapCause, Kline, Quote, Trade

WALL = 1_800_000_000_000_000_000
START = 5_000_000_000
SECOND = 1_000_000_000


def trade(price: float, symbol: str = "BTC-USDT", **fields: Any) -> Trade:
    fields.setdefault("ts_recv_ns", WALL)
    return Trade(symbol=symbol, price=price, size=1.0, trade_id=1, is_buyer_maker=False, **fields)


def quote(bid: float, ask: float) -> Quote:
    return Quote(
        symbol="BTC-USDT", bid_price=bid, bid_size=1, ask_price=ask, ask_size=1, ts_recv_ns=WALL
    )


def board(*symbols: str, is_live: bool = True) -> Board:
    return Board(symbols or ("BTC-USDT",), START, is_live=is_live)


def only_row(found: Board, now_ns: int = START + SECOND) -> RowView:
    (row,) = found.view(now_ns)
    return row


def test_a_symbol_without_events_has_a_row() -> None:
    row = only_row(board("BTC-USDT"))
    assert (row.symbol, row.last, row.bid, row.ask) == ("BTC-USDT", None, None, None)
    assert (row.events, row.rate, row.gaps, row.direction) == (0, 0.0, 0, 0)
    assert row.venue_p50 is row.venue_p99 is row.socket_p50 is row.socket_p99 is None


def test_a_view_at_the_start_divides_by_no_zero() -> None:
    found = board()
    found.take(trade(1.0), WALL)
    assert only_row(found, START).rate == 0.0


def test_rows_keep_their_order_and_new_symbols_follow() -> None:
    found = board("B", "A")
    for symbol in ("C", "A"):
        found.take(trade(1.0, symbol), WALL)
    assert [row.symbol for row in found.view(START)] == ["B", "A", "C"]


@pytest.mark.parametrize(
    ("prices", "direction"),
    [
        ([1.0], 0),
        ([1.0, 1.0], 0),
        ([1.0, 2.0], 1),
        ([2.0, 1.0], -1),
        ([1.0, 2.0, 2.0], 1),
        ([1.0, 2.0, 1.5, 1.5], -1),
    ],
)
def test_direction_is_that_of_the_last_change(prices: list[float], direction: int) -> None:
    found = board()
    for price in prices:
        found.take(trade(price), WALL)
    row = only_row(found)
    assert (row.direction, row.last) == (direction, prices[-1])


def test_best_bid_and_ask_come_from_quotes_and_snapshots() -> None:
    found = board()
    found.take(quote(10.5, 10.75), WALL)
    assert (only_row(found).bid, only_row(found).ask) == (10.5, 10.75)
    found.take(
        BookSnapshot(symbol="BTC-USDT", bids=[(9.0, 1.0), (8.0, 1.0)], asks=[], ts_recv_ns=WALL),
        WALL,
    )
    assert (only_row(found).bid, only_row(found).ask) == (9.0, None)


def test_aggregate_trades_set_the_price_and_candles_do_not() -> None:
    found = board()
    aggregate = AggTrade(
        symbol="BTC-USDT", price=3.0, size=1, trade_id=1, is_buyer_maker=True,
        first_trade_id=1, last_trade_id=2, ts_recv_ns=WALL,
    )  # fmt: skip
    candle = Kline(
        symbol="BTC-USDT", interval="1m", open_time=0, close_time=1, open=1, high=9, low=1,
        close=9, volume=1, is_closed=False, ts_recv_ns=WALL,
    )  # fmt: skip
    found.take(aggregate, WALL)
    found.take(candle, WALL)
    assert only_row(found).last == 3.0
    assert dict(found.kinds) == {"agg_trade": 1, "kline": 1}


def test_gaps_are_counted_apart() -> None:
    found = board("BTC-USDT", "ETH-USDT")
    gap = Gap(symbol="ETH-USDT", stream="ethusdt@depth", cause=GapCause.SEQUENCE, ts_recv_ns=WALL)
    found.take(gap, WALL)
    found.take(trade(1.0), WALL)
    assert found.gaps == 1
    assert found.events == 1
    assert [(row.gaps, row.events) for row in found.view(START)] == [(0, 1), (1, 0)]


@pytest.mark.parametrize(
    ("price", "decimals"),
    [(64212.94, 2), (64212.0, 0), (0.12345, 5), (1e-8, 8), (1e-9, 0), (0.1 + 0.2, 1), (5.0, 0)],
)
def test_decimals_are_those_of_the_price(price: float, decimals: int) -> None:
    found = board()
    found.take(trade(price), WALL)
    assert only_row(found).decimals == decimals


def test_decimals_never_shrink() -> None:
    found = board()
    found.take(trade(1.25), WALL)
    assert only_row(found).decimals == 2
    found.take(trade(2.0), WALL)
    assert only_row(found).decimals == 2


def test_both_latencies() -> None:
    found = board()
    found.take(trade(1.0, event_time=WALL // 1_000_000 - 4), WALL + 50)
    row = only_row(found)
    assert row.socket_p50 == 50
    assert row.venue_p50 == pytest.approx(4_000_050, rel=0.02)
    assert found.socket_latencies().quantile(0.99) == 50
    assert len(found.venue_latencies()) == 1


def test_no_venue_latency_without_a_venue_time_or_in_a_replay() -> None:
    live, replay = board(), board(is_live=False)
    live.take(quote(1.0, 2.0), WALL)
    replay.take(trade(1.0, event_time=WALL // 1_000_000), WALL)
    for found in (live, replay):
        assert only_row(found).venue_p99 is None
        assert len(found.venue_latencies()) == 0
        assert len(found.socket_latencies()) == 1


def test_totals_cover_all_rows() -> None:
    found = board("A", "B")
    found.take(trade(1.0, "A"), WALL + 10)
    found.take(trade(1.0, "B"), WALL + 30)
    assert len(found.socket_latencies()) == 2
    assert found.socket_latencies().quantile(1.0) == 30


def test_rate_and_latency_are_those_of_the_window() -> None:
    """A burst at the start must be forgotten a window later, though looked at many times."""
    found = board()
    for _ in range(100):
        found.take(trade(1.0), WALL + 60)
    assert only_row(found, START + SECOND).rate == pytest.approx(100)
    now = START + SECOND
    while now < START + SECOND + WINDOW_NS:
        now += SECOND // 5
        found.take(trade(1.0), WALL + 10)
        row = only_row(found, now)
    assert row.rate == pytest.approx(5, rel=0.1)
    assert row.socket_p99 == 10
    assert row.events == 115
    row = only_row(found, now + 2 * WINDOW_NS)
    assert row.rate == 0.0, "a row that has stopped says so"
    assert row.socket_p50 is None


def test_the_window_is_whole_however_seldom_one_looks() -> None:
    found = board()
    for _ in range(12):
        found.take(trade(1.0), WALL)
    step = WINDOW_NS * 2 // 3
    found.view(START + step)
    assert only_row(found, START + 2 * step).rate == pytest.approx(12e9 / (2 * step))


def test_views_do_not_pile_up() -> None:
    found = board()
    for step in range(1000):
        found.view(START + step * SECOND // 10)
    (row,) = found._rows.values()
    assert len(row.marks) <= WINDOW_NS // (SECOND // 10) + 2


def test_events_of_unknown_kinds_are_counted() -> None:
    found = board()
    found.take(Event(symbol="X", ts_recv_ns=WALL), WALL)
    assert dict(found.kinds) == {"event": 1}
