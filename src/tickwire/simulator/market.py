"""A seeded market: order books that live, and the trades that come of it.

Each step is one order event at one instrument: a limit order that rests, a cancellation, or a
market order that takes from the other side. All that the venue publishes is derived from this one
state, so trades, quotes, candles, depth changes and snapshots cannot disagree:

- every step changes the book and has one update id. Spot ids count up by one per instrument;
  futures ids are drawn from one counter over all instruments, and leave holes, as the venue's do;
- a market order trades at the prices of the levels it takes from, best first, and at nothing else;
- a resting order never reaches the other side, so the book is never crossed;
- a side has at least ``MIN_LEVELS`` and at most ``MAX_LEVELS`` levels.

The price wanders because the side that is taken from thins out while new orders close the gap from
both sides. A pull towards the start price, growing with the distance, keeps it positive for ever.

There is no clock and no I/O here, and one generator of random numbers: the same seed and the same
times give the same market.
"""

from __future__ import annotations

from collections import deque
from math import log
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from tickwire.errors import ConfigurationError
from tickwire.simulator.book import Book, BookSide
from tickwire.simulator.candles import Candles
from tickwire.simulator.options import Market
from tickwire.simulator.symbols import NumberText

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tickwire.simulator.symbols import SymbolSpec

__all__ = ["MAX_LEVELS", "MIN_LEVELS", "Fill", "Instrument", "MarketEvent", "MarketModel"]

MIN_LEVELS = 25
TARGET_LEVELS = 200
MAX_LEVELS = 500
MIN_TICKS = 1000
"""The lowest start price in ticks: below it the bids would run out of room above zero."""

_TRADE_SHARE = 0.2
_INSIDE_SHARE = 0.35
"""Share of the new orders that improve on the best price, where the spread leaves room."""
_FULL_CANCEL_SHARE = 0.7
_CANCEL_DEPTH = 30.0
_SWEEP = 1.3
"""A market order takes up to this multiple of the best level, so some reach the next one."""
_MAX_PARTS = 3
"""Resting orders that one fill at one price may consist of: each is a trade of its own."""
_PULL = 4.0
_ORDER_NOTIONAL = 2_000.0
_RECENT_FILLS = 1000
"""Fills that an instrument remembers: as many trades as the venue tells at once."""


class Fill(NamedTuple):
    """What one market order traded at one price: an aggregate trade, and the trades in it.

    Attributes:
        aggregate_id: Counts up by one per instrument.
        price: Ticks.
        lots: The sum of ``parts``.
        first_id: Trade id of the first part; the others follow without a hole.
        parts: Lots of each trade.
        buyer_is_maker: True when the market order sold.
    """

    aggregate_id: int
    price: int
    lots: int
    first_id: int
    parts: tuple[int, ...]
    buyer_is_maker: bool

    @property
    def last_id(self) -> int:
        return self.first_id + len(self.parts) - 1


class MarketEvent(NamedTuple):
    """The outcome of one step."""

    instrument: Instrument
    fills: Sequence[Fill]
    best_changed: bool
    """Whether the best bid or the best ask changed in price or quantity."""


class Instrument:
    """The state of one instrument.

    Attributes:
        index: Its place in :attr:`MarketModel.instruments`.
        spec: Its fixed properties.
        book: Its order book.
        candles: Its candles and statistics.
        recent: The latest fills with their times in ms, oldest first.
        next_trade_id, next_aggregate_id: The ids that the next trade gets.
    """

    __slots__ = (
        "book",
        "candles",
        "index",
        "lots_scale",
        "next_aggregate_id",
        "next_trade_id",
        "recent",
        "spacing",
        "spec",
    )

    def __init__(
        self,
        index: int,
        spec: SymbolSpec,
        update_id: int,
        trade_id: int,
        cadences: int,
        now_ms: int,
        turnover: Callable[[int, int], int] | None,
    ) -> None:
        self.index = index
        self.spec = spec
        self.book = Book(update_id, cadences)
        self.candles = Candles(spec.start_ticks, now_ms, turnover)
        self.recent: deque[tuple[int, Fill]] = deque(maxlen=_RECENT_FILLS)
        self.next_trade_id = trade_id
        self.next_aggregate_id = trade_id // 2
        # Mean distance of a new order from the best price, in ticks.
        self.spacing = max(30.0, spec.start_ticks * 5e-5)
        lot_worth = spec.contract_size or float(spec.start_price)
        self.lots_scale = max(1.0, _ORDER_NOTIONAL / lot_worth / float(spec.lot_step))


class MarketModel:
    """All instruments, and the steps that move them.

    Args:
        specs: The instruments, at least one, each with room for ``MIN_LEVELS`` ticks under its
            price.
        seed: Of the random numbers.
        market: Decides how update ids are dealt out.
        cadences: How many independent depth windows each book keeps.
        start_ms: Time of the opening, ms since the Unix epoch.

    Raises:
        ConfigurationError: No instrument, one named twice, or a price too close to zero. Retry: no.
    """

    def __init__(
        self,
        specs: Sequence[SymbolSpec],
        *,
        seed: int,
        market: Market,
        cadences: int,
        start_ms: int,
    ) -> None:
        if not specs:
            raise ConfigurationError("a market needs at least one symbol")
        self._random = Random(seed)
        self._market = market
        self._shared_ids = market is not Market.SPOT
        self._update_id = self._draw(1_000_000_000, 9_000_000_000)
        self.instruments: list[Instrument] = []
        self.by_symbol: dict[str, Instrument] = {}
        for spec in specs:
            if spec.symbol in self.by_symbol:
                raise ConfigurationError(f"{spec.symbol} is named twice")
            if spec.start_ticks < MIN_TICKS:
                raise ConfigurationError(f"{spec.symbol}: the tick is too large for its price")
            instrument = self._open(len(self.instruments), spec, cadences, start_ms)
            self.instruments.append(instrument)
            self.by_symbol[spec.symbol] = instrument

    def step(self, now_ms: int) -> MarketEvent:
        """One order event at one instrument, at ``now_ms``. Times must not run backwards."""
        draw = self._random.random
        instrument = self.instruments[int(draw() * len(self.instruments))]
        book = instrument.book
        bid, ask = book.bids.best_level(), book.asks.best_level()
        fills: Sequence[Fill] = ()
        if draw() < _TRADE_SHARE:
            fills = self._trade(instrument, now_ms)
        if not fills:
            self._quote(instrument)
        book.commit(self._next_update_id(book))
        best_changed = bid != book.bids.best_level() or ask != book.asks.best_level()
        return MarketEvent(instrument, fills, best_changed)

    def _draw(self, low: int, high: int) -> int:
        return low + int(self._random.random() * (high - low))

    def _exponential(self, mean: float) -> int:
        return int(-log(1.0 - self._random.random()) * mean)

    def _next_update_id(self, book: Book) -> int:
        if not self._shared_ids:
            return book.last_update_id + 1
        self._update_id += 1 + int(self._random.random() * 4)
        return self._update_id

    def _open(self, index: int, spec: SymbolSpec, cadences: int, start_ms: int) -> Instrument:
        first_id = self._update_id if self._shared_ids else self._draw(10_000_000, 900_000_000)
        trade_id = self._draw(1_000_000, 90_000_000)
        turnover = NumberText(spec, self._market).turnover_of if spec.contract_size else None
        instrument = Instrument(index, spec, first_id, trade_id, cadences, start_ms, turnover)
        book = instrument.book
        half_spread = max(1, int(instrument.spacing / 20))
        for side, edge in (
            (book.bids, spec.start_ticks - half_spread),
            (book.asks, spec.start_ticks + half_spread),
        ):
            price = edge
            for _ in range(TARGET_LEVELS):
                side.put(price, self._order_lots(instrument))
                price = side.away(price, 1 + self._exponential(instrument.spacing / 8))
                if price < 1:
                    break
        book.open()
        return instrument

    def _order_lots(self, instrument: Instrument) -> int:
        return 1 + self._exponential(instrument.lots_scale)

    def _trade(self, instrument: Instrument, now_ms: int) -> list[Fill]:
        """A market order. It ends early rather than thin a side out below ``MIN_LEVELS``."""
        book, start = instrument.book, instrument.spec.start_ticks
        pull = _PULL * (start - book.bids.best) / start
        taker_buys = self._random.random() < 0.5 + min(0.4, max(-0.4, pull))
        side = book.asks if taker_buys else book.bids
        wanted = 1 + int(self._random.random() * side.best_level()[1] * _SWEEP)
        fills: list[Fill] = []
        while wanted and len(side) > MIN_LEVELS:
            price, resting = side.best_level()
            lots = min(wanted, resting)
            side.put(price, resting - lots)
            wanted -= lots
            fills.append(self._fill(instrument, price, lots, now_ms, taker_buys=taker_buys))
        return fills

    def _fill(
        self, instrument: Instrument, price: int, lots: int, now_ms: int, *, taker_buys: bool
    ) -> Fill:
        count = 1 + int(self._random.random() * min(_MAX_PARTS, lots))
        share, rest = divmod(lots, count)
        parts = (share + rest, *(share,) * (count - 1))
        fill = Fill(
            instrument.next_aggregate_id,
            price,
            lots,
            instrument.next_trade_id,
            parts,
            not taker_buys,
        )
        instrument.recent.append((now_ms, fill))
        instrument.next_aggregate_id += 1
        instrument.next_trade_id += count
        instrument.candles.add(
            price, lots, fill.first_id, fill.last_id, taker_buys=taker_buys, now_ms=now_ms
        )
        return fill

    def _quote(self, instrument: Instrument) -> None:
        """A resting order or a cancellation, whichever brings the side towards its usual size."""
        draw = self._random.random
        book = instrument.book
        is_bid = draw() < 0.5
        side, other = (book.bids, book.asks) if is_bid else (book.asks, book.bids)
        size = len(side)
        add_share = min(0.95, max(0.05, 1.0 - size / (2 * TARGET_LEVELS)))
        if size <= MIN_LEVELS or draw() < add_share:
            self._add(instrument, side, other)
        else:
            self._cancel(side)

    def _add(self, instrument: Instrument, side: BookSide, other: BookSide) -> None:
        best = side.best
        room = abs(other.best - best) - 1
        if room and self._random.random() < _INSIDE_SHARE:
            price = side.away(best, -1 - int(self._random.random() * room))
        else:
            price = max(1, side.away(best, self._exponential(instrument.spacing)))
        side.put(price, side.lots.get(price, 0) + self._order_lots(instrument))
        if len(side) > MAX_LEVELS:
            side.put(side.price_at(len(side) - 1), 0)

    def _cancel(self, side: BookSide) -> None:
        depth = min(self._exponential(_CANCEL_DEPTH), len(side) - 1)
        price = side.price_at(depth)
        lots = side.lots[price]
        if self._random.random() < _FULL_CANCEL_SHARE:
            side.put(price, 0)
        else:
            side.put(price, int(self._random.random() * lots))
