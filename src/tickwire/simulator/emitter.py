"""Decides which stream messages an event of the market or the passing of time gives.

Pure: the market model and the time go in, pairs of stream name and payload come out through
``publish``. A payload is rendered only if ``wanted`` contains its stream, and once, however many
listen. The same steps and times give the same messages in the same order.
"""

from __future__ import annotations

import heapq
from functools import partial
from typing import TYPE_CHECKING

from tickwire.simulator.payloads import Payloads
from tickwire.simulator.streams import SCHEDULES

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Sequence

    from tickwire.simulator.candles import Candle
    from tickwire.simulator.market import Fill, Instrument, MarketModel
    from tickwire.simulator.options import Market

    Publish = Callable[[str, bytes], None]

__all__ = ["Emitter"]

_TOP_LEVELS = (5, 10, 20)


class Emitter:
    """Turns the model's state into stream messages.

    Args:
        model: The market, opened with as many depth windows as the market has cadences
            (``len(SCHEDULES[market].depth)``).
        market: The dialect.
        publish: Called with each stream name and payload. The bytes may be kept.
        wanted: The streams that somebody listens to, looked up at each event; may change at any
            time.
        start_ms: Time of the opening.
    """

    def __init__(
        self,
        model: MarketModel,
        *,
        market: Market,
        publish: Publish,
        wanted: Container[str],
        start_ms: int,
    ) -> None:
        self._model = model
        self._publish = publish
        self._wanted = wanted
        self._streams = [
            _InstrumentStreams(instrument, market, publish, wanted)
            for instrument in model.instruments
        ]
        self._by_symbol = {s.instrument.spec.symbol: s for s in self._streams}
        # The trade id up to which each array stream has told about each symbol.
        self._told: dict[tuple[str, int], int] = {}
        self._timers: list[tuple[int, int, int, Callable[[int], None]]] = []
        self._schedule(market, start_ms)

    def step(self, now_ms: int) -> None:
        """One step of the market, and the messages that are sent at once."""
        event = self._model.step(now_ms)
        streams = self._streams[event.instrument.index]
        if event.fills:
            streams.send_fills(event.fills, now_ms)
        if event.best_changed:
            streams.send_book_ticker(now_ms)

    def tick(self, now_ms: int) -> None:
        """The messages that are due by ``now_ms``: closed candles first, then what has a cadence.

        Where ticks come late, a cadence is not caught up with: its next message holds everything.
        """
        for streams in self._streams:
            streams.close_candles(now_ms)
        timers = self._timers
        while timers[0][0] <= now_ms:
            due, order, period, send = timers[0]
            due += period
            if due <= now_ms:
                due = now_ms + period
            heapq.heapreplace(timers, (due, order, period, send))
            send(now_ms)

    def snapshot(self, symbol: str, limit: int, now_ms: int) -> bytes | None:
        """The REST depth answer for a symbol, ``limit`` levels a side; None for an unknown one."""
        streams = self._by_symbol.get(symbol)
        return streams.payloads.snapshot(limit, now_ms) if streams else None

    def _schedule(self, market: Market, start_ms: int) -> None:
        """Spread the instruments over each period, so that they do not all send at one instant."""
        schedule = SCHEDULES[market]
        for index, streams in enumerate(self._streams):
            for period, send in streams.periodic():
                self._add_timer(start_ms + period * index // len(self._streams), period, send)
        self._add_array(start_ms, "!miniTicker@arr", Payloads.mini_ticker, schedule.ticker_array)
        if schedule.has_ticker_array:
            self._add_array(start_ms, "!ticker@arr", Payloads.ticker, schedule.ticker_array)
        if schedule.book_ticker_array:
            self._add_timer(start_ms, schedule.book_ticker_array, self._all_book_tickers)

    def _add_array(
        self, start_ms: int, name: str, render: Callable[[Payloads, int], bytes], period: int
    ) -> None:
        self._add_timer(start_ms, period, partial(self._array, name, render))

    def _add_timer(self, start_ms: int, period: int, send: Callable[[int], None]) -> None:
        heapq.heappush(self._timers, (start_ms + period, len(self._timers), period, send))

    def _array(self, name: str, render: Callable[[Payloads, int], bytes], now_ms: int) -> None:
        """The statistics of every symbol that traded since the last message of the stream."""
        if name not in self._wanted:
            return
        items = []
        for index, streams in enumerate(self._streams):
            trade_id = streams.instrument.next_trade_id
            if self._told.get((name, index)) != trade_id:
                self._told[name, index] = trade_id
                items.append(render(streams.payloads, now_ms))
        if items:
            self._publish(name, b"[" + b",".join(items) + b"]")

    def _all_book_tickers(self, now_ms: int) -> None:
        if "!bookTicker" in self._wanted:
            for streams in self._streams:
                self._publish("!bookTicker", streams.payloads.book_ticker(now_ms))


class _InstrumentStreams:
    """The streams of one instrument: their names, and when each has something to say."""

    __slots__ = (
        "_agg_trade",
        "_book_ticker",
        "_klines",
        "_mini_ticker",
        "_publish",
        "_schedule",
        "_sent_klines",
        "_symbol",
        "_ticker",
        "_trade",
        "_wanted",
        "instrument",
        "payloads",
    )

    def __init__(
        self, instrument: Instrument, market: Market, publish: Publish, wanted: Container[str]
    ) -> None:
        self.instrument = instrument
        self.payloads = Payloads(instrument, market)
        self._publish = publish
        self._wanted = wanted
        self._schedule = SCHEDULES[market]
        self._symbol = symbol = instrument.spec.symbol.lower()
        self._trade = f"{symbol}@trade" if self._schedule.has_trades else None
        self._agg_trade = f"{symbol}@aggTrade"
        self._book_ticker = f"{symbol}@bookTicker"
        self._mini_ticker = f"{symbol}@miniTicker"
        self._ticker = f"{symbol}@ticker"
        self._klines = {
            interval: f"{symbol}@kline_{interval}"
            for _, intervals in self._schedule.klines
            for interval in intervals
        }
        self._sent_klines: dict[str, int] = {}

    def periodic(self) -> Iterator[tuple[int, Callable[[int], None]]]:
        """Everything that is sent at intervals: the interval in ms, and what sends it."""
        for window, (period, suffixes) in enumerate(self._schedule.depth):
            diffs = tuple(f"{self._symbol}@depth{suffix}" for suffix in suffixes)
            tops = tuple(
                (count, f"{self._symbol}@depth{count}{suffix}")
                for suffix in suffixes
                for count in _TOP_LEVELS
            )
            yield period, partial(self._send_depth, window, diffs, tops)
        for period, intervals in self._schedule.klines:
            yield period, partial(self._send_klines, intervals)
        yield self._schedule.ticker, self._send_tickers

    def send_fills(self, fills: Sequence[Fill], now_ms: int) -> None:
        if self._trade is not None and self._trade in self._wanted:
            for fill in fills:
                for payload in self.payloads.trades(fill, now_ms):
                    self._publish(self._trade, payload)
        if self._agg_trade in self._wanted:
            for fill in fills:
                self._publish(self._agg_trade, self.payloads.agg_trade(fill, now_ms))

    def send_book_ticker(self, now_ms: int) -> None:
        if self._book_ticker in self._wanted:
            self._publish(self._book_ticker, self.payloads.book_ticker(now_ms))

    def close_candles(self, now_ms: int) -> None:
        candles = self.instrument.candles
        if now_ms >= candles.second_end_ms:
            candles.roll(now_ms)
        for interval, candle in candles.closed:
            # The market may have no stream for an interval: futures have no 1s.
            name = self._klines.get(interval)
            if name is not None and name in self._wanted:
                self._send_kline(name, interval, candle, now_ms, is_closed=True)
        candles.closed.clear()

    def _send_kline(
        self, name: str, interval: str, candle: Candle, now_ms: int, *, is_closed: bool
    ) -> None:
        self._publish(name, self.payloads.kline(interval, candle, now_ms, is_closed=is_closed))

    def _send_klines(self, intervals: tuple[str, ...], now_ms: int) -> None:
        """The running candles in which something traded since they were last sent."""
        for interval in intervals:
            name = self._klines[interval]
            if name not in self._wanted:
                continue
            candle = self.instrument.candles.current(interval)
            if candle.count and self._sent_klines.get(interval) != candle.last_id:
                self._sent_klines[interval] = candle.last_id
                self._send_kline(name, interval, candle, now_ms, is_closed=False)

    def _send_tickers(self, now_ms: int) -> None:
        if self._mini_ticker in self._wanted:
            self._publish(self._mini_ticker, self.payloads.mini_ticker(now_ms))
        if self._ticker in self._wanted:
            self._publish(self._ticker, self.payloads.ticker(now_ms))

    def _send_depth(
        self, window: int, diffs: tuple[str, ...], tops: tuple[tuple[int, str], ...], now_ms: int
    ) -> None:
        book, wanted = self.instrument.book, self._wanted
        diffs = tuple(name for name in diffs if name in wanted)
        tops = tuple((count, name) for count, name in tops if name in wanted)
        if not diffs and not tops:
            book.windows[window].restart()
            return
        change = book.take(window)
        if change is None:
            return
        if diffs:
            payload = self.payloads.depth_diff(change, now_ms)
            for name in diffs:
                self._publish(name, payload)
        for count, name in tops:
            self._publish(name, self.payloads.depth_top(count, change, now_ms))
