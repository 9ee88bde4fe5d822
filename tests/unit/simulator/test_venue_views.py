"""A book as a venue shows it: whoever applies the changes sees what the view shows."""

from __future__ import annotations

import pytest

from tickwire.simulator.book import Book
from tickwire.simulator.market import MarketModel
from tickwire.simulator.options import Market
from tickwire.simulator.symbols import default_specs
from tickwire.simulator.venues.views import BookView


def model() -> MarketModel:
    specs = default_specs(Market.SPOT)[:1]
    return MarketModel(specs, seed=7, market=Market.SPOT, cadences=0, start_ms=1)


@pytest.mark.parametrize("tells_departures", [True, False])
def test_changes_add_up_to_the_view(tells_departures: bool) -> None:
    market = model()
    book = market.instruments[0].book
    view = BookView(book, 10, tells_departures=tells_departures)
    bids, asks = map(dict, view.levels())
    last = view.last
    for number in range(3000):
        market.step(number)
        if number % 3:
            continue
        change = view.advance()
        if change is None:
            continue
        assert change.previous == last
        last = change.last
        for side, changes in ((bids, change.bids), (asks, change.asks)):
            for price, lots in changes:
                if lots:
                    side[price] = lots
                else:
                    del side[price]
        if not tells_departures:
            # As the client of such a venue does.
            bids = {price: bids[price] for price in sorted(bids, reverse=True)[:10]}
            asks = {price: asks[price] for price in sorted(asks)[:10]}
        assert (bids, asks) == (dict(book.bids.top(10)), dict(book.asks.top(10)))
    assert last > 0


def test_a_departure_is_told_or_not() -> None:
    def told(*, tells_departures: bool) -> list[tuple[int, int]]:
        book = Book(1, 0)
        for price in (100, 99):
            book.bids.put(price, 5)
        book.asks.put(110, 5)
        view = BookView(book, 2, tells_departures=tells_departures)
        book.bids.put(101, 1)
        book.commit(2)
        change = view.advance()
        assert change is not None
        return change.bids

    assert told(tells_departures=True) == [(101, 1), (99, 0)]
    assert told(tells_departures=False) == [(101, 1)]


def test_what_happens_out_of_view_is_no_change() -> None:
    book = Book(1, 0)
    for price in (100, 99, 98):
        book.bids.put(price, 5)
    book.asks.put(110, 5)
    view = BookView(book, 2)
    book.bids.put(98, 6)
    book.commit(2)
    assert view.advance() is None
    book.bids.put(100, 0)
    book.commit(3)
    change = view.advance()
    assert change is not None
    assert (change.previous, change.last) == (1, 3)
    assert change.bids == [(98, 6), (100, 0)]
