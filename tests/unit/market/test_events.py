"""Event types: times by magnitude, derived names, what may be done with an event."""

import copy
import pickle

import pytest

from tickwire.market import (
    AggressorSide,
    AggTrade,
    BookDelta,
    BookSnapshot,
    Event,
    Gap,
    GapCause,
    Kline,
    MiniTicker,
    Quote,
    Ticker,
    Trade,
    epoch_ns,
)

TRADE = Trade(
    symbol="BTC-USDT",
    price=0.5,
    size=2.0,
    trade_id=7,
    is_buyer_maker=True,
    event_time=1_700_000_000_123,
    transact_time=1_700_000_000_122_345,
)


@pytest.mark.parametrize(
    ("reading", "ns"),
    [
        (0, 0),
        (123_456_789, 123_456_789_000_000),  # a vendor sample of January 1970, in ms
        (1_672_515_782_136, 1_672_515_782_136_000_000),
        (1_672_515_782_136_789, 1_672_515_782_136_789_000),
        (1_672_515_782_136_789_123, 1_672_515_782_136_789_123),
        (99_999_999_999_999, 99_999_999_999_999_000_000),  # the last ms, in 5138
        (100_000_000_000_000, 100_000_000_000_000_000),  # the first µs, in 1973
        (99_999_999_999_999_999, 99_999_999_999_999_999_000),
        (100_000_000_000_000_000, 100_000_000_000_000_000),
        (-1, -1_000_000),
    ],
)
def test_a_reading_becomes_nanoseconds_whatever_its_unit(reading: int, ns: int) -> None:
    assert epoch_ns(reading) == ns


def test_times_are_integers_in_nanoseconds() -> None:
    assert TRADE.ts_event_ns == 1_700_000_000_123_000_000
    assert TRADE.ts_transact_ns == 1_700_000_000_122_345_000
    assert TRADE.ts_recv_ns == 0


@pytest.mark.parametrize(("is_buyer_maker", "side"), [(True, "sell"), (False, "buy")])
def test_the_aggressor_is_the_side_that_did_not_rest(is_buyer_maker: bool, side: str) -> None:
    trade = copy.copy(TRADE)
    trade.is_buyer_maker = is_buyer_maker
    assert trade.aggressor_side is AggressorSide(side)


def test_an_aggregate_is_a_trade() -> None:
    assert issubclass(AggTrade, Trade)


def test_what_was_not_sent_is_zero_or_none() -> None:
    quote = Quote(symbol="X", bid_price=1.0, bid_size=1.0, ask_price=2.0, ask_size=1.0)
    assert (quote.ts_event_ns, quote.ts_transact_ns, quote.sequence) == (0, 0, 0)
    ticker = Ticker(symbol="X", open=1.0, high=1.0, low=1.0, last_price=1.0, volume=1.0)
    assert (ticker.bid_price, ticker.trade_count, ticker.window) == (None, None, "24h")
    assert (ticker.ts_open_ns, ticker.ts_close_ns) == (0, 0)
    delta = BookDelta(symbol="X", bids=[], asks=[], first_sequence=1, sequence=1)
    assert (delta.prev_sequence, delta.ts_transact_ns) == (None, 0)
    snapshot = BookSnapshot(symbol="X", bids=[], asks=[])
    assert (snapshot.sequence, snapshot.ts_transact_ns) == (0, 0)


def test_as_a_dictionary_it_has_the_normalised_names_and_nanoseconds() -> None:
    assert TRADE.to_dict() == {
        "kind": "trade",
        "symbol": "BTC-USDT",
        "ts_event_ns": 1_700_000_000_123_000_000,
        "ts_recv_ns": 0,
        "price": 0.5,
        "size": 2.0,
        "trade_id": 7,
        "aggressor_side": "sell",
        "ts_transact_ns": 1_700_000_000_122_345_000,
    }


def test_a_candle_as_a_dictionary() -> None:
    candle = Kline(
        symbol="X",
        interval="1m",
        open_time=60_000,
        close_time=119_999,
        open=1.0,
        high=2.0,
        low=0.5,
        close=1.5,
        volume=10.0,
        is_closed=False,
    )
    row = candle.to_dict()
    assert (row["ts_open_ns"], row["ts_close_ns"]) == (60_000_000_000, 119_999_000_000)
    assert row["kind"] == "kline"
    assert "open_time" not in row


def test_a_gap_as_a_dictionary_names_its_cause() -> None:
    gap = Gap(symbol="X", stream="x@depth", cause=GapCause.SEQUENCE, last_sequence=3)
    assert gap.to_dict()["cause"] == "sequence"


def test_every_type_has_a_kind_of_its_own() -> None:
    types: list[type[Event]] = [
        *(Trade, AggTrade, Quote, Kline, MiniTicker, Ticker, BookSnapshot, BookDelta, Gap)
    ]
    assert len({kind.kind for kind in types}) == len(types)
    assert all(issubclass(kind, Event) for kind in types)


def test_an_event_goes_through_pickle() -> None:
    assert pickle.loads(pickle.dumps(TRADE)) == TRADE
