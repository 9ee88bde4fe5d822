"""The state machine of a book, by the venue's own rules and test vectors."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tickwire.book import UPDATES_KEPT, BookState, OrderBook
from tickwire.errors import BookNotLiveError, CodecError, ConfigurationError
from tickwire.exchanges.binance.books import BOOK_RULES, new_book, snapshot_url, weight
from tickwire.market import BookDelta, BookSnapshot

if TYPE_CHECKING:
    from tickwire.exchanges.binance.streams import Market

Levels = list[list[str]]


def update(
    first: int,
    last: int,
    prev: int | None = None,
    *,
    bids: Levels | None = None,
    asks: Levels | None = None,
    time: int = 0,
) -> bytes:
    document: dict[str, object] = {"e": "depthUpdate", "E": time, "U": first, "u": last}
    if prev is not None:
        document["pu"] = prev
    return json.dumps(document | {"b": bids or [], "a": asks or []}).encode()


def snapshot(last: int, bids: Levels | None = None, asks: Levels | None = None) -> bytes:
    bids = [["10.0", "1"]] if bids is None else bids
    asks = [["11.0", "2"]] if asks is None else asks
    return json.dumps({"lastUpdateId": last, "bids": bids, "asks": asks}).encode()


def live(market: Market = "spot", last: int = 160) -> OrderBook:
    book = new_book("BTC-USDT", market)
    book.receive(update(last, last, last - 1))
    assert book.take_request()
    assert book.receive_snapshot(snapshot(last))
    return book


def test_updates_come_first_then_a_snapshot_is_asked_for_once() -> None:
    book = new_book("BTC-USDT")
    assert book.state is BookState.EMPTY
    assert book.take_request() is None
    assert book.receive(update(157, 160)) is BookState.BUFFERING
    request = book.take_request()
    assert request is not None
    assert (request.symbol, request.limit, request.at_least) == ("BTC-USDT", 5000, 156)
    assert request.attempt == 1
    book.receive(update(161, 163))
    assert book.take_request() is None
    assert not book.is_live


@pytest.mark.parametrize(
    ("span", "state", "sequence"),
    [
        ((157, 160), BookState.LIVE, 160),
        ((158, 163), BookState.LIVE, 163),
        ((161, 163), BookState.LIVE, 163),
        ((162, 165), BookState.LOST, None),
        ((150, 159), BookState.LIVE, 160),
    ],
)
def test_the_spot_vectors(span: tuple[int, int], state: BookState, sequence: int | None) -> None:
    book = live()
    assert book.receive(update(*span)) is state
    assert book.sequence == sequence


def test_spot_a_snapshot_older_than_the_first_update_is_fetched_again() -> None:
    book = new_book("BTC-USDT")
    book.receive(update(157, 160))
    book.take_request()
    assert not book.receive_snapshot(snapshot(150))
    assert book.state is BookState.BUFFERING
    request = book.take_request()
    assert request is not None
    assert (request.attempt, request.at_least) == (2, 156)
    assert book.counts == (0, 0)
    assert book.receive_snapshot(snapshot(156))
    assert book.sequence == 160
    assert book.stats.snapshots_too_old == 1


@pytest.mark.parametrize(
    ("updates", "state", "sequence"),
    [
        ([(990, 999, 985)], BookState.LIVE, 1000),
        ([(995, 1003, 990)], BookState.LIVE, 1003),
        ([(995, 1003, 990), (1010, 1020, 1003)], BookState.LIVE, 1020),
        ([(995, 1003, 990), (1010, 1020, 1003), (1031, 1040, 1030)], BookState.LOST, None),
        ([(1005, 1010, 1001)], BookState.LOST, None),
        # The update before ended exactly at the snapshot: nothing can be missing.
        ([(1005, 1010, 1000)], BookState.LIVE, 1010),
        ([(995, 1000, 990), (1010, 1020, 1000)], BookState.LIVE, 1020),
    ],
)
@pytest.mark.parametrize("market", ["usdm", "coinm"])
def test_the_futures_vectors(
    market: Market,
    updates: list[tuple[int, int, int]],
    state: BookState,
    sequence: int | None,
) -> None:
    book = new_book("BTCUSDT", market)
    book.receive(update(980, 985, 970))
    assert book.receive_snapshot(snapshot(1000))
    for span in updates:
        book.receive(update(*span))
    assert (book.state, book.sequence) == (state, sequence)


def test_kept_updates_are_applied_onto_the_snapshot() -> None:
    book = new_book("BTC-USDT")
    book.receive(update(157, 160, bids=[["10.0", "9"], ["8", "1"]]))
    book.receive(update(161, 163, bids=[["10.0", "3"]], asks=[["11.0", "0"], ["12", "1"]]))
    assert book.receive_snapshot(snapshot(160))
    assert book.bids() == [(10.0, 3.0)]
    assert book.asks() == [(12.0, 1.0)]
    assert book.bbo() == (10.0, 3.0, 12.0, 1.0)
    assert book.spread == 2.0
    assert book.sequence == 163
    assert book.digits(1) == ([("10.0", "3")], [("12", "1")])


def test_a_lost_book_has_nothing_to_serve_and_says_why() -> None:
    book = live()
    book.receive(update(165, 170))
    assert (book.is_live, book.state, book.sequence) == (False, BookState.LOST, None)
    assert book.counts == (0, 0)
    for read in (book.bids, book.asks, book.bbo, book.digits, lambda: book.spread):
        with pytest.raises(BookNotLiveError, match="BTC-USDT is not live: updates are missing"):
            read()
    request = book.take_request()
    assert request is not None
    assert request.reason == book.reason
    assert (request.at_least, request.attempt) == (164, 1)
    book.receive(update(171, 172, bids=[["10.5", "7"]]))
    assert book.receive_snapshot(snapshot(171))
    assert book.sequence == 172
    assert book.bids() == [(10.5, 7.0), (10.0, 1.0)]
    assert book.reason is None
    assert book.stats.losses == 1


def test_a_hole_among_the_kept_updates_needs_a_snapshot_behind_it() -> None:
    book = new_book("BTC-USDT")
    for span in ((157, 160), (161, 163), (165, 166)):
        book.receive(update(*span))
    assert not book.receive_snapshot(snapshot(160))
    request = book.take_request()
    assert request is not None
    assert request.at_least == 164
    assert book.receive_snapshot(snapshot(164))
    assert book.sequence == 166


def test_an_update_that_cannot_be_read_is_a_hole() -> None:
    book = live()
    assert book.receive(b'{"U":161,"u":162,"b":[["x","1"]],"a":[]}') is BookState.LOST
    assert book.take_request() is None
    book.receive(update(163, 164))
    assert book.take_request() is not None
    # As a kept one it is dropped, and what follows it needs a later snapshot.
    book.receive(b"{}")
    book.receive(update(170, 171))
    assert not book.receive_snapshot(snapshot(163))
    assert book.receive_snapshot(snapshot(169))
    assert book.sequence == 171


def test_a_crossed_book_is_no_book() -> None:
    book = live()
    assert book.receive(update(161, 161, bids=[["11.0", "1"]])) is BookState.LOST
    assert "at or above" in str(book.reason)
    assert book.take_request() is not None
    assert not book.receive_snapshot(snapshot(161, bids=[["12", "1"]], asks=[["11", "1"]]))


def test_a_broken_connection_ends_it_at_once() -> None:
    book = live()
    book.invalidate("the connection broke")
    assert book.reason == "the connection broke"
    # A snapshot without an update since says nothing about the stream.
    assert not book.receive_snapshot(snapshot(170))
    assert book.take_request() is None
    book.receive(update(180, 181))
    assert book.take_request() is not None
    assert book.receive_snapshot(snapshot(181))
    fresh = new_book("BTC-USDT")
    fresh.invalidate("nothing to lose")
    assert fresh.state is BookState.EMPTY


def test_an_interruption_while_updates_are_kept_forgets_them() -> None:
    book = new_book("BTC-USDT")
    book.receive(update(157, 160))
    book.invalidate("the connection broke")
    assert book.take_request() is None
    book.receive(update(200, 201))
    request = book.take_request()
    assert request is not None
    assert request.at_least == 199
    assert not book.receive_snapshot(snapshot(161))
    assert book.receive_snapshot(snapshot(199))


def test_a_failed_fetch_is_asked_for_again() -> None:
    book = new_book("BTC-USDT")
    book.snapshot_failed()
    assert book.take_request() is None
    book.receive(update(157, 160))
    assert book.take_request() is not None
    book.snapshot_failed()
    request = book.take_request()
    assert request is not None
    assert request.attempt == 2
    with pytest.raises(CodecError):
        book.receive_snapshot(b'{"code":-1003,"msg":"Too many requests"}')
    request = book.take_request()
    assert request is not None
    assert request.attempt == 3


def test_a_snapshot_for_a_live_book_changes_nothing() -> None:
    book = live()
    assert book.receive_snapshot(snapshot(150, bids=[["1", "1"]]))
    assert book.bids() == [(10.0, 1.0)]


def test_numbers_that_begin_anew_are_noticed() -> None:
    """Else every update to come would count as old, and the levels would stay for ever."""
    book = live()
    at = 1_700_000_000_000
    assert book.receive(update(161, 162, time=at)) is BookState.LIVE
    assert book.receive(update(150, 159, time=at + 9_000)) is BookState.LIVE
    assert book.receive(update(3, 4, time=at + 10_001)) is BookState.LOST
    assert "anew" in str(book.reason)
    microseconds = live()
    microseconds.receive(update(161, 162, time=at * 1000))
    assert microseconds.receive(update(3, 4, time=at * 1000 + 10_001)) is BookState.LIVE


def test_a_snapshot_beyond_the_stream_is_noticed_although_it_tells_no_time() -> None:
    book = OrderBook("BTCUSDT", BOOK_RULES["spot"])
    at = 1_700_000_000_000
    book.receive(update(157, 160, time=at))
    assert book.receive_snapshot(snapshot(10**9))
    for second in (1, 30, 61):
        assert book.receive(update(160 + second, 160 + second, time=at + second * 1000)).value == (
            "live"
        )
    assert book.receive(update(222, 222, time=at + 62_000)) is BookState.LOST
    assert "anew" in str(book.reason)
    # A stream that was only late catches up.
    book = OrderBook("BTCUSDT", BOOK_RULES["spot"])
    book.receive(update(157, 160, time=at))
    book.receive_snapshot(snapshot(170))
    book.receive(update(161, 165, time=at + 1000))
    book.receive(update(166, 175, time=at + 59_000))
    assert book.receive(update(170, 175, time=at + 68_000)) is BookState.LIVE


def test_the_snapshots_edge() -> None:
    """Once the best price lies beyond what the snapshot covered, the best price is not known."""
    rules = BOOK_RULES["spot"]
    book = OrderBook("X", type(rules)(rules.sequence, rules.update, rules.snapshot, limit=2))
    book.receive(update(1, 1))
    sides = {"bids": [["10", "1"], ["9", "1"]], "asks": [["11", "1"]]}
    assert book.receive_snapshot(snapshot(1, **sides))
    assert book.horizon == (9.0, None)
    book.receive(update(2, 2, bids=[["10", "0"], ["8", "5"]], asks=[["11", "0"], ["99", "1"]]))
    assert book.bids() == [(9.0, 1.0), (8.0, 5.0)]
    assert book.asks() == [(99.0, 1.0)]
    book.receive(update(3, 3, bids=[["9", "0"]]))
    assert "below what the snapshot covered" in str(book.reason)
    assert set(book.horizon) == {None}


def test_kept_updates_are_bounded() -> None:
    book = new_book("BTC-USDT")
    for number in range(UPDATES_KEPT + 10):
        book.receive(update(number, number))
    assert not book.receive_snapshot(snapshot(5))
    assert book.receive_snapshot(snapshot(9))
    assert book.sequence == UPDATES_KEPT + 9


def test_events_of_the_codec_do_as_well_as_bytes() -> None:
    book = new_book("BTC-USDT", numbers="decimal")
    delta = BookDelta(
        symbol="BTCUSDT",
        bids=[(10.1, 1.5)],
        asks=[],
        first_sequence=161,
        sequence=162,
        event_time=1_700_000_000_000,
    )
    book.receive(delta)
    assert book.receive_snapshot(
        BookSnapshot(symbol="BTCUSDT", bids=[(10.0, 1e-7)], asks=[(11.0, 2.0)], sequence=160)
    )
    bids: object = book.bids()
    bbo: object = book.bbo()
    assert bids == [(Decimal("10.1"), Decimal("1.5")), (Decimal(10), Decimal("1E-7"))]
    assert bbo == (Decimal("10.1"), Decimal("1.5"), Decimal(11), Decimal(2))
    assert book.spread == Decimal("0.9")
    assert book.ts_event_ns == 1_700_000_000_000 * 1_000_000


def test_an_empty_side() -> None:
    book = new_book("X")
    book.receive(update(1, 1))
    assert book.receive_snapshot(snapshot(1, asks=[]))
    assert book.bbo() == (10.0, 1.0, None, None)
    assert book.spread is None


def test_snapshot_urls_and_weights() -> None:
    book = new_book("BTC-USDT", "usdm")
    book.receive(update(1, 1, 0))
    request = book.take_request()
    assert request is not None
    assert snapshot_url(request, "usdm") == (
        "https://fapi.binance.com/fapi/v1/depth?symbol=BTCUSDT&limit=1000"
    )
    assert snapshot_url(request, "coinm", base_url="http://127.0.0.1:1/") == (
        "http://127.0.0.1:1/dapi/v1/depth?symbol=BTCUSDT&limit=1000"
    )
    assert [weight("spot", n) for n in (5, 100, 101, 1000, 5000)] == [5, 5, 25, 50, 250]
    assert [weight("usdm", n) for n in (50, 100, 500, 1000)] == [2, 5, 10, 20]
    with pytest.raises(ConfigurationError, match="deepest has 1000"):
        weight("coinm", 5000)


def test_numbers_are_floats_or_decimals() -> None:
    with pytest.raises(ConfigurationError, match="float and decimal"):
        new_book("X", numbers="int")  # type: ignore[arg-type]
