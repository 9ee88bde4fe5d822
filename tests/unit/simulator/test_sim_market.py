"""The generated market: what must hold after every single step, for any seed."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tickwire.errors import ConfigurationError
from tickwire.simulator import market as market_module
from tickwire.simulator.candles import INTERVALS, Candle, bucket_start
from tickwire.simulator.market import MAX_LEVELS, MIN_LEVELS, Fill, MarketEvent, MarketModel
from tickwire.simulator.options import Market
from tickwire.simulator.symbols import SymbolSpec, default_specs

if TYPE_CHECKING:
    from tickwire.simulator.book import Book

START_MS = 1_700_000_000_123
SEEDS = st.integers(0, 2**32)
MARKETS = st.sampled_from(Market)
Sides = tuple[dict[int, int], dict[int, int]]


def make_model(
    seed: int, market: Market = Market.SPOT, *, symbols: int = 2, cadences: int = 1
) -> MarketModel:
    specs = default_specs(market)[:symbols]
    return MarketModel(specs, seed=seed, market=market, cadences=cadences, start_ms=START_MS)


def state_of(book: Book) -> Sides:
    return dict(book.bids.lots), dict(book.asks.lots)


@settings(max_examples=12, deadline=None)
@given(SEEDS, MARKETS)
def test_a_book_is_never_crossed_and_keeps_its_size(seed: int, market: Market) -> None:
    model = make_model(seed, market)
    for step in range(400):
        book = model.step(START_MS + step).instrument.book
        assert book.bids.best < book.asks.best
        assert book.bids.best == max(book.bids.lots)
        assert book.asks.best == min(book.asks.lots)
        for side in (book.bids, book.asks):
            assert MIN_LEVELS <= len(side) <= MAX_LEVELS
            assert len(side) == len(side.lots)
            assert min(side.lots) >= 1
            assert min(side.lots.values()) >= 1


@settings(max_examples=12, deadline=None)
@given(SEEDS, MARKETS, st.lists(st.integers(1, 40), min_size=1, max_size=25))
def test_a_snapshot_plus_the_changes_is_the_book_at_every_update_id(
    seed: int, market: Market, pauses: list[int]
) -> None:
    """One window is emptied after each step, a second one now and then: both follow exactly."""
    model = make_model(seed, market, cadences=2)
    followers = {i.index: [state_of(i.book), state_of(i.book)] for i in model.instruments}
    for pause in pauses:
        for step in range(pause):
            instrument = model.step(START_MS + step).instrument
            book = instrument.book
            change = book.take(0)
            assert change is not None
            assert change.first == change.last == book.last_update_id
            apply_levels(followers[instrument.index][0], change.bids, change.asks)
            assert followers[instrument.index][0] == state_of(book)
        for instrument in model.instruments:
            change = instrument.book.take(1)
            if change is not None:
                apply_levels(followers[instrument.index][1], change.bids, change.asks)
            assert followers[instrument.index][1] == state_of(instrument.book)


def apply_levels(sides: Sides, bids: list[tuple[int, int]], asks: list[tuple[int, int]]) -> None:
    for side, levels in zip(sides, (bids, asks), strict=True):
        for price, lots in levels:
            if lots:
                side[price] = lots
            else:
                side.pop(price, None)


@settings(max_examples=12, deadline=None)
@given(SEEDS, st.lists(st.integers(0, 9), min_size=2, max_size=40))
def test_spot_update_ids_count_up_by_one_and_changes_join_without_a_hole(
    seed: int, pauses: list[int]
) -> None:
    model = make_model(seed, symbols=1)
    book = model.instruments[0].book
    last = book.last_update_id
    for pause in pauses:
        for _ in range(pause):
            before = book.last_update_id
            model.step(START_MS)
            assert book.last_update_id == before + 1
        change = book.take(0)
        assert (change is None) == (pause == 0)
        if change is not None:
            assert (change.first, change.previous) == (last + 1, last)
            last = change.last
            assert last == book.last_update_id


@settings(max_examples=12, deadline=None)
@given(SEEDS, st.lists(st.integers(0, 9), min_size=2, max_size=40))
def test_futures_update_ids_are_shared_and_changes_link_by_the_previous_id(
    seed: int, pauses: list[int]
) -> None:
    model = make_model(seed, Market.USDM, symbols=3)
    last = {i.index: i.book.last_update_id for i in model.instruments}
    newest = max(last.values())
    for pause in pauses:
        for _ in range(pause):
            update_id = model.step(START_MS).instrument.book.last_update_id
            assert update_id > newest
            newest = update_id
        for instrument in model.instruments:
            change = instrument.book.take(0)
            if change is not None:
                assert change.previous == last[instrument.index] < change.first <= change.last
                last[instrument.index] = change.last


def test_futures_update_ids_leave_holes_so_that_the_spot_rule_does_not_hold_by_chance() -> None:
    model = make_model(1, Market.USDM, symbols=1)
    book = model.instruments[0].book
    jumps = set()
    for _ in range(200):
        before = book.last_update_id
        model.step(START_MS)
        jumps.add(book.last_update_id - before)
    assert jumps == {1, 2, 3, 4}


@settings(max_examples=12, deadline=None)
@given(SEEDS)
def test_a_market_order_trades_what_the_book_had_best_first(seed: int) -> None:
    model = make_model(seed)
    seen = 0
    for step in range(400):
        before = {i.index: state_of(i.book) for i in model.instruments}
        ids = {i.index: (i.next_trade_id, i.next_aggregate_id) for i in model.instruments}
        event = model.step(START_MS + step)
        if event.fills:
            seen += 1
            index = event.instrument.index
            check_fills(event, before[index], *ids[index])
    assert seen


def check_fills(event: MarketEvent, before: Sides, trade_id: int, aggregate_id: int) -> None:
    taker_sells = event.fills[0].buyer_is_maker
    side = before[0] if taker_sells else before[1]
    best_first = sorted(side, reverse=taker_sells)
    assert [fill.price for fill in event.fills] == best_first[: len(event.fills)]
    book = event.instrument.book
    after = state_of(book)[0 if taker_sells else 1]
    for number, fill in enumerate(event.fills):
        assert fill.buyer_is_maker is taker_sells
        assert (fill.first_id, fill.aggregate_id) == (trade_id, aggregate_id + number)
        assert sum(fill.parts) == fill.lots
        assert min(fill.parts) >= 1
        trade_id = fill.last_id + 1
        assert after.get(fill.price, 0) == side[fill.price] - fill.lots
        if number < len(event.fills) - 1:
            assert fill.price not in after
    assert event.instrument.next_trade_id == trade_id


def test_there_are_sweeps_over_several_levels_and_fills_of_several_parts() -> None:
    model = make_model(3)
    fills = [model.step(START_MS).fills for _ in range(4000)]
    assert max(map(len, fills)) >= 2
    assert {len(fill.parts) for parts in fills for fill in parts} == {1, 2, 3}


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_the_best_is_said_to_have_changed_exactly_when_it_has(seed: int) -> None:
    model = make_model(seed, symbols=1)
    book = model.instruments[0].book
    for _ in range(300):
        before = book.bids.best_level(), book.asks.best_level()
        changed = model.step(START_MS).best_changed
        assert changed == (before != (book.bids.best_level(), book.asks.best_level()))


@settings(max_examples=12, deadline=None)
@given(SEEDS, st.lists(st.integers(0, 90_000), min_size=30, max_size=120))
def test_candles_are_the_fold_of_the_fills(seed: int, pauses: list[int]) -> None:
    """Against a fold of our own over all fills, for every interval, closed and running."""
    model = make_model(seed, symbols=1)
    instrument = model.instruments[0]
    now = START_MS
    fills: list[tuple[int, Fill]] = []
    for pause in pauses:
        now += pause
        for _ in range(8):
            fills += ((now, fill) for fill in model.step(now).fills)
    instrument.candles.roll(now)
    for interval in INTERVALS:
        expected: dict[int, list[Fill]] = defaultdict(list)
        for at, fill in fills:
            expected[bucket_start(interval, at)].append(fill)
        closed = [c for name, c in instrument.candles.closed if name == interval and c.count]
        running = instrument.candles.current(interval)
        candles = [*closed, *([running] if running.count else [])]
        assert [candle.start_ms for candle in candles] == sorted(expected)
        for candle in candles:
            check_candle(candle, expected[candle.start_ms])


def check_candle(candle: Candle, fills: list[Fill]) -> None:
    prices = [fill.price for fill in fills]
    bought = [fill for fill in fills if not fill.buyer_is_maker]
    assert (candle.open, candle.close) == (prices[0], prices[-1])
    assert (candle.high, candle.low) == (max(prices), min(prices))
    assert (candle.first_id, candle.last_id) == (fills[0].first_id, fills[-1].last_id)
    assert candle.count == sum(len(fill.parts) for fill in fills)
    assert candle.volume == sum(fill.lots for fill in fills)
    assert candle.quote == sum(fill.lots * fill.price for fill in fills)
    assert candle.buy_volume == sum(fill.lots for fill in bought)
    assert candle.buy_quote == sum(fill.lots * fill.price for fill in bought)


def test_the_same_seed_gives_the_same_market_and_another_seed_another() -> None:
    def history(seed: int) -> list[tuple[str, object, Sides]]:
        model = make_model(seed, symbols=8)
        events = [model.step(START_MS + step // 7) for step in range(2000)]
        return [
            (event.instrument.spec.symbol, event.fills, state_of(event.instrument.book))
            for event in events
        ]

    assert history(5) == history(5)
    assert history(5) != history(6)


@pytest.mark.parametrize("start_price", ["10.00", "64213.10"])
def test_a_long_run_stays_near_its_start(start_price: str) -> None:
    spec = SymbolSpec("AAA", "USDT", "0.01", "0.001", start_price)
    model = MarketModel([spec], seed=9, market=Market.SPOT, cadences=0, start_ms=START_MS)
    book = model.instruments[0].book
    low = high = spec.start_ticks
    for _ in range(30_000):
        model.step(START_MS)
        low, high = min(low, book.bids.best), max(high, book.asks.best)
    assert spec.start_ticks * 0.5 < low < high < spec.start_ticks * 1.5
    assert high - low > 10, "the price does move"


@pytest.mark.parametrize(("target", "largest"), [(26, 500), (200, 205)])
def test_the_bounds_of_a_side_hold_when_it_is_pressed_against_them(
    target: int, largest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Books that open at a bound; what falls off the far end is told as a change like any other."""
    monkeypatch.setattr(market_module, "TARGET_LEVELS", target)
    monkeypatch.setattr(market_module, "MAX_LEVELS", largest)
    monkeypatch.setattr(market_module, "_FULL_CANCEL_SHARE", 0.7 if target == 26 else 0.0)
    monkeypatch.setattr(market_module, "_TRADE_SHARE", 0.5 if target == 26 else 0.0)
    model = make_model(4, symbols=1)
    book = model.instruments[0].book
    follower, sizes = state_of(book), set()
    for _ in range(2000):
        model.step(START_MS)
        change = book.take(0)
        assert change is not None
        apply_levels(follower, change.bids, change.asks)
        assert follower == state_of(book)
        sizes |= {len(book.bids), len(book.asks)}
    assert min(sizes) >= MIN_LEVELS
    assert max(sizes) <= largest
    assert (MIN_LEVELS if target == 26 else largest) in sizes, "the bound was reached"


def test_an_impossible_market_is_refused() -> None:
    spec = default_specs(Market.SPOT)[0]
    coarse = SymbolSpec("AAA", "USDT", "1", "1", "999")
    for specs in ([], [spec, spec], [coarse]):
        with pytest.raises(ConfigurationError):
            MarketModel(specs, seed=1, market=Market.SPOT, cadences=1, start_ms=START_MS)
