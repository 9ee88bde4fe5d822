"""Recorded traffic of the Exchange feed (April 2021): every frame is an event, and the books end
where an independent replay ends.

The recording's ``level2`` had no login yet, and its tickers no sizes.
"""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.golden.test_book_captures import lines_of
from tickwire.book import BookRules, BookState, Layout, OrderBook
from tickwire.exchanges.coinbase.exchange import ExchangeCodec
from tickwire.exchanges.coinbase.exchange_structs import ExchangeMatch, ExchangeTicker
from tickwire.market import BookDelta, BookSnapshot, Event, SequenceRule

if TYPE_CHECKING:
    from tickwire.exchanges.venue import Numbers

NAME = "COINBASE.ws.28.0.gz"
COUNTS = {"level2": 9729, "ticker": 107, "matches": 107}
# Levels of each side, best bid, best ask.
ENDS = {
    "SKL-USD": ((816, 1341), ("0.7902", "468.0"), ("0.7911", "450.0")),
    "DASH-BTC": ((436, 541), ("0.00619316", "1.68700000"), ("0.00619947", "28.99700000")),
    "YFI-BTC": ((203, 458), ("0.82553", "0.017061"), ("0.82696", "0.030000")),
}


def frames() -> list[tuple[int, bytes]]:
    found = []
    for line in lines_of(NAME):
        moment, separator, frame = line.partition(b": ")
        if separator and frame.startswith(b"{") and not moment.startswith(b"wss"):
            found.append((int(Decimal(moment.decode()) * 10**9), frame))
    return found


def replayed(numbers: Numbers) -> tuple[ExchangeCodec, list[Event]]:
    recorded = frames()
    products = {
        json.loads(frame)["product_id"] for _, frame in recorded if b'"snapshot"' in frame[:30]
    }
    codec = ExchangeCodec(numbers=numbers)
    codec.subscribe(
        [
            f"{channel}:{product}"
            for product in sorted(products)
            for channel in ("level2", "ticker", "matches")
        ]
    )
    events: list[Event] = []
    for recv_ns, frame in recorded:
        before = len(events)
        codec.receive(frame, recv_ns, events)
        is_answer = frame.startswith(b'{"type":"subscriptions"')
        assert len(events) - before == (0 if is_answer else 1), frame[:200]
    return codec, events


@pytest.mark.parametrize("numbers", ["float", "decimal"])
def test_the_books_end_where_they_should(numbers: Numbers) -> None:
    codec, events = replayed(numbers)
    stats = codec.stats
    assert Counter(stats.events) == COUNTS
    assert (stats.acks, stats.gaps, stats.stale, stats.undecodable) == (3, 0, 0, 0)
    assert stats.unknown == {}
    books: dict[str, tuple[dict[Decimal, object], dict[Decimal, object]]] = {}
    last_time: Counter[str] = Counter()
    exact = Decimal if numbers == "decimal" else lambda value: Decimal(repr(value))
    for event in events:
        if isinstance(event, BookSnapshot):
            books[event.symbol] = (
                {exact(price): size for price, size in event.bids},
                {exact(price): size for price, size in event.asks},
            )
        elif isinstance(event, BookDelta):
            assert event.ts_event_ns >= last_time[event.symbol]
            last_time[event.symbol] = event.ts_event_ns
            for side, levels in zip(books[event.symbol], (event.bids, event.asks), strict=True):
                for price, size in levels:
                    side.pop(exact(price), None)
                    if size:
                        side[exact(price)] = size
            bids, asks = books[event.symbol]
            assert max(bids) < min(asks)
    assert len(books) == 10
    number = float if numbers == "float" else Decimal
    for symbol, (counts, bid, ask) in ENDS.items():
        bids, asks = books[symbol]
        assert (len(bids), len(asks)) == counts
        assert (max(bids), bids[max(bids)]) == (Decimal(bid[0]), number(bid[1]))
        assert (min(asks), asks[min(asks)]) == (Decimal(ask[0]), number(ask[1]))


def test_the_librarys_own_book_ends_there_too() -> None:
    _, events = replayed("float")
    rules = BookRules(
        sequence=SequenceRule.UNNUMBERED,
        update=Layout(last="sequence", bids="bids", asks="asks"),
        snapshot=Layout(last="sequence", bids="bids", asks="asks"),
        limit=100_000,
    )
    books: dict[str, OrderBook] = {}
    for event in events:
        if isinstance(event, BookSnapshot):
            books[event.symbol] = OrderBook(event.symbol, rules)
            assert books[event.symbol].begin(event) is BookState.LIVE
        elif isinstance(event, BookDelta):
            assert books[event.symbol].receive(event) is BookState.LIVE
    for symbol, (counts, bid, ask) in ENDS.items():
        book = books[symbol]
        assert book.counts == counts
        assert book.bids(1) == [tuple(map(float, bid))]
        assert book.asks(1) == [tuple(map(float, ask))]


def test_trades_and_tickers_tell_of_the_same_taker() -> None:
    _, events = replayed("float")
    sides = {
        (event.symbol, event.trade_id): event.aggressor_side
        for event in events
        if isinstance(event, ExchangeMatch)
    }
    tickers = [event for event in events if isinstance(event, ExchangeTicker)]
    assert len(tickers) == 107
    for ticker in tickers:
        assert ticker.trade_id is not None
        assert sides[ticker.symbol, ticker.trade_id] == ticker.side
        assert ticker.bid_price is not None
        assert ticker.bid_size is None
