"""The streams of the generated market agree with one another, as a client would check it.

The checks read nothing but the JSON that is sent, with an order book and folds of their own.
"""

from __future__ import annotations

import json
from collections import defaultdict
from decimal import ROUND_DOWN, Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tickwire.simulator.candles import bucket_start
from tickwire.simulator.emitter import Emitter
from tickwire.simulator.market import MarketModel
from tickwire.simulator.options import Market
from tickwire.simulator.streams import SCHEDULES
from tickwire.simulator.symbols import default_specs

START_MS = 1_700_000_000_123
SEEDS = st.integers(0, 2**32)
Book = tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]]


def first_symbol(market: Market) -> str:
    return default_specs(market)[0].symbol


class Everything:
    """A container that has every stream."""

    def __contains__(self, stream: object) -> bool:
        return True


class Run:
    """A market with its emitter, and everything that was published, by stream."""

    def __init__(
        self, market: Market, *, seed: int = 1, symbols: int = 2, wanted: Any = None
    ) -> None:
        self.now = START_MS
        self.model = MarketModel(
            default_specs(market)[:symbols],
            seed=seed,
            market=market,
            cadences=len(SCHEDULES[market].depth),
            start_ms=START_MS,
        )
        self.log: list[tuple[str, bytes]] = []
        self.emitter = Emitter(
            self.model,
            market=market,
            publish=lambda stream, payload: self.log.append((stream, payload)),
            wanted=Everything() if wanted is None else wanted,
            start_ms=START_MS,
        )

    def go(self, slices: int, *, steps: int = 10, pause_ms: int = 7) -> None:
        for _ in range(slices):
            self.now += pause_ms
            for _ in range(steps):
                self.emitter.step(self.now)
            self.emitter.tick(self.now)

    def of(self, stream: str) -> list[Any]:
        return [json.loads(payload) for name, payload in self.log if name == stream]

    def snapshot(self, symbol: str) -> Any:
        body = self.emitter.snapshot(symbol, 5000, self.now)
        assert body is not None
        return json.loads(body)


def book_of(snapshot: Any) -> Book:
    bids, asks = (
        {Decimal(price): Decimal(lots) for price, lots in snapshot[side]}
        for side in ("bids", "asks")
    )
    return bids, asks


def follow(book: Book, update: Any) -> None:
    for side, levels in zip(book, (update["b"], update["a"]), strict=True):
        for price, quantity in levels:
            if Decimal(quantity):
                side[Decimal(price)] = Decimal(quantity)
            else:
                side.pop(Decimal(price), None)


@settings(max_examples=8, deadline=None)
@given(SEEDS, st.sampled_from([("@depth", 0), ("@depth@100ms", 1)]), st.integers(1, 60))
def test_spot_depth_follows_the_vendors_rules_onto_the_next_snapshot(
    seed: int, stream: tuple[str, int], lead: int
) -> None:
    """The snapshot is taken at an arbitrary time in the stream, as a client's REST call is."""
    suffix, _ = stream
    run = Run(Market.SPOT, seed=seed, symbols=1)
    run.go(lead)
    snapshot = run.snapshot("BTCUSDT")
    run.go(200)
    updates = run.of(f"btcusdt{suffix}")
    for before, after in pairwise(updates):
        assert after["U"] == before["u"] + 1
    book, local = book_of(snapshot), snapshot["lastUpdateId"]
    survivors = [update for update in updates if update["u"] > local]
    assert survivors[0]["U"] <= local + 1 <= survivors[0]["u"]
    for update in survivors:
        follow(book, update)
        local = update["u"]
    rest = run.model.instruments[0].book
    run.go(1, steps=0, pause_ms=1000)
    for update in run.of(f"btcusdt{suffix}"):
        if update["u"] > local:
            follow(book, update)
            local = update["u"]
    assert local == rest.last_update_id
    assert book == book_of(run.snapshot("BTCUSDT"))


@settings(max_examples=8, deadline=None)
@given(SEEDS, st.sampled_from(["@depth", "@depth@500ms", "@depth@100ms"]), st.integers(1, 60))
def test_futures_depth_follows_the_vendors_rules_onto_the_next_snapshot(
    seed: int, suffix: str, lead: int
) -> None:
    run = Run(Market.USDM, seed=seed, symbols=2)
    run.go(lead)
    snapshot = run.snapshot("ETHUSDT")
    run.go(200)
    run.go(1, steps=0, pause_ms=1000)
    updates = run.of(f"ethusdt{suffix}")
    for before, after in pairwise(updates):
        assert after["pu"] == before["u"] < after["U"]
    book, local = book_of(snapshot), snapshot["lastUpdateId"]
    survivors = [update for update in updates if update["u"] >= local]
    for update in survivors:
        follow(book, update)
    # Either the stream reaches across the snapshot, or nothing happened before its first message.
    first = survivors[0]
    assert first["U"] <= local <= first["u"] or first["pu"] == local
    assert book == book_of(run.snapshot("ETHUSDT"))


def assert_best_first(update: Any) -> None:
    bids, asks = ([Decimal(price) for price, _ in update[side]] for side in "ba")
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)


@pytest.mark.parametrize("market", Market)
def test_partial_depth_and_quotes_are_the_top_of_the_followed_book(market: Market) -> None:
    run = Run(market, symbols=1)
    symbol = first_symbol(market)
    book, lower = book_of(run.snapshot(symbol)), symbol.lower()
    tops = quotes = 0
    for _ in range(150):
        seen = len(run.log)
        run.go(1)
        payloads = {name: json.loads(payload) for name, payload in run.log[seen:]}
        update = payloads.get(f"{lower}@depth@100ms")
        if update is None:
            continue
        follow(book, update)
        assert_best_first(update)
        bids = sorted(book[0].items(), reverse=True)
        asks = sorted(book[1].items())
        for count in (5, 10, 20):
            top = payloads[f"{lower}@depth{count}@100ms"]
            sides = ("bids", "asks") if market is Market.SPOT else ("b", "a")
            for side, expected in zip(sides, (bids, asks), strict=True):
                assert [tuple(map(Decimal, level)) for level in top[side]] == expected[:count]
            last_id = top["lastUpdateId" if market is Market.SPOT else "u"]
            assert last_id == update["u"]
            tops += 1
        quote = payloads.get(f"{lower}@bookTicker")
        if quote is not None:
            assert (Decimal(quote["b"]), Decimal(quote["B"])) == bids[0]
            assert (Decimal(quote["a"]), Decimal(quote["A"])) == asks[0]
            assert quote["u"] <= update["u"]
            quotes += 1
    assert tops > 20
    assert quotes > 5


@settings(max_examples=8, deadline=None)
@given(SEEDS, st.integers(1, 400))
def test_closed_klines_are_the_fold_of_the_trades(seed: int, pause_ms: int) -> None:
    run = Run(Market.SPOT, seed=seed, symbols=1)
    run.go(150, pause_ms=pause_ms)
    trades = run.of("btcusdt@trade")
    for interval in ("1s", "1m"):
        expected: dict[int, list[Any]] = defaultdict(list)
        for trade in trades:
            expected[bucket_start(interval, trade["T"])].append(trade)
        closed = [m["k"] for m in run.of(f"btcusdt@kline_{interval}") if m["k"]["x"]]
        assert [k["t"] for k in closed if k["n"]] == [
            start for start in sorted(expected) if start < bucket_start(interval, run.now)
        ]
        for kline in closed:
            if kline["n"]:
                check_kline(kline, expected[kline["t"]])


def check_kline(kline: Any, trades: list[Any]) -> None:
    prices = [Decimal(trade["p"]) for trade in trades]
    volumes = [Decimal(trade["q"]) for trade in trades]
    bought = [not trade["m"] for trade in trades]
    amounts = [price * volume for price, volume in zip(prices, volumes, strict=True)]
    assert [Decimal(kline[key]) for key in "ohlc"] == [
        prices[0],
        max(prices),
        min(prices),
        prices[-1],
    ]
    assert (kline["f"], kline["L"], kline["n"]) == (trades[0]["t"], trades[-1]["t"], len(trades))
    assert Decimal(kline["v"]) == sum(volumes)
    assert Decimal(kline["q"]) == sum(amounts)
    assert Decimal(kline["V"]) == sum(v for v, buy in zip(volumes, bought, strict=True) if buy)
    assert Decimal(kline["Q"]) == sum(a for a, buy in zip(amounts, bought, strict=True) if buy)


@pytest.mark.parametrize("market", Market)
def test_a_candle_is_closed_before_its_successor_is_told_of(market: Market) -> None:
    run = Run(market, symbols=1)
    run.go(450, steps=3, pause_ms=197)
    klines = [message["k"] for message in run.of(f"{first_symbol(market).lower()}@kline_1m")]
    assert sum(kline["x"] for kline in klines) >= 1
    for before, after in pairwise(klines):
        if before["x"]:
            assert after["t"] == before["T"] + 1
        else:
            assert after["t"] == before["t"]
            assert after["n"] >= before["n"]


def test_trades_and_aggregate_trades_say_the_same() -> None:
    run = Run(Market.SPOT, symbols=1)
    run.go(200)
    trades = {trade["t"]: trade for trade in run.of("btcusdt@trade")}
    assert list(trades) == list(range(min(trades), max(trades) + 1))
    aggregates = run.of("btcusdt@aggTrade")
    ids = [aggregate["a"] for aggregate in aggregates]
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    covered: list[int] = []
    for aggregate in aggregates:
        parts = range(aggregate["f"], aggregate["l"] + 1)
        covered += parts
        assert sum(Decimal(trades[i]["q"]) for i in parts) == Decimal(aggregate["q"])
        assert {trades[i]["p"] for i in parts} == {aggregate["p"]}
        assert {trades[i]["m"] for i in parts} == {aggregate["m"]}
    assert covered == list(trades)


CONTRACT = 100
"""Dollars in a contract of the first COIN-M instrument."""


def worth(market: Market, price: Decimal, quantity: Decimal) -> Decimal:
    """Of a trade: in the quote asset, for COIN-M in the base asset, cut to eight decimals."""
    if market is not Market.COINM:
        return price * quantity
    return (quantity * CONTRACT / price).quantize(Decimal("0.00000001"), ROUND_DOWN)


@pytest.mark.parametrize("market", Market)
def test_statistics_are_the_fold_of_all_trades(market: Market) -> None:
    run = Run(market, symbols=1)
    run.go(400, pause_ms=11)
    # One more pause, so that the last statistics come after the last trade.
    run.go(1, steps=0, pause_ms=2000)
    symbol = first_symbol(market).lower()
    trades = run.of(f"{symbol}@aggTrade")
    prices = [Decimal(trade["p"]) for trade in trades]
    volume = sum((Decimal(trade["q"]) for trade in trades), Decimal(0))
    worths = (worth(market, Decimal(trade["p"]), Decimal(trade["q"])) for trade in trades)
    amount = sum(worths, Decimal(0))
    for name in ("miniTicker", "ticker"):
        stats = run.of(f"{symbol}@{name}")[-1]
        assert [Decimal(stats[key]) for key in "ohlc"] == [
            prices[0],
            max(prices),
            min(prices),
            prices[-1],
        ]
        assert (Decimal(stats["v"]), Decimal(stats["q"])) == (volume, amount)
    assert stats["n"] == sum(trade["l"] - trade["f"] + 1 for trade in trades)
    assert (stats["F"], stats["L"]) == (trades[0]["f"], trades[-1]["l"])
    assert Decimal(stats["p"]) == prices[-1] - prices[0]
    assert Decimal(stats["Q"]) == Decimal(trades[-1]["q"])
    last_digit = Decimal(1).scaleb(-len(stats["w"].partition(".")[2]))
    mean = Decimal(stats["w"])
    if market is Market.COINM:
        assert 0 <= volume * CONTRACT / amount - mean < last_digit
    else:
        assert 0 <= amount - mean * volume < last_digit * volume


def test_an_array_holds_only_the_symbols_that_traded_since_the_last_one() -> None:
    run = Run(Market.USDM, symbols=8)
    run.go(300, steps=1, pause_ms=50)
    for name in ("!miniTicker@arr", "!ticker@arr"):
        arrays = run.of(name)
        assert all(arrays)
        assert {len(array) for array in arrays} != {8}
        first_seen: dict[str, int] = {}
        for array in arrays:
            symbols = [item["s"] for item in array]
            assert len(symbols) == len(set(symbols))
            for item in array:
                first_seen.setdefault(item["s"], item["E"])
        assert set(first_seen) == set(run.model.by_symbol)
    seen = len(run.log)
    run.go(100, steps=0, pause_ms=50)
    quiet = {name for name, _ in run.log[seen:]}
    assert not {"!miniTicker@arr", "!ticker@arr"} & quiet


def test_the_quotes_of_all_symbols_come_in_one_futures_stream() -> None:
    run = Run(Market.USDM, symbols=3)
    run.go(10, pause_ms=1000)
    assert [quote["s"] for quote in run.of("!bookTicker")] == [*run.model.by_symbol] * 2


@pytest.mark.parametrize(
    ("market", "stream", "cadence"),
    [
        (Market.SPOT, "btcusdt@depth", 1000),
        (Market.SPOT, "btcusdt@depth@100ms", 100),
        (Market.SPOT, "btcusdt@ticker", 1000),
        (Market.SPOT, "btcusdt@kline_1d", 2000),
        (Market.USDM, "btcusdt@depth", 250),
        (Market.USDM, "btcusdt@depth@500ms", 500),
        (Market.USDM, "btcusdt@depth@100ms", 100),
        (Market.USDM, "btcusdt@miniTicker", 2000),
        (Market.USDM, "btcusdt@kline_1d", 250),
    ],
)
def test_streams_keep_their_cadence(market: Market, stream: str, cadence: int) -> None:
    run = Run(market, symbols=1, wanted={stream})
    run.go(10_000, steps=1, pause_ms=1)
    times = [message["E"] for message in run.of(stream)]
    assert len(times) == 10_000 // cadence
    assert {after - before for before, after in pairwise(times)} == {cadence}


@pytest.mark.parametrize(
    ("market", "stream"),
    [
        (Market.USDM, "btcusdt@trade"),
        (Market.USDM, "btcusdt@kline_1s"),
        (Market.SPOT, "!ticker@arr"),
        (Market.SPOT, "!bookTicker"),
        (Market.SPOT, "btcusdt@depth@500ms"),
        (Market.SPOT, "BTCUSDT@trade"),
        (Market.SPOT, ""),
    ],
)
def test_a_stream_that_the_market_does_not_have_stays_silent(market: Market, stream: str) -> None:
    run = Run(market, wanted={stream})
    run.go(300, pause_ms=50)
    assert run.log == []


def test_only_wanted_streams_are_rendered_and_that_may_change_at_any_time() -> None:
    wanted: set[str] = set()
    run = Run(Market.SPOT, symbols=1, wanted=wanted)
    run.go(50)
    assert run.log == []
    wanted.add("btcusdt@depth@100ms")
    run.go(100)
    wanted.clear()
    run.go(100)
    count = len(run.log)
    wanted.add("btcusdt@depth@100ms")
    run.go(100)
    updates = run.of("btcusdt@depth@100ms")
    assert 0 < count < len(updates) == len(run.log)
    assert updates[count]["U"] > updates[count - 1]["u"] + 1, "what was not wanted was not kept"
    for part in (updates[:count], updates[count:]):
        for before, after in pairwise(part):
            assert after["U"] == before["u"] + 1


def test_late_ticks_are_not_made_up_for_one_by_one() -> None:
    run = Run(Market.SPOT, symbols=1)
    run.go(1, pause_ms=60_000)
    run.go(1, pause_ms=1)
    assert len(run.of("btcusdt@depth@100ms")) == 1
    assert len(run.of("btcusdt@ticker")) == 1


def test_a_candle_in_which_nothing_traded_is_told_of_only_when_it_closes() -> None:
    run = Run(Market.SPOT, symbols=1)
    run.go(100, steps=0, pause_ms=100)
    klines = [message["k"] for message in run.of("btcusdt@kline_1s")]
    assert len(klines) == 10
    assert all(kline["x"] and kline["n"] == 0 and kline["f"] == -1 for kline in klines)


@pytest.mark.parametrize("market", Market)
def test_the_same_seed_and_steps_give_the_same_bytes(market: Market) -> None:
    def log(seed: int) -> list[tuple[str, bytes]]:
        run = Run(market, seed=seed, symbols=8)
        run.go(150, pause_ms=31)
        return run.log

    first = log(11)
    assert first == log(11)
    assert first != log(12)
    assert len(first) > 2000
